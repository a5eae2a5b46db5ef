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

mod beside;
mod following;

use std::pin::Pin;
use std::time::Duration;

use betcode_client::session::Handle;
use betcode_core::command::{Action, Command};
use betcode_core::event::TurnPolicy;
use betcode_core::id::{IdempotencyKey, MessageId, SessionId};
use tokio::time::Sleep;

use self::beside::{controls, nobody_asked};
use super::control::{Control, Prompts, response};
use super::errands::{Errands, Purpose};
use super::format::{Format, Printed};
use super::input::{Message, Piped};
use super::interrupt::Interrupts;
use super::lines::{Incoming, Lines};
use super::options::{InputFormat, OutputFormat, RunArgs, Wait};
use super::start::{Started, start, tell};
use super::stream_json::StreamJson;
use super::text::Text;
use super::turn::{Turn, TurnReport};
use super::verdict::{Cut, judge};
use super::waiting::Waiting;
use super::wholes::Wholes;
use super::words::LastWords;
use super::{image, input, me};
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on, command};
use crate::output::{Output, say};
use crate::profile::{absolute, outside_state};

/// How long a stopped turn may take to end.
const GRACE: Duration = Duration::from_secs(10);
/// The same while the daemon cannot record anything: enough for the daemon to hear of it.
const SHORT: Duration = Duration::from_secs(1);
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
        return crate::interactive::run(&args, context);
    }
    let output_last_message = args.output_last_message.clone();
    if let Some(file) = &output_last_message {
        outside_state(
            &context.profile()?.state_dir,
            &absolute(&context.environment, file)?,
        )?;
    }
    let mut words = LastWords::new(output_last_message.as_ref())?;
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
            Some(Message {
                text,
                images,
                uuid: None,
            })
        }
    };
    block_on(async {
        let mut interrupts = Interrupts::listen()?;
        let mut lines = match first {
            Some(prompt) => Lines::one(prompt),
            None => Lines::stdin()?,
        };
        let prepared = tokio::select! {
            prepared = Box::pin(prepare(&mut args, context, &link, &mut lines)) => prepared?,
            cut = interrupts.next() => return Err(stopped(cut)),
        };
        let Some((started, message)) = prepared else {
            say("note: no message came on stdin: nothing was said to any agent");
            return Ok(Exit::Success);
        };
        if args.detach {
            return detach(&args, started, message, &mut context.output).await;
        }
        let mut run = Run::new(&args, started, &link, interrupts, context);
        let end = run.all(message, &mut lines, &mut words).await;
        let end = end.and_then(|exit| words.end().map(|()| exit));
        // The session is free for others at once.
        let Run { handle, .. } = run;
        handle.leave(PARTING).await;
        end
    })
}

/// The session and the first message. Without any message there is no session.
async fn prepare(
    args: &mut RunArgs,
    context: &mut Context,
    link: &Link,
    lines: &mut Lines,
) -> Result<Option<(Started, Message)>, Failure> {
    let message = loop {
        match lines.next().await? {
            Some(Incoming::Message(message)) => break message,
            Some(Incoming::Control(Control::Request { id, ask })) => {
                // There is no session yet: what it is to be, it begins with.
                let (action, answer) = ask.action(false);
                match action {
                    Some(Action::SetModel { model }) => {
                        args.model = Some(model).filter(|model| !model.is_empty());
                    }
                    Some(Action::SetPermissionMode { mode }) => args.permission_mode = Some(mode),
                    _ => {}
                }
                controls(args, &[response(&id, answer)], &mut context.output)?;
            }
            Some(Incoming::Control(Control::Response { id, .. })) => say(&nobody_asked(&id)),
            None => return Ok(None),
        }
    };
    let starting = Box::pin(start(args, context, link));
    let Some(after) = args.timeout else {
        return Ok(Some((starting.await?, message)));
    };
    let started = tokio::time::timeout(after, starting).await;
    let started = started.map_err(|_| stopped(Cut::Timeout(after)))?;
    Ok(Some((started?, message)))
}

/// A signal while no turn runs.
fn stopped(cut: Cut) -> Failure {
    judge(&TurnReport::default(), Some(cut)).unwrap_or_else(Failure::output_closed)
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
    wholes: Wholes,
    errands: Errands,
    state: State,
}

/// What holds for the run as a whole.
#[derive(Debug, Default)]
struct State {
    /// Nothing will come on stdin any more.
    closed: bool,
    /// The daemon cannot record anything.
    trouble: bool,
    /// The turn is to be stopped as soon as it has begun.
    stops: bool,
}

