//! A command of the user's own behind `usage --statusline`: it gets the same input, and what it prints is printed.
//!
//! Laws: after its time it is ended with everything that it has started, and before that nothing is: what it leaves behind, such as
//! something that fills a cache, goes on, and is not waited for although it may hold the output open; no more than [`MOST`] of its
//! output is kept; its stderr is that of this program.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// A status line is short.
const MOST: u64 = 1 << 16;

/// How long the output of a command that has ended may take to come to its end.
const REST: Duration = Duration::from_millis(200);
/// How often is looked whether it has ended: at first, and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));

/// What came of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chained {
    /// What it printed, as far as it came.
    pub(super) output: Vec<u8>,
    /// Why that may not be all.
    pub(super) problem: Option<String>,
}

/// Runs a command to its end, or to the end of its time.
pub(super) fn run(command: &[OsString], input: &[u8], patience: Duration) -> Chained {
    let Some((program, arguments)) = command.split_first() else {
        return Chained::default();
    };
    let mut started = Command::new(program);
    started
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // What it starts is ended with it.
        .process_group(0);
    let mut child = match started.spawn() {
        Ok(child) => child,
        Err(error) => {
            let name = program.to_string_lossy();
            return Chained {
                output: Vec::new(),
                problem: Some(format!("{name} cannot be run: {error}")),
            };
        }
    };
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_vec();
        // One that does not read its input is none the worse for it.
        thread::spawn(move || stdin.write_all(&input).is_ok());
    }
    match output(&mut child, patience) {
        Ok(output) => Chained {
            output,
            problem: None,
        },
        Err(output) => {
            end(&mut child);
            let (name, seconds) = (program.to_string_lossy(), patience.as_secs());
            let problem = format!("{name} was ended: it took longer than {seconds} s");
            Chained {
                output,
                problem: Some(problem),
            }
        }
    }
}

/// What it prints until it closes its output, or a little after its end; what it has printed so far, if that takes too long.
fn output(child: &mut Child, patience: Duration) -> Result<Vec<u8>, Vec<u8>> {
    let Some(stdout) = child.stdout.take() else {
        return Ok(Vec::new());
    };
    let (sender, parts) = channel();
    thread::spawn(move || {
        let mut stdout = stdout.take(MOST);
        let mut part = vec![0; 1 << 12];
        while let Ok(count) = stdout.read(&mut part) {
            let some = part.iter().take(count).copied().collect::<Vec<u8>>();
            if count == 0 || sender.send(some).is_err() {
                break;
            }
        }
    });
    let since = crate::clock::moment();
    let mut whole = Vec::new();
    let mut pause = LOOK.0;
    // Until when, once it has ended.
    let mut rest: Option<Duration> = None;
    loop {
        let passed = since.elapsed();
        if rest.is_none() && matches!(child.try_wait(), Ok(Some(_))) {
            rest = Some(passed + REST);
        }
        let left = match rest {
            Some(until) if passed >= until => return Ok(whole),
            Some(until) => until.saturating_sub(passed),
            None if passed >= patience => return Err(whole),
            None => pause.min(patience.saturating_sub(passed)),
        };
        match parts.recv_timeout(left) {
            Ok(part) => whole.extend(part),
            Err(RecvTimeoutError::Disconnected) => return Ok(whole),
            Err(RecvTimeoutError::Timeout) => pause = (pause * 2).min(LOOK.1),
        }
    }
}

/// Ends it with what it has started, and takes leave of it.
fn end(child: &mut Child) {
    if let Ok(pid) = i32::try_from(child.id())
        && let Some(group) = Pid::from_raw(pid)
    {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str, patience: Duration) -> Chained {
        let command = ["sh", "-c", line].map(OsString::from);
        run(&command, b"{\"model\":1}", patience)
    }

    #[test]
    fn a_command_gets_the_input_and_gives_its_output() {
        let chained = shell("cat; printf more", Duration::from_secs(30));
        assert_eq!(chained.output, b"{\"model\":1}more");
        assert_eq!(chained.problem, None);
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended_and_its_words_are_kept() {
        let chained = shell("echo begun; sleep 1000", Duration::from_millis(300));
        assert_eq!(chained.output, b"begun\n");
        assert!(chained.problem.unwrap().contains("was ended"));
    }

    #[test]
    fn what_a_command_leaves_behind_is_not_waited_for_and_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let line = format!(
            "mkfifo {0}; (read -r word <{0}; echo $word >{0}.got) & printf whole",
            pipe.display()
        );
        let since = crate::clock::moment();
        let chained = shell(&line, Duration::from_secs(30));
        assert!(since.elapsed() < Duration::from_secs(20));
        assert_eq!(chained.output, b"whole");
        assert_eq!(chained.problem, None);
        // It still listens: without it this would wait for ever.
        std::fs::write(&pipe, "word\n").unwrap();
        let got = directory.path().join("pipe.got");
        let since = crate::clock::moment();
        while std::fs::read(&got).unwrap_or_default() != b"word\n" {
            assert!(since.elapsed() < Duration::from_secs(30));
            thread::yield_now();
        }
    }

    #[test]
    fn a_command_that_is_not_there_is_named() {
        let chained = run(&["/no/such/program".into()], b"", Duration::from_secs(30));
        assert!(
            chained
                .problem
                .unwrap()
                .starts_with("/no/such/program cannot be run")
        );
    }

    #[test]
    fn endless_output_is_not_kept() {
        let chained = shell("yes", Duration::from_secs(30));
        assert_eq!(chained.output.len() as u64, MOST);
    }
}
