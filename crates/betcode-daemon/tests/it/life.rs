//! Starting, being found, being alone, and ending.

use std::os::unix::fs::PermissionsExt as _;

use betcode_core::endpoint::{ENDPOINT_FILE, LONGEST_SOCKET_PATH, SOCKET_FILE};
use betcode_proto::v1::agent_service_client::AgentServiceClient;
use betcode_proto::v1::feed_service_client::FeedServiceClient;
use betcode_proto::v1::trust_service_client::TrustServiceClient;
use betcode_proto::v1::{
    GetStatusRequest, ListAgentsRequest, ListTrustRequest, SetTrustRequest, ShutdownRequest,
    WatchRequest,
};
use rustix::process::Signal;

use crate::daemon::{Ground, connect, output, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_tells_what_it_is_and_ends_when_it_is_asked_to_leaving_no_way_to_it() {
    let ground = Ground::new();
    let mut daemon = ground.start(&[]);
    let mut client = ground.client().await;
    let status = client
        .get_status(GetStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(status.pid, daemon.pid());
    assert_eq!(status.state_dir, ground.state().display().to_string());
    assert_eq!(
        status.socket,
        ground.state().join(SOCKET_FILE).display().to_string()
    );
    assert_eq!(
        (
            status.clients,
            status.sessions,
            status.agents,
            status.ephemeral
        ),
        (1, 0, 0, false)
    );
    assert_eq!(status.epoch.len(), 16);
    let mut second = ground.client().await;
    second.get_status(GetStatusRequest {}).await.unwrap();
    let status = client
        .get_status(GetStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(status.clients, 2);
    drop(second);
    client
        .shutdown(ShutdownRequest { stop_agents: false })
        .await
        .unwrap();
    assert!(daemon.ended().success());
    assert!(!ground.state().join(ENDPOINT_FILE).exists());
    assert!(!ground.state().join(SOCKET_FILE).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_two_for_one_directory_one_lives_and_the_other_says_so() {
    let ground = Ground::new();
    let first = ground.start(&[]);
    let second = output(ground.command(&[]));
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    let expected = format!(
        "Error: a daemon already runs for {} (pid {})\n",
        ground.state().display(),
        first.pid()
    );
    assert!(said.starts_with(&expected), "{said}");
    assert_eq!(ground.endpoint().unwrap().pid, first.pid());
    ground
        .client()
        .await
        .get_status(GetStatusRequest {})
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_many_that_start_at_once_exactly_one_lives() {
    let ground = Ground::new();
    let mut all: Vec<_> = (0..6)
        .map(|_| ground.command(&[]).spawn().unwrap())
        .collect();
    until("all but one have ended", || {
        let running = all
            .iter_mut()
            .filter_map(|child| child.try_wait().unwrap().is_none().then_some(()))
            .count();
        (running == 1).then_some(())
    });
    until("the one that is left can be reached", || ground.endpoint());
    let pid = ground.endpoint().unwrap().pid;
    for child in &mut all {
        match child.try_wait().unwrap() {
            None => assert_eq!(child.id(), pid),
            Some(status) => assert_eq!(status.code(), Some(1)),
        }
    }
    for mut child in all {
        let _ended = child.kill();
        child.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_killed_one_left_behind_is_replaced_by_the_next() {
    let ground = Ground::new();
    let mut killed = ground.start(&[]);
    killed.signal(Signal::KILL);
    killed.ended();
    assert_eq!(ground.endpoint().unwrap().pid, killed.pid());
    assert!(ground.state().join(SOCKET_FILE).exists());
    let next = ground.start(&[]);
    let status = ground
        .client()
        .await
        .get_status(GetStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(status.pid, next.pid());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_signal_ends_it_in_good_order_although_a_client_listens_for_ever() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let ground = Ground::new();
        let mut daemon = ground.start(&[]);
        let mut feed = FeedServiceClient::new(ground.connect().await);
        let request = WatchRequest {
            follow: true,
            ..WatchRequest::default()
        };
        let mut entries = feed.watch(request).await.unwrap().into_inner();
        entries.message().await.unwrap().unwrap();
        daemon.signal(signal);
        while let Ok(Some(_)) = entries.message().await {}
        assert!(daemon.ended().success(), "{signal:?}");
        assert!(!ground.state().join(SOCKET_FILE).exists());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_removed_socket_comes_back_with_its_endpoint_file() {
    let ground = Ground::new();
    let _daemon = ground.start(&[]);
    let mut old = ground.client().await;
    std::fs::remove_file(ground.state().join(ENDPOINT_FILE)).unwrap();
    std::fs::remove_file(ground.state().join(SOCKET_FILE)).unwrap();
    until("the endpoint is published again", || ground.endpoint());
    ground
        .client()
        .await
        .get_status(GetStatusRequest {})
        .await
        .unwrap();
    old.get_status(GetStatusRequest {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_state_directory_with_a_long_name_gets_a_socket_with_a_short_one() {
    let ground = Ground::new();
    let long = ground.path(&"long".repeat(30));
    let mut command = ground.command(&[]);
    command.env("BETCODE_STATE_DIR", &long);
    let mut daemon = crate::daemon::Daemon(command.spawn().unwrap());
    let endpoint = until("the endpoint is published", || {
        let text = std::fs::read(long.join(ENDPOINT_FILE)).ok()?;
        serde_json::from_slice::<betcode_core::endpoint::Endpoint>(&text).ok()
    });
    let socket = std::path::PathBuf::from(&endpoint.socket);
    assert!(endpoint.socket.len() <= LONGEST_SOCKET_PATH);
    connect(&socket).await.unwrap();
    daemon.signal(Signal::TERM);
    assert!(daemon.ended().success());
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_that_a_client_started_ends_after_its_idle_time_and_any_other_stays() {
    for (arguments, ends) in [(["--auto"].as_slice(), true), (&[], false)] {
        let ground = Ground::new();
        let mut daemon = ground.start(arguments);
        let client = ground.client().await;
        std::fs::write(ground.path("clock"), "86400000").unwrap();
        let mut client = client;
        client.get_status(GetStatusRequest {}).await.unwrap();
        assert!(daemon.runs(), "a client is connected");
        drop(client);
        if ends {
            // However the end of the client and the jump of the clock fall together, the second jump comes after both.
            until("it ends", || {
                let text = std::fs::read_to_string(ground.path("clock")).unwrap();
                std::fs::write(
                    ground.path("clock"),
                    format!("{}", text.parse::<u64>().unwrap() * 2),
                )
                .unwrap();
                (!daemon.runs()).then_some(())
            });
            assert!(daemon.ended().success());
        } else {
            std::fs::write(ground.path("clock"), "864000000000").unwrap();
            ground
                .client()
                .await
                .get_status(GetStatusRequest {})
                .await
                .unwrap();
            assert!(daemon.runs());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_ephemeral_one_ends_with_its_last_client() {
    let ground = Ground::new();
    let mut daemon = ground.start(&["--ephemeral"]);
    let (mut one, mut two) = (ground.client().await, ground.client().await);
    assert!(
        one.get_status(GetStatusRequest {})
            .await
            .unwrap()
            .into_inner()
            .ephemeral
    );
    drop(one);
    two.get_status(GetStatusRequest {}).await.unwrap();
    assert!(daemon.runs());
    drop(two);
    assert!(daemon.ended().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn trust_and_the_list_of_agents_are_served_and_refusals_name_the_field() {
    let ground = Ground::new();
    let _daemon = ground.start(&[]);
    let project = ground.path("project");
    std::fs::create_dir(&project).unwrap();
    let directory = project.canonicalize().unwrap().display().to_string();
    let mut trust = TrustServiceClient::new(ground.connect().await);
    let request = SetTrustRequest {
        directory: directory.clone(),
        trusted: true,
    };
    let answer = trust.set_trust(request).await.unwrap().into_inner();
    assert_eq!(
        (answer.directory, answer.changed),
        (directory.clone(), true)
    );
    let listed = trust
        .list_trust(ListTrustRequest {})
        .await
        .unwrap()
        .into_inner()
        .directories;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].directory == directory && listed[0].current);

    let nowhere = ground.path("nowhere").display().to_string();
    let request = SetTrustRequest {
        directory: nowhere.clone(),
        trusted: true,
    };
    let refused = trust.set_trust(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(
        refused.message().contains(&nowhere),
        "{}",
        refused.message()
    );

    let mut agents = AgentServiceClient::new(ground.connect().await);
    let request = ListAgentsRequest {
        cwd: nowhere,
        ..ListAgentsRequest::default()
    };
    assert_eq!(
        agents.list_agents(request).await.unwrap_err().code(),
        tonic::Code::InvalidArgument
    );
    let listed = agents
        .list_agents(ListAgentsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .agents;
    let chosen: Vec<&str> = listed
        .iter()
        .filter(|agent| agent.chosen)
        .map(|agent| agent.name.as_str())
        .collect();
    assert_eq!(chosen, ["demo"]);
}

#[test]
fn a_start_that_cannot_be_is_one_line_and_changes_nothing() {
    let ground = Ground::new();
    std::fs::create_dir(ground.state()).unwrap();
    std::fs::write(ground.state().join("thesis.txt"), "precious").unwrap();
    std::fs::set_permissions(ground.state(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let refused = output(ground.command(&[]));
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("can be entered by other users") && said.contains("hint: run chmod 700"),
        "{said}"
    );
    assert_eq!(ground.state().read_dir().unwrap().count(), 1);

    let usage = output(ground.command(&["--wrong"]));
    assert_eq!(usage.status.code(), Some(64));
}
