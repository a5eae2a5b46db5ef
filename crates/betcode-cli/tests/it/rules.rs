//! Permission rules: what they say before anything runs, where they come from, and what then happens.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use betcode_core::command::{Action, PermissionAnswer};
use betcode_core::event::{ClientKind, EventBody, PermissionOutcome, PermissionScope};
use betcode_testkit::{Profile, wait_until};
use serde_json::{Value, json};

use crate::people::{Seated, block_on, message, person};
use crate::profile;

const SOON: Duration = Duration::from_secs(30);

fn write(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// Claude Code's settings with these rules, each on a line of its own: allow from line 3, deny after that.
fn claude(allow: &[&str], deny: &[&str]) -> String {
    let settings = json!({"permissions": {"allow": allow, "deny": deny}});
    serde_json::to_string_pretty(&settings).unwrap()
}

/// A user with rules in every layer.
fn everywhere() -> Profile {
    let profile = profile();
    let work = profile.work();
    write(
        &profile.home().join(".claude/settings.json"),
        &claude(&["Bash(make *)"], &["Bash(curl *)"]),
    );
    write(
        &profile.config_dir().join("config.toml"),
        "[permissions]\nallow = [\"Bash(touch *)\"]\nask = [\"Bash(touch user)\"]\n",
    );
    write(
        &work.join(".claude/settings.json"),
        &claude(&["Bash(touch user)"], &["Bash(wget *)"]),
    );
    write(
        &work.join(".claude/settings.local.json"),
        &claude(&["Edit(src/**)"], &[]),
    );
    write(
        &work.join(".betcode/config.toml"),
        "[permissions]\ndeny = [\"Read(.env)\"]\n",
    );
    write(
        &work.join(".betcode/config.local.toml"),
        "[permissions]\nallow = [\"Bash(wget *)\"]\n",
    );
    profile
}

fn test(profile: &Profile, call: &str) -> Value {
    let output = profile.betcode(["rules", "test", "--json", call]).run();
    output.expect(0).json()
}

/// What is decided, by which rule, and in which file on which line that stands.
fn told(verdict: &Value) -> (String, String, String) {
    let text = |key: &str| verdict[key].as_str().unwrap_or("-").to_owned();
    let file = text("file");
    let file = file.rsplit('/').take(2).collect::<Vec<_>>();
    let file = file.into_iter().rev().collect::<Vec<_>>().join("/");
    let line = verdict["line"].as_u64().unwrap_or(0);
    (text("decision"), text("rule"), format!("{file}:{line}"))
}

#[test]
fn a_call_is_decided_by_the_rule_of_the_layer_that_counts() {
    let profile = everywhere();
    profile.betcode(["trust"]).run().expect(0);
    for (call, decision, rule, place) in [
        (
            "Bash(make all)",
            "allow",
            "Bash(make *)",
            ".claude/settings.json:4",
        ),
        (
            "Bash(curl x)",
            "deny",
            "Bash(curl *)",
            ".claude/settings.json:7",
        ),
        (
            "Bash(touch x)",
            "allow",
            "Bash(touch *)",
            "config/config.toml:2",
        ),
        // The project is nearer than the user.
        (
            "Bash(touch user)",
            "allow",
            "Bash(touch user)",
            ".claude/settings.json:4",
        ),
        // A deny wins over what is nearer.
        (
            "Bash(wget x)",
            "deny",
            "Bash(wget *)",
            ".claude/settings.json:7",
        ),
        (
            "Edit(src/a.ts)",
            "allow",
            "Edit(src/**)",
            ".claude/settings.local.json:4",
        ),
        ("Read(.env)", "deny", "Read(.env)", ".betcode/config.toml:2"),
        (
            "Bash(touch x; curl y)",
            "deny",
            "Bash(curl *)",
            ".claude/settings.json:7",
        ),
        ("Bash(rm x)", "ask", "-", "-:0"),
        ("Bash(ls)", "allow", "-", "-:0"),
    ] {
        let verdict = test(&profile, call);
        assert_eq!(
            told(&verdict),
            (decision.to_owned(), rule.to_owned(), place.to_owned()),
            "{verdict}"
        );
        assert!(!verdict["reason"].as_str().unwrap().is_empty(), "{verdict}");
        assert_eq!(verdict["call"], call);
    }
    let parts = test(&profile, "Bash(touch x && rm y)");
    assert_eq!(parts["proposed"], json!(["Bash(rm y)"]), "{parts}");
    assert_eq!(parts["parts"].as_array().unwrap().len(), 2, "{parts}");
}

#[test]
fn of_a_directory_that_is_not_trusted_what_denies_counts_and_what_allows_does_not() {
    let profile = everywhere();
    assert_eq!(test(&profile, "Edit(src/a.ts)")["decision"], "ask");
    assert_eq!(test(&profile, "Bash(touch user)")["decision"], "ask");
    assert_eq!(test(&profile, "Bash(wget x)")["decision"], "deny");
    assert_eq!(test(&profile, "Read(.env)")["decision"], "deny");

    let status = profile.betcode(["trust", "--status", "--json"]).run();
    let status = status.expect(0).json();
    assert_eq!(status["trusted"], false);
    assert_eq!(status["ignored"].as_array().unwrap().len(), 3, "{status}");
    let trusted = profile.betcode(["trust"]).run().expect(0);
    let work = profile.work();
    assert_eq!(
        trusted.stdout,
        format!(
            "{} is now trusted\nnow count: 1 allow rule from .betcode/config.local.toml, 1 allow rule from \
             .claude/settings.local.json, 1 allow rule from .claude/settings.json (betcode rules list --origin shows them)\n",
            work.display()
        )
    );
    assert_eq!(test(&profile, "Edit(src/a.ts)")["decision"], "allow");
    let status = profile.betcode(["trust", "--status"]).run().expect(0);
    assert!(
        status.stdout.contains(" is trusted, since "),
        "{}",
        status.stdout
    );
    std::fs::create_dir(work.join("sub")).unwrap();
    let below = profile.betcode(["trust", "--status", "sub"]).run();
    assert!(
        below.expect(0).stdout.contains("/sub is trusted, because "),
        "what lies below is trusted as well"
    );
    let again = profile.betcode(["untrust"]).run().expect(0);
    assert!(
        again.stdout.contains("\nno longer count: 1 allow rule"),
        "{}",
        again.stdout
    );
    assert_eq!(test(&profile, "Edit(src/a.ts)")["decision"], "ask");
}

#[test]
fn every_rule_is_listed_with_its_place_and_what_does_not_count_says_why() {
    let profile = everywhere();
    let list = profile.betcode(["rules", "list", "--json"]).run();
    let list = list.expect(0).json();
    assert_eq!(list["trusted"], false);
    assert_eq!(list["files"].as_array().unwrap().len(), 6, "{list}");
    let rows: Vec<_> = list["rules"].as_array().unwrap().iter().collect();
    assert_eq!(rows.len(), 9, "{list}");
    let actions: Vec<_> = rows.iter().map(|row| row["action"].as_str()).collect();
    let order = [
        "deny", "deny", "deny", "ask", "allow", "allow", "allow", "allow", "allow",
    ];
    assert_eq!(actions, order.map(Some));
    let ignored = rows.iter().filter(|row| row["ignored"].is_string());
    for row in ignored.clone() {
        assert_eq!(row["action"], "allow", "{row}");
    }
    assert_eq!(ignored.count(), 3);

    let table = profile.betcode(["rules", "list", "--origin"]).run();
    let table = table.expect(0);
    for part in [
        "ACTION  RULE ",
        "user           ~/.claude/settings.json:4",
        "project-local  .claude/settings.local.json:4",
        "ignored: ",
    ] {
        assert!(table.stdout.contains(part), "{part}: {}", table.stdout);
    }
    assert!(table.stderr.contains("betcode trust"), "{}", table.stderr);
}

#[test]
fn where_there_are_no_rules_it_is_said_where_they_can_stand() {
    let output = profile().betcode(["rules", "list"]).run().expect(0);
    assert_eq!(output.stdout, "");
    for part in [
        "there are no rules here: ",
        "hint: rules can stand in .betcode/config.local.toml, ",
        "~/.claude/settings.json",
    ] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
}

#[test]
fn a_broken_file_is_named_with_its_line_and_allows_nothing() {
    let profile = profile();
    let file = profile.home().join(".claude/settings.json");
    write(
        &file,
        "{\n\"permissions\": {\n\"deny\": [\"Bash(curl *)\"],\n\"allow\": [\"Bash(touch *)\"\n}",
    );
    for (call, decision) in [("Bash(curl x)", "deny"), ("Bash(touch x)", "ask")] {
        let output = profile.betcode(["rules", "test", "--json", call]).run();
        let output = output.expect(0);
        assert_eq!(output.json()["decision"], decision, "{}", output.stdout);
        assert!(
            output.stderr.contains("warning: ~/.claude/settings.json:"),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn exit_codes_tell_the_decision_only_where_that_is_wanted() {
    let profile = profile();
    let run = |args: &[&str]| {
        let line = ["rules", "test"].into_iter().chain(args.iter().copied());
        profile.betcode(line).run()
    };
    run(&["Bash(touch x)", "Bash(ls)"]).expect(0);
    run(&["--exit-code", "Bash(ls)"]).expect(0);
    run(&["--exit-code", "Bash(ls)", "Bash(touch x)"]).expect(5);
    let deny = ["--disallowed-tools", "Bash(touch *)", "--exit-code"];
    run(&[&deny[..], &["Bash(ls)", "Bash(touch x)", "Bash(rm x)"]].concat()).expect(3);
    run(&[
        "--exit-code",
        "--allowed-tools",
        "Edit,Bash(touch *)",
        "Bash(touch x)",
    ])
    .expect(0);
    run(&["--exit-code", "--only-allowed-tools", "Bash(ls)"]).expect(3);
    run(&["--exit-code", "--permission-mode", "dontAsk", "Bash(rm x)"]).expect(3);
    run(&["--exit-code", "--permission-mode", "acceptEdits", "Edit(a)"]).expect(0);
    run(&["--exit-code", "--permission-mode", "plan", "Edit(a)"]).expect(3);

    let lines = run(&["--json", "Bash(ls)", "Bash(touch x)"]).expect(0);
    let decisions: Vec<_> = lines
        .json_lines()
        .iter()
        .map(|line| line["decision"].clone())
        .collect();
    assert_eq!(decisions, ["allow", "ask"]);
    for (wrong, part) in [
        (&["git push"][..], "a command is written Bash(git push)"),
        (&["Bash(x"], "the parenthesis is not closed"),
        (
            &["Bash(ls)", "--permission-mode", "fast"],
            "possible values",
        ),
        (&["Bash(ls)", "--allowed-tools", "Bash("], "is no rule"),
        (&["-", "-"], "stdin holds one call"),
        (&[], "CALL"),
    ] {
        let output = run(wrong).expect(64);
        assert!(output.stderr.contains(part), "{wrong:?}: {}", output.stderr);
    }
}

#[test]
fn a_call_on_stdin_is_taken_to_the_letter_whatever_its_size() {
    let profile = profile();
    let stdin = |call: &str| {
        let command = profile.betcode(["rules", "test", "--json", "-"]);
        command.stdin(call).run()
    };
    let verdict = stdin("Bash(ls\nrm x)\n").expect(0).json();
    assert_eq!(verdict["decision"], "ask");
    assert_eq!(verdict["call"], "Bash(ls\nrm x)\n");
    let long = format!("Bash({}{})", "(".repeat(500_000), ")".repeat(500_000));
    assert_eq!(stdin(&long).expect(0).json()["decision"], "ask");
    let long = format!("Bash(echo {})", "\u{1}".repeat(15 << 20));
    let refused = stdin(&long).expect(64);
    assert!(
        refused.stderr.contains("the longest is"),
        "{}",
        refused.stderr
    );
    let long = format!("Bash(echo {})", "x".repeat(16 << 20));
    let refused = stdin(&long).expect(64);
    assert!(refused.stderr.contains("16 MiB"), "{}", refused.stderr);
}

#[test]
fn a_run_does_what_its_rules_allow_and_nothing_beside_it() {
    let profile = profile();
    let run = |allowed: &str, command: &str| {
        let prompt = format!("/demo permission tool=Bash command=\"{command}\"");
        let line = ["-p", "--allowed-tools", allowed, "Edit", &prompt];
        profile.betcode(line).run()
    };
    let output = run("Bash(touch *)", "touch made").expect(0);
    assert!(profile.work().join("made").exists(), "{}", output.stdout);
    let output = run("Bash(touch *)", "touch other; rm made").expect(3);
    assert!(profile.work().join("made").exists());
    assert!(!profile.work().join("other").exists());
    assert!(
        output
            .stderr
            .contains("hint: --allowed-tools 'Bash(rm made)' allows it for one run"),
        "{}",
        output.stderr
    );
    let forbidden = profile
        .betcode([
            "-p",
            "--disallowed-tools",
            "Bash(rm *)",
            "--allowed-tools",
            "Bash",
            "/demo permission command=\"rm made\"",
        ])
        .run()
        .expect(3);
    assert!(
        forbidden
            .stderr
            .contains("forbidden by Bash(rm *) (--disallowed-tools)"),
        "{}",
        forbidden.stderr
    );
    assert!(profile.work().join("made").exists());
    let read = "/demo permission command=ls";
    profile.betcode(["-p", read]).run().expect(0);
    profile
        .betcode(["-p", "--only-allowed-tools", read])
        .run()
        .expect(3);
}

#[test]
fn a_deny_holds_also_for_what_an_agent_does_without_asking() {
    let profile = profile();
    let file = profile.work().join(".claude/settings.json");
    write(&file, &claude(&[], &["Bash(touch *)"]));
    let run = |name: &str| {
        let prompt = format!("/demo tool command=\"touch {name}\"");
        profile.betcode(["-p", &prompt]).run()
    };
    let output = run("made").expect(3);
    assert!(!profile.work().join("made").exists(), "{}", output.stdout);
    let place = format!("forbidden by Bash(touch *) ({}:", file.display());
    assert!(output.stderr.contains(&place), "{}", output.stderr);
    std::fs::remove_file(file).unwrap();
    run("made").expect(0);
    assert!(profile.work().join("made").exists());
}

#[test]
fn a_file_that_changes_counts_from_the_next_call_on() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let file = profile.config_dir().join("config.toml");
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        for (rules, name, outcome) in [
            (
                "allow = [\"Bash(touch *)\"]",
                "one",
                PermissionOutcome::Allowed,
            ),
            (
                "deny = [\"Bash(touch *)\"]",
                "two",
                PermissionOutcome::Denied,
            ),
            (
                "allow = [\"Bash(touch three)\"]",
                "three",
                PermissionOutcome::Allowed,
            ),
        ] {
            write(&file, &format!("[permissions]\n{rules}\n"));
            seated.seen.clear();
            let prompt = format!("/demo permission command=\"touch {name}\"");
            seated.act(message(&prompt)).await.unwrap();
            let decided = seated
                .until("decision", |body| match body {
                    EventBody::PermissionResolved(decision) => Some(decision.outcome),
                    _ => None,
                })
                .await;
            assert_eq!(decided, outcome, "{rules}");
            seated
                .until("end", |body| {
                    matches!(body, EventBody::TurnComplete(_)).then_some(())
                })
                .await;
            let ran = profile.work().join(name).exists();
            assert_eq!(ran, outcome == PermissionOutcome::Allowed, "{rules}");
        }
    });
}

#[test]
fn a_rule_that_forbids_by_now_beats_who_allows() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let file = profile.work().join(".betcode/config.toml");
    block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        let prompt = message("/demo permission command=\"touch made\"");
        seated.act(prompt).await.unwrap();
        let id = seated.asked().await;
        let allow = || Action::AnswerPermission {
            id: id.clone(),
            answer: PermissionAnswer::Allow {
                scope: PermissionScope::Once,
                input: None,
            },
        };
        write(&file, "[permissions]\ndeny = [\"Bash(touch *)\"]\n");
        let refused = seated.act(allow()).await.unwrap_err().to_string();
        assert!(
            refused.contains("forbids it") && refused.contains("config.toml:2"),
            "{refused}"
        );
        assert!(!profile.work().join("made").exists());
        std::fs::remove_file(&file).unwrap();
        seated.act(allow()).await.unwrap();
    });
}

