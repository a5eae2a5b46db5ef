//! What follows from what happens, and what it looks like.

use std::collections::BTreeMap;
use std::time::Duration;

use betcode_core::config::{IconStyle, TrayConfig, WindowChoice};
use betcode_core::id::Sequence;
use jiff::tz::TimeZone;
use usage_core::level::Level;
use usage_core::planner::State;
use usage_core::reading::{Account, Kind, Origin, Percent, ProviderId, Reading, Source};
use uuid::Uuid;

use super::*;
use crate::face::Sign;
use crate::menu::Entry;

/// 2026-11-19T12:00:00Z
const NOW: Timestamp = Timestamp(1_795_089_600_000_000);
const HOUR: u64 = 3_600;
const CAN: Abilities = Abilities {
    actions: true,
    markup: false,
};

fn reading(provider: ProviderId, kind: Kind, hours: u64, percent: f64, resets_in: u64) -> Reading {
    let origin = Origin {
        provider,
        account: Account("default".into()),
        source: Source::GetUsage,
        observed_at: NOW,
    };
    let percent = Percent::new(percent).unwrap();
    Reading {
        resets_at: Some(NOW.plus(Duration::from_secs(resets_in))),
        ..Reading::new(&origin, kind, Some(hours * HOUR), percent)
    }
}

fn account(provider: ProviderId, state: State, readings: Vec<Reading>) -> UsageAccount {
    UsageAccount {
        provider,
        account: Account("default".into()),
        state,
        readings,
        paces: BTreeMap::new(),
        next_at: None,
        asked: None,
        asked_at: None,
        login_command: ["claude", "auth", "login"].map(String::from).into(),
    }
}

fn claude(state: State) -> UsageAccount {
    let five = reading(ProviderId::Claude, Kind::Session, 5, 62.0, 4_800);
    let week = reading(ProviderId::Claude, Kind::Weekly, 168, 41.0, 3 * 24 * HOUR);
    account(ProviderId::Claude, state, vec![five, week])
}

fn session(number: u128, status: Status) -> Summary {
    Summary {
        id: SessionId(Uuid::from_u128(number)),
        agent: "demo".into(),
        cwd: "/".into(),
        title: format!("session_{number}"),
        model: String::new(),
        status,
        created: NOW,
        updated: Timestamp(NOW.0 + i64::try_from(number).unwrap()),
        head: Sequence(1),
        turns: 1,
        agent_session: String::new(),
        totals: betcode_core::event::Usage::default(),
        retry_at: None,
    }
}

fn pending(id: &str, tool: &str) -> FeedBody {
    FeedBody::RequestPending(request(id, tool))
}

fn request(id: &str, tool: &str) -> PendingRequest {
    PendingRequest {
        session_id: SessionId(Uuid::from_u128(1)),
        request_id: id.into(),
        tool: tool.into(),
        description: "cargo test".into(),
        expires_at: None,
        outcome: String::new(),
        hours: 0,
    }
}

fn notification(id: u64, kind: &str, choices: &[&str]) -> Notification {
    Notification {
        id: Some(id),
        kind: kind.into(),
        session_id: Some(SessionId(Uuid::from_u128(1))),
        request_id: None,
        title: "Title".into(),
        body: "Body".into(),
        choices: choices.iter().map(|it| (*it).to_owned()).collect(),
        at: None,
        replaces: None,
    }
}

fn offered(id: u64) -> FeedBody {
    FeedBody::NotificationOffered {
        notification: notification(id, "usage_warning", &["snooze-5", "snooze-15"]),
        again: false,
    }
}

fn online() -> Model {
    let mut model = Model::new(Settings::default());
    assert_eq!(model.update(Msg::Attached(Box::default())), []);
    model
}

fn with_usage(accounts: Vec<UsageAccount>) -> Model {
    let mut model = online();
    model.update(Msg::Usage(accounts));
    model
}

fn able() -> Model {
    let mut model = online();
    model.update(Msg::Desktop(Some(CAN)));
    model
}

