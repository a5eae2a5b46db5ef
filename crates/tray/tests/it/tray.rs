//! What the tray shows and does, on the desktop that the test plays.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

use std::path::{Path, PathBuf};

use betcode_testkit::{Betcode, Profile, Running, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::bus::Bus;
use crate::desktop::{Desktop, SOON};
use crate::program::{line, profile};
use crate::trouble::children;

/// A tray that runs, and ends with the test.
pub(crate) struct Tray {
    pub(crate) running: Running,
}

impl Tray {
    pub(crate) fn command(profile: &Profile, bus: &Bus) -> Betcode {
        let tray = profile.shell(&line(""));
        tray.env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
    }

    pub(crate) fn start(profile: &Profile, bus: &Bus) -> Self {
        Self {
            running: Self::command(profile, bus).spawn(),
        }
    }

    pub(crate) fn end(self) {
        self.running.signal(Signal::TERM);
        self.running.wait(SOON).expect(0);
    }
}

pub(crate) fn daemon(profile: &Profile) {
    profile.betcode(["daemon", "start"]).run().expect(0);
}

/// A turn that asks whether it may touch a file.
pub(crate) fn ask(profile: &Profile, file: &str) {
    let prompt = format!("/demo permission tool=Bash command=\"touch {file}\"");
    let run = profile.betcode(["-p", "--detach", "--wait-for-permissions", &prompt]);
    run.run().expect(0);
}

fn notifications(profile: &Profile) -> Value {
    let list = profile.betcode(["notify", "list", "--json"]).run();
    list.expect(0).json()
}

pub(crate) fn until_tooltip(desktop: &Desktop, wanted: &str) {
    wait_until(SOON, &format!("the tooltip says {wanted}"), || {
        (desktop.tooltip() == wanted).then_some(())
    });
}

/// A terminal that writes down what it was asked to show.
fn terminal(profile: &Profile) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let program = profile.home().join("terminal");
    let asked = profile.home().join("asked");
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > {0}.new\nmv {0}.new {0}\n",
        asked.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let program = program.display().to_string();
    profile
        .betcode(["config", "set", "tray.terminal", &program])
        .run()
        .expect(0);
    asked
}

fn asked(file: &Path) -> Vec<String> {
    let text = wait_until(SOON, "a terminal is opened", || {
        std::fs::read_to_string(file).ok()
    });
    std::fs::remove_file(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn it_registers_with_icons_a_tooltip_and_a_menu_and_again_after_the_panel_was_restarted() {
    let Some(bus) = Bus::start() else { return };
    let mut desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    let sizes: Vec<i32> = desktop.icons().iter().map(|it| it.0).collect();
    assert_eq!(sizes, [16, 22, 24, 32, 48, 64]);
    for (size, bytes) in desktop.icons() {
        assert_eq!(bytes.len(), usize::try_from(size * size * 4).unwrap());
        // Alpha comes first: a corner is empty, and something is not.
        assert_eq!(bytes.first(), Some(&0));
        assert!(bytes.chunks(4).any(|it| it.first() > Some(&100)));
    }
    assert!(desktop.tooltip().starts_with("betcode"));
    desktop.line("Refresh");
    let first = desktop.item();
    desktop.stop_panel();
    desktop.start_panel();
    assert_eq!(desktop.item(), first);
    assert!(desktop.tooltip().starts_with("betcode"));
    desktop.choose("Quit");
    tray.running.wait(SOON).expect(0);
}

#[test]
fn it_may_start_before_the_panel_and_without_a_service_for_notifications() {
    let Some(bus) = Bus::start() else { return };
    let mut desktop = Desktop::new(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    wait_until(SOON, "it says that there is no panel", || {
        let said = tray.running.stderr();
        said.contains("no panel shows icons").then_some(())
    });
    desktop.start_panel();
    desktop.line("No service shows notifications on this desktop");
    ask(&profile, "made");
    desktop.line("Bash: touch made");
    wait_until(SOON, "the tooltip tells", || {
        desktop.tooltip().ends_with("1 waiting").then_some(())
    });
    // Now there is one: what was offered meanwhile is shown, without buttons where there cannot be some.
    desktop.start_service(&["body"]);
    let shown = desktop.notification("Permission Required");
    assert_eq!(shown.actions, Vec::<String>::new());
    wait_until(SOON, "the menu has no complaint", || {
        let menu = desktop.menu();
        (!menu.iter().any(|it| it.label.starts_with("No service"))).then_some(())
    });
    tray.end();
}

#[test]
fn a_second_one_is_refused_and_says_why() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    let tray = Tray::start(&profile, &bus);
    desktop.item();
    let second = Tray::command(&profile, &bus).run().expect(3);
    let pid = tray.running.pid().to_string();
    assert!(
        second.stderr.starts_with("Error: a tray runs already for"),
        "{}",
        second.stderr
    );
    assert!(second.stderr.contains(&pid), "{}", second.stderr);
    tray.end();
    desktop.forget_icons();
    let third = Tray::start(&profile, &bus);
    desktop.item();
    third.end();
}

#[test]
fn a_permission_is_allowed_from_the_menu_and_its_old_menu_allows_nothing() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    ask(&profile, "first");
    let allow = desktop.below("Bash: touch first", "Allow");
    desktop.choose_below("Bash: touch first", "Allow");
    wait_until(SOON, "the tool has run", || {
        profile.work().join("first").exists().then_some(())
    });
    // Another request stands where the first one stood: the old item is nobody's.
    ask(&profile, "second");
    desktop.line("Bash: touch second");
    assert!(!desktop.click(&allow), "it is not there any more");
    desktop.choose_below("Bash: touch second", "Deny");
    wait_until(SOON, "nothing waits", || {
        let menu = desktop.menu();
        (!menu.iter().any(|it| it.label.starts_with("Bash: "))).then_some(())
    });
    assert!(!profile.work().join("second").exists());
    let audit = profile.betcode(["audit", "--json"]).run().expect(0).json();
    let by: Vec<_> = audit
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["by"].clone())
        .collect();
    assert!(
        by.iter()
            .all(|it| it.as_str().unwrap().starts_with("betcode-tray (")),
        "{by:?}"
    );
    tray.end();
}

