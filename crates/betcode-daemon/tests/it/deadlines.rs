//! What becomes due, also when nothing can be written and after a restart. Here it is always somebody who asks for the input
//! lock and gets no answer for ten seconds; or does not wait for it, because the daemon ends.

use std::time::Duration;

use betcode_proto::v1::command::Action;
use betcode_proto::v1::session_service_client::SessionServiceClient;
use betcode_proto::v1::{
    AnswerPermission, Attach, ClientInfo, ClientKind, Command, ConverseRequest, ConverseResponse,
    DenyTool, GetSessionRequest, InputLock, RequestLock, answer_permission, converse_request,
    converse_response,
};
use tonic::Streaming;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::commands::{Client, Form, command, message, start};
use crate::daemon::{Daemon, Ground, until};

const HOUR: &str = "3600000";

fn person(name: &str) -> ClientInfo {
    ClientInfo {
        name: name.into(),
        place: "here".into(),
        id: Uuid::now_v7().into_bytes().to_vec().into(),
        kind: ClientKind::Interactive.into(),
    }
}

fn from(client: &ClientInfo, session: Uuid, action: Action) -> Command {
    Command {
        client: Some(client.clone()),
        ..command(session, action)
    }
}

/// The session is there, `holder` sits at it, and `asker` has asked for the lock.
async fn asked(
    ground: &Ground,
    holder: &ClientInfo,
    asker: &ClientInfo,
) -> (Uuid, Streaming<ConverseResponse>) {
    let (session, seat) = seated(ground, holder).await;
    let asks = from(asker, session, Action::RequestLock(RequestLock {}));
    Client::of(ground)
        .await
        .send(Form::Submit, asks)
        .await
        .unwrap();
    (session, seat)
}

/// The session is there, and `holder` sits at it.
async fn seated(ground: &Ground, holder: &ClientInfo) -> (Uuid, Streaming<ConverseResponse>) {
    let session = Uuid::now_v7();
    let mut client = Client::of(ground).await;
    let made = from(holder, session, start(&ground.state(), &[]));
    client.send(Form::Submit, made).await.unwrap();
    let attach = Attach {
        session_id: session.into_bytes().to_vec().into(),
        follow: true,
        client: Some(holder.clone()),
        ..Attach::default()
    };
    let request = ConverseRequest {
        request: Some(converse_request::Request::Attach(attach)),
    };
    // It stays open for as long as the stream of requests does.
    let requests = futures_util::StreamExt::chain(
        futures_util::stream::iter([request]),
        futures_util::stream::pending(),
    );
    let mut service = SessionServiceClient::new(ground.connect().await);
    let mut seat = service.converse(requests).await.unwrap().into_inner();
    let attached = seat.message().await.unwrap().unwrap().response;
    assert!(matches!(
        attached,
        Some(converse_response::Response::Attached(_))
    ));
    while lock_of(&mut service, session).await.holder.as_ref() != Some(holder) {}
    (session, seat)
}

async fn lock_of(service: &mut SessionServiceClient<Channel>, session: Uuid) -> InputLock {
    let request = GetSessionRequest {
        id: session.to_string(),
    };
    let session = service.get_session(request).await.unwrap().into_inner();
    session.lock.unwrap()
}

/// The agent asks at once whether it may do something, and waits.
fn ground() -> (Ground, Daemon) {
    let ground = Ground::new();
    std::fs::create_dir(ground.path("config")).unwrap();
    let asks = r#"{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"x"},"tool_use_id":"t1"}}"#;
    std::fs::write(ground.path("asks"), format!("{asks}\n")).unwrap();
    let script = format!(
        "/bin/cat {}; exec /bin/cat >/dev/null",
        ground.path("asks").display()
    );
    let text = format!("[agents.claude]\ncommand = ['/bin/sh', '-c', '{script}']\n");
    std::fs::write(ground.path("config/config.toml"), text).unwrap();
    let daemon = ground.start(&[]);
    (ground, daemon)
}

fn database(ground: &Ground) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(ground.state().join("log.db")).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    database
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is tested is how much time passes"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_due_while_nothing_can_be_written_is_tried_again_calmly_and_done_in_the_end() {
    let (ground, _daemon) = ground();
    let (holder, asker) = (person("holder"), person("asker"));
    let (session, _seat) = asked(&ground, &holder, &asker).await;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'no'); END";
    database(&ground).execute_batch(refuse).unwrap();
    let begun = std::time::Instant::now();
    std::fs::write(ground.path("clock"), HOUR).unwrap();
    until("it was tried three times", || {
        let log = std::fs::read_to_string(ground.state().join("logs/daemon.log")).ok()?;
        (log.matches("a commit failed").count() >= 3).then_some(())
    });
    assert!(begun.elapsed() >= Duration::from_millis(1_900));
    database(&ground)
        .execute_batch("DROP TRIGGER refuse")
        .unwrap();
    let mut service = SessionServiceClient::new(ground.connect().await);
    while lock_of(&mut service, session).await.holder.as_ref() == Some(&holder) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_deadline_of_an_earlier_daemon_is_gone_when_it_has_passed() {
    let (ground, daemon) = ground();
    let (holder, asker) = (person("holder"), person("asker"));
    let deadlines = || -> u32 {
        let database = database(&ground);
        let count = "SELECT count(*) FROM deadlines";
        database.query_row(count, (), |row| row.get(0)).unwrap()
    };
    let (session, _seat) = asked(&ground, &holder, &asker).await;
    assert_eq!(deadlines(), 1);
    drop(daemon);
    // Written before it starts, so that nothing comes before what is due.
    std::fs::write(ground.path("clock"), HOUR).unwrap();
    let _daemon = ground.start(&[]);
    let mut service = SessionServiceClient::new(ground.connect().await);
    while lock_of(&mut service, session).await.holder.as_ref() != Some(&asker) {}
    until("it is gone", || (deadlines() == 0).then_some(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_waits_for_the_lock_with_an_answer_when_the_daemon_ends_wants_nothing_more() {
    let (ground, mut daemon) = ground();
    let holder = person("holder");
    let (session, _seat) = seated(&ground, &holder).await;
    let said = from(&holder, session, message(&[]));
    let mut client = Client::of(&ground).await;
    client.send(Form::Submit, said).await.unwrap();
    until("the agent asks", || {
        let count = "SELECT count(*) FROM requests";
        let asked: u32 = database(&ground)
            .query_row(count, (), |row| row.get(0))
            .unwrap();
        (asked == 1).then_some(())
    });
    let one_shot = ClientInfo {
        kind: ClientKind::OneShot.into(),
        ..person("command")
    };
    let answer = AnswerPermission {
        id: "r1".into(),
        answer: Some(answer_permission::Answer::Deny(DenyTool::default())),
    };
    let answer = from(&one_shot, session, Action::AnswerPermission(answer));
    let mut service = SessionServiceClient::new(ground.connect().await);
    let ends = async {
        while lock_of(&mut service, session).await.requests.is_empty() {}
        daemon.signal(rustix::process::Signal::TERM);
    };
    let (answered, ()) = tokio::join!(client.send(Form::Submit, answer), ends);
    assert_eq!(answered.unwrap_err().code, tonic::Code::Unavailable);
    daemon.ended();
    let _next = ground.start(&[]);
    let mut service = SessionServiceClient::new(ground.connect().await);
    let lock = lock_of(&mut service, session).await;
    assert_eq!(lock.holder, Some(holder));
    assert_eq!(lock.requests, []);
}