fn view(model: &Model) -> View {
    model.view(NOW, &TimeZone::UTC)
}

/// Every label of a menu, with those below others behind them.
fn labels(entries: &[Entry]) -> Vec<String> {
    let mut labels = Vec::new();
    for entry in entries {
        match entry {
            Entry::Line(text) | Entry::Item(text, _) => labels.push(text.clone()),
            Entry::Sub(text, below) => {
                labels.push(text.clone());
                labels.extend(self::labels(below).into_iter().map(|it| format!("> {it}")));
            }
            Entry::Separator => labels.push("-".into()),
        }
    }
    labels
}

fn clicks(entries: &[Entry]) -> Vec<Click> {
    let mut clicks = Vec::new();
    for entry in entries {
        match entry {
            Entry::Item(_, click) => clicks.push(click.clone()),
            Entry::Sub(_, below) => clicks.extend(self::clicks(below)),
            Entry::Line(_) | Entry::Separator => {}
        }
    }
    clicks
}

#[test]
fn the_icon_shows_the_window_that_bites_first_of_all_accounts() {
    let codex = reading(ProviderId::Codex, Kind::Session, 5, 91.4, HOUR);
    let codex = account(ProviderId::Codex, State::Ok, vec![codex]);
    let model = with_usage(vec![claude(State::Ok), codex]);
    let gauge = view(&model).face.gauge.unwrap();
    assert_eq!(
        (gauge.percent, gauge.level, gauge.stale),
        (91, Level::Critical, false)
    );
    assert_eq!(view(&model).tooltip, "betcode: 91.4% | 5h resets in 1h");
    assert_eq!(view(&model).face.sign, Sign::None);
}

#[test]
fn the_window_of_the_settings_is_shown_where_there_is_one() {
    let codex = reading(ProviderId::Codex, Kind::Session, 5, 91.4, HOUR);
    let codex = account(ProviderId::Codex, State::Ok, vec![codex]);
    let mut model = with_usage(vec![claude(State::Ok), codex]);
    for (window, percent) in [
        (WindowChoice::Weekly, 41),
        (WindowChoice::Session, 91),
        (WindowChoice::Tightest, 91),
    ] {
        model.update(Msg::Settings(Settings {
            window,
            ..Settings::default()
        }));
        let gauge = view(&model).face.gauge.unwrap();
        assert_eq!(gauge.percent, percent, "{window:?}");
    }
    // Where there is no such window, the one that bites first is shown.
    let codex = reading(ProviderId::Codex, Kind::Session, 5, 12.0, HOUR);
    let codex = account(ProviderId::Codex, State::Ok, vec![codex]);
    model.update(Msg::Usage(vec![codex]));
    let window = WindowChoice::Weekly;
    let tray = TrayConfig::default();
    model.update(Msg::Settings(Settings {
        tray,
        window,
        ..Settings::default()
    }));
    assert_eq!(view(&model).face.gauge.unwrap().percent, 12);
}

#[test]
fn every_state_of_a_source_has_its_sign_and_keeps_the_last_value_in_grey() {
    let cases = [
        (State::Stale, Sign::None),
        (State::RateLimited { until: NOW }, Sign::None),
        (State::TokenExpired, Sign::None),
        (State::LoginNeeded, Sign::Key),
        (State::ScopeMissing, Sign::Key),
        (
            State::Offline {
                cause: usage_core::failure::Unreachable::Dns,
            },
            Sign::Offline,
        ),
        (State::TlsIntercepted { issuer: "x".into() }, Sign::Offline),
        (State::Error { what: "x".into() }, Sign::None),
    ];
    for (state, sign) in cases {
        let face = view(&with_usage(vec![claude(state.clone())])).face;
        assert_eq!(face.sign, sign, "{state:?}");
        let gauge = face.gauge.unwrap();
        assert_eq!((gauge.percent, gauge.stale), (62, true), "{state:?}");
    }
    let loading = account(ProviderId::Claude, State::Loading, vec![]);
    assert_eq!(view(&with_usage(vec![loading])).face.sign, Sign::Loading);
}

