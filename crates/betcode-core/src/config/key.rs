//! The table of keys: everything that can be set, in one place.

mod notify;
mod screen;
mod tray;
mod usage;
mod usage_http;

use std::fmt;

use super::error::{ConfigError, Reason};
use super::value::{Kind, is_agent_name};
use crate::id::AgentName;
pub use notify::NotifyKey;
use screen::{
    HISTORY, MOUSE, NOTIFY, PROGRESS, REDUCED_MOTION, SCREEN_KEYS, SCREEN_READER, THEME, VIM,
};
pub use tray::TrayKey;
pub use usage::UsageKey;
pub use usage_http::UsageHttpKey;

/// What is known about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name in a file, with `<…>` for parts that one chooses.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What holds when nothing is set, for people.
    pub default: &'static str,
    /// What it does.
    pub description: &'static str,
    /// The variable that sets it.
    pub variable: Option<&'static str>,
    /// Whether a project's files may set it.
    pub projects: Projects,
}

/// Whether a project's files may set a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projects {
    /// It does no harm.
    Always,
    /// It decides what is run.
    WhenTrusted,
    /// It is about the daemon, which serves all projects.
    Never,
    /// It is about the person in front of the screen: a project that could choose the keys could choose what `n` answers.
    Personal,
}

static AGENT: KeyInfo = KeyInfo {
    name: "agent",
    kind: Kind::Agent,
    default: "the first that is installed",
    description: "the agent of new sessions",
    variable: Some("BETCODE_AGENT"),
    projects: Projects::Always,
};
static MODEL: KeyInfo = KeyInfo {
    name: "model",
    kind: Kind::Text,
    default: "the agent's own",
    description: "the model of new sessions",
    variable: Some("BETCODE_MODEL"),
    projects: Projects::Always,
};
static AGENT_COMMAND: KeyInfo = KeyInfo {
    name: "agents.<name>.command",
    kind: Kind::Words,
    default: "the agent's usual program",
    description: "the program that is run for an agent, and its arguments",
    variable: Some("BETCODE_AGENT_<NAME>_COMMAND"),
    projects: Projects::WhenTrusted,
};
static AGENT_VARIABLE: KeyInfo = KeyInfo {
    name: "agents.<name>.env.<variable>",
    kind: Kind::Secret,
    default: "as the agent inherits it",
    description: "a variable of an agent's environment; never printed",
    variable: None,
    projects: Projects::WhenTrusted,
};
static IDLE_EXIT: KeyInfo = KeyInfo {
    name: "daemon.idle_exit",
    kind: Kind::Duration,
    default: "15m",
    description: "how long a daemon that started by itself stays when nothing needs it",
    variable: Some("BETCODE_IDLE_EXIT"),
    projects: Projects::Never,
};
static LOG_LEVEL: KeyInfo = KeyInfo {
    name: "daemon.log_level",
    kind: Kind::Level,
    default: "info",
    description: "how much the daemon writes to its log file",
    variable: Some("BETCODE_LOG"),
    projects: Projects::Never,
};
static PAYLOAD_LIMIT: KeyInfo = KeyInfo {
    name: "session.payload_limit",
    kind: Kind::Size,
    default: "10MiB",
    description: "the largest tool output or message that is stored whole",
    variable: Some("BETCODE_PAYLOAD_LIMIT"),
    projects: Projects::Never,
};
static STALLED_AFTER: KeyInfo = KeyInfo {
    name: "session.stalled_after",
    kind: Kind::Stall,
    default: "2m",
    description: "after how long without a sign of life from a working agent its turn is called stalled",
    variable: None,
    projects: Projects::Never,
};
static INTERRUPT_STALLED_AFTER: KeyInfo = KeyInfo {
    name: "session.interrupt_stalled_after",
    kind: Kind::LongStall,
    default: "0s",
    description: "after how long without a sign of life a stalled turn is interrupted; 0: never",
    variable: None,
    projects: Projects::Never,
};

