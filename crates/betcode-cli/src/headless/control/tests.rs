//! What a driver is asked, and what its answers mean.

use betcode_core::event::{Decider, PermissionDecision, PermissionOutcome, QuestionOption};
use betcode_core::id::Sequence;
use betcode_core::time::Timestamp;

use super::*;

fn event(body: EventBody) -> Event {
    Event {
        sequence: Sequence(1),
        first_sequence: None,
        timestamp: Timestamp(0),
        parent: None,
        previews: Vec::new(),
        body,
    }
}

fn asked(rules: &[&str]) -> EventBody {
    EventBody::PermissionRequest(PermissionRequest {
        id: "r".into(),
        tool: "Bash".into(),
        tool_call: Some("t".into()),
        input: json!({"command": "git push"}),
        description: "git push".into(),
        suggested_rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

fn decided() -> EventBody {
    EventBody::PermissionResolved(PermissionDecision {
        id: "r".into(),
        outcome: PermissionOutcome::Denied,
        by: Decider::Unattended,
        message: String::new(),
        scope: PermissionScope::Once,
        rules: Vec::new(),
        input: None,
        interrupt: false,
    })
}

fn question(plan: Option<&str>) -> EventBody {
    let option = |label: &str| QuestionOption {
        label: label.into(),
        description: String::new(),
    };
    EventBody::Question(Question {
        id: "q".into(),
        tool_call: None,
        items: vec![QuestionItem {
            question: "Which?".into(),
            header: String::new(),
            multi_select: true,
            options: vec![option("Red"), option("Blue"), option("Red, white")],
        }],
        plan: plan.map(str::to_owned),
        input: json!({}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

/// The answer to what is asked, as an action.
fn answer(body: EventBody, id: &str, answer: Value) -> Action {
    let mut prompts = Prompts::default();
    assert_eq!(prompts.see(&event(body), true), None);
    assert_eq!(prompts.untold().len(), 1);
    prompts.answer(id, &Ok(answer)).unwrap().unwrap()
}

#[test]
fn a_request_is_asked_once_and_taken_back_when_somebody_else_decides() {
    let mut prompts = Prompts::default();
    prompts.see(&event(asked(&["Bash(git push)"])), true);
    let told = prompts.untold();
    assert_eq!(told.len(), 1);
    let line = told.first().unwrap();
    assert_eq!(line["request_id"], "r");
    assert_eq!(line["request"]["subtype"], "can_use_tool");
    assert_eq!(
        line["request"]["permission_suggestions"][0]["rules"],
        json!([{"toolName": "Bash", "ruleContent": "git push"}])
    );
    assert!(prompts.untold().is_empty());
    let cancelled = prompts.see(&event(decided()), true).unwrap();
    assert_eq!(cancelled["type"], "control_cancel_request");
    assert!(
        prompts
            .answer("r", &Ok(json!({"behavior": "allow"})))
            .is_none()
    );
}

#[test]
fn what_is_decided_as_soon_as_it_is_asked_is_never_told() {
    let mut prompts = Prompts::default();
    prompts.see(&event(asked(&[])), true);
    assert_eq!(prompts.see(&event(decided()), true), None);
    assert!(prompts.untold().is_empty());
}

#[test]
fn an_answer_allows_or_denies_for_as_long_as_it_says() {
    let allow = |rules: &[&str], said: Value| match answer(asked(rules), "r", said) {
        Action::AnswerPermission {
            answer: PermissionAnswer::Allow { scope, input },
            ..
        } => (scope, input),
        other => panic!("{other:?}"),
    };
    let rules = ["Bash(git push)"];
    let add = |place: &str| {
        json!({"behavior": "allow", "updatedInput": {"command": "git push"}, "updatedPermissions": [
            {"type": "addRules", "behavior": "allow", "destination": place},
        ]})
    };
    assert_eq!(
        allow(
            &rules,
            json!({"behavior": "allow", "updatedInput": {"command": "git pull"}})
        ),
        (PermissionScope::Once, Some(json!({"command": "git pull"})))
    );
    assert_eq!(
        allow(&rules, add("session")),
        (PermissionScope::Session, None)
    );
    assert_eq!(
        allow(&rules, add("localSettings")),
        (PermissionScope::Always, None)
    );
    assert_eq!(
        allow(&[], add("localSettings")),
        (PermissionScope::Once, None)
    );
    let denied = json!({"behavior": "deny", "message": "no", "interrupt": true});
    assert_eq!(
        answer(asked(&rules), "r", denied),
        Action::AnswerPermission {
            id: "r".into(),
            answer: PermissionAnswer::Deny {
                message: "no".into(),
                interrupt: true
            },
        }
    );
}

#[test]
fn an_answer_that_makes_no_sense_leaves_the_request_open() {
    let mut prompts = Prompts::default();
    prompts.see(&event(asked(&[])), true);
    prompts.untold();
    assert!(prompts.answer("r", &Ok(json!({}))).unwrap().is_err());
    for input in [json!(null), json!("ls"), json!(["ls"])] {
        let said = json!({"behavior": "allow", "updatedInput": input});
        assert!(prompts.answer("r", &Ok(said)).unwrap().is_err());
    }
    assert!(
        prompts
            .answer("x", &Ok(json!({"behavior": "allow"})))
            .is_none()
    );
    assert!(prompts.answer("r", &Err("gone".into())).unwrap().is_ok());
}

#[test]
fn questions_are_answered_by_labels_or_freely_and_plans_by_allowing() {
    let said = |words: &str| {
        let answers = json!({"Which?": words});
        let said = json!({"behavior": "allow", "updatedInput": {"answers": answers}});
        match answer(question(None), "q", said) {
            Action::AnswerQuestion {
                answer: QuestionAnswer::Answered(answers),
                ..
            } => answers
                .into_iter()
                .map(|one| (one.selected, one.text))
                .next(),
            other => panic!("{other:?}"),
        }
    };
    let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
    assert_eq!(
        said("Red, Blue"),
        Some((labels(&["Red", "Blue"]), String::new()))
    );
    assert_eq!(
        said("Red, white"),
        Some((labels(&["Red, white"]), String::new()))
    );
    assert_eq!(said("Green"), Some((Vec::new(), "Green".into())));
    let approved = Action::AnswerQuestion {
        id: "q".into(),
        answer: QuestionAnswer::Answered(Vec::new()),
    };
    let allow = json!({"behavior": "allow"});
    assert_eq!(answer(question(Some("")), "q", allow.clone()), approved);
    let Action::AnswerQuestion {
        answer: QuestionAnswer::Declined { .. },
        ..
    } = answer(question(None), "q", allow)
    else {
        panic!("no answers are none");
    };
}

#[test]
fn what_is_asked_for_is_done_and_answered_or_refused_by_name() {
    assert_eq!(Ask::Interrupt.action(true).0, Some(Action::Cancel));
    assert_eq!(Ask::Interrupt.action(false).0, None);
    let (action, answer) = Ask::SetModel("opus".into()).action(false);
    assert!(matches!(action, Some(Action::SetModel { model }) if model == "opus"));
    assert_eq!(response("7", answer)["response"]["subtype"], "success");
    let (action, answer) = Ask::of(&json!({"subtype": "mcp_status"}))
        .unwrap()
        .action(true);
    assert_eq!(action, None);
    let line = response("7", answer);
    assert_eq!(line["response"]["request_id"], "7");
    assert!(
        line["response"]["error"]
            .as_str()
            .unwrap()
            .contains("mcp_status")
    );
}

#[test]
fn when_nobody_can_answer_what_our_turns_ask_is_denied_once_and_nothing_else() {
    let mut prompts = Prompts::default();
    prompts.see(&event(question(None)), false);
    prompts.see(&event(asked(&[])), true);
    let denied = prompts.unanswerable();
    let [Action::AnswerPermission { id, answer }] = denied.as_slice() else {
        panic!("{denied:?}");
    };
    assert_eq!(id.0, "r");
    assert!(
        matches!(answer, PermissionAnswer::Deny { interrupt: false, message } if !message.is_empty())
    );
    assert!(prompts.unanswerable().is_empty());
    assert_eq!(prompts.see(&event(decided()), true), None);
}

#[test]
fn requests_that_cannot_be_done_say_why_to_people_and_to_programs() {
    for (ask, code) in [
        (json!({"subtype": "set_permission_mode"}), "invalid_mode"),
        (
            json!({"subtype": "set_permission_mode", "mode": "Plan"}),
            "invalid_mode",
        ),
        (
            json!({"subtype": "set_model", "model": ["x"]}),
            "invalid_request",
        ),
        (json!({"subtype": "mcp_status"}), "unsupported_request"),
    ] {
        let (action, answer) = Ask::of(&ask).unwrap().action(true);
        assert_eq!(action, None);
        let line = response("7", answer);
        assert_eq!(line["response"]["error_code"], code, "{ask}");
    }
    assert_eq!(Ask::of(&json!({})), None);
    assert_eq!(Ask::of(&json!({"subtype": 7})), None);
}
