//! The text of a file that may be anything. Never waits: what is no file is not opened, and a pipe that takes a file's place
//! in between is opened without waiting and then recognised.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// A file of settings is never as long as this.
pub(crate) const LONGEST: usize = 1 << 20;

/// What stands there.
#[derive(Debug)]
pub(crate) enum Content {
    /// Nothing.
    Absent,
    /// A text, without the mark that some programs put in front.
    Text(String),
    /// Something that does not count as a whole.
    Broken {
        /// What can be read of it.
        text: String,
        /// What is wrong with it, as in "the file …".
        what: String,
    },
}

pub(crate) fn read(path: &Path) -> Content {
    match bytes(path) {
        Ok(bytes) => from_bytes(bytes),
        Err(Trouble::Absent) => Content::Absent,
        Err(Trouble::Broken(what)) => Content::Broken {
            text: String::new(),
            what,
        },
    }
}

/// The whole text of a file of settings, to the letter; none where there is none. An error says what is wrong with the file.
pub fn whole(path: &Path) -> Result<Option<String>, String> {
    let Some(bytes) = whole_bytes(path)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    Ok(Some(text))
}

/// The same for a file that need not be text.
pub(crate) fn whole_bytes(path: &Path) -> Result<Option<Vec<u8>>, String> {
    raw(path, LONGEST)
}

enum Trouble {
    Absent,
    Broken(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Absent,
            _ => Self::Broken(format!("cannot be read: {error}")),
        }
    }
}

/// The same for one that may be longer.
pub(crate) fn raw(path: &Path, most: usize) -> Result<Option<Vec<u8>>, String> {
    match bytes_up_to(path, most) {
        Ok(bytes) if bytes.len() > most => Err(format!("is longer than {} MiB", most >> 20)),
        Ok(bytes) => Ok(Some(bytes)),
        Err(Trouble::Absent) => Ok(None),
        Err(Trouble::Broken(what)) => Err(what),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Trouble> {
    bytes_up_to(path, LONGEST)
}

/// One byte more than these, where there are more.
fn bytes_up_to(path: &Path, most: usize) -> Result<Vec<u8>, Trouble> {
    let is_link = path.symlink_metadata()?.is_symlink();
    let regular = |data: io::Result<std::fs::Metadata>| match data {
        Ok(data) if data.is_file() => Ok(()),
        Ok(data) if data.is_dir() => Err(Trouble::Broken("is a directory".to_owned())),
        Ok(_) => Err(Trouble::Broken("is not a file".to_owned())),
        Err(error) if is_link && error.kind() == io::ErrorKind::NotFound => {
            Err(Trouble::Broken("is a link that leads nowhere".to_owned()))
        }
        Err(error) => Err(error.into()),
    };
    regular(path.metadata())?;
    let file = File::options()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
        .open(path)?;
    regular(file.metadata())?;
    let mut bytes = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn from_bytes(mut bytes: Vec<u8>) -> Content {
    if bytes.len() > LONGEST {
        bytes.truncate(LONGEST);
        return Content::Broken {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            what: "is longer than 1 MiB, and what comes after that is not read".to_owned(),
        };
    }
    match String::from_utf8(bytes) {
        Ok(text) => Content::Text(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        }),
        Err(error) => Content::Broken {
            text: String::from_utf8_lossy(error.as_bytes()).into_owned(),
            what: "is not UTF-8".to_owned(),
        },
    }
}
