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
