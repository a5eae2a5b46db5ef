//! Finding a daemon and starting one.

use std::ffi::OsString;
use std::fs;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use betcode_client::daemon::keeps;
use betcode_client::{ConnectError, Start, connect, connect_or_start};
use betcode_core::endpoint::{ENDPOINT_FILE, SOCKET_FILE};
use tokio::sync::oneshot;

use crate::fake::{Fake, Home};

fn shell(script: &str) -> Start {
    let command = ["/bin/sh", "-c", script].map(OsString::from).to_vec();
    Start::new(
        command,
        [("PATH", "/usr/bin:/bin")].map(|(name, value)| (name.into(), value.into())),
    )
}

/// What a daemon does last when it starts: it says where it is.
fn announcing(home: &Home) -> Start {
    let file = home.path().join(ENDPOINT_FILE);
    shell(&format!(
        "printf %s '{}' > '{}'",
        home.endpoint(),
        file.display()
    ))
}

#[tokio::test]
async fn without_an_endpoint_file_no_daemon_runs() {
    let home = Home::new();
    let error = connect(&home.profile()).await.unwrap_err();
    assert_eq!(
        error,
        ConnectError::NotRunning {
            state_dir: home.path().to_owned()
        }
    );
    assert!(error.to_string().starts_with("no daemon is running for /"));
}

