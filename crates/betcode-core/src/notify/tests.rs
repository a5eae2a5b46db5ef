//! Tables for the edges, and the laws under everything that may happen.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const MINUTE: i64 = 60_000_000;

fn at(minutes: i64) -> Timestamp {
    // A Thursday, midnight in UTC.
    Timestamp(1_763_596_800_000_000 + minutes * MINUTE)
}

fn client(number: u128) -> ClientId {
    ClientId(Uuid::from_u128(number))
}

fn notice(subject: &str, kind: Kind) -> Notice {
    let session = (kind.class() != Class::Usage).then(|| SessionId(Uuid::from_u128(1)));
    Notice {
        subject: subject.into(),
        kind,
        session,
        request: Some(RequestId(subject.into())),
        title: String::new(),
        body: format!("about {subject}"),
        in_part: false,
    }
}

#[derive(Debug, Default)]
struct Bench {
    machine: Notify,
    now: i64,
}

impl Bench {
    fn on(&mut self, input: Input) -> Vec<Effect> {
        self.machine.handle(at(self.now), input).unwrap();
        self.effects()
    }

    fn effects(&mut self) -> Vec<Effect> {
        std::iter::from_fn(|| self.machine.poll_effect()).collect()
    }

    fn raise(&mut self, subject: &str, kind: Kind) -> Vec<Effect> {
        self.on(Input::Raise(notice(subject, kind)))
    }

    fn at(&mut self, minute: i64) -> Vec<Effect> {
        self.now = minute;
        self.machine.handle_timeout(at(minute));
        self.effects()
    }

    fn show(&mut self, id: NotificationId) {
        self.on(Input::Claim { id, by: client(1) });
        self.on(Input::Confirm { id, by: client(1) });
    }
}

/// The only one that is offered for the first time.
fn offered(effects: &[Effect]) -> Notification {
    let new: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Offer {
                notification,
                again: false,
            } => Some(notification.clone()),
            _ => None,
        })
        .collect();
    let [notification] = &new[..] else {
        panic!("{effects:?}");
    };
    notification.clone()
}

#[test]
fn usage_is_told_at_most_once_a_minute_the_weightiest_first_and_the_rest_comes_along() {
    let mut bench = Bench::default();
    let first = offered(&bench.raise("week/75", Kind::UsageWarning));
    assert_eq!(first.title, "Usage Warning");
    assert_eq!(first.body, "about week/75");
    assert_eq!(bench.raise("reset", Kind::ResetSoon), []);
    assert_eq!(bench.raise("day/90", Kind::UsageCritical), []);
    assert_eq!(bench.machine.poll_timeout(at(0)), Some(at(1)));
    let second = offered(&bench.at(1));
    assert_eq!(second.title, "Usage Critical");
    assert_eq!(second.body, "about day/90\nReset Soon: about reset");
    assert_eq!(second.subjects, ["reset", "day/90"]);
}

#[test]
fn who_waits_is_told_at_once_and_several_of_a_session_are_one() {
    let mut bench = Bench::default();
    let one = offered(&bench.raise("p1", Kind::Permission));
    assert!(one.choices.contains(&Choice::Allow));
    bench.show(one.id);
    let two = offered(&bench.raise("p2", Kind::Permission));
    assert_eq!(
        (two.replaces, &*two.title),
        (Some(one.id), "2 permissions wait")
    );
    assert_eq!(two.body, "about p1\nabout p2");
    assert_eq!(two.choices, [Choice::Open].into());
    let update = bench.on(Input::Withdraw {
        subject: "p1".into(),
    });
    let [Effect::Update(left)] = &update[..] else {
        panic!("{update:?}");
    };
    assert_eq!((left.id, &*left.title), (two.id, "Permission Required"));
    assert!(left.choices.contains(&Choice::Allow));
    let over = bench.on(Input::Withdraw {
        subject: "p2".into(),
    });
    assert_eq!(over, [Effect::End(two.id)]);
    assert_eq!(bench.machine.poll_timeout(at(0)), None);
}

#[test]
fn one_client_shows_it_and_when_it_does_not_another_one_may() {
    let mut bench = Bench::default();
    let id = offered(&bench.raise("p", Kind::Permission)).id;
    bench.on(Input::Claim { id, by: client(1) });
    let other = Input::Claim { id, by: client(2) };
    let refused = bench.machine.handle(at(0), other.clone());
    assert_eq!(refused, Err(Refused::Taken));
    let lease = Timestamp(at(0).0 + 2_000_000);
    assert_eq!(bench.machine.poll_timeout(at(0)), Some(lease));
    bench.machine.handle_timeout(lease);
    let again = bench.effects();
    assert!(
        matches!(&again[..], [Effect::Offer { notification, again: true }] if notification.id == id),
        "{again:?}"
    );
    bench.on(other);
    bench.on(Input::Confirm { id, by: client(2) });
    for by in [client(1), client(3)] {
        let refused = bench.machine.handle(at(0), Input::Claim { id, by });
        assert_eq!(refused, Err(Refused::Taken));
    }
    // The same thing is not told again, nor when it has gone.
    assert_eq!(bench.raise("p", Kind::Permission), []);
    bench.on(Input::Dismiss { id });
    assert_eq!(bench.raise("p", Kind::Permission), []);
    bench.at(24 * 60 + 1);
    assert_eq!(offered(&bench.raise("p", Kind::Permission)).subjects, ["p"]);
}

