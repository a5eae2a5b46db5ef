//! The pinned packages of the agents, installed once below the target directory.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

const PACKAGE: &str = "@anthropic-ai/claude-code";
/// Named in full, because npm otherwise takes an older version whose `engines` fit the local node.
const VERSION: &str = "2.1.330";

/// True when npm can be run.
pub(super) fn npm_is_there() -> bool {
    let mut npm = Command::new("npm");
    npm.arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    npm.status().is_ok_and(|status| status.success())
}

/// Installs Claude Code if it is not there yet, and says where its program is.
pub(super) fn claude_code() -> Result<PathBuf> {
    let directory = workspace::target()
        .join("real-agents")
        .join(format!("claude-code-{VERSION}"));
    // The program itself is in a package of its own for each platform. npm may refuse to run the script that links it
    // into the main package, so that is not relied on.
    let platform = format!("claude-code-{}-{}", system(), architecture());
    let program = directory
        .join("node_modules/@anthropic-ai")
        .join(platform)
        .join("claude");
    if !program.is_file() {
        println!("installing {PACKAGE}@{VERSION} in {}", directory.display());
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("package.json"), "{\"private\":true}\n")?;
        let output = Command::new("npm")
            .args([
                "install",
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--engine-strict=false",
                "--ignore-scripts",
            ])
            .arg(format!("{PACKAGE}@{VERSION}"))
            .current_dir(&directory)
            .stdin(Stdio::null())
            .output()
            .context("cannot run npm")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "npm install failed:\n{said}");
    }
    ensure!(program.is_file(), "{} was not installed", program.display());
    let output = Command::new(&program)
        .arg("--version")
        .env_clear()
        .output()?;
    let version = String::from_utf8_lossy(&output.stdout);
    ensure!(
        version.starts_with(VERSION),
        "{} says it is {version:?}",
        program.display()
    );
    Ok(program)
}

fn system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}
