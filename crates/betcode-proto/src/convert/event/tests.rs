//! Every event survives the wire, and nothing on the wire makes reading events fail.

mod any;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use betcode_core::event::{Status, StopReason};

fn notice(sequence: u64) -> Event {
    Event {
        sequence: Sequence(sequence),
        first_sequence: None,
        timestamp: Timestamp(1),
        parent: None,
        previews: vec![],
        body: EventBody::Notice {
            text: format!("notice {sequence}"),
        },
    }
}

proptest! {
    #[test]
    fn an_event_is_the_same_after_the_wire(event in any::event()) {
        let bytes = v1::Event::from(event.clone()).encode_to_vec();
        prop_assert_eq!(event_from_wire(v1::Event::decode(bytes.as_slice()).unwrap()), event);
    }

    #[test]
    fn joined_lists_are_one_list_in_order(one in prop::collection::vec(any::event(), 0..4), other in prop::collection::vec(any::event(), 0..4)) {
        let mut bytes = encode_event_list(one.clone());
        bytes.extend(encode_event_list(other.clone()));
        let both: Vec<Event> = one.into_iter().chain(other).collect();
        prop_assert_eq!(decode_event_list(&bytes).unwrap(), both.clone());
        let generated = v1::EventList::decode(bytes.as_slice()).unwrap();
        prop_assert_eq!(generated.events.into_iter().map(event_from_wire).collect::<Vec<_>>(), both);
    }

    #[test]
    fn an_entry_tells_its_number_and_is_itself_a_list(event in any::event()) {
        let bytes = encode_event_list([event.clone()]);
        let entry = event_entries(&bytes).next().unwrap().unwrap();
        prop_assert_eq!(entry.sequence().unwrap(), event.sequence);
        prop_assert_eq!(entry.bytes(), bytes.as_slice());
    }

    #[test]
    fn garbage_is_an_error_or_events_but_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let entries: Vec<_> = event_entries(&bytes).collect();
        prop_assert!(entries.iter().rev().skip(1).all(Result::is_ok));
        let _ = decode_event_list(&bytes);
    }
}

#[test]
fn the_generator_makes_every_kind_of_event() {
    let mut runner = TestRunner::deterministic();
    let strategy = any::event();
    let kinds: BTreeSet<String> = (0..5_000)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .map(|event| {
            serde_json::to_value(&event.body).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(kinds.len(), any::KINDS, "{kinds:?}");
}

#[test]
fn a_list_that_was_cut_off_gives_what_is_whole_and_then_one_error() {
    let mut bytes = encode_event_list([notice(1), notice(2)]);
    bytes.pop();
    let entries: Vec<_> = event_entries(&bytes)
        .map(|entry| entry.and_then(|entry| entry.sequence()))
        .collect();
    assert_eq!(entries, [Ok(Sequence(1)), Err(MALFORMED)]);
    assert_eq!(decode_event_list(&bytes), Err(MALFORMED));
}

#[test]
fn a_field_of_the_list_that_nobody_knows_is_passed_over() {
    let mut bytes = encode_event_list([notice(1)]);
    encode_key(9, WireType::Varint, &mut bytes);
    encode_varint(77, &mut bytes);
    append_event(notice(2), &mut bytes);
    assert_eq!(decode_event_list(&bytes).unwrap(), [notice(1), notice(2)]);
}

#[test]
fn a_kind_of_event_from_the_future_becomes_unknown_with_its_number_kept() {
    let mut bytes = v1::Event {
        sequence: 7,
        timestamp_us: 1,
        ..v1::Event::default()
    }
    .encode_to_vec();
    encode_key(900, WireType::LengthDelimited, &mut bytes);
    encode_varint(0, &mut bytes);
    let event = event_from_wire(v1::Event::decode(bytes.as_slice()).unwrap());
    assert_eq!(event.sequence, Sequence(7));
    assert!(matches!(event.body, EventBody::Unknown { raw } if raw.contains("body")));
}

#[test]
fn an_event_with_an_id_that_is_none_becomes_unknown_with_the_fields_name() {
    let event = event_from_wire(v1::Event {
        sequence: 7,
        body: Some(v1::event::Body::DeliveryUnknown(v1::DeliveryUnknown {
            message_id: b"short".as_slice().into(),
        })),
        ..v1::Event::default()
    });
    let EventBody::Unknown { raw } = event.body else {
        unreachable!("such an id cannot be read")
    };
    assert!(raw.contains("message_id: must be 16 bytes, not 5"), "{raw}");
}

#[test]
fn words_from_the_future_leave_nobody_waiting() {
    let read = |body| {
        event_from_wire(v1::Event {
            body: Some(body),
            ..v1::Event::default()
        })
        .body
    };
    let turn = read(v1::event::Body::TurnComplete(v1::TurnComplete {
        stop_reason: 99,
        ..v1::TurnComplete::default()
    }));
    assert!(matches!(turn, EventBody::TurnComplete(turn) if turn.stop_reason == StopReason::Error));
    let status = read(v1::event::Body::StatusChange(v1::StatusChange {
        status: 99,
        ..v1::StatusChange::default()
    }));
    assert!(matches!(
        status,
        EventBody::StatusChange {
            status: Status::Thinking,
            ..
        }
    ));
    let info = read(v1::event::Body::SessionInfo(v1::SessionInfo {
        capabilities: vec![99, v1::Capability::Thinking.into()],
        ..v1::SessionInfo::default()
    }));
    assert!(
        matches!(info, EventBody::SessionInfo(info) if info.capabilities == [betcode_core::event::Capability::Thinking])
    );
}

#[test]
fn json_that_is_none_is_kept_as_text() {
    let event = event_from_wire(v1::Event {
        body: Some(v1::event::Body::ToolCallStart(v1::ToolCallStart {
            input_json: "{oops".to_owned(),
            ..v1::ToolCallStart::default()
        })),
        ..v1::Event::default()
    });
    assert!(matches!(event.body, EventBody::ToolCallStart { input, .. } if input == "{oops"));
}