#[test]
fn whatever_stands_at_the_name_of_a_settings_file_keeps_nobody_waiting() {
    let profile = profile();
    let file = profile.work().join(".betcode/config.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(pipe.unwrap().success());
    for kind in ["pipe", "device", "directory"] {
        match kind {
            "pipe" => {}
            "device" => {
                std::fs::remove_file(&file).unwrap();
                std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
            }
            _ => {
                std::fs::remove_file(&file).unwrap();
                std::fs::create_dir(&file).unwrap();
            }
        }
        let hello = ["-p", "--agent", "demo", "/demo say text=hello"];
        let said = profile.betcode(hello).run().expect(0);
        assert!(
            said.stderr.contains("config.toml"),
            "{kind}: {}",
            said.stderr
        );
        profile.betcode(["agent", "list"]).run().expect(0);
        let shown = profile.betcode(["config", "show"]).run();
        assert!(
            shown.stderr.contains("config.toml"),
            "{kind}: {}",
            shown.stderr
        );
        profile
            .betcode(["config", "set", "--project", "model", "x"])
            .run()
            .expect(1);
    }
}

#[test]
fn a_setting_that_is_no_rule_is_not_written() {
    let profile = profile();
    let refused = profile
        .betcode(["config", "set", "permissions.deny", "Bash(cargo *"])
        .run();
    assert!(refused.expect(64).stderr.contains("parenthesis"));
    assert!(!profile.config_dir().join("config.toml").exists());
}

#[test]
fn whoever_trusts_everything_is_told_so() {
    let profile = profile();
    let home = profile.home().display().to_string();
    for (directory, warned) in [("/", true), (home.as_str(), true), (".", false)] {
        let done = profile.betcode(["trust", directory]).run().expect(0);
        let said = done.stderr.contains("every project below it");
        assert_eq!(said, warned, "{directory}");
        profile.betcode(["untrust", directory]).run().expect(0);
    }
}

#[test]
fn what_is_allowed_for_a_session_counts_in_that_session_only() {
    let profile = profile();
    profile.betcode(["daemon", "start"]).run().expect(0);
    let session = block_on(async {
        let mut seated = Seated::begin(&profile, person("one", ClientKind::Interactive)).await;
        let prompt = message("/demo permission command=\"touch made\"");
        seated.act(prompt).await.unwrap();
        let id = seated.asked().await;
        let allow = Action::AnswerPermission {
            id,
            answer: PermissionAnswer::Allow {
                scope: PermissionScope::Session,
                input: None,
            },
        };
        seated.act(allow).await.unwrap();
        seated.session.to_string()
    });
    let call = "Bash(touch made)";
    let inside = profile
        .betcode(["rules", "test", "--json", "--session", &session[..13], call])
        .run()
        .expect(0)
        .json();
    assert_eq!(
        (&inside["decision"], &inside["origin"]),
        (&json!("allow"), &json!("session")),
        "{inside}"
    );
    assert_eq!(test(&profile, call)["decision"], "ask");
}

#[test]
fn what_is_written_for_always_is_the_smallest_rule_and_counts_later_once_trusted() {
    let profile = profile();
    let prompt = "/demo permission command=\"touch a && mkdir b\"";
    let run = profile
        .betcode(["-p", "--wait-for-permissions", prompt])
        .spawn();
    let request = wait_until(SOON, "a request waits", || {
        let rows = profile.betcode(["permission", "list", "--json"]).run();
        rows.expect(0).json().get(0).cloned()
    });
    assert_eq!(
        request["rules"],
        json!(["Bash(touch a)", "Bash(mkdir b)"]),
        "{request}"
    );
    let id = request["id"].as_str().unwrap();
    let allowed = profile
        .betcode(["permission", "allow", id, "--always"])
        .run()
        .expect(0);
    let file = profile.work().join(".betcode/config.local.toml");
    for rule in ["Bash(touch a)", "Bash(mkdir b)"] {
        let line = format!("rule {rule} is written to {}\n", file.display());
        assert!(allowed.stdout.contains(&line), "{}", allowed.stdout);
    }
    assert!(
        allowed
            .stderr
            .contains("hint: the rules count in this session; in later ones once"),
        "{}",
        allowed.stderr
    );
    run.wait(SOON).expect(0);
    std::fs::remove_dir(profile.work().join("b")).unwrap();

    assert_eq!(test(&profile, "Bash(touch a)")["decision"], "ask");
    profile.betcode(["-p", prompt]).run().expect(3);
    profile.betcode(["trust"]).run().expect(0);
    profile.betcode(["-p", prompt]).run().expect(0);
    let verdict = test(&profile, "Bash(touch a)");
    assert_eq!(told(&verdict).0, "allow", "{verdict}");
    assert_eq!(test(&profile, "Bash(touch a b)")["decision"], "ask");
}

#[test]
fn for_what_no_rule_can_stand_none_is_offered() {
    let profile = profile();
    let prompt = "/demo permission command=\"touch $(echo a)\"";
    let run = profile
        .betcode(["-p", "--wait-for-permissions", prompt])
        .spawn();
    let request = wait_until(SOON, "a request waits", || {
        let rows = profile.betcode(["permission", "list", "--json"]).run();
        rows.expect(0).json().get(0).cloned()
    });
    assert_eq!(request["rules"], json!([]), "{request}");
    let id = request["id"].as_str().unwrap();
    let shown = profile.betcode(["permission", "show", id]).run().expect(0);
    assert!(
        shown.stdout.contains(
            "--always     no rule can stand for this call: allow it once, or for this session\n"
        ),
        "{}",
        shown.stdout
    );
    let refused = profile
        .betcode(["permission", "allow", id, "--always"])
        .run()
        .expect(1);
    assert!(
        refused.stderr.contains("no rule can stand for this call"),
        "{}",
        refused.stderr
    );
    profile
        .betcode(["permission", "allow", id, "--session"])
        .run()
        .expect(0);
    run.wait(SOON).expect(0);
    assert!(profile.work().join("a").exists());
}

#[test]
fn agents_say_how_far_rules_bind_them() {
    let profile = profile();
    let agents = profile.betcode(["agent", "list", "--json"]).run();
    for agent in agents.expect(0).json().as_array().unwrap() {
        let rules = agent["rules"].as_str().unwrap();
        let known = if agent["supported"] == true {
            ["enforced", "asked-only"].contains(&rules)
        } else {
            rules.is_empty()
        };
        assert!(known, "{agent}");
    }
    let session = crate::session(&profile);
    let shown = profile
        .betcode(["session", "show", &session, "--json"])
        .run();
    let shown = shown.expect(0).json();
    let check = profile.betcode(["agent", "check", "--json"]).run();
    assert_eq!(shown["rules"], check.expect(0).json()["rules"], "{shown}");
}