#[test]
fn a_window_that_began_anew_has_no_number_and_the_next_one_counts() {
    let model = with_usage(vec![claude(State::Ok)]);
    let later = NOW.plus(Duration::from_mins(80));
    assert_eq!(
        model.changes_at(NOW),
        Some(NOW.plus(Duration::from_mins(5)))
    );
    let near = NOW.plus(Duration::from_secs(4_700));
    assert_eq!(model.changes_at(near), Some(later));
    let view = model.view(later, &TimeZone::UTC);
    assert_eq!(view.face.gauge.unwrap().percent, 41);
    assert!(
        labels(&view.menu)
            .iter()
            .any(|it| it == "Claude 5h: began anew at 13:20")
    );
}

#[test]
fn without_resets_nothing_wakes_it_up() {
    assert_eq!(online().changes_at(NOW), None);
    assert_eq!(with_usage(vec![]).changes_at(NOW), None);
}

#[test]
fn a_daemon_that_knows_nothing_of_usage_is_no_error() {
    let mut model = online();
    assert_eq!(view(&model).face.sign, Sign::Loading);
    assert_eq!(model.update(Msg::UsageMissing), []);
    let view = view(&model);
    assert_eq!((view.face.sign, view.face.gauge), (Sign::None, None));
    assert_eq!(view.tooltip, "betcode");
    assert!(labels(&view.menu).contains(&"Usage is not available".into()));
}

#[test]
fn without_a_daemon_it_says_so_and_offers_to_start_one_once() {
    let mut model = with_usage(vec![claude(State::Ok)]);
    model.update(Msg::Feed(pending("r", "Bash")));
    assert_eq!(model.update(Msg::Absent), []);
    let seen = view(&model);
    assert_eq!(seen.face.sign, Sign::Absent);
    assert!(!seen.face.waiting, "nothing can be answered");
    assert_eq!(seen.tooltip, "betcode: the daemon is not running");
    let words = labels(&seen.menu);
    assert_eq!(
        words[..2],
        ["The daemon is not running", "Start the daemon"]
    );
    assert!(
        !clicks(&seen.menu)
            .iter()
            .any(|it| matches!(it, Click::Answer { .. } | Click::Refresh))
    );
    assert_eq!(model.update(Msg::Clicked(Click::Start)), [Effect::Start]);
    assert_eq!(model.update(Msg::Clicked(Click::Start)), []);
    assert_eq!(
        model.update(Msg::Trouble("no room\non the disk".into())),
        []
    );
    assert!(labels(&view(&model).menu).contains(&"no room".into()));
    assert_eq!(model.update(Msg::Clicked(Click::Start)), [Effect::Start]);
    model.update(Msg::Attached(Box::default()));
    assert_eq!(model.waiting, []);
}

#[test]
fn the_menu_has_everything_there_is_to_see_and_do() {
    let mut model = with_usage(vec![claude(State::Ok)]);
    for (number, status) in [
        (1, Status::Thinking),
        (2, Status::Idle),
        (3, Status::Closed),
    ] {
        let session = Box::new(session(number, status));
        model.update(Msg::Feed(FeedBody::SessionChanged { session }));
    }
    model.update(Msg::Feed(pending("r", "Bash")));
    model.update(Msg::Feed(pending("q", "")));
    let words = labels(&view(&model).menu);
    assert_eq!(
        words,
        [
            "Bash: cargo test",
            "> Allow",
            "> Deny",
            "> -",
            "> Open session_1",
            "Question: cargo test",
            "-",
            "Claude 5h: 62%, resets 13:20",
            "Claude 7d: 41%, resets Sun 12:00",
            "-",
            "session_1 – working",
            "Recent sessions",
            "> session_2 – idle",
            "-",
            "Snooze notifications",
            "> 5 minutes",
            "> 15 minutes",
            "> 30 minutes",
            "> Until the reset",
            "-",
            "Refresh",
            "Open dashboard",
            "Settings",
            "About BetCode",
            "Quit",
        ]
    );
    assert!(view(&model).face.waiting);
    assert_eq!(
        view(&model).tooltip,
        "betcode: 62.0% | 5h resets in 1h 20m | 2 waiting"
    );
}

