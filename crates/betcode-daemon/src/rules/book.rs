//! The rules that count for one session, and what they say about a call.
//!
//! Nothing is watched and nothing is stale: at every question the files are looked at, and read anew when one of them is
//! another than before. A question looks at files and follows links; it must not hold up the reactor.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use betcode_agents::launch::Restraints;
use betcode_core::command::Environment;
use betcode_core::event::TurnPolicy;
use betcode_core::ruling::{BUILT_IN, RuleName, Ruling, Verdict};
use betcode_core::session::FOR_THE_SESSION;
use betcode_rules::shell::Access;
use betcode_rules::{
    Decision, Directory, Grants, Layer, Matched, Mode, OriginKind, Place, Placed, Proposal,
    Protected, Request, Rule, Rules, decide, propose,
};
use serde_json::Value;

use super::protected::protected;
use super::resolve::resolve;
use super::sources::{self, Ground, Sources};
use crate::settings::Settings;

/// Whose rules count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose<'a> {
    /// How the daemon runs.
    pub(crate) settings: &'a Settings,
    /// The working directory.
    pub(crate) cwd: &'a Path,
    /// The environment of whoever started the session.
    pub(crate) environment: &'a Environment,
    /// The directory by which the user trusts it, with links resolved: itself or one above it.
    pub(crate) trusted: Option<&'a Path>,
    /// What the command line says.
    pub(crate) policy: &'a TurnPolicy,
    /// Directories that the session has beside its working directory.
    pub(crate) add_dirs: &'a [String],
}

impl<'a> Whose<'a> {
    fn ground(&self) -> Ground<'a> {
        Ground {
            config_dir: &self.settings.config_dir,
            cwd: self.cwd,
            environment: self.environment,
            trusted: self.trusted,
        }
    }

    /// The root of the project.
    pub(crate) fn project(&self) -> PathBuf {
        sources::project_of(self.cwd, Some(&self.home()))
    }

    fn home(&self) -> PathBuf {
        let home = self.environment.0.get("HOME");
        PathBuf::from(home.map_or("/", String::as_str))
    }
}

/// A call of a tool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The tool.
    pub(crate) tool: &'a str,
    /// Its input.
    pub(crate) input: &'a Value,
    /// The permission mode in which it is judged.
    pub(crate) mode: Mode,
}

/// Rules as they were read, and of what.
#[derive(Debug)]
struct Page {
    stamps: Vec<Stamp>,
    trusted: Option<PathBuf>,
    flags: (Vec<String>, Vec<String>),
    rules: Rules,
    sources: Sources,
}

/// By what a file is known to be the same as before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp(PathBuf, Option<[i64; 6]>);

/// The rules of one session, as they were when somebody last asked.
#[derive(Debug, Default)]
pub(crate) struct Book {
    page: Option<Page>,
    /// Lines for people that were told already.
    told: BTreeSet<String>,
}

impl Book {
    /// What the rules say about a call, and the rules that would allow it from now on.
    pub(crate) fn judge(
        &mut self,
        whose: Whose<'_>,
        grants: &[String],
        call: Call<'_>,
    ) -> (betcode_rules::Verdict, Proposal) {
        let page = self.look(whose);
        let place = place(whose, &page.sources);
        let request = Request::new(call.tool, call.input, &place);
        let resolved: Vec<_> = request
            .wanted()
            .iter()
            .map(|wanted| resolve(Path::new(&wanted.path), wanted.access != Access::Read))
            .collect();
        let request = request.resolve(resolved);
        // What is granted by its exact input is no rule.
        let grants = grants.iter().filter_map(|grant| Rule::parse(grant).ok());
        let grants = Grants::new(grants.collect());
        let verdict = decide(&request, &page.rules, call.mode, &grants);
        let proposal = match verdict.decision {
            Decision::Ask => propose(&request, &page.rules),
            // Only what a rule allows runs, and none does.
            Decision::Deny if verdict.by.is_none() => propose(&request, &page.rules),
            Decision::Allow | Decision::Deny => Proposal::default(),
        };
        (verdict, proposal)
    }

    /// The same as the session machine is told it.
    pub(crate) fn ruling(&mut self, whose: Whose<'_>, grants: &[String], call: Call<'_>) -> Ruling {
        let (verdict, proposal) = self.judge(whose, grants, call);
        Ruling {
            verdict: match verdict.decision {
                Decision::Allow => Verdict::Allow,
                Decision::Ask => Verdict::Ask,
                Decision::Deny => Verdict::Deny,
            },
            by: verdict.by.map(|matched| RuleName {
                place: place_of(&matched),
                rule: matched.rule,
            }),
            reason: verdict.reason,
            proposed: proposal.exact,
        }
    }

    /// Everything that is written down.
    pub(crate) fn sources(&mut self, whose: Whose<'_>) -> &Sources {
        &self.look(whose).sources
    }

