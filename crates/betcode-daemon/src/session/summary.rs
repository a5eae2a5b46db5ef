//! What lists show of a session: derived from its state.

use betcode_core::session::Session;

use crate::store::SummaryRow;

/// What a list shows of this session.
pub(crate) fn summary(session: &Session) -> SummaryRow {
    let info = session.info();
    SummaryRow {
        id: session.id(),
        agent: info.agent.clone(),
        cwd: info.cwd.clone(),
        title: session.title().to_owned(),
        model: info.model.clone(),
        status: info.status,
        created: session.created(),
        updated: session.updated(),
        turns: session.turns(),
        agent_session: info.agent_session.clone(),
        trimmed_up_to: info.trimmed_up_to,
        totals: info.totals.clone(),
        retry_at: session.retry_at(),
    }
}
