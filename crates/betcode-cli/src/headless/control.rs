//! The control channel of stream-json: what a program that drives the agent asks and answers beside messages, in Claude
//! Code's words, and what it is told. Pure: who sends and prints is `run`.
//!
//! With `--permission-prompt-tool stdio` a request of the agent is printed as a `control_request` once it waits for somebody, and
//! answered by a `control_response`. When somebody else decides first, a `control_cancel_request` takes it back. Once nothing more can
//! come on stdin, whatever a turn of ours asks is denied.

use betcode_core::command::{Action, PermissionAnswer, QuestionAnswer};
use betcode_core::event::{
    Answer, Event, EventBody, PermissionRequest, PermissionScope, Question, QuestionItem,
};
use betcode_core::id::RequestId;
use serde_json::{Value, json};

use super::options::MODES;

/// What the agent calls a question and a plan.
const QUESTION: &str = "AskUserQuestion";
const PLAN: &str = "ExitPlanMode";
/// What the agent is told when there is nobody to answer.
const NOBODY: &str = "Nobody can answer this: the input of the program that asks was closed before there was an answer.";

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

/// Why a request is not done, in words for people and one for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// For programs.
    pub(super) code: &'static str,
    /// For people.
    pub(super) message: String,
}

/// What is answered.
pub(super) type Reply = Result<Value, Refused>;

fn refused(code: &'static str, message: impl Into<String>) -> Refused {
    let message = message.into();
    Refused { code, message }
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
    /// What cannot be done.
    Not(Refused),
    /// That something in the background ends.
    StopTask(String),
    /// Another title.
    Rename(String),
}

impl Ask {
    /// What a request says.
    pub(super) fn of(request: &Value) -> Option<Self> {
        Some(match text(request, "subtype") {
            "" => return None,
            "initialize" => Self::Initialize,
            "interrupt" => Self::Interrupt,
            "set_model" => match request.get("model") {
                None | Some(Value::Null) => Self::SetModel(String::new()),
                Some(Value::String(model)) => Self::SetModel(model.clone()),
                Some(_) => Self::Not(refused("invalid_request", "`model` is a text")),
            },
            "set_permission_mode" => {
                let mode = text(request, "mode");
                if MODES.contains(&mode) {
                    Self::SetPermissionMode(mode.to_owned())
                } else {
                    let modes = MODES.join(", ");
                    Self::Not(refused("invalid_mode", format!("`mode` is one of {modes}")))
                }
            }
            "stop_task" => Self::StopTask(text(request, "task_id").to_owned()),
            "rename_session" => Self::Rename(text(request, "title").to_owned()),
            other => Self::Not(refused(
                "unsupported_request",
                format!("the control request `{other}` is not supported"),
            )),
        })
    }

    /// What the session is to do for it, while it has a turn or not, and what is answered once that is done.
    pub(super) fn action(self, turn: bool) -> (Option<Action>, Reply) {
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
            Self::Not(why) => (None, Err(why)),
            Self::StopTask(id) => (Some(Action::StopTask { id }), Ok(json!({}))),
            Self::Rename(title) => (Some(Action::Rename { title }), Ok(json!({}))),
        }
    }
}

/// The line that answers a request.
pub(super) fn response(id: &str, answer: Reply) -> Value {
    let response = match answer {
        Ok(answer) => json!({"subtype": "success", "request_id": id, "response": answer}),
        Err(Refused { code, message }) => {
            json!({"subtype": "error", "request_id": id, "error": message, "error_code": code})
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
    /// Asked in a turn of ours.
    ours: bool,
}

#[derive(Debug)]
enum Asked {
    Permission(Box<PermissionRequest>),
    Question(Box<Question>),
}

impl Prompts {
    /// Takes the next event, of a turn of ours or not. A line when something is no longer asked that was.
    pub(super) fn see(&mut self, event: &Event, ours: bool) -> Option<Value> {
        match &event.body {
            EventBody::PermissionRequest(request) => {
                let asked = Asked::Permission(Box::new(request.clone()));
                self.ask(request.id.clone(), asked, ours);
                None
            }
            EventBody::Question(question) => {
                let asked = Asked::Question(Box::new(question.clone()));
                self.ask(question.id.clone(), asked, ours);
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

    /// The answers to everything that our turns ask, now that nobody can answer any more. What somebody else's turn asks is not
    /// for us to deny.
    pub(super) fn unanswerable(&mut self) -> Vec<Action> {
        let ours = self.open.extract_if(.., |open| open.ours);
        let nobody = Err(NOBODY.to_owned());
        let denied = ours.filter_map(|open| match open.asked {
            Asked::Permission(request) => allowed(&request, &nobody).ok(),
            Asked::Question(question) => answered(&question, &nobody).ok(),
        });
        denied.collect()
    }

    fn ask(&mut self, id: RequestId, asked: Asked, ours: bool) {
        if self.open.iter().all(|open| open.id != id) {
            self.open.push(Open {
                id,
                asked,
                told: false,
                ours,
            });
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
