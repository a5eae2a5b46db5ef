//! One line of a transcript, with its parts still raw, and what kind of thing a user's line is.
//!
//! Claude Code writes lines in the user's name that no user wrote: notes to the model, outputs of local commands, summaries,
//! notices of background tasks. Which is which is decided here and nowhere else.

use std::borrow::Cow;

use betcode_core::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::claude::wire::{Block, Text, read};

/// A line. Nothing is taken for granted: every part may be missing or something else than usual.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) subtype: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) uuid: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) parent_uuid: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) logical_parent_uuid: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) is_sidechain: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) cwd: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) version: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) is_meta: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) is_compact_summary: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) is_api_error_message: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) api_error_status: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) origin: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) message: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) attachment: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) compact_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) leaf_uuid: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) custom_title: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) ai_title: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) summary: Option<&'a RawValue>,
    #[serde(rename = "totalCostUSD", borrow)]
    pub(super) total_cost_usd: Option<&'a RawValue>,
}

/// The message of a user's or an assistant's line.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) model: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
}

/// A message that was taken while a turn ran.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Queued<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) source_uuid: Option<&'a RawValue>,
    #[serde(rename = "commandMode", borrow)]
    pub(super) mode: Option<&'a RawValue>,
}

/// Where a line comes from that was written in the user's name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Origin<'a> {
    #[serde(borrow)]
    kind: Option<&'a RawValue>,
}

/// What a line in the user's name is.
#[derive(Debug, PartialEq)]
pub(super) enum Said<'a> {
    /// What the user said: its text and what else it holds.
    Prompt(Spoken<'a>),
    /// Results of tools.
    Results,
    /// The user stopped the turn.
    Interrupted,
    /// What a local command printed.
    Printed(String),
    /// Something that makes the agent work without the user.
    Notification,
    /// For the model alone.
    Aside,
}

/// What the user said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Spoken<'a> {
    pub(super) text: String,
    /// The blocks that are no text.
    pub(super) others: Vec<&'a str>,
}

impl<'a> Record<'a> {
    /// The line as an object; none when it is something else.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        read(std::str::from_utf8(line).ok()?)
    }

    pub(super) fn kind(&self) -> Cow<'a, str> {
        text(self.kind).unwrap_or_default()
    }

    pub(super) fn message(&self) -> Message<'a> {
        self.message
            .and_then(|raw| read(raw.get()))
            .unwrap_or_default()
    }

    pub(super) fn at(&self) -> Option<Timestamp> {
        read(self.timestamp?.get())
    }

    /// What a user's line is.
    pub(super) fn said(&self) -> Said<'a> {
        if is(self.is_meta) || is(self.is_compact_summary) {
            return Said::Aside;
        }
        let content = self.message().content;
        let Some(spoken) = spoken(content) else {
            return Said::Results;
        };
        let origin: Option<Origin<'_>> = self.origin.and_then(|raw| read(raw.get()));
        let origin = origin.and_then(|origin| text(origin.kind));
        if origin.is_some_and(|kind| kind != "human" && kind != "user") {
            return Said::Notification;
        }
        in_the_users_name(spoken)
    }

    /// What was said while a turn ran, if this line is such a thing.
    pub(super) fn queued(&self) -> Option<(Option<Cow<'a, str>>, Spoken<'a>)> {
        let queued: Queued<'_> = read(self.attachment?.get())?;
        let prompt = text(queued.mode).is_none_or(|mode| mode == "prompt");
        if text(queued.kind)? != "queued_command" || !prompt {
            return None;
        }
        let id = text(queued.source_uuid);
        match in_the_users_name(spoken(queued.prompt)?) {
            Said::Prompt(spoken) => Some((id, spoken)),
            _ => None,
        }
    }
}

/// The text of a content and its other blocks; none when it holds results of tools.
fn spoken(content: Option<&RawValue>) -> Option<Spoken<'_>> {
    let Some(content) = content else {
        return Some(Spoken::default());
    };
    if let Some(text) = read::<String>(content.get()) {
        let others = Vec::new();
        return Some(Spoken { text, others });
    }
    let blocks: Vec<&RawValue> = read(content.get()).unwrap_or_default();
    let mut said = Spoken::default();
    for raw in blocks {
        match read::<Block<'_>>(raw.get()) {
            Some(block) if &*block.kind == "tool_result" => return None,
            Some(Block {
                text: Some(text), ..
            }) => {
                if !said.text.is_empty() {
                    said.text.push('\n');
                }
                said.text.push_str(&text);
            }
            _ => said.others.push(raw.get()),
        }
    }
    Some(said)
}

