//! Reads an agent's stdout from the spool line by line, from the committed offset on.
//!
//! `taken` is the end of the last whole line that was given out: the offset of the next checkpoint. What follows it is an
//! unfinished line, which is read again after a crash.

use std::io;
use std::path::Path;

use betcode_host::spool;

/// How much is taken from the spool at once.
pub(super) const CHUNK: usize = 256 * 1024;

/// What reading from the spool brought.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lines {
    /// The end of what was given out or passed over, if anything was.
    pub(super) taken: Option<u64>,
    /// How many bytes are lost.
    pub(super) lost: u64,
}

/// Reads lines from a spool.
#[derive(Debug)]
pub(super) struct LineReader {
    spool: spool::Reader,
    buffer: Vec<u8>,
    /// Offset of the first byte of `buffer`, which is the first byte that was not given out.
    taken: u64,
    /// How much of `buffer` is known to hold no newline.
    scanned: usize,
}

impl LineReader {
    /// Reads on from `offset`, the beginning of a line.
    pub(super) fn open(directory: &Path, offset: u64) -> Self {
        Self {
            spool: spool::Reader::new(directory),
            buffer: Vec::new(),
            taken: offset,
            scanned: 0,
        }
    }

    /// The end of the last line that was given out.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// The spool segment that was read last, by the offset of its first byte.
    pub(super) fn segment(&self) -> u64 {
        self.spool.segment()
    }

    /// The end of what has been read.
    pub(super) fn position(&self) -> u64 {
        self.taken + self.buffer.len() as u64
    }

    /// Goes on at `offset`; an unfinished line before it is given up.
    pub(super) fn skip_to(&mut self, offset: u64) {
        self.buffer.clear();
        self.scanned = 0;
        self.taken = offset;
    }

    /// Reads up to one chunk of what the spool holds below `end` and gives every whole line to `each`, without its newline.
    /// With `last`, an unfinished line at the very end is given out too. Returns how many bytes were read.
    pub(super) fn read(
        &mut self,
        end: u64,
        last: bool,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<usize> {
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
