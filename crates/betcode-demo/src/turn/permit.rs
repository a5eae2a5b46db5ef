//! Who decides whether a tool may run: the driver that it is announced to, a rule that the user kept or the command line gave,
//! the permission mode, or the user, who is then asked.

use std::path::Path;

use serde_json::{Value, json};

use super::Turn;
use super::announce::Word;

/// Whether a tool may run.
pub(super) enum Gate {
    Run(Value),
    Ask,
    /// The driver denied it when it was announced.
    Deny(String),
    /// Refused without a question; `mode` tells why.
    Refuse {
        mode: bool,
    },
}

impl Turn<'_> {
    /// Whether a rule or the mode decides about a tool, or the user has to.
    fn gate(&self, name: &str, input: &Value) -> Gate {
        let session = &self.session;
        let accept = |source: &str, reason: &str| {
            Gate::Run(json!({"decision": "accept", "source": source, "reason_type": reason}))
        };
        let content = rule_content(name, input);
        let kept = session.kept_rules.iter().any(|(tool, rule)| {
            tool == name && rule.as_deref().is_none_or(|rule| covers(rule, content))
        });
        let allowed = session
            .options
            .allowed_tools
            .iter()
            .any(|rule| match rule.split_once('(') {
                None => rule == name,
                Some((tool, rest)) => {
                    tool == name && covers(rest.strip_suffix(')').unwrap_or(rest), content)
                }
            });
        match session.mode.as_str() {
            _ if kept => accept("user_permanent", "rule"),
            _ if allowed => accept("config", "rule"),
            "bypassPermissions" => accept("config", "mode"),
            "acceptEdits" if name != "Bash" => accept("config", "mode"),
            "dontAsk" => Gate::Refuse { mode: true },
            _ if !session.options.can_ask => Gate::Refuse { mode: false },
            _ => Gate::Ask,
        }
    }

    /// The same, once the driver has been told of the call.
    pub(super) fn gate_after(&self, word: Word, name: &str, input: &Value) -> Gate {
        match word {
            Word::GoOn => self.gate(name, input),
            Word::Ask if !self.session.options.can_ask => Gate::Refuse { mode: false },
            Word::Ask => Gate::Ask,
            Word::Deny(reason) => Gate::Deny(reason),
        }
    }

    /// The question whether a tool may run.
    pub(super) fn permission_request(&self, id: &str, name: &str, input: &Value) -> Value {
        let mut suggestions =
            vec![json!({"type": "setMode", "mode": "acceptEdits", "destination": "session"})];
        let content = rule_content(name, input);
        let description = if name == "Bash" {
            let directory = self.session.directory.to_string_lossy();
            let rule = json!({"toolName": name, "ruleContent": content});
            let adds = json!({
                "type": "addRules", "rules": [rule], "behavior": "allow", "destination": "localSettings",
            });
            let directories = json!({
                "type": "addDirectories", "directories": [directory], "destination": "session",
            });
            suggestions.splice(0..0, [adds, directories]);
            input
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or(content)
                .to_owned()
        } else {
            let name = Path::new(content).file_name();
            name.map_or_else(
                || content.to_owned(),
                |name| name.to_string_lossy().into_owned(),
            )
        };
        json!({
            "subtype": "can_use_tool",
            "tool_name": name,
            "display_name": name,
            "input": input,
            "description": description,
            "permission_suggestions": suggestions,
            "tool_use_id": id,
        })
    }
}

/// What a rule about this tool would be compared with.
fn rule_content<'a>(name: &str, input: &'a Value) -> &'a str {
    let key = if name == "Bash" {
        "command"
    } else {
        "file_path"
    };
    input.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a rule's content covers a command: exactly, or as `prefix:*`, which never covers what
/// a shell would take for more than one plain command.
fn covers(rule: &str, content: &str) -> bool {
    match rule.strip_suffix(":*") {
        Some(prefix) => {
            !content.contains([';', '&', '|', '$', '`', '<', '>', '(', '\n'])
                && content
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        }
        None => rule == "*" || rule == content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_one_plain_command_only() {
        for (rule, content, covered) in [
            ("touch:*", "touch", true),
            ("touch:*", "touch a b", true),
            ("touch:*", "touchy a", false),
            ("touch:*", "touch a; rm b", false),
            ("touch:*", "touch $(rm b)", false),
            ("touch a", "touch a", true),
            ("touch a", "touch a b", false),
            ("*", "anything; at all", true),
        ] {
            assert_eq!(covers(rule, content), covered, "{rule} {content}");
        }
    }
}
