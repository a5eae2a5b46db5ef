//! What the agent is told, and its answers to that; and what the agent asks of us that is no business of a session.
//!
//! A line that is no JSON ends Claude Code at once, so every frame is written by a JSON serializer: one line, one value.
//! - Our requests have the ids `bc-1`, `bc-2` … within one process; each is remembered until it is answered.
//! - An allowed tool gets `updatedInput` only when there is one (null is refused), a denied one always gets a message.
//! - No answer has `updatedPermissions`: they would have Claude Code write its own settings or change its mode.
//! - Questions are answered in the input that the tool runs with: its questions again, by question text the labels and the free
//!   text joined by commas, and a remark for each question without an answer.
//! - Calls that the agent announces are answered in another form than requests for permission (see `hooks`).
//! - A request of the agent that nothing here answers gets an error: without any answer it would wait for ever.

use betcode_core::context::{ContextCategory, ContextUsage};
use betcode_core::event::{Answer, Attachment, Capability};
use betcode_core::observation::{AgentDescription, AgentRequest, Observation, Observations};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::state::{Asked, MOST};
use super::wire::{
    CanUseTool, ChosenMode, ChosenModel, ContextAnswer, ContextPart, ControlRequestLine,
    ControlResponse, ControlResponseLine, ControlSubtype, Initialized, read,
};
use super::{Claude, hooks};

/// What Claude Code can do over this protocol.
const CAPABILITIES: [Capability; 13] = [
    Capability::PartialText,
    Capability::Thinking,
    Capability::Permissions,
    Capability::EditedInput,
    Capability::Questions,
    Capability::Modes,
    Capability::Models,
    Capability::Resume,
    Capability::Compaction,
    Capability::Images,
    Capability::SubAgents,
    Capability::Usage,
    Capability::RulesEnforced,
];

impl Claude {
    pub(crate) fn request(&mut self, request: &AgentRequest) -> Vec<u8> {
        let frame = match request {
            AgentRequest::Initialize => self.ask(
                Asked::Initialize,
                &json!({"subtype": "initialize", "hooks": hooks::registration()}),
            ),
            AgentRequest::UserMessage {
                message_id,
                text,
                attachments,
            } => json!({
                "type": "user",
                "message": {"role": "user", "content": content(text, attachments)},
                "uuid": message_id.to_string(),
            }),
            AgentRequest::Interrupt => self.ask(Asked::Interrupt, &json!({"subtype": "interrupt"})),
            AgentRequest::Proceed { id, ask } => {
                self.forget_announced(&id.0);
                answered(&id.0, &hooks::go_on(*ask))
            }
            AgentRequest::Allow { id, input } => {
                let mut answer = json!({"behavior": "allow"});
                if let (Some(answer), Some(input @ Value::Object(_))) =
                    (answer.as_object_mut(), input)
                {
                    answer.insert("updatedInput".to_owned(), input.clone());
                }
                answered(&id.0, &answer)
            }
            AgentRequest::Answer { id, input, answers } => {
                let answer = match answered_input(input, answers) {
                    Some(input) => json!({"behavior": "allow", "updatedInput": input}),
                    None => json!({"behavior": "allow"}),
                };
                answered(&id.0, &answer)
            }
            AgentRequest::Deny {
                id,
                message,
                interrupt,
            } => {
                let message = if message.trim().is_empty() {
                    "The user said no."
                } else {
                    message
                };
                if self.forget_announced(&id.0) {
                    let answer = hooks::denied(message, *interrupt);
                    return line(&answered(&id.0, &answer)).into_bytes();
                }
                let mut answer = json!({"behavior": "deny", "message": message});
                if let (Some(answer), true) = (answer.as_object_mut(), *interrupt) {
                    answer.insert("interrupt".to_owned(), Value::Bool(true));
                }
                answered(&id.0, &answer)
            }
            AgentRequest::StopTask(id) => self.ask(
                Asked::StopTask,
                &json!({"subtype": "stop_task", "task_id": id}),
            ),
            AgentRequest::Rename(title) => self.ask(
                Asked::Rename,
                &json!({"subtype": "rename_session", "title": title, "source": "host"}),
            ),
            AgentRequest::SayContext => self.ask(
                Asked::ContextUsage,
                &json!({"subtype": "get_context_usage"}),
            ),
            AgentRequest::SetModel(model) if model.is_empty() => {
                self.ask(Asked::SetModel, &json!({"subtype": "set_model"}))
            }
            AgentRequest::SetModel(model) => self.ask(
                Asked::SetModel,
                &json!({"subtype": "set_model", "model": model}),
            ),
            AgentRequest::SetPermissionMode(mode) => self.ask(
                Asked::SetPermissionMode,
                &json!({"subtype": "set_permission_mode", "mode": mode}),
            ),
        };
        line(&frame).into_bytes()
    }

