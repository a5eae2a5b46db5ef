//! What is written and not sent, in files of this user: one for each session, and one for the next session of a directory.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use betcode_core::canonical::digest;

use super::Client;
use crate::model::DraftOf;
use crate::msg::Msg;

/// More than this is nobody's draft.
const MOST: u64 = 10_000_000;

impl Client {
    /// Keeps what is written.
    pub(super) fn keep(&mut self, of: &DraftOf, text: &str) {
        if let Err(error) = keep(&self.engine.outside.directory, of, text) {
            let model = &mut self.engine.model;
            model.say(format!("what you write cannot be kept: {error}"));
        }
    }

    /// Brings what was kept.
    pub(super) fn recall(&mut self, of: DraftOf) {
        match recall(&self.engine.outside.directory, &of) {
            Ok(text) if text.is_empty() => {}
            Ok(text) => self.take(Msg::Draft(of, text)),
            Err(error) => {
                let model = &mut self.engine.model;
                model.say(format!("what you wrote before cannot be read: {error}"));
            }
        }
    }

    /// Whether there is something in the input that was not sent.
    pub(super) fn kept(&self) -> bool {
        let model = &self.engine.model;
        !model.composer.is_empty() || !model.pending.is_empty()
    }
}

/// The file of a draft. A directory may be called anything and be of any length, so its name is a digest.
fn place(directory: &Path, of: &DraftOf) -> PathBuf {
    let name = match of {
        DraftOf::Session(id) => id.to_string(),
        DraftOf::New(cwd) => format!("new-{}", digest(&serde_json::Value::from(cwd.as_str()))),
    };
    directory.join("drafts").join(name)
}

fn keep(directory: &Path, of: &DraftOf, text: &str) -> io::Result<()> {
    let place = place(directory, of);
    if text.is_empty() {
        return match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let drafts = directory.join("drafts");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&drafts)?;
    // The old one stays whole until the new one is.
    let new = drafts.join(format!(".{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(&new)?.write_all(text.as_bytes())?;
    fs::rename(&new, &place)
}

fn recall(directory: &Path, of: &DraftOf) -> io::Result<String> {
    let file = match fs::File::open(place(directory, of)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error),
    };
    io::read_to_string(io::Read::take(file, MOST))
}

#[cfg(test)]
mod tests {
    use betcode_core::id::SessionId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_draft_comes_back_as_it_was_and_an_empty_one_leaves_nothing() {
        let directory = std::env::temp_dir().join(format!("drafts-{}", Uuid::now_v7()));
        let session = DraftOf::Session(SessionId(Uuid::from_u128(7)));
        let new = DraftOf::New("/a/directory".repeat(100));
        for of in [&session, &new] {
            assert_eq!(recall(&directory, of).unwrap(), "");
            keep(&directory, of, "").unwrap();
            keep(&directory, of, "first").unwrap();
            keep(&directory, of, "second\n漢字").unwrap();
            assert_eq!(recall(&directory, of).unwrap(), "second\n漢字");
        }
        keep(&directory, &session, "").unwrap();
        assert_eq!(recall(&directory, &session).unwrap(), "");
        assert_eq!(recall(&directory, &new).unwrap(), "second\n漢字");
        let left = fs::read_dir(directory.join("drafts")).unwrap().count();
        assert_eq!(left, 1);
        fs::remove_dir_all(&directory).unwrap();
    }
}
