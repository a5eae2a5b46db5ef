//! Tools that need permission: one, or several that one message asks for, each with a question of its own.
//!
//! 1. The message asks for the tools; a tool that a former process has settled is left out.
//! 2. Each is announced, one after the other (`announce`), and who decides is found out (`permit`); those that the user decides
//!    about are asked about, all at once.
//! 3. What needs no answer runs; then each tool runs, or is refused, in the order in which the answers come.
//!
//! Laws: each tool has exactly one result; a tool is noted as started before it starts; a denial that ends the turn, like an
//! interrupt, takes all other questions back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::announce::Word;
use super::permit::Gate;
use super::result::set;
use super::{Decision, Fate, Order, Report, Stop, Turn};
use crate::clock;

/// A tool that the message asks for.
struct Call {
    /// Its place among the settled.
    place: usize,
    /// Its place among those of this message.
    index: usize,
    id: String,
    input: Value,
}

impl Turn<'_> {
    /// Has the message ask for a tool, once for each input, and runs what may run. The questions are taken back after
    /// `patience`. Returns, for each input, what it ran with and what came of it.
    pub(crate) fn calls_with_permission(
        &mut self,
        name: &str,
        inputs: Vec<Value>,
        patience: Option<Duration>,
    ) -> Result<Vec<(Value, Report)>, Stop> {
        let mut done: Vec<(usize, Value, Report)> = Vec::new();
        let mut calls = Vec::new();
        for (index, input) in inputs.into_iter().enumerate() {
            let place = self.settled.len();
            match known(&self.recall()) {
                Some((input, report)) => done.push((index, input, report)),
                None => calls.push(Call {
                    place,
                    index,
                    id: String::new(),
                    input,
                }),
            }
        }
        for call in &mut calls {
            self.close_block()?;
            call.id = self.tool_use(name, &call.input)?;
        }
        for (call, report) in self.decide_all(name, calls, patience)? {
            done.push((call.index, call.input, report));
        }
        done.sort_by_key(|(index, _, _)| *index);
        Ok(done
            .into_iter()
            .map(|(_, input, report)| (input, report))
            .collect())
    }

    /// Asks about all calls that the user decides about, ends the message, and runs or refuses each call.
    fn decide_all(
        &mut self,
        name: &str,
        calls: Vec<Call>,
        patience: Option<Duration>,
    ) -> Result<Vec<(Call, Report)>, Stop> {
        // The recorded order: a command asks before its message ends, a file tool after it.
        let order = if name == "Bash" {
            Order::InMessage
        } else {
            Order::AfterMessage
        };
        let reason = if calls.is_empty() {
            "end_turn"
        } else {
            "tool_use"
        };
        let mut gates = Vec::new();
        for call in &calls {
            match self.announce(&call.id, name, &call.input, None) {
                Ok(word) => {
                    let gate = self.gate_after(word, name, &call.input);
                    gates.push((call.id.clone(), gate));
                }
                Err(Stop::Interrupted) => {
                    self.end(reason)?;
                    return Err(self.reject_all(name, &calls)?);
                }
                Err(stop) => return Err(stop),
            }
        }
        let (asked, ready): (Vec<_>, Vec<_>) = gates
            .into_iter()
            .zip(&calls)
            .partition(|((_, gate), _)| matches!(gate, Gate::Ask));
        let requests: Vec<_> = asked
            .into_iter()
            .map(|(_, call)| self.permission_request(&call.id, name, &call.input))
            .collect();
        let ready = ready.into_iter().map(|(gate, _)| gate).collect();
        if order == Order::AfterMessage {
            self.end(reason)?;
        }
        self.stop_reason(reason)?;
        for request in requests {
            self.question(request)?;
        }
        self.end(reason)?;
        let deadline = patience.map(|patience| clock::now() + patience);
        let mut open = calls;
        match self.settle_all(name, ready, &mut open, deadline) {
            Err(Stop::Interrupted) => Err(self.reject_all(name, &open)?),
            settled => settled,
        }
    }

    /// Runs or refuses each call. A call stays among the open ones until it has a result.
    fn settle_all(
        &mut self,
        name: &str,
        ready: Vec<(String, Gate)>,
        open: &mut Vec<Call>,
        deadline: Option<Instant>,
    ) -> Result<Vec<(Call, Report)>, Stop> {
        let take = |open: &mut Vec<Call>, id: &str| {
            let at = open.iter().position(|call| call.id == id)?;
            Some(open.remove(at))
        };
        let mut settled = Vec::new();
        for (id, gate) in ready {
            let Some(call) = take(open, &id) else {
                continue;
            };
            let report = match gate {
                Gate::Run(meta) => self.run(name, &call, meta)?,
                Gate::Deny(reason) => self.deny(&call.id, name, &call.input, &reason)?,
                Gate::Refuse { mode } => {
                    self.refuse_by_itself(&call.id, name, &call.input, mode)?
                }
                Gate::Ask => continue,
            };
            self.conclude(call.place, &call.input, &report);
            settled.push((call, report));
        }
        while !open.is_empty() {
            let Some((id, decision)) = self.answer(deadline)? else {
                self.session.withdraw()?;
                for call in open.drain(..) {
                    let report = self.give_up_on(&call.id)?;
                    settled.push((call, report));
                }
                break;
            };
            let Some(mut call) = take(open, &id) else {
                continue;
            };
            let report = match decision {
                Decision::Allow { input } => {
                    call.input = input;
                    let meta = json!({"decision": "accept", "source": "user_temporary"});
                    self.run(name, &call, meta)?
                }
                Decision::DenyAndStop => {
                    self.session.withdraw()?;
                    open.insert(0, call);
                    return Err(Stop::Interrupted);
                }
                refusal @ Decision::Deny { .. } => {
                    self.refuse(&call.id, name, &call.input, refusal)?
                }
            };
            self.conclude(call.place, &call.input, &report);
            settled.push((call, report));
        }
        Ok(settled)
    }

    /// Runs a command of a subagent or not; its result is left to the subagent to report. `free`: it needs no permission.
    pub(crate) fn nested_call(
        &mut self,
        agent: &str,
        id: &str,
        input: Value,
        free: bool,
    ) -> Result<Report, Stop> {
        let place = self.settled.len();
        if let Some((_, report)) = known(&self.recall()) {
            return Ok(report);
        }
        let gate = match self.announce(id, "Bash", &input, Some(agent))? {
            Word::GoOn if free => Gate::Run(Value::Null),
            word => self.gate_after(word, "Bash", &input),
        };
        let decision = match gate {
            Gate::Run(_) => Decision::Allow {
                input: input.clone(),
            },
            Gate::Deny(message) => Decision::Deny {
                message,
                by_user: true,
            },
            Gate::Refuse { .. } => Decision::Deny {
                message: "Bash needs approval, and there is nobody to ask.".to_owned(),
                by_user: false,
            },
            Gate::Ask => {
                let mut request = self.permission_request(id, "Bash", &input);
                set(&mut request, "agent_id", agent.into());
                self.ask(request)?
            }
        };
        let part = |input: &Value, key: &str| {
            let text = input.get(key).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let (input, report) = match decision {
            Decision::Allow { input } => {
                self.begin_call(place, &input);
                let (command, described) = (part(&input, "command"), part(&input, "description"));
                let report = self.bash(id, &command, &described)?;
                (input, report.ok_or(Stop::Interrupted)?)
            }
            Decision::Deny { message, by_user } => {
                self.denials
                    .push(json!({"tool_name": "Bash", "tool_use_id": id, "tool_input": input}));
                let fate = if by_user { Fate::Denied } else { Fate::Refused };
                let report = Report {
                    fate,
                    ..Report::failed(message.clone(), &message)
                };
                (input, report)
            }
            Decision::DenyAndStop => return Err(Stop::Interrupted),
        };
        self.conclude(place, &input, &report);
        Ok(report)
    }

    /// Notes what has come of a call. One that was denied because the driver is gone is open still: nobody has decided it.
    pub(super) fn conclude(&mut self, place: usize, input: &Value, report: &Report) {
        let undecided = self.session.closed && matches!(report.fate, Fate::Denied | Fate::Refused);
        if !undecided {
            self.settle(place, note(input, report));
        }
    }

    /// Notes that a tool is about to start.
    pub(super) fn begin_call(&mut self, place: usize, input: &Value) {
        self.settle(place, note(input, &cut_short()));
    }

    /// Runs a tool, noted as started before it starts.
    fn run(&mut self, name: &str, call: &Call, decision: Value) -> Result<Report, Stop> {
        self.begin_call(call.place, &call.input);
        self.perform(&call.id, name, &call.input, decision)
    }

    /// Reports that none of these will run, because the turn ends.
    fn reject_all(&mut self, name: &str, calls: &[Call]) -> Result<Stop, Stop> {
        for call in calls {
            self.denials
                .push(json!({"tool_name": name, "tool_use_id": call.id, "tool_input": call.input}));
            self.reject(&call.id)?;
        }
        Ok(Stop::Interrupted)
    }
}

/// What a process finds that goes on where a former one died in the middle of a tool.
fn cut_short() -> Report {
    let text = "It was running when the agent died.";
    Report::failed(text.to_owned(), text)
}

/// What is kept of a tool that has come to its end.
fn note(input: &Value, report: &Report) -> Value {
    json!({
        "ran_with": input,
        "text": report.text,
        "is_error": report.is_error,
        "denied": report.fate == Fate::Denied,
    })
}

/// The reverse: nothing, when the tool has not come to its end.
pub(super) fn known(note: &Value) -> Option<(Value, Report)> {
    let text = note.get("text")?.as_str()?.to_owned();
    let on = |key: &str| note.get(key).and_then(Value::as_bool) == Some(true);
    let report = Report {
        text,
        is_error: on("is_error"),
        detail: Value::Null,
        fate: if on("denied") {
            Fate::Denied
        } else {
            Fate::Ran
        },
    };
    Some((note.get("ran_with")?.clone(), report))
}
