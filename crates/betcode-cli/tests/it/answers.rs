//! Requests of agents, answered from another terminal: what runs then, what is told, what is on record.

use std::time::Duration;

use betcode_testkit::{Profile, Running, wait_until};
use serde_json::Value;

use crate::profile;

const SOON: Duration = Duration::from_secs(30);

/// A run that waits for somebody.
fn waiting(profile: &Profile, prompt: &str) -> Running {
    profile
        .betcode(["-p", "--wait-for-permissions", prompt])
        .spawn()
}

/// What waits, once something does.
fn pending(profile: &Profile, command: &str) -> Value {
    wait_until(SOON, "a request waits", || {
        let rows = profile.betcode([command, "list", "--json"]).run().expect(0);
        rows.json().get(0).cloned()
    })
}

#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

fn touch(file: &str) -> String {
    format!("/demo permission tool=Bash command=\"touch {file}\"")
}

#[test]
fn a_run_that_waits_says_what_for_and_goes_on_when_somebody_allows_it() {
    let profile = profile();
    let run = waiting(&profile, &touch("made"));
    let request = pending(&profile, "permission");
    assert_eq!(
        (
            &request["tool"],
            &request["state"],
            &request["input"]["command"]
        ),
        (&"Bash".into(), &"pending".into(), &"touch made".into())
    );
    for key in ["session_id", "description", "expires_at"] {
        assert!(request[key].is_string(), "{request}");
    }
    let id = id(&request);
    let shown = profile.betcode(["permission", "show", &id[..8]]).run();
    assert!(shown.expect(0).stdout.contains("\n  command: touch made\n"));
    assert!(!profile.work().join("made").exists());

    let allowed = profile
        .betcode(["permission", "allow", &id[..8]])
        .run()
        .expect(0);
    assert_eq!(allowed.stdout, "Bash (touch made) is allowed\n");
    let output = run.wait(SOON).expect(0);
    assert!(profile.work().join("made").exists());
    let waits = format!(
        "note: waiting for permission to use Bash (touch made): betcode permission allow {id}\n"
    );
    assert_eq!(
        output.stderr.matches(&waits).count(),
        1,
        "{}",
        output.stderr
    );
    assert!(
        output
            .stderr
            .contains("note: Bash (touch made) was allowed by betcode permission ("),
        "{}",
        output.stderr
    );
    let empty = profile.betcode(["permission", "list"]).run().expect(0);
    assert_eq!(
        (empty.stdout.as_str(), empty.stderr.as_str()),
        ("", "no agent asks for permission\n")
    );
}

#[test]
fn the_same_answer_again_is_told_so_and_a_different_one_is_refused_with_who_decided() {
    let profile = profile();
    let run = waiting(&profile, &touch("made"));
    let request = pending(&profile, "permission");
    let id = id(&request);
    profile.betcode(["permission", "allow", id]).run().expect(0);
    let again = profile.betcode(["permission", "allow", id]).run().expect(0);
    assert!(
        again
            .stdout
            .starts_with("Bash (touch made) was already allowed, by betcode permission ("),
        "{}",
        again.stdout
    );
    let other = profile
        .betcode(["permission", "deny", id, "--json"])
        .run()
        .expect(1);
    let error = &other.json()["error"];
    assert_eq!(
        (&error["code"], &error["reason"]),
        (&"FAILED_PRECONDITION".into(), &"REQUEST_ENDED".into())
    );
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("allowed by betcode permission ("),
        "{message}"
    );
    run.wait(SOON).expect(0);
}

#[test]
fn always_writes_one_rule_and_a_trusted_directory_is_not_asked_again() {
    let profile = profile();
    let run = waiting(&profile, &touch("made"));
    let request = pending(&profile, "permission");
    let id = id(&request);
    let allowed = profile
        .betcode(["permission", "allow", id, "--always"])
        .run()
        .expect(0);
    let file = profile.work().join(".betcode/config.local.toml");
    assert_eq!(
        allowed.stdout,
        format!(
            "Bash (touch made) is allowed from now on\nrule Bash(touch made) is written to {}\n",
            file.display()
        )
    );
    assert!(
        allowed
            .stderr
            .starts_with("hint: the rule counts in this session; in later ones once the directory is trusted: betcode trust "),
        "{}",
        allowed.stderr
    );
    run.wait(SOON).expect(0);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("Bash(").count(), 1, "{text}");
    let session = request["session_id"].as_str().unwrap();
    let log = profile.betcode(["session", "events", session]).run();
    let log = log.expect(0).stdout;
    let written = log.lines().find(|line| line.contains("rules_written"));
    let written: Value = serde_json::from_str(written.unwrap()).unwrap();
    assert_eq!(written["untrusted"], true, "{written}");

    profile.betcode(["-p", &touch("made")]).run().expect(3);
    profile.betcode(["trust"]).run().expect(0);
    profile.betcode(["-p", &touch("made")]).run().expect(0);
    profile.betcode(["-p", &touch("other")]).run().expect(3);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn edited_input_is_what_runs() {
    let profile = profile();
    let run = waiting(&profile, &touch("made"));
    let request = pending(&profile, "permission");
    let id = id(&request);
    for (input, what) in [("[]", "holds no JSON object"), ("{", "is not JSON")] {
        let refused = profile
            .betcode(["permission", "allow", id, "--edit", "-"])
            .stdin(input)
            .run()
            .expect(1);
        assert!(refused.stderr.contains(what), "{}", refused.stderr);
    }
    std::fs::write(
        profile.work().join("input.json"),
        r#"{"command": "touch edited"}"#,
    )
    .unwrap();
    let allowed = profile
        .betcode(["permission", "allow", id, "--edit", "input.json", "--json"])
        .run()
        .expect(0);
    assert_eq!(allowed.json()["state"], "allowed");
    run.wait(SOON).expect(0);
    assert!(profile.work().join("edited").exists());
    assert!(!profile.work().join("made").exists());
}