static REQUEST_TIMEOUT: KeyInfo = KeyInfo {
    name: "permissions.timeout",
    kind: Kind::Lifetime,
    default: "7d",
    description: "how long a request for permission or a question waits for an answer",
    variable: None,
    projects: Projects::Never,
};
static ANSWER_WITHOUT_LOCK: KeyInfo = KeyInfo {
    name: "permissions.answer_without_lock",
    kind: Kind::Switch,
    default: "false",
    description: "whether requests may be answered while somebody else holds the input lock",
    variable: None,
    projects: Projects::Never,
};
static ALLOWED_RULES: KeyInfo = KeyInfo {
    name: "permissions.allow",
    kind: Kind::Rules,
    default: "nothing",
    description: "what agents may do without asking; the rules of all layers count together",
    variable: Some("BETCODE_PERMISSIONS_ALLOW"),
    projects: Projects::WhenTrusted,
};
static ASKED_RULES: KeyInfo = KeyInfo {
    name: "permissions.ask",
    kind: Kind::Rules,
    default: "nothing",
    description: "what agents may do only after a question; the rules of all layers count together",
    variable: Some("BETCODE_PERMISSIONS_ASK"),
    projects: Projects::Always,
};
static DENIED_RULES: KeyInfo = KeyInfo {
    name: "permissions.deny",
    kind: Kind::Rules,
    default: "nothing",
    description: "what agents may not do; the rules of all layers count together",
    variable: Some("BETCODE_PERMISSIONS_DENY"),
    projects: Projects::Always,
};
static LOCK_WAIT: KeyInfo = KeyInfo {
    name: "lock.wait",
    kind: Kind::Wait,
    default: "10s",
    description: "how long the holder of the input lock has to object when somebody asks for it",
    variable: None,
    projects: Projects::Never,
};
static LOCK_IDLE: KeyInfo = KeyInfo {
    name: "lock.idle",
    kind: Kind::Duration,
    default: "30s",
    description: "after how long without input a holder need not be asked before somebody else answers a request",
    variable: None,
    projects: Projects::Never,
};
static LOCK_GRACE: KeyInfo = KeyInfo {
    name: "lock.grace",
    kind: Kind::Duration,
    default: "10s",
    description: "how long a holder that went away keeps the input lock",
    variable: None,
    projects: Projects::Never,
};
static SESSIONS_PER_HOUR: KeyInfo = KeyInfo {
    name: "limits.sessions_per_hour",
    kind: Kind::Count,
    default: "0",
    description: "how many new sessions an hour; 0: as many as one likes",
    variable: None,
    projects: Projects::Never,
};
static MESSAGES_PER_MINUTE: KeyInfo = KeyInfo {
    name: "limits.messages_per_minute",
    kind: Kind::Count,
    default: "0",
    description: "how many messages a minute to one session; 0: as many as one likes",
    variable: None,
    projects: Projects::Never,
};
static KEYS: &[&KeyInfo] = &[
    &AGENT,
    &MODEL,
    &AGENT_COMMAND,
    &AGENT_VARIABLE,
    &IDLE_EXIT,
    &LOG_LEVEL,
    &PAYLOAD_LIMIT,
    &STALLED_AFTER,
    &INTERRUPT_STALLED_AFTER,
    &REQUEST_TIMEOUT,
    &ANSWER_WITHOUT_LOCK,
    &ALLOWED_RULES,
    &ASKED_RULES,
    &DENIED_RULES,
    &LOCK_WAIT,
    &LOCK_IDLE,
    &LOCK_GRACE,
    &SESSIONS_PER_HOUR,
    &MESSAGES_PER_MINUTE,
    &SCREEN_KEYS,
    &THEME,
    &MOUSE,
    &REDUCED_MOTION,
    &SCREEN_READER,
    &NOTIFY,
    &VIM,
    &PROGRESS,
    &HISTORY,
    &notify::OFF,
    &notify::QUIET_HOURS,
    &notify::FOCUS,
    &notify::WAITING_PASSES_SNOOZE,
    &notify::CRITICAL_PASSES_QUIET,
    &notify::PREVIEW,
    &notify::TURN_AFTER,
    &notify::COMMAND,
    &notify::URL,
    &usage::ENABLED,
    &usage::WARNING,
    &usage::CRITICAL,
    &usage::RESET_SOON,
    &usage::CLAUDE_DIRS,
    &usage::DAILY_GOAL,
    &usage::WINDOW,
    &usage_http::HTTP,
    &usage_http::PROXY,
    &usage_http::NO_PROXY,
    &usage_http::CA_FILES,
    &usage_http::PINS,
    &usage_http::PINS_UNTIL,
    &usage_http::PINNING,
    &tray::ICON,
    &tray::PULSE,
    &tray::TERMINAL,
    &tray::START,
];

