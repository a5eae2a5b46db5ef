//! Reads an agent's stdout from the spool line by line, from the committed offset on.
//!
//! `taken` is the end of the last whole line that was given out: the offset of the next checkpoint. What follows it is an
//! unfinished line, which is read again after a crash.
//!
//! Laws: `taken` and the offsets read from never go back; no byte is given out twice; what the spool does not hold any more is
//! passed over and counted.

use std::io;
use std::path::{Path, PathBuf};

use betcode_host::spool;

/// How much is taken from the spool at once.
pub(super) const CHUNK: usize = 256 * 1024;

/// What reading from the spool brought.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines {
    /// The end of what was given out or passed over, if anything was.
    pub taken: Option<u64>,
    /// How many bytes are lost.
    pub lost: u64,
}

/// How far a spool is said to go.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// The end of what it holds.
    pub end: u64,
    /// Nothing will be added: an unfinished line at the end is one.
    pub finished: bool,
    /// Nobody is left who could have the bytes that are missing.
    pub abandoned: bool,
}

/// Reads lines from a spool.
#[derive(Debug)]
pub struct LineReader {
    directory: PathBuf,
    spool: spool::Reader,
    buffer: Vec<u8>,
    /// Offset of the first byte of `buffer`, which is the first byte that was not given out.
    taken: u64,
    /// How much of `buffer` is known to hold no newline.
    scanned: usize,
}

impl LineReader {
    /// Reads on from `offset`, the beginning of a line.
    pub fn open(directory: &Path, offset: u64) -> Self {
        Self {
            directory: directory.to_owned(),
            spool: spool::Reader::new(directory),
            buffer: Vec::new(),
            taken: offset,
            scanned: 0,
        }
    }

    /// The end of the last line that was given out.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The spool segment that was read last, by the offset of its first byte.
    pub fn segment(&self) -> u64 {
        self.spool.segment()
    }

    /// The end of what has been read.
    pub fn position(&self) -> u64 {
        self.taken + self.buffer.len() as u64
    }

    /// Gives every whole line of the next chunk to `each`, and passes over what the spool does not hold. `NotFound` means that
    /// the host lives and what it has written is gone: it will not come.
    pub fn read_on(&mut self, extent: Extent, each: impl FnMut(&[u8])) -> io::Result<Lines> {
        let before = self.taken;
        let lost = match self.read(extent.end, extent.finished, each) {
            Ok(0) => self.pass_over(extent)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.pass_over(extent)?,
            read => read.map(|_| 0)?,
        };
        Ok(Lines {
            taken: (self.taken > before).then_some(self.taken),
            lost,
        })
    }

    /// The spool does not hold what comes next, as after the log went back behind what was deleted. Goes on with what the
    /// spool does hold. Returns how many bytes are passed over.
    fn pass_over(&mut self, extent: Extent) -> io::Result<u64> {
        let position = self.position();
        if position >= extent.end {
            return Ok(0);
        }
        let next = match spool::next_segment(&self.directory, position) {
            Ok(next) => next.map(|start| start.min(extent.end)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let next = match next {
            Some(next) => next,
            None if extent.abandoned => extent.end,
            // The host has said that the bytes are there.
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    "what the host has written is not there",
                ));
            }
        };
        let lost = next - self.taken;
        self.skip_to(next);
        Ok(lost)
    }

    /// Goes on at `offset`; an unfinished line before it is given up.
    fn skip_to(&mut self, offset: u64) {
        self.buffer.clear();
        self.scanned = 0;
        self.taken = offset;
    }

    /// Reads up to one chunk of what the spool holds below `end` and gives every whole line to `each`, without its newline.
    /// With `last`, an unfinished line at the very end is given out too. Returns how many bytes were read.
    fn read(&mut self, end: u64, last: bool, mut each: impl FnMut(&[u8])) -> io::Result<usize> {
        let position = self.position();
        let count = self.spool.read(position, end, &mut self.buffer, CHUNK)?;
        let mut start = 0;
        while let Some(length) =
            memchr::memchr(b'\n', self.buffer.get(self.scanned..).unwrap_or_default())
        {
            let newline = self.scanned + length;
            each(self.buffer.get(start..newline).unwrap_or_default());
            start = newline + 1;
            self.scanned = start;
        }
        self.scanned = self.buffer.len();
        if last && self.position() >= end && start < self.buffer.len() {
            each(self.buffer.get(start..).unwrap_or_default());
            start = self.buffer.len();
        }
        self.buffer.drain(..start);
        self.scanned -= start;
        self.taken += start as u64;
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * CHUNK {
            self.buffer = Vec::new();
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(reader: &mut LineReader, end: u64, last: bool) -> Vec<String> {
        let mut lines = Vec::new();
        reader
            .read(end, last, |line| {
                lines.push(String::from_utf8_lossy(line).into_owned());
            })
            .unwrap();
        lines
    }

    #[test]
    fn whole_lines_come_out_and_an_unfinished_one_waits_or_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join(format!("{:020}.out", 0)),
            "one\ntwo\nthr",
        )
        .unwrap();
        let mut reader = LineReader::open(directory.path(), 0);
        assert_eq!(lines(&mut reader, 6, false), ["one"]);
        assert_eq!((reader.taken(), reader.position()), (4, 6));
        assert_eq!(lines(&mut reader, 11, false), ["two"]);
        assert_eq!(lines(&mut reader, 11, false), [""; 0]);
        let mut again = LineReader::open(directory.path(), reader.taken());
        assert_eq!(lines(&mut again, 11, true), ["thr"]);
        assert_eq!(again.taken(), 11);
    }
}
