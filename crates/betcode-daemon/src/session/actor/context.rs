//! How full the agent's context is: asked of the agent, answered to those who asked. Nothing of it is recorded but the frame
//! with the question, which is written once like any other; who asked is gone with the daemon.
//!
//! Law: whoever asked is answered: by the agent, by its end, by a failed commit, or by the end of the actor.

use betcode_core::command::Rejected;
use betcode_core::context::ContextUsage;
use betcode_core::observation::{AgentRequest, Observation};
use betcode_core::session::AgentState;
use tokio::sync::oneshot;

use super::{Actor, going_down};

/// Where the answer goes.
pub(crate) type ContextReply = oneshot::Sender<Result<ContextUsage, Rejected>>;

impl Actor {
    pub(super) fn ask_context(&mut self, reply: ContextReply) {
        if self.life.is_stopping() {
            return answer(reply, Err(going_down()));
        }
        if *self.session.agent() == AgentState::Absent {
            return answer(reply, Err(self.not_running()));
        }
        self.context_asked.retain(|asked| !asked.is_closed());
        if self.context_asked.is_empty() {
            self.tell_agent(&AgentRequest::SayContext);
        }
        self.context_asked.push(reply);
    }

    /// Hands the agent's answer on.
    pub(super) fn context_said(&mut self, observation: &Observation) {
        let said = match observation {
            Observation::ContextUsage(usage) => Ok((**usage).clone()),
            Observation::ContextUnknown { message } => Err(Rejected::Unsupported(format!(
                "the agent cannot say how full its context is: {message}"
            ))),
            _ => return,
        };
        self.answer_context(&said);
    }

    /// The agent is gone.
    pub(super) fn context_unanswered(&mut self) {
        let gone = Err(self.not_running());
        self.answer_context(&gone);
    }

    pub(super) fn answer_context(&mut self, said: &Result<ContextUsage, Rejected>) {
        for reply in self.context_asked.drain(..) {
            answer(reply, said.clone());
        }
    }

    fn not_running(&self) -> Rejected {
        Rejected::Agent {
            message: "the agent of this session is not running, so nobody can say how full its context is"
                .to_owned(),
            hint: format!(
                "the next message starts it: betcode -p --resume {} \"…\"",
                self.log.id()
            ),
        }
    }
}

/// A caller that has gone away needs no answer.
fn answer(reply: ContextReply, said: Result<ContextUsage, Rejected>) {
    let _gone = reply.send(said);
}
