//! Why an agent would not begin, as the end of its stderr tells. Only what is known to be so again the next time: anything
//! else is a death like any other, after which it is started again.

use betcode_core::session::Refused;

use crate::Kind;

/// What updates Claude Code, to the version that was tested.
pub const UPDATE_CLAUDE: &str =
    "update it: claude update, or npm install -g @anthropic-ai/claude-code@2.1.330";

/// Why the agent would not begin. `version` is empty when it is not known; `session` is how people name the session.
pub fn refusal(kind: Kind, stderr: &str, version: &str, session: &str) -> Option<Refused> {
    match kind {
        Kind::ClaudeCode => stderr
            .lines()
            .find_map(|line| claude(line.trim(), version, session)),
    }
}

fn claude(line: &str, version: &str, session: &str) -> Option<Refused> {
    let refused = |message: String, hint: String| Some(Refused { message, hint });
    let told = line.strip_prefix("Error: ").unwrap_or(line);
    if let Some(option) = line.strip_prefix("error: unknown option ") {
        let option = option.trim_matches('\'');
        let version = if version.is_empty() {
            "this version of claude".to_owned()
        } else {
            format!("claude {version}")
        };
        return refused(
            format!("{version} does not know the option {option}"),
            UPDATE_CLAUDE.to_owned(),
        );
    }
    if told.starts_with("Session ID ") && told.ends_with("is already in use.") {
        return refused(
            "claude has this conversation already, and does not begin it a second time".to_owned(),
            format!("betcode session clear {session} begins a new one"),
        );
    }
    if told.starts_with("No conversation found with session ID") {
        return refused(
            "claude no longer has this conversation".to_owned(),
            format!("betcode session clear {session} begins a new one"),
        );
    }
    if told.contains("cannot be used with root/sudo privileges") {
        return refused(
            "claude does not run without permissions as root".to_owned(),
            "choose another --permission-mode, or run it as another user".to_owned(),
        );
    }
    if told.starts_with("Settings file not found") {
        return refused(
            format!("claude cannot use its settings: {told}"),
            UPDATE_CLAUDE.to_owned(),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;

    /// What a recorded run wrote to stderr.
    fn stderr(name: &str) -> String {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/agents");
        let file = fixtures.join(format!("claude-code-2.1.330/{name}.ndjson"));
        let mut stderr = String::from("a warning\n");
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            if line["dir"] == "err" {
                stderr.push_str(line["msg"].as_str().unwrap());
                stderr.push('\n');
            }
        }
        stderr
    }

    #[test]
    fn recorded_refusals_are_known_and_say_what_to_do() {
        for (name, version, message, hint) in [
            (
                "flag_unknown",
                "2.0.1",
                "claude 2.0.1 does not know the option --no-such-flag",
                "claude update",
            ),
            (
                "flag_unknown",
                "",
                "this version of claude does not know the option --no-such-flag",
                "npm install -g @anthropic-ai/claude-code@2.1.330",
            ),
            (
                "session_id_reused",
                "",
                "claude has this conversation already, and does not begin it a second time",
                "betcode session clear abc",
            ),
            (
                "resume_unknown",
                "",
                "claude no longer has this conversation",
                "betcode session clear abc",
            ),
            (
                "flag_skip_root",
                "",
                "claude does not run without permissions as root",
                "--permission-mode",
            ),
            (
                "flag_bypass_root",
                "",
                "claude does not run without permissions as root",
                "--permission-mode",
            ),
            (
                "flag_settings_bad",
                "",
                "claude cannot use its settings: Settings file not found: /workspace/{not json",
                "claude update",
            ),
        ] {
            let refused = refusal(Kind::ClaudeCode, &stderr(name), version, "abc").unwrap();
            assert_eq!(refused.message, message, "{name}");
            assert!(refused.hint.contains(hint), "{name}: {}", refused.hint);
        }
    }

    #[test]
    fn what_is_only_a_warning_or_a_crash_refuses_nothing() {
        let model = stderr("flag_model_bad");
        assert!(model.contains("unrecognized_model"));
        for stderr in [model.as_str(), "", "Segmentation fault", "Error: EPIPE"] {
            assert_eq!(refusal(Kind::ClaudeCode, stderr, "", "abc"), None);
        }
    }
}
