//! Whether a rule is about a part of a request. A rule that denies looks at a command in every way it could be called by; a
//! rule that allows only as it is written.

use crate::layers::{Action, Entry, is_whole};
use crate::path::Path;
use crate::request::Place;
use crate::shell::{Access, SEPARATOR, Simple, UNKNOWN};
use crate::syntax::{AGENT_TOOLS, EDIT_TOOLS, READ_TOOLS, Rule, Subject};

/// How sure it is that a rule that denies or asks applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hit {
    /// It does.
    Certain,
    /// It may, depending on what is only known when the command runs.
    Possible,
}

/// A command as texts to compare.
pub(crate) struct Texts {
    /// The words as they are, for rules that allow. With the variables in front when a rule has to name them.
    exact: String,
    /// Variables in front that a rule has to name.
    named: usize,
    /// Other ways to say the same, for rules that deny.
    views: Vec<String>,
    /// The same without separators around unknowns, when there are any.
    loose: Vec<String>,
}

impl Texts {
    pub(crate) fn of(command: &Simple) -> Self {
        let words: Vec<&str> = command
            .words
            .iter()
            .map(|word| word.text.as_str())
            .collect();
        let separator = SEPARATOR.to_string();
        let assignments: Vec<String> = if command
            .assignments
            .iter()
            .all(crate::shell::Assignment::is_harmless)
        {
            Vec::new()
        } else {
            command
                .assignments
                .iter()
                .map(|set| format!("{}={}", set.name, set.value.text))
                .collect()
        };
        let named = assignments.len();
        let exact = if named == 0 {
            words.join(&separator)
        } else {
            format!(
                "{}{separator}{}",
                assignments.join(&separator),
                words.join(&separator)
            )
        };
        let unknown = exact.contains(UNKNOWN);
        let mut views = vec![words.join(&separator)];
        let mut renamed = false;
        if named > 0 {
            views.push(exact.clone());
        }
        if let Some((first, rest)) = words.split_first() {
            let base = first
                .rsplit(['/', '\\'])
                .next()
                .unwrap_or(first)
                .to_ascii_lowercase();
            let base = base.strip_suffix(".exe").unwrap_or(&base);
            let with = |rest: &[&str]| {
                std::iter::once(&base)
                    .chain(rest)
                    .copied()
                    .collect::<Vec<_>>()
                    .join(&separator)
            };
            if base != *first {
                views.push(with(rest));
            }
            if base == "git" {
                let skipped = after_git_options(rest);
                if skipped > 0 {
                    views.push(with(rest.get(skipped..).unwrap_or_default()));
                }
                // A name that is given to a command here may stand for any other.
                renamed = rest.iter().take(skipped).any(|option| {
                    let option = option.to_ascii_lowercase();
                    ["alias.", "include.", "includeif.", "--config-env"]
                        .iter()
                        .any(|what| option.contains(what))
                });
            }
        }
        let mut loose: Vec<String> = if unknown {
            views.iter().map(|view| without_separators(view)).collect()
        } else {
            Vec::new()
        };
        if renamed {
            loose.push(format!("git{UNKNOWN}"));
        }
        Self {
            exact,
            named,
            views,
            loose,
        }
    }

    /// Whether a rule that allows is about the command and spells out so many of its words.
    pub(crate) fn allowed_by(&self, rule: &Rule, spelled: usize) -> bool {
        match &rule.subject {
            Subject::All => true,
            Subject::Command(pattern) => {
                let needed = if self.named > 0 {
                    self.named + spelled.max(1)
                } else {
                    spelled
                };
                pattern.spelled >= needed && pattern.matches(&self.exact)
            }
            _ => false,
        }
    }

    /// Whether a rule that denies or asks is about the command.
    pub(crate) fn hit_by(&self, rule: &Rule) -> Option<Hit> {
        let Subject::Command(pattern) = &rule.subject else {
            return is_whole(rule).then_some(Hit::Certain);
        };
        if self.views.iter().any(|view| pattern.matches(view)) {
            return Some(Hit::Certain);
        }
        self.loose
            .iter()
            .any(|view| pattern.may_match(view))
            .then_some(Hit::Possible)
    }
}

