//! The screen in tmux: it streams, changes its size, is left and come back to, and copies into the clipboard of the outer terminal.

use std::io::Write as _;
use std::time::Duration;

use betcode_testkit::{Profile, Screen, wait_until};

use super::{answered, numbers, say};
use crate::profile;

/// A server of its own, that ends with the test.
struct Tmux<'a> {
    profile: &'a Profile,
}

impl<'a> Tmux<'a> {
    /// None where there is no tmux.
    fn new(profile: &'a Profile) -> Option<Self> {
        if profile.shell("tmux -V").run().code != 0 {
            let ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
            assert!(!ci, "tmux is missing");
            std::io::stderr()
                .write_all(b"skipped: there is no tmux\n")
                .unwrap();
            return None;
        }
        let settings = "set -g status off\nset -g allow-passthrough on\nset -g set-clipboard on\n\
             set -g focus-events on\nset -g default-terminal tmux-256color\n";
        std::fs::write(profile.home().join("tmux.conf"), settings).unwrap();
        Some(Self { profile })
    }

    fn line(&self, arguments: &str) -> String {
        let home = self.profile.home();
        let home = home.display();
        format!("tmux -S {home}/tmux -f {home}/tmux.conf {arguments}")
    }

    /// Runs a command of tmux, and gives what it says.
    fn ask(&self, arguments: &str) -> String {
        self.profile
            .shell(&self.line(arguments))
            .run()
            .expect(0)
            .stdout
    }

    /// The pane gets another size.
    fn resize(&self, width: u16, height: u16) {
        self.ask(&format!("resize-window -x {width} -y {height}"));
    }

    /// The scrollback and the screen, with rows that were wrapped in one again.
    fn everything(&self) -> String {
        self.ask("capture-pane -p -J -S -")
    }

    /// A terminal on which tmux runs.
    fn open(&self, arguments: &str) -> Screen {
        let line = format!("exec {}", self.line(arguments));
        let shell = self.profile.shell(&line).env("LANG", "C.UTF-8");
        shell.on_screen(100, 30)
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        self.profile.shell(&self.line("kill-server")).run();
    }
}

#[test]
fn in_tmux_it_streams_resizes_is_left_and_come_back_to_and_copies() {
    let profile = profile();
    let Some(tmux) = Tmux::new(&profile) else {
        return;
    };
    let program = profile.program().display().to_string();
    let mut screen = tmux.open(&format!("new-session {program}"));
    screen.wait_for("say something to");
    say(&mut screen, "/demo count n=300 rate=100 row=300");
    screen.wait_for("1 2 3");
    for (width, height) in [(60, 20), (120, 40), (40, 12), (100, 30)] {
        screen.resize(width, height);
        screen.until("it is drawn for this size", |text| {
            let line = "─".repeat(usize::from(width));
            text.lines().any(|row| row == line)
        });
    }
    // It streams on while nobody looks.
    profile.shell(&tmux.line("detach-client")).run().expect(0);
    assert_eq!(screen.end().code(), Some(0));
    let mut screen = tmux.open("attach");
    let text = answered(&screen, "298 299 300");
    let all = numbers(&text);
    assert!(all.windows(2).all(|pair| pair[1] == pair[0] + 1), "{text}");

    say(&mut screen, "/demo say text=\"the answer is 42\"");
    answered(&screen, "the answer is 42\n");
    screen.send(b"\t");
    screen.wait_for("to the input");
    screen.send(b"k");
    screen.send(b"y");
    let copied = b"\x1b]52;";
    wait_until(Duration::from_secs(30), "the outer terminal got it", || {
        let raw = screen.raw();
        let at = raw.windows(copied.len()).position(|part| part == copied)?;
        let text = String::from_utf8_lossy(raw.get(at..at + 60)?).into_owned();
        // "the answer is 42"
        text.contains("dGhlIGFuc3dlciBpcyA0M").then_some(())
    });
    screen.send(b"\t");
    screen.wait_for("say something to");

    // A permission is answered as anywhere.
    say(&mut screen, "/demo permission command=\"echo ran >> ran\"");
    screen.wait_for_ready("yes, once");
    screen.send(b"y");
    answered(&screen, "with your permission");
    screen.send(b"bye");
    screen.wait_for("> bye");
    screen.send(b"\x03");
    screen.wait_for("cleared");
    screen.send(b"\x03");
    screen.wait_for("ctrl-c again leaves");
    screen.send(b"\x03");
    screen.end();
}

