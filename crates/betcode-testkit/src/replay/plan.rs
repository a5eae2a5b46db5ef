//! From a recording to what is played, and to what somebody has to do meanwhile. The rules are in the table of `replay`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::transcript::{Row, Transcript};

/// What is played.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The steps, the last one an end.
    pub steps: Vec<Step>,
    /// What somebody has to do.
    pub cues: Vec<Cue>,
    /// The agent says by itself when it is busy and idle.
    pub announces: bool,
    /// The ids of messages that the recorded host gave.
    pub messages: BTreeSet<String>,
    /// The recorded answers to requests of the host, by what was asked.
    pub answers: BTreeMap<String, Value>,
    /// The first session id.
    pub session: Option<String>,
    /// The version that the agent says it has.
    pub version: Option<String>,
    /// The last turn has no end, and nothing but an interrupt ends it.
    pub hangs: bool,
}

/// One thing that is played.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The agent says this.
    Say {
        /// What.
        line: Value,
        /// That is the end of a turn.
        ends_turn: bool,
    },
    /// The agent writes something that is no JSON.
    Raw(String),
    /// The agent writes this to stderr.
    Err(String),
    /// Nothing goes on before this was written.
    Take(Take),
    /// The process ends.
    End {
        /// With this exit code, or by this signal if it is negative.
        code: i32,
        /// Not before its stdin has.
        at_eof: bool,
    },
}

/// What must have been written.
#[derive(Debug, Clone, PartialEq)]
pub enum Take {
    /// The `initialize` with this id in the recording.
    Initialize(String),
    /// The `interrupt` with this id in the recording.
    Interrupt(String),
    /// A message.
    Message {
        /// Its text; none when any will do.
        text: Option<String>,
        /// Its id in the recording.
        id: Option<String>,
    },
    /// An answer to the agent's request with this id.
    Answer(String),
}

/// Something that somebody has to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// When the player waits at this step; at once when there is none.
    pub at: Option<usize>,
    /// What.
    pub deed: Deed,
}

/// What somebody does.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Says this.
    Say(String),
    /// Chooses another model.
    Model(String),
    /// Chooses another mode.
    Mode(String),
    /// Stops the turn.
    Interrupt,
    /// Answers the agent's request with this id.
    Answer {
        /// Which request.
        id: String,
        /// What the agent asked.
        asked: Value,
        /// The recorded answer, `response` of the `control_response`; null when it was an error.
        answer: Value,
    },
}

impl Plan {
    /// Of a whole recording.
    pub fn of(transcript: &Transcript) -> Self {
        let mut maker = Maker::new(&transcript.rows);
        for (at, row) in transcript.rows.iter().enumerate() {
            maker.row(at, row);
        }
        maker.finish()
    }

    /// The first message, as text.
    pub fn first_message(&self) -> Option<&str> {
        self.cues.iter().find_map(|cue| match &cue.deed {
            Deed::Say(text) => Some(text.as_str()),
            _ => None,
        })
    }
}

struct Maker<'a> {
    rows: &'a [Row],
    plan: Plan,
    /// The host's lines from here on were not read any more.
    unread: usize,
    dies: bool,
    turn: bool,
    initialized: bool,
    /// Messages in the running turn.
    deferred: Vec<Take>,
    /// What is done together with the next thing that is waited for.
    aside: Vec<Deed>,
    /// What each request of the host asks.
    asked: BTreeMap<String, String>,
    /// What the agent asks for.
    asks: BTreeMap<String, Value>,
}

impl<'a> Maker<'a> {
    fn new(rows: &'a [Row]) -> Self {
        let last = |wanted: fn(&Row) -> bool| rows.iter().rposition(wanted).map_or(0, |at| at + 1);
        let last_out = last(|row| matches!(row, Row::Out(_)));
        let last_in = last(|row| matches!(row, Row::In(_)));
        let signal = rows.contains(&Row::Signal);
        let failed = rows
            .iter()
            .any(|row| matches!(row, Row::Exit(code) if *code != 0));
        let broken = rows.iter().any(
            |row| matches!(row, Row::Remark(text) if text.to_lowercase().contains("broken pipe")),
        );
        let unanswered = failed && !signal && (broken || last_in > last_out);
        let announces = rows
            .iter()
            .any(|row| matches!(row, Row::Out(line) if is_system(line, "session_state_changed")));
        Self {
            rows,
            plan: Plan {
                announces,
                ..Plan::default()
            },
            unread: if unanswered { last_out } else { rows.len() },
            dies: unanswered || signal,
            turn: false,
            initialized: false,
            deferred: Vec::new(),
            aside: Vec::new(),
            asked: BTreeMap::new(),
            asks: BTreeMap::new(),
        }
    }

