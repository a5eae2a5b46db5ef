//! What the agent asks for: the call of a tool, taken apart into what rules are about.
//!
//! 1. [`Request::new`] reads tool and input. Whatever does not have the form it should have becomes trouble, not an error.
//! 2. [`Request::wanted`] lists the paths it names. Somebody with access to the file system follows links and `..`, and where
//!    the file system does not care for capital letters finds the true ones; for a file that does not exist yet, its
//!    nearest directory that does is resolved and the rest appended.
//! 3. [`Request::resolve`] takes the answers. A path that could not be resolved is never allowed by a rule.

use std::collections::HashMap;

use serde_json::Value;

use crate::path::{self, Path};
use crate::shell::{self, Access, Script, Trouble, UNKNOWN, Word};
use crate::syntax::{AGENT_TOOLS, EDIT_TOOLS, READ_TOOLS};

/// A directory, absolute, with forward slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    text: String,
    written: Vec<String>,
    resolved: Vec<String>,
}

impl Directory {
    /// A directory as it is called, and as the file system resolves that.
    pub fn new(written: &str, resolved: &str) -> Self {
        Self {
            text: written.trim_end_matches('/').to_owned(),
            written: path::parts(written),
            resolved: path::parts(resolved),
        }
    }

    pub(crate) fn written(&self) -> &str {
        &self.text
    }

    pub(crate) fn forms(&self) -> impl Iterator<Item = &[String]> {
        let other = (self.resolved != self.written).then_some(self.resolved.as_slice());
        std::iter::once(self.written.as_slice()).chain(other)
    }
}

/// Where the agent works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The working directory of the call.
    pub cwd: Directory,
    /// The root of the project.
    pub project: Directory,
    /// The user's home directory.
    pub home: Directory,
    /// Further directories the agent may work in.
    pub additional: Vec<Directory>,
    /// Whether the file system takes large and small letters for the same.
    pub case_insensitive: bool,
}

impl Place {
    pub(crate) fn working(&self) -> impl Iterator<Item = &Directory> {
        [&self.cwd, &self.project]
            .into_iter()
            .chain(&self.additional)
    }
}

/// A path that has to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Absolute, otherwise as it was written.
    pub path: String,
    /// What is done with it.
    pub access: Access,
}

