//! Recorded sessions, and playing them to an [`Agent`] as they happened: what the recorded host wrote is asked of the driver, so
//! that the answers find their requests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use betcode_agents::{Agent, Kind};
use betcode_core::event::Answer;
use betcode_core::id::{MessageId, RequestId};
use betcode_core::observation::{AgentRequest, Observations, Observed};
use serde_json::Value;
use uuid::Uuid;

pub(crate) struct Transcript {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone)]
pub(crate) enum Step {
    /// A line of the agent.
    Out(Value),
    /// A line of the host.
    In(Value),
}

impl Transcript {
    pub(crate) fn out(&self) -> impl Iterator<Item = &Value> {
        self.steps.iter().filter_map(|step| match step {
            Step::Out(line) => Some(line),
            Step::In(_) => None,
        })
    }
}

pub(crate) fn all() -> Vec<Transcript> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/agents");
    let folders = ["claude-code-2.1.330", "claude-code-2.1.330-driven"];
    let files = folders.map(|folder| fs::read_dir(fixtures.join(folder)).unwrap());
    let mut paths: Vec<_> = files
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "ndjson")
    });
    paths.sort();
    assert!(paths.len() > 80, "the recorded sessions are there");
    paths.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Transcript {
    let name = path
        .file_stem()
        .unwrap()
        .to_string_lossy()
        .replace('.', "_");
    let text = fs::read_to_string(path).unwrap();
    let steps = text.lines().filter_map(|line| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        let message = entry["msg"].take();
        match entry["dir"].as_str().unwrap() {
            "out" => Some(Step::Out(message)),
            "in" => Some(Step::In(message)),
            _ => None,
        }
    });
    Transcript {
        name,
        steps: steps.collect(),
    }
}

/// An agent that a transcript is played to.
pub(crate) struct Player {
    pub(crate) agent: Agent,
    ids: BTreeMap<String, String>,
    /// What the agent asked, by the id of its request.
    asked: BTreeMap<String, Value>,
}

impl Player {
    pub(crate) fn new() -> Self {
        Self {
            agent: Agent::new(Kind::ClaudeCode),
            ids: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }

    /// Plays one step. Returns what was written for a line of the host.
    pub(crate) fn step(
        &mut self,
        step: &Step,
        out: &mut Observations,
    ) -> Option<(AgentRequest, Vec<u8>)> {
        match step {
            Step::Out(line) => {
                if line["type"] == "control_request" {
                    let id = line["request_id"].as_str().unwrap().to_owned();
                    self.asked.insert(id, line["request"].clone());
                }
                self.agent.line(&self.line(line), out);
                None
            }
            Step::In(line) => {
                let request = request(line, &self.asked)?;
                let frame = self.agent.request(&request);
                let sent: Value = serde_json::from_slice(&frame).unwrap();
                if let (Some(theirs), Some(ours)) =
                    (line["request_id"].as_str(), sent["request_id"].as_str())
                {
                    self.ids.insert(theirs.to_owned(), ours.to_owned());
                }
                Some((request, frame))
            }
        }
    }

    /// The agent's line, as an answer to our request where it answers the recorded host's.
    fn line(&self, line: &Value) -> Vec<u8> {
        let mut line = line.clone();
        if line["type"] == "control_response"
            && let Some(ours) = line["response"]["request_id"]
                .as_str()
                .and_then(|id| self.ids.get(id))
        {
            line["response"]["request_id"] = Value::String(ours.clone());
        }
        line.to_string().into_bytes()
    }
}

/// All observations of a transcript.
pub(crate) fn play(transcript: &Transcript) -> Vec<Observed> {
    let mut player = Player::new();
    let mut seen = Vec::new();
    for step in &transcript.steps {
        let mut out = Observations::new();
        player.step(step, &mut out);
        seen.extend(out.take());
    }
    seen
}

/// What a line of the recorded host asks for, where the driver has words for it.
fn request(line: &Value, asked: &BTreeMap<String, Value>) -> Option<AgentRequest> {
    match line["type"].as_str()? {
        "user" => Some(AgentRequest::UserMessage {
            message_id: MessageId(
                line["uuid"]
                    .as_str()
                    .map_or(Uuid::nil(), |id| id.parse().unwrap()),
            ),
            text: line["message"]["content"].as_str()?.to_owned(),
            attachments: Vec::new(),
        }),
        "control_request" => {
            let request = &line["request"];
            let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
            match request["subtype"].as_str()? {
                "initialize" => Some(AgentRequest::Initialize),
                "interrupt" => Some(AgentRequest::Interrupt),
                "get_context_usage" => Some(AgentRequest::SayContext),
                "stop_task" => Some(AgentRequest::StopTask(text("task_id"))),
                "rename_session" => Some(AgentRequest::Rename(text("title"))),
                "set_model" => Some(AgentRequest::SetModel(text("model"))),
                "set_permission_mode" => Some(AgentRequest::SetPermissionMode(
                    request["mode"].as_str()?.to_owned(),
                )),
                _ => None,
            }
        }
        "control_response" => {
            let id = RequestId::from(line["response"]["request_id"].as_str()?);
            let answer = &line["response"]["response"];
            let asked = asked.get(&id.0).unwrap_or(&Value::Null);
            if asked["subtype"] == "hook_callback" {
                return announced(id, &asked["input"], answer);
            }
            match answer["behavior"].as_str()? {
                "allow" if asked["tool_name"] == "AskUserQuestion" => Some(AgentRequest::Answer {
                    id,
                    input: asked["input"].clone(),
                    answers: answers(&asked["input"], answer),
                }),
                "allow" => {
                    let input = answer.get("updatedInput").filter(|input| input.is_object());
                    Some(AgentRequest::Allow {
                        id,
                        input: input.cloned(),
                    })
                }
                "deny" => Some(AgentRequest::Deny {
                    id,
                    message: answer["message"].as_str().unwrap_or_default().to_owned(),
                    interrupt: answer["interrupt"].as_bool().unwrap_or_default(),
                }),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What a recorded answer to a hook asks for. The recorded host also allowed, and answered events that ours does not ask for.
fn announced(id: RequestId, asked: &Value, answer: &Value) -> Option<AgentRequest> {
    if asked["hook_event_name"] != "PreToolUse" {
        return None;
    }
    let output = &answer["hookSpecificOutput"];
    match output["permissionDecision"].as_str() {
        None => Some(AgentRequest::Proceed { id, ask: false }),
        Some("ask") => Some(AgentRequest::Proceed { id, ask: true }),
        Some("deny") => Some(AgentRequest::Deny {
            id,
            message: output["permissionDecisionReason"].as_str()?.to_owned(),
            interrupt: false,
        }),
        Some(_) => None,
    }
}

/// The recorded answers as a client gives them: what is a label, and what is text.
fn answers(input: &Value, answer: &Value) -> Vec<Answer> {
    let given = answer["updatedInput"]["answers"].as_object();
    let answer = |(question, said): (&String, &Value)| {
        let said = said.as_str().unwrap();
        let asked = input["questions"].as_array().unwrap();
        let asked = asked.iter().find(|asked| asked["question"] == **question);
        let options = asked.unwrap()["options"].as_array().unwrap();
        let known = |part: &str| options.iter().any(|option| option["label"] == part);
        let chosen = said.split(", ").all(known);
        Answer {
            question: question.clone(),
            selected: if chosen {
                said.split(", ").map(str::to_owned).collect()
            } else {
                Vec::new()
            },
            text: if chosen {
                String::new()
            } else {
                said.to_owned()
            },
        }
    };
    given.into_iter().flatten().map(answer).collect()
}
