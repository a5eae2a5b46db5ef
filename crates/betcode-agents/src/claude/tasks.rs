//! The agent's list of things to do. Newer tools change one entry at a time, so the list is kept here; an observation always
//! carries the whole list, and only when it changed.

use std::collections::BTreeMap;

use betcode_core::event::{TodoItem, TodoState};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{ToolUseResult, read};

/// The longest list, and the most calls that are remembered.
const MOST: usize = 1024;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Tasks {
    items: Vec<Task>,
    /// Inputs of the calls of these tools that have no result yet.
    calls: BTreeMap<String, Call>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Task {
    #[serde(default)]
    id: String,
    #[serde(alias = "content", default)]
    subject: String,
    #[serde(default)]
    status: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Call {
    tool: Tool,
    id: String,
    subject: String,
    status: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tool {
    Write,
    Create,
    Update,
    List,
}

impl Tasks {
    /// A tool is called; true when it is one of those that change the list.
    pub(super) fn called(&mut self, call: &str, tool: &str, input: &Value) -> bool {
        let tool = match tool {
            "TodoWrite" => Tool::Write,
            "TaskCreate" => Tool::Create,
            "TaskUpdate" => Tool::Update,
            "TaskList" => Tool::List,
            _ => return false,
        };
        let field = |name: &str| {
            input
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        if self.calls.len() >= MOST {
            self.calls.pop_first();
        }
        let remembered = Call {
            tool,
            id: field("taskId"),
            subject: field("subject"),
            status: field("status"),
        };
        self.calls.insert(call.to_owned(), remembered);
        true
    }

    /// A call ended; true when it was one of those.
    pub(super) fn finished(
        &mut self,
        call: &str,
        is_error: bool,
        result: Option<&ToolUseResult<'_>>,
    ) -> Option<Outcome> {
        let call = self.calls.remove(call)?;
        let before = self.todo();
        if let (false, Some(result)) = (is_error, result) {
            self.apply(call, result);
        }
        let after = self.todo();
        Some(if before == after {
            Outcome::Same
        } else {
            Outcome::Changed(after)
        })
    }

    /// A new conversation has no list; true when there was one.
    pub(super) fn clear(&mut self) -> bool {
        let had = !self.items.is_empty();
        *self = Self::default();
        had
    }

    fn apply(&mut self, call: Call, result: &ToolUseResult<'_>) {
        match call.tool {
            Tool::Write => {
                if let Some(items) = result.new_todos.and_then(|items| read(items.get())) {
                    self.items = items;
                }
            }
            Tool::List => {
                if let Some(items) = result.tasks.and_then(|items| read(items.get())) {
                    self.items = items;
                }
            }
            Tool::Create => {
                if let Some(mut task) = result.task.and_then(|task| read::<Task>(task.get())) {
                    if task.status.is_empty() {
                        "pending".clone_into(&mut task.status);
                    }
                    self.items.retain(|item| item.id != task.id);
                    self.items.push(task);
                }
            }
            Tool::Update => {
                let done = result.success.is_none_or(|success| success.get() == "true");
                if done && call.status == "deleted" {
                    self.items.retain(|item| item.id != call.id);
                } else if done
                    && let Some(item) = self.items.iter_mut().find(|item| item.id == call.id)
                {
                    if !call.status.is_empty() {
                        item.status = call.status;
                    }
                    if !call.subject.is_empty() {
                        item.subject = call.subject;
                    }
                }
            }
        }
        self.items.truncate(MOST);
    }

    fn todo(&self) -> Vec<TodoItem> {
        let item = |task: &Task| TodoItem {
            text: task.subject.clone(),
            state: match task.status.as_str() {
                "completed" => TodoState::Completed,
                "in_progress" => TodoState::InProgress,
                _ => TodoState::Pending,
            },
        };
        self.items.iter().map(item).collect()
    }
}

/// What a call did to the list.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    Same,
    Changed(Vec<TodoItem>),
}
