//! The interactive screen on a terminal of 200 × 50, as its user has it: how long until something is there and a key is seen,
//! what an answer costs, and that nothing is done while nothing happens.
//!
//! Times are from outside: from the start of the process or the press of a key until the bytes could be read.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::flood::{Load, play};
use super::profile::{Daemon, Place, Profile, Session};
use super::report::{Goal, Report, percentile};
use super::terminal::Terminal;
use super::{Options, calibrate, goals, process, rivals};

/// What the input shows when it can be used and is empty.
const READY: &str = "say something to";
/// A tick of the system's clock, in nanoseconds.
const TICK_NS: f64 = 10_000_000.0;
/// The time between two keys of a person who types fast.
const TYPING: Duration = Duration::from_millis(40);
/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(10);
/// The words of an answer, and how many come each second.
pub(super) const WORDS: u32 = 2_000;
pub(super) const WORDS_A_SECOND: u32 = 100;

/// Measures the screen.
pub(super) fn run(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    starts(place, options, report)?;
    conversation(place, options, report)?;
    long(place, options, report)?;
    if options.rivals {
        rivals::run(options, report);
    }
    Ok(())
}

/// The screen in a profile.
fn open(profile: &Profile, arguments: &[&str]) -> Result<Terminal> {
    let defaults: &[&str] = if arguments.is_empty() {
        &["--agent", "demo"]
    } else {
        &[]
    };
    Terminal::start(&profile.command(&[arguments, defaults].concat()))
}

/// From the start of the process until something is on the screen.
fn starts(place: &Place, options: &Options, report: &mut Report) -> Result<()> {
    let repetitions = if options.quick { 3 } else { 15 };
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    let profile = place.profile()?;
    let daemon = profile.start()?;
    for _ in 0..repetitions {
        warm.push(first_frame(&profile)?);
    }
    daemon.stop()?;
    for _ in 0..repetitions {
        let profile = place.profile()?;
        cold.push(first_frame(&profile)?);
        let stopped = profile.command(&["daemon", "stop", "--agents"]).output()?;
        ensure!(
            stopped.status.success(),
            "the daemon that was started could not be stopped: {}",
            String::from_utf8_lossy(&stopped.stderr)
        );
    }
    for (what, samples, goal) in [
        ("a daemon runs", &warm, goals::FRAME_WARM),
        ("a daemon is started", &cold, goals::FRAME_COLD),
    ] {
        report.add(
            format!("screen, first frame and input, {what}"),
            "ms",
            Goal::Below(goal),
            samples,
            None,
        );
    }
    Ok(())
}

fn first_frame(profile: &Profile) -> Result<f64> {
    let mut terminal = open(profile, &[])?;
    terminal.wait_for(READY)?;
    // The daemon is reached before the screen goes away.
    terminal.rests()?;
    let frame = terminal.first(|screen| !screen.trim().is_empty())?;
    let input = terminal.first(|screen| screen.contains(READY))?;
    ensure!(
        (input - frame).abs() < 1.0,
        "the input came {} ms after the first frame",
        input - frame
    );
    Ok(frame)
}

/// Keys, one after the other, until each can be seen. The draft is cleared.
pub(super) fn typed(terminal: &mut Terminal, count: usize) -> Result<Vec<f64>> {
    let mut keys = Vec::new();
    let mut draft = String::new();
    for letter in ('a'..='z').cycle().take(count) {
        draft.push(letter);
        let at = terminal.send(letter.to_string().as_bytes())?;
        keys.push((at, draft.clone()));
        std::thread::sleep(TYPING);
    }
    terminal.wait_for(&draft)?;
    let echoes = terminal.echoes(&keys)?;
    // Ctrl-C with a draft clears it.
    terminal.send(b"\x03")?;
    terminal.until("the draft is gone", |screen| !screen.contains(&draft))?;
    Ok(echoes)
}

fn add_keys(report: &mut Report, what: &str, mut delays: Vec<f64>, last: Goal) {
    for (name, percent, goal) in [("median", 50, Goal::Below(goals::KEY)), ("99 %", 99, last)] {
        let value = percentile(&mut delays, percent);
        let what = format!("screen, {what}, {name}");
        report.add(what, "ms", goal, &[value], None);
    }
}

/// What ten seconds cost in which there is nothing to do.
pub(super) const IDLE_UNITS: [(&str, &str); 3] = [
    ("written", "bytes/s"),
    ("processor in 10 s", "ticks"),
    ("wake-ups in 10 s", ""),
];

