//! Rules as text.

use betcode_rules::Rule;

#[test]
fn a_rule_prints_as_it_was_written() {
    for text in [
        "Bash",
        "Bash(git status)",
        "Bash(git *)",
        "Bash(npm run test:*)",
        "Read(~/.ssh/**)",
        "Edit(src/**/*.ts)",
        "Edit(//abs/**)",
        "Edit(/root/**)",
        "WebFetch(domain:example.com)",
        "WebFetch(domain:*.example.com)",
        "mcp__server",
        "mcp__server__*",
        "mcp__server__tool",
        "Task",
        "Agent(x)",
        " Bash( git  * ) ",
        "Bash(echo (x))",
        "mcp__plugin_a_b__c-d",
        "WebSearch",
    ] {
        let rule = Rule::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(rule.to_string(), text);
        assert_eq!(rule.as_str().parse::<Rule>().as_ref(), Ok(&rule));
    }
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    for (text, expected) in [
        ("", "`` is no rule: it is empty (at character 1)"),
        (
            "Bash(git",
            "`Bash(git` is no rule: the parenthesis is not closed at the end (at character 5)",
        ),
        (
            "Bash(git) x",
            "`Bash(git) x` is no rule: the parenthesis is not closed at the end (at character 5)",
        ),
        (
            "(git)",
            "`(git)` is no rule: the name of a tool is missing (at character 1)",
        ),
        (
            "Ba sh",
            "`Ba sh` is no rule: this cannot be in the name of a tool (at character 3)",
        ),
        (
            "Bash()",
            "`Bash()` is no rule: there is nothing in the parentheses; without them the rule is about all of the tool (at character 6)",
        ),
        (
            "mcp__",
            "`mcp__` is no rule: the name of an MCP server is missing (at character 6)",
        ),
        (
            "mcp__a(b)",
            "`mcp__a(b)` is no rule: a rule for MCP takes nothing in parentheses (at character 8)",
        ),
        (
            "WebFetch(example.com)",
            "`WebFetch(example.com)` is no rule: `domain:` and the name of a host belong here (at character 10)",
        ),
        (
            "Edit(../x)",
            "`Edit(../x)` is no rule: `..` is not followed: write `//` and the full path (at character 6)",
        ),
        (
            "Bash(a\nb)",
            "`Bash(a\\nb)` is no rule: U+000A cannot be seen (at character 7)",
        ),
        (
            "Bash(g\u{200b}it)",
            "`Bash(g\\u{200b}it)` is no rule: U+200B cannot be seen (at character 7)",
        ),
    ] {
        let error = Rule::parse(text).expect_err(text);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_rule_that_can_never_allow_says_so() {
    assert!(
        Rule::parse("Bash(a && b)")
            .expect("it is a rule")
            .remark()
            .expect("it has a remark")
            .contains("each is decided on its own")
    );
    assert!(
        Rule::parse("Strange(x)")
            .expect("it is a rule")
            .remark()
            .is_some()
    );
    assert!(
        Rule::parse("Bash(git *)")
            .expect("it is a rule")
            .remark()
            .is_none()
    );
}
