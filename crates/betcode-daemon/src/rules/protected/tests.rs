//! What nothing opens, asked of the engine itself: every rule and grant allows everything here.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use betcode_rules::{
    Decision, Directory, Grants, Layer, Mode, Origin, OriginKind, Place, Placed, Request, Rule,
    Rules, decide,
};
use serde_json::{Value, json};

use super::*;

const MODES: [Mode; 6] = [
    Mode::Default,
    Mode::Plan,
    Mode::AcceptEdits,
    Mode::DontAsk,
    Mode::BypassPermissions,
    Mode::OnlyAllowed,
];
const EVERYTHING: [&str; 6] = [
    "Bash",
    "Edit",
    "Write",
    "Edit(//**)",
    "Bash(*)",
    "Read(//**)",
];

struct World {
    root: tempfile::TempDir,
    rules: Rules,
    grants: Grants,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().canonicalize().unwrap();
        for directory in [
            "home/.claude",
            "p/.betcode",
            "p/.claude",
            "true/con[f]*",
            "state",
            "claude",
        ] {
            std::fs::create_dir_all(base.join(directory)).unwrap();
        }
        // The configuration is reached by another name than its own.
        symlink(base.join("true"), base.join("link")).unwrap();
        symlink(base.join("p/.betcode"), base.join("p/innocent")).unwrap();
        let mut variables = BTreeMap::new();
        variables.insert("HOME".to_owned(), base.join("home").display().to_string());
        variables.insert(
            "CLAUDE_CONFIG_DIR".to_owned(),
            base.join("claude").display().to_string(),
        );
        let protected = protected(
            &base.join("link/con[f]*"),
            &base.join("state"),
            &Environment(variables),
        );
        let all = || EVERYTHING.iter().map(|rule| Rule::parse(rule).unwrap());
        let layer = Layer {
            origin: Origin {
                kind: OriginKind::Flag,
                file: None,
            },
            trusted: true,
            allow: all().map(|rule| Placed { rule, line: None }).collect(),
            ask: Vec::new(),
            deny: Vec::new(),
        };
        Self {
            rules: Rules::new(&[layer], &protected).unwrap(),
            grants: Grants::new(all().collect()),
            root,
        }
    }

    fn place(&self) -> Place {
        let base = self.root.path().canonicalize().unwrap();
        let directory = |name: &str| {
            let path = base.join(name).display().to_string();
            Directory::new(&path, &path)
        };
        Place {
            cwd: directory("p"),
            project: directory("p"),
            home: directory("home"),
            additional: vec![directory("")],
            case_insensitive: false,
        }
    }

    fn decide(&self, tool: &str, input: &Value, mode: Mode) -> Decision {
        let request = Request::new(tool, input, &self.place());
        let answers: Vec<Option<String>> = request
            .wanted()
            .iter()
            .map(|wanted| Some(resolved(Path::new(&wanted.path)).display().to_string()))
            .collect();
        decide(&request.resolve(answers), &self.rules, mode, &self.grants).decision
    }

    fn command(&self, command: &str, mode: Mode) -> Decision {
        let root = self.root.path().canonicalize().unwrap();
        let command = command.replace("ROOT", &root.display().to_string());
        self.decide("Bash", &json!({ "command": command }), mode)
    }

    fn edit(&self, tool: &str, path: &str, mode: Mode) -> Decision {
        let root = self.root.path().canonicalize().unwrap();
        let path = path.replace("ROOT", &root.display().to_string());
        self.decide(
            tool,
            &json!({ "file_path": path, "notebook_path": path }),
            mode,
        )
    }
}

/// What becomes of a question where nobody can be asked.
fn asked(mode: Mode) -> Decision {
    match mode {
        Mode::DontAsk | Mode::OnlyAllowed => Decision::Deny,
        _ => Decision::Ask,
    }
}