#[test]
fn a_client_that_never_shows_what_it_claims_is_not_asked_for_ever() {
    let mut bench = Bench::default();
    let id = offered(&bench.raise("p", Kind::Permission)).id;
    for minute in 0..i64::from(ATTEMPTS) {
        bench.now = minute;
        bench.on(Input::Claim { id, by: client(1) });
        assert_eq!(bench.at(minute + 1).len(), 1, "it is offered again");
    }
    let claim = Input::Claim { id, by: client(1) };
    let refused = bench.machine.handle(at(9), claim);
    assert_eq!(refused, Err(Refused::Failed));
    assert_eq!(bench.machine.poll_timeout(at(9)), None);
    bench.on(Input::Claim { id, by: client(2) });
}

#[test]
fn a_pause_delays_and_uses_nothing_up() {
    let mut bench = Bench::default();
    let warning = offered(&bench.raise("week/75", Kind::UsageWarning));
    bench.show(warning.id);
    let effects = bench.on(Input::Act {
        id: warning.id,
        choice: Choice::Snooze15,
    });
    let pause = Snooze {
        until: Some(at(15)),
    };
    assert_eq!(
        effects,
        [Effect::End(warning.id), Effect::Pause(Some(pause))]
    );
    assert_eq!(bench.raise("day/75", Kind::UsageWarning), []);
    // A permission is told nevertheless.
    offered(&bench.raise("p", Kind::Permission));
    let written = serde_json::to_string(&bench.machine).unwrap();
    bench.machine = serde_json::from_str(&written).unwrap();
    assert_eq!(bench.at(14), []);
    let both = offered(&bench.at(15));
    assert_eq!(both.subjects, ["week/75", "day/75"]);
    assert_eq!(bench.machine.snooze(), None);
}

#[test]
fn a_pause_until_the_reset_ends_with_it_and_any_other_too() {
    for until in [None, Some(at(30))] {
        let mut bench = Bench::default();
        bench.on(Input::Snooze(Snooze { until }));
        assert_eq!(bench.raise("week/75", Kind::UsageWarning), []);
        assert_eq!(bench.at(29), []);
        let effects = bench.on(Input::QuotaReset);
        assert_eq!(offered(&effects).subjects, ["week/75"]);
    }
}

#[test]
fn in_quiet_hours_of_the_users_clock_nothing_is_told() {
    let hours = Hours::read("22:00-07:30").unwrap();
    let mut bench = Bench::default();
    bench.on(Input::Rules(Rules {
        quiet: vec![hours],
        critical_passes_quiet: true,
        ..Rules::default()
    }));
    // It is half past one in the morning there.
    bench.on(Input::Offset(5400));
    assert_eq!(bench.raise("p", Kind::Permission), []);
    assert_eq!(bench.machine.poll_timeout(at(0)), Some(at(6 * 60)));
    offered(&bench.raise("day/90", Kind::UsageCritical));
    assert_eq!(bench.at(6 * 60 - 1), []);
    assert_eq!(offered(&bench.at(6 * 60)).subjects, ["p"]);
    bench.at(20 * 60 + 29);
    offered(&bench.raise("p2", Kind::Question));
    bench.at(20 * 60 + 30);
    assert_eq!(bench.raise("p3", Kind::Reminder), []);
}

#[test]
fn hours_are_read_as_they_are_meant_or_not_at_all() {
    assert_eq!(
        Hours::read("09:00 - 17:00"),
        Some(Hours {
            from: Minute(540),
            to: Minute(1020)
        })
    );
    for text in [
        "",
        "9:00-17:00",
        "24:00-01:00",
        "10:60-11:00",
        "10:00",
        "+1:00-02:00",
    ] {
        assert_eq!(Hours::read(text), None, "{text}");
    }
}

#[test]
fn while_one_wants_to_be_left_alone_nothing_is_told_and_then_all_of_it() {
    let mut bench = Bench::default();
    let focus = |focus| {
        Input::Rules(Rules {
            focus,
            ..Rules::default()
        })
    };
    bench.on(focus(true));
    for subject in ["p1", "p2", "p3"] {
        assert_eq!(bench.raise(subject, Kind::Permission), []);
    }
    assert_eq!(bench.machine.poll_timeout(at(0)), None);
    assert_eq!(offered(&bench.on(focus(false))).title, "3 permissions wait");
}

