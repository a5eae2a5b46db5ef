//! The input lock: who gets it when, who gives way to whom, and what needs it.

use super::*;

const NONE: [&str; 0] = [];

fn not_holder(holder: &ClientInfo, refused: bool) -> Rejected {
    Rejected::NotHolder {
        session: SessionId(Uuid::from_u128(0xbe7)),
        holder: holder.name.clone(),
        refused,
    }
}

fn say_to(asker: &ClientInfo, grant: bool) -> Action {
    Action::AnswerLock {
        client: asker.id,
        grant,
    }
}

fn message(text: &str) -> Action {
    Action::Message {
        text: text.into(),
        attachments: vec![],
        policy: TurnPolicy::default(),
    }
}

fn holder(bench: &Bench) -> Option<&str> {
    bench
        .session
        .lock()
        .holder()
        .map(|holder| holder.name.as_str())
}

/// The agent asks for permission `p`; person 2 looks on, and the holder has just done something.
fn asked() -> Bench {
    let mut bench = Bench::working();
    bench.arrive(&person(2));
    bench.say(permission("p", "Bash"));
    bench
}

fn seconds(bench: &mut Bench, seconds: i64) {
    bench.pass(seconds * 1_000_000);
}

#[test]
fn the_first_person_who_attaches_gets_the_lock_and_the_next_one_looks_on() {
    let mut bench = Bench::deserted();
    assert_eq!(bench.arrive(&client()), ["lock test"]);
    assert_eq!(bench.arrive(&person(2)), NONE);
    assert_eq!(bench.arrive(&client()), NONE);
    assert_eq!(holder(&bench), Some("test"));
}

#[test]
fn who_only_looks_on_or_is_no_person_gets_no_lock_by_attaching() {
    let nobody = ClientInfo::default();
    let mut bench = Bench::deserted();
    assert_eq!(bench.attach(&person(2), true), NONE);
    for who in [run(3), shot(4), nobody] {
        assert_eq!(bench.arrive(&who), NONE, "{}", who.name);
    }
}

#[test]
fn who_changes_a_session_that_nobody_holds_gets_the_lock() {
    for who in [person(2), run(3)] {
        let mut bench = Bench::deserted();
        bench.attach(&who, true);
        let events = bench.command_by(&who, message("go")).unwrap();
        assert_eq!(events[0], format!("lock {}", who.name));
    }
}

#[test]
fn a_command_without_effect_takes_no_lock() {
    let mut bench = Bench::deserted();
    bench.attach(&person(2), true);
    assert_eq!(bench.command_by(&person(2), Action::Cancel).unwrap(), NONE);
    assert_eq!(holder(&bench), None);
}

#[test]
fn a_one_shot_client_changes_a_session_that_nobody_holds_without_taking_the_lock() {
    let mut bench = Bench::deserted();
    let events = bench.command_by(&shot(4), message("go")).unwrap();
    assert_eq!(
        events,
        ["starting fresh", "input 12582914", "status starting"]
    );
}

#[test]
fn nothing_that_needs_the_lock_is_done_under_the_holders_hands() {
    let message_id = message_id(2);
    let actions = [
        message("go"),
        model("other"),
        Action::SendAgain { message_id },
        Action::Cancel,
        Action::SetModel { model: "m".into() },
        Action::SetPermissionMode { mode: "m".into() },
        Action::Compact { trim: false },
        Action::Clear,
        Action::RemoveQueued { message_id },
        Action::EditQueued {
            message_id,
            text: "x".into(),
        },
        Action::Close,
        Action::Delete,
    ];
    for action in actions {
        for who in [person(2), run(3), shot(4), ClientInfo::default()] {
            let mut bench = Bench::working();
            bench.message(2).unwrap();
            let refused = bench.command_by(&who, action.clone());
            assert_eq!(refused, Err(not_holder(&client(), false)), "{action:?}");
        }
    }
}

#[test]
fn renaming_needs_no_lock() {
    let mut bench = Bench::working();
    let rename = Action::Rename { title: "t".into() };
    assert_eq!(
        bench.command_by(&person(2), rename).unwrap(),
        ["title_change"]
    );
}

#[test]
fn a_session_is_closed_without_the_lock_when_its_holder_is_not_there() {
    let mut bench = Bench::idle();
    bench.leave(&client(), false);
    assert_eq!(
        bench.command_by(&shot(4), Action::Close).unwrap(),
        ["lock free", "status closed"]
    );
}

