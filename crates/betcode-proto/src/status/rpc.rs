//! The two messages of `google.rpc` that a status carries in its details, as published in `google/rpc/status.proto` and
//! `google/rpc/error_details.proto`.

use std::collections::HashMap;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Status {
    /// The gRPC status code.
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    /// What happened.
    #[prost(string, tag = "2")]
    pub(super) message: String,
    /// More about it.
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<prost_types::Any>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ErrorInfo {
    /// The word for programs.
    #[prost(string, tag = "1")]
    pub(super) reason: String,
    /// Who gives the word its meaning.
    #[prost(string, tag = "2")]
    pub(super) domain: String,
    /// More, by key.
    #[prost(map = "string, string", tag = "3")]
    pub(super) metadata: HashMap<String, String>,
}
