//! What is written and not sent, in files of this user: for each session, and for the next session of a directory.
//!
//! Laws: two screens never write into one file; what a screen left behind that has ended is taken over by the next one, once.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use betcode_core::canonical::digest;
use rustix::fs::{FlockOperation, flock};

use crate::model::DraftOf;

/// More than this is nobody's draft.
const MOST: u64 = 10_000_000;

/// The drafts of one screen.
#[derive(Debug)]
pub(super) struct Drafts {
    directory: PathBuf,
    /// In the names of its files.
    me: String,
    /// The file that holds what is written now, locked while this screen is there.
    held: Option<(PathBuf, File)>,
}

impl Drafts {
    /// Those in a directory, of the screen with this name.
    pub(super) fn new(directory: &Path, me: &str) -> Self {
        Self {
            directory: directory.join("drafts"),
            me: me.to_owned(),
            held: None,
        }
    }

    fn place(&self, of: &DraftOf) -> PathBuf {
        self.directory.join(format!("{}.{}", name(of), self.me))
    }

    /// Keeps what is written, in the place of what this screen kept before.
    pub(super) fn keep(&mut self, of: &DraftOf, text: &str) -> io::Result<()> {
        let place = self.place(of);
        if text.is_empty() {
            if self.held.take_if(|(held, _)| *held == place).is_some() {
                fs::remove_file(&place)?;
            }
            return Ok(());
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        // The old one stays whole until the new one is.
        let new = self.directory.join(format!(".{}", self.me));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&new)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, &place)?;
        self.held = Some((place, file));
        Ok(())
    }

    /// Takes over what screens kept that are not there any more.
    pub(super) fn recall(&mut self, of: &DraftOf) -> io::Result<String> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(error),
        };
        let own = self.place(of);
        // What this screen kept itself is found like the rest.
        self.held.take_if(|(held, _)| *held == own);
        let beginning = format!("{}.", name(of));
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if !name.is_some_and(|name| name.starts_with(&beginning)) {
                continue;
            }
            let file = match File::open(&path) {
                Ok(file) => file,
                // Another screen was quicker.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() && path.exists() {
                let at = file.metadata()?.modified()?;
                found.push((at, path, file));
            }
        }
        found.sort_by_key(|(at, ..)| *at);
        let mut texts = Vec::new();
        for (_, _, file) in &mut found {
            let mut bytes = Vec::new();
            file.take(MOST).read_to_end(&mut bytes)?;
            texts.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        let text = texts.join("\n\n");
        self.keep(of, &text)?;
        // Their texts are in this screen's own file now.
        for (_, path, _) in found.iter().filter(|(_, path, _)| *path != own) {
            fs::remove_file(path)?;
        }
        Ok(text)
    }
}

/// How the files of a draft begin. A directory may be called anything and be of any length, so it is a digest.
fn name(of: &DraftOf) -> String {
    match of {
        DraftOf::Session(id) => id.to_string(),
        DraftOf::New(cwd) => format!("new-{}", digest(&serde_json::Value::from(cwd.as_str()))),
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::id::SessionId;
    use uuid::Uuid;

    use super::*;

    fn directory() -> PathBuf {
        std::env::temp_dir().join(format!("drafts-{}", Uuid::now_v7()))
    }

    #[test]
    fn a_draft_comes_back_as_it_was_and_an_empty_one_leaves_nothing() {
        let directory = directory();
        let session = DraftOf::Session(SessionId(Uuid::from_u128(7)));
        let new = DraftOf::New("/a/directory".repeat(100));
        for of in [&session, &new] {
            let mut one = Drafts::new(&directory, "one");
            assert_eq!(one.recall(of).unwrap(), "");
            one.keep(of, "").unwrap();
            one.keep(of, "first").unwrap();
            one.keep(of, "second\n漢字").unwrap();
            drop(one);
            let mut two = Drafts::new(&directory, "two");
            assert_eq!(two.recall(of).unwrap(), "second\n漢字");
        }
        let mut three = Drafts::new(&directory, "three");
        assert_eq!(three.recall(&session).unwrap(), "second\n漢字");
        three.keep(&session, "").unwrap();
        assert_eq!(three.recall(&session).unwrap(), "");
        assert_eq!(three.recall(&new).unwrap(), "second\n漢字");
        let left = fs::read_dir(directory.join("drafts")).unwrap().count();
        assert_eq!(left, 1);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_screen_that_comes_back_to_a_session_finds_what_it_kept_there() {
        let directory = directory();
        let [here, there] = [7, 8].map(|id| DraftOf::Session(SessionId(Uuid::from_u128(id))));
        let mut screen = Drafts::new(&directory, "one");
        screen.keep(&here, "for here").unwrap();
        assert_eq!(screen.recall(&there).unwrap(), "");
        assert_eq!(
            screen.recall(&here).unwrap(),
            "for here",
            "nothing was kept there"
        );
        screen.keep(&there, "for there").unwrap();
        for _ in 0..2 {
            assert_eq!(screen.recall(&here).unwrap(), "for here");
            assert_eq!(screen.recall(&there).unwrap(), "for there");
        }
        drop(screen);
        let mut next = Drafts::new(&directory, "two");
        assert_eq!(
            next.recall(&here).unwrap(),
            "for here",
            "it is still on disk"
        );
        assert_eq!(next.recall(&there).unwrap(), "for there");
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn two_screens_keep_a_draft_each_and_the_next_one_gets_both() {
        let directory = directory();
        let of = DraftOf::Session(SessionId(Uuid::from_u128(7)));
        let mut one = Drafts::new(&directory, "one");
        one.keep(&of, "from one").unwrap();
        let mut two = Drafts::new(&directory, "two");
        assert_eq!(
            two.recall(&of).unwrap(),
            "",
            "it belongs to a screen that is there"
        );
        two.keep(&of, "from two").unwrap();
        one.keep(&of, "from one again").unwrap();
        drop((one, two));
        let both = Drafts::new(&directory, "three").recall(&of).unwrap();
        assert!(
            both.contains("from one again") && both.contains("from two"),
            "{both}"
        );
        fs::remove_dir_all(&directory).unwrap();
    }
}