    /// What an agent is told before it starts, in its own terms: it may do much without asking.
    pub(crate) fn restraints(&mut self, whose: Whose<'_>) -> Restraints {
        let sources = &self.look(whose).sources;
        let texts = |list: fn(&Layer) -> &Vec<Placed>| {
            let rules = sources.layers.iter().flat_map(list);
            rules.map(|placed| placed.rule.to_string()).collect()
        };
        Restraints {
            deny: texts(|layer| &layer.deny),
            ask: texts(|layer| &layer.ask),
            trusted: whose.trusted.is_some(),
        }
    }

    /// Takes what another one has read, and remembers what was told.
    pub(crate) fn take_over(&mut self, other: Self) {
        self.page = other.page;
    }

    /// Lines for people that were not told yet: what is wrong with files, and what does not count for lack of trust.
    pub(crate) fn news(&mut self) -> Vec<String> {
        let Some(page) = &self.page else {
            return Vec::new();
        };
        let problems = page.sources.problems.iter().map(ToString::to_string);
        let lines: BTreeSet<String> = problems
            .chain(page.sources.ignored.iter().cloned())
            .collect();
        let news = lines.difference(&self.told).cloned().collect();
        // What is mended and breaks again is told again.
        self.told = lines;
        news
    }

    fn look(&mut self, whose: Whose<'_>) -> &Page {
        let ground = whose.ground();
        let stamps: Vec<Stamp> = sources::files(&ground)
            .into_iter()
            .map(|file| stamp(file.path))
            .collect();
        let flags = (
            whose.policy.allowed_tools.clone(),
            whose.policy.disallowed_tools.clone(),
        );
        let current = self.page.take().filter(|page| {
            page.stamps == stamps && page.trusted.as_deref() == whose.trusted && page.flags == flags
        });
        self.page.insert(current.unwrap_or_else(|| {
            let mut sources = sources::read(&ground);
            let (layers, problems) = sources::flags(&flags.0, &flags.1);
            sources.layers.splice(0..0, layers);
            sources.problems.extend(problems);
            let protected = protected(ground.config_dir, &whose.settings.state_dir, whose.environment);
            let rules = Rules::new(&sources.layers, &protected).unwrap_or_else(|error| {
                tracing::error!(%error, "the protected files cannot be named, so no rule allows anything");
                let mut layers = sources.layers.clone();
                for layer in &mut layers {
                    layer.allow.clear();
                }
                Rules::new(&layers, &Protected::default()).unwrap_or_default()
            });
            Page {
                stamps,
                trusted: whose.trusted.map(Path::to_owned),
                flags,
                rules,
                sources,
            }
        }))
    }
}

fn stamp(path: PathBuf) -> Stamp {
    let seen = std::fs::metadata(&path).ok().map(|data| {
        [
            data.dev().cast_signed(),
            data.ino().cast_signed(),
            data.size().cast_signed(),
            data.mtime(),
            data.mtime_nsec(),
            data.ctime_nsec(),
        ]
    });
    Stamp(path, seen)
}

fn place(whose: Whose<'_>, sources: &Sources) -> Place {
    let directory = |path: &Path| {
        let written = path.display().to_string();
        let resolved = resolve(path, false).unwrap_or_else(|| written.clone());
        Directory::new(&written, &resolved)
    };
    Place {
        cwd: directory(whose.cwd),
        project: directory(&whose.project()),
        home: directory(&whose.home()),
        additional: sources
            .additional
            .iter()
            .map(PathBuf::as_path)
            .chain(whose.add_dirs.iter().map(Path::new))
            .map(directory)
            .collect(),
        case_insensitive: cfg!(target_os = "macos"),
    }
}

/// Where a rule stands, for people.
fn place_of(matched: &Matched) -> String {
    let file = matched.origin.file.clone();
    match (matched.origin.kind, file, matched.line) {
        (OriginKind::Session, ..) => FOR_THE_SESSION.to_owned(),
        (OriginKind::Builtin, ..) => BUILT_IN.to_owned(),
        (_, Some(file), Some(line)) => format!("{file}:{line}"),
        (_, Some(file), None) => file,
        (OriginKind::Flag, None, _) => "the command line".to_owned(),
        (_, None, _) => "the environment".to_owned(),
    }
}

/// The mode in which a call is judged that an agent asks about, from its own word for it.
pub(crate) fn mode_of(word: &str, policy: &TurnPolicy) -> Mode {
    match word {
        _ if policy.only_allowed => Mode::OnlyAllowed,
        "plan" => Mode::Plan,
        "acceptEdits" => Mode::AcceptEdits,
        "bypassPermissions" => Mode::BypassPermissions,
        "dontAsk" => Mode::DontAsk,
        _ => Mode::Default,
    }
}

/// The mode in which a call is judged that an agent announces: what its own mode makes of it is its own business.
pub(crate) fn mode_of_announced(policy: &TurnPolicy) -> Mode {
    mode_of("", policy)
}

#[cfg(test)]
mod tests;
