//! `cargo xtask real-agents`: whole turns of the real Claude Code, driven by `betcode -p`, with a model that is played by
//! this process. No account, no network but the package registry, and that only the first time.
//!
//! `install` gets the pinned packages, `script` is what the model says, `turn` runs one command and reads the log,
//! the others are the turns with what must come of them.

mod cases;
mod compare;
mod faults;
mod import;
pub(crate) mod install;
mod requests;
mod rules;
mod script;
mod stops;
mod together;
mod turn;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use betcode_testkit::fake_model::FakeModel;

use crate::lab::Lab;
use crate::task::{Task, Usage};
use crate::{clock, executable};
use cases::{CASES, Case};
use compare::COMPARED;
use faults::FAULTS;
use import::IMPORT;
use requests::REQUESTS;
use rules::RULES;
use stops::STOPS;
use together::TOGETHER;
use turn::Stage;
use work::WORK;

/// The table entry of this task.
pub(crate) const TASK: Task = Task {
    name: "real-agents",
    about: "drive the real Claude Code with a fake model through whole turns",
    help: "usage: cargo xtask real-agents [--if-available] [--betcode PATH] [CASE…]\n\n  \
           --if-available    succeed without doing anything when npm is missing, unless CI is set\n  \
           --betcode PATH    use this one instead of building one\n  \
           CASE              only these cases\n\n\
           The packages are kept below target/real-agents. Fails when a turn does not end as it must.",
    run: real_agents,
};

fn real_agents(arguments: &[String]) -> Result<()> {
    let mut wanted: Vec<&String> = Vec::new();
    let mut if_available = false;
    let mut given = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--if-available" => if_available = true,
            "--betcode" => {
                let path = rest.next().ok_or_else(|| Usage::unknown(argument))?;
                given = Some(PathBuf::from(path));
            }
            flag if flag.starts_with('-') => return Err(Usage::unknown(flag)),
            _ => wanted.push(argument),
        }
    }
    if let Some(unknown) = wanted
        .iter()
        .find(|name| cases().all(|case| case.name != name.as_str()))
    {
        return Err(Usage::unknown(unknown));
    }
    if !install::npm_is_there() {
        let optional = if_available && std::env::var_os("CI").is_none();
        ensure!(
            optional,
            "npm is missing: it is needed to install the agents"
        );
        println!("skipped: npm is missing");
        return Ok(());
    }
    let claude = install::claude_code()?;
    let betcode = executable::betcode(given.as_deref())?;
    let chosen = cases()
        .filter(|case| wanted.is_empty() || wanted.iter().any(|name| case.name == name.as_str()));
    let mut rows = Vec::new();
    for case in chosen {
        let model = FakeModel::start(script::script())?;
        let mut lab = Lab::new("real-agents", betcode.clone())?;
        lab.set(
            "BETCODE_AGENT_CLAUDE_COMMAND",
            &claude.display().to_string(),
        );
        lab.set("ANTHROPIC_BASE_URL", &model.base_url());
        lab.set("ANTHROPIC_API_KEY", "test");
        lab.set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        lab.set("DISABLE_AUTOUPDATER", "1");
        let began = clock::now();
        let stage = Stage::new(lab, model);
        let outcome = (case.play)(&stage);
        let row = Row {
            name: case.name,
            about: case.about,
            took: clock::now() - began,
            problem: outcome.err().map(|error| format!("{error:#}")),
        };
        println!("{row}");
        stage.end(row.problem.is_none());
        rows.push(row);
    }
    let failed = rows.iter().filter(|row| row.problem.is_some()).count();
    ensure!(failed == 0, "{failed} of {} cases failed", rows.len());
    println!("{} cases, all as they must be", rows.len());
    Ok(())
}

/// Every case.
fn cases() -> impl Iterator<Item = &'static Case> {
    let groups = [
        CASES, REQUESTS, RULES, STOPS, TOGETHER, FAULTS, WORK, COMPARED, IMPORT,
    ];
    groups.into_iter().flatten()
}

/// What became of a case.
struct Row {
    name: &'static str,
    about: &'static str,
    took: Duration,
    problem: Option<String>,
}

impl std::fmt::Display for Row {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.problem.is_some() {
            "FAILED"
        } else {
            "ok"
        };
        let seconds = self.took.as_secs_f64();
        write!(
            formatter,
            "{:<16} {verdict:<7} {seconds:>5.1} s  {}",
            self.name, self.about
        )?;
        match &self.problem {
            Some(problem) => write!(formatter, "\n  {}", problem.replace('\n', "\n  ")),
            None => Ok(()),
        }
    }
}
