//! What the rules say, and where they come from.

use betcode_client::{
    CallError, MatchedRule, RuleDecision, RuleOrigin, RulePart, RuleProblem, RuleScope, RuleTest,
    connect,
};
use betcode_core::id::SessionId;
use betcode_proto::convert::id_bytes;
use betcode_proto::v1;
use serde_json::json;
use uuid::Uuid;

use crate::fake::{Fake, Home};

const SESSION: SessionId = SessionId(Uuid::from_u128(1));

fn matched() -> v1::MatchedRule {
    v1::MatchedRule {
        rule: "Bash(git *)".into(),
        origin: v1::RuleOrigin::Project.into(),
        file: "/p/.claude/settings.json".into(),
        line: 5,
    }
}

fn scope() -> RuleScope {
    RuleScope {
        cwd: "/p".into(),
        environment: [("HOME".to_owned(), "/home/a".to_owned())].into(),
        allowed_tools: vec!["Edit".into()],
        disallowed_tools: vec!["Read".into()],
        session: Some(SESSION),
    }
}

fn wire_scope() -> v1::RuleScope {
    v1::RuleScope {
        cwd: "/p".into(),
        environment: [("HOME".to_owned(), "/home/a".to_owned())].into(),
        allowed_tools: vec!["Edit".into()],
        disallowed_tools: vec!["Read".into()],
        session_id: id_bytes(SESSION.0),
    }
}

#[tokio::test]
async fn calls_are_asked_about_and_each_gets_its_verdict() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    *fake.answers.tested.lock().unwrap() = v1::TestRulesResponse {
        verdicts: vec![v1::RuleVerdict {
            decision: v1::RuleDecision::Ask.into(),
            by: Some(matched()),
            reason: "why".into(),
            parts: vec![v1::RulePart {
                what: "a part".into(),
                decision: v1::RuleDecision::Deny.into(),
                by: None,
                reason: "because".into(),
            }],
            proposed: vec!["Bash(x)".into()],
        }],
        problems: vec![v1::RuleProblem {
            file: "/p/x".into(),
            line: 0,
            message: "broken".into(),
        }],
    };
    let test = RuleTest {
        scope: scope(),
        permission_mode: "plan".into(),
        only_allowed: true,
        calls: vec![("Bash".into(), json!({"command": "git push"}))],
    };
    let tested = connection.test_rules(test).await.unwrap();
    let [verdict] = tested.verdicts.as_slice() else {
        unreachable!("{tested:?}");
    };
    assert_eq!(verdict.decision, RuleDecision::Ask);
    let by = MatchedRule {
        rule: "Bash(git *)".into(),
        origin: RuleOrigin::Project,
        file: Some("/p/.claude/settings.json".into()),
        line: Some(5),
    };
    assert_eq!(verdict.by, Some(by));
    let part = RulePart {
        what: "a part".into(),
        decision: RuleDecision::Deny,
        by: None,
        reason: "because".into(),
    };
    assert_eq!(verdict.parts, [part]);
    assert_eq!(verdict.proposed, ["Bash(x)"]);
    let problem = RuleProblem {
        file: "/p/x".into(),
        line: None,
        message: "broken".into(),
    };
    assert_eq!(tested.problems, [problem]);
    let asked = v1::TestRulesRequest {
        scope: Some(wire_scope()),
        permission_mode: "plan".into(),
        only_allowed: true,
        calls: vec![v1::ToolCall {
            tool: "Bash".into(),
            input_json: "{\"command\":\"git push\"}".into(),
        }],
    };
    assert_eq!(*fake.answers.asked.lock().unwrap(), [format!("{asked:?}")]);
}

#[tokio::test]
async fn rules_are_listed_with_their_places() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    *fake.answers.rules.lock().unwrap() = v1::ListRulesResponse {
        rules: vec![v1::ListedRule {
            action: v1::RuleDecision::Allow.into(),
            rule: Some(matched()),
            ignored: "not trusted".into(),
            remark: String::new(),
        }],
        problems: vec![],
        files: vec![v1::RuleFile {
            path: "/p/x".into(),
            origin: v1::RuleOrigin::ProjectLocal.into(),
            exists: true,
        }],
        project: "/p".into(),
        trusted: false,
    };
    let list = connection.list_rules(scope()).await.unwrap();
    assert_eq!(
        serde_json::to_value(&list).unwrap(),
        json!({
            "project": "/p",
            "trusted": false,
            "rules": [{
                "action": "allow",
                "rule": "Bash(git *)",
                "origin": "project",
                "file": "/p/.claude/settings.json",
                "line": 5,
                "ignored": "not trusted",
                "remark": null,
            }],
            "problems": [],
            "files": [{"path": "/p/x", "origin": "project_local", "exists": true}],
        })
    );
    let asked = v1::ListRulesRequest {
        scope: Some(wire_scope()),
    };
    assert_eq!(*fake.answers.asked.lock().unwrap(), [format!("{asked:?}")]);
}

#[tokio::test]
async fn a_verdict_that_this_version_does_not_know_is_no_allowance() {
    let home = Home::new();
    let fake = Fake::start(&home);
    let connection = connect(&home.profile()).await.unwrap();
    for decision in [0, 99] {
        fake.answers.tested.lock().unwrap().verdicts = vec![v1::RuleVerdict {
            decision,
            ..v1::RuleVerdict::default()
        }];
        let answer = connection.test_rules(RuleTest::default()).await;
        assert!(
            matches!(answer, Err(CallError::Unreadable(_))),
            "{answer:?}"
        );
    }
}
