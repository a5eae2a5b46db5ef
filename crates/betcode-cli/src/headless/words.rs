//! `--output-last-message`: where the agent's last words are written.
//!
//! A file is written after each turn; what is in it stays until there are new words. A pipe is opened at the beginning, so that
//! nobody waits for a reader who never comes, and gets the words of the last turn at the end.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

use crate::error::Failure;

/// How many seconds a reader of a pipe may read nothing.
const PATIENCE: i64 = 10;

/// Where they go.
#[derive(Debug)]
pub(super) struct LastWords<'a> {
    to: Option<(&'a Path, Option<File>)>,
    /// For a pipe: what it gets at the end.
    held: String,
}

impl<'a> LastWords<'a> {
    /// Sees before anything is paid for that there can be last words there.
    pub(super) fn new(file: Option<&'a PathBuf>) -> Result<Self, Failure> {
        let to = match file {
            Some(file) => Some((file.as_path(), opened(file)?)),
            None => None,
        };
        let held = String::new();
        Ok(Self { to, held })
    }

    /// These are the last words so far.
    pub(super) fn are(&mut self, words: &str) -> Result<(), Failure> {
        match &self.to {
            Some((file, None)) => {
                std::fs::write(file, words).map_err(|error| unwritable(file, &error))
            }
            Some((_, Some(_))) => {
                words.clone_into(&mut self.held);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// There will be no others.
    pub(super) fn end(self) -> Result<(), Failure> {
        let Some((file, Some(mut pipe))) = self.to else {
            return Ok(());
        };
        give(&mut pipe, self.held.as_bytes()).map_err(|error| unwritable(file, &error))
    }
}

/// Opens a pipe; of a file, sees only that it can be written.
fn opened(file: &Path) -> Result<Option<File>, Failure> {
    let found = std::fs::metadata(file);
    let kind = found.map(|found| found.file_type());
    if kind.as_ref().is_ok_and(FileTypeExt::is_fifo) {
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let pipe = OpenOptions::new()
            .write(true)
            .custom_flags(flags)
            .open(file);
        return match pipe {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                let file = file.display();
                let problem = format!("--output-last-message: nobody reads the pipe {file}");
                Err(Failure::usage(problem).hint("begin to read it first"))
            }
            pipe => pipe.map(Some).map_err(|error| unwritable(file, &error)),
        };
    }
    let opened = match kind {
        // Devices are written, and nothing else.
        Ok(kind) if !kind.is_file() => OpenOptions::new().write(true).open(file),
        _ => OpenOptions::new().append(true).create(true).open(file),
    };
    match opened {
        Ok(_) => Ok(None),
        Err(error) => Err(unwritable(file, &error)),
    }
}

/// Writes all of it, unless the reader stops reading.
fn give(pipe: &mut File, mut words: &[u8]) -> io::Result<()> {
    let patience = Timespec {
        tv_sec: PATIENCE,
        tv_nsec: 0,
    };
    while !words.is_empty() {
        match pipe.write(words) {
            Ok(written) => words = words.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut ready = [PollFd::new(pipe, PollFlags::OUT)];
                if poll(&mut ready, Some(&patience))? == 0 {
                    let problem = format!("nobody has read from it for {PATIENCE} s");
                    return Err(io::Error::new(ErrorKind::TimedOut, problem));
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    let what = format!("--output-last-message: cannot write {}", file.display());
    match error.kind() {
        // It cannot have been meant.
        ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
            Failure::unusable(&what, error)
        }
        _ => Failure::io(&what, error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;
    use crate::error::Exit;

    fn pipe(place: &tempfile::TempDir) -> PathBuf {
        let path = place.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        path
    }

    fn reader(path: &Path) -> File {
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let mut open = OpenOptions::new();
        open.read(true).custom_flags(flags).open(path).unwrap()
    }

    #[test]
    fn a_pipe_that_nobody_reads_is_refused_at_once() {
        let place = tempfile::tempdir().unwrap();
        let path = pipe(&place);
        let failure = LastWords::new(Some(&path)).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        let message = failure.report.unwrap().message;
        assert!(message.contains("nobody reads the pipe"), "{message}");
    }

    #[test]
    fn a_pipe_gets_the_last_words_once_at_the_end() {
        let place = tempfile::tempdir().unwrap();
        let path = pipe(&place);
        let mut reader = reader(&path);
        let mut words = LastWords::new(Some(&path)).unwrap();
        words.are("first").unwrap();
        words.are("last").unwrap();
        words.end().unwrap();
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "last");
    }

    #[test]
    fn a_reader_that_has_gone_is_an_error_and_not_a_hang() {
        let place = tempfile::tempdir().unwrap();
        let path = pipe(&place);
        let reader = reader(&path);
        let mut words = LastWords::new(Some(&path)).unwrap();
        drop(reader);
        words.are("words").unwrap();
        assert_eq!(words.end().unwrap_err().exit, Exit::Failure);
    }

    #[test]
    fn a_file_keeps_what_is_in_it_until_there_are_words() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        std::fs::write(&path, "old").unwrap();
        let mut words = LastWords::new(Some(&path)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        words.are("new").unwrap();
        words.end().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        let place = place.path().to_owned();
        assert_eq!(LastWords::new(Some(&place)).unwrap_err().exit, Exit::Usage);
    }
}