/// The call of a tool, ready to be decided.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) tool: String,
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    wanted: Vec<Wanted>,
    pub(crate) paths: Vec<Path>,
    /// The places of paths in `paths`, by what was written in a command. A relative name has one for each directory in which
    /// the command may run.
    by_name: HashMap<String, Vec<usize>>,
    /// The directories to which a script changes, as places in `paths`.
    directories: Vec<usize>,
    /// Whether a script may change to a directory that is not known.
    strays: bool,
    /// Names of files that a pattern describes, with unknowns for its wildcards.
    pub(crate) described: Vec<String>,
    /// Whether a command asks to run outside of the sandbox.
    pub(crate) unconfined: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Shell {
        raw: String,
        script: Result<Script, Trouble>,
    },
    /// Every path is read or edited.
    Files(Access),
    Host(Result<String, &'static str>),
    Named(String),
    Plain,
    /// The input does not have the form it should have.
    Strange(&'static str),
}

impl Request {
    /// Takes a call apart.
    pub fn new(tool: &str, input: &Value, place: &Place) -> Self {
        let mut request = Self {
            tool: tool.to_owned(),
            kind: Kind::Plain,
            place: place.clone(),
            wanted: Vec::new(),
            paths: Vec::new(),
            by_name: HashMap::new(),
            directories: Vec::new(),
            strays: false,
            described: Vec::new(),
            unconfined: tool == "Bash"
                && input
                    .get("dangerouslyDisableSandbox")
                    .is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false))),
        };
        let field = |name: &str| input.get(name).and_then(Value::as_str);
        request.kind = match tool {
            "Bash" => match field("command") {
                Some(command) => request.shell(command),
                None => Kind::Strange("it has no command"),
            },
            _ if EDIT_TOOLS.contains(&tool) => match names(input, FILES) {
                Ok(names) if !names.is_empty() => request.files(&names, Access::Edit),
                Ok(_) => Kind::Strange("it names no file"),
                Err(what) => Kind::Strange(what),
            },
            _ if READ_TOOLS.contains(&tool) => {
                let patterns: &[&str] = match tool {
                    "Glob" => &["pattern", "glob"],
                    "Grep" => &["glob"],
                    _ => &[],
                };
                match (names(input, FILES), names(input, patterns)) {
                    (Ok(mut names), Ok(patterns)) => {
                        if names.is_empty() && matches!(tool, "Grep" | "Glob" | "LS") {
                            names.push(".");
                        }
                        request.reading(&names, &patterns)
                    }
                    (Err(what), _) | (_, Err(what)) => Kind::Strange(what),
                }
            }
            "WebFetch" => Kind::Host(field("url").ok_or("it has no address").and_then(host)),
            _ if AGENT_TOOLS.contains(&tool) => {
                Kind::Named(field("subagent_type").unwrap_or_default().to_owned())
            }
            "Skill" | "SlashCommand" => match names(input, &["skill", "command", "name"]) {
                Ok(names) if names.len() < 2 => {
                    Kind::Named(names.first().copied().unwrap_or_default().to_owned())
                }
                Ok(_) => Kind::Strange("it has more than one name"),
                Err(what) => Kind::Strange(what),
            },
            _ => Kind::Plain,
        };
        request
    }

    /// The paths that have to be resolved, in the order [`Self::resolve`] wants the answers.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Takes the resolved form of every wanted path; none for one that could not be resolved.
    pub fn resolve(mut self, resolved: impl IntoIterator<Item = Option<String>>) -> Self {
        for (path, resolved) in self.paths.iter_mut().zip(resolved) {
            path.resolved = resolved.map(|resolved| path::parts(&resolved));
        }
        self
    }

    /// The paths that a command's word may name.
    pub(crate) fn paths_of<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Path> + use<'a> {
        let places = self.by_name.get(name).map(Vec::as_slice);
        places
            .unwrap_or_default()
            .iter()
            .filter_map(|place| self.paths.get(*place))
    }

    fn changed_to(&self) -> impl Iterator<Item = &Path> {
        self.directories
            .iter()
            .filter_map(|place| self.paths.get(*place))
    }

    /// Whether commands run in a directory that is not known to be one the agent works in.
    pub(crate) fn wanders(&self) -> bool {
        self.strays || self.changed_to().any(|path| !path.is_inside(&self.place))
    }

    /// Whether commands run in another directory than the one of the call and the root of the project.
    pub(crate) fn leaves_root(&self) -> bool {
        self.strays || !self.changed_to().all(|path| self.at_root(path))
    }

    /// Whether a word names the directory of the call or the root of the project.
    pub(crate) fn is_root(&self, word: &Word) -> bool {
        let mut paths = self.paths_of(&word.path()).peekable();
        paths.peek().is_some() && paths.all(|path| path.usable && self.at_root(path))
    }

    fn at_root(&self, path: &Path) -> bool {
        let is = |directory: &Directory, form: &Vec<String>| {
            directory.forms().any(|root| root == form.as_slice())
        };
        [&self.place.cwd, &self.place.project]
            .into_iter()
            .any(|root| {
                is(root, &path.written)
                    && path
                        .resolved
                        .as_ref()
                        .is_some_and(|resolved| is(root, resolved))
            })
    }

    /// Adds a path that is meant from a directory, and gives its place.
    fn add(&mut self, name: &str, directory: &str, access: Access, usable: bool) -> usize {
        let absolute = path::absolute(name, directory, &self.place);
        let places = self.by_name.entry(name.to_owned()).or_default();
        for place in places.iter() {
            if let Some(wanted) = self
                .wanted
                .get_mut(*place)
                .filter(|wanted| wanted.path == absolute)
            {
                if wanted.access != access {
                    wanted.access = Access::Edit;
                }
                return *place;
            }
        }
        let place = self.paths.len();
        places.push(place);
        self.paths.push(Path::new(&absolute, usable));
        self.wanted.push(Wanted {
            path: absolute,
            access,
        });
        place
    }

    fn shell(&mut self, command: &str) -> Kind {
        let script = shell::parse(command);
        if let Ok(script) = &script {
            let here = self.place.cwd.written().to_owned();
            let moves = directories(script, &self.place);
            self.strays = moves.is_none();
            let moves = moves.unwrap_or_default();
            let entered = entered(script).filter(|_| moves.len() == 1);
            for directory in &moves {
                let place = self.add(directory, "", Access::Read, true);
                self.directories.push(place);
            }
            for file in script.files.iter().filter(|file| file.name.is_known()) {
                let name = file.name.path();
                let fixed = name.starts_with('/') || file.name.tilde;
                if entered
                    .as_ref()
                    .is_none_or(|entered| fixed || *entered == name)
                {
                    self.add(&name, &here, file.access, fixed || !self.strays);
                }
                if !fixed {
                    for directory in &moves {
                        self.add(&name, directory, file.access, true);
                    }
                }
            }
        }
        Kind::Shell {
            raw: command.split_whitespace().collect::<Vec<_>>().join(" "),
            script,
        }
    }

    /// All files that a call names: which of them the tool takes is its own affair.
    fn files(&mut self, names: &[&str], access: Access) -> Kind {
        for name in names {
            if let strange @ Kind::Strange(_) = self.file(name, access) {
                return strange;
            }
        }
        Kind::Files(access)
    }

    fn file(&mut self, path: &str, access: Access) -> Kind {
        if path.is_empty() || path.chars().any(char::is_control) {
            return Kind::Strange("the name of its file is not understood");
        }
        if path.starts_with('~') && path != "~" && !path.starts_with("~/") {
            return Kind::Strange("the name of its file is not understood");
        }
        let here = self.place.cwd.written().to_owned();
        self.add(path, &here, access, true);
        Kind::Files(access)
    }

    fn reading(&mut self, names: &[&str], patterns: &[&str]) -> Kind {
        const STRANGE: Kind = Kind::Strange("its pattern is not understood");
        if names.is_empty() {
            return Kind::Strange("it names no file");
        }
        if let strange @ Kind::Strange(_) = self.files(names, Access::Read) {
            return strange;
        }
        // A pattern may lead out of the directory it is looked for in.
        for pattern in patterns {
            let fixed = pattern
                .split(['*', '?', '[', '{'])
                .next()
                .unwrap_or_default();
            let rest = pattern.get(fixed.len()..).unwrap_or_default();
            let chosen = ["{/", ",/", "{~", ",~", "(/", "|/"]
                .iter()
                .any(|lead| rest.contains(lead));
            if rest.contains("..") || chosen {
                return STRANGE;
            }
            let leads = fixed.starts_with(['/', '~']) || fixed.contains("..");
            if leads && matches!(self.file(fixed, Access::Read), Kind::Strange(_)) {
                return STRANGE;
            }
            if !pattern.starts_with('!') {
                self.describe(names, pattern, leads);
            }
        }
        Kind::Files(Access::Read)
    }
}

