//! A process that is killed in the middle of a turn, and the one that comes after it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::agent::{Agent, STATE, deltas, of_type};
use crate::shape::{assert_nothing_invented, assert_nothing_missing, label, labels, output};

const GOES_ON: [(&str, &str); 1] = [("CLAUDE_CODE_RESUME_INTERRUPTED_TURN", "1")];
const UUID: &str = "6f1f86cf-4d7f-4a35-a0c7-9bc1a2d3e4f5";

/// An agent that has been told this and has asked about it.
fn asked(prompt: &str) -> (Agent, Value) {
    let mut agent = Agent::start();
    agent.send(
        &json!({"type": "user", "uuid": UUID, "message": {"role": "user", "content": prompt}}),
    );
    let question = agent.until_question().pop().unwrap();
    (agent, question)
}

fn allow(agent: &mut Agent, question: &Value) {
    agent.answer(question, &json!({"behavior": "allow"}));
}

fn text(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap_or_default()
}

/// How many turns are kept.
fn kept(directory: &Path) -> usize {
    fs::read_dir(directory.join(STATE)).map_or(0, Iterator::count)
}

#[test]
fn a_turn_that_died_with_an_open_question_asks_again_like_the_recorded_one() {
    let (agent, first) = asked("/demo permission command=\"echo ran >> log\"");
    let mut agent = Agent::resume(agent.kill(), &GOES_ON);
    let mut lines = agent.until_question();
    let second = lines.last().unwrap().clone();
    lines.extend(agent.until(|line| line["event"]["type"] == "message_stop"));
    assert_ne!(second["request_id"], first["request_id"]);
    assert_eq!(second["request"]["input"], first["request"]["input"]);
    // The answer to what the former process had asked is nothing to this one.
    allow(&mut agent, &first);
    allow(&mut agent, &second);
    lines.extend(agent.until(|line| line["state"] == "completed"));
    let directory = agent.directory.path();
    assert_eq!(text(directory, "log"), "ran\n");
    assert_eq!(kept(directory), 0, "what has ended is forgotten");

    let mut real = output("resume_interrupted_turn");
    for line in &mut real {
        if let Some(request) = line.get_mut("request").and_then(Value::as_object_mut) {
            request.remove("blocked_path");
        }
    }
    real.retain(|line| line["type"] != "control_response");
    assert_eq!(labels(&lines), labels(&real));
    assert_nothing_invented(&lines);
    assert_nothing_missing(&lines, &real);
    let init = lines.iter().find(|line| label(line) == "system init");
    assert_eq!(init.unwrap()["user_message_uuids"], json!([UUID]));
    let fates = lines
        .iter()
        .filter_map(|line| line["command_uuid"].as_str());
    assert!(
        fates.into_iter().all(|fate| fate != UUID),
        "the fate of the prompt is not told twice"
    );
}

#[test]
fn a_turn_that_died_can_ask_for_something_else() {
    let (agent, first) = asked("/demo permission command=\"echo x >> log\" change_on_resume=1");
    assert_eq!(first["request"]["input"]["command"], "echo x >> log");
    let mut agent = Agent::resume(agent.kill(), &GOES_ON);
    let second = agent.until_question().pop().unwrap();
    assert_eq!(
        second["request"]["input"]["command"],
        "echo x >> log # changed"
    );
}

#[test]
fn nothing_goes_on_by_itself_unless_it_is_wanted_and_nothing_came_between() {
    let (agent, _) = asked("/demo permission");
    let mut agent = Agent::resume(agent.kill(), &[]);
    let lines = agent.play("/demo say");
    assert!(of_type(&lines, "control_request").is_empty());

    let mut agent = Agent::resume(agent.kill(), &GOES_ON);
    let lines = agent.play("/demo say");
    assert!(
        of_type(&lines, "control_request").is_empty(),
        "another turn came between"
    );
}

#[test]
fn a_turn_that_ended_does_not_go_on() {
    let (mut agent, question) = asked("/demo permission command=\"echo x >> log\"");
    assert_eq!(kept(agent.directory.path()), 1);
    allow(&mut agent, &question);
    agent.until_result();
    let mut agent = Agent::resume(agent.kill(), &GOES_ON);
    let lines = agent.play("/demo say");
    assert!(of_type(&lines, "control_request").is_empty());
    assert_eq!(text(agent.directory.path(), "log"), "x\n");
}

