//! What each scenario promises beyond its shape.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::agent::{Agent, PATIENCE, deltas, of_type};
use crate::shape::assert_nothing_invented;

#[expect(clippy::disallowed_methods, reason = "this test measures real time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this test compares with the real time"
)]
fn micros() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_micros()
}

#[test]
fn a_flood_is_numbered_and_of_the_size_that_was_asked_for() {
    let mut agent = Agent::start();
    let lines = agent.play("/demo flood n=20000 size=20");
    let texts = deltas(&lines);
    assert_eq!(texts.len(), 20_000);
    for (index, text) in texts.iter().enumerate() {
        assert_eq!(text.len(), 20, "{text:?}");
        assert_eq!(text[..8].trim().parse(), Ok(index + 1));
        assert!(text.ends_with(".\n"));
    }
    let whole = of_type(&lines, "assistant")[0]["message"]["content"][0]["text"]
        .as_str()
        .unwrap();
    assert_eq!(whole, texts.concat());
    assert_eq!(lines.last().unwrap()["result"], whole);
    assert_nothing_invented(&lines);
    let mut uuids: Vec<_> = lines
        .iter()
        .filter_map(|line| line["uuid"].as_str())
        .collect();
    let all = uuids.len();
    uuids.sort_unstable();
    uuids.dedup();
    assert_eq!(uuids.len(), all, "uuids are unique");
}

#[test]
fn help_lists_every_scenario_and_is_no_error() {
    let mut agent = Agent::start();
    let lines = agent.play("/demo help");
    let result = lines.last().unwrap();
    assert_eq!(result["is_error"], false, "{result}");
    let said = result["result"].as_str().unwrap();
    for scenario in ["help", "say", "flood", "permission", "crash"] {
        let line = format!("\n/demo {scenario} ");
        assert!(said.contains(&line), "{scenario}: {said}");
    }
}

#[test]
fn in_a_mixed_flood_no_two_neighbours_are_of_one_kind() {
    let mut agent = Agent::start();
    let lines = agent.play("/demo flood n=100 size=20 mixed=1");
    let pieces: Vec<_> = lines
        .iter()
        .map(|line| &line["event"]["delta"])
        .filter(|delta| delta["text"].is_string() || delta["thinking"].is_string())
        .collect();
    assert_eq!(pieces.len(), 100);
    for (index, piece) in pieces.iter().enumerate() {
        let text = piece[if index % 2 == 0 { "text" } else { "thinking" }].as_str();
        let number = text.map(|text| text[..8].trim().parse());
        assert_eq!(number, Some(Ok(index + 1)), "{piece}");
    }
    assert_eq!(lines.last().unwrap()["result"], deltas(&lines).concat());
}

#[test]
fn a_small_flood_keeps_the_last_digits() {
    let mut agent = Agent::start();
    for (size, last) in [
        (1, "\n"),
        (2, "2\n"),
        (4, " 12\n"),
        (9, "      12\n"),
        (10, "      12 \n"),
    ] {
        let lines = agent.play(&format!("/demo flood n=12 size={size}"));
        assert_eq!(deltas(&lines).last().copied(), Some(last));
    }
}

