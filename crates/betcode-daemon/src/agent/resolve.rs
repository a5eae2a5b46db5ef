//! Which agent a session gets, and the command that starts it. Nothing is run here.
//!
//! The agent is the first that is named by: the client (`--agent`), `BETCODE_AGENT`, the project's configuration, the user's.
//! When none is named: the first installed one that this build can drive, else the demo agent, with a line that says so.
//!
//! Its command is the first of: `BETCODE_AGENT_<NAME>_COMMAND`, `[agents.NAME] command` of a trusted project or of the user,
//! its usual program. A program without a slash is looked for in the *client's* `PATH`, in absolute directories only, so that
//! a project cannot put its own in the way.

use std::path::{Path, PathBuf};

use betcode_agents::Kind;
use betcode_core::command::{Environment, Rejected};
use betcode_core::config::{self, Config, Key, Layer, Place, Reason, Resolution, Source};
use betcode_core::id::AgentName;
use rustix::fs::Access;

use crate::settings::{self, Settings};

/// Agents that the program knows by name, in the order of preference.
pub const KNOWN: [&str; 6] = [
    AgentName::CLAUDE,
    "codex",
    "gemini",
    "opencode",
    "builtin",
    AgentName::DEMO,
];
/// Said when nothing better than the demo agent is there.
pub const DEMO_NOTICE: &str =
    "No agent is installed: using the demo agent, which has no model. See betcode agent list.";

/// An agent that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its name.
    pub name: AgentName,
    /// The protocol that it speaks.
    pub kind: Kind,
    /// Its program, absolute, and the arguments that come before the driver's.
    pub command: Vec<String>,
    /// Variables that the configuration sets over the client's. They may be secrets.
    pub environment: Vec<(String, String)>,
    /// One line each for the user.
    pub notices: Vec<String>,
}

/// Decides which agent a session in `cwd` gets. `trusted` is whether the user trusts that directory; `client_env` is the
/// environment of the client that asks.
pub fn resolve(
    settings: &Settings,
    trusted: bool,
    wanted: Option<&AgentName>,
    cwd: &Path,
    client_env: &Environment,
) -> Result<Resolved, Rejected> {
    check_directory(cwd)?;
    let mut layers = Layers::read(settings, trusted, wanted, Some(cwd), client_env)?;
    let name = match layers.resolution.config.agent.clone() {
        Some(name) => name,
        None => layers.choose()?,
    };
    let kind = layers.kind(&name)?;
    let command = layers.command(&name)?;
    Ok(Resolved {
        kind,
        command,
        environment: layers.environment(&name),
        notices: layers.notices,
        name,
    })
}

/// The words of a command with its program made absolute. `what` is how a message names the command.
pub fn absolute(
    what: &str,
    words: &[String],
    cwd: &Path,
    client_env: &Environment,
) -> Result<Vec<String>, Rejected> {
    let (program, arguments) = words.split_first().ok_or_else(|| Rejected::Agent {
        message: format!("{what}: the command is empty"),
        hint: "name a program".to_owned(),
    })?;
    let found = find(program, cwd, client_env).map_err(|problem| Rejected::Agent {
        message: format!("{what}: {problem}"),
        hint: "correct the command, or choose another agent with --agent; see betcode agent list"
            .to_owned(),
    })?;
    Ok(std::iter::once(found)
        .chain(arguments.iter().cloned())
        .collect())
}

/// All the layers of configuration that count for a directory, and where to look for programs.
#[derive(Debug)]
pub(crate) struct Layers<'a> {
    settings: &'a Settings,
    cwd: &'a Path,
    client_env: &'a Environment,
    pub(crate) resolution: Resolution,
    pub(crate) notices: Vec<String>,
}

