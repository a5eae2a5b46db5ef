//! Programs that drive the agent over stdin and stdout: what they are asked, what is answered, and how it ends when they say
//! nonsense, say it too early, or go away.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what a test needs fails by panicking"
)]

use std::time::Duration;

use betcode_testkit::{Profile, Running};
use serde_json::{Value, json};

use crate::profile;

const SOON: Duration = Duration::from_secs(30);

/// A run whose stdin is ours.
fn drive(profile: &Profile, more: &[&str]) -> Running {
    let whole = [
        "-p",
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
        "--permission-prompt-tool",
        "stdio",
    ];
    let line = whole.into_iter().chain(more.iter().copied());
    profile.betcode(line).spawn_open()
}

fn say(run: &mut Running, line: &Value) {
    run.write(format!("{line}\n").as_bytes());
}

fn message(text: &str) -> Value {
    json!({"type": "user", "message": {"role": "user", "content": text}})
}

fn touch(file: &str) -> Value {
    message(&format!(
        "/demo permission tool=Bash command=\"touch {file}\""
    ))
}

fn request(id: &Value, request: &Value) -> Value {
    json!({"type": "control_request", "request_id": id, "request": request})
}

fn rows(stdout: &str) -> Vec<Value> {
    let lines = stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What was answered to this request.
fn answer<'a>(rows: &'a [Value], id: &str) -> &'a Value {
    let mut answers = rows.iter().filter(|row| row["type"] == "control_response");
    let of = |row: &&Value| row["response"]["request_id"] == id;
    let answer = answers.find(of);
    &answer.unwrap_or_else(|| panic!("no answer to {id}: {rows:?}"))["response"]
}

#[test]
fn what_is_asked_when_stdin_closes_is_denied_and_the_turn_runs_to_its_end() {
    let profile = profile();
    let mut run = drive(&profile, &[]);
    say(&mut run, &touch("made"));
    run.wait_for("\"can_use_tool\"");
    run.close_stdin();
    let output = run.wait(SOON).expect(3);
    let rows = rows(&output.stdout);
    let result = rows.last().unwrap();
    assert_eq!(result["type"], "result");
    assert_eq!(
        result["permission_denials"][0]["tool_input"]["command"],
        "touch made"
    );
    assert!(
        result["result"]
            .as_str()
            .unwrap()
            .contains("input of the program"),
        "{result}"
    );
    assert!(!profile.work().join("made").exists());
}

#[test]
fn what_is_asked_after_stdin_closed_is_denied_without_asking_and_questions_are_declined() {
    let profile = profile();
    for prompt in [touch("made"), message("/demo ask")] {
        let mut run = drive(&profile, &[]);
        say(&mut run, &prompt);
        run.close_stdin();
        let output = run.wait(SOON).expect(3);
        let rows = rows(&output.stdout);
        assert!(
            rows.iter()
                .all(|row| row["type"] != "control_cancel_request"),
            "{rows:?}"
        );
        assert_eq!(rows.last().unwrap()["type"], "result");
    }
    assert!(!profile.work().join("made").exists());
}

#[test]
fn what_somebody_elses_turn_asks_is_not_denied_when_our_stdin_closes() {
    let profile = profile();
    let first = profile.betcode([
        "-p",
        "--detach",
        "--wait-for-permissions",
        "/demo permission tool=Bash command=\"touch theirs\"",
    ]);
    first.run().expect(0);
    let request = betcode_testkit::wait_until(SOON, "a request waits", || {
        let rows = profile.betcode(["permission", "list", "--json"]).run();
        rows.json().get(0).cloned()
    });
    let session = request["session_id"].as_str().unwrap();
    let mut ours = drive(&profile, &["--resume", session]);
    say(&mut ours, &message("/demo say text=ours"));
    ours.close_stdin();
    betcode_testkit::wait_until(SOON, "our message waits", || {
        let queue = profile
            .betcode(["session", "queue", session, "--json"])
            .run();
        queue.json().get(0).map(|_| ())
    });
    let id = request["id"].as_str().unwrap();
    profile.betcode(["permission", "allow", id]).run().expect(0);
    ours.wait(SOON).expect(0);
    assert!(profile.work().join("theirs").exists());
}

