//! The control channel of stream-json: what a program that drives the agent asks and answers beside messages, in Claude
//! Code's words, and what it is told. Pure: who sends and prints is `run`.
//!
//! With `--permission-prompt-tool stdio` a request of the agent is printed as a `control_request` once it waits for somebody, and
//! answered by a `control_response`. When somebody else decides first, a `control_cancel_request` takes it back.

use betcode_core::command::{Action, PermissionAnswer, QuestionAnswer};
use betcode_core::event::{
    Answer, Event, EventBody, PermissionRequest, PermissionScope, Question, QuestionItem,
};
use betcode_core::id::RequestId;
use serde_json::{Value, json};

/// What the agent calls a question and a plan.
const QUESTION: &str = "AskUserQuestion";
const PLAN: &str = "ExitPlanMode";

/// What came beside messages.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Control {
    /// Something is asked for.
    Request {
        /// Named in the answer.
        id: String,
        /// What.
        ask: Ask,
    },
    /// A request of ours is answered.
    Response {
        /// Which one.
        id: String,
        /// The answer, or why there is none.
        answer: Result<Value, String>,
    },
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// To begin.
    Initialize,
    /// To stop the turn that runs.
    Interrupt,
    /// Another model; empty means the agent's own.
    SetModel(String),
    /// Another permission mode.
    SetPermissionMode(String),
    /// Something else.
    Other(String),
}

impl Ask {
    /// What a request says.
    pub(super) fn of(request: &Value) -> Option<Self> {
        let text = |key: &str| request.get(key).and_then(Value::as_str);
        Some(match text("subtype")? {
            "initialize" => Self::Initialize,
            "interrupt" => Self::Interrupt,
            "set_model" => Self::SetModel(text("model").unwrap_or_default().to_owned()),
            "set_permission_mode" => {
                Self::SetPermissionMode(text("mode").unwrap_or_default().to_owned())
            }
            other => Self::Other(other.to_owned()),
        })
    }

    /// What the session is to do for it, while it has a turn or not, and what is answered.
    pub(super) fn action(self, turn: bool) -> (Option<Action>, Result<Value, String>) {
        match self {
            Self::Initialize => (
                None,
                Ok(json!({
                    "commands": [], "agents": [], "output_style": "default",
                    "available_output_styles": ["default"], "models": [], "account": {},
                })),
            ),
            Self::Interrupt => (
                turn.then_some(Action::Cancel),
                Ok(json!({"still_queued": []})),
            ),
            Self::SetModel(model) => {
                let answer = json!({"model": model});
                (Some(Action::SetModel { model }), Ok(answer))
            }
            Self::SetPermissionMode(mode) => {
                let answer = json!({"mode": mode});
                (Some(Action::SetPermissionMode { mode }), Ok(answer))
            }
            Self::Other(what) => (
                None,
                Err(format!("the control request `{what}` is not supported")),
            ),
        }
    }
}

/// The line that answers a request.
pub(super) fn response(id: &str, answer: Result<Value, String>) -> Value {
    let response = match answer {
        Ok(answer) => json!({"subtype": "success", "request_id": id, "response": answer}),
        Err(error) => {
            json!({"subtype": "error", "request_id": id, "error": error, "error_code": "unsupported_request"})
        }
    };
    json!({"type": "control_response", "response": response})
}

/// The requests of the agent that a driver answers.
#[derive(Debug, Default)]
pub(super) struct Prompts {
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    id: RequestId,
    asked: Asked,
    told: bool,
}

#[derive(Debug)]
enum Asked {
    Permission(Box<PermissionRequest>),
    Question(Box<Question>),
}

impl Prompts {
    /// Takes the next event. A line when something is no longer asked that was.
    pub(super) fn see(&mut self, event: &Event) -> Option<Value> {
        match &event.body {
            EventBody::PermissionRequest(request) => {
                self.ask(
                    request.id.clone(),
                    Asked::Permission(Box::new(request.clone())),
                );
                None
            }
            EventBody::Question(question) => {
                self.ask(
                    question.id.clone(),
                    Asked::Question(Box::new(question.clone())),
                );
                None
            }
            EventBody::PermissionResolved(decision) => self.ended(&decision.id),
            EventBody::QuestionAnswered { id, .. } => self.ended(id),
            _ => None,
        }
    }

    /// The lines that ask what has not been asked yet: for whoever has seen everything that came together.
    pub(super) fn untold(&mut self) -> Vec<Value> {
        let untold = self.open.iter_mut().filter(|open| !open.told);
        untold
            .map(|open| {
                open.told = true;
                let request = match &open.asked {
                    Asked::Permission(request) => permission(request),
                    Asked::Question(question) => json!({
                        "subtype": "can_use_tool",
                        "tool_name": if question.plan.is_some() { PLAN } else { QUESTION },
                        "input": question.input, "tool_use_id": question.tool_call,
                        "permission_suggestions": [], "requires_user_interaction": true,
                    }),
                };
                json!({"type": "control_request", "request_id": open.id, "request": request})
            })
            .collect()
    }

    /// What an answer means. `None` when nobody asked that, or somebody else was quicker.
    pub(super) fn answer(
        &mut self,
        id: &str,
        answer: &Result<Value, String>,
    ) -> Option<Result<Action, String>> {
        let place = self.open.iter().position(|open| open.id.0 == id)?;
        let action = match &self.open.get(place)?.asked {
            Asked::Permission(request) => allowed(request, answer),
            Asked::Question(question) => answered(question, answer),
        };
        if action.is_ok() {
            self.open.swap_remove(place);
        }
        Some(action)
    }

