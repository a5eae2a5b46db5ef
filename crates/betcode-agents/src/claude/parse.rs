//! Which line means what. Lines of an unknown type, or of a known type with a form that was never seen, become `Unknown`.
//!
//! | line | becomes |
//! |---|---|
//! | `stream_event`, `assistant` | text, thinking, tool starts, ends of messages (see `stream`) |
//! | `user` | results of tools, lists of things to do; its text is the user's own or Claude Code's to the model: nothing |
//! | `tool_progress` | `ToolProgress` |
//! | `result` | `UsageReport`, `Result`, and `Idle` where the process does not say so itself |
//! | `control_request` | `PermissionAsked`, `QuestionAsked`, `ToolAnnounced` (see `hooks`); a request for a tool server of ours is answered with an error, since none is ever offered |
//! | `control_cancel_request` | `RequestWithdrawn`; nothing for an announced call, of which nobody was asked anything |
//! | `control_response` | `Described`, `ModeChanged`, `ContextUsage`, `ContextUnknown` or `Failed`, when it answers a request of ours; else nothing |
//! | `command_lifecycle` | `Delivery` |
//! | `conversation_reset` | `ConversationReset` |
//! | `auth_status` | `Notice` with its error, if there is one |
//! | `rate_limit_event` | `PlanUsage` (see `plan`) |
//! | `keep_alive`, `tool_use_summary`, `prompt_suggestion`, `streamlined_text`, `streamlined_tool_use_summary` | nothing |
//! | `system/init` | `Described` |
//! | `system/status` | `Compacting`, `Working`, `ModeChanged` |
//! | `system/session_state_changed` | `Working`, `WaitingForUser`, `Idle` |
//! | `system/api_retry` | `Retrying` |
//! | `system/compact_boundary` | `Compacted` |
//! | `system/session_title_changed` | `Title` |
//! | `system/informational`, `notification`, `local_command_output`, `model_…fallback`, `scheduled_task_fire` | `Notice` |
//! | `system/late_allow_not_run`, `system/session_writes_lost` | `Notice`, `Failed` |
//! | `system/task_started`, `system/task_notification` | `Notice` when a task that ran in the background has ended |
//! | `system/task_progress` | `ToolProgress` of the call that started the sub-agent |
//! | `system/background_tasks_changed` | `BackgroundTasks` |
//! | `system/hook_response` | `Notice` when a hook of the user's own failed or said no (see `user_hooks`) |
//! | `system/permission_denied` | nothing: the tool's result says it |
//! | `system/task_updated`, `thinking_tokens`, `hook_started`, `hook_progress`, `files_persisted`, `elicitation_complete`, `post_turn_summary`, `api_metrics`, `plugin_install`, `commands_changed`, `memory_recall` | nothing |

use betcode_core::event::{BackgroundTask, McpServer};
use betcode_core::id::{MessageId, RequestId, ToolCallId};
use betcode_core::observation::{AgentDescription, Delivery, Observation, Observations};
use serde_json::Value;

use super::state::MOST;
use super::wire::{
    BackgroundLine, BackgroundTaskLine, BoundaryLine, CancelLine, Head, InformationLine, InitLine,
    Label, LateAllowLine, LifecycleLine, ResetLine, RetryLine, StateLine, StatusLine,
    TaskNotificationLine, TaskProgressLine, TaskStartedLine, TitleLine, ToolProgressLine,
    WritesLostLine, read,
};
use super::{Claude, user_hooks};

/// What an agent says of itself is kept with the session, unless it is longer than anybody reads.
const MOST_PARTICULARS: usize = 32 * 1024;

