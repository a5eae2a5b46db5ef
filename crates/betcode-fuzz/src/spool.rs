//! The spool after anything: segments that are missing, overlap, end early or are named strangely, read by a daemon that is
//! killed in between and told any end. Laws:
//! - reading ends; what was taken never goes back, and never beyond what was said to be there;
//! - every byte is given out once, or counted as lost: never both, never neither;
//! - a spool without gaps gives exactly its lines, whoever reads it, after deleting what is committed too.

use std::path::{Path, PathBuf};

use betcode_daemon::session::reader::{Extent, LineReader};
use betcode_host::spool;

use crate::Target;
use crate::input::Bytes;

/// See the file.
pub const TARGET: Target = Target {
    name: "spool",
    about: "recovery of an agent's output: any segments, ends and restarts",
    run,
    seeds,
    longest: 8192,
};

/// The most segments of one spool.
const SEGMENTS: usize = 6;

fn seeds() -> Vec<Vec<u8>> {
    let text =
        b"one\ntwo\nthree is longer\n\n{\"type\":\"keep_alive\"}\nfour\nthe last is not finish";
    let plans: [&[u8]; 8] = [
        // Whole, in one piece and in several, with and without a restart.
        &[0, 1, 0, 200, 1, 255, 0],
        &[0, 3, 0, 9, 0, 9, 0, 60, 4, 10, 20, 40, 255, 3],
        &[1, 2, 0, 30, 0, 60, 3, 9, 33, 255, 7, 1],
        // A gap, an overlap, a beginning that is gone.
        &[2, 3, 0, 9, 210, 4, 20, 0, 60, 2, 30, 255, 15],
        &[3, 3, 0, 20, 235, 7, 20, 0, 60, 2, 30, 255, 1],
        &[3, 2, 215, 50, 20, 0, 60, 1, 255, 0],
        // Names at the end of numbers.
        &[
            7, 2, 0, 20, 255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 9, 2, 40, 255, 1,
        ],
        &[
            6, 1, 250, 250, 255, 255, 255, 255, 255, 255, 255, 40, 2, 255, 255, 1,
        ],
    ];
    plans
        .iter()
        .map(|plan| [plan, &text[..]].concat())
        .collect()
}

/// A segment of the plan.
struct Segment {
    start: u64,
    bytes: Vec<u8>,
}

struct Plan<'a> {
    segments: Vec<Segment>,
    /// Whether they follow on each other from 0 on.
    whole: bool,
    /// Ends that the daemon is told, one after the other.
    ends: Vec<u64>,
    /// From where the log says to go on.
    offset: u64,
    rest: Bytes<'a>,
}

fn plan(data: &[u8]) -> Plan<'_> {
    let mut bytes = Bytes(data);
    let style = bytes.byte();
    let count = bytes.below(SEGMENTS + 1);
    let (mut at, mut whole) = (0_u64, true);
    let mut places = Vec::new();
    for _ in 0..count {
        let jump = bytes.byte();
        let start = match jump {
            0..200 => at,
            200..230 => at.saturating_add(1 + u64::from(bytes.byte())),
            230..250 => at.saturating_sub(1 + u64::from(bytes.byte())),
            _ => bytes.long(),
        };
        whole &= start == at;
        let length = bytes.byte();
        places.push((start, length));
        at = start.saturating_add(u64::from(length));
    }
    let mut ends: Vec<u64> = (0..bytes.below(6))
        .map(|_| u64::from(bytes.byte()))
        .collect();
    let offset = match style % 4 {
        2 => u64::from(bytes.byte()),
        3 if style > 128 => bytes.long(),
        _ => 0,
    };
    let mut content = bytes;
    let mut segments: Vec<Segment> = Vec::new();
    for (start, length) in places {
        let taken = content.take(usize::from(length));
        let end = segments
            .last()
            .map_or(0, |last| last.start.saturating_add(last.bytes.len() as u64));
        // Too little content ends the segment before its time.
        whole &= start == end;
        segments.push(Segment {
            start,
            bytes: taken.to_vec(),
        });
    }
    let last = segments
        .iter()
        .map(|it| it.start.saturating_add(it.bytes.len() as u64))
        .max();
    ends.push(if style & 4 == 0 {
        last.unwrap_or(0)
    } else {
        content.long()
    });
    Plan {
        segments,
        whole,
        ends,
        offset,
        rest: content,
    }
}

