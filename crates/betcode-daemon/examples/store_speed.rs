//! How fast the store is, beside plain rusqlite with one row for each event, in one run on one machine.
//!
//! `cargo run --release -p betcode-daemon --example store_speed [EVENTS]`. Everything goes into a directory under the
//! current one, so that it is the disk that is measured and not a memory file system; it is removed afterwards.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures, and prints what it measured"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use betcode_core::event::{Status, Usage};
use betcode_core::id::{AgentName, FrameNumber, HostEpoch, LogEpoch, Sequence, SessionId};
use betcode_core::time::Timestamp;
use betcode_daemon::store::{
    Append, Checkpoint, Chunk, Durability, SessionLog, Store, StoreOptions, SummaryRow, TailRead,
};
use betcode_proto::v1::{Event, TextPiece, event};
use prost::Message as _;
use rusqlite::Connection;
use uuid::Uuid;

/// Events in a transaction of the flood: about what arrives while the one before is committed.
const GROUP: u64 = 512;
const SESSION: SessionId = SessionId(Uuid::from_u128(1));

fn main() -> Result<()> {
    let events: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(100_000), |text| text.parse())?;
    let directory = std::env::current_dir()?.join(format!("store-speed-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let result = measure(&directory, events);
    std::fs::remove_dir_all(&directory)?;
    result
}

fn measure(directory: &Path, events: u64) -> Result<()> {
    let raw = rate(
        events,
        timed(|| plain(&directory.join("plain.db"), events))?,
    );
    println!("plain rusqlite, a row for each event:   {raw:>9.0} events/s");
    let place = directory.join("flood");
    let flood = rate(events, timed(|| flood(&place, events, 0))?);
    println!(
        "store, one session:                     {flood:>9.0} events/s, {:.2} of plain",
        flood / raw
    );
    let followed = rate(
        events,
        timed(|| self::flood(&directory.join("followed"), events, 8))?,
    );
    println!(
        "store, one session, 8 followers each:   {followed:>9.0} events/s, {:.2} of plain",
        followed / raw
    );
    opening(&place)?;
    reading(&place)?;
    lone(&directory.join("lone"))
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(events: u64, time: Duration) -> f64 {
    events as f64 / time.as_secs_f64()
}

fn group(first: u64, count: u64) -> Vec<Event> {
    (first..first + count)
        .map(|sequence| Event {
            sequence,
            timestamp_us: 1_763_000_000_000_000,
            body: Some(event::Body::TextDelta(TextPiece {
                message_id: "msg_0123456789".into(),
                text: "x".repeat(256),
            })),
            ..Event::default()
        })
        .collect()
}

fn plain(path: &Path, events: u64) -> Result<()> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE log (id INTEGER PRIMARY KEY, event BLOB)",
    )?;
    for first in (1..=events).step_by(usize::try_from(GROUP)?) {
        let transaction = connection.unchecked_transaction()?;
        let mut insert = transaction.prepare_cached("INSERT INTO log VALUES (?1, ?2)")?;
        for event in group(first, GROUP.min(events + 1 - first)) {
            insert.execute((i64::try_from(event.sequence)?, event.encode_to_vec()))?;
        }
        drop(insert);
        transaction.commit()?;
    }
    Ok(())
}

fn open(directory: &Path) -> Result<(Store, Arc<SessionLog>)> {
    std::fs::create_dir_all(directory)?;
    let (store, _) = Store::open(
        directory,
        LogEpoch(Uuid::from_u128(2)),
        StoreOptions::default(),
    )?;
    let log = store.new_log(SESSION);
    let mut append = Append::new(Arc::clone(&log), Timestamp(1));
    append.create = true;
    append.summary = Some(SummaryRow {
        id: SESSION,
        agent: AgentName::from("demo"),
        cwd: "/home/user/project".into(),
        title: String::new(),
        model: String::new(),
        status: Status::Idle,
        created: Timestamp(1),
        updated: Timestamp(1),
        turns: 0,
        agent_session: String::new(),
        trimmed_up_to: Sequence(0),
        totals: Usage::default(),
        retry_at: None,
    });
    store.append(append).blocking_recv()??;
    Ok((store, log))
}

fn append(log: &Arc<SessionLog>, count: u64) -> Append {
    let first = log.head().0 + 1;
    let mut append = Append::new(Arc::clone(log), Timestamp(1));
    append.chunk = Chunk::encode(&group(first, count));
    append.checkpoint = Some(Checkpoint {
        host: HostEpoch(Uuid::from_u128(3)),
        spool_segment: 0,
        spool_offset: first,
        next_frame: FrameNumber(1),
        agent_state: "{\"version\":1,\"open\":\"msg_0123456789\"}".into(),
    });
    append
}