/// The same request from the feed and from the list, in a menu of its own each.
fn asked_both_ways(tool: &str, what: &str, settings: &Settings) -> Vec<Model> {
    let mut listed = Model::new(settings.clone());
    let permission = betcode_core::event::PermissionRequest {
        id: "r".into(),
        tool: tool.into(),
        tool_call: None,
        input: serde_json::Value::Null,
        description: what.into(),
        suggested_rules: Vec::new(),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    };
    let record = RequestRecord {
        session: SessionId(Uuid::from_u128(1)),
        request: Pending::Permission(permission),
        asked: NOW,
        state: "pending".into(),
        ended: None,
        sequence: Sequence(1),
        previews: Vec::new(),
        decided_by: String::new(),
    };
    let requests = vec![record];
    listed.update(Msg::Attached(Box::new(Snapshot {
        requests,
        ..Snapshot::default()
    })));
    let mut told = Model::new(settings.clone());
    told.update(Msg::Attached(Box::default()));
    let mut request = request("r", tool);
    request.description = what.into();
    told.update(Msg::Feed(FeedBody::RequestPending(request)));
    vec![listed, told]
}

#[test]
fn secrets_are_in_no_label_wherever_it_comes_from() {
    let settings = Settings::default();
    for mut model in asked_both_ways("Bash", "curl --password=hunter2 x", &settings) {
        let mut session = session(1, Status::Thinking);
        session.title = "curl --password=hunter2".into();
        let session = Box::new(session);
        model.update(Msg::Feed(FeedBody::SessionChanged { session }));
        model.update(Msg::Desktop(None));
        let mut told = notification(3, "reminder", &[]);
        told.body = "curl --password=hunter2".into();
        model.update(Msg::Feed(FeedBody::NotificationOffered {
            notification: told,
            again: false,
        }));
        let words = labels(&view(&model).menu);
        assert_eq!(words[0], "Bash: curl --password=[redacted] x");
        assert!(!words.iter().any(|it| it.contains("hunter2")), "{words:?}");
    }
}

#[test]
fn allow_is_offered_only_where_the_label_shows_all_that_would_be_done() {
    let long = "x".repeat(WHAT + 1);
    let blanks = format!("ls{}; rm -rf ~", " ".repeat(100));
    for (tool, what, label, offered) in [
        ("Bash", "touch x", "Bash: touch x", true),
        ("Bash", &blanks, "Bash: ls ; rm -rf ~", true),
        ("Bash", "ls\nrm -rf ~", "Bash: ls…", false),
        ("Bash", "ls…", "Bash: ls…", false),
        ("Bash", "", "Bash", false),
        (
            "Bash",
            &long,
            &format!("Bash: {}…", "x".repeat(WHAT - 1)),
            false,
        ),
        (
            "Bash",
            "k --token=hunter2",
            "Bash: k --token=[redacted]",
            false,
        ),
        ("Bash\nx", "touch x", "Bash: touch x", false),
        // What would be written is not in it.
        ("Write", "Write /a", "Write: Write /a", false),
    ] {
        for mut model in asked_both_ways(tool, what, &Settings::default()) {
            let menu = view(&model).menu;
            let words = labels(&menu);
            assert_eq!(words[0], label);
            assert_eq!(words.contains(&"> Allow".to_owned()), offered, "{what}");
            assert!(words.contains(&"> Deny".to_owned()), "{what}");
            // Nor does a click out of another menu allow it.
            let allow = Click::Answer {
                session: SessionId(Uuid::from_u128(1)),
                request: "r".into(),
                allow: true,
            };
            let effects = model.update(Msg::Clicked(allow));
            let answers = matches!(effects[..], [Effect::Answer { .. }]);
            assert_eq!(answers, offered, "{what}");
        }
    }
}

