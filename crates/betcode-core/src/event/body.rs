//! What can happen in a session: one variant for each kind of event, with plain data and no behaviour.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::LaunchOptions;
use crate::id::{AgentName, HostEpoch, IdempotencyKey, MessageId, RequestId, Sequence, ToolCallId};
use crate::time::Timestamp;

/// What happened. In JSON the variant is the key `type`, in snake case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// A snapshot of what the session is.
    SessionInfo(Box<SessionInfo>),
    /// A message of the user was taken; it begins a turn or joins the one that runs.
    UserInput(UserInput),
    /// A message was put into the queue because a turn is running.
    MessageQueued(UserInput),
    /// A queued message was taken out of the queue (it becomes a `UserInput`, or was removed by somebody).
    MessageDequeued {
        /// Which message.
        message_id: MessageId,
        /// True when it was removed and will not be sent.
        removed: bool,
    },
    /// It cannot be known whether the agent received this message: its host died before saying so.
    DeliveryUnknown {
        /// Which message.
        message_id: MessageId,
    },
    /// A piece of the agent's answer.
    TextDelta(TextPiece),
    /// A piece of the agent's thinking.
    ThinkingDelta(TextPiece),
    /// A message of the agent is finished: its text is the sum of its deltas.
    MessageComplete {
        /// Which message.
        message_id: String,
        /// The model that wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// How it ended when it is not simply finished.
        #[serde(default, skip_serializing_if = "MessageEnd::is_finished")]
        end: MessageEnd,
    },
    /// The agent calls a tool.
    ToolCallStart {
        /// The call.
        id: ToolCallId,
        /// The tool's name.
        tool: String,
        /// Its input.
        input: Value,
        /// One line for people.
        description: String,
    },
    /// A tool call is still running.
    ToolCallProgress {
        /// The call.
        id: ToolCallId,
        /// For how long.
        elapsed_ms: u64,
        /// Output so far, where the agent gives it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        output: String,
    },
    /// A tool call ended.
    ToolCallResult {
        /// The call.
        id: ToolCallId,
        /// What it gave back.
        output: String,
        /// True when it failed or was denied.
        is_error: bool,
        /// How long it took, as the daemon saw it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
        /// What it changed in files.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        diff: Vec<FileDiff>,
    },
    /// The agent asks whether it may use a tool.
    PermissionRequest(PermissionRequest),
    /// A request for permission came to its end.
    PermissionResolved {
        /// Which request.
        id: RequestId,
        /// How.
        outcome: PermissionOutcome,
        /// By whom or what.
        by: Decider,
        /// The message to the agent, or why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// The agent asks the user to choose, or to approve a plan.
    Question(Question),
    /// A question came to its end.
    QuestionAnswered {
        /// Which question.
        id: RequestId,
        /// One answer for each item that was answered.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        answers: Vec<Answer>,
        /// How.
        outcome: QuestionOutcome,
        /// By whom or what.
        by: Decider,
        /// The message to the agent, or why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// The agent's list of things to do, whole.
    TodoUpdate {
        /// The list.
        items: Vec<TodoItem>,
    },
    /// The permission mode changed (plan mode is one of the modes).
    PermissionModeChange {
        /// The new mode, in the agent's own word.
        mode: String,
    },
    /// The model changed.
    ModelChange {
        /// The new model; empty means the agent's default.
        model: String,
    },
    /// How the agent is started from now on.
    LaunchChange(LaunchOptions),
    /// The title changed.
    TitleChange {
        /// The new title.
        title: String,
        /// Who chose it.
        by: Decider,
    },
    /// What the session is doing changed.
    StatusChange {
        /// The new status.
        status: Status,
        /// More about it, for people.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
        /// When the agent tries again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    /// Somebody got, gave back or lost the input lock.
    InputLockChanged {
        /// Who holds it now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<ClientInfo>,
    },
    /// Somebody asks for the input lock.
    InputLockRequested {
        /// Who.
        by: ClientInfo,
        /// When it is granted without an answer.
        expires_at: Timestamp,
    },
    /// Somebody asked that the running turn be stopped.
    CancelRequested {
        /// Who.
        by: ClientInfo,
    },
    /// Tokens and cost so far.
    UsageReport(Usage),
    /// The agent is idle again.
    TurnComplete(TurnComplete),
    /// The agent compacted its own context; the log keeps everything.
    Compacted {
        /// `manual` or `auto`.
        trigger: String,
        /// Tokens before.
        before_tokens: u64,
        /// Tokens after.
        after_tokens: u64,
    },
    /// Events up to this number were removed.
    HistoryTrimmed {
        /// The last removed number.
        up_to: Sequence,
    },
    /// An agent host is about to be started.
    AgentStarting {
        /// Its epoch.
        host: HostEpoch,
        /// True when the agent is told to resume its own session.
        resume: bool,
    },
    /// The agent runs.
    AgentStarted {
        /// Its host.
        host: HostEpoch,
        /// Its process.
        pid: u32,
    },
    /// The agent ended.
    AgentExited {
        /// Its host.
        host: HostEpoch,
        /// How.
        exit: AgentExit,
        /// The end of its stderr, when it failed.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stderr: String,
    },
    /// Something the user should read and that is no part of the answer.
    Notice {
        /// The text.
        text: String,
    },
    /// Something went wrong.
    Error {
        /// A stable word for programs.
        code: String,
        /// What happened.
        message: String,
        /// What to do.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        hint: String,
        /// True when the session cannot go on as it is.
        fatal: bool,
    },
    /// A message of the agent that this version does not know.
    Unknown {
        /// The line as it came (bytes that are not UTF-8 are replaced).
        raw: String,
    },
}

/// What a session is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The agent.
    pub agent: AgentName,
    /// Where it works.
    pub cwd: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// Its model; empty when the agent has not said.
    #[serde(default)]
    pub model: String,
    /// What it is doing.
    pub status: Status,
    /// The permission mode in the agent's own word.
    #[serde(default)]
    pub permission_mode: String,
    /// What the agent can do.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// The agent's version.
    #[serde(default)]
    pub agent_version: String,
    /// The agent's own id for this conversation.
    #[serde(default)]
    pub agent_session: String,
    /// Tools it may call.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Slash commands it understands.
    #[serde(default)]
    pub slash_commands: Vec<String>,
    /// Models it offers.
    #[serde(default)]
    pub models: Vec<String>,
    /// What its login is (an API key, a subscription), in its own words.
    #[serde(default)]
    pub account: String,
    /// Totals over the session's life.
    #[serde(default)]
    pub totals: Usage,
    /// Events up to this number have been removed.
    #[serde(default)]
    pub trimmed_up_to: Sequence,
}

/// What an agent can do; clients offer only what works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Sends its answer in pieces.
    PartialText,
    /// Shows its thinking.
    Thinking,
    /// Asks before it uses tools.
    Permissions,
    /// Takes an edited input with a permission.
    EditedInput,
    /// Asks questions.
    Questions,
    /// Has permission modes.
    Modes,
    /// Can change its model.
    Models,
    /// Can resume a conversation after its process ended.
    Resume,
    /// Can compact its context.
    Compaction,
    /// Takes images.
    Images,
    /// Runs sub-agents.
    SubAgents,
    /// Reports usage.
    Usage,
}

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The agent's process is being started.
    Starting,
    /// The agent works.
    Thinking,
    /// A tool runs.
    RunningTool,
    /// The agent waits for an answer.
    WaitingForUser,
    /// Nothing is going on.
    Idle,
    /// The agent compacts its context.
    Compacting,
    /// The agent waits because of a rate limit.
    RateLimited,
    /// The agent tries again after a failure.
    Retrying,
    /// The agent should be working but says nothing.
    Stalled,
    /// The agent died and is not restarted by itself.
    Crashed,
    /// The session cannot go on as it is.
    Error,
    /// The session was closed.
    Closed,
}