#[test]
fn what_is_switched_off_is_not_told_and_what_cannot_be_chosen_is_refused() {
    let mut bench = Bench::default();
    bench.on(Input::Rules(Rules {
        off: [Kind::TurnComplete].into(),
        ..Rules::default()
    }));
    assert_eq!(bench.raise("t", Kind::TurnComplete), []);
    let id = offered(&bench.raise("q", Kind::Question)).id;
    let choice = Choice::Allow;
    let refused = bench.machine.handle(at(0), Input::Act { id, choice });
    assert_eq!(refused, Err(Refused::NoSuchChoice(choice)));
    let id = NotificationId(5);
    let refused = bench.machine.handle(at(0), Input::Dismiss { id });
    assert_eq!(refused, Err(Refused::Unknown(5)));
}

#[test]
fn words_are_the_same_in_both_directions_and_in_json() {
    for kind in KINDS {
        assert_eq!(Kind::of_word(kind.word()), Some(kind));
        let json = serde_json::to_value(kind).unwrap();
        assert_eq!(json, kind.word());
    }
    for choice in CHOICES {
        assert_eq!(Choice::of_word(choice.word()), Some(choice));
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Raise(usize, usize),
    Withdraw(usize),
    Claim(usize, u128),
    Confirm(usize, u128),
    Dismiss(usize),
    Snooze(Option<u8>),
    Unsnooze,
    Focus(bool),
    Wait(u16),
    Restart,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (0..12_usize, 0..KINDS.len()).prop_map(|(subject, kind)| Deed::Raise(subject, kind)),
        1 => (0..12_usize).prop_map(Deed::Withdraw),
        4 => (0..6_usize, 0..3_u128).prop_map(|(which, by)| Deed::Claim(which, by)),
        4 => (0..6_usize, 0..3_u128).prop_map(|(which, by)| Deed::Confirm(which, by)),
        1 => (0..6_usize).prop_map(Deed::Dismiss),
        1 => proptest::option::of(0..40_u8).prop_map(Deed::Snooze),
        1 => Just(Deed::Unsnooze),
        1 => any::<bool>().prop_map(Deed::Focus),
        4 => (0..120_u16).prop_map(Deed::Wait),
        1 => Just(Deed::Restart),
    ]
}

proptest! {
    /// Whatever happens: no two offers about usage within a minute, nothing shown by two, nothing raised is lost, and each
    /// subject is told once.
    #[test]
    fn nothing_is_lost_told_twice_or_shown_by_two(deeds in proptest::collection::vec(deed(), 1..120)) {
        let mut machine = Notify::default();
        let mut now = at(0);
        let mut usage_at: Option<Timestamp> = None;
        let mut alive: BTreeSet<String> = BTreeSet::new();
        let mut shown: BTreeMap<NotificationId, ClientId> = BTreeMap::new();
        let mut told: BTreeSet<String> = BTreeSet::new();
        let nth = |machine: &Notify, which: usize| machine.list().nth(which).map(|(it, _)| it.id);
        for deed in deeds {
            let mut done = None;
            let input = match deed {
                // A subject has one kind, as it is one thing.
                Deed::Raise(subject, kind) => {
                    let subject = format!("{subject}/{kind}");
                    alive.insert(subject.clone());
                    Some(Input::Raise(notice(&subject, KINDS[kind])))
                }
                Deed::Withdraw(subject) => {
                    let of = format!("{subject}/");
                    let found = alive.iter().find(|it| it.starts_with(&of)).cloned();
                    found.map(|subject| {
                        alive.remove(&subject);
                        told.remove(&subject);
                        Input::Withdraw { subject }
                    })
                }
                Deed::Claim(which, by) => nth(&machine, which)
                    .map(|id| Input::Claim { id, by: client(by) }),
                Deed::Confirm(which, by) => nth(&machine, which).map(|id| {
                    done = Some((id, client(by)));
                    Input::Confirm { id, by: client(by) }
                }),
                Deed::Dismiss(which) => nth(&machine, which).map(|id| {
                    let (notification, _) = machine.list().nth(which).unwrap();
                    for subject in &notification.subjects {
                        alive.remove(subject);
                    }
                    Input::Dismiss { id }
                }),
                Deed::Snooze(minutes) => {
                    let until = minutes.map(|minutes| now.plus(Duration::from_mins(minutes.into())));
                    Some(Input::Snooze(Snooze { until }))
                }
                Deed::Unsnooze => Some(Input::Unsnooze),
                Deed::Focus(focus) => Some(Input::Rules(Rules { focus, ..Rules::default() })),
                Deed::Wait(seconds) => {
                    let end = now.plus(Duration::from_secs(seconds.into()));
                    while let Some(due) = machine.poll_timeout(now).filter(|due| *due <= end) {
                        prop_assert!(due > now, "a deadline that has passed: {due} at {now}");
                        now = due;
                        machine.handle_timeout(now);
                    }
                    now = end;
                    None
                }
                Deed::Restart => {
                    let effects = std::mem::take(&mut machine.effects);
                    let written = serde_json::to_string(&machine).unwrap();
                    let read: Notify = serde_json::from_str(&written).unwrap();
                    prop_assert_eq!(&read, &machine);
                    machine = Notify { effects, ..read };
                    None
                }
            };
            if let Some(input) = input {
                let outcome = machine.handle(now, input);
                if let (Some((id, by)), Ok(())) = (done, outcome) {
                    let former = shown.insert(id, by);
                    prop_assert!(former.is_none_or(|former| former == by), "shown by two");
                }
            }
            while let Some(effect) = machine.poll_effect() {
                if let Effect::Offer { notification, again: false } = effect
                    && notification.kind.class() == Class::Usage
                {
                    for subject in &notification.subjects {
                        prop_assert!(told.insert(subject.clone()), "{subject} is told twice");
                    }
                    let at = usage_at.replace(notification.at);
                    prop_assert!(at.is_none_or(|at| notification.at.since(at) >= PACE));
                }
            }
            for subject in &alive {
                let is_held = machine.held().iter().any(|it| it.subject == *subject);
                let stands = machine.list().any(|(it, _)| it.subjects.contains(subject));
                let known = machine.told.contains_key(subject);
                prop_assert!(is_held || stands || known, "{subject} is lost");
            }
        }
        // Nothing holds it back any more.
        machine.handle(now, Input::Unsnooze).unwrap();
        machine.handle(now, Input::Rules(Rules::default())).unwrap();
        machine.handle_timeout(now.plus(PACE));
        prop_assert_eq!(machine.held(), []);
    }
}

