//! Cut lines, garbled lines, and lines that are nothing at all.

use betcode_agents::{Agent, Kind};
use betcode_core::observation::{Observation, Observations, Observed};
use proptest::prelude::*;

use crate::transcript::all;

fn lines() -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for transcript in all() {
        lines.extend(transcript.out().map(|line| line.to_string().into_bytes()));
    }
    lines
}

fn told(line: &[u8]) -> Vec<Observed> {
    let mut out = Observations::new();
    Agent::new(Kind::ClaudeCode).line(line, &mut out);
    out.take()
}

#[test]
fn a_cut_line_is_unknown_and_nothing_else() {
    for line in lines() {
        let cuts = [
            1,
            2,
            line.len() / 7,
            line.len() / 3,
            line.len() / 2,
            line.len() - 2,
            line.len() - 1,
        ];
        for cut in cuts {
            let seen = told(&line[..cut]);
            let [
                Observed {
                    parent: None,
                    observation: Observation::Unknown { raw },
                },
            ] = seen.as_slice()
            else {
                panic!("{seen:?}")
            };
            assert_eq!(raw.as_bytes(), &line[..cut]);
        }
    }
}

#[test]
fn an_empty_line_is_nothing() {
    for line in ["", " ", "\r", "\t \r"] {
        assert_eq!(told(line.as_bytes()), []);
    }
}

#[test]
fn what_is_not_json_or_has_no_known_type_is_unknown() {
    let lines: [&[u8]; 9] = [
        b"plain text",
        b"null",
        b"[]",
        b"{}",
        b"{\"type\":7}",
        b"{\"type\":\"wonder\"}",
        b"{\"type\":\"system\",\"subtype\":\"wonder\"}",
        b"\xff\xfe",
        b"{\"type\":\"keep_alive\"} {}",
    ];
    for line in lines {
        let seen = told(line);
        assert!(
            matches!(
                seen.as_slice(),
                [Observed {
                    observation: Observation::Unknown { .. },
                    ..
                }]
            ),
            "{} {seen:?}",
            String::from_utf8_lossy(line)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbled_lines_in_any_place_never_stop_the_parser(
        seeds in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..200)
    ) {
        let lines = lines();
        let mut agent = Agent::new(Kind::ClaudeCode);
        let mut out = Observations::new();
        for (which, at, byte) in seeds {
            let whole: &Vec<u8> = which.get(&lines);
            let mut line = whole.clone();
            *at.get_mut(&mut line) = byte;
            agent.line(&line, &mut out);
            agent.line(whole, &mut out);
            let state = agent.state();
            prop_assert_eq!(Agent::restore(Kind::ClaudeCode, &state).unwrap().state(), state);
        }
        for frame in agent.replies() {
            prop_assert!(frame.ends_with(b"\n"));
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&frame).is_ok());
        }
    }

    #[test]
    fn any_bytes_are_taken(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        told(&line);
    }
}