    fn row(&mut self, at: usize, row: &Row) {
        match row {
            Row::Out(line) => self.out(at, line),
            Row::In(line) => self.host(at, line),
            Row::Raw { out: true, text } => self.plan.steps.push(Step::Raw(text.clone())),
            Row::Err(text) => self.plan.steps.push(Step::Err(text.clone())),
            Row::Exit(code) => self.plan.steps.push(Step::End {
                code: *code,
                at_eof: !self.dies,
            }),
            Row::Raw { out: false, .. } | Row::Signal | Row::Remark(_) => {}
        }
    }

    fn out(&mut self, at: usize, line: &Value) {
        let known = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
        if self.plan.session.is_none() {
            self.plan.session = known("session_id");
        }
        if self.plan.version.is_none() {
            self.plan.version = known("claude_code_version");
        }
        match line.get("type").and_then(Value::as_str) {
            Some("control_request") => {
                if let (Some(id), Some(request)) = (known("request_id"), line.get("request")) {
                    self.asks.insert(id, request.clone());
                }
            }
            Some("control_response") => self.answered(line),
            _ => {}
        }
        self.turn |= is_system(line, "init");
        let ends_turn = ends_turn(line, self.plan.announces);
        self.plan.steps.push(Step::Say {
            line: line.clone(),
            ends_turn,
        });
        if !ends_turn {
            return;
        }
        self.turn = false;
        let deferred = std::mem::take(&mut self.deferred);
        if let Some(first) = deferred
            .into_iter()
            .next()
            .filter(|_| self.turn_follows(at))
        {
            self.plan.steps.push(Step::Take(first));
        }
    }

    /// Remembers an answer for whoever asks the same.
    fn answered(&mut self, line: &Value) {
        let Some(response) = line.get("response") else {
            return;
        };
        let id = response.get("request_id").and_then(Value::as_str);
        if let Some(subtype) = id.and_then(|id| self.asked.get(id)) {
            let answers = &mut self.plan.answers;
            answers
                .entry(subtype.clone())
                .or_insert_with(|| response.clone());
        }
    }

    /// True when another turn begins before the host says something at rest.
    fn turn_follows(&self, at: usize) -> bool {
        let rest = self.rows.iter().skip(at + 1);
        let mut rest = rest.take_while(|row| {
            !matches!(row, Row::In(line) if line.get("type").is_some_and(|kind| kind == "user"))
        });
        rest.any(|row| match row {
            Row::Out(line) => is_system(line, "init") || ends_turn(line, self.plan.announces),
            _ => false,
        })
    }

    fn host(&mut self, at: usize, line: &Value) {
        let id = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
        match line.get("type").and_then(Value::as_str) {
            Some("user") => self.message(at, line),
            Some("control_request") => {
                let subtype = line.pointer("/request/subtype").and_then(Value::as_str);
                let (Some(id), Some(subtype)) = (id("request_id"), subtype) else {
                    return;
                };
                self.asked.insert(id.clone(), subtype.to_owned());
                self.request(at, id, subtype, line);
            }
            Some("control_response") => {
                let Some(response) = line.get("response") else {
                    return;
                };
                let id = response.get("request_id").and_then(Value::as_str);
                let Some(id) = id.filter(|_| at < self.unread) else {
                    return;
                };
                if let Some(asked) = self.asks.get(id).cloned()
                    && asked
                        .get("subtype")
                        .is_some_and(|what| what == "can_use_tool")
                {
                    let answer = response.get("response").cloned().unwrap_or_default();
                    let id = id.to_owned();
                    let deed = Deed::Answer { id, asked, answer };
                    self.plan.cues.push(Cue { at: None, deed });
                }
                self.take(Take::Answer(id.to_owned()), None);
            }
            _ => {}
        }
    }