impl Claude {
    /// Takes a line; `None` when it is not understood.
    pub(super) fn text_line(&mut self, line: &str, out: &mut Observations) -> Option<()> {
        let Some(head) = read::<Head<'_>>(line) else {
            // A key of a stream event may mean something else in another line.
            let label: Label<'_> = read(line)?;
            let parent = label.parent_tool_use_id.as_deref();
            return self.other_line(&label.kind, label.subtype.as_deref(), parent, line, out);
        };
        if let ("stream_event", Some(event)) = (&*head.kind, &head.event) {
            return self.stream_event(&head, event, out);
        }
        let parent = head.parent_tool_use_id.as_deref();
        self.other_line(&head.kind, head.subtype.as_deref(), parent, line, out)
    }

    fn other_line(
        &mut self,
        kind: &str,
        subtype: Option<&str>,
        parent: Option<&str>,
        line: &str,
        out: &mut Observations,
    ) -> Option<()> {
        match kind {
            "assistant" => self.assistant(parent, line, out),
            "user" => self.user(parent, line, out),
            "system" => self.system(subtype?, line, out),
            "result" => self.result(line, out),
            "control_request" => self.control_request(line, out),
            "control_response" => self.control_response(line, out),
            "control_cancel_request" => {
                let cancel: CancelLine<'_> = read(line)?;
                if !self.forget_announced(&cancel.request_id) {
                    let id = RequestId::from(&*cancel.request_id);
                    out.push(None, Observation::RequestWithdrawn { id });
                }
                Some(())
            }
            "command_lifecycle" => lifecycle(line, out),
            "conversation_reset" => {
                let reset: ResetLine = read(line)?;
                let agent_session = reset.new_conversation_id;
                self.state.context_tokens = 0;
                self.changed = true;
                out.push(None, Observation::ConversationReset { agent_session });
                if self.state.tasks.clear() {
                    out.push(None, Observation::Todo(Vec::new()));
                }
                Some(())
            }
            "tool_progress" => tool_progress(parent, line, out),
            "auth_status" => auth_status(line, out),
            "rate_limit_event" => Self::rate_limit(line, out),
            "keep_alive"
            | "tool_use_summary"
            | "prompt_suggestion"
            | "streamlined_text"
            | "streamlined_tool_use_summary" => Some(()),
            _ => None,
        }
    }

    fn system(&mut self, subtype: &str, line: &str, out: &mut Observations) -> Option<()> {
        match subtype {
            "init" => self.init(read(line)?, out),
            "status" => self.status(&read(line)?, out),
            "session_state_changed" => {
                return self.session_state(&read::<StateLine<'_>>(line)?.state, out);
            }
            "api_retry" => self.api_retry(read(line)?, out),
            "compact_boundary" => {
                let BoundaryLine {
                    compact_metadata: metadata,
                } = read(line)?;
                let compacted = Observation::Compacted {
                    trigger: metadata.trigger.unwrap_or_default(),
                    before_tokens: metadata.pre_tokens.whole(),
                    after_tokens: metadata.post_tokens.whole(),
                };
                out.push(None, compacted);
                self.state.context_tokens = metadata.post_tokens.whole();
                self.changed = true;
            }
            "session_title_changed" => {
                out.push(None, Observation::Title(read::<TitleLine>(line)?.title));
            }
            "informational"
            | "notification"
            | "local_command_output"
            | "model_fallback"
            | "model_refusal_fallback"
            | "model_refusal_no_fallback"
            | "model_consent_fallback"
            | "scheduled_task_fire" => {
                let InformationLine { content } = read(line)?;
                if let Some(text) = content.filter(|text| !text.is_empty()) {
                    out.push(None, Observation::Notice(text));
                }
            }
            "session_writes_lost" => out.push(None, writes_lost(&read(line)?)),
            "late_allow_not_run" => out.push(None, late_allow(&read(line)?)),
            "task_started" => {
                let task: TaskStartedLine = read(line)?;
                if let ("local_agent", Some(call)) = (&*task.task_type, task.tool_use_id) {
                    self.state.bound();
                    self.state.agents.insert(task.task_id.clone(), call);
                    self.changed = true;
                }
                if task.is_backgrounded {
                    self.state.bound();
                    self.state
                        .background
                        .insert(task.task_id, task.description.unwrap_or_default());
                    self.changed = true;
                }
            }
            "task_notification" => self.task_notification(&read(line)?, out),
            "task_progress" => task_progress(&read(line)?, out),
            "background_tasks_changed" => background_tasks(read(line)?, out),
            "hook_response" => user_hooks::ran(&read(line)?, out),
            "permission_denied"
            | "task_updated"
            | "thinking_tokens"
            | "hook_started"
            | "hook_progress"
            | "files_persisted"
            | "elicitation_complete"
            | "post_turn_summary"
            | "api_metrics"
            | "plugin_install"
            | "commands_changed"
            | "memory_recall" => {}
            _ => return None,
        }
        Some(())
    }

    fn init(&mut self, init: InitLine, out: &mut Observations) {
        self.working(out);
        self.state.model.clone_from(&init.model);
        self.state.mode.clone_from(&init.permission_mode);
        self.changed = true;
        let description = AgentDescription {
            version: init.claude_code_version,
            agent_session: init.session_id,
            model: init.model,
            permission_mode: init.permission_mode,
            tools: init.tools,
            slash_commands: init.slash_commands,
            mcp_servers: init.mcp_servers.map(mcp_servers),
            account: init
                .api_key_source
                .and_then(|source| super::drive::account(Some(source), None, None)),
            particulars: serde_json::to_value(init.particulars)
                .ok()
                .filter(|said| (3..MOST_PARTICULARS).contains(&said.to_string().len())),
            ..AgentDescription::default()
        };
        out.push(None, Observation::Described(Box::new(description)));
    }

    fn status(&mut self, status: &StatusLine<'_>, out: &mut Observations) {
        if let Some(mode) = &status.permission_mode {
            self.mode(mode, out);
        }
        if status.status.as_deref() == Some("compacting") {
            self.state.compacting = true;
            self.state.busy = true;
            self.changed = true;
            out.push(None, Observation::Compacting);
            return;
        }
        if status
            .compact_result
            .as_deref()
            .is_some_and(|result| result != "success")
        {
            let message = status
                .compact_error
                .as_deref()
                .unwrap_or("the context could not be compacted")
                .to_owned();
            out.push(
                None,
                Observation::Failed {
                    code: "compact_failed".to_owned(),
                    message,
                },
            );
        }
        if self.state.compacting {
            self.state.compacting = false;
            self.changed = true;
            out.push(None, Observation::Working);
        } else if status.status.is_some() {
            self.working(out);
        }
    }

    /// The permission mode as the agent says it; told when it is a new one.
    pub(super) fn mode(&mut self, mode: &str, out: &mut Observations) {
        if self.state.mode.as_deref() != Some(mode) {
            self.state.mode = Some(mode.to_owned());
            self.changed = true;
            out.push(None, Observation::ModeChanged(mode.to_owned()));
        }
    }

    /// Something came that only a working agent says.
    pub(super) fn working(&mut self, out: &mut Observations) {
        if !self.state.announces && !self.state.busy {
            self.state.busy = true;
            self.changed = true;
            out.push(None, Observation::Working);
        }
    }

    fn session_state(&mut self, state: &str, out: &mut Observations) -> Option<()> {
        let (busy, observation) = match state {
            "running" => (true, Observation::Working),
            "requires_action" => (true, Observation::WaitingForUser),
            "idle" => (false, Observation::Idle),
            _ => return None,
        };
        self.state.announces = true;
        self.state.busy = busy;
        self.changed = true;
        out.push(None, observation);
        Some(())
    }

    fn api_retry(&mut self, retry: RetryLine, out: &mut Observations) {
        self.state.retry_delay_ms = Some(retry.retry_delay_ms.whole());
        self.changed = true;
        let retrying = Observation::Retrying {
            attempt: retry.attempt.small(),
            max_attempts: retry.max_retries.small(),
            delay_ms: retry.retry_delay_ms.whole(),
            http_status: retry.error_status,
            error: retry.error.unwrap_or_default(),
        };
        out.push(None, retrying);
    }

    fn task_notification(&mut self, task: &TaskNotificationLine<'_>, out: &mut Observations) {
        if let Some(call) = &task.tool_use_id {
            self.close_nested(call, out);
        }
        self.changed |= self.state.agents.remove(&*task.task_id).is_some();
        if let Some(description) = self.state.background.remove(&*task.task_id) {
            self.changed = true;
            let status = task.status.as_deref().unwrap_or("ended");
            out.push(
                None,
                Observation::Notice(format!("Background task {status}: {description}")),
            );
        }
    }
}

