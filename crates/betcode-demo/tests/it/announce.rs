//! Calls that are announced before they are made, and what the driver says to them.

use serde_json::{Value, json};

use crate::agent::{Agent, of_type};
use crate::shape::{assert_nothing_invented, label};

/// An agent whose driver wants to hear of every call.
fn listening() -> Agent {
    let mut agent = Agent::start();
    agent.control(&json!({
        "subtype": "initialize",
        "hooks": {"PreToolUse": [{"hookCallbackIds": ["mine"], "timeout": 9}]},
    }));
    agent.until(|line| line["type"] == "control_response");
    agent
}

/// Everything up to and with the announcement, which is the only request among it.
fn announced(agent: &mut Agent) -> (Vec<Value>, Value) {
    let lines = agent.until_question();
    let call = lines.last().unwrap().clone();
    assert_eq!(call["request"]["subtype"], "hook_callback", "{call}");
    assert_eq!(call["request"]["callback_id"], "mine");
    (lines, call)
}

fn decision(word: &str) -> Value {
    json!({"hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": word,
        "permissionDecisionReason": "a rule says so",
    }})
}

fn said(lines: &[Value]) -> &str {
    lines.last().unwrap()["result"].as_str().unwrap()
}

fn made(agent: &Agent, name: &str) -> bool {
    agent.directory.path().join(name).exists()
}

#[test]
fn a_call_that_may_go_on_runs_as_if_it_had_not_been_announced() {
    let mut agent = listening();
    agent.prompt("/demo tool command=\"touch x\"");
    let (mut lines, call) = announced(&mut agent);
    let input = &call["request"]["input"];
    assert_eq!(input["hook_event_name"], "PreToolUse");
    assert_eq!(input["tool_name"], "Bash");
    assert_eq!(input["tool_input"]["command"], "touch x");
    assert_eq!(input["tool_use_id"], call["request"]["tool_use_id"]);
    assert!(!made(&agent, "x"));
    agent.answer(&call, &json!({}));
    lines.extend(agent.until_result());
    assert!(made(&agent, "x"));
    assert_eq!(of_type(&lines, "control_request").len(), 1);
    assert_nothing_invented(&lines);
}

#[test]
fn a_denied_call_does_not_run_and_the_reason_is_its_result() {
    for prompt in [
        "/demo tool command=\"touch x\"",
        "/demo permission command=\"touch x\"",
        "/demo edit file=x",
        "/demo subagent command=\"touch x\"",
    ] {
        let mut agent = listening();
        agent.prompt(prompt);
        let (mut lines, mut call) = announced(&mut agent);
        if call["request"]["input"]["tool_name"] == "Agent" {
            agent.answer(&call, &json!({}));
            let (more, inner) = announced(&mut agent);
            assert!(inner["request"]["input"]["agent_id"].is_string());
            lines.extend(more);
            call = inner;
        }
        agent.answer(&call, &decision("deny"));
        lines.extend(agent.until_result());
        assert!(!made(&agent, "x"), "{prompt}");
        let results: Vec<_> = lines
            .iter()
            .filter(|line| label(line).starts_with("user tool_result"))
            .collect();
        let result = &results[0]["message"]["content"][0];
        assert_eq!(
            (&result["content"], &result["is_error"]),
            (&json!("a rule says so"), &json!(true))
        );
        let denials = &lines.last().unwrap()["permission_denials"];
        assert_eq!(denials.as_array().unwrap().len(), 1, "{prompt}");
        assert!(said(&lines).contains("a rule says so"), "{}", said(&lines));
        assert_nothing_invented(&lines);
    }
}

#[test]
fn a_subagent_and_a_list_of_things_to_do_can_be_denied_as_well() {
    for (prompt, tool) in [("/demo subagent", "Agent"), ("/demo todo", "TodoWrite")] {
        let mut agent = listening();
        agent.prompt(prompt);
        let mut lines = Vec::new();
        loop {
            lines.extend(
                agent.until(|line| line["type"] == "result" || line["type"] == "control_request"),
            );
            let last = lines.last().unwrap().clone();
            if last["type"] == "result" {
                break;
            }
            assert_eq!(last["request"]["input"]["tool_name"], tool);
            agent.answer(&last, &decision("deny"));
        }
        let denials = lines.last().unwrap()["permission_denials"].clone();
        assert!(!denials.as_array().unwrap().is_empty());
        assert!(lines.iter().all(|line| !label(line).ends_with("nested")));
        assert_nothing_invented(&lines);
    }
}

