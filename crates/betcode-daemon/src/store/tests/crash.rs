//! The death of the process in the middle of commits.

use super::*;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// The directory in which a child of the test writes until it is killed.
const CHILD: &str = "BETCODE_STORE_TEST_CHILD";

/// Writes and says what was answered, until somebody ends it.
fn child(directory: &Path) -> ! {
    let (store, report) = open(directory);
    assert_eq!(report.epoch_changed, None);
    let logs: Vec<_> = (1..=3)
        .map(
            |number| match block_on(store.open_log(session(number))).unwrap() {
                Some(loaded) => loaded.log,
                None => add_session(&store, number, 1),
            },
        )
        .collect();
    loop {
        let answers: Vec<_> = logs
            .iter()
            .map(|log| {
                let mut append = more(log, 1 + log.head().0 % 9, 200);
                let last = append.chunk.as_ref().unwrap().last;
                append.checkpoint = Some(rows::checkpoint(last.0));
                (last, store.append(append))
            })
            .collect();
        let line: Vec<_> = answers
            .into_iter()
            .map(|(last, answer)| wait(answer).map(|()| last.to_string()).unwrap())
            .collect();
        println!("\ncommitted {}", line.join(" "));
    }
}

#[test]
fn a_kill_in_the_middle_of_commits_leaves_whole_chunks_and_everything_that_was_answered() {
    if let Some(directory) = std::env::var_os(CHILD) {
        child(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args([
                "a_kill_in_the_middle_of_commits_leaves_whole_chunks",
                "--nocapture",
            ])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut answered = Vec::new();
        let mut take = |line: String| {
            if let Some(numbers) = line.strip_prefix("committed ") {
                answered = numbers
                    .split(' ')
                    .map(|number| number.parse::<u64>().unwrap())
                    .collect();
            }
        };
        for line in lines.by_ref().take(20 + round * 37) {
            take(line.unwrap());
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let mut rest: Vec<_> = lines.map_while(Result::ok).collect();
        // The last line may be cut.
        rest.pop();
        rest.into_iter().for_each(take);
        assert_eq!(answered.len(), 3);

        let (store, report) = open(directory.path());
        assert!(report.unclean);
        assert_eq!((store.epoch(), report.epoch_changed), (EPOCH, None));
        for (number, answered) in (1..).zip(answered) {
            let loaded = block_on(store.open_log(session(number))).unwrap().unwrap();
            let head = loaded.log.head().0;
            assert!(
                head >= answered,
                "{answered} was answered, the log ends at {head}"
            );
            assert_eq!(loaded.checkpoint, Some(rows::checkpoint(head)));
            assert_tiles(&read_all(&store, &loaded.log), head);
        }
    }
}
