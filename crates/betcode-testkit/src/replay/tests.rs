//! Recordings that are played by hand.

use std::path::Path;

use serde_json::{Value, json};

use super::judge::judge;
use super::made::PLAYED;
use super::plan::{Deed, Plan, Step};
use super::player::{Do, Manner, Player};
use super::record::{Entry, Record, What};
use super::transcript::{Row, Transcript, find};

const SESSION: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const MESSAGE: &str = "bbbbbbbb-0000-4000-8000-000000000002";

/// A recording: `in` and `out` lines, and others, by their directions.
fn recording(rows: &[(&str, Value)]) -> Transcript {
    let line = |(dir, msg): &(&str, Value)| json!({"t": 1, "dir": dir, "msg": msg}).to_string();
    let lines: Vec<_> = rows.iter().map(line).collect();
    Transcript::parse("made", &lines.join("\n")).unwrap()
}

fn player(rows: &[(&str, Value)]) -> Player {
    Player::new(Plan::of(&recording(rows)), 0, SESSION, Manner::default())
}

/// What is said until the player waits or ends.
fn said(player: &mut Player) -> (Vec<Value>, Do) {
    let mut lines = Vec::new();
    loop {
        match player.go_on() {
            Do::Say(line) => lines.push(serde_json::from_str(&line).unwrap()),
            Do::Err(_) => {}
            stop => return (lines, stop),
        }
    }
}

fn waits(what: &'static str) -> Do {
    Do::Wait { what }
}

fn user(text: &str) -> Value {
    json!({"type": "user", "message": {"role": "user", "content": text}, "uuid": MESSAGE})
}

fn control(id: &str, subtype: &str) -> Value {
    json!({"type": "control_request", "request_id": id, "request": {"subtype": subtype}})
}

fn answered(id: &str, answer: &Value) -> Value {
    json!({"type": "control_response", "response": {"subtype": "success", "request_id": id, "response": answer}})
}

fn asks(id: &str, tool: &str, input: &Value) -> Value {
    let request = json!({"subtype": "can_use_tool", "tool_name": tool, "input": input});
    json!({"type": "control_request", "request_id": id, "request": request})
}

fn text(message: &str, text: &str) -> Value {
    let content = json!([{"type": "text", "text": text}]);
    json!({"type": "assistant", "message": {"id": message, "content": content}, "session_id": "theirs"})
}

fn result() -> Value {
    json!({"type": "result", "subtype": "success", "is_error": false, "session_id": "theirs"})
}

fn write(player: &mut Player, line: &Value) -> Vec<String> {
    player.written(&line.to_string());
    player.problems()
}

#[test]
fn a_recording_is_played_with_the_ids_that_are_used_here() {
    let mut player = player(&[
        ("spawn", json!({"argv": ["claude"]})),
        ("in", control("r1", "initialize")),
        ("out", answered("r1", &json!({}))),
        ("in", user("hello")),
        (
            "out",
            json!({"type": "command_lifecycle", "command_uuid": MESSAGE, "state": "started"}),
        ),
        ("out", text("m", "hi")),
        ("out", result()),
        ("meta", json!("stdin closed")),
        ("exit", json!({"code": 0})),
    ]);
    assert_eq!(said(&mut player), (vec![], waits("initialize")));
    assert!(write(&mut player, &control("bc-1", "initialize")).is_empty());
    assert_eq!(
        said(&mut player),
        (vec![answered("bc-1", &json!({}))], waits("a message"))
    );
    let mut message = user("hello");
    message["uuid"] = "cccccccc-0000-4000-8000-000000000003".into();
    write(&mut player, &message);
    let (lines, stop) = said(&mut player);
    assert_eq!(stop, waits("the end of stdin"));
    assert_eq!(lines[0]["command_uuid"], message["uuid"]);
    assert_eq!(
        (&lines[1]["session_id"], &lines[2]["type"]),
        (&SESSION.into(), &"result".into())
    );
    player.ended();
    assert_eq!(player.go_on(), Do::End(0));
}

