//! The decision: every part of a request on its own, then all of them together.
//!
//! For each part, the first that applies:
//! 1. a file that is never edited, or a deny rule of any layer: deny;
//! 2. a file that is always asked about, or a deny rule that could apply to what is only known when the command runs: ask;
//! 3. a grant of the session: allow;
//! 4. the most specific kind of layer with a matching rule: ask, or else allow;
//! 5. the mode; reading in the working directory; else ask.
//!
//! Together: deny if any part is denied, else ask if any is asked, else allow. What has no parts does nothing and is allowed
//! in every mode: comments, and variables that only this shell sees. Where nobody can be asked, ask becomes deny.

mod others;
mod verdict;

pub use verdict::{Decision, PartVerdict, Verdict};

use verdict::{builtin, command_text, hint, other_subject, path_text, shown};

use crate::layers::{Action, Entry, Grants, Matched, Mode, OriginKind, Rules};
use crate::matcher::{Hit, Texts};
use crate::read_only::{is_read_only, only_creates};
use crate::request::{Kind, Request};
use crate::shell::{Assignment, Script, Simple};
use crate::syntax::Subject;

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
    // The first of the parts with the gravest decision speaks for all; where all is allowed, one that needed a rule for that.
    let weight = |part: &PartVerdict| {
        let by_rule = part.decision == Decision::Allow && part.by.is_some();
        (part.decision, by_rule)
    };
    let mut worst: Option<&PartVerdict> = None;
    for part in &parts {
        if worst.is_none_or(|worst| weight(part) > weight(worst)) {
            worst = Some(part);
        }
    }
    let Some(worst) = worst else {
        // No command, no file, no variable that matters to anything else: there is nothing that a rule could be about, here
        // as little as in a substitution of a command that a rule allows.
        return Verdict {
            decision: Decision::Allow,
            by: None,
            reason: "it does nothing".to_owned(),
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
                let mut parts = self.unconfined(raw);
                parts.push(self.not_understood(raw, &reason));
                parts
            }
            Kind::Files(access) => {
                let one = |path| self.conclude(&path_text(path), self.file(path, *access, true));
                let paths = self.request.paths.iter().map(one);
                paths.chain(self.described()).collect()
            }
            Kind::Host(Ok(host)) => vec![self.tool(host, &|rule| match &rule.subject {
                Subject::Host(pattern) => pattern.matches(host).then_some(Hit::Certain),
                subject => other_subject(subject),
            })],
            Kind::Named(name) => vec![self.tool(name, &|rule| match &rule.subject {
                Subject::Name(pattern) => {
                    crate::glob::matches(pattern, name).then_some(Hit::Certain)
                }
                subject => other_subject(subject),
            })],
            Kind::Plain => vec![self.tool("", &|rule| other_subject(&rule.subject))],
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
            // Where there is no command of which a rule about all of them could speak. What does nothing is not asked about,
            // as it is not where it stands inside of a command.
            subject => {
                *subject == Subject::All
                    && script.commands.is_empty()
                    && (entry.action == Action::Deny || !script.files.is_empty())
            }
        };
        let mut parts = self.unconfined(raw);
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
            parts.push(self.conclude(raw, found));
        }
        for command in &script.commands {
            let mut found = self.command(command);
            if found.allowed.is_none() {
                found.hint = hint(command);
            }
            parts.push(self.conclude(&command_text(command), found));
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
                    parts.push(self.conclude(&format!("file {}", shown(&file.name.text)), found));
                }
                continue;
            }
            for path in self.request.paths_of(&file.name.path()) {
                let mut found = self.file(path, access, file.own_part);
                if file.whole {
                    self.whole(path, &mut found);
                }
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
                parts.push(self.conclude(&path_text(path), found));
            }
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
            hints: crate::shell::of_value(set),
            ..Simple::default()
        };
        let mut found = self.command(&command);
        found.hint = Some("this variable can change what runs".to_owned());
        self.conclude(&command_text(&command), found)
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
        for hint in &command.hints {
            self.possible(hint, found);
        }
        for inner in &command.inner {
            self.restraints(inner, found);
        }
    }

    /// What it is not certain to run.
    fn possible(&self, command: &Simple, found: &mut Found<'a>) {
        let texts = Texts::of(command);
        for entry in &self.rules.commands {
            if entry.action != Action::Allow && texts.hit_by(&entry.rule).is_some() {
                self.restrain(entry, Some(Hit::Possible), found);
            }
        }
        for inner in command.inner.iter().chain(&command.hints) {
            self.possible(inner, found);
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
                if is_read_only(command, self.request) {
                    Some("it only reads, in the working directory")
                } else if self.mode == Mode::AcceptEdits && only_creates(command, self.request) {
                    Some("the mode allows edits in the working directory")
                } else {
                    None
                }
            };
            return by_rule.or_else(|| self.by_default(by_table));
        }
        let whole = command
            .covers
            .and_then(|covers| self.named(&texts, covers.max(guard)));
        let outer = if command.transparent && guard == 0 {
            Some(None)
        } else {
            self.named(&texts, guard)
                .or_else(|| self.by_default(|| None))
                .map(Some)
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

    fn conclude(&self, what: &str, found: Found<'a>) -> PartVerdict {
        let verdict = |decision, by: Option<Matched>, reason: String| PartVerdict {
            what: what.to_owned(),
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
