//! What the driver writes.

use betcode_agents::{Agent, Kind};
use betcode_core::event::{Answer, Attachment};
use betcode_core::id::{MessageId, RequestId};
use betcode_core::observation::{AgentRequest, Observation, Observations};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::transcript::{Player, Step, all};

/// The value of a frame, which must be exactly one line.
fn value(frame: &[u8]) -> Value {
    let text = std::str::from_utf8(frame).unwrap();
    let line = text
        .strip_suffix('\n')
        .expect("a frame ends with a newline");
    assert!(!line.contains(['\n', '\r']), "{line}");
    serde_json::from_str(line).unwrap()
}

fn written(request: &AgentRequest) -> Value {
    value(&Agent::new(Kind::ClaudeCode).request(request))
}

#[test]
fn frames_say_what_the_recorded_host_said() {
    // Lines on which the recorded host tried what the driver never does.
    let own_ways = [
        "permission_always_allow",
        "permission_allow_null_input",
        "permission_deny_no_message",
        "plan_mode",
    ];
    let mut compared = 0;
    for transcript in all()
        .iter()
        .filter(|transcript| !own_ways.contains(&transcript.name.as_str()))
    {
        let mut player = Player::new();
        for step in &transcript.steps {
            let frame = player.step(step, &mut Observations::new());
            let (Step::In(recorded), Some((_, frame))) = (step, frame) else {
                continue;
            };
            let mut frame = value(&frame);
            assert_eq!(frame["type"], recorded["type"]);
            let mut recorded = recorded.clone();
            // A note beside an answer is something that no client can give.
            if let Some(Value::Object(notes)) =
                recorded.pointer_mut("/response/response/updatedInput/annotations")
            {
                notes.retain(|_, note| note.get("notes").is_none());
            }
            if recorded["request"]["subtype"] == "initialize"
                || recorded["request"]["cancel_queued"].is_boolean()
            {
                continue;
            }
            if recorded.get("uuid").is_none() {
                frame.as_object_mut().unwrap().shift_remove("uuid");
            }
            if recorded.get("request_id").is_some() {
                frame["request_id"] = recorded["request_id"].clone();
            }
            assert_eq!(frame, recorded, "{}", transcript.name);
            compared += 1;
        }
    }
    assert!(compared > 90, "{compared} frames");
}

#[test]
fn a_message_carries_its_id_and_names_what_is_attached() {
    let attachment = Attachment {
        name: "a\nb.png".into(),
        media_type: "image/png".into(),
        size: 7,
        ..Attachment::default()
    };
    let frame = written(&AgentRequest::UserMessage {
        message_id: MessageId(Uuid::nil()),
        text: "look".into(),
        attachments: vec![attachment],
    });
    assert_eq!(
        frame,
        json!({
            "type": "user",
            "message": {"role": "user", "content": "look\n[attached: a\nb.png]"},
            "uuid": "00000000-0000-0000-0000-000000000000",
        })
    );
}

#[test]
fn an_image_goes_to_the_agent_as_a_block_beside_the_text() {
    let message = |text: &str| AgentRequest::UserMessage {
        message_id: MessageId(Uuid::nil()),
        text: text.into(),
        attachments: vec![Attachment::new("a.png", "image/png", b"\x89PNG\0")],
    };
    let image = json!({"type": "image", "source":
        {"type": "base64", "media_type": "image/png", "data": "iVBORwA="}});
    let frame = written(&message("look"));
    let text = json!({"type": "text", "text": "look"});
    assert_eq!(frame["message"]["content"], json!([text, image]));
    let frame = written(&message(" "));
    assert_eq!(frame["message"]["content"], json!([image]));
}

#[test]
fn an_allowed_tool_never_gets_a_null_input_and_a_denied_one_always_gets_a_message() {
    let id = RequestId::from("r");
    for input in [None, Some(Value::Null), Some(json!("text"))] {
        let frame = written(&AgentRequest::Allow {
            id: id.clone(),
            input,
        });
        assert_eq!(
            frame["response"],
            json!({"subtype": "success", "request_id": "r", "response": {"behavior": "allow"}})
        );
    }
    let frame = written(&AgentRequest::Deny {
        id,
        message: " ".into(),
        interrupt: true,
    });
    let answer = &frame["response"]["response"];
    assert_eq!(answer["behavior"], "deny");
    assert_eq!(answer["interrupt"], true);
    assert!(!answer["message"].as_str().unwrap().trim().is_empty());
}

