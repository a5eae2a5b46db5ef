//! Rules from real files about real paths.

use std::os::unix::fs::symlink;

use serde_json::json;

use super::*;
use crate::settings::tests::options;

struct Desk {
    ground: tempfile::TempDir,
    settings: Settings,
    environment: Environment,
    policy: TurnPolicy,
    trusted: bool,
    grants: Vec<String>,
    add_dirs: Vec<String>,
    book: Book,
}

impl Desk {
    fn new() -> Self {
        let ground = tempfile::tempdir().unwrap();
        let root = ground.path().canonicalize().unwrap();
        let (settings, _) = Settings::load(&options(&root));
        for directory in [
            "home/.claude",
            "home/project/.git",
            "home/project/.betcode",
            "config",
        ] {
            std::fs::create_dir_all(root.join(directory)).unwrap();
        }
        std::fs::create_dir_all(root.join("home/project/.claude")).unwrap();
        let home = root.join("home").display().to_string();
        let environment = Environment([("HOME".to_owned(), home)].into());
        Self {
            ground,
            settings,
            environment,
            policy: TurnPolicy::default(),
            trusted: true,
            grants: Vec::new(),
            add_dirs: Vec::new(),
            book: Book::default(),
        }
    }

    fn root(&self) -> PathBuf {
        self.ground.path().canonicalize().unwrap()
    }

    fn project(&self) -> PathBuf {
        self.root().join("home/project")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.root().join(name), text).unwrap();
    }

    fn ruling(&mut self, tool: &str, input: &Value) -> Ruling {
        let project = self.project();
        let whose = Whose {
            settings: &self.settings,
            cwd: &project,
            environment: &self.environment,
            trusted: self.trusted.then_some(project.as_path()),
            policy: &self.policy,
            add_dirs: &self.add_dirs,
        };
        let mode = mode_of("default", &self.policy);
        self.book
            .ruling(whose, &self.grants, Call { tool, input, mode })
    }

    fn bash(&mut self, command: &str) -> Verdict {
        self.ruling("Bash", &json!({"command": command})).verdict
    }

    fn edit(&mut self, path: &str) -> Verdict {
        self.ruling("Edit", &json!({"file_path": path})).verdict
    }
}

const SHARED: &str = "home/project/.claude/settings.json";
const OURS: &str = "home/project/.betcode/config.toml";
const USERS: &str = "config/config.toml";