#[test]
fn a_notification_is_shown_once_with_buttons_and_its_button_allows() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    ask(&profile, "made");
    let shown = desktop.notification("Permission Required");
    assert_eq!(shown.body, "BetCode wants to run: touch made");
    assert_eq!(
        shown.actions,
        ["allow", "Allow", "deny", "Deny", "default", "Open"]
    );
    wait_until(SOON, "the daemon knows", || {
        let list = notifications(&profile);
        (list["notifications"][0]["state"] == "shown").then_some(())
    });
    // Whoever else says so is not the person.
    desktop.pretend_press(shown.id, "deny");
    desktop.press(shown.id, "allow");
    wait_until(SOON, "the tool has run", || {
        profile.work().join("made").exists().then_some(())
    });
    desktop.notification("Task Complete");
    let permissions = desktop
        .shown()
        .iter()
        .filter(|it| it.title == "Permission Required")
        .count();
    assert_eq!(permissions, 1);
    tray.end();
}

#[test]
fn one_that_is_answered_elsewhere_is_taken_away_and_several_become_one_in_its_place() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    ask(&profile, "made");
    let shown = desktop.notification("Permission Required");
    let list = profile
        .betcode(["permission", "list", "--json"])
        .run()
        .expect(0)
        .json();
    let id = list[0]["id"].as_str().unwrap().to_owned();
    profile.betcode(["permission", "deny", &id]).run().expect(0);
    desktop.is_closed(shown.id);
    // What the person takes away is told to the daemon.
    let complete = desktop.notification("Task Complete");
    assert_eq!(complete.replaces, 0);
    desktop.dismiss(complete.id);
    wait_until(SOON, "nothing stands any more", || {
        let list = notifications(&profile);
        list["notifications"]
            .as_array()
            .unwrap()
            .is_empty()
            .then_some(())
    });
    tray.end();
}

#[test]
fn a_service_that_is_restarted_shows_what_comes_next_and_has_forgotten_what_was() {
    let Some(bus) = Bus::start() else { return };
    let mut desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    ask(&profile, "first");
    let first = desktop.notification("Permission Required");
    desktop.stop_service();
    desktop.start_service(&["body"]);
    // What another service has under this number is not ours.
    desktop.press(first.id, "allow");
    ask(&profile, "second");
    let next = wait_until(SOON, "the next one is shown", || {
        let shown = desktop.shown();
        shown
            .into_iter()
            .find(|it| it.body.ends_with("touch second"))
    });
    assert_eq!(next.replaces, 0);
    assert!(!profile.work().join("first").exists());
    desktop.line("Bash: touch first");
    tray.end();
}

#[test]
fn notifications_are_snoozed_from_the_menu_and_told_again() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    desktop.choose_below("Snooze notifications", "15 minutes");
    desktop.line("End snooze");
    assert!(notifications(&profile)["snooze"]["until"].is_string());
    desktop.choose("End snooze");
    desktop.line("Snooze notifications");
    assert!(notifications(&profile)["snooze"].is_null());
    tray.end();
}

/// What Claude Code gives to the command of its status line.
#[expect(
    clippy::disallowed_methods,
    reason = "the daemon of the test lives on the clock of the wall"
)]
fn use_plan(profile: &Profile, percent: f64) {
    let resets_at = jiff::Timestamp::now().as_second() + 7_210;
    let json = serde_json::json!({
        "session_id": "s", "model": {"display_name": "Opus"},
        "rate_limits": {"five_hour": {"used_percentage": percent, "resets_at": resets_at}},
    });
    let push = profile.betcode(["usage", "--statusline"]);
    push.stdin(json.to_string()).run().expect(0);
}