/// What a text is that a local command left behind.
pub(super) fn words_of(text: &str) -> Said<'static> {
    let text = text.to_owned();
    let others = Vec::new();
    in_the_users_name(Spoken { text, others })
}

/// What a text in the user's name is: the marks are Claude Code's own.
fn in_the_users_name(spoken: Spoken<'_>) -> Said<'_> {
    let words = spoken.text.trim_start();
    if words.starts_with("[Request interrupted by user") {
        return Said::Interrupted;
    }
    if let Some(name) = between(words, "command-name") {
        let arguments = between(words, "command-args").unwrap_or_default();
        let text = format!("{} {}", name.trim(), arguments.trim());
        return Said::Prompt(Spoken {
            text: text.trim_end().to_owned(),
            others: spoken.others,
        });
    }
    if let Some(command) = between(words, "bash-input") {
        return Said::Prompt(Spoken {
            text: format!("! {}", command.trim()),
            others: spoken.others,
        });
    }
    for printed in ["local-command-stdout", "local-command-stderr"] {
        if let Some(text) = between(words, printed) {
            return Said::Printed(text.trim().to_owned());
        }
    }
    if let Some(out) = between(words, "bash-stdout") {
        let errors = between(words, "bash-stderr").unwrap_or_default();
        let text = format!("{}\n{}", out.trim_end(), errors.trim_end());
        return Said::Printed(text.trim().to_owned());
    }
    if words.starts_with("<task-notification>") {
        return Said::Notification;
    }
    let nothing = words.is_empty() && spoken.others.is_empty();
    if nothing || words.starts_with("<local-command-caveat>") {
        return Said::Aside;
    }
    Said::Prompt(spoken)
}

/// The text between a mark and its end, when the text begins with a mark of the kind that Claude Code uses.
fn between<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    if !text.starts_with('<') {
        return None;
    }
    let (_, rest) = text.split_once(&format!("<{mark}>"))?;
    let end = rest.rfind(&format!("</{mark}>"));
    rest.get(..end.unwrap_or(rest.len()))
}

/// A part as text; none when it is something else.
pub(super) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    read::<Text<'_>>(raw?.get()).map(Text::into_inner)
}

/// True for `true`.
pub(super) fn is(raw: Option<&RawValue>) -> bool {
    raw.is_some_and(|raw| raw.get() == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(content: &str) -> String {
        let line = serde_json::json!({"type": "user", "message": {"content": content}}).to_string();
        let record = Record::read(line.as_bytes()).unwrap();
        match record.said() {
            Said::Prompt(spoken) => format!("prompt {}", spoken.text),
            Said::Printed(text) => format!("printed {text}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_claude_code_writes_in_the_users_name_is_told_from_what_the_user_wrote() {
        for (content, expected) in [
            ("hello", "prompt hello"),
            ("<b>bold</b> words", "prompt <b>bold</b> words"),
            (
                "say <command-name>x</command-name>",
                "prompt say <command-name>x</command-name>",
            ),
            (
                "<command-name>/model</command-name>\n  <command-message>model</command-message>\n  <command-args>opus </command-args>",
                "prompt /model opus",
            ),
            (
                "<local-command-stdout>Compacted </local-command-stdout>",
                "printed Compacted",
            ),
            ("<bash-input>ls</bash-input>", "prompt ! ls"),
            (
                "<bash-stdout>a\n</bash-stdout><bash-stderr></bash-stderr>",
                "printed a",
            ),
            ("[Request interrupted by user for tool use]", "Interrupted"),
            ("<task-notification>\n<task-id>x", "Notification"),
            ("<local-command-caveat>The command below", "Aside"),
            ("", "Aside"),
        ] {
            assert_eq!(said(content), expected, "{content}");
        }
    }
}
