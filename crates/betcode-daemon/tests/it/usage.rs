//! The use of plans, with real programs that answer, hang and die, and a daemon that is killed.

#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use betcode_core::id::IdempotencyKey;
use betcode_proto::convert::feed::{FeedBody, FeedEntry, decode_feed_list};
use betcode_proto::convert::id_bytes;
use betcode_proto::v1::feed_service_client::FeedServiceClient;
use betcode_proto::v1::notify_service_client::NotifyServiceClient;
use betcode_proto::v1::usage_service_client::UsageServiceClient;
use betcode_proto::v1::watch_response::Response as Watched;
use betcode_proto::v1::{
    ActOnNotificationRequest, ClientInfo, DiagnoseUsageRequest, GetUsageHistoryRequest,
    GetUsageRequest, ListNotificationsRequest, PushStatuslineRequest, RefreshUsageRequest,
    UsageAccount, WatchRequest, WatchUsageRequest,
};
use rustix::process::Signal;
use tonic::Code;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::commands;
use crate::daemon::{Daemon, Ground, until};

const PLANTED: [&str; 4] = [
    "sk-ant-oat01-planted-on-stderr",
    "sk-ant-oat01-planted-access",
    "sk-ant-oat01-planted-anew",
    "sk-ant-ort01-planted-refresh",
];

/// A user with an agent of her own.
struct User {
    ground: Ground,
}

impl User {
    fn new() -> Self {
        let user = Self::without_agent();
        user.has("claude");
        std::fs::create_dir_all(user.home().join(".claude")).unwrap();
        user.answers(20);
        user
    }

    fn without_agent() -> Self {
        let ground = Ground::new();
        for name in ["home/fake", "bin", "config"] {
            std::fs::create_dir_all(ground.path(name)).unwrap();
        }
        Self { ground }
    }

    fn has(&self, agent: &str) {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/agent");
        std::os::unix::fs::symlink(program, self.ground.path("bin").join(agent)).unwrap();
    }

    fn home(&self) -> std::path::PathBuf {
        self.ground.path("home")
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.home().join("fake").join(name);
        let new = file.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.home().join("fake").join(name)).unwrap_or_default()
    }

    /// How often the agent was asked.
    fn calls(&self) -> usize {
        self.read("calls").lines().count()
    }

    fn is(&self, mode: &str) {
        self.write("mode", mode);
    }

    fn answers(&self, percent: u32) {
        self.answers_with(&[
            serde_json::json!({"kind": "session", "percent": percent, "is_active": true}),
            serde_json::json!({"kind": "weekly_all", "percent": 10}),
        ]);
    }

    fn answers_with(&self, limits: &[serde_json::Value]) {
        let response = serde_json::json!({
            "type": "control_response",
            "response": {"subtype": "success", "request_id": "usage", "response": {
                "subscription_type": "max",
                "rate_limits_available": true,
                "rate_limits": {"limits": limits},
            }},
        });
        self.write("answer", &format!("{{\"type\":\"system\"}}\n{response}\n"));
        self.is("answer");
    }

    fn refuses(&self, error: &str) {
        let response = serde_json::json!({
            "type": "control_response",
            "response": {"subtype": "error", "request_id": "usage", "error": error},
        });
        self.write("answer", &format!("{response}\n"));
        self.is("answer");
    }

    fn set(&self, settings: &str) {
        std::fs::write(self.ground.path("config/config.toml"), settings).unwrap();
    }

    /// What Claude Code keeps about a login; put in its place by renaming, as it does itself.
    fn logs_in(&self, token: &str, expires_at_ms: i64) {
        let login = serde_json::json!({"claudeAiOauth": {
            "accessToken": token,
            "refreshToken": "sk-ant-ort01-planted-refresh",
            "expiresAt": expires_at_ms,
            "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max",
        }});
        let file = self.home().join(".claude/.credentials.json");
        let new = file.with_extension("new");
        std::fs::write(&new, login.to_string()).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = self.ground.command(&[]);
        let path = format!("{}:/usr/bin:/bin", self.ground.path("bin").display());
        command
            .env("HOME", self.home())
            .env("PATH", path)
            .env("ANTHROPIC_API_KEY", "not-for-this")
            .env("HTTPS_PROXY", "http://127.0.0.1:9");
        command
    }

    fn start(&self) -> Daemon {
        self.ground.start_command(self.command())
    }

    async fn client(&self) -> Client {
        Client(self.ground.connect().await)
    }
}

