//! Compaction, trimming, clearing, closing and reopening: what goes, what stays, and that a log can be read on from there.

use super::replay::fold_from_trim;
use super::*;

const NONE: [&str; 0] = [];

fn compacted() -> Observation {
    Observation::Compacted {
        trigger: "manual".into(),
        before_tokens: 100_000,
        after_tokens: 2_000,
    }
}

#[test]
fn compacting_is_a_message_to_the_agent_and_removes_nothing() {
    let mut bench = Bench::idle();
    let compact = Action::Compact { trim: false };
    assert_eq!(
        bench.command_with_key(2, compact).unwrap(),
        ["input 2", "status thinking"]
    );
    assert!(matches!(
        bench.told.last(),
        Some(AgentRequest::UserMessage { text, .. }) if text == "/compact"
    ));
    bench.say(Observation::Working);
    assert_eq!(bench.say(compacted()), ["compacted"]);
    assert_eq!(
        bench.say(Observation::Idle),
        ["status idle", "end end_turn"]
    );
    assert_eq!(bench.session.info().trimmed_up_to, Sequence(0));
}

#[test]
fn compacting_with_trim_removes_the_log_before_the_divider_in_the_same_turn() {
    let mut bench = Bench::idle();
    bench
        .command_with_key(2, Action::Compact { trim: true })
        .unwrap();
    bench.message(3).unwrap();
    bench.say(Observation::Working);
    let end = bench.log.len();
    assert_eq!(
        bench.say(compacted()),
        [&format!("trimmed {end}"), "session_info", "compacted"]
    );
    assert_eq!(fold_from_trim(&bench), bench.session);
    assert_eq!(
        bench.say(Observation::Idle),
        [
            "status idle",
            "end end_turn",
            "dequeued 3",
            "input 3",
            "status thinking"
        ]
    );
    let up_to = bench.session.info().trimmed_up_to;
    assert_eq!(up_to, Sequence(end as u64));
    assert_eq!(fold_from_trim(&bench), bench.session);
}

#[test]
fn nothing_is_removed_when_the_agent_did_not_compact() {
    let mut bench = Bench::idle();
    bench
        .command_with_key(2, Action::Compact { trim: true })
        .unwrap();
    bench.say(Observation::Working);
    assert_eq!(
        bench.say(Observation::Idle),
        ["status idle", "end end_turn"]
    );
    bench.message(3).unwrap();
    bench.say(Observation::Working);
    bench.say(compacted());
    assert_eq!(
        bench.say(Observation::Idle),
        ["status idle", "end end_turn"],
        "another turn's compaction is none that was asked for"
    );
}

#[test]
fn a_conversation_that_has_not_begun_cannot_be_compacted() {
    let mut bench = Bench::new();
    for trim in [false, true] {
        let refused = bench.command(Action::Compact { trim });
        assert!(matches!(refused, Err(Rejected::Unsupported(_))));
    }
}

#[test]
fn clearing_forgets_the_conversation_and_the_log_and_keeps_the_session() {
    let mut bench = Bench::idle();
    bench.say_from(Some("task"), permission("p", "Bash"));
    let id = bench.session.id();
    let title = bench.session.title().to_owned();
    let before = bench.session.info().agent_session.clone();
    let end = bench.log.len() + 3;
    assert_eq!(
        bench.command(Action::Clear).unwrap(),
        [
            "withdrawn p by agent",
            "agent_stopping",
            "session_info",
            &format!("trimmed {end}"),
            "session_info"
        ]
    );
    assert_eq!(bench.session.id(), id);
    assert_eq!(bench.session.title(), title);
    assert_ne!(bench.session.info().agent_session, before);
    assert_eq!(bench.session.agent_wanted(), AgentWanted::Stop);
    assert_eq!(fold_from_trim(&bench), bench.session);
    assert_eq!(bench.message(2).unwrap(), ["queued 2"]);
    let events = bench.exited(AgentExit::Code { code: 143 });
    assert_eq!(
        events,
        [
            "agent_exited",
            "dequeued 2",
            "starting fresh",
            "input 2",
            "status starting"
        ]
    );
}

#[test]
fn clearing_waits_for_no_agent_that_is_not_there() {
    let mut bench = Bench::new();
    let events = bench.command(Action::Clear).unwrap();
    assert_eq!(events, ["session_info", "trimmed 4", "session_info"]);
    assert_eq!(bench.message(2).unwrap()[0], "starting fresh");
}

#[test]
fn a_running_turn_is_not_cleared_away() {
    let mut bench = Bench::working();
    let refused = bench.command(Action::Clear);
    assert!(matches!(refused, Err(Rejected::TurnRunning(_))));
    assert!(bench.session.turn().is_some());
}

