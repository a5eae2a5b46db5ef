//! How a deed is done: the words of the agent's prompts, and the commands and what they say in the words of the log.

use std::time::Duration;

use betcode_core::command::{Action, Command, PermissionAnswer, QuestionAnswer};
use betcode_core::event::{Answer, PermissionScope, TurnPolicy};
use betcode_core::id::{IdempotencyKey, RequestId};
use serde_json::{Value, json};

use super::board::{Open, pick};
use super::deeds::{How, Policy, Prompt, Way, What};
use super::person::{Line, Shared};
use crate::torture::check::people::Act;

/// How long somebody waits for something to answer.
const PATIENCE: Duration = Duration::from_millis(400);
const PAUSE: Duration = Duration::from_millis(5);

/// A deed, with whoever does it.
pub(super) struct Doing {
    pub(super) shared: Shared,
    pub(super) line: Line,
    /// Somebody else, where two do something at once.
    pub(super) other: Line,
    pub(super) way: Way,
    pub(super) which: u64,
    pub(super) keys: [IdempotencyKey; 2],
    /// The file to which tools append.
    pub(super) file: String,
}

/// What the agent is asked. Tools that may be taken back write a line that begins with `w`.
fn words(number: u64, prompt: Prompt, file: &str) -> String {
    match prompt {
        Prompt::Tools { count, parallel } => format!(
            "/demo permission command=\"echo t{number}-{{n}} >> {file}\" count={count} parallel={parallel}"
        ),
        Prompt::Withdrawn { after } => {
            format!("/demo withdraw after_ms={after} command=\"echo w{number} >> {file}\"")
        }
        Prompt::Nested => {
            format!("/demo subagent permission=1 command=\"echo s{number} >> {file}\"")
        }
        Prompt::Questions { n } => format!("/demo ask n={n}"),
        Prompt::Plan => "/demo plan".to_owned(),
        Prompt::Busy { n } => format!("/demo count n={n} rate=1000"),
    }
}

fn terms(policy: Policy) -> TurnPolicy {
    let bash = || vec!["Bash".to_owned()];
    let plain = TurnPolicy::default();
    match policy {
        Policy::Ask => plain,
        Policy::Wait(milliseconds) => TurnPolicy {
            wait_ms: Some(milliseconds),
            ..plain
        },
        Policy::Allowed => TurnPolicy {
            allowed_tools: bash(),
            ..plain
        },
        Policy::Disallowed => TurnPolicy {
            disallowed_tools: bash(),
            ..plain
        },
        Policy::Unattended => TurnPolicy {
            unattended: true,
            ..plain
        },
    }
}

/// An answer as a command, and what the log says of it.
pub(super) fn answer(id: &RequestId, open: &Open, how: How) -> (Action, Act) {
    let (action, content) = match open {
        Open::Permission(command) => {
            let (answer, content) = permission(command, how);
            let id = id.clone();
            (Action::AnswerPermission { id, answer }, content)
        }
        Open::Questions(items) => {
            let allow = !matches!(how, How::Deny | How::DenyAndStop);
            let (answer, content) = if allow {
                let answers: Vec<Answer> = items
                    .iter()
                    .map(|item| Answer {
                        question: item.question.clone(),
                        selected: item
                            .options
                            .first()
                            .map(|option| option.label.clone())
                            .into_iter()
                            .collect(),
                        text: String::new(),
                    })
                    .collect();
                let mut content = json!({"outcome": "answered"});
                if let (false, Some(content)) = (answers.is_empty(), content.as_object_mut()) {
                    let answers = serde_json::to_value(&answers).unwrap_or_default();
                    content.insert("answers".to_owned(), answers);
                }
                (QuestionAnswer::Answered(answers), content)
            } else {
                let message = "not now".to_owned();
                let content = json!({"outcome": "declined", "message": message});
                (QuestionAnswer::Declined { message }, content)
            };
            let id = id.clone();
            (Action::AnswerQuestion { id, answer }, content)
        }
    };
    let request = id.to_string();
    (action, Act::Answer { request, content })
}

fn permission(command: &str, how: How) -> (PermissionAnswer, Value) {
    let allow = |scope: PermissionScope, input: Option<Value>| {
        let mut content = json!({"outcome": "allowed"});
        if let Some(content) = content.as_object_mut() {
            if scope != PermissionScope::Once {
                let scope = serde_json::to_value(scope).unwrap_or_default();
                content.insert("scope".to_owned(), scope);
            }
            if let Some(input) = &input {
                content.insert("input".to_owned(), input.clone());
            }
        }
        (PermissionAnswer::Allow { scope, input }, content)
    };
    let deny = |interrupt: bool| {
        let mut content = json!({"outcome": "denied", "message": "no"});
        if let (true, Some(content)) = (interrupt, content.as_object_mut()) {
            content.insert("interrupt".to_owned(), Value::Bool(true));
        }
        let message = "no".to_owned();
        (PermissionAnswer::Deny { message, interrupt }, content)
    };
    match how {
        How::Allow => allow(PermissionScope::Once, None),
        How::AllowSession => allow(PermissionScope::Session, None),
        How::AllowAlways => allow(PermissionScope::Always, None),
        How::Edited => {
            // What runs instead writes another line.
            let edited = command.replacen(" >> ", "-e >> ", 1);
            let input = json!({"command": edited, "description": "Run something else"});
            allow(PermissionScope::Once, Some(input))
        }
        How::Deny => deny(false),
        How::DenyAndStop => deny(true),
    }
}