/// Ten seconds without anything to do, in [`IDLE_UNITS`], of these processes.
pub(super) fn idle(terminal: &Terminal, family: &[u32]) -> Result<[f64; 3]> {
    let now = || -> Result<[f64; 3]> {
        Ok([
            number(terminal.bytes()) / IDLE.as_secs_f64(),
            sum(family, process::time)? / TICK_NS,
            sum(family, process::switches)?,
        ])
    };
    let before = now()?;
    // a pause, because: nothing happens, for so long
    std::thread::sleep(IDLE);
    let after = now()?;
    Ok(std::array::from_fn(|index| {
        let at = |values: [f64; 3]| values.get(index).copied().unwrap_or(f64::NAN);
        at(after) - at(before)
    }))
}

fn rest(report: &mut Report, terminal: &Terminal, when: &str) -> Result<()> {
    terminal.rests()?;
    let measured = idle(terminal, &[terminal.pid()])?;
    for ((name, unit), value) in IDLE_UNITS.into_iter().zip(measured) {
        report.add(
            format!("screen, idle {when}: {name}"),
            unit,
            Goal::Below(0.0),
            &[value],
            None,
        );
    }
    Ok(())
}

/// What an answer costs.
pub(super) const ANSWER_UNITS: [(&str, &str); 4] = [
    ("bytes a word", "bytes"),
    ("frames a second", "/s"),
    ("processor", "s"),
    ("resident after it", "MB"),
];

/// What it costs to show the answer to this, in [`ANSWER_UNITS`], of these processes.
pub(super) fn answer(
    terminal: &mut Terminal,
    family: impl Fn(u32) -> Vec<u32>,
    said: &str,
    whole: impl Fn(&str) -> bool,
    settled: impl Fn(&Terminal) -> Result<()>,
) -> Result<[f64; 4]> {
    let pid = terminal.pid();
    let (bytes, time) = (terminal.bytes(), sum(&family(pid), process::time)?);
    terminal.say(said)?;
    terminal.until("the answer is whole", whole)?;
    settled(terminal)?;
    let family = family(pid);
    let words = f64::from(WORDS);
    let seconds = words / f64::from(WORDS_A_SECOND);
    Ok([
        number(terminal.bytes() - bytes) / words,
        number(terminal.frames(bytes)) / seconds,
        (sum(&family, process::time)? - time) / 1e9,
        sum(&family, |pid| process::status_mb(pid, "VmRSS:"))?,
    ])
}

/// Of a program and what belongs to it, which may end while one looks.
fn sum(family: &[u32], of: impl Fn(u32) -> Result<f64>) -> Result<f64> {
    let (program, others) = family.split_first().context("no program")?;
    let others = others.iter().filter_map(|pid| of(*pid).ok());
    Ok(of(*program)? + others.sum::<f64>())
}

/// One conversation: idle, keys, an answer, idle again, keys while text streams.
fn conversation(place: &Place, options: &Options, report: &mut Report) -> Result<()> {
    let keys = if options.quick { 50 } else { 150 };
    let profile = place.profile()?;
    let daemon = profile.start()?;
    let mut terminal = open(&profile, &[])?;
    terminal.wait_for(READY)?;
    rest(report, &terminal, "before an answer")?;
    let echoes = typed(&mut terminal, keys)?;
    add_keys(report, "a key is seen, idle", echoes, Goal::None);

    terminal.rests()?;
    let last = WORDS.to_string();
    let ends = |line: &str| line.split_whitespace().next_back() == Some(last.as_str());
    let costs = answer(
        &mut terminal,
        |pid| vec![pid],
        &format!("/demo count n={WORDS} rate={WORDS_A_SECOND} row={WORDS}"),
        |screen| screen.lines().any(ends) && screen.contains(READY),
        Terminal::rests,
    )?;
    let ceilings = [
        goals::WORD_BYTES,
        goals::FRAMES,
        goals::ANSWER_CPU,
        goals::SCREEN_MB,
    ];
    for (((what, unit), value), goal) in ANSWER_UNITS.into_iter().zip(costs).zip(ceilings) {
        let what = format!("screen, an answer of {WORDS} words: {what}");
        report.add(what, unit, Goal::Below(goal), &[value], None);
    }
    rest(report, &terminal, "after an answer")?;

    let spent = under_load(&mut terminal, keys, "1,000 pieces/s", report)?;
    let share = spent / 1e9 / (TYPING.as_secs_f64() * number(keys));
    report.add(
        "screen, 1,000 pieces/s and keys: processor",
        "of one",
        Goal::None,
        &[share],
        None,
    );
    drop(terminal);
    daemon.stop()
}

