//! Two accounts of which one wants somebody to log in: what is shown of them, and how somebody does.

use betcode_testkit::{Output, wait_until};
use serde_json::{Value, json};

use super::bench::{Bench, SOON};
use crate::durable::start_daemon;

/// A `claude` that is logged in where its directory is named, and elsewhere only after its login was run, which asks for a word.
const AGENT: &str = r#"#!/bin/sh
case "$1" in
--version)
    echo "2.1.300 (fake)"
    exit
    ;;
auth)
    echo "your word for ${CLAUDE_CONFIG_DIR:-the usual account}:"
    read -r word
    echo "$word" >"$HOME/fake/word"
    [ "$word" = yes ]
    exit
    ;;
esac
read -r question
if [ -n "$CLAUDE_CONFIG_DIR" ]; then
    cat "$HOME/fake/answer"
else
    cat "$HOME/fake/refusal"
fi
"#;

/// A user with a second account, which is fine, while the usual one needs a login.
fn two_accounts() -> Bench {
    let bench = Bench::new();
    let home = bench.profile.home();
    std::fs::create_dir(home.join("work")).unwrap();
    bench.refuses("Not logged in. Please run /login");
    std::fs::rename(home.join("fake/answer"), home.join("fake/refusal")).unwrap();
    bench.answers(12.0, 40.0);
    std::fs::write(home.join("agent"), AGENT).unwrap();
    let agent = home.join("agent");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&agent, executable).unwrap();
    bench.set("agents.claude.command", &agent.display().to_string());
    bench.set("usage.claude_dirs", "~/work");
    start_daemon(&bench.profile);
    bench.json(&["--refresh"]);
    bench.until("one wants a login", |it| {
        it["state"] == "login_needed" && it["readings"] != json!([])
    });
    bench
}

fn expired(bench: &Bench) -> Option<Value> {
    let list = bench.profile.betcode(["notify", "list", "--json"]).run();
    let list = list.expect(0).json();
    let all = list.get("notifications").and_then(Value::as_array).unwrap();
    let expired = all.iter().find(|it| it["kind"] == "token_expired");
    expired.map(|it| it["id"].clone())
}

fn notified(bench: &Bench) -> String {
    let id = wait_until(SOON, "it is told", || {
        expired(bench).filter(|id| !id.is_null())
    });
    id.to_string()
}

fn act(bench: &Bench, id: &str, flags: &[&str]) -> Output {
    let args = ["notify", "act", id, "log-in"];
    let args = args.iter().chain(flags).copied();
    bench.profile.betcode(args).run()
}

#[test]
fn an_account_without_numbers_that_needs_a_login_is_shown_and_speaks_for_all() {
    let bench = two_accounts();
    let page = bench.usage(&[]).expect(0).stdout;
    assert!(
        page.starts_with("Claude (default)\n  log in to see the usage\n  log in with: "),
        "{page}"
    );
    assert!(page.contains("\nClaude (~/work)\n  5h  "), "{page}");
    let usage = bench.json(&[]);
    assert_eq!(
        usage["message"],
        "Claude (default): log in to see the usage"
    );
    assert_eq!(usage["readings"][0]["account"], "~/work");
    let panel = bench.usage(&["--format", "waybar"]).expect(0).json();
    assert_eq!(panel["class"], json!(["calm", "login_needed"]));
}

#[test]
fn without_a_terminal_the_command_that_logs_in_is_printed_and_nothing_is_taken_away() {
    let bench = two_accounts();
    let id = notified(&bench);
    let told = act(&bench, &id, &[]).expect(0);
    let agent = bench.profile.home().join("agent");
    assert_eq!(told.stdout, format!("{} auth login\n", agent.display()));
    assert!(told.stderr.contains("run this command"), "{told:?}");
    let told = act(&bench, &id, &["--json"]).expect(0).json();
    assert_eq!(told["command"].as_array().unwrap()[1..], ["auth", "login"]);
    assert!(expired(&bench).is_some());
    assert!(!bench.profile.home().join("fake/word").exists());
}

#[test]
fn on_a_terminal_the_login_is_run_there_and_one_that_fails_takes_nothing_away() {
    let bench = two_accounts();
    let id = notified(&bench);
    for (word, code) in [("no", 1), ("yes", 0)] {
        assert!(expired(&bench).is_some(), "{word}");
        let act = bench.profile.betcode(["notify", "act", &id, "log-in"]);
        let mut screen = act.on_screen(100, 12);
        screen.wait_for("your word for the usual account:");
        screen.send(format!("{word}\r").as_bytes());
        assert_eq!(screen.end().code(), Some(code), "{}", screen.text());
        let said = std::fs::read_to_string(bench.profile.home().join("fake/word"));
        assert_eq!(said.unwrap(), format!("{word}\n"));
    }
    wait_until(SOON, "it is taken away", || {
        expired(&bench).is_none().then_some(())
    });
}