#[test]
fn the_turn_that_died_comes_before_a_new_prompt_and_is_not_merged_with_it() {
    let (agent, _) = asked("/demo permission command=\"echo x >> log\"");
    let mut agent = Agent::resume(agent.kill(), &GOES_ON);
    agent.prompt("/demo say text=after");
    let question = agent.until_question().pop().unwrap();
    allow(&mut agent, &question);
    let first = agent.until_result().pop().unwrap();
    assert_eq!(first["resume_reason"], "interrupted_turn");
    let second = agent.until_result().pop().unwrap();
    assert_eq!(second["result"], "after");
    assert!(second.get("resume_reason").is_none());
}

#[test]
fn what_has_run_does_not_run_again() {
    let (mut agent, question) = asked("/demo permission count=3 command=\"echo {n} >> log\"");
    allow(&mut agent, &question);
    let second = agent.until_question().pop().unwrap();
    let mut agent = Agent::resume(agent.kill(), &GOES_ON);
    let again = agent.until_question().pop().unwrap();
    assert_eq!(again["request"]["input"], second["request"]["input"]);
    allow(&mut agent, &again);
    let third = agent.until_question().pop().unwrap();
    allow(&mut agent, &third);
    let result = agent.until_result().pop().unwrap();
    assert_eq!(text(agent.directory.path(), "log"), "1\n2\n3\n");
    assert_eq!(result["result"].as_str().unwrap().lines().count(), 3);
}

#[test]
fn a_text_that_was_cut_short_is_said_again() {
    let mut agent = Agent::start();
    agent.prompt("/demo count n=20 rate=20");
    agent.until_text();
    let directory = agent.kill();
    assert_eq!(kept(directory.path()), 1);
    let mut agent = Agent::resume(directory, &GOES_ON);
    let lines = agent.until_result();
    assert_eq!(deltas(&lines).concat().lines().count(), 20);
    assert_eq!(deltas(&lines)[0], "1\n");
    agent.until(|line| line["state"] == "completed");
    assert_eq!(kept(agent.directory.path()), 0);
}

#[test]
fn a_crash_can_be_over_after_some_times() {
    let mut agent = Agent::start();
    agent.prompt("/demo crash after=10 times=2");
    for _ in 0..2 {
        while agent.next_text().is_some() {}
        agent = Agent::resume(agent.kill(), &GOES_ON);
    }
    let result = agent.until_result().pop().unwrap();
    assert_eq!(result["result"], "1 2 3 4 5 6 7 8 9 10 ");
}

#[cfg(unix)]
#[test]
fn a_tool_that_needs_no_permission_is_not_started_again_either() {
    let mut agent = Agent::start();
    agent.prompt("/demo tool command=\"echo x >> log; exec sleep 1000\"");
    let log = agent.directory.path().join("log");
    crate::scenarios::poll(|| fs::read_to_string(&log).ok().filter(|log| !log.is_empty()));
    let mut agent = Agent::resume(agent.kill(), &GOES_ON);
    let said = agent.until_result().pop().unwrap()["result"].clone();
    assert_eq!(
        said,
        "That did not work: It was running when the agent died."
    );
    assert_eq!(text(agent.directory.path(), "log"), "x\n");
}

#[cfg(unix)]
#[test]
fn a_tool_that_was_running_is_not_started_again() {
    let (mut agent, question) =
        asked("/demo permission command=\"echo x >> log; exec sleep 1000\"");
    allow(&mut agent, &question);
    let log = agent.directory.path().join("log");
    crate::scenarios::poll(|| fs::read_to_string(&log).ok().filter(|log| !log.is_empty()));
    let mut agent = Agent::resume(agent.kill(), &GOES_ON);
    let lines = agent.until_result();
    assert!(of_type(&lines, "control_request").is_empty());
    let said = lines.last().unwrap()["result"].as_str().unwrap();
    assert!(
        said.contains("It was running when the agent died"),
        "{said}"
    );
    assert_eq!(text(agent.directory.path(), "log"), "x\n");
}

#[test]
fn questions_and_plans_are_asked_again_too() {
    for (prompt, tool) in [
        ("/demo ask", "AskUserQuestion"),
        ("/demo plan", "ExitPlanMode"),
    ] {
        let (agent, first) = asked(prompt);
        assert_eq!(first["request"]["tool_name"], tool);
        let mut agent = Agent::resume(agent.kill(), &GOES_ON);
        let second = agent.until_question().pop().unwrap();
        assert_eq!(second["request"]["input"], first["request"]["input"]);
        allow(&mut agent, &second);
        assert_eq!(agent.until_result().pop().unwrap()["is_error"], false);
    }
}
