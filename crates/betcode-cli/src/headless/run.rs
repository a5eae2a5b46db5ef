//! A run from the first byte to the exit code.
//!
//! 1. Check the flags, read stdin, connect (starting a daemon if need be).
//! 2. Choose the session: a new one, made first, or one that exists.
//! 3. For each message: send it, print its turn, judge it. Messages of a stream-json input are sent one after the other.
//! 4. A signal, `--timeout` or (with `--no-retry`) a rate limit or the agent's death stops the turn; what is printed until it
//!    has ended counts.
//!    A second signal ends the process at once, whatever it is doing.
//!
//! The turn belongs to the daemon: when this process is killed, it goes on.

use std::fs::OpenOptions;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use betcode_client::session::{End, Handle, Update};
use betcode_core::command::Action;
use betcode_core::event::{EventBody, Status, TurnPolicy};
use betcode_core::id::{IdempotencyKey, MessageId, SessionId};
use serde_json::Value;
use tokio::time::Sleep;

use super::control::{Control, Prompts, response};
use super::format::{self, Format, Printed};
use super::input::{Message, Piped};
use super::interrupt::Interrupts;
use super::lines::{Incoming, Lines};
use super::options::{InputFormat, OutputFormat, RunArgs, Wait};
use super::start::{Started, start, tell};
use super::stream_json::StreamJson;
use super::text::Text;
use super::turn::{Turn, TurnReport, is_restart};
use super::verdict::{Cut, judge};
use super::waiting::Waiting;
use super::{image, input, me};
use crate::cli::command_names;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on, command};
use crate::nearest::nearest;
use crate::output::{Output, say, trouble_line};

/// How long a stopped turn may take to end.
const GRACE: Duration = Duration::from_secs(10);
/// A daemon that is going down refuses messages for a moment: how often, and after which pause, ours is sent again.
const AGAIN: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);
/// How long leaving in good order may take.
const PARTING: Duration = Duration::from_millis(50);
/// How many attempts to reach a daemon that went away are made before it is given up.
const ATTEMPTS: u32 = 6;

/// Runs what the flags say.
pub(crate) fn run(args: RunArgs, context: &mut Context) -> Result<Exit, Failure> {
    run_with(args, input::stdin, context)
}

/// The same with somebody else's stdin.
pub(crate) fn run_with(
    mut args: RunArgs,
    stdin: impl FnOnce(bool) -> Result<Piped, Failure>,
    context: &mut Context,
) -> Result<Exit, Failure> {
    args.settle()?;
    for remark in args.remarks() {
        say(&remark);
    }
    if !args.print {
        return Err(interactive(&args));
    }
    // Known before anything is paid for.
    can_be_written(&args)?;
    let policy = match (args.no_daemon_start, args.ephemeral) {
        (true, _) => Policy::Never,
        (false, true) => Policy::Ephemeral,
        (false, false) => Policy::Start,
    };
    let link = Link::new(context, policy)?;
    let first = match args.input_format {
        InputFormat::StreamJson => None,
        InputFormat::Text => {
            let prompt = input::prompt(args.prompt.as_deref(), stdin)?
                .ok_or_else(|| args.without_prompt(input::no_prompt()))?;
            if let Some(note) = prompt.note {
                say(&note);
            }
            let images = image::from_files(&args.image, &context.cwd()?)?;
            let text = prompt.text;
            Some(Message { text, images })
        }
    };
    block_on(async {
        let mut interrupts = Interrupts::listen()?;
        let mut lines = match first {
            Some(prompt) => Lines::one(prompt),
            None => Lines::stdin()?,
        };
        let prepared = tokio::select! {
            prepared = Box::pin(prepare(&args, context, &link, &mut lines)) => prepared?,
            cut = interrupts.next() => return Err(stopped(cut)),
        };
        let Some((started, message)) = prepared else {
            return Ok(Exit::Success);
        };
        if args.detach {
            return detach(&args, started, message, &mut context.output).await;
        }
        let mut run = Run::new(&args, started, interrupts, context);
        let end = run.all(message, &mut lines).await;
        // The session is free for others at once.
        let Run { handle, .. } = run;
        handle.leave(PARTING).await;
        end
    })
}

/// The session and the first message. Without any message there is no session.
async fn prepare(
    args: &RunArgs,
    context: &mut Context,
    link: &Link,
    lines: &mut Lines,
) -> Result<Option<(Started, Message)>, Failure> {
    let message = loop {
        match lines.next().await? {
            Some(Incoming::Message(message)) => break message,
            Some(Incoming::Control(Control::Request { id, ask })) => {
                // There is no session yet.
                let answer = match ask.action(false) {
                    (None, answer) => answer,
                    (Some(_), _) => Err("there is no session before the first message".to_owned()),
                };
                controls(args, &[response(&id, answer)], &mut context.output)?;
            }
            Some(Incoming::Control(Control::Response { .. })) => {}
            None => return Ok(None),
        }
    };
    Ok(Some((start(args, context, link).await?, message)))
}

