//! What an agent may not do: decide about itself. The agent here is a shell; what it starts, out of its own session and with
//! no parent left, is this very test program, which tries.

#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::path::Path;

use betcode_proto::v1::command::Action;
use betcode_proto::v1::trust_service_client::TrustServiceClient;
use betcode_proto::v1::{
    AllowTool, AnswerPermission, LaunchOptions, PermissionScope, ReleaseLock, Rename, RequestLock,
    SetPermissionMode, SetTrustRequest, answer_permission,
};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::commands::{Client, Form, command, message, start};
use crate::daemon::{Ground, connect, until};

const SOCKET: &str = "TEST_SOCKET";
const REPORT: &str = "TEST_REPORT";
const OWN: &str = "TEST_OWN";
const OTHER: &str = "TEST_OTHER";
const TEST: &str = "inside::a_process_that_an_agent_started_decides_nothing_and_one_outside_does";

/// What is tried, on the agent's own session and on another one, and whether it is refused there.
fn attempts() -> Vec<(&'static str, Action, [bool; 2])> {
    let answer = AnswerPermission {
        id: "none".into(),
        answer: Some(answer_permission::Answer::Allow(AllowTool {
            scope: PermissionScope::Once.into(),
            input_json: String::new(),
        })),
    };
    let mode = SetPermissionMode {
        mode: "plan".into(),
    };
    let rename = Rename {
        title: "mine".into(),
    };
    vec![
        ("answer", Action::AnswerPermission(answer), [true, true]),
        ("ask", Action::RequestLock(RequestLock {}), [true, true]),
        ("give", Action::ReleaseLock(ReleaseLock {}), [true, true]),
        ("mode", Action::SetPermissionMode(mode), [true, true]),
        (
            "configure",
            Action::Configure(LaunchOptions::default()),
            [true, true],
        ),
        ("allow", message(&["Bash"]), [true, false]),
        ("rename", Action::Rename(rename), [false, false]),
    ]
}

/// One line for each attempt that was refused because of where it came from.
async fn refusals(channel: Channel, own: Uuid, other: Uuid, trusts: &Path) -> String {
    let mut report = String::new();
    for (index, session) in [own, other].into_iter().enumerate() {
        for form in Form::BOTH {
            let mut client = Client::new(channel.clone());
            for (name, action, _) in attempts() {
                if let Err(refused) = client.send(form, command(session, action)).await
                    && refused.reason == "INSIDE_AGENT"
                {
                    writeln!(report, "{name} {index} {form:?} {:?}", refused.code).unwrap();
                }
            }
        }
    }
    let request = SetTrustRequest {
        directory: trusts.display().to_string(),
        trusted: true,
    };
    if let Err(status) = TrustServiceClient::new(channel).set_trust(request).await {
        writeln!(report, "trust {:?}", status.code()).unwrap();
    }
    report
}

/// The part of the process inside: it tries, and writes down what was refused.
async fn try_from_inside(socket: &str) {
    let variable = |name| std::env::var(name).unwrap();
    let session = |name| Uuid::parse_str(&variable(name)).unwrap();
    let report = variable(REPORT);
    let report = Path::new(&report);
    let channel = connect(Path::new(socket)).await.unwrap();
    let directory = report.parent().unwrap();
    let refused = refusals(channel, session(OWN), session(OTHER), directory).await;
    let temporary = report.with_extension("new");
    std::fs::write(&temporary, refused).unwrap();
    std::fs::rename(temporary, report).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_process_that_an_agent_started_decides_nothing_and_one_outside_does() {
    // The agent starts this same test, which finds out by this variable that it is the one inside.
    if let Ok(socket) = std::env::var(SOCKET) {
        return try_from_inside(&socket).await;
    }
    let ground = Ground::new();
    std::fs::create_dir(ground.path("config")).unwrap();
    std::fs::create_dir(ground.path("work")).unwrap();
    let program = std::env::current_exe().unwrap();
    // The other session's agent has no socket to try, so it only waits.
    let script = format!(
        "if [ \"${SOCKET}\" ]; then (setsid \"$0\" --exact {TEST} >/dev/null 2>&1 &); fi; exec cat >/dev/null"
    );
    let text = format!(
        "[agents.claude]\ncommand = ['/bin/sh', '-c', '{script}', '{}']\n",
        program.display()
    );
    std::fs::write(ground.path("config/config.toml"), text).unwrap();
    let _daemon = ground.start(&[]);
    let socket = ground.endpoint().unwrap().socket;
    let report = ground.path("report");
    let (own, other) = (Uuid::now_v7(), Uuid::now_v7());

    let mut client = Client::of(&ground).await;
    let environment = [
        ("PATH", "/usr/bin:/bin".to_owned()),
        (SOCKET, socket),
        (REPORT, report.display().to_string()),
        (OWN, own.to_string()),
        (OTHER, other.to_string()),
    ];
    let work = ground.path("work");
    for (session, environment) in [(own, &environment[..]), (other, &environment[..1])] {
        let made = command(session, start(&work, environment));
        client.send(Form::Submit, made).await.unwrap();
    }
    let said = command(own, message(&[]));
    client.send(Form::Submit, said).await.unwrap();
    let inside = until("the process inside has tried everything", || {
        std::fs::read_to_string(&report).ok()
    });

    let mut expected = String::new();
    for index in 0..2 {
        for form in Form::BOTH {
            for (name, _, refused) in attempts() {
                if refused[index] {
                    writeln!(expected, "{name} {index} {form:?} PermissionDenied").unwrap();
                }
            }
        }
    }
    expected.push_str("trust PermissionDenied\n");
    assert_eq!(inside, expected);
    let outside = refusals(ground.connect().await, own, other, &work).await;
    assert_eq!(outside, "");
}
