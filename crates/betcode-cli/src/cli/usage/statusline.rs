//! `usage --statusline`: what Claude Code gives to the command of its status line goes to the daemon, and one short line comes out.
//!
//! Somebody's prompt waits for it. Laws: it ends with success, within [`PATIENCE`] for the input, as much for the daemon, and
//! [`COMMAND`] for a command of the user's own; it prints a line whatever happens; what goes wrong is told on stderr; it starts no
//! daemon, because one that is not there cannot be ready in time: without one the line is made of the input alone.

mod chained;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use betcode_client::UsageAccount;
use jiff::tz::TimeZone;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::de::IgnoredAny;
use usage_core::format::Paint;
use usage_core::provider::claude;
use usage_core::reading::{Account, ProviderId};

use super::overview::{Overview, account_of};
use crate::clock;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on};
use crate::output::say;

/// How long the input may take, and how long the daemon.
const PATIENCE: Duration = Duration::from_millis(700);
/// How long a command of the user's own may take.
const COMMAND: Duration = Duration::from_secs(5);
/// More than this is not read: Claude Code gives a few KiB.
const MOST: usize = 1 << 20;
/// What is printed when nothing is known.
const NOTHING: &str = "usage unknown";

/// Prints a line, whatever happens.
pub(super) fn run(command: Vec<OsString>, context: &mut Context) -> Exit {
    let (input, problem) = input();
    if let Some(problem) = problem.or_else(|| nonsense(&input)) {
        say(&format!("Error: {problem}"));
    }
    let beside = (!command.is_empty()).then(|| {
        let input = input.clone();
        thread::spawn(move || chained::run(&command, &input, COMMAND))
    });
    let mut line = line(&input, context);
    let mut printed = Vec::new();
    if let Some(Ok(chained)) = beside.map(thread::JoinHandle::join) {
        if let Some(problem) = chained.problem {
            say(&format!("Error: {problem}"));
        }
        printed = chained.output;
        if !printed.is_empty() && !printed.ends_with(b"\n") {
            printed.push(b'\n');
        }
    }
    line.push('\n');
    printed.extend_from_slice(line.as_bytes());
    // A reader that has gone away is not our user's trouble.
    let _ = context.output.write(&printed);
    let _ = context.output.flush();
    Exit::Success
}

/// What came on stdin, and what is wrong with it. A terminal is not waited for.
fn input() -> (Vec<u8>, Option<String>) {
    let stdin = rustix::stdio::stdin();
    if rustix::termios::isatty(stdin) {
        return (Vec::new(), None);
    }
    let mut bytes = Vec::new();
    let problem = read(&mut bytes).err();
    (bytes, problem)
}

/// Reads to the end, or to the end of the value: somebody may keep the pipe open.
fn read(bytes: &mut Vec<u8>) -> Result<(), String> {
    let stdin = rustix::stdio::stdin();
    let since = clock::moment();
    let mut part = vec![0; 1 << 16];
    loop {
        let left = PATIENCE.saturating_sub(since.elapsed());
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: left.subsec_nanos().into(),
        };
        let ready = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&wait));
        match ready.map_err(io::Error::from) {
            Ok(0) => return Err("the input did not end in time".to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("the input cannot be read: {error}")),
        }
        let count = match rustix::io::read(stdin, &mut part) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
            Err(error) => return Err(format!("the input cannot be read: {error}")),
        };
        bytes.extend(part.iter().take(count));
        if bytes.len() > MOST {
            bytes.truncate(MOST);
            return Err(format!("the input is longer than {} KiB", MOST >> 10));
        }
        if count == 0 || is_whole(bytes) {
            return Ok(());
        }
    }
}

/// What is wrong with an input that came as a whole. None is none.
fn nonsense(input: &[u8]) -> Option<String> {
    let is_object = input.trim_ascii_start().starts_with(b"{")
        && serde_json::from_slice::<IgnoredAny>(input).is_ok();
    (!is_object && !input.trim_ascii().is_empty()).then(|| {
        "the input is no JSON object; Claude Code gives one to the command of its status line"
            .to_owned()
    })
}