#[test]
fn closing_refuses_whoever_asks_for_the_lock() {
    let mut bench = Bench::idle();
    bench.arrive(&person(2));
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    assert_eq!(
        bench.command(Action::Close).unwrap(),
        ["refused person 2", "lock free", "status closed"]
    );
    assert_eq!(
        bench.arrive(&person(3)),
        NONE,
        "nobody sits at a closed session"
    );
}

#[test]
fn a_holder_that_drops_out_has_ten_seconds_to_come_back() {
    let mut bench = Bench::new();
    bench.arrive(&person(2));
    let left = bench.now;
    assert_eq!(bench.leave(&client(), false), NONE);
    assert_eq!(bench.deadline(), Some(left.plus(Duration::from_secs(10))));
    seconds(&mut bench, 9);
    assert_eq!(bench.expire(), NONE);
    bench.arrive(&client());
    seconds(&mut bench, 60);
    assert_eq!((bench.deadline(), bench.expire()), (None, vec![]));
    bench.leave(&client(), false);
    seconds(&mut bench, 10);
    assert_eq!(bench.expire(), ["lock free"]);
    assert_eq!(bench.arrive(&client()), ["lock test"]);
}

#[test]
fn a_holder_is_there_as_long_as_one_of_its_attachments_is() {
    let mut bench = Bench::new();
    bench.arrive(&client());
    bench.leave(&client(), true);
    seconds(&mut bench, 60);
    assert_eq!(bench.expire(), NONE);
    bench.arrive(&person(2));
    assert_eq!(
        bench.command_by(&person(2), message("go")),
        Err(not_holder(&client(), false))
    );
}

#[test]
fn whoever_wants_the_lock_of_a_holder_that_is_away_gets_it_at_once() {
    for (action, first) in [
        (Action::RequestLock, "lock person 2"),
        (message("go"), "lock person 2"),
    ] {
        let mut bench = Bench::new();
        bench.arrive(&person(2));
        bench.leave(&client(), false);
        assert_eq!(bench.command_by(&person(2), action).unwrap()[0], first);
    }
    let mut bench = asked();
    bench.leave(&client(), false);
    assert_eq!(
        bench.command_by(&person(2), allow("p")).unwrap()[..2],
        ["lock person 2", "allowed p by person 2"]
    );
}

#[test]
fn who_leaves_for_good_leaves_the_lock_at_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.leave(&client(), true), ["lock free"]);
}

#[test]
fn the_lock_of_a_holder_that_goes_is_handed_to_the_first_who_asks() {
    for for_good in [false, true] {
        let mut bench = Bench::new();
        for who in [person(2), person(3)] {
            bench.arrive(&who);
            bench.command_by(&who, Action::RequestLock).unwrap();
        }
        assert_eq!(
            bench.leave(&client(), for_good),
            ["granted person 2", "refused person 3", "lock person 2"]
        );
    }
}

#[test]
fn a_restart_begins_the_grace_anew() {
    let mut bench = Bench::new();
    bench.leave(&client(), false);
    seconds(&mut bench, 9);
    bench.restart();
    seconds(&mut bench, 9);
    assert_eq!(bench.expire(), NONE);
    bench.arrive(&client());
    seconds(&mut bench, 60);
    assert_eq!(bench.expire(), NONE);
    bench.restart();
    seconds(&mut bench, 10);
    assert_eq!(bench.expire(), ["lock free"]);
}

#[test]
fn the_holder_says_who_gets_the_lock() {
    let mut bench = Bench::new();
    for who in [person(2), person(3)] {
        bench.arrive(&who);
        let wants = format!("wants {}", who.name);
        assert_eq!(
            bench.command_by(&who, Action::RequestLock).unwrap(),
            [wants]
        );
    }
    assert_eq!(
        bench.command(say_to(&person(2), false)).unwrap(),
        ["refused person 2"]
    );
    assert_eq!(holder(&bench), Some("test"));
    assert_eq!(
        bench.command(say_to(&person(3), true)).unwrap(),
        ["granted person 3", "lock person 3"]
    );
    assert_eq!(
        bench.command(message("late")),
        Err(not_holder(&person(3), false))
    );
}

#[test]
fn a_holder_that_says_nothing_for_ten_seconds_loses_the_lock() {
    let mut bench = Bench::new();
    bench.arrive(&person(2));
    bench.arrive(&person(3));
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    let due = bench.now.plus(Duration::from_secs(10));
    seconds(&mut bench, 1);
    bench.command_by(&person(3), Action::RequestLock).unwrap();
    assert_eq!(bench.deadline(), Some(due));
    seconds(&mut bench, 8);
    assert_eq!(bench.expire(), NONE);
    seconds(&mut bench, 1);
    assert_eq!(
        bench.expire(),
        ["timed_out person 2", "refused person 3", "lock person 2"]
    );
    assert_eq!(bench.deadline(), None);
}

