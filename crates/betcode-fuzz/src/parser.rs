//! The parser of Claude Code's lines: any bytes, line by line. Laws:
//! - it never fails; a state that was written and read again goes on exactly as the one that was not;
//! - a state that is not said to have changed has not changed;
//! - what is no JSON, or of a type that nobody knows, is kept whole as one `Unknown`; of a line that is known, parts may be;
//! - a blank line is nothing;
//! - a piece of text is never empty and never longer than an event may be;
//! - the state grows by no more than a few times what was said.

use betcode_agents::{Agent, Kind};
use betcode_core::observation::{DELTA_BYTES, Observation, Observations, Observed};
use serde_json::Value;

use crate::{Target, transcripts};

/// See the file.
pub const TARGET: Target = Target {
    name: "parser",
    about: "lines of an agent: restoring at any line, Unknown, sizes",
    run,
    seeds,
    longest: 16 * 1024,
};

/// The types of line that the parser may understand.
const TYPES: &[&str] = &[
    "stream_event",
    "assistant",
    "user",
    "system",
    "result",
    "control_request",
    "control_response",
    "control_cancel_request",
    "command_lifecycle",
    "conversation_reset",
    "tool_progress",
    "auth_status",
    "rate_limit_event",
    "keep_alive",
    "tool_use_summary",
    "prompt_suggestion",
    "streamlined_text",
    "streamlined_tool_use_summary",
];

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = transcripts::kinds();
    seeds.extend(transcripts::outputs());
    seeds.push(b"plain text\n\xff\xfe\nnull\n[]\n{}\n{\"type\":7}\n \n\r\n".to_vec());
    seeds
}

fn run(data: &[u8]) {
    let mut whole = Agent::new(Kind::ClaudeCode);
    let mut cut = Agent::new(Kind::ClaudeCode);
    let mut state = whole.state();
    whole.state_changed();
    for line in data.split(|byte| *byte == b'\n') {
        let (mut seen, mut again) = (Observations::new(), Observations::new());
        whole.line(line, &mut seen);
        cut = restored(&cut);
        cut.line(line, &mut again);
        let seen = seen.take();
        assert_eq!(seen, again.take(), "a restored parser says something else");
        let after = whole.state();
        assert!(
            whole.state_changed() || state == after,
            "the state changed unsaid"
        );
        assert_eq!(cut.state(), after, "a restored parser has another state");
        assert!(
            after.len() <= state.len() + 16 * line.len() + 4096,
            "one line of {} bytes grew the state by {}",
            line.len(),
            after.len() - state.len()
        );
        state = after;
        check_line(line, &seen);
    }
    assert_eq!(whole.replies(), restored(&cut).replies());
    let (mut seen, mut again) = (Observations::new(), Observations::new());
    whole.ended(&mut seen);
    cut.ended(&mut again);
    assert_eq!(seen.take(), again.take());
}

/// The parser after it was written down and read again.
pub(crate) fn restored(agent: &Agent) -> Agent {
    let state = agent.state();
    let again = Agent::restore(Kind::ClaudeCode, &state).expect("its own state can be read");
    assert_eq!(again.state(), state, "a state changes by being read");
    again
}

/// What holds for the observations of one line.
pub(crate) fn check_line(line: &[u8], seen: &[Observed]) {
    let unknown: Vec<&str> = seen
        .iter()
        .filter_map(|seen| match &seen.observation {
            Observation::Unknown { raw } => Some(raw.as_str()),
            _ => None,
        })
        .collect();
    let whole = String::from_utf8_lossy(line);
    assert!(
        unknown.iter().all(|raw| whole.contains(raw)),
        "Unknown is neither the line nor a part of it"
    );
    if line.trim_ascii().is_empty() {
        assert!(seen.is_empty(), "a blank line says something");
    } else if !is_of_known_type(line) {
        assert_eq!(seen.len(), 1, "{whole:?} is unknown and says {seen:?}");
        assert_eq!(unknown, [whole.as_ref()], "it is not kept whole");
    }
    for seen in seen {
        if let Observation::Text(piece) | Observation::Thinking(piece) = &seen.observation {
            assert!(!piece.text.is_empty(), "an empty piece");
            assert!(
                piece.text.len() <= DELTA_BYTES,
                "a piece of {}",
                piece.text.len()
            );
        }
    }
}

fn is_of_known_type(line: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(line) else {
        return false;
    };
    value["type"]
        .as_str()
        .is_some_and(|kind| TYPES.contains(&kind))
}
