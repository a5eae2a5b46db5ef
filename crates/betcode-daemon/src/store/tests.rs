//! Tests of the store as a whole, with real databases in temporary directories.

mod crash;
mod epoch;
mod fixture;
mod follow;
mod requests;
mod rows;
mod states;
mod trim;
mod wal;
mod write;

use std::path::Path;
use std::sync::Arc;

use betcode_core::event::{Status, Usage};
use betcode_core::id::{AgentName, LogEpoch, Sequence, SessionId};
use betcode_core::time::Timestamp;
use betcode_proto::v1::{Event, EventList, TextPiece, event};
use prost::Message as _;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Append, Chunk, CommitError, OpenReport, SessionLog, Store, StoreOptions, SummaryRow};

const EPOCH: LogEpoch = LogEpoch(Uuid::from_u128(0xE0));

fn open(directory: &Path) -> (Store, OpenReport) {
    open_as(directory, EPOCH, StoreOptions::default())
}

fn open_as(directory: &Path, epoch: LogEpoch, options: StoreOptions) -> (Store, OpenReport) {
    Store::open(directory, epoch, options).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

/// Events with these numbers, each with its number in its text and a filling that makes it longer.
fn events(first: u64, count: u64, filling: usize) -> Vec<Event> {
    (first..first + count)
        .map(|sequence| Event {
            sequence,
            timestamp_us: 5,
            body: Some(event::Body::TextDelta(TextPiece {
                message_id: "m".into(),
                text: format!("{sequence}:{}", "x".repeat(filling)),
            })),
            ..Event::default()
        })
        .collect()
}

fn chunk(first: u64, count: u64, filling: usize) -> Chunk {
    Chunk::encode(&events(first, count, filling)).unwrap()
}

fn decode(chunk: &Chunk) -> Vec<Event> {
    let list = EventList::decode(&chunk.bytes[..]).unwrap().events;
    assert_eq!(list.first().unwrap().sequence, chunk.first.0);
    assert_eq!(list.last().unwrap().sequence, chunk.last.0);
    list
}

fn decode_all(chunks: &[Chunk]) -> Vec<Event> {
    chunks.iter().flat_map(decode).collect()
}

fn summary(id: SessionId) -> SummaryRow {
    SummaryRow {
        id,
        agent: AgentName::from("demo"),
        cwd: "/home/user/project".into(),
        title: "a title".into(),
        model: "none".into(),
        status: Status::Idle,
        created: Timestamp(1),
        updated: Timestamp(2),
        turns: 3,
        agent_session: "there".into(),
        trimmed_up_to: Sequence(0),
        totals: Usage {
            input_tokens: 4,
            ..Usage::default()
        },
        retry_at: Some(Timestamp(5)),
    }
}

/// The first append of a session, with this many events.
fn create(log: &Arc<SessionLog>, count: u64) -> Append {
    let mut append = Append::new(Arc::clone(log), Timestamp(1));
    append.create = true;
    append.summary = Some(summary(log.id()));
    append.chunk = Chunk::encode(&events(1, count, 10));
    append
}

/// An append of this many events behind the head.
fn more(log: &Arc<SessionLog>, count: u64, filling: usize) -> Append {
    let mut append = Append::new(Arc::clone(log), Timestamp(1));
    append.chunk = Some(chunk(log.head().0 + 1, count, filling));
    append
}

fn wait(answer: oneshot::Receiver<Result<(), CommitError>>) -> Result<(), CommitError> {
    answer.blocking_recv().unwrap()
}

fn add_session(store: &Store, number: u128, count: u64) -> Arc<SessionLog> {
    let log = store.new_log(session(number));
    wait(store.append(create(&log, count))).unwrap();
    log
}

/// Everything in a log as the database has it.
fn read_all(store: &Store, log: &Arc<SessionLog>) -> Vec<Event> {
    let mut all = Vec::new();
    let mut after = Sequence(0);
    loop {
        let chunks = block_on(store.read_after(log, after, 100_000)).unwrap();
        let Some(last) = chunks.last() else {
            return all;
        };
        after = last.last;
        all.extend(decode_all(&chunks));
    }
}

fn assert_tiles(events: &[Event], head: u64) {
    let numbers: Vec<_> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=head).collect::<Vec<_>>());
}
