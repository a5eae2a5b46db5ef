//! The host's end of the spool: appends, begins new segments, deletes committed ones. An append that fails keeps
//! what it could write and says how much that was; the rest stays with the caller.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{remove, segment_path};
use crate::directory::private;

/// The growing end of a spool that starts empty.
#[derive(Debug)]
pub(crate) struct Writer {
    directory: PathBuf,
    segment_bytes: u64,
    end: u64,
    /// The first offsets of the segments that exist; the last one is being written.
    starts: VecDeque<u64>,
    file: Option<File>,
}

impl Writer {
    /// A spool without a byte.
    pub(crate) fn new(directory: &Path, segment_bytes: u64) -> Self {
        let segment_bytes = segment_bytes.max(1);
        Self {
            directory: directory.to_owned(),
            segment_bytes,
            end: 0,
            starts: VecDeque::new(),
            file: None,
        }
    }

    /// Every byte below this offset is in a file.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Appends as much as can be written. The count is what is in the file now, whatever the result's second part.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            match self.append_some(rest) {
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (done, Err(error)),
            }
        }
        (done, Ok(()))
    }

    fn append_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let full = self
            .starts
            .back()
            .is_none_or(|start| self.end - start >= self.segment_bytes);
        let file = match self.file.take() {
            Some(file) if !full => file,
            _ => {
                let path = segment_path(&self.directory, self.end);
                let file = private(OpenOptions::new().append(true).create_new(true)).open(path)?;
                self.starts.push_back(self.end);
                file
            }
        };
        let file = self.file.insert(file);
        match file.write(bytes)? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            count => {
                self.end += u64::try_from(count).unwrap_or(0);
                Ok(count)
            }
        }
    }

    /// Deletes the segments that lie wholly below `offset`, but never the one being written. A file that cannot be
    /// deleted stays: it is garbage, not an error.
    pub(crate) fn delete_below(&mut self, offset: u64) {
        while let (Some(start), Some(next)) = (self.starts.front(), self.starts.get(1)) {
            if *next > offset || remove(&segment_path(&self.directory, *start)).is_err() {
                return;
            }
            self.starts.pop_front();
        }
    }
}
