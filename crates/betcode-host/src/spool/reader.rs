//! Reads the stream out of the segments, of a live host and of a dead one alike. It keeps the current segment open;
//! going forward costs one `pread`, and one `open` at each segment's end.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::pread;

use super::{segment_path, segments};

/// A place to read a host's spool from.
#[derive(Debug)]
pub struct Reader {
    directory: PathBuf,
    segment: Option<Segment>,
}

#[derive(Debug)]
struct Segment {
    start: u64,
    file: File,
}

impl Reader {
    /// A reader of this host directory. Nothing is opened before the first read.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            segment: None,
        }
    }

    /// The stream offset of the first byte of the segment that was read last; 0 before the first read.
    pub fn segment(&self) -> u64 {
        self.segment.as_ref().map_or(0, |segment| segment.start)
    }

    /// Appends to `into` the bytes from `offset` on: no byte at or beyond `end`, and at most `max` bytes. Returns
    /// how many came; fewer than asked for only when the spool holds no more. `NotFound` means that the segment
    /// with this offset has been deleted.
    pub fn read(
        &mut self,
        offset: u64,
        end: u64,
        into: &mut Vec<u8>,
        max: usize,
    ) -> io::Result<usize> {
        let wanted = usize::try_from(end.saturating_sub(offset))
            .unwrap_or(usize::MAX)
            .min(max);
        let before = into.len();
        into.reserve(wanted);
        let mut at = offset;
        let mut left = wanted;
        while left > 0 {
            let Some(count) = self.read_segment(at, into, left)? else {
                break;
            };
            at += u64::try_from(count).unwrap_or(0);
            left -= count;
        }
        Ok(into.len() - before)
    }

    /// Reads from the one segment that holds `at`; `None` at the end of the spool.
    fn read_segment(
        &mut self,
        at: u64,
        into: &mut Vec<u8>,
        left: usize,
    ) -> io::Result<Option<usize>> {
        if let Some(segment) = self.segment.as_ref().filter(|segment| segment.start <= at) {
            let count = segment.read(at, into, left)?;
            if count > 0 {
                return Ok(Some(count));
            }
            // The host may have begun the next segment, and only then is the current one at its end.
            match self.open(at) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return if segment_holds(self.segment.as_ref(), at)? {
                        Ok(None)
                    } else {
                        self.search(at, into, left)
                    };
                }
                Err(error) => return Err(error),
            }
            return self.read_open(at, into, left);
        }
        self.search(at, into, left)
    }

    /// Finds the segment by the directory's listing.
    fn search(&mut self, at: u64, into: &mut Vec<u8>, left: usize) -> io::Result<Option<usize>> {
        let starts = segments(&self.directory)?;
        let Some(start) = starts.iter().rev().find(|start| **start <= at) else {
            let kind = if starts.is_empty() && at == 0 {
                None
            } else {
                Some(io::ErrorKind::NotFound)
            };
            return kind.map_or(Ok(None), |kind| {
                Err(io::Error::new(kind, format!("the spool has no byte {at}")))
            });
        };
        self.open(*start)?;
        self.read_open(at, into, left)
    }

    fn read_open(&mut self, at: u64, into: &mut Vec<u8>, left: usize) -> io::Result<Option<usize>> {
        match &self.segment {
            Some(segment) => Ok(Some(segment.read(at, into, left)?).filter(|count| *count > 0)),
            None => Ok(None),
        }
    }

    fn open(&mut self, start: u64) -> io::Result<()> {
        let file = File::open(segment_path(&self.directory, start))?;
        self.segment = Some(Segment { start, file });
        Ok(())
    }
}

impl Segment {
    fn read(&self, at: u64, into: &mut Vec<u8>, left: usize) -> io::Result<usize> {
        let end = (at - self.start).checked_add(u64::try_from(left).unwrap_or(u64::MAX));
        if end.is_none_or(|end| i64::try_from(end).is_err()) {
            // The system calls a place that no file reaches an error; there is simply nothing.
            return Ok(0);
        }
        // `left` bytes of spare room were reserved; what the allocator gave beyond them must not be filled.
        let before = into.len();
        into.resize(before + left, 0);
        let room = into.get_mut(before..).unwrap_or_default();
        let result = rustix::io::retry_on_intr(|| pread(&self.file, &mut *room, at - self.start));
        into.truncate(before + result.unwrap_or(0));
        Ok(result?)
    }
}

/// Whether the open segment still reaches `at`, that is whether `at` is simply the end of what there is.
fn segment_holds(segment: Option<&Segment>, at: u64) -> io::Result<bool> {
    match segment {
        Some(segment) => Ok(at <= segment.start + segment.file.metadata()?.len()),
        None => Ok(false),
    }
}
