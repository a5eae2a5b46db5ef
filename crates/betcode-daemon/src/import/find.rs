//! Where Claude Code keeps its conversations, and which of them are of a directory.
//!
//! `$CLAUDE_CONFIG_DIR`, else `$HOME/.claude`, holds `projects/NAME/ID.jsonl` (see `history::directory_name` for the name),
//! with the transcripts of sub-agents in `projects/NAME/ID/subagents/`, and `sessions/*.json`, one for each process that runs.
//!
//! Only plain files of this user are opened, never a link, a pipe or a device; opening never waits.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use betcode_agents::history::{Outline, directory_name};
use betcode_core::command::{Environment, Rejected};
use betcode_core::time::Timestamp;
use betcode_proto::status::{Refusal, reason};
use rustix::fs::OFlags;
use rustix::process::{Pid, getuid, test_kill_process};
use serde::Deserialize;
use tonic::Code;
use uuid::Uuid;

use super::{Importable, lines};
use crate::text;

/// A file that changed so lately may be in use.
const LATELY: Duration = Duration::from_secs(10);
/// The most processes that are looked at.
const MOST_PROCESSES: usize = 512;
/// How many places an error names.
const NAMED_PLACES: usize = 5;

/// Where the conversations of one user are.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    directory: PathBuf,
}

/// A transcript.
#[derive(Debug, Clone)]
pub(crate) struct Transcript {
    pub(crate) path: PathBuf,
    pub(crate) id: Uuid,
    changed: Timestamp,
}

/// A conversation in a file that is open.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) transcript: Transcript,
    pub(crate) file: File,
    pub(crate) size: u64,
    pub(crate) outline: Outline,
}

/// Which one is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Its id or the beginning of it; empty for the newest.
    pub(crate) id: String,
    /// The directory, absolute and with links resolved.
    pub(crate) cwd: PathBuf,
    /// The user named that directory.
    pub(crate) cwd_chosen: bool,
}

/// The conversations of a directory.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) all: Vec<Importable>,
    pub(crate) place: String,
    pub(crate) older: usize,
    pub(crate) notices: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    pid: i32,
    session_id: String,
}

