//! What must hold for every recorded session.

use std::collections::{BTreeMap, BTreeSet};

use betcode_agents::{Agent, Kind};
use betcode_core::event::MessageEnd;
use betcode_core::observation::{Observation, Observations};

use crate::transcript::{Player, Transcript, all, play};

#[test]
fn no_line_of_a_recorded_session_is_unknown() {
    for transcript in all() {
        for seen in play(&transcript) {
            assert!(
                !matches!(seen.observation, Observation::Unknown { .. }),
                "{}: {seen:?}",
                transcript.name
            );
        }
    }
}

#[test]
fn a_state_written_and_read_between_any_two_lines_changes_nothing() {
    for transcript in all() {
        let mut whole = Player::new();
        let mut cut = Player::new();
        for (number, step) in transcript.steps.iter().enumerate() {
            let state = cut.agent.state();
            cut.agent = Agent::restore(Kind::ClaudeCode, &state).unwrap();
            assert_eq!(
                cut.agent.state(),
                state,
                "{} before {number}",
                transcript.name
            );
            let (mut expected, mut seen) = (Observations::new(), Observations::new());
            assert_eq!(
                cut.step(step, &mut seen).map(|(_, frame)| frame),
                whole.step(step, &mut expected).map(|(_, frame)| frame),
                "{} at {number}",
                transcript.name
            );
            assert_eq!(
                seen.take(),
                expected.take(),
                "{} at {number}",
                transcript.name
            );
            assert_eq!(
                cut.agent.state(),
                whole.agent.state(),
                "{} after {number}",
                transcript.name
            );
            assert_eq!(
                cut.agent.replies(),
                whole.agent.replies(),
                "{} after {number}",
                transcript.name
            );
        }
    }
}

#[test]
fn a_state_that_is_not_reported_as_changed_is_the_same() {
    for transcript in all() {
        let mut player = Player::new();
        assert!(
            player.agent.state_changed(),
            "a new process has a state to write"
        );
        let mut before = player.agent.state();
        for (number, step) in transcript.steps.iter().enumerate() {
            player.step(step, &mut Observations::new());
            let reported = player.agent.state_changed();
            let after = player.agent.state();
            assert!(
                reported || before == after,
                "{} at {number}:\n{before}\n{after}",
                transcript.name
            );
            assert!(!player.agent.state_changed());
            before = after;
        }
    }
}

#[test]
fn a_delta_that_goes_on_with_a_block_changes_no_state() {
    let mut quiet = 0;
    for transcript in all() {
        let mut player = Player::new();
        let mut former = None;
        for step in &transcript.steps {
            player.step(step, &mut Observations::new());
            let changed = player.agent.state_changed();
            let block = match step {
                crate::transcript::Step::Out(line)
                    if line["event"]["delta"]["type"] == "text_delta" =>
                {
                    Some((
                        line["api_message_id"].clone(),
                        line["event"]["index"].clone(),
                    ))
                }
                _ => None,
            };
            if block.is_some() && block == former {
                assert!(!changed, "{}", transcript.name);
                quiet += 1;
            }
            former = block;
        }
    }
    assert!(quiet > 300, "{quiet} deltas");
}

/// The text of each message, from the `assistant` lines.
fn whole_texts(transcript: &Transcript, block_kind: &str, field: &str) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::<String, String>::new();
    for line in transcript.out().filter(|line| line["type"] == "assistant") {
        let text = texts
            .entry(line["message"]["id"].as_str().unwrap().to_owned())
            .or_default();
        for block in line["message"]["content"].as_array().unwrap() {
            if block["type"] == block_kind {
                text.push_str(block[field].as_str().unwrap());
            }
        }
    }
    texts
}

