//! The decision: every part of a request on its own, then all of them together.
//!
//! For each part, the first that applies:
//! 1. a file that is never edited, or a deny rule of any layer: deny;
//! 2. a file that is always asked about, or a deny rule that could apply to what is only known when the command runs: ask;
//! 3. a grant of the session: allow;
//! 4. the most specific kind of layer with a matching rule: ask, or else allow;
//! 5. the mode; reading in the working directory; else ask.
//!
//! Together: deny if any part is denied, else ask if any is asked, else allow. Where nobody can be asked, ask becomes deny.

use crate::layers::{Action, Entry, Grants, Matched, Mode, Origin, OriginKind, Rules, is_whole};
use crate::matcher::{Hit, Texts, file_allowed, file_hit, tool_matches, unknown_file_hit};
use crate::path::Path;
use crate::read_only::is_read_only;
use crate::request::{Kind, Request};
use crate::shell::{Access, Assignment, SEPARATOR, Script, Simple, UNKNOWN};
use crate::syntax::{Rule, Subject};

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It runs.
    Allow,
    /// A person is asked.
    Ask,
    /// It does not run.
    Deny,
}

/// What was decided about one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartVerdict {
    /// The part, in words.
    pub what: String,
    /// What is to happen.
    pub decision: Decision,
    /// The rule that decided.
    pub by: Option<Matched>,
    /// Why.
    pub reason: String,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is to happen.
    pub decision: Decision,
    /// The rule that decided, of the part that decided.
    pub by: Option<Matched>,
    /// Why, as a sentence.
    pub reason: String,
    /// What was decided about each part, in the order in which they are written.
    pub parts: Vec<PartVerdict>,
}

/// How specific what allows or asks is: the smaller one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Grant,
    Layer(OriginKind),
    Mode,
}

/// What allows something.
#[derive(Clone, Copy)]
struct Allowed<'a> {
    rank: Rank,
    by: By<'a>,
}

#[derive(Clone, Copy)]
enum By<'a> {
    Rule(&'a Rules, &'a Entry),
    Word(&'static str),
}

/// What was found about a part.
#[derive(Default)]
struct Found<'a> {
    denied: Option<By<'a>>,
    /// Asked whatever allows it.
    held: Option<(By<'a>, &'static str)>,
    asked: Option<(OriginKind, &'a Entry)>,
    allowed: Option<Allowed<'a>>,
    /// Why it is not allowed, when there is more to say than that no rule does.
    hint: Option<String>,
}

/// Decides about a request.
pub fn decide(request: &Request, rules: &Rules, mode: Mode, grants: &Grants) -> Verdict {
    let decider = Decider {
        request,
        rules,
        mode,
        grants,
    };
    let parts = decider.parts();
    // The first of the parts with the gravest decision speaks for all.
    let mut worst: Option<&PartVerdict> = None;
    for part in &parts {
        if worst.is_none_or(|worst| part.decision > worst.decision) {
            worst = Some(part);
        }
    }
    let Some(worst) = worst else {
        let (decision, reason) = match mode {
            Mode::OnlyAllowed => (Decision::Deny, "no rule allows it"),
            _ => (Decision::Allow, "it does nothing"),
        };
        return Verdict {
            decision,
            by: None,
            reason: reason.to_owned(),
            parts,
        };
    };
    let reason = if parts.len() > 1 && worst.decision != Decision::Allow {
        format!("{}: {}", worst.what, worst.reason)
    } else {
        worst.reason.clone()
    };
    Verdict {
        decision: worst.decision,
        by: worst.by.clone(),
        reason,
        parts,
    }
}

struct Decider<'a> {
    request: &'a Request,
    rules: &'a Rules,
    mode: Mode,
    grants: &'a Grants,
}