    fn message(&mut self, at: usize, line: &Value) {
        let id = line.get("uuid").and_then(Value::as_str).map(str::to_owned);
        self.plan.messages.extend(id.clone());
        let text = text(line.pointer("/message/content"));
        let role = line.pointer("/message/role").and_then(Value::as_str);
        if role.is_some_and(|role| role != "user") {
            return;
        }
        // Something has to be said where only a picture was shown.
        let said = if text.trim().is_empty() {
            "(no text)"
        } else {
            &text
        };
        let deed = Deed::Say(said.to_owned());
        let text = Some(text).filter(|text| !text.trim().is_empty());
        let take = Take::Message { text, id };
        if at >= self.unread || self.turn {
            if self.turn {
                self.deferred.push(take);
            }
            self.plan.cues.push(Cue { at: None, deed });
            return;
        }
        self.turn = true;
        self.take(take, Some(deed));
    }

    fn request(&mut self, at: usize, id: String, subtype: &str, line: &Value) {
        let said = |name: &str| line.pointer(&format!("/request/{name}"));
        let said = |name: &str| {
            said(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        match subtype {
            _ if at >= self.unread => {}
            "initialize" if !self.initialized => {
                self.initialized = true;
                self.take(Take::Initialize(id), None);
            }
            "interrupt" if self.turn => self.take(Take::Interrupt(id), Some(Deed::Interrupt)),
            "set_model" => self.aside.push(Deed::Model(said("model"))),
            "set_permission_mode" => self.aside.push(Deed::Mode(said("mode"))),
            _ => {}
        }
    }

    /// Something that is waited for, and who does it.
    fn take(&mut self, take: Take, deed: Option<Deed>) {
        let step = self.plan.steps.len();
        self.plan.steps.push(Step::Take(take));
        let Some(deed) = deed else {
            return;
        };
        // Before the first message there is no agent that could wait.
        let said = |cue: &Cue| matches!(cue.deed, Deed::Say(_));
        let at = self.plan.cues.iter().any(said).then_some(step);
        let aside = std::mem::take(&mut self.aside);
        let deeds = aside.into_iter().chain([deed]);
        self.plan.cues.extend(deeds.map(|deed| Cue { at, deed }));
    }

    fn finish(mut self) -> Plan {
        let steps = &mut self.plan.steps;
        if !matches!(steps.last(), Some(Step::End { .. })) {
            steps.push(Step::End {
                code: 0,
                at_eof: !self.dies,
            });
        }
        let said = self
            .plan
            .cues
            .iter()
            .any(|cue| matches!(cue.deed, Deed::Say(_)));
        let worked = |step: &Step| matches!(step, Step::Say { line, ends_turn } if *ends_turn || is_system(line, "init"));
        if !said && steps.iter().any(worked) {
            let initialize = |step: &Step| matches!(step, Step::Take(Take::Initialize(_)));
            let at = steps.iter().position(initialize).map_or(0, |at| at + 1);
            let any = Take::Message {
                text: None,
                id: None,
            };
            steps.insert(at, Step::Take(any));
            for cue in &mut self.plan.cues {
                cue.at = cue.at.map(|step| if step >= at { step + 1 } else { step });
            }
        }
        if !said {
            let deed = Deed::Say("(nothing was said in the recording)".to_owned());
            self.plan.cues.insert(0, Cue { at: None, deed });
        }
        self.plan.hangs = self.turn && !self.dies;
        self.plan
    }
}

/// Whether a turn ends with this line of the agent.
pub(super) fn ends_turn(line: &Value, announces: bool) -> bool {
    if announces {
        let state = line.get("state").and_then(Value::as_str);
        is_system(line, "session_state_changed") && state == Some("idle")
    } else {
        line.get("type").is_some_and(|kind| kind == "result")
    }
}

/// Whether this is a `system` line of this subtype.
pub(super) fn is_system(line: &Value, subtype: &str) -> bool {
    let is = |name: &str, word: &str| line.get(name).and_then(Value::as_str) == Some(word);
    is("type", "system") && is("subtype", subtype)
}

/// The text of a message, whose content is text or blocks.
pub(super) fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => {
            let texts = blocks
                .iter()
                .filter_map(|block| block.get("text")?.as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}
