//! A followed session: nothing lost, doubled or reordered; commands answered once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use betcode_client::session::{End, Handle, Lock, Open, Position, Standing, Update};
use betcode_client::{CallError, ConnectError, Occasion, connect};
use betcode_core::command::{Action, Command};
use betcode_core::event::{ClientInfo, ClientKind, PermissionRequest, Question};
use betcode_core::id::{ClientId, IdempotencyKey, LogEpoch, Sequence, SessionId};
use betcode_core::time::Timestamp;
use betcode_proto::convert::id_bytes;
use betcode_proto::status::{Refusal, reason};
use betcode_proto::v1;
use futures_util::FutureExt as _;
use tokio::join;
use tokio::task::yield_now;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::fake::{Conversation, EPOCH, Fake, Home, OTHER_EPOCH};

const SESSION: SessionId = SessionId(Uuid::from_u128(1));

fn open(after: Position, follow: bool) -> Open {
    Open {
        session: SESSION,
        after,
        follow,
        client: client(),
        observe: false,
    }
}

fn client() -> ClientInfo {
    ClientInfo {
        name: "test".into(),
        place: "here".into(),
        id: ClientId(Uuid::from_u128(0xc)),
        kind: ClientKind::Run,
    }
}

fn from_start() -> Open {
    open(Position::default(), true)
}

fn seen(epoch: Uuid, last: u64) -> Position {
    Position {
        epoch: Some(LogEpoch(epoch)),
        last: Sequence(last),
    }
}

fn command(key: u128) -> Command {
    Command {
        session: SESSION,
        key: IdempotencyKey(Uuid::from_u128(key)),
        client: client(),
        action: Action::Cancel,
    }
}

/// The numbers of the next events; says what else came first.
async fn numbers(handle: &mut Handle) -> Vec<u64> {
    match handle.next().await {
        Update::Events(batch) => batch
            .events()
            .unwrap()
            .iter()
            .map(|event| event.sequence.0)
            .collect(),
        other => unreachable!("expected events, got {other:?}"),
    }
}

async fn attached(handle: &mut Handle) -> u64 {
    match handle.next().await {
        Update::Attached { head, .. } => head.0,
        other => unreachable!("expected an attachment, got {other:?}"),
    }
}

async fn reconnecting(handle: &mut Handle) -> (u32, Duration, String) {
    match handle.next().await {
        Update::Reconnecting {
            attempt,
            wait,
            cause,
        } => (attempt, wait, cause),
        other => unreachable!("expected a loss, got {other:?}"),
    }
}

/// A handle and the daemon's end of its stream, attached at the given head.
async fn attached_pair(
    home: &Home,
    fake: &mut Fake,
    open: Open,
    head: u64,
) -> (Handle, Conversation) {
    let mut handle = Handle::open(home.connector(), open).await.unwrap();
    let (_, talk) = join!(attached(&mut handle), async {
        let mut talk = fake.conversation().await;
        talk.attach().await;
        talk.attached(EPOCH, head);
        talk
    });
    (handle, talk)
}

#[tokio::test]
async fn history_and_live_events_come_as_one_row() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let (mut handle, talk) = attached_pair(&home, &mut fake, from_start(), 3).await;
    talk.events(1, 2);
    talk.events(3, 3);
    talk.events(4, 9);
    assert_eq!(numbers(&mut handle).await, [1, 2]);
    assert!(!handle.is_caught_up());
    assert_eq!(numbers(&mut handle).await, [3]);
    assert!(handle.is_caught_up());
    assert_eq!(numbers(&mut handle).await, [4, 5, 6, 7, 8, 9]);
    assert_eq!(handle.position(), seen(EPOCH, 9));
}

#[tokio::test]
async fn a_handle_that_leaves_closes_its_side_and_waits_for_the_other() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let (mut handle, mut talk) = attached_pair(&home, &mut fake, from_start(), 0).await;
    handle.send(command(7));
    let daemon = async {
        // What was sent before arrives before.
        assert_eq!(talk.command().await, Uuid::from_u128(7));
        talk.closed().await;
        talk.accept(Uuid::from_u128(7));
        drop(talk);
    };
    let long = Duration::from_hours(1);
    join!(handle.leave(long), daemon);
}

#[tokio::test]
async fn a_daemon_that_says_nothing_does_not_keep_a_handle_from_leaving() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let (handle, talk) = attached_pair(&home, &mut fake, from_start(), 0).await;
    handle.leave(Duration::from_millis(20)).await;
    drop(talk);
}

