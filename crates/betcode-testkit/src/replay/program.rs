//! The process that plays: arguments, pipes, the record, and how it ends.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};

use anyhow::{Context as _, Result};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::Value;

use super::plan::Plan;
use super::player::{Do, Manner, Player};
use super::record::{Record, What, Writer};
use super::transcript::Transcript;

/// The exit code after something was written that must not be.
pub const REFUSED: i32 = 70;

/// What the process was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The recording.
    pub transcript: PathBuf,
    /// Where everything is written down.
    pub record: Option<PathBuf>,
    /// What a host gave to `claude`.
    pub arguments: Vec<String>,
    /// How it plays.
    pub manner: Manner,
}

impl Started {
    /// From the command line: `[--play FILE] [--record FILE] [--mark]`, then what a host gives to `claude`. `BETCODE_REPLAY` and
    /// `BETCODE_REPLAY_RECORD` name the files as well.
    pub fn new(
        arguments: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self> {
        let mut arguments = arguments.into_iter().peekable();
        let path = |name: &str| variable(name).map(PathBuf::from);
        let mut transcript = path("BETCODE_REPLAY");
        let mut record = path("BETCODE_REPLAY_RECORD");
        let mut manner = Manner {
            take_up: variable("CLAUDE_CODE_RESUME_INTERRUPTED_TURN").is_some(),
            mark: false,
        };
        loop {
            match arguments.peek().map(String::as_str) {
                Some("--play") => transcript = arguments.nth(1).map(PathBuf::from),
                Some("--record") => record = arguments.nth(1).map(PathBuf::from),
                Some("--mark") => manner.mark = arguments.next().is_some(),
                _ => break,
            }
        }
        Ok(Self {
            transcript: transcript.context("no recording: --play FILE, or BETCODE_REPLAY")?,
            record,
            arguments: arguments.collect(),
            manner,
        })
    }

    /// The conversation that it was told to begin or to resume.
    fn session(&self) -> Option<&str> {
        ["--session-id", "--resume"].into_iter().find_map(|flag| {
            let at = self
                .arguments
                .iter()
                .position(|argument| argument == flag)?;
            self.arguments.get(at + 1).map(String::as_str)
        })
    }
}

/// Plays. Gives the exit code.
pub fn run(started: &Started) -> Result<i32> {
    let transcript = Transcript::read(&started.transcript)?;
    let plan = Plan::of(&transcript);
    let version = plan.version.clone();
    let mut stdout = std::io::stdout().lock();
    if started
        .arguments
        .iter()
        .any(|argument| argument == "--version")
    {
        let version = version.unwrap_or_else(|| "2.1.330".to_owned());
        writeln!(stdout, "{version} (Claude Code)")?;
        return Ok(0);
    }
    let before = started
        .record
        .as_deref()
        .map(Record::read)
        .unwrap_or_default();
    let mut record = Writer::open(started.record.as_deref())?;
    let session = started
        .session()
        .unwrap_or("00000000-0000-4000-8000-000000000000");
    let mut player = Player::new(plan, before.next(), session, started.manner);
    record.write(player.at(), What::Began(started.arguments.clone()))?;
    let input = lines();
    loop {
        while let Ok(line) = input.try_recv() {
            take(line, &mut player, &mut record)?;
        }
        let problems = player.problems();
        if !problems.is_empty() {
            return refuse(&problems, player.at(), &mut record);
        }
        match player.go_on() {
            Do::Say(line) => {
                let said = serde_json::from_str(&line).unwrap_or(Value::String(line.clone()));
                record.write(player.at(), What::Said(said))?;
                writeln!(stdout, "{line}")?;
                stdout.flush()?;
            }
            Do::Err(line) => writeln!(std::io::stderr(), "{line}")?,
            Do::Wait { what } => {
                record.write(player.at(), What::Waits(what.to_owned()))?;
                take(input.recv().ok().flatten(), &mut player, &mut record)?;
            }
            Do::End(code) => {
                record.write(player.at(), What::Ends(code))?;
                return Ok(end(code));
            }
        }
    }
}

fn take(line: Option<String>, player: &mut Player, record: &mut Writer) -> Result<()> {
    let Some(line) = line else {
        player.ended();
        return Ok(());
    };
    let got = serde_json::from_str(&line).unwrap_or(Value::String(line.clone()));
    record.write(player.at(), What::Got(got))?;
    player.written(&line);
    Ok(())
}

fn refuse(problems: &[String], at: usize, record: &mut Writer) -> Result<i32> {
    for problem in problems {
        record.write(at, What::Problem(problem.clone()))?;
        writeln!(std::io::stderr(), "replay: {problem}")?;
    }
    Ok(REFUSED)
}

/// What comes on stdin, line by line; nothing at its end.
fn lines() -> Receiver<Option<String>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut stdin = BufReader::new(std::io::stdin());
        loop {
            let mut line = Vec::new();
            let read = stdin.read_until(b'\n', &mut line).unwrap_or_default();
            let text = String::from_utf8_lossy(&line);
            let line = (read > 0).then(|| text.trim_end_matches('\n').to_owned());
            let over = line.is_none();
            if sender.send(line).is_err() || over {
                return;
            }
        }
    });
    receiver
}

/// Ends by a signal, if that is how the recorded process ended.
fn end(code: i32) -> i32 {
    let signal = code.checked_neg().and_then(Signal::from_named_raw);
    if let Some(signal) = signal.filter(|_| code < 0)
        && kill_process(getpid(), signal).is_ok()
    {
        std::thread::park();
    }
    code
}