#[derive(Clone)]
struct Client(Channel);

impl Client {
    fn usage(&self) -> UsageServiceClient<Channel> {
        UsageServiceClient::new(self.0.clone())
    }

    async fn accounts(&self) -> Vec<UsageAccount> {
        let answer = self.usage().get_usage(GetUsageRequest {}).await;
        answer.unwrap().into_inner().accounts
    }

    async fn refresh(&self) -> Vec<UsageAccount> {
        let mut usage = self.usage();
        let answer = usage.refresh_usage(RefreshUsageRequest::default()).await;
        answer.unwrap().into_inner().accounts
    }

    /// Waits until the only account stands so.
    async fn until(&self, state: &str) -> UsageAccount {
        let mut watch = self.watch().await;
        let found = async {
            loop {
                let accounts = watch.message().await.unwrap().unwrap().accounts;
                let account = accounts.into_iter().next().unwrap();
                if state_of(&account) == state {
                    return account;
                }
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(20), found).await;
        assert!(found.is_ok(), "it is never {state}");
        found.unwrap()
    }

    async fn watch(&self) -> tonic::Streaming<betcode_proto::v1::WatchUsageResponse> {
        let watch = self.usage().watch_usage(WatchUsageRequest {}).await;
        watch.unwrap().into_inner()
    }

    async fn feed(&self) -> Vec<FeedEntry> {
        let request = WatchRequest {
            follow: false,
            ..WatchRequest::default()
        };
        let answer = FeedServiceClient::new(self.0.clone()).watch(request).await;
        let mut stream = answer.unwrap().into_inner();
        let mut entries = Vec::new();
        while let Some(response) = stream.message().await.unwrap() {
            if let Some(Watched::Batch(batch)) = response.response {
                entries.extend(decode_feed_list(&batch.entries).unwrap());
            }
        }
        entries
    }

    /// Kinds of all notifications that were ever offered.
    async fn offered(&self) -> Vec<String> {
        let entries = self.feed().await.into_iter();
        entries
            .filter_map(|entry| match entry.body {
                FeedBody::NotificationOffered {
                    notification,
                    again: false,
                } => Some(notification.kind),
                _ => None,
            })
            .collect()
    }

    async fn notifications(&self) -> Vec<betcode_proto::v1::Notification> {
        let list = NotifyServiceClient::new(self.0.clone())
            .list_notifications(ListNotificationsRequest {})
            .await;
        let listed = list.unwrap().into_inner().notifications.into_iter();
        listed.filter_map(|it| it.notification).collect()
    }

    async fn until_notified(&self, kind: &str) -> betcode_proto::v1::Notification {
        let mut left = 2_000;
        loop {
            let all = self.notifications().await;
            if let Some(found) = all.into_iter().find(|it| it.kind == kind) {
                return found;
            }
            left -= 1;
            assert!(left > 0, "there is no notification of {kind}");
            // a pause, because: notifications have no stream of their own here.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn state_of(account: &UsageAccount) -> &str {
    account.state.as_ref().map_or("", |it| &it.state)
}

fn percents(account: &UsageAccount) -> Vec<(&str, f64)> {
    let limits = account.limits.iter();
    limits.map(|it| (it.kind.as_str(), it.percent)).collect()
}

/// Every file below a directory, as bytes.
fn contents(directory: &Path, found: &mut Vec<u8>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            contents(&entry.path(), found);
        } else if kind.is_file() {
            found.extend(std::fs::read(entry.path()).unwrap());
        }
    }
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|it| it == word.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_agent_is_asked_in_its_directory_without_keys_and_what_it_says_outlives_the_daemon() {
    let user = User::new();
    let daemon = user.start();
    let client = user.client().await;
    let account = client.until("ok").await;
    assert_eq!(account.provider, "claude");
    assert_eq!(account.account, "default");
    assert_eq!(percents(&account), [("session", 20.0), ("weekly", 10.0)]);
    assert_eq!(account.login_command, ["claude", "auth", "login"]);
    assert!(user.read("directory").trim().ends_with("/home/.claude"));
    assert!(user.read("question").contains("get_usage"));
    let environment = user.read("environment");
    assert!(!environment.contains("ANTHROPIC_API_KEY"));
    assert!(environment.contains("HTTPS_PROXY=http://127.0.0.1:9"));
    assert!(!environment.contains("CLAUDE_CONFIG_DIR"));
    let changed = |entries: &[FeedEntry]| {
        let changes = entries.iter();
        changes
            .filter(|it| matches!(it.body, FeedBody::UsageChanged(_)))
            .count()
    };
    assert_eq!(changed(&client.feed().await), 1);
    drop(daemon);
    user.is("hang");
    let _daemon = user.start();
    let client = user.client().await;
    let clock = betcode_daemon::clock::Clock::new(None);
    let accounts = client.accounts().await;
    let took = clock.uptime();
    assert!(took < Duration::from_millis(500), "{took:?}");
    assert_eq!(
        percents(&accounts[0]),
        [("session", 20.0), ("weekly", 10.0)]
    );
    assert_eq!(changed(&client.feed().await), 1, "the same is no news");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_agent_that_hangs_is_ended_with_what_it_has_started_when_the_daemon_ends() {
    let user = User::new();
    user.is("hang");
    let mut daemon = user.start();
    let pid = until("the agent has started something", || {
        let pid = user.read("child");
        (!pid.is_empty()).then(|| pid.trim().to_owned())
    });
    daemon.signal(Signal::TERM);
    assert!(daemon.ended().success());
    until("it is gone", || {
        let gone = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            // Nobody may have buried it yet.
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        gone.then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn however_many_ask_one_program_runs_and_all_get_its_answer() {
    let user = User::new();
    let _daemon = user.start();
    let client = user.client().await;
    client.until("ok").await;
    let calls = user.calls();
    user.answers(33);
    let all = futures_util::future::join_all((0..20).map(|_| client.refresh()));
    for accounts in all.await {
        assert_eq!(percents(&accounts[0])[0], ("session", 33.0));
    }
    assert_eq!(user.calls(), calls + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_there_is_no_agent_or_it_was_never_used_nothing_is_run_or_said() {
    for has_program in [false, true] {
        let user = User::without_agent();
        if has_program {
            user.has("claude");
        }
        let _daemon = user.start();
        let client = user.client().await;
        let account = client.until("unavailable").await;
        let detail = account.state.unwrap().detail;
        assert!(detail.contains("was not used yet"), "{detail}");
        let refreshed = client.refresh().await;
        assert_eq!(state_of(&refreshed[0]), "unavailable");
        assert_eq!(user.calls(), 0);
        assert!(client.feed().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_switched_off_is_not_asked() {
    let user = User::new();
    user.set("[usage]\nenabled = false\n");
    let _daemon = user.start();
    let client = user.client().await;
    let account = client.until("unavailable").await;
    assert!(account.state.unwrap().detail.contains("switched off"));
    client.refresh().await;
    assert_eq!(user.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_directory_is_an_account_of_its_own_and_codex_is_one_where_it_was_used() {
    let user = User::new();
    user.has("codex");
    for name in ["work", ".codex"] {
        std::fs::create_dir(user.home().join(name)).unwrap();
    }
    user.set("[usage]\nclaude_dirs = ['~/work']\n");
    let _daemon = user.start();
    let client = user.client().await;
    client.until("ok").await;
    let accounts = client.refresh().await;
    let names: Vec<_> = accounts
        .iter()
        .map(|it| (it.provider.as_str(), it.account.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("claude", "default"),
            ("claude", "~/work"),
            ("codex", "default")
        ]
    );
    assert_eq!(percents(&accounts[1])[0], ("session", 20.0));
    let directory = user.home().join("work");
    let variable = format!("CLAUDE_CONFIG_DIR={}", directory.display());
    assert_eq!(
        accounts[1].login_command,
        [&variable[..], "claude", "auth", "login"]
    );
    // The fake one speaks the other's language.
    assert_eq!(state_of(&accounts[2]), "error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_watcher_sees_what_is_known_and_then_every_change() {
    let user = User::new();
    let _daemon = user.start();
    let client = user.client().await;
    client.until("ok").await;
    let mut watch = client.watch().await;
    let first = watch.message().await.unwrap().unwrap().accounts;
    assert_eq!(percents(&first[0])[0], ("session", 20.0));
    let json = serde_json::json!({"rate_limits": {"five_hour": {
        "used_percentage": 55.0,
    }}});
    let pushed = PushStatuslineRequest {
        json: json.to_string().into_bytes().into(),
        config_dir: String::new(),
    };
    let answer = client.usage().push_statusline(pushed).await.unwrap();
    assert!(!answer.into_inner().accounts.is_empty());
    loop {
        let accounts = watch.message().await.unwrap().unwrap().accounts;
        if percents(&accounts[0])[0] == ("session", 55.0) {
            assert_eq!(accounts[0].limits[0].source, "statusline");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_status_line_is_refused_with_a_reason() {
    let user = User::new();
    let _daemon = user.start();
    let client = user.client().await;
    client.until("ok").await;
    let long = format!("\"{}\"", "x".repeat(300_000));
    for (json, directory, what) in [
        ("{\"rate", "", "no JSON"),
        (&long, "", "longer than"),
        ("{}", "/elsewhere", "usage.claude_dirs"),
    ] {
        let pushed = PushStatuslineRequest {
            json: json.as_bytes().to_vec().into(),
            config_dir: directory.to_owned(),
        };
        let refused = client.usage().push_statusline(pushed).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(refused.message().contains(what), "{refused}");
    }
    let pushed = PushStatuslineRequest {
        json: b"{\"model\":{}}".to_vec().into(),
        config_dir: String::new(),
    };
    let answer = client.usage().push_statusline(pushed).await;
    assert!(answer.is_ok(), "before its first answer there is nothing");
}

/// Windows of models of which each is used so far.
fn of_models(percents: impl IntoIterator<Item = u32>) -> Vec<serde_json::Value> {
    let models = percents.into_iter().enumerate();
    let models = models.map(|(number, percent)| {
        let scope = serde_json::json!({"model": {"display_name": format!("Model{number}")}});
        serde_json::json!({"kind": "weekly_scoped", "percent": percent, "scope": scope})
    });
    models.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_threshold_is_told_once_also_when_the_daemon_is_killed_at_any_moment() {
    const ROUNDS: usize = 8;
    let user = User::new();
    let mut passed = 0;
    for round in 0..ROUNDS {
        let calm = (0..=round).map(|model| if model < round { 80 } else { 20 });
        user.answers_with(&of_models(calm));
        let daemon = user.start();
        let client = user.client().await;
        client.refresh().await;
        user.answers_with(&of_models((0..=round).map(|_| 80)));
        // Nobody may ask again sooner.
        passed += 15_000;
        std::fs::write(user.ground.path("clock"), passed.to_string()).unwrap();
        let mut usage = client.usage();
        let refreshing = usage.refresh_usage(RefreshUsageRequest::default());
        // It is killed at another moment in each round.
        let moment = Duration::from_millis(8 * u64::try_from(round).unwrap());
        let _answered = tokio::time::timeout(moment, refreshing).await;
        daemon.signal(Signal::KILL);
        drop(daemon);
    }
    let _daemon = user.start();
    let client = user.client().await;
    client.refresh().await;
    let known = client.usage().get_usage(GetUsageRequest {}).await.unwrap();
    let known = known.into_inner().accounts.remove(0).limits;
    assert!(known.iter().all(|it| it.percent > 79.0), "{known:?}");
    client.until_notified("usage_warning").await;
    let said: Vec<String> = told_of_usage(&client).await;
    for model in 0..ROUNDS {
        let name = format!("weekly Model{model} quota");
        let told = said.iter().filter(|line| line.contains(&name)).count();
        assert_eq!(told, 1, "{name}: {said:#?}");
    }
}

/// Every line that notifications say or will say.
async fn told_of_usage(client: &Client) -> Vec<String> {
    let offered = client.feed().await.into_iter();
    let offered = offered.filter_map(|entry| match entry.body {
        FeedBody::NotificationOffered {
            notification,
            again: false,
        } => Some(notification.body),
        _ => None,
    });
    // Those that are held back have no number.
    let held = client.notifications().await.into_iter();
    let held = held.filter(|it| it.id == 0).map(|it| it.body);
    let all = offered.chain(held);
    all.flat_map(|body| body.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_agents_say_in_sessions_is_of_the_account_that_they_use() {
    let user = User::new();
    std::fs::create_dir(user.home().join("work")).unwrap();
    let script = user.ground.path("agent");
    let event = serde_json::json!({"type": "rate_limit_event", "rate_limit_info": {
        "status": "allowed", "rateLimitType": "five_hour",
        "unifiedWindows": {"five_hour": {"utilization": 0.07}, "seven_day": {"utilization": 1}},
    }});
    let text = format!("read -r first\necho '{event}'\nexec cat >/dev/null\n");
    std::fs::write(&script, text).unwrap();
    user.set(&format!(
        "usage.claude_dirs = ['~/work']\nagents.claude.command = ['/bin/sh', '{}']\n",
        script.display()
    ));
    let _daemon = user.start();
    let client = user.client().await;
    let first = client.until("unavailable").await;
    let detail = first.state.unwrap().detail;
    assert!(detail.contains("arguments of its own"), "{detail}");
    let mut commands = commands::Client::of(&user.ground).await;
    let directory = user.home().join("work").display().to_string();
    let environment = [("PATH", "/bin".into()), ("CLAUDE_CONFIG_DIR", directory)];
    let session = Uuid::now_v7();
    for action in [
        commands::start(&user.home(), &environment),
        commands::message(&[]),
    ] {
        let command = commands::command(session, action);
        let sent = commands.send(commands::Form::Submit, command).await;
        sent.unwrap();
    }
    let mut watch = client.watch().await;
    let accounts = loop {
        let accounts = watch.message().await.unwrap().unwrap().accounts;
        if !accounts[1].limits.is_empty() {
            break accounts;
        }
    };
    let said = percents(&accounts[1]);
    assert_eq!(said, [("session", 7.0), ("weekly", 100.0)]);
    assert_eq!(state_of(&accounts[1]), "ok");
    assert!(accounts[0].limits.is_empty(), "that is another account");
    assert_eq!(user.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_expired_login_is_told_once_and_a_new_one_is_used_at_once() {
    let user = User::new();
    user.logs_in("sk-ant-oat01-planted-access", 1_000);
    user.refuses("OAuth token has expired");
    let daemon = user.start();
    let client = user.client().await;
    client.until("login_needed").await;
    assert_eq!(user.calls(), 1, "the agent is asked to renew it once");
    let told = client.until_notified("token_expired").await;
    assert_eq!(told.title, "Claude Token Expired");
    assert!(told.choices.iter().any(|it| it == "log-in"), "{told:?}");
    let findings = client.usage().diagnose_usage(DiagnoseUsageRequest {}).await;
    let findings = format!("{:?}", findings.unwrap().into_inner().findings);
    assert!(findings.contains("its token expired"), "{findings}");
    assert!(findings.contains("claude auth login"), "{findings}");
    user.answers(42);
    let clock = betcode_daemon::clock::Clock::new(None);
    user.logs_in("sk-ant-oat01-planted-anew", 4_000_000_000_000);
    until("it is asked anew", || (user.calls() > 1).then_some(()));
    let took = clock.uptime();
    assert!(took < Duration::from_secs(1), "{took:?}");
    let account = client.until("ok").await;
    assert_eq!(percents(&account)[0], ("session", 42.0));
    until_none(&client, "token_expired").await;
    assert_eq!(client.offered().await, ["token_expired"]);
    let mut told = findings.into_bytes();
    told.extend(format!("{:?}", client.feed().await).into_bytes());
    daemon.signal(Signal::TERM);
    drop(daemon);
    contents(&user.ground.state(), &mut told);
    for token in PLANTED {
        assert!(!holds(&told, token), "{token}");
    }
    assert!(holds(&told, "token_expired"), "it was looked at");
}

async fn until_none(client: &Client, kind: &str) {
    let mut left = 2_000;
    while client
        .notifications()
        .await
        .iter()
        .any(|it| it.kind == kind)
    {
        left -= 1;
        assert!(left > 0, "a notification of {kind} stays");
        // a pause, because: notifications have no stream of their own here.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unknown_choice_asks_nobody_and_history_and_findings_are_there_at_once() {
    let user = User::new();
    let _daemon = user.start();
    let client = user.client().await;
    client.until("ok").await;
    let mut notify = NotifyServiceClient::new(client.0.clone());
    let unknown = ActOnNotificationRequest {
        id: 7,
        choice: "retry-now".into(),
        idempotency_key: id_bytes(IdempotencyKey(Uuid::now_v7()).0),
        client: Some(ClientInfo {
            id: id_bytes(Uuid::now_v7()),
            ..ClientInfo::default()
        }),
    };
    assert!(notify.act_on_notification(unknown).await.is_err());
    assert_eq!(user.calls(), 1);
    let history = client
        .usage()
        .get_usage_history(GetUsageHistoryRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(history.windows.len(), 2);
    let percents = history.windows.iter().map(|it| it.points[0].percent);
    assert_eq!(percents.collect::<Vec<_>>(), [20.0, 10.0]);
    let findings = client.usage().diagnose_usage(DiagnoseUsageRequest {}).await;
    let findings = findings.unwrap().into_inner().findings;
    let about: Vec<_> = findings.iter().map(|it| it.about.as_str()).collect();
    for what in ["state", "program", "sources", "login"] {
        let what = format!("claude default: {what}");
        assert!(about.contains(&what.as_str()), "{about:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_daemon_that_nobody_needs_ends_although_an_agent_is_being_asked() {
    let user = User::new();
    user.is("hang");
    let mut command = user.command();
    command.arg("--auto").env("BETCODE_IDLE_EXIT", "1s");
    let mut daemon = user.ground.start_command(command);
    until("the agent is asked", || (user.calls() > 0).then_some(()));
    assert!(daemon.ended().success());
}

/// A proxy that refuses everybody, and what it was sent.
fn refusing_proxy() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).unwrap_or(0);
            let sent = bytes.get(..length).unwrap_or_default();
            let text = String::from_utf8_lossy(sent).into_owned();
            seen.lock().unwrap().push(text);
            let _gone = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (port, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_endpoint_is_asked_only_where_that_is_wanted_and_whoever_is_told_of_it_can_retry() {
    let user = User::without_agent();
    std::fs::create_dir(user.home().join(".claude")).unwrap();
    user.logs_in("sk-ant-oat01-planted-access", 4_000_000_000_000);
    let (port, asked) = refusing_proxy();
    let count = || asked.lock().unwrap().len();
    let settings = format!("proxy = 'http://127.0.0.1:{port}'\n");
    user.set(&format!("[usage]\n{settings}"));
    let daemon = user.start();
    let client = user.client().await;
    client.until("unavailable").await;
    client.refresh().await;
    assert_eq!(count(), 0);
    drop(daemon);
    user.set(&format!("[usage]\nhttp = true\n{settings}"));
    let _daemon = user.start();
    let client = user.client().await;
    client.until("offline").await;
    for step in 1..=6_u64 {
        let before = count();
        let passed = (step * 40_000).to_string();
        std::fs::write(user.ground.path("clock"), passed).unwrap();
        if step < 6 {
            until("it is tried again", || (count() > before).then_some(()));
        }
    }
    let told = client.until_notified("offline").await;
    assert_eq!(told.title, "Network Error");
    let before = count();
    std::fs::write(user.ground.path("clock"), "300000").unwrap();
    let chosen = ActOnNotificationRequest {
        id: told.id,
        choice: "retry-now".into(),
        idempotency_key: id_bytes(IdempotencyKey(Uuid::now_v7()).0),
        client: Some(ClientInfo {
            id: id_bytes(Uuid::now_v7()),
            ..ClientInfo::default()
        }),
    };
    let mut notify = NotifyServiceClient::new(client.0.clone());
    notify.act_on_notification(chosen).await.unwrap();
    until("it is tried at once", || (count() > before).then_some(()));
    let sent = asked.lock().unwrap().join("\n");
    assert!(sent.starts_with("CONNECT api.anthropic.com:443"), "{sent}");
    assert!(!sent.contains("planted"));
    let findings = client.usage().diagnose_usage(DiagnoseUsageRequest {}).await;
    let findings = findings.unwrap().into_inner().findings;
    assert!(
        findings.iter().any(|it| it.about == "proxy"),
        "{findings:?}"
    );
    assert_eq!(user.calls(), 0);
}
