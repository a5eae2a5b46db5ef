//! Parts that are no understood command: files, other tools, and what is not understood.

use super::verdict::shown;
use super::{Allowed, By, Decider, Found, PartVerdict, Rank};
use crate::layers::{Action, Entry, Mode, Rules, is_whole};
use crate::matcher::{Hit, described_hit, file_allowed, file_hit, tool_matches, unknown_file_hit};
use crate::path::Path;
use crate::shell::Access;
use crate::syntax::{Rule, Subject};

/// Tools that keep notes, look at what runs already, or say the answer in the form that was asked for.
const NOTES: &[&str] = &[
    "TodoWrite",
    "TodoRead",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskUpdate",
    "BashOutput",
    "TaskOutput",
    "StructuredOutput",
];

impl<'a> Decider<'a> {
    pub(super) fn file(&self, path: &Path, access: Access, own_part: bool) -> Found<'a> {
        let place = &self.request.place;
        let tool = self.request.tool.as_str();
        let mut found = Found::default();
        if access != Access::Read {
            if self
                .rules
                .never
                .iter()
                .any(|(_, pattern)| pattern.touches_in_any_case(path, place))
            {
                let by = By::Word("the agent may not change what decides about it");
                if access == Access::Edit {
                    found.denied = Some(by);
                } else {
                    found.held = Some((by, ""));
                }
            } else if self
                .rules
                .always_ask
                .iter()
                .any(|(_, pattern)| pattern.touches_in_any_case(path, place))
            {
                found.held = Some((
                    By::Word("settings of agents are changed only after a question"),
                    "",
                ));
            } else if !path.is_certain()
                && self
                    .rules
                    .never
                    .iter()
                    .chain(&self.rules.always_ask)
                    .any(|(_, pattern)| {
                        if access == Access::Edit {
                            pattern.may_be(path)
                        } else {
                            pattern.may_begin(&path.written.join("/"))
                        }
                    })
            {
                found.held = Some((By::Word("it may be a file that decides about agents"), ""));
            }
        }
        for entry in self
            .rules
            .files
            .iter()
            .filter(|entry| entry.action != Action::Allow)
        {
            self.restrain(
                entry,
                file_hit(entry, tool, (access, own_part), path, place),
                &mut found,
            );
        }
        for (rules, granted) in self.sources() {
            for entry in &rules.files {
                let rank = if granted {
                    Rank::Grant
                } else {
                    Rank::Layer(entry.kind)
                };
                let better = found.allowed.is_none_or(|best| rank < best.rank);
                if entry.action == Action::Allow
                    && better
                    && file_allowed(entry, tool, access, path, place)
                {
                    found.allowed = Some(Allowed {
                        rank,
                        by: By::Rule(rules, entry),
                    });
                }
            }
        }
        if found.allowed.is_none() {
            found.allowed = self.by_default(|| match (access, self.mode) {
                (Access::Read, _) if path.is_inside(place) => {
                    Some("it only reads, in the working directory")
                }
                (Access::Edit, Mode::AcceptEdits) if path.is_inside(place) => {
                    Some("the mode allows edits in the working directory")
                }
                _ => None,
            });
            if path.resolved.is_none() {
                found.hint = Some("it is not certain which file this is".to_owned());
            }
        }
        if found.allowed.is_none() && access == Access::Edit && self.mode == Mode::Plan && own_part
        {
            found
                .denied
                .get_or_insert(By::Word("nothing is edited while a plan is made"));
        }
        found
    }

    /// What is changed or removed with everything in it may hold what must not be.
    pub(super) fn whole(&self, path: &Path, found: &mut Found<'a>) {
        let place = &self.request.place;
        let protected = self.rules.never.iter().chain(&self.rules.always_ask);
        for (_, pattern) in protected {
            if pattern.lies_below(path, place) {
                found.held.get_or_insert((
                    By::Word("it may hold settings that decide about agents"),
                    "",
                ));
            }
        }
        for entry in &self.rules.files {
            if entry.action == Action::Deny
                && entry.rule.tool == "Edit"
                && let Subject::Path(pattern) = &entry.rule.subject
                && pattern.lies_below(path, place)
            {
                self.restrain(entry, Some(Hit::Possible), found);
            }
        }
    }

    pub(super) fn unknown_file(&self, name: &str, access: Access, own_part: bool) -> Found<'a> {
        let mut found = Found::default();
        for entry in self
            .rules
            .files
            .iter()
            .filter(|entry| entry.action != Action::Allow)
        {
            self.restrain(
                entry,
                unknown_file_hit(entry, &self.request.tool, (access, own_part), name),
                &mut found,
            );
        }
        let mut protected = self.rules.never.iter().chain(&self.rules.always_ask);
        if access != Access::Read && protected.any(|(_, pattern)| pattern.may_begin(name)) {
            found.held.get_or_insert((
                By::Word("it may be a directory that decides about agents"),
                "",
            ));
        }
        found.allowed = self.by_default(|| None);
        if own_part
            && self.mode == Mode::BypassPermissions
            && (!self.rules.never.is_empty() || !self.rules.always_ask.is_empty())
            && access == Access::Edit
        {
            found.allowed = None;
        }
        found.hint = Some("which file this is is only known when it runs".to_owned());
        found
    }

    /// A command that asks for more than others have.
    pub(super) fn unconfined(&self, raw: &str) -> Vec<PartVerdict> {
        if !self.request.unconfined {
            return Vec::new();
        }
        let found = Found {
            held: Some((By::Word("it asks to run outside of the sandbox"), "")),
            ..Found::default()
        };
        let what: String = raw.chars().take(80).collect();
        vec![self.conclude(&shown(&what), found)]
    }

    /// Files that a pattern describes, where a rule could be about them.
    pub(super) fn described(&self) -> Vec<PartVerdict> {
        let tool = self.request.tool.as_str();
        let mut parts = Vec::new();
        for name in &self.request.described {
            let mut found = Found::default();
            for entry in &self.rules.files {
                if entry.action == Action::Deny {
                    self.restrain(entry, described_hit(entry, tool, name), &mut found);
                }
            }
            if found.held.is_some() {
                parts.push(self.conclude(&format!("file {}", shown(name)), found));
            }
        }
        parts
    }

    /// A tool that is neither a shell nor about files.
    pub(super) fn tool(&self, what: &str, hit: &dyn Fn(&Rule) -> Option<Hit>) -> PartVerdict {
        let tool = self.request.tool.as_str();
        let mut found = Found::default();
        for (rules, granted) in self.sources() {
            for entry in rules
                .others
                .iter()
                .filter(|entry| tool_matches(&entry.rule, tool))
            {
                let hit = hit(&entry.rule);
                if entry.action != Action::Allow {
                    self.restrain_from(rules, entry, hit, &mut found);
                    continue;
                }
                let rank = if granted {
                    Rank::Grant
                } else {
                    Rank::Layer(entry.kind)
                };
                if hit == Some(Hit::Certain) && found.allowed.is_none_or(|best| rank < best.rank) {
                    found.allowed = Some(Allowed {
                        rank,
                        by: By::Rule(rules, entry),
                    });
                }
            }
        }
        if found.allowed.is_none() {
            found.allowed =
                self.by_default(|| NOTES.contains(&tool).then_some("it changes nothing"));
        }
        let what = if what.is_empty() {
            tool.to_owned()
        } else {
            format!("{tool} {}", shown(what))
        };
        self.conclude(&what, found)
    }

    fn restrain_from(
        &self,
        rules: &'a Rules,
        entry: &'a Entry,
        hit: Option<Hit>,
        found: &mut Found<'a>,
    ) {
        if std::ptr::eq(rules, self.rules) {
            self.restrain(entry, hit, found);
        }
    }

    /// A command that is not understood. It is asked about whatever allows it: what is not understood is not covered.
    pub(super) fn not_understood(&self, raw: &str, reason: &str) -> PartVerdict {
        let mut found = Found::default();
        for entry in &self.rules.commands {
            let hit = match &entry.rule.subject {
                Subject::Command(pattern) => pattern.matches_raw(raw),
                subject => *subject == Subject::All,
            };
            if entry.action != Action::Allow {
                self.restrain(entry, hit.then_some(Hit::Certain), &mut found);
            }
        }
        // In the mode that allows everything, only what a rule restrains can hide.
        if self.mode == Mode::BypassPermissions && !self.rules.restrains_commands() {
            found.allowed = self.by_default(|| None);
        }
        found.hint = Some(reason.to_owned());
        let mut what: String = raw.chars().take(80).collect();
        what = shown(&what);
        self.conclude(&what, found)
    }

    /// A call without the input it should have: only rules about the whole tool are about it.
    pub(super) fn strange(&self, what: &str) -> PartVerdict {
        let mut found = Found::default();
        let tool = self.request.tool.as_str();
        let rules = self.rules;
        for entry in rules
            .commands
            .iter()
            .chain(&rules.files)
            .chain(&rules.others)
        {
            let same = tool_matches(&entry.rule, tool)
                || (entry.rule.tool == "Edit" && crate::syntax::EDIT_TOOLS.contains(&tool))
                || (entry.rule.tool == "Read" && crate::syntax::READ_TOOLS.contains(&tool));
            if !same || entry.action == Action::Allow {
                continue;
            }
            let hit = if is_whole(&entry.rule) {
                Hit::Certain
            } else {
                Hit::Possible
            };
            self.restrain(entry, Some(hit), &mut found);
        }
        found.hint = Some(format!("it cannot be understood: {what}"));
        self.conclude(tool, found)
    }
}
