//! Where the checkout is and which files it holds.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The root of the checkout this task was built from.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Where cargo puts what it builds, and tasks what they need again.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || root().join("target"),
        |directory| {
            // A relative one is meant from the root, where cargo is run.
            root().join(directory)
        },
    )
}

/// Directories that hold no source.
const SKIPPED: &[&str] = &[".git", "node_modules", "target"];

/// Every file of the checkout, relative to the root with forward slashes, sorted.
///
/// It walks the tree instead of asking git, so it works in an exported archive too.
pub(crate) fn files(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(directory) = pending.pop() {
        let entries = std::fs::read_dir(&directory)
            .with_context(|| format!("cannot read {}", directory.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                if !SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
                    pending.push(path);
                }
            } else if kind.is_file()
                && let Ok(relative) = path.strip_prefix(root)
            {
                files.push(relative.display().to_string().replace('\\', "/"));
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_finds_sources_and_skips_what_is_built() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "b.md",
            "crates/a/src/lib.rs",
            "target/debug/c.rs",
            "web/node_modules/d.md",
            ".git/HEAD",
            ".ci/run",
        ] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(
            files(root.path()).unwrap(),
            [".ci/run", "b.md", "crates/a/src/lib.rs"]
        );
    }
}
