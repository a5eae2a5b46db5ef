//! Tables of what files, variables and flags come to, the messages as people see them, and the law of precedence.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::notify::{self, Hours};

const USER: &str = "/home/ann/.config/betcode/config.toml";

fn user(text: &str) -> Source {
    Source::file(Layer::User, USER, text)
}

fn project(text: &str) -> Source {
    Source::file(Layer::Project, PROJECT_FILE, text)
}

fn project_local(text: &str) -> Source {
    Source::file(Layer::ProjectLocal, PROJECT_LOCAL_FILE, text)
}

fn environment(variables: &[(&str, &str)]) -> Source {
    Source::environment(
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn sound(sources: &[Source]) -> Config {
    let resolution = resolve(sources, true);
    assert_eq!(resolution.errors, []);
    resolution.config
}

fn command(config: &Config, agent: &str) -> Option<Vec<String>> {
    config.agents.get(&AgentName::from(agent))?.command.clone()
}

/// Errors with their hints, as the program prints them.
fn complaints(sources: &[Source], trusted: bool) -> String {
    let mut lines = String::new();
    for error in resolve(sources, trusted).errors {
        writeln!(lines, "{error}").unwrap();
        if let Some(hint) = error.hint() {
            writeln!(lines, "  hint: {hint}").unwrap();
        }
    }
    lines
}

fn shown(resolution: &Resolution) -> String {
    let mut lines = String::new();
    for row in &resolution.origins {
        let value = row
            .value
            .as_ref()
            .map_or_else(|| "-".to_owned(), Value::to_string);
        writeln!(
            lines,
            "{} = {value} ({}, {})",
            row.key, row.layer, row.place
        )
        .unwrap();
    }
    for ignored in &resolution.ignored {
        writeln!(lines, "{ignored}").unwrap();
    }
    lines
}

const EVERYTHING: &str = r#"agent = "claude"
model = "opus"

[agents.claude]
command = ["/opt/claude", "--fast"]
env = { API_KEY = "sk-very-secret", "WITH.DOT" = "" }

[agents.my-agent]
command = ["my-agent"]

[daemon]
idle_exit = "2h"
log_level = "debug"

[session]
payload_limit = "64KiB"
stalled_after = "30s"
interrupt_stalled_after = "1h"

[permissions]
timeout = "30d"
answer_without_lock = true
allow = ["Read", "Bash(cargo test)"]
ask = ["Bash(git push *)"]
deny = ["Read(~/.ssh/**)"]

[lock]
wait = "20s"
idle = 0
grace = "20s"

[limits]
sessions_per_hour = 5
messages_per_minute = 60

[tui]
theme = "light"
mouse = false
reduced_motion = true
notify = false
keys.send = ["ctrl-enter", "["]
keys.help = []
screen_reader = true
vim = true
progress = false
history = false
"#;

#[test]
fn without_any_source_the_defaults_hold() {
    let resolution = resolve(&[], false);
    assert_eq!(resolution.config, Config::default());
    insta::assert_snapshot!(shown(&resolution), @r##"
    agent = - (default, built in)
    daemon.idle_exit = 15m (default, built in)
    daemon.log_level = info (default, built in)
    limits.messages_per_minute = 0 (default, built in)
    limits.sessions_per_hour = 0 (default, built in)
    lock.grace = 10s (default, built in)
    lock.idle = 30s (default, built in)
    lock.wait = 10s (default, built in)
    model = - (default, built in)
    notify.critical_passes_quiet = false (default, built in)
    notify.focus = false (default, built in)
    notify.off = - (default, built in)
    notify.preview = true (default, built in)
    notify.quiet_hours = - (default, built in)
    notify.turn_after = 10m (default, built in)
    notify.waiting_passes_snooze = true (default, built in)
    permissions.allow = - (default, built in)
    permissions.answer_without_lock = false (default, built in)
    permissions.ask = - (default, built in)
    permissions.deny = - (default, built in)
    permissions.timeout = 7d (default, built in)
    session.interrupt_stalled_after = 0s (default, built in)
    session.payload_limit = 10MiB (default, built in)
    session.stalled_after = 2m (default, built in)
    tray.icon = ring (default, built in)
    tray.pulse = true (default, built in)
    tray.start = false (default, built in)
    tray.terminal = - (default, built in)
    tui.history = true (default, built in)
    tui.mouse = true (default, built in)
    tui.notify = true (default, built in)
    tui.progress = true (default, built in)
    tui.reduced_motion = false (default, built in)
    tui.screen_reader = false (default, built in)
    tui.theme = auto (default, built in)
    tui.vim = false (default, built in)
    usage.ca_files = - (default, built in)
    usage.claude_dirs = - (default, built in)
    usage.critical = 90 (default, built in)
    usage.daily_goal = - (default, built in)
    usage.enabled = true (default, built in)
    usage.http = false (default, built in)
    usage.no_proxy = - (default, built in)
    usage.pinning = report (default, built in)
    usage.pins = - (default, built in)
    usage.pins_until = - (default, built in)
    usage.proxy = - (default, built in)
    usage.reset_soon = ["30", "15", "5"] (default, built in)
    usage.warning = 75 (default, built in)
    usage.window = tightest (default, built in)
    "##);
}

#[test]
fn every_key_of_a_file_arrives_with_its_origin() {
    let resolution = resolve(&[user(EVERYTHING)], false);
    assert_eq!(resolution.errors, []);
    let config = &resolution.config;
    assert_eq!(config.agent, Some("claude".into()));
    assert_eq!(config.model.as_deref(), Some("opus"));
    let claude = &config.agents[&AgentName::from("claude")];
    assert_eq!(
        claude.command.as_deref().unwrap(),
        ["/opt/claude", "--fast"]
    );
    assert_eq!(claude.env.0["API_KEY"], "sk-very-secret");
    assert_eq!(claude.env.0["WITH.DOT"], "");
    assert_eq!(command(config, "my-agent").unwrap(), ["my-agent"]);
    assert_eq!(config.daemon.idle_exit, Duration::from_hours(2));
    assert_eq!(config.daemon.log_level, LogLevel::Debug);
    let expected = SessionConfig {
        payload_limit: 64 << 10,
        stalled_after: Duration::from_secs(30),
        interrupt_stalled_after: Duration::from_hours(1),
    };
    assert_eq!(config.session, expected);
    let expected = PermissionsConfig {
        timeout: Duration::from_hours(30 * 24),
        answer_without_lock: true,
        allow: vec!["Read".into(), "Bash(cargo test)".into()],
        ask: vec!["Bash(git push *)".into()],
        deny: vec!["Read(~/.ssh/**)".into()],
    };
    assert_eq!(config.permissions, expected);
    let expected = LockConfig {
        wait: Duration::from_secs(20),
        idle: Duration::ZERO,
        grace: Duration::from_secs(20),
    };
    assert_eq!(config.lock, expected);
    let expected = LimitsConfig {
        sessions_per_hour: 5,
        messages_per_minute: 60,
    };
    assert_eq!(config.limits, expected);
    let expected = TuiConfig {
        keys: BTreeMap::from([
            ("help".into(), Vec::new()),
            ("send".into(), vec!["ctrl-enter".into(), "[".into()]),
        ]),
        theme: ThemeChoice::Light,
        mouse: false,
        reduced_motion: true,
        screen_reader: true,
        notify: false,
        vim: true,
        progress: false,
        history: false,
    };
    assert_eq!(config.tui, expected);
    insta::assert_snapshot!(shown(&resolution), @r##"
    agent = claude (user, /home/ann/.config/betcode/config.toml:1:1)
    agents.claude.command = /opt/claude --fast (user, /home/ann/.config/betcode/config.toml:5:1)
    agents.claude.env.API_KEY = [redacted] (user, /home/ann/.config/betcode/config.toml:6:9)
    agents.claude.env.WITH.DOT = [redacted] (user, /home/ann/.config/betcode/config.toml:6:37)
    agents.my-agent.command = my-agent (user, /home/ann/.config/betcode/config.toml:9:1)
    daemon.idle_exit = 2h (user, /home/ann/.config/betcode/config.toml:12:1)
    daemon.log_level = debug (user, /home/ann/.config/betcode/config.toml:13:1)
    limits.messages_per_minute = 60 (user, /home/ann/.config/betcode/config.toml:34:1)
    limits.sessions_per_hour = 5 (user, /home/ann/.config/betcode/config.toml:33:1)
    lock.grace = 20s (user, /home/ann/.config/betcode/config.toml:30:1)
    lock.idle = 0s (user, /home/ann/.config/betcode/config.toml:29:1)
    lock.wait = 20s (user, /home/ann/.config/betcode/config.toml:28:1)
    model = opus (user, /home/ann/.config/betcode/config.toml:2:1)
    notify.critical_passes_quiet = false (default, built in)
    notify.focus = false (default, built in)
    notify.off = - (default, built in)
    notify.preview = true (default, built in)
    notify.quiet_hours = - (default, built in)
    notify.turn_after = 10m (default, built in)
    notify.waiting_passes_snooze = true (default, built in)
    permissions.allow = ["Read", "Bash(cargo test)"] (user, /home/ann/.config/betcode/config.toml:23:1)
    permissions.answer_without_lock = true (user, /home/ann/.config/betcode/config.toml:22:1)
    permissions.ask = ["Bash(git push *)"] (user, /home/ann/.config/betcode/config.toml:24:1)
    permissions.deny = ["Read(~/.ssh/**)"] (user, /home/ann/.config/betcode/config.toml:25:1)
    permissions.timeout = 30d (user, /home/ann/.config/betcode/config.toml:21:1)
    session.interrupt_stalled_after = 1h (user, /home/ann/.config/betcode/config.toml:18:1)
    session.payload_limit = 64KiB (user, /home/ann/.config/betcode/config.toml:16:1)
    session.stalled_after = 30s (user, /home/ann/.config/betcode/config.toml:17:1)
    tray.icon = ring (default, built in)
    tray.pulse = true (default, built in)
    tray.start = false (default, built in)
    tray.terminal = - (default, built in)
    tui.history = false (user, /home/ann/.config/betcode/config.toml:46:1)
    tui.keys.help = [] (user, /home/ann/.config/betcode/config.toml:42:6)
    tui.keys.send = ["ctrl-enter", "["] (user, /home/ann/.config/betcode/config.toml:41:6)
    tui.mouse = false (user, /home/ann/.config/betcode/config.toml:38:1)
    tui.notify = false (user, /home/ann/.config/betcode/config.toml:40:1)
    tui.progress = false (user, /home/ann/.config/betcode/config.toml:45:1)
    tui.reduced_motion = true (user, /home/ann/.config/betcode/config.toml:39:1)
    tui.screen_reader = true (user, /home/ann/.config/betcode/config.toml:43:1)
    tui.theme = light (user, /home/ann/.config/betcode/config.toml:37:1)
    tui.vim = true (user, /home/ann/.config/betcode/config.toml:44:1)
    usage.ca_files = - (default, built in)
    usage.claude_dirs = - (default, built in)
    usage.critical = 90 (default, built in)
    usage.daily_goal = - (default, built in)
    usage.enabled = true (default, built in)
    usage.http = false (default, built in)
    usage.no_proxy = - (default, built in)
    usage.pinning = report (default, built in)
    usage.pins = - (default, built in)
    usage.pins_until = - (default, built in)
    usage.proxy = - (default, built in)
    usage.reset_soon = ["30", "15", "5"] (default, built in)
    usage.warning = 75 (default, built in)
    usage.window = tightest (default, built in)
    "##);
}

#[test]
fn every_key_that_has_a_variable_can_be_set_by_it() {
    let config = sound(&[environment(&[
        ("BETCODE_AGENT", "demo"),
        ("BETCODE_MODEL", "haiku"),
        (
            "BETCODE_AGENT_CLAUDE_COMMAND",
            "'/opt/my claude' --a=\"b c\"",
        ),
        ("BETCODE_IDLE_EXIT", "90"),
        ("BETCODE_LOG", "trace"),
        ("BETCODE_PAYLOAD_LIMIT", "128KiB"),
    ])]);
    assert_eq!(config.agent, Some("demo".into()));
    assert_eq!(config.model.as_deref(), Some("haiku"));
    assert_eq!(
        command(&config, "claude").unwrap(),
        ["/opt/my claude", "--a=b c"]
    );
    assert_eq!(config.daemon.idle_exit, Duration::from_secs(90));
    assert_eq!(config.daemon.log_level, LogLevel::Trace);
    assert_eq!(config.session.payload_limit, 128 << 10);
}

#[test]
fn other_variables_and_empty_ones_are_passed_over() {
    let variables = [
        ("BETCODE_AGENT", ""),
        ("BETCODE_SOCKET", "/tmp/s"),
        ("BETCODE_AGENT_COMMAND", "x"),
        ("LOG", "loud"),
    ];
    assert_eq!(sound(&[environment(&variables)]), Config::default());
}

#[test]
fn a_variable_finds_the_agent_whose_name_has_other_signs() {
    let variable = environment(&[("BETCODE_AGENT_MY_AGENT_COMMAND", "new")]);
    for (files, expected) in [
        (vec![], "my-agent"),
        (
            vec![user("[agents.my_agent]\ncommand = ['old']")],
            "my_agent",
        ),
        (vec![user("[agents.my_agent.env]\nA = 'b'")], "my_agent"),
        (vec![user("agent = 'my_agent'")], "my_agent"),
    ] {
        let mut sources = files;
        sources.push(variable.clone());
        assert_eq!(command(&sound(&sources), expected).unwrap(), ["new"]);
    }
}

#[test]
fn layers_are_merged_key_by_key_and_variable_by_variable() {
    let config = sound(&[
        user("model = 'u'\n[agents.a]\ncommand = ['u']\nenv = { ONE = 'u', TWO = 'u' }"),
        project("agent = 'a'\n[agents.a.env]\nTWO = 'p'"),
    ]);
    assert_eq!(config.model.as_deref(), Some("u"));
    let agent = &config.agents[&AgentName::from("a")];
    assert_eq!(agent.command.as_deref().unwrap(), ["u"]);
    assert_eq!((&*agent.env.0["ONE"], &*agent.env.0["TWO"]), ("u", "p"));
}

#[test]
fn an_empty_choice_in_a_higher_layer_goes_back_to_the_default() {
    let config = sound(&[
        user("agent = 'a'\nmodel = 'm'"),
        project("agent = ''\nmodel = ''"),
    ]);
    assert_eq!((config.agent, config.model), (None, None));
}

#[test]
fn a_project_that_is_not_trusted_chooses_but_runs_nothing() {
    let hostile = "agent = 'claude'\nmodel = 'opus'\n[agents.claude]\ncommand = ['./evil']\nenv = { LD_PRELOAD = './evil.so' }";
    for source in [project(hostile), project_local(hostile)] {
        let resolution = resolve(std::slice::from_ref(&source), false);
        assert_eq!(resolution.errors, []);
        assert_eq!(resolution.config.agent, Some("claude".into()));
        assert_eq!(resolution.config.model.as_deref(), Some("opus"));
        assert!(resolution.config.agents.is_empty());
        assert_eq!(resolution.ignored.len(), 2);
        assert!(!shown(&resolution).contains("evil"));
        assert_eq!(command(&sound(&[source]), "claude").unwrap(), ["./evil"]);
    }
    let resolution = resolve(&[project(hostile)], false);
    insta::assert_snapshot!(shown(&resolution), @r##"
    agent = claude (project, .betcode/config.toml:1:1)
    daemon.idle_exit = 15m (default, built in)
    daemon.log_level = info (default, built in)
    limits.messages_per_minute = 0 (default, built in)
    limits.sessions_per_hour = 0 (default, built in)
    lock.grace = 10s (default, built in)
    lock.idle = 30s (default, built in)
    lock.wait = 10s (default, built in)
    model = opus (project, .betcode/config.toml:2:1)
    notify.critical_passes_quiet = false (default, built in)
    notify.focus = false (default, built in)
    notify.off = - (default, built in)
    notify.preview = true (default, built in)
    notify.quiet_hours = - (default, built in)
    notify.turn_after = 10m (default, built in)
    notify.waiting_passes_snooze = true (default, built in)
    permissions.allow = - (default, built in)
    permissions.answer_without_lock = false (default, built in)
    permissions.ask = - (default, built in)
    permissions.deny = - (default, built in)
    permissions.timeout = 7d (default, built in)
    session.interrupt_stalled_after = 0s (default, built in)
    session.payload_limit = 10MiB (default, built in)
    session.stalled_after = 2m (default, built in)
    tray.icon = ring (default, built in)
    tray.pulse = true (default, built in)
    tray.start = false (default, built in)
    tray.terminal = - (default, built in)
    tui.history = true (default, built in)
    tui.mouse = true (default, built in)
    tui.notify = true (default, built in)
    tui.progress = true (default, built in)
    tui.reduced_motion = false (default, built in)
    tui.screen_reader = false (default, built in)
    tui.theme = auto (default, built in)
    tui.vim = false (default, built in)
    usage.ca_files = - (default, built in)
    usage.claude_dirs = - (default, built in)
    usage.critical = 90 (default, built in)
    usage.daily_goal = - (default, built in)
    usage.enabled = true (default, built in)
    usage.http = false (default, built in)
    usage.no_proxy = - (default, built in)
    usage.pinning = report (default, built in)
    usage.pins = - (default, built in)
    usage.pins_until = - (default, built in)
    usage.proxy = - (default, built in)
    usage.reset_soon = ["30", "15", "5"] (default, built in)
    usage.warning = 75 (default, built in)
    usage.window = tightest (default, built in)
    .betcode/config.toml:4:1: `agents.claude.command` is ignored: this directory is not trusted
    .betcode/config.toml:5:9: `agents.claude.env.LD_PRELOAD` is ignored: this directory is not trusted
    "##);
}

#[test]
fn the_users_own_command_holds_where_the_projects_is_ignored() {
    let sources = [
        user("[agents.a]\ncommand = ['mine']"),
        project("agent = 'a'\n[agents.a]\ncommand = ['theirs']"),
    ];
    let resolution = resolve(&sources, false);
    assert_eq!(resolution.errors, []);
    assert_eq!(command(&resolution.config, "a").unwrap(), ["mine"]);
    assert_eq!(command(&sound(&sources), "a").unwrap(), ["theirs"]);
}

#[test]
fn an_agent_that_only_an_untrusted_project_defines_is_an_error_with_a_hint() {
    let theirs = project("agent = 'theirs'\n\n[agents.theirs]\ncommand = ['./run']");
    insta::assert_snapshot!(complaints(std::slice::from_ref(&theirs), false), @r##"
    .betcode/config.toml:1:1: agent `theirs` is defined only at .betcode/config.toml:4:1, and this directory is not trusted
      hint: look at the command, then run `betcode trust`, or choose another agent with --agent
    "##);
    assert_eq!(complaints(std::slice::from_ref(&theirs), true), "");
    let flag = Source::flags([("--agent", "agent", "theirs")]);
    let complaint = complaints(&[theirs, flag], false);
    assert!(
        complaint.starts_with("--agent: agent `theirs`"),
        "{complaint}"
    );
}

#[test]
fn rules_of_all_layers_count_together_and_a_projects_allow_only_when_it_is_trusted() {
    let sources = [
        project_local("permissions.allow = ['Local', 'Read']"),
        user("permissions.allow = ['Read', 'Read', 'Edit']\npermissions.deny = ['Bash(rm *)']"),
        project(
            "permissions = { allow = ['Bash(make)'], ask = ['Edit'], deny = ['Bash(sudo *)'] }",
        ),
        environment(&[
            ("BETCODE_PERMISSIONS_ALLOW", "Bash(a, b), Edit\nWebFetch"),
            ("BETCODE_PERMISSIONS_DENY", "[\"WebSearch\"]"),
        ]),
    ];
    let config = sound(&sources);
    assert_eq!(
        config.permissions.allow,
        [
            "Read",
            "Edit",
            "Bash(make)",
            "Local",
            "Bash(a, b)",
            "WebFetch"
        ]
    );
    let resolution = resolve(&sources, false);
    assert_eq!(resolution.errors, []);
    assert_eq!(
        resolution.config.permissions.allow,
        ["Read", "Edit", "Bash(a, b)", "WebFetch"]
    );
    for permissions in [resolution.config.permissions, config.permissions] {
        assert_eq!(permissions.ask, ["Edit"]);
        assert_eq!(
            permissions.deny,
            ["Bash(rm *)", "Bash(sudo *)", "WebSearch"]
        );
    }
    let ignored: Vec<String> = resolution.ignored.iter().map(Ignored::to_string).collect();
    assert_eq!(
        ignored,
        [
            ".betcode/config.toml:1:17: `permissions.allow` is ignored: this directory is not trusted",
            ".betcode/config.local.toml:1:13: `permissions.allow` is ignored: this directory is not trusted",
        ]
    );
}

#[test]
fn rules_name_every_place_they_come_from() {
    let sources = [
        project_local("permissions.deny = ['Local']"),
        user("permissions.deny = ['Read']"),
        environment(&[("BETCODE_PERMISSIONS_DENY", "Edit")]),
        user("model = 'a'"),
        project("model = 'b'"),
    ];
    let resolution = resolve(&sources, false);
    let places = |key: &Key| -> Vec<String> {
        let row = resolution.origin(key).unwrap();
        let also = row.also.iter().map(|(_, place)| place.to_string());
        std::iter::once(row.place.to_string()).chain(also).collect()
    };
    assert_eq!(
        places(&Key::DeniedRules),
        [
            "BETCODE_PERMISSIONS_DENY",
            ".betcode/config.local.toml:1:13",
            "/home/ann/.config/betcode/config.toml:1:13"
        ]
    );
    assert_eq!(places(&Key::Model), [".betcode/config.toml:1:1"]);
}

#[test]
fn rules_in_one_text_are_parted_outside_of_parentheses() {
    for (text, rules) in [
        ("", &[][..]),
        (" , \n", &[]),
        ("Read", &["Read"]),
        (
            "Read,Edit\r\nBash(a, b) , X",
            &["Read", "Edit", "Bash(a, b)", "X"],
        ),
        (
            "Bash(echo (a, b), c), Edit",
            &["Bash(echo (a, b), c)", "Edit"],
        ),
        ("Bash(a, Edit", &["Bash(a, Edit"]),
        ("a), b", &["a)", "b"]),
    ] {
        assert_eq!(split_rules(text), rules, "{text:?}");
    }
}

#[test]
fn how_requests_wait_who_may_type_and_how_much_is_not_a_projects_to_say() {
    let text = "[permissions]
timeout = '1h'
answer_without_lock = true
[lock]
wait = '0'
idle = '0'
grace = '0'
[limits]
sessions_per_hour = 1
messages_per_minute = 1
";
    for source in [project(text), project_local(text)] {
        let resolution = resolve(&[source], true);
        assert_eq!(resolution.errors, []);
        assert_eq!(resolution.config, Config::default());
        assert_eq!(resolution.ignored.len(), 7);
    }
}

#[test]
fn what_belongs_to_the_daemon_does_not_count_from_any_project() {
    let text = "[daemon]\nidle_exit = '1s'\nlog_level = 'off'\n[session]\npayload_limit = '64KiB'";
    let resolution = resolve(&[project(text)], true);
    assert_eq!(resolution.config, Config::default());
    assert_eq!(resolution.ignored.len(), 3);
    assert_eq!(
        resolution.ignored[0].to_string(),
        ".betcode/config.toml:2:1: `daemon.idle_exit` is ignored: it belongs in your own configuration"
    );
}

#[test]
fn a_broken_file_is_named_with_line_and_column_and_does_not_count() {
    let sources = [
        user("model = 'u'"),
        project("agent = 'a'\nmodel = 'p"),
        project_local("model == 'l'"),
    ];
    assert_eq!(
        resolve(&sources, true).config,
        sound(&[user("model = 'u'")])
    );
    insta::assert_snapshot!(complaints(&sources, true), @r##"
    .betcode/config.toml:2:11: not valid TOML: invalid literal string, expected `'`
      hint: correct the file; until then nothing in it counts
    .betcode/config.local.toml:1:8: not valid TOML: extra `=`, expected nothing
      hint: correct the file; until then nothing in it counts
    "##);
}

#[test]
fn columns_count_characters_and_lines_may_end_in_both_ways() {
    let text = "# ä\r\nagents = { ü = 1 }\r\n";
    assert!(complaints(&[user(text)], true).starts_with(&format!("{USER}:2:12: ")));
}

#[test]
fn a_bad_value_does_not_hide_a_good_one_below_it() {
    let resolution = resolve(&[user("model = 'u'"), project("model = 7")], true);
    assert_eq!(resolution.config.model.as_deref(), Some("u"));
    assert_eq!(resolution.errors.len(), 1);
}

#[test]
fn unknown_keys_are_named_with_what_was_probably_meant() {
    let text = "modle = 'x'
idle_exit = '1m'
frobnicate = 1
\"\\u001b[31m\" = 1
[daemon]
idle-exit = '1m'
[agents.claude]
comand = ['x']
[deamon]
log_level = 'info'
";
    insta::assert_snapshot!(complaints(&[user(text)], true), @r##"
    /home/ann/.config/betcode/config.toml:1:1: unknown key `modle`, did you mean `model`? (allowed here: agent, model, agents, daemon, session, permissions, lock, limits, tui, notify, usage, tray)
    /home/ann/.config/betcode/config.toml:2:1: unknown key `idle_exit`, did you mean `daemon.idle_exit`? (allowed here: agent, model, agents, daemon, session, permissions, lock, limits, tui, notify, usage, tray)
    /home/ann/.config/betcode/config.toml:3:1: unknown key `frobnicate` (allowed here: agent, model, agents, daemon, session, permissions, lock, limits, tui, notify, usage, tray)
    /home/ann/.config/betcode/config.toml:4:1: unknown key `\u{1b}[31m` (allowed here: agent, model, agents, daemon, session, permissions, lock, limits, tui, notify, usage, tray)
    /home/ann/.config/betcode/config.toml:6:1: unknown key `daemon.idle-exit`, did you mean `daemon.idle_exit`? (allowed here: daemon.idle_exit, daemon.log_level)
    /home/ann/.config/betcode/config.toml:8:1: unknown key `agents.claude.comand`, did you mean `agents.claude.command`? (allowed here: agents.claude.command, agents.claude.env)
    /home/ann/.config/betcode/config.toml:9:2: unknown key `deamon`, did you mean `daemon`? (allowed here: agent, model, agents, daemon, session, permissions, lock, limits, tui, notify, usage, tray)
    "##);
}

#[test]
fn bad_values_are_named_with_what_is_allowed() {
    let text = "agent = 'My Agent'
model = 3
daemon = 'x'
[agents]
x = 1
[agents.a]
command = 'one line'
env = { A = 5, 'B=' = 'x', C = \"sk-secret\\u0000\" }
[agents.b]
command = []
[agents.c]
command = ['a', 1]
[agents.'d e']
command = ['a']
[session]
payload_limit = '1KiB'
";
    insta::assert_snapshot!(complaints(&[user(text)], true), @r##"
    /home/ann/.config/betcode/config.toml:1:9: bad value for `agent`: expected the name of an agent (lower-case letters, digits, `-` and `_`), found "My Agent"
    /home/ann/.config/betcode/config.toml:2:9: bad value for `model`: expected text on one line, found 3
    /home/ann/.config/betcode/config.toml:3:1: `daemon` is a table of settings: idle_exit, log_level
    /home/ann/.config/betcode/config.toml:5:1: `agents.x` is a table of settings: command, env
    /home/ann/.config/betcode/config.toml:7:11: bad value for `agents.a.command`: expected a program and its arguments (["my-agent", "--stdio"]), found text
    /home/ann/.config/betcode/config.toml:8:13: bad value for `agents.a.env.A`: expected text in quotes, found a number
    /home/ann/.config/betcode/config.toml:8:16: "B=" is not the name of a variable
    /home/ann/.config/betcode/config.toml:8:32: bad value for `agents.a.env.C`: expected text in quotes, found text with a NUL character
    /home/ann/.config/betcode/config.toml:10:11: bad value for `agents.b.command`: expected a program and its arguments (["my-agent", "--stdio"]), found a command without a program
    /home/ann/.config/betcode/config.toml:12:11: bad value for `agents.c.command`: expected a program and its arguments (["my-agent", "--stdio"]), found a list with something else than text in it
    /home/ann/.config/betcode/config.toml:14:1: "d e" is not the name of an agent (lower-case letters, digits, `-` and `_`)
    /home/ann/.config/betcode/config.toml:16:17: bad value for `session.payload_limit`: expected a size from 64KiB to 512MiB (65536, 64KiB or 10MiB), found "1KiB"
    "##);
    let more = [
        user("[daemon]\nidle_exit = -5\nlog_level = true\n[session]\npayload_limit = 1.5"),
        environment(&[
            ("BETCODE_LOG", "loud"),
            ("BETCODE_IDLE_EXIT", "soon"),
            ("BETCODE_AGENT_CLAUDE_COMMAND", "claude --key='sk-secret"),
        ]),
        Source::flags([("--model", "model", "a\nb"), ("--agent", "agent", "A")]),
    ];
    insta::assert_snapshot!(complaints(&more, true), @r##"
    /home/ann/.config/betcode/config.toml:2:13: bad value for `daemon.idle_exit`: expected a duration (90, 90s, 10m, 2h or 7d), found -5
    /home/ann/.config/betcode/config.toml:3:13: bad value for `daemon.log_level`: expected one of off, error, warn, info, debug, trace, found true
    /home/ann/.config/betcode/config.toml:5:17: bad value for `session.payload_limit`: expected a size from 64KiB to 512MiB (65536, 64KiB or 10MiB), found a number
    BETCODE_LOG: bad value for `daemon.log_level`: expected one of off, error, warn, info, debug, trace, found "loud"
    BETCODE_IDLE_EXIT: bad value for `daemon.idle_exit`: expected a duration (90, 90s, 10m, 2h or 7d), found "soon"
    BETCODE_AGENT_CLAUDE_COMMAND: bad value for `agents.claude.command`: expected a program and its arguments (["my-agent", "--stdio"]), found a command line with an unclosed quote
    --model: bad value for `model`: expected text on one line, found "a\nb"
    --agent: bad value for `agent`: expected the name of an agent (lower-case letters, digits, `-` and `_`), found "A"
    "##);
}

#[test]
fn bad_terms_rules_and_limits_are_named_with_what_is_allowed() {
    let text = "[permissions]
timeout = '59m'
answer_without_lock = 'yes'
allow = 'Read'
[limits]
sessions_per_hour = -1
messages_per_minute = 'many'
[lock]
wait = 'long'
";
    let other = "permissions = { timeout = '31d', allow = ['Read', ''] }
limits = { messages_per_minute = 4294967296 }
";
    insta::assert_snapshot!(complaints(&[user(text), project_local("permissions.allow = [1]"), user(other)], true), @r##"
    /home/ann/.config/betcode/config.toml:2:11: bad value for `permissions.timeout`: expected a duration from 1h to 30d (90m, 12h or 7d), found "59m"
    /home/ann/.config/betcode/config.toml:3:23: bad value for `permissions.answer_without_lock`: expected true or false, found text
    /home/ann/.config/betcode/config.toml:4:9: bad value for `permissions.allow`: expected a list of rules (["Read", "Bash(cargo test)"]), found text
    /home/ann/.config/betcode/config.toml:6:21: bad value for `limits.sessions_per_hour`: expected a whole number; 0 for no limit, found -1
    /home/ann/.config/betcode/config.toml:7:23: bad value for `limits.messages_per_minute`: expected a whole number; 0 for no limit, found text
    /home/ann/.config/betcode/config.toml:9:8: bad value for `lock.wait`: expected a duration up to 25s (5s or 10s), found "long"
    /home/ann/.config/betcode/config.toml:1:27: bad value for `permissions.timeout`: expected a duration from 1h to 30d (90m, 12h or 7d), found "31d"
    /home/ann/.config/betcode/config.toml:1:42: bad value for `permissions.allow`: expected a list of rules (["Read", "Bash(cargo test)"]), found a rule that is not text on one line
    /home/ann/.config/betcode/config.toml:2:34: bad value for `limits.messages_per_minute`: expected a whole number; 0 for no limit, found "4294967296"
    .betcode/config.local.toml:1:21: bad value for `permissions.allow`: expected a list of rules (["Read", "Bash(cargo test)"]), found a list with something else than text in it
    "##);
    for (text, counts) in [("1h", true), ("30d", true), ("3599", false)] {
        let resolution = resolve(&[user(&format!("permissions.timeout = '{text}'"))], true);
        assert_eq!(resolution.errors.is_empty(), counts, "{text}");
    }
}

#[test]
fn nothing_that_is_printed_shows_an_agents_environment() {
    let sources = [user(EVERYTHING)];
    let resolution = resolve(&sources, true);
    let literal = check_value(
        &Key::parse("agents.claude.env.API_KEY").unwrap(),
        "sk-very-secret",
    );
    let printed = format!(
        "{sources:?} {resolution:?} {literal:?} {}",
        shown(&resolution)
    );
    assert!(printed.contains("[redacted]"));
    assert!(!printed.contains("sk-very-secret"), "{printed}");
}

#[test]
fn durations_and_sizes_are_read_and_written_in_their_largest_unit() {
    for (text, seconds, written) in [
        ("90", 90, "90s"),
        ("90s", 90, "90s"),
        ("10m", 600, "10m"),
        ("120m", 7_200, "2h"),
        ("7d", 604_800, "7d"),
        ("0", 0, "0s"),
    ] {
        let duration = parse_duration(text);
        assert_eq!(duration, Some(Duration::from_secs(seconds)), "{text}");
        assert_eq!(format_duration(duration.unwrap()), written);
    }
    for (text, bytes, written) in [
        ("64KiB", 65_536, "64KiB"),
        ("10MiB", 10 << 20, "10MiB"),
        ("1024MiB", 1 << 30, "1GiB"),
        ("100", 100, "100B"),
        ("0B", 0, "0B"),
    ] {
        assert_eq!(parse_size(text), Some(bytes), "{text}");
        assert_eq!(format_size(bytes), written);
    }
    let nonsense = [
        "",
        "s",
        "-1",
        "+1",
        "1 s",
        "1.5h",
        "1w",
        "1S",
        "99999999999999999999",
        "18446744073709551615d",
        "1MB",
        "1kib",
    ];
    for text in nonsense {
        assert_eq!(parse_duration(text), None, "{text}");
        assert_eq!(parse_size(text), None, "{text}");
    }
}

#[test]
fn a_checked_value_becomes_a_literal_in_its_normal_form() {
    for (key, text, literal) in [
        ("model", "opus", r#""opus""#),
        ("model", "it's", r#""it's""#),
        ("model", "say \"x\"", r#"'say "x"'"#),
        ("daemon.idle_exit", "900", r#""15m""#),
        ("daemon.log_level", "off", r#""off""#),
        ("session.payload_limit", "65536", r#""64KiB""#),
        ("tui.keys.send", "ctrl-enter  f5", r#"["ctrl-enter", "f5"]"#),
        ("tui.keys.send", r#"["[", ","]"#, r#"["[", ","]"#),
        ("tui.keys.send", "[", r#"["["]"#),
        ("tui.keys.send", "", "[]"),
        ("tui.theme", "dark", r#""dark""#),
        ("tui.mouse", "false", "false"),
        ("tui.screen_reader", "1", "true"),
        ("session.stalled_after", "120", r#""2m""#),
        ("session.interrupt_stalled_after", "0", r#""0s""#),
        ("agents.a.command", "run 'a b'", r#"["run", "a b"]"#),
        ("agents.a.command", r#"["run", "a b"]"#, r#"["run", "a b"]"#),
        ("agents.a.env.K", "v", r#""v""#),
        ("permissions.timeout", "168h", r#""7d""#),
        ("permissions.answer_without_lock", "true", "true"),
        (
            "permissions.allow",
            "Bash(cargo test)",
            r#"["Bash(cargo test)"]"#,
        ),
        ("permissions.allow", r#"["A", "B", "A"]"#, r#"["A", "B"]"#),
        ("permissions.allow", "[]", "[]"),
        ("permissions.ask", "A, Bash(b, c)", r#"["A", "Bash(b, c)"]"#),
        ("permissions.deny", "A", r#"["A"]"#),
        ("lock.wait", "20", r#""20s""#),
        ("limits.sessions_per_hour", "5", "5"),
    ] {
        let key = Key::parse(key).unwrap();
        let checked = check_value(&key, text).unwrap();
        assert_eq!(checked.as_str(), literal);
        // Read back from a file at the key's path, it is the same value.
        let path: Vec<String> = key.path().iter().map(|part| format!("'{part}'")).collect();
        let resolution = resolve(&[user(&format!("{} = {literal}", path.join(".")))], true);
        assert_eq!(resolution.errors, []);
        let read = resolution.origin(&key).unwrap().value.clone().unwrap();
        assert_eq!(read, Value::from_text(key.info().kind, text).unwrap());
    }
}

#[test]
fn a_value_or_key_that_cannot_be_set_says_why() {
    let check = |key: &str, text: &str| match Key::parse(key) {
        Ok(key) => check_value(&key, text).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    let complaints = [
        check("daemon.idle_exit", "1 week"),
        check("session.stalled_after", "9"),
        check("session.stalled_after", "3601"),
        check("session.interrupt_stalled_after", "5"),
        check("agents.a.command", "[1"),
        check("agents.a.command", ""),
        check("agents.A.command", "x"),
        check("agents.a.env", "x"),
        check("agents.a.env.", "x"),
        check("daemon", "x"),
        check("daemon.log", "x"),
        check("", "x"),
    ];
    insta::assert_snapshot!(complaints.join("\n"), @r##"
    bad value for `daemon.idle_exit`: expected a duration (90, 90s, 10m, 2h or 7d), found "1 week"
    bad value for `session.stalled_after`: expected a duration from 10s to 1h (30s, 2m or 10m), found "9"
    bad value for `session.stalled_after`: expected a duration from 10s to 1h (30s, 2m or 10m), found "3601"
    bad value for `session.interrupt_stalled_after`: expected a duration from 10s to 1d (5m or 1h), or 0 for never, found "5"
    bad value for `agents.a.command`: expected a program and its arguments (["my-agent", "--stdio"]), found a list that cannot be read
    bad value for `agents.a.command`: expected a program and its arguments (["my-agent", "--stdio"]), found a command without a program
    "A" is not the name of an agent (lower-case letters, digits, `-` and `_`)
    `agents.a.env` is a table of settings: <variable>
    "" is not the name of a variable
    `daemon` is a table of settings: idle_exit, log_level
    unknown key `daemon.log` (allowed here: daemon.idle_exit, daemon.log_level)
    unknown key `` (allowed here: agent, model, agents, daemon, session, permissions, lock, limits, tui, notify, usage, tray)
    "##);
}

#[test]
fn the_table_of_keys_agrees_with_the_keys() {
    let mut variables = Vec::new();
    for info in keys() {
        let name = info.name.replace("<kind>", "permission");
        let key = Key::parse(&name.replace(['<', '>'], "")).unwrap();
        assert_eq!(key.info(), *info);
        assert_eq!(
            key.variable().is_some(),
            info.variable.is_some(),
            "{}",
            info.name
        );
        variables.extend(info.variable);
    }
    let resolution = resolve(&[], true);
    for row in &resolution.origins {
        if let Some(value) = &row.value {
            assert_eq!(value.to_string(), row.key.info().default);
        }
    }
    variables.sort_unstable();
    variables.dedup();
    let with_variable = keys().iter().filter(|info| info.variable.is_some()).count();
    assert_eq!(variables.len(), with_variable, "no variable sets two keys");
}

const LAYERS: [Layer; 5] = [
    Layer::User,
    Layer::Project,
    Layer::ProjectLocal,
    Layer::Environment,
    Layer::Flags,
];

/// One source that sets the model, or an agent's command, to `value`.
fn setting(layer: Layer, key: &Key, value: &str) -> Source {
    match layer {
        Layer::Environment => environment(&[(&key.variable().unwrap(), value)]),
        Layer::Flags => Source::flags([("--flag", &*key.to_string(), value)]),
        Layer::Default | Layer::User | Layer::Project | Layer::ProjectLocal => {
            let literal = check_value(key, value).unwrap();
            Source::file(
                layer,
                format!("{layer}.toml"),
                format!("{key} = {}", literal.as_str()),
            )
        }
    }
}

proptest! {
    #[test]
    fn whichever_layers_set_a_key_the_strongest_that_counts_wins(
        set in prop::collection::vec(prop::sample::select(&LAYERS[..]), 0..8),
        executable in any::<bool>(),
        trusted in any::<bool>(),
    ) {
        let key = if executable { Key::AgentCommand("a".into()) } else { Key::Model };
        let sources: Vec<Source> = set
            .iter()
            .enumerate()
            .map(|(index, layer)| setting(*layer, &key, &format!("value{index}")))
            .collect();
        let counts = |layer: Layer| trusted || !executable || !layer.is_project();
        let winner = LAYERS
            .iter()
            .rev()
            .filter(|layer| counts(**layer))
            .find_map(|layer| set.iter().rposition(|set| set == layer));

        let resolution = resolve(&sources, trusted);
        prop_assert_eq!(&resolution.errors, &[]);
        let ignored = set.iter().filter(|layer| !counts(**layer)).count();
        prop_assert_eq!(resolution.ignored.len(), ignored);
        let value = if executable {
            command(&resolution.config, "a").map(|words| words.join(" "))
        } else {
            resolution.config.model.clone()
        };
        prop_assert_eq!(&value, &winner.map(|index| format!("value{index}")));
        let row = resolution.origin(&key);
        prop_assert_eq!(row.and_then(|row| row.value.as_ref()).map(Value::to_string), value);
        if let Some(row) = row {
            prop_assert_eq!(row.layer, winner.map_or(Layer::Default, |index| set[index]));
        }
    }

    #[test]
    fn no_text_whatever_makes_it_panic(file in "\\PC{0,60}|[a-z.=\\[\\]{}'\"\n 0-9]{0,80}", key in "\\PC{0,20}", value in "\\PC{0,20}") {
        let sources = [user(&file), environment(&[("BETCODE_LOG", &value)]), Source::flags([("--x", &*key, &*value)])];
        let resolution = resolve(&sources, false);
        prop_assert!(resolution.origins.len() >= 5);
    }
}

#[test]
fn a_project_does_not_choose_what_keys_do() {
    let theirs =
        project("[tui]\ntheme = \"light\"\nkeys.deny = [\"y\"]\nkeys.allow-once = [\"n\"]\n");
    let resolution = resolve(&[theirs], true);
    assert_eq!(resolution.errors, []);
    assert_eq!(resolution.config.tui, TuiConfig::default());
    let ignored: Vec<_> = resolution
        .ignored
        .iter()
        .map(|ignored| ignored.why)
        .collect();
    assert_eq!(ignored, [WhyIgnored::NotForProjects; 3]);
}

#[test]
fn settings_of_notifications_are_read_and_only_the_users_count() {
    let text = "[notify]
off = ['back_online', 'new_version']
quiet_hours = ['22:00-07:30']
focus = true
waiting_passes_snooze = false
critical_passes_quiet = true
preview = false
turn_after = '1h'
command.permission = ['notify-me', '--now']
url.turn_complete = 'https://example.org/done'
";
    let config = sound(&[user(text)]).notify;
    assert_eq!(config.rules.off.len(), 2);
    assert_eq!(config.rules.quiet, [Hours::read("22:00-07:30").unwrap()]);
    assert!(config.rules.focus && config.rules.critical_passes_quiet);
    assert!(!config.rules.waiting_passes_snooze && !config.preview);
    assert_eq!(config.turn_after, Duration::from_hours(1));
    assert_eq!(
        config.actions[&notify::Kind::Permission].command,
        ["notify-me", "--now"]
    );
    assert_eq!(
        config.actions[&notify::Kind::TurnComplete].url,
        "https://example.org/done"
    );
    let theirs = resolve(&[project(text), project_local(text)], true);
    assert_eq!(theirs.config.notify, NotifyConfig::default());
    assert_eq!(theirs.ignored.len(), 18);
}

#[test]
fn bad_settings_of_notifications_are_named_with_what_is_allowed() {
    insta::assert_snapshot!(complaints(
        &[user(
            "[notify]
off = ['permision']
quiet_hours = ['22:00-24:30']
focus = 'yes'
turn_after = 'soon'
command.permission = []
command.permit = ['x']
url.permission = 'file:///etc/passwd'
quiet = []
"
        )],
        true
    ));
    for (key, text, normal) in [
        (
            "notify.off",
            "offline, back_online",
            r#"["offline", "back_online"]"#,
        ),
        (
            "notify.quiet_hours",
            "22:00-07:30 12:00-13:00",
            r#"["22:00-07:30", "12:00-13:00"]"#,
        ),
        ("notify.quiet_hours", "", "[]"),
        ("notify.url.test", "", r#""""#),
    ] {
        let key = Key::parse(key).unwrap();
        assert_eq!(check_value(&key, text).unwrap().as_str(), normal);
    }
}

#[test]
fn settings_of_the_use_of_plans_are_read_and_only_the_users_count() {
    let text = "[usage]
enabled = false
warning = 60
critical = 95
reset_soon = [5, '60', 5]
claude_dirs = ['~/.claude-work', '/srv/claude']
daily_goal = 15
window = 'weekly'
";
    let config = sound(&[user(text)]).usage;
    let expected = UsageConfig {
        enabled: false,
        warning: 60,
        critical: 95,
        reset_soon: vec![60, 5],
        claude_dirs: vec!["~/.claude-work".into(), "/srv/claude".into()],
        daily_goal: Some(15),
        window: WindowChoice::Weekly,
    };
    assert_eq!(config, expected);
    let theirs = resolve(&[project(text), project_local(text)], true);
    assert_eq!(theirs.config.usage, UsageConfig::default());
    assert_eq!(theirs.ignored.len(), 14);
    let off = Source::environment([("BETCODE_USAGE".to_owned(), "false".to_owned())]);
    assert!(!sound(&[off]).usage.enabled);
}

#[test]
fn bad_settings_of_the_use_of_plans_are_named_with_what_is_allowed() {
    for (key, text, allowed) in [
        ("usage.warning", "0", "a percentage from 1 to 100"),
        ("usage.critical", "101", "a percentage from 1 to 100"),
        ("usage.reset_soon", "0", "a list of minutes"),
        ("usage.reset_soon", "1441", "a list of minutes"),
        ("usage.claude_dirs", "work", "a list of directories"),
        ("usage.window", "month", "one of tightest, session, weekly"),
    ] {
        let error = check_value(&Key::parse(key).unwrap(), text).unwrap_err();
        assert!(error.to_string().contains(allowed), "{key}: {error}");
    }
    let soon = check_value(&Key::parse("usage.reset_soon").unwrap(), "30, 5").unwrap();
    assert_eq!(soon.as_str(), r#"["30", "5"]"#);
}