#[test]
fn without_previews_the_menu_has_the_tool_alone() {
    let settings = Settings {
        preview: false,
        ..Settings::default()
    };
    for model in asked_both_ways("Bash", "touch x", &settings) {
        let words = labels(&view(&model).menu);
        assert_eq!(words[..2], ["Bash", "> Deny"]);
    }
    for model in asked_both_ways("", "which one?", &settings) {
        let words = labels(&view(&model).menu);
        assert_eq!(words[0], "An agent has asked something");
    }
}

#[test]
fn a_pause_is_shown_with_its_end_and_can_be_ended() {
    let mut model = online();
    let until = Some(NOW.plus(Duration::from_mins(15)));
    let snooze = Some(Pause { until });
    model.update(Msg::Feed(FeedBody::NotificationPause { snooze }));
    let seen = view(&model);
    assert!(labels(&seen.menu).contains(&"Snoozed until 12:15".into()));
    assert!(clicks(&seen.menu).contains(&Click::Unsnooze));
    model.update(Msg::Feed(FeedBody::NotificationPause { snooze: None }));
    assert!(!clicks(&view(&model).menu).contains(&Click::Unsnooze));
    assert_eq!(
        model.update(Msg::Clicked(Click::Snooze(0))),
        [Effect::Snooze(0)]
    );
}

#[test]
fn a_login_that_is_needed_is_offered_with_the_command_of_that_account() {
    let mut work = claude(State::LoginNeeded);
    work.account = Account("work".into());
    work.login_command = ["CLAUDE_CONFIG_DIR=/w", "claude", "auth", "login"]
        .map(String::from)
        .into();
    let command = work.login_command.clone();
    let mut model = with_usage(vec![claude(State::Ok), work]);
    let seen = view(&model);
    assert_eq!(seen.face.sign, Sign::Key);
    assert!(clicks(&seen.menu).contains(&Click::LogIn(command.clone())));
    assert!(labels(&seen.menu).contains(&"Log in to Claude (work)".into()));
    model.update(Msg::Desktop(Some(CAN)));
    let expired = notification(4, "token_expired", &["log-in", "snooze-5"]);
    model.update(Msg::Feed(FeedBody::NotificationOffered {
        notification: expired,
        again: false,
    }));
    model.update(Msg::Shown {
        id: 4,
        desktop: Some(70),
    });
    let effects = model.update(Msg::Pressed {
        desktop: 70,
        choice: "log-in".into(),
    });
    assert_eq!(
        effects,
        [
            Effect::Act {
                id: 4,
                choice: Choice::LogIn
            },
            Effect::Open(Show::LogIn(command)),
        ]
    );
}

#[test]
fn what_has_ended_cannot_be_answered_and_another_list_is_another_menu() {
    let mut model = online();
    model.update(Msg::Feed(pending("r", "Bash")));
    let turn = view(&model).turn;
    let click = Click::Answer {
        session: SessionId(Uuid::from_u128(1)),
        request: "r".into(),
        allow: true,
    };
    assert_eq!(model.update(Msg::Clicked(click.clone())).len(), 1);
    model.update(Msg::Feed(FeedBody::RequestResolved(request("r", "Bash"))));
    assert_ne!(view(&model).turn, turn);
    // It is said that nothing was done.
    let said = model.update(Msg::Clicked(click));
    assert!(matches!(&said[..], [Effect::Say(_)]), "{said:?}");
    assert!(!view(&model).face.waiting);
}

