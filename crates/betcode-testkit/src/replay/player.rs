//! Plays a plan: what was written goes in, what is to be said or waited for comes out. Pure.
//!
//! Laws:
//! - a line of the recording is said at most once, by however many processes;
//! - everything that is written is used once: by the step that waits for it, by an answer of its own, or as a problem;
//! - whatever is written, a player that waits waits for something that is still to be written, or for the end of stdin.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::accept::{self, word};
use super::made;
use super::plan::{Plan, Step, Take, is_system, text};

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Do {
    /// Say this line.
    Say(String),
    /// Write this to stderr.
    Err(String),
    /// Wait until something is written, or stdin ends.
    Wait {
        /// What for, in words.
        what: &'static str,
    },
    /// End, with this exit code, or by this signal if it is negative.
    End(i32),
}

/// How a process plays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// It is to take up the turn that the one before it died in.
    pub take_up: bool,
    /// It says so when everything was played.
    pub mark: bool,
}

/// A process that plays.
#[derive(Debug)]
pub struct Player {
    plan: Plan,
    /// The next step.
    at: usize,
    /// The conversation's id in this process.
    session: String,
    /// What it stands for: ids of the recording, and those that are used here.
    ids: BTreeMap<String, String>,
    /// Lines beside the recording that come first.
    first: VecDeque<Value>,
    /// What was written and not used yet.
    inbox: VecDeque<Value>,
    /// What the agent asked and nobody has answered, by id.
    open: BTreeMap<String, Value>,
    /// The messages that the agent said it has, and not that it is done with.
    taken: BTreeSet<String>,
    /// What it asked and took back.
    withdrawn: BTreeSet<String>,
    /// The name of the callback for each event, as the host registered it.
    hooks: BTreeMap<String, String>,
    turn: bool,
    eof: bool,
    manner: Manner,
    problems: Vec<String>,
}

impl Player {
    /// A process that begins at this step.
    pub fn new(plan: Plan, at: usize, session: &str, manner: Manner) -> Self {
        let mut ids = BTreeMap::new();
        if let Some(recorded) = plan.session.clone() {
            ids.insert(recorded, session.to_owned());
        }
        let left = plan.steps.iter().skip(at);
        let over = left.clone().all(|step| matches!(step, Step::End { .. }));
        let ends = plan.steps.len();
        Self {
            // An end that was played already is not played again.
            at: if at > 0 && over { ends } else { at },
            plan,
            session: session.to_owned(),
            ids,
            first: VecDeque::new(),
            inbox: VecDeque::new(),
            open: BTreeMap::new(),
            taken: BTreeSet::new(),
            withdrawn: BTreeSet::new(),
            hooks: BTreeMap::new(),
            turn: false,
            eof: false,
            manner: Manner {
                take_up: manner.take_up && over,
                ..manner
            },
            problems: Vec::new(),
        }
    }

    /// The step that is next.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What was written and must not be, since the last time.
    pub fn problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    /// A line was written.
    pub fn written(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let value = match serde_json::from_str::<Value>(line) {
            Ok(value) => value,
            Err(error) => return self.problem(&format!("this is no JSON ({error})"), line),
        };
        if let Err(why) = accept::line(&value) {
            return self.problem(&why, line);
        }
        match word(&value, "type") {
            "control_response" => self.answered(&value, line),
            "user" | "control_request" => {
                if value
                    .pointer("/request/subtype")
                    .is_some_and(|what| what == "initialize")
                {
                    self.register(&value);
                }
                self.inbox.push_back(value);
            }
            _ => {}
        }
    }

    /// Stdin has ended.
    pub fn ended(&mut self) {
        self.eof = true;
    }

    fn problem(&mut self, why: &str, line: &str) {
        let short: String = line.chars().take(2000).collect();
        self.problems.push(format!("{why}: {short}"));
    }

    fn answered(&mut self, value: &Value, line: &str) {
        let response = value.get("response").unwrap_or(&Value::Null);
        let id = word(response, "request_id");
        let Some(asked) = self.open.remove(id) else {
            // It may have been on its way when the agent took its request back.
            if !self.withdrawn.remove(id) {
                self.problem("nothing with this id waits for an answer", line);
            }
            return;
        };
        if let Err(why) = accept::answer(&asked, response) {
            self.problem(&why, line);
        }
    }

    fn register(&mut self, line: &Value) {
        let Some(Value::Object(hooks)) = line.pointer("/request/hooks") else {
            return;
        };
        for (event, registered) in hooks {
            let name = registered.pointer("/0/hookCallbackIds/0");
            if let Some(name) = name.and_then(Value::as_str) {
                self.hooks.insert(event.clone(), name.to_owned());
            }
        }
    }