impl<'a> Decider<'a> {
    fn parts(&self) -> Vec<PartVerdict> {
        match &self.request.kind {
            Kind::Shell {
                raw,
                script: Ok(script),
            } => self.script(raw, script),
            Kind::Shell {
                raw,
                script: Err(trouble),
            } => {
                let reason = format!("it cannot be understood: {}", trouble.what);
                vec![self.not_understood(raw, &reason)]
            }
            Kind::Files(access) => {
                let one = |path| self.conclude(path_text(path), self.file(path, *access, true));
                self.request.paths.iter().map(one).collect()
            }
            Kind::Host(Ok(host)) => vec![self.tool(host.clone(), &|rule| match &rule.subject {
                Subject::Host(pattern) => pattern.matches(host).then_some(Hit::Certain),
                subject => other_subject(subject),
            })],
            Kind::Named(name) => vec![self.tool(name.clone(), &|rule| match &rule.subject {
                Subject::Name(pattern) => {
                    crate::glob::matches(pattern, name).then_some(Hit::Certain)
                }
                subject => other_subject(subject),
            })],
            Kind::Plain => vec![self.tool(String::new(), &|rule| other_subject(&rule.subject))],
            Kind::Host(Err(what)) | Kind::Strange(what) => vec![self.strange(what)],
        }
    }

    /// What is built in, of the two sources of rules.
    fn sources(&self) -> [(&'a Rules, bool); 2] {
        [(&self.grants.rules, true), (self.rules, false)]
    }

    fn script(&self, raw: &str, script: &Script) -> Vec<PartVerdict> {
        // A rule may be written for the whole text; it can forbid, and it cannot allow.
        let whole = |entry: &&Entry| match &entry.rule.subject {
            Subject::Command(pattern) => pattern.compound.is_some() && pattern.matches_raw(raw),
            subject => *subject == Subject::All && script.commands.is_empty(),
        };
        let mut parts = Vec::new();
        let mut commands = self
            .rules
            .commands
            .iter()
            .filter(|entry| entry.action != Action::Allow);
        if let Some(entry) = commands
            .clone()
            .find(|entry| entry.action == Action::Deny && whole(entry))
            .or_else(|| commands.find(whole))
        {
            let by = By::Rule(self.rules, entry);
            let found = match entry.action {
                Action::Deny => Found {
                    denied: Some(by),
                    ..Found::default()
                },
                _ => Found {
                    held: Some((by, "asks about it")),
                    ..Found::default()
                },
            };
            parts.push(self.conclude(raw.to_owned(), found));
        }
        for command in &script.commands {
            let mut found = self.command(command);
            if found.allowed.is_none() {
                found.hint = hint(command);
            }
            parts.push(self.conclude(command_text(command), found));
        }
        for set in script
            .assignments
            .iter()
            .filter(|set| crate::shell::changes_what_runs(&set.name))
        {
            parts.push(self.assignment(set));
        }
        for file in &script.files {
            let access = file.access;
            if !file.name.is_known() {
                let found = self.unknown_file(&file.name.text, access, file.own_part);
                if file.own_part
                    || found.denied.is_some()
                    || found.held.is_some()
                    || found.asked.is_some()
                {
                    parts.push(self.conclude(format!("file {}", shown(&file.name.text)), found));
                }
                continue;
            }
            let Some(path) = self.request.path_of(&file.name.path()) else {
                continue;
            };
            let mut found = self.file(path, access, file.own_part);
            if !file.own_part {
                if found.denied.is_none() && found.held.is_none() && found.asked.is_none() {
                    continue;
                }
                // The command is allowed by a rule about commands; this part can only take that back.
                found.allowed = Some(Allowed {
                    rank: Rank::Mode,
                    by: By::Word("no rule forbids it"),
                });
            }
            parts.push(self.conclude(path_text(path), found));
        }
        parts
    }

    fn assignment(&self, set: &Assignment) -> PartVerdict {
        let text = format!("{}={}", set.name, set.value.text);
        let command = Simple {
            words: vec![crate::shell::Word {
                text,
                ..set.value.clone()
            }],
            ..Simple::default()
        };
        let mut found = self.command(&command);
        found.hint = Some("this variable can change what runs".to_owned());
        self.conclude(command_text(&command), found)
    }

    /// A command with everything it runs.
    fn command(&self, command: &Simple) -> Found<'a> {
        let mut found = Found::default();
        self.restraints(command, &mut found);
        if found.denied.is_none() {
            found.allowed = self.best(command);
        }
        found
    }

