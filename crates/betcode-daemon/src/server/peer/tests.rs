//! Real processes, and where they stand.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command as Program, Stdio};

use betcode_core::command::{PermissionAnswer, QuestionAnswer};
use betcode_core::id::{ClientId, MessageId, RequestId};
use rustix::process::{Pid, Signal, kill_process, set_child_subreaper};
use uuid::Uuid;

use super::*;

const HOST: HostEpoch = HostEpoch(Uuid::from_u128(7));

/// A shell that prints one process id, and everything that it left, ended at the end of the test.
struct Tree {
    shell: Child,
    /// The process whose id it printed.
    inner: u32,
}

impl Tree {
    fn new(script: &str) -> Self {
        let mut shell = Program::new("/bin/sh")
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let inner = line.trim().parse().unwrap();
        Self { shell, inner }
    }

    fn where_is_inner(&self, host: u32) -> Standing {
        let started = proc::stat(self.inner).unwrap().started;
        standing(self.inner, started, &HashMap::from([(host, HOST)]))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Some(inner) = Pid::from_raw(self.inner.cast_signed()) {
            let _ended = kill_process(inner, Signal::KILL);
        }
        let _ended = self.shell.kill();
        let _status = self.shell.wait();
    }
}

#[test]
fn whoever_is_below_a_host_is_inside_however_far_and_nobody_else_is() {
    let own = std::process::id();
    let tree = Tree::new("(sleep 300 >/dev/null & echo $!; wait)& wait");
    let shell = tree.shell.id();
    for host in [own, shell, tree.inner] {
        assert_eq!(tree.where_is_inner(host), Standing::Inside(HOST), "{host}");
    }
    let other = Tree::new("sleep 300 >/dev/null & echo $!; wait");
    assert_eq!(tree.where_is_inner(other.shell.id()), Standing::Outside);
    assert_eq!(tree.where_is_inner(u32::MAX), Standing::Outside);
    let started = proc::stat(own).unwrap().started;
    let below = HashMap::from([(shell, HOST)]);
    assert_eq!(standing(own, started, &below), Standing::Outside);
}

#[test]
fn a_process_that_left_its_session_and_lost_its_parent_is_still_inside() {
    // As a host does.
    set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let mut tree = Tree::new("(setsid sleep 300 >/dev/null 2>&1 & echo $!)");
    tree.shell.wait().unwrap();
    let own = std::process::id();
    assert_eq!(tree.where_is_inner(own), Standing::Inside(HOST));
    assert_eq!(proc::stat(tree.inner).unwrap().parent, own);
    assert_eq!(tree.where_is_inner(tree.shell.id()), Standing::Outside);
}

#[test]
fn a_process_that_has_ended_or_is_another_one_with_its_id_cannot_be_told() {
    let hosts = HashMap::new();
    let own = std::process::id();
    let started = proc::stat(own).unwrap().started;
    assert_eq!(standing(own, started, &hosts), Standing::Outside);
    assert_eq!(standing(own, started + 1, &hosts), Standing::Unknown);
    let mut tree = Tree::new("echo $$");
    let ended = tree.inner;
    tree.shell.wait().unwrap();
    assert_eq!(standing(ended, started, &hosts), Standing::Unknown);
}

#[test]
fn a_program_name_with_brackets_and_blanks_hides_nothing() {
    let line = "12 (a) R 9 (x) S 77 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 99";
    let stat = Stat {
        parent: 77,
        started: 4711,
    };
    assert_eq!(proc::parse(line.as_bytes()), Some(stat));
    assert_eq!(proc::parse(b"12 (a) S 77 12"), None);
    assert_eq!(proc::parse(b""), None);
}

#[tokio::test]
async fn a_connection_is_followed_to_its_process_and_one_from_elsewhere_is_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let peer = Peer::of(&ours);
    assert_eq!(peer.pid, std::process::id());
    peer.keep_out(directory.path(), "answer").await.unwrap();
    let elsewhere = Peer {
        pid: 0,
        started: None,
    };
    elsewhere
        .keep_out(directory.path(), "answer")
        .await
        .unwrap();
    let vanished = Peer {
        started: None,
        ..peer
    };
    assert_eq!(
        vanished.keep_out(directory.path(), "answer").await,
        Err(Rejected::InsideAgent("answer"))
    );
}

#[test]
fn only_directories_of_hosts_that_live_count() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(living(&directory.path().join("gone")), HashMap::new());
    std::fs::create_dir(directory.path().join(HOST.to_string())).unwrap();
    std::fs::create_dir(directory.path().join("x")).unwrap();
    assert_eq!(living(directory.path()), HashMap::new());
}

#[test]
fn deciding_about_any_agent_is_sensitive_and_working_with_another_is_not() {
    let id = || RequestId::from("r");
    let always = [
        Action::AnswerPermission {
            id: id(),
            answer: PermissionAnswer::Deny {
                message: String::new(),
                interrupt: false,
            },
        },
        Action::AnswerQuestion {
            id: id(),
            answer: QuestionAnswer::Answered(Vec::new()),
        },
        Action::RequestLock,
        Action::ReleaseLock,
        Action::AnswerLock {
            client: ClientId::default(),
            grant: true,
        },
        Action::SetPermissionMode {
            mode: "plan".into(),
        },
        Action::Configure(Box::default()),
    ];
    for action in always {
        let found = sensitive(&action);
        assert!(matches!(found, Some(Sensitive::Always(_))), "{action:?}");
    }
    let message = |policy| Action::Message {
        text: String::new(),
        attachments: Vec::new(),
        policy,
    };
    let allowing = TurnPolicy {
        allowed_tools: vec!["Bash".into()],
        ..TurnPolicy::default()
    };
    let waiting = TurnPolicy {
        wait_ms: Some(1),
        ..TurnPolicy::default()
    };
    let for_itself = [
        message(allowing),
        message(waiting),
        Action::SendAgain {
            message_id: MessageId(Uuid::nil()),
        },
        Action::EditQueued {
            message_id: MessageId(Uuid::nil()),
            text: String::new(),
        },
        Action::Clear,
        Action::Close,
        Action::Delete,
    ];
    for action in for_itself {
        let found = sensitive(&action);
        assert!(matches!(found, Some(Sensitive::ForItself(_))), "{action:?}");
    }
    let careful = TurnPolicy {
        unattended: true,
        disallowed_tools: vec!["Bash".into()],
        ..TurnPolicy::default()
    };
    for action in [message(careful), Action::Cancel] {
        assert!(sensitive(&action).is_none(), "{action:?}");
    }
}
