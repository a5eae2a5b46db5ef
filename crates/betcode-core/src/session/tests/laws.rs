//! The laws of the machine, tried on random lives of a session: commands, what the agent says, news of hosts, time, and
//! daemons that come back with what they had written down. A naive model follows the log and knows nothing of the machine.

mod call;
pub(super) mod life;
mod lock;
mod model;
mod question;
mod queue;
mod request;
mod silence;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::*;
use life::{Step, any_life, live};
use model::Model;

/// Lives a life and checks each piece of log as it comes.
fn live_and_check(steps: &[Step]) -> (Bench, Model) {
    let mut bench = Bench::new();
    let mut model = Model::new(&bench);
    for step in steps {
        let standing = match step {
            Step::Do(by, _) => Some(model.lock.standing(&life::who(*by), &bench)),
            _ => None,
        };
        let did = live(&mut bench, step);
        // A deed that had nothing to choose from was none.
        model.silence.note(step, &bench);
        if did.is_some() || !matches!(step, Step::Do(..)) {
            model.lock.note(step, bench.now);
        }
        model.follow(&bench);
        if let (Some(standing), Some(did)) = (standing, &did) {
            model.lock.judge(&standing, did, &bench);
        }
        let time_passed = matches!(step, Step::Pass(_) | Step::Jump(_));
        model.compare(&bench, did.as_ref(), time_passed);
    }
    (bench, model)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_life_keeps_the_laws(steps in any_life(60)) {
        let (bench, _) = live_and_check(&steps);
        prop_assert!(bench.rounds <= 2, "the log is trimmed, one message goes out, and then a turn runs");
        let inputs = bench.log.iter().filter_map(|event| match &event.body {
            EventBody::UserInput(input) => Some(input.message_id),
            _ => None,
        });
        let told = bench.told.iter().filter_map(|told| match told {
            AgentRequest::UserMessage { message_id, .. } => Some(*message_id),
            _ => None,
        });
        prop_assert!(inputs.eq(told), "the agent is told each message as often as the log says");
    }

    #[test]
    fn no_message_is_left_when_agents_only_die(steps in any_life(40), exit in 0..6_u8) {
        let (mut bench, mut model) = live_and_check(&steps);
        let waiting = bench.session.messages().queued().count();
        let most_deaths = 11;
        for _ in 0..=waiting * most_deaths + most_deaths {
            bench.exited(life::exit(exit));
            model.follow(&bench);
            model.compare(&bench, None, false);
            life::live(&mut bench, &Step::Pass(31));
            model.follow(&bench);
            model.compare(&bench, None, true);
        }
        prop_assert!(!bench.session.agent().is_present(), "a crash does not repeat itself without a message");
        prop_assert_eq!(bench.session.turn(), None);
        prop_assert_eq!(bench.session.messages().queued().count(), 0);
        prop_assert_eq!(bench.session.messages().sent().count(), 0);
        prop_assert!(model.queue.all_accounted_for());
    }
}

/// What went wrong, in words.
fn troubles(body: &EventBody) -> Option<String> {
    match body {
        EventBody::ToolCallResult { is_error: true, .. } => Some("lost call".into()),
        EventBody::CancelRequested { by } if by.name == "betcode" => Some("interrupted".into()),
        EventBody::StatusChange {
            status: Status::Stalled,
            ..
        } => Some("stalled".into()),
        EventBody::Error { code, .. } => Some(code.clone()),
        _ => None,
    }
}

/// A process is started by nothing but the time that has passed.
fn started_by_time(pair: &[Event]) -> bool {
    let starting = matches!(&pair[0].body, EventBody::AgentStarting { .. });
    let sends = matches!(
        &pair[1].body,
        EventBody::UserInput(_) | EventBody::MessageDequeued { .. }
    );
    starting && !sends
}

#[test]
fn the_random_lives_reach_everything_that_the_laws_speak_of() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    let mut outcomes = [0, 0];
    for _ in 0..200 {
        let steps = any_life(60).new_tree(&mut runner).unwrap().current();
        let mut bench = Bench::new();
        for step in &steps {
            let did = live(&mut bench, step);
            if let Some(Err(rejected)) = did.map(|did| did.result) {
                let kind = format!("{rejected:?}");
                let end = kind
                    .find(|c: char| !c.is_alphanumeric())
                    .unwrap_or(kind.len());
                seen.insert(kind[..end].to_owned());
            }
        }
        for pair in bench.log.windows(2) {
            let said = brief(&pair[1].body);
            let at_once = brief(&pair[0].body).starts_with("asks ");
            let by_somebody = said.ends_with(" by test") || said.contains(" by person");
            if at_once && by_somebody {
                seen.insert("kept answer".into());
            }
            if matches!(
                &pair[1].body,
                EventBody::StatusChange {
                    status: Status::Starting,
                    retry_at: Some(_),
                    ..
                }
            ) {
                seen.insert("died in its turn".into());
            }
            if started_by_time(pair) {
                seen.insert("started again".into());
            }
            seen.extend(troubles(&pair[1].body));
            if said.ends_with("allowed for this session") {
                seen.insert("grant".into());
            }
            seen.extend(said.split(' ').next().map(str::to_owned));
        }
        for (_, rejected) in &bench.outcomes {
            outcomes[usize::from(rejected.is_some())] += 1;
        }
    }
    for expected in [
        "kept answer",
        "died in its turn",
        "started again",
        "grant",
        "allowed",
        "denied",
        "answered",
        "declined",
        "withdrawn",
        "expired",
        "extended",
        "reminder",
        "rules_written",
        "wants",
        "granted",
        "refused",
        "timed_out",
        "edited",
        "removed",
        "dequeued",
        "unknown",
        "trimmed",
        "session_reopened",
        "agent_stopping",
        "error",
        "lost call",
        "stalled",
        "interrupted",
        "agent_unresponsive",
        "agent_refused",
        "NotHolder",
        "NoLockRequest",
        "RequestEnded",
        "UnknownRequest",
        "Invalid",
        "Unsupported",
        "SessionClosed",
        "TurnRunning",
    ] {
        assert!(
            seen.contains(expected),
            "{expected} never happened: {seen:?}"
        );
    }
    assert!(
        outcomes.iter().all(|count| *count > 20),
        "commands wait for the lock, and get through or not: {outcomes:?}"
    );
}
