//! The session: the durable machine behind one conversation. Its state is a fold over its log.
//!
//! States of its parts: the agent ([`AgentState`]: absent, starting, running), the turn ([`Turn`]: none or one), the queue
//! of messages that wait for the turn to end, the requests that wait for an answer, and the messages whose delivery is open.
//!
//! Inputs make drafts of events and change nothing: [`Session::decide`] (a client's command), [`Session::observe`] (what the
//! agent said), [`Session::host`] (what became of its process), [`Session::settle`] (what follows without anybody asking),
//! [`Session::arrived`] and [`Session::left`] (who is attached), [`Session::touch`] (that somebody is active),
//! [`Session::expire`] (time), [`Session::silent`] and [`Session::speaks`] (the agent's silence, and its end),
//! [`Session::adopt`] (what was had elsewhere). Only [`Session::apply`] changes state, and it is total.
//!
//! Laws:
//! - replaying the log gives the state that the live machine has;
//! - a turn that has begun ends exactly once with `turn_complete`;
//! - a request for permission or a question ends exactly once, and a call of a tool gets exactly one result;
//! - a message is in one place at most: queued, sent, or of unknown delivery;
//! - `settle` comes to rest: applied often enough it gives nothing more;
//! - an agent is started for a message or an answer only, so a crash cannot repeat itself without one;
//! - once closed, a session changes only by its title, by the end of its agent, and by being reopened.
//!
//! The input lock, the requests, the messages, the calls of tools and silence have laws of their own; see the modules of these names.

mod adopt;
mod agent;
mod calls;
mod crash;
mod decide;
mod dormant;
mod ends;
mod fold;
mod history;
mod host;
mod kept;
mod lock;
mod messages;
mod observe;
mod permission;
mod presence;
mod progress;
mod question;
mod requests;
mod silence;
mod terms;
mod turn;

pub use adopt::Adopted;
pub use agent::{AgentState, AgentWanted};
pub use decide::{Context, Decision};
pub use ends::{describe, outcome_word};
pub use host::{HostNews, Refused};
pub use lock::{Asking, InputLock};
pub use messages::Messages;
pub use permission::FOR_THE_SESSION;
pub use presence::Presence;
pub use progress::Progress;
pub use requests::{Pending, Requests};
pub use silence::{LONGEST_STALL, STALLED_AFTER, Silence};
pub use terms::{LONGEST_LOCK_WAIT, REQUEST_LIFETIMES, Terms};
pub use turn::Turn;

use serde::{Deserialize, Serialize};

use self::calls::Calls;
use self::crash::Deaths;
use crate::command::LaunchOptions;
use crate::event::{Base64, Decider, Draft, EventBody, SessionInfo, Status, TurnPolicy};
use crate::id::{AgentName, Sequence, SessionId};
use crate::observation::AgentRequest;
use crate::steady::Hold;
use crate::time::Timestamp;

/// Version of the serialised state. A snapshot of another version is thrown away and the log folded anew.
pub const SNAPSHOT_VERSION: u32 = 2;

/// The state of one session. A trimmed log begins with one, and must be readable for ever: a field that is new has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    id: SessionId,
    head: Sequence,
    created: Timestamp,
    updated: Timestamp,
    info: SessionInfo,
    launch: LaunchOptions,
    agent: AgentState,
    turn: Option<Turn>,
    turns: u64,
    /// What the last message allowed; it holds for what its turn left running in the background.
    policy: TurnPolicy,
    messages: Messages,
    requests: Requests,
    lock: InputLock,
    first_message: String,
    /// A person chose the title.
    title_chosen: bool,
    /// The agent has been told to end, or is about to be.
    stopping: bool,
    /// The agent has a conversation that it can resume.
    resumable: bool,
    deaths: Deaths,
    calls: Calls,
    /// What the last status said of the next try.
    retry_at: Option<Timestamp>,
}

impl Default for Session {
    fn default() -> Self {
        Self::new(SessionId(uuid::Uuid::nil()))
    }
}

impl Session {
    /// A session about which nothing is known yet; the first event of its log is a `session_info`.
    pub fn new(id: SessionId) -> Self {
        Self {
            id,
            head: Sequence(0),
            created: Timestamp(0),
            updated: Timestamp(0),
            info: SessionInfo {
                agent: AgentName(String::new()),
                cwd: String::new(),
                title: String::new(),
                model: String::new(),
                status: Status::Idle,
                permission_mode: String::new(),
                capabilities: Vec::new(),
                agent_version: String::new(),
                agent_session: String::new(),
                tools: Vec::new(),
                slash_commands: Vec::new(),
                models: Vec::new(),
                account: String::new(),
                totals: crate::event::Usage::default(),
                trimmed_up_to: Sequence(0),
                particulars: None,
                mcp_servers: Vec::new(),
                background_tasks: Vec::new(),
            },
            launch: LaunchOptions::default(),
            agent: AgentState::Absent,
            turn: None,
            turns: 0,
            policy: TurnPolicy::default(),
            messages: Messages::default(),
            requests: Requests::default(),
            lock: InputLock::default(),
            first_message: String::new(),
            title_chosen: false,
            stopping: false,
            resumable: false,
            deaths: Deaths::default(),
            calls: Calls::default(),
            retry_at: None,
        }
    }

