//! Programs that answer, hang, flood, die, and leave others behind.

use std::sync::mpsc;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);
const ASKED: Program = Program {
    arguments: &["-c", "eval \"$SCRIPT\"", "sh", "--ask"],
    without: &[],
    question: "what?\n",
};

fn is_answer(line: &[u8]) -> bool {
    line.starts_with(b"answer")
}

struct Bench {
    directory: tempfile::TempDir,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Clock::new(None),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn begin(
        &self,
        script: &str,
        limit: Duration,
    ) -> (Running, mpsc::Receiver<Result<Vec<u8>, Failure>>) {
        let variables = [("PATH", "/usr/bin:/bin"), ("SCRIPT", script)];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = Environment(variables.into());
        let question = Question {
            program: "/bin/sh".into(),
            asked: ASKED,
            environment,
            directory: self.directory.path().to_owned(),
            is_answer: Box::new(is_answer),
            limit,
        };
        let (sender, answer) = mpsc::channel();
        let running = begin(question, self.clock.clone(), move |result| {
            sender.send(result).unwrap();
        });
        (running.unwrap(), answer)
    }

    fn answer(&self, script: &str, limit: Duration) -> Result<Vec<u8>, Failure> {
        let (running, answer) = self.begin(script, limit);
        let result = answer.recv_timeout(PATIENCE).unwrap();
        running.end();
        result
    }

    fn eventually(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let end = self.clock.uptime() + PATIENCE;
        while !is_so() {
            assert!(self.clock.uptime() < end, "not in time: {what}");
            std::thread::yield_now();
        }
    }

    /// Whether the process whose id a script has written into a file is gone.
    fn is_gone(&self, name: &str) -> bool {
        let pid = std::fs::read_to_string(self.file(name)).unwrap();
        match std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
            // Nobody may have buried it yet.
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        }
    }
}

#[test]
fn a_program_is_asked_on_stdin_and_read_until_it_has_answered() {
    let script = "read -r asked; echo before; echo \"answer $asked $1 $PWD\"; cat";
    let bench = Bench::new();
    let answer = bench.answer(script, PATIENCE).unwrap();
    let directory = bench.directory.path().display();
    assert_eq!(
        String::from_utf8(answer).unwrap(),
        format!("answer what? --ask {directory}")
    );
}

#[test]
fn an_answer_needs_no_end_of_its_line_where_the_program_ends() {
    let bench = Bench::new();
    assert_eq!(bench.answer("printf answer", PATIENCE).unwrap(), b"answer");
}

#[test]
fn a_program_that_ends_without_an_answer_says_so_at_once() {
    for script in ["exit 3", "echo hello", "kill -9 $$"] {
        let failure = Bench::new().answer(script, PATIENCE).unwrap_err();
        assert_eq!(failure, silent(), "{script}");
    }
}

#[test]
fn a_program_that_hangs_is_ended_with_what_it_has_started_also_outside_of_its_group() {
    let bench = Bench::new();
    let script = "setsid sleep 600 & echo $! > a.new; sleep 600 & echo $! > b.new; mv a.new a; mv b.new b; wait";
    let (running, answer) = bench.begin(script, Duration::from_secs(2));
    bench.eventually("it has started something", || bench.file("b").exists());
    let timeout = Failure::Offline {
        cause: Unreachable::Timeout,
    };
    assert_eq!(answer.recv_timeout(PATIENCE).unwrap(), Err(timeout));
    running.end();
    bench.eventually("it is gone", || bench.is_gone("a") && bench.is_gone("b"));
}

#[test]
fn what_a_program_that_has_answered_leaves_behind_is_ended_too() {
    let bench = Bench::new();
    let script = "(setsid sleep 600 > /dev/null & echo $! > a.new; mv a.new a); echo answer";
    let (running, answer) = bench.begin(script, PATIENCE);
    assert_eq!(answer.recv_timeout(PATIENCE).unwrap().unwrap(), b"answer");
    bench.eventually("it has ended", || running.is_over());
    bench.eventually("it is gone", || bench.is_gone("a"));
}

#[test]
fn a_program_that_nobody_waits_for_is_ended() {
    let bench = Bench::new();
    let (running, answer) = bench.begin("echo $$ > a.new; mv a.new a; sleep 600", PATIENCE);
    bench.eventually("it runs", || bench.file("a").exists());
    running.end();
    assert!(answer.recv_timeout(PATIENCE).unwrap().is_err());
    assert!(bench.is_gone("a"));
}

#[test]
fn a_program_that_has_answered_may_write_down_what_it_has_to() {
    let bench = Bench::new();
    let script = "echo answer; read -r asked; cat > /dev/null; sleep 0.2; echo done > written";
    let (running, answer) = bench.begin(script, PATIENCE);
    assert_eq!(answer.recv_timeout(PATIENCE).unwrap().unwrap(), b"answer");
    bench.eventually("it has ended", || running.is_over());
    assert!(bench.file("written").exists());
}

#[test]
fn a_flood_is_read_and_forgotten_and_has_an_end() {
    let bench = Bench::new();
    let line = "yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let answered = format!("{line} | head -c 20000000; echo answer");
    assert_eq!(bench.answer(&answered, PATIENCE).unwrap(), b"answer");
    let failure = bench.answer(line, PATIENCE).unwrap_err();
    assert!(
        failure.to_string().contains("writes and writes"),
        "{failure}"
    );
}

#[test]
fn a_line_that_is_too_long_is_no_answer_and_the_next_one_may_be() {
    let mut lines = Lines::default();
    let mut long = b"answer".repeat(LONGEST_LINE / 6 + 1);
    long.extend_from_slice(b"\nanswer 2\nanswer 3\n");
    let found = long
        .chunks(CHUNK)
        .find_map(|chunk| lines.find(chunk, is_answer));
    assert_eq!(found.unwrap(), b"answer 2");
}

#[test]
fn a_program_that_is_not_there_is_no_source() {
    let bench = Bench::new();
    let question = Question {
        program: "/nonexistent/claude".into(),
        asked: ASKED,
        environment: Environment::default(),
        directory: bench.directory.path().to_owned(),
        is_answer: Box::new(is_answer),
        limit: PATIENCE,
    };
    let (sender, answer) = mpsc::channel();
    let begun = begin(question, bench.clock.clone(), move |result| {
        sender.send(result).unwrap();
    });
    begun.unwrap().end();
    assert!(matches!(
        answer.recv().unwrap(),
        Err(Failure::Unavailable { .. })
    ));
}