#[test]
fn what_claude_code_could_not_take_is_a_problem() {
    let questions = json!([{"question": "Which?"}]);
    let hook = json!({"subtype": "hook_callback", "callback_id": "x", "input": {"hook_event_name": "PreToolUse"}});
    let rows = [
        ("in", control("r1", "initialize")),
        ("in", user("go")),
        ("out", asks("tool", "Bash", &json!({"command": "ls"}))),
        (
            "out",
            asks(
                "question",
                "AskUserQuestion",
                &json!({"questions": questions}),
            ),
        ),
        (
            "out",
            json!({"type": "control_request", "request_id": "hook", "request": hook}),
        ),
        ("out", result()),
    ];
    let denies = json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny"}});
    let other = json!({"behavior": "allow", "updatedInput": {"questions": [], "answers": {}}});
    let error = json!({"type": "control_response", "response": {"subtype": "error", "request_id": "hook", "error": "no"}});
    let mut alien = user("go");
    alien["message"]["role"] = "assistant".into();
    let mut nameless = user("go");
    nameless["uuid"] = Value::Null;
    let wrong = [
        (
            answered("tool", &json!({"behavior": "allow", "updatedInput": null})),
            "must be an object",
        ),
        (
            answered("tool", &json!({"behavior": "deny"})),
            "needs a message",
        ),
        (
            answered("tool", &json!({"behaviour": "yes"})),
            "must be allow or deny",
        ),
        (
            answered("tool", &json!({"behavior": "allow", "message": "x"})),
            "means nothing",
        ),
        (
            answered("question", &json!({"behavior": "allow"})),
            "is answered in",
        ),
        (answered("question", &other), "those that were asked"),
        (answered("hook", &denies), "permissionDecisionReason"),
        (
            answered("hook", &json!({"behavior": "deny", "message": "no"})),
            "means nothing",
        ),
        (error, "counts as"),
        (answered("nobody", &json!({})), "nothing with this id"),
        (alien, "role"),
        (nameless, "uuid"),
        (json!({"type": "weird"}), "means nothing"),
        (
            json!({"type": "control_request", "request": {"subtype": "interrupt"}}),
            "request_id",
        ),
    ];
    let begun = || {
        let mut player = player(&rows);
        let mut initialize = control("bc-1", "initialize");
        initialize["request"]["hooks"] = json!({"PreToolUse": [{"hookCallbackIds": ["rules"]}]});
        write(&mut player, &initialize);
        write(&mut player, &user("go"));
        said(&mut player);
        player
    };
    for (line, why) in wrong {
        let problems = write(&mut begun(), &line);
        assert!(
            matches!(&*problems, [problem] if problem.contains(why)),
            "{line}: {problems:?}"
        );
    }
    let mut player = begun();
    player.written("not JSON");
    assert_eq!(player.problems().len(), 1);
    let allow = answered("tool", &json!({"behavior": "allow"}));
    assert!(write(&mut player, &allow).is_empty());
    assert_eq!(write(&mut player, &allow).len(), 1, "answered twice");
    assert!(write(&mut player, &answered("hook", &json!({}))).is_empty());
}

#[test]
fn a_hook_has_the_name_that_was_registered_and_others_are_left_out() {
    let hook = |id: &str, event: &str| {
        let input = json!({"hook_event_name": event});
        let request = json!({"subtype": "hook_callback", "callback_id": "theirs", "input": input});
        json!({"type": "control_request", "request_id": id, "request": request})
    };
    let mut player = player(&[
        ("in", control("r1", "initialize")),
        ("in", user("go")),
        ("out", hook("a", "Stop")),
        ("in", answered("a", &json!({}))),
        ("out", hook("b", "PreToolUse")),
        ("in", answered("b", &json!({}))),
        ("out", result()),
    ]);
    let mut initialize = control("bc-1", "initialize");
    initialize["request"]["hooks"] = json!({"PreToolUse": [{"hookCallbackIds": ["rules"]}]});
    write(&mut player, &initialize);
    write(&mut player, &user("go"));
    let (lines, stop) = said(&mut player);
    assert_eq!((lines.len(), stop), (1, waits("an answer")));
    assert_eq!(lines[0]["request"]["callback_id"], "rules");
}