impl<'a> Run<'a> {
    fn new(
        args: &'a RunArgs,
        started: Started,
        link: &Link,
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
            wholes: Wholes::new(args, link),
            errands: Errands::default(),
            state: State::default(),
        }
    }

    /// Message after message. The first failure decides how the process ends.
    async fn all(
        &mut self,
        first: Message,
        lines: &mut Lines,
        words: &mut LastWords<'_>,
    ) -> Result<Exit, Failure> {
        let mut verdict: Option<Failure> = None;
        let mut message = Some(first);
        while let Some(text) = message.take() {
            let command = command(self.session, me(), message_action(self.args, text));
            let mut turn = Turn::new(MessageId(command.key.0));
            let failure = self.one(command, &mut turn, lines).await?;
            words.are(&turn.report().answer)?;
            // A turn that was stopped on purpose is no failure when there is an answer after it.
            if verdict.as_ref().is_none_or(Failure::is_cancellation) {
                verdict = failure;
            }
            if self.cut.is_some() {
                break;
            }
            message = self.between(&mut turn, lines).await?;
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

    /// Waits for the next message; none at the end. What is asked beside is done and answered meanwhile.
    async fn between(
        &mut self,
        turn: &mut Turn,
        lines: &mut Lines,
    ) -> Result<Option<Message>, Failure> {
        let mut printed = Printed::default();
        let mut ended = None;
        while ended.is_none() || !self.errands.is_empty() {
            tokio::select! {
                biased;
                cut = self.interrupts.next() => return Err(stopped(cut)),
                () = expired(&mut ended) => break,
                again = self.errands.due() => self.send_again(again),
                update = self.handle.next(), if !self.errands.is_empty() => {
                    self.update(update, turn, &mut printed).await?;
                    self.hand_on(&mut printed)?;
                }
                next = lines.next(), if ended.is_none() => match next? {
                    Some(Incoming::Message(next)) => return Ok(Some(next)),
                    Some(Incoming::Control(control)) => self.control(control, false)?,
                    None => ended = Some(Box::pin(tokio::time::sleep(GRACE))),
                },
            }
        }
        Ok(None)
    }

    /// One message and its turn.
    async fn one(
        &mut self,
        message: Command,
        turn: &mut Turn,
        lines: &mut Lines,
    ) -> Result<Option<Failure>, Failure> {
        self.handle.send(message.clone());
        self.refused = 0;
        self.state.stops = false;
        let mut deadline = self
            .args
            .timeout
            .map(|after| Box::pin(tokio::time::sleep(after)));
        let mut printed = Printed::default();
        while !turn.is_over() {
            let update = tokio::select! {
                biased;
                cut = self.interrupts.next(), if !self.gives_up() => {
                    deadline = Some(self.stop(cut, turn));
                    continue;
                }
                () = expired(&mut deadline) => {
                    let Some(after) = self.args.timeout.filter(|_| self.cut.is_none()) else { break };
                    deadline = Some(self.stop(Cut::Timeout(after), turn));
                    continue;
                }
                () = expired(&mut self.again) => {
                    self.again = None;
                    self.handle.send(message.clone());
                    continue;
                }
                again = self.errands.due() => {
                    self.send_again(again);
                    continue;
                }
                beside = lines.beside() => {
                    self.beside(beside, turn)?;
                    continue;
                }
                update = self.handle.next() => update,
            };
            self.update(update, turn, &mut printed).await?;
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
                deadline = Some(self.stop(cut, turn));
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
        Ok(failure)
    }

    /// True once the turn was stopped: the next signal ends the process by itself.
    const fn gives_up(&self) -> bool {
        self.cut.is_some()
    }

    pub(super) fn stop_begun(&mut self, turn: &Turn) {
        if self.state.stops && turn.has_begun() {
            self.state.stops = false;
            self.perform(Action::Cancel, Purpose::Nobody);
        }
    }

    /// Stops the turn, or takes the message out of the queue when it has not begun: the turn that runs is not ours then. Gives
    /// the time that it may take to end.
    fn stop(&mut self, cut: Cut, turn: &mut Turn) -> Pin<Box<Sleep>> {
        self.cut.get_or_insert(cut);
        if turn.has_begun() {
            self.perform(Action::Cancel, Purpose::Nobody);
        } else if self.again.take().is_some() {
            turn.not_taken();
        } else {
            self.take_back(turn);
        }
        // What cannot be recorded cannot end either.
        let grace = if self.state.trouble { SHORT } else { GRACE };
        Box::pin(tokio::time::sleep(grace))
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
