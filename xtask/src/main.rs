//! Development tasks, run as `cargo xtask TASK`.
//!
//! One file per task; each exports a `TASK` and is named once in [`TASKS`]. This file only finds the task that was
//! asked for and turns its outcome into an exit code: 0 done, 1 failed or found something, 64 not understood.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to the terminal it was started from"
)]

mod bench;
mod clock;
mod codegen;
mod executable;
mod fuzz;
mod lab;
mod real_agents;
mod record;
mod replay;
mod task;
mod tidy;
mod torture;
mod workspace;

use std::process::ExitCode;

use task::{Task, Usage};

/// Every task, in the order in which the help lists them.
const TASKS: &[Task] = &[
    bench::TASK,
    codegen::TASK,
    tidy::TASK,
    torture::TASK,
    fuzz::TASK,
    real_agents::TASK,
    record::TASK,
    replay::TASK,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        println!("{}", overview());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        println!("{}", overview());
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("error: no task is called `{name}`\n\n{}", overview());
        return ExitCode::from(64);
    };
    if rest
        .iter()
        .any(|argument| matches!(argument.as_str(), "--help" | "-h"))
    {
        println!("cargo xtask {}: {}\n\n{}", task.name, task.about, task.help);
        return ExitCode::SUCCESS;
    }
    match (task.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Usage>() => {
            eprintln!("error: {error}\n\n{}", task.help);
            ExitCode::from(64)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn overview() -> String {
    let usage = "usage: cargo xtask TASK [ARGUMENT…]    (cargo xtask TASK --help says more)\n";
    let tasks = TASKS
        .iter()
        .map(|task| format!("  {:<12} {}", task.name, task.about));
    std::iter::once(usage.to_owned())
        .chain(tasks)
        .collect::<Vec<_>>()
        .join("\n")
}
