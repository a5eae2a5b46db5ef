//! What the log means, told as simply as can be: whether a turn runs, whether an agent is there, and what the session is
//! doing. The models of its parts follow the same log beside it.

use super::call::CallModel;
use super::life::Did;
use super::lock::LockModel;
use super::queue::QueueModel;
use super::request::RequestModel;
use super::silence::SilenceModel;
use super::*;

/// The naive model. Every law that can be read off a log is asserted while following it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says something of its own about the session"
)]
pub(super) struct Model {
    followed: usize,
    turn: bool,
    closed: bool,
    host: Option<HostEpoch>,
    started: bool,
    must_send: bool,
    /// An answer has just ended a request that nobody is there to hear.
    answered_unheard: bool,
    trimmed: bool,
    /// The agent died in the turn that runs, and is started again then.
    restart: Option<Timestamp>,
    /// Somebody asked that the turn be stopped.
    to_stop: bool,
    tokens: u64,
    turns: u64,
    pub(super) lock: LockModel,
    pub(super) queue: QueueModel,
    pub(super) requests: RequestModel,
    pub(super) silence: SilenceModel,
    calls: CallModel,
}

impl Model {
    pub(super) fn new(bench: &Bench) -> Self {
        let mut model = Self {
            followed: 0,
            turn: false,
            closed: false,
            host: None,
            started: false,
            must_send: false,
            answered_unheard: false,
            trimmed: false,
            restart: None,
            to_stop: false,
            tokens: 0,
            turns: 0,
            lock: LockModel::new(bench),
            queue: QueueModel::default(),
            requests: RequestModel::default(),
            silence: SilenceModel::default(),
            calls: CallModel::default(),
        };
        model.follow(bench);
        model
    }

    /// Follows what is new in the log.
    pub(super) fn follow(&mut self, bench: &Bench) {
        for event in &bench.log[self.followed..] {
            self.followed += 1;
            assert_eq!(
                event.sequence,
                Sequence(self.followed as u64),
                "numbers have no gap"
            );
            self.event(&event.body, event.timestamp);
            self.calls.event(event);
            self.silence.event(event, bench);
        }
        assert!(!self.must_send, "an agent was started for nothing");
        assert!(!self.trimmed, "who reads on is told what the session is");
        self.lock.follow(bench);
        self.queue.follow(bench);
        self.requests.follow(bench);
    }

    fn event(&mut self, body: &EventBody, at: Timestamp) {
        let allowed = matches!(
            body,
            EventBody::TitleChange { .. }
                | EventBody::SessionReopened { .. }
                | EventBody::RulesWritten { .. }
                | EventBody::AgentStarted { .. }
                | EventBody::AgentExited { .. }
        );
        assert!(
            !self.closed || allowed,
            "a closed session is quiet: {body:?}"
        );
        let sends = matches!(body, EventBody::UserInput(_));
        assert!(
            !std::mem::take(&mut self.must_send) || sends,
            "an agent is started for a message or an answer"
        );
        let describes = matches!(body, EventBody::SessionInfo(_));
        assert!(!std::mem::take(&mut self.trimmed) || describes);
        let answered_unheard = std::mem::take(&mut self.answered_unheard);
        match body {
            EventBody::UserInput(_) => {
                assert!(!self.turn, "a message begins its turn");
                assert!(self.host.is_some(), "somebody is there to read it");
                self.begin();
            }
            EventBody::PermissionResolved(PermissionDecision {
                by,
                interrupt: true,
                ..
            }) => {
                self.to_stop |= self.turn;
                self.answered_unheard = self.host.is_none() && matches!(by, Decider::Client(_));
            }
            EventBody::PermissionResolved(PermissionDecision { by, .. })
            | EventBody::QuestionAnswered { by, .. } => {
                self.answered_unheard = self.host.is_none() && matches!(by, Decider::Client(_));
            }
            EventBody::StatusChange {
                status: Status::Starting,
                retry_at: Some(restart),
                ..
            } => {
                assert!(self.turn && self.host.is_none(), "it died in its turn");
                assert!(restart.since(at) <= Duration::from_secs(30));
                self.restart = Some(*restart);
            }
            EventBody::StatusChange {
                status: Status::Thinking,
                ..
            } => self.begin(),
            EventBody::StatusChange {
                status: Status::Closed,
                ..
            } => {
                assert!(!self.turn, "closing ends everything");
                self.closed = true;
            }
            EventBody::SessionReopened { .. } => {
                assert!(std::mem::take(&mut self.closed), "it was closed");
            }
            EventBody::TurnComplete(end) => {
                assert!(std::mem::take(&mut self.turn), "a turn ends once");
                self.to_stop = false;
                self.tokens += end.usage.input_tokens;
                self.restart = None;
            }
            EventBody::HistoryTrimmed { up_to, .. } => {
                assert_eq!(up_to.0 + 1, self.followed as u64, "all before it");
                self.trimmed = true;
            }
            EventBody::AgentStarting { host, .. } => {
                assert_eq!(self.host.replace(*host), None, "one agent at a time");
                let again = self.restart.take();
                assert_eq!(
                    self.turn,
                    again.is_some(),
                    "in the middle of a turn an agent is started only if it died in it"
                );
                let in_time = again.is_none_or(|again| again <= at);
                assert!(in_time || answered_unheard, "not before its time");
                self.started = false;
                self.must_send = again.is_none() && !answered_unheard;
            }
            EventBody::CancelRequested { .. } => {
                assert!(self.turn, "there is something to be stopped");
                self.to_stop = true;
            }
            EventBody::AgentExited { host, .. } => assert_eq!(self.host.take(), Some(*host)),
            EventBody::AgentStopping { host } => {
                assert_eq!(self.host, Some(*host));
                assert!(!self.turn || self.to_stop, "only an agent at rest may end");
            }
            EventBody::AgentStarted { host, .. } => {
                assert_eq!(self.host, Some(*host));
                self.started = true;
            }
            _ => {}
        }
    }

