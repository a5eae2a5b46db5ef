//! The call that looks for words: a message in, a message out.

use betcode_core::id::SessionId;
use betcode_proto::convert::read_optional_id;
use betcode_proto::status::{Refusal, reason};
use betcode_proto::v1;
use tonic::{Code, Status};

use crate::search::{Index, Search, SearchError};

/// So many sessions or entries, unless somebody wants another number.
const LIMIT: u32 = 20;
/// And never more than these.
const MOST: u32 = 1000;

pub(super) async fn search(
    index: Index,
    request: v1::SearchSessionsRequest,
) -> Result<v1::SearchSessionsResponse, Status> {
    let limit = match request.limit {
        0 => LIMIT,
        limit => limit.min(MOST),
    };
    let session = read_optional_id("session_id", &request.session_id).map_err(Refusal::from)?;
    let search = Search {
        words: request.words,
        limit: limit as usize,
        cwd: (!request.cwd.is_empty()).then_some(request.cwd),
        session: session.map(SessionId),
    };
    let searched = tokio::task::spawn_blocking(move || index.search(&search)).await;
    let answer = searched.map_err(|_panicked| {
        Refusal::new(
            Code::Internal,
            reason::INTERNAL,
            "the search came to no end",
        )
    })?;
    Ok(answer.map_err(|error| refusal(&error))?.into())
}

fn refusal(error: &SearchError) -> Refusal {
    match error {
        SearchError::NoWord(_) => Refusal::new(
            Code::InvalidArgument,
            reason::INVALID_FIELD,
            error.to_string(),
        )
        .hint("a word is made of letters and digits"),
        SearchError::Index(_) => {
            Refusal::new(Code::Unavailable, reason::UNAVAILABLE, error.to_string())
                .hint("it is made anew by itself; betcode daemon doctor says what is in its way")
        }
        SearchError::Gone => {
            Refusal::new(Code::Unavailable, reason::UNAVAILABLE, error.to_string())
                .hint("betcode daemon restart makes it anew; agents and turns go on meanwhile")
        }
        SearchError::Log(_) => {
            Refusal::new(Code::Unavailable, reason::UNAVAILABLE, error.to_string())
        }
    }
}