/// A message of the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserInput {
    /// Its id; also the `uuid` by which its fate at the agent is followed.
    pub message_id: MessageId,
    /// The key of the command that brought it.
    pub idempotency_key: IdempotencyKey,
    /// The text.
    pub text: String,
    /// What was attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Who sent it.
    pub client: ClientInfo,
    /// What the turn may do without anybody being asked.
    #[serde(default, skip_serializing_if = "TurnPolicy::is_default")]
    pub policy: TurnPolicy,
}

/// An attachment, by name only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

/// How requests of a turn are decided when nobody is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnPolicy {
    /// Nobody will answer: whatever would be asked is denied at once.
    #[serde(default)]
    pub unattended: bool,
    /// Tools that are allowed without asking, by plain name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_tools: Vec<String>,
    /// Tools that are denied without asking, by plain name. A denial beats an allowance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disallowed_tools: Vec<String>,
}

impl TurnPolicy {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Who sent a command.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClientInfo {
    /// The program, such as `betcode -p`.
    pub name: String,
    /// Where it runs, such as `laptop · terminal`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
}

/// A piece of text of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPiece {
    /// The agent's id of the message.
    pub message_id: String,
    /// The text.
    pub text: String,
}

/// How a message of the agent ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEnd {
    /// It is whole.
    #[default]
    Finished,
    /// It was interrupted; what there is stays.
    Aborted,
    /// The agent gave it up and starts anew: its text does not count.
    Abandoned,
}

impl MessageEnd {
    /// True for a whole message.
    pub fn is_finished(&self) -> bool {
        *self == Self::Finished
    }
}

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// The file.
    pub path: String,
    /// True when the call made the file.
    #[serde(default)]
    pub created: bool,
    /// Its hunks.
    pub hunks: Vec<Hunk>,
}

/// One hunk of a change; lines carry their sign (` `, `+`, `-`) as in a unified diff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// First line in the old file.
    pub old_start: u32,
    /// Number of lines in the old file.
    pub old_lines: u32,
    /// First line in the new file.
    pub new_start: u32,
    /// Number of lines in the new file.
    pub new_lines: u32,
    /// The lines.
    pub lines: Vec<String>,
}

