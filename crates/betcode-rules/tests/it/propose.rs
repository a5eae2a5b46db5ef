//! What is proposed for "always".

use betcode_rules::propose;

use crate::world::{call, world};

fn exact(text: &str) -> Vec<String> {
    propose(&call(text, false), &world("").rules).exact
}

#[test]
fn the_proposal_is_what_ran_and_nothing_more() {
    for (ran, expected) in [
        (
            "npm run test -- --watch",
            vec!["Bash(npm run test -- --watch)"],
        ),
        ("git commit -m 'a b'", vec!["Bash(git commit -m 'a b')"]),
        (
            "touch a.txt && make all",
            vec!["Bash(touch a.txt)", "Bash(make all)"],
        ),
        ("make 'a*'", vec!["Bash(make 'a*')"]),
        ("make > out.txt", vec!["Bash(make)", "Edit(/out.txt)"]),
        (
            "cd src && sed -i s/a/b/ a.ts",
            vec!["Bash(sed -i s/a/b/ a.ts)", "Edit(/src/a.ts)"],
        ),
        (
            "sed -i -e s/a/b/ src/a.ts",
            vec!["Bash(sed -i -e s/a/b/ src/a.ts)", "Edit(/src/a.ts)"],
        ),
        ("sudo apt update", vec!["Bash(sudo apt update)"]),
        (
            "GIT_PAGER=cat git push",
            vec!["Bash(GIT_PAGER=cat git push)"],
        ),
        ("@Edit src/a.ts", vec!["Edit(/src/a.ts)"]),
        ("@Write /opt/x", vec!["Write(//opt/x)"]),
        ("@Edit src/a*b", vec!["Edit(/src/a\\*b)"]),
        (
            "@WebFetch https://Example.com/x",
            vec!["WebFetch(domain:example.com)"],
        ),
        ("@mcp__github__get", vec!["mcp__github__get"]),
        ("@Task reviewer", vec!["Task(reviewer)"]),
    ] {
        assert_eq!(exact(ran), expected, "{ran}");
    }
}

#[test]
fn what_is_allowed_already_needs_no_rule() {
    let rules = world("+Bash(make *)").rules;
    let proposed = |text| propose(&call(text, false), &rules).exact;
    assert_eq!(proposed("make all && touch a && ls"), ["Bash(touch a)"]);
    assert_eq!(proposed("make all; ls"), Vec::<String>::new());
    let denied = world("-Bash(touch *)").rules;
    assert_eq!(
        propose(&call("touch a", false), &denied).exact,
        Vec::<String>::new()
    );
}

#[test]
fn nothing_is_proposed_for_what_is_not_understood_not_known_or_protected() {
    for ran in [
        r#"@Bash {"command":"make","dangerouslyDisableSandbox":true}"#,
        "make $X",
        "make $(git log)",
        "make \"a",
        "make\r",
        "FOO=$(x) make",
        "coproc make",
        "@Edit .claude/settings.json",
        "@Edit .betcode/config.toml",
        "@WebFetch file:///x",
        "@Edit !none",
        "echo x > .claude/settings.json",
        "make > $X",
        "make\u{200b}",
    ] {
        assert_eq!(exact(ran), Vec::<String>::new(), "{ran}");
        assert_eq!(
            propose(&call(ran, false), &world("").rules).broader,
            Vec::<String>::new(),
            "{ran}"
        );
    }
}

#[test]
fn it_says_why_nothing_is_proposed() {
    for (ran, expected) in [
        (
            "make $X",
            "it holds something that is only known when it runs",
        ),
        (
            "make > $X",
            "it holds something that is only known when it runs",
        ),
        (
            "make 'a\nb'",
            "it holds a line break or another character that cannot be in a rule",
        ),
        (
            "coproc make",
            "it cannot be understood: `coproc` is not understood here",
        ),
        (
            "make\r",
            "it cannot be understood: it holds a carriage return",
        ),
        ("ls", "it is allowed without a further rule"),
        ("a;b;c;d;e;f;g;h;i;j;k;l;m", "it would take 13 rules"),
        (
            "@Edit .claude/settings.json",
            "settings of agents are changed only after a question",
        ),
        ("@Edit !none", "it is not certain which file this is"),
        (
            "@Edit out/passwd",
            "a link in the name of its file leads out of the project",
        ),
        (
            "@WebFetch file:///x",
            "it cannot be understood: its address is not understood",
        ),
        ("@Bash", "it cannot be understood: it has no command"),
        (
            "FOO=$(make) make x",
            "it holds something that is only known when it runs",
        ),
    ] {
        let proposal = propose(&call(ran, false), &world("").rules);
        assert_eq!(proposal.exact, Vec::<String>::new(), "{ran}");
        assert_eq!(proposal.why_none.as_deref(), Some(expected), "{ran}");
    }
    let denied = propose(&call("touch a", false), &world("-Bash(touch *)").rules);
    assert_eq!(
        denied.why_none.as_deref(),
        Some("the rule `Bash(touch *)` forbids it")
    );
    assert_eq!(
        propose(&call("make", false), &world("").rules).why_none,
        None
    );
}

#[test]
fn a_prefix_is_a_second_choice_and_never_for_what_runs_anything() {
    let broader = |ran: &str| propose(&call(ran, false), &world("").rules).broader;
    assert_eq!(broader("npm run test -- --watch"), ["Bash(npm run test *)"]);
    assert_eq!(broader("git push origin main"), ["Bash(git push *)"]);
    assert_eq!(broader("make all"), ["Bash(make all *)"]);
    for ran in [
        "sh x.sh",
        "python3 x.py",
        "curl x",
        "rm x",
        "sudo apt update",
        "git -c a=b log",
        "@Edit src/x",
    ] {
        assert_eq!(broader(ran), Vec::<String>::new(), "{ran}");
    }
}
