//! What the rules say about the call of a tool, as plain data. Rules are read, compared and named elsewhere; the session
//! machine is told the outcome.

use serde_json::Value;

use crate::canonical;

/// Where that stands which is no rule of anybody: what is denied or allowed by the program itself, as a sentence.
pub const BUILT_IN: &str = "built in";

/// What the rules, the session's grants and the permission mode say about a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruling {
    /// What is to happen.
    pub verdict: Verdict,
    /// What decided. An `Ask` without it is what remains when nothing decides.
    pub by: Option<RuleName>,
    /// Why, as a sentence.
    pub reason: String,
    /// The rules that allow exactly this call from now on. Empty: there are none.
    pub proposed: Vec<String>,
}

/// What is to happen with a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It runs.
    Allow,
    /// A person is asked.
    #[default]
    Ask,
    /// It does not run.
    Deny,
}

/// A rule by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName {
    /// As it is written; a sentence for what is built in.
    pub rule: String,
    /// Where it stands, such as a file and line, or a flag.
    pub place: String,
}

/// What is granted when no rule can stand for a call: the same tool with the same input again, and nothing else.
pub fn exact_grant(tool: &str, input: &Value) -> String {
    let digest = canonical::digest(input);
    let short = digest.get(..16).unwrap_or(&digest);
    format!("{tool} with exactly this input ({short})")
}
