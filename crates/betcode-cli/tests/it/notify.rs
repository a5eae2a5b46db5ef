//! Notifications through real processes: what is told, once, to one client, and what comes of it; also when the daemon is killed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test needs fails by panicking"
)]

use std::time::Duration;

use betcode_client::{CallError, Connection};
use betcode_core::event::ClientKind;
use betcode_core::id::{ClientId, IdempotencyKey};
use betcode_testkit::{Profile, wait_until};
use serde_json::Value;
use uuid::Uuid;

use crate::durable::{kill_daemon, pass, start_daemon};
use crate::people::{block_on, connect, person};
use crate::profile;

const SOON: Duration = Duration::from_secs(30);

const MINUTE: u64 = 60_000;

fn config(profile: &Profile, key: &str, value: &str) {
    profile
        .betcode(["config", "set", key, value])
        .run()
        .expect(0);
}

/// A turn that nobody watches, and that asks whether it may touch a file.
fn ask(profile: &Profile, file: &str) {
    let prompt = format!("/demo permission tool=Bash command=\"touch {file}\"");
    let run = profile.betcode(["-p", "--detach", "--wait-for-permissions", &prompt]);
    run.run().expect(0);
}

fn list(profile: &Profile) -> Value {
    let list = profile.betcode(["notify", "list", "--json"]).run();
    list.expect(0).json()
}

/// The notification of this kind in this state, once there is one.
fn until(profile: &Profile, kind: &str, state: &str) -> Value {
    wait_until(SOON, &format!("{kind} is {state}"), || {
        let list = list(profile);
        let mut all = list["notifications"].as_array().unwrap().iter();
        all.find(|it| it["kind"] == kind && it["state"] == state)
            .cloned()
    })
}

fn feed(profile: &Profile, kind: &str) -> Vec<Value> {
    let output = profile.betcode(["daemon", "feed"]).run().expect(0);
    let entries = output.stdout.lines();
    entries
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|entry| entry["type"] == kind)
        .collect()
}

fn number(notification: &Value) -> u64 {
    notification["id"].as_u64().unwrap()
}

fn somebody() -> ClientId {
    ClientId(Uuid::now_v7())
}

fn reason(error: &CallError) -> &str {
    match error {
        CallError::Refused(refusal) => &refusal.reason,
        _ => "",
    }
}

async fn show(daemon: &Connection, id: u64, by: ClientId) {
    daemon.claim_notification(id, by).await.unwrap();
    daemon.confirm_notification(id, by).await.unwrap();
}

#[test]
fn a_permission_is_offered_shown_by_one_client_and_allowed_in_it() {
    let profile = profile();
    ask(&profile, "made");
    let asked = until(&profile, "permission", "offered");
    let id = number(&asked);
    assert_eq!(asked["title"], "Permission Required");
    assert_eq!(asked["body"], "BetCode wants to run: touch made");
    let offered = feed(&profile, "notification_offered");
    assert_eq!(offered.len(), 1);
    assert_eq!(offered[0]["notification"]["id"], asked["id"]);
    block_on(async {
        let daemon = connect(&profile).await;
        let (one, other) = (somebody(), somebody());
        show(&daemon, id, one).await;
        let taken = daemon.claim_notification(id, other).await.unwrap_err();
        assert_eq!(reason(&taken), "NOTIFICATION_TAKEN");

        let key = IdempotencyKey(Uuid::now_v7());
        let desk = person("a tray", ClientKind::OneShot);
        let act = |choice| daemon.act_on_notification(id, choice, key, desk.clone());
        let session = act("allow").await.unwrap().unwrap();
        assert_eq!(asked["session_id"], session.to_string());
        // The answer was lost on the way: the same choice again has no second effect, and another one none at all.
        assert_eq!(act("allow").await.unwrap(), Some(session));
        assert_eq!(reason(&act("deny").await.unwrap_err()), "KEY_REUSED");
    });
    // The turn goes on, and nobody saw its end.
    let done = until(&profile, "turn_complete", "offered");
    assert!(done["body"].as_str().unwrap().starts_with("Finished: "));
    assert!(profile.work().join("made").exists());
    let ended = feed(&profile, "notification_ended");
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["id"], asked["id"]);
    let audit = profile.betcode(["audit", "--json"]).run().expect(0).json();
    assert_eq!(audit.as_array().unwrap().len(), 1, "{audit}");
    assert_eq!(audit[0]["by"], "a tray (here)");
}

