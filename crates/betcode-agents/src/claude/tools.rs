//! Tool calls: what they are called with, what they gave back, what they changed in files, and requests to allow them.

use betcode_core::event::{
    Attachment, Base64, FileDiff, Hunk, PermissionRequest, Question, QuestionItem, QuestionOption,
};
use betcode_core::id::{RequestId, ToolCallId};
use betcode_core::observation::{Observation, Observations};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Claude;
use super::tasks::Outcome;
use super::wire::{Block, CanUseTool, PatchHunk, ToolUseResult, UserLine, read};

/// A made file that is longer is shown without its lines.
const LONGEST_CREATED: usize = 1024 * 1024;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 160;

impl Claude {
    /// A block of an `assistant` line that is neither text nor thinking.
    pub(super) fn tool_block(
        &mut self,
        parent: Option<&str>,
        raw: &str,
        block: Block<'_>,
        out: &mut Observations,
    ) {
        let owner = parent.map(ToolCallId::from);
        if let (Some(id), Some(name)) = (&block.id, &block.name) {
            let input = block.input.unwrap_or_default();
            match parent {
                Some(parent) => {
                    self.state.bound();
                    self.state
                        .nested_calls
                        .insert(id.to_string(), parent.to_owned());
                }
                None => drop(self.state.tasks.called(id, name, &input)),
            }
            let started = Observation::ToolStarted {
                id: ToolCallId::from(&**id),
                tool: name.to_string(),
                description: describe(name, &input),
                input,
            };
            out.push(owner, started);
        } else if let Some(id) = &block.tool_use_id {
            // A tool that ran at the model's service: its result is a block of the same message.
            let (output, attachments) = block.content.map(given_back).unwrap_or_default();
            let finished = Observation::ToolFinished {
                id: ToolCallId::from(&**id),
                output,
                is_error: block.is_error.unwrap_or_default(),
                diff: Vec::new(),
                attachments,
            };
            out.push(owner, finished);
        } else {
            out.push(
                owner,
                Observation::Unknown {
                    raw: raw.to_owned(),
                },
            );
        }
    }

