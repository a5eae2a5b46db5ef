//! The spool: an agent's stdout, byte for byte, in segment files named after the offset of their first byte.
//!
//! Segments are contiguous: one ends where the next begins, so the next one's name is known without looking. The
//! host appends and deletes, anybody who may read the directory reads. Nothing is synced to disk and nothing is
//! parsed here.

mod reader;
mod writer;

use std::io;
use std::path::{Path, PathBuf};

pub use reader::Reader;
pub(crate) use writer::Writer;

/// The path of the segment whose first byte has this offset.
fn segment_path(directory: &Path, start: u64) -> PathBuf {
    directory.join(format!("{start:020}.out"))
}

/// The first offsets of all segments, in order. A name that no segment can have, because its bytes would lie beyond what an
/// offset can be, is that of another file.
fn segments(directory: &Path) -> io::Result<Vec<u64>> {
    let mut starts = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        if let Some(digits) = name.to_str().and_then(|name| name.strip_suffix(".out"))
            && digits.len() == 20
            && let Ok(start) = digits.parse::<u64>()
            && i64::try_from(start).is_ok()
        {
            starts.push(start);
        }
    }
    starts.sort_unstable();
    Ok(starts)
}

/// The end of the stream, by the segment files alone: for hosts that died. 0 when there is no segment.
pub fn end(directory: &Path) -> io::Result<u64> {
    match segments(directory)?.last() {
        Some(&start) => Ok(start + std::fs::metadata(segment_path(directory, start))?.len()),
        None => Ok(0),
    }
}

/// Where the first segment behind `offset` begins, when there is one.
pub fn next_segment(directory: &Path, offset: u64) -> io::Result<Option<u64>> {
    let starts = segments(directory)?;
    Ok(starts.into_iter().find(|start| *start > offset))
}

/// Deletes the segments that lie wholly below `offset`, but never the last one: for hosts that died.
pub fn delete_below(directory: &Path, offset: u64) -> io::Result<()> {
    let starts = segments(directory)?;
    for (start, next) in starts.iter().zip(starts.iter().skip(1)) {
        if *next <= offset {
            remove(&segment_path(directory, *start))?;
        }
    }
    Ok(())
}

/// Deletes every segment.
pub fn delete_all(directory: &Path) -> io::Result<()> {
    segments(directory)?
        .into_iter()
        .try_for_each(|start| remove(&segment_path(directory, start)))
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