    /// Its id.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The number of the last event that was applied.
    pub fn head(&self) -> Sequence {
        self.head
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// When something last happened.
    pub fn updated(&self) -> Timestamp {
        self.updated
    }

    /// What it is.
    pub fn info(&self) -> &SessionInfo {
        &self.info
    }

    /// How its agent is started.
    pub fn launch(&self) -> &LaunchOptions {
        &self.launch
    }

    /// Its agent's process.
    pub fn agent(&self) -> &AgentState {
        &self.agent
    }

    /// The running turn.
    pub fn turn(&self) -> Option<&Turn> {
        self.turn.as_ref()
    }

    /// How many turns it has had.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Its messages that are not settled.
    pub fn messages(&self) -> &Messages {
        &self.messages
    }

    /// Puts back what the log has of a message beside its event: the whole text, if it was cut, and the contents of its
    /// attachments by their places.
    pub fn restore_message(
        &mut self,
        id: crate::id::MessageId,
        text: Option<String>,
        contents: Vec<(usize, Base64)>,
    ) {
        self.messages.restore(id, text, contents);
    }

    /// Puts back the whole input that this event of the log shows as a preview; see [`Requests::cut`].
    pub fn restore_input(&mut self, at: Sequence, input: serde_json::Value) {
        self.requests.restore_input(at, input);
    }

    /// Its requests that wait for an answer.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// True once it was closed.
    pub fn is_closed(&self) -> bool {
        self.info.status == Status::Closed
    }

    /// When what it waits for is tried again: a call of a model by its agent, or the start of one that died in its turn.
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.retry_at
    }

    /// A title for lists: the one that was given, or the beginning of the first message.
    pub fn title(&self) -> &str {
        if self.info.title.is_empty() {
            &self.first_message
        } else {
            &self.info.title
        }
    }

    /// When [`Session::expire`] has something to do, as far as the log says; see [`Session::grace_ends`] for the rest.
    pub fn next_deadline(&self, hold: Hold) -> Option<Timestamp> {
        let requests = self.requests.next_deadline(hold);
        let deaths = self.deaths.next_deadline();
        let all = requests.into_iter().chain(self.lock.next_deadline());
        all.chain(deaths).min()
    }

    /// Ends what has waited too long.
    pub fn expire(
        &self,
        now: Timestamp,
        hold: Hold,
        terms: &Terms,
        presence: &Presence,
    ) -> Vec<Draft> {
        let mut drafts = self.expire_requests(now, hold);
        drafts.extend(self.expire_lock(now, terms, presence));
        if drafts.is_empty() {
            // It ends requests too, and those that have just expired are not to end twice.
            drafts = self.expire_take_up(now);
        }
        drafts
    }

    /// What the agent is to be told because of an event that was just decided. Frames for its stdin follow from these.
    pub fn agent_requests(&self, body: &EventBody) -> Vec<AgentRequest> {
        match body {
            EventBody::AgentStarting { .. } => vec![AgentRequest::Initialize],
            EventBody::UserInput(input) => vec![AgentRequest::UserMessage {
                message_id: input.message_id,
                text: input.text.clone(),
                attachments: input.attachments.clone(),
            }],
            EventBody::CancelRequested { .. } if self.agent.is_present() => {
                vec![AgentRequest::Interrupt]
            }
            EventBody::TaskStopRequested { id, .. } if self.agent.is_present() => {
                vec![AgentRequest::StopTask(id.clone())]
            }
            EventBody::TitleChange {
                title,
                by: Decider::Client(_),
            } if self.agent.is_present() => vec![AgentRequest::Rename(title.clone())],
            EventBody::LaunchChange(launch) => self.tell_launch(launch).unwrap_or_default(),
            EventBody::PermissionResolved(decision) if self.requests.is_heard(&decision.id) => {
                permission::tell(decision)
            }
            EventBody::QuestionAnswered {
                id,
                answers,
                outcome,
                message,
                ..
            } if self.requests.is_heard(id) => self.tell_answer(id, answers, *outcome, message),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
