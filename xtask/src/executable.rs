//! The `betcode` that a task runs: built in release mode from this checkout, as a user would have it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// Builds `betcode` and says where it is; or takes the one that is given.
pub(crate) fn betcode(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        return std::path::absolute(given).with_context(|| given.display().to_string());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "betcode-cli"])
        .current_dir(workspace::root())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "betcode cannot be built");
    let path = workspace::target().join("release").join("betcode");
    ensure!(
        path.is_file(),
        "cargo has built betcode, but it is not at {}",
        path.display()
    );
    Ok(path)
}
