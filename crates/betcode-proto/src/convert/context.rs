//! How full an agent's context is.

use betcode_core::context::{ContextCategory, ContextUsage};

use super::part::list;
use crate::v1;

impl From<ContextUsage> for v1::GetContextResponse {
    fn from(usage: ContextUsage) -> Self {
        Self {
            model: usage.model,
            used_tokens: usage.used_tokens,
            window_tokens: usage.window_tokens,
            categories: list(usage.categories),
        }
    }
}

impl From<v1::GetContextResponse> for ContextUsage {
    fn from(usage: v1::GetContextResponse) -> Self {
        Self {
            model: usage.model,
            used_tokens: usage.used_tokens,
            window_tokens: usage.window_tokens,
            categories: list(usage.categories),
        }
    }
}

impl From<ContextCategory> for v1::ContextCategory {
    fn from(category: ContextCategory) -> Self {
        Self {
            name: category.name,
            kind: category.kind,
            tokens: category.tokens,
        }
    }
}

impl From<v1::ContextCategory> for ContextCategory {
    fn from(category: v1::ContextCategory) -> Self {
        Self {
            name: category.name,
            kind: category.kind,
            tokens: category.tokens,
        }
    }
}