/// The keys that have no parts to choose.
static WHOLE: [Key; 25] = [
    Key::Agent,
    Key::Model,
    Key::IdleExit,
    Key::LogLevel,
    Key::PayloadLimit,
    Key::StalledAfter,
    Key::InterruptStalledAfter,
    Key::RequestTimeout,
    Key::AnswerWithoutLock,
    Key::AllowedRules,
    Key::AskedRules,
    Key::DeniedRules,
    Key::LockWait,
    Key::LockIdle,
    Key::LockGrace,
    Key::SessionsPerHour,
    Key::MessagesPerMinute,
    Key::Theme,
    Key::Mouse,
    Key::ReducedMotion,
    Key::ScreenReader,
    Key::Notify,
    Key::Vim,
    Key::Progress,
    Key::History,
];

/// Everything that can be set.
pub fn keys() -> &'static [&'static KeyInfo] {
    KEYS
}

/// One key, with its parts filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// `agent`.
    Agent,
    /// `model`.
    Model,
    /// `agents.<name>.command`.
    AgentCommand(AgentName),
    /// `agents.<name>.env.<variable>`.
    AgentVariable(AgentName, String),
    /// `daemon.idle_exit`.
    IdleExit,
    /// `daemon.log_level`.
    LogLevel,
    /// `session.payload_limit`.
    PayloadLimit,
    /// `session.stalled_after`.
    StalledAfter,
    /// `session.interrupt_stalled_after`.
    InterruptStalledAfter,
    /// `permissions.timeout`.
    RequestTimeout,
    /// `permissions.answer_without_lock`.
    AnswerWithoutLock,
    /// `permissions.allow`.
    AllowedRules,
    /// `permissions.ask`.
    AskedRules,
    /// `permissions.deny`.
    DeniedRules,
    /// `lock.wait`.
    LockWait,
    /// `lock.idle`.
    LockIdle,
    /// `lock.grace`.
    LockGrace,
    /// `limits.sessions_per_hour`.
    SessionsPerHour,
    /// `limits.messages_per_minute`.
    MessagesPerMinute,
    /// `tui.keys.<action>`.
    ScreenKeys(String),
    /// `tui.theme`.
    Theme,
    /// `tui.mouse`.
    Mouse,
    /// `tui.reduced_motion`.
    ReducedMotion,
    /// `tui.screen_reader`.
    ScreenReader,
    /// `tui.notify`.
    Notify,
    /// `tui.vim`.
    Vim,
    /// `tui.progress`.
    Progress,
    /// `tui.history`.
    History,
    /// Below `notify`.
    Notification(NotifyKey),
    /// Below `usage`.
    Usage(UsageKey),
    /// Below `usage`: the connection to the providers' endpoints.
    UsageHttp(UsageHttpKey),
    /// Below `tray`.
    Tray(TrayKey),
}