    /// What comes next. A wait is over when something was written or stdin has ended; anything else is done at once.
    pub fn go_on(&mut self) -> Do {
        loop {
            self.serve();
            if let Some(line) = self.first.pop_front() {
                self.follow(&line);
                return Do::Say(line.to_string());
            }
            let Some(step) = self.plan.steps.get(self.at).cloned() else {
                return self.rest(0);
            };
            match step {
                Step::Say { line, ends_turn } => {
                    self.at += 1;
                    if let Some(line) = self.fitted(line) {
                        self.follow(&line);
                        if ends_turn {
                            self.turn = false;
                        }
                        return Do::Say(line.to_string());
                    }
                }
                Step::Raw(text) => {
                    self.at += 1;
                    return Do::Say(text.trim_end_matches('\n').to_owned());
                }
                Step::Err(text) => {
                    self.at += 1;
                    return Do::Err(text);
                }
                Step::Take(take) => match self.take(&take) {
                    None => self.at += 1,
                    // Whoever waits for an answer when stdin ends is told no, and goes on.
                    Some(_) if self.eof && matches!(take, Take::Answer(_)) => self.at += 1,
                    Some(_) if self.eof => return Do::End(0),
                    Some(what) => return Do::Wait { what },
                },
                Step::End { code, at_eof: true } => return self.rest(code),
                Step::End {
                    code,
                    at_eof: false,
                } => {
                    self.at += 1;
                    return Do::End(code);
                }
            }
        }
    }

    /// Everything was played: the process stays until its stdin ends.
    fn rest(&mut self, code: i32) -> Do {
        if self.eof {
            self.at = self.plan.steps.len();
            return Do::End(code);
        }
        if std::mem::take(&mut self.manner.mark) {
            return Do::Say(made::played(&self.session).to_string());
        }
        Do::Wait {
            what: "the end of stdin",
        }
    }