#[test]
fn after_the_daemon_was_killed_nothing_is_told_twice_and_nothing_is_lost() {
    let profile = profile();
    start_daemon(&profile);
    ask(&profile, "made");
    let id = number(&until(&profile, "permission", "offered"));
    let tray = somebody();
    block_on(async { show(&connect(&profile).await, id, tray).await });
    kill_daemon(&profile);
    start_daemon(&profile);
    let shown = until(&profile, "permission", "shown");
    assert_eq!(number(&shown), id);
    assert_eq!(shown["client_id"], tray.0.to_string());
    assert_eq!(feed(&profile, "notification_offered").len(), 1);
    // What is held back is there after that, too.
    profile.betcode(["notify", "snooze", "15"]).run().expect(0);
    let denied = profile
        .betcode(["notify", "act", &id.to_string(), "deny"])
        .run();
    assert_eq!(denied.expect(0).stdout, "Permission Required: deny\n");
    until(&profile, "turn_complete", "held");
    kill_daemon(&profile);
    start_daemon(&profile);
    let listed = list(&profile);
    assert!(listed["snooze"]["until"].is_string(), "{listed}");
    until(&profile, "turn_complete", "held");
    assert_eq!(feed(&profile, "notification_offered").len(), 1);
    pass(&profile, 15 * MINUTE);
    until(&profile, "turn_complete", "offered");
    assert_eq!(feed(&profile, "notification_offered").len(), 2);
    assert_eq!(list(&profile)["snooze"], Value::Null);
    let pauses = feed(&profile, "notification_pause");
    let active: Vec<bool> = pauses.iter().map(|it| !it["snooze"].is_null()).collect();
    assert_eq!(active, [true, false]);
    assert!(!profile.work().join("made").exists());
}

#[test]
fn a_session_is_opened_on_a_terminal_and_elsewhere_it_is_said_how() {
    let profile = profile();
    for is_on_terminal in [false, true] {
        let prompt = "/demo say text=all-is-said";
        profile.betcode(["-p", "--detach", prompt]).run().expect(0);
        let done = until(&profile, "turn_complete", "offered");
        let session = done["session_id"].as_str().unwrap().to_owned();
        let id = number(&done).to_string();
        let act = ["notify", "act", &id, "open"];
        if is_on_terminal {
            let mut screen = profile.betcode(act).on_screen(80, 24);
            screen.wait_for("all-is-said");
            screen.wait_for("say something to");
            screen.send(b"\x11");
            assert_eq!(screen.end().code(), Some(0));
        } else {
            let told = profile.betcode(act).run().expect(0);
            assert_eq!(told.stdout, "Task Complete: open\n");
            assert_eq!(told.stderr, format!("hint: betcode --resume {session}\n"));
        }
    }
}

#[test]
fn in_quiet_hours_nothing_is_shown_and_afterwards_everything() {
    let profile = profile();
    start_daemon(&profile);
    // The daemon's clock says what time it is: on the wall of a machine without a time zone.
    profile.betcode(["notify", "snooze", "5"]).run().expect(0);
    let pause = feed(&profile, "notification_pause").pop().unwrap();
    profile.betcode(["notify", "unsnooze"]).run().expect(0);
    let time = pause["timestamp"].as_str().unwrap();
    let minute = |range: std::ops::Range<usize>| time[range].parse::<u64>().unwrap();
    let now = minute(11..13) * 60 + minute(14..16);
    let clock = |minutes: u64| format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
    let hours = format!("{}-{}", clock(now + 23 * 60), clock(now + 30));
    config(&profile, "notify.quiet_hours", &hours);
    let restart = profile.betcode(["daemon", "restart"]);
    restart
        .env("TZ", "UTC0")
        .env("BETCODE_TEST_CLOCK", profile.home().join("clock"))
        .run()
        .expect(0);
    ask(&profile, "made");
    let held = until(&profile, "permission", "held");
    assert_eq!(held["id"], Value::Null);
    let end = held["until"].as_str().unwrap();
    assert_eq!(end[11..16], clock(now + 30));
    assert_eq!(feed(&profile, "notification_offered").len(), 0);
    let test = profile.betcode(["notify", "test"]).run().expect(1);
    assert!(test.stderr.contains("was held back"), "{}", test.stderr);
    pass(&profile, 31 * MINUTE);
    until(&profile, "permission", "offered");
    assert_eq!(feed(&profile, "notification_offered").len(), 1);
}

#[test]
fn a_client_that_claims_and_shows_nothing_makes_room_for_another_one() {
    let profile = profile();
    start_daemon(&profile);
    let test = profile.betcode(["notify", "test"]).spawn();
    let id = number(&until(&profile, "test", "offered"));
    block_on(async {
        let daemon = connect(&profile).await;
        daemon.claim_notification(id, somebody()).await.unwrap();
        pass(&profile, 2_000);
        let late = somebody();
        // Whether its time is over is the daemon's to say.
        while let Err(error) = daemon.claim_notification(id, late).await {
            assert_eq!(reason(&error), "NOTIFICATION_TAKEN");
        }
        daemon.confirm_notification(id, late).await.unwrap();
    });
    let told = test.wait(SOON).expect(0).stdout;
    assert_eq!(
        told,
        "a client of this daemon shows the test notification\n"
    );
    let offers = feed(&profile, "notification_offered");
    let again: Vec<_> = offers.iter().map(|it| it["again"].clone()).collect();
    assert_eq!(again, [false, true]);
    let id = id.to_string();
    let gone = profile.betcode(["notify", "dismiss", &id[..6]]).run();
    assert_eq!(gone.expect(0).stdout, "Test Notification is taken away\n");
}

