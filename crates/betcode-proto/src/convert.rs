//! Core types to messages and back. Not a place for decisions: what a value means is up to the core.
//!
//! Laws:
//! - core → message → core gives the same value, for every event and command;
//! - reading an *event* never fails on account of its content: a body or id that this version cannot read becomes
//!   `Unknown` with a note, a word that it does not know becomes the nearest harmless one (`word` lists them);
//! - reading a *command* fails instead, with the name of the field: nobody may act on half of what was asked.

mod command;
mod context;
pub mod event;
pub mod feed;
pub mod lock;
pub mod notify;
mod part;
pub mod reading;
pub mod request;
pub mod search;
pub mod session;
pub mod usage;
mod word;

#[cfg(test)]
mod tests;

use betcode_core::command::Rejected;
use bytes::Bytes;
use uuid::Uuid;

pub use event::{
    append_event, decode_event_list, encode_event_list, event_entries, event_from_wire,
};
pub use part::read_client;

/// Why a message could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct WireError {
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It must be there and is not.
    #[error("is missing")]
    Missing,
    /// It is there, but with a content that this version does not know.
    #[error("is missing, or of a kind that this version does not know")]
    UnknownKind,
    /// An id has a length other than 16 bytes.
    #[error("must be 16 bytes, not {0}")]
    WrongLength(usize),
    /// The bytes are no such message.
    #[error("is not well formed")]
    Malformed,
    /// It must be the text of a JSON object.
    #[error("must be a JSON object")]
    NotAnObject,
    /// It has a content and is no image that agents take.
    #[error("must be image/png, image/jpeg, image/gif or image/webp")]
    NoImage,
    /// It is longer than anybody needs.
    #[error("is too large: {size} bytes, and at most {limit} are allowed")]
    TooLarge {
        /// How many bytes came.
        size: usize,
        /// How many may come.
        limit: usize,
    },
}

impl WireError {
    pub(crate) const fn new(field: &'static str, problem: Problem) -> Self {
        Self { field, problem }
    }
}

impl From<WireError> for Rejected {
    fn from(error: WireError) -> Self {
        Self::Invalid {
            field: error.field,
            problem: error.problem.to_string(),
        }
    }
}

/// An id as it travels.
pub fn id_bytes(id: Uuid) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

/// An id that must be there.
pub fn read_id(field: &'static str, bytes: &[u8]) -> Result<Uuid, WireError> {
    if bytes.is_empty() {
        return Err(WireError::new(field, Problem::Missing));
    }
    Uuid::from_slice(bytes).map_err(|_| WireError::new(field, Problem::WrongLength(bytes.len())))
}

/// An id that may be absent.
pub fn read_optional_id(field: &'static str, bytes: &[u8]) -> Result<Option<Uuid>, WireError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    read_id(field, bytes).map(Some)
}

/// `None` for an empty text.
fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
