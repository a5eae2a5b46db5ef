//! Which accounts there are on this machine, and what there is to ask each: its directory, its program, its login. Looks at
//! files; must not run on the reactor. Nothing is run here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use betcode_core::command::{Environment, Rejected};
use betcode_core::config::UsageHttpConfig;
use betcode_core::id::AgentName;
use betcode_core::proxy::ProxyChoice;
use betcode_core::time::Timestamp;
use usage_core::credentials::Credentials;
use usage_core::planner;
use usage_core::provider::{Provider, claude, provider};
use usage_core::reading::{Account, ProviderId, Reading, Source};

use crate::agent::resolve::Layers;
use crate::settings::Settings;
use crate::text;

/// The name of the account that is used when nothing else is said.
pub(super) const DEFAULT: &str = "default";
/// What Claude Code keeps beside that grows with the projects.
const LONGEST_CACHE: usize = 16 << 20;
/// Set inside of agents: a program that is asked is in nobody's session.
const INSIDE: &[&str] = &["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"];

/// Where agents reach their service.
pub(super) const SERVICE: (&str, u16) = ("api.anthropic.com", 443);
/// Variables that name a proxy, in large letters.
const PROXIES: [&str; 3] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];

/// One account: whose it is and where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) provider: ProviderId,
    pub(super) account: Account,
    /// Where the agent keeps its configuration.
    pub(super) directory: PathBuf,
}

impl Place {
    /// A name that no other account has.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.provider.name(), self.account)
    }

    pub(super) fn provider(&self) -> &'static dyn Provider {
        provider(self.provider)
    }

    pub(super) fn is_default(&self) -> bool {
        self.account.0 == DEFAULT
    }

    /// The variable that leads the agent to the directory.
    pub(super) const fn variable(&self) -> &'static str {
        match self.provider {
            ProviderId::Claude => "CLAUDE_CONFIG_DIR",
            ProviderId::Codex => "CODEX_HOME",
        }
    }

    /// The name of the file with the login, in the directory.
    pub(super) const fn login_file(&self) -> &'static str {
        match self.provider {
            ProviderId::Claude => ".credentials.json",
            ProviderId::Codex => "auth.json",
        }
    }

    /// What the agent keeps about its login.
    pub(super) fn credentials(&self) -> Credentials {
        let file = self.directory.join(self.login_file());
        match text::whole_bytes(&file) {
            Ok(Some(bytes)) => self.provider().credentials(&bytes),
            // There it may be in the keychain.
            Ok(None) if cfg!(target_os = "macos") => Credentials::Unreadable,
            Ok(None) => Credentials::LoggedOut,
            Err(_) => Credentials::Unreadable,
        }
    }

    /// What the agent remembers of the last answer.
    pub(super) fn remembered(&self, home: &Path, now: Timestamp) -> Vec<Reading> {
        if self.provider != ProviderId::Claude {
            return Vec::new();
        }
        let file = if self.is_default() {
            home.join(".claude.json")
        } else {
            self.directory.join(".claude.json")
        };
        match text::raw(&file, LONGEST_CACHE) {
            Ok(Some(bytes)) => claude::cached_file(&bytes, &self.account, now).unwrap_or_default(),
            Ok(None) | Err(_) => Vec::new(),
        }
    }
}

/// The user's home.
pub(super) fn home(environment: &Environment) -> Option<&Path> {
    let home = environment.0.get("HOME").map(Path::new);
    home.filter(|home| home.is_absolute())
}

/// All accounts, Claude's before Codex's and the default ones first. Where there is nothing of Codex it has no account.
pub(super) fn places(settings: &Settings) -> Vec<Place> {
    let environment = &settings.environment;
    let Some(home) = home(environment) else {
        return Vec::new();
    };
    let mut found = vec![(ProviderId::Claude, home.join(".claude"))];
    let variable = |name: &str| {
        let value = environment.0.get(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    let claude = |directory| (ProviderId::Claude, directory);
    found.extend(variable("CLAUDE_CONFIG_DIR").map(claude));
    let chosen = settings.usage.claude_dirs.iter();
    found.extend(chosen.map(|directory| claude(below(home, directory))));
    let codex = [Some(home.join(".codex")), variable("CODEX_HOME")];
    let codex = codex.into_iter().flatten().filter(|it| it.is_dir());
    found.extend(codex.map(|directory| (ProviderId::Codex, directory)));
    let mut known = BTreeSet::new();
    let mut places = Vec::new();
    for (provider, directory) in found {
        let directory: PathBuf = directory.components().collect();
        if known.insert((provider, directory.clone())) {
            let account = named(home, &directory);
            places.push(Place {
                provider,
                account,
                directory,
            });
        }
    }
    places
}

/// `~/` is the user's home.
pub(super) fn below(home: &Path, directory: &str) -> PathBuf {
    match directory.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => PathBuf::from(directory),
    }
}

fn named(home: &Path, directory: &Path) -> Account {
    if directory == home.join(".claude") || directory == home.join(".codex") {
        return Account(DEFAULT.to_owned());
    }
    Account(match directory.strip_prefix(home) {
        Ok(rest) => format!("~/{}", rest.display()),
        Err(_) => directory.display().to_string(),
    })
}

/// What there is to ask an account, as things stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Means {
    /// The program, absolute.
    pub(super) program: Option<String>,
    /// What the program is run with.
    pub(super) environment: Environment,
    /// What may be asked, best first.
    pub(super) sources: Vec<Source>,
    /// Why nothing can be asked.
    pub(super) missing: Option<String>,
    /// The command that logs in: variables that it needs, and then its words.
    pub(super) login_command: Vec<String>,
    /// It is told when the login changes.
    pub(super) is_watched: bool,
}