#[test]
fn the_settings_say_how_long_a_holder_may_be_silent_or_away() {
    let mut bench = Bench::new();
    bench.terms.lock_wait = Duration::from_secs(3);
    bench.terms.lock_grace = Duration::from_secs(5);
    bench.arrive(&person(2));
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    assert_eq!(
        bench.deadline(),
        Some(bench.now.plus(Duration::from_secs(3)))
    );
    bench.command(say_to(&person(2), false)).unwrap();
    bench.leave(&client(), false);
    assert_eq!(
        bench.deadline(),
        Some(bench.now.plus(Duration::from_secs(5)))
    );
}

#[test]
fn asking_twice_is_asking_once() {
    let mut bench = Bench::new();
    bench.arrive(&person(2));
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    seconds(&mut bench, 5);
    assert_eq!(
        bench.command_by(&person(2), Action::RequestLock).unwrap(),
        NONE
    );
    assert_eq!(bench.session.lock().asking().len(), 1);
    assert_eq!(bench.command(Action::RequestLock).unwrap(), NONE);
}

#[test]
fn who_wants_the_lock_no_more_says_so_or_leaves() {
    for for_good in [None, Some(false), Some(true)] {
        let mut bench = Bench::new();
        bench.arrive(&person(2));
        bench.command_by(&person(2), Action::RequestLock).unwrap();
        let events = match for_good {
            None => bench.command_by(&person(2), Action::ReleaseLock).unwrap(),
            Some(for_good) => bench.leave(&person(2), for_good),
        };
        assert_eq!(events, ["withdrawn person 2"]);
        seconds(&mut bench, 20);
        assert_eq!(bench.expire(), NONE);
    }
}

#[test]
fn a_lock_that_is_given_back_goes_to_who_asks_and_otherwise_to_nobody() {
    let mut bench = Bench::new();
    assert_eq!(bench.command(Action::ReleaseLock).unwrap(), ["lock free"]);
    let mut bench = Bench::new();
    bench.arrive(&person(2));
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    assert_eq!(
        bench.command(Action::ReleaseLock).unwrap(),
        ["granted person 2", "lock person 2"]
    );
}

#[test]
fn only_the_holder_gives_back_and_only_the_holder_answers_who_asks() {
    let mut bench = Bench::new();
    bench.arrive(&person(2));
    let refused = |bench: &mut Bench, who: &ClientInfo, action| match bench.command_by(who, action)
    {
        Err(Rejected::NoLockRequest(message)) => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        bench.command_by(&person(2), Action::ReleaseLock),
        Err(not_holder(&client(), false))
    );
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    assert_eq!(
        bench.command_by(&person(2), say_to(&person(2), true)),
        Err(not_holder(&client(), false))
    );
    refused(&mut bench, &client(), say_to(&person(3), true));
    bench.command(Action::ReleaseLock).unwrap();
    bench.leave(&person(2), true);
    let message = refused(&mut bench, &client(), Action::ReleaseLock);
    assert_eq!(message, "nobody holds the input lock");
}

#[test]
fn anybody_frees_the_lock_of_a_holder_that_is_away() {
    let mut bench = Bench::new();
    bench.leave(&client(), false);
    assert_eq!(
        bench.command_by(&shot(4), Action::ReleaseLock).unwrap(),
        ["lock free"]
    );
}

#[test]
fn a_client_without_identity_cannot_hold_the_lock() {
    let mut bench = Bench::deserted();
    let refused = bench.command_by(&ClientInfo::default(), Action::RequestLock);
    assert!(matches!(
        refused,
        Err(Rejected::Invalid {
            field: "client.id",
            ..
        })
    ));
}

#[test]
fn a_one_shot_client_gives_the_lock_back_to_whom_it_took_it_from() {
    let mut bench = Bench::new();
    bench.command_by(&shot(4), Action::RequestLock).unwrap();
    assert_eq!(
        bench.command(say_to(&shot(4), true)).unwrap(),
        ["granted shot 4", "lock shot 4"]
    );
    assert_eq!(
        bench.command(message("late")),
        Err(not_holder(&shot(4), false))
    );
    assert_eq!(
        bench.command_by(&shot(4), Action::ReleaseLock).unwrap(),
        ["lock test"]
    );
}