/// Keys while text streams; says how much processor time that took.
fn under_load(
    terminal: &mut Terminal,
    keys: usize,
    what: &str,
    report: &mut Report,
) -> Result<f64> {
    // Long enough for all the keys, which have their pauses.
    let seconds = u64::try_from(keys)? * 45 / 1_000 + 4;
    terminal.say(&format!(
        "/demo flood n={} rate=1000 size=24",
        seconds * 1_000
    ))?;
    terminal.wait_for("..........")?;
    let time = process::time(terminal.pid())?;
    let echoes = typed(terminal, keys)?;
    let spent = process::time(terminal.pid())? - time;
    let last = Goal::Below(goals::KEY_LOADED);
    add_keys(report, &format!("a key is seen, {what}"), echoes, last);
    Ok(spent)
}

/// A session with many events.
fn long(place: &Place, options: &Options, report: &mut Report) -> Result<()> {
    let profile = place.profile()?;
    let daemon = profile.start()?;
    let mut session = daemon.session()?;
    let load = Load {
        lines: options.lines,
        rate: 0,
        mixed: true,
        stamped: false,
    };
    play(&daemon, &mut session, load, 1)?;
    let measured = long_session(&profile, options, report, &session);
    stop_after(daemon, measured)
}

fn stop_after(daemon: Daemon, measured: Result<()>) -> Result<()> {
    measured.and(daemon.stop())
}

fn long_session(
    profile: &Profile,
    options: &Options,
    report: &mut Report,
    session: &Session,
) -> Result<()> {
    let repetitions = if options.quick { 2 } else { 7 };
    let what = format!("screen, {} events", session.head);
    // Text and thinking take turns, and thinking is folded.
    let newest = ((options.lines - 1) | 1).to_string();
    let mut shown = Vec::new();
    for _ in 0..repetitions {
        let mut terminal = open(profile, &["--resume", &session.id])?;
        terminal.wait_for(&newest)?;
        shown.push(terminal.first(|screen| screen.contains(&newest))?);
    }
    report.add(
        format!("{what}: the newest are shown"),
        "ms",
        Goal::Below(goals::ATTACHED),
        &shown,
        None,
    );
    let mut terminal = open(profile, &["--resume", &session.id])?;
    terminal.wait_for(&newest)?;
    terminal.rests()?;
    resident(&terminal, &format!("{what}: resident"), report)?;
    let keys = if options.quick { 50 } else { 150 };
    let mut pages = Vec::new();
    for _ in 0..keys {
        pages.push(terminal.send(b"\x1b[5~")?);
        std::thread::sleep(TYPING);
    }
    terminal.rests()?;
    let mut answers = terminal.answers(&pages);
    for (name, percent) in [("median", 50), ("99 %", 99)] {
        let value = percentile(&mut answers, percent);
        let what = format!("{what}, a page up, {name}");
        report.add(what, "ms", Goal::None, &[value], None);
    }
    to_the_top(&mut terminal, keys, &newest)?;
    let where_to = format!("{what}: resident after the way to the top and back");
    resident(&terminal, &where_to, report)?;
    let what = format!("{} events and 1,000 pieces/s", session.head);
    under_load(&mut terminal, keys, &what, report)?;
    resident(&terminal, &format!("screen, {what}: resident"), report)
}

/// To the first thing that was ever said, some pages on from there, and back to the end.
fn to_the_top(terminal: &mut Terminal, keys: usize, newest: &str) -> Result<()> {
    terminal.send(b"\t")?;
    terminal.until("the conversation has the keys", |screen| {
        screen.contains("j down")
    })?;
    terminal.send(b"g")?;
    terminal.wait_for("    1 ......")?;
    for _ in 0..keys {
        terminal.send(b"\x1b[6~")?;
        std::thread::sleep(TYPING);
    }
    terminal.send(b"G")?;
    terminal.wait_for(newest)?;
    terminal.send(b"\t")?;
    terminal.wait_for(READY)?;
    terminal.rests()
}

fn resident(terminal: &Terminal, what: &str, report: &mut Report) -> Result<()> {
    let resident = process::status_mb(terminal.pid(), "VmRSS:").context("the screen is gone")?;
    let goal = Goal::Below(goals::SCREEN_MB);
    report.add(what, "MB", goal, &[resident], None);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn number(count: usize) -> f64 {
    count as f64
}