#[test]
fn every_recorded_answer_is_compared() {
    let mut answers = Vec::new();
    for transcript in all() {
        let mut player = Player::new();
        for step in &transcript.steps {
            let Some((request, frame)) = player.step(step, &mut Observations::new()) else {
                continue;
            };
            let answer = &value(&frame)["response"]["response"];
            match request {
                AgentRequest::Answer { .. } => answers.push("answer"),
                AgentRequest::Allow { input: Some(_), .. } => answers.push("edited"),
                AgentRequest::Allow { .. } => answers.push("allow"),
                AgentRequest::Deny { .. } if answer.get("behavior").is_none() => {
                    answers.push("denied announcement");
                }
                AgentRequest::Deny { .. } => answers.push("deny"),
                AgentRequest::Proceed { ask: true, .. } => answers.push("ask"),
                AgentRequest::Proceed { .. } => answers.push("go on"),
                _ => continue,
            }
            assert!(answer.get("updatedPermissions").is_none(), "{answer}");
        }
    }
    let least = [
        ("answer", 3),
        ("edited", 10),
        ("allow", 2),
        ("deny", 2),
        ("denied announcement", 2),
        ("ask", 1),
        ("go on", 2),
    ];
    for (kind, least) in least {
        let found = answers.iter().filter(|answer| **answer == kind).count();
        assert!(found >= least, "{found} of {kind}");
    }
}

#[test]
fn an_answer_names_the_labels_then_the_text_and_what_was_skipped() {
    let questions = json!([{"question": "a?", "more": 1}, {"question": "b?"}, {"question": "c?"}]);
    let answer = |question: &str, selected: &[&str], text: &str| Answer {
        question: question.into(),
        selected: selected.iter().map(|label| (*label).to_owned()).collect(),
        text: text.into(),
    };
    let frame = written(&AgentRequest::Answer {
        id: RequestId::from("r"),
        input: json!({"questions": questions, "metadata": {}}),
        answers: vec![
            answer("b?", &["Two", "Three"], " and my own "),
            answer("c?", &[], " "),
        ],
    });
    let skipped = json!({"unanswered": "skipped"});
    assert_eq!(
        frame["response"]["response"],
        json!({"behavior": "allow", "updatedInput": {
            "questions": questions,
            "answers": {"b?": "Two, Three, and my own"},
            "annotations": {"a?": skipped, "c?": skipped},
        }})
    );
}

#[test]
fn an_approved_plan_is_allowed_as_it_stands() {
    for input in [json!({}), json!({"plan": "# Do it"})] {
        let frame = written(&AgentRequest::Answer {
            id: RequestId::from("r"),
            input,
            answers: Vec::new(),
        });
        assert_eq!(frame["response"]["response"], json!({"behavior": "allow"}));
    }
}

#[test]
fn control_requests_have_ids_of_their_own_that_outlive_a_restore() {
    let mut agent = Agent::new(Kind::ClaudeCode);
    let first = value(&agent.request(&AgentRequest::Initialize));
    assert!(agent.state_changed());
    let mut agent = Agent::restore(Kind::ClaudeCode, &agent.state()).unwrap();
    let second = value(&agent.request(&AgentRequest::SetModel(String::new())));
    assert_ne!(first["request_id"], second["request_id"]);
    assert_eq!(second["request"], json!({"subtype": "set_model"}));
    let mut out = Observations::new();
    for id in [
        &first["request_id"],
        &second["request_id"],
        &json!("stranger"),
    ] {
        let line = json!({"type": "control_response", "response": {"subtype": "error", "request_id": id, "error": "no"}});
        agent.line(line.to_string().as_bytes(), &mut out);
    }
    let failures: Vec<_> = out
        .take()
        .into_iter()
        .map(|seen| seen.observation)
        .collect();
    let failed = Observation::Failed {
        code: "request_failed".into(),
        message: "no".into(),
    };
    assert_eq!(failures, [failed.clone(), failed]);
}

