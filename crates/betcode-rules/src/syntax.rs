//! Rules as they are written: `Bash(git *)`, `Edit(src/**/*.ts)`, `WebFetch(domain:example.com)`, `mcp__server__tool`.
//!
//! | rule | what it means |
//! |---|---|
//! | `Bash` | every command |
//! | `Bash(git status)` | this command, word for word |
//! | `Bash(git *)`, `Bash(git:*)` | `git` alone or with any arguments; not `gitx` |
//! | `Bash(git * main)`, `Bash(ls*)` | a star is any text, in and across words |
//! | `Read(~/.ssh/**)` | below the home directory |
//! | `Edit(//etc/**)` | a full path |
//! | `Edit(/src/**)` | from the project's root |
//! | `Edit(src/**)`, `Edit(./src/**)` | from the working directory |
//! | `Edit(.env)` | a name alone: in the working directory and below it |
//! | `WebFetch(domain:example.com)`, `domain:*.example.com` | this host; every host below it |
//! | `mcp__server`, `mcp__server__*`, `mcp__server__tool` | all tools of a server, one tool |
//! | `Agent(name)`, `Task(name)`, `Skill(name)` | one of them by name; a star is any text |
//!
//! `Edit` covers every tool that changes files, `Read` every tool that reads, searches or lists them.

use std::fmt;

use crate::glob::{self, ANY};
use crate::path::PathPattern;
use crate::shell::{self, SEPARATOR};

/// A rule. Prints as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    text: String,
    pub(crate) tool: String,
    pub(crate) subject: Subject,
}

