//! What follows from what the agent says.

use std::time::Duration;

use super::decide::status_change;
use super::requests::{REQUEST_LIFETIME, permission_by_policy, question_by_policy};
use super::{Progress, Session};
use crate::event::{
    Decider, Draft, EventBody, SessionInfo, Status, StopReason, TurnComplete, TurnErrorKind,
    TurnPolicy, Usage,
};
use crate::id::ToolCallId;
use crate::observation::{AgentDescription, Delivery, Observation, Observed};
use crate::time::Timestamp;

impl Session {
    /// The events that follow from one observation. Apply them before the next one.
    pub fn observe(&self, progress: &mut Progress, now: Timestamp, seen: Observed) -> Vec<Draft> {
        let Observed {
            parent,
            observation,
        } = seen;
        let mut drafts = Vec::new();
        match observation {
            Observation::Text(piece) => drafts.push(nested(&parent, EventBody::TextDelta(piece))),
            Observation::Thinking(piece) => {
                drafts.push(nested(&parent, EventBody::ThinkingDelta(piece)))
            }
            Observation::MessageComplete {
                message_id,
                model,
                end,
            } => {
                drafts.push(nested(
                    &parent,
                    EventBody::MessageComplete {
                        message_id,
                        model,
                        end,
                    },
                ));
            }
            Observation::ToolStarted {
                id,
                tool,
                input,
                description,
            } => {
                progress.tools.insert(id.clone(), now);
                drafts.push(nested(
                    &parent,
                    EventBody::ToolCallStart {
                        id,
                        tool,
                        input,
                        description,
                    },
                ));
                self.status_to(Status::RunningTool, &mut drafts);
            }
            Observation::ToolProgress {
                id,
                elapsed_ms,
                output,
            } => {
                drafts.push(nested(
                    &parent,
                    EventBody::ToolCallProgress {
                        id,
                        elapsed_ms,
                        output,
                    },
                ));
            }
            Observation::ToolFinished {
                id,
                output,
                is_error,
                diff,
            } => {
                let duration_ms = progress
                    .tools
                    .remove(&id)
                    .map(|began| millis(now.since(began)));
                drafts.push(nested(
                    &parent,
                    EventBody::ToolCallResult {
                        id,
                        output,
                        is_error,
                        duration_ms,
                        diff,
                    },
                ));
                if progress.tools.is_empty() && self.info.status == Status::RunningTool {
                    self.status_to(Status::Thinking, &mut drafts);
                }
            }
            Observation::PermissionAsked(mut request) => {
                request.expires_at = Some(now.plus(REQUEST_LIFETIME));
                let decided = permission_by_policy(&request, &self.policy());
                drafts.push(nested(&parent, EventBody::PermissionRequest(request)));
                self.decided_or_waiting(decided, &mut drafts);
            }
            Observation::QuestionAsked(mut question) => {
                question.expires_at = Some(now.plus(REQUEST_LIFETIME));
                let decided = question_by_policy(&question, &self.policy());
                drafts.push(nested(&parent, EventBody::Question(question)));
                self.decided_or_waiting(decided, &mut drafts);
            }
            Observation::RequestWithdrawn { id } => drafts.extend(self.requests.withdraw(&id)),
            Observation::Todo(items) => {
                drafts.push(nested(&parent, EventBody::TodoUpdate { items }))
            }
            Observation::ModeChanged(mode) if mode == self.info.permission_mode => {}
            Observation::ModeChanged(mode) => {
                drafts.push(EventBody::PermissionModeChange { mode }.into())
            }
            Observation::Working => {
                progress.worked = true;
                if progress.tools.is_empty() {
                    self.status_to(Status::Thinking, &mut drafts);
                }
            }
            Observation::WaitingForUser if self.requests.is_empty() => {}
            Observation::WaitingForUser => self.status_to(Status::WaitingForUser, &mut drafts),
            Observation::Compacting => self.status_to(Status::Compacting, &mut drafts),
            Observation::Idle => self.idle(progress, now, &mut drafts),
            Observation::Retrying {
                attempt,
                max_attempts,
                delay_ms,
                http_status,
                error,
            } => {
                progress.retry_delay_ms = Some(delay_ms);
                let status = if http_status == Some(429) {
                    Status::RateLimited
                } else {
                    Status::Retrying
                };
                let detail = format!("{error}: attempt {attempt} of {max_attempts}");
                let retry_at = Some(now.plus(Duration::from_millis(delay_ms)));
                drafts.push(
                    EventBody::StatusChange {
                        status,
                        detail,
                        retry_at,
                    }
                    .into(),
                );
            }
            Observation::Result(mut result) => {
                if let Some(error) = &mut result.error
                    && error.kind == TurnErrorKind::RateLimit
                    && error.retry_after_ms.is_none()
                {
                    error.retry_after_ms = progress.retry_delay_ms;
                }
                progress.worked = true;
                progress.result = Some(result);
            }
            Observation::UsageReport(usage) => drafts.push(EventBody::UsageReport(usage).into()),
            Observation::Compacted {
                trigger,
                before_tokens,
                after_tokens,
            } => {
                drafts.push(
                    EventBody::Compacted {
                        trigger,
                        before_tokens,
                        after_tokens,
                    }
                    .into(),
                );
            }
            Observation::Described(description) => {
                let info = self.described(*description);
                if info != self.info {
                    drafts.push(EventBody::SessionInfo(Box::new(info)).into());
                }
            }
            Observation::Delivery { message_id, state } => match state {
                Delivery::Queued | Delivery::Started | Delivery::Completed => {
                    progress.taken.insert(message_id);
                }
                Delivery::Cancelled => {}
            },
            Observation::ConversationReset { agent_session } => {
                let info = SessionInfo {
                    agent_session,
                    ..self.info.clone()
                };
                drafts.push(EventBody::SessionInfo(Box::new(info)).into());
            }
            Observation::Title(title) if title == self.info.title => {}
            Observation::Title(title) => drafts.push(
                EventBody::TitleChange {
                    title,
                    by: Decider::Agent,
                }
                .into(),
            ),
            Observation::Notice(text) => drafts.push(nested(&parent, EventBody::Notice { text })),
            Observation::Failed { code, message } => {
                drafts.push(
                    EventBody::Error {
                        code,
                        message,
                        hint: String::new(),
                        fatal: false,
                    }
                    .into(),
                );
            }
            Observation::Unknown { raw } => {
                drafts.push(nested(&parent, EventBody::Unknown { raw }))
            }
        }
        drafts
    }