#[test]
fn a_paced_flood_takes_its_time_and_stamps_its_deltas() {
    let (started, began) = (now(), micros());
    let mut agent = Agent::start();
    let lines = agent.play("/demo flood n=101 rate=200 size=30 stamp=1");
    assert!(
        started.elapsed() >= Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
    let mut last = began;
    for text in deltas(&lines) {
        let (stamp, rest) = text[1..].split_once('@').unwrap();
        let stamp: u128 = stamp.parse().unwrap();
        assert!(stamp >= last && stamp <= micros());
        assert_eq!(rest.len(), 30);
        last = stamp;
    }
    assert!(
        last - began >= 500_000,
        "the last delta is due after half a second"
    );
}

#[test]
fn counting_goes_on_in_the_next_turn() {
    let mut agent = Agent::start();
    let mut texts = String::new();
    for _ in 0..3 {
        texts.push_str(&deltas(&agent.play("/demo count n=50")).concat());
    }
    let numbers: Vec<u64> = texts.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(numbers, (1..=150).collect::<Vec<_>>());
    assert!(texts.ends_with("150\n"));
}

#[test]
fn numbers_are_counted_so_many_in_a_line() {
    let mut agent = Agent::start();
    let text = deltas(&agent.play("/demo count n=5 row=2")).concat();
    assert_eq!(text, "1 2\n3 4\n5 ");
}

#[test]
fn counting_leaves_no_number_out_when_it_is_interrupted() {
    let mut agent = Agent::start();
    agent.prompt("/demo count n=1000000 rate=500");
    let mut lines = agent.until_text();
    agent.control(&json!({"subtype": "interrupt"}));
    lines.extend(agent.until_result());
    assert_eq!(
        lines.last().unwrap()["terminal_reason"],
        "aborted_streaming"
    );
    lines.extend(agent.play("/demo count n=5"));
    let texts = deltas(&lines).concat();
    let numbers: Vec<u64> = texts.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn any_other_prompt_gets_a_guide_that_lists_the_directory() {
    let mut agent = Agent::start();
    std::fs::write(agent.directory.path().join("here-i-am"), "").unwrap();
    let lines = agent.play("What is the meaning of life?");
    let result = lines.last().unwrap();
    assert!(
        result["result"].as_str().unwrap().contains("here-i-am"),
        "{result}"
    );
    assert_eq!(result["is_error"], false);
    assert_nothing_invented(&lines);
}

#[test]
fn a_tool_really_runs_in_the_working_directory() {
    let mut agent = Agent::start();
    let lines = agent.play("/demo tool command=\"pwd; echo trouble >&2\"");
    let result = of_type(&lines, "user")[0];
    let directory = agent.directory.path().canonicalize().unwrap();
    assert_eq!(
        result["tool_use_result"]["stdout"],
        directory.to_str().unwrap()
    );
    assert_eq!(result["tool_use_result"]["stderr"], "trouble");
    assert_nothing_invented(&lines);

    let lines = agent.play("/demo tool command=\"echo no; exit 3\"");
    let block = &of_type(&lines, "user")[0]["message"]["content"][0];
    assert_eq!(
        (&block["content"], &block["is_error"]),
        (&json!("Exit code 3\nno"), &json!(true))
    );
}

/// Starts a tool that waits for a process of its own, and returns that process's id.
#[cfg(unix)]
fn start_waiting(agent: &mut Agent) -> String {
    agent.prompt("/demo tool command=\"sleep 1000 & echo $! > pid.new; mv pid.new pid; wait\"");
    let file = agent.directory.path().join("pid");
    poll(|| std::fs::read_to_string(&file).ok())
}

/// Waits until a process is gone, where that can be seen.
#[cfg(unix)]
fn await_gone(pid: &str) {
    if std::path::Path::new("/proc/self/stat").exists() {
        poll(|| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            // A zombie that nobody has collected yet is dead as well.
            stat.map_or(true, |stat| stat.contains(") Z")).then_some(())
        });
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_kills_all_that_a_tool_has_started() {
    let mut agent = Agent::start();
    let pid = start_waiting(&mut agent);
    agent.control(&json!({"subtype": "interrupt"}));
    let lines = agent.until_result();
    assert_eq!(lines.last().unwrap()["terminal_reason"], "aborted_tools");
    assert_nothing_invented(&lines);
    await_gone(&pid);
    assert_eq!(agent.play("/demo say").last().unwrap()["is_error"], false);
}

#[cfg(unix)]
#[test]
fn an_agent_that_dies_of_its_input_takes_its_tool_along() {
    let mut agent = Agent::start();
    let pid = start_waiting(&mut agent);
    agent.send_raw("this is not json\n");
    assert_eq!(agent.finish().1, Some(1));
    await_gone(&pid);
}

/// Asks until there is an answer.
pub(crate) fn poll<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(now() < deadline, "it never happened");
        std::thread::yield_now();
    }
}

#[test]
fn a_denial_that_interrupts_ends_the_turn() {
    let mut agent = Agent::start();
    agent.prompt("/demo permission command=\"touch x\"");
    let asked = agent.until_question();
    let answer = json!({"behavior": "deny", "message": "no", "interrupt": true});
    agent.answer(asked.last().unwrap(), &answer);
    let result = agent.until_result().pop().unwrap();
    assert_eq!(result["subtype"], "error_during_execution");
    assert_eq!(result["terminal_reason"], "aborted_tools");
    assert_eq!(result["permission_denials"][0]["tool_name"], "Bash");
}

#[test]
fn files_are_made_and_lines_are_added() {
    let mut agent = Agent::start();
    for text in ["one", "two", "two", "three"] {
        let lines = agent.play(&format!("/demo edit file=notes.txt text={text}"));
        assert_eq!(lines.last().unwrap()["is_error"], false);
        assert_nothing_invented(&lines);
    }
    let file = agent.directory.path().join("notes.txt");
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        "one\ntwo\ntwo\nthree\n"
    );
    agent.prompt("/demo permission tool=Edit file=notes.txt text=four");
    let question = agent.until_question().pop().unwrap();
    assert_eq!(question["request"]["tool_name"], "Edit");
    assert_eq!(question["request"]["description"], "notes.txt");
}