    /// Looks whether what a step waits for was written. Otherwise says what is missing.
    fn take(&mut self, take: &Take) -> Option<&'static str> {
        match take {
            Take::Answer(id) => self.open.contains_key(id).then_some("an answer"),
            Take::Initialize(recorded) => {
                let Some(line) = self.find(|line| asks(line, "initialize")) else {
                    return Some("initialize");
                };
                self.stands_for(recorded, word(&line, "request_id"));
                None
            }
            Take::Interrupt(recorded) => {
                let Some(line) = self.find(|line| asks(line, "interrupt")) else {
                    return Some("interrupt");
                };
                self.stands_for(recorded, word(&line, "request_id"));
                None
            }
            Take::Message { text: said, id } => {
                let fits = |line: &Value| {
                    word(line, "type") == "user"
                        && said.as_ref().is_none_or(|said| {
                            // What is attached is named after the text.
                            text(line.pointer("/message/content")).starts_with(said.as_str())
                        })
                };
                let Some(line) = self.find(fits) else {
                    return Some("a message");
                };
                if let Some(id) = id {
                    self.stands_for(id, word(&line, "uuid"));
                }
                self.turn = true;
                None
            }
        }
    }

    fn find(&mut self, wanted: impl FnMut(&Value) -> bool) -> Option<Value> {
        let at = self.inbox.iter().position(wanted)?;
        self.inbox.remove(at)
    }

    fn stands_for(&mut self, recorded: &str, here: &str) {
        self.ids.insert(recorded.to_owned(), here.to_owned());
    }

    /// Answers what the rest of the recording does not wait for.
    fn serve(&mut self) {
        if !self.first.is_empty() {
            return;
        }
        let inbox = std::mem::take(&mut self.inbox);
        for line in inbox {
            if let Some(line) = self.serve_one(line) {
                self.inbox.push_back(line);
            }
        }
    }

    /// Gives the line back if something waits for it.
    fn serve_one(&mut self, line: Value) -> Option<Value> {
        let version = self.version().to_owned();
        let id = word(&line, "request_id").to_owned();
        let subtype = line.pointer("/request/subtype").and_then(Value::as_str);
        match subtype {
            None => return self.serve_message(line),
            Some("initialize") => {
                if self.waits_for(|take| matches!(take, Take::Initialize(_))) {
                    return Some(line);
                }
                let answer = self.recorded("initialize", &id);
                self.first
                    .push_back(answer.unwrap_or_else(|| made::initialized(&id, &version)));
                if std::mem::take(&mut self.manner.take_up) {
                    self.turn_of_nothing();
                }
            }
            Some("interrupt") => {
                if self.turn && self.interrupt_comes() {
                    return Some(line);
                }
                let answer = serde_json::json!({"still_queued": []});
                self.first.push_back(made::success(&id, &answer));
                if self.turn {
                    self.abort();
                }
            }
            Some(other) => {
                let answer = self.recorded(other, &id);
                self.first
                    .push_back(answer.unwrap_or_else(|| made::unknown(&id, other)));
            }
        }
        None
    }

    fn serve_message(&mut self, line: Value) -> Option<Value> {
        let said = text(line.pointer("/message/content"));
        let next = self.left().find_map(|step| match step {
            Step::Take(Take::Message { text, .. }) => Some(text.as_ref()),
            _ => None,
        });
        let wanted = match next {
            Some(None) => true,
            Some(Some(text)) => said.starts_with(text.as_str()),
            None => false,
        };
        let busy = self.turn || !self.first.is_empty();
        // What comes at the very beginning is for the process, which may end before it reads it.
        if wanted
            || busy
            || self
                .left()
                .any(|step| matches!(step, Step::End { at_eof: false, .. }))
        {
            return Some(line);
        }
        self.turn_of_nothing();
        None
    }

    fn turn_of_nothing(&mut self) {
        let lines = made::turn(&self.session, self.version(), self.plan.announces);
        self.first.extend(lines);
    }

    /// Ends the turn as an interrupt does, and leaves out what is left of it.
    fn abort(&mut self) {
        for (id, _) in std::mem::take(&mut self.open) {
            self.first.push_back(made::withdrawn(&id));
            self.withdrawn.insert(id);
        }
        let taken = std::mem::take(&mut self.taken);
        let announces = self.plan.announces;
        self.first
            .extend(made::aborted(&self.session, taken, announces));
        self.turn = false;
        let ends = |step: &Step| match step {
            Step::Say { ends_turn, .. } => *ends_turn,
            Step::End { .. } | Step::Take(Take::Message { .. }) => true,
            _ => false,
        };
        let skip = self.left().position(ends);
        self.at += skip.unwrap_or_default();
        if matches!(self.plan.steps.get(self.at), Some(Step::Say { .. })) {
            self.at += 1;
        }
    }

    fn left(&self) -> impl Iterator<Item = &Step> {
        self.plan.steps.iter().skip(self.at)
    }

    fn waits_for(&self, wanted: impl Fn(&Take) -> bool) -> bool {
        self.left()
            .any(|step| matches!(step, Step::Take(take) if wanted(take)))
    }

    /// The recording interrupts the running turn too.
    fn interrupt_comes(&self) -> bool {
        let mut turn = self.left().take_while(|step| {
            !matches!(
                step,
                Step::Say {
                    ends_turn: true,
                    ..
                }
            )
        });
        turn.any(|step| matches!(step, Step::Take(Take::Interrupt(_))))
    }

    fn recorded(&self, subtype: &str, id: &str) -> Option<Value> {
        let mut response = self.plan.answers.get(subtype)?.clone();
        response
            .as_object_mut()?
            .insert("request_id".to_owned(), id.into());
        Some(serde_json::json!({"type": "control_response", "response": response}))
    }

    fn version(&self) -> &str {
        self.plan.version.as_deref().unwrap_or("2.1.330")
    }

    /// The line as this process says it; none when it is left out.
    fn fitted(&self, mut line: Value) -> Option<Value> {
        let unheard = |id: &Value| {
            id.as_str()
                .is_some_and(|id| self.plan.messages.contains(id) && !self.ids.contains_key(id))
        };
        match word(&line, "type") {
            "control_response" => {
                let id = line.pointer("/response/request_id").and_then(Value::as_str);
                if !id.is_some_and(|id| self.ids.contains_key(id)) {
                    return None;
                }
            }
            "control_request" if asks(&line, "hook_callback") => {
                let event = line.pointer("/request/input/hook_event_name")?.as_str()?;
                let name = self.hooks.get(event)?.clone();
                let request = line.get_mut("request")?.as_object_mut()?;
                request.insert("callback_id".to_owned(), name.into());
            }
            _ => {}
        }
        if line.get("command_uuid").is_some_and(unheard) || line.get("uuid").is_some_and(unheard) {
            return None;
        }
        if let Some(Value::Array(ids)) = line.get_mut("user_message_uuids") {
            ids.retain(|id| !unheard(id));
        }
        self.rename(&mut line);
        Some(line)
    }

    fn rename(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(here) = self.ids.get(text.as_str()) {
                    text.clone_from(here);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.rename(value)),
            Value::Object(object) => object.values_mut().for_each(|value| self.rename(value)),
            _ => {}
        }
    }

    /// Remembers what was asked, and whether a turn runs.
    fn follow(&mut self, line: &Value) {
        match word(line, "type") {
            "control_request" => {
                let request = line.get("request").cloned().unwrap_or_default();
                self.open
                    .insert(word(line, "request_id").to_owned(), request);
            }
            "control_cancel_request" => {
                let id = word(line, "request_id").to_owned();
                if self.open.remove(&id).is_some() {
                    self.withdrawn.insert(id);
                }
            }
            "command_lifecycle" => {
                let id = word(line, "command_uuid").to_owned();
                if matches!(word(line, "state"), "queued" | "started") {
                    self.taken.insert(id);
                } else {
                    self.taken.remove(&id);
                }
            }
            "result" if !self.plan.announces => self.turn = false,
            "system" if is_system(line, "init") => self.turn = true,
            "system" if is_system(line, "session_state_changed") => {
                self.turn = word(line, "state") != "idle";
            }
            _ => {}
        }
    }
}

fn asks(line: &Value, subtype: &str) -> bool {
    line.pointer("/request/subtype")
        .is_some_and(|what| what == subtype)
}
