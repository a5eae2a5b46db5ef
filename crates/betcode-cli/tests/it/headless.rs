//! Whole turns with the demo agent.

use serde_json::Value;

use crate::profile;

/// The events of a run follow each other without gap or double.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn assert_tiled(events: &[Value]) {
    let mut next = None;
    for event in events {
        let sequence = event["sequence"].as_u64().unwrap();
        let first = event["first_sequence"].as_u64().unwrap_or(sequence);
        assert!(next.is_none_or(|next| next == first), "{event}");
        next = Some(sequence + 1);
    }
}

fn text_of(events: &[Value]) -> String {
    events
        .iter()
        .filter(|event| event["type"] == "text_delta")
        .filter_map(|event| event["text"].as_str())
        .collect()
}

#[test]
fn a_first_prompt_starts_a_daemon_says_so_and_gets_an_answer() {
    let profile = profile();
    let output = profile
        .betcode(["-p", "/demo say text=\"hi there\""])
        .run()
        .expect(0);
    assert_eq!(output.stdout, "hi there\n");
    assert_eq!(output.stderr, "note: no daemon is running; starting one\n");
    let again = profile
        .betcode(["-p", "/demo say text=again"])
        .run()
        .expect(0);
    assert_eq!(
        (again.stdout.as_str(), again.stderr.as_str()),
        ("again\n", "")
    );
}

#[test]
fn the_prompt_comes_from_stdin_or_is_completed_by_it() {
    let profile = profile();
    let output = profile
        .betcode(["-p"])
        .stdin("/demo say text=piped\n")
        .run()
        .expect(0);
    assert_eq!(output.stdout, "piped\n");
    let output = profile
        .betcode(["-p", "review", "--output-format", "events"])
        .stdin("the diff")
        .run()
        .expect(0);
    assert_eq!(output.json_lines()[0]["text"], "review\nthe diff");
}

#[test]
fn events_tile_from_the_prompt_to_its_end_and_the_log_gives_the_same_bytes() {
    let profile = profile();
    let output = profile
        .betcode([
            "-p",
            "/demo flood n=20000 size=20",
            "--output-format",
            "events",
        ])
        .run()
        .expect(0);
    let events = output.json_lines();
    assert_tiled(&events);
    assert_eq!(events.first().unwrap()["type"], "user_input");
    assert_eq!(events.last().unwrap()["type"], "turn_complete");
    assert_eq!(text_of(&events).len(), 400_000);

    let id = events[0]["session_id"].as_str().unwrap();
    let after = (events[0]["sequence"].as_u64().unwrap() - 1).to_string();
    let log = profile
        .betcode(["session", "events", id, "--after", &after])
        .run()
        .expect(0);
    assert!(
        log.stdout.starts_with(&output.stdout),
        "the log differs from what was printed"
    );
}

#[test]
fn every_kind_of_end_has_its_exit_code_and_its_line() {
    let profile = profile();
    for (line, code, stderr) in [
        (
            &["-p", "/demo error code=500"][..],
            1,
            "Error: API Error: 500",
        ),
        (
            &["-p", "/demo ratelimit retry=180"],
            4,
            "Error: Rate limit exceeded. Retry after 180 seconds.\n",
        ),
        (
            &["-p", "/demo permission tool=Bash command=\"touch x\""],
            3,
            "Error: the agent was not allowed to use Bash\n",
        ),
        (
            &["-p", "/demo ask"],
            3,
            "Error: the agent asked a question and nobody was there to answer\n",
        ),
        (
            &["-p", "/demo crash after=10"],
            1,
            "note: the agent ended with exit code 1",
        ),
        (
            &["-p", "/demo stall secs=60", "--timeout", "1"],
            124,
            "Error: no answer within 1s\n",
        ),
        (&["-p", "x", "--agent", "nope"], 1, "Error: "),
        (
            &["-p", "x", "--resume", "0000"],
            1,
            "Error: there is no session `0000`\n",
        ),
        (
            &["-p", "x", "--cwd", "missing"],
            64,
            "Error: the directory missing does not exist\n",
        ),
        (
            &["-p", "/demo error code=500", "--exit-codes=claude"],
            1,
            "Error: ",
        ),
        (
            &["-p", "/demo ratelimit retry=180", "--exit-codes=claude"],
            1,
            "Error: Rate limit",
        ),
        (
            &[
                "-p",
                "/demo permission tool=Bash command=\"touch x\"",
                "--exit-codes=claude",
            ],
            0,
            "Error: the agent was not",
        ),
    ] {
        let output = profile.betcode(line.iter().copied()).run().expect(code);
        let told = output
            .stderr
            .replace("note: no daemon is running; starting one\n", "");
        assert!(told.starts_with(stderr), "{line:?}: {told}");
    }
    assert!(!profile.work().join("x").exists(), "a denied tool ran");
}