#[test]
fn a_plan_is_asked_for_and_leaves_the_mode_of_planning() {
    let mut agent = Agent::start_with(&["--permission-mode", "plan"], &[]);
    agent.prompt("/demo plan");
    let question = agent.until_question().pop().unwrap();
    assert_eq!(question["request"]["tool_name"], "ExitPlanMode");
    let update = json!([{"type": "setMode", "mode": "acceptEdits", "destination": "session"}]);
    agent.answer(
        &question,
        &json!({"behavior": "allow", "updatedPermissions": update}),
    );
    let lines = agent.until_result();
    let modes: Vec<_> = lines
        .iter()
        .filter_map(|line| line["permissionMode"].as_str())
        .collect();
    assert_eq!(modes, ["acceptEdits"]);
}

#[test]
fn a_long_line_is_one_line() {
    let mut agent = Agent::start();
    agent.prompt("/demo line bytes=5000000");
    let lengths: Vec<_> = std::iter::from_fn(|| agent.next_text())
        .map(|line| (line.len(), line.contains("\"type\":\"result\"")))
        .take_while(|(_, result)| !result)
        .map(|(length, _)| length)
        .collect();
    assert_eq!(
        lengths.len(),
        3,
        "init, status, and the message without deltas"
    );
    assert!(lengths[2] >= 5_000_000, "{lengths:?}");
}

#[test]
fn strange_lines_come_in_mid_turn() {
    let mut agent = Agent::start();
    let lines = agent.play("/demo unknown garbage=1");
    assert_eq!(of_type(&lines, "hologram").len(), 1);
    let garbage: Vec<_> = lines.iter().filter(|line| line.is_string()).collect();
    assert_eq!(garbage, [&Value::from("%% this line is not JSON {")]);
    assert_eq!(
        lines.last().unwrap()["result"],
        "Now comes a message that nobody knows."
    );
    assert!(agent.play("/demo unknown").iter().all(Value::is_object));
}

#[test]
fn a_crash_comes_in_mid_stream() {
    let mut agent = Agent::start();
    agent.prompt("/demo crash after=100");
    let (lines, code, _) = agent.finish();
    assert_eq!(deltas(&lines).len(), 100);
    assert_eq!((of_type(&lines, "result").len(), code), (0, Some(1)));
}

#[test]
fn a_stall_goes_on_afterwards() {
    let mut agent = Agent::start();
    let result = agent.play("/demo stall secs=0").pop().unwrap();
    assert_eq!(
        result["result"],
        "I'll be quiet for a while … and here I am again."
    );
}

#[test]
fn what_cannot_be_played_fails_and_lists_what_can() {
    let mut agent = Agent::start();
    for prompt in [
        "/demo",
        "/demo nonsense",
        "/demo say colour=red",
        "/demo flood n=many",
        "/demo flood size=0",
        "/demo say text=\"open",
        "/demo permission tool=Hammer",
        "/demo error code=200",
        "/demo unknown garbage=perhaps",
    ] {
        let lines = agent.play(prompt);
        let result = lines.last().unwrap();
        assert_eq!(result["is_error"], true, "{prompt}");
        assert!(
            result["result"]
                .as_str()
                .unwrap()
                .contains("/demo flood n="),
            "{prompt}"
        );
        assert_nothing_invented(&lines);
    }
}
