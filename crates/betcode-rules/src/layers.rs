//! Layers of rules and which of them decides.
//!
//! Laws:
//! - a deny from any layer wins, also from one that is not trusted;
//! - then what was granted for the session;
//! - then, from the most specific kind of layer to the least (flags, environment, project-local, project, user), the first
//!   with a rule that matches decides; within one kind ask beats allow, also between two files;
//! - an allow from a layer that is not trusted does not exist; its asks and denies do.

use crate::path::PathPattern;
use crate::syntax::{Rule, RuleError, Subject};

/// What kind of source a layer comes from, the most specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginKind {
    /// Granted for this session.
    Session,
    /// The command line.
    Flag,
    /// An environment variable.
    Environment,
    /// The user's own file for one project.
    ProjectLocal,
    /// The project's file.
    Project,
    /// The user's file.
    User,
    /// The program itself.
    Builtin,
}

/// Where a layer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its kind.
    pub kind: OriginKind,
    /// Its file, if it is one.
    pub file: Option<String>,
}

/// A rule with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The rule.
    pub rule: Rule,
    /// The line it stands on, from 1.
    pub line: Option<u32>,
}

/// The rules of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Where they come from.
    pub origin: Origin,
    /// Whether the user trusts the directory they come from.
    pub trusted: bool,
    /// What needs no question.
    pub allow: Vec<Placed>,
    /// What is always asked.
    pub ask: Vec<Placed>,
    /// What is never done.
    pub deny: Vec<Placed>,
}

/// Files that no rule opens, as patterns in the syntax of `Edit(…)`. Capital letters make no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protected {
    /// Never edited: the program's own configuration and state.
    pub denied: Vec<String>,
    /// Edited only after a question: settings of agents.
    pub always_ask: Vec<String>,
}

/// What happens to what no rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It is asked; reading in the working directory is allowed.
    Default,
    /// Files are not edited; everything else as by default.
    Plan,
    /// Edits in the working directory are allowed too.
    AcceptEdits,
    /// Nobody can be asked: what would be asked is denied.
    DontAsk,
    /// Everything is allowed.
    BypassPermissions,
    /// Nobody can be asked, and only what a rule names is allowed: reading needs a rule as well.
    OnlyAllowed,
}

/// A rule that decided, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The rule as it was written; a sentence for what is built in.
    pub rule: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The line it stands on.
    pub line: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Deny,
    Ask,
    Allow,
}

/// A rule, ready to be compared.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) rule: Rule,
    pub(crate) action: Action,
    pub(crate) kind: OriginKind,
    layer: usize,
    line: Option<u32>,
}

/// All rules that count, ready to be compared. Made once for a set of sources.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    origins: Vec<Origin>,
    /// Rules about commands.
    pub(crate) commands: Vec<Entry>,
    /// Rules about files.
    pub(crate) files: Vec<Entry>,
    /// All others.
    pub(crate) others: Vec<Entry>,
    pub(crate) never: Vec<(String, PathPattern)>,
    pub(crate) always_ask: Vec<(String, PathPattern)>,
}

impl Rules {
    /// Compiles layers, in any order. An error names a protected pattern that is none.
    pub fn new(layers: &[Layer], protected: &Protected) -> Result<Self, RuleError> {
        let mut rules = Self::default();
        for layer in layers {
            let index = rules.origins.len();
            rules.origins.push(layer.origin.clone());
            rules.add(&layer.deny, Action::Deny, layer.origin.kind, index);
            rules.add(&layer.ask, Action::Ask, layer.origin.kind, index);
            if layer.trusted {
                rules.add(&layer.allow, Action::Allow, layer.origin.kind, index);
            }
        }
        rules.never = patterns(&protected.denied)?;
        rules.always_ask = patterns(&protected.always_ask)?;
        Ok(rules)
    }

    fn add(&mut self, placed: &[Placed], action: Action, kind: OriginKind, layer: usize) {
        for Placed { rule, line } in placed {
            let list = match rule.tool.as_str() {
                "Bash" => &mut self.commands,
                tool if crate::syntax::EDIT_TOOLS.contains(&tool)
                    || crate::syntax::READ_TOOLS.contains(&tool) =>
                {
                    &mut self.files
                }
                _ => &mut self.others,
            };
            let entry = Entry {
                rule: rule.clone(),
                action,
                kind,
                layer,
                line: *line,
            };
            list.push(entry);
        }
    }

    /// Whether a rule could forbid or ask about something that a command hides.
    pub(crate) fn restrains_commands(&self) -> bool {
        let restrains = |entry: &&Entry| entry.action != Action::Allow;
        self.commands.iter().any(|entry| restrains(&entry))
            || self.files.iter().any(|entry| restrains(&entry))
            || !self.never.is_empty()
            || !self.always_ask.is_empty()
    }

    pub(crate) fn matched(&self, entry: &Entry) -> Matched {
        let nowhere = Origin {
            kind: entry.kind,
            file: None,
        };
        Matched {
            rule: entry.rule.to_string(),
            origin: self.origins.get(entry.layer).cloned().unwrap_or(nowhere),
            line: entry.line,
        }
    }
}

fn patterns(texts: &[String]) -> Result<Vec<(String, PathPattern)>, RuleError> {
    let pattern = |text: &String| match PathPattern::parse(text) {
        Ok(pattern) => Ok((text.clone(), pattern)),
        Err(what) => Err(RuleError {
            rule: text.clone(),
            what: what.to_owned(),
            at: 1,
        }),
    };
    texts.iter().map(pattern).collect()
}

/// What was granted for a session.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    pub(crate) rules: Rules,
}

impl Grants {
    /// Grants in the form of rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        let allow: Vec<Placed> = rules
            .into_iter()
            .map(|rule| Placed { rule, line: None })
            .collect();
        let mut grants = Rules::default();
        grants.origins.push(Origin {
            kind: OriginKind::Session,
            file: None,
        });
        grants.add(&allow, Action::Allow, OriginKind::Session, 0);
        Self { rules: grants }
    }
}

/// Whether a rule is about all of its tool.
pub(crate) fn is_whole(rule: &Rule) -> bool {
    rule.subject == Subject::All
}
