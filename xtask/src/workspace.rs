//! Where the checkout is and which files it holds.

use std::path::{Path, PathBuf};

/// The root of the checkout this task was built from.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}
