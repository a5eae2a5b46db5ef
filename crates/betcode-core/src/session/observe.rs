//! What follows from what the agent says.

use std::time::Duration;

use super::crash::itself;
use super::decide::status_change;
use super::{Progress, Session, Terms};
use crate::event::{Decider, Draft, EventBody, McpServer, SessionInfo, Status};
use crate::id::ToolCallId;
use crate::observation::{AgentDescription, Observation, Observed};
use crate::ruling::Ruling;
use crate::time::Timestamp;

impl Session {
    /// The events that follow from one observation. Apply them before the next one. What the agent of a closed session
    /// still says is not recorded. `ruling` is what the rules say about the call that it asks about or announces, if it does.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of observation"
    )]
    pub fn observe(
        &self,
        progress: &mut Progress,
        terms: &Terms,
        now: Timestamp,
        seen: Observed,
        ruling: &Ruling,
    ) -> Vec<Draft> {
        let Observed {
            parent,
            observation,
        } = seen;
        let mut drafts = Vec::new();
        if self.is_closed() {
            return drafts;
        }
        let out = &mut drafts;
        match observation {
            Observation::Text(piece) => self.said(parent, EventBody::TextDelta(piece), out),
            Observation::Thinking(piece) => self.said(parent, EventBody::ThinkingDelta(piece), out),
            Observation::MessageComplete {
                message_id,
                model,
                end,
            } => {
                self.said(
                    parent,
                    EventBody::MessageComplete {
                        message_id,
                        model,
                        end,
                    },
                    out,
                );
            }
            Observation::ToolStarted {
                id,
                tool,
                input,
                description,
            } => {
                progress.tools.insert(id.clone(), now);
                let call = EventBody::ToolCallStart {
                    id,
                    tool,
                    input,
                    description,
                };
                nested(parent, call, out);
                self.tools_changed(progress, out);
            }
            Observation::ToolProgress {
                id,
                elapsed_ms,
                output,
            } => {
                nested(
                    parent,
                    EventBody::ToolCallProgress {
                        id,
                        elapsed_ms,
                        output,
                    },
                    out,
                );
            }
            Observation::ToolFinished {
                id,
                output,
                is_error,
                diff,
                attachments,
            } => {
                if self.calls.has_ended(&id) {
                    return drafts;
                }
                let duration_ms = progress
                    .tools
                    .remove(&id)
                    .map(|began| millis(now.since(began)));
                let result = EventBody::ToolCallResult {
                    id,
                    output,
                    is_error,
                    duration_ms,
                    diff,
                    attachments,
                };
                nested(parent, result, out);
                if self.info.status == Status::RunningTool {
                    self.tools_changed(progress, out);
                }
            }
            Observation::PermissionAsked(request) => {
                self.permission_asked(terms, now, parent, request, ruling, out);
            }
            Observation::ToolAnnounced(request) => {
                self.tool_announced(now, parent, request, ruling, out);
            }
            Observation::QuestionAsked(question) => {
                self.question_asked(terms, now, parent, question, out);
            }
            Observation::RequestWithdrawn { id } => self.withdrawn(&id, out),
            Observation::Todo(items) => nested(parent, EventBody::TodoUpdate { items }, out),
            Observation::ModeChanged(mode) if mode == self.info.permission_mode => {}
            Observation::ModeChanged(mode) => {
                out.push(EventBody::PermissionModeChange { mode }.into());
            }
            Observation::Working => self.working(progress, out),
            Observation::WaitingForUser if !self.requests.any_heard() => {}
            Observation::WaitingForUser => self.status_to(Status::WaitingForUser, out),
            Observation::Compacting => self.status_to(Status::Compacting, out),
            Observation::Idle => self.idle(progress, now, out),
            Observation::Retrying {
                attempt,
                max_attempts,
                delay_ms,
                http_status,
                error,
            } => {
                let detail = format!("{error}: attempt {attempt} of {max_attempts}");
                self.retrying(progress, now, delay_ms, http_status, detail, out);
            }
            Observation::Result(result) => self.result(progress, now, result, out),
            Observation::ContextUsage(_) | Observation::ContextUnknown { .. } => {}
            Observation::PlanUsage(reading) => progress.served_from = reading.served_from(),
            Observation::UsageReport(usage) => out.push(EventBody::UsageReport(usage).into()),
            Observation::Compacted {
                trigger,
                before_tokens,
                after_tokens,
            } => {
                // Before it, so that it is the first thing that is left to be seen.
                if self.turn.as_ref().is_some_and(|turn| turn.then_trim) {
                    out.extend(self.trim());
                }
                out.push(
                    EventBody::Compacted {
                        trigger,
                        before_tokens,
                        after_tokens,
                    }
                    .into(),
                );
            }
            Observation::Described(description) => {
                progress.ready |= description.capabilities.is_some();
                let info = self.described(*description);
                let failed = self.newly_failed(&info);
                self.info_to(info, out);
                out.extend(failed);
            }
            Observation::BackgroundTasks(tasks) if tasks == self.info.background_tasks => {}
            Observation::BackgroundTasks(tasks) => {
                out.push(EventBody::BackgroundTasks { tasks }.into());
            }
            Observation::Delivery { message_id, state } => {
                self.delivery(progress, now, message_id, state, out);
            }
            Observation::ConversationReset { agent_session } => {
                self.info_to(
                    SessionInfo {
                        agent_session,
                        ..self.info.clone()
                    },
                    out,
                );
            }
            Observation::Title(title) => self.titled(title, out),
            Observation::Notice(text) => nested(parent, EventBody::Notice { text }, out),
            Observation::Failed { code, message } => {
                out.push(
                    EventBody::Error {
                        code,
                        message,
                        hint: String::new(),
                        fatal: false,
                    }
                    .into(),
                );
            }
            Observation::Unknown { raw } => nested(parent, EventBody::Unknown { raw }, out),
        }
        drafts
    }

    /// A piece of an answer. It also shows that whatever held the agent up is over.
    fn said(&self, parent: Option<ToolCallId>, body: EventBody, drafts: &mut Vec<Draft>) {
        let held_up = matches!(
            self.info.status,
            Status::Retrying | Status::RateLimited | Status::Stalled
        );
        if held_up && self.turn.is_some() && parent.is_none() {
            drafts.push(status_change(Status::Thinking));
        }
        nested(parent, body, drafts);
    }

    /// A tool began or ended.
    fn tools_changed(&self, progress: &Progress, drafts: &mut Vec<Draft>) {
        if self.turn.is_some() {
            self.status_to(self.busy_status(progress), drafts);
        }
    }

    fn retrying(
        &self,
        progress: &mut Progress,
        now: Timestamp,
        delay_ms: u64,
        http_status: Option<u16>,
        detail: String,
        drafts: &mut Vec<Draft>,
    ) {
        // Outside a turn nothing would end this status.
        if self.turn.is_none() {
            return;
        }
        progress.retry_delay_ms = Some(delay_ms);
        let status = if http_status == Some(429) {
            Status::RateLimited
        } else {
            Status::Retrying
        };
        let retry_at = Some(now.plus(Duration::from_millis(delay_ms)));
        drafts.push(
            EventBody::StatusChange {
                status,
                detail,
                retry_at,
            }
            .into(),
        );
        // Agents try this again for minutes, although only the user can mend it.
        if http_status == Some(401) && !std::mem::replace(&mut progress.login_refused, true) {
            drafts.push(EventBody::CancelRequested { by: itself() }.into());
        }
    }

    /// The agent's own title counts until a person chooses one.
    fn titled(&self, title: String, drafts: &mut Vec<Draft>) {
        if !self.title_chosen && !title.is_empty() && title != self.info.title {
            drafts.push(
                EventBody::TitleChange {
                    title,
                    by: Decider::Agent,
                }
                .into(),
            );
        }
    }

    fn info_to(&self, info: SessionInfo, drafts: &mut Vec<Draft>) {
        if info != self.info {
            drafts.push(EventBody::SessionInfo(Box::new(info)).into());
        }
    }

    /// What a session in the middle of a turn is doing.
    pub(super) fn busy_status(&self, progress: &Progress) -> Status {
        match (self.requests.any_heard(), progress.tools.is_empty()) {
            (true, _) => Status::WaitingForUser,
            (false, false) => Status::RunningTool,
            (false, true) => Status::Thinking,
        }
    }

    /// What a session without a turn is doing: a sub-agent in the background may wait for the user.
    pub(super) fn rest_status(&self) -> Status {
        if self.requests.any_nested() {
            Status::WaitingForUser
        } else {
            Status::Idle
        }
    }

    pub(super) fn status_to(&self, status: Status, drafts: &mut Vec<Draft>) {
        if self.info.status != status && !self.is_closed() {
            drafts.push(status_change(status));
        }
    }

    fn described(&self, said: AgentDescription) -> SessionInfo {
        let now = self.info.clone();
        SessionInfo {
            agent_version: said.version.unwrap_or(now.agent_version),
            agent_session: said.agent_session.unwrap_or(now.agent_session),
            model: said.model.unwrap_or(now.model),
            permission_mode: said.permission_mode.unwrap_or(now.permission_mode),
            tools: said.tools.unwrap_or(now.tools),
            slash_commands: said.slash_commands.unwrap_or(now.slash_commands),
            models: said.models.unwrap_or(now.models),
            account: said.account.unwrap_or(now.account),
            capabilities: said.capabilities.unwrap_or(now.capabilities),
            agent: now.agent,
            cwd: now.cwd,
            title: now.title,
            status: now.status,
            totals: now.totals,
            trimmed_up_to: now.trimmed_up_to,
            particulars: said.particulars.or(now.particulars),
            mcp_servers: said.mcp_servers.unwrap_or(now.mcp_servers),
            background_tasks: now.background_tasks,
        }
    }

    /// Servers of tools that had not failed before, for people.
    fn newly_failed(&self, info: &SessionInfo) -> Vec<Draft> {
        let known = |server: &McpServer| {
            let mut before = self.info.mcp_servers.iter();
            before.any(|old| old.name == server.name && old.has_failed())
        };
        let failed = info.mcp_servers.iter().filter(|server| server.has_failed());
        let failed = failed.filter(|server| !known(server));
        let text = |server: &McpServer| {
            format!(
                "The tool server {} has failed: the agent goes on without its tools",
                server.name
            )
        };
        failed
            .map(|server| EventBody::Notice { text: text(server) }.into())
            .collect()
    }
}

pub(super) fn nested(parent: Option<ToolCallId>, body: EventBody, drafts: &mut Vec<Draft>) {
    drafts.push(Draft { parent, body });
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
