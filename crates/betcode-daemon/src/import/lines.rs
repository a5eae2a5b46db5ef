//! A file line by line, with a bound on what a line may take.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};

use betcode_agents::history::{Outline, Survey};

/// A longer line is passed over. What Claude Code writes is far shorter: its tools cut what they give back.
pub(super) const LONGEST_LINE: u64 = 64 * 1024 * 1024;
/// A buffer that a long line has made larger than this is given back.
const KEPT: usize = 1024 * 1024;

/// A file that is read once from its beginning to where its end was at first: what is added meanwhile is for later.
#[derive(Debug)]
pub(super) struct Lines {
    file: BufReader<File>,
    line: Vec<u8>,
    left: u64,
    longest: u64,
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line without its newline.
    Whole(&'a [u8]),
    /// The end of the file without a newline: somebody may be writing it.
    Torn(&'a [u8]),
    /// A line that is too long.
    TooLong,
    /// The end.
    End,
}

impl Lines {
    /// The first `size` bytes of a file.
    pub(super) fn new(mut file: File, size: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        Ok(Self {
            file: BufReader::with_capacity(128 * 1024, file),
            line: Vec::new(),
            left: size,
            longest: LONGEST_LINE,
        })
    }

    /// How many bytes are still to be read.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn next(&mut self) -> io::Result<Line<'_>> {
        if self.line.capacity() > KEPT {
            self.line = Vec::new();
        }
        self.line.clear();
        let most = self.left.min(self.longest);
        let read = (&mut self.file)
            .take(most)
            .read_until(b'\n', &mut self.line)?;
        self.left = self.left.saturating_sub(read as u64);
        if read == 0 {
            self.left = 0;
            return Ok(Line::End);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            return Ok(Line::Whole(&self.line));
        }
        if self.left == 0 || (read as u64) < most {
            self.left = 0;
            return Ok(Line::Torn(&self.line));
        }
        self.line = Vec::new();
        self.pass_over()?;
        Ok(Line::TooLong)
    }

    /// Goes to the end of this line.
    fn pass_over(&mut self) -> io::Result<()> {
        while self.left > 0 {
            let buffer = self.file.fill_buf()?;
            if buffer.is_empty() {
                self.left = 0;
                return Ok(());
            }
            let end = memchr::memchr(b'\n', buffer).map(|at| at + 1);
            let taken = end.unwrap_or(buffer.len());
            self.file.consume(taken);
            self.left = self.left.saturating_sub(taken as u64);
            if end.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// What the conversation in this file is.
pub(super) fn survey(file: File, size: u64) -> io::Result<Outline> {
    let mut lines = Lines::new(file, size)?;
    let mut survey = Survey::new();
    loop {
        match lines.next()? {
            Line::Whole(line) => survey.line(line),
            Line::Torn(line) => survey.torn(line),
            Line::TooLong => survey.lost(),
            Line::End => return Ok(survey.finish()),
        }
    }
}

/// The directory that its first lines name.
pub(super) fn begun_in(file: File, size: u64) -> io::Result<String> {
    /// Enough to come to a line that names it.
    const FIRST_LINES: usize = 64;
    let mut lines = Lines::new(file, size)?;
    let mut survey = Survey::new();
    for _ in 0..FIRST_LINES {
        match lines.next()? {
            Line::Whole(line) | Line::Torn(line) => survey.line(line),
            Line::TooLong => survey.lost(),
            Line::End => break,
        }
    }
    Ok(survey.finish().cwd)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(content: &[u8], size: u64, longest: u64) -> Vec<String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        let mut lines = Lines::new(file, size).unwrap();
        lines.longest = longest;
        let mut all = Vec::new();
        loop {
            all.push(match lines.next().unwrap() {
                Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                Line::Torn(line) => format!("torn {}", String::from_utf8_lossy(line)),
                Line::TooLong => "too long".to_owned(),
                Line::End => return all,
            });
        }
    }

    #[test]
    fn lines_come_one_by_one_and_a_long_one_is_passed_over() {
        assert_eq!(read(b"", 0, 8), Vec::<String>::new());
        assert_eq!(read(b"a\n\nb\n", 5, 8), ["a", "", "b"]);
        assert_eq!(read(b"a\nb", 3, 8), ["a", "torn b"]);
        assert_eq!(read(b"123456789\nb\n", 12, 8), ["too long", "b"]);
        assert_eq!(read(b"1234567\nb\n", 10, 8), ["1234567", "b"]);
        assert_eq!(read(b"12345678\nb\n", 11, 8), ["too long", "b"]);
        assert_eq!(read(b"a\n123456789", 11, 8), ["a", "too long"]);
    }

    #[test]
    fn what_is_added_later_is_not_read_and_what_is_gone_is_no_fault() {
        assert_eq!(read(b"a\nbcd\n", 4, 8), ["a", "torn bc"]);
        assert_eq!(read(b"a\nb", 100, 8), ["a", "torn b"]);
        assert_eq!(read(b"a\n", 100, 8), ["a"]);
    }
}
