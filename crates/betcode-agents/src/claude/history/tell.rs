//! The second pass: the lines of the conversation as prompts and observations, in the order of the file.
//!
//! What Claude Code writes down of an answer or a tool's result has the form of the lines that it prints, so the parser of
//! those takes them. What it does not write down is where a turn ends: that is known when the next one begins, or the file
//! ends. A turn that stops short of an answer was cut off.

use std::collections::BTreeMap;

use betcode_core::event::{
    Attachment, Base64, StopReason, TurnComplete, TurnError, TurnErrorKind, Usage,
};
use betcode_core::id::MessageId;
use betcode_core::observation::{Observation, Observations, Observed};
use betcode_core::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::record::{Record, Said, Spoken, is, text, words_of};
use super::{Branch, Outline};
use crate::claude::Claude;
use crate::claude::wire::{Block, Number, Text, TokenUsage, read};
use crate::history::{Prompt, Tale, Told};

/// What is said of a turn that stops short.
const CUT_OFF: &str = "the conversation was cut off here";
/// The most messages of one turn whose tokens are counted apart.
const MOST_MESSAGES: usize = 4096;

/// The second pass.
#[derive(Debug)]
pub struct Teller {
    claude: Claude,
    branch: Branch,
    line: u32,
    left_out: u64,
    turn: Option<Turn>,
    /// The time of the line that is told.
    at: Option<Timestamp>,
    /// The time of the one before.
    before: Option<Timestamp>,
    /// What the conversation has cost so far, and what of that was told.
    cost: [f64; 2],
    /// A compaction was told; the command for it, which stands behind it, is not told again.
    compacted: bool,
    /// The model that answered last.
    model: String,
    seen: Observations,
}

/// A turn of which the end is not told yet.
#[derive(Debug, Default)]
struct Turn {
    began: Option<Timestamp>,
    cancelled: bool,
    error: Option<TurnError>,
    /// Its last line is one after which nothing is due.
    finished: bool,
    stop: Option<StopReason>,
    /// Tokens by message: each line of a message repeats them.
    used: BTreeMap<String, Usage>,
    messages: u32,
}

/// What is said of a compaction.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Compaction {
    trigger: String,
    pre_tokens: Number,
    post_tokens: Number,
}

/// An image or a file in what the user said.
#[derive(Debug, Deserialize)]
struct Attached<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    source: Option<Source<'a>>,
}

#[derive(Debug, Deserialize)]
struct Source<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    media_type: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
}

impl Turn {
    /// Nothing has been done about its messages yet.
    const fn waits(&self) -> bool {
        self.messages == 0 && !self.finished && !self.cancelled
    }
}

impl Teller {
    /// For the file of this outline.
    pub fn new(outline: &Outline) -> Self {
        Self {
            claude: Claude::default(),
            branch: outline.branch.clone(),
            line: 0,
            left_out: 0,
            turn: None,
            at: None,
            before: None,
            cost: [0.0; 2],
            compacted: false,
            model: String::new(),
            seen: Observations::new(),
        }
    }

    /// Lines that were not understood in this pass, and were in the first.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The time of the next line, if it is one of the conversation: what else happened before it can be told first.
    pub fn time_of(&self, line: &[u8]) -> Option<Timestamp> {
        if self.branch.has(self.line) {
            Record::read(line)?.at()
        } else {
            None
        }
    }

    /// Takes the next line, without its newline.
    pub fn line(&mut self, line: &[u8], out: &mut Vec<Told>) {
        let belongs = self.branch.has(self.line);
        self.line = self.line.saturating_add(1);
        let Some(record) = Record::read(line) else {
            return;
        };
        if belongs {
            self.before = self.at;
            self.at = record.at().or(self.at);
            if self.tell(&record, line, out).is_none() {
                self.left_out += 1;
            }
            self.flush(out);
        } else if &*record.kind() == "cost-state" {
            let cost = record
                .total_cost_usd
                .and_then(|raw| read::<Number>(raw.get()));
            self.cost[0] = cost.map_or(self.cost[0], |cost| cost.0);
        }
    }

    /// Passes over a line that could not be read.
    pub fn lost(&mut self) {
        self.line = self.line.saturating_add(1);
    }

    /// Takes a line of a sub-agent that this call of a tool started.
    pub fn nested(&mut self, call: &str, line: &[u8], out: &mut Vec<Told>) {
        let Some(record) = Record::read(line) else {
            self.left_out += u64::from(!line.trim_ascii().is_empty());
            return;
        };
        let main = self.at;
        self.at = record.at().or(main);
        let Ok(line) = std::str::from_utf8(line) else {
            return;
        };
        let understood = match &*record.kind() {
            "assistant" => self.claude.assistant(Some(call), line, &mut self.seen),
            "user" if record.said() == Said::Results => {
                self.claude.user(Some(call), line, &mut self.seen)
            }
            _ => Some(()),
        };
        self.left_out += u64::from(understood.is_none());
        self.flush(out);
        self.at = main;
    }

