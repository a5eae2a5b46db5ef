//! Claude Code's transcripts (`projects/DIRECTORY/SESSION.jsonl`): what a conversation is, found out in one pass.
//!
//! | line | what is taken of it |
//! |---|---|
//! | `user`, `assistant`, `system`, `attachment` | its place in the tree (see `branch`); model, version, directory |
//! | `custom-title`, `ai-title`, `summary` | the title, in this order of preference |
//! | `last-prompt` | which branch counts |
//! | `queue-operation`, `cost-state`, `file-history-…`, `mode`, `tools-used`, `api-request…`, … | nothing here |
//! | anything else | counted as left out, when it has no place in the tree |
//!
//! What the lines of the conversation say is `tell`'s business.

mod branch;
mod record;
mod tell;

use std::borrow::Cow;

use betcode_core::time::Timestamp;

use branch::{Branch, Class, Place, Tree};
use record::{Record, Said, is, text};

pub use tell::Teller;

/// The longest title, in characters.
const LONGEST_TITLE: usize = 200;
/// The longest name of a directory of transcripts, before a mark that tells longer ones apart.
const LONGEST_NAME: usize = 200;

/// Lines without a place in the conversation that are known and say nothing that is told.
const QUIET: [&str; 20] = [
    "queue-operation",
    "last-prompt",
    "cost-state",
    "file-history-snapshot",
    "file-history-delta",
    "mode",
    "permission-mode",
    "agent-name",
    "agent-setting",
    "agent-color",
    "tag",
    "tools-used",
    "atis-latch",
    "api-request",
    "api-request-blob",
    "api-request-shape",
    "content-replacement",
    "worktree-state",
    "pr-link",
    "progress",
];

/// The name of the directory that holds the transcripts of a working directory, and whether that is only how it begins.
///
/// Measured with 2.1.330: whatever is no ASCII letter or digit becomes `-`, once for each unit of UTF-16; a name of more
/// than 200 is cut there and goes on with `-` and a mark of its own.
pub fn directory_name(directory: &str) -> (String, bool) {
    let mut name = String::with_capacity(directory.len());
    for letter in directory.chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else {
            name.extend(std::iter::repeat_n('-', letter.len_utf16()));
        }
    }
    let is_longer = name.len() > LONGEST_NAME;
    name.truncate(LONGEST_NAME);
    if is_longer {
        name.push('-');
    }
    (name, is_longer)
}

/// What a conversation is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The title that a person gave it; empty for none.
    pub chosen_title: String,
    /// The title that the agent gave it; empty for none.
    pub title: String,
    /// The beginning of the first message.
    pub first_prompt: String,
    /// Where it was begun; empty when no line says so.
    pub cwd: String,
    /// The model that answered last; empty when none has.
    pub model: String,
    /// The version that wrote the last line.
    pub version: String,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When something was last said.
    pub ended: Option<Timestamp>,
    /// How many messages of the user and of the model it has.
    pub messages: u64,
    /// True when the model has answered anything.
    pub is_answered: bool,
    /// Lines that were not understood.
    pub left_out: u64,
    /// The last line is not whole.
    pub torn: bool,
    branch: Branch,
}

impl Outline {
    /// The title as a list shows it.
    pub fn shown_title(&self) -> &str {
        [&self.chosen_title, &self.title, &self.first_prompt]
            .into_iter()
            .find(|title| !title.is_empty())
            .map_or("", String::as_str)
    }
}

/// The first pass.
#[derive(Debug, Default)]
pub struct Survey {
    outline: Outline,
    tree: Tree,
    line: u32,
    /// Titles for the ends of conversations, of which only one may be of this file.
    summaries: Vec<(String, String)>,
}

