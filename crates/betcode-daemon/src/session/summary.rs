//! What lists show of a session: derived from its state.

use betcode_core::id::Sequence;
use betcode_core::session::Session;
use betcode_proto::convert::session::Summary;

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

/// The same as it travels, with the number of its last event.
pub(crate) fn shown(row: SummaryRow, head: Sequence) -> Summary {
    Summary {
        id: row.id,
        agent: row.agent,
        cwd: row.cwd,
        title: row.title,
        model: row.model,
        status: row.status,
        created: row.created,
        updated: row.updated,
        head,
        turns: row.turns,
        agent_session: row.agent_session,
        totals: row.totals,
        retry_at: row.retry_at,
    }
}
