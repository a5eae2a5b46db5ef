//! `betcode demo`.
use clap::Args;

use crate::context::Context;
use crate::error::{Exit, Failure};

/// A guided tour with the demo agent in a scratch directory: no account, no network
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Keep the scratch directory
    #[arg(long)]
    keep: bool,
}
pub(crate) fn run(_args: &DemoArgs, _context: &mut Context) -> Result<Exit, Failure> {
    Err(Failure::usage("x"))
}
