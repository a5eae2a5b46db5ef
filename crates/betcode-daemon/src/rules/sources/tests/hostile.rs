//! Files that are broken, by accident or on purpose.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

const TAIL: &str = " Its allow rules do not count until it is mended";

/// What a broken text comes to: its rules, and whether the one problem that must be told is told.
fn broken(format: Format, text: impl AsRef<[u8]>) -> Vec<String> {
    let (rules, problems) = one(format, text.as_ref());
    let count = |what: &str| rules.iter().filter(|rule| rule.contains(what)).count();
    assert_eq!(count(" allow "), 0, "{rules:?}");
    assert!(
        problems.iter().any(|problem| problem.contains(TAIL)),
        "{:?}: {problems:?}",
        String::from_utf8_lossy(text.as_ref())
    );
    rules
}

#[test]
fn a_broken_file_allows_nothing_and_denies_what_can_be_read() {
    let table: &[(Format, &str, &[&str])] = &[
        (Format::Json, "", &[]),
        (Format::Json, "[\"deny\"]", &[]),
        // A comma too many, comments, a missing bracket.
        (
            Format::Json,
            "{\"permissions\":{\"allow\":[\"A\"],\n\"deny\":[\"Bash(rm *)\",\n\"B\",],},}",
            &[":2 deny Bash(rm *)", ":3 deny B"],
        ),
        (
            Format::Json,
            "{\n// \"deny\": [\"X\"]\n\"permissions\":{\"deny\":[ // \"Y\"\n\"A\", /* \"Z\" ] */ \"B\"]}}",
            &[":4 deny A", ":4 deny B"],
        ),
        (
            Format::Json,
            "  // \"deny\": [\"X\"],\n{\"ask\":[\"A\"]",
            &[":2 ask A"],
        ),
        (
            Format::Json,
            "{\"permissions\":{\"deny\":[\"A\",\n\"B\"\n\"ask\":[\"C\"],\"allow\":[\"D\"]}}",
            &[":3 ask C", ":1 deny A", ":2 deny B"],
        ),
        (Format::Json, "{\"deny\":\"Bash\",", &[":1 deny Bash"]),
        (
            Format::Json,
            "{deny: ['A', \"B\"]}",
            &[":1 deny A", ":1 deny B"],
        ),
        (
            Format::Json,
            "{\"deny\":[\"A\" \"B\", 1, x, \"C\", [\"D\"]]",
            &[":1 deny A", ":1 deny B", ":1 deny C"],
        ),
        // Quotes that are not closed.
        (
            Format::Json,
            "{\"permissions\":{\"allow\":[\"A],\n\"deny\":[\"B\"]}}",
            &[":2 deny B"],
        ),
        (
            Format::Json,
            "{\"x: 1, \"permissions\":{\"allow\":[\"A\"],\"deny\":[\"Bash(rm *)\"]}}",
            &[":1 deny Bash(rm *)"],
        ),
        (
            Format::Json,
            "{\"deny\":[\"Bash(rm *), \"B\"\n,\"C\"",
            &[":1 ask Bash", ":1 ask B", ":2 deny C"],
        ),
        (Format::Json, "{\"deny\":[\"Bash(rm", &[":1 ask Bash"]),
        (
            Format::Json,
            "{\"deny\":[\"Bash(\\d)\", \"B\\u0043\"",
            &[":1 ask Bash", ":1 deny BC"],
        ),
        (
            Format::Json,
            "{\"denylist\":[\"A\"],\"my_ask\":[\"B\"],\"x\":\"deny\",",
            &[],
        ),
        (Format::Json, "{\"deny\":", &[]),
        (Format::Json, "{\"deny\":[/* \"A\"", &[":1 deny A"]),
        // TOML.
        (
            Format::Toml,
            "[permissions\nallow = ['A']\ndeny = [\n  'B', # 'C'\n  \"D\"\n]\n",
            &[":4 deny B", ":5 deny D"],
        ),
        (
            Format::Toml,
            "permissions.deny = ['A']\npermissions = { ask = ['B'], \"deny\" = 'C'\n",
            &[":2 ask B", ":1 deny A", ":2 deny C"],
        ),
        (
            Format::Toml,
            "[permissions]\ndeny = ['A',\nask = ['B']\nallow = ['C']\n",
            &[":3 ask B", ":2 deny A"],
        ),
        (
            Format::Toml,
            "x =\n deny = ['''A''', \"\"\"\nB\"\"\", 'C]\n]",
            &[":3 ask C", ":2 deny A", ":2 deny B"],
        ),
        (Format::Toml, "x =\n# deny = ['A']\n   # ask = ['B']\n", &[]),
        (
            Format::Toml,
            "x =\nmy-deny = ['A']\ndeny-list = ['B']\ndeny = 1\n",
            &[],
        ),
        (
            Format::Toml,
            "deny = ['A']\ndeny = ['B']",
            &[":1 deny A", ":2 deny B"],
        ),
    ];
    for (format, text, expected) in table {
        assert_eq!(broken(*format, text), *expected, "{text}");
    }
}

