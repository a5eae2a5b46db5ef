//! What is known about an installed agent: its version, and whether it is logged in. It runs nothing but `COMMAND --version`,
//! for at most five seconds, and never reads a credential: only whether one is there.

use std::collections::HashMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use betcode_agents::UPDATE_CLAUDE;
use betcode_core::command::{Environment, Rejected};
use betcode_core::id::AgentName;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::clock::Clock;

/// How long an agent may take to tell its version.
pub const LIMIT: Duration = Duration::from_secs(5);
/// More than this is not a version.
const LONGEST_OUTPUT: usize = 16 << 10;
/// The oldest Claude Code with which this was seen to work, and the newest with which it was tested.
const CLAUDE_FROM: [u64; 3] = [2, 1, 197];
const CLAUDE_TESTED: [u64; 3] = [2, 1, 330];

/// What an agent says about its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// It says this.
    Known(String),
    /// It cannot be known.
    Unreadable {
        /// Why.
        why: String,
    },
}

impl Version {
    /// The version as it is written; empty when it is not known.
    pub fn text(&self) -> &str {
        match self {
            Self::Known(text) => text,
            Self::Unreadable { .. } => "",
        }
    }

    /// Refuses a version that is too old. Returns a line for the user when it cannot be known.
    pub fn supported(&self, agent: &AgentName) -> Result<Option<String>, Rejected> {
        match self {
            Self::Unreadable { why } => Ok(Some(format!(
                "The version of agent {agent} is not known: {why}."
            ))),
            Self::Known(text) if agent.0 == AgentName::CLAUDE => {
                if numbers(text).is_none_or(|version| version >= CLAUDE_FROM) {
                    return Ok(None);
                }
                Err(Rejected::Agent {
                    message: format!(
                        "claude {text} is too old: BetCode needs {} or newer",
                        dotted(CLAUDE_FROM)
                    ),
                    hint: UPDATE_CLAUDE.to_owned(),
                })
            }
            Self::Known(_) => Ok(None),
        }
    }

    /// A line for the user when this does not work or was not tried.
    pub fn warning(&self, agent: &AgentName) -> Option<String> {
        match self.supported(agent) {
            Err(Rejected::Agent { message, hint }) => Some(format!("{message}; {hint}")),
            Err(other) => Some(other.to_string()),
            Ok(Some(doubt)) => Some(doubt),
            Ok(None) => {
                let newer = agent.0 == AgentName::CLAUDE
                    && numbers(self.text()).is_some_and(|version| version > CLAUDE_TESTED);
                newer.then(|| format!("newer than tested ({})", dotted(CLAUDE_TESTED)))
            }
        }
    }
}

fn dotted([major, minor, patch]: [u64; 3]) -> String {
    format!("{major}.{minor}.{patch}")
}

/// The versions of programs as they stand on the disk, so that each is asked once.
#[derive(Debug, Default)]
pub struct Versions(Mutex<HashMap<Mark, Version>>);

/// A program as it stands on the disk: another file in its place has another mark.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Mark {
    program: String,
    file: [u64; 3],
    changed: [i64; 2],
}

impl Mark {
    fn of(program: &str) -> Option<Self> {
        let data = std::fs::metadata(program).ok()?;
        Some(Self {
            program: program.to_owned(),
            file: [data.dev(), data.ino(), data.len()],
            changed: [data.ctime(), data.ctime_nsec()],
        })
    }
}

impl Versions {
    /// The version that a program tells. It may run it: this blocks. A version that cannot be known is asked for again.
    pub fn of(
        &self,
        clock: &Clock,
        command: &[String],
        cwd: &Path,
        environment: &Environment,
    ) -> Version {
        let mark = command.first().and_then(|program| Mark::of(program));
        let known = |versions: &HashMap<Mark, Version>| versions.get(mark.as_ref()?).cloned();
        let locked = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known(&locked());
        if let Some(version) = found {
            return version;
        }
        let version = ask(clock, command, cwd, environment, LIMIT);
        if let (Some(mark), Version::Known(_)) = (mark, &version) {
            locked().insert(mark, version.clone());
        }
        version
    }
}

/// Whether an agent can reach its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// There is a key, a token, or an account's credentials.
    Yes,
    /// There is nothing of that kind.
    No,
    /// It cannot be seen from outside.
    Unknown,
    /// It needs none.
    NotNeeded,
}

impl Login {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::NotNeeded => "not needed",
        }
    }
}

/// Asks a program for its version without blocking the caller's thread.
pub async fn version(
    clock: &Clock,
    command: &[String],
    cwd: &Path,
    environment: Environment,
) -> Version {
    let (clock, command, cwd) = (clock.clone(), command.to_vec(), cwd.to_owned());
    let asked =
        tokio::task::spawn_blocking(move || ask(&clock, &command, &cwd, &environment, LIMIT));
    asked
        .await
        .unwrap_or_else(|_| unreadable("asking for it failed"))
}