#[test]
fn what_the_user_wants_to_be_run_is_run_and_what_a_project_wants_is_not() {
    let profile = profile();
    let got = profile.home().join("got");
    let command = format!(
        r#"["sh", "-c", "cat > {0}.new; mv {0}.new {0}"]"#,
        got.display()
    );
    config(&profile, "notify.command.permission", &command);
    std::fs::create_dir(profile.work().join(".betcode")).unwrap();
    std::fs::write(
        profile.work().join(".betcode/config.toml"),
        "notify.command.turn_complete = ['touch', 'bad']\nnotify.preview = false\n",
    )
    .unwrap();
    profile.betcode(["trust"]).run().expect(0);
    ask(&profile, "made");
    let text = wait_until(SOON, "the program has run", || {
        std::fs::read_to_string(&got).ok()
    });
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["kind"], "permission");
    assert_eq!(json["body"], "BetCode wants to run: touch made");
    let id = number(&json).to_string();
    profile
        .betcode(["notify", "act", &id, "allow"])
        .run()
        .expect(0);
    until(&profile, "turn_complete", "offered");
    assert!(!profile.work().join("bad").exists());
}

#[test]
fn what_makes_no_sense_is_refused_with_what_does() {
    let profile = profile();
    start_daemon(&profile);
    let empty = profile.betcode(["notify", "list"]).run().expect(0);
    assert_eq!(
        (&*empty.stdout, &*empty.stderr),
        ("", "there is nothing to tell\n")
    );
    let unknown = profile.betcode(["notify", "dismiss", "17"]).run().expect(1);
    assert_eq!(
        unknown.stderr,
        "Error: there is no notification `17`; it may be over\nhint: betcode notify list shows them\n"
    );
    let length = profile.betcode(["notify", "snooze", "7"]).run().expect(64);
    assert!(
        length.stderr.contains("5, 15, 30, reset"),
        "{}",
        length.stderr
    );
    ask(&profile, "made");
    let id = until(&profile, "permission", "offered")["id"].to_string();
    let slip = format!("{}x", &id[..id.len() - 1]);
    let near = profile
        .betcode(["notify", "dismiss", &slip, "--json"])
        .run()
        .expect(1)
        .json();
    assert_eq!(near["error"]["reason"], "NOTIFICATION_UNKNOWN");
    assert_eq!(near["error"]["hint"], format!("did you mean {id}?"));
    let choice = profile.betcode(["notify", "act", &id, "alow"]).run();
    assert!(
        choice
            .expect(1)
            .stderr
            .ends_with("hint: did you mean allow?\n")
    );
    let value = profile
        .betcode(["config", "set", "notify.quiet_hours", "22-7"])
        .run()
        .expect(1);
    assert!(value.stderr.contains("22:00-07:30"), "{}", value.stderr);
    block_on(async {
        let daemon = connect(&profile).await;
        let long = daemon.snooze(100_000).await.unwrap_err();
        assert_eq!(reason(&long), "INVALID_FIELD");
        let over = daemon.confirm_notification(17, somebody()).await;
        assert_eq!(reason(&over.unwrap_err()), "NOTIFICATION_UNKNOWN");
    });
}

#[test]
fn from_inside_an_agent_nobody_is_silenced() {
    let profile = profile();
    let program = profile.program().display().to_string();
    let prompt = format!("/demo tool command=\"{program} notify snooze 30 2>&1\"");
    let output = profile
        .betcode([
            "-p",
            "--allowed-tools",
            "Bash",
            "--output-format",
            "events",
            &prompt,
        ])
        .run();
    let refused = "an agent may not decide about notifications";
    assert!(output.stdout.contains(refused), "{}", output.stdout);
    assert_eq!(list(&profile)["snooze"], Value::Null);
}

#[test]
fn what_was_no_news_when_it_happened_is_none_under_later_settings_either() {
    let profile = profile();
    config(&profile, "notify.off", "turn_complete");
    let detached = |text: &str| {
        let prompt = format!("/demo say text={text}");
        profile.betcode(["-p", "--detach", &prompt]).run().expect(0);
    };
    detached("before");
    wait_until(SOON, "the turn has ended", || {
        (feed(&profile, "turn_ended").len() == 1).then_some(())
    });
    // What comes after it has been taken, so it has been taken too.
    ask(&profile, "made");
    until(&profile, "permission", "offered");
    kill_daemon(&profile);
    config(&profile, "notify.off", "");
    start_daemon(&profile);
    detached("after");
    let done = until(&profile, "turn_complete", "offered");
    assert!(done["body"].as_str().unwrap().contains("after"), "{done}");
    let mut told = feed(&profile, "notification_offered");
    told.retain(|entry| entry["notification"]["kind"] == "turn_complete");
    assert_eq!(told.len(), 1, "{told:?}");
}