#[test]
fn the_pieces_of_a_message_are_the_text_of_its_assistant_lines() {
    let mut compared = 0;
    for transcript in all() {
        let (mut said, mut thought) = (
            BTreeMap::<String, String>::new(),
            BTreeMap::<String, String>::new(),
        );
        for seen in play(&transcript) {
            match seen.observation {
                Observation::Text(piece) => said
                    .entry(piece.message_id)
                    .or_default()
                    .push_str(&piece.text),
                Observation::Thinking(piece) => thought
                    .entry(piece.message_id)
                    .or_default()
                    .push_str(&piece.text),
                _ => {}
            }
        }
        for (whole, mut seen) in [
            (whole_texts(&transcript, "text", "text"), said),
            (whole_texts(&transcript, "thinking", "thinking"), thought),
        ] {
            for (id, text) in whole {
                assert_eq!(
                    seen.remove(&id).unwrap_or_default(),
                    text,
                    "{} {id}",
                    transcript.name
                );
                compared += usize::from(!text.is_empty());
            }
        }
    }
    assert!(compared > 100, "{compared} messages");
}

#[test]
fn a_message_ends_once_and_after_all_of_its_text() {
    for transcript in all() {
        let mut ended = BTreeSet::new();
        for seen in play(&transcript) {
            match seen.observation {
                Observation::Text(piece) | Observation::Thinking(piece) => {
                    assert!(
                        !ended.contains(&piece.message_id),
                        "{} {piece:?}",
                        transcript.name
                    );
                }
                Observation::MessageComplete {
                    message_id, end, ..
                } => {
                    assert_ne!(
                        end,
                        MessageEnd::Abandoned,
                        "{} {message_id}",
                        transcript.name
                    );
                    assert!(
                        ended.insert(message_id.clone()),
                        "{} {message_id}",
                        transcript.name
                    );
                }
                _ => {}
            }
        }
        for line in transcript
            .out()
            .filter(|line| line["event"]["type"] == "message_stop")
        {
            if let Some(id) = line["api_message_id"].as_str() {
                assert!(ended.contains(id), "{} {id}", transcript.name);
            }
        }
    }
}

#[test]
fn a_tool_starts_once_and_ends_at_most_once_and_always_before_the_turn_is_over() {
    // Killed, or out of budget before the tool could run: there never was a result.
    let cut_short = [
        "sigkill_mid_tool",
        "killed_during_permission",
        "killed_while_asking",
        "flag_budget",
    ];
    let mut ended = 0;
    for transcript in all() {
        let cut_short = cut_short.contains(&transcript.name.as_str());
        let (mut started, mut open) = (BTreeSet::new(), BTreeSet::new());
        for seen in play(&transcript) {
            match seen.observation {
                Observation::ToolStarted { id, .. } => {
                    assert!(started.insert(id.clone()), "{} {id}", transcript.name);
                    open.insert(id);
                }
                Observation::ToolFinished { id, .. } => {
                    assert!(open.remove(&id), "{} {id}", transcript.name);
                    ended += 1;
                }
                Observation::Result(_) if !cut_short => {
                    assert!(open.is_empty(), "{} {open:?}", transcript.name);
                }
                _ => {}
            }
        }
        assert_eq!(open.is_empty(), !cut_short, "{} {open:?}", transcript.name);
    }
    assert!(ended > 30, "{ended} tools");
}

#[test]
fn every_result_is_followed_by_idle_and_idle_follows_work() {
    for transcript in all() {
        // A process that says by itself when it is idle may have answered several messages until then.
        let announces = transcript
            .out()
            .any(|line| line["subtype"] == "session_state_changed");
        let mut busy = false;
        let mut results = 0;
        for seen in play(&transcript) {
            match seen.observation {
                Observation::Working | Observation::Compacting => busy = true,
                Observation::Result(_) => results += 1,
                Observation::Idle => {
                    let one = if announces { results > 0 } else { results == 1 };
                    assert!(one, "{} {results}", transcript.name);
                    (busy, results) = (false, 0);
                }
                Observation::Text(_) => {
                    assert!(busy || seen.parent.is_some(), "{}", transcript.name);
                }
                _ => {}
            }
        }
        assert_eq!(results, 0, "{}", transcript.name);
    }
}
