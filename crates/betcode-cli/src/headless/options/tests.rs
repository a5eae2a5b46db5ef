//! What command lines mean beyond what clap says.

use betcode_core::command::AgentFlags;
use clap::Parser as _;

use super::*;
use crate::cli::Cli;
use crate::context::Context;
use crate::environment::Environment;
use crate::output::Output;

fn context() -> Context {
    let environment = Environment::of(&[("HOME", "/")], "/");
    let output = Output::new(&environment);
    Context {
        environment,
        output,
    }
}

fn run(line: &[&str]) -> RunArgs {
    Cli::try_parse_from(std::iter::once(&"betcode").chain(line))
        .expect("a command line")
        .run
}

fn settled(line: &[&str]) -> RunArgs {
    let mut args = run(line);
    args.settle().expect("a command line that makes sense");
    args
}

fn refused(line: &[&str]) -> String {
    let failure = run(line).settle().expect_err("refused");
    assert_eq!(failure.exit.code(), 64);
    failure.report.unwrap().message
}

#[test]
fn lists_of_tools_are_split_at_commas_and_blanks_in_both_spellings() {
    let args = settled(&[
        "-p",
        "hi",
        "--allowedTools",
        "Bash,Edit",
        "Read Write",
        "--disallowed-tools=WebFetch",
    ]);
    assert_eq!(args.allowed_tools, ["Bash", "Edit", "Read", "Write"]);
    assert_eq!(args.disallowed_tools, ["WebFetch"]);
    assert_eq!(args.prompt.as_deref(), Some("hi"));
}

#[test]
fn a_prompt_behind_a_list_of_tools_is_still_the_prompt() {
    for (line, prompt) in [
        (
            &["-p", "--allowed-tools", "Bash", "list the files"][..],
            Some("list the files"),
        ),
        (
            &["-p", "--allowed-tools", "Bash,mcp__x__y", "/demo say"],
            Some("/demo say"),
        ),
        (
            &["-p", "--disallowed-tools", "Bash", "hello"],
            Some("hello"),
        ),
        (
            &["-p", "--allowed-tools", "Bash(git *)", "do it"],
            Some("do it"),
        ),
        (
            &["-p", "--allowed-tools", "Bash(git *)", "Fix (all) of it"],
            Some("Fix (all) of it"),
        ),
        (&["-p", "--allowed-tools", "Bash", "Edit"], None),
        (&["-p", "--allowed-tools", "Bash", "Bash(git *)"], None),
    ] {
        assert_eq!(settled(line).prompt.as_deref(), prompt, "{line:?}");
    }
}

#[test]
fn lists_of_tools_hold_rules() {
    let args = settled(&[
        "-p",
        "--allowedTools",
        "Bash(git log:*),Edit(src/**)",
        "mcp__github__*",
        "--disallowedTools",
        "Bash(git push *)",
        "--only-allowed-tools",
        "do it",
    ]);
    assert_eq!(
        args.allowed_tools,
        ["Bash(git log:*)", "Edit(src/**)", "mcp__github__*"]
    );
    assert_eq!(args.disallowed_tools, ["Bash(git push *)"]);
    assert!(args.only_allowed_tools);
    assert_eq!(args.prompt.as_deref(), Some("do it"));
}

#[test]
fn what_is_no_rule_is_refused_by_its_name() {
    for (rule, part) in [
        ("Bash(git *", "`Bash(git *` is no rule"),
        ("Edit,Bash(git log)x", "`Bash(git log)x` is no rule"),
        ("mcp__", "`mcp__` is no rule"),
        ("WebFetch(example.com)", "`domain:`"),
    ] {
        for flag in ["--allowed-tools", "--disallowed-tools"] {
            let message = refused(&["-p", "x", flag, rule]);
            assert!(
                message.starts_with(flag) && message.contains(part),
                "{message}"
            );
        }
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    for line in [
        &["-p", "x", "--resume"][..],
        &["-p", "x", "--include-partial-messages"],
        &["-p", "x", "--input-format", "stream-json"],
        &[
            "-p",
            "x",
            "--allowed-tools",
            "Bash",
            "--disallowed-tools",
            "Bash",
        ],
        &[
            "-p",
            "x",
            "--allowed-tools",
            "Bash(git *)",
            "--disallowed-tools",
            "Edit,Bash(git *)",
        ],
    ] {
        refused(line);
    }
}

/// What a flag of Claude Code does here.
enum Does {
    /// It is read.
    Effect(fn(&RunArgs) -> bool),
    /// It is for the agent.
    HandedOn(fn(&AgentFlags) -> bool),
    /// Nothing, and that is how it is here anyway.
    Nothing,
    /// It is refused with a reason in which this stands.
    Refused(&'static str),
}

#[test]
fn every_flag_that_scripts_for_claude_code_use_does_what_it_says_or_is_refused_with_a_reason() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name).display().to_string();
    std::fs::create_dir(at("more")).unwrap();
    std::fs::write(at("mcp.json"), "{\"mcpServers\":{}}").unwrap();
    std::fs::write(at("agents.json"), "{\"a\":{}}").unwrap();
    let (more, mcp, agents) = (at("more"), at("mcp.json"), at("agents.json"));
    let id = "5e551047-0000-4000-8000-000000000001";
    let table = table(id, &more, &mcp, &agents);
    for (line, does) in table {
        let whole: Vec<&str> = ["-p", "hi"]
            .into_iter()
            .chain(line.iter().copied())
            .collect();
        let mut args = run(&whole);
        match does {
            Does::Refused(why) => {
                let report = args.settle().expect_err("refused").report.unwrap();
                assert!(report.message.contains(why), "{line:?}: {}", report.message);
                assert!(!report.hint.is_empty(), "{line:?}");
            }
            Does::Effect(seen) => {
                args.settle().unwrap();
                assert!(seen(&args), "{line:?}: {args:?}");
            }
            Does::HandedOn(seen) => {
                args.settle().unwrap();
                let flags = args.handed_on.flags(&context()).unwrap();
                assert!(seen(&flags), "{line:?}: {flags:?}");
            }
            Does::Nothing => {
                args.settle().unwrap();
                let flags = args.handed_on.flags(&context()).unwrap();
                assert!(flags.are_none(), "{line:?}");
            }
        }
    }
}