#[tokio::test]
async fn who_attaches_is_said_with_every_attachment() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let open = Open {
        observe: true,
        ..from_start()
    };
    let mut handle = Handle::open(home.connector(), open).await.unwrap();
    let daemon = async {
        for _ in 0..2 {
            let mut talk = fake.conversation().await;
            let attach = talk.attachment().await;
            assert_eq!(attach.client.map(ClientInfo::from), Some(client()));
            assert!(attach.observe);
            talk.attached(EPOCH, 0);
        }
    };
    let client = async {
        assert_eq!(attached(&mut handle).await, 0);
        reconnecting(&mut handle).await;
        assert_eq!(attached(&mut handle).await, 0);
    };
    join!(daemon, client);
}

#[tokio::test]
async fn what_stands_in_the_session_comes_with_the_attachment_and_requests_are_shown_again() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut handle = Handle::open(home.connector(), from_start()).await.unwrap();
    let mut standing = standing();
    let daemon = async {
        let mut talk = fake.conversation().await;
        assert!(!talk.attachment().await.observe);
        let mut attached = v1::Attached {
            epoch: id_bytes(EPOCH),
            ..v1::Attached::default()
        };
        standing.clone().put(&mut attached);
        talk.send(v1::converse_response::Response::Attached(attached));
        talk
    };
    let (_talk, update) = join!(daemon, handle.next());
    let Update::Attached { standing: got, .. } = update else {
        unreachable!("expected an attachment, got {update:?}")
    };
    standing.permissions[0].is_replay = true;
    standing.questions[0].is_replay = true;
    assert_eq!(*got, standing);
}

fn standing() -> Standing {
    let permission = v1::PermissionRequest {
        id: "r".into(),
        tool: "Bash".into(),
        ..v1::PermissionRequest::default()
    };
    let question = v1::Question {
        id: "q".into(),
        ..v1::Question::default()
    };
    Standing {
        permissions: vec![PermissionRequest::from(permission)],
        questions: vec![Question::from(question)],
        lock: Lock {
            holder: Some(client()),
            requests: vec![(ClientInfo::default(), Timestamp(7))],
        },
    }
}

#[tokio::test]
async fn what_is_here_already_is_not_handed_on_again() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let (mut handle, talk) = attached_pair(&home, &mut fake, from_start(), 3).await;
    talk.events(1, 3);
    talk.events(2, 3);
    talk.events(2, 5);
    assert_eq!(numbers(&mut handle).await, [1, 2, 3]);
    assert_eq!(numbers(&mut handle).await, [4, 5]);
}

#[tokio::test]
async fn a_reset_drops_everything_and_begins_with_the_new_log() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut handle = Handle::open(home.connector(), open(seen(EPOCH, 7), true))
        .await
        .unwrap();
    let daemon = async {
        let mut talk = fake.conversation().await;
        assert_eq!(talk.attach().await, (Some(EPOCH), 7));
        talk.reset(OTHER_EPOCH);
        let mut again = fake.conversation().await;
        assert_eq!(again.attach().await, (Some(OTHER_EPOCH), 0));
        again.attached(OTHER_EPOCH, 2);
        again.events(1, 2);
        again
    };
    let client = async {
        let update = handle.next().await;
        assert!(matches!(update, Update::Reset { reason } if reason == "an older copy"));
        assert_eq!(attached(&mut handle).await, 2);
        assert_eq!(numbers(&mut handle).await, [1, 2]);
    };
    join!(daemon, client);
    assert_eq!(handle.position(), seen(OTHER_EPOCH, 2));
}

#[tokio::test]
async fn a_daemon_that_is_killed_and_comes_back_is_resumed_where_it_was() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let (mut handle, talk) = attached_pair(&home, &mut fake, from_start(), 5).await;
    talk.events(1, 3);
    assert_eq!(numbers(&mut handle).await, [1, 2, 3]);
    drop(fake);
    let mut fake = Fake::start(&home);
    let (attempt, wait, cause) = reconnecting(&mut handle).await;
    assert_eq!((attempt, wait), (0, Duration::ZERO), "{cause}");
    let daemon = async {
        let mut talk = fake.conversation().await;
        assert_eq!(talk.attach().await, (Some(EPOCH), 3));
        talk.attached(EPOCH, 5);
        talk.events(4, 5);
        talk
    };
    let client = async {
        assert_eq!(attached(&mut handle).await, 5);
        assert_eq!(numbers(&mut handle).await, [4, 5]);
    };
    join!(daemon, client);
}

