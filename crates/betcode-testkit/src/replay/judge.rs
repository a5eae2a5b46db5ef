//! Whether the log of a session holds what its agent said, what was written to it, and nothing else. Read from the lines themselves,
//! without the parser that is judged.
//!
//! Compared: every text and thought, piece by piece; every call of a tool with its input and result; every request with its one
//! end, and how it ended; every turn with why it ended; every message with its id; the order of all that; the numbers of the
//! events; what the session is at rest.

mod heard;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::accept::word;
use super::record::{Record, What};
use heard::{Heard, Mark};

pub use run::{exit_codes, last_words};

/// The kinds of events that end a turn, and those of requests with those of their ends.
const TURN_END: &str = "turn_complete";
const REQUESTS: [&str; 2] = ["permission_request", "question"];
const ENDS: [&str; 2] = ["permission_resolved", "question_answered"];

/// What is wrong with this log; nothing when it is right.
pub fn judge(record: &Record, events: &[Value]) -> Vec<String> {
    let heard = Heard::of(record);
    let mut wrong: Vec<String> = record.problems().map(str::to_owned).collect();
    wrong.extend(numbers(events));
    wrong.extend(texts(&heard, events));
    wrong.extend(tools(&heard, events));
    wrong.extend(requests(record, &heard, events));
    wrong.extend(turns(record, &heard, events));
    wrong.extend(messages(record, events));
    wrong.extend(order(&heard, events));
    wrong.extend(rest(record, events));
    wrong
}

/// Lines that the log keeps because nobody understood them.
pub fn unknown(events: &[Value]) -> impl Iterator<Item = &str> {
    of(events, "unknown").map(|event| word(event, "raw"))
}

/// Whether everything was played, as far as this log knows.
pub fn is_played(events: &[Value]) -> bool {
    events.iter().any(heard::is_played)
}

fn of<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events
        .iter()
        .filter(move |event| word(event, "type") == kind)
}

fn numbers(events: &[Value]) -> Vec<String> {
    let number = |event: &Value| event.get("sequence").and_then(Value::as_u64);
    let mut wrong = Vec::new();
    for (event, expected) in events.iter().zip(1..) {
        if number(event) != Some(expected) {
            wrong.push(format!(
                "event {expected} has another number: {}",
                short(event)
            ));
            break;
        }
    }
    wrong
}

fn texts(heard: &Heard, events: &[Value]) -> Vec<String> {
    let mut logged: BTreeMap<(String, String, bool), String> = BTreeMap::new();
    for event in events {
        let thinking = match word(event, "type") {
            "text_delta" => false,
            "thinking_delta" => true,
            _ => continue,
        };
        let key = (owner(event), word(event, "message_id").to_owned(), thinking);
        logged.entry(key).or_default().push_str(word(event, "text"));
    }
    let said = heard.texts();
    let mut wrong = Vec::new();
    for key in said.keys().chain(logged.keys()).collect::<BTreeSet<_>>() {
        let (said, logged) = (said.get(key), logged.get(key));
        if said != logged {
            let (owner, message, thinking) = key;
            let what = if *thinking { "thinking" } else { "text" };
            wrong.push(format!(
                "the {what} of message {message} {owner} was {said:?}, the log has {logged:?}"
            ));
        }
    }
    wrong
}

fn tools(heard: &Heard, events: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut starts: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for event in of(events, "tool_call_start") {
        starts.entry(word(event, "id")).or_default().push(event);
    }
    for (id, call) in &heard.calls {
        match starts.remove(id.as_str()).unwrap_or_default().as_slice() {
            [event] => {
                let same = word(event, "tool") == call.tool && owner(event) == call.owner;
                let cut = event.get("previews").is_some();
                if !same || !(cut || event.get("input") == Some(&call.input)) {
                    wrong.push(format!(
                        "call {id} of {} is logged as {}",
                        call.tool,
                        short(event)
                    ));
                }
            }
            found => wrong.push(format!(
                "call {id} of {} is logged {} times",
                call.tool,
                found.len()
            )),
        }
    }
    wrong.extend(
        starts
            .keys()
            .map(|id| format!("call {id} is logged and was never made")),
    );
    let mut results: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for event in of(events, "tool_call_result") {
        let is_error = event.get("is_error").and_then(Value::as_bool);
        results
            .entry(word(event, "id"))
            .or_default()
            .push(is_error.unwrap_or_default());
    }
    for (id, is_error) in &heard.results {
        let logged = results.remove(id.as_str()).unwrap_or_default();
        if logged != [*is_error] {
            wrong.push(format!(
                "the result of call {id} (error: {is_error}) is logged as {logged:?}"
            ));
        }
    }
    // A call that never came to an end may be ended by whoever sees that, as a failure.
    for (id, logged) in results {
        if logged != [true] || !heard.calls.contains_key(id) {
            wrong.push(format!(
                "call {id} is logged with results that nobody gave: {logged:?}"
            ));
        }
    }
    wrong
}