    fn restraints(&self, command: &Simple, found: &mut Found<'a>) {
        let texts = Texts::of(command);
        for entry in &self.rules.commands {
            if entry.action == Action::Allow {
                continue;
            }
            self.restrain(entry, texts.hit_by(&entry.rule), found);
        }
        for inner in &command.inner {
            self.restraints(inner, found);
        }
    }

    fn restrain(&self, entry: &'a Entry, hit: Option<Hit>, found: &mut Found<'a>) {
        match (entry.action, hit) {
            (Action::Deny, Some(Hit::Certain)) => {
                found.denied.get_or_insert(By::Rule(self.rules, entry));
            }
            (Action::Deny, Some(Hit::Possible)) => {
                found.held.get_or_insert((
                    By::Rule(self.rules, entry),
                    "may forbid it, which is only known when it runs",
                ));
            }
            (Action::Ask, Some(_)) if found.asked.is_none_or(|(kind, _)| entry.kind < kind) => {
                found.asked = Some((entry.kind, entry));
            }
            _ => {}
        }
    }

    /// The most specific thing that allows a command and all it runs.
    fn best(&self, command: &Simple) -> Option<Allowed<'a>> {
        let guard = command.guard.map_or(0, |(words, _)| words);
        let texts = Texts::of(command);
        if command.inner.is_empty() {
            let by_rule = self.named(&texts, guard);
            let by_table = || {
                is_read_only(command, self.request)
                    .then_some("it only reads, in the working directory")
            };
            return by_rule.or_else(|| self.by_default(by_table));
        }
        let whole = command
            .covers
            .and_then(|covers| self.named(&texts, covers.max(guard)));
        let outer = if command.transparent && guard == 0 {
            Some(None)
        } else {
            self.named(&texts, guard).map(Some)
        };
        let parts = outer.and_then(|outer| {
            let mut best = outer;
            for inner in &command.inner {
                let inner = self.best(inner)?;
                if best.is_none_or(|best| inner.rank > best.rank) {
                    best = Some(inner);
                }
            }
            best
        });
        match (whole, parts) {
            (Some(whole), Some(parts)) if parts.rank < whole.rank => Some(parts),
            (Some(whole), _) => Some(whole),
            (None, parts) => parts,
        }
    }

    /// The most specific rule that allows a command by its words.
    fn named(&self, texts: &Texts, spelled: usize) -> Option<Allowed<'a>> {
        let mut best: Option<Allowed<'a>> = None;
        for (rules, granted) in self.sources() {
            for entry in &rules.commands {
                let rank = if granted {
                    Rank::Grant
                } else {
                    Rank::Layer(entry.kind)
                };
                if entry.action == Action::Allow
                    && best.is_none_or(|best| rank < best.rank)
                    && texts.allowed_by(&entry.rule, spelled)
                {
                    best = Some(Allowed {
                        rank,
                        by: By::Rule(rules, entry),
                    });
                }
            }
        }
        best
    }

    /// What the mode allows of what only reads.
    fn by_default(&self, why: impl FnOnce() -> Option<&'static str>) -> Option<Allowed<'a>> {
        let why = match self.mode {
            Mode::OnlyAllowed => None,
            Mode::BypassPermissions => Some("the mode allows everything"),
            _ => why(),
        };
        why.map(|why| Allowed {
            rank: Rank::Mode,
            by: By::Word(why),
        })
    }

    fn file(&self, path: &Path, access: Access, own_part: bool) -> Found<'a> {
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

    fn unknown_file(&self, name: &str, access: Access, own_part: bool) -> Found<'a> {
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

    /// A tool that is neither a shell nor about files.
    fn tool(&self, what: String, hit: &dyn Fn(&Rule) -> Option<Hit>) -> PartVerdict {
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
            const NOTES: &[&str] = &[
                "TodoWrite",
                "TodoRead",
                "TaskCreate",
                "TaskGet",
                "TaskList",
                "TaskUpdate",
                "BashOutput",
                "TaskOutput",
            ];
            found.allowed =
                self.by_default(|| NOTES.contains(&tool).then_some("it changes nothing"));
        }
        let what = if what.is_empty() {
            tool.to_owned()
        } else {
            format!("{tool} {}", shown(&what))
        };
        self.conclude(what, found)
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
    fn not_understood(&self, raw: &str, reason: &str) -> PartVerdict {
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
        self.conclude(what, found)
    }

    /// A call without the input it should have: only rules about the whole tool are about it.
    fn strange(&self, what: &str) -> PartVerdict {
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
        self.conclude(tool.to_owned(), found)
    }

    fn conclude(&self, what: String, found: Found<'a>) -> PartVerdict {
        let verdict = |decision, by: Option<Matched>, reason: String| PartVerdict {
            what: what.clone(),
            decision,
            by,
            reason,
        };
        if let Some(by) = found.denied {
            return match by {
                By::Rule(rules, entry) => verdict(
                    Decision::Deny,
                    Some(rules.matched(entry)),
                    format!("the rule `{}` forbids it", entry.rule),
                ),
                By::Word(reason) => {
                    verdict(Decision::Deny, Some(builtin(reason)), reason.to_owned())
                }
            };
        }
        let asked = if let Some((by, why)) = found.held {
            match by {
                By::Rule(rules, entry) => (
                    Some(rules.matched(entry)),
                    format!("the rule `{}` {why}", entry.rule),
                ),
                By::Word(reason) => (Some(builtin(reason)), reason.to_owned()),
            }
        } else {
            match (found.asked, found.allowed) {
                (Some((kind, entry)), allowed)
                    if allowed.is_none_or(|allowed| Rank::Layer(kind) <= allowed.rank) =>
                {
                    (
                        Some(self.rules.matched(entry)),
                        format!("the rule `{}` asks about it", entry.rule),
                    )
                }
                (
                    _,
                    Some(Allowed {
                        by: By::Rule(rules, entry),
                        ..
                    }),
                ) => {
                    return verdict(
                        Decision::Allow,
                        Some(rules.matched(entry)),
                        format!("the rule `{}` allows it", entry.rule),
                    );
                }
                (
                    _,
                    Some(Allowed {
                        by: By::Word(reason),
                        ..
                    }),
                ) => {
                    return verdict(Decision::Allow, None, reason.to_owned());
                }
                (_, None) => (
                    None,
                    found.hint.unwrap_or_else(|| "no rule allows it".to_owned()),
                ),
            }
        };
        let (by, reason) = asked;
        match self.mode {
            Mode::DontAsk | Mode::OnlyAllowed => verdict(
                Decision::Deny,
                by,
                format!("{reason}, and nobody can be asked"),
            ),
            _ => verdict(Decision::Ask, by, reason),
        }
    }
}