#[test]
fn our_own_files_are_never_edited() {
    let world = World::new();
    for mode in MODES {
        for command in [
            "echo x > .betcode/config.local.toml",
            "echo x >> elsewhere/.betcode/x",
            "tee .betcode/config.toml",
            "sed -i s/a/b/ .betcode/config.toml",
            "cp x .betcode/config.toml",
            "cp -t .betcode x",
            "cp -r evil .betcode",
            "mv x .betcode/config.toml",
            "mv .betcode old",
            "mv evil .betcode",
            "ln -s ROOT/evil .betcode",
            "ln -s x .betcode/config.toml",
            "ln .betcode/config.toml y",
            "rm -rf .betcode",
            "rm .betcode/config.toml",
            "rmdir .betcode",
            "touch .betcode/x",
            "mkdir -p .betcode/x",
            "chmod 777 .betcode",
            "truncate -s 0 .betcode/config.toml",
            "dd of=.betcode/config.toml",
            "install x .betcode/config.toml",
            "curl -o .betcode/x http://x",
            "sh -c 'echo x > .betcode/x'",
            // By other names.
            "echo x > innocent/config.toml",
            "echo x > ./sub/../.betcode/x",
            "echo x > .BetCode/x",
            "cd .betcode && echo x > config.toml",
            "cd .betcode; tee config.toml",
            "echo x > ROOT/link/con\\[f\\]\\*/config.toml",
            "echo x > 'ROOT/true/con[f]*/config.toml'",
            "echo x > ROOT/state/betcode.db",
            "rm -rf ROOT/state",
        ] {
            assert_eq!(
                world.command(command, mode),
                Decision::Deny,
                "{mode:?} {command}"
            );
        }
        for (tool, path) in [
            ("Edit", ".betcode/config.toml"),
            ("Write", "ROOT/elsewhere/.betcode"),
            ("MultiEdit", "ROOT/state/x"),
            ("NotebookEdit", "ROOT/true/con[f]*/x"),
            ("Edit", "innocent/x"),
        ] {
            assert_eq!(
                world.edit(tool, path, mode),
                Decision::Deny,
                "{mode:?} {tool} {path}"
            );
        }
    }
}

#[test]
fn settings_of_agents_and_what_only_might_be_ours_are_asked_about() {
    let world = World::new();
    for mode in MODES {
        for command in [
            "echo x > .claude/settings.json",
            "echo x > deep/.claude/settings.local.json",
            "cp x .claude/settings.json",
            "mv evil .claude",
            "rm -rf .claude",
            "ln -s evil .claude",
            "git checkout -- .claude/settings.json",
            "echo x > ROOT/claude/settings.json",
            "echo x > ROOT/claude/.claude.json",
            "echo x > ~/.claude.json",
            "echo x > ~/.claude/settings.json",
            "echo x > $D/.betcode/x",
            "echo x > .bet*/x",
            "git checkout -- .betcode/config.toml",
            "tar xf x.tar -C .betcode",
            "rm -rf ROOT/true",
        ] {
            assert_eq!(
                world.command(command, mode),
                asked(mode),
                "{mode:?} {command}"
            );
        }
        for (tool, path) in [
            ("Write", ".claude/settings.json"),
            ("Edit", "~/.claude/settings.local.json"),
            ("Write", "ROOT/claude/settings.json"),
        ] {
            assert_eq!(
                world.edit(tool, path, mode),
                asked(mode),
                "{mode:?} {tool} {path}"
            );
        }
    }
}

#[test]
fn what_lies_beside_them_and_reading_them_is_free() {
    let world = World::new();
    for mode in MODES {
        for command in [
            "cat .betcode/config.toml",
            "echo x > .claude/notes.md",
            "echo x > ROOT/true/conff/config.toml",
            "echo x > betcode/config.toml",
        ] {
            assert_eq!(
                world.command(command, mode),
                Decision::Allow,
                "{mode:?} {command}"
            );
        }
        assert_eq!(
            world.edit("Read", ".betcode/config.toml", mode),
            Decision::Allow
        );
        assert_eq!(
            world.edit("Edit", ".claude/notes.md", mode),
            Decision::Allow
        );
    }
}

#[test]
fn a_directory_that_is_not_there_yet_is_protected_under_both_its_names() {
    let world = World::new();
    let root = world.root.path().canonicalize().unwrap();
    let shown = |path: &Path| path.display().to_string();
    let protected = protected(
        &root.join("link/../link/new"),
        &root.join("none"),
        &Environment::default(),
    );
    assert_eq!(
        protected.denied,
        [
            format!("/{}/**", shown(&root.join("link/new"))),
            format!("/{}/**", shown(&root.join("true/new"))),
            format!("/{}/**", shown(&root.join("none"))),
            "//**/.betcode/**".to_owned(),
        ]
    );
    assert_eq!(protected.always_ask, [SETTINGS, "~/.claude.json"]);
}
