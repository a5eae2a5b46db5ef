//! The laws of the machine, tried on random lives of a session: commands, what the agent says, news of hosts, time, and
//! daemons that come back with what they had written down. A naive model follows the log and knows nothing of the machine.

pub(super) mod life;
mod lock;
mod model;
mod question;
mod queue;
mod request;

use proptest::prelude::*;

use super::*;
use life::{Step, any_step, live};
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
    fn every_life_keeps_the_laws(steps in prop::collection::vec(any_step(), 0..80)) {
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
    fn no_message_is_left_when_agents_only_die(steps in prop::collection::vec(any_step(), 0..60), exit in 0..6_u8) {
        let (mut bench, mut model) = live_and_check(&steps);
        let waiting = bench.session.messages().queued().count();
        for _ in 0..=waiting {
            bench.exited(life::exit(exit));
            model.follow(&bench);
            model.compare(&bench, None, false);
        }
        prop_assert!(!bench.session.agent().is_present(), "a crash does not repeat itself without a message");
        prop_assert_eq!(bench.session.turn(), None);
        prop_assert_eq!(bench.session.messages().queued().count(), 0);
        prop_assert_eq!(bench.session.messages().sent().count(), 0);
        prop_assert!(model.queue.all_accounted_for());
    }
}