fn lifecycle(line: &str, out: &mut Observations) -> Option<()> {
    let lifecycle: LifecycleLine<'_> = read(line)?;
    let state = match &*lifecycle.state {
        "queued" => Delivery::Queued,
        "started" => Delivery::Started,
        "completed" => Delivery::Completed,
        "cancelled" => Delivery::Cancelled,
        _ => return None,
    };
    // A message that is not ours may have any id.
    if let Ok(message_id) = lifecycle.command_uuid.parse::<MessageId>() {
        out.push(None, Observation::Delivery { message_id, state });
    }
    Some(())
}

fn tool_progress(parent: Option<&str>, line: &str, out: &mut Observations) -> Option<()> {
    let progress: ToolProgressLine<'_> = read(line)?;
    // A heartbeat has an id of its own, and the call that it stands for as its parent.
    let (id, parent) = match parent {
        Some(call) if progress.heartbeat && progress.tool_use_id.starts_with(call) => (call, None),
        _ => (&*progress.tool_use_id, parent),
    };
    let seconds = progress.elapsed_time_seconds.0;
    let elapsed_ms = super::wire::Number(seconds * 1000.0).whole();
    let progress = Observation::ToolProgress {
        id: ToolCallId::from(id),
        elapsed_ms,
        output: String::new(),
    };
    out.push(parent.map(ToolCallId::from), progress);
    Some(())
}

