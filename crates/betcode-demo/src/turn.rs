//! One turn: what a scenario plays on, from the lines that open it to the result that ends it.
//!
//! 1. the turn is remembered (`memory`); fates of the prompts, state, `init`;
//! 2. per request to the model (there is none): `status`, then one message (`message`), then
//!    the tools that it asked for (`call`), each perhaps after a question (`ask`);
//! 3. the result (`result`); the turn is forgotten; fates of the prompts.
//!
//! A turn ends early when it is interrupted or has used up its requests; both still end in
//! exactly one result.

mod announce;
mod ask;
mod call;
mod gated;
mod message;
mod permit;
mod result;
mod slash;

use std::collections::VecDeque;
use std::time::Instant;

use serde_json::{Value, json};

use crate::memory::Interrupted;
use crate::session::{Prompt, Session, State};
use crate::{clock, lines, scenario};

pub(crate) use ask::Decision;
pub(crate) use call::{Fate, Report};
pub(crate) use message::Order;
pub(crate) use result::Failure;
pub(crate) use slash::Slash;

use message::Message;

/// Why a scenario does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The process ends with this code.
    Exit(u8),
    /// The driver interrupted the turn.
    Interrupted,
    /// `--max-turns` is used up.
    MaxTurns,
}

/// The turn that is played.
pub(crate) struct Turn<'a> {
    pub(crate) session: &'a mut Session,
    prompts: Vec<Prompt>,
    /// The turn died with a former process and goes on: the id under which its fate is told.
    resumed: Option<String>,
    /// What the former process knows of its tools and questions.
    recalled: VecDeque<Value>,
    /// What has come of each tool and question that had to be asked about; null for an open one.
    settled: Vec<Value>,
    /// How many processes have died in it.
    deaths: u64,
    started: Instant,
    /// The message that is being streamed.
    message: Option<Message>,
    /// Requests made so far.
    requests: u32,
    begun: Vec<String>,
    denials: Vec<Value>,
    /// The last text said: the result's text.
    last_text: String,
    failure: Option<Failure>,
    input_tokens: u64,
    output_tokens: u64,
    first_token_ms: Option<u64>,
    subagents: u64,
}

impl<'a> Turn<'a> {
    /// Plays the prompts as one turn and says whether it failed.
    pub(crate) fn play(session: &'a mut Session, prompts: Vec<Prompt>) -> Result<bool, Stop> {
        Self::new(session, prompts).play_out()
    }

    /// Goes on with a turn that died with a former process.
    pub(crate) fn play_again(session: &'a mut Session, died: Interrupted) -> Result<bool, Stop> {
        let mut turn = Self::new(session, died.prompts);
        turn.recalled = died.settled.into();
        turn.deaths = died.deaths + 1;
        turn.resumed = Some(turn.session.ids.uuid());
        if let Some(prompt) = turn.prompts.last_mut() {
            prompt.uuid.get_or_insert_with(|| turn.session.ids.uuid());
        }
        turn.play_out()
    }

