//! What is told of rules, to people and to programs.

use betcode_client::{MatchedRule, RuleFile, RuleOrigin, RuleProblem};

use super::*;
use crate::environment::Environment;
use crate::output::Output;

fn places() -> Places {
    let environment = Environment::of(&[("HOME", "/home/a")], "/home/a/project");
    let output = Output::new(&environment);
    Places::new(&Context {
        environment,
        output,
    })
}

fn rule(action: RuleDecision, text: &str, file: &str, line: u32) -> ListedRule {
    ListedRule {
        action,
        rule: MatchedRule {
            rule: text.into(),
            origin: if file.contains("project") {
                RuleOrigin::Project
            } else {
                RuleOrigin::User
            },
            file: Some(file.into()),
            line: Some(line),
        },
        ignored: None,
        remark: None,
    }
}

fn rules() -> Vec<ListedRule> {
    let project = "/home/a/project/.claude/settings.json";
    let user = "/home/a/.claude/settings.json";
    vec![
        rule(RuleDecision::Deny, "Bash(rm *)\u{200b}", user, 3),
        rule(RuleDecision::Ask, "Bash(git push *)", project, 7),
        ListedRule {
            ignored: Some("the directory is not trusted".into()),
            ..rule(RuleDecision::Allow, "Bash(git *)", project, 4)
        },
        ListedRule {
            remark: Some("this names more than one command".into()),
            ..rule(RuleDecision::Allow, "Bash(a && b)", user, 9)
        },
    ]
}

#[test]
fn rules_are_an_aligned_table_and_what_does_not_count_is_dim() {
    insta::assert_snapshot!(table(&rules(), false, &places()).render(false));
    insta::assert_snapshot!(table(&rules(), true, &places()).render(false));
    assert!(
        table(&rules(), false, &places())
            .render(true)
            .contains("\u{1b}[2mallow   Bash(git *)")
    );
}

#[test]
fn rules_as_json_have_the_promised_keys() {
    let list = RuleList {
        project: "/home/a/project".into(),
        trusted: false,
        rules: rules(),
        problems: vec![RuleProblem {
            file: "/home/a/x".into(),
            line: None,
            message: "it is not JSON".into(),
        }],
        files: vec![RuleFile {
            path: "/home/a/x".into(),
            origin: RuleOrigin::ProjectLocal,
            exists: true,
        }],
    };
    insta::assert_snapshot!(serde_json::to_string_pretty(&list).unwrap());
    let empty = RuleList {
        rules: vec![],
        ..list
    };
    assert_eq!(
        none(&empty, &places()).last().map(String::as_str),
        Some("hint: rules can stand in ~/x")
    );
}

#[test]
fn rules_are_counted_by_kind_and_file() {
    let rules = rules();
    let all: Vec<&ListedRule> = rules.iter().chain(&rules[2..3]).collect();
    assert_eq!(
        counts(&all, &places()),
        [
            "1 deny rule from ~/.claude/settings.json",
            "1 ask rule from .claude/settings.json",
            "2 allow rules from .claude/settings.json",
            "1 allow rule from ~/.claude/settings.json",
        ]
    );
}