fn requests(record: &Record, heard: &Heard, events: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let count = |kinds: [&str; 2], id: &str| {
        let found = kinds.map(|kind| {
            of(events, kind)
                .filter(|event| word(event, "id") == id)
                .count()
        });
        found.iter().sum::<usize>()
    };
    for (id, tool) in &heard.asks {
        let (asked, ended) = (count(REQUESTS, id), count(ENDS, id));
        if (asked, ended) != (1, 1) {
            wrong.push(format!(
                "request {id} about {tool} is logged {asked} times, and its end {ended} times"
            ));
            continue;
        }
        let outcome = ENDS.iter().find_map(|kind| {
            let mut found = of(events, kind).filter(|event| word(event, "id") == id);
            found.next().map(|event| word(event, "outcome"))
        });
        let told = record
            .got()
            .find(|line| line.pointer("/response/request_id").and_then(Value::as_str) == Some(id));
        let behavior = told.map(|line| line.pointer("/response/response/behavior"));
        let fits = match (outcome.unwrap_or_default(), behavior.flatten().and_then(Value::as_str)) {
            ("allowed" | "answered", Some("allow"))
            | ("denied" | "declined" | "expired", Some("deny"))
            // Its process died, or it took its request back while the answer was on its way.
            | (_, None)
            | ("withdrawn", _) => true,
            _ => false,
        };
        if !fits {
            wrong.push(format!(
                "request {id} about {tool} ended as {outcome:?}, and the agent was told {told:?}"
            ));
        }
    }
    let logged = events
        .iter()
        .filter(|event| REQUESTS.contains(&word(event, "type")));
    for event in logged.filter(|event| !heard.asks.contains_key(word(event, "id"))) {
        // What was only announced may have to be asked, if a rule says so.
        if !heard.announced.contains(word(event, "id")) {
            wrong.push(format!("nobody asked this: {}", short(event)));
        }
    }
    wrong
}

fn turns(record: &Record, heard: &Heard, events: &[Value]) -> Vec<String> {
    let logged: Vec<&str> = of(events, TURN_END)
        .map(|event| word(event, "stop_reason"))
        .collect();
    let said: Vec<&str> = heard.turns.iter().map(String::as_str).collect();
    // A turn whose agent died, and that did not go on, ended with that.
    let told: Vec<&str> = logged
        .iter()
        .copied()
        .filter(|reason| *reason != "agent_exited")
        .collect();
    let deaths = record
        .0
        .iter()
        .filter(|entry| matches!(entry.what, What::Ends(_)));
    if told == said && logged.len() - told.len() <= deaths.count() {
        return Vec::new();
    }
    vec![format!(
        "the turns ended with {said:?}, in the log with {logged:?}"
    )]
}

fn messages(record: &Record, events: &[Value]) -> Vec<String> {
    let written: Vec<&str> = record
        .got()
        .filter(|line| word(line, "type") == "user")
        .map(|line| word(line, "uuid"))
        .collect();
    let mut wrong = Vec::new();
    let logged: Vec<&str> = of(events, "user_input")
        .map(|event| word(event, "message_id"))
        .collect();
    let unknown: BTreeSet<&str> = of(events, "delivery_unknown")
        .map(|event| word(event, "message_id"))
        .collect();
    // A process that ends by itself may not have read what was written to it; then no turn of it is a success.
    let unread =
        died(record) && of(events, TURN_END).all(|event| word(event, "stop_reason") != "end_turn");
    for id in written.iter().chain(&logged).collect::<BTreeSet<_>>() {
        let written = written.iter().filter(|other| *other == id).count();
        let logged = logged.iter().filter(|other| *other == id).count();
        let lost = written == 0 && (unknown.contains(id) || unread);
        if logged != 1 || (written != 1 && !lost) {
            wrong.push(format!(
                "message {id} is {logged} times in the log and was written {written} times"
            ));
        }
    }
    wrong
}

/// What is logged comes in the order in which it was said.
fn order(heard: &Heard, events: &[Value]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let marks = events.iter().filter_map(|event| {
        let id = || word(event, "id").to_owned();
        match word(event, "type") {
            "text_delta" | "thinking_delta" => {
                Some(Mark::Message(word(event, "message_id").to_owned()))
            }
            "tool_call_start" => Some(Mark::Call(id())),
            "tool_call_result" => {
                Some(Mark::Result(id())).filter(|_| heard.results.contains_key(word(event, "id")))
            }
            "permission_request" | "question" => {
                Some(Mark::Ask(id())).filter(|_| heard.asks.contains_key(word(event, "id")))
            }
            _ => None,
        }
    });
    let marks: Vec<Mark> = marks.filter(|mark| seen.insert(mark.clone())).collect();
    let first = marks
        .iter()
        .zip(&heard.order)
        .find(|(logged, said)| logged != said);
    match first {
        Some((logged, said)) => vec![format!(
            "the log goes on with {logged:?} where {said:?} was said"
        )],
        None => Vec::new(),
    }
}

/// A session at rest says so.
fn rest(record: &Record, events: &[Value]) -> Vec<String> {
    let status = of(events, "status_change")
        .last()
        .map_or("", |event| word(event, "status"));
    match status {
        "idle" => Vec::new(),
        "crashed" | "error" if died(record) => Vec::new(),
        other => vec![format!("at the end the session is {other}")],
    }
}

/// The last process has ended.
fn died(record: &Record) -> bool {
    matches!(
        record.0.last().map(|entry| &entry.what),
        Some(What::Ends(_))
    )
}

fn owner(event: &Value) -> String {
    word(event, "parent_tool_call_id").to_owned()
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(600).collect()
}