#[tokio::test]
async fn commands_without_an_answer_are_sent_again_in_order_with_their_keys_and_before_attaching() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let (mut handle, mut talk) = attached_pair(&home, &mut fake, from_start(), 0).await;
    for key in [11, 12, 13] {
        handle.send(command(key));
    }
    let client = async {
        assert!(
            matches!(handle.next().await, Update::Outcome { key, outcome: Ok(_) } if key.0.as_u128() == 11)
        );
    };
    let daemon = async {
        for key in [11, 12, 13] {
            assert_eq!(talk.command().await.as_u128(), key);
        }
        talk.accept(Uuid::from_u128(11));
    };
    join!(client, daemon);
    assert_eq!(handle.unanswered(), 2);
    fake.cut();
    reconnecting(&mut handle).await;
    let daemon = async {
        let mut talk = fake.conversation().await;
        for key in [12, 13] {
            assert_eq!(talk.command().await.as_u128(), key);
            talk.accept(Uuid::from_u128(key));
        }
        talk.attach().await;
        talk.attached(EPOCH, 0);
        talk
    };
    let client = async {
        for wanted in [12, 13] {
            assert!(
                matches!(handle.next().await, Update::Outcome { key, .. } if key.0.as_u128() == wanted)
            );
        }
        attached(&mut handle).await;
    };
    join!(client, daemon);
    assert_eq!(handle.unanswered(), 0);
}

#[tokio::test]
async fn a_command_sent_first_travels_before_the_attachment() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut handle = Handle::open(home.connector(), from_start()).await.unwrap();
    let daemon = async {
        let mut talk = fake.conversation().await;
        let key = talk.command().await;
        talk.accept(key);
        talk.attach().await;
        talk.attached(EPOCH, 1);
        talk.events(1, 1);
        talk
    };
    let client = async {
        let accepted = handle.perform(command(5)).await.unwrap();
        assert_eq!(accepted.sequence, Some(Sequence(5)));
        assert_eq!(accepted.notices, ["note"]);
        attached(&mut handle).await;
        assert_eq!(numbers(&mut handle).await, [1]);
    };
    join!(client, daemon);
}

#[tokio::test]
async fn what_comes_while_an_answer_is_awaited_is_kept_in_order() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let (mut handle, mut talk) = attached_pair(&home, &mut fake, from_start(), 2).await;
    let daemon = async {
        let key = talk.command().await;
        talk.events(1, 1);
        talk.events(2, 2);
        talk.send(v1::converse_response::Response::Outcome(
            v1::CommandOutcome {
                idempotency_key: id_bytes(key),
                outcome: Some(v1::command_outcome::Outcome::Refused(
                    Refusal::new(Code::FailedPrecondition, reason::UNSUPPORTED, "no")
                        .hint("go away")
                        .into(),
                )),
            },
        ));
        talk.events(3, 3);
    };
    let (outcome, ()) = join!(handle.perform(command(5)), daemon);
    let Err(CallError::Refused(refusal)) = outcome else {
        unreachable!("it was refused")
    };
    assert_eq!(
        (refusal.reason.as_str(), refusal.hint.as_str()),
        (reason::UNSUPPORTED, "go away")
    );
    for number in 1..=3 {
        assert_eq!(numbers(&mut handle).await, [number]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_never_handed_on_but_fetched_again() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let (mut handle, talk) = attached_pair(&home, &mut fake, from_start(), 5).await;
    talk.events(1, 2);
    talk.events(4, 5);
    assert_eq!(numbers(&mut handle).await, [1, 2]);
    let (_, _, cause) = reconnecting(&mut handle).await;
    assert!(cause.contains("events 3 to 3 are missing"), "{cause}");
    let daemon = async {
        let mut talk = fake.conversation().await;
        assert_eq!(talk.attach().await, (Some(EPOCH), 2));
        talk.attached(EPOCH, 5);
        talk.events(3, 5);
        talk
    };
    let client = async {
        attached(&mut handle).await;
        assert_eq!(numbers(&mut handle).await, [3, 4, 5]);
    };
    join!(client, daemon);
}

#[tokio::test]
async fn what_was_trimmed_is_said_and_passed_over() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut handle = Handle::open(home.connector(), open(seen(EPOCH, 3), true))
        .await
        .unwrap();
    let daemon = async {
        let mut talk = fake.conversation().await;
        talk.attach().await;
        talk.send(v1::converse_response::Response::Attached(v1::Attached {
            epoch: id_bytes(EPOCH),
            head: 12,
            trimmed_up_to: 10,
            ..v1::Attached::default()
        }));
        talk.events(11, 12);
        talk
    };
    let client = async {
        assert_eq!(
            handle.next().await,
            Update::Trimmed {
                up_to: Sequence(10)
            }
        );
        assert_eq!(attached(&mut handle).await, 12);
        assert_eq!(numbers(&mut handle).await, [11, 12]);
    };
    join!(client, daemon);
}

