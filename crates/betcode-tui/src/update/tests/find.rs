//! Finding: sessions by what was said in them, words in the whole conversation, agents and models.

use betcode_client::{
    Agent, FoundEntry, FoundKind, FoundPiece, FoundSession, SearchAnswer, SessionDetails, Summary,
};
use betcode_core::event::{Event, TextPiece, Usage};
use betcode_core::id::{AgentName, LogEpoch, SessionId};
use betcode_core::time::Timestamp;
use uuid::Uuid;

use super::*;
use crate::msg::Towards;

fn summary(number: u128, title: &str, cwd: &str, status: Status) -> Summary {
    Summary {
        id: SessionId(Uuid::from_u128(number << 96)),
        agent: AgentName::from("demo"),
        cwd: cwd.into(),
        title: title.into(),
        model: "demo-1".into(),
        status,
        created: Timestamp(0),
        updated: Timestamp(0),
        head: Sequence(500),
        turns: 3,
        agent_session: String::new(),
        totals: Usage::default(),
        retry_at: None,
    }
}

fn known() -> Vec<Summary> {
    let here = "/home/user/project";
    vec![
        summary(1, "The login page", here, Status::Idle),
        summary(2, "Cookies that expire", here, Status::Idle),
        summary(
            3,
            "Another logic",
            "/home/user/other",
            Status::WaitingForUser,
        ),
    ]
}

fn answer() -> SearchAnswer {
    let piece = |text: &str, hit| FoundPiece {
        text: text.into(),
        hit,
    };
    let entry = |sequence, kind, before: &str, after: &str| FoundEntry {
        sequence: Sequence(sequence),
        timestamp: Timestamp(0),
        kind,
        line: vec![
            piece(before, false),
            piece("log", true),
            piece(after, false),
        ],
    };
    let before = "the session cookie is set twice and therefore the user cannot ";
    SearchAnswer {
        sessions: vec![FoundSession {
            session: known().remove(1),
            count: 3,
            entries: vec![
                entry(0, FoundKind::Title, "the ", "s"),
                entry(40, FoundKind::Answer, before, " in again"),
                entry(90, FoundKind::Tool, "Bash grep ", "in src"),
            ],
        }],
        total: 1,
        behind: 2,
    }
}

/// The list of sessions, with what was said below it.
fn searched(width: u16, height: u16) -> Scene {
    let mut scene = screen(width, height);
    scene.keys("ctrl-s").on(Msg::Sessions(Ok(known())));
    scene.types("log").wait(300).on(Msg::Found {
        words: "log".into(),
        answer: Ok(answer()),
    });
    scene
}

fn event(sequence: u64, text: &str) -> Event {
    Event {
        sequence: Sequence(sequence),
        first_sequence: None,
        timestamp: Timestamp(5),
        parent: None,
        previews: Vec::new(),
        body: EventBody::TextDelta(TextPiece {
            message_id: format!("m{sequence}"),
            text: text.into(),
        }),
    }
}

#[expect(
    clippy::default_trait_access,
    reason = "the type of the lock is known by its place"
)]
fn details(summary: Summary) -> SessionDetails {
    SessionDetails {
        summary,
        info: None,
        epoch: LogEpoch(Uuid::nil()),
        lock: Default::default(),
        messages: Vec::new(),
    }
}

#[test]
fn the_pickers_at_every_size() {
    for (width, height) in [(80, 24), (40, 12)] {
        let mut scene = searched(width, height);
        insta::assert_snapshot!(format!("sessions_{width}x{height}"), scene.text());
        let mut scene = screen(width, height);
        scene
            .types("/agent")
            .keys("enter")
            .on(Msg::Agents(Ok(agents())));
        insta::assert_snapshot!(format!("agents_{width}x{height}"), scene.text());
        let mut scene = screen(width, height);
        scene.model.session.models = vec!["demo-mini".into(), "demo-1".into()];
        scene.types("/model").keys("enter");
        insta::assert_snapshot!(format!("models_{width}x{height}"), scene.text());
    }
}