    /// The file ends.
    pub fn end(&mut self, out: &mut Vec<Told>) {
        self.before = self.at;
        self.end_turn(out);
        self.claude.ended(&mut self.seen);
        self.flush(out);
    }

    fn tell(&mut self, record: &Record<'_>, line: &[u8], out: &mut Vec<Told>) -> Option<()> {
        let line = std::str::from_utf8(line).ok()?;
        match &*record.kind() {
            "assistant" => self.answered(record, line),
            "user" => self.user(record, line, out),
            "system" => {
                self.system(record, out);
                Some(())
            }
            "attachment" => {
                if let Some((id, spoken)) = record.queued() {
                    self.joined(id.as_deref(), spoken, out);
                }
                Some(())
            }
            _ => Some(()),
        }
    }

    fn answered(&mut self, record: &Record<'_>, line: &str) -> Option<()> {
        let message = record.message();
        let turn = self.turn.get_or_insert_with(|| Turn {
            began: self.at,
            ..Turn::default()
        });
        if let Some(model) = text(message.model).filter(|model| !model.starts_with('<')) {
            self.model = model.into_owned();
        }
        let id = text(message.id).unwrap_or_default();
        let usage = message.usage.and_then(|raw| read::<TokenUsage>(raw.get()));
        if turn.used.len() < MOST_MESSAGES || turn.used.contains_key(&*id) {
            let known = turn
                .used
                .insert(id.into_owned(), used(usage.unwrap_or_default()));
            turn.messages += u32::from(known.is_none());
        }
        let stop = text(message.stop_reason);
        turn.stop = match stop.as_deref() {
            Some("max_tokens") => Some(StopReason::MaxTokens),
            Some("refusal") => Some(StopReason::Refusal),
            _ => None,
        };
        let blocks: Vec<&RawValue> = message.content.and_then(|raw| read(raw.get()))?;
        let calls = |raw: &&RawValue| {
            read::<Block<'_>>(raw.get()).is_some_and(|block| &*block.kind == "tool_use")
        };
        turn.finished = stop.as_deref() != Some("tool_use") && !blocks.iter().any(calls);
        if is(record.is_api_error_message) {
            let said = blocks.iter().find_map(|raw| {
                let block = read::<Block<'_>>(raw.get())?;
                Some(block.text?.to_string())
            });
            let status = record.api_error_status.and_then(|raw| read(raw.get()));
            turn.error = Some(error(status, said.unwrap_or_default()));
        } else {
            turn.error = None;
        }
        self.claude.assistant(None, line, &mut self.seen)
    }

    fn user(&mut self, record: &Record<'_>, line: &str, out: &mut Vec<Told>) -> Option<()> {
        let said = record.said();
        let after_compaction = std::mem::take(&mut self.compacted);
        match said {
            Said::Results => {
                if let Some(turn) = &mut self.turn {
                    turn.finished = false;
                }
                return self.claude.user(None, line, &mut self.seen);
            }
            Said::Prompt(spoken) if after_compaction && spoken.text.starts_with("/compact") => {
                self.compacted = true;
            }
            Said::Prompt(spoken) if spoken.text == "/clear" => {}
            Said::Prompt(spoken) => {
                // Several messages that waited are taken as one.
                if !self.turn.as_ref().is_some_and(Turn::waits) {
                    self.end_turn(out);
                }
                let id = text(record.uuid);
                self.prompt(id.as_deref(), spoken, out);
            }
            Said::Interrupted => {
                if let Some(turn) = &mut self.turn {
                    turn.cancelled = true;
                }
            }
            // What the command for a compaction prints says no more than the compaction does.
            Said::Printed(_) if after_compaction => {}
            Said::Printed(text) => self.printed(text),
            Said::Notification => {
                if self.turn.as_ref().is_some_and(|turn| turn.finished) {
                    self.end_turn(out);
                }
            }
            Said::Aside => self.compacted = after_compaction,
        }
        Some(())
    }