#[test]
fn a_message_in_a_turn_is_not_waited_for_and_begins_the_turn_that_follows_if_one_does() {
    for follows in [true, false] {
        let mut rows = vec![
            ("in", user("one")),
            ("out", text("m", "first")),
            (
                "in",
                json!({"type": "user", "message": {"role": "user", "content": "two"}, "uuid": "theirs-2"}),
            ),
            (
                "out",
                json!({"type": "command_lifecycle", "command_uuid": "theirs-2", "state": "queued"}),
            ),
            ("out", result()),
        ];
        if follows {
            rows.extend([("out", text("n", "second")), ("out", result())]);
        }
        let mut player = player(&rows);
        write(&mut player, &user("one"));
        let (lines, stop) = said(&mut player);
        assert_eq!(
            lines.len(),
            2,
            "nothing is said of a message that was not written"
        );
        assert_eq!(
            stop,
            waits(if follows {
                "a message"
            } else {
                "the end of stdin"
            })
        );
        write(&mut player, &user("two"));
        let (lines, stop) = said(&mut player);
        let types: Vec<_> = lines
            .iter()
            .map(|line| line["type"].as_str().unwrap())
            .collect();
        assert_eq!(
            types,
            [if follows { "assistant" } else { "system" }, "result"]
        );
        assert_eq!(stop, waits("the end of stdin"));
    }
}

#[test]
fn an_interrupt_that_was_not_recorded_takes_requests_back_and_ends_the_turn() {
    let mut player = player(&[
        ("in", user("go")),
        (
            "out",
            json!({"type": "command_lifecycle", "command_uuid": MESSAGE, "state": "queued"}),
        ),
        ("out", asks("tool", "Bash", &json!({}))),
        ("in", answered("tool", &json!({"behavior": "allow"}))),
        ("out", text("m", "never said")),
        ("out", result()),
        ("in", user("again")),
        ("out", result()),
    ]);
    write(&mut player, &user("go"));
    assert_eq!(said(&mut player).1, waits("an answer"));
    write(&mut player, &control("bc-1", "interrupt"));
    let (lines, stop) = said(&mut player);
    let types: Vec<_> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "control_response",
            "control_cancel_request",
            "result",
            "command_lifecycle"
        ]
    );
    assert_eq!(lines[3]["state"], "cancelled");
    assert_eq!(
        (lines[2]["terminal_reason"].as_str(), stop),
        (Some("aborted_streaming"), waits("a message"))
    );
    let late = answered("tool", &json!({"behavior": "allow"}));
    assert!(write(&mut player, &late).is_empty(), "it was on its way");
    write(&mut player, &control("bc-2", "interrupt"));
    assert_eq!(
        said(&mut player).0.len(),
        1,
        "at rest it only gets its answer"
    );
    write(&mut player, &control("bc-3", "get_settings"));
    assert_eq!(
        said(&mut player).0[0]["response"]["error_code"],
        "unsupported_request"
    );
}

#[test]
fn a_process_that_is_started_again_goes_on_where_the_one_before_it_stopped() {
    let rows = [
        ("in", control("r1", "initialize")),
        ("out", answered("r1", &json!({}))),
        ("in", user("go")),
        (
            "out",
            json!({"type": "system", "subtype": "init", "session_id": "theirs"}),
        ),
        ("signal", json!("SIGKILL")),
        ("exit", json!({"code": -9})),
    ];
    let plan = Plan::of(&recording(&rows));
    let mut player = Player::new(
        plan.clone(),
        0,
        SESSION,
        Manner {
            mark: true,
            take_up: false,
        },
    );
    write(&mut player, &control("bc-1", "initialize"));
    write(&mut player, &user("go"));
    let (lines, stop) = said(&mut player);
    assert_eq!((lines.len(), stop), (2, Do::End(-9)));
    let mut player = Player::new(
        plan,
        player.at(),
        SESSION,
        Manner {
            mark: false,
            take_up: true,
        },
    );
    assert_eq!(said(&mut player), (vec![], waits("the end of stdin")));
    write(&mut player, &control("bc-1", "initialize"));
    let (lines, _) = said(&mut player);
    let types: Vec<_> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["control_response", "system", "result"]);
}

