//! The daemon's own log files: one a day in the state directory, a week of them. They say what the daemon does, never what
//! users, agents or files say.
//!
//! Nothing is opened until there is a first line, and there is no thread for it: lines are few.

use std::fs::DirBuilder;
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use betcode_core::config::LogLevel;
use betcode_core::endpoint::LOG_DIRECTORY;
use tracing::level_filters::LevelFilter;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The link to today's file; the files have the date behind this name.
const NAME: &str = "daemon.log";
/// How many days are kept.
const DAYS: usize = 7;

/// Sends what this process has to say to the log files of `state_dir`, and to stderr when that is a terminal. Only the
/// first call in a process counts.
pub(crate) fn begin(state_dir: &Path, level: LogLevel) {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // What libraries have to say at the lower levels is about bytes, and would show what is in them.
    let filter = || {
        Targets::new()
            .with_target("betcode", level)
            .with_default(level.min(LevelFilter::WARN))
    };
    let file = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Lazy::new(state_dir))
        .with_filter(filter());
    let terminal = io::stderr().is_terminal().then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_filter(filter())
    });
    if tracing_subscriber::registry()
        .with(file)
        .with(terminal)
        .try_init()
        .is_ok()
    {
        log_panics();
    }
}

/// Where a panic happened is logged; what it says may hold what was being worked on, and is not.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let thread = std::thread::current();
        tracing::error!(place, thread = thread.name().unwrap_or_default(), "a panic");
    }));
}

/// Opens the files when they are first written to.
#[derive(Debug)]
struct Lazy {
    directory: PathBuf,
    files: OnceLock<Option<RollingFileAppender>>,
}

impl Lazy {
    fn new(state_dir: &Path) -> Self {
        Self {
            directory: state_dir.join(LOG_DIRECTORY),
            files: OnceLock::new(),
        }
    }

    /// None when they cannot be opened: there is no better place to say so, and the daemon is of use without them.
    fn open(&self) -> Option<RollingFileAppender> {
        // The appender would complain on stderr about a directory that is not there yet.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .ok()?;
        RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix(NAME)
            .latest_symlink(NAME)
            .max_log_files(DAYS)
            .build(&self.directory)
            .ok()
    }
}

impl<'a> MakeWriter<'a> for Lazy {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        match self.files.get_or_init(|| self.open()) {
            Some(files) => Box::new(files.make_writer()),
            None => Box::new(io::sink()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_made_before_the_first_line_and_the_link_leads_to_it() {
        let root = tempfile::tempdir().unwrap();
        let lazy = Lazy::new(root.path());
        let subscriber = tracing_subscriber::registry().with(
            tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(lazy),
        );
        tracing::subscriber::with_default(subscriber, || {
            assert_eq!(root.path().read_dir().unwrap().count(), 0);
            tracing::info!(answer = 42, "hello");
        });
        let text = std::fs::read_to_string(root.path().join("logs/daemon.log")).unwrap();
        assert!(text.contains("hello answer=42"), "{text}");
        assert_eq!(root.path().join("logs").read_dir().unwrap().count(), 2);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_no_reason_to_fail() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("logs"), "").unwrap();
        let mut writer = Lazy::new(root.path());
        writer.make_writer().write_all(b"lost").unwrap();
        assert!(writer.files.get_mut().unwrap().is_none());
    }
}