fn callback(id: &str, event: &str, tool: &str) -> Vec<u8> {
    let input = json!({"hook_event_name": event, "tool_name": tool, "tool_input": {"n": 1}, "tool_use_id": "t"});
    let request = json!({"subtype": "hook_callback", "callback_id": "rules", "input": input});
    json!({"type": "control_request", "request_id": id, "request": request})
        .to_string()
        .into_bytes()
}

fn decision(frame: &[u8]) -> Value {
    let frame = value(frame);
    assert_eq!(frame["response"]["subtype"], "success");
    frame["response"]["response"]["hookSpecificOutput"]["permissionDecision"].clone()
}

fn denial(id: &str, interrupt: bool) -> AgentRequest {
    AgentRequest::Deny {
        id: RequestId::from(id),
        message: "the rule says no".into(),
        interrupt,
    }
}

#[test]
fn an_agent_is_asked_to_announce_every_call_and_to_wait_for_weeks() {
    let frame = written(&AgentRequest::Initialize);
    let hooks = &frame["request"]["hooks"];
    assert_eq!(hooks["PreToolUse"].as_array().unwrap().len(), 1, "{hooks}");
    let hook = &hooks["PreToolUse"][0];
    assert_eq!(hook.get("matcher"), None);
    assert_eq!(hook["hookCallbackIds"].as_array().unwrap().len(), 1);
    let seconds = hook["timeout"].as_u64().unwrap();
    assert!(seconds > 14 * 24 * 3600);
    assert!(
        seconds * 1000 < i32::MAX.unsigned_abs().into(),
        "a timer that overflows ends at once"
    );
}

#[test]
fn an_announced_call_is_denied_in_its_own_form_once_and_after_a_restore() {
    let mut agent = Agent::new(Kind::ClaudeCode);
    let mut out = Observations::new();
    for id in ["a", "b", "c"] {
        agent.line(&callback(id, "PreToolUse", "Bash"), &mut out);
    }
    assert_eq!(out.len(), 3);
    let mut agent = Agent::restore(Kind::ClaudeCode, &agent.state()).unwrap();
    agent.state_changed();
    let frame = agent.request(&denial("a", false));
    assert!(agent.state_changed());
    assert_eq!(
        value(&frame)["response"]["response"],
        json!({"hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "the rule says no",
        }})
    );
    let ends = value(&agent.request(&denial("b", true)));
    assert_eq!(ends["response"]["response"]["continue"], false);
    let proceed = |ask| AgentRequest::Proceed {
        id: RequestId::from("c"),
        ask,
    };
    assert_eq!(decision(&agent.request(&proceed(true))), "ask");
    let frame = value(&agent.request(&proceed(false)));
    assert_eq!(frame["response"]["response"], json!({}));
    // A later request for permission with the same id has the form of such a request.
    for id in ["a", "b", "c"] {
        let frame = value(&agent.request(&denial(id, false)));
        assert_eq!(frame["response"]["response"]["behavior"], "deny");
    }
}

#[test]
fn an_announced_call_that_is_withdrawn_leaves_nothing_behind() {
    let mut agent = Agent::new(Kind::ClaudeCode);
    let mut out = Observations::new();
    let before = agent.state();
    agent.line(&callback("a", "PreToolUse", "Bash"), &mut out);
    assert_ne!(agent.state(), before);
    out.take();
    let cancel = |id: &str| {
        json!({"type": "control_cancel_request", "request_id": id})
            .to_string()
            .into_bytes()
    };
    agent.line(&cancel("a"), &mut out);
    assert_eq!((agent.state(), out.len()), (before, 0));
    agent.line(&cancel("b"), &mut out);
    assert_eq!(out.len(), 1, "a request for permission is withdrawn");
}

#[test]
fn hooks_of_other_events_go_on_and_what_is_not_understood_is_denied() {
    let mut agent = Agent::new(Kind::ClaudeCode);
    let mut out = Observations::new();
    let odd = |id: &str, input: Value| {
        json!({"type": "control_request", "request_id": id, "request": {"subtype": "hook_callback", "input": input}})
            .to_string()
            .into_bytes()
    };
    agent.line(&callback("a", "Stop", "Bash"), &mut out);
    assert_eq!(out.len(), 0);
    agent.line(
        &odd("b", json!({"hook_event_name": "PreToolUse"})),
        &mut out,
    );
    agent.line(&odd("c", json!(7)), &mut out);
    let unknown = out
        .take()
        .into_iter()
        .filter(|seen| matches!(seen.observation, Observation::Unknown { .. }));
    assert_eq!(unknown.count(), 2);
    let decisions: Vec<Value> = agent
        .replies()
        .iter()
        .map(|frame| decision(frame))
        .collect();
    assert_eq!(decisions, [Value::Null, json!("deny"), json!("deny")]);
}

