//! Building the targets for libFuzzer, without a nightly toolchain: the compiler is told directly to have LLVM count which
//! edges run and what is compared. Only the code of this project and its dependencies is counted, not what builds it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// What tells the compiler so. `fuzzing` is what libraries look at that behave more regularly under a fuzzer.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg",
    "fuzzing",
];

/// The cargo that runs this task.
pub(super) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Builds every target. Gives the directory with the programs.
pub(super) fn build() -> Result<PathBuf> {
    ensure!(
        has_compiler(),
        "there is no C++ compiler: libFuzzer needs one (on Debian: apt install g++)"
    );
    let host = host()?;
    let directory = workspace::target().join("fuzz").join("build");
    let status = in_fuzz("build", &directory)
        .args(["--release", "--target", &host])
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the fuzz targets cannot be built");
    Ok(directory.join(host).join("release"))
}

/// Sees whether every target compiles.
pub(super) fn check() -> Result<()> {
    if !has_compiler() {
        let required = std::env::var_os("CI").is_some();
        ensure!(!required, "there is no C++ compiler");
        println!("skipped: there is no C++ compiler");
        return Ok(());
    }
    // Where the workspace is built, for it needs nearly everything that the targets need.
    let status = in_fuzz("check", &workspace::target())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the fuzz targets do not compile");
    println!("the fuzz targets compile");
    Ok(())
}

fn in_fuzz(what: &str, target: &std::path::Path) -> Command {
    let mut cargo = cargo();
    cargo
        .args([what, "--locked", "--target-dir"])
        .arg(target)
        .current_dir(workspace::root().join("fuzz"));
    cargo
}

/// Whether libFuzzer itself can be compiled.
fn has_compiler() -> bool {
    let chosen = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let answer = Command::new(chosen)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    answer.is_ok_and(|status| status.success())
}

/// This machine as rustc names it. With a target that is named, what runs at build time is built without the flags.
fn host() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("cannot run rustc")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc does not name its host")?.to_owned())
}
