//! Tests with a real kernel, in a network of their own.

use std::process::Command;
use std::time::Duration;

use super::*;

/// Set in the program that runs inside.
const INSIDE: &str = "BETCODE_TEST_NETWORK";
const NAME: &str = "usage::host::tests::a_network_that_comes_and_goes_is_told_and_nothing_else";

fn ip(arguments: &str) {
    let output = Command::new("ip")
        .args(arguments.split(' '))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "ip {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs this test again in a network that has nothing, not even a loopback that is up.
fn run_inside() {
    let inside = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", program]);
        command
    };
    let can = inside("ip").arg("link").output();
    if !can.is_ok_and(|output| output.status.success()) {
        let why = "skipped: this machine gives nobody a network of their own (unshare, ip)";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        println!("{why}");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let output = inside(program.to_str().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("1 passed"), "it ran: {said}");
}

/// What is said next; what is not said at once, though everything is done that would make it be said, is never said.
async fn said(signals: &mut Signals) -> Option<Signal> {
    let patience = Duration::from_secs(10);
    tokio::time::timeout(patience, signals.next()).await.ok()
}

#[tokio::test]
async fn a_network_that_comes_and_goes_is_told_and_nothing_else() {
    if std::env::var_os(INSIDE).is_none() {
        run_inside();
        return;
    }
    let mut signals = Signals::open(&Clock::new(None));
    // None of this leads out: what is heard next must be what comes after it.
    ip("link set lo up");
    ip("link add one type veth peer name other");
    ip("link set one up");
    ip("addr add 192.0.2.1/24 dev one");
    ip("route add blackhole default");
    ip("route del blackhole default");
    ip("link set other up");
    assert_eq!(
        said(&mut signals).await,
        Some(Signal::NetworkUp),
        "an address, and a carrier"
    );
    ip("link set other down");
    assert_eq!(
        said(&mut signals).await,
        Some(Signal::NetworkDown),
        "the cable is pulled"
    );
    ip("link set other up");
    assert_eq!(said(&mut signals).await, Some(Signal::NetworkUp));
    ip("addr add 192.0.2.9/24 dev one");
    ip("addr del 192.0.2.9/24 dev one");
    ip("route add 198.51.100.0/24 via 192.0.2.2");
    ip("route add default via 192.0.2.2");
    assert_eq!(
        said(&mut signals).await,
        Some(Signal::NetworkUp),
        "a way to everywhere"
    );
    ip("route del default");
    ip("-6 addr flush dev one");
    ip("addr flush dev one");
    assert_eq!(said(&mut signals).await, Some(Signal::NetworkDown));
    ip("link set one down");
    ip("link del one");
    ip("link add one type veth peer name other");
    ip("link set one up");
    ip("link set other up");
    ip("-6 addr add 2001:db8::1/64 dev one nodad");
    assert_eq!(
        said(&mut signals).await,
        Some(Signal::NetworkUp),
        "the newer family alone"
    );
}

#[tokio::test]
async fn where_nothing_happens_nothing_is_said() {
    let mut signals = Signals::open(&Clock::new(None));
    let short = Duration::from_millis(50);
    let said = tokio::time::timeout(short, signals.next()).await;
    // Another program may change this machine's network meanwhile, but nobody sends it to sleep.
    assert_ne!(said.ok(), Some(Signal::Woke));
}
