//! What the tray does where something is hidden, gone, or does not go well.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use betcode_testkit::{kill, wait_until};
use rustix::process::Signal;

use crate::bus::Bus;
use crate::desktop::{Desktop, SOON};
use crate::program::profile;
use crate::tray::{Tray, ask, daemon, until_tooltip};

#[test]
fn what_waited_before_it_started_is_shown_without_secrets_and_cannot_be_allowed_unseen() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    ask(&profile, "--password=hunter2");
    let tray = Tray::start(&profile, &bus);
    let head = "Bash: touch --password=[redacted]";
    desktop.below(head, "Deny");
    let menu = desktop.menu();
    assert!(
        !menu
            .iter()
            .any(|it| it.label == "Allow" || it.label.contains("hunter2")),
        "{menu:?}"
    );
    profile
        .betcode(["config", "set", "notify.preview", "false"])
        .run()
        .expect(0);
    desktop.below("Bash", "Deny");
    tray.end();
}

#[test]
fn at_its_end_no_notification_stays_and_a_button_of_what_is_gone_says_so() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    ask(&profile, "first");
    let first = desktop.notification("Permission Required");
    let list = profile.betcode(["permission", "list", "--json"]).run();
    let list = list.expect(0).json();
    let id = list[0]["id"].as_str().unwrap();
    profile.betcode(["permission", "deny", id]).run().expect(0);
    desktop.is_closed(first.id);
    desktop.press(first.id, "allow");
    let told = desktop.notification("BetCode");
    assert!(told.body.starts_with("Nothing was done"), "{}", told.body);
    ask(&profile, "second");
    let second = wait_until(SOON, "the next one is shown", || {
        let mut shown = desktop.shown().into_iter();
        shown.find(|it| it.body.ends_with("touch second"))
    });
    tray.end();
    assert!(desktop.has_closed(second.id));
    assert!(!profile.work().join("first").exists());
}

#[test]
fn a_daemon_that_cannot_be_started_is_told_with_the_reason_wherever_that_can_be_seen() {
    let Some(bus) = Bus::start() else { return };
    let mut desktop = Desktop::new(&bus.address);
    desktop.start_panel();
    let profile = profile();
    std::fs::create_dir_all(profile.state_dir()).unwrap();
    let private = Permissions::from_mode(0o700);
    std::fs::set_permissions(profile.state_dir(), private).unwrap();
    std::fs::write(profile.state_dir().join("logs"), "no directory").unwrap();
    let tray = Tray::start(&profile, &bus);
    desktop.choose("Start the daemon");
    desktop.line("The daemon was not started");
    desktop.line("The daemon is not running");
    desktop.start_service(&["body", "actions"]);
    wait_until(SOON, "it is asked for again and told", || {
        desktop.choose("Start the daemon");
        let mut shown = desktop.shown().into_iter();
        shown.find(|it| it.title == "The daemon was not started" && it.body.contains("logs"))
    });
    tray.end();
}

#[test]
fn a_daemon_that_says_nothing_is_told_of_to_whoever_has_clicked() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    daemon(&profile);
    let tray = Tray::start(&profile, &bus);
    desktop.line("Refresh");
    let pid = profile.daemon_pid().unwrap();
    kill(pid, Signal::STOP);
    desktop.choose("Refresh");
    let told = desktop.notification("BetCode");
    kill(pid, Signal::CONT);
    assert!(
        told.body
            .starts_with("The usage was not read: the daemon did not answer within 10 s"),
        "{}",
        told.body
    );
    tray.end();
}

/// The state of every child of a process.
pub(crate) fn children(parent: u32) -> Vec<char> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let states = processes.filter_map(|it| {
        let text = std::fs::read_to_string(it.path().join("stat")).ok()?;
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        (fields.next()?.parse() == Ok(parent)).then_some(state)
    });
    states.collect()
}

#[test]
fn a_daemon_that_it_started_leaves_nothing_behind_when_it_ends() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    let tray = Tray::start(&profile, &bus);
    desktop.choose("Start the daemon");
    desktop.line("Refresh");
    assert_eq!(children(tray.running.pid()).len(), 1);
    profile.betcode(["daemon", "stop"]).run().expect(0);
    until_tooltip(&desktop, "betcode: the daemon is not running");
    wait_until(SOON, "no child is left", || {
        children(tray.running.pid()).is_empty().then_some(())
    });
    tray.end();
}

#[test]
fn an_empty_directory_that_others_can_enter_is_closed_and_a_daemon_takes_it() {
    let Some(bus) = Bus::start() else { return };
    let desktop = Desktop::usual(&bus.address);
    let profile = profile();
    let directory = profile.state_dir();
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
    let tray = Tray::start(&profile, &bus);
    desktop.line("Start the daemon");
    let mode = |it: &Path| it.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    daemon(&profile);
    desktop.line("Refresh");
    tray.end();
}