impl<'a> Layers<'a> {
    pub(crate) fn read(
        settings: &'a Settings,
        trusted: bool,
        wanted: Option<&AgentName>,
        cwd: Option<&'a Path>,
        client_env: &'a Environment,
    ) -> Result<Self, Rejected> {
        let user_file = settings.config_dir.join(config::USER_FILE);
        let mut sources = vec![Source::environment(client_env.0.clone())];
        sources.extend(settings::file(Layer::User, &user_file).map_err(unreadable)?);
        let mut notices = Vec::new();
        let mut project_files = Vec::new();
        for (layer, name) in [
            (Layer::Project, config::PROJECT_FILE),
            (Layer::ProjectLocal, config::PROJECT_LOCAL_FILE),
        ] {
            let Some(path) = cwd.map(|cwd| cwd.join(name)) else {
                continue;
            };
            match settings::file(layer, &path) {
                Ok(source) => sources.extend(source),
                Err(problem) => notices.push(problem),
            }
            project_files.push(path.display().to_string());
        }
        if let Some(wanted) = wanted {
            sources.push(Source::flags([("--agent", "agent", wanted.0.as_str())]));
        }
        let resolution = config::resolve(&sources, trusted);
        // Rules that do not count are told where rules are read.
        let ignored = resolution.ignored.iter();
        let ignored = ignored.filter(|ignored| ignored.key != Key::AllowedRules);
        notices.extend(ignored.map(ToString::to_string));
        for error in &resolution.errors {
            let in_project = matches!(&error.place, Some(Place::File { path, .. }) if project_files.contains(path));
            // Nobody is kept from working by what comes with a project; what the user wrote is worth a refusal. That a
            // whole file does not count is told where rules are read.
            if in_project {
                if !matches!(error.reason, Reason::Syntax { .. }) {
                    notices.push(error.to_string());
                }
                continue;
            }
            let hint = error
                .hint()
                .unwrap_or("correct it and try again; see betcode config show --origin");
            return Err(Rejected::Agent {
                message: error.to_string(),
                hint: hint.to_owned(),
            });
        }
        Ok(Self {
            settings,
            cwd: cwd.unwrap_or(Path::new("/")),
            client_env,
            resolution,
            notices,
        })
    }

    fn config(&self) -> &Config {
        &self.resolution.config
    }

    /// The agent of a session for which none is named.
    pub(crate) fn choose(&mut self) -> Result<AgentName, Rejected> {
        for name in KNOWN.map(AgentName::from) {
            if name.0 == AgentName::DEMO || Kind::of(&name).is_none() {
                continue;
            }
            match self.command(&name) {
                Ok(_) => return Ok(name),
                // A command that the user wrote down and that does not work is an error, not an absent agent.
                Err(error) if self.configured(&name).is_some() => return Err(error),
                Err(_) => {}
            }
        }
        self.notices.push(DEMO_NOTICE.to_owned());
        Ok(AgentName::from(AgentName::DEMO))
    }

    /// The protocol of an agent, or what is wrong with its name.
    pub(crate) fn kind(&self, name: &AgentName) -> Result<Kind, Rejected> {
        if let Some(kind) = Kind::of(name) {
            return Ok(kind);
        }
        let drivable: Vec<&str> = KNOWN
            .into_iter()
            .filter(|known| Kind::of(&AgentName::from(*known)).is_some())
            .collect();
        let drivable = drivable.join(" or ");
        let named = |known: &str| known == name.0;
        if KNOWN.into_iter().any(named) {
            return Err(Rejected::Agent {
                message: format!(
                    "agent `{name}` is known, but this version of BetCode cannot drive it yet"
                ),
                hint: format!("choose {drivable} with --agent; see betcode agent list"),
            });
        }
        if self.config().agents.contains_key(name) {
            return Err(Rejected::Agent {
                message: format!(
                    "agent `{name}` speaks a protocol that this version of BetCode does not know"
                ),
                hint: format!(
                    "choose {drivable} with --agent; a program that speaks as claude does can be set as agents.claude.command"
                ),
            });
        }
        let suggestion = nearest(&name.0, self.names().iter().map(|name| name.0.as_str()))
            .map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
        Err(Rejected::Agent {
            message: format!("there is no agent `{name}`{suggestion}"),
            hint: "run betcode agent list to see them all".to_owned(),
        })
    }

    /// Every agent that has a name here, in the order of preference, those of the configuration before the demo.
    pub(crate) fn names(&self) -> Vec<AgentName> {
        let mut names: Vec<AgentName> = KNOWN.map(AgentName::from).into();
        let demo = names.pop();
        for name in self.config().agents.keys() {
            if !KNOWN.contains(&name.0.as_str()) {
                names.push(name.clone());
            }
        }
        names.extend(demo);
        names
    }

    /// The command that the configuration sets for an agent, and where it does.
    fn configured(&self, name: &AgentName) -> Option<(&[String], String)> {
        let words = self.config().agents.get(name)?.command.as_deref()?;
        let place = self
            .resolution
            .origin(&Key::AgentCommand(name.clone()))?
            .place
            .to_string();
        Some((words, place))
    }

    /// The command of an agent, its program absolute.
    pub(crate) fn command(&self, name: &AgentName) -> Result<Vec<String>, Rejected> {
        if let Some((words, place)) = self.configured(name) {
            return absolute(
                &format!("agent `{name}` ({place})"),
                words,
                self.cwd,
                self.client_env,
            );
        }
        match name.0.as_str() {
            AgentName::DEMO => Ok(self.settings.demo_command.clone()),
            AgentName::CLAUDE => self.claude(),
            "builtin" => Err(Rejected::Agent {
                message: "agent `builtin` is not part of this version of BetCode".to_owned(),
                hint: "choose another agent".to_owned(),
            }),
            other => find(other, self.cwd, self.client_env)
                .map(|program| vec![program])
                .map_err(|problem| Rejected::Agent {
                    message: format!("agent `{name}`: {problem}"),
                    hint: format!("install it, or set agents.{name}.command"),
                }),
        }
    }