#[test]
fn a_notification_is_claimed_once_shown_renewed_and_taken_away() {
    let mut model = able();
    let claim = [Effect::Claim {
        id: 7,
        instead: None,
    }];
    assert_eq!(model.update(Msg::Feed(offered(7))), claim);
    assert_eq!(
        model.update(Msg::Shown {
            id: 7,
            desktop: Some(70)
        }),
        [Effect::Pulse]
    );
    assert!(view(&model).face.pulse);
    model.update(Msg::PulseOver);
    assert!(!view(&model).face.pulse);
    assert_eq!(model.update(Msg::Feed(offered(7))), [], "it stands there");
    let notification = notification(7, "usage_warning", &[]);
    let renewed = model.update(Msg::Feed(FeedBody::NotificationUpdated { notification }));
    assert!(matches!(renewed[..], [Effect::Update { desktop: 70, .. }]));
    let ended = model.update(Msg::Feed(FeedBody::NotificationEnded { id: 7 }));
    assert_eq!(ended, [Effect::Close(70)]);
    assert_eq!(
        model.update(Msg::Gone {
            desktop: 70,
            dismissed: true
        }),
        []
    );
}

#[test]
fn one_that_takes_the_place_of_another_takes_its_place_on_the_desktop() {
    let mut model = able();
    model.update(Msg::Feed(offered(7)));
    model.update(Msg::Shown {
        id: 7,
        desktop: Some(70),
    });
    let mut next = notification(8, "reminder", &["open"]);
    next.replaces = Some(7);
    let effects = model.update(Msg::Feed(FeedBody::NotificationOffered {
        notification: next,
        again: false,
    }));
    assert_eq!(
        effects,
        [Effect::Claim {
            id: 8,
            instead: Some(70)
        }]
    );
    assert_eq!(
        model.update(Msg::Feed(FeedBody::NotificationEnded { id: 7 })),
        []
    );
}

#[test]
fn one_that_ends_while_it_is_being_shown_is_taken_away() {
    let mut model = able();
    model.update(Msg::Feed(offered(7)));
    model.update(Msg::Feed(FeedBody::NotificationEnded { id: 7 }));
    assert_eq!(
        model.update(Msg::Shown {
            id: 7,
            desktop: Some(70)
        }),
        [Effect::Close(70)]
    );
}

#[test]
fn buttons_are_told_to_the_daemon_and_what_is_the_clients_is_done_here() {
    let press = |choice: &str, choices: &[&str]| {
        let mut model = able();
        let notification = notification(7, "permission", choices);
        model.update(Msg::Feed(FeedBody::NotificationOffered {
            notification,
            again: false,
        }));
        model.update(Msg::Shown {
            id: 7,
            desktop: Some(70),
        });
        let choice = choice.to_owned();
        model.update(Msg::Pressed {
            desktop: 70,
            choice,
        })
    };
    let act = |choice| Effect::Act { id: 7, choice };
    let session = SessionId(Uuid::from_u128(1));
    assert_eq!(press("allow", &["allow", "deny"]), [act(Choice::Allow)]);
    assert_eq!(press("snooze-15", &["snooze-15"]), [act(Choice::Snooze15)]);
    assert_eq!(press("retry-now", &["retry-now"]), [act(Choice::RetryNow)]);
    let open = [act(Choice::Open), Effect::Open(Show::Session(session))];
    assert_eq!(press("open", &["open"]), open);
    assert_eq!(press("default", &["open"]), open);
    assert_eq!(press("of-tomorrow", &["of-tomorrow"]), []);
    let told = press("allow", &[]);
    assert_eq!(told, [gone()], "what is not offered is not chosen");
    assert_eq!(
        able().update(Msg::Pressed {
            desktop: 3,
            choice: "allow".into()
        }),
        []
    );
}

#[test]
fn what_is_pressed_before_its_number_is_known_is_done_when_it_is() {
    let mut model = able();
    model.update(Msg::Feed(offered(7)));
    let choice = "snooze-15".to_owned();
    let early = Msg::Pressed {
        desktop: 70,
        choice,
    };
    assert_eq!(model.update(early), []);
    let other = Msg::Gone {
        desktop: 71,
        dismissed: true,
    };
    assert_eq!(model.update(other), []);
    let shown = Msg::Shown {
        id: 7,
        desktop: Some(70),
    };
    let choice = Choice::Snooze15;
    assert_eq!(
        model.update(shown),
        [Effect::Pulse, Effect::Act { id: 7, choice }]
    );
    // What belongs to nobody is forgotten.
    model.update(Msg::Feed(offered(8)));
    let shown = Msg::Shown {
        id: 8,
        desktop: Some(71),
    };
    assert_eq!(model.update(shown), [Effect::Pulse]);
}

