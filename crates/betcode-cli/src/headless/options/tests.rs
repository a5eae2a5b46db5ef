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
        (&["-p", "--allowed-tools", "Bash", "Edit"], None),
    ] {
        assert_eq!(settled(line).prompt.as_deref(), prompt, "{line:?}");
    }
}

#[test]
fn a_pattern_is_refused_instead_of_allowing_too_much() {
    for pattern in ["Bash(git:*)", "Bash(git log),Edit", "mcp__github__*"] {
        assert!(
            refused(&["-p", "x", "--allowed-tools", pattern]).contains("are not supported yet"),
            "{pattern}"
        );
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
