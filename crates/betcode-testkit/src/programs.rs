//! Programs of other packages that a test runs: cargo hands a test those of its own package only.
//!
//! With the whole workspace they are built together with the test. Otherwise they are built here, with the features that the
//! test's own libraries have: anything else would compile those a second time.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The executable of this name, of this package, built like the test that asks. Cargo is asked only when it is not there, or
/// older than something that it was made of.
///
/// # Panics
/// When it cannot be built.
#[expect(clippy::expect_used, reason = "tests fail by panicking")]
pub fn program(package: &str, name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    // A test is in `deps`, below the directory of its profile; a task is in that directory.
    let directory = test
        .ancestors()
        .skip(1)
        .find(|directory| !directory.ends_with("deps"))
        .expect("a directory of built programs");
    let program = directory.join(name);
    if is_fresh(&program) {
        return program;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", package, "--bin", name]);
    // Which features a library has depends on everything that is built at once. A test has all of this package with its own
    // dependencies; of another one it would get what only that one's tests need as well.
    if package == env!("CARGO_PKG_NAME")
        && let Some(asking) = std::env::var_os("CARGO_PKG_NAME")
        && let Some(target) = target_of(&test)
    {
        command.arg("--package").arg(asking);
        command.arg("--test").arg(target);
    }
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
    program
}

/// The name of a test's target: that of its executable without the hash.
fn target_of(test: &Path) -> Option<&str> {
    let name = test.file_name().and_then(OsStr::to_str)?;
    name.rsplit_once('-').map(|(target, _)| target)
}

/// True when the program is there and younger than all that cargo says it was made of, and than what cargo itself goes by.
fn is_fresh(program: &Path) -> bool {
    let Some(built) = changed(program) else {
        return false;
    };
    let Ok(sources) = std::fs::read_to_string(program.with_extension("d")) else {
        return false;
    };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lock = changed(&workspace.join("Cargo.lock"));
    let sources = sources.split_once(": ").map_or("", |(_, sources)| sources);
    // A blank in a path is written behind a backslash.
    let sources = sources.trim_end().replace("\\ ", "\0");
    let mut sources = sources.split(' ').map(|source| source.replace('\0', " "));
    lock.is_some_and(|at| at <= built)
        && sources.all(|source| changed(Path::new(&source)).is_some_and(|at| at <= built))
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::time::Duration;

    #[test]
    fn a_program_is_fresh_until_something_that_it_was_made_of_changes_or_goes() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let program = path("program");
        assert!(!is_fresh(&program), "it is not there");
        let (one, other) = (path("a source.rs"), path("b.rs"));
        for file in [&program, &one, &other] {
            fs::write(file, "").unwrap();
        }
        assert!(!is_fresh(&program), "nobody knows what it was made of");
        let escaped = one.display().to_string().replace(' ', "\\ ");
        let made_of = format!("{}: {escaped} {}\n", program.display(), other.display());
        fs::write(path("program.d"), made_of).unwrap();
        let later = changed(&program).unwrap() + Duration::from_hours(1);
        File::open(&program).unwrap().set_modified(later).unwrap();
        assert!(is_fresh(&program));
        for source in [&one, &other] {
            let file = File::open(source).unwrap();
            file.set_modified(later + Duration::from_secs(1)).unwrap();
            assert!(!is_fresh(&program));
            file.set_modified(later).unwrap();
            assert!(is_fresh(&program));
        }
        fs::remove_file(&other).unwrap();
        assert!(!is_fresh(&program));
    }

    #[test]
    fn the_target_of_a_test_is_its_name_without_the_hash() {
        let test = Path::new("/target/debug/deps/it-7e208002fd329ee7");
        assert_eq!(target_of(test), Some("it"));
        assert_eq!(target_of(Path::new("/target/debug/deps/it")), None);
    }
}