impl Base {
    /// Where this environment says.
    pub(crate) fn of(environment: &Environment, cwd: &Path) -> Result<Self, Rejected> {
        let variable = |name: &str| {
            let value = environment.0.get(name);
            value.filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let directory = variable("CLAUDE_CONFIG_DIR")
            .or_else(|| Some(variable("HOME")?.join(".claude")))
            .ok_or_else(|| Rejected::Invalid {
                field: "environment",
                problem: "has neither HOME nor CLAUDE_CONFIG_DIR, so nobody knows where Claude Code keeps its sessions"
                    .to_owned(),
            })?;
        Ok(Self {
            directory: cwd.join(directory),
        })
    }

    fn projects(&self) -> PathBuf {
        self.directory.join("projects")
    }

    /// The directories that may hold transcripts of this one: more than one where a name was cut.
    fn places(&self, cwd: &Path) -> Vec<PathBuf> {
        let (name, is_longer) = directory_name(&cwd.to_string_lossy());
        if !is_longer {
            return vec![self.projects().join(name)];
        }
        let mut places: Vec<PathBuf> = directories(&self.projects());
        places.retain(|place| {
            let found = place.file_name().and_then(|found| found.to_str());
            found.is_some_and(|found| found.starts_with(&name))
        });
        places
    }

    /// Where it would be looked for, for people.
    fn place(&self, cwd: &Path) -> String {
        let (name, _) = directory_name(&cwd.to_string_lossy());
        self.projects().join(name).display().to_string()
    }

    /// The conversations of a directory, the newest first, at most `limit` of them.
    pub(crate) fn list(&self, cwd: &Path, limit: usize, now: Timestamp) -> Listed {
        let mut notices = Vec::new();
        let mut transcripts = self.transcripts(cwd, &mut notices);
        let older = transcripts.len().saturating_sub(limit);
        transcripts.truncate(limit);
        let running = self.running();
        let all = transcripts
            .into_iter()
            .filter_map(|transcript| match look(transcript.clone()) {
                Ok(found) => is_of(&found.outline, cwd).then(|| Importable {
                    id: transcript.id,
                    changed: transcript.changed,
                    in_use: running.contains(&transcript.id) || transcript.changed_lately(now),
                    outline: found.outline,
                }),
                Err(error) => {
                    notices.push(passed_over(&transcript.path, &error.to_string()));
                    None
                }
            });
        Listed {
            all: all.collect(),
            place: self.place(cwd),
            older,
            notices,
        }
    }

    /// The one that is wanted.
    pub(crate) fn find(&self, wanted: &Wanted) -> Result<Found, Refusal> {
        let mut notices = Vec::new();
        let wanted_id = wanted.id.to_ascii_lowercase();
        let here = self.transcripts(&wanted.cwd, &mut notices);
        let mut fitting = here
            .into_iter()
            .filter(|transcript| transcript.id.to_string().starts_with(&wanted_id));
        while let Some(transcript) = fitting.next() {
            if !wanted.id.is_empty()
                && let Some(other) = fitting.next()
            {
                return Err(ambiguous(&wanted.id, transcript.id, other.id));
            }
            let found =
                look(transcript.clone()).map_err(|error| unreadable(&transcript.path, &error))?;
            if !wanted.id.is_empty() || is_of(&found.outline, &wanted.cwd) {
                return Ok(found);
            }
        }
        if wanted.id.is_empty() {
            return Err(self.nothing_here(&wanted.cwd, &notices));
        }
        self.find_elsewhere(wanted, &wanted_id, &notices)
    }

    /// It is not where the user looks: under a directory that is gone it still counts, otherwise they are told.
    fn find_elsewhere(
        &self,
        wanted: &Wanted,
        id: &str,
        notices: &[String],
    ) -> Result<Found, Refusal> {
        let mut elsewhere = Vec::new();
        for place in directories(&self.projects()) {
            let all = transcripts_in(&place, &mut Vec::new());
            elsewhere.extend(
                all.into_iter()
                    .filter(|found| found.id.to_string().starts_with(id)),
            );
        }
        elsewhere.sort_by_key(|transcript| transcript.id);
        elsewhere.dedup_by_key(|transcript| transcript.id);
        match elsewhere.as_slice() {
            [] => Err(self.nothing_of(&wanted.id, &wanted.cwd, notices)),
            [transcript] => {
                let found = look(transcript.clone())
                    .map_err(|error| unreadable(&transcript.path, &error))?;
                let begun_in = found.outline.cwd.clone();
                if wanted.cwd_chosen && !Path::new(&begun_in).is_dir() {
                    return Ok(found);
                }
                let message = format!(
                    "Claude Code's session {} is not one of {}",
                    transcript.id,
                    wanted.cwd.display()
                );
                let hint = if Path::new(&begun_in).is_dir() {
                    format!(
                        "it is of {begun_in}: betcode session import {} --cwd {}",
                        transcript.id,
                        shell_words::quote(&begun_in)
                    )
                } else {
                    format!(
                        "it is of {begun_in}, which is gone; name the directory to work in: \
                         betcode session import {} --cwd DIR",
                        transcript.id
                    )
                };
                Err(not_found(message).hint(hint))
            }
            [first, second, ..] => Err(ambiguous(&wanted.id, first.id, second.id)),
        }
    }

    fn nothing_of(&self, id: &str, cwd: &Path, notices: &[String]) -> Refusal {
        let message = format!("Claude Code has no session {id} in {}", cwd.display());
        not_found(message).hint(self.looked_in(cwd, notices))
    }

    fn nothing_here(&self, cwd: &Path, notices: &[String]) -> Refusal {
        let message = format!("Claude Code has no session in {}", cwd.display());
        not_found(message).hint(self.looked_in(cwd, notices))
    }

    /// Where it was looked for, and where there is something.
    fn looked_in(&self, cwd: &Path, notices: &[String]) -> String {
        let mut hint = format!("looked in {}", self.place(cwd));
        for notice in notices {
            hint = format!("{hint}; {notice}");
        }
        let mut places: Vec<(Timestamp, String)> = Vec::new();
        for place in directories(&self.projects()) {
            let all = transcripts_in(&place, &mut Vec::new());
            let newest = all.first().and_then(|transcript| {
                let (file, data) = open(&transcript.path).ok()?;
                let begun_in = lines::begun_in(file, data.len()).ok()?;
                Some((transcript.changed, begun_in)).filter(|(_, cwd)| !cwd.is_empty())
            });
            places.extend(newest);
        }
        places.sort();
        places.reverse();
        places.dedup_by(|one, other| one.1 == other.1);
        let more = places.len().saturating_sub(NAMED_PLACES);
        places.truncate(NAMED_PLACES);
        let names: Vec<String> = places.into_iter().map(|(_, name)| name).collect();
        match (names.is_empty(), more) {
            (true, _) => format!("{hint}; there are none elsewhere either"),
            (false, 0) => format!("{hint}; there are some in {}", names.join(", ")),
            (false, more) => format!(
                "{hint}; there are some in {} and {more} more",
                names.join(", ")
            ),
        }
    }

    /// Every transcript that may be of a directory, the newest first.
    fn transcripts(&self, cwd: &Path, notices: &mut Vec<String>) -> Vec<Transcript> {
        let places = self.places(cwd);
        let mut all: Vec<Transcript> = places
            .iter()
            .flat_map(|place| transcripts_in(place, notices))
            .collect();
        all.sort_by_key(|transcript| (std::cmp::Reverse(transcript.changed), transcript.id));
        all
    }

    /// Another process seems to use it.
    pub(crate) fn is_in_use(&self, transcript: &Transcript, now: Timestamp) -> bool {
        transcript.changed_lately(now) || self.running().contains(&transcript.id)
    }

    /// The conversations of processes that run, as they say themselves.
    fn running(&self) -> Vec<Uuid> {
        let files = plain_files(&self.directory.join("sessions"));
        let json = files
            .iter()
            .filter(|file| file.extension() == Some("json".as_ref()))
            .take(MOST_PROCESSES);
        let processes = json.filter_map(|file| {
            let text = text::whole(file).ok()??;
            let process: Process = serde_json::from_str(&text).ok()?;
            let pid = Pid::from_raw(process.pid).filter(|_| process.pid > 0)?;
            test_kill_process(pid).ok()?;
            process.session_id.parse().ok()
        });
        processes.collect()
    }
}

impl Transcript {
    fn changed_lately(&self, now: Timestamp) -> bool {
        now.since(self.changed) < LATELY
    }