    fn ask(&mut self, asked: Asked, request: &Value) -> Value {
        self.state.bound();
        self.state.last_request += 1;
        let id = format!("bc-{}", self.state.last_request);
        self.state.outstanding.insert(id.clone(), asked);
        self.changed = true;
        json!({"type": "control_request", "request_id": id, "request": request})
    }

    pub(super) fn control_response(&mut self, line: &str, out: &mut Observations) -> Option<()> {
        let response = read::<ControlResponseLine<'_>>(line)?.response;
        let Some(asked) = self.state.outstanding.remove(&*response.request_id) else {
            return Some(());
        };
        self.changed = true;
        if asked == Asked::ContextUsage {
            out.push(None, context_usage(&response));
            return Some(());
        }
        // A title is ours whether the agent takes it up or not; some versions cannot.
        if asked == Asked::Rename {
            return Some(());
        }
        if &*response.subtype != "success" {
            let failed = Observation::Failed {
                code: response
                    .error_code
                    .as_deref()
                    .unwrap_or("request_failed")
                    .to_owned(),
                message: response
                    .error
                    .as_deref()
                    .unwrap_or("the agent refused a request")
                    .to_owned(),
            };
            out.push(None, failed);
            return Some(());
        }
        let Some(answer) = response.response else {
            return Some(());
        };
        match asked {
            Asked::Initialize => self.initialized(read(answer.get())?, out),
            Asked::Interrupt | Asked::ContextUsage | Asked::StopTask | Asked::Rename => {}
            Asked::SetModel => {
                if let Some(ChosenModel { model: Some(model) }) = read(answer.get()) {
                    self.state.model = Some(model.clone());
                    let description = AgentDescription {
                        model: Some(model),
                        ..AgentDescription::default()
                    };
                    out.push(None, Observation::Described(Box::new(description)));
                }
            }
            Asked::SetPermissionMode => {
                if let Some(ChosenMode { mode: Some(mode) }) = read(answer.get()) {
                    self.mode(&mode, out);
                }
            }
        }
        Some(())
    }

    fn initialized(&mut self, answer: Initialized, out: &mut Observations) {
        if let Some(mode) = &answer.current_permission_mode {
            self.state.mode = Some(mode.clone());
        }
        let description = AgentDescription {
            version: answer.claude_code_version,
            permission_mode: answer.current_permission_mode,
            slash_commands: answer
                .commands
                .map(|all| all.into_iter().map(|command| command.name).collect()),
            models: answer
                .models
                .map(|all| all.into_iter().map(|model| model.value).collect()),
            account: answer.account.and_then(|account| {
                self::account(
                    account.api_key_source,
                    account.token_source,
                    account.subscription_type,
                )
            }),
            capabilities: Some(CAPABILITIES.into()),
            ..AgentDescription::default()
        };
        out.push(None, Observation::Described(Box::new(description)));
    }

    pub(super) fn control_request(&mut self, line: &str, out: &mut Observations) -> Option<()> {
        let line: ControlRequestLine<'_> = read(line)?;
        let request = line.request.map(RawValue::get).unwrap_or_default();
        let subtype = read::<ControlSubtype<'_>>(request).map(|subtype| subtype.subtype);
        match subtype.as_deref() {
            Some("can_use_tool") => {
                if let Some(request) = read::<CanUseTool<'_>>(request) {
                    self.can_use_tool(&line.request_id, request, out);
                    return Some(());
                }
                self.refuse(&line.request_id, "can_use_tool");
                None
            }
            Some("hook_callback") => self.hook_callback(&line.request_id, request, out),
            Some(known @ "mcp_message") => {
                self.refuse(&line.request_id, known);
                Some(())
            }
            unknown => {
                self.refuse(&line.request_id, unknown.unwrap_or_default());
                None
            }
        }
    }

    fn refuse(&mut self, id: &str, subtype: &str) {
        let error = format!("this host does not answer {subtype:?}");
        let frame = json!({
            "type": "control_response",
            "response": {"subtype": "error", "request_id": id, "error": error},
        });
        self.owe(&frame);
    }

    /// Answers a request of the agent by itself.
    pub(super) fn reply(&mut self, id: &str, answer: &Value) {
        self.owe(&answered(id, answer));
    }

    fn owe(&mut self, frame: &Value) {
        self.state.bound();
        self.state.replies.push(line(frame));
        self.changed = true;
    }
}

