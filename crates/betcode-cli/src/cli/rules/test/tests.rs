//! What is told of a verdict, to people and to programs.

use betcode_client::RuleOrigin;

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

fn git() -> MatchedRule {
    MatchedRule {
        rule: "Bash(git *)".into(),
        origin: RuleOrigin::Project,
        file: Some("/home/a/project/.claude/settings.json".into()),
        line: Some(5),
    }
}

fn compound() -> RuleVerdict {
    let reason = "no rule allows it";
    RuleVerdict {
        decision: RuleDecision::Ask,
        by: None,
        reason: reason.into(),
        parts: vec![
            RulePart {
                what: "git status".into(),
                decision: RuleDecision::Allow,
                by: Some(git()),
                reason: "the rule `Bash(git *)` allows it".into(),
            },
            RulePart {
                what: "rm x\u{202e}".into(),
                decision: RuleDecision::Ask,
                by: None,
                reason: reason.into(),
            },
        ],
        proposed: vec!["Bash(rm x)".into()],
    }
}

fn simple() -> RuleVerdict {
    RuleVerdict {
        decision: RuleDecision::Allow,
        by: Some(git()),
        reason: "the rule `Bash(git *)` allows it".into(),
        parts: vec![],
        proposed: vec![],
    }
}

#[test]
fn a_verdict_is_told_with_its_rule_its_parts_and_what_always_would_write() {
    insta::assert_snapshot!(block("Bash(git push)\n", &simple(), &places(), false), @"
allow  Bash(git push)
  rule  Bash(git *)   .claude/settings.json:5 (project)
  why   the rule `Bash(git *)` allows it
");
    insta::assert_snapshot!(
        block("Bash(git status\n\trm x\u{202e})", &compound(), &places(), false),
        @"
ask  Bash(git status⟨U+000A⟩⟨U+0009⟩rm x⟨U+202E⟩)
  why   no rule allows it
           PART          BECAUSE
    allow  git status    the rule `Bash(git *)` allows it   .claude/settings.json:5 (project)
    ask    rm x⟨U+202E⟩  no rule allows it
  always would write: Bash(rm x)
");
    let none = RuleVerdict {
        proposed: vec![],
        parts: vec![],
        ..compound()
    };
    assert!(
        block("Bash(x)", &none, &places(), true)
            .ends_with("\n  no rule can stand for this call: allow it once, or for this session\n")
    );
    assert!(
        block("Bash(x)", &none, &places(), true).starts_with("\u{1b}[1;33mask\u{1b}[0m  Bash(x)\n")
    );
}

#[test]
fn a_verdict_as_json_has_the_promised_keys() {
    let verdicts = [
        object("Bash(git push)", &simple(), "/p"),
        object("Bash(git status; rm x)", &compound(), "/p"),
    ];
    insta::assert_snapshot!(serde_json::to_string_pretty(&verdicts).unwrap());
}

#[test]
fn what_is_no_call_is_a_usage_error_with_an_example() {
    for text in ["", "git push", "Bash(x", "Bash"] {
        let failure = call(text).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.report.unwrap().hint.contains("Bash(git push)"));
    }
    let (tool, input) = call("Bash(echo a\r\nb)\n").unwrap();
    assert_eq!(
        (tool.as_str(), input),
        ("Bash", json!({"command": "echo a\r\nb"}))
    );
    let twice = texts(vec!["-".into(), "-".into()]).unwrap_err();
    assert_eq!(twice.exit, Exit::Usage);
}
