//! What a project's files say that does not count before the user trusts the directory, in words. Of variables only the
//! names.

use std::path::Path;

use serde_json::value::RawValue;

use super::claude::{Members, members};
use super::layer::Found;

/// What one file says, beside what always counts.
pub(super) fn words(found: &Found) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(count(found.allow.len(), "allow rule", "allow rules"));
    words.extend(count(
        found.additional.len(),
        "additional directory",
        "additional directories",
    ));
    words.extend(found.beside.iter().cloned());
    words
}

/// `/p/.claude/settings.json: 3 allow rules and 2 hooks do not count: …`.
pub(super) fn line(file: &Path, what: &[String], why: &str) -> String {
    let (list, verb) = match what {
        [one] if one.starts_with("1 ") || one.starts_with("a ") => (one.clone(), "does"),
        [front @ .., last] if !front.is_empty() => {
            (format!("{} and {last}", front.join(", ")), "do")
        }
        _ => (what.concat(), "do"),
    };
    format!("{}: {list} {verb} not count: {why}", file.display())
}

/// What Claude Code's settings say beside permissions.
pub(super) fn beside(settings: &Members<'_>, found: &mut Found) {
    let hooks: usize = settings
        .get("hooks")
        .and_then(|hooks| members(hooks).ok())
        .map_or(0, |events| {
            events.0.iter().map(|(_, event)| hooks_of(event)).sum()
        });
    found.beside.extend(count(hooks, "hook", "hooks"));
    if let Some(variables) = settings.get("env").and_then(|env| members(env).ok())
        && !variables.0.is_empty()
    {
        let names: Vec<String> = variables
            .0
            .iter()
            .map(|(name, _)| name.escape_debug().to_string())
            .collect();
        found
            .beside
            .push(format!("environment variables ({})", names.join(", ")));
    }
    let servers = ["mcpServers", "enabledMcpjsonServers"];
    let said = |name: &str| settings.get(name).is_some_and(|value| !is_empty(value));
    let all = settings.get("enableAllProjectMcpServers");
    if servers.into_iter().any(said) || all.is_some_and(|all| all.get() == "true") {
        found.beside.push("MCP servers".to_owned());
    }
    for (name, word) in [
        ("apiKeyHelper", "a helper for keys"),
        ("awsAuthRefresh", "a helper for credentials"),
        ("awsCredentialExport", "a helper for credentials"),
        ("gcpAuthRefresh", "a helper for credentials"),
        ("otelHeadersHelper", "a helper for headers"),
        ("statusLine", "a status line"),
        ("enabledPlugins", "plugins"),
        ("extraKnownMarketplaces", "sources of plugins"),
    ] {
        if said(name) && !found.beside.iter().any(|known| known == word) {
            found.beside.push(word.to_owned());
        }
    }
}

/// How many MCP servers a `.mcp.json` names.
pub(super) fn servers(text: &str) -> Option<String> {
    let root: Members<'_> = serde_json::from_str(text).ok()?;
    let servers = root.get("mcpServers")?;
    count(members(servers).ok()?.0.len(), "MCP server", "MCP servers")
}

/// How many hooks there are for one event: each matcher has a list of them.
fn hooks_of(event: &RawValue) -> usize {
    let matchers: Vec<&RawValue> = serde_json::from_str(event.get()).unwrap_or_default();
    let hooks = |matcher: &&RawValue| {
        let hooks = members(matcher).ok()?.get("hooks")?;
        let hooks: Vec<&RawValue> = serde_json::from_str(hooks.get()).ok()?;
        Some(hooks.len())
    };
    // A form that is not known is one hook: it is not nothing.
    matchers
        .iter()
        .map(|matcher| hooks(matcher).unwrap_or(1))
        .sum()
}

fn is_empty(value: &RawValue) -> bool {
    matches!(value.get(), "null" | "false" | "\"\"") || {
        let inside = value.get().trim_matches(['[', ']', '{', '}']);
        inside.trim().is_empty()
    }
}

/// `1 hook`, `2 hooks`; nothing for none.
fn count(number: usize, one: &str, many: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{number} {many}")),
    }
}
