//! Files, variables and flags as people and others leave them, and what they come to. The user's home is a directory of the
//! test.

mod hostile;
mod laws;
mod time;

use std::collections::BTreeMap;

use super::*;

/// A home, a project and a configuration directory beside each other.
struct World {
    root: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    /// The directory that the user trusts.
    trusted: Option<&'static str>,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["home/.claude", "config", "p/.git", "p/sub/deep"] {
            std::fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let mut world = Self {
            root,
            variables: BTreeMap::new(),
            trusted: Some(""),
        };
        let home = world.path("home").display().to_string();
        world.variables.insert("HOME".to_owned(), home);
        world
    }

    fn untrusted(mut self) -> Self {
        self.trusted = None;
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        let root = self.root.path().canonicalize().unwrap();
        if name.is_empty() {
            root
        } else {
            root.join(name)
        }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn look<T>(&self, cwd: &str, look: impl FnOnce(&Ground<'_>) -> T) -> T {
        let environment = Environment(self.variables.clone());
        let trusted = self.trusted.map(|name| self.path(name));
        look(&Ground {
            config_dir: &self.path("config"),
            cwd: &self.path(cwd),
            environment: &environment,
            trusted: trusted.as_deref(),
        })
    }

    fn read(&self, cwd: &str) -> Sources {
        self.look(cwd, read)
    }

    /// A text of the sources with the name of the temporary directory taken out.
    fn short(&self, text: &str) -> String {
        text.replace(&self.path("").display().to_string(), "")
    }

    fn problems(&self, sources: &Sources) -> Vec<String> {
        let lines = sources.problems.iter().map(ToString::to_string);
        lines.map(|line| self.short(&line)).collect()
    }

    fn rules(&self, sources: &Sources) -> Vec<String> {
        let lines = shown(&sources.layers).into_iter();
        lines.map(|line| self.short(&line)).collect()
    }
}

/// Every rule with its place.
fn shown(layers: &[Layer]) -> Vec<String> {
    let mut lines = Vec::new();
    for layer in layers {
        let file = layer.origin.file.clone().unwrap();
        let trust = if layer.trusted { "" } else { " (untrusted)" };
        for (what, rules) in [
            ("allow", &layer.allow),
            ("ask", &layer.ask),
            ("deny", &layer.deny),
        ] {
            for placed in rules {
                let line = placed
                    .line
                    .map_or_else(String::new, |line| format!(":{line}"));
                let kind = layer.origin.kind;
                lines.push(format!(
                    "{kind:?} {file}{line} {what} {}{trust}",
                    placed.rule
                ));
            }
        }
    }
    lines
}

/// What one text comes to in the user's file, of which nothing else is shown.
fn one(format: Format, text: impl AsRef<[u8]>) -> (Vec<String>, Vec<String>) {
    let world = World::new();
    let name = match format {
        Format::Toml => "config/config.toml",
        Format::Json => "home/.claude/settings.json",
    };
    world.write(name, text);
    let sources = world.read("p");
    let cut = |line: String| {
        let line = line.strip_prefix("User ").unwrap_or(&line).to_owned();
        line.replace(&format!("/{name}"), "")
    };
    (
        world.rules(&sources).into_iter().map(cut).collect(),
        world.problems(&sources).into_iter().map(cut).collect(),
    )
}

#[test]
fn the_project_is_the_nearest_directory_with_a_repository_below_the_home() {
    let world = World::new();
    world
        .write("home/.git", "gitdir: elsewhere")
        .write("home/work/tree/.git", "gitdir: elsewhere")
        .write("home/work/tree/a/b/x", "")
        .write("home/plain/x", "");
    for (cwd, project) in [
        ("p", "p"),
        ("p/sub/deep", "p"),
        ("p/.git", "p"),
        ("p/gone/too", "p"),
        ("home/work/tree/a/b", "home/work/tree"),
        ("home/work", "home/work"),
        ("home/plain", "home/plain"),
        ("home", "home"),
        ("config", "config"),
    ] {
        let home = world.path("home");
        let found = project_of(&world.path(cwd), Some(&home));
        assert_eq!(found, world.path(project), "{cwd}");
    }
    assert_eq!(
        project_of(&world.path("home/plain"), None),
        world.path("home")
    );
}

#[test]
fn files_of_every_directory_up_to_the_root_come_before_the_users() {
    let world = World::new();
    let files = world.look("p/sub", files);
    let shown: Vec<String> = files
        .iter()
        .map(|file| world.short(&format!("{:?} {}", file.kind, file.path.display())))
        .collect();
    assert_eq!(
        shown,
        [
            "ProjectLocal /p/sub/.betcode/config.local.toml",
            "ProjectLocal /p/.betcode/config.local.toml",
            "ProjectLocal /p/sub/.claude/settings.local.json",
            "ProjectLocal /p/.claude/settings.local.json",
            "Project /p/sub/.betcode/config.toml",
            "Project /p/.betcode/config.toml",
            "Project /p/sub/.claude/settings.json",
            "Project /p/.claude/settings.json",
            "User /config/config.toml",
            "User /home/.claude/settings.json",
        ]
    );
    let found: Vec<bool> = world
        .read("p/sub")
        .files
        .iter()
        .map(|(_, is)| *is)
        .collect();
    assert_eq!(found, [false; 10]);
}

#[test]
fn rules_come_with_their_file_and_line_and_kind() {
    let world = World::new()
        .with("BETCODE_PERMISSIONS_DENY", "WebFetch, Bash(a, b)")
        .with("BETCODE_PERMISSIONS_ALLOW", "[\"Read\"]")
        .with("BETCODE_PERMISSIONS_ASK", "");
    world
        .write(
            "config/config.toml",
            "model = 'm'\n[permissions]\nallow = [\n  'Bash(git *)', # why\n  \"Edit\",\n]\ndeny = ['Bash(rm *)']\n",
        )
        .write(
            "p/.claude/settings.json",
            "{\r\n\"permissions\": {\r\n\"allow\": [\"Bash(npm test)\",\r\n\"Read(~/x)\"], \"ask\": [\r\n\r\n\"Bash(git push:*)\"]}}",
        )
        .write("p/sub/.betcode/config.local.toml", "permissions.ask = ['Edit']\n");
    let sources = world.read("p/sub");
    assert_eq!(world.problems(&sources), Vec::<String>::new());
    assert_eq!(
        world.rules(&sources),
        [
            "Environment BETCODE_PERMISSIONS_ALLOW allow Read",
            "Environment BETCODE_PERMISSIONS_DENY deny WebFetch",
            "Environment BETCODE_PERMISSIONS_DENY deny Bash(a, b)",
            "ProjectLocal /p/sub/.betcode/config.local.toml:1 ask Edit",
            "Project /p/.claude/settings.json:3 allow Bash(npm test)",
            "Project /p/.claude/settings.json:4 allow Read(~/x)",
            "Project /p/.claude/settings.json:6 ask Bash(git push:*)",
            "User /config/config.toml:4 allow Bash(git *)",
            "User /config/config.toml:5 allow Edit",
            "User /config/config.toml:7 deny Bash(rm *)",
        ]
    );
    let there: Vec<String> = sources
        .files
        .iter()
        .filter(|(_, is)| *is)
        .map(|(file, _)| world.short(&file.path.display().to_string()))
        .collect();
    assert_eq!(
        there,
        [
            "/p/sub/.betcode/config.local.toml",
            "/p/.claude/settings.json",
            "/config/config.toml"
        ]
    );
}

#[test]
fn claude_codes_own_files_are_where_its_variable_says() {
    let world = World::new();
    world
        .write(
            "home/.claude/settings.json",
            r#"{"permissions":{"deny":["A"]}}"#,
        )
        .write("other/settings.json", r#"{"permissions":{"deny":["B"]}}"#);
    let elsewhere = world.path("other").display().to_string();
    let world = world.with("CLAUDE_CONFIG_DIR", &elsewhere);
    let sources = world.read("p");
    assert_eq!(
        world.rules(&sources),
        ["User /other/settings.json:1 deny B"]
    );
    let mut world = world.with("CLAUDE_CONFIG_DIR", "");
    let sources = world.read("p");
    assert_eq!(
        world.rules(&sources),
        ["User /home/.claude/settings.json:1 deny A"]
    );
    world.variables.clear();
    assert_eq!(world.rules(&world.read("p")), Vec::<String>::new());
}

#[test]
fn a_file_that_is_the_users_own_is_only_that_under_every_name() {
    let world = World::new().untrusted();
    world
        .write(
            "home/.claude/settings.json",
            r#"{"permissions":{"allow":["A"]}}"#,
        )
        .write("config/config.toml", "permissions.allow = ['B']");
    std::os::unix::fs::symlink(world.path("home/.claude"), world.path("p/.claude")).unwrap();
    std::os::unix::fs::symlink(world.path("home"), world.path("alias")).unwrap();
    std::fs::create_dir(world.path("p/.betcode")).unwrap();
    for link in ["p/.betcode/config.toml", "p/.betcode/config.local.toml"] {
        std::os::unix::fs::symlink(world.path("config/config.toml"), world.path(link)).unwrap();
    }
    for cwd in ["home", "alias", "p", "p/sub"] {
        let sources = world.read(cwd);
        assert_eq!(
            world.rules(&sources),
            [
                "User /config/config.toml:1 allow B",
                "User /home/.claude/settings.json:1 allow A",
            ],
            "{cwd}"
        );
        assert_eq!(sources.ignored, Vec::<String>::new(), "{cwd}");
    }
}

/// Texts of files, with their rules and problems.
type Table = [(
    Format,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
)];

fn check(table: &Table) {
    for (format, text, rules, problems) in table {
        let found = one(*format, text);
        assert_eq!(found.0, *rules, "{text}");
        assert_eq!(found.1, *problems, "{text}");
    }
}

#[test]
fn what_is_not_what_it_should_be_is_told_and_the_rest_counts() {
    let none: &[&str] = &[];
    let table: &Table = &[
        (Format::Json, "{}", none, none),
        (
            Format::Json,
            "\u{feff}{\"permissions\":{\"allow\":[\"A\"]}}",
            &[":1 allow A"],
            none,
        ),
        (
            Format::Toml,
            "\u{feff}permissions.allow = ['A']",
            &[":1 allow A"],
            none,
        ),
        (
            Format::Toml,
            "permissions = { deny = ['A'] }",
            &[":1 deny A"],
            none,
        ),
        (Format::Toml, "", none, none),
        (
            Format::Json,
            "{\"permissions\":\n{\"deny\":\n\"Bash\", \"allow\": \"Edit\", \"ask\": null}}",
            &[":3 deny Bash"],
            &[
                ":3: `permissions.allow` is not a list, so it does not count",
                ":3: `permissions.ask` is not a list of rules, so it does not count, and no allow rule of this file does",
                ":3: `permissions.deny` is not a list; it counts as a list of this one rule",
            ],
        ),
        (
            Format::Toml,
            "[permissions]\nallow = 'Edit'\nask = 'Bash'\ndeny = 1\n",
            &[":3 ask Bash"],
            &[
                ":2: `permissions.allow` is not a list, so it does not count",
                ":3: `permissions.ask` is not a list; it counts as a list of this one rule",
                ":4: `permissions.deny` is not a list of rules, so it does not count, and no allow rule of this file does",
            ],
        ),
        (
            Format::Json,
            "{\"permissions\":{\"deny\":[1,\n\"A\",null,[\"B\"]],\"allow\":[{},\"C\"]}}",
            &[":2 allow C", ":2 deny A"],
            &[
                ":1: only rules in quotes belong in `permissions.deny`; this is passed over",
                ":2: only rules in quotes belong in `permissions.allow`; this is passed over",
                ":2: only rules in quotes belong in `permissions.deny`; this is passed over",
                ":2: only rules in quotes belong in `permissions.deny`; this is passed over",
            ],
        ),
        (
            Format::Toml,
            "permissions.deny = [1, 'A']",
            &[":1 deny A"],
            &[":1: only rules in quotes belong in `permissions.deny`; this is passed over"],
        ),
        (
            Format::Json,
            "{\"permissions\":[\"Bash\"]}",
            none,
            &[":1: `permissions` is no object, so it does not count"],
        ),
        (
            Format::Toml,
            "\npermissions = 1",
            none,
            &[":2: `permissions` is no table, so it does not count"],
        ),
        // Of two with one name the last allows, and both deny.
        (
            Format::Json,
            "{\"permissions\":{\"allow\":[\"A\"],\"deny\":[\"B\"]},\n\"permissions\":{\"allow\":[\"C\"],\"allow\":[\"D\"],\"deny\":[\"E\"]}}",
            &[":2 allow D", ":1 deny B", ":2 deny E"],
            none,
        ),
    ];
    check(table);
}

#[test]
fn rules_that_are_none_allow_nothing_and_otherwise_ask_about_their_tool() {
    check(&[
        (
            Format::Json,
            "{\"permissions\":{\"allow\":[\"Bash(git\"],\n\"deny\":[\"Bash(rm\", \"WebFetch(nowhere)\", \"(x)\", \"rm -rf\", \"Read(../x)\"],\"ask\":[\"\"]}}",
            &[":2 ask Bash", ":2 ask WebFetch", ":2 ask Read"],
            &[
                ":1: `Bash(git` is no rule: the parenthesis is not closed at the end (at character 5); it allows nothing",
                ":2: `` is no rule: it is empty (at character 1); it does not count",
                ":2: `Bash(rm` is no rule: the parenthesis is not closed at the end (at character 5); until it is mended every use of `Bash` is asked about",
                ":2: `WebFetch(nowhere)` is no rule: `domain:` and the name of a host belong here (at character 10); until it is mended every use of `WebFetch` is asked about",
                ":2: `(x)` is no rule: the name of a tool is missing (at character 1); it does not count",
                ":2: `rm -rf` is no rule: this cannot be in the name of a tool (at character 3); it does not count",
                ":2: `Read(../x)` is no rule: `..` is not followed: write `//` and the full path (at character 6); until it is mended every use of `Read` is asked about",
            ],
        ),
        // Half of a pair of characters is a text for JavaScript and for nobody else.
        (
            Format::Json,
            r#"{"permissions":{"allow":["Bash(\ud800)"],"deny":["Bash(\ud800 x)"]}}"#,
            &[":1 ask Bash"],
            &[
                ":1: `Bash(\\\\ud800)\u{fffd}` is damaged, so it is no rule; it allows nothing",
                ":1: `Bash(\\\\ud800 x)\u{fffd}` is damaged, so it is no rule; until it is mended every use of `Bash` is asked about",
            ],
        ),
    ]);
}

#[test]
fn of_many_problems_the_first_are_told() {
    let (_, problems) = one(
        Format::Toml,
        format!("permissions.deny = [{}]", "'(',".repeat(101)),
    );
    assert_eq!(problems.len(), 21, "{problems:?}");
    assert_eq!(problems[20], ": 81 more do not count as they were meant");
}

#[test]
fn flags_and_variables_hold_several_rules() {
    let texts = |list: &[&str]| {
        list.iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let (layers, problems) = flags(
        &texts(&["Bash(git *),Edit", "Read"]),
        &texts(&["WebFetch", "Bash(rm *, Write", "Bash(a, Edit(b)"]),
    );
    assert_eq!(
        shown(&layers),
        [
            "Flag --allowed-tools allow Bash(git *)",
            "Flag --allowed-tools allow Edit",
            "Flag --allowed-tools allow Read",
            // What the open parenthesis swallowed is denied all the same.
            "Flag --disallowed-tools ask Bash",
            "Flag --disallowed-tools deny WebFetch",
            "Flag --disallowed-tools deny Write",
            "Flag --disallowed-tools deny Bash(a, Edit(b)",
            "Flag --disallowed-tools deny Edit(b)",
        ]
    );
    assert!(layers.iter().all(|layer| layer.trusted));
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "--disallowed-tools: `Bash(rm *, Write` is no rule: the parenthesis is not closed at the end (at character 5); until it is mended every use of `Bash` is asked about"
        ]
    );
    let (layers, problems) = flags(&texts(&["Bash(git *, Edit"]), &[]);
    assert_eq!((layers, problems.len()), (Vec::new(), 1));
    assert_eq!(flags(&[], &[]), (Vec::new(), Vec::new()));
}

#[test]
fn what_does_not_count_without_trust_is_told_by_file_and_never_by_value() {
    let settings = r#"{
        "permissions": {"allow": ["A", "B", "C"], "deny": ["D"], "ask": ["E"],
            "additionalDirectories": ["/etc"], "defaultMode": "bypassPermissions"},
        "hooks": {"PreToolUse": [{"matcher": "*", "hooks": [{"type": "command", "command": "secret"}, {}]}],
            "Stop": [{"hooks": []}], "Odd": [1]},
        "env": {"FOO": "secret", "BAR": "secret"},
        "enableAllProjectMcpServers": true,
        "apiKeyHelper": "secret",
        "statusLine": {"type": "command", "command": "secret"},
        "awsAuthRefresh": ""
    }"#;
    let world = World::new().untrusted();
    world
        .write("p/.claude/settings.json", settings)
        .write("p/sub/.claude/settings.local.json", "{\"permissions\":{\"allow\":[\"A\"],\"deny\":[]},\"env\":{},\"enabledMcpjsonServers\":[ ],\"enableAllProjectMcpServers\":false}")
        .write("p/.betcode/config.toml", "permissions = { allow = ['X', 'Y'], deny = ['Z'] }")
        .write("p/.betcode/config.local.toml", "permissions.deny = ['W']")
        .write("p/.mcp.json", r#"{"mcpServers": {"a": {"command": "secret"}, "b": {}}}"#)
        .write("home/.claude/settings.json", settings);
    let sources = world.read("p/sub");
    let ignored: Vec<String> = sources
        .ignored
        .iter()
        .map(|line| world.short(line))
        .collect();
    assert_eq!(
        ignored,
        [
            "/p/sub/.claude/settings.local.json: 1 allow rule does not count: this directory is not trusted. betcode trust /p",
            "/p/.betcode/config.toml: 2 allow rules do not count: this directory is not trusted. betcode trust /p",
            "/p/.claude/settings.json: 3 allow rules, 1 additional directory, a permission mode, 3 hooks, environment variables (FOO, BAR), MCP servers, a helper for keys and a status line do not count: this directory is not trusted. betcode trust /p",
            "/p/.mcp.json: 2 MCP servers do not count: this directory is not trusted. betcode trust /p",
        ]
    );
    let rules = world.rules(&sources);
    for rule in [
        "ProjectLocal /p/.betcode/config.local.toml:1 deny W (untrusted)",
        "Project /p/.claude/settings.json:2 deny D (untrusted)",
        "Project /p/.claude/settings.json:2 ask E (untrusted)",
        "User /home/.claude/settings.json:2 allow A",
    ] {
        assert!(
            rules.iter().any(|known| known == rule),
            "{rule}: {rules:#?}"
        );
    }
    assert_eq!(sources.additional, [PathBuf::from("/etc")], "the user's");
    let mut world = world;
    world.trusted = Some("");
    let sources = world.read("p/sub");
    assert_eq!(sources.ignored, Vec::<String>::new());
    assert!(sources.layers.iter().all(|layer| layer.trusted));
}

#[test]
fn additional_directories_are_where_their_file_means_them() {
    let world = World::new();
    world
        .write(
            "p/.claude/settings.json",
            r#"{"permissions":{"additionalDirectories":["../docs", "~/notes", 1, "", "a\nb"]}}"#,
        )
        .write(
            "home/.claude/settings.json",
            r#"{"permissions":{"additionalDirectories":["/opt", "here"]}}"#,
        );
    let found: Vec<String> = world
        .read("p/sub")
        .additional
        .iter()
        .map(|path| world.short(&path.display().to_string()))
        .collect();
    assert_eq!(found, ["/p/../docs", "/home/notes", "/opt", "/p/sub/here"]);
}

#[test]
fn what_lies_above_the_trusted_directory_allows_nothing() {
    let mut world = World::new();
    world
        .write(
            "p/.betcode/config.toml",
            "permissions = { allow = ['Above'], deny = ['Never'] }",
        )
        .write("p/sub/.betcode/config.toml", "permissions.allow = ['Here']");
    for (trusted, counts) in [
        (Some("p/sub"), vec!["Here"]),
        (Some("p/sub/deep"), vec![]),
        (Some("p"), vec!["Here", "Above"]),
        (Some("home"), vec![]),
        (None, vec![]),
    ] {
        world.trusted = trusted;
        let sources = world.read("p/sub/deep");
        let layers = sources.layers.iter();
        let allowed = layers
            .clone()
            .filter(|layer| layer.trusted)
            .flat_map(|layer| &layer.allow);
        let allowed: Vec<&str> = allowed.map(|placed| placed.rule.as_str()).collect();
        assert_eq!(allowed, counts, "{trusted:?}");
        assert_eq!(layers.map(|layer| layer.deny.len()).sum::<usize>(), 1);
    }
    world.trusted = Some("p/sub");
    let ignored: Vec<String> = world
        .read("p/sub")
        .ignored
        .iter()
        .map(|line| world.short(line))
        .collect();
    assert_eq!(
        ignored,
        [
            "/p/.betcode/config.toml: 1 allow rule does not count: this directory lies above the trusted one. betcode trust /p"
        ]
    );
}
