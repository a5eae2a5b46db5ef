//! States of machines that are no session's, and what the machine feed says of them: written in one transaction, so that nothing
//! is told that is not remembered, and nothing is remembered that was not told. What a state means its machine knows.

use betcode_core::id::SessionId;
use betcode_core::time::Timestamp;
use betcode_proto::v1::feed_entry;

use super::append::{CommitError, Durability};
use super::reader::ReadError;
use super::writer::{Job, Kept};
use super::{Store, queries};

impl Store {
    /// What the machine of this name has written down last.
    pub async fn state(&self, name: &'static str) -> Result<Option<String>, ReadError> {
        self.inner
            .readers
            .read(move |connection| queries::state(connection, name))
            .await
    }

    /// Which agent a session has, and its environment as text that only the daemon reads.
    pub async fn launch(
        &self,
        id: SessionId,
    ) -> Result<Option<(String, Option<String>)>, ReadError> {
        self.inner
            .readers
            .read(move |connection| queries::launch(connection, id))
            .await
    }

    /// Writes down the state of the machine of this name together with what the machine feed says of it.
    pub async fn keep(
        &self,
        name: &'static str,
        value: String,
        at: Timestamp,
        feed: Vec<feed_entry::Body>,
        durability: Durability,
    ) -> Result<(), CommitError> {
        let kept = Box::new(Kept {
            name,
            value,
            at,
            feed,
            durability,
        });
        self.submit(|answer| Job::Keep(kept, answer))
            .await
            .unwrap_or(Err(CommitError::Closed))
    }
}
