//! A prompt that opens while somebody types: nothing typed is lost, and nothing is answered by a key that was pressed before the
//! prompt could be read.
//!
//! Ordinarily there are few rounds; `BETCODE_TEST_ROUNDS=1000` asks for more, and `BETCODE_TEST_SEED` for those of another run.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use betcode_testkit::Screen;

use super::{events, of, opened_with, say};
use crate::profile;

/// Rounds without being asked for more.
const ROUNDS: u64 = 40;
/// So many sessions have rounds at the same time: most of a round is waiting.
const LANES: u64 = 4;
/// So many requests come in one turn.
const AT_ONCE: u64 = 10;
/// For so long after the last key no prompt opens.
const QUIET: Duration = Duration::from_secs(1);
/// Nobody has read a prompt that has been there for less.
const UNREAD: Duration = Duration::from_millis(150);

/// What is pressed: all that would answer, and all else that one writes with.
const KEYS: [&str; 16] = [
    "y", "a", "A", "n", "d", "e", "1", "2", "j", "k", "s", "x", "yes", ENTER, ESCAPE, PASTE,
];
const ENTER: &str = "\r";
/// As the newer protocol has it, so that it is not the beginning of something else.
const ESCAPE: &str = "\x1b[27u";
const PASTE: &str = "\x1b[200~ynA1-pasted\x1b[201~";

/// Numbers that look random and are the same for the same seed.
struct Random(u64);

impl Random {
    /// One below a limit.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn keys_around_the_moment_in_which_a_prompt_opens_are_kept_and_answer_nothing() {
    let seed = number("BETCODE_TEST_SEED", 20_261_122);
    let rounds = number("BETCODE_TEST_ROUNDS", ROUNDS).div_ceil(LANES);
    let open = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| scope.spawn(move || self::lane(seed + lane, rounds)))
            .collect();
        let open = lanes
            .into_iter()
            .map(|lane| lane.join().expect("no lane fails"));
        open.sum::<u64>()
    });
    println!(
        "{} rounds from seed {seed}; in {open} the prompt opened among the keys",
        rounds * LANES
    );
    assert!(
        open * 10 > rounds * LANES,
        "the keys come around that moment: {open}"
    );
}

/// Rounds in one session. Says in how many of them the prompt opened while keys came.
fn lane(seed: u64, rounds: u64) -> u64 {
    let mut random = Random(seed);
    let profile = profile();
    let mut screen = opened_with(profile.betcode(["--fullscreen"]));
    // It marks pastes, and sends keys by the newer protocol.
    screen.send(b"\x1b[?0u\x1b[?2004;2$y\x1b[?62c");
    let (mut typed, mut open) = (String::new(), 0);
    let mut wanted = Vec::new();
    for round in 0..rounds {
        let in_turn = round % AT_ONCE;
        if in_turn == 0 {
            screen.until("it is idle", |text| text.contains("> say something to"));
            let count = AT_ONCE.min(rounds - round);
            let said =
                format!("/demo permission command=\"echo {round}-{{n}} >> ran\" count={count}");
            say(&mut screen, &said);
        }
        let command = format!("echo {}-{} >> ran", round - in_turn, in_turn + 1);
        wanted.push(format!("{}-{}", round - in_turn, in_turn + 1));
        let what = format!("seed {seed}, round {round}");
        open += u64::from(self::round(
            &mut screen,
            &mut random,
            &mut typed,
            &command,
            &what,
        ));
    }
    screen.until("it is idle", |text| text.contains("> say something to"));
    let events = events(&profile);
    let said = of(&events, "user_input").into_iter();
    let said = said.filter_map(|event| event["text"].as_str());
    let said: String = said.filter(|text| !text.starts_with("/demo")).collect();
    let said: String = said.split_whitespace().collect();
    assert_eq!(
        said, typed,
        "seed {seed}: all that was typed was sent, in its order"
    );
    let ran = std::fs::read_to_string(profile.work().join("ran")).unwrap_or_default();
    assert_eq!(ran.lines().collect::<Vec<_>>(), wanted, "seed {seed}");
    open
}

/// One request: keys come around the moment in which it opens, and then it is allowed. Says whether it opened among them.
#[expect(
    clippy::disallowed_methods,
    reason = "keys come at moments of real time"
)]
fn round(
    screen: &mut Screen,
    random: &mut Random,
    typed: &mut String,
    command: &str,
    what: &str,
) -> bool {
    let last = Instant::now();
    screen.until(&format!("{what}: it waits"), |text| {
        text.contains("wants to use Bash") || is_open(text)
    });
    let mut due = last + QUIET + Duration::from_millis(random.below(450));
    due -= Duration::from_millis(200);
    let mut seen = None;
    let mut before = "";
    let mut from = typed.len();
    let mut what = what.to_owned();
    for _ in 0..=random.below(6) {
        while Instant::now() < due {
            if seen.is_none() && is_open(&screen.text()) {
                seen = Some(Instant::now());
            }
            // a pause, because: keys come at moments of their own.
            std::thread::sleep(Duration::from_millis(2));
        }
        if seen.is_some_and(|seen| seen.elapsed() > UNREAD) {
            break;
        }
        let mut key = KEYS[usize::try_from(random.below(KEYS.len() as u64)).unwrap_or(0)];
        // Twice in a row it interrupts the turn, and that is meant.
        if key == ESCAPE && before == ESCAPE {
            key = "y";
        }
        before = key;
        let at = last.elapsed().as_millis();
        let open = seen.map(|seen| seen.elapsed().as_millis());
        let _ = write!(what, "; {key:?} at {at} ms, open for {open:?} ms");
        screen.send(key.as_bytes());
        if key == ENTER {
            from = typed.len();
        }
        typed.push_str(match key {
            ENTER | ESCAPE => "",
            PASTE => "ynA1-pasted",
            text => text,
        });
        due = Instant::now() + Duration::from_millis(random.below(40));
    }
    // All of it has been taken in when the end of it is there.
    let draft = typed.get(from..).unwrap_or_default();
    if !draft.is_empty() {
        screen.until(&format!("{what}; {draft:?} is written"), |text| {
            text.contains(&format!("> {draft}\n"))
        });
    }
    screen.send(b"\x19");
    screen.until(&format!("{what}; it is open"), is_open);
    screen.wait_for_ready("yes, once");
    let text = screen.text();
    let asked = text.rsplit("▲ Bash").next().unwrap_or_default();
    assert!(
        asked.contains(command),
        "{what}: {command} still waits: {text}"
    );
    screen.send(b"y");
    let text = screen.until(&format!("{what}: it is answered"), |text| {
        !is_open(text) && text.lines().any(|row| row.starts_with("> "))
    });
    let is_empty = |text: &str| {
        text.contains("> write the next message") || text.contains("> say something to")
    };
    if !is_empty(&text) {
        screen.send(ENTER.as_bytes());
        screen.until(&format!("{what}: it is sent"), is_empty);
    }
    seen.is_some()
}

fn is_open(text: &str) -> bool {
    text.contains("yes, once")
}