/// How many of git's own options stand in front of the command.
fn after_git_options(words: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        let valued = matches!(
            *word,
            "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace" | "--config-env"
        );
        at += if valued { 2 } else { 1 };
    }
    at.min(words.len())
}

/// An unknown that is not quoted may become several words or none: what separates it from its neighbours is unknown too.
fn without_separators(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let beside = result.ends_with(UNKNOWN) || characters.peek() == Some(&UNKNOWN);
        if character == SEPARATOR && beside {
            continue;
        }
        result.push(character);
    }
    result
}

/// Whether a rule about files is about this tool and this access.
fn concerns(rule: &Rule, tool: &str, access: Access, action: Action) -> bool {
    let own_tool = EDIT_TOOLS.contains(&tool) || READ_TOOLS.contains(&tool);
    match rule.tool.as_str() {
        "Edit" => access == Access::Edit || (access == Access::Mention && action != Action::Allow),
        "Read" => access == Access::Read || (access == Access::Mention && action != Action::Allow),
        // A redirection creates files as this tool does; to allow that, the rule has to be about edits.
        "Write" if !own_tool => access == Access::Edit && action != Action::Allow,
        other => other == tool,
    }
}

/// Whether a rule that allows covers a file.
pub(crate) fn file_allowed(
    entry: &Entry,
    tool: &str,
    access: Access,
    path: &Path,
    place: &Place,
) -> bool {
    concerns(&entry.rule, tool, access, Action::Allow)
        && match &entry.rule.subject {
            Subject::All => path.usable && path.resolved.is_some(),
            Subject::Path(pattern) => pattern.covers(path, place),
            _ => false,
        }
}

/// Whether a rule that denies or asks is about a file.
pub(crate) fn file_hit(
    entry: &Entry,
    tool: &str,
    (access, own_part): (Access, bool),
    path: &Path,
    place: &Place,
) -> Option<Hit> {
    if !concerns(&entry.rule, tool, access, entry.action) {
        return None;
    }
    match &entry.rule.subject {
        Subject::All => own_part.then_some(Hit::Certain),
        Subject::Path(pattern) if pattern.touches(path, place) => {
            // A program that is only told the name may read it or not change it.
            let sure = access != Access::Mention || entry.rule.tool == "Read";
            Some(if sure { Hit::Certain } else { Hit::Possible })
        }
        Subject::Path(pattern) if !path.is_certain() && pattern.may_be(path) => Some(Hit::Possible),
        _ => None,
    }
}

/// Whether a rule that denies or asks could be about a file whose name is not known.
pub(crate) fn unknown_file_hit(
    entry: &Entry,
    tool: &str,
    (access, own_part): (Access, bool),
    name: &str,
) -> Option<Hit> {
    if !concerns(&entry.rule, tool, access, entry.action) {
        return None;
    }
    match &entry.rule.subject {
        Subject::All => own_part.then_some(Hit::Certain),
        Subject::Path(pattern) => {
            let end = name.rsplit(UNKNOWN).next().unwrap_or_default();
            pattern.may_end_with(end).then_some(Hit::Possible)
        }
        _ => None,
    }
}

/// Whether a rule that denies or asks could be about files that a pattern describes.
pub(crate) fn described_hit(entry: &Entry, tool: &str, name: &str) -> Option<Hit> {
    match &entry.rule.subject {
        Subject::Path(pattern)
            if concerns(&entry.rule, tool, Access::Read, entry.action)
                && pattern.may_be_called(name) =>
        {
            Some(Hit::Possible)
        }
        _ => None,
    }
}

/// Whether the name of a tool in a rule is about a tool.
pub(crate) fn tool_matches(rule: &Rule, tool: &str) -> bool {
    if rule.tool == tool
        || (AGENT_TOOLS.contains(&rule.tool.as_str()) && AGENT_TOOLS.contains(&tool))
    {
        return true;
    }
    if !rule.tool.starts_with("mcp__") {
        return false;
    }
    if rule.tool.contains('*') {
        let any = crate::glob::ANY.to_string();
        return crate::glob::matches(&rule.tool.replace('*', &any), tool);
    }
    // The name of a server alone.
    tool.strip_prefix(&rule.tool)
        .is_some_and(|rest| rest.starts_with("__"))
}