impl Request {
    /// Adds what a pattern names: a file, when its last part is none, and else names that it describes.
    fn describe(&mut self, names: &[&str], pattern: &str, leads: bool) {
        const MOST: usize = 16;
        let last = pattern.rsplit('/').next().unwrap_or_default();
        if last.is_empty() || pattern.chars().any(char::is_control) {
            return;
        }
        let open = |character| matches!(character, '*' | '?' | '[' | '{' | '\\');
        if last.contains(open) {
            // Of alternatives each may be it.
            for name in pattern.split(['{', '}', ',', '/']).rev().take(MOST) {
                let name: String = name
                    .split_inclusive(['*', '?', ']'])
                    .flat_map(|piece| match piece.find(open) {
                        Some(at) => vec![
                            piece.get(..at).unwrap_or_default().to_owned(),
                            UNKNOWN.to_string(),
                        ],
                        None => vec![piece.to_owned()],
                    })
                    .collect();
                // What describes everything names nothing.
                if name.contains(char::is_alphanumeric) {
                    self.described.push(name);
                }
            }
            return;
        }
        self.described.push(last.to_owned());
        let known = if pattern.contains(open) {
            last
        } else {
            pattern
        };
        for name in names {
            if leads {
                self.file(known, Access::Read);
            } else {
                self.file(&format!("{name}/{known}"), Access::Read);
            }
        }
    }
}