#[test]
fn an_agent_that_is_not_there_is_named() {
    let output = profile()
        .betcode(["-p", "x", "--agent", "nope"])
        .run()
        .expect(1);
    assert!(output.stderr.contains("nope"), "{}", output.stderr);
}

#[test]
fn a_tool_that_is_allowed_really_runs() {
    let profile = profile();
    let prompt = "/demo permission tool=Bash command=\"touch made\"";
    profile
        .betcode(["-p", "--allowed-tools", "Bash", prompt])
        .run()
        .expect(0);
    assert!(profile.work().join("made").exists());
}

#[test]
fn without_a_daemon_and_told_not_to_start_one_the_exit_code_is_two() {
    let profile = profile();
    let output = profile
        .betcode(["-p", "x", "--no-daemon-start"])
        .run()
        .expect(2);
    assert!(
        output.stderr.starts_with("Error: no daemon is running"),
        "{}",
        output.stderr
    );
    assert!(!profile.state_dir().exists());
}

#[test]
fn json_is_one_object_with_the_keys_of_claude_code_and_ours() {
    let profile = profile();
    let id = "0198f0a0-0000-7000-8000-00000000abcd";
    let output = profile
        .betcode([
            "-p",
            "/demo say text=done",
            "--output-format",
            "json",
            "--session-id",
            id,
        ])
        .run()
        .expect(0);
    let result = output.json();
    assert_eq!(
        (&result["type"], &result["subtype"]),
        (&"result".into(), &"success".into())
    );
    assert_eq!(
        (&result["result"], &result["is_error"]),
        (&"done".into(), &false.into())
    );
    assert_eq!(result["session_id"], id);
    for key in [
        "num_turns",
        "duration_ms",
        "usage",
        "total_cost_usd",
        "permission_denials",
        "last_sequence",
    ] {
        assert!(!result[key].is_null(), "{key}");
    }
    let taken = profile
        .betcode(["-p", "x", "--session-id", id])
        .run()
        .expect(1);
    assert!(taken.stderr.contains("exists already"), "{}", taken.stderr);
}

#[test]
fn stream_json_begins_with_init_and_ends_with_the_result() {
    let profile = profile();
    let flags = [
        "--output-format",
        "stream-json",
        "--verbose",
        "--include-partial-messages",
    ];
    let output = profile
        .betcode(["-p", "/demo tool command=pwd"].into_iter().chain(flags))
        .run()
        .expect(0);
    let rows = output.json_lines();
    assert_eq!(
        (&rows[0]["type"], &rows[0]["subtype"]),
        (&"system".into(), &"init".into())
    );
    assert!(!rows[0]["tools"].as_array().unwrap().is_empty());
    assert_eq!(rows.last().unwrap()["type"], "result");
    let of_type = |kind: &str| rows.iter().filter(|row| row["type"] == kind).count();
    assert!(of_type("assistant") >= 2 && of_type("user") == 1 && of_type("stream_event") > 3);
    let sequences: Vec<u64> = rows
        .iter()
        .map(|row| row["sequence"].as_u64().unwrap())
        .collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
}

#[test]
fn pieces_of_what_an_agent_says_anew_after_its_death_are_taken_back() {
    let profile = profile();
    let flags = [
        "--output-format",
        "stream-json",
        "--include-partial-messages",
    ];
    let line = ["-p", "/demo crash after=10 times=1"].into_iter();
    let output = profile.betcode(line.chain(flags)).run().expect(0);
    let rows = output.json_lines();
    let started = |row: &&Value| row["event"]["type"] == "message_start";
    let messages: Vec<&Value> = rows
        .iter()
        .filter(started)
        .map(|row| &row["event"]["message"]["id"])
        .collect();
    let void: Vec<&Value> = rows
        .iter()
        .filter(|row| row["subtype"] == "betcode_pieces_void")
        .collect();
    assert_eq!((messages.len(), void.len()), (2, 1), "{}", output.stdout);
    assert_eq!(&void[0]["message_id"], messages[0]);
    let mut said = rows.iter().filter(|row| row["type"] == "assistant");
    assert!(said.all(|row| row["message"]["id"] == *messages[1]));
}

