//! Permission rules that mean what they say: what a rule says (`syntax`), what a shell command would run (`shell`), what
//! matches (`matcher`), and which of many layers decides (`layers`). One function answers: [`decide`].
//!
//! Way of a decision: [`Request::new`] takes the call of a tool apart and says which paths somebody with access to the file
//! system has to resolve ([`Request::wanted`]); [`Request::resolve`] takes the answers; [`decide`] compares with
//! [`Rules`] that were compiled once. [`propose`] gives the rules for "always", [`Call`] reads a call that a
//! person wrote.
//!
//! It never does I/O, never looks at a clock, an environment or a file, never expands a variable, never allows what it does
//! not understand, and never panics on any input.

mod call;
mod decide;
mod glob;
mod layers;
mod matcher;
mod path;
mod propose;
mod read_only;
mod request;
pub mod shell;
mod syntax;

pub use call::{Call, CallError};
pub use decide::{Decision, PartVerdict, Verdict, decide};
pub use layers::{Grants, Layer, Matched, Mode, Origin, OriginKind, Placed, Protected, Rules};
pub use propose::{Proposal, propose};
pub use request::{Directory, Place, Request, Wanted};
pub use syntax::{Rule, RuleError};
