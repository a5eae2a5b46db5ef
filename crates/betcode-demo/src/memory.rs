//! What outlives this process: the turn that it plays, until it ends.
//!
//! The real program keeps whole conversations; here only as much is kept as a process needs that goes on with a turn which
//! died: the prompts, what has come of each tool and question so far, and how many processes have died in it. Laws: a turn is
//! written down before anything is said of it, and again only when something has come of a tool or question; a turn that ends
//! leaves nothing behind; a tool that was started is never started again.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::session::Prompt;

/// A turn that died with the process that played it.
pub(crate) struct Interrupted {
    pub(crate) prompts: Vec<Prompt>,
    /// What has come of each tool and question that had to be asked about, in their order; null for an open one.
    pub(crate) settled: Vec<Value>,
    /// How many processes died before the one that died last.
    pub(crate) deaths: u64,
}

/// Where such turns are kept, one file a session.
pub(crate) struct Memory {
    /// None where there is no place: then every turn is forgotten.
    directory: Option<PathBuf>,
}

impl Memory {
    /// The place that the environment names.
    pub(crate) fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let directory = path("BETCODE_DEMO_STATE")
            .or_else(|| Some(path("XDG_STATE_HOME")?.join("betcode-demo")))
            .or_else(|| Some(path("HOME")?.join(".local/state/betcode-demo")))
            .or_else(|| Some(path("LOCALAPPDATA")?.join("betcode-demo")));
        Self { directory }
    }

    /// Keeps the turn of a session as it stands.
    pub(crate) fn remember(
        &self,
        id: &str,
        prompts: &[Prompt],
        settled: &[Value],
        deaths: u64,
    ) -> io::Result<()> {
        let Some(file) = self.file(id) else {
            return Ok(());
        };
        let prompts: Vec<_> = prompts
            .iter()
            .map(|prompt| json!({"text": prompt.text, "uuid": prompt.uuid}))
            .collect();
        let text = json!({"prompts": prompts, "settled": settled, "deaths": deaths}).to_string();
        if let Some(directory) = file.parent() {
            create_private(directory)?;
        }
        // Whole or not at all, however this process ends.
        let new = file.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(new, file)
    }

    /// The turn of a session that did not end.
    pub(crate) fn recall(&self, id: &str) -> Option<Interrupted> {
        let kept = fs::read(self.file(id)?).ok()?;
        let mut kept: Value = serde_json::from_slice(&kept).ok()?;
        let prompts = kept.get("prompts")?.as_array()?.iter().map(|prompt| {
            let text = |key: &str| prompt.get(key).and_then(Value::as_str).map(str::to_owned);
            Prompt {
                text: text("text").unwrap_or_default(),
                images: Vec::new(),
                uuid: text("uuid"),
            }
        });
        let prompts = prompts.collect();
        let deaths = kept.get("deaths").and_then(Value::as_u64);
        match kept.get_mut("settled")?.take() {
            Value::Array(settled) => Some(Interrupted {
                prompts,
                settled,
                deaths: deaths.unwrap_or_default(),
            }),
            _ => None,
        }
    }

    /// Forgets the turn of a session.
    pub(crate) fn forget(&self, id: &str) {
        if let Some(file) = self.file(id) {
            // Most often there is none.
            let _ = fs::remove_file(file);
        }
    }

    fn file(&self, id: &str) -> Option<PathBuf> {
        let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let directory = self.directory.as_ref().filter(|_| plain)?;
        Some(directory.join(format!("{id}.json")))
    }
}

#[cfg(unix)]
fn create_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

#[cfg(not(unix))]
fn create_private(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_kept_by_session_until_it_is_forgotten() {
        let place = tempfile::TempDir::new().unwrap();
        let state = place.path().join("a/b");
        let memory =
            Memory::of(|name| (name == "BETCODE_DEMO_STATE").then(|| state.clone().into()));
        let prompt = Prompt {
            text: "do".to_owned(),
            images: Vec::new(),
            uuid: Some("u".to_owned()),
        };
        memory
            .remember("s-1", &[prompt], &[Value::Null, json!({"text": "x"})], 3)
            .unwrap();
        assert!(memory.recall("s-2").is_none());
        let kept = memory.recall("s-1").unwrap();
        assert_eq!(
            (kept.prompts.len(), kept.settled.len(), kept.deaths),
            (1, 2, 3)
        );
        assert_eq!(kept.prompts[0].uuid.as_deref(), Some("u"));
        memory.forget("s-1");
        assert!(memory.recall("s-1").is_none());
    }

    #[test]
    fn an_id_never_leads_out_of_the_place() {
        let memory = Memory::of(|_| Some("/place".into()));
        assert!(memory.file("../x").is_none() && memory.file("").is_none());
        assert!(memory.file("5f55-a").is_some());
        assert!(Memory::of(|_| Some("relative".into())).file("a").is_none());
    }
}