#[test]
fn what_a_one_shot_client_forgot_to_give_back_returns_after_the_grace() {
    let mut bench = Bench::new();
    bench.command_by(&shot(4), Action::RequestLock).unwrap();
    bench.command(say_to(&shot(4), true)).unwrap();
    seconds(&mut bench, 10);
    assert_eq!(bench.expire(), ["lock test"]);
}

#[test]
fn the_holder_answers_as_it_is() {
    let mut bench = asked();
    assert_eq!(
        bench.command(allow("p")).unwrap(),
        ["allowed p by test", "status thinking"]
    );
}

#[test]
fn a_run_gives_way_to_an_answer_at_once() {
    let held_by_run = || {
        let mut bench = Bench::deserted();
        bench.arrive(&run(3));
        bench.command_by(&run(3), message("go")).unwrap();
        bench.started();
        bench.say(permission("p", "Bash"));
        bench
    };
    let mut bench = held_by_run();
    assert_eq!(
        bench.command_by(&person(2), allow("p")).unwrap(),
        ["lock person 2", "allowed p by person 2", "status thinking"]
    );
    let mut bench = held_by_run();
    assert_eq!(
        bench.command_by(&shot(4), allow("p")).unwrap(),
        [
            "lock shot 4",
            "allowed p by shot 4",
            "status thinking",
            "lock run 3"
        ]
    );
}

#[test]
fn a_holder_that_did_nothing_for_thirty_seconds_is_not_asked_before_an_answer() {
    let mut bench = asked();
    seconds(&mut bench, 30);
    assert_eq!(
        bench.command_by(&person(2), allow("p")).unwrap()[..2],
        ["lock person 2", "allowed p by person 2"]
    );
    let mut bench = asked();
    seconds(&mut bench, 30);
    let events = bench.command_by(&shot(4), allow("p")).unwrap();
    assert_eq!(events[0], "lock shot 4");
    assert_eq!(events.last().unwrap(), "lock test");
}

#[test]
fn a_busy_holder_is_asked_before_somebody_else_answers() {
    let mut bench = asked();
    seconds(&mut bench, 29);
    assert_eq!(
        bench.command_by(&person(2), allow("p")).unwrap(),
        ["wants person 2"]
    );
    assert!(bench.session.requests().contains(&"p".into()));
    assert_eq!(
        bench.command(say_to(&person(2), true)).unwrap(),
        [
            "granted person 2",
            "lock person 2",
            "allowed p by person 2",
            "status thinking"
        ]
    );
    assert_eq!(bench.outcomes, [("person 2".to_owned(), None)]);
}

#[test]
fn a_silent_holder_loses_the_lock_to_an_answer() {
    let mut bench = asked();
    bench.command_by(&person(2), allow("p")).unwrap();
    seconds(&mut bench, 10);
    assert_eq!(
        bench.expire()[..3],
        [
            "timed_out person 2",
            "lock person 2",
            "allowed p by person 2"
        ]
    );
}

#[test]
fn an_answer_is_refused_with_the_lock_and_may_be_tried_again() {
    let mut bench = asked();
    for _ in 0..2 {
        assert_eq!(
            bench.command_by(&person(2), allow("p")).unwrap(),
            ["wants person 2"]
        );
        assert_eq!(
            bench.command(say_to(&person(2), false)).unwrap(),
            ["refused person 2"]
        );
    }
    let refused = ("person 2".to_owned(), Some(not_holder(&client(), true)));
    assert_eq!(bench.outcomes, [refused.clone(), refused]);
    assert!(bench.session.requests().contains(&"p".into()));
}

#[test]
fn a_one_shot_client_that_was_granted_the_lock_answers_and_gives_it_back() {
    let mut bench = asked();
    assert_eq!(
        bench.command_by(&shot(4), allow("p")).unwrap(),
        ["wants shot 4"]
    );
    assert_eq!(
        bench.command(say_to(&shot(4), true)).unwrap(),
        [
            "granted shot 4",
            "lock shot 4",
            "allowed p by shot 4",
            "status thinking",
            "lock test"
        ]
    );
}

#[test]
fn who_goes_away_while_its_answer_waits_asks_no_more() {
    for who in [person(2), shot(4)] {
        let mut bench = asked();
        bench.command_by(&who, allow("p")).unwrap();
        let withdrawn = format!("withdrawn {}", who.name);
        assert_eq!(bench.hang_up(&who), [withdrawn]);
        seconds(&mut bench, 20);
        assert_eq!(bench.expire(), NONE);
        assert!(bench.session.requests().contains(&"p".into()));
    }
}

