//! Programs of other packages that a test runs: cargo builds those of the test's own package only.

use std::path::PathBuf;
use std::process::Command;

/// The executable of this name, of this package, built like the test that asks. When it is up to date that costs cargo's
/// look at it.
///
/// # Panics
/// When it cannot be built.
#[expect(clippy::expect_used, reason = "tests fail by panicking")]
pub fn program(package: &str, name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    // A test is in `deps`, below the directory of its profile.
    let directory = test
        .ancestors()
        .nth(2)
        .expect("a directory of built programs");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", package, "--bin", name]);
    if directory.ends_with("release") {
        command.arg("--release");
    }
    let target = directory.parent().expect("a target directory");
    let status = command
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{name} cannot be built");
    directory.join(name)
}