impl Means {
    pub(super) fn settings(&self) -> planner::Settings {
        planner::Settings {
            sources: self.sources.clone(),
            credentials_are_watched: self.is_watched,
        }
    }
}

/// Looks for what there is to ask an account.
pub(super) fn means(settings: &Settings, place: &Place) -> Means {
    let name = AgentName::from(place.provider.name());
    let mut means = Means {
        login_command: login_command(place, place.provider.name()),
        ..Means::default()
    };
    if !settings.usage.enabled {
        means.missing = Some("it is switched off by usage.enabled".to_owned());
        return means;
    }
    if !place.directory.is_dir() {
        means.missing = Some(format!(
            "{} was not used yet: {} does not exist",
            place.provider.title(),
            place.directory.display()
        ));
        return means;
    }
    let layers = Layers::read(settings, false, None, None, &settings.environment);
    let found = layers.and_then(|layers| {
        let environment = layers.whole_environment(&name);
        Ok((layers.command(&name)?, environment))
    });
    match found {
        Ok((command, environment)) => match <[String; 1]>::try_from(command) {
            Ok([program]) => {
                means.environment = environment_for(settings, place, environment);
                means.login_command = login_command(place, &short(&program, &means.environment));
                means.program = Some(program);
            }
            // Nobody knows what somebody's own program does with other arguments.
            Err(_) => {
                means.missing = Some(format!(
                    "the command of agent {name} has arguments of its own, and is not asked"
                ));
            }
        },
        Err(rejected) => means.missing = Some(why(&rejected)),
    }
    let provider = place.provider();
    let sources = provider.sources().iter().copied();
    means.sources = sources
        .filter(|source| match provider.program(*source) {
            Some(_) => means.program.is_some(),
            None => settings.usage_http.enabled,
        })
        .collect();
    means
}

fn why(rejected: &Rejected) -> String {
    match rejected {
        Rejected::Agent { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

fn environment_for(
    settings: &Settings,
    place: &Place,
    mut environment: Environment,
) -> Environment {
    let variables = &mut environment.0;
    let provider = place.provider();
    let programs = provider.sources().iter();
    for program in programs.filter_map(|source| provider.program(*source)) {
        variables.retain(|name, _| !program.without.contains(&name.as_str()));
    }
    variables.retain(|name, _| !INSIDE.contains(&name.as_str()));
    proxied(&settings.usage_http, variables);
    if place.is_default() {
        // With the variable, the same directory is another account to Claude Code.
        variables.remove(place.variable());
    } else {
        let directory = place.directory.display().to_string();
        variables.insert(place.variable().to_owned(), directory);
    }
    environment
}

/// A service has no shell whose variables name a proxy: the settings do it.
fn proxied(config: &UsageHttpConfig, variables: &mut BTreeMap<String, String>) {
    let proxy = match &config.proxy {
        ProxyChoice::Variables => return,
        ProxyChoice::Direct => None,
        ProxyChoice::Through(proxy) => Some(proxy),
    };
    variables.retain(|name, _| !PROXIES.contains(&name.to_ascii_uppercase().as_str()));
    let (host, port) = SERVICE;
    let is_excepted = config.no_proxy.iter().any(|it| it.covers(host, port));
    if let Some(proxy) = proxy.filter(|_| !is_excepted) {
        for name in ["HTTPS_PROXY", "HTTP_PROXY"] {
            variables.insert(name.to_owned(), proxy.reveal());
        }
    }
}

/// The program's name, where that is enough to find it.
fn short(program: &str, environment: &Environment) -> String {
    let path = Path::new(program);
    let directories = environment.0.get("PATH").map_or("", String::as_str);
    let mut directories = std::env::split_paths(directories);
    let is_there = path
        .parent()
        .is_some_and(|it| directories.any(|other| other == it));
    let name = path.file_name().and_then(|name| name.to_str());
    name.filter(|_| is_there).unwrap_or(program).to_owned()
}

fn login_command(place: &Place, program: &str) -> Vec<String> {
    let mut words = Vec::new();
    if !place.is_default() {
        words.push(format!(
            "{}={}",
            place.variable(),
            place.directory.display()
        ));
    }
    words.push(program.to_owned());
    let rest: &[&str] = match place.provider {
        ProviderId::Claude => &["auth", "login"],
        ProviderId::Codex => &["login"],
    };
    words.extend(rest.iter().map(|word| (*word).to_owned()));
    words
}

#[cfg(test)]
mod tests;
