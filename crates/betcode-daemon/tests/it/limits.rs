//! Rate limits that the user has set.

use betcode_proto::v1::command::Action;
use tonic::Code;
use uuid::Uuid;

use crate::commands::{Client, Form, Outcome, Refused, command, message, start};
use crate::daemon::{Daemon, Ground};

const NAMES: [&str; 4] = [
    "rate-limit-limit",
    "rate-limit-remaining",
    "rate-limit-reset",
    "retry-after-ms",
];

fn limited(limits: &str) -> (Ground, Daemon) {
    let ground = Ground::new();
    std::fs::create_dir(ground.path("config")).unwrap();
    let text = format!(
        "limits = {{ {limits} }}\n[agents.claude]\ncommand = ['/bin/sh', '-c', 'exec /bin/cat']\n"
    );
    std::fs::write(ground.path("config/config.toml"), text).unwrap();
    let daemon = ground.start(&[]);
    (ground, daemon)
}

fn shown(outcome: &Outcome) -> [&str; 4] {
    let metadata = match outcome {
        Ok((_, metadata)) | Err(Refused { metadata, .. }) => metadata,
    };
    NAMES.map(|name| metadata.get(name).map_or("", String::as_str))
}

fn rename() -> Action {
    Action::Rename(betcode_proto::v1::Rename { title: "t".into() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn new_sessions_are_limited_and_each_says_how_many_remain_over_both_forms() {
    for form in Form::BOTH {
        let (ground, _daemon) = limited("sessions_per_hour = 2");
        let mut client = Client::of(&ground).await;
        let first = command(Uuid::now_v7(), start(&ground.state(), &[]));
        let outcome = client.send(form, first.clone()).await;
        assert_eq!(shown(&outcome), ["2", "1", "1800000", "0"], "{form:?}");
        let notices = outcome.unwrap().0.notices;
        assert_eq!(notices, ["You have 1 session remaining this hour."]);
        for _ in 0..5 {
            let (again, _) = client.send(form, first.clone()).await.unwrap();
            assert_eq!(
                again.notices, notices,
                "the same answer, and nothing is used up"
            );
        }
        let second = command(Uuid::now_v7(), start(&ground.state(), &[]));
        let outcome = client.send(form, second).await;
        assert_eq!(shown(&outcome)[..2], ["2", "0"]);
        let third = command(Uuid::now_v7(), start(&ground.state(), &[]));
        let outcome = client.send(form, third.clone()).await;
        let wait: u64 = shown(&outcome)[3].parse().unwrap();
        assert!((1_700_000..=1_800_000).contains(&wait), "{wait}");
        assert_eq!(shown(&outcome)[..2], ["2", "0"]);
        let refused = outcome.unwrap_err();
        assert_eq!(refused.code, Code::ResourceExhausted);
        assert!(
            refused
                .message
                .starts_with("too many new sessions: 2 in an hour"),
            "{}",
            refused.message
        );
        // A refusal is not remembered: after that time the same command is accepted.
        std::fs::write(ground.path("clock"), wait.to_string()).unwrap();
        client.send(form, third).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn messages_are_limited_for_each_session_and_other_commands_are_not() {
    for form in Form::BOTH {
        let (ground, _daemon) = limited("messages_per_minute = 1");
        let mut client = Client::of(&ground).await;
        let sessions = [Uuid::now_v7(), Uuid::now_v7()];
        for session in sessions {
            let made = client
                .send(form, command(session, start(&ground.state(), &[])))
                .await;
            assert_eq!(shown(&made), ["", "", "", ""]);
            made.unwrap();
            let said = client.send(form, command(session, message(&[]))).await;
            assert_eq!(shown(&said), ["1", "0", "60000", "0"], "{form:?}");
            said.unwrap();
            let refused = client.send(form, command(session, message(&[]))).await;
            assert_eq!(refused.unwrap_err().code, Code::ResourceExhausted);
            client.send(form, command(session, rename())).await.unwrap();
        }
    }
}