impl Key {
    /// Reads a dotted key. What comes after `env.` is a variable's name, dots and all.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut path: Vec<&str> = text.split('.').collect();
        if let ["agents", name, "env", ..] = *path {
            let start = "agents..env.".len() + name.len();
            if let Some(variable) = text.get(start..) {
                path = vec!["agents", name, "env", variable];
            }
        }
        let reason = match Self::from_path(&path) {
            Some(key) => match key.bad_name() {
                None => return Ok(key),
                Some(reason) => reason,
            },
            None if is_section(&path) => section(&path),
            None => unknown(&path),
        };
        Err(ConfigError {
            place: None,
            reason,
        })
    }

    /// What is known about it.
    pub fn info(&self) -> &'static KeyInfo {
        match self {
            Self::Agent => &AGENT,
            Self::Model => &MODEL,
            Self::AgentCommand(_) => &AGENT_COMMAND,
            Self::AgentVariable(..) => &AGENT_VARIABLE,
            Self::IdleExit => &IDLE_EXIT,
            Self::LogLevel => &LOG_LEVEL,
            Self::PayloadLimit => &PAYLOAD_LIMIT,
            Self::StalledAfter => &STALLED_AFTER,
            Self::InterruptStalledAfter => &INTERRUPT_STALLED_AFTER,
            Self::RequestTimeout => &REQUEST_TIMEOUT,
            Self::AnswerWithoutLock => &ANSWER_WITHOUT_LOCK,
            Self::AllowedRules => &ALLOWED_RULES,
            Self::AskedRules => &ASKED_RULES,
            Self::DeniedRules => &DENIED_RULES,
            Self::LockWait => &LOCK_WAIT,
            Self::LockIdle => &LOCK_IDLE,
            Self::LockGrace => &LOCK_GRACE,
            Self::SessionsPerHour => &SESSIONS_PER_HOUR,
            Self::MessagesPerMinute => &MESSAGES_PER_MINUTE,
            Self::ScreenKeys(_) => &SCREEN_KEYS,
            Self::Theme => &THEME,
            Self::Mouse => &MOUSE,
            Self::ReducedMotion => &REDUCED_MOTION,
            Self::ScreenReader => &SCREEN_READER,
            Self::Notify => &NOTIFY,
            Self::Vim => &VIM,
            Self::Progress => &PROGRESS,
            Self::History => &HISTORY,
            Self::Notification(key) => key.info(),
            Self::Usage(key) => key.info(),
            Self::UsageHttp(key) => key.info(),
            Self::Tray(key) => key.info(),
        }
    }

    /// The parts that one chooses: an agent, and perhaps a variable of its environment.
    pub(super) fn parts(&self) -> Option<(&AgentName, Option<&str>)> {
        match self {
            Self::AgentCommand(agent) => Some((agent, None)),
            Self::AgentVariable(agent, variable) => Some((agent, Some(variable))),
            _ => None,
        }
    }

    /// The tables that lead to it, and its own name, as they nest in a file.
    pub fn path(&self) -> Vec<&str> {
        if let Self::ScreenKeys(action) = self {
            return vec!["tui", "keys", action];
        }
        if let Self::Notification(key) = self {
            return key.path();
        }
        match self.parts() {
            Some((agent, None)) => vec!["agents", &agent.0, "command"],
            Some((agent, Some(variable))) => vec!["agents", &agent.0, "env", variable],
            None => self.info().name.split('.').collect(),
        }
    }

    pub(super) fn from_path(path: &[&str]) -> Option<Self> {
        match *path {
            ["agents", agent, "command"] => Some(Self::AgentCommand(agent.into())),
            ["agents", agent, "env", variable] => {
                Some(Self::AgentVariable(agent.into(), variable.to_owned()))
            }
            // Which actions there are is known to whoever shows the screen.
            ["tui", "keys", action] => Some(Self::ScreenKeys(action.to_owned())),
            ["notify", ..] => NotifyKey::from_path(path).map(Self::Notification),
            ["usage", ..] => UsageKey::from_path(path)
                .map(Self::Usage)
                .or_else(|| UsageHttpKey::from_path(path).map(Self::UsageHttp)),
            ["tray", ..] => TrayKey::from_path(path).map(Self::Tray),
            _ => WHOLE.iter().find(|key| key.path() == path).cloned(),
        }
    }

    /// The variable of the environment that sets it.
    pub fn variable(&self) -> Option<String> {
        match self {
            Self::AgentCommand(agent) => Some(agent_command_variable(agent)),
            _ => self.info().variable.map(str::to_owned),
        }
    }

    pub(super) fn from_variable(name: &str) -> Option<Self> {
        let usage = usage::ALL.map(Self::Usage);
        let mut whole = WHOLE.iter().chain(&usage);
        whole.find(|key| key.info().variable == Some(name)).cloned()
    }

    /// What is wrong with the parts that one chooses.
    pub(super) fn bad_name(&self) -> Option<Reason> {
        let (agent, variable) = self.parts()?;
        let bad = |name: &str, allowed| {
            Some(Reason::BadName {
                name: name.to_owned(),
                allowed,
            })
        };
        if !is_agent_name(&agent.0) {
            return bad(&agent.0, Kind::Agent.allowed());
        }
        let fits = |variable: &str| {
            !variable.is_empty() && !variable.contains(|c: char| c == '=' || c.is_control())
        };
        match variable {
            Some(variable) if !fits(variable) => bad(variable, "the name of a variable".to_owned()),
            Some(_) | None => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.path().join("."))
    }
}