#[test]
fn what_waits_is_kept_whole_when_the_log_is_trimmed() {
    let mut bench = Bench::idle();
    bench
        .command_with_key(2, Action::Compact { trim: true })
        .unwrap();
    bench.say(Observation::Working);
    bench.say_from(Some("task"), permission("p", "Bash"));
    bench.message(3).unwrap();
    bench.message(4).unwrap();
    bench.arrive(&person(2));
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    bench.say(compacted());
    bench.say(Observation::Idle);
    let again = fold_from_trim(&bench);
    assert_eq!(again, bench.session);
    assert!(again.requests().contains(&"p".into()));
    assert!(again.messages().find_queued(message_id(4)).is_some());
    assert!(again.lock().is_asked_by(person(2).id));
    assert!(again.lock().is_held_by(client().id));
}

#[test]
fn a_closed_session_is_usable_again_when_it_is_reopened() {
    let reopen = || Action::Reopen {
        environment: crate::command::Environment::default(),
    };
    let mut bench = Bench::idle();
    assert_eq!(bench.command(reopen()).unwrap(), NONE);
    bench.command(Action::Close).unwrap();
    assert_eq!(
        bench.command_by(&person(2), reopen()).unwrap(),
        ["session_reopened"]
    );
    assert_eq!(bench.status(), Status::Idle);
    assert_eq!(
        bench.message(2).unwrap(),
        ["lock test", "queued 2"],
        "the agent that was told to end is waited for"
    );
    assert_eq!(
        bench.exited(AgentExit::Code { code: 143 })[..3],
        ["agent_exited", "dequeued 2", "starting resumed"]
    );
}

#[test]
fn a_queued_message_is_edited_where_it_stands() {
    let edit = |number, text: &str| Action::EditQueued {
        message_id: message_id(number),
        text: text.into(),
    };
    let mut bench = Bench::working();
    bench.message(2).unwrap();
    bench.message(3).unwrap();
    assert_eq!(bench.command(edit(2, "better")).unwrap(), ["edited 2"]);
    assert_eq!(bench.command(edit(2, "better")).unwrap(), NONE);
    assert!(matches!(
        bench.command(edit(2, " ")),
        Err(Rejected::Invalid {
            field: "edit_queued.text",
            ..
        })
    ));
    let events = bench.say(Observation::Idle);
    assert_eq!(events[2..4], ["dequeued 2", "input 2"]);
    assert!(matches!(
        bench.told.last(),
        Some(AgentRequest::UserMessage { text, .. }) if text == "better"
    ));
    for number in [1, 2, 9] {
        let refused = Rejected::WrongMessage {
            id: message_id(number),
            expected: "queued",
        };
        assert_eq!(bench.command(edit(number, "late")), Err(refused));
    }
}

#[test]
fn ones_own_queued_message_needs_no_lock() {
    let mut bench = Bench::working();
    bench.message(2).unwrap();
    bench.message(3).unwrap();
    bench.arrive(&person(2));
    bench.leave(&client(), true);
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    let message_id = message_id(2);
    let text = "x".to_owned();
    let edit = Action::EditQueued { message_id, text };
    assert_eq!(bench.command(edit).unwrap(), ["edited 2"]);
    let remove = Action::RemoveQueued { message_id };
    assert_eq!(bench.command(remove).unwrap(), ["removed 2"]);
    assert!(bench.session.lock().is_held_by(person(2).id));
}

#[test]
fn what_waits_when_the_log_is_trimmed_stands_beside_the_log_however_large_it_is() {
    let image = Attachment::new("a.png", "image/png", &vec![7; 1 << 20]);
    let mut bench = Bench::idle();
    bench
        .command_with_key(2, Action::Compact { trim: true })
        .unwrap();
    let look = Action::Message {
        text: "look ".repeat(100_000),
        attachments: vec![image.clone(), image],
        policy: TurnPolicy::default(),
    };
    bench.command_with_key(3, look).unwrap();
    bench.say(Observation::Working);
    bench.say(compacted());
    assert_eq!(fold_from_trim(&bench), bench.session);
    let trimmed = |event: &&Event| matches!(event.body, EventBody::HistoryTrimmed { .. });
    let mut event = bench.log.iter().find(trimmed).unwrap().clone();
    let (previews, wholes) = split_payloads(&mut event.body, 10 << 20);
    assert_eq!(wholes.len(), 3);
    assert!(serde_json::to_vec(&event).unwrap().len() < 16 << 10);
    let mut fields: Vec<_> = previews
        .iter()
        .map(|preview| preview.field.as_str())
        .collect();
    fields.sort_unstable();
    let queued = "state/session/messages/queue/0/input";
    assert_eq!(
        fields,
        [
            format!("{queued}/attachments/0/content"),
            format!("{queued}/attachments/1/content"),
            format!("{queued}/text"),
        ]
    );
    // Without what stands beside it, the message is short and its images are empty, and nothing else is lost.
    let mut alone = Session::new(bench.session.id());
    alone.apply(&event);
    let kept = alone.messages().first_queued().unwrap();
    assert!(
        kept.attachments
            .iter()
            .all(|image| image.content.is_empty())
    );
    assert_eq!(kept.text.len(), PREVIEW_BYTES);
    assert!(!put_back(
        &mut event.body,
        "state/session/nowhere",
        String::new()
    ));
    assert!(!put_back(&mut event.body, "text", String::new()));
}
