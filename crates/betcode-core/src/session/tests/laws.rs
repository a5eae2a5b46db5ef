//! The laws of the machine, tried on random lives of a session: commands, what the agent says, news of hosts, time, and
//! daemons that come back with what they had written down. A naive model follows the log and knows nothing of the machine.

pub(super) mod life;
mod model;

use proptest::prelude::*;

use super::*;
use life::{Step, any_step, live};
use model::Model;

/// Lives a life and checks each piece of log as it comes.
fn live_and_check(steps: &[Step]) -> (Bench, Model) {
    let mut bench = Bench::new();
    let mut model = Model::default();
    model.follow(&bench);
    for step in steps {
        let accepted = live(&mut bench, step);
        model.follow(&bench);
        model.compare(&bench, accepted);
    }
    (bench, model)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_life_keeps_the_laws(steps in prop::collection::vec(any_step(), 0..80)) {
        let (bench, _) = live_and_check(&steps);
        prop_assert!(bench.rounds <= 1, "one message goes out, and then a turn runs");
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
            model.compare(&bench, None);
        }
        prop_assert!(!bench.session.agent().is_present(), "a crash does not repeat itself without a message");
        prop_assert_eq!(bench.session.turn(), None);
        prop_assert_eq!(bench.session.messages().queued().count(), 0);
        prop_assert_eq!(bench.session.messages().sent().count(), 0);
        prop_assert!(model.all_accounted_for());
    }
}