#[test]
fn an_answer_that_came_too_late_costs_the_holder_nothing() {
    let mut bench = asked();
    bench.command_by(&person(2), deny("p", "no")).unwrap();
    assert_eq!(
        bench.command(allow("p")).unwrap(),
        ["allowed p by test", "status thinking", "withdrawn person 2"]
    );
    assert!(matches!(
        &bench.outcomes[..],
        [(who, Some(Rejected::RequestEnded { how, .. }))] if who == "person 2" && how == "allowed by test"
    ));
    assert_eq!(holder(&bench), Some("test"));
}

#[test]
fn of_two_who_wait_with_answers_the_first_gets_the_lock() {
    let mut bench = asked();
    bench.arrive(&person(3));
    bench.command_by(&person(2), allow("p")).unwrap();
    seconds(&mut bench, 1);
    bench.command_by(&person(3), deny("p", "")).unwrap();
    seconds(&mut bench, 9);
    assert_eq!(
        bench.expire()[..4],
        [
            "timed_out person 2",
            "refused person 3",
            "lock person 2",
            "allowed p by person 2"
        ]
    );
    assert!(matches!(
        &bench.outcomes[..],
        [(_, None), (who, Some(Rejected::RequestEnded { .. }))] if who == "person 3"
    ));
}

#[test]
fn a_setting_lets_anybody_answer_without_the_lock() {
    for who in [person(2), shot(4), run(3)] {
        let mut bench = asked();
        bench.terms.answer_without_lock = true;
        assert_eq!(
            bench.command_by(&who, allow("p")).unwrap(),
            [
                format!("allowed p by {}", who.name),
                "status thinking".into()
            ]
        );
        assert_eq!(holder(&bench), Some("test"));
    }
}

#[test]
fn asking_ends_also_when_the_answer_gets_through_in_another_way() {
    for who in [person(2), shot(4)] {
        let mut bench = asked();
        seconds(&mut bench, 25);
        bench.command_by(&who, Action::RequestLock).unwrap();
        seconds(&mut bench, 5);
        let events = bench.command_by(&who, allow("p")).unwrap();
        assert_eq!(
            events[..2],
            [
                format!("granted {}", who.name),
                format!("lock {}", who.name)
            ]
        );
        assert_eq!(bench.session.lock().asking(), []);
    }
}

#[test]
fn a_one_shot_client_that_answers_leaves_those_who_ask_in_their_place() {
    let mut bench = asked();
    seconds(&mut bench, 25);
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    seconds(&mut bench, 5);
    assert_eq!(
        bench.command_by(&shot(4), allow("p")).unwrap(),
        [
            "lock shot 4",
            "allowed p by shot 4",
            "status thinking",
            "lock test"
        ]
    );
    assert!(bench.session.lock().is_asked_by(person(2).id));
}

#[test]
fn a_client_without_identity_moves_no_lock_by_answering() {
    let nobody = ClientInfo::default();
    let mut bench = asked();
    assert_eq!(
        bench.command_by(&nobody, allow("p")),
        Err(not_holder(&client(), false))
    );
    seconds(&mut bench, 25);
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    seconds(&mut bench, 5);
    assert_eq!(
        bench.command_by(&nobody, allow("p")).unwrap(),
        ["allowed p by ", "status thinking"]
    );
    assert!(bench.session.lock().is_asked_by(person(2).id));
}

#[test]
fn a_lock_that_nobody_lent_goes_to_who_asks_after_the_one_shot_answer() {
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    bench.leave(&client(), true);
    bench.command_by(&shot(4), Action::RequestLock).unwrap();
    bench.attach(&person(2), true);
    bench.command_by(&person(2), Action::RequestLock).unwrap();
    let events = bench.command_by(&shot(4), allow("p")).unwrap();
    assert_eq!(
        events,
        [
            "allowed p by shot 4",
            "status thinking",
            "granted person 2",
            "lock person 2"
        ]
    );
}

#[test]
fn a_lender_that_asks_for_its_lock_back_is_granted_it() {
    let mut bench = asked();
    bench.command_by(&shot(4), Action::RequestLock).unwrap();
    bench.command(say_to(&shot(4), true)).unwrap();
    assert_eq!(bench.command(Action::RequestLock).unwrap(), ["wants test"]);
    assert_eq!(
        bench.command_by(&shot(4), allow("p")).unwrap(),
        [
            "allowed p by shot 4",
            "status thinking",
            "granted test",
            "lock test"
        ]
    );
}
