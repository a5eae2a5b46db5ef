//! What an agent says about the context of its model: how much of it is used, and by what. A reading of the moment, asked for by
//! somebody; it is no part of a session's log.

use serde::{Deserialize, Serialize};

/// How full the context of an agent's model is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextUsage {
    /// The model.
    pub model: String,
    /// Tokens in use.
    pub used_tokens: u64,
    /// Tokens that fit.
    pub window_tokens: u64,
    /// What they are used for, in the agent's order; empty when it does not say.
    #[serde(default)]
    pub categories: Vec<ContextCategory>,
}

/// A part of a context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextCategory {
    /// Its name, in the agent's words.
    pub name: String,
    /// Whether it is `used`, `free`, a `buffer` that is kept free, or `deferred`: loaded when needed. In the agent's word.
    pub kind: String,
    /// Its tokens.
    pub tokens: u64,
}
