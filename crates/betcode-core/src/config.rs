//! Configuration: layers of settings, and what follows from them. Pure: files and variables are given as text.
//!
//! Laws:
//! - for each key the highest layer that sets it wins: flag > `BETCODE_*` variable > project-local file > project file >
//!   user file > built-in default; within a layer a later source wins. Rules are not replaced but collected from all
//!   layers that count, each once, weakest layer first;
//! - every value knows its layer and its place;
//! - nothing that can run a program or changes its environment counts from a project that is not trusted; what belongs to
//!   the daemon, which serves all projects, or to the person at the screen never counts from a project. All are listed as
//!   ignored;
//! - a file that is not TOML does not count at all, a bad value does not count; the rest still does. Each is an error that
//!   names its place, the key and what is allowed; whether to go on is the caller's decision;
//! - values of an agent's environment are never printed.

mod check;
mod error;
mod key;
mod notify;
mod read;
mod source;
mod theme;
mod tray;
mod usage;
mod usage_http;
mod value;

use std::collections::BTreeMap;
use std::time::Duration;

pub use check::{TomlLiteral, check_value};
pub use error::{ConfigError, Reason};
pub use key::{
    Key, KeyInfo, NotifyKey, Projects, TrayKey, UsageHttpKey, UsageKey, agent_command_variable,
    keys,
};
pub use notify::{NotifyAction, NotifyConfig};
pub use source::{Layer, Place, Source};
pub use theme::ThemeChoice;
pub use tray::{IconStyle, TrayConfig};
pub use usage::{UsageConfig, WindowChoice};
pub use usage_http::{BadPin, Pin, Pinning, UsageHttpConfig, end_of};
pub use value::{
    BadValue, Kind, LogLevel, Secret, Value, format_duration, format_size, parse_duration,
    parse_size, split_rules,
};

use crate::command::Environment;
use crate::id::AgentName;

/// The user's file, in the configuration directory.
pub const USER_FILE: &str = "config.toml";
/// A project's file, in the project's directory.
pub const PROJECT_FILE: &str = ".betcode/config.toml";
/// The user's own file for one project, in the project's directory; not for version control.
pub const PROJECT_LOCAL_FILE: &str = ".betcode/config.local.toml";

/// What the layers come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The agent to use when none is named; none: the program chooses.
    pub agent: Option<AgentName>,
    /// The model to ask an agent for; none: the agent's own default.
    pub model: Option<String>,
    /// Settings by agent.
    pub agents: BTreeMap<AgentName, AgentConfig>,
    /// Settings of the daemon.
    pub daemon: DaemonConfig,
    /// Settings of sessions.
    pub session: SessionConfig,
    /// Settings of requests.
    pub permissions: PermissionsConfig,
    /// Settings of the input lock.
    pub lock: LockConfig,
    /// How much is allowed.
    pub limits: LimitsConfig,
    /// Settings of the interactive screen.
    pub tui: TuiConfig,
    /// Settings of notifications.
    pub notify: NotifyConfig,
    /// Settings of the use of plans.
    pub usage: UsageConfig,
    /// Settings of the connection over which the use of plans may be asked for.
    pub usage_http: UsageHttpConfig,
    /// Settings of the tray.
    pub tray: TrayConfig,
}

/// How one agent is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentConfig {
    /// The program and its arguments; none: the agent's usual ones.
    pub command: Option<Vec<String>>,
    /// Added to its environment.
    pub env: Environment,
}

/// Settings of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonConfig {
    /// How long a daemon that started by itself stays when nothing needs it.
    pub idle_exit: Duration,
    /// How much it writes to its log file.
    pub log_level: LogLevel,
}

/// Settings of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// The largest payload that is stored whole, in bytes.
    pub payload_limit: u64,
    /// After how long without a byte from a working agent its turn is called stalled.
    pub stalled_after: Duration,
    /// After how long it is interrupted; zero: never.
    pub interrupt_stalled_after: Duration,
}

