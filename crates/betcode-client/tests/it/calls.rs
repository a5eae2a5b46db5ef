//! The unary calls and reads.

use std::collections::BTreeMap;
use std::time::Duration;

use betcode_client::{CallError, Direction, Import, ReadEvents, Search, connect};
use betcode_core::command::{Action, Command, Rejected};
use betcode_core::event::ClientInfo;
use betcode_core::id::{IdempotencyKey, LogEpoch, Sequence, SessionId};
use betcode_proto::convert::id_bytes;
use betcode_proto::status::Refusal;
use betcode_proto::v1;
use tonic::Status;
use uuid::Uuid;

use crate::fake::{EPOCH, Fake, Home, accepted, batch};

const SESSION: SessionId = SessionId(Uuid::from_u128(1));

fn command() -> Command {
    Command {
        session: SESSION,
        key: IdempotencyKey(Uuid::from_u128(2)),
        client: ClientInfo {
            name: "test".into(),
            ..ClientInfo::default()
        },
        action: Action::Close,
    }
}

#[tokio::test]
async fn a_command_is_accepted_or_refused_with_reason_and_hint() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    let refusal = Refusal::from(Rejected::Agent {
        message: "claude is not logged in".into(),
        hint: "run `claude login`".into(),
    });
    fake.answers.submit.lock().unwrap().extend([
        Ok(v1::SubmitResponse {
            accepted: Some(accepted()),
        }),
        Err(Status::from(refusal.clone())),
        Ok(v1::SubmitResponse { accepted: None }),
    ]);
    let done = connection.submit(command()).await.unwrap();
    assert_eq!(
        (done.epoch, done.sequence),
        (LogEpoch(EPOCH), Some(Sequence(5)))
    );
    assert_eq!(done.metadata["rate-limit-remaining"], "9");
    assert_eq!(
        connection.submit(command()).await,
        Err(CallError::Refused(refusal))
    );
    let error = connection.submit(command()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the daemon's answer cannot be read: accepted: is missing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_never_answers_is_a_clear_error() {
    let home = Home::new();
    let _fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    let error = connection.submit(command()).await.unwrap_err();
    assert_eq!(error, CallError::Silent(Duration::from_secs(30)));
    assert_eq!(error.to_string(), "the daemon did not answer within 30 s");
}

#[tokio::test]
async fn a_daemon_that_dies_during_a_call_is_a_loss_and_stays_one() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    connection.status().await.unwrap();
    let (result, ()) = tokio::join!(connection.submit(command()), async {
        while fake.answers.asked.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        fake.cut();
    });
    assert!(matches!(result, Err(CallError::Lost(_))), "{result:?}");
    let result = connection.status().await;
    assert!(matches!(result, Err(CallError::Lost(_))), "{result:?}");
}

#[tokio::test]
async fn a_read_gives_its_pages_in_the_order_of_reading() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    fake.answers
        .pages
        .lock()
        .unwrap()
        .extend(
            [(4, 6), (1, 3)].map(|(first, last)| v1::ReadEventsResponse {
                batch: Some(batch(first, last)),
                epoch: id_bytes(EPOCH),
            }),
        );
    let read = ReadEvents {
        session: SESSION,
        epoch: None,
        from: Direction::Newest,
        limit: 6,
        coalesced: true,
    };
    let mut pages = connection.read_events(read).await.unwrap();
    let mut got = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        assert_eq!(page.epoch, Some(LogEpoch(EPOCH)));
        let events = page.events().unwrap();
        got.push((page.first.0, page.last.0, events.len()));
    }
    assert_eq!(got, [(4, 6, 3), (1, 3, 3)]);
    let asked = fake.answers.asked.lock().unwrap().join("\n");
    assert!(
        asked.contains("Before(0)") && asked.contains("coalesced: true"),
        "{asked}"
    );
}

#[tokio::test]
async fn the_other_calls_carry_their_arguments_and_answers() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    fake.answers
        .sessions
        .lock()
        .unwrap()
        .push(v1::SessionSummary {
            id: id_bytes(SESSION.0),
            title: "t".into(),
            status: v1::SessionStatus::Idle.into(),
            ..v1::SessionSummary::default()
        });
    let list = connection.list_sessions(Some("/tmp"), 9).await.unwrap();
    assert_eq!(list[0].id, SESSION);
    let details = connection.get_session("0000").await.unwrap();
    assert_eq!(
        (details.summary.title.as_str(), details.epoch),
        ("t", LogEpoch(EPOCH))
    );
    let payload = connection
        .payload(SESSION, Sequence(3), "output")
        .await
        .unwrap();
    assert_eq!(payload, b"one two");
    let status = connection.status().await.unwrap();
    assert_eq!(
        (status.pid, status.uptime),
        (7, Duration::from_millis(1_500))
    );
    let agents = connection
        .agents(Some("/tmp"), &BTreeMap::new())
        .await
        .unwrap();
    assert!(agents[0].chosen);
    assert_eq!(
        connection.set_trust("/a", true).await.unwrap(),
        ("/a".to_owned(), true)
    );
    assert_eq!(connection.list_trust().await.unwrap()[0].directory, "/a");
    connection.shutdown(true).await.unwrap();
    let asked = fake.answers.asked.lock().unwrap().join("\n");
    for part in [
        "cwd: \"/tmp\", limit: 9",
        "id: \"0000\"",
        "field: \"output\"",
        "stop_agents: true",
    ] {
        assert!(asked.contains(part), "{part} is not in {asked}");
    }
}

#[tokio::test]
async fn an_import_tells_how_far_it_is_and_one_that_ends_without_an_answer_is_no_success() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    let import = Import {
        id: "abc".into(),
        cwd: "/work".into(),
        cwd_chosen: true,
        environment: BTreeMap::new(),
        key: IdempotencyKey(Uuid::from_u128(3)),
        client: ClientInfo::default(),
    };
    let listed = connection
        .importable("/work", BTreeMap::new(), 1)
        .await
        .unwrap();
    assert_eq!((listed.sessions.len(), listed.older), (0, 3));
    let mut heard = Vec::new();
    let lost = connection
        .import_session(import.clone(), |read, size| heard.push((read, size)))
        .await;
    assert_eq!(
        lost.unwrap_err().to_string(),
        "the daemon's answer cannot be read: imported: is missing"
    );
    fake.answers
        .sessions
        .lock()
        .unwrap()
        .push(v1::SessionSummary {
            id: id_bytes(SESSION.0),
            ..v1::SessionSummary::default()
        });
    let imported = connection
        .import_session(import, |read, size| heard.push((read, size)))
        .await
        .unwrap();
    assert_eq!((imported.session.id, imported.messages), (SESSION, 4));
    assert!(!imported.already);
    assert_eq!(heard, [(1, 2), (1, 2)]);
}

#[tokio::test]
async fn a_search_says_where_and_what_is_not_searched_yet() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    let what = Search {
        words: "fix login".into(),
        limit: 5,
        cwd: None,
        session: Some(SESSION),
    };
    let answer = connection.search_sessions(what).await.unwrap();
    assert_eq!(
        (answer.sessions, answer.total, answer.behind),
        (Vec::new(), 0, 2)
    );
    let noted = fake.answers.asked.lock().unwrap().concat();
    assert!(noted.contains("fix login"), "{noted}");
}
