//! What is used of a plan: what the sources say, when to ask them, what follows, and how it is shown.
//!
//! Bytes and time come in; readings and effects go out. [`provider`] turns what a source says into [`reading`]s, the
//! [`planner`] decides when which source is asked, [`alert`] what is worth a notification, [`forecast`] when a limit would be
//! reached, and [`format`](mod@format) how it all looks as text. Whoever uses this crate runs the effects.
//!
//! This crate never does I/O: it reads no clock, no file, no network and no environment; all of that is an argument.
//!
//! Laws of all of it: the scale of a number belongs to its source and is never guessed from the number; what a source does
//! not say stays absent and is never zero; a window that is not known here is left out; a token is nowhere but in
//! [`credentials::Token`], which does not print it.

pub mod alert;
pub mod credentials;
pub mod failure;
pub mod forecast;
pub mod format;
pub mod history;
pub mod level;
pub mod planner;
pub mod provider;
pub mod reading;
pub mod readings;