#[tokio::test]
async fn what_is_trimmed_while_attached_is_said_on_the_same_stream() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let (mut handle, talk) = attached_pair(&home, &mut fake, from_start(), 2).await;
    talk.events(1, 2);
    assert_eq!(numbers(&mut handle).await, [1, 2]);
    talk.send(v1::converse_response::Response::Attached(v1::Attached {
        epoch: id_bytes(EPOCH),
        head: 6,
        trimmed_up_to: 4,
        ..v1::Attached::default()
    }));
    talk.events(5, 6);
    assert_eq!(handle.next().await, Update::Trimmed { up_to: Sequence(4) });
    assert_eq!(attached(&mut handle).await, 6);
    assert_eq!(numbers(&mut handle).await, [5, 6]);
}

#[tokio::test]
async fn a_session_that_does_not_exist_is_the_end() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut handle = Handle::open(home.connector(), from_start()).await.unwrap();
    let refusal = Refusal::new(
        Code::NotFound,
        reason::SESSION_NOT_FOUND,
        "there is no session",
    );
    let daemon = async {
        let mut talk = fake.conversation().await;
        talk.attach().await;
        talk.fail(refusal.clone().into());
    };
    let (update, ()) = join!(handle.next(), daemon);
    assert_eq!(update, Update::End(End::Refused(refusal)));
    assert_eq!(handle.next().await, update);
    let error = handle.perform(command(1)).await.unwrap_err();
    assert!(matches!(error, CallError::Refused(_)), "{error}");
}

#[tokio::test]
async fn without_following_it_ends_at_the_head_even_over_a_loss() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut handle = Handle::open(home.connector(), open(Position::default(), false))
        .await
        .unwrap();
    let daemon = async {
        let mut talk = fake.conversation().await;
        talk.attach().await;
        talk.attached(EPOCH, 4);
        talk.events(1, 2);
        drop(talk);
        let mut talk = fake.conversation().await;
        assert_eq!(talk.attach().await, (Some(EPOCH), 2));
        talk.attached(EPOCH, 4);
        talk.events(3, 4);
    };
    let client = async {
        attached(&mut handle).await;
        assert_eq!(numbers(&mut handle).await, [1, 2]);
        reconnecting(&mut handle).await;
        attached(&mut handle).await;
        assert_eq!(numbers(&mut handle).await, [3, 4]);
        assert_eq!(handle.next().await, Update::End(End::Complete));
    };
    join!(client, daemon);
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_never_confirms_is_given_up_with_a_clear_word() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut handle = Handle::open(home.connector(), from_start()).await.unwrap();
    let silent = async {
        let mut talk = fake.conversation().await;
        talk.attach().await;
        talk
    };
    let (loss, _talk) = join!(reconnecting(&mut handle), silent);
    assert_eq!(
        (loss.0, loss.2.as_str()),
        (1, "the daemon did not answer within 30 s")
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_daemon_it_tries_at_once_and_then_along_the_ladder() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let connector = {
        let (asked, profile) = (Arc::clone(&asked), home.profile());
        move |occasion| {
            asked.lock().unwrap().push(occasion);
            let profile = profile.clone();
            async move { connect(&profile).await }
        }
    };
    let mut handle = Handle::open(connector, from_start()).await.unwrap();
    let daemon = async {
        let mut talk = fake.conversation().await;
        talk.attach().await;
        talk.attached(EPOCH, 0);
        talk
    };
    let (_, talk) = join!(attached(&mut handle), daemon);
    drop((talk, fake));
    assert_eq!(reconnecting(&mut handle).await.0, 0);
    for (attempt, rung) in [(1, 100), (2, 1_000), (3, 5_000), (4, 30_000)] {
        let (number, wait, cause) = reconnecting(&mut handle).await;
        assert_eq!(number, attempt);
        let millis = wait.as_millis();
        assert!(
            millis * 10 >= rung * 8 && millis * 10 <= rung * 12,
            "{wait:?}"
        );
        assert!(cause.contains("no daemon is running"), "{cause}");
    }
    assert_eq!(
        *asked.lock().unwrap(),
        [
            Occasion::First,
            Occasion::Lost,
            Occasion::Again,
            Occasion::Again,
            Occasion::Again
        ]
    );
}