    fn system(&mut self, record: &Record<'_>, out: &mut Vec<Told>) {
        match text(record.subtype).as_deref() {
            Some("compact_boundary") => {
                let metadata: Compaction = record
                    .compact_metadata
                    .and_then(|raw| read(raw.get()))
                    .unwrap_or_default();
                let trigger = metadata.trigger;
                // The user's own wish is a turn of its own; otherwise it happens in the middle of one.
                if trigger != "auto" {
                    self.end_turn(out);
                    self.compacted = true;
                }
                let compacted = Observation::Compacted {
                    trigger,
                    before_tokens: metadata.pre_tokens.whole(),
                    after_tokens: metadata.post_tokens.whole(),
                };
                self.seen.push(None, compacted);
            }
            Some("local_command") => {
                let content = text(record.content).unwrap_or_default();
                match words_of(&content) {
                    Said::Printed(text) => self.printed(text),
                    Said::Prompt(spoken)
                        if spoken.text.starts_with('/') && spoken.text != "/clear" =>
                    {
                        self.end_turn(out);
                        let id = text(record.uuid);
                        self.prompt(id.as_deref(), spoken, out);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// What a local command printed.
    fn printed(&mut self, text: String) {
        if let Some(turn) = &mut self.turn {
            turn.finished = true;
        }
        if !text.is_empty() {
            self.seen.push(None, Observation::Notice(text));
        }
    }

    /// A message that was sent while a turn ran joins it.
    fn joined(&mut self, id: Option<&str>, spoken: Spoken<'_>, out: &mut Vec<Told>) {
        if let Some(turn) = &mut self.turn {
            turn.finished = false;
        }
        self.prompt(id, spoken, out);
    }

    fn prompt(&mut self, id: Option<&str>, spoken: Spoken<'_>, out: &mut Vec<Told>) {
        self.flush(out);
        if self.turn.is_none() {
            self.turn = Some(Turn {
                began: self.at,
                ..Turn::default()
            });
        }
        let attachments = (1..).zip(&spoken.others);
        let prompt = Prompt {
            id: id.and_then(|id| Uuid::parse_str(id).ok()).map(MessageId),
            attachments: attachments
                .filter_map(|(number, raw)| attachment(number, raw))
                .collect(),
            text: spoken.text,
        };
        out.push(Told {
            at: self.at,
            what: Tale::Prompt(prompt),
        });
    }

    fn end_turn(&mut self, out: &mut Vec<Told>) {
        let Some(turn) = self.turn.take() else {
            return;
        };
        // It ended before the line that shows it.
        let now = std::mem::replace(&mut self.at, self.before);
        self.claude.close(None, &mut self.seen);
        // Whatever comes next is work on something else.
        self.claude.state.busy = false;
        let mut usage = Usage::default();
        for used in turn.used.values() {
            usage.add(used);
        }
        let [cost, told] = self.cost;
        usage.cost_usd = (cost - told).max(0.0);
        self.cost[1] = cost.max(told);
        let lasted = turn.began.zip(self.at);
        let duration_ms = lasted.map_or(0, |(began, ended)| {
            u64::try_from(ended.since(began).as_millis()).unwrap_or(u64::MAX)
        });
        usage.duration_ms = duration_ms;
        usage.model.clone_from(&self.model);
        usage.context_tokens = self.claude.state.context_tokens;
        let (stop_reason, error) = match (turn.cancelled, turn.error, turn.finished) {
            (true, _, _) => (StopReason::Cancelled, None),
            (false, Some(error), _) => (StopReason::Error, Some(error)),
            (false, None, true) => (turn.stop.unwrap_or(StopReason::EndTurn), None),
            (false, None, false) => {
                let error = TurnError {
                    kind: TurnErrorKind::AgentExited,
                    message: CUT_OFF.to_owned(),
                    http_status: None,
                    retry_after_ms: None,
                };
                (StopReason::AgentExited, Some(error))
            }
        };
        let complete = TurnComplete {
            stop_reason,
            error,
            num_turns: turn.messages,
            duration_ms,
            duration_api_ms: 0,
            usage,
            result: String::new(),
            origin: String::new(),
            permission_denials: Vec::new(),
            raw: None,
        };
        self.seen
            .push(None, Observation::Result(Box::new(complete)));
        self.seen.push(None, Observation::Idle);
        self.flush(out);
        self.at = now;
    }

    /// Moves what was seen to what is told.
    fn flush(&mut self, out: &mut Vec<Told>) {
        let at = self.at;
        out.extend(self.seen.take().into_iter().map(|seen: Observed| Told {
            at,
            what: Tale::Seen(seen),
        }));
    }
}

fn used(tokens: TokenUsage) -> Usage {
    Usage {
        input_tokens: tokens.input_tokens.whole(),
        output_tokens: tokens.output_tokens.whole(),
        cache_read_tokens: tokens.cache_read_input_tokens.whole(),
        cache_write_tokens: tokens.cache_creation_input_tokens.whole(),
        ..Usage::default()
    }
}

fn error(http_status: Option<u16>, message: String) -> TurnError {
    TurnError {
        kind: crate::claude::result::kind_of_status(http_status).unwrap_or(TurnErrorKind::Other),
        message,
        http_status,
        retry_after_ms: None,
    }
}

/// A block that is no text, with its content if that is here; none for one that is not known.
fn attachment(number: u32, raw: &str) -> Option<Attachment> {
    let block: Attached<'_> = read(raw)?;
    let source = block.source?;
    let name = block.title.map(Text::into_inner);
    let name = name.map_or_else(|| format!("{}-{number}", &*block.kind), Into::into);
    let is_base64 = source.kind.as_deref() == Some("base64");
    let data = source.data.filter(|_| is_base64);
    let content = data
        .and_then(|data| Base64::read(&data))
        .unwrap_or_default();
    let media_type = source.media_type.as_deref().unwrap_or_default();
    Some(Attachment::new(name, media_type, &content.bytes()))
}