#[tokio::test]
async fn an_endpoint_file_that_a_dead_daemon_left_means_that_none_runs() {
    let home = Home::new();
    home.announce_endpoint();
    let gone = connect(&home.profile()).await.unwrap_err();
    drop(UnixListener::bind(home.socket()).unwrap());
    let deaf = connect(&home.profile()).await.unwrap_err();
    fs::write(home.path().join(ENDPOINT_FILE), "{half").unwrap();
    let broken = connect(&home.profile()).await.unwrap_err();
    for error in [gone, deaf, broken] {
        assert!(matches!(error, ConnectError::NotRunning { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_socket_of_ones_own_choice_needs_no_endpoint_file() {
    let home = Home::new();
    let _fake = Fake::start_quietly(&home);
    let mut profile = home.profile();
    profile.socket = Some(home.socket());
    let connection = connect(&profile).await.unwrap();
    assert_eq!(connection.status().await.unwrap().pid, 7);
}

#[tokio::test]
async fn a_daemon_whose_endpoint_file_is_lost_or_damaged_is_found_where_it_usually_is() {
    let home = Home::new();
    let _fake = Fake::start_quietly(&home);
    fs::rename(home.socket(), home.path().join(SOCKET_FILE)).unwrap();
    for damage in [None, Some("{{{")] {
        if let Some(text) = damage {
            fs::write(home.path().join(ENDPOINT_FILE), text).unwrap();
        }
        let connection = connect(&home.profile()).await.unwrap();
        assert_eq!(connection.status().await.unwrap().pid, 7);
    }
}

#[tokio::test]
async fn a_daemon_of_another_protocol_is_not_used() {
    let home = Home::new();
    let _fake = Fake::start(&home);
    let other = home.endpoint().replace("\"protocol\":1", "\"protocol\":9");
    fs::write(home.path().join(ENDPOINT_FILE), other).unwrap();
    let error = connect(&home.profile()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the daemon (version 0.0.1) speaks protocol 9, this program speaks 1"
    );
}

#[tokio::test]
async fn a_daemon_that_runs_is_not_started_again() {
    let home = Home::new();
    let _fake = Fake::start(&home);
    let mut start = shell("exit 1");
    start.announce = Box::new(|| unreachable!("nothing is to be started"));
    connect_or_start(&home.profile(), start).await.unwrap();
}

#[tokio::test]
async fn where_a_dead_daemon_left_its_traces_one_is_started_and_announced() {
    let home = Home::new();
    home.announce_endpoint();
    drop(UnixListener::bind(home.socket()).unwrap());
    fs::remove_file(home.path().join(ENDPOINT_FILE)).unwrap();
    let _fake = Fake::start_quietly(&home);
    let (said, heard) = oneshot::channel();
    let mut start = announcing(&home);
    start.announce = Box::new(|| said.send(()).unwrap());
    let connection = connect_or_start(&home.profile(), start).await.unwrap();
    assert_eq!(connection.status().await.unwrap().pid, 7);
    heard.await.unwrap();
}

#[tokio::test]
async fn a_command_that_yields_to_another_daemon_is_no_failure() {
    for script in ["exit 0", "echo 'another daemon runs' >&2; exit 1"] {
        let home = Home::new();
        let _fake = Fake::start_quietly(&home);
        let (said, heard) = oneshot::channel();
        let mut start = shell(script);
        start.announce = Box::new(|| said.send(()).unwrap());
        let profile = home.profile();
        let other = async {
            heard.await.unwrap();
            home.announce_endpoint();
        };
        let (connection, ()) = tokio::join!(connect_or_start(&profile, start), other);
        connection.unwrap();
    }
}

#[tokio::test]
async fn a_start_that_fails_is_explained_by_its_stderr() {
    let home = Home::new();
    let start = shell("echo 'cannot open the log: disk full' >&2; exit 3");
    let error = connect_or_start(&home.profile(), start).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the daemon could not be started: its command ended with exit status: 3\ncannot open the log: disk full"
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let home = Home::new();
    let start = Start::new(vec!["/no/such/betcode".into()], []);
    let error = connect_or_start(&home.profile(), start).await.unwrap_err();
    assert!(
        error.to_string().contains("/no/such/betcode: No such file"),
        "{error}"
    );
}

#[tokio::test]
async fn a_daemon_that_does_not_get_ready_in_time_is_given_up() {
    let home = Home::new();
    let fifo = home.path().join("fifo");
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    let mut start = shell(&format!(
        "echo 'still working' >&2; read line < '{}'",
        fifo.display()
    ));
    start.patience = Duration::from_secs(1);
    let error = connect_or_start(&home.profile(), start).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the daemon could not be started: it was not ready after 1 s\nstill working"
    );
    // Lets the command end.
    drop(fs::OpenOptions::new().write(true).open(fifo).unwrap());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_daemon_gets_nothing_of_the_terminal_that_started_it() {
    let home = Home::new();
    let _fake = Fake::start_quietly(&home);
    let out = home.path().join("out");
    // Inherited by every child that does not take care.
    let (read, _write) = rustix::pipe::pipe().unwrap();
    let flags = rustix::io::fcntl_getfd(&read).unwrap();
    assert!(!flags.contains(rustix::io::FdFlags::CLOEXEC));
    let script = format!(
        "exec > '{out}'; env; echo cwd=$(pwd); ls -l /proc/$$/fd; echo stderr=$(readlink /proc/$$/fd/2); echo pid=$(cut -d' ' -f1 /proc/$$/stat); \
         echo session=$(cut -d' ' -f6 /proc/$$/stat); echo tty=$(cut -d' ' -f7 /proc/$$/stat); read line && echo stdin; \
         printf %s '{endpoint}' > '{file}'",
        out = out.display(),
        endpoint = home.endpoint(),
        file = home.path().join(ENDPOINT_FILE).display()
    );
    let mut start = shell(&script);
    for (name, value) in [
        ("HOME", "/home/me"),
        ("LC_ALL", "C"),
        ("BETCODE_STATE_DIR", "/s"),
        ("HTTPS_PROXY", "http://one:1"),
        ("https_proxy", "http://two:2"),
        ("no_proxy", "localhost"),
        ("NODE_EXTRA_CA_CERTS", "/corp.pem"),
        ("ANTHROPIC_API_KEY", "secret"),
        ("SSH_AUTH_SOCK", "/agent"),
    ] {
        start.environment.push((name.into(), value.into()));
    }
    connect_or_start(&home.profile(), start).await.unwrap();
    let out = fs::read_to_string(out).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    for line in [
        "HOME=/home/me",
        "LC_ALL=C",
        "BETCODE_STATE_DIR=/s",
        "HTTPS_PROXY=http://one:1",
        "https_proxy=http://two:2",
        "no_proxy=localhost",
        "NODE_EXTRA_CA_CERTS=/corp.pem",
        "cwd=/",
        "tty=0",
    ] {
        assert!(lines.contains(&line), "{line} is not in {out}");
    }
    assert!(
        !out.contains("ANTHROPIC") && !out.contains("SSH_AUTH"),
        "{out}"
    );
    // The shell sets these itself.
    let own = ["PWD", "OLDPWD", "SHLVL", "_"];
    for (name, _) in std::env::vars().filter(|(name, _)| !own.contains(&name.as_str())) {
        let line = format!("{name}=");
        assert!(
            keeps(&name) || !lines.iter().any(|other| other.starts_with(&line)),
            "{name} is in {out}"
        );
    }
    assert!(!lines.contains(&"stdin"), "{out}");
    let value = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
    assert!(value("pid=").is_some(), "{out}");
    assert_eq!(
        value("session="),
        value("pid="),
        "it leads a session of its own"
    );
    assert!(
        out.contains("stderr=") && out.contains("startup.log"),
        "{out}"
    );
    let inherited = format!("pipe:[{}]", rustix::fs::fstat(&read).unwrap().st_ino);
    assert!(!out.contains(&inherited), "{out}");
}
