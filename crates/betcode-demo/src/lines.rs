//! The lines that describe the agent itself, in the shapes of Claude Code 2.1.330. Data only:
//! when a line is due is decided elsewhere.

use std::path::Path;

use serde_json::{Value, json};

use crate::scenario::SCENARIOS;

/// The model's name wherever one is shown.
pub(crate) const MODEL: &str = "demo";
/// The models that `set_model` knows.
pub(crate) const CATALOGUE: [&str; 2] = [MODEL, "demo-mini"];
/// What the agent says its version is.
pub(crate) const VERSION: &str = "demo";
/// The permission modes that can be set.
pub(crate) const MODES: [&str; 6] = [
    "acceptEdits",
    "auto",
    "bypassPermissions",
    "default",
    "dontAsk",
    "plan",
];
const TOOLS: [&str; 7] = [
    "Task",
    "AskUserQuestion",
    "Bash",
    "Edit",
    "ExitPlanMode",
    "TodoWrite",
    "Write",
];
const CAPABILITIES: [&str; 2] = ["interrupt_receipt_v1", "msg_lifecycle_v1"];
const AGENT: &str = "general-purpose";

/// The `response` of an answered `initialize`.
pub(crate) fn initialized(model: &str, mode: &str, state: &str) -> Value {
    let command = |name: &str, about: &str, hint: &str| json!({"name": name, "description": about, "argumentHint": hint, "builtin": true});
    let hint: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    json!({
        "commands": [
            command("demo", "Plays a scenario", &format!("<{}> [key=value…]", hint.join("|"))),
            command("clear", "Forgets the conversation", ""),
            command("compact", "Puts a summary in the place of the conversation", ""),
        ],
        "agents": [{"name": AGENT, "description": "Counts files", "model": "inherit"}],
        "output_style": "default",
        "available_output_styles": ["default"],
        "models": models(model),
        "account": {"tokenSource": "none", "apiKeySource": "none", "apiProvider": "firstParty"},
        "pid": std::process::id(),
        "claude_code_version": VERSION,
        "current_permission_mode": mode,
        "hook_on_failure_supported": false,
        "hooks_when_unanswered_kept": 0,
        "analytics_disabled": true,
        "remote_control_available": false,
        "fast_mode_state": "off",
        "fast_mode_disabled_reason": "sdk_opt_in_required",
        "session_state": state,
        "capabilities": CAPABILITIES,
    })
}

/// The catalogue as `initialize` and `list_models` give it.
pub(crate) fn models(current: &str) -> Value {
    let entry = |value: &str, resolved: &str, name: &str| {
        json!({
            "value": value,
            "resolvedModel": resolved,
            "displayName": name,
            "description": "demo: no model",
            "supportsEffort": false,
            "supportsThinkingOff": true,
        })
    };
    let mut models = vec![entry("default", MODEL, "Default (demo: no model)")];
    models.extend(CATALOGUE.map(|name| entry(name, name, &format!("{name}: no model"))));
    if !CATALOGUE.contains(&current) {
        models.push(entry(
            current,
            current,
            &format!("{current} (demo: no model)"),
        ));
    }
    Value::Array(models)
}

/// The `system/init` line that opens every turn, but for the identifiers of the turn.
pub(crate) fn init(directory: &Path, model: &str, mode: &str, without: &[String]) -> Value {
    let directory = directory.to_string_lossy();
    let tools: Vec<_> = TOOLS
        .iter()
        .filter(|tool| !without.iter().any(|name| name == *tool))
        .collect();
    json!({
        "type": "system",
        "subtype": "init",
        "cwd": directory,
        "tools": tools,
        "mcp_servers": [],
        "model": model,
        "permissionMode": mode,
        "slash_commands": ["demo", "clear", "compact"],
        "terminal_slash_commands": [],
        "apiKeySource": "none",
        "claude_code_version": VERSION,
        "output_style": "default",
        "agents": [AGENT],
        "skills": [],
        "plugins": [],
        "capabilities": CAPABILITIES,
        "analytics_disabled": true,
        "product_feedback_disabled": true,
        "served_by_anthropic": false,
        "memory_paths": {},
        "original_cwd": directory,
        "additional_directories": [],
        "fast_mode_state": "off",
        "fast_mode_disabled_reason": "sdk_opt_in_required",
        "per_turn_effort_active": false,
        "ultrathink_available": false,
        "ultrathink_typed_raises": false,
        "view_mode": "default",
    })
}

/// The `usage` of a message.
pub(crate) fn message_usage(input: u64, output: u64) -> Value {
    json!({
        "input_tokens": input,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
    })
}

/// The `usage` of a result.
pub(crate) fn result_usage(input: u64, output: u64) -> Value {
    json!({
        "input_tokens": input,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": 0},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
        "inference_geo": "",
        "iterations": [],
        "speed": "standard",
        "fallback_credit": null,
    })
}

/// The `modelUsage` of a result.
pub(crate) fn model_usage(model: &str, input: u64, output: u64) -> Value {
    if input == 0 && output == 0 {
        return json!({});
    }
    json!({model: {
        "inputTokens": input,
        "outputTokens": output,
        "cacheReadInputTokens": 0,
        "cacheCreationInputTokens": 0,
        "webSearchRequests": 0,
        "costUSD": 0,
        "contextWindow": 200_000,
        "maxOutputTokens": 32_000,
        "thinkingTokens": 0,
        "cacheCreationEphemeral5mInputTokens": 0,
        "cacheCreationEphemeral1hInputTokens": 0,
        "canonicalModel": model,
        "provider": "firstParty",
        "costBasis": "list",
    }})
}

/// The `subagent_stats` of a result.
pub(crate) fn subagent_stats(spawned: u64) -> Value {
    let by_type = if spawned == 0 {
        json!({})
    } else {
        json!({AGENT: spawned})
    };
    json!({
        "spawned": spawned,
        "requested": {"background": 0, "foreground": 0, "unset": spawned},
        "started_in_background": 0,
        "max_depth": u64::from(spawned > 0),
        "spawned_by_subagents": 0,
        "completed": spawned,
        "failed": 0,
        "killed": {"parent": 0, "user": 0, "system": 0},
        "refused": {"depth_limit": 0, "concurrency_limit": 0, "budget": 0},
        "by_type": by_type,
    })
}

/// The `response` of `get_context_usage`.
pub(crate) fn context_usage(model: &str, used: u64) -> Value {
    const SIZE: u64 = 200_000;
    let free = SIZE.saturating_sub(used);
    json!({
        "categories": [
            {"id": "messages", "name": "Messages", "tokens": used, "color": "purple_FOR_SUBAGENTS_ONLY", "kind": "used"},
            {"id": "free_space", "name": "Free space", "tokens": free, "color": "promptBorder", "kind": "free"},
        ],
        "totalTokens": used,
        "maxTokens": SIZE,
        "rawMaxTokens": SIZE,
        "autocompactSource": "model-default",
        "percentage": used * 100 / SIZE,
        "gridRows": [],
        "model": model,
        "memoryFiles": [],
        "mcpTools": [],
        "mcpInstructions": [],
        "agents": [],
        "autoCompactThreshold": SIZE,
        "isAutoCompactEnabled": false,
        "apiUsage": null,
    })
}
