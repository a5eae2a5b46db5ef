//! The real program, from its command line to its exit code.

mod answers;
mod commands;
mod crash;
mod daemon;
mod drafts;
mod driver;
mod durable;
mod headless;
mod history;
mod images;
mod import;
mod keys;
mod leaks;
mod lines;
mod locks;
mod mishaps;
mod notify;
mod people;
mod protocol;
mod refusals;
mod replay;
mod rules;
mod screen;
mod search;
mod sessions;
mod signals;
mod silence;
mod spool;
mod status_table;
mod storage;
mod tour;
mod upgrade;
mod usage;

use betcode_testkit::Profile;

/// A user who has never run `betcode`.
fn profile() -> Profile {
    Profile::new(env!("CARGO_BIN_EXE_betcode"))
}

/// A session that has had one turn.
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
fn session(profile: &Profile) -> String {
    profile.betcode(["-p", "/demo say text=hi"]).run().expect(0);
    let rows = profile
        .betcode(["session", "list", "--json"])
        .run()
        .expect(0);
    rows.json()[0]["id"].as_str().unwrap().to_owned()
}
