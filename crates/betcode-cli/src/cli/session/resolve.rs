//! From what the user typed to a session.

use betcode_client::{CallError, Connection, SessionDetails};
use betcode_proto::status::reason;

use crate::error::Failure;
use crate::table::cut;

/// The session that this id, or beginning of one, names.
pub(crate) async fn find(daemon: &Connection, id: &str) -> Result<SessionDetails, Failure> {
    let refusal = match daemon.get_session(id).await {
        Ok(details) => return Ok(details),
        Err(CallError::Refused(refusal)) if refusal.reason == reason::SESSION_NOT_FOUND => refusal,
        Err(error) => return Err(error.into()),
    };
    let failure = Failure::not_found(
        reason::SESSION_NOT_FOUND,
        format!("there is no session `{id}`"),
    );
    if !refusal.hint.is_empty() {
        return Err(failure.hint(refusal.hint));
    }
    // A hint is worth one more question, but not another error.
    let sessions = daemon.list_sessions(None, 0).await.unwrap_or_default();
    let wanted = id.to_lowercase();
    let likeness = |known: &str| {
        let known: String = known.chars().take(wanted.chars().count()).collect();
        strsim::normalized_damerau_levenshtein(&wanted, &known)
    };
    let nearest = sessions
        .iter()
        .map(|session| {
            let by_id = likeness(&session.id.to_string());
            let by_title =
                strsim::normalized_damerau_levenshtein(&wanted, &session.title.to_lowercase());
            (by_id.max(by_title), session)
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    Err(match nearest {
        Some((_, session)) => failure.hint(format!(
            "did you mean {} ({})?",
            session.id,
            cut(&session.title, 40)
        )),
        None => failure.hint("betcode session list shows the sessions"),
    })
}

/// The same, or the only session with this title.
pub(crate) async fn find_titled(
    daemon: &Connection,
    word: &str,
) -> Result<SessionDetails, Failure> {
    let failure = match find(daemon, word).await {
        Err(failure) if is_unknown(&failure) => failure,
        found => return found,
    };
    let sessions = daemon.list_sessions(None, 0).await?;
    let mut titled = sessions.iter().filter(|session| session.title == word);
    match (titled.next(), titled.next()) {
        (None, _) => Err(failure),
        (Some(one), None) => Ok(daemon.get_session(&one.id.to_string()).await?),
        (Some(one), Some(other)) => Err(Failure::usage(format!(
            "there are several sessions with the title `{}`",
            cut(word, 40)
        ))
        .hint(format!("name it by its id: {}, {}, …", one.id, other.id))),
    }
}

fn is_unknown(failure: &Failure) -> bool {
    let report = failure.report.as_ref();
    report.is_some_and(|report| report.reason == reason::SESSION_NOT_FOUND)
}
