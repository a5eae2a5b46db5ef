//! What becomes due, also when nothing can be written and after a restart. Here it is always somebody who asks for the input
//! lock and gets no answer for ten seconds.

use std::time::Duration;

use betcode_proto::v1::command::Action;
use betcode_proto::v1::session_service_client::SessionServiceClient;
use betcode_proto::v1::{
    Attach, ClientInfo, ClientKind, Command, ConverseRequest, GetSessionRequest, RequestLock,
    converse_request, converse_response,
};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::commands::{Client, Form, command, start};
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
async fn asked(ground: &Ground, holder: &ClientInfo, asker: &ClientInfo) -> (Uuid, impl Sized) {
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
    while holder_of(&mut service, session).await.as_ref() != Some(holder) {}
    let asks = from(asker, session, Action::RequestLock(RequestLock {}));
    client.send(Form::Submit, asks).await.unwrap();
    (session, seat)
}

async fn holder_of(
    service: &mut SessionServiceClient<Channel>,
    session: Uuid,
) -> Option<ClientInfo> {
    let request = GetSessionRequest {
        id: session.to_string(),
    };
    let session = service.get_session(request).await.unwrap().into_inner();
    session.lock.unwrap().holder
}

fn ground() -> (Ground, Daemon) {
    let ground = Ground::new();
    std::fs::create_dir(ground.path("config")).unwrap();
    let text = "[agents.claude]\ncommand = ['/bin/cat']\n";
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
    while holder_of(&mut service, session).await.as_ref() == Some(&holder) {}
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
    while holder_of(&mut service, session).await.as_ref() != Some(&asker) {}
    until("it is gone", || (deadlines() == 0).then_some(()));
}
