//! What a daemon is told at its start, and what its user's configuration adds. Settings of projects and of single agents are
//! not here: they are read anew for each session, see [`crate::agent`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_core::command::Environment;
use betcode_core::config::{
    self, Layer, LimitsConfig, LogLevel, NotifyConfig, Source, UsageConfig, UsageHttpConfig,
};
use betcode_core::session::Terms;

use crate::text;

/// Who has just asked for a session often asks again. To load it takes a millisecond or two.
const STAYS_IN_MEMORY: Duration = Duration::from_secs(10);

/// What whoever starts a daemon says.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything that lasts is kept.
    pub state_dir: PathBuf,
    /// Where the user's configuration is.
    pub config_dir: PathBuf,
    /// The socket, when the user chose one.
    pub socket: Option<PathBuf>,
    /// The program that hosts an agent; the host's directory is appended.
    pub host_command: Vec<OsString>,
    /// The program that is the demo agent; the driver's arguments are appended.
    pub demo_command: Vec<String>,
    /// The version to tell.
    pub version: String,
    /// The daemon's own environment, for the `BETCODE_*` variables that are settings.
    pub environment: Environment,
    /// True when a client started it because none was running: it ends when nobody needs it.
    pub auto: bool,
    /// True when it ends with its last client.
    pub ephemeral: bool,
    /// A file with milliseconds by which its time of day is moved, for tests.
    pub test_clock: Option<PathBuf>,
}

/// How a daemon runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything that lasts is kept.
    pub state_dir: PathBuf,
    /// Where the user's configuration is.
    pub config_dir: PathBuf,
    /// The socket, when the user chose one.
    pub socket: Option<PathBuf>,
    /// The program that hosts an agent; the host's directory is appended.
    pub host_command: Vec<OsString>,
    /// The program that is the demo agent; the driver's arguments are appended.
    pub demo_command: Vec<String>,
    /// The version to tell.
    pub version: String,
    /// The largest payload that is stored whole, in bytes.
    pub payload_limit: usize,
    /// How long an automatically started daemon stays when nothing needs it.
    pub idle_exit: Duration,
    /// How long a session stays in memory in which nothing happens and that nobody watches.
    pub stays_in_memory: Duration,
    /// How much goes to the log file.
    pub log_level: LogLevel,
    /// The terms under which sessions decide. Rules depend on the directory, see [`crate::rules`].
    pub terms: Terms,
    /// How much clients may ask for.
    pub limits: LimitsConfig,
    /// What the user is told, and what is run for it.
    pub notify: NotifyConfig,
    /// Whether and how the use of plans is followed.
    pub usage: UsageConfig,
    /// The connection over which the use of plans may be asked for.
    pub usage_http: UsageHttpConfig,
    /// The daemon's own environment. It may hold secrets, which its type does not print.
    pub environment: Environment,
    /// True when a client started it because none was running.
    pub auto: bool,
    /// True when it ends with its last client.
    pub ephemeral: bool,
    /// A file with milliseconds by which its time of day is moved, for tests.
    pub test_clock: Option<PathBuf>,
}

impl Settings {
    /// The options and the user's configuration together, and one line for everything there that does not count. A daemon
    /// runs with a broken configuration too: sessions are refused with the same words when they need it.
    pub fn load(options: &Options) -> (Self, Vec<String>) {
        let mut complaints = Vec::new();
        let mut sources = vec![Source::environment(options.environment.0.clone())];
        match file(Layer::User, &options.config_dir.join(config::USER_FILE)) {
            Ok(source) => sources.extend(source),
            Err(problem) => complaints.push(problem),
        }
        let resolution = config::resolve(&sources, false);
        complaints.extend(resolution.errors.iter().map(ToString::to_string));
        let config = resolution.config;
        let settings = Self {
            state_dir: options.state_dir.clone(),
            config_dir: options.config_dir.clone(),
            socket: options.socket.clone(),
            host_command: options.host_command.clone(),
            demo_command: options.demo_command.clone(),
            version: options.version.clone(),
            payload_limit: usize::try_from(config.session.payload_limit).unwrap_or(usize::MAX),
            idle_exit: config.daemon.idle_exit,
            stays_in_memory: STAYS_IN_MEMORY,
            log_level: config.daemon.log_level,
            terms: Terms {
                request_lifetime: config.permissions.timeout,
                lock_wait: config.lock.wait,
                lock_idle: config.lock.idle,
                lock_grace: config.lock.grace,
                answer_without_lock: config.permissions.answer_without_lock,
                stalled_after: config.session.stalled_after,
                interrupt_stalled_after: Some(config.session.interrupt_stalled_after)
                    .filter(|after| !after.is_zero()),
            },
            limits: config.limits,
            notify: config.notify,
            usage: config.usage,
            usage_http: config.usage_http,
            environment: options.environment.clone(),
            auto: options.auto,
            ephemeral: options.ephemeral,
            test_clock: options.test_clock.clone(),
        };
        (settings, complaints)
    }
}