#[test]
fn a_line_that_makes_no_sense_is_told_at_once_and_ends_the_run_with_its_turn() {
    let profile = profile();
    for (line, problem) in [
        ("{nonsense", "line 2 on stdin: key must be a string"),
        ("[]", "line 2 on stdin: this is no JSON object"),
        (
            r#"{"type":"control_request","request_id":7,"request":{"subtype":"interrupt"}}"#,
            "line 2 on stdin: the `request_id` of a control request is a text",
        ),
        (
            r#"{"type":"control_response","response":{"subtype":"success","request_id":7}}"#,
            "line 2 on stdin: the `request_id` of a control response is a text",
        ),
    ] {
        let mut run = drive(&profile, &[]);
        say(&mut run, &touch("made"));
        run.wait_for("\"can_use_tool\"");
        run.write(format!("{line}\n").as_bytes());
        // Stdin stays open: nothing after the line is read, so what is asked is denied as if it were closed.
        let output = run.wait(SOON).expect(1);
        let warning = format!("warning: {problem}");
        assert!(output.stderr.contains(&warning), "{}", output.stderr);
        assert!(
            output.stderr.contains(&format!("Error: {problem}")),
            "{}",
            output.stderr
        );
        let rows = rows(&output.stdout);
        let ends = rows.iter().filter(|row| row["type"] == "result");
        assert_eq!(ends.count(), 2, "the turn's, and the one of the bad line");
    }
    assert!(!profile.work().join("made").exists());
}

#[test]
fn an_answer_to_what_nobody_asked_is_told_on_stderr() {
    let profile = profile();
    let mut run = drive(&profile, &[]);
    let stray = |id: &str| {
        json!({"type": "control_response", "response":
            {"subtype": "success", "request_id": id, "response": {"behavior": "allow"}}})
    };
    say(&mut run, &stray("early"));
    say(&mut run, &touch("made"));
    run.wait_for("\"can_use_tool\"");
    say(&mut run, &stray("late"));
    run.close_stdin();
    let output = run.wait(SOON).expect(3);
    for id in ["early", "late"] {
        let warning = format!("warning: the answer to `{id}` is passed over");
        assert!(output.stderr.contains(&warning), "{}", output.stderr);
    }
}

#[test]
fn an_answer_that_makes_no_sense_denies_and_does_not_let_the_turn_wait() {
    let profile = profile();
    for (given, problem) in [
        (Value::Null, "`behavior` is allow or deny, not ``"),
        (json!({"behavior": "maybe"}), "not `maybe`"),
        (
            json!({"behavior": "allow", "updatedInput": []}),
            "`updatedInput` is an object",
        ),
    ] {
        let mut run = drive(&profile, &[]);
        say(&mut run, &touch("made"));
        let asked = betcode_testkit::wait_until(SOON, "it is asked", || {
            let told = run.stdout();
            let whole = told.ends_with('\n') && told.contains("\"can_use_tool\"");
            whole.then(|| rows(&told))
        });
        let id = &asked.last().unwrap()["request_id"];
        let line = json!({"type": "control_response", "response":
            {"subtype": "success", "request_id": id, "response": given}});
        say(&mut run, &line);
        run.wait_for("\"type\":\"result\"");
        run.close_stdin();
        let output = run.wait(SOON).expect(3);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
    }
    assert!(!profile.work().join("made").exists());
}

#[test]
fn requests_before_the_first_message_are_done_when_the_session_begins() {
    let profile = profile();
    let mut run = drive(&profile, &[]);
    for (id, ask) in [
        ("i", json!({"subtype": "interrupt"})),
        ("m", json!({"subtype": "set_model", "model": "other"})),
        (
            "p",
            json!({"subtype": "set_permission_mode", "mode": "plan"}),
        ),
        (
            "b",
            json!({"subtype": "set_permission_mode", "mode": "bogus"}),
        ),
        ("n", json!({"subtype": "set_model", "model": 7})),
        ("u", json!({"subtype": "mcp_status"})),
    ] {
        say(&mut run, &request(&id.into(), &ask));
    }
    run.wait_for("\"request_id\":\"u\"");
    say(&mut run, &message("/demo say text=hi"));
    run.close_stdin();
    let rows = rows(&run.wait(SOON).expect(0).stdout);
    for (id, subtype) in [("i", "success"), ("m", "success"), ("p", "success")] {
        assert_eq!(answer(&rows, id)["subtype"], subtype, "{id}");
    }
    for (id, code) in [
        ("b", "invalid_mode"),
        ("n", "invalid_request"),
        ("u", "unsupported_request"),
    ] {
        assert_eq!(answer(&rows, id)["error_code"], code, "{id}");
    }
    let session = rows.last().unwrap()["session_id"].as_str().unwrap();
    let shown = profile
        .betcode(["session", "show", session, "--json"])
        .run();
    let shown = shown.expect(0).json();
    assert_eq!(shown["model"], "other", "{shown}");
    assert_eq!(shown["info"]["permission_mode"], "plan", "{shown}");
}

