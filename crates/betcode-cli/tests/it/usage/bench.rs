//! A user with a `claude` that knows nothing but `get_usage`: what it answers, and whether it answers at all, stands in files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_testkit::{Output, Profile, wait_until};
use serde_json::{Value, json};

use crate::durable::start_daemon;
use crate::profile;

pub(super) const SOON: Duration = Duration::from_secs(30);
/// Stands where the agent keeps its login, and may be nowhere else.
pub(super) const TOKEN: &str = "sk-ant-oat01-PLANTEDplantedPLANTEDplanted";
pub(super) const RENEWAL: &str = "sk-ant-ort01-PLANTEDplantedPLANTEDplanted";
/// `claude` says this on stderr.
pub(super) const SPOKEN: &str = "sk-ant-oat01-planted-on-stderr";

pub(super) struct Bench {
    pub(super) profile: Profile,
}

impl Bench {
    /// Logged in, with an answer ready.
    pub(super) fn new() -> Self {
        let bench = Self {
            profile: profile().following_usage(),
        };
        std::fs::create_dir(bench.directory()).unwrap();
        bench.log_in(9_999_999_999_000, &["user:inference", "user:profile"]);
        bench.install();
        bench.answers(12.0, 40.0);
        bench
    }

    /// The same, with a daemon whose time a test can let pass.
    pub(super) fn started() -> Self {
        let bench = Self::new();
        start_daemon(&bench.profile);
        bench
    }

    /// The same, where `claude` says nothing yet.
    pub(super) fn silent() -> Self {
        let bench = Self::new();
        bench.hang();
        start_daemon(&bench.profile);
        bench
    }

    pub(super) fn directory(&self) -> PathBuf {
        self.profile.home().join(".claude")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.profile.home().join(name)
    }

    /// Puts a `claude` in its place: the one with which the daemon itself is tested.
    fn install(&self) {
        std::fs::create_dir(self.file("fake")).unwrap();
        self.let_go();
        let program = self.file("claude");
        let agent = "../betcode-daemon/tests/programs/agent";
        let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join(agent);
        std::os::unix::fs::symlink(agent, &program).unwrap();
        self.set("agents.claude.command", &program.display().to_string());
    }

    pub(super) fn set(&self, key: &str, value: &str) {
        let set = self.profile.betcode(["config", "set", key, value]);
        set.run().expect(0);
    }

    pub(super) fn log_in(&self, expires_at: u64, scopes: &[&str]) {
        let login = json!({"claudeAiOauth": {
            "accessToken": TOKEN, "refreshToken": RENEWAL, "expiresAt": expires_at, "scopes": scopes, "subscriptionType": "max",
        }});
        self.put(".claude/.credentials.json", &login.to_string());
    }

    /// What `claude` answers from now on: how much of the hours and of the week is used.
    pub(super) fn answers(&self, session: f64, week: f64) {
        let at = |hours: i64| {
            let at = now() + jiff::SignedDuration::from_hours(hours);
            format!("{at:.6}").replace('Z', "+00:00")
        };
        let limit = |kind: &str, group: &str, percent: f64, hours, active| {
            json!({"kind": kind, "group": group, "percent": percent, "severity": "normal", "resets_at": at(hours), "scope": null,
                "is_active": active})
        };
        self.says(&json!({"subtype": "success", "request_id": "usage", "response": {
            "subscription_type": "max",
            "rate_limits_available": true,
            "rate_limits": {
                "limits": [limit("session", "session", session, 3, true), limit("weekly_all", "weekly", week, 80, false)],
                "nimbus_quill": {"utilization": 77, "resets_at": null},
            },
        }}));
    }

    pub(super) fn refuses(&self, error: &str) {
        self.says(&json!({"subtype": "error", "request_id": "usage", "error": error}));
    }

    fn says(&self, response: &Value) {
        let line = json!({"type": "control_response", "response": response});
        self.put("fake/answer", &format!("{line}\n"));
    }

    fn put(&self, name: &str, text: &str) {
        let new = self.file("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.file(name)).unwrap();
    }

    /// From now on `claude` says nothing, until it is let go.
    pub(super) fn hang(&self) {
        self.put("fake/mode", "wait");
    }

    pub(super) fn let_go(&self) {
        self.put("fake/mode", "answer");
    }

    /// How often `claude` was asked.
    pub(super) fn asked(&self) -> usize {
        let asked = std::fs::read_to_string(self.file("fake/calls"));
        asked.unwrap_or_default().lines().count()
    }

    pub(super) fn usage(&self, args: &[&str]) -> Output {
        let all = std::iter::once("usage").chain(args.iter().copied());
        self.profile.betcode(all).run()
    }

    pub(super) fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        self.usage(&args).expect(0).json()
    }

    /// What is known, once it is so.
    pub(super) fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        wait_until(SOON, what, || Some(self.json(&[])).filter(|it| is(it)))
    }
}

/// The time of the programs that are tested.
#[expect(clippy::disallowed_methods, reason = "answers have times of day")]
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// How much of a window is used, by the JSON.
pub(super) fn percent(usage: &Value, kind: &str) -> Option<f64> {
    let readings = usage["readings"].as_array()?;
    let reading = readings.iter().find(|it| it["kind"] == kind)?;
    reading["percent"].as_f64()
}