/// Settings of requests for permission and of questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionsConfig {
    /// How long one waits for an answer.
    pub timeout: Duration,
    /// Whether they may be answered while somebody else holds the input lock.
    pub answer_without_lock: bool,
    /// Rules that allow without asking, of all layers.
    pub allow: Vec<String>,
    /// Rules that ask, of all layers.
    pub ask: Vec<String>,
    /// Rules that forbid, of all layers.
    pub deny: Vec<String>,
}

/// Settings of the input lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockConfig {
    /// How long a holder has to object.
    pub wait: Duration,
    /// After how long without input a holder need not be asked before somebody else answers.
    pub idle: Duration,
    /// How long a holder that went away keeps it.
    pub grace: Duration,
}

/// How much is allowed; zero: as much as one likes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsConfig {
    /// New sessions an hour.
    pub sessions_per_hour: u32,
    /// Messages a minute to one session.
    pub messages_per_minute: u32,
}

/// Settings of the interactive screen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own, switched by its name"
)]
pub struct TuiConfig {
    /// Other keys than the usual ones, by the name of what they do. Whether there are such names and keys the screen knows.
    pub keys: BTreeMap<String, Vec<String>>,
    /// What its colours are for.
    pub theme: ThemeChoice,
    /// Whether it takes the mouse.
    pub mouse: bool,
    /// Whether nothing moves only to show that something runs.
    pub reduced_motion: bool,
    /// Whether there are lines instead of a screen.
    pub screen_reader: bool,
    /// Whether the terminal notifies of what happens while nobody looks.
    pub notify: bool,
    /// The input takes vim's keys.
    pub vim: bool,
    /// The terminal shows that a turn runs, where it can.
    pub progress: bool,
    /// What is sent is kept for other sessions in the same directory.
    pub history: bool,
}

impl Default for TuiConfig {
    fn default() -> Self {
        Self {
            keys: BTreeMap::new(),
            theme: ThemeChoice::Auto,
            mouse: true,
            reduced_motion: false,
            screen_reader: false,
            notify: true,
            vim: false,
            progress: true,
            history: true,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            agent: None,
            model: None,
            agents: BTreeMap::new(),
            daemon: DaemonConfig {
                idle_exit: Duration::from_mins(15),
                log_level: LogLevel::Info,
            },
            session: SessionConfig {
                payload_limit: 10 << 20,
                stalled_after: Duration::from_mins(2),
                interrupt_stalled_after: Duration::ZERO,
            },
            permissions: PermissionsConfig {
                timeout: Duration::from_hours(7 * 24),
                answer_without_lock: false,
                allow: Vec::new(),
                ask: Vec::new(),
                deny: Vec::new(),
            },
            lock: LockConfig {
                wait: Duration::from_secs(10),
                idle: Duration::from_secs(30),
                grace: Duration::from_secs(10),
            },
            limits: LimitsConfig::default(),
            tui: TuiConfig::default(),
            notify: NotifyConfig::default(),
            usage: UsageConfig::default(),
            usage_http: UsageHttpConfig::default(),
            tray: TrayConfig::default(),
        }
    }
}

/// One line of `config show --origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRow {
    /// The key.
    pub key: Key,
    /// Its value; none: not set anywhere, and without a default.
    pub value: Option<Value>,
    /// The layer that decided.
    pub layer: Layer,
    /// Where exactly.
    pub place: Place,
    /// Weaker layers whose rules count as well, the strongest first.
    pub also: Vec<(Layer, Place)>,
}

/// A setting that does not count where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The key.
    pub key: Key,
    /// Where it stands.
    pub place: Place,
    /// Why it does not count.
    pub why: WhyIgnored,
}

/// Why a setting does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyIgnored {
    /// It decides what is run, and the directory is not trusted.
    Untrusted,
    /// It is about the daemon, which serves all projects, or about the person at the screen.
    NotForProjects,
}

impl std::fmt::Display for Ignored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let why = match self.why {
            WhyIgnored::Untrusted => "this directory is not trusted",
            WhyIgnored::NotForProjects => "it belongs in your own configuration",
        };
        write!(f, "{}: `{}` is ignored: {why}", self.place, self.key)
    }
}