/// The variable that sets the command of an agent.
pub fn agent_command_variable(agent: &AgentName) -> String {
    let name = agent.0.to_ascii_uppercase().replace('-', "_");
    format!("BETCODE_AGENT_{name}_COMMAND")
}

/// Whether keys lie below this path.
pub(super) fn is_section(path: &[&str]) -> bool {
    KEYS.iter().any(|info| below(info, path).is_some())
}

/// What may stand directly below this path.
fn members(path: &[&str]) -> Vec<String> {
    let mut members: Vec<String> = Vec::new();
    for member in KEYS.iter().filter_map(|info| below(info, path)) {
        if !members.iter().any(|known| known == member) {
            members.push(member.to_owned());
        }
    }
    members
}

/// A path as a message shows it: quoted names in a file may hold anything, terminal sequences too.
pub(super) fn dotted(path: &[&str]) -> String {
    let parts: Vec<String> = path
        .iter()
        .map(|part| part.escape_debug().to_string())
        .collect();
    parts.join(".")
}

/// What to say about a table of settings that stands or is named where one setting belongs.
pub(super) fn section(path: &[&str]) -> Reason {
    Reason::Section {
        key: dotted(path),
        members: members(path),
    }
}

/// What to say about a key that does not exist.
pub(super) fn unknown(path: &[&str]) -> Reason {
    let (name, parents) = path.split_last().unwrap_or((&"", &[]));
    let siblings = members(parents);
    let mut prefix = dotted(parents);
    if !prefix.is_empty() {
        prefix.push('.');
    }
    let here = nearest(name, siblings.iter().map(String::as_str))
        .map(|sibling| format!("{prefix}{sibling}"));
    let elsewhere = || {
        let last = |info: &&'static KeyInfo| info.name.rsplit('.').next();
        let best = nearest(name, KEYS.iter().filter_map(last))?;
        let info = KEYS.iter().find(|info| last(info) == Some(best))?;
        Some(info.name.to_owned())
    };
    Reason::UnknownKey {
        key: dotted(path),
        suggestion: here.or_else(elsewhere),
        allowed: siblings
            .into_iter()
            .map(|member| format!("{prefix}{member}"))
            .collect(),
    }
}

/// The part of a key's name that comes directly below `path`, if it does lie below.
fn below(info: &'static KeyInfo, path: &[&str]) -> Option<&'static str> {
    let mut parts = info.name.split('.');
    let matches = path.iter().all(|part| {
        parts
            .next()
            .is_some_and(|known| known == *part || known.starts_with('<'))
    });
    if matches { parts.next() } else { None }
}

/// The one that was probably meant: at most a third of the letters differ, and two letters never do by chance.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .filter(|candidate| !candidate.starts_with('<'))
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