fn other_subject(subject: &Subject) -> Option<Hit> {
    match subject {
        Subject::All => Some(Hit::Certain),
        Subject::Opaque => Some(Hit::Possible),
        _ => None,
    }
}

fn builtin(reason: &str) -> Matched {
    Matched {
        rule: reason.to_owned(),
        origin: Origin {
            kind: OriginKind::Builtin,
            file: None,
        },
        line: None,
    }
}

/// Why a command is not covered by a rule that looks as if it should.
fn hint(command: &Simple) -> Option<String> {
    if let Some(set) = command.assignments.iter().find(|set| !set.is_harmless()) {
        let why = if set.runs {
            "its value is the result of a command"
        } else {
            "this variable can change what runs"
        };
        return Some(format!("no rule names `{}=`, and {why}", set.name));
    }
    if let Some((_, why)) = command.guard {
        return Some(format!("no rule spells it out, and {why}"));
    }
    if command.words.first().is_some_and(|word| !word.is_known()) {
        return Some("which program runs is only known when it runs".to_owned());
    }
    command.inner.iter().find_map(hint)
}

fn path_text(path: &Path) -> String {
    format!("file /{}", path.written.join("/"))
}

fn command_text(command: &Simple) -> String {
    let words: Vec<&str> = command
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    shown(&words.join(" "))
}

/// A text for people: what is unknown is an ellipsis, long texts are cut.
fn shown(text: &str) -> String {
    let mut result = String::new();
    for character in text.chars().take(200) {
        match character {
            UNKNOWN => result.push('…'),
            SEPARATOR => result.push(' '),
            character if character.is_control() => result.extend(character.escape_debug()),
            character => result.push(character),
        }
    }
    result
}