    fn ask(&mut self, id: RequestId, asked: Asked) {
        if self.open.iter().all(|open| open.id != id) {
            let told = false;
            self.open.push(Open { id, asked, told });
        }
    }

    fn ended(&mut self, id: &RequestId) -> Option<Value> {
        let place = self.open.iter().position(|open| open.id == *id)?;
        let open = self.open.swap_remove(place);
        open.told
            .then(|| json!({"type": "control_cancel_request", "request_id": id}))
    }
}

fn permission(request: &PermissionRequest) -> Value {
    let rule = |rule: &String| {
        let (tool, content) = rule.split_once('(').unwrap_or((rule, ""));
        let content = content
            .strip_suffix(')')
            .filter(|content| !content.is_empty());
        let mut row = json!({"toolName": tool});
        if let (Some(row), Some(content)) = (row.as_object_mut(), content) {
            row.insert("ruleContent".into(), content.into());
        }
        row
    };
    let rules: Vec<Value> = request.suggested_rules.iter().map(rule).collect();
    let suggestions: Vec<Value> = if rules.is_empty() {
        Vec::new()
    } else {
        let row = json!({"type": "addRules", "rules": rules, "behavior": "allow", "destination": "localSettings"});
        vec![row]
    };
    json!({
        "subtype": "can_use_tool", "tool_name": request.tool, "display_name": request.tool,
        "input": request.input, "description": request.description, "tool_use_id": request.tool_call,
        "permission_suggestions": suggestions,
    })
}

fn text<'a>(answer: &'a Value, key: &str) -> &'a str {
    answer.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether it is allowed; otherwise what the agent is told.
fn behavior(answer: &Value) -> Result<bool, String> {
    match text(answer, "behavior") {
        "allow" => Ok(true),
        "deny" => Ok(false),
        other => Err(format!("`behavior` is allow or deny, not `{other}`")),
    }
}

fn allowed(request: &PermissionRequest, answer: &Result<Value, String>) -> Result<Action, String> {
    let answer = match answer {
        Ok(answer) if behavior(answer)? => PermissionAnswer::Allow {
            scope: scope(request, answer),
            input: updated_input(answer)?
                .filter(|input| **input != request.input)
                .cloned(),
        },
        Ok(answer) => PermissionAnswer::Deny {
            message: text(answer, "message").to_owned(),
            interrupt: answer.get("interrupt").and_then(Value::as_bool) == Some(true),
        },
        Err(error) => PermissionAnswer::Deny {
            message: error.clone(),
            interrupt: false,
        },
    };
    let id = request.id.clone();
    Ok(Action::AnswerPermission { id, answer })
}

/// The input with which it may run, if it is another one. What is no input must not let the former one run.
fn updated_input(answer: &Value) -> Result<Option<&Value>, String> {
    match answer.get("updatedInput") {
        Some(input) if !input.is_object() => {
            Err("`updatedInput` is an object, the whole input".to_owned())
        }
        input => Ok(input),
    }
}

/// For how long: as the rules say that are to be added, if any can stand for this call.
fn scope(request: &PermissionRequest, answer: &Value) -> PermissionScope {
    let updates = answer.get("updatedPermissions").and_then(Value::as_array);
    let added = updates
        .into_iter()
        .flatten()
        .find(|update| text(update, "type") == "addRules" && text(update, "behavior") == "allow");
    match added {
        Some(_) if request.suggested_rules.is_empty() => PermissionScope::Once,
        Some(update) if text(update, "destination") == "session" => PermissionScope::Session,
        Some(_) => PermissionScope::Always,
        None => PermissionScope::Once,
    }
}

fn answered(question: &Question, answer: &Result<Value, String>) -> Result<Action, String> {
    let declined = |message: &str| QuestionAnswer::Declined {
        message: message.to_owned(),
    };
    let answer = match answer {
        Ok(answer) if !behavior(answer)? => declined(text(answer, "message")),
        Err(error) => declined(error),
        Ok(_) if question.plan.is_some() => QuestionAnswer::Answered(Vec::new()),
        Ok(answer) => {
            let said = answer.pointer("/updatedInput/answers");
            let of = |item: &QuestionItem| {
                let words = said?.get(&item.question)?.as_str()?;
                Some(in_labels(item, words))
            };
            let answers: Vec<Answer> = question.items.iter().filter_map(of).collect();
            if answers.is_empty() {
                declined("The user did not answer the questions.")
            } else {
                QuestionAnswer::Answered(answers)
            }
        }
    };
    let id = question.id.clone();
    Ok(Action::AnswerQuestion { id, answer })
}

/// Labels that are separated by commas, or free text.
fn in_labels(item: &QuestionItem, words: &str) -> Answer {
    let known = |word: &str| item.options.iter().any(|option| option.label == word);
    let selected: Vec<String> = if known(words) {
        vec![words.to_owned()]
    } else {
        words.split(", ").map(str::to_owned).collect()
    };
    let labels = selected.iter().all(|word| known(word));
    Answer {
        question: item.question.clone(),
        selected: if labels { selected } else { Vec::new() },
        text: if labels {
            String::new()
        } else {
            words.to_owned()
        },
    }
}

#[cfg(test)]
mod tests;
