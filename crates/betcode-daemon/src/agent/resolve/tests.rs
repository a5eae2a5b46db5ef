//! Tables of what is chosen, and of what is said when nothing can be.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::settings::tests::options;

struct Machine {
    root: tempfile::TempDir,
    settings: Settings,
    env: Environment,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["bin", "home", "project/.betcode", "config"] {
            std::fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let (settings, _) = Settings::load(&options(root.path()));
        let mut env = Environment::default();
        env.0
            .insert("PATH".into(), root.path().join("bin").display().to_string());
        env.0.insert(
            "HOME".into(),
            root.path().join("home").display().to_string(),
        );
        Self {
            root,
            settings,
            env,
        }
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).display().to_string()
    }

    fn program(&self, name: &str, mode: u32) -> String {
        let path = self.root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.root.path().join(name), text).unwrap();
    }

    fn set(&mut self, name: &str, value: &str) {
        self.env.0.insert(name.into(), value.into());
    }

    fn resolve(&self, trusted: bool, wanted: Option<&str>) -> Result<Resolved, Rejected> {
        let wanted = wanted.map(AgentName::from);
        let cwd = self.root.path().join("project");
        resolve(&self.settings, trusted, wanted.as_ref(), &cwd, &self.env)
    }

    fn refusal(&self, trusted: bool, wanted: Option<&str>) -> (String, String) {
        match self.resolve(trusted, wanted).unwrap_err() {
            Rejected::Agent { message, hint } => (message, hint),
            other => unreachable!("{other:?}"),
        }
    }
}

#[test]
fn with_nothing_installed_it_is_the_demo_agent_and_one_line_says_so() {
    let machine = Machine::new();
    let resolved = machine.resolve(false, None).unwrap();
    assert_eq!(resolved.name.0, "demo");
    assert_eq!(resolved.command, ["/bin/true", "demo-agent"]);
    assert_eq!(resolved.notices, [DEMO_NOTICE]);
    // Asked for by name, nothing needs to be said.
    assert_eq!(
        machine.resolve(false, Some("demo")).unwrap().notices,
        Vec::<String>::new()
    );
}

#[test]
fn an_installed_claude_is_found_in_the_clients_path_or_where_its_installer_puts_it() {
    let machine = Machine::new();
    let at_home = machine.program("home/.claude/local/claude", 0o755);
    assert_eq!(machine.resolve(false, None).unwrap().command, [at_home]);
    let in_path = machine.program("bin/claude", 0o755);
    let resolved = machine.resolve(false, None).unwrap();
    assert_eq!(
        (resolved.name.0.as_str(), resolved.command),
        ("claude", vec![in_path])
    );
    assert_eq!(resolved.notices, Vec::<String>::new());
}

#[test]
fn agents_that_this_build_cannot_drive_are_never_chosen() {
    let machine = Machine::new();
    machine.program("bin/codex", 0o755);
    assert_eq!(machine.resolve(false, None).unwrap().name.0, "demo");
    let (message, hint) = machine.refusal(false, Some("codex"));
    assert_eq!(
        message,
        "agent `codex` is known, but this version of BetCode cannot drive it yet"
    );
    assert!(hint.contains("claude or demo"), "{hint}");
}

#[test]
fn the_name_comes_from_flag_then_variable_then_project_then_user() {
    let mut machine = Machine::new();
    machine.program("bin/claude", 0o755);
    machine.write("config/config.toml", "agent = \"demo\"");
    assert_eq!(machine.resolve(false, None).unwrap().name.0, "demo");
    machine.write("project/.betcode/config.toml", "agent = \"claude\"");
    assert_eq!(machine.resolve(false, None).unwrap().name.0, "claude");
    machine.set("BETCODE_AGENT", "demo");
    assert_eq!(machine.resolve(false, None).unwrap().name.0, "demo");
    assert_eq!(
        machine.resolve(false, Some("claude")).unwrap().name.0,
        "claude"
    );
}

#[test]
fn a_command_is_shell_words_and_the_variable_beats_the_file() {
    let mut machine = Machine::new();
    let one = machine.program("bin/one", 0o755);
    let two = machine.program("opt/two", 0o755);
    machine.write(
        "config/config.toml",
        "[agents.claude]\ncommand = [\"one\", \"a b\"]\nenv = { X = \"1\" }",
    );
    let resolved = machine.resolve(false, Some("claude")).unwrap();
    assert_eq!(resolved.command, [one, "a b".to_owned()]);
    assert_eq!(resolved.environment, [("X".to_owned(), "1".to_owned())]);
    machine.set("BETCODE_AGENT_CLAUDE_COMMAND", &format!("{two} 'c d' e"));
    assert_eq!(
        machine.resolve(false, Some("claude")).unwrap().command,
        [two, "c d".to_owned(), "e".to_owned()]
    );
}

