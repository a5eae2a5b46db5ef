//! A call of a tool as a person writes it, to ask what the rules say about it: `Bash(git push)`, `Edit(src/a.ts)`,
//! `WebFetch(example.com)`, `mcp__github__create_issue`. It is one call and no pattern: a star is a star. Not for what agents
//! send, which comes as a name and an input.
//!
//! Between the first parenthesis and the last one stands what the call is about, to the letter: of a command every newline,
//! carriage return and blank. A JSON object there is the whole input of any tool.

use serde_json::{Map, Value, json};

use crate::syntax::{AGENT_TOOLS, EDIT_TOOLS, READ_TOOLS};

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name of the tool.
    pub tool: String,
    /// What an agent would hand to it.
    pub input: Value,
}

/// Why a text is no call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{call}` is no call of a tool: {what}")]
pub struct CallError {
    /// The text.
    pub call: String,
    /// What is wrong.
    pub what: String,
}

impl Call {
    /// Reads a call.
    pub fn parse(text: &str) -> Result<Self, CallError> {
        parse(text).map_err(|what| CallError {
            call: shown(text),
            what,
        })
    }
}

impl std::str::FromStr for Call {
    type Err = CallError;

    fn from_str(text: &str) -> Result<Self, CallError> {
        Self::parse(text)
    }
}

impl From<Call> for (String, Value) {
    fn from(call: Call) -> Self {
        (call.tool, call.input)
    }
}

fn parse(text: &str) -> Result<Call, String> {
    // What a terminal or a file puts around it is no part of it; what stands in parentheses is left alone.
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    let (tool, inside) = match text.split_once('(') {
        None => (text, None),
        Some((tool, rest)) => {
            let inside = rest.strip_suffix(')').ok_or_else(|| {
                if rest.contains(')') {
                    format!(
                        "it does not end with the closing parenthesis of `{}(`",
                        shown(tool)
                    )
                } else {
                    "the parenthesis is not closed".to_owned()
                }
            })?;
            (tool, Some(inside))
        }
    };
    check_name(tool, inside.is_some())?;
    let input = match inside {
        Some(inside) => match serde_json::from_str::<Map<String, Value>>(inside) {
            Ok(input) => Value::Object(input),
            Err(error) if tool != "Bash" && begins_object(inside) => {
                return Err(format!("what begins like a JSON object is none: {error}"));
            }
            Err(_) => about(tool, inside)?,
        },
        None => alone(tool)?,
    };
    Ok(Call {
        tool: tool.to_owned(),
        input,
    })
}

/// Whether a text can be meant as a JSON object only: no pattern begins like this.
fn begins_object(text: &str) -> bool {
    text.trim_start()
        .strip_prefix('{')
        .is_some_and(|rest| rest.trim_start().starts_with(['"', '\'']))
}

fn check_name(tool: &str, called: bool) -> Result<(), String> {
    if tool.is_empty() {
        return Err(
            "the name of a tool is missing; write Bash(git push) or Edit(src/a.ts)".to_owned(),
        );
    }
    let fits = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | ':')
    };
    let Some(strange) = tool.chars().find(|character| !fits(*character)) else {
        return Ok(());
    };
    Err(match strange {
        '*' => "a call names one tool; wildcards are for rules".to_owned(),
        ' ' if !called => format!(
            "a blank cannot be in the name of a tool; a command is written Bash({})",
            shown(tool)
        ),
        strange if strange.is_ascii_graphic() || strange == ' ' => {
            format!("`{strange}` cannot be in the name of a tool")
        }
        strange => format!(
            "U+{:04X} cannot be in the name of a tool",
            u32::from(strange)
        ),
    })
}

/// What is missing of a tool that has to be told more than its name.
fn missing(tool: &str) -> Option<String> {
    Some(match tool {
        "Bash" => "which command? write Bash(git push)".to_owned(),
        "Grep" => "which pattern? write Grep(TODO)".to_owned(),
        "Glob" => "which pattern? write Glob(**/*.rs)".to_owned(),
        "WebFetch" => "which address? write WebFetch(https://example.com/)".to_owned(),
        "LS" => "which directory? write LS(src)".to_owned(),
        tool if EDIT_TOOLS.contains(&tool) || READ_TOOLS.contains(&tool) => {
            format!("which file? write {tool}(src/a.ts)")
        }
        _ => return None,
    })
}

/// The input of a tool that is called by its name only.
fn alone(tool: &str) -> Result<Value, String> {
    missing(tool).map_or_else(|| Ok(json!({})), Err)
}

/// The input of a tool that is about `inside`.
fn about(tool: &str, inside: &str) -> Result<Value, String> {
    if inside.is_empty() {
        return Err(missing(tool)
            .unwrap_or_else(|| format!("there is nothing in the parentheses; write {tool}")));
    }
    Ok(match tool {
        "Bash" => json!({ "command": inside }),
        "Grep" | "Glob" => json!({ "pattern": inside }),
        "LS" => json!({ "path": inside }),
        "NotebookEdit" | "NotebookRead" => json!({ "notebook_path": inside }),
        tool if EDIT_TOOLS.contains(&tool) || READ_TOOLS.contains(&tool) => {
            json!({ "file_path": inside })
        }
        "WebFetch" => json!({ "url": address(inside)? }),
        "WebSearch" => json!({ "query": inside }),
        tool if AGENT_TOOLS.contains(&tool) => json!({ "subagent_type": inside }),
        "Skill" => json!({ "skill": inside }),
        "SlashCommand" => json!({ "command": inside }),
        tool => {
            return Err(format!(
                "what {tool} takes is not known here; write its input in JSON: {tool}({{\"name\": \"value\"}})"
            ));
        }
    })
}

/// An address from one, from a host as rules write it, or from a host alone.
fn address(inside: &str) -> Result<String, String> {
    let host = match inside.strip_prefix("domain:") {
        Some(host) => host,
        None if inside.contains("://") => return Ok(inside.to_owned()),
        None => inside,
    };
    if host.contains('*') {
        return Err("a call is about one host; wildcards are for rules".to_owned());
    }
    let path = if host.contains(['/', '?', '#']) {
        ""
    } else {
        "/"
    };
    Ok(format!("https://{host}{path}"))
}

/// A text for people: short, and nothing in it that cannot be seen.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut shown: String = text
        .chars()
        .take(MOST)
        .collect::<String>()
        .escape_debug()
        .to_string();
    // Quotes are not in the way here.
    shown = shown.replace("\\\"", "\"").replace("\\'", "'");
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
