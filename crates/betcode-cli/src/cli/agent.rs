//! `betcode agent`: which agents could be used here, and what is missing.

use betcode_client::Agent;
use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::nearest::nearest;
use crate::table::Table;

/// Show which agents are installed and what is missing
#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    #[command(subcommand)]
    command: AgentCommand,
}

#[derive(Debug, Subcommand)]
enum AgentCommand {
    /// List agents
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Check one agent, or the one that a new session would use; fails when it cannot be used
    Check {
        /// The agent
        name: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: AgentArgs, context: &mut Context) -> Result<Exit, Failure> {
    let cwd = context
        .cwd()
        .ok()
        .and_then(|cwd| cwd.to_str().map(str::to_owned));
    let (environment, _) = context.environment.for_agents();
    let agents = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.agents(cwd.as_deref(), &environment).await?)
    })?;
    match args.command {
        AgentCommand::List { json } => list(&agents, json, context),
        AgentCommand::Check { name, json } => check(&agents, name.as_deref(), json, context),
    }
}

fn list(agents: &[Agent], json: bool, context: &mut Context) -> Result<Exit, Failure> {
    if json {
        context.output.json(&agents)?;
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&[
        "",
        "AGENT",
        "INSTALLED",
        "VERSION",
        "LOGIN",
        "RULES",
        "WHAT TO DO",
    ]);
    for agent in agents {
        let installed = match (agent.installed, agent.supported) {
            (true, true) => "yes",
            (true, false) => "yes, not supported yet",
            (false, _) => "no",
        };
        let chosen = if agent.chosen { "*" } else { "" };
        table.row(
            [
                chosen,
                &agent.name,
                installed,
                &agent.version,
                &agent.login,
                &agent.rules,
                &agent.hint,
            ]
            .map(str::to_owned),
        );
    }
    let text = table.render(context.output.colours());
    context.output.write(text.as_bytes())?;
    if agents.iter().any(|agent| agent.chosen) {
        context.output.line("* a new session here uses this one")?;
    }
    Ok(Exit::Success)
}

fn check(
    agents: &[Agent],
    name: Option<&str>,
    json: bool,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let found = match name {
        Some(name) => agents.iter().find(|agent| agent.name == name),
        None => agents.iter().find(|agent| agent.chosen),
    };
    let Some(agent) = found else {
        let Some(name) = name else {
            return Err(Failure::general("NO_AGENT", "no agent can be used here")
                .hint("betcode agent list shows why"));
        };
        let known = agents.iter().map(|agent| agent.name.as_str());
        let failure = Failure::not_found("AGENT_NOT_FOUND", format!("there is no agent `{name}`"));
        return Err(match nearest(name, known) {
            Some(nearest) => failure.hint(format!("did you mean `{nearest}`?")),
            None => failure.hint("betcode agent list shows the agents"),
        });
    };
    let problem = problem(agent);
    if let Some(problem) = problem {
        let failure = Failure::general("AGENT_UNAVAILABLE", format!("{} {problem}", agent.name));
        return Err(if agent.hint.is_empty() {
            failure
        } else {
            failure.hint(agent.hint.as_str())
        });
    }
    if json {
        context.output.json(agent)?;
    } else {
        let version = if agent.version.is_empty() {
            "of unknown version"
        } else {
            agent.version.as_str()
        };
        context
            .output
            .line(&format!("{} {version} can be used", agent.name))?;
        context
            .output
            .line(&format!("command: {}", shell_words::join(&agent.command)))?;
        context.output.line(&format!("login: {}", agent.login))?;
        if let Some(rules) = reach(&agent.rules) {
            context.output.line(&format!("rules: {rules}"))?;
        }
    }
    Ok(Exit::Success)
}

/// How far rules bind an agent, for people.
fn reach(rules: &str) -> Option<String> {
    Some(match rules {
        "" => return None,
        "enforced" => "enforced, also for what it does without asking".to_owned(),
        "asked-only" => {
            "asked-only: they bind what it asks about, not what it does without asking".to_owned()
        }
        other => other.to_owned(),
    })
}

/// Why an agent cannot be used.
fn problem(agent: &Agent) -> Option<&'static str> {
    if !agent.installed {
        Some("is not installed")
    } else if !agent.supported {
        Some("cannot be driven by this version of BetCode yet")
    } else if agent.login == "no" {
        Some("is not logged in")
    } else {
        None
    }
}