#[test]
fn only_what_the_person_takes_away_is_seen() {
    for (dismissed, effects) in [(true, vec![Effect::Dismiss(7)]), (false, vec![])] {
        let mut model = able();
        model.update(Msg::Feed(offered(7)));
        model.update(Msg::Shown {
            id: 7,
            desktop: Some(70),
        });
        assert_eq!(
            model.update(Msg::Gone {
                desktop: 70,
                dismissed
            }),
            effects
        );
    }
}

#[test]
fn where_nothing_can_be_shown_nothing_is_claimed_and_the_icon_and_the_menu_tell() {
    let mut model = online();
    model.update(Msg::Desktop(None));
    assert_eq!(model.update(Msg::Feed(offered(7))), []);
    let seen = view(&model);
    assert!(seen.face.waiting);
    let words = labels(&seen.menu);
    assert_eq!(
        words[..2],
        [
            "No service shows notifications on this desktop",
            "Title: Body"
        ]
    );
    assert_eq!(
        model.update(Msg::Desktop(Some(CAN))),
        [Effect::Claim {
            id: 7,
            instead: None
        }]
    );
    assert!(!view(&model).face.waiting);
}

#[test]
fn after_a_loss_what_stood_is_renewed_what_ended_is_closed_and_what_is_free_is_claimed() {
    let mut model = able();
    for (id, desktop) in [(1, 10), (2, 20)] {
        model.update(Msg::Feed(offered(id)));
        model.update(Msg::Shown {
            id,
            desktop: Some(desktop),
        });
    }
    model.update(Msg::Absent);
    let listed = |id, state: &str, body: &str| ListedNotification {
        notification: Notification {
            body: body.into(),
            ..notification(id, "usage_warning", &[])
        },
        state: state.into(),
        client_id: None,
        until: None,
    };
    let notifications = NotificationList {
        notifications: vec![
            listed(2, "shown", "other words"),
            listed(3, "offered", "new"),
            listed(4, "claimed", "somebody else's"),
        ],
        snooze: None,
    };
    let snapshot = Snapshot {
        notifications,
        ..Snapshot::default()
    };
    let effects = model.update(Msg::Attached(Box::new(snapshot)));
    assert_eq!(effects.len(), 3, "{effects:?}");
    assert_eq!(effects[0], Effect::Close(10));
    assert!(
        matches!(&effects[1], Effect::Update { desktop: 20, toast } if toast.body == "other words")
    );
    assert_eq!(
        effects[2],
        Effect::Claim {
            id: 3,
            instead: None
        }
    );
}

#[test]
fn a_service_that_went_has_taken_everything_with_it() {
    let mut model = able();
    model.update(Msg::Feed(offered(7)));
    model.update(Msg::Shown {
        id: 7,
        desktop: Some(70),
    });
    model.update(Msg::DesktopGone);
    assert_eq!(
        model.update(Msg::Feed(FeedBody::NotificationEnded { id: 7 })),
        []
    );
    // Also what it was about to show: its number is another one's by now.
    model.update(Msg::Feed(offered(8)));
    model.update(Msg::DesktopGone);
    let desktop = 70;
    let id = 8;
    let shown = Msg::Shown {
        id,
        desktop: Some(desktop),
    };
    assert_eq!(model.update(shown), []);
    let choice = "snooze-15".to_owned();
    assert_eq!(model.update(Msg::Pressed { desktop, choice }), []);
}

