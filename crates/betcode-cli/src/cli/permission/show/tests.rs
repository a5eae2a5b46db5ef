//! What a person sees before they decide.

use betcode_core::event::{Status, Usage};
use betcode_core::id::{LogEpoch, Sequence, SessionId};
use betcode_proto::convert::lock::Lock;
use betcode_proto::convert::session::Summary;
use serde_json::json;
use uuid::Uuid;

use super::*;

fn session() -> SessionDetails {
    SessionDetails {
        summary: Summary {
            id: SessionId(Uuid::from_u128(0x0198_a0b0 << 96)),
            agent: "demo".into(),
            cwd: "/home/user/project".into(),
            title: "fix the bug\nplease".into(),
            model: String::new(),
            status: Status::WaitingForUser,
            created: Timestamp(0),
            updated: Timestamp(0),
            head: Sequence(9),
            turns: 2,
            agent_session: String::new(),
            totals: Usage::default(),
            retry_at: None,
        },
        info: None,
        epoch: LogEpoch(Uuid::from_u128(1)),
        lock: Lock::default(),
        messages: Vec::new(),
    }
}

fn shown(tool: &str, input: Value, rules: &[&str], trusted: bool) -> String {
    let request = PermissionRequest {
        id: "0b3cafe1-0000".into(),
        tool: tool.into(),
        tool_call: None,
        input,
        description: "what it does".into(),
        suggested_rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        expires_at: Some(Timestamp(605_800_000_000)),
        is_replay: false,
        note: "the rule `Bash(rm *)` asks about it (.claude/settings.json:3)".into(),
    };
    let record = RequestRecord {
        session: session().summary.id,
        sequence: Sequence(9),
        asked: Timestamp(1_000_000_000),
        request: Pending::Permission(request.clone()),
        previews: Vec::new(),
        state: "pending".into(),
        decided_by: String::new(),
        ended: None,
    };
    page(
        &record,
        &request,
        &session(),
        trusted,
        Timestamp(1_200_000_000),
    )
}

#[test]
fn a_command_is_shown_whole_with_what_each_answer_would_do() {
    let input = json!({"command": "rm -rf build\u{200b}\necho \u{1b}[2Jdone", "timeout": 5});
    insta::assert_snapshot!(shown("Bash", input, &[], false));
}

#[test]
fn an_edit_is_shown_as_a_difference() {
    let input = json!({"file_path": "/p/a.rs", "old_string": "fn a() {\n    1\n}\n", "new_string": "fn a() {\n    2\u{202e}\n}\n"});
    insta::assert_snapshot!(shown("Edit", input.clone(), &["Edit(//p/a.rs)"], true));
    let always = shown("Edit", input, &["Edit(//p/a.rs)", "Read(//p/b)"], false);
    assert!(
        always.contains("--always     Edit(//p/a.rs) and Read(//p/b) in /home/user/project/.betcode/config.local.toml, which later"),
        "{always}"
    );
}

#[test]
fn several_edits_are_several_differences_and_half_an_edit_is_a_field() {
    let several = json!({"edits": [{"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": "d"}]});
    assert_eq!(
        edits(&several),
        (vec!["edits"], vec![("a", "b"), ("c", "d")])
    );
    assert_eq!(edits(&json!({"old_string": "a"})), (vec![], vec![]));
    let more = json!({"edits": [{"old_string": "a", "new_string": "b", "replace_all": true}]});
    assert_eq!(edits(&more), (vec![], vec![("a", "b")]));
}
