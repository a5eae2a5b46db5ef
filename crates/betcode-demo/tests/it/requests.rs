//! What the agent asks, and what it makes of the answers.

use serde_json::{Value, json};

use crate::agent::{Agent, of_type};
use crate::shape::{assert_nothing_invented, label};

/// The questions among these lines.
fn questions(lines: &[Value]) -> Vec<Value> {
    of_type(lines, "control_request")
        .into_iter()
        .cloned()
        .collect()
}

fn said(lines: &[Value]) -> &str {
    lines.last().unwrap()["result"].as_str().unwrap()
}

fn made(agent: &Agent, name: &str) -> bool {
    agent.directory.path().join(name).exists()
}

#[test]
fn the_answer_tells_what_really_ran_and_what_it_said() {
    let mut agent = Agent::start();
    agent.prompt("/demo permission command=\"echo mine\"");
    let question = agent.until_question().pop().unwrap();
    let suggestions = &question["request"]["permission_suggestions"];
    assert_eq!(
        suggestions[0]["rules"],
        json!([{"toolName": "Bash", "ruleContent": "echo mine"}])
    );
    assert_eq!(suggestions[2]["type"], "setMode");
    assert_eq!(question["request"]["description"], "Run echo");
    let edited = json!({"command": "echo yours"});
    agent.answer(
        &question,
        &json!({"behavior": "allow", "updatedInput": edited}),
    );
    let lines = agent.until_result();
    assert_eq!(
        said(&lines),
        "Done, with your permission. I ran `echo yours`. It said:\nyours"
    );
    assert_eq!(lines.last().unwrap()["permission_denials"], json!([]));
    assert_nothing_invented(&lines);
}

#[test]
fn a_denial_reaches_the_agent_in_the_words_of_the_user() {
    let mut agent = Agent::start();
    agent.prompt("/demo permission command=\"touch x\"");
    let question = agent.until_question().pop().unwrap();
    agent.answer(
        &question,
        &json!({"behavior": "deny", "message": "Not on a Sunday."}),
    );
    let lines = agent.until_result();
    assert_eq!(said(&lines), "You said: Not on a Sunday.");
    assert!(!made(&agent, "x"));
    let denials = &lines.last().unwrap()["permission_denials"];
    assert_eq!(denials[0]["tool_input"]["command"], "touch x");
}

#[test]
fn questions_come_one_after_the_other() {
    let mut agent = Agent::start();
    agent.prompt("/demo permission count=3 command=\"echo {n} >> log\"");
    for number in 1..=3 {
        let question = agent.until_question().pop().unwrap();
        assert_eq!(
            question["request"]["input"]["command"],
            format!("echo {number} >> log")
        );
        agent.answer(&question, &json!({"behavior": "allow"}));
    }
    assert_eq!(said(&agent.until_result()).lines().count(), 3);
    let log = std::fs::read_to_string(agent.directory.path().join("log")).unwrap();
    assert_eq!(log, "1\n2\n3\n");
}

#[test]
fn questions_that_are_open_at_once_are_answered_in_any_order() {
    let mut agent = Agent::start_with(&[], &[("CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS", "1")]);
    agent.prompt("/demo permission parallel=3 command=\"echo {n} >> log\"");
    let mut lines = agent.until(|line| line["event"]["type"] == "message_stop");
    let asked = questions(&lines);
    assert_eq!(asked.len(), 3);
    let finished = |line: &Value| label(line) == "user tool_result";
    let deny = json!({"behavior": "deny", "message": "not two"});
    agent.answer(&asked[2], &json!({"behavior": "allow"}));
    lines.extend(agent.until(finished));
    agent.answer(&asked[1], &deny);
    lines.extend(agent.until(finished));
    let mut waiting = lines.iter().filter_map(|line| line["state"].as_str());
    assert_eq!(
        waiting.next_back(),
        Some("requires_action"),
        "one is still open"
    );
    // A second answer to the same question is one too many.
    agent.answer(&asked[2], &deny);
    agent.answer(&asked[0], &json!({"behavior": "allow"}));
    lines.extend(agent.until_result());
    let log = std::fs::read_to_string(agent.directory.path().join("log")).unwrap();
    assert_eq!(log, "3\n1\n");
    let said: Vec<_> = said(&lines).lines().collect();
    assert_eq!(
        said,
        [
            "Done, with your permission. I ran `echo 1 >> log`.",
            "You said: not two",
            "Done, with your permission. I ran `echo 3 >> log`.",
        ]
    );
    let denials = &lines.last().unwrap()["permission_denials"];
    assert_eq!(denials.as_array().unwrap().len(), 1);
    assert_nothing_invented(&lines);
}

