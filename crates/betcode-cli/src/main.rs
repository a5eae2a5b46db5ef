//! The `betcode` command: reads the environment and the command line once, runs what is asked for, and tells how it ended.

mod cli;
mod clock;
mod context;
mod duration;
mod environment;
mod error;
mod files;
mod headless;
mod interactive;
mod link;
mod nearest;
mod output;
mod profile;
mod rule_lists;
mod screen_settings;
mod table;

use std::process::ExitCode;

use context::Context;
use environment::Environment;
use output::Output;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(code) = cli::hidden::run(&arguments) {
        return code;
    }
    let environment = Environment::read();
    let output = Output::new(&environment);
    let form = cli::error_form(&arguments);
    let mut context = Context {
        environment,
        output,
    };
    let result = match cli::parse(&arguments, &mut context.output) {
        Ok(Some(cli)) => cli::run(cli, &mut context),
        Ok(None) => Ok(error::Exit::Success),
        Err(failure) => Err(failure),
    };
    let result = result.and_then(|exit| context.output.flush().map(|()| exit));
    let exit = result.unwrap_or_else(|failure| {
        context.output.failure(&failure, form);
        failure.exit
    });
    ExitCode::from(if cli::wants_claude_codes(&arguments) {
        exit.claude_code()
    } else {
        exit.code()
    })
}