#[tokio::test]
async fn a_daemon_that_may_not_be_used_ends_the_handle() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut connections = vec![connect(&home.profile()).await];
    let denied = ConnectError::Denied {
        socket: home.socket(),
    };
    connections.insert(0, Err(denied.clone()));
    let connector = move |_| std::future::ready(connections.pop().unwrap());
    let mut handle = Handle::open(connector, from_start()).await.unwrap();
    let daemon = async {
        let mut talk = fake.conversation().await;
        talk.attach().await;
        talk.attached(EPOCH, 0);
        talk
    };
    let (_, talk) = join!(attached(&mut handle), daemon);
    talk.fail(Status::unavailable("going down"));
    reconnecting(&mut handle).await;
    assert_eq!(handle.next().await, Update::End(End::Failed(denied)));
}

#[tokio::test]
async fn giving_up_a_wait_at_any_moment_loses_nothing() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut handle = Handle::open(home.connector(), from_start()).await.unwrap();
    let daemon = async {
        let mut talk = fake.conversation().await;
        talk.attach().await;
        talk.attached(EPOCH, 300);
        for number in 1..=300 {
            talk.events(number, number);
            yield_now().await;
        }
        talk
    };
    let client = async {
        let mut got = Vec::new();
        while got.len() < 300 {
            match handle.next().now_or_never() {
                Some(Update::Events(batch)) => got.extend(batch.events().unwrap()),
                Some(_) => {}
                None => yield_now().await,
            }
        }
        got.into_iter()
            .map(|event| event.sequence.0)
            .collect::<Vec<_>>()
    };
    let (got, _talk) = join!(client, daemon);
    assert_eq!(got, (1..=300).collect::<Vec<_>>());
}

/// A tiny generator, so that a failure can be repeated by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[tokio::test(start_paused = true)]
async fn over_many_cut_connections_every_event_comes_once_and_in_order() {
    const EVENTS: u64 = 3_000;
    for seed in 1..=5 {
        let home = Home::new();
        let mut fake = Fake::start(&home);
        let mut dice = Dice(seed);
        let mut handle = Handle::open(home.connector(), open(Position::default(), false))
            .await
            .unwrap();
        let daemon = async {
            let mut cuts = 0;
            loop {
                let mut talk = fake.conversation().await;
                let (_, after) = talk.attach().await;
                talk.attached(EPOCH, EVENTS);
                let mut at = after;
                for _ in 0..dice.roll(4) {
                    let first = at.saturating_sub(dice.roll(5)).max(1);
                    let last = (at + dice.roll(40)).clamp(first, EVENTS);
                    talk.events(first, last);
                    at = at.max(last);
                }
                if at >= EVENTS {
                    return cuts;
                }
                cuts += 1;
                match dice.roll(3) {
                    0 => talk.fail(Status::unavailable("")),
                    1 => fake.cut(),
                    _ => drop(talk),
                }
            }
        };
        let client = async {
            let mut got = Vec::new();
            loop {
                match handle.next().await {
                    Update::Events(batch) => {
                        let events = batch.events().unwrap();
                        assert_eq!(events[0].sequence, batch.first());
                        got.extend(events.into_iter().map(|event| event.sequence.0));
                    }
                    Update::End(end) => {
                        assert_eq!(end, End::Complete, "seed {seed}");
                        return got;
                    }
                    _ => {}
                }
            }
        };
        let (cuts, got) = join!(daemon, client);
        assert_eq!(got, (1..=EVENTS).collect::<Vec<_>>(), "seed {seed}");
        assert!(cuts > 20, "seed {seed} cut only {cuts} times");
    }
}
