//! The demo agent imitates the recorded program: the same lines in the same order, with the
//! same keys and none of its own.

use serde_json::{Value, json};

use crate::agent::{Agent, of_type};
use crate::shape::{
    assert_nothing_invented, assert_nothing_missing, label, labels, output, recorded,
};

fn assert_like(lines: &[Value], transcript: &str) {
    let real = output(transcript);
    assert_eq!(labels(lines), labels(&real), "{transcript}");
    assert_nothing_invented(lines);
    assert_nothing_missing(lines, &real);
}

/// An agent that has been initialized, and what it said to that.
fn initialized(flags: &[&str], variables: &[(&str, &str)]) -> (Agent, Vec<Value>) {
    let mut agent = Agent::start_with(flags, variables);
    agent.control(&json!({"subtype": "initialize", "hooks": null}));
    let lines = agent.until(|line| line["type"] == "control_response");
    (agent, lines)
}

#[test]
fn a_plain_answer_is_like_the_recorded_one() {
    let (mut agent, mut lines) = initialized(&[], &[]);
    lines.extend(agent.play("/demo say text=\"Hello there.\""));
    assert_like(&lines, "initialize_and_plain");
}

#[test]
fn a_thought_is_like_the_recorded_one() {
    let (mut agent, mut lines) = initialized(&[], &[]);
    lines.extend(agent.play("/demo think"));
    assert_like(&lines, "thinking");
}

/// Plays `permission`, answering as the recorded driver did.
fn permission(transcript: &str) -> (Agent, Vec<Value>) {
    let answer = recorded(transcript)
        .into_iter()
        .find(|line| line.direction == "in" && line.message["type"] == "control_response")
        .unwrap()
        .message;
    let (mut agent, mut lines) = initialized(&[], &[]);
    agent.prompt("/demo permission command=\"touch marker.txt && echo created\"");
    lines.extend(agent.until_question());
    lines.extend(agent.until(|line| line["event"]["type"] == "message_stop"));
    let mut response = answer["response"].clone();
    let question = of_type(&lines, "control_request")[0];
    response["request_id"] = question["request_id"].clone();
    agent.send(&json!({"type": "control_response", "response": response}));
    lines.extend(agent.until_result());
    (agent, lines)
}

/// Recorded key that depends on what the real program found out about a command.
fn without_blocked_path(transcript: &str) -> Vec<Value> {
    let mut real = output(transcript);
    for line in &mut real {
        if let Some(request) = line.get_mut("request").and_then(Value::as_object_mut) {
            request.remove("blocked_path");
        }
    }
    real
}

#[test]
fn a_permission_is_like_the_recorded_one_however_it_is_answered() {
    let cases = [
        ("permission_allow", true),
        ("permission_allow_no_input", true),
        ("permission_allow_null_input", false),
        ("permission_deny", false),
        ("permission_deny_no_message", false),
        ("permission_error_response", false),
    ];
    for (transcript, runs) in cases {
        let (agent, lines) = permission(transcript);
        let real = without_blocked_path(transcript);
        assert_eq!(labels(&lines), labels(&real), "{transcript}");
        assert_nothing_invented(&lines);
        assert_nothing_missing(&lines, &real);
        assert_eq!(
            agent.directory.path().join("marker.txt").exists(),
            runs,
            "{transcript}"
        );
        let told = |lines: &[Value]| {
            let line = lines
                .iter()
                .find(|line| label(line) == "user tool_result")
                .unwrap()
                .clone();
            line["message"]["content"][0]["content"].clone()
        };
        assert_eq!(told(&lines), told(&real), "{transcript}");
    }
}

#[test]
fn a_rule_that_the_user_keeps_spares_the_next_question() {
    let (mut agent, _) = initialized(&[], &[]);
    agent.prompt("/demo permission command=\"touch kept.txt\"");
    let asked = agent.until_question();
    let question = asked.last().unwrap();
    let rule = &question["request"]["permission_suggestions"][0];
    agent.answer(
        question,
        &json!({"behavior": "allow", "updatedPermissions": [rule]}),
    );
    agent.until_result();
    let lines = agent.play("/demo permission command=\"touch kept.txt\"");
    assert!(of_type(&lines, "control_request").is_empty());
    let result = lines
        .iter()
        .find(|line| label(line) == "user tool_result")
        .unwrap();
    let decision = &result["tool_result_meta"][0]["permission_decision"];
    assert_eq!(
        *decision,
        json!({"decision": "accept", "source": "user_permanent", "reason_type": "rule"})
    );
    assert_nothing_invented(&lines);
}