/// Prints lines of the control channel, where there is one.
fn controls(args: &RunArgs, lines: &[Value], output: &mut Output) -> Result<(), Failure> {
    if args.output_format != OutputFormat::StreamJson || lines.is_empty() {
        return Ok(());
    }
    let mut data = Vec::new();
    for line in lines {
        format::line(&mut data, line);
    }
    output.write(&data)?;
    output.flush()
}

/// A signal while no turn runs.
fn stopped(cut: Cut) -> Failure {
    judge(&TurnReport::default(), Some(cut)).unwrap_or_else(Failure::output_closed)
}

/// Writes the agent's last words into the file that is meant for them.
fn last_words(args: &RunArgs, words: &str) -> Result<(), Failure> {
    let Some(file) = &args.output_last_message else {
        return Ok(());
    };
    std::fs::write(file, words).map_err(|error| unwritable(file, &error))
}

/// Sees before the turn that there can be last words in that file; what is in it stays until there are.
fn can_be_written(args: &RunArgs) -> Result<(), Failure> {
    let Some(file) = &args.output_last_message else {
        return Ok(());
    };
    if std::fs::metadata(file).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return Ok(());
    }
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.map(drop).map_err(|error| unwritable(file, &error))
}

fn unwritable(file: &Path, error: &std::io::Error) -> Failure {
    let what = format!("--output-last-message: cannot write {}", file.display());
    Failure::io(&what, error)
}

/// The interactive screen is not there yet.
fn interactive(args: &RunArgs) -> Failure {
    let commands = command_names();
    let failure = Failure::usage("the interactive screen is not in this version yet");
    let meant = args
        .prompt
        .as_deref()
        .and_then(|word| nearest(word, commands.iter().map(String::as_str)));
    failure.hint(match (meant, &args.prompt) {
        (Some(meant), _) => format!("did you mean `betcode {meant}`?"),
        (None, Some(_)) => "betcode -p \"…\" prints the answer and exits".to_owned(),
        (None, None) => {
            "betcode -p \"what to do\" prints the answer; betcode demo shows what there is"
                .to_owned()
        }
    })
}

/// Sends the message and leaves the turn to the daemon.
async fn detach(
    args: &RunArgs,
    started: Started,
    message: Message,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let Started {
        mut handle,
        session,
        ..
    } = started;
    let accepted = handle
        .perform(command(session, me(), message_action(args, message)))
        .await?;
    tell(&accepted.notices);
    handle.leave(PARTING).await;
    if args.output_format == OutputFormat::Text {
        output.line(&session.to_string())?;
    } else {
        output.json(&serde_json::json!({"session_id": session, "sequence": accepted.sequence}))?;
    }
    Ok(Exit::Success)
}

fn message_action(args: &RunArgs, message: Message) -> Action {
    let policy = TurnPolicy {
        unattended: args.wait_for_permissions.is_none() && !args.asks_on_stdio(),
        allowed_tools: args.allowed_tools.clone(),
        disallowed_tools: args.disallowed_tools.clone(),
        only_allowed: args.only_allowed_tools,
        wait_ms: match args.wait_for_permissions {
            Some(Wait::AtMost(wait)) => Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            Some(Wait::AsSet) | None => None,
        },
    };
    Action::Message {
        text: message.text,
        attachments: message.images,
        policy,
    }
}

/// A run under way.
struct Run<'a> {
    args: &'a RunArgs,
    output: &'a mut Output,
    handle: Handle,
    session: SessionId,
    format: Format,
    interrupts: Interrupts,
    cut: Option<Cut>,
    /// The answer to our request to take the message out of the queue.
    removal: Option<IdempotencyKey>,
    /// How often the daemon could not take our message, and when it is sent again. It keeps its key.
    refused: u32,
    again: Option<Pin<Box<Sleep>>>,
    waiting: Waiting,
    prompts: Prompts,
}