/// A configuration file, or nothing where there is none; a line about a file that cannot be read.
pub(crate) fn file(layer: Layer, path: &Path) -> Result<Option<Source>, String> {
    let name = path.display().to_string();
    match text::whole(path) {
        Ok(text) => Ok(text.map(|text| Source::file(layer, name, text))),
        Err(what) => Err(format!("{name} {what}")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn options(directory: &Path) -> Options {
        Options {
            state_dir: directory.join("state"),
            config_dir: directory.join("config"),
            socket: None,
            host_command: vec!["/bin/false".into()],
            demo_command: vec!["/bin/true".into(), "demo-agent".into()],
            version: "1.2.3".into(),
            environment: Environment::default(),
            auto: false,
            ephemeral: false,
            test_clock: None,
        }
    }

    #[test]
    fn without_any_configuration_the_defaults_hold() {
        let directory = tempfile::tempdir().unwrap();
        let (settings, complaints) = Settings::load(&options(directory.path()));
        assert_eq!(complaints, Vec::<String>::new());
        assert_eq!(settings.idle_exit, Duration::from_mins(15));
        assert_eq!(settings.payload_limit, 10 << 20);
        assert_eq!(settings.log_level, LogLevel::Info);
        assert_eq!(settings.terms, Terms::default());
        assert_eq!(settings.limits, LimitsConfig::default());
    }

    #[test]
    fn terms_and_limits_come_from_the_users_file_and_rules_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let options = options(directory.path());
        std::fs::create_dir(&options.config_dir).unwrap();
        let text = "permissions = { timeout = '1d', answer_without_lock = true }
lock = { wait = '1s', idle = '2s', grace = '3s' }
limits = { sessions_per_hour = 4, messages_per_minute = 5 }
session = { stalled_after = '30s', interrupt_stalled_after = '5m' }
";
        std::fs::write(options.config_dir.join("config.toml"), text).unwrap();
        let (settings, complaints) = Settings::load(&options);
        assert_eq!(complaints, Vec::<String>::new());
        let terms = Terms {
            request_lifetime: Duration::from_hours(24),
            lock_wait: Duration::from_secs(1),
            lock_idle: Duration::from_secs(2),
            lock_grace: Duration::from_secs(3),
            answer_without_lock: true,
            stalled_after: Duration::from_secs(30),
            interrupt_stalled_after: Some(Duration::from_mins(5)),
        };
        assert_eq!(settings.terms, terms);
        let limits = LimitsConfig {
            sessions_per_hour: 4,
            messages_per_minute: 5,
        };
        assert_eq!(settings.limits, limits);
    }

    #[test]
    fn the_users_file_counts_and_a_variable_beats_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut options = options(directory.path());
        std::fs::create_dir(&options.config_dir).unwrap();
        std::fs::write(
            options.config_dir.join("config.toml"),
            "[daemon]\nidle_exit = \"2m\"\nlog_level = \"debug\"\n",
        )
        .unwrap();
        options
            .environment
            .0
            .insert("BETCODE_LOG".into(), "warn".into());
        let (settings, complaints) = Settings::load(&options);
        assert_eq!(complaints, Vec::<String>::new());
        assert_eq!(settings.idle_exit, Duration::from_mins(2));
        assert_eq!(settings.log_level, LogLevel::Warn);
    }

    #[test]
    fn a_broken_file_is_named_and_the_defaults_hold() {
        let directory = tempfile::tempdir().unwrap();
        let options = options(directory.path());
        std::fs::create_dir(&options.config_dir).unwrap();
        std::fs::write(options.config_dir.join("config.toml"), "[daemon\n").unwrap();
        let (settings, complaints) = Settings::load(&options);
        assert_eq!(settings.idle_exit, Duration::from_mins(15));
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].contains("config.toml:1:"), "{complaints:?}");
    }
}