impl Doing {
    /// Does it, and waits until there is an answer where it is a call.
    pub(super) async fn perform(self, what: What) {
        let [first, second] = self.keys;
        match what {
            What::Sit { .. } | What::Leave | What::Vanish => {}
            What::Say {
                number,
                prompt,
                policy,
            } => {
                let text = words(number, prompt, &self.file);
                let action = Action::Message {
                    text: text.clone(),
                    attachments: Vec::new(),
                    policy: terms(policy),
                };
                self.send(first, action, Act::Message { text }).await;
            }
            What::Answer(how) => {
                if let Some((action, act)) = self.chosen(how).await {
                    self.send(first, action, act).await;
                }
            }
            What::Repeat(how) => {
                if let Some((action, act)) = self.chosen(how).await {
                    let once = self.send(first, action.clone(), act.clone());
                    let command = self.command(first, action, &self.line);
                    let again = self.line.send(&self.shared, Way::Call, command, act);
                    tokio::join!(once, again);
                }
            }
            What::Again(how, then) => {
                if let Some((id, open)) = self.choose().await {
                    let (action, act) = answer(&id, &open, how);
                    self.send(first, action, act).await;
                    let (action, act) = answer(&id, &open, then);
                    self.send(second, action, act).await;
                }
            }
            What::Clash(how, other) => {
                if let Some((id, open)) = self.choose().await {
                    let (action, act) = answer(&id, &open, how);
                    let one = self.send(first, action, act);
                    let (action, act) = answer(&id, &open, other);
                    let command = self.command(second, action, &self.other);
                    let two = self.other.send(&self.shared, self.way, command, act);
                    tokio::join!(one, two);
                }
            }
            What::Wrong => {
                let id = RequestId(format!("none-{}", self.which));
                let open = Open::Permission("echo never >> /dev/null".to_owned());
                let (action, act) = answer(&id, &open, How::Allow);
                self.send(first, action, act).await;
            }
            What::AskLock => self.send(first, Action::RequestLock, Act::Lock).await,
            What::Release => self.send(first, Action::ReleaseLock, Act::Lock).await,
            What::Grant(grant) => {
                let asking: Vec<_> = self.shared.board().asking.iter().copied().collect();
                if let Some(client) = pick(&asking, self.which) {
                    let action = Action::AnswerLock { client, grant };
                    self.send(first, action, Act::Lock).await;
                }
            }
            What::Cancel => self.send(first, Action::Cancel, Act::Cancel).await,
            What::Edit | What::Remove | What::Resend => self.queue(first, &what).await,
        }
    }

    /// Something about a message that waits.
    async fn queue(&self, key: IdempotencyKey, what: &What) {
        let messages = {
            let board = self.shared.board();
            if *what == What::Resend {
                board.unknown.clone()
            } else {
                board.queued.clone()
            }
        };
        let Some(message_id) = pick(&messages, self.which) else {
            return;
        };
        let message = message_id.to_string();
        let (action, act) = match what {
            What::Edit => {
                let text = format!("/demo say text=edited-{}", self.which % 1_000);
                let action = Action::EditQueued {
                    message_id,
                    text: text.clone(),
                };
                (action, Act::Edit { message, text })
            }
            What::Remove => (Action::RemoveQueued { message_id }, Act::Remove { message }),
            _ => (Action::SendAgain { message_id }, Act::Resend { message }),
        };
        self.send(key, action, act).await;
    }

    async fn send(&self, key: IdempotencyKey, action: Action, act: Act) {
        let command = self.command(key, action, &self.line);
        self.line.send(&self.shared, self.way, command, act).await;
    }

    fn command(&self, key: IdempotencyKey, action: Action, by: &Line) -> Command {
        Command {
            session: self.shared.session,
            key,
            client: by.info.clone(),
            action,
        }
    }

    async fn chosen(&self, how: How) -> Option<(Action, Act)> {
        let (id, open) = self.choose().await?;
        Some(answer(&id, &open, how))
    }

    /// A request to answer; waits for one for a while.
    async fn choose(&self) -> Option<(RequestId, Open)> {
        let mut waited = Duration::ZERO;
        loop {
            let chosen = self.shared.board().choose(self.which);
            if chosen.is_some() || waited >= PATIENCE {
                return chosen;
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
    }
}
