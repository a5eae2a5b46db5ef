//! What the agent makes of its input, its end, and its command line.

use serde_json::json;

use crate::agent::{Agent, command, of_type};

#[test]
fn a_line_that_is_not_json_ends_the_agent_with_the_recorded_words() {
    let mut agent = Agent::start();
    agent.send_raw("this is not json\n");
    let (lines, code, stderr) = agent.finish();
    let words = "Error parsing streaming input line (type=unknown, 16 chars): SyntaxError\n";
    assert_eq!((lines, code, stderr.as_str()), (Vec::new(), Some(1), words));
}

#[test]
fn a_message_of_another_role_ends_the_agent_with_the_recorded_words() {
    let mut agent = Agent::start();
    agent.send(&json!({"type": "user", "message": {"role": "assistant", "content": "x"}}));
    let (_, code, stderr) = agent.finish();
    let words = "Error: Expected message role 'user', got 'assistant'\n";
    assert_eq!((code, stderr.as_str()), (Some(1), words));
}

#[test]
fn what_is_not_known_is_ignored() {
    let mut agent = Agent::start();
    agent.send_raw("{\"type\":\"weird\"}\n\n{\"type\":\"keep_alive\"}\n");
    agent.answer(&json!({"request_id": "nobody asked"}), &json!({}));
    let lines = agent.play("/demo say text=hi");
    assert_eq!(lines.last().unwrap()["result"], "hi");
    assert_eq!(agent.finish().1, Some(0));
}

#[test]
fn input_that_ends_in_mid_turn_lets_the_turn_run_to_its_end() {
    let mut agent = Agent::start();
    agent.prompt("/demo flood n=40 rate=200");
    agent.until_text();
    let (lines, code, _) = agent.finish();
    assert_eq!((of_type(&lines, "result").len(), code), (1, Some(0)));
}

#[test]
fn input_that_ends_denies_what_is_asked() {
    let mut agent = Agent::start();
    agent.prompt("/demo permission command=\"touch x\"");
    agent.until_question();
    let directory = agent.directory.path().to_owned();
    let (lines, code, _) = agent.finish();
    assert_eq!(
        of_type(&lines, "result")[0]["permission_denials"][0]["tool_name"],
        "Bash"
    );
    assert_eq!((code, directory.join("x").exists()), (Some(0), false));
}

#[test]
fn an_interrupt_between_turns_is_answered_and_has_no_effect() {
    let mut agent = Agent::start();
    agent.control(&json!({"subtype": "interrupt"}));
    let lines = agent.until(|line| line["type"] == "control_response");
    assert_eq!(
        lines[0]["response"]["response"],
        json!({"still_queued": []})
    );
    let lines = agent.play("/demo say text=hi");
    assert_eq!(lines.last().unwrap()["is_error"], false);
}

#[test]
fn every_line_of_input_is_journalled_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal");
    let variables = [("BETCODE_DEMO_JOURNAL", journal.to_str().unwrap())];
    let mut sent = String::new();
    for process in 0..2 {
        let mut agent = Agent::start_with(&[], &variables);
        for number in 0..100 {
            let line =
                format!("{{\"type\":\"frame\",\"process\":{process},\"number\":{number}}}\n");
            agent.send_raw(&line);
            sent.push_str(&line);
        }
        assert_eq!(agent.finish().1, Some(0));
    }
    assert_eq!(std::fs::read_to_string(journal).unwrap(), sent);
}

#[test]
fn without_partial_messages_there_are_only_whole_ones() {
    let mut command = command();
    command.args([
        "--output-format",
        "stream-json",
        "--input-format",
        "stream-json",
        "--verbose",
    ]);
    let mut agent = Agent::spawn(command);
    let lines = agent.play("/demo flood n=10");
    assert!(of_type(&lines, "stream_event").is_empty());
    let text = of_type(&lines, "assistant")[0]["message"]["content"][0]["text"]
        .as_str()
        .unwrap();
    assert_eq!(text.lines().count(), 10);
    let lines = agent.play("/demo permission");
    assert!(
        lines
            .iter()
            .any(|line| line["subtype"] == "permission_denied"),
        "nobody can be asked"
    );
}

#[test]
fn the_version_says_what_this_is() {
    let output = command().arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text,
        format!(
            "BetCode demo agent {} (demo: no model)\n",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn a_turn_with_more_requests_than_permitted_is_cut() {
    let mut agent = Agent::start_with(&["--max-turns", "1"], &[]);
    let result = agent.play("/demo tool command=true").pop().unwrap();
    assert_eq!(
        (&result["subtype"], &result["is_error"]),
        (&json!("error_max_turns"), &json!(true))
    );
    assert_eq!(agent.play("/demo say").pop().unwrap()["is_error"], false);
}

#[test]
fn tools_are_allowed_and_forbidden_by_the_command_line() {
    let mut agent = Agent::start_with(&["--allowedTools", "Bash(touch:*)"], &[]);
    let lines = agent.play("/demo permission command=\"touch a\"");
    assert!(of_type(&lines, "control_request").is_empty());
    agent.prompt("/demo permission command=\"touch b; rm a\"");
    agent.until_question();

    let mut agent = Agent::start_with(&["--disallowedTools", "Bash"], &[]);
    let lines = agent.play("/demo tool command=\"touch c\"");
    assert!(
        lines.last().unwrap()["result"]
            .as_str()
            .unwrap()
            .contains("disabled")
    );
    assert!(!agent.directory.path().join("c").exists());
}
