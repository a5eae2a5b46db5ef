//! Sessions that leave while others come: with a stay of a millisecond they leave in every gap, and nobody may notice.

#![expect(
    clippy::disallowed_methods,
    reason = "a visitor that panics fails the test; a task of the daemon would only log it"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use betcode_core::command::{Action, Command, Environment, LaunchOptions, StartSession};
use betcode_core::event::{ClientInfo, ClientKind, EventBody};
use betcode_core::id::{AgentName, ClientId, IdempotencyKey, LogEpoch, Sequence, SessionId};
use betcode_proto::convert::decode_event_list;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use super::super::Machine;
use crate::clock::Clock;
use crate::session::follow::Follower;
use crate::settings::{Settings, tests::options};
use crate::store::{Store, StoreOptions};
use crate::tasks::Tasks;

const ID: SessionId = SessionId(Uuid::from_u128(0xA1));
/// How often visitors come.
const ROUNDS: usize = 400;

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap()
}

fn store(directory: &Path) -> Store {
    let state = directory.join("state");
    std::fs::create_dir(&state).unwrap();
    let epoch = LogEpoch(Uuid::from_u128(1));
    Store::open(&state, epoch, StoreOptions::default())
        .unwrap()
        .0
}

fn machine(directory: &Path, store: &Store, stays: Duration) -> Arc<Machine> {
    let (mut settings, complaints) = Settings::load(&options(directory));
    assert_eq!(complaints, Vec::<String>::new());
    settings.stays_in_memory = stays;
    let clock = Clock::new(None);
    Machine::new(store.clone(), clock, Tasks::new(), Arc::new(settings))
}

fn person(number: u128, kind: ClientKind) -> ClientInfo {
    ClientInfo {
        name: "test".into(),
        id: ClientId(Uuid::from_u128(number)),
        kind,
        ..ClientInfo::default()
    }
}

fn command(session: SessionId, key: u128, action: Action) -> Command {
    Command {
        session,
        key: IdempotencyKey(Uuid::from_u128(key)),
        client: person(1, ClientKind::OneShot),
        action,
    }
}

fn start(directory: &Path) -> Action {
    Action::Start(Box::new(StartSession {
        agent: AgentName::from(AgentName::DEMO),
        cwd: directory.display().to_string(),
        title: String::new(),
        launch: LaunchOptions::default(),
        environment: Environment::default(),
    }))
}

fn rename(key: u128) -> Command {
    let title = format!("title {key}");
    command(ID, key, Action::Rename { title })
}

/// The session is there.
async fn made(machine: &Arc<Machine>, directory: &Path) {
    let start = command(ID, 0x57A7, start(directory));
    machine.submit(start, [0; 32]).await.unwrap();
}

/// Waits until no session is in memory, and no actor runs.
async fn deserted(machine: &Machine) {
    let deserted = async {
        while machine.sessions_in_use() + machine.tasks().running() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), deserted)
        .await
        .expect("nobody is here, and it stays");
}

/// The titles that the log has, in their order.
async fn titles(machine: &Arc<Machine>) -> Vec<String> {
    let log = machine.open(ID).await.unwrap().log().clone();
    let mut follower = Follower::new(machine.store().clone(), log, Sequence(0), false);
    let (mut titles, mut next) = (Vec::new(), 1);
    while let Some(chunk) = follower.next().await.unwrap() {
        assert_eq!(chunk.first, Sequence(next), "no event is left out");
        next = chunk.last.0 + 1;
        for event in decode_event_list(&chunk.bytes).unwrap() {
            if let EventBody::TitleChange { title, .. } = event.body {
                titles.push(title);
            }
        }
    }
    titles
}

#[test]
fn whatever_somebody_has_of_a_session_keeps_it_here() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    runtime().block_on(async {
        let machine = machine(directory.path(), &store, Duration::from_hours(1));
        made(&machine, directory.path()).await;
        let handle = machine.open(ID).await.unwrap();
        assert!(!machine.put_away(ID, || true), "somebody has a handle");
        let (log, mailbox) = (handle.log().clone(), handle.mailbox.clone());
        let seat = handle.attach(person(2, ClientKind::Interactive), true);
        drop(handle);
        let slot = machine.slot(ID);
        drop((mailbox, log));
        assert!(!machine.put_away(ID, || true), "looked up, and seated");
        drop(slot);
        assert!(!machine.put_away(ID, || true), "somebody sits there");
        drop(seat);
        let log = machine.open(ID).await.unwrap().log().clone();
        assert!(!machine.put_away(ID, || true), "somebody reads");
        drop(log);
        let mailbox = machine.open(ID).await.unwrap().mailbox.clone();
        assert!(
            !machine.put_away(ID, || true),
            "somebody is about to send something"
        );
        drop(mailbox);
        assert!(!machine.put_away(ID, || false), "something waits");
        let slot = machine.slot(ID);
        assert!(
            !machine.put_away(ID, || true),
            "somebody is just taking a handle"
        );
        drop(slot);
        // The store may still be about to let go of the last thing that it was given.
        while !machine.put_away(ID, || true) {
            tokio::task::yield_now().await;
        }
        assert!(!machine.put_away(ID, || true), "it is away");
        deserted(&machine).await;
        assert!(machine.open(ID).await.is_ok());
    });
    store.close();
}