#[test]
fn the_settings_switch_the_form_and_the_pulse() {
    let mut model = able();
    let tray = TrayConfig {
        icon: IconStyle::Bar,
        pulse: false,
        ..TrayConfig::default()
    };
    model.update(Msg::Settings(Settings {
        tray,
        ..Settings::default()
    }));
    assert_eq!(view(&model).face.style, IconStyle::Bar);
    model.update(Msg::Feed(offered(7)));
    assert_eq!(
        model.update(Msg::Shown {
            id: 7,
            desktop: Some(70)
        }),
        []
    );
}

#[test]
fn hostile_titles_and_tools_stay_on_one_line_and_are_seen_as_they_are() {
    let mut model = online();
    let mut session = session(1, Status::Thinking);
    session.title = format!("a\nb{}\u{202e}", "x".repeat(500));
    model.update(Msg::Feed(FeedBody::SessionChanged {
        session: Box::new(session),
    }));
    let mut request = request("r", "Ba\u{1b}[31msh");
    request.description = "\u{202e}evil\nsecond".into();
    model.update(Msg::Feed(FeedBody::RequestPending(request)));
    for label in labels(&view(&model).menu) {
        assert!(
            !label.contains(char::is_control) && !label.contains('\u{202e}'),
            "{label:?}"
        );
        assert!(label.chars().count() < 200, "{label}");
    }
}

#[test]
fn no_tooltip_is_longer_than_some_desktops_show() {
    let mut accounts = vec![claude(State::TlsIntercepted {
        issuer: "y".repeat(200),
    })];
    accounts[0].readings[0].label = Some("z".repeat(60));
    let mut model = with_usage(accounts);
    for number in 0..30 {
        model.update(Msg::Feed(pending(&format!("r{number}"), "Bash")));
    }
    for msg in [Msg::Tick, Msg::Absent, Msg::Trouble("x".repeat(500))] {
        model.update(msg);
        assert!(view(&model).tooltip.encode_utf16().count() <= 64);
    }
}

#[test]
fn a_button_of_what_is_gone_is_said_to_have_done_nothing() {
    let mut model = able();
    let pressed = || Msg::Pressed {
        desktop: 70,
        choice: "allow".into(),
    };
    let shown = || Msg::Shown {
        id: 7,
        desktop: Some(70),
    };
    model.update(Msg::Feed(offered(7)));
    model.update(shown());
    model.update(Msg::Feed(FeedBody::NotificationEnded { id: 7 }));
    assert_eq!(model.update(pressed()), [gone()]);
    // It ended, and was pressed, before its number was known.
    let mut model = able();
    model.update(Msg::Feed(offered(7)));
    assert_eq!(model.update(pressed()), []);
    model.update(Msg::Feed(FeedBody::NotificationEnded { id: 7 }));
    assert_eq!(model.update(shown()), [Effect::Close(70), gone()]);
    // Another one's number is nobody's.
    let other = Msg::Pressed {
        desktop: 99,
        choice: "allow".into(),
    };
    assert_eq!(model.update(other), []);
}

#[test]
fn a_daemon_that_was_not_started_is_told_with_the_reason() {
    let mut model = online();
    model.update(Msg::Absent);
    assert_eq!(model.update(Msg::Clicked(Click::Start)), [Effect::Start]);
    let effects = model.update(Msg::NotStarted("no room\n--password=hunter2".into()));
    let [Effect::Say(toast)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(toast.title, "The daemon was not started");
    assert_eq!(toast.body, "no room\n--password=[redacted]");
    // Where nothing is shown it is in the menu, also after it was found out again that none runs.
    model.update(Msg::Unsaid(toast.clone()));
    model.update(Msg::Absent);
    let words = labels(&view(&model).menu);
    assert_eq!(
        words[..5],
        [
            "The daemon was not started",
            "no room",
            "--password=[redacted]",
            "-",
            "The daemon is not running",
        ]
    );
    assert!(clicks(&view(&model).menu).contains(&Click::Start));
    model.update(Msg::Clicked(Click::Start));
    assert!(!labels(&view(&model).menu).contains(&"no room".into()));
}