/// What the layers come to, and where everything comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The values.
    pub config: Config,
    /// One row for each value, by key.
    pub origins: Vec<OriginRow>,
    /// What is wrong.
    pub errors: Vec<ConfigError>,
    /// What does not count where it stands.
    pub ignored: Vec<Ignored>,
}

impl Resolution {
    /// The row of one key.
    pub fn origin(&self, key: &Key) -> Option<&OriginRow> {
        self.origins.iter().find(|row| row.key == *key)
    }
}

/// Resolves the layers. `trusted` is whether the user trusts the directory that the project's files come from.
#[must_use]
pub fn resolve(sources: &[Source], trusted: bool) -> Resolution {
    let mut reading = read::Reading::new(trusted);
    let mut ascending: Vec<&Source> = sources.iter().collect();
    ascending.sort_by_key(|source| source.layer());
    for source in ascending {
        reading.read(source);
    }
    let read::Reading {
        settings,
        mut errors,
        ignored,
        ..
    } = reading;
    errors.extend(useless_agent(&settings, &ignored));

    let mut config = Config::default();
    for (key, setting) in &settings {
        config.set(key, &setting.value);
    }
    let mut origins: Vec<OriginRow> = defaults(&config)
        .filter(|row| !settings.contains_key(&row.key))
        .chain(settings.iter().map(|(key, setting)| OriginRow {
            key: key.clone(),
            value: Some(setting.value.clone()),
            layer: setting.layer,
            place: setting.place.clone(),
            also: setting.also.clone(),
        }))
        .collect();
    origins.sort_by_key(|row| row.key.to_string());
    Resolution {
        config,
        origins,
        errors,
        ignored,
    }
}

impl Config {
    /// A value always has its key's kind, so nothing is lost where the kinds differ.
    fn set(&mut self, key: &Key, value: &Value) {
        match key {
            Key::Agent => self.agent = value.as_text().map(AgentName::from),
            Key::Model => self.model = value.as_text().map(str::to_owned),
            Key::AgentCommand(agent) => {
                self.agents.entry(agent.clone()).or_default().command =
                    value.as_words().map(<[String]>::to_vec);
            }
            Key::AgentVariable(agent, variable) => {
                if let Value::Secret(secret) = value {
                    let agent = self.agents.entry(agent.clone()).or_default();
                    agent
                        .env
                        .0
                        .insert(variable.clone(), secret.reveal().to_owned());
                }
            }
            Key::IdleExit => value.duration(&mut self.daemon.idle_exit),
            Key::LogLevel => {
                if let Value::Level(level) = value {
                    self.daemon.log_level = *level;
                }
            }
            Key::PayloadLimit => {
                if let Value::Size(bytes) = value {
                    self.session.payload_limit = *bytes;
                }
            }
            Key::StalledAfter => value.duration(&mut self.session.stalled_after),
            Key::InterruptStalledAfter => {
                value.duration(&mut self.session.interrupt_stalled_after);
            }
            Key::RequestTimeout => value.duration(&mut self.permissions.timeout),
            Key::AnswerWithoutLock => value.switch(&mut self.permissions.answer_without_lock),
            Key::AllowedRules => value.rules(&mut self.permissions.allow),
            Key::AskedRules => value.rules(&mut self.permissions.ask),
            Key::DeniedRules => value.rules(&mut self.permissions.deny),
            Key::LockWait => value.duration(&mut self.lock.wait),
            Key::LockIdle => value.duration(&mut self.lock.idle),
            Key::LockGrace => value.duration(&mut self.lock.grace),
            Key::SessionsPerHour => value.count(&mut self.limits.sessions_per_hour),
            Key::MessagesPerMinute => value.count(&mut self.limits.messages_per_minute),
            Key::ScreenKeys(action) => {
                if let Value::Keys(keys) = value {
                    self.tui.keys.insert(action.clone(), keys.clone());
                }
            }
            Key::Theme => {
                if let Value::Theme(choice) = value {
                    self.tui.theme = *choice;
                }
            }
            Key::Mouse => value.switch(&mut self.tui.mouse),
            Key::ReducedMotion => value.switch(&mut self.tui.reduced_motion),
            Key::ScreenReader => value.switch(&mut self.tui.screen_reader),
            Key::Vim => value.switch(&mut self.tui.vim),
            Key::Progress => value.switch(&mut self.tui.progress),
            Key::History => value.switch(&mut self.tui.history),
            Key::Notify => value.switch(&mut self.tui.notify),
            Key::Notification(key) => self.notify.set(key, value),
            Key::Usage(key) => self.usage.set(*key, value),
            Key::UsageHttp(key) => self.usage_http.set(*key, value),
            Key::Tray(key) => self.tray.set(*key, value),
        }
    }
}