    /// A `user` line: results of tools. Its text is either the user's own or Claude Code's to the model.
    pub(super) fn user(
        &mut self,
        parent: Option<&str>,
        line: &str,
        out: &mut Observations,
    ) -> Option<()> {
        let line: UserLine<'_> = read(line)?;
        let content = line.message.content.get();
        let blocks: Vec<&RawValue> = if content.starts_with('[') {
            read(content)?
        } else {
            Vec::new()
        };
        let blocks: Vec<Block<'_>> = blocks
            .into_iter()
            .map(|block| read(block.get()))
            .collect::<Option<_>>()?;
        self.close_whole(parent, out);
        // It belongs to the first result of the line, and lines have one.
        let mut result = line
            .tool_use_result
            .and_then(|result| read::<ToolUseResult<'_>>(result.get()));
        for block in blocks {
            let Some(id) = block.tool_use_id.filter(|_| &*block.kind == "tool_result") else {
                continue;
            };
            self.close_nested(&id, out);
            let is_error = block.is_error.unwrap_or_default();
            let result = result.take();
            let (output, attachments) = block.content.map(given_back).unwrap_or_default();
            let finished = Observation::ToolFinished {
                id: ToolCallId::from(&*id),
                output,
                is_error,
                diff: result
                    .as_ref()
                    .filter(|_| !is_error)
                    .and_then(diff)
                    .into_iter()
                    .collect(),
                attachments,
            };
            out.push(parent.map(ToolCallId::from), finished);
            self.changed |= self.state.nested_calls.remove(&*id).is_some();
            if let Some(outcome) = self.state.tasks.finished(&id, is_error, result.as_ref()) {
                self.changed = true;
                if let Outcome::Changed(items) = outcome {
                    out.push(None, Observation::Todo(items));
                }
            }
        }
        Some(())
    }

    /// A request to allow a tool, which is also how the agent asks questions.
    pub(super) fn can_use_tool(
        &self,
        id: &str,
        mut request: CanUseTool<'_>,
        out: &mut Observations,
    ) {
        let id = RequestId::from(id);
        let parent = self
            .state
            .owner(request.tool_use_id.as_deref(), request.agent_id.as_deref());
        let tool_call = request.tool_use_id.as_deref().map(ToolCallId::from);
        let input = std::mem::take(&mut request.input);
        let observation = match &*request.tool_name {
            "AskUserQuestion" => {
                let items = questions(&input);
                Observation::QuestionAsked(Question {
                    id,
                    tool_call,
                    items,
                    plan: None,
                    input,
                    expires_at: None,
                    is_replay: false,
                    note: String::new(),
                })
            }
            "ExitPlanMode" => {
                let plan = Some(field(&input, "plan").unwrap_or_default().to_owned());
                let items = Vec::new();
                Observation::QuestionAsked(Question {
                    id,
                    tool_call,
                    items,
                    plan,
                    input,
                    expires_at: None,
                    is_replay: false,
                    note: String::new(),
                })
            }
            tool => Observation::PermissionAsked(PermissionRequest {
                id,
                tool: tool.to_owned(),
                tool_call,
                description: asked_for(tool, &input, &request),
                input,
                suggested_rules: Vec::new(),
                expires_at: None,
                is_replay: false,
                note: String::new(),
            }),
        };
        out.push(parent, observation);
    }
}

/// What a tool is about to do, in one line for people.
pub(super) fn describe(tool: &str, input: &Value) -> String {
    let get = |name: &str| field(input, name).filter(|text| !text.trim().is_empty());
    let path = || {
        get("file_path")
            .or_else(|| get("notebook_path"))
            .or_else(|| get("path"))
    };
    let with = |verb: &str, what: Option<&str>| match what {
        Some(what) => format!("{verb} {what}"),
        None => tool.to_owned(),
    };
    let whole = match tool {
        // A command is shown itself, whatever the model says that it is.
        "Bash" => get("command").unwrap_or(tool).to_owned(),
        "Read" => with("Read", path()),
        "Edit" | "MultiEdit" | "NotebookEdit" => with("Edit", path()),
        "Write" => with("Write", path()),
        "Glob" | "Grep" => with("Search for", get("pattern")),
        "WebFetch" => with("Fetch", get("url")),
        "WebSearch" => with("Search the web for", get("query")),
        "TodoWrite" => "Change the list of things to do".to_owned(),
        "TaskCreate" => with("To do:", get("subject")),
        "AskUserQuestion" => questions(input)
            .into_iter()
            .next()
            .map_or_else(|| tool.to_owned(), |item| item.question),
        "ExitPlanMode" => "Propose a plan".to_owned(),
        _ => {
            let name = match tool
                .strip_prefix("mcp__")
                .and_then(|rest| rest.split_once("__"))
            {
                Some((server, name)) => format!("{server}: {name}"),
                None => tool.to_owned(),
            };
            match main_argument(input) {
                Some(argument) => format!("{name} {argument}"),
                None => name,
            }
        }
    };
    one_line(&whole)
}

/// The same for a request to allow it. An input that says nothing is explained by what the agent says about its request.
fn asked_for(tool: &str, input: &Value, request: &CanUseTool<'_>) -> String {
    let described = describe(tool, input);
    if main_argument(input).is_some() {
        return described;
    }
    let reasons = [
        &request.description,
        &request.decision_reason,
        &request.blocked_path,
    ];
    let reason = reasons
        .into_iter()
        .flatten()
        .find(|reason| !reason.trim().is_empty());
    match reason {
        Some(reason) => one_line(&format!("{described}: {}", reason.trim())),
        None => described,
    }
}

fn field<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

fn main_argument(input: &Value) -> Option<&str> {
    const USUAL: [&str; 8] = [
        "description",
        "file_path",
        "path",
        "command",
        "url",
        "query",
        "pattern",
        "name",
    ];
    let usual = USUAL.iter().find_map(|name| field(input, name));
    usual
        .or_else(|| input.as_object()?.values().find_map(Value::as_str))
        .filter(|text| !text.trim().is_empty())
}

fn one_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut short: String = first.chars().take(LONGEST_DESCRIPTION).collect();
    if short.len() < first.len() || lines.next().is_some() {
        short.push('…');
    }
    short
}