    /// True when it goes on with a turn that died.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed.is_some()
    }

    /// How many processes have died in it.
    pub(crate) fn deaths(&self) -> u64 {
        self.deaths
    }

    fn new(session: &'a mut Session, prompts: Vec<Prompt>) -> Self {
        Self {
            input_tokens: prompts.iter().map(|prompt| tokens(&prompt.text)).sum(),
            session,
            prompts,
            resumed: None,
            recalled: VecDeque::new(),
            settled: Vec::new(),
            deaths: 0,
            started: clock::now(),
            message: None,
            requests: 0,
            begun: Vec::new(),
            denials: Vec::new(),
            last_text: String::new(),
            failure: None,
            output_tokens: 0,
            first_token_ms: None,
            subagents: 0,
        }
    }

    fn play_out(mut self) -> Result<bool, Stop> {
        self.remember();
        self.open()?;
        let played = self.play_prompts();
        let failed = match played {
            Ok(()) => self.succeed()?,
            Err(Stop::Interrupted) => self.abort()?,
            Err(Stop::MaxTurns) => self.exhaust()?,
            Err(stop @ Stop::Exit(_)) => return Err(stop),
        };
        // A turn whose result nobody has must be known to the process that comes next.
        self.session.out.flush()?;
        self.session.memory.forget(&self.session.id);
        self.close()?;
        if self.session.closed {
            // What was written to a driver that is gone was written to nobody.
            let heard = self.session.out.flush();
            heard.inspect_err(|_| self.remember())?;
        }
        self.session.input_tokens += self.input_tokens;
        self.session.output_tokens += self.output_tokens;
        Ok(failed)
    }

    /// Tells the fate of what the turn was about.
    fn close(&mut self) -> Result<(), Stop> {
        for uuid in self.fates() {
            self.session.lifecycle(Some(&uuid), "completed")?;
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), Stop> {
        self.session.set_state(State::Running)?;
        if self.session.options.replay {
            self.replay_merged()?;
        }
        for uuid in self.fates() {
            self.session.lifecycle(Some(&uuid), "started")?;
        }
        self.introduce()
    }

    /// The `init` line.
    fn introduce(&mut self) -> Result<(), Stop> {
        let mut init = lines::init(
            &self.session.directory,
            &self.session.model,
            &self.session.mode,
            &self.session.options.disallowed_tools,
        );
        self.mark(&mut init, false);
        self.session.line(init)
    }

    fn play_prompts(&mut self) -> Result<(), Stop> {
        let prompts = self.prompts.iter();
        let prompts: Vec<_> = prompts
            .map(|prompt| (prompt.text.clone(), prompt.images.clone()))
            .collect();
        for (text, images) in prompts {
            if !images.is_empty() {
                self.begin()?;
                self.text(&format!("I was shown {}.", images.join(" and ")))?;
                self.end("end_turn")?;
            }
            if images.is_empty() || !text.trim().is_empty() {
                scenario::play(self, &text)?;
            }
        }
        Ok(())
    }

    /// Echoes the prompts that are merged into the last one, each by itself.
    fn replay_merged(&mut self) -> Result<(), Stop> {
        let merged = self
            .prompts
            .split_last()
            .map_or(&[][..], |(_, merged)| merged);
        for prompt in merged {
            let uuid = prompt.uuid.clone();
            let line = json!({
                "type": "user",
                "message": {"role": "user", "content": prompt.text},
                "session_id": self.session.id,
                "parent_tool_use_id": null,
                "uuid": uuid.unwrap_or_else(|| self.session.ids.uuid()),
                "isReplay": true,
            });
            self.session.out.line(&line)?;
        }
        Ok(())
    }

    /// Echoes the prompts, merged, as `--replay-user-messages` asks for.
    fn replay(&mut self) -> Result<(), Stop> {
        let Some(uuid) = self.prompts.last().map(|prompt| prompt.uuid.clone()) else {
            return Ok(());
        };
        let texts: Vec<_> = self
            .prompts
            .iter()
            .map(|prompt| prompt.text.as_str())
            .collect();
        let line = json!({
            "type": "user",
            "message": {"role": "user", "content": texts.join("\n")},
            "session_id": self.session.id,
            "parent_tool_use_id": null,
            "uuid": uuid.unwrap_or_else(|| self.session.ids.uuid()),
            "timestamp": clock::timestamp(),
            "isReplay": true,
        });
        self.session.out.line(&line)
    }

    /// Takes what has arrived; an interrupt stops the scenario.
    pub(crate) fn poll(&mut self) -> Result<(), Stop> {
        self.session.poll()?;
        if self.session.interrupted {
            Err(Stop::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Ends the turn as failed with this text, as an error of the model API would.
    pub(crate) fn fail(&mut self, failure: Failure) -> Result<(), Stop> {
        self.request()?;
        self.give_up(failure)
    }

    /// The same after announcing one retry, which is then not made.
    pub(crate) fn fail_after_retry(&mut self, delay_ms: u64, failure: Failure) -> Result<(), Stop> {
        self.request()?;
        self.session.line(json!({
            "type": "system",
            "subtype": "api_retry",
            "attempt": 1,
            "max_retries": 1,
            "retry_delay_ms": delay_ms,
            "error_status": failure.status.map(|(status, _)| status),
            "error": failure.kind,
        }))?;
        self.give_up(failure)
    }

    fn give_up(&mut self, failure: Failure) -> Result<(), Stop> {
        self.synthetic(&failure)?;
        self.last_text.clone_from(&failure.text);
        self.failure = Some(failure);
        Ok(())
    }

    /// Whose fate is told: that of the prompts, or of the resumption.
    fn fates(&self) -> Vec<String> {
        match &self.resumed {
            Some(resumption) => vec![resumption.clone()],
            None => self.uuids(),
        }
    }

    fn uuids(&self) -> Vec<String> {
        self.prompts
            .iter()
            .filter_map(|prompt| prompt.uuid.clone())
            .collect()
    }

    /// Binds a line to the prompts that it answers; `single` adds the one that counts most.
    fn mark(&self, line: &mut Value, single: bool) {
        let uuids = self.uuids();
        if let (Some(last), Value::Object(object)) = (uuids.last(), line) {
            if single {
                object.insert("user_message_uuid".to_owned(), Value::from(last.as_str()));
            }
            object.insert("user_message_uuids".to_owned(), Value::from(uuids.clone()));
            if single && self.is_resumed() {
                object.insert("resume_reason".to_owned(), "interrupted_turn".into());
            }
        }
    }
}

/// A rough count of tokens: there is no model that could count them.
fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}
