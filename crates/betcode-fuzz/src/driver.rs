//! The driver: requests of every kind in any order between any lines of the agent. Laws:
//! - a frame is one line of JSON with its newline, or nothing;
//! - an allowed tool never gets `updatedInput: null` nor any `updatedPermissions`, a denied one always gets a message;
//! - what is answered is what was asked, and an answer repeats the questions it answers;
//! - every request of the agent is told to somebody or answered at once: nothing waits for ever.

use std::collections::BTreeSet;

use betcode_agents::{Agent, Kind};
use betcode_core::event::Attachment;
use betcode_core::id::{MessageId, RequestId};
use betcode_core::observation::{AgentRequest, Observation, Observations, Observed};
use serde_json::Value;
use uuid::Uuid;

use crate::deeds::{Deed, Line, asks, lines, of_recorded};
use crate::parser::{check_line, restored};
use crate::{Target, transcripts};

/// See the file.
pub const TARGET: Target = Target {
    name: "driver",
    about: "requests to an agent: one line of valid JSON each, for what was asked",
    run,
    seeds,
    longest: 16 * 1024,
};

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = transcripts::played(of_recorded);
    for kind in transcripts::kinds() {
        let deeds: &[u8] = b"\n>a0{\"x\":1}\n>R\n>d1no\n>p1\n>q0{\"a\":[\"b\"],\"c\":\"d\"}\n";
        seeds.push([&kind, deeds].concat());
    }
    seeds.push(b">i\n>x\n>s \n>sopus\n>oplan\n>m0hi\n>f0a.png\n>D0  \n".to_vec());
    seeds
}

/// A request that somebody may answer.
struct Asked {
    id: RequestId,
    input: Value,
}

fn run(data: &[u8]) {
    let mut agent = Agent::new(Kind::ClaudeCode);
    let mut asked: Vec<Asked> = Vec::new();
    let mut heard = BTreeSet::new();
    let mut messages = 0;
    for line in lines(data) {
        match line {
            Line::Said(line) => {
                let mut seen = Observations::new();
                agent.line(line, &mut seen);
                let seen = seen.take();
                check_line(line, &seen);
                let replies: Vec<Value> = agent
                    .replies()
                    .iter()
                    .filter_map(|frame| check_frame(frame))
                    .collect();
                check_heard(line, &seen, &replies, &mut heard);
                note(&seen, &mut asked);
            }
            Line::Deed(deed) => {
                if deed.what == b'R' {
                    agent = restored(&agent);
                } else if let Some(request) = request(deed, &asked, &mut messages) {
                    let sent = check_frame(&agent.request(&request));
                    check_answer(&request, sent.as_ref());
                }
            }
        }
    }
}

fn note(seen: &[Observed], asked: &mut Vec<Asked>) {
    for seen in seen {
        let (id, input) = match &seen.observation {
            Observation::PermissionAsked(request) | Observation::ToolAnnounced(request) => {
                (&request.id, &request.input)
            }
            Observation::QuestionAsked(question) => (&question.id, &question.input),
            _ => continue,
        };
        asked.push(Asked {
            id: id.clone(),
            input: input.clone(),
        });
    }
}

fn request(deed: Deed<'_>, asked: &[Asked], messages: &mut u128) -> Option<AgentRequest> {
    let which = || deed.choose(asked);
    Some(match deed.what {
        b'i' => AgentRequest::Initialize,
        b'x' => AgentRequest::Interrupt,
        b's' => AgentRequest::SetModel(deed.text()),
        b'o' => AgentRequest::SetPermissionMode(deed.text()),
        b'm' | b'f' => {
            *messages += 1;
            let name = deed.text();
            let file = || Attachment::new(name.clone(), "image/png", name.as_bytes());
            AgentRequest::UserMessage {
                message_id: MessageId(Uuid::from_u128(*messages)),
                attachments: (deed.what == b'f').then(file).into_iter().collect(),
                text: name.clone(),
            }
        }
        b'a' => AgentRequest::Allow {
            id: which()?.id.clone(),
            input: deed.json(),
        },
        b'p' => AgentRequest::Proceed {
            id: which()?.id.clone(),
            ask: deed.which % 2 == 1,
        },
        b'q' => AgentRequest::Answer {
            id: which()?.id.clone(),
            input: which()?.input.clone(),
            answers: deed.answers(),
        },
        b'd' | b'D' => AgentRequest::Deny {
            id: which()?.id.clone(),
            message: deed.text(),
            interrupt: deed.what == b'D',
        },
        _ => return None,
    })
}