fn questions(input: &Value) -> Vec<QuestionItem> {
    let list = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let text = |value: &Value, name: &str| field(value, name).unwrap_or_default().to_owned();
    let item = |value: &Value| QuestionItem {
        question: text(value, "question"),
        header: text(value, "header"),
        multi_select: value
            .get("multiSelect")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
        options: list(value, "options")
            .iter()
            .map(|option| QuestionOption {
                label: text(option, "label"),
                description: text(option, "description"),
            })
            .collect(),
    };
    list(input, "questions").iter().map(item).collect()
}

/// A tool's result: its text and its images and files. It is a string, or blocks, of which those that are no text have a line
/// in it that names them.
fn given_back(content: &RawValue) -> (String, Vec<Attachment>) {
    let mut attachments = Vec::new();
    if let Some(text) = read::<String>(content.get()) {
        return (text, attachments);
    }
    let Some(blocks) = read::<Vec<&RawValue>>(content.get()) else {
        return (content.get().to_owned(), attachments);
    };
    let block = |raw: &RawValue| match read::<Block<'_>>(raw.get()) {
        Some(Block {
            text: Some(text), ..
        }) => text.to_string(),
        Some(block) => {
            if let Some(attachment) = attachment(&block, attachments.len() + 1) {
                let mark = attachment.mark();
                attachments.push(attachment);
                return mark;
            }
            let source = block
                .source
                .as_ref()
                .and_then(|source| source.media_type.as_deref());
            match source.or(block.tool_name.as_deref()) {
                Some(more) => format!("[{}: {more}]", &*block.kind),
                None => format!("[{}]", &*block.kind),
            }
        }
        None => raw.get().to_owned(),
    };
    let lines: Vec<_> = blocks.into_iter().map(block).collect();
    (lines.join("\n"), attachments)
}

/// The image or file in a block that has all of it.
pub(super) fn attachment(block: &Block<'_>, number: usize) -> Option<Attachment> {
    let source = block.source.as_ref()?;
    if source.kind.as_deref() != Some("base64") {
        return None;
    }
    let media_type = source.media_type.as_deref()?;
    let content = Base64::read(source.data.as_deref()?)?;
    let mut attachment = Attachment::new("", media_type, &content.bytes());
    attachment.name = format!("{}-{number}", attachment.kind());
    (attachment.size > 0).then_some(attachment)
}

/// What an edit changed, or what a new file holds.
fn diff(result: &ToolUseResult<'_>) -> Option<FileDiff> {
    let path: String = read(result.file_path?.get())?;
    let hunks: Vec<PatchHunk> = read(result.structured_patch?.get())?;
    let created = result
        .kind
        .and_then(|kind| read::<String>(kind.get()))
        .as_deref()
        == Some("create");
    if created && hunks.is_empty() {
        let hunks = match result.content {
            Some(content) if content.get().len() <= LONGEST_CREATED => {
                created_hunk(&read::<String>(content.get())?)
            }
            _ => Vec::new(),
        };
        return Some(FileDiff {
            path,
            created,
            hunks,
        });
    }
    let hunk = |hunk: PatchHunk| Hunk {
        old_start: hunk.old_start.small(),
        old_lines: hunk.old_lines.small(),
        new_start: hunk.new_start.small(),
        new_lines: hunk.new_lines.small(),
        lines: hunk.lines,
    };
    Some(FileDiff {
        path,
        created,
        hunks: hunks.into_iter().map(hunk).collect(),
    })
}

fn created_hunk(content: &str) -> Vec<Hunk> {
    let lines: Vec<String> = content.lines().map(|line| format!("+{line}")).collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let new_lines = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    vec![Hunk {
        old_start: 0,
        old_lines: 0,
        new_start: 1,
        new_lines,
        lines,
    }]
}