#[test]
fn an_updated_input_is_what_really_runs() {
    let mut agent = Agent::start();
    agent.prompt("/demo permission command=\"touch old\"");
    let asked = agent.until_question();
    let input = json!({"command": "touch new"});
    agent.answer(
        asked.last().unwrap(),
        &json!({"behavior": "allow", "updatedInput": input}),
    );
    agent.until_result();
    let made = |name: &str| agent.directory.path().join(name).exists();
    assert_eq!((made("old"), made("new")), (false, true));
}

#[test]
fn questions_are_like_the_recorded_ones_and_the_answers_are_quoted() {
    let (mut agent, mut lines) = initialized(&[], &[]);
    agent.prompt("/demo ask");
    lines.extend(agent.until_question());
    let question = lines.last().unwrap().clone();
    assert_eq!(
        question["request"]["input"]["questions"][1]["multiSelect"],
        true
    );
    let mut input = question["request"]["input"].clone();
    input["answers"] = json!({
        "Which colour should the button be?": "Mauve",
        "Which platforms?": "Linux, macOS",
    });
    agent.answer(
        &question,
        &json!({"behavior": "allow", "updatedInput": input}),
    );
    lines.extend(agent.until_result());
    assert_like(&lines, "ask_user_question");
    let said = lines.last().unwrap()["result"].as_str().unwrap();
    assert!(
        said.contains("Mauve") && said.contains("Linux, macOS"),
        "{said}"
    );
}

#[test]
fn a_todo_list_is_like_the_recorded_one() {
    let rounds = |lines: &[Value]| {
        let labels = labels(lines);
        let mut rounds: Vec<Vec<String>> = vec![Vec::new()];
        for label in labels {
            if label == "system status \"requesting\"" {
                rounds.push(Vec::new());
            }
            rounds.last_mut().unwrap().push(label);
        }
        rounds.dedup();
        rounds
    };
    let (mut agent, mut lines) = initialized(&[], &[]);
    lines.extend(agent.play("/demo todo"));
    let real = output("todo_list");
    assert_eq!(rounds(&lines), rounds(&real));
    assert_nothing_invented(&lines);
    assert_nothing_missing(&lines, &real);
}

#[test]
fn a_subagent_is_like_the_recorded_foreground_one() {
    let (mut agent, mut lines) = initialized(&[], &[]);
    lines.extend(agent.play("/demo subagent"));
    assert_eq!(labels(&lines), labels(&output("subagent_no_background")));
    assert_nothing_invented(&lines);
}

#[test]
fn an_edit_reports_what_the_recorded_one_did() {
    let (mut agent, _) = initialized(&[], &[]);
    let file = agent.directory.path().join("README.md");
    std::fs::write(&file, "# Demo\nhello world\nthird line\n").unwrap();
    let lines = agent.play("/demo edit file=README.md old=hello text=goodbye");
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "# Demo\ngoodbye world\nthird line\n"
    );
    assert_nothing_invented(&lines);
    let detail = |lines: &[Value]| {
        let mut results = lines
            .iter()
            .filter(|line| label(line) == "user tool_result");
        let mut detail = results.next_back().unwrap()["tool_use_result"].clone();
        detail["filePath"] = Value::Null;
        detail
    };
    assert_eq!(detail(&lines), detail(&output("edit_with_diff")));
}

#[test]
fn an_interrupted_text_ends_like_the_recorded_one() {
    let (mut agent, mut lines) = initialized(&[], &[]);
    agent.prompt("/demo stall secs=1000");
    lines.extend(agent.until_text());
    agent.control(&json!({"subtype": "interrupt"}));
    lines.extend(agent.until_result());
    lines.extend(agent.play("/demo say text=\"Hello.\""));
    let real = output("interrupt_streaming");
    assert_like_but_words(&lines, &real);
}

/// Like [`assert_like`] for a stall, whose text may be cut after fewer deltas.
fn assert_like_but_words(lines: &[Value], real: &[Value]) {
    assert_eq!(labels(lines), labels(real));
    assert_nothing_invented(lines);
    assert_nothing_missing(lines, real);
}