type Row<'a> = (Vec<&'a str>, Does);

fn table<'a>(id: &'a str, more: &'a str, mcp: &'a str, agents: &'a str) -> Vec<Row<'a>> {
    let mut rows = read_here(id);
    rows.extend(handed_on(more, mcp, agents));
    rows.extend(refused_ones());
    rows
}

fn read_here(id: &str) -> Vec<Row<'_>> {
    use Does::{Effect, Nothing};
    let mut rows: Vec<Row<'_>> = vec![
        (vec!["--output-format", "text"], Nothing),
        (
            vec!["--output-format", "json"],
            Effect(|args| args.output_format == OutputFormat::Json),
        ),
        (
            vec![
                "--output-format",
                "stream-json",
                "--include-partial-messages",
            ],
            Effect(|args| args.include_partial_messages),
        ),
        (vec!["--input-format", "text"], Nothing),
        (vec!["--verbose"], Nothing),
        (vec!["--debug"], Nothing),
        (vec!["--debug=api,hooks"], Nothing),
        (vec!["--model", "opus"], Effect(|args| args.model.is_some())),
        (vec!["-c"], Effect(|args| args.continue_)),
        (vec!["--continue"], Effect(|args| args.continue_)),
        (vec!["-r", id], Effect(|args| args.resume.is_some())),
        (
            vec!["--resume", "a title"],
            Effect(|args| args.resume.is_some()),
        ),
        (
            vec!["--session-id", id],
            Effect(|args| args.session_id.is_some()),
        ),
        (vec!["-n", "t"], Effect(|args| args.name.is_some())),
        (vec!["--name", "t"], Effect(|args| args.name.is_some())),
        (
            vec!["--max-turns", "3"],
            Effect(|args| args.max_turns == Some(3)),
        ),
        (
            vec!["--append-system-prompt", "x"],
            Effect(|args| args.append_system_prompt.is_some()),
        ),
        (
            vec!["--dangerously-skip-permissions"],
            Effect(|args| args.permission_mode.as_deref() == Some("bypassPermissions")),
        ),
        (vec!["--permission-prompts", "host"], Nothing),
        (vec!["--permission-prompts", "none"], Nothing),
    ];
    for name in ["--allowedTools", "--allowed-tools"] {
        rows.push((
            vec![name, "Bash,Edit"],
            Effect(|args| args.allowed_tools.len() == 2),
        ));
    }
    for name in ["--disallowedTools", "--disallowed-tools"] {
        rows.push((
            vec![name, "Bash Edit"],
            Effect(|args| args.disallowed_tools.len() == 2),
        ));
    }
    for mode in MODES {
        rows.push((
            vec!["--permission-mode", mode],
            Effect(|args| args.permission_mode.is_some()),
        ));
    }
    rows
}

fn handed_on<'a>(more: &'a str, mcp: &'a str, agents: &'a str) -> Vec<Row<'a>> {
    use Does::HandedOn;
    vec![
        (
            vec!["--fallback-model", "sonnet"],
            HandedOn(|flags| flags.fallback_model == "sonnet"),
        ),
        (
            vec!["--effort", "low"],
            HandedOn(|flags| flags.effort == "low"),
        ),
        (
            vec!["--system-prompt", "--x"],
            HandedOn(|flags| flags.system_prompt == "--x"),
        ),
        (
            vec!["--tools", "Bash,Edit Read"],
            HandedOn(|flags| flags.tools.as_deref() == Some("Bash,Edit,Read")),
        ),
        (
            vec!["--tools", ""],
            HandedOn(|flags| flags.tools.as_deref() == Some("")),
        ),
        (
            vec!["--max-budget-usd", "0.5"],
            HandedOn(|flags| flags.max_budget_microdollars == Some(500_000)),
        ),
        (
            vec!["--add-dir", more],
            HandedOn(|flags| flags.add_dirs.len() == 1 && flags.add_dirs[0].ends_with("/more")),
        ),
        (
            vec!["--mcp-config", mcp, "--strict-mcp-config"],
            HandedOn(|flags| flags.strict_mcp_config && flags.mcp_configs.len() == 1),
        ),
        (
            vec!["--agents", agents],
            HandedOn(|flags| flags.agents == "{\"a\":{}}"),
        ),
        (
            vec!["--agents", "{\"b\":{}}", "--persona", "b"],
            HandedOn(|flags| flags.agents == "{\"b\":{}}" && flags.persona == "b"),
        ),
        (
            vec!["--json-schema", "{\"type\":\"object\"}"],
            HandedOn(|flags| flags.json_schema.contains("object")),
        ),
    ]
}