#[test]
fn a_projects_command_counts_only_when_the_directory_is_trusted() {
    let machine = Machine::new();
    let own = machine.program("project/agent", 0o755);
    let usual = machine.program("bin/claude", 0o755);
    machine.write(
        "project/.betcode/config.toml",
        "[agents.claude]\ncommand = [\"./agent\"]",
    );
    let resolved = machine.resolve(false, None).unwrap();
    assert_eq!(resolved.command, [usual]);
    assert_eq!(resolved.notices.len(), 1);
    assert!(
        resolved.notices[0].contains("not trusted"),
        "{:?}",
        resolved.notices
    );
    let resolved = machine.resolve(true, None).unwrap();
    assert_eq!(
        resolved.command,
        [own.replace("project/agent", "project/./agent")]
    );
    assert_eq!(resolved.notices, Vec::<String>::new());
}

#[test]
fn a_program_in_the_working_directory_is_not_found_by_a_relative_path() {
    let mut machine = Machine::new();
    machine.program("project/claude", 0o755);
    machine.set("PATH", ".::project");
    assert_eq!(machine.resolve(false, None).unwrap().name.0, "demo");
}

#[test]
fn what_is_wrong_with_a_program_is_said_exactly() {
    let mut machine = Machine::new();
    let (message, hint) = machine.refusal(false, Some("claude"));
    assert_eq!(
        message,
        "agent `claude`: the program `claude` was not found in PATH"
    );
    assert!(hint.contains("npm install"), "{hint}");

    let plain = machine.program("bin/claude", 0o644);
    let (message, _) = machine.refusal(false, Some("claude"));
    assert_eq!(
        message,
        format!("agent `claude`: `{plain}` is not executable")
    );

    let cases = [
        (machine.path("nowhere"), "does not exist"),
        (machine.path("bin"), "is not a program"),
        (plain, "is not executable"),
    ];
    for (command, problem) in cases {
        machine.set("BETCODE_AGENT_CLAUDE_COMMAND", &command);
        let expected =
            format!("agent `claude` (BETCODE_AGENT_CLAUDE_COMMAND): `{command}` {problem}");
        // A command that was written down is never passed over in favour of the demo.
        assert_eq!(machine.refusal(false, Some("claude")).0, expected);
        assert_eq!(machine.refusal(false, None).0, expected);
    }
}

#[test]
fn an_unknown_agent_is_answered_with_the_nearest_name() {
    let machine = Machine::new();
    assert_eq!(
        machine.refusal(false, Some("cluade")).0,
        "there is no agent `cluade`, did you mean `claude`?"
    );
    assert_eq!(
        machine.refusal(false, Some("zzz")).0,
        "there is no agent `zzz`"
    );
    machine.write("config/config.toml", "[agents.mine]\ncommand = [\"x\"]");
    assert!(machine.refusal(false, Some("mine")).0.contains("protocol"));
    assert_eq!(
        machine.refusal(false, Some("mien")).0,
        "there is no agent `mien`, did you mean `mine`?"
    );
}

#[test]
fn a_broken_configuration_refuses_and_names_the_place_but_an_unknown_key_of_a_project_is_only_noted()
 {
    let machine = Machine::new();
    machine.write("project/.betcode/config.toml", "agnt = \"demo\"\n");
    let resolved = machine.resolve(false, Some("demo")).unwrap();
    assert!(
        resolved.notices[0].contains("did you mean `agent`"),
        "{:?}",
        resolved.notices
    );
    machine.write("config/config.toml", "agent = [\n");
    let (message, hint) = machine.refusal(false, Some("demo"));
    assert!(
        message.contains("config.toml:") && message.contains("not valid TOML"),
        "{message}"
    );
    assert!(!hint.is_empty());
}

#[test]
fn a_directory_that_is_missing_or_none_at_all_is_refused_by_name() {
    let machine = Machine::new();
    let file = machine.program("file", 0o644);
    for (cwd, problem) in [
        (machine.path("nowhere"), "does not exist"),
        (file, "is not a directory"),
        ("project".to_owned(), "is not an absolute path"),
    ] {
        let refused = resolve(
            &machine.settings,
            false,
            None,
            Path::new(&cwd),
            &machine.env,
        )
        .unwrap_err();
        match refused {
            Rejected::Invalid {
                field: "cwd",
                problem: said,
            } => {
                assert!(said.contains(&cwd) && said.contains(problem), "{said}");
            }
            other => unreachable!("{other:?}"),
        }
    }
}
