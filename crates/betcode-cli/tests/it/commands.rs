//! Help, errors of the command line, and commands that need no daemon.

use crate::profile;

/// Arguments, exit code, both outputs.
fn told(args: &[&str]) -> String {
    let output = profile().betcode(args.iter().copied()).run();
    format!(
        "exit {}\n== stdout\n{}== stderr\n{}",
        output.code, output.stdout, output.stderr
    )
}

#[test]
fn the_help_shows_every_flag_and_command() {
    insta::assert_snapshot!(told(&["--help"]));
}

#[test]
fn every_command_has_help() {
    for command in [
        "session",
        "permission",
        "question",
        "rules",
        "lock",
        "audit",
        "usage",
        "daemon",
        "agent",
        "config",
        "trust",
        "untrust",
        "demo",
        "completions",
        "man",
    ] {
        let output = profile().betcode([command, "--help"]).run().expect(0);
        assert!(
            output.stdout.contains("Usage: betcode"),
            "{}",
            output.stdout
        );
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_one_line_a_hint_and_64() {
    let lines: &[&[&str]] = &[
        &["-p"],
        &["-p", "x", "--no-such-flag"],
        &["-p", "x", "--agnet", "demo"],
        &["-p", "x", "--output-format", "xml"],
        &["-p", "x", "--timeout", "soon"],
        &["-p", "x", "--session-id", "7"],
        &["-p", "x", "--resume"],
        &["-p", "x", "--fork-session"],
        &["-p", "x", "--allowed-tools", "Edit,Bash(git:*"],
        &["session"],
        &["daemon", "statu"],
        &["session", "show"],
        &["sesion"],
        &["sesion", "list"],
        &["permission", "alow", "x"],
        &["permission", "allow", "x", "--always", "--session"],
        &["question", "answer", "x", "--approve", "--decline"],
        &["session", "rename", "x", " "],
        &["session", "queue", "x", "--edit", "y", ""],
        &["-p", "hi", "extra", "words"],
        &["-p", "--resume", "hi"],
        &["-p", "x", "--permission-mode", "acceptEdit"],
        &["-p", "x", "--wait-for-permissions=soon"],
        &["-p", "x", "--no-mouse"],
        &["--theme", "pink"],
        &["keys", "--watch"],
        &["usage", "--format", "xml"],
        &["usage", "--format", "line", "--window", "monthly"],
        &["usage", "--watch", "--history"],
        &["usage", "--since", "7d"],
        &["usage", "--statusline", "--watch"],
        &["usage", "date"],
        &["fix the bug"],
        &[],
    ];
    let mut all = String::new();
    for line in lines {
        let output = profile().betcode(line.iter().copied()).run().expect(64);
        assert_eq!(output.stdout, "");
        all.extend(["$ betcode ", &line.join(" "), "\n", &output.stderr]);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn an_error_is_an_object_where_json_was_asked_for() {
    let output = profile()
        .betcode(["session", "list", "--json", "--bad"])
        .run()
        .expect(64);
    assert_eq!(output.json()["error"]["reason"], "USAGE");
    let output = profile()
        .betcode(["-p", "--output-format", "json"])
        .run()
        .expect(64);
    let result = output.json();
    assert_eq!(
        (&result["is_error"], &result["error"]["code"]),
        (&true.into(), &"INVALID_ARGUMENT".into())
    );
    assert!(output.stderr.starts_with("Error: "));
}

#[test]
fn the_version_is_one_line() {
    assert_eq!(
        told(&["--version"]),
        format!(
            "exit 0\n== stdout\nbetcode {}\n== stderr\n",
            env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            profile()
                .betcode(["completions", shell])
                .run()
                .expect(0)
                .stdout
                .contains("betcode")
        );
    }
    let profile = profile();
    assert!(
        profile
            .betcode(["man"])
            .run()
            .expect(0)
            .stdout
            .contains(".TH betcode 1")
    );
    profile.betcode(["man", "--dir", "pages"]).run().expect(0);
    assert!(
        profile
            .work()
            .join("pages/betcode-session-events.1")
            .exists()
    );
}

#[test]
fn a_setting_is_written_found_and_explained() {
    let profile = profile();
    std::fs::create_dir(profile.config_dir()).unwrap();
    let file = profile.config_dir().join("config.toml");
    std::fs::write(&file, "# mine\n[daemon]\nidle_exit = \"1h\" # long\n").unwrap();
    profile
        .betcode(["config", "set", "daemon.idle_exit", "2h"])
        .run()
        .expect(0);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "# mine\n[daemon]\nidle_exit = \"2h\" # long\n"
    );
    assert_eq!(
        profile
            .betcode(["config", "get", "daemon.idle_exit"])
            .run()
            .expect(0)
            .stdout,
        "2h\n"
    );
    let shown = profile
        .betcode(["config", "show", "--origin"])
        .run()
        .expect(0)
        .stdout;
    let row = shown
        .lines()
        .find(|row| row.starts_with("daemon.idle_exit"))
        .unwrap();
    assert!(
        row.contains("user") && row.contains("config.toml:3:"),
        "{row}"
    );
    let rows = profile
        .betcode(["config", "show", "--json"])
        .run()
        .expect(0)
        .json();
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .any(|row| row["key"] == "agent" && row["layer"] == "environment")
    );
    assert_eq!(
        profile.betcode(["config", "path"]).run().expect(0).stdout,
        format!("{}\n", file.display())
    );
}

#[test]
fn a_setting_that_makes_no_sense_is_refused_and_nothing_is_written() {
    let profile = profile();
    for (key, value) in [
        ("daemon.idle_exti", "1h"),
        ("daemon.idle_exit", "soon"),
        ("daemon", "x"),
    ] {
        let output = profile
            .betcode(["config", "set", key, value])
            .run()
            .expect(1);
        assert_eq!(
            output
                .stderr
                .lines()
                .filter(|line| line.starts_with("Error: "))
                .count(),
            1,
            "{}",
            output.stderr
        );
    }
    assert!(!profile.config_dir().join("config.toml").exists());
}

#[test]
fn a_broken_configuration_file_is_named_with_its_line() {
    let profile = profile();
    std::fs::create_dir(profile.config_dir()).unwrap();
    std::fs::write(
        profile.config_dir().join("config.toml"),
        "model = \"a\"\n[daemon\n",
    )
    .unwrap();
    for args in [
        &["config", "get", "model"][..],
        &["config", "set", "model", "b"],
        &["-p", "hello"],
    ] {
        let output = profile.betcode(args.iter().copied()).run().expect(1);
        assert!(
            output.stderr.contains("config.toml"),
            "{args:?}: {}",
            output.stderr
        );
    }
}
