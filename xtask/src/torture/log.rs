//! What was written down: a session's events as `session events` prints them, and the demo agent's journal of its
//! standard input. Read here from their lines alone, without the code that wrote them.

use serde::Deserialize;

/// One event, as far as the checks look at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Entry {
    pub(super) session_id: String,
    pub(super) sequence: u64,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    pub(super) message_id: String,
    #[serde(default)]
    pub(super) removed: bool,
    #[serde(default)]
    pub(super) host: String,
    #[serde(default)]
    pub(super) exit: Option<Exit>,
    #[serde(default)]
    pub(super) stop_reason: String,
    /// How a message of the agent ended.
    #[serde(default)]
    pub(super) end: String,
    #[serde(default)]
    pub(super) status: String,
    /// The line itself, without its line break.
    #[serde(skip)]
    pub(super) line: String,
}

/// How an agent ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Exit {
    pub(super) how: String,
}

/// Reads a whole log. The error is the first line that is no event.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, String> {
    let read = |line: &str| match serde_json::from_str::<Entry>(line) {
        Ok(entry) => Ok(Entry {
            line: line.to_owned(),
            ..entry
        }),
        Err(error) => Err(format!("not an event ({error}): {}", beginning(line))),
    };
    text.lines().map(read).collect()
}

/// True when nothing more will come by itself: no turn runs and none waits.
pub(super) fn is_settled(log: &[Entry]) -> bool {
    let mut running = false;
    let mut queued = 0_u64;
    for entry in log {
        match entry.kind.as_str() {
            "user_input" => running = true,
            "turn_complete" => running = false,
            "message_queued" => queued += 1,
            "message_dequeued" => queued = queued.saturating_sub(1),
            _ => {}
        }
    }
    !running && queued == 0
}

/// One line of the agent's standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// A new agent is told that it begins.
    Initialize,
    /// A message of the user, by its id.
    Message(String),
    /// Another request, by its id.
    Request(String),
    /// The answer to a request of the agent, by its id.
    Answer { id: String, allowed: bool },
    /// The answer to an announced call, by the id of what announced it: that it may go on, or not.
    Proceed(String),
    /// Something that nobody sends.
    Strange(String),
}

/// Reads a journal.
pub(super) fn frames(text: &str) -> Vec<Frame> {
    text.lines().map(frame).collect()
}

fn frame(line: &str) -> Frame {
    #[derive(Deserialize)]
    struct Line {
        #[serde(rename = "type")]
        kind: String,
        uuid: Option<String>,
        request_id: Option<String>,
        request: Option<Request>,
        response: Option<Response>,
    }
    #[derive(Deserialize)]
    struct Request {
        subtype: String,
    }
    #[derive(Deserialize)]
    struct Response {
        request_id: String,
        response: Option<Verdict>,
    }
    #[derive(Deserialize)]
    struct Verdict {
        behavior: Option<String>,
    }
    let strange = || Frame::Strange(beginning(line));
    let Ok(read) = serde_json::from_str::<Line>(line) else {
        return strange();
    };
    if let ("control_response", Some(response)) = (read.kind.as_str(), read.response) {
        return match response.response.and_then(|verdict| verdict.behavior) {
            Some(behavior) => Frame::Answer {
                id: response.request_id,
                allowed: behavior == "allow",
            },
            None => Frame::Proceed(response.request_id),
        };
    }
    match (read.kind.as_str(), read.uuid, read.request_id, read.request) {
        ("user", Some(uuid), _, _) => Frame::Message(uuid),
        ("control_request", _, Some(_), Some(request)) if request.subtype == "initialize" => {
            Frame::Initialize
        }
        ("control_request", _, Some(id), _) => Frame::Request(id),
        _ => strange(),
    }
}

/// The beginning of a line, for a message.
pub(super) fn beginning(line: &str) -> String {
    line.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_with_the_line_it_came_from() {
        let line = r#"{"session_id":"s","sequence":3,"timestamp":"t","type":"text_delta","message_id":"m","text":"7\n"}"#;
        let log = entries(&format!("{line}\n")).unwrap();
        assert_eq!((log[0].sequence, log[0].text.as_str()), (3, "7\n"));
        assert_eq!(log[0].line, line);
        assert!(
            entries("{\"type\":")
                .unwrap_err()
                .starts_with("not an event")
        );
    }

    #[test]
    fn a_session_is_settled_when_no_turn_runs_and_none_waits() {
        let log = |kinds: &[&str]| -> Vec<Entry> {
            let entry = |kind: &&str| Entry {
                kind: (*kind).to_owned(),
                ..Entry::default()
            };
            kinds.iter().map(entry).collect()
        };
        assert!(is_settled(&[]));
        assert!(!is_settled(&log(&["user_input"])));
        assert!(is_settled(&log(&["user_input", "turn_complete"])));
        assert!(!is_settled(&log(&[
            "user_input",
            "message_queued",
            "turn_complete"
        ])));
        assert!(is_settled(&log(&["message_queued", "message_dequeued"])));
    }

    #[test]
    fn a_journal_tells_messages_from_requests() {
        let journal = concat!(
            r#"{"type":"control_request","request_id":"bc-1","request":{"subtype":"initialize","hooks":null}}"#,
            "\n",
            r#"{"type":"user","message":{"role":"user","content":"x"},"uuid":"u1"}"#,
            "\n",
            r#"{"type":"control_request","request_id":"bc-2","request":{"subtype":"interrupt"}}"#,
            "\n{\"type\":\"us"
        );
        assert_eq!(
            frames(journal),
            [
                Frame::Initialize,
                Frame::Message("u1".into()),
                Frame::Request("bc-2".into()),
                Frame::Strange("{\"type\":\"us".into()),
            ]
        );
    }
}
