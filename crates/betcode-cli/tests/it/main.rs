//! The real program, from its command line to its exit code.

mod answers;
mod commands;
mod daemon;
mod durable;
mod headless;
mod history;
mod locks;
mod people;
mod sessions;
mod signals;
mod status_table;

use betcode_testkit::Profile;

/// A user who has never run `betcode`.
fn profile() -> Profile {
    Profile::new(env!("CARGO_BIN_EXE_betcode"))
}
