//! Where permission rules stand, and reading them: files of projects and of the user, ours in TOML and Claude Code's in JSON,
//! variables and flags. Nothing is compared with anything here. Looks at files; must not run on the reactor.
//!
//! Laws:
//! - no file is read twice, under whatever names it can be reached; one that is the user's own is only that;
//! - a file that is broken in any way allows nothing, and what can still be read of what it denies and asks counts;
//! - a rule to deny or ask that is not understood does not vanish: its tool is asked about, where it names one;
//! - whatever does not count is told, by place;
//! - nothing that stands at a file's name makes reading wait: only a file is opened, and only its beginning is read.

mod broken;
mod claude;
mod layer;
mod toml;
mod untrusted;

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use betcode_core::command::Environment;
use betcode_core::config::{self, Key};
use betcode_rules::{Layer, Origin, OriginKind, Rule};

use super::resolve::{by_the_letter, follow};
use crate::text::{self, Content};
use layer::{Found, Literal};

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    /// Where the user's configuration is.
    pub config_dir: &'a Path,
    /// Where the agent works.
    pub cwd: &'a Path,
    /// The variables, for those that are settings and for the user's home.
    pub environment: &'a Environment,
    /// The directory by which the user trusts it, with links resolved: itself or one above it.
    pub trusted: Option<&'a Path>,
}

impl Ground<'_> {
    fn variable(&self, name: &str) -> Option<&str> {
        let value = self.environment.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    fn home(&self) -> Option<&Path> {
        self.variable("HOME").map(Path::new)
    }

    /// Whether the user trusts this directory: what lies above the trusted one was not meant.
    fn trusts(&self, directory: &Path) -> bool {
        self.trusted
            .is_some_and(|trusted| directory.starts_with(trusted))
    }

    /// The directory of the agent with links resolved, as agents see it themselves.
    fn cwd(&self) -> PathBuf {
        resolved(self.cwd)
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Ours.
    Toml,
    /// Claude Code's.
    Json,
}

/// A file in which rules may stand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct File {
    /// Whose it is.
    pub kind: OriginKind,
    /// Where it is.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// What has rules, the most specific first.
    pub layers: Vec<Layer>,
    /// What does not count as it was meant.
    pub problems: Vec<Problem>,
    /// Every file that was looked for, and whether there is something.
    pub files: Vec<(File, bool)>,
    /// What does not count because the directory is not trusted, a line for each file.
    pub ignored: Vec<String>,
    /// Directories that agents may work in beside their own, from files that are trusted.
    pub additional: Vec<PathBuf>,
}

/// Something that does not count as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file; the variable; the flag.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// What is wrong and what follows.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.message)
    }
}

/// The root of the project: the nearest directory at or above `cwd` with a `.git` in it, below the home directory where that
/// is above; else `cwd` itself.
pub(crate) fn project_of(cwd: &Path, home: Option<&Path>) -> PathBuf {
    let which = |directory: &Path| directory.metadata().map(|data| (data.dev(), data.ino()));
    let home = home.map(|home| (home, which(home).ok()));
    let is_home = |directory: &Path| {
        home.is_some_and(|(home, inode)| {
            home == directory || (inode.is_some() && inode == which(directory).ok())
        })
    };
    let mut above = cwd
        .ancestors()
        .enumerate()
        .take_while(|(steps, directory)| {
            // A home directory under version control is no project of all that lies in it.
            *steps == 0 || !is_home(directory)
        });
    above
        .find(|(_, directory)| directory.join(".git").symlink_metadata().is_ok())
        .map_or(cwd, |(_, directory)| directory)
        .to_owned()
}