#[test]
fn an_agent_that_ended_before_it_read_everything_does_so_again() {
    let rows = [
        ("in", control("r1", "initialize")),
        ("err", json!("error: unknown option")),
        ("in", user("go")),
        ("exit", json!({"code": 1})),
    ];
    let plan = Plan::of(&recording(&rows));
    assert_eq!(plan.first_message(), Some("go"));
    let mut player = Player::new(plan, 0, SESSION, Manner::default());
    assert_eq!(player.go_on(), Do::Err("error: unknown option".to_owned()));
    assert_eq!(player.go_on(), Do::End(1));
}

/// Does whatever a player waits for. Gives what was said.
fn perfect_host(player: &mut Player, plan: &Plan) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    let mut messages = plan.cues.iter().filter_map(|cue| match &cue.deed {
        Deed::Say(text) => Some(text.clone()),
        _ => None,
    });
    let mut answers = 0;
    for number in 0..1000 {
        let (new, stop) = said_anything(player);
        lines.extend(new);
        let id = format!("bc-{number}");
        match stop {
            Do::Wait { what: "initialize" } => {
                player.written(&control(&id, "initialize").to_string());
            }
            Do::Wait { what: "interrupt" } => {
                player.written(&control(&id, "interrupt").to_string());
            }
            Do::Wait { what: "a message" } => {
                let mut message = user(&messages.next().unwrap());
                message["uuid"] = format!("cccccccc-0000-4000-8000-{number:012}").into();
                player.written(&message.to_string());
            }
            Do::Wait { what: "an answer" } => {
                let asked: Vec<_> = lines
                    .iter()
                    .filter(|line| line["type"] == "control_request")
                    .collect();
                let id = asked[answers]["request_id"].as_str().unwrap();
                let error = json!({"type": "control_response", "response": {"subtype": "error", "request_id": id, "error": "no"}});
                answers += 1;
                player.written(&error.to_string());
            }
            Do::End(_) => return lines,
            _ => player.ended(),
        }
        assert_eq!(player.problems(), Vec::<String>::new());
    }
    panic!("it never ends");
}

fn said_anything(player: &mut Player) -> (Vec<Value>, Do) {
    let mut lines = Vec::new();
    loop {
        match player.go_on() {
            Do::Say(line) => lines.push(serde_json::from_str(&line).unwrap_or(Value::String(line))),
            Do::Err(_) => {}
            stop => return (lines, stop),
        }
    }
}

#[test]
fn every_recorded_session_can_be_played_to_its_end_and_hardly_anything_is_left_out() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/agents/claude-code-2.1.330");
    let paths = find(&[folder]).unwrap();
    assert!(paths.len() > 80);
    for path in paths {
        let transcript = Transcript::read(&path).unwrap();
        let plan = Plan::of(&transcript);
        let mut player = Player::new(plan.clone(), 0, SESSION, Manner::default());
        let lines = perfect_host(&mut player, &plan);
        let left_out = |row: &&Row| match row {
            // Answers to what this host does not ask, hooks, and what became of messages in a turn.
            Row::Out(line) => {
                line["type"] == "control_response"
                    || line["request"]["subtype"] == "hook_callback"
                    || line["type"] == "command_lifecycle"
            }
            _ => false,
        };
        let recorded = transcript
            .rows
            .iter()
            .filter(|row| matches!(row, Row::Out(_)));
        let may_miss = transcript.rows.iter().filter(left_out).count();
        let replays = |line: &Value| line["isReplay"] == true;
        let may_miss = may_miss
            + plan
                .steps
                .iter()
                .filter(|step| matches!(step, Step::Say { line, .. } if replays(line)))
                .count();
        let recorded = recorded.count();
        assert!(
            lines.len() + may_miss >= recorded,
            "{}: {} of {recorded}",
            transcript.name,
            lines.len()
        );
        assert_eq!(player.at(), plan.steps.len(), "{}", transcript.name);
    }
}