#[test]
fn requests_between_turns_are_answered_before_the_next_message_and_at_the_end() {
    let profile = profile();
    let mut run = drive(&profile, &[]);
    say(&mut run, &message("/demo say text=one"));
    run.wait_for("\"type\":\"result\"");
    let plan = json!({"subtype": "set_permission_mode", "mode": "plan"});
    say(&mut run, &request(&"between".into(), &plan));
    run.wait_for("\"request_id\":\"between\"");
    let mode = json!({"subtype": "set_permission_mode", "mode": "default"});
    say(&mut run, &request(&"last".into(), &mode));
    run.close_stdin();
    let rows = rows(&run.wait(SOON).expect(0).stdout);
    for id in ["between", "last"] {
        assert_eq!(answer(&rows, id)["subtype"], "success");
    }
}

#[test]
fn an_interrupt_stops_the_turn_that_runs_and_only_ours() {
    let profile = profile();
    let stall = "/demo stall secs=60";
    profile.betcode(["-p", "--detach", stall]).run().expect(0);
    let id = crate::crash::session(&profile);
    crate::crash::until(&profile, &id, "text_delta", 1);
    let interrupt = json!({"subtype": "interrupt"});
    let mut queued = drive(&profile, &["--resume", &id]);
    say(&mut queued, &message("/demo say text=never"));
    betcode_testkit::wait_until(SOON, "it waits", || {
        let queue = profile.betcode(["session", "queue", &id, "--json"]).run();
        queue.json().get(0).map(|_| ())
    });
    say(&mut queued, &request(&"q".into(), &interrupt));
    queued.close_stdin();
    let output = queued.wait(SOON).expect(1);
    assert!(
        output.stderr.contains("taken out of the queue"),
        "{}",
        output.stderr
    );
    assert_eq!(answer(&rows(&output.stdout), "q")["subtype"], "success");
    let count = |kind| {
        let events = crate::crash::events(&profile, &id);
        events.iter().filter(|event| event["type"] == kind).count()
    };
    assert_eq!(count("cancel_requested"), 0, "the turn of others runs on");

    let mut run = drive(&profile, &[]);
    say(&mut run, &message(stall));
    run.wait_for("\"init\"");
    say(&mut run, &request(&"r".into(), &interrupt));
    run.close_stdin();
    let rows = rows(&run.wait(SOON).expect(1).stdout);
    assert_eq!(answer(&rows, "r")["subtype"], "success");
    assert_eq!(rows.last().unwrap()["betcode_stop_reason"], "cancelled");
}

#[test]
fn an_input_without_any_message_is_said_so() {
    let profile = profile();
    let flags = ["-p", "--input-format", "stream-json"];
    for input in ["", "\n\n"] {
        let output = profile.betcode(flags).stdin(input).run().expect(0);
        assert_eq!(output.stdout, "");
        assert!(
            output.stderr.contains("no message came on stdin"),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn an_endless_line_and_an_endless_prompt_are_refused() {
    let profile = profile();
    let program = profile.program().display();
    for (flags, code, problem) in [
        (
            "--input-format stream-json",
            1,
            "line 1 on stdin is longer than 128 MiB",
        ),
        ("", 64, "the prompt is longer than 32 MiB"),
    ] {
        let line = format!("tr '\\0' ' ' </dev/zero | {program} -p {flags}");
        let output = profile.shell(&line).run().expect(code);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
    }
}

#[test]
fn a_message_that_is_sent_twice_is_said_once_and_what_is_not_known_is_passed_over() {
    let profile = profile();
    let row = |uuid: u8, text: &str| {
        format!(
            "{{\"type\":\"user\",\"uuid\":\"11111111-1111-4111-8111-11111111111{uuid}\",\"message\":{{\"content\":\"/demo say text={text}\"}}}}\n"
        )
    };
    let input = [
        row(1, "one"),
        row(1, "one"),
        "{\"type\":\"from_the_future\"}\n{}\n".to_owned(),
        row(2, "two"),
    ];
    let flags = [
        "-p",
        "--input-format",
        "stream-json",
        "--output-format",
        "json",
    ];
    let run = profile.betcode(flags).stdin(input.concat()).run().expect(0);
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
    for said in [
        "line 2 on stdin is passed over: a message with its uuid came before",
        "line 3 on stdin is passed over: the type `from_the_future` is not known",
        "line 4 on stdin has no `type` and is passed over",
    ] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}
