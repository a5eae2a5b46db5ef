//! Reading what the command line names. Not for files of the program's own.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// How many seconds a pipe or a device may stay silent.
const PATIENCE: i64 = 3;

/// Reads at most so many bytes and one more, by which is known that it is longer. What never ends is not read to its end, and a
/// pipe that nobody writes to is not waited for.
pub(crate) fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let open = options.open(file)?;
    let waits = !open.metadata()?.is_file();
    let mut rest = (&open).take(most.saturating_add(1));
    let mut bytes = Vec::new();
    loop {
        if waits {
            wait(&open)?;
        }
        match rest.read_to_end(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            read => return read.map(|_| bytes),
        }
    }
}

fn wait(file: &File) -> io::Result<()> {
    let patience = Timespec {
        tv_sec: PATIENCE,
        tv_nsec: 0,
    };
    if poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&patience))? == 0 {
        let problem = format!("nothing came from it within {PATIENCE} s");
        return Err(io::Error::new(ErrorKind::TimedOut, problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn files_are_read_whole_endless_ones_are_not_and_silent_pipes_are_an_error() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        std::fs::write(&path, "text").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"text");
        assert_eq!(read(&path, 2).unwrap(), b"tex");
        assert_eq!(read(Path::new("/dev/zero"), 9).unwrap(), [0; 10]);
        let pipe = place.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(read(&pipe, 4).unwrap_err().kind(), ErrorKind::TimedOut);
        let mut both = OpenOptions::new();
        let writer = both.read(true).write(true).open(&pipe).unwrap();
        std::io::Write::write_all(&mut &writer, b"words").unwrap();
        assert_eq!(read(&pipe, 4).unwrap(), b"words");
    }
}
