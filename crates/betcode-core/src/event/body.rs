//! What can happen in a session: one variant for each kind of event, with plain data and no behaviour.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AgentExit, Answer, Attachment, BackgroundTask, ClientInfo, Decider, FileDiff, LockOutcome,
    MessageEnd, PermissionDecision, PermissionRequest, Question, QuestionOutcome, SessionInfo,
    Status, TextPiece, TodoItem, TurnComplete, Usage, UserInput,
};
use crate::command::LaunchOptions;
use crate::id::{HostEpoch, MessageId, RequestId, Sequence, ToolCallId};
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
    /// A queued message was changed where it stands.
    MessageEdited(UserInput),
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
        /// Images and files that it gave back. In `output`, each has a line that stands for it: [`Attachment::mark`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
    },
    /// The agent asks whether it may use a tool.
    PermissionRequest(PermissionRequest),
    /// A request for permission came to its end.
    PermissionResolved(PermissionDecision),
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
    /// A request waits longer because somebody is active in the session.
    RequestExtended {
        /// Which request.
        id: RequestId,
        /// Until when.
        expires_at: Timestamp,
    },
    /// A request has waited for a while and nobody has answered.
    RequestReminder {
        /// Which request.
        id: RequestId,
        /// For how many hours.
        hours: u32,
    },
    /// Rules that somebody allowed for good were written to a file, or could not be.
    RulesWritten {
        /// The request that they come from.
        id: RequestId,
        /// The rules.
        rules: Vec<String>,
        /// The file.
        file: String,
        /// Why not; empty when they were.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        error: String,
        /// The directory is not trusted: in other sessions they do not count yet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        untrusted: bool,
    },
    /// The agent's list of things to do, whole.
    TodoUpdate {
        /// The list.
        items: Vec<TodoItem>,
    },
    /// What the agent does in the background, whole. Nothing is left of it when the agent has ended.
    BackgroundTasks {
        /// The tasks.
        tasks: Vec<BackgroundTask>,
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
    /// Asking for the input lock came to its end.
    InputLockRequestEnded {
        /// Who had asked.
        by: ClientInfo,
        /// How.
        outcome: LockOutcome,
    },
    /// Somebody asked that the running turn be stopped.
    CancelRequested {
        /// Who.
        by: ClientInfo,
    },
    /// Somebody asked that something in the background be stopped. What became of it is told by the next
    /// [`EventBody::BackgroundTasks`].
    TaskStopRequested {
        /// The agent's id of it.
        id: String,
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
        /// The session's state at this point, from which the log is folded from now on.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        state: Value,
    },
    /// A closed session can be used again.
    SessionReopened {
        /// Who wanted that.
        by: ClientInfo,
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
    /// The agent is asked to end because nobody needs it now; its conversation is resumed with the next message.
    AgentStopping {
        /// Its host.
        host: HostEpoch,
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