#[test]
fn a_session_leaves_when_nobody_has_anything_of_it_and_is_back_when_somebody_asks() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    runtime().block_on(async {
        let machine = machine(directory.path(), &store, Duration::from_millis(1));
        made(&machine, directory.path()).await;
        let handle = machine.open(ID).await.unwrap();
        let view = handle.view().await.unwrap();
        let seat = handle.attach(person(2, ClientKind::Interactive), true);
        drop(handle);
        for _ in 0..3 {
            // Each of these is an answer of the actor that stays because of the seat.
            let still = machine.open(ID).await.unwrap().view().await.unwrap();
            assert_eq!(still, view);
        }
        drop(seat);
        deserted(&machine).await;
        let back = machine.open(ID).await.unwrap().view().await.unwrap();
        assert_eq!(back, view);
        deserted(&machine).await;
    });
    store.close();
}

#[test]
fn the_list_the_feed_and_questions_about_unknown_sessions_bring_none_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    runtime().block_on(async {
        let machine = machine(directory.path(), &store, Duration::from_millis(1));
        made(&machine, directory.path()).await;
        deserted(&machine).await;
        assert_eq!(store.list_sessions(None, 10).await.unwrap().len(), 1);
        assert_eq!(store.find_sessions("0").await.unwrap().len(), 1);
        machine
            .open(SessionId(Uuid::from_u128(0xFF)))
            .await
            .unwrap_err();
        assert_eq!(machine.sessions_in_use(), 0);
    });
    store.close();
}

/// Twice the same command, and once more from somebody who does not wait for the answer.
async fn renames(machine: Arc<Machine>, key: u128) {
    let first = machine.submit(rename(key), [7; 32]).await.unwrap().0;
    let unheard = machine.clone();
    let asked = tokio::spawn(async move { unheard.submit(rename(key), [7; 32]).await });
    tokio::task::yield_now().await;
    asked.abort();
    let again = machine.submit(rename(key), [7; 32]).await.unwrap().0;
    assert_eq!(again.sequence, first.sequence, "the key is known");
}

async fn looks_in(machine: Arc<Machine>) {
    let handle = machine.open(ID).await.unwrap();
    let seat = handle.attach(person(10, ClientKind::Interactive), true);
    let head = handle.log().head();
    drop(handle);
    let view = machine.open(ID).await.unwrap().view().await.unwrap();
    assert!(view.head() >= head, "what was shown is known");
    drop(seat);
}

async fn reads(machine: Arc<Machine>) {
    let before = titles(&machine).await;
    assert!(titles(&machine).await.starts_with(&before));
}

#[test]
fn whoever_comes_at_the_instant_in_which_it_leaves_is_served_and_nothing_is_lost_or_done_twice() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    runtime().block_on(async {
        let machine = machine(directory.path(), &store, Duration::from_millis(1));
        made(&machine, directory.path()).await;
        let (mut away, mut here) = (0, 0);
        for round in 0..ROUNDS {
            // They come when it has just left, or after a gap in which it may be about to.
            if round % 4 == 0 {
                deserted(&machine).await;
            } else {
                for _ in 0..round * 37 % 1_500 {
                    tokio::task::yield_now().await;
                }
            }
            match machine.sessions_in_use() {
                0 => away += 1,
                _ => here += 1,
            }
            let key = 2 * round as u128;
            let visitors = [
                tokio::spawn(renames(machine.clone(), key)),
                tokio::spawn(looks_in(machine.clone())),
                tokio::spawn(renames(machine.clone(), key + 1)),
                tokio::spawn(reads(machine.clone())),
            ];
            for visitor in visitors {
                visitor.await.unwrap();
            }
        }
        assert!(
            away >= ROUNDS / 4 && here > 10,
            "{away} times away, {here} times here"
        );
        let titles = titles(&machine).await;
        let once: BTreeSet<_> = titles.iter().collect();
        assert_eq!((once.len(), titles.len()), (2 * ROUNDS, 2 * ROUNDS));
        deserted(&machine).await;
    });
    store.close();
}