#[test]
fn a_rule_counts_from_the_moment_in_which_it_is_written() {
    let mut desk = Desk::new();
    assert_eq!(desk.bash("git push"), Verdict::Ask);
    desk.write(OURS, "permissions.allow = ['Bash(git *)']");
    assert_eq!(desk.bash("git push"), Verdict::Allow);
    desk.write(SHARED, r#"{"permissions": {"deny": ["Bash(git push)"]}}"#);
    assert_eq!(desk.bash("git push"), Verdict::Deny);
    std::fs::remove_file(desk.root().join(SHARED)).unwrap();
    std::fs::remove_file(desk.root().join(OURS)).unwrap();
    assert_eq!(desk.bash("git push"), Verdict::Ask);
}

#[test]
fn a_directory_that_the_session_has_beside_its_own_is_read_like_its_own() {
    let mut desk = Desk::new();
    let beside = desk.root().join("beside");
    std::fs::create_dir(&beside).unwrap();
    let read = json!({"file_path": beside.join("notes").display().to_string()});
    assert_eq!(desk.ruling("Read", &read).verdict, Verdict::Ask);
    desk.add_dirs.push(beside.display().to_string());
    assert_eq!(desk.ruling("Read", &read).verdict, Verdict::Allow);
    assert_eq!(desk.ruling("Edit", &read).verdict, Verdict::Ask);
}

#[test]
fn the_one_that_decided_is_named_with_its_place() {
    let mut desk = Desk::new();
    desk.write(
        SHARED,
        "{\n \"permissions\": {\n  \"deny\": [\n   \"Bash(rm *)\"\n ]}}",
    );
    let ruling = desk.ruling("Bash", &json!({"command": "ls; rm x"}));
    let by = ruling.by.unwrap();
    assert_eq!(by.rule, "Bash(rm *)");
    assert_eq!(
        by.place,
        format!("{}:4", desk.root().join(SHARED).display())
    );
    assert_eq!(ruling.reason, "rm x: the rule `Bash(rm *)` forbids it");
}

#[test]
fn without_trust_a_project_allows_nothing_and_denies_all_the_same() {
    let mut desk = Desk::new();
    desk.write(
        OURS,
        "permissions = { allow = ['Bash(git *)'], deny = ['Bash(rm *)'] }",
    );
    desk.write(USERS, "permissions.allow = ['Bash(rm *)']");
    for (trusted, push) in [
        (false, Verdict::Ask),
        (true, Verdict::Allow),
        (false, Verdict::Ask),
    ] {
        desk.trusted = trusted;
        assert_eq!(desk.bash("git push"), push);
        assert_eq!(desk.bash("rm x"), Verdict::Deny);
    }
}

#[test]
fn a_link_that_leads_out_of_what_is_allowed_is_asked_about_and_into_what_is_denied_is_denied() {
    let mut desk = Desk::new();
    desk.write(
        USERS,
        "permissions = { allow = ['Edit(src/**)'], deny = ['Edit(~/secret/**)'] }",
    );
    for directory in ["home/project/src/in", "home/secret", "home/other"] {
        std::fs::create_dir_all(desk.root().join(directory)).unwrap();
    }
    let src = desk.project().join("src");
    symlink("../../other", src.join("other")).unwrap();
    symlink("../../secret", src.join("secret")).unwrap();
    symlink("../../secret/new", src.join("new")).unwrap();
    symlink("in", src.join("inner")).unwrap();
    for (path, verdict) in [
        ("src/a.ts", Verdict::Allow),
        ("src/in/new/a.ts", Verdict::Allow),
        ("src/inner/a.ts", Verdict::Allow),
        ("src/other/a.ts", Verdict::Ask),
        ("src/secret/a.ts", Verdict::Deny),
        ("src/new", Verdict::Deny),
        ("src/../../secret/a", Verdict::Deny),
        ("src/in/../a.ts", Verdict::Allow),
        ("src/other/../project/src/a.ts", Verdict::Ask),
    ] {
        assert_eq!(desk.edit(path), verdict, "{path}");
    }
}

#[test]
fn no_rule_and_no_grant_opens_what_decides_about_agents() {
    let mut desk = Desk::new();
    desk.write(USERS, "permissions.allow = ['Edit', 'Write', 'Bash']");
    desk.grants = vec!["Edit".into(), "Bash".into()];
    desk.policy.allowed_tools = vec!["Edit(//**)".into()];
    let root = desk.root();
    symlink(root.join("config"), desk.project().join("innocent")).unwrap();
    assert_eq!(desk.edit("src/a.ts"), Verdict::Allow);
    for (path, verdict) in [
        (".betcode/config.toml", Verdict::Deny),
        (".betcode/new.toml", Verdict::Deny),
        ("innocent/config.toml", Verdict::Deny),
        ("../../config/config.toml", Verdict::Deny),
        ("../../state/log.db", Verdict::Deny),
        (".claude/settings.json", Verdict::Ask),
        (".claude/settings.local.json", Verdict::Ask),
        ("~/.claude/settings.json", Verdict::Ask),
    ] {
        assert_eq!(desk.edit(path), verdict, "{path}");
    }
    assert_eq!(
        desk.bash("echo x > .betcode/config.local.toml"),
        Verdict::Deny
    );
}

#[test]
fn flags_are_the_most_specific_rules_and_what_is_granted_by_its_input_is_no_rule() {
    let mut desk = Desk::new();
    desk.write(OURS, "permissions.ask = ['Bash(git push)']");
    desk.policy.allowed_tools = vec!["Bash(git *)".into()];
    assert_eq!(desk.bash("git push"), Verdict::Allow);
    desk.policy.disallowed_tools = vec!["Bash(git push *)".into()];
    assert_eq!(desk.bash("git push"), Verdict::Deny);
    desk.policy = TurnPolicy::default();
    desk.grants = vec!["Bash with exactly this input (0011)".into()];
    assert_eq!(desk.bash("git fetch"), Verdict::Ask);
}

#[test]
fn with_only_what_is_allowed_reading_needs_a_rule() {
    let mut desk = Desk::new();
    let read = json!({"file_path": "a"});
    assert_eq!(desk.ruling("Read", &read).verdict, Verdict::Allow);
    desk.policy.only_allowed = true;
    assert_eq!(desk.ruling("Read", &read).verdict, Verdict::Deny);
    desk.policy.allowed_tools = vec!["Read".into()];
    assert_eq!(desk.ruling("Read", &read).verdict, Verdict::Allow);
}

#[test]
fn what_is_wrong_is_told_once_and_again_when_it_was_mended_meanwhile() {
    let mut desk = Desk::new();
    let good = r#"{"permissions": {"allow": ["Bash(ls)"], "deny": ["Bash(rm *)"]}}"#;
    let broken = good.trim_end_matches('}');
    let news = |desk: &mut Desk| {
        desk.bash("ls");
        desk.book.news().len()
    };
    desk.write(SHARED, good);
    assert_eq!(news(&mut desk), 0);
    desk.write(SHARED, broken);
    assert_eq!(news(&mut desk), 1);
    assert_eq!(news(&mut desk), 0);
    assert_eq!(
        desk.bash("rm x"),
        Verdict::Deny,
        "what can be read of it counts"
    );
    desk.write(SHARED, good);
    assert_eq!(news(&mut desk), 0);
    desk.write(SHARED, broken);
    assert_eq!(news(&mut desk), 1);
}

#[test]
fn always_is_proposed_for_exactly_what_would_run() {
    let mut desk = Desk::new();
    let proposed = |desk: &mut Desk, command: &str| {
        let ruling = desk.ruling("Bash", &json!({"command": command}));
        assert_eq!(ruling.verdict, Verdict::Ask, "{command}");
        ruling.proposed
    };
    assert_eq!(proposed(&mut desk, "npm ci"), ["Bash(npm ci)"]);
    assert_eq!(
        proposed(&mut desk, "npm ci && git push"),
        ["Bash(npm ci)", "Bash(git push)"]
    );
    assert_eq!(proposed(&mut desk, "touch $(date)"), [""; 0]);
    let edit = desk.ruling("Edit", &json!({"file_path": "src/a.ts"}));
    assert_eq!(edit.proposed, ["Edit(/src/a.ts)"]);
}