#[test]
fn what_is_below_something_that_is_over_is_over_too_and_nothing_else() {
    let mut bench = Bench::default();
    let mut quiet = bench.machine.rules().clone();
    quiet.focus = true;
    bench.on(Input::Rules(quiet));
    for subject in ["s/request/1", "s/request/1/reminder", "s/request/10"] {
        bench.raise(subject, Kind::Permission);
    }
    bench.on(Input::Withdraw {
        subject: "s/request/1".into(),
    });
    let held = |bench: &Bench| -> Vec<String> {
        let held = bench.machine.held().iter();
        held.map(|notice| notice.subject.clone()).collect()
    };
    assert_eq!(held(&bench), ["s/request/10"]);
    let other = offered(&bench.on(Input::Rules(Rules::default())));
    assert_eq!(
        bench.on(Input::Withdraw {
            subject: "s".into()
        }),
        [Effect::End(other.id)]
    );
}

#[test]
fn a_yes_or_no_can_be_chosen_only_where_it_answers_something() {
    let mut bench = Bench::default();
    let asked = Notice {
        request: None,
        ..notice("q/reminder", Kind::Reminder)
    };
    let question = offered(&bench.on(Input::Raise(asked)));
    assert_eq!(question.choices, [Choice::Open].into());
    let choice = Choice::Allow;
    let refused = bench.machine.handle(
        at(0),
        Input::Act {
            id: question.id,
            choice,
        },
    );
    assert_eq!(refused, Err(Refused::NoSuchChoice(choice)));
}

#[test]
fn what_is_not_shown_whole_can_be_denied_and_looked_at_and_not_allowed() {
    let mut bench = Bench::default();
    let asked = Notice {
        in_part: true,
        ..notice("p", Kind::Permission)
    };
    let permission = offered(&bench.on(Input::Raise(asked)));
    assert_eq!(permission.choices, [Choice::Deny, Choice::Open].into());
}

#[test]
fn clients_are_told_of_a_pause_that_begins_changes_or_ends_and_of_nothing_twice() {
    let mut bench = Bench::default();
    let pause = |minutes| Snooze {
        until: Some(at(minutes)),
    };
    assert_eq!(
        bench.on(Input::Snooze(pause(5))),
        [Effect::Pause(Some(pause(5)))]
    );
    assert_eq!(bench.on(Input::Snooze(pause(5))), []);
    assert_eq!(
        bench.machine.held_until(Kind::TurnComplete, at(0)),
        Some(at(5))
    );
    assert_eq!(bench.machine.held_until(Kind::Permission, at(0)), None);
    assert_eq!(bench.at(5), [Effect::Pause(None)]);
    assert_eq!(bench.on(Input::Unsnooze), []);
}
