//! Permission rules in files: where they stand, reading them with their places, which files no rule opens, and adding one
//! where the user said "always". What a rule allows is not decided here.

pub(crate) mod book;
pub(crate) mod protected;
mod resolve;
pub(crate) mod sources;
mod write;

pub use sources::{Format, Problem, in_bytes};
pub use write::write_rules;