#[test]
fn a_broken_file_is_named_with_line_reason_and_what_still_counts() {
    for (format, text, expected) in [
        (
            Format::Json,
            "{\n  \"permissions\": {\n    \"deny\": [\"A\"],\n  }\n}",
            ":4: is not valid JSON: key must be a string. Its allow rules do not count until it is mended; 1 deny rule that can be read do",
        ),
        (
            Format::Json,
            "[]",
            ": is not a JSON object. Its allow rules do not count until it is mended",
        ),
        (
            Format::Toml,
            "model = 'm'\n[permissions\ndeny = ['A', 'B']\nask = ['C']",
            ":2: is not valid TOML: unclosed table, expected `]`. Its allow rules do not count until it is mended; 2 deny rules and 1 ask rule that can be read do",
        ),
    ] {
        assert_eq!(one(format, text).1, [expected]);
    }
    let secret = one(Format::Json, "{\"env\":{\"KEY\":\"secret\"},\"secret\"}");
    assert!(!secret.1.concat().contains("secret"), "{secret:?}");
    let secret = one(Format::Json, "\"secret\"");
    assert!(!secret.1.concat().contains("secret"), "{secret:?}");
}

#[test]
fn bytes_that_are_no_text_break_a_file_and_damage_a_rule() {
    let rules = broken(
        Format::Json,
        b"{\"permissions\":{\"allow\":[\"A\"],\"deny\":[\"Bash(\xff)\",\"B\"]}}",
    );
    assert_eq!(rules, [":1 ask Bash", ":1 deny B"]);
    let rules = broken(Format::Toml, b"permissions.deny = ['A'] # \xff\n");
    assert_eq!(rules, [":1 deny A"]);
    let utf16: Vec<u8> = "{\"permissions\":{}}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(
        broken(Format::Json, [b"\xff\xfe".as_slice(), &utf16].concat()),
        [""; 0]
    );
}

#[test]
fn of_a_file_that_is_too_long_the_beginning_denies() {
    let long = " ".repeat(text::LONGEST);
    let rules = broken(
        Format::Json,
        format!("{{\"permissions\":{{\"allow\":[\"A\"],\"deny\":[\"B\"]}}}}{long}"),
    );
    assert_eq!(rules, [":1 deny B"]);
    let filler = " ".repeat(text::LONGEST - 14);
    let exactly = format!("permissions={{}} {filler}");
    assert_eq!(exactly.len(), text::LONGEST + 1);
    assert_eq!(broken(Format::Toml, &exactly), [""; 0]);
    let (_, problems) = one(Format::Toml, exactly.get(1..).unwrap());
    assert_eq!(problems, [""; 0]);
}

#[test]
fn what_is_no_file_is_told_and_never_waited_for() {
    let world = World::new();
    let claude = world.path("p/.claude");
    let ours = world.path("p/.betcode");
    std::fs::create_dir_all(claude.join("settings.json")).unwrap();
    std::fs::create_dir_all(&ours).unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        claude.join("settings.local.json"),
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .unwrap();
    std::os::unix::fs::symlink("nowhere", ours.join("config.toml")).unwrap();
    std::os::unix::fs::symlink("config.local.toml", ours.join("config.local.toml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", world.path("home/.claude/settings.json")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(world.path("config/config.toml")).unwrap();
    let sources = world.read("p");
    assert_eq!(sources.layers, []);
    let problems = world.problems(&sources);
    assert_eq!(problems.len(), 6, "{problems:#?}");
    for (file, what) in [
        ("/p/.betcode/config.local.toml", "cannot be read: "),
        ("/p/.claude/settings.local.json", "is not a file. "),
        ("/p/.betcode/config.toml", "is a link that leads nowhere. "),
        ("/p/.claude/settings.json", "is a directory. "),
        ("/config/config.toml", "is not a file. "),
        ("/home/.claude/settings.json", "is not a file. "),
    ] {
        let start = format!("{file}: {what}");
        assert!(
            problems
                .iter()
                .any(|problem| problem.starts_with(&start) && problem.contains(TAIL)),
            "{start} {problems:#?}"
        );
    }
    assert!(sources.files.iter().all(|(_, is)| *is));
}

#[test]
fn a_directory_that_may_not_be_entered_is_told() {
    if rustix::process::geteuid().is_root() {
        return;
    }
    let world = World::new();
    world.write("p/.claude/settings.json", "{}");
    let directory = world.path("p/.claude");
    let set = |mode| {
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o000);
    let problems = world.problems(&world.read("p"));
    set(0o700);
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("/p/.claude/settings.json: cannot be read")),
        "{problems:?}"
    );
}

#[test]
fn what_is_not_a_directory_holds_no_files() {
    let world = World::new();
    world.write("p/.claude", "").write("p/.betcode", "");
    let sources = world.read("p");
    assert_eq!(world.problems(&sources), Vec::<String>::new());
    assert!(sources.files.iter().all(|(_, is)| !is));
}