impl<'a> Run<'a> {
    fn new(
        args: &'a RunArgs,
        started: Started,
        interrupts: Interrupts,
        context: &'a mut Context,
    ) -> Self {
        let Started {
            handle,
            session,
            info,
        } = started;
        let format = match args.output_format {
            OutputFormat::Text => Format::Text(Text::new(context.output.is_terminal())),
            OutputFormat::Json => Format::Json,
            OutputFormat::StreamJson => {
                let stream = StreamJson::new(
                    info,
                    args.include_partial_messages,
                    args.replay_user_messages,
                );
                Format::StreamJson(Box::new(stream))
            }
            OutputFormat::Events => Format::Events,
        };
        Self {
            args,
            output: &mut context.output,
            handle,
            session,
            format,
            interrupts,
            cut: None,
            removal: None,
            refused: 0,
            again: None,
            waiting: Waiting::default(),
            prompts: Prompts::default(),
        }
    }

    /// Message after message. The first failure decides how the process ends.
    async fn all(&mut self, first: Message, lines: &mut Lines) -> Result<Exit, Failure> {
        let mut verdict = None;
        let mut message = Some(first);
        while let Some(text) = message.take() {
            let failure = self.one(text, lines).await?;
            if verdict.is_none() {
                verdict = failure;
            }
            if self.cut.is_some() {
                break;
            }
            message = loop {
                let next = tokio::select! {
                    next = lines.next() => next?,
                    cut = self.interrupts.next() => return Err(stopped(cut)),
                };
                match next {
                    Some(Incoming::Message(next)) => break Some(next),
                    Some(Incoming::Control(control)) => self.control(control, false)?,
                    None => break None,
                }
            };
        }
        let Some(failure) = verdict else {
            return Ok(Exit::Success);
        };
        // The formats with a result have told it already.
        if let Some(report) = &failure.report {
            Output::report(report);
        }
        Ok(failure.exit)
    }

    /// One message and its turn.
    async fn one(
        &mut self,
        message: Message,
        lines: &mut Lines,
    ) -> Result<Option<Failure>, Failure> {
        let message = command(self.session, me(), message_action(self.args, message));
        let mut turn = Turn::new(MessageId(message.key.0));
        self.handle.send(message.clone());
        self.refused = 0;
        let mut deadline = self
            .args
            .timeout
            .map(|after| Box::pin(tokio::time::sleep(after)));
        let mut printed = Printed::default();
        while !turn.is_over() {
            let update = tokio::select! {
                biased;
                cut = self.interrupts.next(), if !self.gives_up() => {
                    self.stop(cut, &turn);
                    deadline = Some(Box::pin(tokio::time::sleep(GRACE)));
                    continue;
                }
                () = expired(&mut deadline) => {
                    let Some(after) = self.args.timeout.filter(|_| self.cut.is_none()) else { break };
                    self.stop(Cut::Timeout(after), &turn);
                    deadline = Some(Box::pin(tokio::time::sleep(GRACE)));
                    continue;
                }
                () = expired(&mut self.again) => {
                    self.again = None;
                    self.handle.send(message.clone());
                    continue;
                }
                control = lines.control() => {
                    self.control(control, true)?;
                    continue;
                }
                update = self.handle.next() => update,
            };
            self.update(update, &mut turn, &mut printed)?;
            let report = turn.report();
            let waits = match (&report.died, report.rate_limited) {
                (Some(_), _) => Some(Cut::AgentDied),
                (None, Some(_)) => Some(Cut::RateLimit),
                (None, None) => None,
            };
            if let Some(cut) = waits.filter(|_| self.args.no_retry)
                && self.cut.is_none()
                && !turn.is_over()
            {
                self.stop(cut, &turn);
                deadline = Some(Box::pin(tokio::time::sleep(GRACE)));
            }
            self.hand_on(&mut printed)?;
        }
        if !turn.is_over() {
            say(&format!(
                "note: the turn has not ended yet; it goes on in session {}",
                self.session
            ));
        }
        let failure = judge(turn.report(), self.cut);
        let report = failure.as_ref().and_then(|failure| failure.report.as_ref());
        self.format
            .finish(self.session, turn.report(), report, &mut printed);
        self.hand_on(&mut printed)?;
        last_words(self.args, &turn.report().answer)?;
        Ok(failure)
    }

    /// What was asked or answered beside messages.
    fn control(&mut self, control: Control, turn: bool) -> Result<(), Failure> {
        let (action, line) = match control {
            Control::Request { id, ask } => {
                let (action, answer) = ask.action(turn);
                (action, Some(response(&id, answer)))
            }
            Control::Response { id, answer } => match self.prompts.answer(&id, &answer) {
                Some(Ok(action)) => (Some(action), None),
                Some(Err(problem)) => {
                    say(&format!(
                        "warning: the answer to {id} makes no sense: {problem}"
                    ));
                    (None, None)
                }
                None => (None, None),
            },
        };
        if let Some(action) = action {
            self.handle.send(command(self.session, me(), action));
        }
        controls(self.args, line.as_slice(), self.output)
    }

