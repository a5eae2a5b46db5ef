//! What was sent in sessions of a directory, in a file of this user for each directory.
//!
//! It is no errand to the daemon: there, prompts are inside the logs of sessions, each of which would have to be read, and
//! they go when a session is deleted. The file is read before there is a daemon, and holds only what was said here.
//!
//! Laws: the file is whole at any moment; whoever adds to it does so behind a lock, so that several clients lose nothing; it
//! holds the last [`MOST`] prompts and no more than [`LARGEST`] bytes of them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use betcode_core::canonical::digest;

use super::{Brought, Owned};
use crate::msg::Msg;

/// So many prompts are kept for a directory.
const MOST: usize = 2_000;
/// So many bytes.
const LARGEST: usize = 4_000_000;
/// What is longer was hardly typed.
const LONGEST: usize = 20_000;

/// Reads what was sent in a directory.
pub(super) fn read(directory: &Path, of: String) -> Owned<Brought> {
    let place = place(directory, &of);
    let reading = tokio::task::spawn_blocking(move || prompts(&place));
    Box::pin(async move {
        let prompts = match reading.await {
            Ok(prompts) => prompts.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        Brought::Msg(Msg::Past { of, prompts })
    })
}

/// Adds what is sent. It is begun at once, so that it is done though this is the last thing that happens here.
pub(super) fn add(directory: PathBuf, of: String, text: String) -> Owned<Brought> {
    let adding = {
        let of = of.clone();
        tokio::task::spawn_blocking(move || append(&directory, &of, &text))
    };
    Box::pin(async move {
        match adding.await {
            Ok(Ok(())) => Brought::Msg(Msg::Wake),
            Ok(Err(error)) => Brought::Msg(Msg::Past {
                of,
                prompts: Err(error.to_string()),
            }),
            Err(error) => Brought::Msg(Msg::Past {
                of,
                prompts: Err(error.to_string()),
            }),
        }
    })
}

/// The file. A directory may be called anything and be of any length, so its name is a digest.
fn place(directory: &Path, of: &str) -> PathBuf {
    let name = digest(&serde_json::Value::from(of));
    directory.join("history").join(name)
}

/// What is in a file, the latest at the end. A line that cannot be read is none.
fn prompts(place: &Path) -> io::Result<Vec<String>> {
    let text = match fs::read(place) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = text.lines();
    Ok(lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

fn append(directory: &Path, of: &str, text: &str) -> io::Result<()> {
    if text.trim().is_empty() || text.len() > LONGEST {
        return Ok(());
    }
    let place = place(directory, of);
    let history = directory.join("history");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&history)?;
    let lock = opened(&history.join(".lock"))?;
    // It is given back when the file is closed.
    lock.lock()?;
    let mut all = prompts(&place)?;
    if all.last().is_some_and(|last| last == text) {
        return Ok(());
    }
    all.push(text.to_owned());
    let mut lines = Vec::new();
    let mut room = LARGEST;
    for prompt in all.iter().rev().take(MOST) {
        let line = serde_json::Value::from(prompt.as_str()).to_string() + "\n";
        if line.len() > room {
            break;
        }
        room -= line.len();
        lines.push(line);
    }
    lines.reverse();
    let new = history.join(".new");
    opened(&new)?.write_all(lines.concat().as_bytes())?;
    fs::rename(&new, &place)
}

fn opened(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use uuid::Uuid;

    use super::*;

    struct Directory(PathBuf);

    impl Directory {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("past-{}", Uuid::now_v7())))
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_was_sent_is_there_again_for_its_directory_and_for_this_user_alone() {
        let directory = Directory::new();
        assert_eq!(
            prompts(&place(&directory.0, "/a")).unwrap(),
            [""; 0].map(String::from)
        );
        for text in [
            "first",
            "second\nof two lines",
            "second\nof two lines",
            "  ",
        ] {
            append(&directory.0, "/a", text).unwrap();
        }
        append(&directory.0, "/b", "elsewhere").unwrap();
        let file = place(&directory.0, "/a");
        assert_eq!(prompts(&file).unwrap(), ["first", "second\nof two lines"]);
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn several_that_add_at_once_lose_nothing() {
        let directory = Directory::new();
        std::thread::scope(|scope| {
            for client in 0..4 {
                let directory = &directory.0;
                scope.spawn(move || {
                    for number in 0..25 {
                        append(directory, "/a", &format!("{client} {number}")).unwrap();
                    }
                });
            }
        });
        let mut found = prompts(&place(&directory.0, "/a")).unwrap();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 100);
    }

    #[test]
    fn the_oldest_go_and_what_is_spoilt_is_left_out() {
        let directory = Directory::new();
        append(&directory.0, "/a", "made the directory").unwrap();
        let file = place(&directory.0, "/a");
        let old: Vec<_> = (0..MOST).map(|n| format!("\"{n}\"\n")).collect();
        let old = old.concat();
        fs::write(&file, format!("{old}\u{fffd} no prompt\n")).unwrap();
        append(&directory.0, "/a", "new").unwrap();
        let found = prompts(&file).unwrap();
        assert_eq!(found.len(), MOST);
        assert_eq!((found[0].as_str(), found[MOST - 1].as_str()), ("1", "new"));
        append(&directory.0, "/a", &"x".repeat(LONGEST + 1)).unwrap();
        assert_eq!(prompts(&file).unwrap().len(), MOST);
    }
}
