//! How an agent process is started: the arguments after its command, and what is added to its environment.

use betcode_core::command::LaunchOptions;

use crate::Kind;

/// What is added to an agent's command line and environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launch {
    /// Arguments, after those of the command itself.
    pub arguments: Vec<String>,
    /// Variables that are set over those that the agent has anyway.
    pub environment: Vec<(String, String)>,
}

/// What an agent is told before it starts about what it may not do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restraints {
    /// Rules for what is never done.
    pub deny: Vec<String>,
    /// Rules for what is asked about, whatever the agent's own settings say.
    pub ask: Vec<String>,
    /// Whether the user trusts the directory.
    pub trusted: bool,
}

/// With what a process begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A new conversation.
    Fresh,
    /// The former conversation; it waits for the next message, even if a turn was cut short.
    Resumed,
    /// The former conversation, and the turn in it that was cut short: it asks again for what nobody could answer any more,
    /// before it takes any message.
    GoesOn,
}

/// How to start an agent whose own session is (or, resumed, was) `agent_session`.
pub fn arguments(
    kind: Kind,
    options: &LaunchOptions,
    agent_session: &str,
    start: Start,
    _restraints: &Restraints,
) -> Launch {
    match kind {
        Kind::ClaudeCode => claude(options, agent_session, start),
    }
}

fn claude(options: &LaunchOptions, agent_session: &str, start: Start) -> Launch {
    const FIXED: [&str; 8] = [
        "--output-format",
        "stream-json",
        "--input-format",
        "stream-json",
        "--verbose",
        "--include-partial-messages",
        "--permission-prompt-tool",
        "stdio",
    ];
    let mut arguments: Vec<String> = FIXED.map(str::to_owned).into();
    let session = match start {
        Start::Fresh => "--session-id",
        Start::Resumed | Start::GoesOn => "--resume",
    };
    arguments.push(session.to_owned());
    arguments.push(agent_session.to_owned());
    // Joined by `=`, so that a value that begins with a dash is still a value.
    let mut flag = |name: &str, value: &str| {
        if !value.is_empty() {
            arguments.push(format!("{name}={value}"));
        }
    };
    flag("--model", &options.model);
    flag("--permission-mode", &options.permission_mode);
    flag("--append-system-prompt", &options.append_system_prompt);
    flag(
        "--max-turns",
        &options
            .max_turns
            .map(|turns| turns.to_string())
            .unwrap_or_default(),
    );
    flag("--allowedTools", &options.allowed_tools.join(","));
    flag("--disallowedTools", &options.disallowed_tools.join(","));
    let on = |name: &str| (name.to_owned(), "1".to_owned());
    let mut environment = vec![
        on("CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS"),
        on("CLAUDE_CODE_ENABLE_TODO_TOOLS"),
    ];
    if start == Start::GoesOn {
        environment.push(on("CLAUDE_CODE_RESUME_INTERRUPTED_TURN"));
    }
    Launch {
        arguments,
        environment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(options: &LaunchOptions, start: Start) -> Vec<String> {
        let launch = arguments(Kind::ClaudeCode, options, "the-id", start, &Restraints::default());
        launch.arguments.into_iter().skip(8).collect()
    }

    #[test]
    fn a_new_session_gets_its_id_and_nothing_that_was_not_asked_for() {
        assert_eq!(
            line(&LaunchOptions::default(), Start::Fresh),
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
            allowed_tools: vec!["Bash(git log:*)".into(), "Read".into()],
            disallowed_tools: vec!["WebFetch".into()],
            command: vec!["never".into()],
        };
        assert_eq!(
            line(&options, Start::Resumed),
            [
                "--resume",
                "the-id",
                "--model=opus",
                "--permission-mode=plan",
                "--append-system-prompt=--be brief\nand kind",
                "--max-turns=3",
                "--allowedTools=Bash(git log:*),Read",
                "--disallowedTools=WebFetch",
            ]
        );
    }

    #[test]
    fn the_stream_is_json_both_ways_and_permissions_are_asked_over_it() {
        let launch = arguments(
            Kind::ClaudeCode,
            &LaunchOptions::default(),
            "x",
            Start::Fresh,
            &Restraints::default(),
        );
        let whole = launch.arguments.join(" ");
        assert!(whole.starts_with(
            "--output-format stream-json --input-format stream-json --verbose \
             --include-partial-messages --permission-prompt-tool stdio"
        ));
        assert!(launch.environment.iter().all(|(_, value)| value == "1"));
        assert_eq!(launch.environment.len(), 2);
    }

    #[test]
    fn a_process_goes_on_with_an_interrupted_turn_only_when_it_is_told_to() {
        let goes_on = |start: Start| {
            let launch = arguments(Kind::ClaudeCode, &LaunchOptions::default(), "x", start, &Restraints::default());
            let wanted = (
                "CLAUDE_CODE_RESUME_INTERRUPTED_TURN".to_owned(),
                "1".to_owned(),
            );
            launch.environment.contains(&wanted)
        };
        let all = [Start::Fresh, Start::Resumed, Start::GoesOn];
        assert_eq!(all.map(goes_on), [false, false, true]);
        assert_eq!(
            line(&LaunchOptions::default(), Start::Resumed)[0],
            "--resume"
        );
    }
}
