//! How much of the plan is used, and notifications, on a real screen with a real daemon.

use std::time::Duration;

use betcode_testkit::{Profile, wait_until};

use super::away::kill_daemon;
use super::opened;
use crate::people::{block_on, whereabouts};
use crate::profile;

const SOON: Duration = Duration::from_secs(30);
const F6: &[u8] = b"\x1b[17~";
const F7: &[u8] = b"\x1b[18~";

/// Claude Code's status line says how much is used, as soon as a daemon is there.
fn push(profile: &Profile, percent: u32) {
    let window = serde_json::json!({"used_percentage": percent, "resets_at": null});
    let json = serde_json::json!({"rate_limits": {"five_hour": window}});
    wait_until(SOON, "the daemon takes what the status line says", || {
        block_on(async {
            let connection = betcode_client::connect(&whereabouts(profile)).await.ok()?;
            let pushed = connection
                .push_statusline(json.to_string().into_bytes(), "")
                .await;
            pushed.ok().map(drop)
        })
    });
}

fn start(profile: &Profile) {
    profile.betcode(["daemon", "start"]).run().expect(0);
}

#[test]
fn what_is_used_is_shown_also_by_a_daemon_that_came_back() {
    let profile = profile().following_usage();
    let mut screen = opened(&profile);
    push(&profile, 55);
    screen.wait_for("5h 55%");
    screen.send(b"a draft");
    screen.send(F6);
    screen.wait_for("from statusline");
    kill_daemon(&profile);
    // Nobody says now whether it is still so.
    screen.until("the number is without a sign", |text| {
        text.contains("5h 55%") && !text.contains("▄ 5h")
    });
    start(&profile);
    push(&profile, 61);
    screen.wait_for("5h 61%");
    screen.send(b"\x1b");
    screen.wait_for("> a draft");
}

#[test]
fn who_does_not_look_hears_of_it_as_well() {
    let profile = profile().following_usage();
    let mut screen = opened(&profile);
    push(&profile, 55);
    screen.wait_for("5h 55%");
    // The terminal loses the focus.
    screen.send(b"\x1b[O");
    push(&profile, 62);
    screen.wait_for("5h 62%");
    kill_daemon(&profile);
    start(&profile);
    push(&profile, 63);
    screen.wait_for("5h 63%");
    screen.send(b"\x1b[I");
    push(&profile, 64);
    screen.wait_for("5h 64%");
}

#[test]
fn a_list_of_notifications_follows_what_happens_and_leads_to_the_session() {
    let profile = profile().following_usage();
    let mut screen = opened(&profile);
    screen.send(F7);
    screen.wait_for("nothing stands there for you");
    let prompt = "/demo permission tool=Bash command=\"touch made\"";
    let run = profile.betcode(["-p", "--detach", "--wait-for-permissions", prompt]);
    run.run().expect(0);
    screen.wait_for("Permission Required");
    screen.send(b"5");
    screen.wait_for("paused until");
    screen.send(b"e");
    screen.until("the pause is over", |text| !text.contains("paused until"));
    screen.send(b"\r");
    screen.wait_for_ready("yes, once");
    screen.send(b"y");
    screen.wait_for("with your permission");
    assert!(profile.work().join("made").exists());
}

#[test]
fn in_lines_usage_and_notifications_are_words() {
    let profile = profile().following_usage();
    let mut screen = opened_with_lines(&profile);
    push(&profile, 55);
    screen.send(b"/usage\r");
    screen.wait_for("5-hour: 55 percent used");
    screen.send(b"/notifications\r");
    screen.wait_for("No notification stands there for you.");
}

fn opened_with_lines(profile: &Profile) -> betcode_testkit::Screen {
    let screen = profile.betcode(["--screen-reader"]).on_screen(100, 30);
    screen.wait_for("/help lists the commands.");
    screen
}