#[test]
fn an_end_of_the_turn_takes_all_open_questions_back() {
    let deny = json!({"behavior": "deny", "message": "no", "interrupt": true});
    for interrupted in [false, true] {
        let mut agent = Agent::start();
        agent.prompt("/demo permission parallel=3 command=\"touch x{n}\"");
        let asked = questions(&agent.until(|line| line["event"]["type"] == "message_stop"));
        if interrupted {
            agent.control(&json!({"subtype": "interrupt"}));
        } else {
            agent.answer(&asked[1], &deny);
        }
        let lines = agent.until_result();
        let withdrawn: Vec<_> = of_type(&lines, "control_cancel_request")
            .into_iter()
            .map(|line| line["request_id"].clone())
            .collect();
        let open: Vec<_> = asked
            .iter()
            .enumerate()
            .filter(|(at, _)| interrupted || *at != 1)
            .map(|(_, question)| question["request_id"].clone())
            .collect();
        assert_eq!(withdrawn, open);
        let results = lines
            .iter()
            .filter(|line| label(line) == "user tool_result");
        assert_eq!(results.count(), 3, "every tool has a result");
        let result = lines.last().unwrap();
        assert_eq!(result["terminal_reason"], "aborted_tools");
        assert_eq!(result["permission_denials"].as_array().unwrap().len(), 3);
        assert!(!["x1", "x2", "x3"].iter().any(|name| made(&agent, name)));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_while_one_tool_runs_takes_the_other_questions_back() {
    let mut agent = Agent::start();
    agent.prompt("/demo permission parallel=3 command=\"echo {n} >> log; exec sleep 1000\"");
    let asked = questions(&agent.until(|line| line["event"]["type"] == "message_stop"));
    agent.answer(&asked[1], &json!({"behavior": "allow"}));
    let log = agent.directory.path().join("log");
    crate::scenarios::poll(|| {
        std::fs::read_to_string(&log)
            .ok()
            .filter(|log| log == "2\n")
    });
    agent.control(&json!({"subtype": "interrupt"}));
    let lines = agent.until_result();
    assert_eq!(of_type(&lines, "control_cancel_request").len(), 2);
    let results: Vec<_> = lines
        .iter()
        .filter(|line| label(line) == "user tool_result")
        .map(|line| &line["message"]["content"][0])
        .collect();
    assert_eq!(results.len(), 3, "every tool has a result");
    assert!(results.iter().all(|result| result["is_error"] == true));
    assert_eq!(
        lines.last().unwrap()["permission_denials"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_question_is_taken_back_when_nobody_answers_in_time() {
    let mut agent = Agent::start();
    agent.prompt("/demo withdraw after_ms=10 command=\"touch x\"");
    let mut lines = agent.until(|line| line["type"] == "control_cancel_request");
    let asked = questions(&lines);
    assert_eq!(lines.last().unwrap()["request_id"], asked[0]["request_id"]);
    // Too late: nothing comes of it.
    agent.answer(&asked[0], &json!({"behavior": "allow"}));
    lines.extend(agent.until_result());
    assert!(said(&lines).contains("I took the question back"));
    assert!(!made(&agent, "x"));
    assert_nothing_invented(&lines);

    agent.prompt("/demo withdraw after_ms=1000000 command=\"touch x\"");
    let question = agent.until_question().pop().unwrap();
    agent.answer(&question, &json!({"behavior": "allow"}));
    assert!(of_type(&agent.until_result(), "control_cancel_request").is_empty());
    assert!(made(&agent, "x"));
}

#[test]
fn a_subagent_asks_for_itself() {
    for allowed in [true, false] {
        let mut agent = Agent::start();
        agent.prompt("/demo subagent permission=1 command=\"touch x; echo done\"");
        let question = agent.until_question().pop().unwrap();
        let agent_id = &question["request"]["agent_id"];
        assert!(agent_id.is_string(), "{question}");
        let answer = if allowed {
            json!({"behavior": "allow"})
        } else {
            json!({"behavior": "deny", "message": "not you"})
        };
        agent.answer(&question, &answer);
        let lines = agent.until_result();
        let tool = lines
            .iter()
            .find(|line| label(line) == "user tool_result nested")
            .unwrap();
        assert_eq!(tool["agent_id"], *agent_id);
        assert_eq!(tool["message"]["content"][0]["is_error"], !allowed);
        let words = if allowed {
            "said: done"
        } else {
            "You said: not you"
        };
        assert!(said(&lines).contains(words), "{}", said(&lines));
        assert_eq!(made(&agent, "x"), allowed);
    }
}

#[test]
fn what_was_left_unanswered_is_mentioned() {
    let mut agent = Agent::start();
    agent.prompt("/demo ask n=4");
    let question = agent.until_question().pop().unwrap();
    let mut input = question["request"]["input"].clone();
    let kinds = input["questions"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|it| it["multiSelect"] == true).collect();
    assert_eq!(kinds, [false, true, false, true]);
    input["answers"] = json!({
        "Which platforms?": "Linux, Windows",
        "What should it be called?": "in my own words",
    });
    input["annotations"] = json!({"Who should hear of it?": {"unanswered": "skipped"}});
    agent.answer(
        &question,
        &json!({"behavior": "allow", "updatedInput": input}),
    );
    let lines = agent.until_result();
    assert_eq!(
        said(&lines),
        "Thanks. You answered: \"Which platforms?\"=\"Linux, Windows\", \
         \"What should it be called?\"=\"in my own words\". You did not answer: \
         \"Which colour should the button be?\", \"Who should hear of it?\""
    );
    assert_eq!(
        agent.play("/demo ask n=5").last().unwrap()["is_error"],
        true
    );
}

#[test]
fn a_plan_that_is_not_approved_is_not_carried_out() {
    let mut agent = Agent::start_with(&["--permission-mode", "plan"], &[]);
    agent.prompt("/demo plan");
    let question = agent.until_question().pop().unwrap();
    agent.answer(
        &question,
        &json!({"behavior": "deny", "message": "Think again."}),
    );
    let lines = agent.until_result();
    assert_eq!(
        said(&lines),
        "I'll stay with planning. You said: Think again."
    );
    assert!(lines.iter().all(|line| line["permissionMode"] != "default"));

    agent.prompt("/demo plan");
    let question = agent.until_question().pop().unwrap();
    agent.answer(&question, &json!({"behavior": "allow"}));
    let lines = agent.until_result();
    assert!(said(&lines).starts_with("The plan is approved"));
    assert!(lines.iter().any(|line| line["permissionMode"] == "default"));
}

#[test]
fn a_key_that_makes_no_sense_is_refused() {
    let mut agent = Agent::start();
    for prompt in [
        "/demo permission count=0",
        "/demo permission parallel=101",
        "/demo permission change_on_resume=perhaps",
        "/demo withdraw after_ms=soon",
        "/demo ask n=0",
        "/demo subagent permission=maybe",
    ] {
        let result = agent.play(prompt).pop().unwrap();
        assert_eq!(result["is_error"], true, "{prompt}");
    }
}