fn refused_ones() -> Vec<Row<'static>> {
    let rows = [
        (vec!["--bare"], "no rule would hold"),
        (vec!["--fork-session"], "one log"),
        (vec!["--forward-subagent-text"], "not recorded"),
        (vec!["--include-hook-events"], "not recorded"),
        (
            vec!["--no-session-persistence"],
            "every session is recorded",
        ),
        (vec!["--setting-sources", "user"], "trust"),
        (vec!["--settings", "{}"], "rules"),
        (vec!["-w"], "another directory"),
        (vec!["--worktree", "x"], "another directory"),
    ];
    let row = |(line, why)| (line, Does::Refused(why));
    rows.into_iter().map(row).collect()
}

#[test]
fn permissions_are_asked_over_stdio_where_both_sides_are_lines() {
    let lines = [
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
    ];
    let with = |more: &[&'static str]| {
        let whole = ["-p", "--permission-prompt-tool", "stdio"];
        whole.iter().chain(more).copied().collect::<Vec<_>>()
    };
    assert!(settled(&with(&lines)).asks_on_stdio());
    let nobody = [&lines[..], &["--permission-prompts", "none"]].concat();
    assert!(!settled(&with(&nobody)).asks_on_stdio());
    assert!(refused(&with(&["hi"])).contains("needs --input-format stream-json"));
}

#[test]
fn messages_are_replayed_where_both_sides_are_lines() {
    let line = ["-p", "--replay-user-messages"];
    let lines = ["--input-format=stream-json", "--output-format=stream-json"];
    assert!(settled(&[&line[..], &lines].concat()).replay_user_messages);
    for one in lines {
        let message = refused(&[&line[..], &[one]].concat());
        assert!(message.starts_with("--replay-user-messages needs"));
    }
    assert!(refused(&["-p", "hi", "--replay-user-messages"]).contains("stream-json"));
}

#[test]
fn no_tool_servers_at_all_can_be_asked_for() {
    let args = settled(&["-p", "hi", "--strict-mcp-config"]);
    let flags = args.handed_on.flags(&context()).unwrap();
    assert!(flags.strict_mcp_config && flags.mcp_configs.is_empty());
}

#[test]
fn what_the_agent_cannot_take_is_refused_before_it_is_started() {
    for (line, what) in [
        (&["--add-dir", "/no/such/place"][..], "does not exist"),
        (&["--mcp-config", "/no/such.json"], "does not exist"),
        (&["--mcp-config", "{}"], "--mcp-config takes files only"),
        (&["--json-schema", "[]"], "no JSON object"),
        (&["--json-schema", "{"], "no JSON:"),
        (&["--agents", "/no/such.json"], "cannot read"),
        (&["--agents", "/dev/zero"], "longer than 16 MiB"),
    ] {
        let whole: Vec<&str> = ["-p", "hi"]
            .into_iter()
            .chain(line.iter().copied())
            .collect();
        let mut args = run(&whole);
        args.settle().unwrap();
        let failure = args.handed_on.flags(&context()).expect_err("refused");
        assert_eq!(failure.exit.code(), 64, "{line:?}");
        let message = failure.report.unwrap().message;
        assert!(message.contains(what), "{line:?}: {message}");
    }
    for line in [
        &["--effort", "little"][..],
        &["--max-budget-usd", "much"],
        &["--max-turns", "0"],
        &["--permission-mode", "whatever"],
        &["--output-format", "xml"],
        &["--no-such-flag"],
    ] {
        let whole = ["betcode", "-p", "hi"]
            .into_iter()
            .chain(line.iter().copied());
        assert!(Cli::try_parse_from(whole).is_err(), "{line:?}");
    }
}

#[test]
fn a_prompt_behind_tools_directories_or_files_is_still_the_prompt() {
    for line in [
        &["-p", "--tools", "Bash,Edit", "do it"][..],
        &["-p", "--add-dir", "/tmp", "do it"],
    ] {
        assert_eq!(settled(line).prompt.as_deref(), Some("do it"), "{line:?}");
    }
}

#[test]
fn the_name_of_a_subcommand_behind_p_is_a_prompt() {
    let cli = Cli::try_parse_from(["betcode", "-p", "session"]).unwrap();
    assert!(cli.command.is_none());
    assert_eq!(cli.run.prompt.as_deref(), Some("session"));
}