/// The answer to the question how full the context is.
fn context_usage(response: &ControlResponse<'_>) -> Observation {
    let answer = response
        .response
        .filter(|_| &*response.subtype == "success");
    let Some(answer) = answer.and_then(|answer| read::<ContextAnswer>(answer.get())) else {
        let why = response.error.as_deref();
        return Observation::ContextUnknown {
            message: why.unwrap_or("its answer has no numbers").to_owned(),
        };
    };
    let category = |part: ContextPart| ContextCategory {
        name: part.name,
        kind: part.kind,
        tokens: part.tokens.whole(),
    };
    let categories = answer.categories.unwrap_or_default().into_iter();
    Observation::ContextUsage(Box::new(ContextUsage {
        model: answer.model,
        used_tokens: answer.total_tokens.whole(),
        window_tokens: answer.max_tokens.whole(),
        categories: categories.take(MOST).map(category).collect(),
    }))
}

/// What the agent's login is, in its own words.
pub(super) fn account(
    api_key: Option<String>,
    token: Option<String>,
    subscription: Option<String>,
) -> Option<String> {
    let said =
        |source: Option<String>| source.filter(|source| !source.is_empty() && source != "none");
    said(api_key)
        .or_else(|| said(subscription))
        .or_else(|| said(token))
}

/// A text, or a text and images. Of what has no content here, the agent is told the name.
fn content(text: &str, attachments: &[Attachment]) -> Value {
    let (images, named): (Vec<_>, Vec<_>) = attachments
        .iter()
        .partition(|attachment| !attachment.content.is_empty());
    let text = with_attachments(text, &named);
    if images.is_empty() {
        return text.into();
    }
    let mut blocks = Vec::new();
    // An empty block of text is refused by the model's service.
    if !text.trim().is_empty() {
        blocks.push(json!({"type": "text", "text": text}));
    }
    blocks.extend(images.into_iter().map(|image| {
        let (kind, data) = (&image.media_type, image.content.text());
        json!({"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}})
    }));
    blocks.into()
}

fn with_attachments(text: &str, attachments: &[&Attachment]) -> String {
    let mut whole = text.to_owned();
    for attachment in attachments {
        whole.push_str("\n[attached: ");
        whole.push_str(&attachment.name);
        whole.push(']');
    }
    whole
}

/// The input of a question together with its answers; nothing for a plan, which has no questions.
fn answered_input(input: &Value, answers: &[Answer]) -> Option<Value> {
    let questions = input.get("questions")?.as_array()?;
    let mut whole = json!({"questions": questions});
    let mut given = Map::new();
    for answer in answers {
        let parts = answer.selected.iter().map(String::as_str);
        let parts = parts.chain(Some(answer.text.trim()));
        let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
        if !parts.is_empty() {
            given.insert(answer.question.clone(), parts.join(", ").into());
        }
    }
    // Without any answer, the questions alone say so.
    if let (false, Some(whole)) = (given.is_empty(), whole.as_object_mut()) {
        let texts = questions
            .iter()
            .filter_map(|question| question.get("question")?.as_str());
        let skipped: Map<_, _> = texts
            .filter(|text| !given.contains_key(*text))
            .map(|text| (text.to_owned(), json!({"unanswered": "skipped"})))
            .collect();
        whole.insert("answers".to_owned(), given.into());
        if !skipped.is_empty() {
            whole.insert("annotations".to_owned(), skipped.into());
        }
    }
    Some(whole)
}

fn answered(id: &str, answer: &Value) -> Value {
    json!({
        "type": "control_response",
        "response": {"subtype": "success", "request_id": id, "response": answer},
    })
}

fn line(frame: &Value) -> String {
    format!("{frame}\n")
}