/// The record and the log of one turn with a call that was allowed.
fn turn() -> (Record, Vec<Value>) {
    let call = json!({"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}});
    let done =
        json!({"type": "tool_result", "tool_use_id": "t", "content": "ok", "is_error": false});
    let what = [
        What::Got(user("go")),
        What::Said(text("m", "hello")),
        What::Said(json!({"type": "assistant", "message": {"id": "m", "content": [call]}})),
        What::Said(asks("r", "Bash", &json!({"command": "ls"}))),
        What::Got(answered("r", &json!({"behavior": "allow"}))),
        What::Said(json!({"type": "user", "message": {"content": [done]}})),
        What::Said(result()),
        What::Said(json!({"type": "system", "subtype": "informational", "content": PLAYED})),
    ];
    let record = Record(
        what.into_iter()
            .map(|what| Entry { next: 0, what })
            .collect(),
    );
    let mut events = vec![
        json!({"type": "user_input", "message_id": MESSAGE}),
        json!({"type": "text_delta", "message_id": "m", "text": "hello"}),
        json!({"type": "tool_call_start", "id": "t", "tool": "Bash", "input": {"command": "ls"}}),
        json!({"type": "permission_request", "id": "r"}),
        json!({"type": "permission_resolved", "id": "r", "outcome": "allowed"}),
        json!({"type": "tool_call_result", "id": "t", "is_error": false}),
        json!({"type": "status_change", "status": "idle"}),
        json!({"type": "turn_complete", "stop_reason": "end_turn"}),
    ];
    number(&mut events);
    (record, events)
}

fn number(events: &mut [Value]) {
    for (event, number) in events.iter_mut().zip(1..) {
        event["sequence"] = json!(number);
    }
}

#[test]
fn a_log_with_everything_in_it_is_right_and_one_that_lacks_or_doubles_anything_is_not() {
    let (record, events) = turn();
    assert_eq!(judge(&record, &events), Vec::<String>::new());
    for at in 0..events.len() {
        let mut without = events.clone();
        without.remove(at);
        number(&mut without);
        assert_ne!(
            judge(&record, &without),
            Vec::<String>::new(),
            "without {}",
            events[at]
        );
        let mut twice = events.clone();
        twice.insert(at, events[at].clone());
        number(&mut twice);
        // To be idle twice is odd, and nothing that was said contradicts it.
        let idle = events[at]["type"] == "status_change";
        assert_eq!(
            judge(&record, &twice).is_empty(),
            idle,
            "twice {}",
            events[at]
        );
    }
}

#[test]
fn a_log_that_says_anything_else_than_what_happened_is_wrong() {
    let (record, events) = turn();
    let lies = [
        (1, "text", json!("hallo")),
        (2, "input", json!({})),
        (2, "parent_tool_call_id", json!("other")),
        (4, "outcome", json!("denied")),
        (5, "is_error", json!(true)),
        (6, "status", json!("thinking")),
        (6, "status", json!("crashed")),
        (7, "stop_reason", json!("cancelled")),
        (3, "sequence", json!(9)),
    ];
    for (at, field, lie) in lies {
        let mut lying = events.clone();
        lying[at][field] = lie.clone();
        assert_ne!(
            judge(&record, &lying),
            Vec::<String>::new(),
            "{field}: {lie}"
        );
    }
    let mut late = events.clone();
    late.swap(1, 2);
    number(&mut late);
    assert_ne!(
        judge(&record, &late),
        Vec::<String>::new(),
        "in another order"
    );
}