/// Every file in which rules may stand, the most specific first, whether it is there or not. Nothing is read.
pub(crate) fn files(ground: &Ground<'_>) -> Vec<File> {
    let directories = directories(ground);
    let in_all = |kind, name: &str, format| {
        let file = move |directory: &PathBuf| File {
            kind,
            path: directory.join(name),
            format,
        };
        directories.iter().map(file).collect::<Vec<_>>()
    };
    let user = users(ground);
    let mut known: Vec<PathBuf> = user.iter().map(|file| resolved(&file.path)).collect();
    let mut files = Vec::new();
    for file in [
        in_all(
            OriginKind::ProjectLocal,
            config::PROJECT_LOCAL_FILE,
            Format::Toml,
        ),
        in_all(
            OriginKind::ProjectLocal,
            ".claude/settings.local.json",
            Format::Json,
        ),
        in_all(OriginKind::Project, config::PROJECT_FILE, Format::Toml),
        in_all(OriginKind::Project, ".claude/settings.json", Format::Json),
    ]
    .into_iter()
    .flatten()
    {
        let path = true_name(&file.path);
        if !known.contains(&path) {
            known.push(path);
            files.push(file);
        }
    }
    files.extend(user);
    files
}

/// The true name of a file in a directory below one whose name is its true one. Most have no link on the way, and to see that
/// costs little.
fn true_name(path: &Path) -> PathBuf {
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|data| data.is_symlink());
    if path.parent().is_some_and(is_link) || is_link(path) {
        resolved(path)
    } else {
        path.to_owned()
    }
}

/// The user's own files.
fn users(ground: &Ground<'_>) -> Vec<File> {
    let mut files = vec![File {
        kind: OriginKind::User,
        path: ground.config_dir.join(config::USER_FILE),
        format: Format::Toml,
    }];
    files.extend(claude_dir(ground.environment).map(|directory| File {
        kind: OriginKind::User,
        // A relative one is relative to where Claude Code runs.
        path: ground.cwd.join(directory).join("settings.json"),
        format: Format::Json,
    }));
    files
}

/// Where Claude Code keeps what belongs to the user.
pub(crate) fn claude_dir(environment: &Environment) -> Option<PathBuf> {
    let variable = |name| environment.0.get(name).filter(|value| !value.is_empty());
    match variable("CLAUDE_CONFIG_DIR") {
        Some(directory) => Some(PathBuf::from(directory)),
        None => variable("HOME").map(|home| Path::new(home).join(".claude")),
    }
}

/// The directories of a project whose files count, from the agent's own upwards.
fn directories(ground: &Ground<'_>) -> Vec<PathBuf> {
    let cwd = ground.cwd();
    let root = project_of(&cwd, ground.home());
    cwd.ancestors()
        .take_while(|directory| directory.starts_with(&root))
        .map(Path::to_owned)
        .collect()
}

/// A path with links resolved; of what does not exist, the part that does.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    follow(&path).unwrap_or_else(|| by_the_letter(&path))
}

/// Reads everything but flags.
pub(crate) fn read(ground: &Ground<'_>) -> Sources {
    let mut sources = Sources::default();
    for (key, name) in [
        (Key::AllowedRules, "allow"),
        (Key::AskedRules, "ask"),
        (Key::DeniedRules, "deny"),
    ] {
        let variable = key.info().variable;
        if let Some((variable, value)) = variable.and_then(|it| Some((it, ground.variable(it)?))) {
            let origin = origin(OriginKind::Environment, variable);
            let found = in_words(&key, name, &[value.to_owned()]);
            sources.take(origin, true, found);
        }
    }
    for file in files(ground) {
        let exists = sources.read(&file, ground);
        sources.files.push((file, exists));
    }
    let untrusted_ones = directories(ground)
        .into_iter()
        .filter(|directory| !ground.trusts(directory));
    for path in untrusted_ones.map(|directory| directory.join(".mcp.json")) {
        if let Content::Text(text) = text::read(&path)
            && let Some(what) = untrusted::servers(&text)
        {
            sources.ignore(&path, &[what], ground);
        }
    }
    sources
}

/// The rules of the command line, a layer for each of its two flags that is used.
pub(crate) fn flags(allowed: &[String], disallowed: &[String]) -> (Vec<Layer>, Vec<Problem>) {
    let mut sources = Sources::default();
    for (flag, key, name, values) in [
        ("--allowed-tools", Key::AllowedRules, "allow", allowed),
        ("--disallowed-tools", Key::DeniedRules, "deny", disallowed),
    ] {
        sources.take(
            origin(OriginKind::Flag, flag),
            true,
            in_words(&key, name, values),
        );
    }
    (sources.layers, sources.problems)
}