/// What is resized while an answer of some length streams, and how it ends up in the scrollback.
fn streams_through(sizes: &[(u16, u16)], pause: Duration) {
    let profile = profile();
    let Some(tmux) = Tmux::new(&profile) else {
        return;
    };
    let program = profile.program().display().to_string();
    let screen = tmux.open("new-session");
    wait_until(Duration::from_secs(30), "tmux runs", || {
        let there = profile.shell(&tmux.line("has-session")).run();
        (there.code == 0).then_some(())
    });
    tmux.ask("set -g window-size manual");
    tmux.resize(100, 24);
    tmux.ask(&format!("send-keys '{program} --inline' Enter"));
    let pane = |what: &str, is: &dyn Fn(&str) -> bool| {
        wait_until(Duration::from_mins(1), what, || {
            is(&tmux.everything()).then_some(())
        });
    };
    pane("it is there", &|text| text.contains("say something to"));
    tmux.ask("send-keys -l '/demo count n=700 rate=150 row=700'");
    pane("it is written", &|text| text.contains("rate=150"));
    // Keys that come too fast are a paste.
    screen.rests(Duration::from_secs(1));
    tmux.ask("send-keys Enter");
    pane("it streams", &|text| text.contains("esc interrupt"));
    for (width, height) in sizes.iter().copied() {
        tmux.resize(width, height);
        // a pause, because: how fast the sizes follow each other is what is tested.
        std::thread::sleep(pause);
    }
    pane("the turn has ended", &|text| {
        text.contains("700\n") && text.contains("say something to")
    });
    screen.rests(Duration::from_millis(1_200));
    let text = tmux.everything();
    let rows: Vec<&str> = text.lines().filter(|row| !row.is_empty()).collect();
    let said = rows.iter().position(|row| row.starts_with("❯ /demo count"));
    let rows = &rows[said.expect("what was said")..];
    let words: Vec<&str> = rows[1..]
        .iter()
        .flat_map(|row| row.split_whitespace())
        .collect();
    let wanted: Vec<String> = (1..=700).map(|number| number.to_string()).collect();
    assert!(
        words.starts_with(&wanted.iter().map(String::as_str).collect::<Vec<_>>()),
        "{text}"
    );
    // Behind it there is the input, and it is there once.
    let rest = words[700..].join(" ");
    assert!(rest.starts_with("────────────────────"), "{text}");
    for once in [
        &*"─".repeat(20),
        "say something to",
        "· demo demo ·",
        "ctrl-p",
    ] {
        assert_eq!(rest.matches(once).count(), 1, "{once}: {text}");
        assert_eq!(text.matches(once).count(), 1, "{once}: {text}");
    }
    for never in ["working", "esc interrupt", "write the next"] {
        assert!(!text.contains(never), "{text}");
    }
}

#[test]
fn inline_a_tmux_that_becomes_narrower_by_a_column_leaves_nothing_twice() {
    streams_through(&[(99, 24)], Duration::from_millis(100));
}

#[test]
fn inline_a_tmux_that_becomes_much_narrower_and_wide_again_leaves_nothing_twice() {
    let sizes = [
        (60, 20),
        (100, 24),
        (52, 24),
        (100, 18),
        (100, 30),
        (100, 24),
    ];
    streams_through(&sizes, Duration::from_millis(400));
}

#[test]
fn inline_a_tmux_with_thirty_sizes_within_a_second_leaves_nothing_twice() {
    let sizes: Vec<(u16, u16)> = (0..30_u16)
        .map(|step| (62 + step * 37 % 50, 18 + step * 7 % 11))
        .chain([(100, 24)])
        .collect();
    streams_through(&sizes, Duration::from_millis(20));
}
