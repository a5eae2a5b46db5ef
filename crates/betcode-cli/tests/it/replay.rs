//! Recorded sessions of Claude Code, played through the whole program: a `claude` that plays them, a host, a daemon, a client
//! that does what the recorded host did. What must come of each follows from the recording itself.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "what a test needs fails by panicking, and people watch what becomes of each recording"
)]

mod attended;
mod headless;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use betcode_testkit::Profile;
use betcode_testkit::replay::plan::Plan;
use betcode_testkit::replay::transcript::{Transcript, find};

use crate::profile;

/// So many are played at once.
const AT_ONCE: usize = 8;

/// A recording that is played.
struct Piece {
    path: PathBuf,
    name: String,
    plan: Plan,
}

impl Piece {
    fn read(path: PathBuf) -> Self {
        let transcript = Transcript::read(&path).unwrap();
        let plan = Plan::of(&transcript);
        let name = transcript.name;
        Self { path, name, plan }
    }

    /// The variable by which it is played.
    fn variable(&self, record: &Path) -> (String, String) {
        let [path, record] = [&*self.path, record].map(|path| path.display().to_string());
        let program = program().display().to_string();
        let line = [&*program, "--play", &*path, "--record", &*record, "--mark"];
        (
            "BETCODE_AGENT_CLAUDE_COMMAND".to_owned(),
            shell_words::join(line),
        )
    }
}

/// The replay.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| betcode_testkit::program("betcode-testkit", "betcode-replay"))
}

/// Plays all of them, some at once. Says which went wrong.
fn play(
    pieces: &[Piece],
    play: impl Fn(&Profile, &Piece) -> Result<String, Vec<String>> + Sync,
) -> Vec<String> {
    let profile = profile();
    program();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let left = Mutex::new(pieces.iter());
    let wrong = Mutex::new(Vec::new());
    let worker = || {
        while let Some(piece) = { left.lock().unwrap().next() } {
            match play(&profile, piece) {
                Ok(what) => println!("{:<40} ok      {what}", piece.name),
                Err(problems) => {
                    let problems = problems.join("\n  ");
                    println!("{:<40} FAILED\n  {problems}", piece.name);
                    wrong.lock().unwrap().push(piece.name.clone());
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(worker);
        }
    });
    wrong.into_inner().unwrap()
}

/// The recordings of the project, or those that `cargo xtask replay` was asked for.
fn recorded() -> Vec<Piece> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/agents");
    let folders = ["claude-code-2.1.330", "claude-code-2.1.330-driven"];
    let named = std::env::var_os("BETCODE_REPLAY_FILES");
    let paths: Vec<PathBuf> = match &named {
        Some(paths) => std::env::split_paths(paths).collect(),
        None => folders.map(|name| folder.join(name)).to_vec(),
    };
    let pieces: Vec<_> = find(&paths).unwrap().into_iter().map(Piece::read).collect();
    assert!(
        named.is_some() || pieces.len() > 100,
        "the recorded sessions are there"
    );
    pieces
}

#[test]
fn every_recorded_session_goes_through_host_daemon_and_client_as_it_was() {
    let wrong = play(&recorded(), attended::play);
    assert!(wrong.is_empty(), "{}", wrong.join(", "));
}

/// The same recordings, each of an agent that was killed at some place in it.
fn killed(folder: &Path) -> Vec<Piece> {
    let kill = r#"{"t": 0, "dir": "signal", "msg": "SIGKILL"}
{"t": 0, "dir": "exit", "msg": {"code": -9}}
"#;
    let cut = |(number, piece): (usize, Piece)| {
        let text = std::fs::read_to_string(&piece.path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        // Anywhere, but not elsewhere the next time.
        let left = 3 + number * 7 % lines.len().saturating_sub(3).max(1);
        let left = lines.into_iter().take(left).map(|line| format!("{line}\n"));
        let path = folder.join(format!("{}.ndjson", piece.name));
        std::fs::write(&path, left.chain([kill.to_owned()]).collect::<String>()).unwrap();
        Piece::read(path)
    };
    recorded().into_iter().enumerate().map(cut).collect()
}

#[test]
fn every_recorded_session_comes_to_rest_with_a_whole_log_when_its_agent_is_killed_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = play(&killed(folder.path()), attended::play);
    assert!(wrong.is_empty(), "{}", wrong.join(", "));
}

#[test]
fn a_run_of_every_recorded_prompt_ends_in_time_with_an_honest_exit_code() {
    let wrong = play(&recorded(), headless::play);
    assert!(wrong.is_empty(), "{}", wrong.join(", "));
}