#[test]
fn a_deny_message_reaches_the_agent_and_the_run_ends_with_three() {
    let profile = profile();
    let run = profile
        .betcode([
            "-p",
            "--wait-for-permissions=1h",
            "--output-format",
            "json",
            &touch("made"),
        ])
        .spawn();
    let request = pending(&profile, "permission");
    let denied = profile
        .betcode([
            "permission",
            "deny",
            id(&request),
            "--message",
            "use a broom",
        ])
        .run()
        .expect(0);
    assert_eq!(denied.stdout, "Bash (touch made) is denied\n");
    let result = run.wait(SOON).expect(3).json();
    assert!(
        result["result"].as_str().unwrap().contains("use a broom"),
        "{result}"
    );
    let denials = result["permission_denials"].as_array().unwrap();
    assert_eq!(denials.len(), 1, "{result}");
    assert_eq!(denials[0]["tool_input"]["command"], "touch made");
    assert!(!profile.work().join("made").exists());
}

#[test]
fn a_request_that_nobody_answers_in_time_is_denied_and_the_run_goes_on() {
    let profile = profile();
    let output = profile
        .betcode(["-p", "--wait-for-permissions=1s", &touch("made")])
        .run()
        .expect(3);
    assert!(
        output
            .stderr
            .contains("note: Bash (touch made) was not answered in time, and so denied"),
        "{}",
        output.stderr
    );
    assert!(
        !output.stdout.is_empty(),
        "the run ended before the agent had its say"
    );
    assert!(!profile.work().join("made").exists());
}

#[test]
fn a_question_is_shown_with_numbers_and_answered_by_labels() {
    let profile = profile();
    let run = waiting(&profile, "/demo ask n=2");
    let question = pending(&profile, "question");
    assert_eq!(question["questions"].as_array().unwrap().len(), 2);
    assert_eq!(question["plan"], Value::Null);
    let id = id(&question);
    let shown = profile.betcode(["question", "show", id]).run().expect(0);
    assert!(
        shown.stdout.contains("1. Which colour") && shown.stdout.contains("2. Which platforms?"),
        "{}",
        shown.stdout
    );
    let wrong = profile
        .betcode(["question", "answer", id, "--answer", "1=green"])
        .run()
        .expect(64);
    assert_eq!(
        wrong.stderr.lines().next(),
        Some("Error: question 1: `green` is none of its options: Red · Blue")
    );
    let answered = profile
        .betcode([
            "question",
            "answer",
            id,
            "--answer",
            "1=red",
            "--answer",
            "2=linux,mac",
            "--text",
            "2=and toasters",
        ])
        .run()
        .expect(0);
    assert_eq!(answered.stdout, "the question is answered\n");
    let output = run.wait(SOON).expect(0);
    for part in ["Red", "Linux", "macOS", "and toasters"] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
}

#[test]
fn a_plan_is_approved_or_declined() {
    let profile = profile();
    for (flag, code, told) in [
        ("--approve", 0, "the plan is approved\n"),
        ("--decline", 3, "the plan is not approved\n"),
    ] {
        let run = waiting(&profile, "/demo plan");
        let question = pending(&profile, "question");
        assert!(question["plan"].is_string(), "{question}");
        let answered = profile
            .betcode(["question", "answer", id(&question), flag])
            .run()
            .expect(0);
        assert_eq!(answered.stdout, told);
        run.wait(SOON).expect(code);
    }
}

#[test]
fn a_question_that_nobody_answers_is_among_the_denials() {
    let profile = profile();
    let output = profile
        .betcode(["-p", "/demo ask", "--output-format", "json"])
        .run()
        .expect(3);
    let result = output.json();
    let denials = result["permission_denials"].as_array().unwrap();
    assert_eq!(denials.len(), 1, "{result}");
    assert_eq!(denials[0]["tool_name"], "AskUserQuestion");
    assert_eq!(result["error"]["reason"], "QUESTION_NOT_ANSWERED");
}

