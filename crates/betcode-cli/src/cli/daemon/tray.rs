//! Starting the tray, a program of its own beside this one.

use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use betcode_client::Profile;
use betcode_core::config::{self, Layer, Source, USER_FILE};
use betcode_core::endpoint::LOG_DIRECTORY;

use crate::clock;
use crate::context::Context;
use crate::error::Failure;

const PROGRAM: &str = "betcode-tray";
/// Where it writes what happens.
const LOG: &str = "tray.log";
/// It ends with this when another one runs.
const RUNNING: i32 = 3;
/// One that has not ended by then has begun.
const BEGINNING: Duration = Duration::from_millis(1_500);
const PAUSE: Duration = Duration::from_millis(20);

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tray {
    /// It was started.
    Started(u32),
    /// It runs already.
    Running,
}

impl Tray {
    /// The word for it in JSON.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Running => "running",
        }
    }

    /// For people.
    pub(super) fn line(self) -> String {
        match self {
            Self::Started(pid) => format!("the tray runs (process {pid})"),
            Self::Running => "the tray runs already".to_owned(),
        }
    }
}

/// Whether the user's settings want it. What is wrong with them was told before.
pub(super) fn is_wanted(context: &Context) -> Result<bool, Failure> {
    let path = context.profile()?.config_dir.join(USER_FILE);
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(false);
    };
    let file = Source::file(Layer::User, path.display().to_string(), text);
    Ok(config::resolve(&[file], false).config.tray.start)
}

/// Starts it, unless one runs.
pub(super) fn start(context: &Context) -> Result<Tray, Failure> {
    let program = find(context)?;
    let profile = context.profile()?;
    let log = log_file(&profile);
    let fault = |error: &std::io::Error| Failure::io("the tray cannot be started", error);
    if let Some(directory) = log.parent() {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory);
        made.map_err(|error| fault(&error))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(0o600);
    let stderr = options.open(&log).map_err(|error| fault(&error))?;
    let mut child = Command::new(&program)
        .env("BETCODE_CONFIG_DIR", &profile.config_dir)
        .env("BETCODE_STATE_DIR", &profile.state_dir)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .process_group(0)
        .spawn()
        .map_err(|error| fault(&error))?;
    let began = clock::moment();
    while began.elapsed() < BEGINNING {
        if let Some(end) = child.try_wait().map_err(|error| fault(&error))? {
            return ended(end, &log);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(Tray::Started(child.id()))
}

fn ended(end: ExitStatus, log: &PathBuf) -> Result<Tray, Failure> {
    if end.code() == Some(RUNNING) {
        return Ok(Tray::Running);
    }
    let said = fs::read_to_string(log).unwrap_or_default();
    let said = said.trim().trim_start_matches("Error: ").to_owned();
    let why = if said.is_empty() {
        end.to_string()
    } else {
        said
    };
    Err(Failure::general(
        "TRAY_NOT_STARTED",
        format!("the tray ended at once: {why}"),
    ))
}

fn log_file(profile: &Profile) -> PathBuf {
    profile.state_dir.join(LOG_DIRECTORY).join(LOG)
}

/// Beside this program, or where the system looks for programs.
fn find(context: &Context) -> Result<PathBuf, Failure> {
    let beside = Context::executable()?.with_file_name(PROGRAM);
    if beside.is_file() {
        return Ok(beside);
    }
    let path = context.environment.path("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).filter(|it| it.is_absolute());
    let mut places = places.map(|it| it.join(PROGRAM));
    places.find(|it| it.is_file()).ok_or_else(|| {
        Failure::general(
            "TRAY_NOT_FOUND",
            format!("{PROGRAM} is neither at {} nor in PATH", beside.display()),
        )
        .hint("the daemon runs; install the tray beside betcode: cargo build -p tray builds it")
    })
}