#[test]
fn stream_json_input_is_answered_line_by_line_up_to_a_bad_one() {
    let profile = profile();
    let message = |text: &str| {
        format!(
            "{{\"type\":\"user\",\"message\":{{\"role\":\"user\",\"content\":\"/demo say text={text}\"}}}}\n"
        )
    };
    let flags = ["-p", "--input-format", "stream-json"];
    let output = profile
        .betcode(flags)
        .stdin(message("one") + &message("two"))
        .run()
        .expect(0);
    assert_eq!(output.stdout, "one\ntwo\n");

    let bad = message("one") + "{\"type\":\"user\"}\n" + &message("never");
    let output = profile.betcode(flags).stdin(bad).run().expect(1);
    assert_eq!(output.stdout, "one\n");
    assert!(
        output
            .stderr
            .contains("Error: line 2 on stdin: a user message has no `message`"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_session_is_continued_resumed_by_a_prefix_and_left_alone_by_others() {
    let profile = profile();
    let id = profile
        .betcode(["-p", "/demo say text=one", "--detach"])
        .run()
        .expect(0)
        .stdout;
    let id = id.trim();
    assert_eq!(
        profile
            .betcode(["-p", "-c", "/demo say text=two"])
            .run()
            .expect(0)
            .stdout,
        "two\n"
    );
    assert_eq!(
        profile
            .betcode(["-p", "-r", &id[..13], "/demo say text=three"])
            .run()
            .expect(0)
            .stdout,
        "three\n"
    );
    let sessions = profile
        .betcode(["session", "list", "--json"])
        .run()
        .expect(0)
        .json();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    assert_eq!(
        (&sessions[0]["id"], &sessions[0]["turns"]),
        (&id.into(), &3.into())
    );
    let elsewhere = profile
        .betcode(["-p", "-c", "/demo say text=new"])
        .directory(profile.home())
        .run()
        .expect(0);
    assert!(
        elsewhere.stderr.contains("no session of this directory"),
        "{}",
        elsewhere.stderr
    );
}

#[test]
fn long_lines_and_unknown_messages_of_an_agent_do_no_harm() {
    let profile = profile();
    let output = profile
        .betcode(["-p", "/demo line bytes=5000000"])
        .run()
        .expect(0);
    assert!(output.stdout.len() >= 5_000_000);
    profile.betcode(["-p", "/demo unknown"]).run().expect(0);
}

#[test]
fn the_tour_runs_to_its_end_and_cleans_up() {
    let profile = profile();
    let output = profile
        .betcode(["demo"])
        .env("TMPDIR", profile.home())
        .run()
        .expect(0);
    assert!(output.stdout.contains("6. "), "{}", output.stdout);
    assert_eq!(std::fs::read_dir(profile.home()).unwrap().count(), 0);
}

#[test]
fn a_long_tool_output_is_a_preview_in_the_log_and_whole_on_demand() {
    let profile = profile();
    let prompt = "/demo tool command=\"head -c 200000 /dev/zero | tr '\\\\0' x\"";
    profile.betcode(["-p", prompt]).run().expect(0);
    let sessions = profile
        .betcode(["session", "list", "--json"])
        .run()
        .expect(0)
        .json();
    let id = sessions[0]["id"].as_str().unwrap().to_owned();
    let events = profile
        .betcode(["session", "events", &id])
        .run()
        .expect(0)
        .json_lines();
    let result = events
        .iter()
        .find(|event| event["type"] == "tool_call_result")
        .unwrap();
    assert_eq!(result["previews"][0]["field"], "output", "{result}");
    let size = result["previews"][0]["size"].as_u64().unwrap();
    assert!(result["output"].as_str().unwrap().len() < 70_000);
    let sequence = result["sequence"].to_string();
    let whole = profile
        .betcode(["session", "payload", &id, &sequence, "output"])
        .run()
        .expect(0);
    assert_eq!(whole.stdout.len() as u64, size);
    assert!(
        whole.stdout.trim_end().bytes().all(|byte| byte == b'x'),
        "it is the tool's output"
    );
    let none = profile
        .betcode(["session", "payload", &id, &sequence, "nonsense"])
        .run()
        .expect(1);
    assert!(none.stderr.starts_with("Error: event "), "{}", none.stderr);
}

#[test]
fn stream_json_has_long_inputs_outputs_and_results_whole() {
    let profile = profile();
    let long = "y".repeat(100_000);
    let prompt = format!("/demo tool command=\"echo {long}\"");
    let run = profile.betcode(["-p", "--output-format", "stream-json"]);
    let lines = run.stdin(prompt).run().expect(0).json_lines();
    let block = |kind: &str| {
        let mut blocks = lines.iter().map(|line| &line["message"]["content"][0]);
        blocks.find(|block| block["type"] == kind).unwrap()
    };
    let call = block("tool_use");
    assert_eq!(call["input"]["command"], format!("echo {long}"));
    assert_eq!(
        block("tool_result")["content"].as_str().unwrap().trim_end(),
        long
    );

    let prompt = format!("/demo say text=\"{long}\"");
    let run = profile.betcode(["-p", "--output-format", "json"]);
    let result = run.stdin(prompt).run().expect(0).json();
    let said = result["result"].as_str().unwrap();
    assert!(said.contains(&long), "{} bytes", said.len());
}

#[test]
fn a_session_is_resumed_by_its_title_and_the_last_words_are_written_into_a_file() {
    let profile = profile();
    profile
        .betcode(["-p", "-n", "the long one", "/demo say text=first"])
        .run()
        .expect(0);
    let output = profile
        .betcode([
            "-p",
            "-r",
            "the long one",
            "-o",
            "words",
            "/demo say text=second",
        ])
        .run()
        .expect(0);
    assert_eq!(output.stdout, "second\n");
    let words = std::fs::read_to_string(profile.work().join("words")).unwrap();
    assert_eq!(words, "second");
    let listed = profile
        .betcode(["session", "list", "--json"])
        .run()
        .expect(0);
    assert_eq!(listed.json().as_array().unwrap().len(), 1);
    let output = profile
        .betcode(["-p", "-r", "another", "/demo say text=x"])
        .run()
        .expect(1);
    assert!(output.stderr.contains("there is no session `another`"));
    profile
        .betcode(["-p", "-o", "no/such/place", "/demo say text=x"])
        .run()
        .expect(64);
}

#[test]
fn the_last_words_go_to_a_pipe_that_is_read_and_a_pipe_that_nobody_reads_is_refused_at_once() {
    let profile = profile();
    let program = profile.program().display();
    let refused = format!("mkfifo pipe; {program} -p -o pipe '/demo say text=x'; echo $?");
    let output = profile.shell(&refused).run().expect(0);
    assert_eq!(output.stdout, "64\n");
    assert!(
        output.stderr.contains("nobody reads the pipe pipe"),
        "{}",
        output.stderr
    );
    // The second answer is the last one, however many turns there are.
    let line = |text: &str| {
        format!(
            r#"{{"type":"user","message":{{"role":"user","content":"/demo say text={text}"}}}}"#
        )
    };
    let read = format!(
        "cat pipe >words & exec 9>pipe
        printf '%s\\n' '{}' '{}' | {program} -p --input-format stream-json -o pipe
        exec 9>&-; wait; cat words",
        line("one"),
        line("two")
    );
    let output = profile.shell(&read).run().expect(0);
    assert_eq!(output.stdout, "one\ntwo\ntwo");
}

#[test]
fn a_program_that_drives_the_agent_is_asked_on_stdout_and_answers_on_stdin() {
    let profile = profile();
    let first = r#"{"type":"control_request","request_id":"i","request":{"subtype":"initialize"}}"#;
    // The driver is shown all of it: it may give back a changed one.
    let command = format!("touch x; : {}", "y".repeat(100_000));
    let prompt = format!("/demo permission tool=Bash command=\"{command}\"");
    let prompt =
        serde_json::json!({"type": "user", "message": {"role": "user", "content": prompt}});
    std::fs::write(profile.work().join("prompt"), format!("{prompt}\n")).unwrap();
    let allow = r#"{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{"behavior":"allow"}}}"#;
    let program = profile.program().display();
    // The answer is given once it is asked for; the program must not hold the other end of its own stdin.
    let script = format!(
        r#"mkfifo in; exec 3<>in
        {program} -p --agent demo --input-format stream-json --output-format stream-json \
            --permission-prompt-tool stdio <in >out 3>&- & pid=$!
        (echo '{first}'; cat prompt) >&3
        until grep -q '"type":"control_request"' out; do sleep 0.05; done
        id=$(grep '"type":"control_request"' out | sed 's/.*"request_id":"\([^"]*\)".*/\1/')
        printf '{allow}\n' "$id" >&3
        until grep -q '"type":"result"' out; do sleep 0.05; done
        exec 3>&-; wait $pid; echo ended $?; cat out"#
    );
    let output = profile.shell(&script).run().expect(0);
    let told = &output.stdout;
    assert!(told.starts_with("ended 0\n"), "{told}");
    let rows: Vec<Value> = told
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| rows.iter().filter(move |row| row["type"] == kind).count();
    assert_eq!(
        (of("control_request"), of("control_cancel_request")),
        (1, 0)
    );
    let asked = rows.iter().find(|row| row["type"] == "control_request");
    assert_eq!(asked.unwrap()["request"]["input"]["command"], command);
    let answer = rows.first().unwrap();
    assert_eq!(answer["type"], "control_response");
    assert_eq!(answer["response"]["request_id"], "i");
    let result = rows.last().unwrap();
    assert_eq!(result["permission_denials"], serde_json::json!([]));
}
