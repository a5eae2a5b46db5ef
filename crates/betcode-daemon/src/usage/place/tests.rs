//! Accounts, and what there is to ask them.

use betcode_core::config::Secret;
use betcode_core::proxy::Proxy;

use super::*;
use crate::settings::tests::options;

struct Bench {
    directory: tempfile::TempDir,
    settings: Settings,
}

impl Bench {
    fn new(variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (mut settings, complaints) = Settings::load(&options(directory.path()));
        assert!(complaints.is_empty());
        let home = directory.path().join("home").display().to_string();
        let bin = directory.path().join("bin").display().to_string();
        let all = [("HOME", &home[..]), ("PATH", &bin)];
        let all = all.iter().chain(variables);
        let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings.environment = Environment(all.collect());
        Self {
            directory,
            settings,
        }
    }

    fn has(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    fn has_program(&self, name: &str) {
        let bin = self.has("bin");
        std::os::unix::fs::symlink("/bin/true", bin.join(name)).unwrap();
    }

    fn names(&self) -> Vec<String> {
        places(&self.settings).iter().map(Place::key).collect()
    }

    fn means(&self) -> Means {
        means(&self.settings, &places(&self.settings)[0])
    }
}

#[test]
fn every_directory_is_one_account_whatever_names_it() {
    let mut bench = Bench::new(&[("CLAUDE_CONFIG_DIR", "/srv/claude/")]);
    assert_eq!(bench.names(), ["claude/default", "claude//srv/claude"]);
    bench.settings.usage.claude_dirs = ["~/.claude", "~/work/", "/srv/claude", "/srv/other"]
        .map(str::to_owned)
        .into();
    bench.has("home/.codex");
    let expected = [
        "claude/default",
        "claude//srv/claude",
        "claude/~/work",
        "claude//srv/other",
        "codex/default",
    ];
    assert_eq!(bench.names(), expected);
    bench.settings.environment.0.remove("HOME");
    assert!(bench.names().is_empty(), "nobody knows where to look");
}

#[test]
fn what_cannot_be_asked_says_why_and_has_no_source() {
    let mut bench = Bench::new(&[]);
    let why = |bench: &Bench| {
        let means = bench.means();
        assert_eq!(means.sources, []);
        means.missing.unwrap()
    };
    assert!(why(&bench).contains("was not used yet"));
    bench.has("home/.claude");
    assert!(why(&bench).contains("not found in PATH"));
    bench.has_program("claude");
    assert_eq!(bench.means().sources, [Source::GetUsage]);
    bench.settings.usage_http.enabled = true;
    let both = [Source::GetUsage, Source::OauthUsage];
    assert_eq!(bench.means().sources, both);
    bench.settings.usage_http.enabled = false;
    let variable = ("BETCODE_AGENT_CLAUDE_COMMAND", "/bin/true --own");
    let variables = &mut bench.settings.environment.0;
    variables.insert(variable.0.into(), variable.1.into());
    assert!(why(&bench).contains("arguments of its own"));
    bench.settings.usage.enabled = false;
    assert!(why(&bench).contains("switched off"));
}

#[test]
fn a_program_sees_no_key_no_session_and_the_right_account() {
    let mut bench = Bench::new(&[
        ("ANTHROPIC_API_KEY", "key"),
        ("CLAUDECODE", "1"),
        ("CLAUDE_CONFIG_DIR", "/srv/claude"),
        ("https_proxy", "http://one:1"),
    ]);
    bench.has("home/.claude");
    bench.has("home/work");
    bench.has_program("claude");
    bench.settings.usage.claude_dirs = vec!["~/work".to_owned()];
    let places = places(&bench.settings);
    let of = |place: &Place| means(&bench.settings, place).environment.0;
    let default = of(&places[0]);
    let names: Vec<&str> = default.keys().map(String::as_str).collect();
    assert_eq!(names, ["HOME", "PATH", "https_proxy"]);
    let work = of(&places[2]);
    assert!(work["CLAUDE_CONFIG_DIR"].ends_with("/home/work"));
    let login = means(&bench.settings, &places[2]).login_command;
    assert!(login[0].ends_with("/home/work"), "{login:?}");
    assert_eq!(login[1..], ["claude", "auth", "login"]);
}

#[test]
fn a_proxy_of_the_settings_takes_the_place_of_variables() {
    let mut bench = Bench::new(&[("https_proxy", "http://one:1"), ("ALL_PROXY", "socks5://x")]);
    bench.has("home/.claude");
    bench.has_program("claude");
    let proxy = Proxy::read("http://ann:word@two:2").unwrap();
    let hidden = Secret::from("word".to_owned());
    assert!(!format!("{proxy}").contains(hidden.reveal()));
    bench.settings.usage_http.proxy = ProxyChoice::Through(proxy);
    let variables = bench.means().environment.0;
    assert_eq!(variables["HTTPS_PROXY"], "http://ann:word@two:2");
    assert!(!variables.contains_key("https_proxy") && !variables.contains_key("ALL_PROXY"));
    bench.settings.usage_http.proxy = ProxyChoice::Direct;
    let variables = bench.means().environment.0;
    assert!(variables.keys().all(|name| !name.ends_with("PROXY")));
}

#[test]
fn credentials_and_what_is_remembered_are_read_where_they_are_kept() {
    let bench = Bench::new(&[]);
    let directory = bench.has("home/.claude");
    let place = &places(&bench.settings)[0];
    if !cfg!(target_os = "macos") {
        assert_eq!(place.credentials(), Credentials::LoggedOut);
    }
    let file = directory.join(".credentials.json");
    std::fs::write(&file, r#"{"claudeAiOauth":{"accessToken":"x"}}"#).unwrap();
    assert!(matches!(place.credentials(), Credentials::Token(_)));
    std::fs::write(&file, r#"{"claudeAi"#).unwrap();
    assert_eq!(place.credentials(), Credentials::Unreadable);
    let home = bench.directory.path().join("home");
    let now = Timestamp(1_795_089_600_000_000);
    assert_eq!(place.remembered(&home, now), []);
    let remembered = r#"{"cachedUsageUtilization":{"fetchedAtMs":1795089000000,"utilization":
        {"five_hour":{"utilization":11,"resets_at":"2026-11-19T14:00:00Z"}}}}"#;
    std::fs::write(home.join(".claude.json"), remembered).unwrap();
    let readings = place.remembered(&home, now);
    assert_eq!(readings[0].source, Source::CachedFile);
    assert_eq!(readings[0].observed_at, Timestamp(1_795_089_000_000_000));
}
