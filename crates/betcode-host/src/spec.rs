//! What a host has to run: `spec.json`, written by the daemon, read once by the host and then deleted, because the
//! environment in it holds secrets.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::directory;

/// The file's name inside the host directory.
pub(crate) const FILE: &str = "spec.json";

/// The window when the daemon names none.
pub const DEFAULT_WINDOW: u64 = 256 * 1024;

/// The segment size when the daemon names none.
pub const DEFAULT_SEGMENT_BYTES: u64 = 8 * 1024 * 1024;

/// How long an agent without a daemon runs.
const ORPHAN_LIMIT: Duration = Duration::from_hours(30 * 24);

/// One agent process to be run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The file's version, 1.
    pub version: u32,
    /// The program: a path, or a name that is looked up in the `PATH` of `env`.
    pub program: String,
    /// Its arguments, without the program's own name.
    pub args: Vec<String>,
    /// The agent's whole environment.
    pub env: Vec<(String, String)>,
    /// The directory it runs in.
    pub cwd: PathBuf,
    /// How many bytes may be in the spool beyond the last committed one while a daemon is attached.
    #[serde(default = "default_window")]
    pub window: u64,
    /// At what size a spool segment is closed and the next one begun.
    #[serde(default = "default_segment_bytes")]
    pub segment_bytes: u64,
}

impl Spec {
    /// The version this crate writes.
    pub const VERSION: u32 = 1;

    /// A specification with the default window and segment size.
    pub fn new(program: impl Into<String>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            version: Self::VERSION,
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: cwd.into(),
            window: DEFAULT_WINDOW,
            segment_bytes: DEFAULT_SEGMENT_BYTES,
        }
    }

    /// Writes `spec.json` into the host directory, readable by its owner alone.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        directory::write_whole(directory, FILE, &serde_json::to_vec(self)?)
    }

    /// Reads `spec.json` from the host directory.
    pub fn read(directory: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(
            directory.join(FILE),
        )?)?)
    }
}

/// How long the agent may run without a daemon: the optional `orphan_seconds` of `spec.json`, else 30 days.
pub(crate) fn orphan_limit(directory: &Path) -> io::Result<Duration> {
    #[derive(Deserialize)]
    struct Limits {
        orphan_seconds: Option<u32>,
    }
    let limits: Limits = serde_json::from_slice(&std::fs::read(directory.join(FILE))?)?;
    Ok(limits
        .orphan_seconds
        .map_or(ORPHAN_LIMIT, |seconds| Duration::from_secs(seconds.into())))
}

/// The environment and the arguments may hold secrets: only their number is shown.
impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spec")
            .field("version", &self.version)
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("env", &self.env.len())
            .field("cwd", &self.cwd)
            .field("window", &self.window)
            .field("segment_bytes", &self.segment_bytes)
            .finish()
    }
}

fn default_window() -> u64 {
    DEFAULT_WINDOW
}

fn default_segment_bytes() -> u64 {
    DEFAULT_SEGMENT_BYTES
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_specification_is_private_and_reads_back_as_written() {
        let directory = tempfile::tempdir().unwrap();
        let mut spec = Spec::new("prog", "/somewhere");
        spec.args = vec!["-x".into(), "ü".into()];
        spec.env = vec![("KEY".into(), "secret".into())];
        spec.write(directory.path()).unwrap();
        assert_eq!(Spec::read(directory.path()).unwrap(), spec);
        let mode = std::fs::metadata(directory.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{spec:?}").contains("secret"));
    }

    #[test]
    fn the_first_version_of_the_file_can_be_read_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let text = r#"{"version":1,"program":"p","args":["a"],"env":[["K","V"]],"cwd":"/c","window":262144,
            "segment_bytes":8388608,"of_a_later_version":true}"#;
        std::fs::write(directory.path().join(FILE), text).unwrap();
        let spec = Spec::read(directory.path()).unwrap();
        assert_eq!(
            (spec.program.as_str(), spec.env.len(), spec.window),
            ("p", 1, DEFAULT_WINDOW)
        );
    }
}
