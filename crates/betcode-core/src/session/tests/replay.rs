//! The log is the truth: folding it gives the live state, from any snapshot, from stored events, and from nonsense.

use proptest::prelude::*;

use super::laws::life::{any_life, live};
use super::*;

fn fold<'a>(mut session: Session, events: impl IntoIterator<Item = &'a Event>) -> Session {
    events.into_iter().for_each(|event| session.apply(event));
    session
}

/// The whole log.
pub(super) fn fold_all(bench: &Bench) -> Session {
    fold(Session::new(bench.session.id()), &bench.log)
}

/// The last trimming as the first event of a log, as it is stored and read back, and what follows it.
pub(super) fn fold_from_trim(bench: &Bench) -> Session {
    let trimmed = |event: &Event| matches!(event.body, EventBody::HistoryTrimmed { .. });
    let first = bench.log.iter().rposition(trimmed).unwrap_or(0);
    let mut begins = bench.log[first].clone();
    if trimmed(&begins) {
        let (previews, wholes) = split_payloads(&mut begins.body, 0);
        begins = through_json(&Event { previews, ..begins });
        for whole in wholes {
            let text = String::from_utf8(whole.bytes).unwrap();
            assert!(put_back(&mut begins.body, &whole.field, text));
        }
    }
    let rest = &bench.log[first + 1..];
    fold(
        Session::new(bench.session.id()),
        std::iter::once(&begins).chain(rest),
    )
}

/// The log as it is stored, with previews: folded, and with the whole texts put back.
pub(super) fn fold_stored(bench: &Bench) -> (Session, Session) {
    let mut wholes = std::collections::BTreeMap::new();
    let mut cut = Session::new(bench.session.id());
    for event in &bench.log {
        let mut stored = event.clone();
        let (previews, payloads) = split_payloads(&mut stored.body, 10 << 20);
        stored.previews = previews;
        let place = |whole: Payload| ((stored.sequence, whole.field), whole.bytes);
        wholes.extend(payloads.into_iter().map(place));
        cut.apply(&stored);
    }
    let mut session = cut.clone();
    for (id, sequence) in session.messages().cut() {
        let text = wholes.get(&(sequence, "text".to_owned()));
        let text = text.map(|text| String::from_utf8(text.clone()).unwrap());
        let contents = (0..session.messages().attachments(id).len()).filter_map(|place| {
            let bytes = wholes.get(&(sequence, Attachment::field(place)))?;
            Some((place, Base64::of(bytes)))
        });
        let contents = contents.collect();
        session.restore_message(id, text, contents);
    }
    for sequence in session.requests().cut() {
        let input = &wholes[&(sequence, "input".to_owned())];
        session.restore_input(sequence, serde_json::from_slice(input).unwrap());
    }
    (cut, session)
}

fn lived(steps: &[super::laws::life::Step]) -> Bench {
    let mut bench = Bench::new();
    for step in steps {
        live(&mut bench, step);
    }
    bench
}

/// Does to a state whatever can be done to it; only panics and endless settling count.
fn poke(session: &Session, now: Timestamp) {
    let mut bench = Bench {
        session: session.clone(),
        now,
        ..Bench::empty()
    };
    bench.hosts = 1_000;
    for said in [
        tool_started("t"),
        permission("p", "Bash"),
        Observation::Working,
        Observation::Idle,
    ] {
        let mut progress = Progress::default();
        let ruling = bench.ruling_on(&said);
        let seen = Observed {
            parent: None,
            observation: said,
        };
        drop(session.observe(&mut progress, &Terms::default(), now, seen, &ruling));
    }
    if let Some(host) = session.agent().host() {
        let exit = AgentExit::HostLost;
        bench.news(HostNews::Exited {
            host,
            exit,
            stderr: String::new(),
            refused: None,
        });
    }
    bench.expire();
    drop(bench.message(77));
    drop(bench.command(Action::Close));
    assert!(bench.session.head() == Sequence(0) || bench.session.is_closed());
}

fn extremes() -> Vec<EventBody> {
    let most = Usage {
        input_tokens: u64::MAX,
        output_tokens: u64::MAX,
        cache_read_tokens: u64::MAX,
        cache_write_tokens: u64::MAX,
        cost_usd: f64::MAX,
        ..Usage::default()
    };
    let end = TurnComplete {
        usage: most.clone(),
        duration_ms: u64::MAX,
        ..end(StopReason::EndTurn)
    };
    let status = |status| EventBody::StatusChange {
        status,
        detail: String::new(),
        retry_at: None,
    };
    vec![
        EventBody::TurnComplete(end.clone()),
        EventBody::TurnComplete(end),
        EventBody::UsageReport(most),
        EventBody::ToolCallResult {
            id: "t".into(),
            output: String::new(),
            is_error: true,
            duration_ms: Some(u64::MAX),
            diff: vec![],
            attachments: vec![],
        },
        EventBody::AgentStarted {
            host: HostEpoch(Uuid::nil()),
            pid: u32::MAX,
        },
        status(Status::Thinking),
        status(Status::Closed),
    ]
}

#[test]
fn no_status_opens_a_closed_session_again() {
    let mut bench = Bench::idle();
    bench.command(Action::Close).unwrap();
    for status in [Status::Thinking, Status::Idle] {
        let retry_at = None;
        bench.record(vec![
            EventBody::StatusChange {
                status,
                detail: String::new(),
                retry_at,
            }
            .into(),
        ]);
        assert!(bench.session.is_closed());
        assert_eq!(bench.session.turn(), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_folds_to_the_live_state_from_every_snapshot(
        steps in any_life(40),
        cut in any::<prop::sample::Index>(),
    ) {
        let bench = lived(&steps);
        let (before, after) = bench.log.split_at(cut.index(bench.log.len() + 1));
        let snapshot = fold(Session::new(bench.session.id()), before);
        prop_assert_eq!(&fold(through_json(&snapshot), after), &bench.session);
    }

    #[test]
    fn a_stored_log_with_previews_folds_to_the_live_state_when_the_texts_are_back(
        steps in any_life(30),
    ) {
        let bench = lived(&steps);
        let (_, session) = fold_stored(&bench);
        prop_assert_eq!(&session, &bench.session);
    }

    #[test]
    fn no_sequence_of_events_is_too_strange_to_fold(
        steps in any_life(30),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<i64>()), 0..80),
    ) {
        let bench = lived(&steps);
        let strange = extremes();
        let mut session = Session::new(bench.session.id());
        for (pick, is_strange, time) in &picks {
            let mut event = pick.get(&bench.log).clone();
            if *is_strange {
                event.body = pick.get(&strange).clone();
                event.timestamp = Timestamp(*time);
            }
            session.apply(&event);
            let messages = session.messages();
            let mut ids: Vec<_> = messages
                .queued()
                .chain(messages.unknown())
                .map(|input| input.message_id)
                .chain(messages.sent())
                .collect();
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), count, "a message is in one place at most");
        }
        poke(&session, Timestamp(i64::MAX));
        poke(&session, Timestamp(i64::MIN));
    }
}