#[test]
fn typing_filters_titles_at_once_and_asks_the_daemon_a_moment_later() {
    let mut scene = screen(80, 24);
    scene.keys("ctrl-s").on(Msg::Sessions(Ok(known())));
    scene.effects.clear();
    scene.types("log");
    assert!(scene.text().contains("The login page") && !scene.text().contains("Cookies"));
    assert_eq!(scene.effects, []);
    let due = scene.model.deadline().unwrap();
    assert!(due.since(scene.now) <= std::time::Duration::from_millis(200));
    scene.wait(300);
    let asked = Effect::Find {
        words: "log".into(),
        cwd: None,
    };
    assert_eq!(scene.effects, [asked]);
    scene.on(Msg::Found {
        words: "log".into(),
        answer: Ok(answer()),
    });
    let text = scene.text();
    assert!(text.contains("cannot log in again"), "{text}");
    assert!(text.contains("not yet searched: 2 sessions"), "{text}");
    // Who waits stands first.
    let place = |title: &str| text.find(title).unwrap();
    assert!(place("Another logic") < place("The login page"), "{text}");
}

#[test]
fn a_place_in_a_session_opens_it_there() {
    let mut scene = searched(80, 24);
    // Up from the first title is the last place.
    scene.effects.clear();
    scene.keys("up up enter");
    let opened = Effect::Open(known()[1].id);
    assert!(scene.effects.contains(&opened), "{:?}", scene.effects);
    scene.effects.clear();
    scene.on(Msg::Opened(Ok(Box::new(details(known().remove(1))))));
    let first = scene.effects.first();
    assert_eq!(first, Some(&Effect::Read(Towards::End(Sequence(39)))));
    let events: Vec<_> = (40..=500)
        .map(|number| event(number, &format!("event {number}")))
        .collect();
    scene.on(Msg::Page {
        towards: Towards::End(Sequence(39)),
        events: Ok(events),
    });
    let text = scene.text();
    let shown = text
        .lines()
        .position(|line| line.contains("event 40"))
        .unwrap();
    assert!(shown < 6, "{text}");
    assert_eq!(scene.model.look.chosen, Some(Sequence(40)));
    assert_eq!(scene.model.look.goal, None);
}

#[test]
fn sessions_of_this_directory_or_of_all() {
    let mut scene = screen(80, 24);
    scene.on(Msg::ChooseSession).on(Msg::Sessions(Ok(known())));
    let text = scene.text();
    assert!(
        text.contains("The login page") && !text.contains("Another logic"),
        "{text}"
    );
    scene.types("logic").wait(300);
    let here = Some("/home/user/project".to_owned());
    let asked = |cwd| Effect::Find {
        words: "logic".into(),
        cwd,
    };
    assert_eq!(scene.effects.last(), Some(&asked(here)));
    scene.keys("ctrl-t").wait(300);
    assert!(scene.text().contains("Another logic"));
    assert_eq!(scene.effects.last(), Some(&asked(None)));
}

#[test]
fn the_command_takes_words() {
    let mut scene = screen(80, 24);
    scene.types("/sessions cookie").keys("enter").wait(300);
    assert_eq!(scene.effects.first(), Some(&Effect::Sessions));
    let asked = |effect: &Effect| matches!(effect, Effect::Find { words, .. } if words == "cookie");
    assert!(scene.effects.iter().any(asked), "{:?}", scene.effects);
}

/// A session of which only the end is here.
fn long() -> Scene {
    let mut scene = screen(80, 24);
    scene.on(Msg::Opened(Ok(Box::new(details(known().remove(0))))));
    let events = (480..=500).map(|number| event(number, &format!("event {number}")));
    scene.on(Msg::Page {
        towards: Towards::Start(Sequence(500)),
        events: Ok(events.collect()),
    });
    scene.text();
    scene.effects.clear();
    scene
}

fn all(with: &[u64]) -> Vec<Event> {
    (1..=500)
        .map(|number| {
            let needle = if with.contains(&number) {
                " Needle"
            } else {
                ""
            };
            event(number, &format!("event {number}{needle}"))
        })
        .collect()
}