    /// Where the transcripts of its sub-agents are.
    pub(crate) fn companions(&self) -> PathBuf {
        self.path.with_extension("")
    }
}

/// True for a conversation of this directory, and not of another one whose name becomes the same.
fn is_of(outline: &Outline, cwd: &Path) -> bool {
    let cwd = cwd.to_string_lossy();
    outline.cwd.is_empty()
        || outline.cwd == cwd
        || directory_name(&outline.cwd) != directory_name(&cwd)
}

/// The transcripts in a directory, the newest first. Whatever has such a name and is no file of ours is named.
fn transcripts_in(directory: &Path, notices: &mut Vec<String>) -> Vec<Transcript> {
    let mut all = Vec::new();
    for path in entries(directory) {
        let id = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".jsonl"))
            .filter(|name| name.len() == 36)
            .and_then(|name| Uuid::parse_str(name).ok());
        let Some(id) = id else {
            continue;
        };
        match path
            .symlink_metadata()
            .and_then(|data| is_ours(&data).map(|()| data))
        {
            Ok(data) => all.push(Transcript {
                path,
                id,
                changed: changed(&data),
            }),
            Err(error) => notices.push(passed_over(&path, &error.to_string())),
        }
    }
    all.sort_by_key(|transcript| (std::cmp::Reverse(transcript.changed), transcript.id));
    all
}

fn look(transcript: Transcript) -> io::Result<Found> {
    let (file, data) = open(&transcript.path)?;
    let outline = lines::survey(file.try_clone()?, data.len())?;
    Ok(Found {
        transcript,
        file,
        size: data.len(),
        outline,
    })
}

/// Opens a plain file of this user. Never waits and never follows a link.
pub(super) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    is_ours(&path.symlink_metadata()?)?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let data = file.metadata()?;
    is_ours(&data)?;
    Ok((file, data))
}

/// An error that says what is wrong with it, unless it is a plain file of this user.
fn is_ours(data: &Metadata) -> io::Result<()> {
    let kind = data.file_type();
    let problem = if kind.is_symlink() {
        "it is a link"
    } else if kind.is_dir() {
        "it is a directory"
    } else if !kind.is_file() {
        "it is not a file"
    } else if data.uid() != getuid().as_raw() {
        "it belongs to another user"
    } else {
        return Ok(());
    };
    Err(io::Error::other(problem))
}

fn changed(data: &Metadata) -> Timestamp {
    let changed = data.modified().ok();
    let since = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Timestamp(0).plus(since.unwrap_or_default())
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    all.sort();
    all
}

fn directories(directory: &Path) -> Vec<PathBuf> {
    let mut all = entries(directory);
    all.retain(|path| path.is_dir());
    all
}

/// The files of a directory that are no links, by name.
pub(super) fn plain_files(directory: &Path) -> Vec<PathBuf> {
    let mut all = entries(directory);
    all.retain(|path| path.symlink_metadata().is_ok_and(|data| data.is_file()));
    all
}

fn passed_over(path: &Path, problem: &str) -> String {
    format!("{} is passed over: {problem}", path.display())
}

fn unreadable(path: &Path, error: &io::Error) -> Refusal {
    let message = format!("{} cannot be read: {error}", path.display());
    Refusal::new(Code::FailedPrecondition, reason::NOT_IMPORTABLE, message)
}

fn not_found(message: String) -> Refusal {
    Refusal::new(Code::NotFound, reason::SESSION_NOT_FOUND, message)
}

fn ambiguous(prefix: &str, one: Uuid, other: Uuid) -> Refusal {
    let message =
        format!("{prefix} fits several of Claude Code's sessions, {one} and {other} among them");
    Refusal::new(Code::InvalidArgument, reason::SESSION_AMBIGUOUS, message)
        .hint("give more of the id")
}
