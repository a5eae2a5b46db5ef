//! A slow line: 200 ms each way and 10 kB/s. It stays usable: a key is seen about as soon as it can be, also while an agent writes
//! faster than the line takes it, because frames are left out and never queued up.

use std::time::{Duration, Instant};

use betcode_testkit::{Line, Profile, Screen};

use super::{answered, events, of, say};
use crate::profile;

const LINE: Line = Line {
    latency: Duration::from_millis(200),
    rate: 10_000,
};
/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(400);
/// What a machine that is busy with tests, and a frame that is under way, may add.
const A_LITTLE: Duration = Duration::from_millis(900);

/// A screen behind the slow line, on a terminal that answers what it is asked.
fn far_away(profile: &Profile) -> Screen {
    let command = profile.betcode(["--fullscreen"]);
    let mut screen = command.on_screen_behind(LINE, 100, 30);
    screen.send(b"\x1b[?0u\x1b[?2026;2$y\x1b[?2004;2$y\x1b[?2031;0$y\x1b[?62c");
    screen.wait_for("say something to");
    screen
}

/// How long it takes until what is typed is seen.
#[expect(clippy::disallowed_methods, reason = "it is slow in real time")]
fn seen_after(screen: &mut Screen, keys: &[u8], what: &str) -> Duration {
    let began = Instant::now();
    screen.send(keys);
    screen.wait_for(what);
    began.elapsed()
}

#[test]
fn keys_are_seen_and_heeded_while_more_streams_than_the_line_takes() {
    let profile = profile();
    let mut screen = far_away(&profile);
    let alone = seen_after(&mut screen, b"x", "> x");
    screen.send(b"\x7f");
    screen.wait_for("say something to");
    // Twice as much as the line takes.
    say(&mut screen, "/demo flood n=20000 size=100 rate=200");
    screen.wait_for("......");
    let (mut written, mut slowest) = (String::new(), Duration::ZERO);
    for c in "seen while it streams".chars() {
        written.push(c);
        let took = seen_after(
            &mut screen,
            c.to_string().as_bytes(),
            &format!("> {}", written.trim_end()),
        );
        slowest = slowest.max(took);
    }
    let cleared = seen_after(&mut screen, b"\x03", "cleared");
    let interrupted = seen_after(&mut screen, b"\x03", "interrupting");
    println!(
        "a key is seen after {} ms alone, {} ms at most while it streams; ctrl-c after {} and {} ms",
        alone.as_millis(),
        slowest.as_millis(),
        cleared.as_millis(),
        interrupted.as_millis()
    );
    answered(&screen, "interrupted");
    for took in [alone, slowest, cleared, interrupted] {
        assert!(
            took >= ROUND_TRIP && took < ROUND_TRIP + A_LITTLE,
            "{took:?}"
        );
    }
    let events = events(&profile);
    assert_eq!(of(&events, "cancel_requested").len(), 1);
}

#[test]
fn a_stream_that_the_line_takes_costs_few_bytes() {
    let profile = profile();
    let mut screen = far_away(&profile);
    say(&mut screen, "/demo count n=1000 rate=200 row=1000");
    screen.wait_for("1 2 3");
    let before = screen.bytes();
    answered(&screen, "998 999 1000");
    let bytes = screen.bytes() - before;
    let tenths = bytes / 100;
    println!(
        "{}.{} bytes for each delta on a slow line",
        tenths / 10,
        tenths % 10
    );
    assert!(bytes < 25_000, "{bytes}");
}
