//! Command lines, settings and variables as agents get them.

use betcode_core::command::AgentFlags;
use serde_json::{Value, json};

use super::*;

fn trusted() -> Restraints {
    Restraints {
        trusted: true,
        ..Restraints::default()
    }
}

fn line(options: &LaunchOptions, start: Start, restraints: &Restraints) -> Vec<String> {
    let launch = arguments(Kind::ClaudeCode, options, "the-id", start, restraints);
    launch.arguments.into_iter().skip(9).collect()
}

/// The settings that an agent gets with these restraints.
fn settings(options: &LaunchOptions, restraints: &Restraints) -> Option<Value> {
    let line = line(options, Start::Fresh, restraints);
    let mut settings = line
        .iter()
        .filter_map(|word| word.strip_prefix("--settings="));
    let given = settings
        .next()
        .map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(settings.next(), None);
    given
}

fn rules(all: &[&str]) -> Vec<String> {
    all.iter().map(|rule| (*rule).to_owned()).collect()
}

#[test]
fn a_new_session_gets_its_id_and_nothing_that_was_not_asked_for() {
    assert_eq!(
        line(&LaunchOptions::default(), Start::Fresh, &trusted()),
        ["--session-id", "the-id"]
    );
}

#[test]
fn a_resumed_session_is_named_and_every_option_becomes_one_argument() {
    let options = LaunchOptions {
        model: "opus".into(),
        permission_mode: "plan".into(),
        append_system_prompt: "--be brief\nand kind".into(),
        max_turns: Some(3),
        allowed_tools: rules(&["Bash(git log:*)", "Read"]),
        disallowed_tools: rules(&["WebFetch", "mcp__a__*"]),
        command: vec!["never".into()],
        flags: AgentFlags::default(),
    };
    assert_eq!(
        line(&options, Start::Resumed, &trusted()),
        [
            "--resume",
            "the-id",
            "--model=opus",
            "--permission-mode=plan",
            "--append-system-prompt=--be brief\nand kind",
            "--max-turns=3",
            "--disallowedTools=WebFetch,mcp__a__*",
        ]
    );
}

#[test]
fn what_else_an_agent_is_told_comes_last_and_an_empty_list_of_tools_is_one() {
    let flags = AgentFlags {
        fallback_model: "sonnet,haiku".into(),
        effort: "low".into(),
        system_prompt: "--be a poet".into(),
        tools: Some(String::new()),
        max_budget_microdollars: Some(1_050_000),
        add_dirs: rules(&["/opt", "/a b"]),
        mcp_configs: rules(&["/etc/mcp.json"]),
        strict_mcp_config: true,
        agents: "{\"a\":{}}".into(),
        persona: "a".into(),
        json_schema: "{}".into(),
    };
    let options = LaunchOptions {
        flags,
        ..LaunchOptions::default()
    };
    assert_eq!(
        line(&options, Start::Fresh, &trusted()),
        [
            "--session-id",
            "the-id",
            "--fallback-model=sonnet,haiku",
            "--effort=low",
            "--system-prompt=--be a poet",
            "--agents={\"a\":{}}",
            "--agent=a",
            "--json-schema={}",
            "--tools=",
            "--max-budget-usd=1.050000",
            "--add-dir=/opt",
            "--add-dir=/a b",
            "--mcp-config=/etc/mcp.json",
            "--strict-mcp-config",
        ]
    );
}

#[test]
fn the_stream_is_json_both_ways_and_permissions_are_asked_over_it() {
    let options = LaunchOptions::default();
    let launch = arguments(Kind::ClaudeCode, &options, "x", Start::Fresh, &trusted());
    let whole = launch.arguments.join(" ");
    assert!(whole.starts_with(
        "--output-format stream-json --input-format stream-json --verbose \
         --include-partial-messages --include-hook-events --permission-prompt-tool stdio"
    ));
    assert!(launch.environment.iter().all(|(_, value)| value == "1"));
    assert_eq!(launch.environment.len(), 2);
}

#[test]
fn a_process_goes_on_with_an_interrupted_turn_only_when_it_is_told_to() {
    let goes_on = |start: Start| {
        let options = LaunchOptions::default();
        let launch = arguments(Kind::ClaudeCode, &options, "x", start, &trusted());
        let wanted = (
            "CLAUDE_CODE_RESUME_INTERRUPTED_TURN".to_owned(),
            "1".to_owned(),
        );
        launch.environment.contains(&wanted)
    };
    let all = [Start::Fresh, Start::Resumed, Start::GoesOn];
    assert_eq!(all.map(goes_on), [false, false, true]);
    assert_eq!(
        line(&LaunchOptions::default(), Start::Resumed, &trusted())[0],
        "--resume"
    );
}

#[test]
fn a_directory_that_is_not_trusted_configures_nothing_but_may_instruct() {
    let options = LaunchOptions::default();
    let launch = arguments(
        Kind::ClaudeCode,
        &options,
        "x",
        Start::Fresh,
        &Restraints::default(),
    );
    let last = launch.arguments.get(11..).unwrap();
    assert_eq!(last, ["--setting-sources=user", "--add-dir=."]);
    let variable = "CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD";
    assert!(launch.environment.iter().any(|(name, _)| name == variable));
}

#[test]
fn denials_and_rules_that_ask_become_settings_and_allowances_never() {
    let options = LaunchOptions {
        allowed_tools: rules(&["Bash(git:*)"]),
        disallowed_tools: rules(&["Bash(rm *)", "WebFetch"]),
        ..LaunchOptions::default()
    };
    let restraints = Restraints {
        deny: rules(&["Read(~/.ssh/**)", "Bash(rm *)", "Bash(echo \"a, b\")"]),
        ask: rules(&["Bash(git push *)"]),
        trusted: true,
    };
    assert_eq!(
        settings(&options, &restraints),
        Some(json!({"permissions": {
            "deny": ["Bash(rm *)", "Read(~/.ssh/**)", "Bash(echo \"a, b\")"],
            "ask": ["Bash(git push *)"],
        }}))
    );
    assert_eq!(settings(&LaunchOptions::default(), &trusted()), None);
    assert!(
        !line(&options, Start::Fresh, &restraints)
            .concat()
            .contains("git:*")
    );
}

#[test]
fn what_names_no_tool_is_not_handed_over() {
    let restraints = Restraints {
        deny: rules(&["*", "", " ", "(x)", "mcp__a__*"]),
        ..trusted()
    };
    assert_eq!(
        settings(&LaunchOptions::default(), &restraints),
        Some(json!({"permissions": {"deny": ["mcp__a__*"]}}))
    );
}

#[test]
fn settings_stay_short_however_many_rules_there_are_and_denials_come_first() {
    let count = |restraints: &Restraints, list: &str| {
        let settings = settings(&LaunchOptions::default(), restraints).unwrap();
        let length = settings.to_string().len();
        assert!(length < 66 * 1024, "{length} bytes");
        let list = settings.pointer(&format!("/permissions/{list}")).cloned();
        list.map_or(0, |list| list.as_array().unwrap().len())
    };
    let many = |count: u32, length: usize| -> Vec<String> {
        let rule = |number| format!("Bash({number} {})", "\u{1}".repeat(length));
        (0..count).map(rule).collect()
    };
    let short = Restraints {
        deny: many(990, 1),
        ask: many(990, 1),
        trusted: true,
    };
    assert_eq!((count(&short, "deny"), count(&short, "ask")), (990, 10));
    let long = Restraints {
        deny: many(990, 100),
        ask: Vec::new(),
        trusted: true,
    };
    let some = count(&long, "deny");
    assert!((50..200).contains(&some), "{some}");
}
