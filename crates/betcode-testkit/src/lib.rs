//! Tests of the real programs: a profile of its own for each test, a way to run commands in it, and waiting for
//! conditions instead of for time.
//!
//! It knows the programs by what they print and by the files that are documented, never by their insides. It leaves no
//! process and no file behind when a [`Profile`] is dropped.

mod command;
pub mod fake_model;
pub mod host_v1;
mod output;
mod profile;
mod programs;
pub mod replay;
mod screen;
mod wait;

pub use command::{Betcode, Running};
pub use output::Output;
pub use profile::Profile;
pub use programs::program;
pub use screen::{Line, Screen};
pub use wait::{kill, wait_until};