fn is_whole(bytes: &[u8]) -> bool {
    bytes.trim_ascii_end().ends_with(b"}") && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// What to say of the plans: what the daemon knows, or else what the input says.
fn line(input: &[u8], context: &Context) -> String {
    let now = clock::now();
    let account = Account("default".to_owned());
    // None: the session has had no answer yet, or the login has no plan. What is wrong with the input was told.
    let own = claude::statusline(input, &account, now).unwrap_or_default();
    let mut accounts = match daemon(input, own.is_empty(), context) {
        Ok(accounts) => accounts,
        Err(failure) => {
            let report = failure.report.map(|report| report.message);
            say(&format!("note: {}", report.unwrap_or_default()));
            Vec::new()
        }
    };
    if !own.is_empty() && accounts.iter().all(|it| it.readings.is_empty()) {
        accounts = vec![account_of(own)];
    }
    if accounts.is_empty() {
        return NOTHING.to_owned();
    }
    let paint = if context.output.colours() {
        Paint::Ansi
    } else {
        Paint::Plain
    };
    let overview = Overview {
        accounts: &accounts,
        days: &[],
        choice: None,
        now,
        zone: &TimeZone::UTC,
    };
    overview.line(paint)
}

/// Hands the input to a daemon that runs, and asks what is known of this login; of everything, if the input says nothing.
fn daemon(input: &[u8], is_nothing: bool, context: &Context) -> Result<Vec<UsageAccount>, Failure> {
    let link = Link::new(context, Policy::Never)?.quiet();
    let config_dir = context.environment.text("CLAUDE_CONFIG_DIR");
    let asks = async {
        let daemon = link.connect().await?;
        if is_nothing {
            return Ok(daemon.usage().await?);
        }
        let pushed = daemon.push_statusline(input.to_vec(), config_dir.unwrap_or_default());
        let mut accounts = pushed.await?;
        let home = context.environment.text("HOME").unwrap_or_default();
        let name = account_name(home, config_dir.unwrap_or_default());
        accounts.retain(|it| it.provider == ProviderId::Claude && it.account.0 == name);
        Ok(accounts)
    };
    block_on(async {
        let answer = tokio::time::timeout(PATIENCE, asks).await;
        answer.unwrap_or_else(|_| {
            Err(Failure::connection(
                "DAEMON_SILENT",
                "the daemon did not answer in time",
            ))
        })
    })
}

/// What the daemon calls the account of a directory.
fn account_name(home: &str, config_dir: &str) -> String {
    let directory: PathBuf = Path::new(config_dir).components().collect();
    if config_dir.is_empty() || directory == Path::new(home).join(".claude") {
        return "default".to_owned();
    }
    match directory.strip_prefix(home) {
        Ok(rest) => format!("~/{}", rest.display()),
        Err(_) => directory.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_called_as_the_daemon_calls_it() {
        for (directory, name) in [
            ("", "default"),
            ("/home/ann/.claude/", "default"),
            ("/home/ann/work", "~/work"),
            ("/srv//claude", "/srv/claude"),
        ] {
            assert_eq!(account_name("/home/ann", directory), name);
        }
    }

    #[test]
    fn an_input_that_is_no_object_is_nonsense_and_none_is_not() {
        for input in [&b"[]"[..], b"1", b"{", b"{} {}", b"\xff"] {
            assert!(nonsense(input).is_some(), "{input:?}");
        }
        for input in [&b""[..], b" \n", b" {}\n", b"{\"a\": 1}"] {
            assert_eq!(nonsense(input), None);
        }
    }

    #[test]
    fn the_end_of_the_input_is_the_end_of_its_value() {
        assert!(is_whole(b"{\"a\": {}}\n"));
        assert!(!is_whole(b"{\"a\": {}"));
        assert!(!is_whole(b""));
    }
}