fn flood(directory: &Path, events: u64, followers: usize) -> Result<()> {
    let (store, log) = open(directory)?;
    let followers: Vec<_> = (0..followers)
        .map(|_| {
            let (store, log) = (store.clone(), Arc::clone(&log));
            std::thread::spawn(move || follow(&store, &log, events))
        })
        .collect();
    let mut largest = 0;
    while log.head().0 < events {
        let count = GROUP.min(events - log.head().0);
        store.append(append(&log, count)).blocking_recv()??;
        largest = largest.max(std::fs::metadata(directory.join("log.db-wal"))?.len());
    }
    for follower in followers {
        follower.join().ok().context("a follower panicked")??;
    }
    println!("    largest write-ahead log: {:.1} MB", mebibytes(largest));
    store.close();
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn follow(store: &Store, log: &Arc<SessionLog>, events: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut head = log.subscribe();
    let mut cursor = Sequence(0);
    runtime.block_on(async {
        while cursor.0 < events {
            let chunks = match log.tail_after(cursor, 256 * 1024) {
                TailRead::Ready(chunks) => chunks,
                TailRead::TooOld => store.read_after(log, cursor, 256 * 1024).await?,
                TailRead::UpToDate => {
                    head.wait_for(|head| *head > cursor).await?;
                    continue;
                }
            };
            cursor = chunks.last().context("an empty page")?.last;
        }
        Ok(())
    })
}

fn opening(directory: &Path) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        let (store, _) = Store::open(
            directory,
            LogEpoch(Uuid::from_u128(4)),
            StoreOptions::default(),
        )?;
        times.push(start.elapsed());
        store.close();
    }
    report("open, closed in order", &mut times);
    let (store, _) = Store::open(
        directory,
        LogEpoch(Uuid::from_u128(4)),
        StoreOptions {
            wal_soft: 64 << 20,
            ..StoreOptions::default()
        },
    )?;
    let log = tokio::runtime::Builder::new_current_thread()
        .build()?
        .block_on(store.open_log(SESSION))?;
    let log = log.context("the session is gone")?.log;
    while std::fs::metadata(directory.join("log.db-wal"))?.len() < 5 << 20 {
        store.append(append(&log, GROUP)).blocking_recv()??;
    }
    for _ in 0..20 {
        // What a killed process leaves.
        let killed = directory.with_extension("killed");
        std::fs::create_dir(&killed)?;
        for name in ["log.db", "log.db-wal", "log.witness"] {
            std::fs::copy(directory.join(name), killed.join(name))?;
        }
        let start = Instant::now();
        let (store, _) = Store::open(
            &killed,
            LogEpoch(Uuid::from_u128(4)),
            StoreOptions::default(),
        )?;
        times.push(start.elapsed());
        store.close();
        std::fs::remove_dir_all(&killed)?;
    }
    report("open, killed with 5 MB write-ahead log", &mut times);
    Ok(())
}

fn reading(directory: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (store, _) = Store::open(
        directory,
        LogEpoch(Uuid::from_u128(4)),
        StoreOptions::default(),
    )?;
    let log = runtime
        .block_on(store.open_log(SESSION))?
        .context("the session is gone")?
        .log;
    let mut first = Vec::new();
    let mut all = Vec::new();
    for _ in 0..10 {
        let start = Instant::now();
        runtime.block_on(store.read_before(&log, log.head().next(), 1))?;
        first.push(start.elapsed());
        let start = Instant::now();
        runtime.block_on(follow_all(&store, &log))?;
        all.push(start.elapsed());
    }
    report("read backwards, newest page", &mut first);
    report(&format!("read all {} events", log.head()), &mut all);
    Ok(())
}

async fn follow_all(store: &Store, log: &Arc<SessionLog>) -> Result<()> {
    let mut cursor = Sequence(0);
    while cursor < log.head() {
        cursor = store
            .read_after(log, cursor, 512 * 1024)
            .await?
            .last()
            .context("an empty page")?
            .last;
    }
    Ok(())
}

fn lone(directory: &Path) -> Result<()> {
    let (store, log) = open(directory)?;
    for (name, durability, count) in [
        ("one event, survives the process", Durability::Process, 5000),
        ("one event, survives power loss", Durability::PowerLoss, 300),
    ] {
        let mut times = Vec::new();
        for _ in 0..count {
            let mut append = append(&log, 1);
            append.durability = durability;
            let start = Instant::now();
            store.append(append).blocking_recv()??;
            times.push(start.elapsed());
        }
        report(name, &mut times);
    }
    Ok(())
}

fn report(name: &str, times: &mut Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get(times.len().saturating_sub(1) * share / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{name:<40} p50 {:>8.1?}  p99 {:>8.1?}  worst {:>8.1?}",
        at(50),
        at(99),
        at(100)
    );
    times.clear();
}