#[test]
fn words_are_found_in_what_is_not_loaded() {
    let mut scene = long();
    scene.keys("tab /").types("needle").keys("enter");
    assert_eq!(scene.effects, [Effect::Scan(Sequence(0))]);
    let text = scene.text();
    assert!(text.contains(" needle: searching … 0%, 0 so far"), "{text}");
    let events = all(&[10, 200]);
    scene.on(Msg::Scanned {
        after: Sequence(0),
        events: Ok(events[..300].to_vec()),
    });
    assert!(scene.effects.contains(&Effect::Scan(Sequence(300))));
    assert!(scene.text().contains("searching … 60%, 2 so far"));
    scene.on(Msg::Scanned {
        after: Sequence(300),
        events: Ok(events[300..].to_vec()),
    });
    // The nearest place before where one looks.
    assert_eq!(
        scene.effects.last(),
        Some(&Effect::Read(Towards::End(Sequence(199))))
    );
    scene.on(Msg::Page {
        towards: Towards::End(Sequence(199)),
        events: Ok(events[199..].to_vec()),
    });
    let text = scene.text();
    assert!(text.contains("event 200 Needle"), "{text}");
    assert!(text.contains(" needle: 2 of 2 "), "{text}");
    scene.keys("n");
    assert_eq!(
        scene.effects.last(),
        Some(&Effect::Read(Towards::End(Sequence(9))))
    );
    scene.on(Msg::Page {
        towards: Towards::End(Sequence(9)),
        events: Ok(events[9..].to_vec()),
    });
    assert!(
        scene.text().contains(" needle: 1 of 2 "),
        "{}",
        scene.text()
    );
    // What is here is gone to at once.
    scene.effects.clear();
    scene.keys("N");
    assert!(
        scene.text().contains(" needle: 2 of 2 "),
        "{}",
        scene.text()
    );
    assert_eq!(scene.effects, []);
    scene.keys("esc");
    assert!(scene.model.seek.is_none());
}

#[test]
fn what_is_nowhere_is_said_to_be_nowhere() {
    let mut scene = long();
    scene.keys("tab /").types("needle").keys("enter");
    scene.on(Msg::Scanned {
        after: Sequence(0),
        events: Ok(all(&[])),
    });
    assert!(scene.text().contains(" needle: nowhere in this session "));
    scene.keys("n N");
    assert!(scene.text().contains("event 500"), "{}", scene.text());
}

#[test]
fn a_beginning_that_was_removed_is_gone_past() {
    let mut scene = long();
    scene.keys("tab /").types("needle").keys("enter");
    let events = all(&[420]);
    scene.on(Msg::Scanned {
        after: Sequence(0),
        events: Ok(events[400..].to_vec()),
    });
    assert_eq!(
        scene.effects.last(),
        Some(&Effect::Read(Towards::End(Sequence(419))))
    );
    // It is removed meanwhile: what is left is shown, and nothing is asked for over and over.
    scene.on(Msg::Page {
        towards: Towards::End(Sequence(419)),
        events: Ok(events[450..].to_vec()),
    });
    scene.text();
    scene.effects.clear();
    assert_eq!(crate::update::after_drawing(&mut scene.model), []);
}

fn agents() -> Vec<Agent> {
    let agent = |name: &str, installed, supported, hint: &str, chosen| Agent {
        name: name.into(),
        installed,
        supported,
        version: if installed {
            "2.1.0".into()
        } else {
            String::new()
        },
        command: Vec::new(),
        login: "yes".into(),
        hint: hint.into(),
        chosen,
        rules: String::new(),
    };
    vec![
        agent("codex", false, false, "", false),
        agent("claude", true, true, "", true),
        agent("other", false, true, "install it from example.org", false),
    ]
}

#[test]
fn another_agent_begins_a_new_session_here() {
    let mut scene = screen(80, 24);
    let before = scene.model.id();
    scene.types("/agent").keys("enter");
    assert_eq!(scene.effects.first(), Some(&Effect::Agents));
    scene.on(Msg::Agents(Ok(agents())));
    let text = scene.text();
    assert!(text.contains("Agent of a new session here"), "{text}");
    assert!(text.contains("install it from example.org"), "{text}");
    // One that cannot be used says why and stays.
    scene.keys("down enter");
    assert!(
        scene.text().contains("other cannot be used: install it"),
        "{}",
        scene.text()
    );
    scene.keys("up enter");
    assert!(scene.effects.contains(&Effect::Close));
    assert_ne!(scene.model.id(), before);
    assert!(!scene.model.exists);
    assert_eq!(scene.model.session.agent, "claude");
    assert_eq!(scene.model.session.cwd, "/home/user/project");
}

#[test]
fn sessions_of_the_same_minute_are_told_apart_by_their_ids() {
    let mut scene = screen(100, 24);
    let sessions = [0x01a2_032b_75f1_7000, 0x01a2_032b_8ac2_7000]
        .map(|begin: u128| Summary {
            id: SessionId(Uuid::from_u128(begin << 64)),
            ..summary(1, "Again", "/home/user/project", Status::Idle)
        })
        .to_vec();
    scene.keys("ctrl-s").on(Msg::Sessions(Ok(sessions)));
    let text = scene.text();
    for shown in ["Again  01a2032b-7 ", "Again  01a2032b-8 "] {
        assert!(text.contains(shown), "{text}");
    }
}