#[test]
fn an_interrupted_question_is_withdrawn_like_the_recorded_one() {
    let (mut agent, mut lines) = initialized(&[], &[]);
    agent.prompt("/demo permission");
    lines.extend(agent.until_question());
    lines.extend(agent.until(|line| line["event"]["type"] == "message_stop"));
    agent.control(&json!({"subtype": "interrupt"}));
    lines.extend(agent.until_result());
    let real = without_blocked_path("interrupt_during_permission");
    assert_like_but_words(&lines, &real);
    assert_eq!(agent.finish().1, Some(1), "the last turn failed");
}

#[test]
fn errors_of_the_api_are_like_the_recorded_ones() {
    let (mut agent, mut lines) = initialized(&[], &[]);
    lines.extend(agent.play("/demo ratelimit retry=180"));
    assert_like(&lines, "rate_limited_forever");
    let retry = lines
        .iter()
        .find(|line| line["subtype"] == "api_retry")
        .unwrap();
    assert_eq!(retry["retry_delay_ms"], 180_000);
    assert_eq!(agent.finish().1, Some(1));

    let (mut agent, mut lines) = initialized(&[], &[]);
    lines.extend(agent.play("/demo error code=529"));
    let mut real = labels(&output("overloaded_forever"));
    real.retain(|label| label != "system api_retry");
    assert_eq!(labels(&lines), real);
    assert_nothing_missing(&lines, &output("overloaded_forever"));
}

#[test]
fn states_are_told_like_the_recorded_ones() {
    let (mut agent, mut lines) =
        initialized(&[], &[("CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS", "1")]);
    agent.prompt("/demo permission");
    lines.extend(agent.until_question());
    let question = lines.last().unwrap().clone();
    lines.extend(agent.until(|line| line["event"]["type"] == "message_stop"));
    agent.answer(&question, &json!({"behavior": "allow"}));
    lines.extend(agent.until(|line| line["state"] == "idle"));
    let real = without_blocked_path("session_state_events");
    assert_like_but_words(&lines, &real);
}

#[test]
fn prompts_that_wait_are_merged_into_one_turn_like_the_recorded_ones() {
    let (mut agent, mut lines) = initialized(&["--replay-user-messages"], &[]);
    let prompt = |text: &str, uuid: &str| json!({"type": "user", "message": {"role": "user", "content": text}, "uuid": uuid});
    agent.send(&prompt("/demo permission", "u1"));
    let asked = agent.until_question();
    agent.send(&prompt("/demo say text=one", "u2"));
    agent.send(&prompt("/demo say text=two", "u3"));
    let queued = agent.until(|line| line["command_uuid"] == "u3");
    agent.answer(asked.last().unwrap(), &json!({"behavior": "allow"}));
    lines.extend(asked);
    lines.extend(queued);
    lines.extend(agent.until_result());
    let second = agent.until_result();
    let both = json!(["u2", "u3"]);
    let result = second.last().unwrap();
    assert_eq!(
        (&result["user_message_uuids"], &result["result"]),
        (&both, &json!("two"))
    );
    lines.extend(second);
    lines.extend(agent.until(|line| line["command_uuid"] == "u3" && line["state"] == "completed"));

    let real = output("queued_messages");
    assert_nothing_invented(&lines);
    // From the end of the first turn to the first words of the second, nothing differs.
    let between = |lines: &[Value]| {
        let start = lines
            .iter()
            .position(|line| line["type"] == "result")
            .unwrap();
        let rest = lines[start..].iter().map(label);
        rest.take_while(|label| !label.starts_with("stream_event content_block_start"))
            .collect::<Vec<_>>()
    };
    assert_eq!(between(&lines), between(&real));
    let (rest, code, _) = agent.finish();
    assert_eq!(
        (rest, code),
        (Vec::new(), Some(0)),
        "there is no third turn"
    );
}