    /// True once the turn was stopped: the next signal ends the process by itself.
    const fn gives_up(&self) -> bool {
        self.cut.is_some()
    }

    fn update(
        &mut self,
        update: Update,
        turn: &mut Turn,
        printed: &mut Printed,
    ) -> Result<(), Failure> {
        match update {
            Update::Events(batch) => {
                let mut asked = Vec::new();
                for event in batch.events()? {
                    if self.args.asks_on_stdio() {
                        asked.extend(self.prompts.see(&event));
                    } else {
                        printed.notes.extend(self.waiting.see(&event));
                    }
                    if turn.see(&event) {
                        self.format.event(self.session, &event, printed);
                        if let EventBody::StatusChange { detail, status, .. } = &event.body
                            && (is_restart(&event.body) || *status == Status::Stalled)
                        {
                            printed.notes.push(format!("note: {detail}"));
                        }
                    }
                }
                printed.notes.extend(self.waiting.untold());
                asked.extend(self.prompts.untold());
                for line in asked {
                    format::line(&mut printed.data, &line);
                }
                Ok(())
            }
            Update::Outcome {
                outcome: Ok(accepted),
                ..
            } => {
                tell(&accepted.notices);
                Ok(())
            }
            Update::Outcome {
                key,
                outcome: Err(refusal),
            } => {
                if key.0 == turn.message().0 {
                    if !refusal.is_unavailable() || self.refused == AGAIN {
                        return Err(refusal.into());
                    }
                    self.refused += 1;
                    self.again = Some(Box::pin(tokio::time::sleep(PAUSE)));
                }
                // The message was no longer in the queue: it is being answered, so the turn is ours to stop.
                if self.removal == Some(key) && turn.has_begun() {
                    self.handle
                        .send(command(self.session, me(), Action::Cancel));
                }
                Ok(())
            }
            Update::Reset { reason } if turn.has_begun() => Err(Failure::general(
                "LOG_REPLACED",
                format!("the session's log was replaced while it was read: {reason}"),
            )
            .hint("what was printed may not be in the log any more")),
            // Only a turn that came later removes ours from the log: it has ended, and nobody can say any more how.
            Update::Trimmed { .. } if turn.has_begun() => Err(Failure::general(
                "HISTORY_REMOVED",
                "the session's history was removed before the end of this turn was read",
            )
            .hint(format!(
                "betcode session events {} shows what is left",
                self.session
            ))),
            Update::Reconnecting {
                attempt: 1, cause, ..
            } => {
                say(&format!("note: reconnecting: {cause}"));
                Ok(())
            }
            Update::Reconnecting { attempt, cause, .. } if attempt > ATTEMPTS => {
                Err(Failure::connection(
                    "CONNECTION_LOST",
                    format!("the daemon cannot be reached: {cause}"),
                )
                .hint(format!(
                    "the turn may still be running: betcode session events {}",
                    self.session
                )))
            }
            Update::Attached { standing, .. } => {
                if !self.args.asks_on_stdio() {
                    self.waiting.standing(&standing);
                    printed.notes.extend(self.waiting.untold());
                }
                Ok(())
            }
            Update::Trouble(trouble) => {
                say(&trouble_line(trouble.as_deref()));
                Ok(())
            }
            Update::Reset { .. } | Update::Trimmed { .. } | Update::Reconnecting { .. } => Ok(()),
            Update::End(End::Refused(refusal)) => Err(refusal.into()),
            Update::End(End::Failed(error)) => Err(error.into()),
            Update::End(End::Complete) => Err(Failure::connection(
                "CONNECTION_LOST",
                "the daemon ended the stream",
            )),
        }
    }

    /// Stops the turn, or takes the message out of the queue when it has not begun: the turn that runs is not ours then.
    fn stop(&mut self, cut: Cut, turn: &Turn) {
        self.cut.get_or_insert(cut);
        let action = if turn.has_begun() {
            Action::Cancel
        } else {
            Action::RemoveQueued {
                message_id: turn.message(),
            }
        };
        let command = command(self.session, me(), action);
        if !turn.has_begun() {
            self.removal = Some(command.key);
        }
        self.handle.send(command);
    }

    fn hand_on(&mut self, printed: &mut Printed) -> Result<(), Failure> {
        if !printed.data.is_empty() {
            self.output.write(&printed.data)?;
            self.output.flush()?;
            printed.data.clear();
        }
        for note in printed.notes.drain(..) {
            say(&note);
        }
        Ok(())
    }
}

async fn expired(deadline: &mut Option<Pin<Box<Sleep>>>) {
    match deadline {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}
