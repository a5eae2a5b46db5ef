//! Calls as people write them.

use betcode_rules::{Call, Decision, Mode};
use serde_json::{Value, json};

use crate::world::{bash, request, world};

fn parsed(text: &str) -> (String, Value) {
    Call::parse(text)
        .unwrap_or_else(|error| panic!("{error}"))
        .into()
}

#[test]
fn a_call_becomes_what_an_agent_would_send() {
    for (text, tool, input) in [
        ("Bash(git push)", "Bash", json!({ "command": "git push" })),
        ("Edit(src/a.ts)", "Edit", json!({ "file_path": "src/a.ts" })),
        (
            "Read(~/.ssh/id_rsa)",
            "Read",
            json!({ "file_path": "~/.ssh/id_rsa" }),
        ),
        ("Write(a b.txt)", "Write", json!({ "file_path": "a b.txt" })),
        ("MultiEdit(a)", "MultiEdit", json!({ "file_path": "a" })),
        (
            "NotebookEdit(a.ipynb)",
            "NotebookEdit",
            json!({ "notebook_path": "a.ipynb" }),
        ),
        (
            "WebFetch(https://example.com/x)",
            "WebFetch",
            json!({ "url": "https://example.com/x" }),
        ),
        (
            "WebFetch(domain:example.com)",
            "WebFetch",
            json!({ "url": "https://example.com/" }),
        ),
        (
            "WebFetch(example.com)",
            "WebFetch",
            json!({ "url": "https://example.com/" }),
        ),
        (
            "WebFetch(example.com/x)",
            "WebFetch",
            json!({ "url": "https://example.com/x" }),
        ),
        (
            "WebFetch(file:///etc/passwd)",
            "WebFetch",
            json!({ "url": "file:///etc/passwd" }),
        ),
        ("WebSearch(rust)", "WebSearch", json!({ "query": "rust" })),
        ("WebSearch", "WebSearch", json!({})),
        (
            "mcp__github__create_issue",
            "mcp__github__create_issue",
            json!({}),
        ),
        (
            "mcp__github__create_issue({\"title\": \"a) b\"})",
            "mcp__github__create_issue",
            json!({ "title": "a) b" }),
        ),
        (
            "Agent(reviewer)",
            "Agent",
            json!({ "subagent_type": "reviewer" }),
        ),
        (
            "Task(reviewer)",
            "Task",
            json!({ "subagent_type": "reviewer" }),
        ),
        ("Task", "Task", json!({})),
        ("Grep(TODO)", "Grep", json!({ "pattern": "TODO" })),
        (
            "Grep({\"pattern\": \"x\", \"path\": \"/etc\"})",
            "Grep",
            json!({ "pattern": "x", "path": "/etc" }),
        ),
        ("Glob(**/*.rs)", "Glob", json!({ "pattern": "**/*.rs" })),
        ("LS(.)", "LS", json!({ "path": "." })),
        ("Skill(x)", "Skill", json!({ "skill": "x" })),
        ("TodoWrite", "TodoWrite", json!({})),
        (
            "Other({\"a\": [1, {\"b\": null}]})",
            "Other",
            json!({ "a": [1, { "b": null }] }),
        ),
        ("Other({})", "Other", json!({})),
        (
            "Bash({\"command\": \"ls\"})",
            "Bash",
            json!({ "command": "ls" }),
        ),
    ] {
        assert_eq!(parsed(text), (tool.to_owned(), input), "{text}");
    }
}

#[test]
fn a_command_is_taken_to_the_letter() {
    for command in [
        " git push ",
        "echo (x) (y)",
        "ls)",
        "(",
        "git status\nrm -rf ~\n",
        "git status\r",
        "a\tb\0c\u{200b}",
        "{ rm x; }",
        "{\"a\": }",
        "{ \"a\"; }",
        "\"{}\"",
        "[]",
        "npm run test:*",
    ] {
        assert_eq!(
            parsed(&format!("Bash({command})")),
            ("Bash".to_owned(), json!({ "command": command })),
            "{command:?}"
        );
    }
    // What a shell or a file leaves around a call is no part of it.
    assert_eq!(
        parsed("  Bash( ls )\r\n"),
        ("Bash".to_owned(), json!({ "command": " ls " }))
    );
}

