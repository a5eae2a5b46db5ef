//! The agent's process tree: signals, stops, deaths; nothing of it is left behind.

use betcode_host::protocol::ToHost;
use betcode_host::remains;
use rustix::process::Signal;

use crate::support::{TestHost, agent_pid, eventually, is_running, kill, now, number_in};

/// Starts a grandchild in a session of its own, which ignores SIGTERM and holds stdout open; its id goes to a file.
fn with_grandchild(then: &str) -> (TestHost, u32) {
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("pid");
    let grandchild = format!(
        "trap \"\" TERM; echo $$ >{}; while :; do sleep 1; done",
        file.display()
    );
    let host = TestHost::shell(&format!("setsid sh -c '{grandchild}' & {then}"));
    let pid = number_in(&file);
    (host, pid)
}

#[test]
fn stop_kills_a_grandchild_in_its_own_session_when_the_agent_obeys() {
    let (host, grandchild) = with_grandchild("trap 'exit 5' TERM; while :; do sleep 0.05; done");
    let (mut daemon, _) = host.attach();
    assert!(is_running(grandchild));
    let began = now();
    daemon.send(&ToHost::Stop { grace_ms: 60_000 });
    assert_eq!(daemon.until_exited(), (Some(5), None, 0));
    assert!(
        began.elapsed().as_secs() < 30,
        "nobody waited for the grace"
    );
    eventually("the grandchild is killed", || !is_running(grandchild));
}

#[test]
fn stop_kills_an_agent_that_does_not_obey_after_the_grace() {
    let (host, grandchild) = with_grandchild("trap '' TERM; while :; do sleep 0.05; done");
    let (mut daemon, hello) = host.attach();
    daemon.send(&ToHost::Stop { grace_ms: 50 });
    assert_eq!(daemon.until_exited(), (None, Some(9), 0));
    eventually("everybody is killed", || {
        !is_running(grandchild) && !is_running(agent_pid(&hello))
    });
}

#[test]
fn an_agent_that_exits_by_itself_takes_its_tree_with_it() {
    let (host, grandchild) = with_grandchild("read go; exit 0");
    let (mut daemon, _) = host.attach();
    daemon.frame(1, b"go\n");
    assert_eq!(host.exit().code, Some(0));
    eventually("the grandchild is killed", || !is_running(grandchild));
}

#[test]
fn orphans_are_reaped_while_the_agent_runs() {
    let host =
        TestHost::shell("for i in 1 2 3 4 5; do (setsid true &) ; done; echo ready; read line");
    let (_daemon, hello) = host.attach();
    host.wait_for_spool(b"ready\n");
    eventually("only the agent is left below the host", || {
        let children =
            std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", host.pid)).unwrap();
        children.trim() == agent_pid(&hello).to_string()
    });
}

#[test]
fn a_signal_reaches_the_agent_and_nobody_else() {
    let (host, grandchild) = with_grandchild("trap 'exit 6' INT; while :; do sleep 0.05; done");
    let (mut daemon, _) = host.attach();
    daemon.send(&ToHost::Signal {
        signal: Signal::INT.as_raw(),
    });
    assert_eq!(daemon.until_exited().0, Some(6));
    eventually("the tree ends with the agent", || !is_running(grandchild));
}

#[test]
fn an_agent_can_be_interrupted_even_where_its_host_cannot() {
    let host =
        TestHost::uninterruptible("trap 'exit 6' INT; echo ready; while :; do sleep 0.05; done");
    let (mut daemon, _) = host.attach();
    host.wait_for_spool(b"ready\n");
    daemon.send(&ToHost::Signal {
        signal: Signal::INT.as_raw(),
    });
    assert_eq!(daemon.until_exited().0, Some(6));
}

#[test]
fn a_host_that_is_killed_takes_its_agent_along_and_leaves_what_it_had() {
    let host = TestHost::shell("echo out; read line");
    let (_daemon, hello) = host.attach();
    host.wait_for_spool(b"out\n");
    kill(host.pid, Signal::KILL);
    host.wait_until_ended();
    eventually("the agent is gone", || !is_running(agent_pid(&hello)));
    assert!(!remains::is_alive(host.path()).unwrap());
    assert!(remains::was_started(host.path()).unwrap());
    assert_eq!(remains::read_exit(host.path()).unwrap(), None);
    assert_eq!(host.spooled(), b"out\n");
}