#[test]
fn commands_of_the_program_itself_are_obeyed_like_the_recorded_ones() {
    let real = output("slash_commands");
    let inits: Vec<_> = (0..real.len())
        .filter(|at| label(&real[*at]) == "system init")
        .collect();
    // Which of the recorded results is that of the command, and the lines that lead to it.
    let recorded = |command: &str| {
        let end = real
            .iter()
            .position(|line| line["local_command"] == command)
            .unwrap();
        let start = real[..end]
            .iter()
            .rposition(|line| line["type"] == "result")
            .unwrap();
        real[start + 1..=end].to_vec()
    };
    assert!(inits.len() > 5);
    let (mut agent, _) = initialized(&[], &[]);
    agent.play("/demo flood n=1000");
    for command in ["compact", "clear"] {
        let real = recorded(command);
        let lines = agent.play(&format!("/{command}"));
        assert_eq!(labels(&lines), labels(&real), "{command}");
        assert_nothing_invented(&lines);
        let result = lines.last().unwrap();
        assert_eq!(
            (&result["result"], &result["num_turns"], &result["is_error"]),
            (&json!(""), &json!(0), &json!(false))
        );
    }
}

#[test]
fn a_compaction_shrinks_the_context_and_a_clear_changes_the_session() {
    let (mut agent, _) = initialized(&[], &[]);
    agent.play("/demo flood n=1000");
    let used = |agent: &mut Agent| {
        agent.control(&json!({"subtype": "get_context_usage"}));
        let said = agent.until(|line| line["type"] == "control_response");
        said.last().unwrap()["response"]["response"]["totalTokens"]
            .as_u64()
            .unwrap()
    };
    let before = used(&mut agent);
    let lines = agent.play("/compact keep the numbers");
    let boundary = lines
        .iter()
        .find(|line| line["subtype"] == "compact_boundary")
        .unwrap();
    assert_eq!(boundary["compact_metadata"]["pre_tokens"], before);
    let after = used(&mut agent);
    assert!(after < before, "{after} {before}");
    assert_eq!(boundary["compact_metadata"]["post_tokens"], after);

    let old = boundary["session_id"].clone();
    agent.send(
        &json!({"type": "user", "uuid": "u1", "message": {"role": "user", "content": "/clear"}}),
    );
    agent.prompt("/demo say");
    let cleared = agent.until_result();
    let fates: Vec<_> = of_type(&cleared, "command_lifecycle")
        .into_iter()
        .map(|line| line["state"].as_str().unwrap())
        .collect();
    assert_eq!(fates, ["queued", "started"]);
    let new = cleared.last().unwrap()["session_id"].clone();
    assert_ne!(new, old);
    assert_eq!(
        of_type(&cleared, "conversation_reset")[0]["session_id"],
        old
    );
    let next = agent.until_result();
    assert_eq!(of_type(&next, "system")[0]["session_id"], new);
    assert_eq!(next.last().unwrap()["result"], "Hello from the demo agent.");
}

#[test]
fn control_requests_are_answered_like_the_recorded_ones() {
    let lines = recorded("control_requests");
    let answered = |id: &Value| {
        let mut answers = lines.iter().map(|line| &line.message["response"]);
        answers
            .find(|answer| !id.is_null() && answer["request_id"] == *id)
            .unwrap()
            .clone()
    };
    let unsupported = [
        "get_settings",
        "get_hooks_listing",
        "file_suggestions",
        "read_file",
        "rewind_files",
        "reload_skills",
    ];
    let mut agent = Agent::start();
    let mut checked = 0;
    for line in lines.iter().filter(|line| line.direction == "in") {
        let request = &line.message["request"];
        let Some(subtype) = request["subtype"].as_str() else {
            continue;
        };
        let mut request = request.clone();
        if request["model"] == "claude-sonnet-4-5" {
            request["model"] = json!("demo-mini");
        }
        agent.control(&request);
        let said = agent.until(|line| line["type"] == "control_response");
        let response = &said.last().unwrap()["response"];
        if unsupported.contains(&subtype) {
            assert_eq!(response["error_code"], "unsupported_request", "{subtype}");
            continue;
        }
        let real = answered(&line.message["request_id"]);
        assert_eq!(response["subtype"], real["subtype"], "{subtype}");
        assert_eq!(
            response.get("error_code"),
            real.get("error_code"),
            "{subtype}"
        );
        assert_eq!(
            response.get("response").is_some(),
            real.get("response").is_some(),
            "{subtype}"
        );
        assert_nothing_invented(&said);
        checked += 1;
    }
    assert!(checked > 15, "{checked}");
    let lines = agent.play("/demo say");
    assert_eq!(
        lines.last().unwrap()["result"],
        "Hello from the demo agent."
    );
}
