//! What the log says about silence, beside when the agent spoke.

use super::*;

/// When the agent said something last.
#[derive(Debug, Default)]
pub(super) struct SilenceModel {
    heard: Duration,
}

impl SilenceModel {
    /// A step was lived, and its log is not followed yet.
    pub(super) fn note(&mut self, step: &Step, bench: &Bench) {
        let says = matches!(step, Step::Say { .. }) && bench.session.agent().is_present();
        if says || matches!(step, Step::Restart) {
            self.heard = bench.uptime;
        }
    }

    pub(super) fn event(&mut self, event: &Event, bench: &Bench) {
        match &event.body {
            EventBody::AgentStarted { .. } => self.heard = bench.uptime,
            EventBody::StatusChange {
                status: Status::Stalled,
                detail,
                ..
            } => {
                let silent = bench.uptime.saturating_sub(self.heard);
                assert!(silent >= bench.terms.stalled_after, "{silent:?}");
                assert!(detail.contains("betcode session cancel"), "{detail}");
            }
            EventBody::CancelRequested { by } if by.name == "betcode" => {
                let silent = bench.uptime.saturating_sub(self.heard);
                let wished = bench.terms.interrupt_stalled_after;
                // The other reason is a refused login.
                assert!(silent.is_zero() || wished.is_some_and(|after| silent >= after));
            }
            EventBody::Error { code, .. } if code == "agent_unresponsive" => {
                assert!(bench.uptime.saturating_sub(self.heard) >= Duration::from_secs(30));
            }
            _ => {}
        }
    }
}
