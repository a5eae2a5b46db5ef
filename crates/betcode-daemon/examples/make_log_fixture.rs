//! Makes `fixtures/log/vN`: a small database with a row in every table, which every later version must open and fold.
//!
//! `cargo run -p betcode-daemon --example make_log_fixture DIRECTORY`, with a directory that holds `events.jsonl`: the
//! events as people read them, one a line. A database that is there already is never overwritten.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use betcode_core::event::{Event, PermissionRequest, Preview, Question, Status, Usage};
use betcode_core::id::{
    AgentName, FrameNumber, HostEpoch, IdempotencyKey, LogEpoch, MessageId, Sequence, SessionId,
};
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;
use betcode_daemon::store::{
    AcceptedCommand, Append, AuditRow, Checkpoint, Chunk, Durability, HostRow, HostState,
    OutboxFrame, RequestChange, RequestRow, SessionLog, Snapshot, Store, StoreOptions,
    StoredPayload, SummaryRow, TrustRow,
};
use betcode_proto::v1::{self, feed_entry};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_795_262_400_000_000);

fn main() -> Result<()> {
    let directory = PathBuf::from(std::env::args_os().nth(1).context("which directory?")?);
    ensure!(
        !directory.join("log.db").exists(),
        "a fixture is never made again"
    );
    let text = std::fs::read_to_string(directory.join("events.jsonl"))?;
    let events: Vec<v1::Event> = text
        .lines()
        .map(|line| Ok(serde_json::from_str::<Event>(line)?.into()))
        .collect::<Result<_>>()?;
    make(&directory, &events)
}

fn make(directory: &Path, events: &[v1::Event]) -> Result<()> {
    let (store, _) = Store::open(
        directory,
        LogEpoch(Uuid::from_u128(0xE1)),
        StoreOptions::default(),
    )?;
    let session = SessionId(Uuid::from_u128(0xA1));
    let log = store.new_log(session);
    let third = events.len() / 3;
    let (first, rest) = events.split_at(third);
    store.append(creation(&log, first)).blocking_recv()??;
    let (second, last) = rest.split_at(third);
    for part in [second, last] {
        let mut append = Append::new(Arc::clone(&log), NOW);
        append.chunk = Chunk::encode(part);
        append.feed = vec![feed_entry::Body::SessionDeleted(v1::SessionDeleted {
            id: vec![7; 16].into(),
        })];
        store.append(append).blocking_recv()??;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(store.set_trust(TrustRow {
        directory: "/home/user/project".into(),
        device: 1,
        inode: 2,
        since: NOW,
    }))?;
    let kept = store.keep("notify", "{}".into(), NOW, Vec::new(), Durability::Process);
    runtime.block_on(kept)?;
    let point = ("window".to_owned(), NOW.0, 62.5);
    runtime.block_on(store.add_points(vec![point]))?;
    store.close();
    Ok(())
}

fn creation(log: &Arc<SessionLog>, events: &[v1::Event]) -> Append {
    let host = HostEpoch(Uuid::from_u128(0xB1));
    let mut append = Append::new(Arc::clone(log), NOW);
    append.create = true;
    append.summary = Some(SummaryRow {
        id: log.id(),
        agent: AgentName::from(AgentName::DEMO),
        cwd: "/home/user/project".into(),
        title: "Files".into(),
        model: "demo-1".into(),
        status: Status::Closed,
        created: NOW,
        updated: Timestamp(NOW.0 + 1),
        turns: 1,
        agent_session: "conversation-1".into(),
        trimmed_up_to: Sequence(0),
        totals: Usage {
            input_tokens: 10,
            cost_usd: 0.25,
            ..Usage::default()
        },
        retry_at: Some(NOW),
    });
    append.chunk = Chunk::encode(events);
    append.payloads = vec![StoredPayload {
        sequence: Sequence(35),
        field: "raw".into(),
        bytes: vec![b'x'; 70_000],
    }];
    append.checkpoint = Some(Checkpoint {
        host,
        spool_segment: 8_388_608,
        spool_offset: 8_400_000,
        next_frame: FrameNumber(3),
        agent_state: "{\"version\":1}".into(),
    });
    append.outbox_add = vec![OutboxFrame {
        host,
        frame: FrameNumber(2),
        message: Some(MessageId(Uuid::from_u128(0xC1))),
        bytes: b"{\"type\":\"user\"}\n".to_vec(),
    }];
    append.accepted = vec![AcceptedCommand {
        key: IdempotencyKey(Uuid::from_u128(0xD1)),
        session: log.id(),
        payload_hash: [5; 32],
        sequence: Sequence(6),
        notices: vec!["using the demo agent".into()],
        at: NOW,
    }];
    append.environment = Some("{\"LANG\":\"C.UTF-8\"}".into());
    append.hosts = vec![HostRow {
        epoch: host,
        session: log.id(),
        state: HostState::Running,
        created: NOW,
    }];
    append.snapshot = Some(Snapshot {
        version: 1,
        sequence: Sequence(5),
        state: b"{}".to_vec(),
    });
    append.deadline = Some(Some(Timestamp(NOW.0 + 2)));
    add_requests(&mut append);
    append
}

/// One request that has ended, with its decision, and one that waits.
fn add_requests(append: &mut Append) {
    let input = serde_json::json!({"command": "ls", "timeout": 1.5});
    let permission = PermissionRequest {
        id: "request-1".into(),
        tool: "Bash".into(),
        tool_call: Some("call-1".into()),
        input: input.clone(),
        description: "List the files".into(),
        suggested_rules: vec!["Bash(ls:*)".into()],
        expires_at: Some(Timestamp(NOW.0 + 3)),
        is_replay: false,
        note: String::new(),
    };
    let question = Question {
        id: "request-2".into(),
        tool_call: None,
        items: Vec::new(),
        plan: Some("First this.".into()),
        input: serde_json::json!({}),
        expires_at: Some(Timestamp(NOW.0 + 4)),
        is_replay: false,
        note: String::new(),
    };
    let asked = |sequence, pending, previews| {
        RequestChange::Asked(RequestRow {
            sequence: Sequence(sequence),
            asked: NOW,
            pending,
            previews,
        })
    };
    let preview = Preview {
        field: "plan".into(),
        size: 70_000,
        stored: 70_000,
    };
    append.requests = vec![
        asked(7, Pending::Permission(permission), Vec::new()),
        asked(8, Pending::Question(question), vec![preview]),
        RequestChange::Ended {
            id: "request-1".into(),
            state: "allowed".into(),
            decided_by: "terminal on a desk".into(),
            at: Timestamp(NOW.0 + 1),
        },
    ];
    append.audit = vec![AuditRow {
        time: Timestamp(NOW.0 + 1),
        session: append.log.id(),
        tool: "Bash".into(),
        input_preview: betcode_core::redact::preview(&input),
        input_sha256: betcode_core::canonical::digest(&input),
        outcome: "allowed".into(),
        by: "terminal on a desk".into(),
        request: "request-1".into(),
    }];
}