/// What holds for every frame. Gives its value; none for a frame that is nothing at all.
pub(crate) fn check_frame(frame: &[u8]) -> Option<Value> {
    if frame.is_empty() {
        return None;
    }
    let text = std::str::from_utf8(frame).expect("a frame is text");
    let line = text.strip_suffix('\n').expect("a frame ends its line");
    assert!(
        !line.contains(['\n', '\r']),
        "a frame of two lines: {line:?}"
    );
    let value: Value = serde_json::from_str(line).expect("a frame is JSON");
    let answer = &value["response"]["response"];
    if value["type"] == "control_response" {
        assert!(value["response"]["request_id"].is_string(), "{line}");
        assert!(answer.get("updatedPermissions").is_none(), "{line}");
        assert!(
            answer.get("updatedInput").is_none_or(Value::is_object),
            "{line}"
        );
        if answer["behavior"] == "deny" {
            let message = answer["message"].as_str().unwrap_or_default();
            assert!(
                !message.trim().is_empty(),
                "denied without a message: {line}"
            );
        }
    }
    Some(value)
}

/// The agent's request is told to somebody, or answered at once, and nothing else is.
fn check_heard(line: &[u8], seen: &[Observed], replies: &[Value], heard: &mut BTreeSet<String>) {
    let asked = asks(line);
    let told = seen.iter().any(|seen| match &seen.observation {
        Observation::PermissionAsked(request) | Observation::ToolAnnounced(request) => {
            Some(&request.id.0) == asked.as_ref()
        }
        Observation::QuestionAsked(question) => Some(&question.id.0) == asked.as_ref(),
        _ => false,
    });
    let whose = |reply: &Value| reply["response"]["request_id"].as_str().map(str::to_owned);
    let answered = replies.iter().any(|reply| whose(reply) == asked);
    heard.extend(asked.clone());
    for reply in replies {
        assert!(
            whose(reply).is_some_and(|id| heard.contains(&id)),
            "nobody asked: {reply}"
        );
    }
    // A key that stands twice makes a line that nobody understands.
    let understood = !seen
        .iter()
        .any(|seen| matches!(seen.observation, Observation::Unknown { .. }));
    if asked.is_some() && (understood || has_each_key_once(line)) {
        assert!(
            told || answered,
            "{} waits for ever",
            String::from_utf8_lossy(line)
        );
    }
}

/// Whether the object of this line has no key twice.
fn has_each_key_once(line: &[u8]) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(line) else {
        return false;
    };
    // Written again it has each key once: as many keys as before only if none was there twice.
    let again = Value::Object(members).to_string();
    let count = |text: &[u8]| text.split(|byte| *byte == b'"').count();
    count(again.as_bytes()) == count(line)
}

fn check_answer(request: &AgentRequest, sent: Option<&Value>) {
    let (AgentRequest::Allow { id, .. }
    | AgentRequest::Proceed { id, .. }
    | AgentRequest::Answer { id, .. }
    | AgentRequest::Deny { id, .. }) = request
    else {
        return;
    };
    let sent = sent.expect("an answer is said");
    assert_eq!(sent["type"], "control_response");
    assert_eq!(
        sent["response"]["request_id"],
        id.0.as_str(),
        "another was answered"
    );
    if let AgentRequest::Answer { input, .. } = request
        && input["questions"].is_array()
    {
        let told = &sent["response"]["response"]["updatedInput"];
        assert_eq!(
            told["questions"], input["questions"],
            "the questions changed"
        );
    }
}