/// The rules in the bytes of a file of the user's, and what does not count as it was meant.
pub fn in_bytes(file: &str, format: Format, bytes: Vec<u8>) -> (Layer, Vec<Problem>) {
    let found = in_content(text::from_bytes(bytes), format).unwrap_or_default();
    let mut problems = Vec::new();
    let layer = found.into_layer(origin(OriginKind::User, file), true, &mut problems);
    (layer, problems)
}

/// What a file holds; none where there is none.
fn in_content(content: Content, format: Format) -> Option<Found> {
    Some(match content {
        Content::Absent => return None,
        Content::Broken { text, what } => broken::found(&text, format, None, &what),
        Content::Text(text) => match format {
            Format::Toml => toml::found(&text),
            Format::Json => claude::found(&text),
        }
        .unwrap_or_else(|broken| broken::found(&text, format, broken.line, &broken.what)),
    })
}

fn origin(kind: OriginKind, file: impl Into<String>) -> Origin {
    Origin {
        kind,
        file: Some(file.into()),
    }
}

/// What a variable or a flag holds.
fn in_words(key: &Key, name: &str, values: &[String]) -> Found {
    let mut found = Found::default();
    let Some(list) = found.list(name) else {
        return found;
    };
    for value in values {
        let rules = match config::Value::from_text(key.info().kind, value) {
            Ok(config::Value::Rules(rules)) => rules,
            _ => config::split_rules(value),
        };
        for rule in rules {
            // What a parenthesis that is never closed swallows might forbid something of its own.
            let count = |sign| rule.matches(sign).count();
            let torn = *key != Key::AllowedRules && count('(') > count(')');
            let swallowed = rule.split([',', '\n']).skip(1).filter(|_| torn);
            let swallowed: Vec<Literal> = swallowed
                .map(str::trim)
                .filter(|part| Rule::parse(part).is_ok())
                .map(|part| Literal::new(part.to_owned(), None))
                .collect();
            list.push(Literal::new(rule, None));
            list.extend(swallowed);
        }
    }
    found
}

impl Sources {
    /// Reads one file; whether there is something.
    fn read(&mut self, file: &File, ground: &Ground<'_>) -> bool {
        let name = file.path.display().to_string();
        let directory = file.path.parent().and_then(Path::parent);
        let is_users = file.kind == OriginKind::User;
        let trusted = is_users || directory.is_some_and(|directory| ground.trusts(directory));
        let Some(found) = in_content(text::read(&file.path), file.format) else {
            return false;
        };
        if trusted {
            let from = if is_users {
                ground.cwd()
            } else {
                directory.unwrap_or(&file.path).to_owned()
            };
            let directories = found.additional.iter();
            let directories =
                directories.filter_map(|written| directory_named(written, &from, ground));
            self.additional.extend(directories);
        } else {
            let what = untrusted::words(&found);
            self.ignore(&file.path, &what, ground);
        }
        self.take(origin(file.kind, name), trusted, found);
        true
    }

    fn take(&mut self, origin: Origin, trusted: bool, found: Found) {
        let layer = found.into_layer(origin, trusted, &mut self.problems);
        if !(layer.allow.is_empty() && layer.ask.is_empty() && layer.deny.is_empty()) {
            self.layers.push(layer);
        }
    }

    fn ignore(&mut self, path: &Path, what: &[String], ground: &Ground<'_>) {
        if !what.is_empty() {
            let root = project_of(&ground.cwd(), ground.home());
            let root = root.display().to_string();
            let root = shell_words::quote(&root);
            let state = match ground.trusted {
                Some(_) => "lies above the trusted one",
                None => "is not trusted",
            };
            let why = format!("this directory {state}. betcode trust {root}");
            self.ignored.push(untrusted::line(path, what, &why));
        }
    }
}

/// A directory as a settings file names it.
fn directory_named(written: &str, from: &Path, ground: &Ground<'_>) -> Option<PathBuf> {
    if written.is_empty() || written.contains(char::is_control) {
        return None;
    }
    let below_home = match written {
        "~" => Some(""),
        written => written.strip_prefix("~/"),
    };
    match below_home {
        Some(rest) => ground.home().map(|home| home.join(rest)),
        None => Some(from.join(written)),
    }
}

#[cfg(test)]
mod tests;