    /// Its own installer may put it where no `PATH` leads.
    fn claude(&self) -> Result<Vec<String>, Rejected> {
        let at_home = || find("~/.claude/local/claude", self.cwd, self.client_env).ok();
        match find(AgentName::CLAUDE, self.cwd, self.client_env) {
            Ok(program) => Ok(vec![program]),
            Err(problem) => at_home()
                .map(|program| vec![program])
                .ok_or_else(|| Rejected::Agent {
                    message: format!("agent `claude`: {problem}"),
                    hint: format!(
                        "{}, or try betcode with --agent demo",
                        install_hint(AgentName::CLAUDE)
                    ),
                }),
        }
    }

    fn environment(&self, name: &AgentName) -> Vec<(String, String)> {
        self.config()
            .agents
            .get(name)
            .map(|agent| agent.env.0.clone().into_iter().collect())
            .unwrap_or_default()
    }

    /// What an agent's program is run with: the client's environment and what the configuration sets over it.
    pub(crate) fn whole_environment(&self, name: &AgentName) -> Environment {
        let mut environment = self.client_env.clone();
        environment.0.extend(self.environment(name));
        environment
    }
}

/// What installs an agent.
pub(crate) fn install_hint(name: &str) -> String {
    match name {
        AgentName::CLAUDE => "run npm install -g @anthropic-ai/claude-code".to_owned(),
        other => format!("install {other}"),
    }
}

fn unreadable(message: String) -> Rejected {
    Rejected::Agent {
        message,
        hint: "make it readable, or remove it".to_owned(),
    }
}

pub(crate) fn check_directory(cwd: &Path) -> Result<(), Rejected> {
    let shown = cwd.display();
    let problem = if cwd.is_relative() {
        format!("`{shown}` is not an absolute path")
    } else {
        match std::fs::metadata(cwd) {
            Ok(data) if !data.is_dir() => format!("`{shown}` is not a directory"),
            Ok(_) => match rustix::fs::access(cwd, Access::EXEC_OK) {
                Ok(()) => return Ok(()),
                Err(error) => format!(
                    "`{shown}` cannot be entered: {}",
                    std::io::Error::from(error)
                ),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                format!("the directory `{shown}` does not exist")
            }
            Err(error) => format!("`{shown}` cannot be looked at: {error}"),
        }
    };
    Err(Rejected::Invalid {
        field: "cwd",
        problem,
    })
}

/// The absolute path of a program, or what is wrong with it.
fn find(program: &str, cwd: &Path, client_env: &Environment) -> Result<String, String> {
    if program.is_empty() {
        return Err("the program's name is empty".to_owned());
    }
    if program.contains('/') {
        let home = client_env.0.get("HOME");
        let path = match (program.strip_prefix("~/"), home) {
            (Some(below), Some(home)) => Path::new(home).join(below),
            _ => cwd.join(program),
        };
        return match executable(&path) {
            Ok(()) => text(path),
            Err(problem) => Err(format!("`{}` {problem}", path.display())),
        };
    }
    let path_variable = client_env.0.get("PATH").map_or("", String::as_str);
    let mut unusable = None;
    for directory in
        std::env::split_paths(path_variable).filter(|directory| directory.is_absolute())
    {
        let path = directory.join(program);
        match executable(&path) {
            Ok(()) => return text(path),
            Err(Unusable::Missing) => {}
            Err(problem) => unusable = unusable.or(Some(format!("`{}` {problem}", path.display()))),
        }
    }
    Err(unusable.unwrap_or_else(|| format!("the program `{program}` was not found in PATH")))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unusable {
    Missing,
    Directory,
    NotExecutable,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Missing => "does not exist",
            Self::Directory => "is not a program",
            Self::NotExecutable => "is not executable",
        })
    }
}

fn executable(path: &Path) -> Result<(), Unusable> {
    match std::fs::metadata(path) {
        Err(_) => Err(Unusable::Missing),
        Ok(data) if !data.is_file() => Err(Unusable::Directory),
        Ok(_) if rustix::fs::access(path, Access::EXEC_OK).is_err() => Err(Unusable::NotExecutable),
        Ok(_) => Ok(()),
    }
}

fn text(path: PathBuf) -> Result<String, String> {
    path.into_os_string().into_string().map_err(|path| {
        format!(
            "`{}` is not UTF-8, so it cannot be an agent's program",
            path.to_string_lossy()
        )
    })
}

/// The one that was probably meant: at most a third of the letters differ.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests;
