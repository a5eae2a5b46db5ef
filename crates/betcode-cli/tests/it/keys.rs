//! Keys and settings of the interactive screen: what `betcode keys` tells of them, and that the screen heeds them.

use betcode_testkit::{Profile, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;

use crate::profile;

#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn settings(profile: &Profile, text: &str) {
    std::fs::create_dir_all(profile.config_dir()).unwrap();
    std::fs::write(profile.config_dir().join("config.toml"), text).unwrap();
}

fn row(rows: &Value, name: &str) -> Value {
    let mut rows = rows.as_array().into_iter().flatten();
    rows.find(|row| row["name"] == name)
        .cloned()
        .unwrap_or_default()
}

#[test]
fn keys_are_listed_as_the_settings_have_them() {
    let profile = profile();
    profile
        .betcode(["config", "set", "tui.keys.help", "f2 f3"])
        .run()
        .expect(0);
    let rows = profile.betcode(["keys", "--json"]).run().expect(0).json();
    assert_eq!(row(&rows, "help")["keys"], json!(["f2", "f3"]));
    assert_eq!(row(&rows, "send")["keys"], json!(["enter", "ctrl-enter"]));
    let shown = profile.betcode(["config", "show"]).run().expect(0).stdout;
    assert!(shown.contains(r#"["f2", "f3"]"#), "{shown}");
}

#[test]
fn keys_that_cannot_be_had_are_refused_with_the_file_and_what_to_do() {
    let profile = profile();
    let refused = profile
        .betcode(["config", "set", "tui.keys.copy", "n"])
        .run()
        .expect(1);
    assert!(
        refused
            .stderr
            .contains("n is bound to search-next and to copy")
    );
    let refused = profile
        .betcode(["config", "set", "tui.keys.send", "ctrl-y"])
        .run()
        .expect(1);
    let why = "input: ctrl-y is bound to answer and to send";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
    assert!(!profile.config_dir().join("config.toml").exists());

    settings(&profile, "[tui.keys]\nsnd = [\"f5\"]\n");
    let file = profile.config_dir().join("config.toml");
    let place = format!(
        "{}:2:1: tui.keys: there is nothing called `snd`",
        file.display()
    );
    for line in [&["keys"][..], &["config", "show"]] {
        let output = profile.betcode(line.iter().copied()).run().expect(1);
        assert!(output.stderr.contains(&place), "{}", output.stderr);
        assert!(
            output.stderr.contains("did you mean `send`?"),
            "{}",
            output.stderr
        );
    }
    let mut screen = profile.betcode([]).on_screen(120, 30);
    assert_eq!(screen.end().code(), Some(1));
    assert!(
        screen.text().contains("there is nothing called `snd`"),
        "{}",
        screen.text()
    );
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    assert!(!raw.contains("\x1b[?1049h"), "nothing was opened");
}

#[test]
fn the_screen_heeds_its_settings_and_flags() {
    let profile = profile();
    settings(&profile, "[tui]\nmouse = false\nkeys.help = [\"f2\"]\n");
    let mut screen = profile.betcode(["--theme", "light"]).on_screen(100, 30);
    screen.wait_for("say something to");
    screen.wait_for("f2 all keys");
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    assert!(!raw.contains("\x1b[?1002"), "the mouse is left alone");
    screen.send(b"\x1b[12~");
    screen.wait_for("everything that can be done");
}

#[test]
fn pressed_keys_are_told_and_the_terminal_is_given_back() {
    let profile = profile();
    let mut screen = profile.betcode(["keys", "--watch"]).on_screen(110, 30);
    screen.wait_for("Press keys");
    screen.send(b"\x18");
    screen.wait_for("ctrl-x          input: unfold-paste");
    screen.send(b"\x1b[?0u\x1b[?62c");
    screen.wait_for("enter, shift-enter and ctrl-enter are different keys");
    screen.send(b"\x1b[13;2u");
    screen.wait_for("shift-enter     input: newline");
    screen.send(b"\x03");
    screen.wait_for("(again: ends this)");
    screen.send(b"\x03");
    assert_eq!(screen.end().code(), Some(0));
    assert!(screen.is_given_back(), "{}", screen.text());
    let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
    assert!(raw.contains("\x1b[<1u"), "the keyboard is as it was");

    let screen = &mut profile.betcode(["keys", "--watch"]).on_screen(110, 30);
    screen.wait_for("Press keys");
    screen.signal(Signal::TERM);
    assert_eq!(screen.end().code(), Some(143));
    assert!(screen.is_given_back(), "{}", screen.text());
}

/// Waits until a process is stopped.
fn stopped(pid: u32) {
    wait_until(Duration::from_secs(30), "it is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, state) = stat.rsplit_once(')')?;
        state.trim_start().starts_with('T').then_some(())
    });
}

/// The screen, started from a shell that knows jobs, and its process.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn as_a_job(profile: &Profile, variables: &str) -> (betcode_testkit::Screen, u32) {
    // It edits no lines, so the terminal's settings are those that it was given back with.
    let shell = "exec bash --norc --noprofile --noediting -i";
    let mut screen = profile.shell(shell).on_screen(100, 30);
    let program = profile.program().display();
    screen.send(format!("{variables} sh -c 'echo $$ > pid; exec {program}'\n").as_bytes());
    screen.wait_for("say something to");
    let pid = std::fs::read_to_string(profile.work().join("pid")).unwrap();
    (screen, pid.trim().parse().unwrap())
}

#[test]
fn a_stop_from_anywhere_gives_the_terminal_back_and_nothing_is_lost() {
    let profile = profile();
    let (mut screen, pid) = as_a_job(&profile, "");
    screen.send(b"a draft");
    screen.wait_for("a draft");
    for from_outside in [true, false] {
        if from_outside {
            betcode_testkit::kill(pid, Signal::TSTP);
        } else {
            screen.send(b"\x1a");
        }
        stopped(pid);
        wait_until(
            Duration::from_secs(30),
            "the terminal is given back",
            || screen.is_given_back().then_some(()),
        );
        screen.send(b"fg\n");
        wait_until(Duration::from_secs(30), "the screen is there again", || {
            screen.look(vt100::Screen::alternate_screen).then_some(())
        });
        screen.wait_for("a draft");
        screen.wait_for("f1 all keys");
    }
    screen.send(b" goes on");
    screen.wait_for("a draft goes on");
}

#[test]
fn an_editor_that_is_stopped_takes_the_screen_with_it_and_both_come_back() {
    use std::os::unix::fs::PermissionsExt as _;

    let profile = profile();
    let editor = profile.work().join("editor");
    let text = "#!/bin/sh\nkill -TSTP 0\necho words from the editor > \"$1\"\n";
    std::fs::write(&editor, text).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o700)).unwrap();
    let variables = format!("EDITOR={}", editor.display());
    let (mut screen, pid) = as_a_job(&profile, &variables);
    screen.send(b"\x07");
    stopped(pid);
    screen.wait_for("Stopped");
    screen.send(b"fg\n");
    screen.wait_for("words from the editor");
    screen.wait_for("f1 all keys");
    screen.send(b" and more");
    screen.wait_for("and more");
    assert!(screen.look(vt100::Screen::alternate_screen));
}