fn run(data: &[u8]) {
    let plan = plan(data);
    let directory = tempfile::Builder::new()
        .prefix("betcode-fuzz-")
        .tempdir_in(memory())
        .expect("a directory");
    let name = |start: u64| directory.path().join(format!("{start:020}.out"));
    for segment in &plan.segments {
        std::fs::write(name(segment.start), &segment.bytes).expect("a segment");
    }
    let said = spool::end(directory.path()).expect("a directory can be listed");
    if plan.whole {
        let all: usize = plan.segments.iter().map(|it| it.bytes.len()).sum();
        assert_eq!(said, all as u64, "another end");
    }
    check(directory.path(), plan);
    spool::delete_all(directory.path()).expect("segments can be deleted");
    assert_eq!(spool::end(directory.path()).ok(), Some(0));
}

/// Where files cost no disk, if there is such a place.
fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// What came out so far.
#[derive(Default)]
struct Given {
    lines: Vec<u8>,
    /// The bytes of lines with their newlines, and those that were passed over.
    bytes: u64,
    lost: u64,
}

fn check(directory: &Path, mut plan: Plan<'_>) {
    let begin = plan.offset;
    let mut reader = LineReader::open(directory, begin);
    let mut given = Given::default();
    let mut end = 0;
    let rounds = plan.ends.len();
    for (round, said) in plan.ends.iter().enumerate() {
        // What a host has said is there stays there.
        end = end.max(*said);
        let last = round + 1 == rounds;
        let extent = Extent {
            end,
            finished: last,
            abandoned: last,
        };
        read_all(&mut reader, extent, &mut given);
        let choice = plan.rest.byte();
        if choice & 1 == 1 {
            let taken = reader.taken();
            reader = LineReader::open(directory, taken);
        }
        if choice & 2 == 2 {
            spool::delete_below(directory, reader.taken()).expect("segments can be deleted");
        }
    }
    assert_eq!(
        u128::from(reader.taken()),
        u128::from(begin) + u128::from(given.bytes) + u128::from(given.lost),
        "bytes are neither given out nor lost"
    );
    assert!(
        reader.taken() >= end || begin > end,
        "something is left at the end"
    );
    if plan.whole && begin == 0 {
        let all: Vec<u8> = plan
            .segments
            .iter()
            .flat_map(|it| it.bytes.clone())
            .collect();
        // Where more was said to be there, the line at the end is given up with what is missing of it.
        let whole = match usize::try_from(end) {
            Ok(end) if end <= all.len() => end,
            _ => all
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1),
        };
        assert!(
            given.lines == all[..whole],
            "other lines than those in the spool"
        );
        assert_eq!(given.lost, end - whole as u64);
    }
}

fn read_all(reader: &mut LineReader, extent: Extent, given: &mut Given) {
    let (start, mut taken) = (reader.taken(), reader.taken());
    for _ in 0..64 {
        let before = reader.position();
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let read = match reader.read_on(extent, |line| lines.push(line.to_vec())) {
            Ok(read) => read,
            Err(error) => {
                // Only of somebody who may still have it: what was told to be there is not.
                assert!(
                    !extent.abandoned,
                    "an abandoned spool cannot be read: {error}"
                );
                return;
            }
        };
        assert!(reader.taken() >= taken, "what was taken goes back");
        assert!(
            reader.taken() <= extent.end.max(start),
            "more than was said to be there"
        );
        assert_eq!(
            read.taken,
            (reader.taken() > taken).then_some(reader.taken())
        );
        let count: u64 = lines.iter().map(|line| line.len() as u64 + 1).sum();
        // Only the unfinished line at the very end has no newline.
        let advance = reader.taken() - taken - read.lost;
        assert!(
            count == advance || (extent.finished && count == advance + 1),
            "{count} bytes of lines in {advance} bytes"
        );
        for line in lines {
            given.lines.extend_from_slice(&line);
            given.lines.push(b'\n');
        }
        given
            .lines
            .truncate(given.lines.len() - usize::from(count > advance));
        given.bytes += advance;
        given.lost += read.lost;
        taken = reader.taken();
        if reader.position() >= extent.end && reader.position() == before {
            return;
        }
    }
    panic!("reading does not end");
}