    /// The agent says that it is idle: the end of a turn that it had begun to work on.
    fn idle(&self, progress: &mut Progress, now: Timestamp, drafts: &mut Vec<Draft>) {
        let Some(turn) = &self.turn else {
            self.status_to(Status::Idle, drafts);
            return;
        };
        if !progress.worked {
            return;
        }
        let result = progress.result.take();
        *progress = Progress::default();
        drafts.extend(self.requests.withdraw_all());
        self.status_to(Status::Idle, drafts);
        let reason = if turn.cancelled {
            StopReason::Cancelled
        } else {
            StopReason::EndTurn
        };
        let mut complete = result.map_or_else(|| self.bare_end(reason, now), |result| *result);
        if turn.cancelled && complete.stop_reason == StopReason::Error {
            complete.stop_reason = StopReason::Cancelled;
        }
        drafts.push(EventBody::TurnComplete(complete).into());
    }

    /// The end of a turn about which the agent has said nothing more.
    pub(super) fn bare_end(&self, stop_reason: StopReason, now: Timestamp) -> TurnComplete {
        TurnComplete {
            stop_reason,
            error: None,
            num_turns: 0,
            duration_ms: self
                .turn
                .as_ref()
                .map_or(0, |turn| millis(now.since(turn.started))),
            duration_api_ms: 0,
            usage: Usage::default(),
            result: String::new(),
            permission_denials: Vec::new(),
            raw: None,
        }
    }

    fn policy(&self) -> TurnPolicy {
        self.turn
            .as_ref()
            .map(|turn| turn.policy.clone())
            .unwrap_or_default()
    }

    fn decided_or_waiting(&self, decided: Option<Draft>, drafts: &mut Vec<Draft>) {
        match decided {
            Some(decided) => drafts.push(decided),
            None => self.status_to(Status::WaitingForUser, drafts),
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
        }
    }
}

fn nested(parent: &Option<ToolCallId>, body: EventBody) -> Draft {
    Draft {
        parent: parent.clone(),
        body,
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