/// What of a tool a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// All of it.
    All,
    Command(CommandPattern),
    Path(PathPattern),
    Host(HostPattern),
    /// A text with wildcards.
    Name(String),
    /// The tool is not known, so what stands in parentheses is not either.
    Opaque,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}` is no rule: {what} (at character {at})")]
pub struct RuleError {
    /// The text.
    pub rule: String,
    /// What is wrong.
    pub what: String,
    /// Where, counted in characters from 1.
    pub at: usize,
}

impl Rule {
    /// Reads a rule.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let error = |what: String, byte: usize| RuleError {
            rule: text.escape_debug().to_string(),
            what,
            at: text.get(..byte).unwrap_or_default().chars().count() + 1,
        };
        if let Err((at, character)) = shell::fit_for_rule(text) {
            return Err(error(
                format!("U+{:04X} cannot be seen", u32::from(character)),
                at,
            ));
        }
        let trimmed = text.trim();
        let lead = text.len() - text.trim_start().len();
        if trimmed.is_empty() {
            return Err(error("it is empty".to_owned(), 0));
        }
        let (tool, inside) = match trimmed.find('(') {
            None => (trimmed, None),
            Some(open) => {
                let inside = trimmed
                    .get(open + 1..)
                    .and_then(|rest| rest.strip_suffix(')'))
                    .ok_or_else(|| {
                        error(
                            "the parenthesis is not closed at the end".to_owned(),
                            lead + open,
                        )
                    })?;
                (
                    trimmed.get(..open).unwrap_or_default(),
                    Some((inside, lead + open + 1)),
                )
            }
        };
        if tool.is_empty() {
            return Err(error("the name of a tool is missing".to_owned(), lead));
        }
        let mcp = tool.starts_with("mcp__");
        let fits = |character: char| {
            character.is_ascii_alphanumeric()
                || matches!(character, '_' | '-' | '.' | ':')
                || (mcp && character == '*')
        };
        if let Some(at) = tool.find(|character| !fits(character)) {
            return Err(error(
                "this cannot be in the name of a tool".to_owned(),
                lead + at,
            ));
        }
        if mcp
            && tool
                .trim_start_matches("mcp__")
                .trim_matches(['*', '_'])
                .is_empty()
            && !tool.trim_start_matches("mcp__").starts_with('*')
        {
            return Err(error(
                "the name of an MCP server is missing".to_owned(),
                lead + 5,
            ));
        }
        let subject = match inside {
            None => Subject::All,
            Some((inside, at)) if inside.trim().is_empty() => {
                return Err(error("there is nothing in the parentheses; without them the rule is about all of the tool".to_owned(), at));
            }
            Some((inside, at)) => subject(tool, inside).map_err(|what| error(what, at))?,
        };
        Ok(Self {
            text: text.to_owned(),
            tool: tool.to_owned(),
            subject,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What its author may not expect of it.
    pub fn remark(&self) -> Option<&'static str> {
        match &self.subject {
            Subject::Command(pattern) if pattern.compound.is_some() => Some(
                "this names more than one command; each is decided on its own, so it never allows: write one rule for each",
            ),
            Subject::Opaque => Some(
                "what stands in parentheses is not known for this tool: it never allows, and as deny it asks",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::str::FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::parse(text)
    }
}

/// Tools that change files.
pub(crate) const EDIT_TOOLS: &[&str] = &["Edit", "Write", "MultiEdit", "NotebookEdit"];
/// Tools that read, search or list files.
pub(crate) const READ_TOOLS: &[&str] = &["Read", "Grep", "Glob", "LS", "NotebookRead"];
/// Tools that start another agent.
pub(crate) const AGENT_TOOLS: &[&str] = &["Agent", "Task"];

fn subject(tool: &str, inside: &str) -> Result<Subject, String> {
    if tool == "Bash" {
        return Ok(match CommandPattern::parse(inside) {
            Some(pattern) => Subject::Command(pattern),
            None => Subject::All,
        });
    }
    if EDIT_TOOLS.contains(&tool) || READ_TOOLS.contains(&tool) {
        return PathPattern::parse(inside)
            .map(Subject::Path)
            .map_err(str::to_owned);
    }
    if tool == "WebFetch" {
        return HostPattern::parse(inside).map(Subject::Host);
    }
    if AGENT_TOOLS.contains(&tool) || matches!(tool, "Skill" | "SlashCommand") {
        let name = match inside.strip_suffix(":*") {
            Some(name) => format!("{name}{ANY}"),
            None => inside.replace('*', &ANY.to_string()),
        };
        return Ok(Subject::Name(name));
    }
    if tool.starts_with("mcp__") {
        return Err("a rule for MCP takes nothing in parentheses".to_owned());
    }
    Ok(Subject::Opaque)
}

/// A pattern of commands: words between separators, with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandPattern {
    /// The words; [`ANY`] is a wildcard, [`SEPARATOR`] stands between words.
    head: String,
    /// The length of the words before the first wildcard.
    prefix: usize,
    /// How many words are spelled out in front of the first wildcard.
    pub(crate) spelled: usize,
    /// Whether any further words may follow.
    open: bool,
    /// The text as a pattern for whole commands, when it holds more than one command.
    pub(crate) compound: Option<String>,
    /// The text as a pattern for commands that are not understood.
    raw: String,
}

impl CommandPattern {
    /// None for a pattern that every command fits.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (head, open) = match text.strip_suffix(":*").or_else(|| text.strip_suffix(" *")) {
            Some(head) if !head.ends_with('\\') => (head.trim_end(), true),
            _ => (text, false),
        };
        if (open && head.is_empty()) || head.chars().all(|character| character == '*') {
            return None;
        }
        let mut raw = head.replace('*', &ANY.to_string());
        if open {
            raw.push(ANY);
        }
        let words = shell::pattern_words(head, ANY);
        let compound = words.is_none().then(|| raw.clone());
        let words = words.unwrap_or_default();
        let head = words.join(&SEPARATOR.to_string());
        let prefix = head.find(ANY);
        let spelled = match prefix {
            Some(prefix) => head
                .get(..prefix)
                .unwrap_or_default()
                .matches(SEPARATOR)
                .count(),
            None => words.len(),
        };
        Some(Self {
            prefix: prefix.unwrap_or(head.len()),
            head,
            spelled,
            open,
            compound,
            raw,
        })
    }

    /// Whether the words of a command, joined by separators, fit.
    pub(crate) fn matches(&self, words: &str) -> bool {
        if self.compound.is_some()
            || !words
                .as_bytes()
                .starts_with(self.head.as_bytes().get(..self.prefix).unwrap_or_default())
        {
            return false;
        }
        if self.prefix == self.head.len() {
            let rest = words.get(self.head.len()..);
            return rest
                .is_some_and(|rest| rest.is_empty() || (self.open && rest.starts_with(SEPARATOR)));
        }
        glob::matches(&self.head, words)
            || (self.open && glob::matches(&format!("{}{SEPARATOR}{ANY}", self.head), words))
    }

    /// Whether words with unknowns could fit.
    pub(crate) fn may_match(&self, words: &str) -> bool {
        if self.compound.is_some() {
            return false;
        }
        // A quick look first: what is known in front has to agree.
        let known = words
            .find(shell::UNKNOWN)
            .unwrap_or(words.len())
            .min(self.prefix);
        if words.as_bytes().get(..known) != self.head.as_bytes().get(..known) {
            return false;
        }
        let pattern = if self.open {
            format!("{}{ANY}", self.head)
        } else {
            self.head.clone()
        };
        glob::meets(&pattern, words, shell::UNKNOWN)
    }

    /// Whether a whole text that is not understood begins like this.
    pub(crate) fn matches_raw(&self, text: &str) -> bool {
        glob::matches(&self.raw, text)
    }
}

/// A pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostPattern {
    Any,
    Exact(String),
    Below(String),
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, String> {
        let Some(host) = text.trim().strip_prefix("domain:") else {
            return Err("`domain:` and the name of a host belong here".to_owned());
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let (host, below) = match host.strip_prefix("*.") {
            Some(rest) => (rest.to_owned(), true),
            None if host == "*" => return Ok(Self::Any),
            None => (host, false),
        };
        let fits = |character: char| {
            character.is_ascii_alphanumeric()
                || matches!(character, '-' | '.' | '_' | ':' | '[' | ']')
        };
        if host.is_empty() || !host.chars().all(fits) {
            return Err("the name of a host is not understood; letters, digits, `-` and `.` can be in it, and `*.` in front".to_owned());
        }
        Ok(if below {
            Self::Below(format!(".{host}"))
        } else {
            Self::Exact(host)
        })
    }

    pub(crate) fn matches(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(expected) => expected == host,
            Self::Below(end) => host.len() > end.len() && host.ends_with(end.as_str()),
        }
    }
}
