//! The agent's stdin: every frame whole and once, over reconnects, under flood, until it is closed.

use betcode_host::protocol::{FromHost, ToHost, VERSION};
use betcode_host::spool;

use crate::support::{TestHost, shell};

#[test]
fn frames_are_written_once_over_reconnects_and_repeated_numbers_are_acknowledged_and_dropped() {
    let host = TestHost::shell("cat");
    let (mut daemon, _) = host.attach();
    daemon.frame(1, b"one\n");
    daemon.frame(2, b"two\n");
    daemon.until_written(2);
    drop(daemon);
    let (mut daemon, hello) = host.attach();
    assert!(
        matches!(
            hello,
            FromHost::Hello {
                written: 2,
                exited: false,
                version: VERSION,
                ..
            }
        ),
        "{hello:?}"
    );
    daemon.frame(2, b"two\n");
    assert_eq!(
        daemon.until(|message| matches!(message, FromHost::Written { .. })),
        FromHost::Written { frame: 2 }
    );
    daemon.frame(3, b"three\n");
    daemon.until_written(3);
    host.wait_for_spool(b"one\ntwo\nthree\n");
}

#[test]
fn a_gap_in_the_numbers_closes_the_connection_and_nothing_is_written() {
    let host = TestHost::shell("cat");
    let (mut daemon, _) = host.attach();
    daemon.frame(2, b"two\n");
    daemon.expect_closed();
    let (mut daemon, _) = host.attach();
    daemon.frame(1, b"one\n");
    daemon.until_written(1);
    host.wait_for_spool(b"one\n");
}

#[test]
fn a_frame_of_12_mb_goes_in_whole_while_stdout_floods() {
    // The agent prints without reading for a while, then counts what it was given.
    let mut spec = shell("seq 1 500000; head -c 12582913 | cksum; seq 1 1000; read end");
    spec.window = u64::MAX;
    let host = TestHost::start(&spec);
    let (mut daemon, _) = host.attach();
    let mut frame: Vec<u8> = (0..12_582_912u32)
        .map(|number| b'a' + (number % 23) as u8)
        .collect();
    frame.push(b'\n');
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &frame).unwrap();
    let expected = std::process::Command::new("cksum")
        .stdin(file.reopen().unwrap())
        .output()
        .unwrap()
        .stdout;
    daemon.frame(1, &frame);
    daemon.until_written(1);
    let numbers = |to: u32| (1..=to).flat_map(|number| format!("{number}\n").into_bytes());
    let whole: Vec<u8> = numbers(500_000)
        .chain(expected)
        .chain(numbers(1000))
        .collect();
    daemon.until_appended(whole.len() as u64);
    assert!(host.spooled() == whole);
}

#[test]
fn a_blocked_stdin_does_not_stop_stdout_or_commits() {
    let mut spec = shell("read go; seq 1 300000; read end");
    spec.window = 1000;
    let host = TestHost::start(&spec);
    let (mut daemon, _) = host.attach();
    daemon.frame(1, b"go\n");
    daemon.frame(2, &vec![b'x'; 4 << 20]);
    let wanted = (1..=300_000u32)
        .map(|number| number.to_string().len() as u64 + 1)
        .sum();
    let mut end = 0;
    while end < wanted {
        end = daemon.until_appended(end + 1);
        daemon.send(&ToHost::Committed { offset: end });
    }
    assert_eq!(spool::end(host.path()).unwrap(), wanted);
}

#[test]
fn frames_after_the_agent_closed_its_stdin_are_reported() {
    let host = TestHost::shell(
        "read line; exec 0<&-; echo closed; trap 'exit 0' TERM; while :; do sleep 1; done",
    );
    let (mut daemon, _) = host.attach();
    daemon.frame(1, b"one\n");
    daemon.until_written(1);
    // The host notices by itself, before another frame comes.
    let message = daemon.until(|message| matches!(message, FromHost::StdinClosed { .. }));
    assert_eq!(message, FromHost::StdinClosed { frame: 2 });
    daemon.frame(2, b"two\n");
    let message = daemon.until(|message| matches!(message, FromHost::StdinClosed { .. }));
    assert_eq!(message, FromHost::StdinClosed { frame: 2 });
    let (mut daemon, _) = host.attach();
    let message = daemon.until(|message| matches!(message, FromHost::StdinClosed { .. }));
    assert_eq!(message, FromHost::StdinClosed { frame: 2 });
    daemon.send(&ToHost::Stop { grace_ms: 5000 });
}

#[test]
fn closing_stdin_writes_everything_accepted_before() {
    let host = TestHost::shell("cat; echo end");
    let (mut daemon, _) = host.attach();
    daemon.frame(1, b"one\n");
    daemon.send(&ToHost::CloseStdin);
    daemon.frame(2, b"late\n");
    let message = daemon.until(|message| matches!(message, FromHost::StdinClosed { .. }));
    assert_eq!(message, FromHost::StdinClosed { frame: 2 });
    assert_eq!(daemon.until_exited(), (Some(0), None, 8));
    assert_eq!(host.spooled(), b"one\nend\n");
    assert_eq!(host.exit().stdin_written, 1);
}
