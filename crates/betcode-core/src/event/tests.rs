//! The JSON form of events, and previews.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::id::SessionId;

fn event(body: EventBody) -> Event {
    Event {
        sequence: Sequence(7),
        first_sequence: None,
        timestamp: Timestamp(1_000_000),
        parent: None,
        previews: vec![],
        body,
    }
}

fn text(text: &str) -> EventBody {
    EventBody::TextDelta(TextPiece {
        message_id: "m".into(),
        text: text.into(),
    })
}

#[test]
fn an_event_is_one_flat_object_that_begins_with_session_sequence_timestamp_and_type() {
    let line = event(text("hi")).to_json(SessionId(Uuid::nil())).unwrap();
    assert_eq!(
        line,
        "{\"session_id\":\"00000000-0000-0000-0000-000000000000\",\"sequence\":7,\
         \"timestamp\":\"1970-01-01T00:00:01.000000Z\",\"type\":\"text_delta\",\"message_id\":\"m\",\"text\":\"hi\"}"
    );
}

#[test]
fn a_coalesced_event_says_where_it_begins_and_a_nested_one_says_under_which_call() {
    let mut nested = event(text("hi"));
    nested.first_sequence = Some(Sequence(3));
    nested.parent = Some("toolu_1".into());
    let value: Value =
        serde_json::from_str(&nested.to_json(SessionId(Uuid::nil())).unwrap()).unwrap();
    assert_eq!(value["first_sequence"], 3);
    assert_eq!(value["parent_tool_call_id"], "toolu_1");
}

#[test]
fn an_event_survives_its_json_form() {
    let before = event(EventBody::PermissionResolved(PermissionDecision {
        id: "r".into(),
        outcome: PermissionOutcome::Denied,
        by: Decider::Rule {
            rule: "--disallowed-tools Bash".into(),
            place: "settings".into(),
        },
        message: "no".into(),
        scope: PermissionScope::Session,
        rules: vec!["Bash(ls)".into()],
        input: Some(json!({"command": "ls"})),
        interrupt: true,
    }));
    let json = serde_json::to_string(&before).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), before);
}

#[test]
fn a_short_event_has_no_preview() {
    let mut body = EventBody::Unknown {
        raw: "x".repeat(PREVIEW_LIMIT),
    };
    assert_eq!(split_payloads(&mut body, 1 << 20), (vec![], vec![]));
}

#[test]
fn a_long_text_is_cut_between_characters_and_kept_whole_beside_the_event() {
    let whole = "é".repeat(PREVIEW_LIMIT);
    let mut body = EventBody::Unknown { raw: whole.clone() };
    let (previews, payloads) = split_payloads(&mut body, 10 << 20);
    let EventBody::Unknown { raw } = &body else {
        unreachable!("the kind does not change")
    };
    assert_eq!(raw.len(), PREVIEW_BYTES);
    assert!(whole.starts_with(raw.as_str()));
    assert_eq!(
        previews,
        [Preview {
            field: "raw".into(),
            size: 2 * PREVIEW_LIMIT as u64,
            stored: 2 * PREVIEW_LIMIT as u64
        }]
    );
    assert_eq!(
        payloads,
        [Payload {
            field: "raw".into(),
            bytes: whole.into_bytes()
        }]
    );
}

#[test]
fn what_is_over_the_stored_limit_says_its_original_size() {
    let mut body = EventBody::Unknown {
        raw: "x".repeat(200_000),
    };
    let (previews, payloads) = split_payloads(&mut body, 100_001);
    assert_eq!((previews[0].size, previews[0].stored), (200_000, 100_001));
    assert_eq!(payloads[0].bytes.len(), 100_001);
}

fn tool_result(output: String, attachments: Vec<Attachment>) -> EventBody {
    let line = format!("+{}", "y".repeat(PREVIEW_LIMIT));
    let hunk = Hunk {
        old_start: 0,
        old_lines: 0,
        new_start: 1,
        new_lines: 1,
        lines: vec![line],
    };
    EventBody::ToolCallResult {
        id: "t".into(),
        output,
        is_error: false,
        duration_ms: None,
        diff: vec![FileDiff {
            path: "/a".into(),
            created: true,
            hunks: vec![hunk],
        }],
        attachments,
    }
}

#[test]
fn what_a_tool_gave_back_is_kept_beside_its_result_however_small_it_is() {
    let images = vec![
        Attachment::new("image-1", "image/png", b"\x89PNG"),
        Attachment::new("document-2", "application/pdf", &[7; 1000]),
    ];
    let output = "z".repeat(2 * PREVIEW_LIMIT);
    let whole = tool_result(output, images);
    let mut body = whole.clone();
    let (previews, payloads) = split_payloads(&mut body, 10 << 20);
    let fields: Vec<_> = previews.iter().map(|cut| cut.field.as_str()).collect();
    assert_eq!(fields, ["output", "diff", "attachments/0", "attachments/1"]);
    let EventBody::ToolCallResult { attachments, .. } = &body else {
        unreachable!("the kind does not change")
    };
    assert!(attachments.iter().all(|image| image.content.is_empty()));
    assert_eq!((attachments[0].size, attachments[1].size), (4, 1000));
    assert!(serde_json::to_string(&body).unwrap().len() < 2 * PREVIEW_BYTES);

    for Payload { field, bytes } in payloads {
        restore_payload(&mut body, &field, &bytes);
    }
    assert_eq!(body, whole);
}

