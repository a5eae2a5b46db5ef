//! A session that is in no memory: when it may be, and that nobody can tell afterwards.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::laws::life::{any_life, live};
use super::replay::fold_all;
use super::*;

/// What the session says to a message, whoever is known to be here.
fn answer(
    session: &Session,
    bench: &Bench,
    presence: &Presence,
    now: Timestamp,
) -> Result<Decision, Rejected> {
    let command = Command {
        session: session.id(),
        key: IdempotencyKey(Uuid::from_u128(0xd0)),
        client: person(7),
        action: Action::Message {
            text: "hello again".into(),
            attachments: Vec::new(),
            policy: TurnPolicy::default(),
        },
    };
    let context = Context {
        now,
        presence,
        ..bench.context(false)
    };
    session.decide(context, &command)
}

fn is_forgotten_without_a_trace(bench: &Bench) {
    let session = &bench.session;
    let folded = fold_all(bench);
    assert_eq!(folded, *session);
    for later in [
        bench.now.plus(Duration::from_secs(10)),
        bench.now.plus(Duration::from_hours(24 * 366)),
    ] {
        let nobody = Presence::new(later);
        for presence in [&bench.presence, &nobody] {
            assert_eq!(
                session.expire(later, Hold::default(), &bench.terms, presence),
                []
            );
            assert_eq!(session.grace_ends(&bench.terms, presence), None);
            let context = Context {
                now: later,
                presence,
                ..bench.context(false)
            };
            assert_eq!(session.settle(context), []);
        }
        assert_eq!(session.rests_since(), None);
        let (fresh, silence) = (Progress::default(), Silence::default());
        assert_eq!(silence.due(session, &fresh, &bench.terms), None);
        let remembers = answer(session, bench, &bench.presence, later);
        assert_eq!(answer(&folded, bench, &nobody, later), remembers);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_dormant_session_has_lived_through_it_is_forgotten_without_a_trace(steps in any_life(60)) {
        let mut bench = Bench::new();
        for step in &steps {
            live(&mut bench, step);
            if bench.session.is_dormant() {
                is_forgotten_without_a_trace(&bench);
            }
        }
    }
}

#[test]
fn many_lives_come_to_such_a_rest() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut dormant, mut lived, mut dead) = (0, 0, 0);
    for _ in 0..200 {
        let steps = any_life(60).new_tree(&mut runner).unwrap().current();
        let mut bench = Bench::new();
        for step in &steps {
            live(&mut bench, step);
            if bench.session.is_dormant() {
                dormant += 1;
                lived += usize::from(bench.session.turns() > 0);
                dead += usize::from(bench.session.info().status == Status::Crashed);
            }
        }
    }
    assert!(
        dormant > 100 && lived > 50 && dead > 5,
        "{dormant}, {lived} after a turn, {dead} after a crash"
    );
}

#[test]
fn a_turn_an_agent_and_a_holder_who_may_come_back_keep_a_session_awake() {
    let mut bench = Bench::working();
    bench.leave(&client(), true);
    assert!(!bench.session.is_dormant(), "a turn runs");
    bench.say(result(StopReason::EndTurn));
    bench.say(Observation::Idle);
    assert!(!bench.session.is_dormant(), "the agent is there");
    bench.exited(AgentExit::Code { code: 0 });
    assert!(bench.session.is_dormant());
    bench.arrive(&client());
    assert!(!bench.session.is_dormant(), "somebody holds the lock");
    bench.leave(&client(), false);
    assert!(!bench.session.is_dormant(), "the holder may come back");
    bench.pass_seconds(24 * 3600);
    assert!(bench.session.is_dormant(), "the grace is over");
}