#[test]
fn every_decision_is_on_record_newest_first() {
    let profile = profile();
    profile.betcode(["-p", &touch("denied")]).run().expect(3);
    profile
        .betcode(["-p", "--allowed-tools", "Bash", &touch("allowed")])
        .run()
        .expect(0);
    let run = waiting(&profile, &touch("asked"));
    let request = pending(&profile, "permission");
    profile
        .betcode(["permission", "allow", id(&request)])
        .run()
        .expect(0);
    run.wait(SOON).expect(0);

    let rows = profile.betcode(["audit", "--json"]).run().expect(0).json();
    let rows = rows.as_array().unwrap();
    let outcomes: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["outcome"].as_str().unwrap(),
                row["tool"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        outcomes,
        [("allowed", "Bash"), ("allowed", "Bash"), ("denied", "Bash")]
    );
    assert!(
        rows[0]["by"]
            .as_str()
            .unwrap()
            .starts_with("betcode permission (")
    );
    assert_eq!(rows[1]["by"], "Bash (--allowed-tools)");
    assert!(
        rows[0]["input_preview"]
            .as_str()
            .unwrap()
            .contains("touch asked")
    );
    assert_eq!(rows[0]["input_sha256"].as_str().unwrap().len(), 64);

    let session = rows[1]["session_id"].as_str().unwrap();
    let own = profile
        .betcode(["audit", "--json", "--session", session])
        .run()
        .expect(0);
    assert_eq!(own.json().as_array().unwrap().len(), 1);
    let newest = profile
        .betcode(["audit", "--json", "--limit", "2"])
        .run()
        .expect(0);
    assert_eq!(newest.json().as_array().unwrap().as_slice(), &rows[..2]);
    let table = profile.betcode(["audit"]).run().expect(0).stdout;
    assert_eq!(table.lines().count(), 4, "{table}");
}

#[test]
fn an_id_that_names_nothing_is_answered_with_the_nearest_one() {
    let profile = profile();
    profile.betcode(["-p", &touch("made")]).run().expect(3);
    let rows = profile
        .betcode(["permission", "list", "--all", "--json"])
        .run()
        .expect(0)
        .json();
    let id = id(&rows[0]).to_owned();
    let slip = format!("{}zz", &id[..6]);
    let output = profile
        .betcode(["permission", "show", &slip])
        .run()
        .expect(1);
    assert_eq!(
        output.stderr,
        format!("Error: there is no request for permission `{slip}`\nhint: did you mean {id}?\n")
    );
    let output = profile.betcode(["question", "show", &id]).run().expect(1);
    assert_eq!(
        output.stderr,
        format!(
            "Error: `{id}` is a request for permission, not a question\nhint: betcode permission show {id}\n"
        )
    );
}

#[test]
fn from_inside_an_agent_nothing_is_answered_and_no_setting_changes() {
    let profile = profile();
    let run = waiting(&profile, &touch("made"));
    let request = pending(&profile, "permission");
    let id = id(&request);
    let program = profile.program().display().to_string();
    let elsewhere = profile.home().join("other");
    // In a script, because rules see through a command that names our directories.
    std::fs::write(
        profile.work().join("elsewhere.sh"),
        format!(
            "BETCODE_STATE_DIR={} BETCODE_CONFIG_DIR={} {program} config set model x",
            elsewhere.display(),
            profile.config_dir().display()
        ),
    )
    .unwrap();
    for (command, refused) in [
        (
            format!("{program} permission allow {id}"),
            "an agent may not answer requests",
        ),
        (
            format!("setsid {program} permission deny {id}"),
            "an agent may not answer requests",
        ),
        (
            format!("{program} config set permissions.answer_without_lock true"),
            "an agent may not change settings",
        ),
        (
            // Another state directory does not make it another process.
            "sh elsewhere.sh".to_owned(),
            "an agent may not change settings",
        ),
    ] {
        let prompt = format!("/demo tool command=\"{command} 2>&1\"");
        let output = profile
            .betcode([
                "-p",
                "--allowed-tools",
                "Bash",
                "--output-format",
                "events",
                &prompt,
            ])
            .run();
        assert!(
            output.stdout.contains(refused),
            "{command}: {}",
            output.stdout
        );
    }
    assert_eq!(
        profile
            .betcode(["permission", "list", "--json"])
            .run()
            .expect(0)
            .json()[0]["state"],
        "pending"
    );
    assert!(!profile.config_dir().join("config.toml").exists());

    // From here it works.
    profile.betcode(["permission", "allow", id]).run().expect(0);
    run.wait(SOON).expect(0);
    profile
        .betcode(["config", "set", "model", "x"])
        .run()
        .expect(0);
}