/// Rows for the keys that always have one. Only those that no layer set are used, and these still have their default.
fn defaults(config: &Config) -> impl Iterator<Item = OriginRow> + use<> {
    let duration = |duration| Some(Value::Duration(duration));
    let Config {
        daemon,
        session,
        permissions,
        lock,
        limits,
        tui,
        notify,
        usage,
        usage_http,
        tray,
        ..
    } = config;
    let switch = |on| Some(Value::Switch(on));
    [
        (Key::Agent, None),
        (Key::Model, None),
        (Key::IdleExit, duration(daemon.idle_exit)),
        (Key::LogLevel, Some(Value::Level(daemon.log_level))),
        (Key::PayloadLimit, Some(Value::Size(session.payload_limit))),
        (Key::StalledAfter, duration(session.stalled_after)),
        (
            Key::InterruptStalledAfter,
            duration(session.interrupt_stalled_after),
        ),
        (Key::RequestTimeout, duration(permissions.timeout)),
        (
            Key::AnswerWithoutLock,
            switch(permissions.answer_without_lock),
        ),
        (Key::AllowedRules, None),
        (Key::AskedRules, None),
        (Key::DeniedRules, None),
        (Key::LockWait, duration(lock.wait)),
        (Key::LockIdle, duration(lock.idle)),
        (Key::LockGrace, duration(lock.grace)),
        (
            Key::SessionsPerHour,
            Some(Value::Count(limits.sessions_per_hour)),
        ),
        (
            Key::MessagesPerMinute,
            Some(Value::Count(limits.messages_per_minute)),
        ),
        (Key::Theme, Some(Value::Theme(tui.theme))),
        (Key::Mouse, switch(tui.mouse)),
        (Key::ReducedMotion, switch(tui.reduced_motion)),
        (Key::ScreenReader, switch(tui.screen_reader)),
        (Key::Vim, switch(tui.vim)),
        (Key::Progress, switch(tui.progress)),
        (Key::History, switch(tui.history)),
        (Key::Notify, switch(tui.notify)),
    ]
    .into_iter()
    .chain(notify.defaults())
    .chain(usage.defaults())
    .chain(usage_http.defaults())
    .chain(tray.defaults())
    .map(|(key, value)| OriginRow {
        key,
        value,
        layer: Layer::Default,
        place: Place::BuiltIn,
        also: Vec::new(),
    })
}

/// The chosen agent has no command but one that was ignored.
fn useless_agent(
    settings: &BTreeMap<Key, read::Setting>,
    ignored: &[Ignored],
) -> Option<ConfigError> {
    let chosen = settings.get(&Key::Agent)?;
    let agent = AgentName::from(chosen.value.as_text()?);
    let command = Key::AgentCommand(agent.clone());
    let has_its_own = matches!(agent.0.as_str(), AgentName::CLAUDE | AgentName::DEMO);
    if has_its_own || settings.contains_key(&command) {
        return None;
    }
    let defined = ignored.iter().find(|ignored| ignored.key == command)?;
    Some(ConfigError {
        place: Some(chosen.place.clone()),
        reason: Reason::UntrustedAgent {
            agent,
            defined: defined.place.clone(),
        },
    })
}

#[cfg(test)]
mod tests;