#[test]
fn the_use_of_a_plan_is_shown_and_its_warning_is_snoozed_with_a_button() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    desktop.line("Refresh");
    let before = desktop.icons();
    use_plan(&profile, 62.0);
    wait_until(SOON, "the tooltip tells", || {
        desktop
            .tooltip()
            .contains("62.0% | 5h resets in 2h")
            .then_some(())
    });
    assert_ne!(desktop.icons(), before);
    wait_until(SOON, "the menu tells", || {
        let menu = desktop.menu();
        menu.into_iter()
            .find(|it| it.label.starts_with("Claude 5h: 62%, resets "))
    });
    use_plan(&profile, 80.0);
    let shown = desktop.notification("Claude Usage Warning");
    assert_eq!(
        shown.actions[..4],
        ["snooze-5", "Snooze 5 min", "snooze-15", "Snooze 15 min"]
    );
    desktop.press(shown.id, "snooze-15");
    desktop.line("End snooze");
    assert!(notifications(&profile)["snooze"]["until"].is_string());
    desktop.choose("End snooze");
    tray.end();
}

#[test]
fn it_goes_on_when_the_daemon_is_stopped_restarted_and_started_from_the_menu() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    let tray = Tray::start(&profile, &bus);
    until_tooltip(&desktop, "betcode: the daemon is not running");
    assert_eq!(profile.daemon_pid(), None, "it starts none by itself");
    daemon(&profile);
    desktop.line("Refresh");
    profile.betcode(["daemon", "stop"]).run().expect(0);
    until_tooltip(&desktop, "betcode: the daemon is not running");
    desktop.choose("Start the daemon");
    desktop.line("Refresh");
    assert!(profile.daemon_pid().is_some());
    let before = profile.daemon_pid();
    profile.betcode(["daemon", "restart"]).run().expect(0);
    assert_ne!(profile.daemon_pid(), before);
    ask(&profile, "made");
    desktop.notification("Permission Required");
    desktop.line("Bash: touch made");
    tray.end();
}

#[test]
fn clicks_open_a_terminal_with_words_and_new_settings_count_at_once() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    desktop.line("Refresh");
    let before = desktop.icons();
    let asked_file = terminal(&profile);
    profile
        .betcode(["config", "set", "tray.icon", "bar"])
        .run()
        .expect(0);
    wait_until(SOON, "another form", || {
        (desktop.icons() != before).then_some(())
    });
    desktop.activate();
    let words = asked(&asked_file);
    assert_eq!(words[words.len() - 2..], ["usage", "--watch"]);
    assert!(
        words.iter().any(|it| it.starts_with("BETCODE_STATE_DIR=")),
        "{words:?}"
    );
    wait_until(SOON, "a terminal that has ended is gone", || {
        children(tray.running.pid()).is_empty().then_some(())
    });
    desktop.choose("Settings");
    let words = asked(&asked_file);
    assert_eq!(words[words.len() - 2..], ["config", "edit"]);
    profile
        .betcode(["-p", "/demo say text=hi", "-n", "a_b"])
        .run()
        .expect(0);
    let rows = profile
        .betcode(["session", "list", "--json"])
        .run()
        .expect(0)
        .json();
    let id = rows[0]["id"].as_str().unwrap();
    desktop.choose("a__b – idle");
    let words = asked(&asked_file);
    assert_eq!(words[words.len() - 2..], ["--resume", id]);
    // Where there is no terminal, the command is told.
    profile
        .betcode(["config", "set", "tray.terminal", "/nowhere/term"])
        .run()
        .expect(0);
    let told = wait_until(SOON, "the command is told", || {
        desktop.activate();
        desktop.shown().into_iter().find(|it| it.title == "BetCode")
    });
    assert!(
        told.body
            .starts_with("No terminal could be opened. In one, type:\n"),
        "{}",
        told.body
    );
    assert!(told.body.contains("usage --watch"), "{}", told.body);
    tray.end();
}

#[test]
fn it_is_started_with_the_daemon_where_that_is_wanted() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    // The tests build it beside the program that starts it.
    let here = Path::new(env!("CARGO_BIN_EXE_betcode-tray"));
    assert_eq!(profile.program().parent(), here.parent());
    let start = || {
        let start = profile.betcode(["daemon", "start", "--tray", "--json"]);
        start
            .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
            .run()
            .expect(0)
            .json()
    };
    assert_eq!(start()["tray"], "started");
    desktop.line("Quit");
    assert_eq!(start()["tray"], "running");
    desktop.choose("Quit");
    let lock = profile.state_dir().join("tray.lock");
    let pid = std::fs::read_to_string(lock).unwrap();
    wait_until(SOON, "the tray has ended", || {
        (!Path::new(&format!("/proc/{}", pid.trim())).exists()).then_some(())
    });
    let nowhere = format!("unix:path={}", profile.home().join("no-bus").display());
    let failed = profile
        .betcode(["daemon", "start", "--tray"])
        .env("DBUS_SESSION_BUS_ADDRESS", nowhere);
    let failed = failed.run().expect(1);
    assert!(
        failed
            .stderr
            .contains("the tray ended at once: there is no desktop session"),
        "{}",
        failed.stderr
    );
    assert!(
        failed.stdout.starts_with("the daemon runs already"),
        "{}",
        failed.stdout
    );
}