    fn begin(&mut self) {
        self.turns += u64::from(!self.turn);
        self.turn = true;
    }

    /// The machine knows the same, and what it does not say in events fits.
    pub(super) fn compare(&self, bench: &Bench, did: Option<&Did>, time_passed: bool) {
        let session = &bench.session;
        assert!(
            bench.unheard.is_empty(),
            "nobody was there to hear {:?}",
            bench.unheard
        );
        let said =
            did.filter(|did| did.result.is_ok() && matches!(did.action, Action::Message { .. }));
        assert!(
            said.is_none() || self.queue.knows(message_id(bench.messages)),
            "an accepted message is somewhere"
        );
        assert!(
            self.restart
                .is_none_or(|restart| self.closed || restart > bench.now || !time_passed),
            "it is started again when its time has come"
        );
        assert_eq!(session.turn().is_some(), self.turn);
        assert_eq!(session.turns(), self.turns);
        assert_eq!(session.is_closed(), self.closed);
        assert_eq!(session.agent().host(), self.host);
        assert_eq!(session.info().totals.input_tokens, self.tokens);
        assert!(
            self.queue.is_empty() || self.turn || session.agent_wanted() == AgentWanted::Stop,
            "somebody is stuck"
        );
        assert!(!self.closed || self.requests.waiting.is_empty());
        self.lock.compare(bench, time_passed);
        self.queue.compare(bench);
        self.requests.compare(bench, time_passed);
        self.compare_status(session.info().status);
        if !self.turn && session.agent_wanted() == AgentWanted::Stay {
            let Progress {
                result,
                worked,
                retry_delay_ms,
                ..
            } = &bench.progress;
            assert!(
                self.closed || (result.is_none() && !worked && retry_delay_ms.is_none()),
                "left over"
            );
        }
    }

    fn compare_status(&self, status: Status) {
        let fits = match status {
            Status::Starting => self.turn || (self.host.is_some() && !self.started),
            Status::Thinking
            | Status::RunningTool
            | Status::RateLimited
            | Status::Retrying
            | Status::Stalled => self.turn,
            Status::WaitingForUser => self.requests.any_heard(),
            Status::Compacting => true,
            Status::Idle | Status::Crashed | Status::Error => !self.turn,
            Status::Closed => self.closed,
        };
        assert!(
            fits,
            "{status:?} with turn: {}, waiting: {:?}",
            self.turn, self.requests.waiting
        );
    }
}