#[test]
fn an_error_says_what_to_write() {
    for (text, expected) in [
        (
            "",
            "`` is no call of a tool: the name of a tool is missing; write Bash(git push) or Edit(src/a.ts)",
        ),
        (
            "(ls)",
            "`(ls)` is no call of a tool: the name of a tool is missing; write Bash(git push) or Edit(src/a.ts)",
        ),
        (
            "Bash",
            "`Bash` is no call of a tool: which command? write Bash(git push)",
        ),
        (
            "Bash()",
            "`Bash()` is no call of a tool: which command? write Bash(git push)",
        ),
        (
            "Bash(ls",
            "`Bash(ls` is no call of a tool: the parenthesis is not closed",
        ),
        (
            "Bash(ls) x",
            "`Bash(ls) x` is no call of a tool: it does not end with the closing parenthesis of `Bash(`",
        ),
        (
            "git push",
            "`git push` is no call of a tool: a blank cannot be in the name of a tool; a command is written Bash(git push)",
        ),
        (
            "git push (x)",
            "`git push (x)` is no call of a tool: ` ` cannot be in the name of a tool",
        ),
        (
            "Edit",
            "`Edit` is no call of a tool: which file? write Edit(src/a.ts)",
        ),
        (
            "Read()",
            "`Read()` is no call of a tool: which file? write Read(src/a.ts)",
        ),
        (
            "WebFetch",
            "`WebFetch` is no call of a tool: which address? write WebFetch(https://example.com/)",
        ),
        (
            "WebFetch(domain:*.example.com)",
            "`WebFetch(domain:*.example.com)` is no call of a tool: a call is about one host; wildcards are for rules",
        ),
        (
            "Grep",
            "`Grep` is no call of a tool: which pattern? write Grep(TODO)",
        ),
        (
            "mcp__github__*",
            "`mcp__github__*` is no call of a tool: a call names one tool; wildcards are for rules",
        ),
        (
            "mcp__a__b(x)",
            "`mcp__a__b(x)` is no call of a tool: what mcp__a__b takes is not known here; write its input in JSON: mcp__a__b({\"name\": \"value\"})",
        ),
        (
            "Other()",
            "`Other()` is no call of a tool: there is nothing in the parentheses; write Other",
        ),
        (
            "Ba\nsh(ls)",
            "`Ba\\nsh(ls)` is no call of a tool: U+000A cannot be in the name of a tool",
        ),
        (
            "B\u{430}sh(ls)",
            "`Bаsh(ls)` is no call of a tool: U+0430 cannot be in the name of a tool",
        ),
        (
            "Bash\u{200b}(ls)",
            "`Bash\\u{200b}(ls)` is no call of a tool: U+200B cannot be in the name of a tool",
        ),
    ] {
        assert_eq!(Call::parse(text).expect_err(text).to_string(), expected);
    }
    let long = Call::parse(&format!("Bash({}", "x".repeat(1000))).expect_err("it is not closed");
    assert!(long.to_string().len() < 200, "{long}");
}

#[test]
fn a_call_is_decided_as_the_same_call_of_an_agent() {
    let world = world("+Bash(git *)  -Read(~/.ssh/**)  +WebFetch(domain:example.com)");
    for (text, expected) in [
        ("Bash(git push)", Decision::Allow),
        ("Bash(git push\r)", Decision::Ask),
        ("Bash(git status\nrm x)", Decision::Ask),
        ("Read(~/.ssh/id_rsa)", Decision::Deny),
        ("Read(src/a)", Decision::Allow),
        ("Grep(TODO)", Decision::Allow),
        ("Glob(/etc/*)", Decision::Ask),
        ("WebFetch(example.com)", Decision::Allow),
        ("Bash({\"no\": \"command\"})", Decision::Ask),
    ] {
        let (tool, input) = parsed(text);
        let verdict = world.verdict(&request(&tool, &input, false), Mode::Default);
        assert_eq!(verdict.decision, expected, "{text:?}: {}", verdict.reason);
    }
}

#[test]
fn what_begins_like_an_object_and_is_none_is_an_error() {
    for text in [
        r#"Grep({"pattern": "x", "path": "/etc")"#,
        r"Grep({'pattern': 'x'})",
        r#"Grep({ "pattern": })"#,
        r#"Read({"file_path":"/etc/passwd",})"#,
    ] {
        let error = Call::parse(text).expect_err(text);
        assert!(error.what.contains("JSON object"), "{text}: {error}");
    }
    let pattern = Call::parse("Glob({/etc,src}/*)").expect("a pattern");
    assert_eq!(pattern.input, json!({ "pattern": "{/etc,src}/*" }));
    assert!(Call::parse(r#"Bash({"a",'b'})"#).is_ok());
}

#[test]
fn where_all_is_allowed_the_rule_that_was_needed_is_named() {
    let world = world("local+Edit(/out.txt)");
    let verdict = world.verdict(&bash("echo 9 >> out.txt"), Mode::Default);
    assert_eq!(verdict.decision, Decision::Allow);
    assert_eq!(verdict.reason, "the rule `Edit(/out.txt)` allows it");
    assert!(verdict.by.is_some_and(|by| by.rule == "Edit(/out.txt)"));
    let verdict = world.verdict(&bash("echo 9"), Mode::Default);
    assert_eq!(verdict.reason, "it only reads, in the working directory");
}
