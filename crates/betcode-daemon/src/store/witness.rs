//! The witness: a small file beside the database that knows how far the database had come. A database that has not come
//! as far is an older copy. Layout (little-endian, never changed; a new one gets a new version):
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `BCWITNES` |
//! | 8..12 | version, 1 |
//! | 12..16 | flags; bit 0: the database was closed in order |
//! | 16..32 | epoch of the log |
//! | 32..40 | number of the last transaction |
//! | 40..48 | a transaction that is known to be in the database's main file |
//! | 48..64 | the boot of the machine, zeros when unknown |
//! | 64..72 | inode of this file: one that was copied or restored, database and all, is found out |
//! | 72..80 | checksum of the bytes before |

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use betcode_core::id::LogEpoch;
use uuid::Uuid;

const MAGIC: &[u8; 8] = b"BCWITNES";
const VERSION: u32 = 1;
const CLEAN: u32 = 1;
const BODY: usize = 72;
const SIZE: usize = BODY + 8;

/// What the witness knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) clean: bool,
    pub(super) epoch: LogEpoch,
    pub(super) commits: u64,
    pub(super) checkpointed: u64,
    pub(super) boot: [u8; 16],
}

/// What was found at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Missing,
    Damaged,
    /// It says this, but it was written into another file and copied here.
    Copied(Record),
    Whole(Record),
}

/// The open file.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
    inode: u64,
}

impl Witness {
    pub(super) fn open(path: &Path) -> io::Result<(Self, Found)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let (inode, found) = read(&file)?;
        Ok((Self { file, inode }, found))
    }

    /// What it says, without opening it for writing.
    pub(super) fn look(path: &Path) -> io::Result<Found> {
        match File::open(path) {
            Ok(file) => Ok(read(&file)?.1),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Missing),
            Err(error) => Err(error),
        }
    }

    /// One write of a few bytes inside one page: the death of the process cannot tear it.
    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        self.file.write_all_at(&encode(record, self.inode), 0)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The file's inode, and what it says.
fn read(file: &File) -> io::Result<(u64, Found)> {
    let mut bytes = [0; SIZE];
    let data = file.metadata()?;
    let inode = data.ino();
    let found = match data.len() {
        0 => Found::Missing,
        _ => match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => match decode(&bytes) {
                Some((record, written_in)) if written_in == inode => Found::Whole(record),
                Some((record, _)) => Found::Copied(record),
                None => Found::Damaged,
            },
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Found::Damaged,
            Err(error) => return Err(error),
        },
    };
    Ok((inode, found))
}

fn encode(record: &Record, inode: u64) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let flags = if record.clean { CLEAN } else { 0 };
    let fields: [&[u8]; 8] = [
        MAGIC,
        &VERSION.to_le_bytes(),
        &flags.to_le_bytes(),
        record.epoch.0.as_bytes(),
        &record.commits.to_le_bytes(),
        &record.checkpointed.to_le_bytes(),
        &record.boot,
        &inode.to_le_bytes(),
    ];
    for (place, byte) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
        *place = *byte;
    }
    let (body, sum) = bytes.split_at_mut(BODY);
    sum.copy_from_slice(&checksum(body).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; SIZE]) -> Option<(Record, u64)> {
    let (body, sum) = bytes.split_at(BODY);
    if checksum(body).to_le_bytes() != *sum || body.get(..8)? != MAGIC {
        return None;
    }
    let word = |from: usize| {
        Some(u64::from_le_bytes(
            body.get(from..from + 8)?.try_into().ok()?,
        ))
    };
    let half = |from: usize| {
        Some(u32::from_le_bytes(
            body.get(from..from + 4)?.try_into().ok()?,
        ))
    };
    if half(8)? != VERSION {
        return None;
    }
    let record = Record {
        clean: half(12)? & CLEAN != 0,
        epoch: LogEpoch(Uuid::from_slice(body.get(16..32)?).ok()?),
        commits: word(32)?,
        checkpointed: word(40)?,
        boot: body.get(48..64)?.try_into().ok()?,
    };
    Some((record, word(64)?))
}

/// FNV-1a: it finds torn and foreign bytes, and nobody forges this file who could not forge the database.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            clean: true,
            epoch: LogEpoch(Uuid::from_u128(7)),
            commits: 42,
            checkpointed: 40,
            boot: [9; 16],
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witness");
        let (witness, found) = Witness::open(&path).unwrap();
        assert_eq!(found, Found::Missing);
        witness
            .write(&Record {
                clean: false,
                ..record()
            })
            .unwrap();
        witness.write(&record()).unwrap();
        assert_eq!(Witness::open(&path).unwrap().1, Found::Whole(record()));
    }

    #[test]
    fn a_witness_that_was_copied_is_found_out() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (
            directory.path().join("witness"),
            directory.path().join("copy"),
        );
        Witness::open(&path).unwrap().0.write(&record()).unwrap();
        std::fs::copy(&path, &copy).unwrap();
        assert_eq!(Witness::open(&copy).unwrap().1, Found::Copied(record()));
        std::fs::rename(&path, directory.path().join("moved")).unwrap();
        let moved = Witness::open(&directory.path().join("moved")).unwrap().1;
        assert_eq!(moved, Found::Whole(record()));
    }

    #[test]
    fn any_changed_bit_and_any_missing_byte_is_noticed() {
        let bytes = encode(&record(), 1);
        for bit in 0..SIZE * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&changed), None, "bit {bit}");
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witness");
        std::fs::write(&path, &bytes[..SIZE - 1]).unwrap();
        assert_eq!(Witness::open(&path).unwrap().1, Found::Damaged);
    }
}