#[test]
fn calls_that_are_announced_without_end_are_denied_rather_than_forgotten() {
    let mut agent = Agent::new(Kind::ClaudeCode);
    let mut out = Observations::new();
    for number in 0..2000 {
        agent.line(
            &callback(&format!("{number:04}"), "PreToolUse", "X"),
            &mut out,
        );
    }
    let denied: Vec<Value> = agent
        .replies()
        .iter()
        .map(|frame| decision(frame))
        .collect();
    assert!(denied.len() > 100 && denied.iter().all(|decision| decision == "deny"));
    assert_eq!(out.len() + denied.len(), 2000);
    assert_eq!(decision(&agent.request(&denial("0000", false))), "deny");
}

#[test]
fn a_request_that_nobody_answers_is_refused_once() {
    let mut agent = Agent::new(Kind::ClaudeCode);
    let mut out = Observations::new();
    for (id, subtype) in [("b", "mcp_message"), ("c", "wonder"), ("d", "can_use_tool")] {
        let line =
            json!({"type": "control_request", "request_id": id, "request": {"subtype": subtype}});
        agent.line(line.to_string().as_bytes(), &mut out);
    }
    agent.line(
        b"{\"type\":\"control_request\",\"request_id\":\"e\"}",
        &mut out,
    );
    let mut agent = Agent::restore(Kind::ClaudeCode, &agent.state()).unwrap();
    let replies = agent.replies();
    let ids: Vec<Value> = replies
        .iter()
        .map(|frame| value(frame)["response"]["request_id"].clone())
        .collect();
    assert_eq!(ids, ["b", "c", "d", "e"]);
    assert!(
        replies
            .iter()
            .all(|frame| value(frame)["response"]["subtype"] == "error")
    );
    assert_eq!(agent.replies(), Vec::<Vec<u8>>::new());
    assert_eq!(out.len(), 3, "the last three are shown as unknown");
}

fn any_request() -> impl Strategy<Value = AgentRequest> {
    let text = any::<String>;
    prop_oneof![
        Just(AgentRequest::Initialize),
        Just(AgentRequest::Interrupt),
        Just(AgentRequest::SayContext),
        text().prop_map(AgentRequest::SetModel),
        text().prop_map(AgentRequest::StopTask),
        text().prop_map(AgentRequest::Rename),
        text().prop_map(AgentRequest::SetPermissionMode),
        (any::<u128>(), text(), text()).prop_map(|(id, text, name)| AgentRequest::UserMessage {
            message_id: MessageId(Uuid::from_u128(id)),
            text,
            attachments: vec![Attachment {
                name,
                media_type: String::new(),
                size: 0,
                ..Attachment::default()
            }],
        }),
        (text(), text()).prop_map(|(id, value)| AgentRequest::Allow {
            id: RequestId(id),
            input: Some(json!({ value.clone(): value })),
        }),
        (text(), text(), text()).prop_map(|(id, question, said)| AgentRequest::Answer {
            id: RequestId(id),
            input: json!({"questions": [{"question": question}]}),
            answers: vec![Answer {
                question,
                selected: vec![said.clone()],
                text: said,
            }],
        }),
        (text(), any::<bool>()).prop_map(|(id, ask)| AgentRequest::Proceed {
            id: RequestId(id),
            ask
        }),
        (text(), text(), any::<bool>()).prop_map(|(id, message, interrupt)| AgentRequest::Deny {
            id: RequestId(id),
            message,
            interrupt
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_frame_is_one_line_of_json(requests in proptest::collection::vec(any_request(), 1..20)) {
        let mut agent = Agent::new(Kind::ClaudeCode);
        for request in requests {
            prop_assert!(value(&agent.request(&request)).is_object());
        }
    }
}
