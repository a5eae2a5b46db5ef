//! Hooks that the user has set up in Claude Code: what is said when one of them failed or said no. It tells of them because
//! it is started with `--include-hook-events`; a hook that went well says nothing here.
//!
//! Not here: the one hook that is registered by this program (see `hooks`).

use betcode_core::observation::{Observation, Observations};
use serde::Deserialize;
use serde_json::Value;

use super::wire::read;

/// The exit code by which a hook says no.
const BLOCKS: i64 = 2;
/// The most of a hook's words that are shown, in characters.
const LONGEST_WORDS: usize = 2_000;

/// A hook of the user's own has run.
#[derive(Debug, Deserialize)]
pub(super) struct HookResponseLine {
    hook_name: Option<String>,
    hook_event: Option<String>,
    exit_code: Option<i64>,
    outcome: Option<String>,
    #[serde(default)]
    stderr: String,
    #[serde(default)]
    stdout: String,
    #[serde(default)]
    output: String,
}

/// A hook has run.
pub(super) fn ran(hook: &HookResponseLine, out: &mut Observations) {
    // One that was cancelled had no say.
    if hook.outcome.as_deref() == Some("cancelled") {
        return;
    }
    let code = hook.exit_code.unwrap_or(0);
    let (what, words) = if code == BLOCKS {
        ("blocked", words(hook).to_owned())
    } else if code != 0 || hook.outcome.as_deref() == Some("error") {
        ("failed", words(hook).to_owned())
    } else if let Some(reason) = refusal(&hook.stdout) {
        ("blocked", reason)
    } else {
        return;
    };
    let event = hook.hook_event.as_deref().unwrap_or_default();
    let name = hook.hook_name.as_deref().unwrap_or(event);
    let mut text = format!("Hook {name} {what}");
    if code != 0 {
        text = format!("{text} (exit code {code})");
    }
    let words: String = words.trim().chars().take(LONGEST_WORDS).collect();
    if !words.is_empty() {
        text = format!("{text}: {words}");
    }
    out.push(None, Observation::Notice(text));
}

/// What it said about that.
fn words(hook: &HookResponseLine) -> &str {
    let all = [&hook.stderr, &hook.output, &hook.stdout];
    let said = all.into_iter().find(|text| !text.trim().is_empty());
    said.map_or("", String::as_str)
}

/// Why it said no in the JSON that it printed, if it did.
fn refusal(stdout: &str) -> Option<String> {
    let answer: Value = read(stdout.trim())?;
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    let reason = if text("/decision") == Some("block") {
        text("/reason")
    } else if text("/hookSpecificOutput/permissionDecision") == Some("deny") {
        text("/hookSpecificOutput/permissionDecisionReason")
    } else if answer.get("continue") == Some(&Value::Bool(false)) {
        text("/stopReason")
    } else {
        return None;
    };
    Some(reason.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::claude::tests::told;

    fn notices(hook: &Value) -> Vec<String> {
        let mut line = json!({
            "type": "system", "subtype": "hook_response", "hook_id": "h", "hook_name": "PreToolUse:Bash",
            "hook_event": "PreToolUse", "stdout": "", "stderr": "", "output": "", "outcome": "success", "exit_code": 0,
        });
        let fields = line.as_object_mut().unwrap();
        fields.extend(hook.as_object().unwrap().clone());
        let text = |seen| match seen {
            Observation::Notice(text) => text,
            other => panic!("{other:?}"),
        };
        told(&[line]).into_iter().map(text).collect()
    }

    #[test]
    fn a_hook_that_fails_or_says_no_is_told_with_its_words_and_success_is_silent() {
        let none: [&str; 0] = [];
        assert_eq!(notices(&json!({"stdout": "done", "output": "done"})), none);
        assert_eq!(notices(&json!({"stdout": "{\"continue\": true}"})), none);
        assert_eq!(
            notices(&json!({"outcome": "cancelled", "exit_code": 143})),
            none
        );
        assert_eq!(
            notices(&json!({"exit_code": 1, "outcome": "error", "stderr": "no such file\n"})),
            ["Hook PreToolUse:Bash failed (exit code 1): no such file"]
        );
        assert_eq!(
            notices(&json!({"exit_code": 2, "outcome": "error", "stderr": "not on a Friday"})),
            ["Hook PreToolUse:Bash blocked (exit code 2): not on a Friday"]
        );
        assert_eq!(
            notices(&json!({"outcome": "error", "exit_code": null, "hook_name": null})),
            ["Hook PreToolUse failed"]
        );
        for no in [
            json!({"decision": "block", "reason": "why"}),
            json!({"continue": false, "stopReason": "why"}),
            json!({"hookSpecificOutput": {"permissionDecision": "deny", "permissionDecisionReason": "why"}}),
        ] {
            assert_eq!(
                notices(&json!({"stdout": no.to_string()})),
                ["Hook PreToolUse:Bash blocked: why"]
            );
        }
    }

    #[test]
    fn what_a_hook_says_is_shown_up_to_a_limit() {
        let long = notices(&json!({"exit_code": 1, "stderr": "ä".repeat(9_000)}));
        assert_eq!(long[0].matches('ä').count(), LONGEST_WORDS);
    }
}