/// Whether an agent is logged in, as far as its environment and the presence of files tell.
pub fn login(agent: &AgentName, environment: &Environment) -> Login {
    let set = |name: &str| {
        environment
            .0
            .get(name)
            .is_some_and(|value| !value.is_empty())
    };
    match agent.0.as_str() {
        AgentName::DEMO => Login::NotNeeded,
        AgentName::CLAUDE if set("ANTHROPIC_API_KEY") || set("CLAUDE_CODE_OAUTH_TOKEN") => {
            Login::Yes
        }
        AgentName::CLAUDE => match claude_directory(environment) {
            Some(directory) if directory.join(".credentials.json").exists() => Login::Yes,
            // There the credentials are in the keychain.
            _ if cfg!(target_os = "macos") => Login::Unknown,
            _ => Login::No,
        },
        _ => Login::Unknown,
    }
}

fn claude_directory(environment: &Environment) -> Option<PathBuf> {
    let path = |name: &str| {
        environment
            .0
            .get(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    path("CLAUDE_CONFIG_DIR").or_else(|| Some(path("HOME")?.join(".claude")))
}

fn unreadable(why: impl Into<String>) -> Version {
    Version::Unreadable { why: why.into() }
}

fn ask(
    clock: &Clock,
    command: &[String],
    cwd: &Path,
    environment: &Environment,
    limit: Duration,
) -> Version {
    let Some((program, arguments)) = command.split_first() else {
        return unreadable("its command is empty");
    };
    let child = Command::new(program)
        .args(arguments)
        .arg("--version")
        .current_dir(cwd)
        .env_clear()
        .envs(&environment.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return unreadable(format!("{program} cannot be run: {error}")),
    };
    let (output, in_time) = read(clock, &mut child, limit);
    end(&mut child);
    let text = String::from_utf8_lossy(&output);
    match text.split_whitespace().find(|word| numbers(word).is_some()) {
        Some(version) => Version::Known(version.to_owned()),
        None if in_time => unreadable(format!("{program} --version does not say one")),
        None => unreadable(format!(
            "{program} --version takes longer than {} s",
            limit.as_secs()
        )),
    }
}

/// What it prints until it closes its output, and whether it did so in time.
fn read(clock: &Clock, child: &mut Child, limit: Duration) -> (Vec<u8>, bool) {
    let (mut output, mut chunk) = (Vec::new(), [0; 1024]);
    let Some(mut stdout) = child.stdout.take() else {
        return (output, true);
    };
    let deadline = clock.uptime() + limit;
    while output.len() < LONGEST_OUTPUT {
        let remaining = deadline.saturating_sub(clock.uptime());
        let timeout = Timespec::try_from(remaining).ok();
        match poll(&mut [PollFd::new(&stdout, PollFlags::IN)], timeout.as_ref()) {
            Ok(0) => return (output, false),
            Err(rustix::io::Errno::INTR) => continue,
            Ok(_) | Err(_) => {}
        }
        match stdout.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => output.extend(chunk.iter().take(length)),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    (output, true)
}

/// Ends it with everything that it started, also what has left its process group.
pub(crate) fn end(child: &mut Child) {
    let Ok(id) = i32::try_from(child.id()) else {
        return;
    };
    let mut family = Vec::new();
    descendants(id, &mut family);
    if let Some(group) = Pid::from_raw(id) {
        // It fails when all have ended, which is as well.
        let _ = kill_process_group(group, Signal::KILL);
    }
    for pid in family.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = child.wait();
}

/// Ends what has left its family, by a variable that all of it has inherited; where there is no `/proc` there are none to see.
pub(crate) fn end_marked(variable: &str) {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return;
    };
    for process in processes.filter_map(Result::ok) {
        let name = process.file_name();
        let id = name.to_str().and_then(|name| name.parse().ok());
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        let mut words = environment.split(|byte| *byte == 0);
        if let Some(pid) = id.and_then(Pid::from_raw)
            && words.any(|word| word == variable.as_bytes())
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The child is not reaped yet, so its own id cannot have been given away; where there is no `/proc` there are none to see.
fn descendants(parent: i32, found: &mut Vec<i32>) {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    for child in children
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
    {
        if !found.contains(&child) {
            found.push(child);
            descendants(child, found);
        }
    }
}

/// Three numbers with points between them; what follows the third is passed over.
fn numbers(word: &str) -> Option<[u64; 3]> {
    let mut parts = word.trim_start_matches('v').splitn(3, '.');
    let (major, minor, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    Some([
        major.parse().ok()?,
        minor.parse().ok()?,
        rest.get(..digits)?.parse().ok()?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Version {
        let command = ["/bin/sh", "-c", script].map(str::to_owned);
        let mut environment = Environment::default();
        environment.0.insert("PATH".into(), "/usr/bin:/bin".into());
        ask(
            &Clock::new(None),
            &command,
            Path::new("/"),
            &environment,
            limit,
        )
    }

    #[test]
    fn a_version_is_the_first_word_that_looks_like_one() {
        let known = |text: &str| Version::Known(text.to_owned());
        assert_eq!(
            shell("echo '2.1.330 (Claude Code)'", LIMIT),
            known("2.1.330")
        );
        assert_eq!(shell("echo Agent v0.3.1-beta", LIMIT), known("v0.3.1-beta"));
        assert_eq!(shell("echo hello; exit 3", LIMIT).text(), "");
        assert!(
            shell("true", LIMIT)
                .warning(&"claude".into())
                .unwrap()
                .contains("does not say one")
        );
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_all_that_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!(
            "setsid /bin/sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600' & while [ ! -e {0} ]; do :; done; wait",
            file.display()
        );
        // The limit only has to be long enough for the grandchild to have written its number.
        let version = shell(&script, Duration::from_secs(1));
        assert!(
            version
                .warning(&"x".into())
                .unwrap()
                .contains("takes longer"),
            "{version:?}"
        );
        let pid: i32 = std::fs::read_to_string(&file)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let clock = Clock::new(None);
        let lives = || {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ")
        };
        while lives() {
            assert!(clock.uptime() < LIMIT, "process {pid} is still there");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_claude_that_is_too_old_is_refused_and_one_newer_than_tested_is_remarked_upon() {
        for (agent, version, refused, remark) in [
            ("claude", "1.0.128", true, "too old"),
            (
                "claude",
                "2.1.196",
                true,
                "npm install -g @anthropic-ai/claude-code@",
            ),
            ("claude", "2.1.197", false, ""),
            ("claude", "2.1.330", false, ""),
            ("claude", "2.1.331", false, "newer than tested (2.1.330)"),
            ("claude", "3.0.0", false, "newer than tested"),
            ("demo", "0.1.0", false, ""),
        ] {
            let version = Version::Known(version.to_owned());
            let supported = version.supported(&agent.into());
            assert_eq!(supported.is_err(), refused, "{agent} {version:?}");
            let warning = version.warning(&agent.into());
            assert_eq!(warning.is_some(), !remark.is_empty(), "{warning:?}");
            assert!(warning.unwrap_or_default().contains(remark));
        }
        let unknown = unreadable("it says nothing");
        let told = unknown.supported(&"claude".into()).unwrap().unwrap();
        assert!(told.contains("is not known: it says nothing"), "{told}");
    }

    #[test]
    fn a_program_is_asked_once_until_it_is_another_one() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("claude");
        let asked = directory.path().join("asked");
        let install = |version: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            let script = format!("#!/bin/sh\necho x >> {}\necho {version}\n", asked.display());
            let new = directory.path().join("new");
            std::fs::write(&new, script).unwrap();
            std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
            std::fs::rename(&new, &program).unwrap();
        };
        let versions = Versions::default();
        let command = [program.display().to_string()];
        let version = || {
            let (clock, environment) = (Clock::new(None), Environment::default());
            versions.of(&clock, &command, Path::new("/"), &environment)
        };
        for (number, installed) in ["2.1.300", "2.1.330"].into_iter().enumerate() {
            install(installed);
            for _ in 0..3 {
                assert_eq!(version().text(), installed);
            }
            let asked = std::fs::read_to_string(&asked).unwrap();
            assert_eq!(asked.lines().count(), number + 1);
        }
    }

    #[test]
    fn a_key_a_token_or_a_credentials_file_is_a_login() {
        let home = tempfile::tempdir().unwrap();
        let mut environment = Environment::default();
        environment
            .0
            .insert("HOME".into(), home.path().display().to_string());
        let claude = AgentName::from("claude");
        let nothing = if cfg!(target_os = "macos") {
            Login::Unknown
        } else {
            Login::No
        };
        assert_eq!(login(&claude, &environment), nothing);
        assert_eq!(login(&"demo".into(), &environment), Login::NotNeeded);
        for name in ["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"] {
            let mut environment = environment.clone();
            environment.0.insert(name.into(), "x".into());
            assert_eq!(login(&claude, &environment), Login::Yes);
            environment.0.insert(name.into(), String::new());
            assert_eq!(login(&claude, &environment), nothing);
        }
        std::fs::create_dir(home.path().join(".claude")).unwrap();
        std::fs::write(home.path().join(".claude/.credentials.json"), "").unwrap();
        assert_eq!(login(&claude, &environment), Login::Yes);
    }
}
