//! Claude Code's command line.
//!
//! What is handed over of the rules, and what was measured with 2.1.330:
//! - `--settings` takes JSON of more than 100 KB. No rule in it was refused or made others fail, whatever it was, but `*` alone
//!   takes every tool away. A denied whole tool is not offered to the model. Denials there also count for what its hooks never
//!   see: commands in slash commands, files that a message mentions; and reads and edits fail before the hook is asked.
//! - Allowances are **not** handed over: `Bash(git:*)` there lets `git -c core.pager=… log` run without asking, and whatever is
//!   matched more loosely than by our own rules would never be asked about. What may run is decided when it is asked or announced.
//! - In a directory that nobody trusts, it runs hooks, MCP servers and `apiKeyHelper` of the project, and takes over its `env`,
//!   mode and model, when there is no terminal to ask. With `--setting-sources=user` none of that happens, `.mcp.json` included;
//!   the project's commands, skills and sub-agents are gone as well, its denials too (they come with `--settings` again).
//! - The project's `CLAUDE.md` is gone with them. It comes back, with what it includes inside the project and `.claude/rules`,
//!   when the directory is named as an additional one and a variable says that its instructions count. Settings of additional
//!   directories do not count.
//! - `--include-hook-events` is known to 2.1.197, too, the oldest version that is driven. It tells of the user's hooks only: a
//!   callback over the stream, which is how calls are announced to us, brings no line of it, whether it goes on or denies.

use betcode_core::command::{AgentFlags, LaunchOptions};
use serde_json::{Map, Value};

use super::{Launch, Restraints, Start};

/// The most rules that are handed over. The others are enforced call by call all the same.
const MOST_RULES: usize = 1000;
/// The longest settings, in bytes. Linux takes no argument of more than 128 KiB.
const LONGEST_SETTINGS: usize = 64 * 1024;

pub(super) fn arguments(
    options: &LaunchOptions,
    agent_session: &str,
    start: Start,
    restraints: &Restraints,
) -> Launch {
    const FIXED: [&str; 9] = [
        "--output-format",
        "stream-json",
        "--input-format",
        "stream-json",
        "--verbose",
        "--include-partial-messages",
        "--include-hook-events",
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
    let turns = options.max_turns.map(|turns| turns.to_string());
    let (patterns, tools): (Vec<&str>, Vec<&str>) = options
        .disallowed_tools
        .iter()
        .map(String::as_str)
        .partition(|rule| rule.contains('('));
    let denied = patterns
        .into_iter()
        .chain(restraints.deny.iter().map(String::as_str));
    let settings = settings(denied, restraints.ask.iter().map(String::as_str));
    // Joined by `=`, so that a value that begins with a dash is still a value.
    let mut flag = |name: &str, value: &str| {
        if !value.is_empty() {
            arguments.push(with_value(name, value));
        }
    };
    flag("--model", &options.model);
    flag("--permission-mode", &options.permission_mode);
    flag("--append-system-prompt", &options.append_system_prompt);
    flag("--max-turns", &turns.unwrap_or_default());
    flag("--disallowedTools", &tools.join(","));
    flag("--settings", &settings);
    let on = |name: &str| (name.to_owned(), "1".to_owned());
    let mut environment = vec![
        on("CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS"),
        on("CLAUDE_CODE_ENABLE_TODO_TOOLS"),
    ];
    if start == Start::GoesOn {
        environment.push(on("CLAUDE_CODE_RESUME_INTERRUPTED_TURN"));
    }
    if !restraints.trusted {
        flag("--setting-sources", "user");
        flag("--add-dir", ".");
        environment.push(on("CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD"));
    }
    arguments.extend(others(&options.flags));
    Launch {
        arguments,
        environment,
    }
}

fn with_value(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

/// What is handed over as it is. None of it takes anything from the rules: they are asked at every call, also where more
/// directories, tools, servers or sub-agents are named.
fn others(flags: &AgentFlags) -> Vec<String> {
    let AgentFlags {
        fallback_model,
        effort,
        system_prompt,
        tools,
        max_budget_microdollars,
        add_dirs,
        mcp_configs,
        strict_mcp_config,
        agents,
        persona,
        json_schema,
    } = flags;
    let budget = max_budget_microdollars.map(|budget| {
        let (dollars, rest) = (budget / 1_000_000, budget % 1_000_000);
        format!("{dollars}.{rest:06}")
    });
    let texts = [
        ("--fallback-model", fallback_model),
        ("--effort", effort),
        ("--system-prompt", system_prompt),
        ("--agents", agents),
        ("--agent", persona),
        ("--json-schema", json_schema),
    ];
    let given = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let mut all: Vec<String> = given.map(|(name, text)| with_value(name, text)).collect();
    // An empty list of tools is one, too.
    all.extend(tools.iter().map(|tools| with_value("--tools", tools)));
    all.extend(budget.map(|budget| with_value("--max-budget-usd", &budget)));
    all.extend(add_dirs.iter().map(|path| with_value("--add-dir", path)));
    all.extend(
        mcp_configs
            .iter()
            .map(|path| with_value("--mcp-config", path)),
    );
    if *strict_mcp_config {
        all.push("--strict-mcp-config".to_owned());
    }
    all
}

/// Settings with these rules, each once, as many as fit; nothing when there are none.
fn settings<'a>(deny: impl Iterator<Item = &'a str>, ask: impl Iterator<Item = &'a str>) -> String {
    let (mut rules, mut bytes) = (0, 0);
    let mut fitting = |all: &mut dyn Iterator<Item = &'a str>| {
        let mut list: Vec<Value> = Vec::new();
        for rule in all.filter(|rule| is_rule(rule)) {
            let rule = Value::from(rule);
            // Its text, and the comma after it.
            let length = rule.to_string().len() + 1;
            if rules < MOST_RULES && bytes + length <= LONGEST_SETTINGS && !list.contains(&rule) {
                rules += 1;
                bytes += length;
                list.push(rule);
            }
        }
        list
    };
    let lists = [
        ("deny", fitting(&mut { deny })),
        ("ask", fitting(&mut { ask })),
    ];
    let permissions: Map<_, _> = lists
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(name, list)| (name.to_owned(), list.into()))
        .collect();
    if permissions.is_empty() {
        return String::new();
    }
    serde_json::json!({"permissions": permissions}).to_string()
}

/// Whether this is about a tool that it names.
fn is_rule(rule: &str) -> bool {
    let name = rule.split('(').next().unwrap_or_default().trim();
    name.starts_with(|letter: char| letter.is_ascii_alphabetic())
}