impl Survey {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line, without its newline.
    pub fn line(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            self.next();
        } else if let Some(record) = Record::read(line) {
            self.record(&record);
            self.next();
        } else {
            self.lost();
        }
    }

    /// Takes note of a line that could not be read, or is too long to be looked at.
    pub fn lost(&mut self) {
        self.outline.left_out += 1;
        self.next();
    }

    /// The end of a file without a newline. A part of a line, which somebody is writing or was cut off from, is not a line that
    /// was not understood.
    pub fn torn(&mut self, line: &[u8]) {
        if Record::read(line).is_some() || line.trim_ascii().is_empty() {
            self.line(line);
        } else {
            self.outline.torn = true;
            self.next();
        }
    }

    fn next(&mut self) {
        self.line = self.line.saturating_add(1);
    }

    fn record(&mut self, record: &Record<'_>) {
        let kind = record.kind();
        if let Some(id) = text(record.uuid) {
            if !is(record.is_sidechain) {
                self.entry(&kind, &id, record);
            }
            return;
        }
        match &*kind {
            "custom-title" => set_title(&mut self.outline.chosen_title, text(record.custom_title)),
            "ai-title" => set_title(&mut self.outline.title, text(record.ai_title)),
            "summary" => {
                if let (Some(leaf), Some(title)) = (text(record.leaf_uuid), text(record.summary)) {
                    self.summaries.push((leaf.into_owned(), one_line(&title)));
                }
            }
            "last-prompt" => {
                if let Some(leaf) = text(record.leaf_uuid) {
                    self.tree.name(&leaf);
                }
            }
            known if QUIET.contains(&known) => {}
            _ => self.outline.left_out += 1,
        }
    }

    fn entry(&mut self, kind: &str, id: &str, record: &Record<'_>) {
        let message = record.message();
        let message_id = text(message.id);
        let class = match kind {
            "assistant" => {
                if let Some(model) = text(message.model).filter(|model| !model.starts_with('<')) {
                    self.outline.model = model.into_owned();
                }
                Class::Answer
            }
            "user" => match record.said() {
                Said::Prompt(spoken) => {
                    self.prompted(&spoken.text);
                    Class::Prompt
                }
                Said::Results => Class::Results,
                _ => Class::Other,
            },
            "attachment" if record.queued().is_some() => Class::Prompt,
            _ => Class::Other,
        };
        let parent = text(record.parent_uuid).or_else(|| text(record.logical_parent_uuid));
        self.tree.add(Place {
            line: self.line,
            id,
            parent: parent.as_deref(),
            class,
            message: message_id.as_deref().filter(|_| class == Class::Answer),
        });
        let outline = &mut self.outline;
        if let (true, Some(cwd)) = (outline.cwd.is_empty(), text(record.cwd)) {
            outline.cwd = cwd.into_owned();
        }
        if let Some(version) = text(record.version) {
            outline.version = version.into_owned();
        }
        if let Some(at) = record.at() {
            outline.began = outline.began.or(Some(at));
            outline.ended = outline.ended.max(Some(at));
        }
    }

    fn prompted(&mut self, text: &str) {
        // A command such as `/clear` is not what a conversation is about.
        if self.outline.first_prompt.is_empty() && !text.starts_with('/') {
            self.outline.first_prompt = one_line(text);
        }
    }

    /// What the lines together say.
    pub fn finish(self) -> Outline {
        let mut outline = self.outline;
        outline.branch = self.tree.branch();
        outline.messages = outline.branch.prompts + outline.branch.answers;
        outline.is_answered = outline.branch.answers > 0;
        if outline.title.is_empty() {
            let known = |(leaf, _): &&(String, String)| self.tree.knows(leaf);
            let last = self.summaries.iter().rev().find(known);
            outline.title = last.map(|(_, title)| title.clone()).unwrap_or_default();
        }
        outline
    }
}

fn set_title(title: &mut String, said: Option<Cow<'_, str>>) {
    if let Some(said) = said {
        *title = one_line(&said);
    }
}

/// The first line with something in it, not longer than a title.
fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or_default()
        .chars()
        .take(LONGEST_TITLE)
        .collect()
}
