//! The pinned packages of the agents, installed once below the target directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// The versions that are used.
pub(crate) const CLAUDE_CODE: &str = "2.1.330";
#[cfg(feature = "bench")]
pub(crate) const CODEX: &str = "0.169.0";
#[cfg(feature = "bench")]
pub(crate) const OPENCODE: &str = "1.18.33";

/// A package of which this version is used. It is named in full, because npm otherwise takes an older version whose
/// `engines` fit the local node.
struct Package {
    /// The directory below `target/real-agents`, without the version.
    directory: &'static str,
    name: &'static str,
    version: &'static str,
    /// Where its program is, from `node_modules` on.
    program: PathBuf,
    /// What the program says before its version.
    says: &'static str,
}

/// True when npm can be run.
pub(crate) fn npm_is_there() -> bool {
    let mut npm = Command::new("npm");
    npm.arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    npm.status().is_ok_and(|status| status.success())
}

/// Installs Claude Code if it is not there yet, and says where its program is.
pub(crate) fn claude_code() -> Result<PathBuf> {
    // The program itself is in a package of its own for each platform. npm may refuse to run the script that links it
    // into the main package, so that is not relied on; nor is it for the others.
    Package {
        directory: "claude-code",
        name: "@anthropic-ai/claude-code",
        version: CLAUDE_CODE,
        program: Path::new("@anthropic-ai")
            .join(format!("claude-code-{}-{}", system(), architecture()))
            .join("claude"),
        says: "",
    }
    .installed()
}

/// The same with codex.
#[cfg(feature = "bench")]
pub(crate) fn codex() -> Result<PathBuf> {
    let system = match std::env::consts::OS {
        "linux" => "unknown-linux-musl",
        "macos" => "apple-darwin",
        _ => "pc-windows-msvc",
    };
    Package {
        directory: "codex",
        name: "@openai/codex",
        version: CODEX,
        program: Path::new("@openai")
            .join(format!("codex-{}-{}", self::system(), architecture()))
            .join("vendor")
            .join(format!("{}-{system}", std::env::consts::ARCH))
            .join("bin/codex"),
        says: "codex-cli ",
    }
    .installed()
}

/// The same with opencode.
#[cfg(feature = "bench")]
pub(crate) fn opencode() -> Result<PathBuf> {
    Package {
        directory: "opencode",
        name: "opencode-ai",
        version: OPENCODE,
        program: Path::new(&format!("opencode-{}-{}", system(), architecture()))
            .join("bin/opencode"),
        says: "",
    }
    .installed()
}

impl Package {
    fn installed(&self) -> Result<PathBuf> {
        let Self { name, version, .. } = self;
        let directory = workspace::target()
            .join("real-agents")
            .join(format!("{}-{version}", self.directory));
        let program = directory.join("node_modules").join(&self.program);
        if !program.is_file() {
            println!("installing {name}@{version} in {}", directory.display());
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
                .arg(format!("{name}@{version}"))
                .current_dir(&directory)
                .stdin(Stdio::null())
                .output()
                .context("cannot run npm")?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "npm install failed:\n{said}");
        }
        ensure!(program.is_file(), "{} was not installed", program.display());
        // Programs that keep something in the user's home may do it here.
        let home = directory.join("home");
        std::fs::create_dir_all(&home)?;
        let output = Command::new(&program)
            .arg("--version")
            .env_clear()
            .env("HOME", &home)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            said.trim_start_matches(self.says).starts_with(version),
            "{} says it is {said:?}",
            program.display()
        );
        Ok(program)
    }
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