/// Where the inputs of tools name files.
const FILES: &[&str] = &["file_path", "notebook_path", "path"];

/// The texts in these fields of an input.
fn names<'a>(input: &'a Value, fields: &[&str]) -> Result<Vec<&'a str>, &'static str> {
    let present = fields
        .iter()
        .filter_map(|field| input.get(field))
        .filter(|value| !value.is_null());
    present
        .map(|value| value.as_str().ok_or("a name in it is no text"))
        .collect()
}

/// Most directories that are kept apart; scripts change to one or two.
const MOST_DIRECTORIES: usize = 4;

/// The directories in which commands of a script may run beside the one of the call, absolute. Whether a change succeeds is
/// not known, so both the old one and the new one count from there on. None when one of them is not known.
fn directories(script: &Script, place: &Place) -> Option<Vec<String>> {
    if script.moves == 0 {
        return Some(Vec::new());
    }
    let here = place.cwd.written().to_owned();
    let mut all = vec![here.clone()];
    let mut found = 0;
    for command in &script.commands {
        let mut words = command.words.iter();
        if !words
            .next()
            .is_some_and(|word| matches!(word.text.as_str(), "cd" | "pushd"))
        {
            continue;
        }
        found += 1;
        let directory = match (words.next(), words.next()) {
            (Some(word), None) if word.is_known() => word,
            _ => return None,
        };
        let name = directory.path();
        if name.is_empty() || name.starts_with(['-', '+']) {
            return None;
        }
        for from in all.clone() {
            let to = path::absolute(&name, &from, place);
            // Where there is a link, going up leads elsewhere than the letters say.
            let same = |known: &String| {
                *known == to || (!to.contains("..") && path::parts(known) == path::parts(&to))
            };
            if !all.iter().any(same) {
                all.push(to);
            }
        }
        if all.len() > MOST_DIRECTORIES {
            return None;
        }
    }
    // What else changes the directory, or does so again and again, leads anywhere.
    if found != script.moves || script.repeats {
        return None;
    }
    all.retain(|directory| *directory != here);
    Some(all)
}

/// The directory in which everything else of a script runs, when it is one below.
fn entered(script: &Script) -> Option<String> {
    let name = script.commands.first()?.words.get(1)?.path();
    let below = !name.starts_with(['/', '~', '-', '+']) && name.split('/').all(|part| part != "..");
    // A variable may send the change elsewhere.
    let plain = script.enters && script.moves == 1 && !script.repeats;
    (plain && below && script.assignments.is_empty()).then_some(name)
}

/// The host of an address, in small letters.
fn host(url: &str) -> Result<String, &'static str> {
    const STRANGE: &str = "its address is not understood";
    if url
        .chars()
        .any(|character| !character.is_ascii_graphic() || matches!(character, '\\' | UNKNOWN))
    {
        return Err(STRANGE);
    }
    let (scheme, rest) = url.split_once("://").ok_or(STRANGE)?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(STRANGE);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains(['@', '%']) {
        return Err(STRANGE);
    }
    let host = match authority.strip_prefix('[') {
        Some(address) => authority
            .get(..address.find(']').ok_or(STRANGE)? + 2)
            .unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let fits = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '_' | '[' | ']' | ':')
    };
    if host.is_empty() || host.starts_with('.') || !host.chars().all(fits) {
        return Err(STRANGE);
    }
    Ok(host)
}
