//! What its user has to be told about the log: that something which was recorded is not in it any more. It is kept in a
//! file beside the log, one line each, from the moment at which it is found: a daemon whose start fails for another reason,
//! or that is killed, has told nobody, and the next one does. Who has told it removes the file.
//!
//! Not for what can be found again by looking at the log; see `health` and [`super::vouch_present`].

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const NAME: &str = "log.losses";
/// Whoever damages his log again and again need not read everything.
const MOST: usize = 8;

/// What happened to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loss {
    /// It could not be used and has this name now.
    SetAside(PathBuf),
    /// Its write-ahead log belongs to a newer one and has this name now.
    ForeignWal(PathBuf),
    /// There is nothing of it.
    Gone(PathBuf),
    /// It has not come as far as it once had: so many transactions are missing.
    Behind(PathBuf, u64),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetAside(file) => {
                let file = file.display();
                write!(
                    f,
                    "the log could not be used and was set aside as {file}; betcode daemon stop --agents, then betcode \
                     daemon doctor --recover {file} brings back what can be read"
                )
            }
            Self::ForeignWal(file) => write!(
                f,
                "{} belongs to a newer log than the one that is here and was set aside",
                file.display()
            ),
            Self::Gone(file) => write!(
                f,
                "what was recorded in {} is gone and a new log was begun; if there is a backup: betcode daemon stop \
                 --agents, then betcode daemon restore FILE puts it in its place",
                file.display()
            ),
            Self::Behind(file, missing) => write!(
                f,
                "the last {missing} change{s} that {verb} recorded in {} {are} missing: log.db-wal was cut, damaged or \
                 removed, or an older log.db put there; it goes on from what is there. If there is a newer backup: betcode \
                 daemon stop --agents, then betcode daemon restore FILE puts it in its place",
                file.display(),
                s = if *missing == 1 { "" } else { "s" },
                verb = if *missing == 1 { "was" } else { "were" },
                are = if *missing == 1 { "is" } else { "are" },
            ),
        }
    }
}

/// Where they are kept in a state directory.
pub(super) fn file(directory: &Path) -> PathBuf {
    directory.join(NAME)
}

/// Adds one, durably.
pub(super) fn add(file: &Path, loss: &Loss) -> io::Result<()> {
    // A path may hold anything, and a line is a line.
    let line = loss.to_string().replace(['\n', '\r'], " ") + "\n";
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// What nobody was told yet, or not by a daemon that has ended in order: the newest ones, oldest first.
pub fn losses(directory: &Path) -> Vec<String> {
    let Ok(bytes) = fs::read(file(directory)) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<String> = text.lines().rev().take(MOST).map(str::to_owned).collect();
    lines.reverse();
    lines.retain(|line| !line.is_empty());
    lines
}

/// They were told, or the log was replaced by one that its user has chosen.
pub fn forget_losses(directory: &Path) -> io::Result<()> {
    match fs::remove_file(file(directory)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(directory)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_kept_in_order_one_line_each_until_they_are_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path();
        assert_eq!(losses(place), Vec::<String>::new());
        for number in 1..=9 {
            let name = PathBuf::from(format!("a\nb-{number}"));
            add(&file(place), &Loss::SetAside(name)).unwrap();
        }
        let kept = losses(place);
        assert_eq!(kept.len(), MOST);
        assert!(kept.first().unwrap().contains("a b-2"), "{kept:?}");
        assert!(kept.last().unwrap().contains("a b-9"), "{kept:?}");
        forget_losses(place).unwrap();
        forget_losses(place).unwrap();
        assert_eq!(losses(place), Vec::<String>::new());
    }
}
