//! `betcode man`.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::Cli;
use crate::context::Context;
use crate::error::{Exit, Failure};

/// Print the manual page, or write all pages into a directory
#[derive(Debug, Args)]
#[command(after_help = "To read it: betcode man | man -l -")]
pub(crate) struct ManArgs {
    /// Write one page for each command into this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, context: &mut Context) -> Result<Exit, Failure> {
    if let Some(directory) = &args.dir {
        let wrong = |error| {
            Failure::io(
                &format!("cannot write manual pages to {}", directory.display()),
                &error,
            )
        };
        std::fs::create_dir_all(directory).map_err(wrong)?;
        clap_mangen::generate_to(Cli::command(), directory).map_err(wrong)?;
        return Ok(Exit::Success);
    }
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
    rendered.map_err(|error| Failure::io("cannot write the manual page", &error))?;
    context.output.write(&page)?;
    Ok(Exit::Success)
}