#[test]
fn what_is_too_large_to_be_stored_is_not_stored_in_part() {
    let images = vec![
        Attachment::new("image-1", "image/png", &[1; 101]),
        Attachment::new("image-2", "image/png", &[2; 100]),
    ];
    let mut body = tool_result(String::new(), images);
    let (previews, payloads) = split_payloads(&mut body, 100);
    let stored: Vec<_> = previews.iter().map(|cut| (cut.size, cut.stored)).collect();
    assert_eq!(stored[1..], [(101, 0), (100, 100)]);
    assert_eq!(payloads.len(), 2);
    assert_eq!(payloads[1].field, "attachments/1");
}

#[test]
fn a_request_and_the_end_of_a_turn_are_whole_again() {
    let long = || "w".repeat(PREVIEW_LIMIT + 1);
    let request = PermissionRequest {
        id: "p".into(),
        tool: "Write".into(),
        tool_call: None,
        input: json!({"content": long()}),
        description: String::new(),
        suggested_rules: vec![],
        expires_at: None,
        is_replay: false,
        note: String::new(),
    };
    let question = Question {
        id: "q".into(),
        tool_call: None,
        items: vec![],
        plan: Some(long()),
        input: json!({"plan": long()}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    };
    let turn = TurnComplete {
        stop_reason: StopReason::EndTurn,
        error: None,
        num_turns: 1,
        duration_ms: 0,
        duration_api_ms: 0,
        usage: Usage::default(),
        result: long(),
        permission_denials: vec![],
        origin: String::new(),
        raw: Some(json!({"result": long()})),
    };
    let all = [
        (EventBody::PermissionRequest(request), 1),
        (EventBody::Question(question), 2),
        (EventBody::TurnComplete(turn), 2),
    ];
    for (whole, fields) in all {
        let mut body = whole.clone();
        let (_, payloads) = split_payloads(&mut body, 10 << 20);
        assert_ne!(body, whole);
        assert_eq!(payloads.len(), fields);
        for Payload { field, bytes } in payloads {
            restore_payload(&mut body, &field, &bytes);
        }
        assert_eq!(body, whole);
    }
}

#[test]
fn a_whole_goes_back_to_its_own_place_only() {
    let mut body = EventBody::ToolCallStart {
        id: "t".into(),
        tool: "Edit".into(),
        input: json!({"a": 1}),
        description: "d".into(),
    };
    let before = body.clone();
    for (field, bytes) in [
        ("output", "x"),
        ("attachments/0", "x"),
        ("attachments/x", "x"),
        ("input", "{\"a\": tr"),
        ("", ""),
    ] {
        restore_payload(&mut body, field, bytes.as_bytes());
        assert_eq!(body, before, "{field}");
    }
    restore_payload(&mut body, "input", b"{\"a\":2}");
    assert_ne!(body, before);
}

#[test]
fn a_result_of_an_older_log_has_nothing_attached() {
    let json = r#"{"type":"tool_call_result","id":"t","output":"o","is_error":false}"#;
    let body: EventBody = serde_json::from_str(json).unwrap();
    assert!(
        matches!(&body, EventBody::ToolCallResult { attachments, .. } if attachments.is_empty())
    );
    assert_eq!(serde_json::to_string(&body).unwrap(), json);
}

#[test]
fn a_long_input_keeps_its_shape() {
    let input = json!({"file_path": "/a", "old_string": "x".repeat(100_000)});
    let mut body = EventBody::ToolCallStart {
        id: "t".into(),
        tool: "Edit".into(),
        input: input.clone(),
        description: String::new(),
    };
    let (_, payloads) = split_payloads(&mut body, 10 << 20);
    let EventBody::ToolCallStart { input: cut, .. } = &body else {
        unreachable!("the kind does not change")
    };
    assert_eq!(cut["file_path"], "/a");
    assert_eq!(cut["old_string"].as_str().unwrap().len(), PREVIEW_BYTES);
    assert_eq!(
        serde_json::from_slice::<Value>(&payloads[0].bytes).unwrap(),
        input
    );
}

#[test]
fn no_amount_makes_a_usage_unreadable_and_amounts_have_an_end() {
    let cost = |cost_usd| Usage {
        cost_usd,
        ..Usage::default()
    };
    let mut sum = cost(1e308);
    sum.add(&cost(1.7e308));
    assert!(sum.cost_usd.is_finite());
    for (written, read) in [
        (f64::NAN, 0.0),
        (f64::INFINITY, 0.0),
        (sum.cost_usd, sum.cost_usd),
        (0.25, 0.25),
    ] {
        let line = serde_json::to_string(&cost(written)).unwrap();
        assert_eq!(serde_json::from_str::<Usage>(&line).unwrap(), cost(read));
    }
    let mut old = serde_json::to_value(cost(1.0)).unwrap();
    old["cost_usd"] = Value::Null;
    assert_eq!(serde_json::from_value::<Usage>(old).unwrap(), cost(0.0));
}