/// The agent asks whether it may use a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionRequest {
    /// Its id.
    pub id: RequestId,
    /// The tool.
    pub tool: String,
    /// The call that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolCallId>,
    /// The exact input.
    pub input: Value,
    /// One line for people.
    pub description: String,
    /// Rules the agent proposes for "always".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggested_rules: Vec<String>,
    /// When it is denied without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// True when it is shown again to a client that reattached. Never true in the log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_replay: bool,
}

/// How a request for permission ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionOutcome {
    /// The tool may run.
    Allowed,
    /// The tool may not run.
    Denied,
    /// The agent took the request back.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

/// Who or what decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decider {
    /// A person at a client.
    Client(ClientInfo),
    /// A rule or setting, named.
    Rule {
        /// Which.
        rule: String,
    },
    /// Nobody was there to ask.
    Unattended,
    /// The agent itself.
    Agent,
}

/// The agent asks the user to choose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Its id.
    pub id: RequestId,
    /// The call that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolCallId>,
    /// The questions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<QuestionItem>,
    /// Set when a plan is to be approved: its text, or empty where the agent keeps it in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The input of the agent's request, which an answer must repeat.
    pub input: Value,
    /// When it counts as not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// One question of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionItem {
    /// The whole text.
    pub question: String,
    /// A short heading.
    #[serde(default)]
    pub header: String,
    /// True when several options may be chosen.
    #[serde(default)]
    pub multi_select: bool,
    /// The options.
    #[serde(default)]
    pub options: Vec<QuestionOption>,
}

/// One option of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionOption {
    /// Its label.
    pub label: String,
    /// What it means.
    #[serde(default)]
    pub description: String,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The whole text of the question.
    pub question: String,
    /// The labels chosen.
    #[serde(default)]
    pub selected: Vec<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionOutcome {
    /// It was answered (a plan: approved).
    Answered,
    /// It was refused (a plan: not approved).
    Declined,
    /// The agent took it back.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodoItem {
    /// What.
    pub text: String,
    /// How far it is.
    pub state: TodoState,
}

/// How far a thing to do is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TodoState {
    /// Not begun.
    Pending,
    /// Being done.
    InProgress,
    /// Done.
    Completed,
}

/// Tokens, cost, context.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, without those from the cache.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Tokens read from the cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the cache.
    pub cache_write_tokens: u64,
    /// Cost in US dollars, where the agent says it.
    pub cost_usd: f64,
    /// The model, where one is meant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// Time spent.
    #[serde(default)]
    pub duration_ms: u64,
    /// Tokens in the model's context now; 0 when unknown.
    #[serde(default)]
    pub context_tokens: u64,
    /// Size of the model's context; 0 when unknown.
    #[serde(default)]
    pub context_window: u64,
}

/// The agent is idle again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnComplete {
    /// Why it stopped.
    pub stop_reason: StopReason,
    /// What went wrong, when something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TurnError>,
    /// Rounds with the model.
    pub num_turns: u32,
    /// Wall-clock time.
    pub duration_ms: u64,
    /// Time spent waiting for the model.
    #[serde(default)]
    pub duration_api_ms: u64,
    /// Tokens and cost of this turn.
    #[serde(default)]
    pub usage: Usage,
    /// The agent's final answer, where it repeats it (a slash command's output, an error's text).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub result: String,
    /// Tool uses that were not allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permission_denials: Vec<PermissionDenial>,
    /// The agent's result as it came, for output in its own format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
}

/// A tool use that was not allowed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionDenial {
    /// The tool.
    pub tool: String,
    /// The call.
    pub tool_call: ToolCallId,
    /// Its input.
    pub input: Value,
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The agent had finished.
    EndTurn,
    /// Somebody stopped it.
    Cancelled,
    /// It reached the allowed number of rounds.
    MaxTurns,
    /// It reached the allowed cost.
    MaxBudget,
    /// The model refused.
    Refusal,
    /// The model ran into its output limit.
    MaxTokens,
    /// It failed; see `error`.
    Error,
    /// The agent's process ended in the middle of it.
    AgentExited,
}

/// What went wrong in a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnError {
    /// What kind of failure.
    pub kind: TurnErrorKind,
    /// What the agent says of it.
    pub message: String,
    /// The HTTP status of the model's API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// When it makes sense to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// What kind of failure ended a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnErrorKind {
    /// Too many requests.
    RateLimit,
    /// Not logged in, or the login is not accepted.
    Authentication,
    /// The model's service has a fault.
    Server,
    /// The prompt does not fit.
    PromptTooLong,
    /// The request itself was refused.
    InvalidRequest,
    /// The agent's process ended.
    AgentExited,
    /// Anything else.
    Other,
}

/// How an agent's process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum AgentExit {
    /// With an exit code.
    Code {
        /// The code.
        code: i32,
    },
    /// By a signal.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It could not be started.
    NotStarted {
        /// Why.
        reason: String,
    },
    /// Its host died, so nobody knows.
    HostLost,
}
