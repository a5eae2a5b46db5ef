//! The agent's stdout: byte for byte into segments, held back by the window only while a daemon is there.

use betcode_host::protocol::{FromHost, ToHost};
use betcode_host::spool;

use crate::support::{TestHost, eventually, shell};

/// What `seq 1 N` prints.
fn numbers(to: u32) -> Vec<u8> {
    (1..=to)
        .flat_map(|number| format!("{number}\n").into_bytes())
        .collect()
}

#[test]
fn what_the_agent_prints_arrives_byte_for_byte_line_by_line() {
    let host = TestHost::shell("while read -r line; do printf '%s\\n' \"$line\"; done");
    let (mut daemon, _) = host.attach();
    let mut reader = spool::Reader::new(host.path());
    let mut offset = 0;
    for number in 1..=200u64 {
        let line = format!("{{\"line\":{number},\"text\":\"ü\"}}\n");
        daemon.frame(number, line.as_bytes());
        let end = daemon.until_appended(offset + line.len() as u64);
        let mut got = Vec::new();
        reader.read(offset, end, &mut got, usize::MAX).unwrap();
        assert_eq!(String::from_utf8(got).unwrap(), line);
        offset = end;
    }
}

#[test]
fn bytes_that_are_no_text_and_a_last_line_without_an_end_arrive_too() {
    let host = TestHost::shell("printf 'a\\000\\377\\r\\n\\nlast'");
    assert_eq!(host.exit().stdout_end, 10);
    assert_eq!(host.spooled(), b"a\x00\xff\r\n\nlast");
}

#[test]
fn without_a_daemon_nothing_holds_the_agent_back_and_segments_rotate() {
    let mut spec = shell("seq 1 200000");
    spec.window = 1000;
    spec.segment_bytes = 100_000;
    let host = TestHost::start(&spec);
    let expected = numbers(200_000);
    assert_eq!(host.exit().stdout_end, expected.len() as u64);
    assert!(host.spooled() == expected);
    let segments = std::fs::read_dir(host.path()).unwrap();
    let segments = segments.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|end| end == "out")
    });
    assert!(segments.count() >= 7);
}

#[test]
fn the_window_stops_the_agent_and_every_commit_lets_it_go_on() {
    let mut spec = shell("seq 1 200000");
    spec.window = 10_000;
    spec.segment_bytes = 50_000;
    let host = TestHost::start(&spec);
    let (mut daemon, hello) = host.attach();
    let FromHost::Hello {
        stdout_end: mut end,
        ..
    } = hello
    else {
        panic!("{hello:?}")
    };
    let expected = numbers(200_000);
    let (mut got, mut reader) = (Vec::new(), spool::Reader::new(host.path()));
    while got.len() < expected.len() {
        if end == got.len() as u64 {
            end = daemon.until_appended(end + 1);
        }
        let before = got.len() as u64;
        reader.read(before, end, &mut got, usize::MAX).unwrap();
        daemon.send(&ToHost::Committed { offset: end });
        // One read beyond the window is what the host may have had in its hands.
        assert!(spool::end(host.path()).unwrap() <= end + 10_000 + 64 * 1024);
    }
    assert!(got == expected);
    assert_eq!(
        daemon.until_exited(),
        (Some(0), None, expected.len() as u64)
    );
    assert!(
        !host.file("00000000000000000000.out").exists(),
        "committed segments are deleted"
    );
}

#[test]
fn a_wider_window_lets_a_line_through_that_is_longer_than_the_old_one() {
    let mut spec = shell("head -c 300000 /dev/zero; read end");
    spec.window = 10_000;
    let host = TestHost::start(&spec);
    let (mut daemon, _) = host.attach();
    assert!(daemon.until_appended(10_001) < 300_000);
    daemon.send(&ToHost::Window { bytes: 400_000 });
    assert_eq!(daemon.until_appended(300_000), 300_000);
}

#[test]
fn the_window_lapses_when_the_daemon_goes() {
    let mut spec = shell("read go; seq 1 200000; echo done >&2; read end");
    spec.window = 10_000;
    let host = TestHost::start(&spec);
    let (mut daemon, _) = host.attach();
    daemon.frame(1, b"go\n");
    let held = daemon.until_appended(10_001);
    // The host stops within one read of the window; the agent cannot be done as long as nothing is committed.
    assert!(held <= 10_000 + 64 * 1024);
    daemon.send(&ToHost::Signal { signal: 0 });
    daemon.frame(2, b"");
    daemon.until_written(2);
    assert!(spool::end(host.path()).unwrap() <= 10_000 + 64 * 1024);
    drop(daemon);
    host.wait_for_spool(&numbers(200_000));
}

#[test]
fn a_spool_that_takes_nothing_loses_nothing() {
    let mut spec = shell("seq 1 2000; read go; seq 2001 40000");
    spec.segment_bytes = 1;
    let host = TestHost::start(&spec);
    let first = numbers(2000);
    let (mut daemon, _) = host.attach();
    eventually("the first part is spooled", || {
        spool::end(host.path()).unwrap() == first.len() as u64
    });
    daemon.send(&ToHost::Committed {
        offset: first.len() as u64,
    });
    // The next segment's name is taken, as if the disk refused it.
    let obstacle = host.file(&format!("{:020}.out", first.len()));
    std::fs::create_dir(&obstacle).unwrap();
    daemon.frame(1, b"go\n");
    daemon.until_written(1);
    daemon.until(
        |message| matches!(message, FromHost::Appended { end } if *end == first.len() as u64),
    );
    std::fs::remove_dir(&obstacle).unwrap();
    let mut got = Vec::new();
    let mut reader = spool::Reader::new(host.path());
    let expected = numbers(40_000).split_off(first.len());
    let mut end = first.len() as u64;
    while got.len() < expected.len() {
        end = daemon.until_appended(end + 1);
        reader
            .read((first.len() + got.len()) as u64, end, &mut got, usize::MAX)
            .unwrap();
        daemon.send(&ToHost::Committed { offset: end });
    }
    assert!(got == expected);
}