/// The servers of tools that have at least a name.
fn mcp_servers(said: Vec<Value>) -> Vec<McpServer> {
    let server = |said| serde_json::from_value(said).ok();
    said.into_iter().filter_map(server).take(MOST).collect()
}

/// The agent's own disk is full: what it keeps of the conversation has gaps.
fn writes_lost(line: &WritesLostLine) -> Observation {
    let lost = line.lost.as_deref().unwrap_or_default().join(", ");
    let code = line.error_code.as_deref().unwrap_or("no space");
    Observation::Failed {
        code: "agent_writes_lost".to_owned(),
        message: format!("the agent could not write down what it keeps ({code}): {lost}"),
    }
}

/// An answer came when its call could no longer run.
fn late_allow(line: &LateAllowLine) -> Observation {
    let call = line.tool_use_id.as_deref().unwrap_or("a tool");
    Observation::Notice(format!(
        "The call {call} was allowed too late and did not run"
    ))
}

/// How far a sub-agent is, for the call that started it.
fn task_progress(task: &TaskProgressLine<'_>, out: &mut Observations) {
    let Some(call) = &task.tool_use_id else {
        return;
    };
    let progress = Observation::ToolProgress {
        id: ToolCallId::from(&**call),
        elapsed_ms: task
            .usage
            .as_ref()
            .map_or(0, |usage| usage.duration_ms.whole()),
        output: task.description.as_deref().unwrap_or_default().to_owned(),
    };
    out.push(None, progress);
}

fn background_tasks(line: BackgroundLine, out: &mut Observations) {
    let task = |task: BackgroundTaskLine| BackgroundTask {
        id: task.task_id,
        kind: task.task_type,
        description: task.description.unwrap_or_default(),
    };
    let tasks = line.tasks.into_iter().take(MOST).map(task).collect();
    out.push(None, Observation::BackgroundTasks(tasks));
}

fn auth_status(line: &str, out: &mut Observations) -> Option<()> {
    let status: Value = read(line)?;
    if let Some(error) = status.get("error").and_then(Value::as_str) {
        out.push(None, Observation::Notice(error.to_owned()));
    }
    Some(())
}
