//! What command lines mean beyond what clap says.

use clap::Parser as _;

use super::*;
use crate::cli::Cli;

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
        &["-p", "x", "--fork-session"],
        &["-p", "x", "--mcp-config", "a.json"],
        &["-p", "x", "--permission-prompts", "host"],
    ] {
        refused(line);
    }
    settled(&[
        "-p",
        "x",
        "--permission-prompts",
        "none",
        "--verbose",
        "--debug=api",
    ]);
}

#[test]
fn the_name_of_a_subcommand_behind_p_is_a_prompt() {
    let cli = Cli::try_parse_from(["betcode", "-p", "session"]).unwrap();
    assert!(cli.command.is_none());
    assert_eq!(cli.run.prompt.as_deref(), Some("session"));
}
