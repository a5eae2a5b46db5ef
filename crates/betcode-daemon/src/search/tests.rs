//! The index with a real store: whatever happens to the logs, it answers as a plain scan of them does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use betcode_core::event::{
    ClientInfo, Event, EventBody, MessageEnd, Status, TextPiece, TurnPolicy, Usage, UserInput,
};
use betcode_core::id::{
    AgentName, IdempotencyKey, LogEpoch, MessageId, Sequence, SessionId, ToolCallId,
};
use betcode_core::time::Timestamp;
use betcode_proto::convert::encode_event_list;
use betcode_proto::convert::search::FoundKind as Kind;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::query::Query;
use super::*;
use crate::store::{Append, Chunk, SessionLog, StoreOptions, SummaryRow};

const LONG: Duration = Duration::from_mins(1);

/// A store, its index, and what is known to be in it.
struct World {
    directory: TempDir,
    epoch: LogEpoch,
    open: Option<(Store, Index)>,
    sessions: BTreeMap<u128, Known>,
}

#[derive(Debug, Default)]
struct Known {
    log: Option<Arc<SessionLog>>,
    title: String,
    mark: u64,
    head: u64,
    /// Entries by their first event.
    entries: BTreeMap<u64, String>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            directory: tempfile::tempdir().unwrap(),
            epoch: LogEpoch(Uuid::from_u128(1)),
            open: None,
            sessions: BTreeMap::new(),
        };
        world.start();
        world
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn start(&mut self) {
        let (store, _) = Store::open(self.path(), self.epoch, StoreOptions::default()).unwrap();
        let index = Index::start(self.path(), store.clone()).unwrap();
        self.open = Some((store, index));
    }

    fn stop(&mut self) {
        if let Some((store, index)) = self.open.take() {
            for known in self.sessions.values_mut() {
                known.log = None;
            }
            index.close();
            store.close();
        }
    }

    fn store(&self) -> &Store {
        &self.open.as_ref().unwrap().0
    }

    fn commit(&self, append: Append) {
        self.store()
            .append(append)
            .blocking_recv()
            .unwrap()
            .unwrap();
    }

    fn log(&mut self, session: u128) -> Arc<SessionLog> {
        if let Some(log) = self
            .sessions
            .get(&session)
            .and_then(|known| known.log.clone())
        {
            return log;
        }
        let id = SessionId(Uuid::from_u128(session));
        let log = if self.sessions.contains_key(&session) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let loaded = runtime
                .block_on(self.store().open_log(id))
                .unwrap()
                .unwrap();
            loaded.log
        } else {
            self.store().new_log(id)
        };
        self.sessions.entry(session).or_default().log = Some(log.clone());
        log
    }

    /// Appends events; a session that is not there is made.
    fn append(&mut self, session: u128, bodies: Vec<EventBody>) {
        let create = !self.sessions.contains_key(&session);
        let log = self.log(session);
        let known = self.sessions.get_mut(&session).unwrap();
        let mut append = Append::new(log, Timestamp(1));
        let events: Vec<Event> = bodies
            .into_iter()
            .zip(known.head + 1..)
            .map(|(body, sequence)| Event {
                sequence: Sequence(sequence),
                first_sequence: None,
                timestamp: Timestamp(5),
                parent: None,
                previews: Vec::new(),
                body,
            })
            .collect();
        known.head += events.len() as u64;
        append.chunk = Chunk::parse(Bytes::from(encode_event_list(events))).ok();
        assert!(append.chunk.is_some());
        append.create = create;
        if create {
            append.summary = Some(summary(session, ""));
        }
        self.commit(append);
    }

    fn say(&mut self, session: u128, text: &str) {
        self.append(session, vec![input(text)]);
        let known = self.sessions.get_mut(&session).unwrap();
        known.entries.insert(known.head, text.to_owned());
    }

    /// An answer in pieces, each committed by itself; the ends of some are given up.
    fn answer(&mut self, session: u128, pieces: &[String], counts: bool) {
        let id = format!(
            "m{}",
            self.sessions.get(&session).map_or(0, |known| known.head)
        );
        let first = self.sessions.get(&session).map_or(0, |known| known.head) + 1;
        for piece in pieces {
            let piece = TextPiece {
                message_id: id.clone(),
                text: piece.clone(),
            };
            self.append(session, vec![EventBody::TextDelta(piece)]);
        }
        let end = if counts {
            MessageEnd::Finished
        } else {
            MessageEnd::Abandoned
        };
        let complete = EventBody::MessageComplete {
            message_id: id,
            model: None,
            end,
        };
        self.append(session, vec![complete]);
        if counts && !pieces.is_empty() {
            let known = self.sessions.get_mut(&session).unwrap();
            known.entries.insert(first, pieces.concat());
        }
    }

    fn call(&mut self, session: u128, command: &str, output: &str) {
        let head = self.sessions.get(&session).map_or(0, |known| known.head);
        let id = ToolCallId(format!("t{head}"));
        let start = EventBody::ToolCallStart {
            id: id.clone(),
            tool: "Bash".into(),
            input: json!({"command": command}),
            description: String::new(),
        };
        let result = EventBody::ToolCallResult {
            id,
            output: output.into(),
            is_error: false,
            duration_ms: None,
            diff: Vec::new(),
            attachments: Vec::new(),
        };
        self.append(session, vec![start, result]);
        let known = self.sessions.get_mut(&session).unwrap();
        known
            .entries
            .insert(head + 1, format!("Bash\n{command}\n{output}"));
    }

    fn rename(&mut self, session: u128, title: &str) {
        if !self.sessions.contains_key(&session) {
            return;
        }
        let mut append = Append::new(self.log(session), Timestamp(1));
        append.summary = Some(summary(session, title));
        self.commit(append);
        self.sessions.get_mut(&session).unwrap().title = title.to_owned();
    }

    fn trim(&mut self, session: u128) {
        let Some(known) = self.sessions.get(&session) else {
            return;
        };
        let mark = known.head.saturating_sub(1).max(known.mark);
        let mut append = Append::new(self.log(session), Timestamp(1));
        append.trim = Some(Sequence(mark));
        self.commit(append);
        let known = self.sessions.get_mut(&session).unwrap();
        known.mark = mark;
        known.entries.retain(|first, _| *first > mark);
    }

    fn delete(&mut self, session: u128) {
        if self.sessions.contains_key(&session) {
            let mut append = Append::new(self.log(session), Timestamp(1));
            append.delete = true;
            self.commit(append);
            self.sessions.remove(&session);
        }
    }

    fn settle(&self) {
        assert_eq!(self.store().changes().behind(LONG), Some(0));
    }

    fn search(&self, words: &str) -> SearchAnswer {
        let search = Search {
            words: words.to_owned(),
            limit: usize::MAX,
            ..Search::default()
        };
        let index = &self.open.as_ref().unwrap().1;
        index.search(&search).unwrap()
    }

    /// What is found, as sessions with the numbers of their entries, once nothing is left to be looked at.
    fn found(&self, words: &str) -> BTreeMap<u128, (u64, Vec<u64>)> {
        self.settle();
        let answer = self.search(words);
        assert_eq!(answer.behind, 0);
        let session = |found: FoundSession| {
            let id = found.session.id.0.as_u128();
            let one = Search {
                words: words.to_owned(),
                limit: usize::MAX,
                session: Some(SessionId(Uuid::from_u128(id))),
                ..Search::default()
            };
            let mut all = self.open.as_ref().unwrap().1.search(&one).unwrap().sessions;
            let entries = all.remove(0).entries;
            for entry in &entries {
                assert!(entry.line.iter().any(|piece| piece.hit), "{entry:?}");
            }
            let mut numbers: Vec<_> = entries.iter().map(|entry| entry.sequence.0).collect();
            numbers.sort_unstable();
            (id, (found.count, numbers))
        };
        answer.sessions.into_iter().map(session).collect()
    }

    /// The same by looking at everything.
    fn scanned(&self, words: &str) -> BTreeMap<u128, (u64, Vec<u64>)> {
        let query = Query::read(words).unwrap();
        let scan = |(id, known): (&u128, &Known)| {
            let title = (0, known.title.clone());
            let entries = known
                .entries
                .iter()
                .map(|(first, text)| (*first, text.clone()));
            let numbers: Vec<u64> = std::iter::once(title)
                .chain(entries)
                .filter(|(_, text)| query.find(text).is_some())
                .map(|(first, _)| first)
                .collect();
            (*id, (numbers.len() as u64, numbers))
        };
        let all = self.sessions.iter().map(scan);
        all.filter(|(_, (count, _))| *count > 0).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

fn input(text: &str) -> EventBody {
    EventBody::UserInput(UserInput {
        message_id: MessageId(Uuid::from_u128(7)),
        idempotency_key: IdempotencyKey(Uuid::from_u128(8)),
        text: text.into(),
        attachments: Vec::new(),
        client: ClientInfo::default(),
        policy: TurnPolicy::default(),
        then_trim: false,
    })
}

fn summary(session: u128, title: &str) -> SummaryRow {
    SummaryRow {
        id: SessionId(Uuid::from_u128(session)),
        agent: AgentName::from("demo"),
        cwd: format!("/home/user/{session}"),
        title: title.into(),
        model: String::new(),
        status: Status::Idle,
        created: Timestamp(1),
        updated: Timestamp(2),
        turns: 0,
        agent_session: String::new(),
        trimmed_up_to: Sequence(0),
        totals: Usage::default(),
        retry_at: None,
    }
}

#[test]
fn what_was_said_is_found_at_once_and_in_what_it_was() {
    let mut world = World::new();
    world.say(1, "Fix the login");
    world.answer(1, &["I look at ".into(), "src/auth.rs".into()], true);
    world.call(1, "cargo test login", "2 passed");
    world.rename(1, "The login");
    world.say(2, "something else");
    let answer = world.search("login");
    assert_eq!(
        (answer.sessions.len(), answer.total, answer.behind),
        (1, 1, 0)
    );
    let session = &answer.sessions[0];
    assert_eq!(session.count, 3);
    let mut kinds: Vec<_> = session
        .entries
        .iter()
        .map(|entry| (entry.sequence.0, entry.kind))
        .collect();
    kinds.sort_by_key(|(number, _)| *number);
    assert_eq!(
        kinds,
        [(0, Kind::Title), (1, Kind::Message), (5, Kind::Tool)]
    );
    assert_eq!(
        world.found("\"look at src\""),
        BTreeMap::from([(1, (1, vec![2]))])
    );
    assert_eq!(world.found("absent"), BTreeMap::new());
    let here = |cwd: &str| {
        let search = Search {
            words: "e".into(),
            limit: 1,
            cwd: Some(cwd.into()),
            session: None,
        };
        let answer = world.open.as_ref().unwrap().1.search(&search).unwrap();
        answer
            .sessions
            .first()
            .map(|found| found.session.id.0.as_u128())
    };
    assert_eq!(
        (here("/home/user/2"), here("/home/user/3")),
        (Some(2), None)
    );
}

#[test]
fn an_index_that_is_lost_damaged_foreign_or_of_another_epoch_is_made_anew() {
    let mut world = World::new();
    world.say(1, "needle in the hay");
    world.settle();
    let expected = BTreeMap::from([(1, (1, vec![1]))]);
    let file = world.path().join(database::FILE);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let spoil: [&dyn Fn(); 5] = [
        &|| fs::remove_file(&file).unwrap(),
        &|| {
            fs::write(
                &file,
                "this is no database at all, and long enough to be one ".repeat(100),
            )
            .unwrap();
        },
        &|| fs::write(&file, "").unwrap(),
        &|| {
            let other = rusqlite::Connection::open(&file).unwrap();
            other.execute_batch("DROP TABLE entries").unwrap();
        },
        &|| {
            let other = rusqlite::Connection::open(&file).unwrap();
            other
                .execute_batch("UPDATE meta SET epoch = zeroblob(16)")
                .unwrap();
        },
    ];
    for (place, spoil) in spoil.into_iter().enumerate() {
        world.stop();
        spoil();
        world.start();
        // What changes is looked at, and shows what is wrong.
        world.say(2, "hay");
        assert_eq!(world.found("needle"), expected, "{place}");
    }
    // While it is open.
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("DROP TABLE pieces").unwrap();
    drop(other);
    world.answer(2, &["hay".into()], true);
    assert_eq!(world.found("needle"), expected);
}

#[test]
fn a_directory_in_its_place_refuses_searching_and_nothing_else() {
    let mut world = World::new();
    world.say(1, "needle");
    world.settle();
    world.stop();
    database::remove(world.path()).unwrap();
    fs::create_dir(world.path().join(database::FILE)).unwrap();
    world.start();
    world.say(1, "more");
    let search = Search {
        words: "needle".into(),
        limit: 1,
        ..Search::default()
    };
    let refused = world.open.as_ref().unwrap().1.search(&search);
    assert!(matches!(refused, Err(SearchError::Index(_))), "{refused:?}");
}

/// Whatever was taken together, and in which steps the words were written.
#[test]
fn what_was_deleted_is_not_in_the_file_any_more() {
    for together in 0..16_u8 {
        let mut world = World::new();
        let settle = |world: &World, step: u8| {
            if together & (1 << step) == 0 {
                world.settle();
            }
        };
        world.say(1, "xyzzyplugh");
        settle(&world, 0);
        world.say(2, "stays");
        settle(&world, 1);
        world.rename(1, "quuxtitle");
        settle(&world, 2);
        for part in 0..40 {
            world.say(1, &format!("xyzzyplugh {part} {}", "more ".repeat(400)));
            if part % 7 == 0 {
                settle(&world, 3);
            }
        }
        world.settle();
        world.delete(1);
        world.settle();
        world.stop();
        let bytes = fs::read(world.path().join(database::FILE)).unwrap();
        let holds = |word: &[u8]| memchr::memmem::find(&bytes, word).is_some();
        assert!(holds(b"stays"));
        assert!(
            !holds(b"xyzzyplugh") && !holds(b"quuxtitle"),
            "taken together: {together:04b}"
        );
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Say(String),
    Answer(Vec<String>, bool),
    Call(String, String),
    Rename(String),
    Trim,
    Delete,
    Restart,
    Lose,
}

fn text() -> impl Strategy<Value = String> {
    let words = [
        "fix", "login", "Logins", "the", "\"", "src/auth", "登录", "错误", "é", "🎉", "*", "\n",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 1..5)
        .prop_map(|words| words.join(" "))
}

fn deeds() -> impl Strategy<Value = Vec<(u128, Deed)>> {
    let deed = prop_oneof![
        4 => text().prop_map(Deed::Say),
        4 => (proptest::collection::vec(text(), 1..4), any::<bool>())
            .prop_map(|(pieces, counts)| Deed::Answer(pieces, counts)),
        3 => (text(), text()).prop_map(|(command, output)| Deed::Call(command, output)),
        2 => text().prop_map(Deed::Rename),
        2 => Just(Deed::Trim),
        1 => Just(Deed::Delete),
        1 => Just(Deed::Restart),
        1 => Just(Deed::Lose),
    ];
    proptest::collection::vec((1..4_u128, deed), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_index_answers_like_a_plain_scan(
        deeds in deeds(),
        queries in proptest::collection::vec(text(), 1..6),
    ) {
        let mut world = World::new();
        for (session, deed) in deeds {
            match deed {
                Deed::Say(text) => world.say(session, &text),
                Deed::Answer(pieces, counts) => world.answer(session, &pieces, counts),
                Deed::Call(command, output) => world.call(session, &command, &output),
                Deed::Rename(title) => world.rename(session, &title),
                Deed::Trim => world.trim(session),
                Deed::Delete => world.delete(session),
                Deed::Restart => {
                    world.stop();
                    world.start();
                }
                Deed::Lose => {
                    world.stop();
                    database::remove(world.path()).unwrap();
                    world.start();
                }
            }
        }
        for query in queries.iter().filter(|query| Query::read(query).is_some()) {
            prop_assert_eq!(world.found(query), world.scanned(query), "{:?}", query);
        }
    }
}