#[test]
fn a_call_is_asked_about_where_nothing_else_would_ask() {
    for (prompt, mode) in [
        ("/demo tool command=\"touch x\"", "default"),
        ("/demo permission command=\"touch x\"", "dontAsk"),
        ("/demo subagent command=\"touch x\"", "default"),
    ] {
        let mut agent = listening();
        agent.control(&json!({"subtype": "set_permission_mode", "mode": mode}));
        agent.prompt(prompt);
        let (_, mut call) = announced(&mut agent);
        if call["request"]["input"]["tool_name"] == "Agent" {
            agent.answer(&call, &json!({}));
            call = announced(&mut agent).1;
        }
        agent.answer(&call, &decision("ask"));
        let question = agent.until_question().pop().unwrap();
        assert_eq!(question["request"]["subtype"], "can_use_tool");
        assert_eq!(
            question["request"]["tool_use_id"],
            call["request"]["tool_use_id"]
        );
        assert!(!made(&agent, "x"), "{prompt}");
        agent.answer(&question, &json!({"behavior": "allow"}));
        agent.until_result();
        assert!(made(&agent, "x"), "{prompt}");
    }
}

#[test]
fn questions_and_plans_are_announced_and_then_asked() {
    for prompt in ["/demo ask n=1", "/demo plan"] {
        let mut agent = listening();
        agent.prompt(prompt);
        let (_, call) = announced(&mut agent);
        agent.answer(&call, &json!({}));
        let question = agent.until_question().pop().unwrap();
        assert_eq!(question["request"]["requires_user_interaction"], true);
        let mut agent = listening();
        agent.prompt(prompt);
        let (_, call) = announced(&mut agent);
        agent.answer(&call, &decision("deny"));
        let lines = agent.until_result();
        assert_eq!(of_type(&lines, "control_request").len(), 0);
        assert!(said(&lines).contains("a rule says so"));
    }
}

#[test]
fn several_calls_are_announced_one_after_the_other_before_any_is_asked_about() {
    let mut agent = listening();
    agent.prompt("/demo permission parallel=3 command=\"echo {n} >> log\"");
    for word in [json!({}), decision("deny"), json!({})] {
        let (_, call) = announced(&mut agent);
        agent.answer(&call, &word);
    }
    let first = agent.until_question().pop().unwrap();
    let second = agent.until_question().pop().unwrap();
    for question in [first, second] {
        assert_eq!(question["request"]["subtype"], "can_use_tool");
        agent.answer(&question, &json!({"behavior": "allow"}));
    }
    let lines = agent.until_result();
    assert_eq!(
        said(&lines).lines().collect::<Vec<_>>(),
        [
            "Done, with your permission. I ran `echo 1 >> log`.",
            "You said: a rule says so",
            "Done, with your permission. I ran `echo 3 >> log`.",
        ]
    );
}

#[test]
fn an_interrupt_withdraws_what_was_announced_and_nothing_runs() {
    for prompt in [
        "/demo tool command=\"touch x\"",
        "/demo permission parallel=2 command=\"touch x\"",
        "/demo subagent",
        "/demo ask n=1",
        "/demo todo",
    ] {
        let mut agent = listening();
        agent.prompt(prompt);
        let (mut lines, call) = announced(&mut agent);
        agent.control(&json!({"subtype": "interrupt"}));
        lines.extend(agent.until_result());
        let withdrawn = of_type(&lines, "control_cancel_request");
        assert_eq!(withdrawn.len(), 1, "{prompt}");
        assert_eq!(withdrawn[0]["request_id"], call["request_id"]);
        let calls = lines
            .iter()
            .filter(|line| line["message"]["content"][0]["type"] == "tool_use");
        let results = lines
            .iter()
            .filter(|line| label(line).starts_with("user tool_result"));
        assert_eq!(calls.count(), results.count(), "{prompt}");
        assert!(!made(&agent, "x"));
        assert_nothing_invented(&lines);
        // The session goes on.
        agent.prompt("/demo text n=1");
        agent.until_result();
    }
}

#[test]
fn the_end_of_input_denies_what_was_announced() {
    let mut agent = listening();
    agent.prompt("/demo tool command=\"touch x\"");
    announced(&mut agent);
    agent.close_input();
    agent.until_result();
    assert!(!made(&agent, "x"));
}

#[test]
fn an_answer_that_makes_no_sense_lets_the_call_go_on_as_in_the_real_program() {
    let mut agent = listening();
    agent.prompt("/demo tool command=\"touch x\"");
    let (_, call) = announced(&mut agent);
    agent.answer(&call, &json!({"behavior": "deny", "message": "no"}));
    agent.until_result();
    assert!(made(&agent, "x"));
}
