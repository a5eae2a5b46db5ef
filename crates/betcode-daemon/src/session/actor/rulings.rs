//! What the rules say about calls of tools: asked for each call before the session machine decides, and again about what waits
//! when a rule was made meanwhile.
//!
//! Looking at files may take long where they are far away. It holds up this session alone: the other tasks of the thread go on
//! elsewhere meanwhile.

use std::path::Path;

use betcode_core::command::{Action, Command, PermissionAnswer, Rejected};
use betcode_core::event::{EventBody, PermissionRequest};
use betcode_core::id::RequestId;
use betcode_core::observation::{AgentRequest, Observation};
use betcode_core::ruling::{Ruling, Verdict};
use betcode_core::time::Timestamp;
use betcode_rules::Mode;
use serde_json::Value;
use tokio::runtime::Handle;

use super::Actor;
use crate::rules::book::{Call, Whose, mode_of, mode_of_announced};

impl Actor {
    /// What the rules say about the call that the agent asks about or announces, if it does.
    pub(super) fn ruling_on(&mut self, observation: &Observation) -> Ruling {
        let policy = self.session.present_policy();
        match observation {
            Observation::PermissionAsked(request) => {
                let mode = mode_of(&self.session.info().permission_mode, policy);
                self.ruling(&request.tool, &request.input, mode)
            }
            Observation::ToolAnnounced(request) => {
                let mode = mode_of_announced(policy);
                self.ruling(&request.tool, &request.input, mode)
            }
            _ => Ruling::default(),
        }
    }

    /// Answers an announcement that no rule forbids. The agent asks where a rule says so; otherwise it does as it would.
    pub(super) fn let_proceed(&mut self, id: RequestId, ruling: &Ruling) {
        let ask = match ruling.verdict {
            // In this mode the agent denies by itself what its own settings do not allow, and it does not know our rules.
            Verdict::Allow => self.session.info().permission_mode == "dontAsk",
            Verdict::Ask => ruling.by.is_some(),
            // The session machine has said no.
            Verdict::Deny => return,
        };
        self.tell_agent(&AgentRequest::Proceed { id, ask });
    }

    /// Ends requests that wait for what a rule allows that was made meanwhile.
    pub(super) fn allow_meanwhile(&mut self, now: Timestamp) {
        let waiting = self.session.requests().permissions().cloned();
        let waiting: Vec<PermissionRequest> = waiting.collect();
        for request in waiting {
            let asked = Observation::PermissionAsked(request);
            let ruling = self.ruling_on(&asked);
            let Observation::PermissionAsked(request) = asked else {
                continue;
            };
            let drafts = self.session.allowed_meanwhile(&request.id, &ruling);
            self.record(drafts, now);
        }
    }

    /// Why somebody may not allow this: a rule forbids it by now, or forbids what is to run instead.
    pub(super) fn forbidden(&mut self, command: &Command) -> Option<Rejected> {
        let Action::AnswerPermission {
            id,
            answer: PermissionAnswer::Allow { input, .. },
        } = &command.action
        else {
            return None;
        };
        let requests = self.session.requests();
        let request = requests.permissions().find(|request| request.id == *id)?;
        let (tool, asked) = (request.tool.clone(), request.input.clone());
        let (field, input) = match input {
            Some(input) => ("allow.input", input.clone()),
            None => ("allow", asked),
        };
        let ruling = self.ruling(&tool, &input, Mode::Default);
        let by = ruling.by.filter(|_| ruling.verdict == Verdict::Deny)?;
        Some(Rejected::Invalid {
            field,
            problem: format!("{} ({})", ruling.reason, by.place),
        })
    }

    fn ruling(&mut self, tool: &str, input: &Value, mode: Mode) -> Ruling {
        let (machine, book) = (self.machine.clone(), &mut self.book);
        let (session, environment) = (&self.session, &self.environment);
        let grants: Vec<String> = session.requests().grants().map(str::to_owned).collect();
        let ruling = tokio::task::block_in_place(|| {
            let cwd = &session.info().cwd;
            let trusted = Handle::current().block_on(machine.trusted_by(cwd));
            let whose = Whose {
                settings: machine.settings(),
                cwd: Path::new(cwd),
                environment,
                trusted: trusted.as_deref(),
                policy: session.present_policy(),
                add_dirs: &session.launch().flags.add_dirs,
            };
            book.ruling(whose, &grants, Call { tool, input, mode })
        });
        self.tell_of_rules();
        ruling
    }

    /// Says what is wrong with the files that rules stand in, and what does not count for lack of trust, once.
    pub(super) fn tell_of_rules(&mut self) {
        let now = self.now();
        for text in self.book.news() {
            tracing::warn!(session = %self.log.id(), "rules of this session: something does not count");
            self.record(vec![EventBody::Notice { text }.into()], now);
        }
    }
}
