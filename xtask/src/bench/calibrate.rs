//! What this machine can do at all, in the same run: so a slow day is not mistaken for a slow program.
//!
//! The bare database writes the same number of rows of the same size, in transactions as large as a writer finds that
//! takes what one window of an agent's host holds.

use std::hint::black_box;

use anyhow::Result;
use rusqlite::Connection;
use serde::Deserialize;

use super::Options;
use super::report::{Goal, Report, median};
use crate::{clock, workspace};

/// A line of an agent, as it is written into the bare database.
const LINE: usize = 290;
/// What is there at once: the window between daemon and host.
const WINDOW: usize = 256 * 1024;

/// What the calibration found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw {
    /// Rows a second of the bare database.
    pub(super) rows: f64,
}

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    event: Event<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    index: u64,
    #[serde(borrow)]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    text: std::borrow::Cow<'a, str>,
}

/// Measures the bare database, the parser and memory.
pub(super) fn run(options: &Options, report: &mut Report) -> Result<Raw> {
    let repetitions = if options.quick { 3 } else { 5 };
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    let mut copied = Vec::new();
    for _ in 0..repetitions {
        rows.push(database(options.lines)?);
        lines.push(parse()?);
        copied.push(copy());
    }
    report.add(
        "calibration: bare database, rows in groups",
        "rows/s",
        Goal::None,
        &rows,
        None,
    );
    report.add(
        "calibration: typed parsing of lines, one core",
        "lines/s",
        Goal::None,
        &lines,
        None,
    );
    report.add(
        "calibration: copying memory, one core",
        "GB/s",
        Goal::None,
        &copied,
        None,
    );
    Ok(Raw {
        rows: median(&rows),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of what was done are far below 2^52"
)]
fn database(count: u64) -> Result<f64> {
    let parent = workspace::target().join("bench");
    let directory = tempfile::Builder::new().prefix("raw-").tempdir_in(parent)?;
    let connection = Connection::open(directory.path().join("raw.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.execute_batch("CREATE TABLE log (id INTEGER PRIMARY KEY, event BLOB NOT NULL)")?;
    let line = vec![b'x'; LINE];
    let group = (WINDOW / LINE) as u64;
    let begun = clock::now();
    let mut next = 0;
    while next < count {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
        let until = count.min(next + group);
        while next < until {
            next += 1;
            let id = i64::try_from(next)?;
            connection
                .prepare_cached("INSERT INTO log (id, event) VALUES (?1, ?2)")?
                .execute((id, &line))?;
        }
        connection.prepare_cached("COMMIT")?.execute(())?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

fn parse() -> Result<f64> {
    const COUNT: u32 = 200_000;
    let line = concat!(
        r#"{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","#,
        r#""text":"       1 ..........\n"}},"session_id":"0199e0f1-7a60-7000-8000-000000000001","#,
        r#""parent_tool_use_id":null,"uuid":"0199e0f1-7a60-7000-8000-000000000002","#,
        r#""api_message_id":"msg_01AAAAAAAAAAAAAAAAAAAAAA"}"#
    );
    let begun = clock::now();
    for _ in 0..COUNT {
        let piece: Piece<'_> = serde_json::from_str(black_box(line))?;
        black_box((piece.kind, piece.event.index, &piece.event.delta.text));
    }
    Ok(f64::from(COUNT) / begun.elapsed().as_secs_f64())
}

fn copy() -> f64 {
    const SIZE: usize = 64 << 20;
    let from = vec![1_u8; SIZE];
    let mut to = vec![0_u8; SIZE];
    let begun = clock::now();
    let mut bytes = 0.0;
    while bytes < 1e9 {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
        bytes += f64::from(u32::try_from(SIZE).unwrap_or(u32::MAX));
    }
    bytes / begun.elapsed().as_secs_f64() / 1e9
}
