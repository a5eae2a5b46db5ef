//! Lines about the agent itself and about what happens beside its answers.

use betcode_core::event::{McpServer, StopReason};
use betcode_core::observation::{AgentDescription, AgentRequest, Observation};
use serde_json::{Value, json};

use super::{Claude, result, short, start, stop, tell, told, whole};

/// What the agent says it is in an `init` line with these keys.
fn init(more: &Value) -> AgentDescription {
    let mut line =
        json!({"type": "system", "subtype": "init", "session_id": "s", "model": "m", "tools": []});
    let fields = line.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    match told(&[line]).as_slice() {
        [Observation::Described(description)] => (**description).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn servers_of_tools_are_told_once_and_the_rest_as_the_agent_calls_it() {
    let server = |name: &str, status: &str, source: &str| McpServer {
        name: name.to_owned(),
        status: status.to_owned(),
        source: source.to_owned(),
    };
    let said = init(&json!({
        "mcp_servers": [{"name": "a", "status": "failed", "source": "user", "later": 1}, {"name": "b", "status": "connected"}],
        "skills": ["s"], "output_style": "default",
    }));
    let servers = [server("a", "failed", "user"), server("b", "connected", "")];
    assert_eq!(said.mcp_servers.as_deref(), Some(servers.as_slice()));
    let rest = json!({"skills": ["s"], "output_style": "default"});
    assert_eq!(said.particulars, Some(rest));

    // Servers that went away are none; what is of another form spoils nothing.
    assert_eq!(init(&json!({"mcp_servers": []})).mcp_servers, Some(vec![]));
    assert_eq!(init(&json!({"mcp_servers": "many"})).mcp_servers, None);
    assert_eq!(init(&json!({})).mcp_servers, None);
    let odd = init(
        &json!({"mcp_servers": [3, {"name": "a", "status": null}, {"name": "b", "status": "connected"}]}),
    );
    assert_eq!(odd.mcp_servers.as_deref(), Some(&servers[1..]));
}

#[test]
fn a_title_that_the_agent_cannot_take_up_troubles_nobody_and_a_task_that_it_cannot_stop_does() {
    let answer = |id: &str, answer: Value| {
        let mut response = json!({"subtype": "error", "request_id": id, "error": "Unsupported control request subtype"});
        let fields = response.as_object_mut().unwrap();
        fields.extend(answer.as_object().unwrap().clone());
        json!({"type": "control_response", "response": response})
    };
    let mut claude = Claude::default();
    claude.request(&AgentRequest::Rename("t".to_owned()));
    claude.request(&AgentRequest::StopTask("b".to_owned()));
    claude.request(&AgentRequest::StopTask("b".to_owned()));
    let success = json!({"subtype": "success", "response": {}});
    let lines = [
        answer("bc-1", json!({})),
        answer("bc-2", success),
        answer("bc-3", json!({"error_code": "unsupported_request"})),
    ];
    let seen = tell(&mut claude, &lines);
    let [failed] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert!(
        matches!(&failed.observation, Observation::Failed { code, .. } if code == "unsupported_request")
    );
}

fn system(subtype: &str, more: &Value) -> Value {
    let mut line = json!({"type": "system", "subtype": subtype, "session_id": "s", "uuid": "u"});
    let fields = line.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    line
}

#[test]
fn what_people_should_read_is_a_notice_under_whatever_name_it_comes() {
    let lines = [
        system("informational", &json!({"content": "a", "level": "info"})),
        system(
            "notification",
            &json!({"key": "k", "text": "b", "priority": "high"}),
        ),
        system("local_command_output", &json!({"content": "c"})),
        system(
            "model_fallback",
            &json!({"content": "d", "trigger": "overloaded"}),
        ),
        system(
            "model_refusal_fallback",
            &json!({"content": "e", "direction": "retry"}),
        ),
        system("model_refusal_no_fallback", &json!({"content": ""})),
        system(
            "scheduled_task_fire",
            &json!({"content": "f", "cron": "* * * * *"}),
        ),
        system(
            "late_allow_not_run",
            &json!({"tool_use_id": "t", "reason": "new_input"}),
        ),
    ];
    let late = "The call t was allowed too late and did not run";
    let notices = ["a", "b", "c", "d", "e", "f", late];
    let notices = notices.map(|text| Observation::Notice(text.to_owned()));
    assert_eq!(told(&lines), notices);
}

#[test]
fn an_agent_that_could_not_write_says_what_is_lost() {
    let full = json!({"error_code": "ENOSPC", "lost": ["transcript", "global_config"]});
    for (line, message) in [
        (full, "(ENOSPC): transcript, global_config"),
        (json!({"lost": 3}), "(no space): "),
    ] {
        let seen = told(&[system("session_writes_lost", &line)]);
        let [
            Observation::Failed {
                code,
                message: said,
            },
        ] = seen.as_slice()
        else {
            panic!("{seen:?}")
        };
        assert_eq!(code, "agent_writes_lost");
        assert!(said.ends_with(message), "{said}");
    }
}

#[test]
fn what_is_said_in_the_users_name_is_no_words_of_the_agent() {
    let user = |content: Value, more: &Value| {
        let mut line = json!({"type": "user", "message": {"role": "user", "content": content}});
        line.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        line
    };
    let text = json!([{"type": "text", "text": "Continue."}]);
    let none = told(&[
        user(text.clone(), &json!({"isSynthetic": true})),
        user(json!("Continue."), &json!({"isSynthetic": true})),
        user(json!("say hello"), &json!({"isReplay": true})),
        user(
            json!("<local-command-stdout>Compacted</local-command-stdout>"),
            &json!({"isReplay": true}),
        ),
        user(text, &json!({"isMeta": true, "parent_tool_use_id": "t"})),
    ]);
    assert_eq!(none, []);
}

#[test]
fn thinking_that_was_redacted_leaves_the_answer_as_it_is() {
    let redacted = json!({"type": "redacted_thinking", "data": "EmwKAhgB"});
    let begun = json!({"type": "stream_event", "api_message_id": "a", "event":
        {"type": "content_block_start", "index": 0, "content_block": redacted}});
    let ended = json!({"type": "stream_event", "api_message_id": "a", "event":
        {"type": "content_block_stop", "index": 0}});
    let line =
        json!({"type": "assistant", "message": {"id": "a", "model": "m", "content": [redacted]}});
    let streamed = [
        start("a"),
        begun,
        line.clone(),
        ended,
        whole("a", "So."),
        stop("a", None),
    ];
    assert_eq!(short(&told(&streamed)), ["a: So.", "a Finished"]);
    // Without any stream, and nothing but that.
    let seen = told(&[line, whole("b", "So."), result(&json!({}))]);
    let said = ["a Finished", "b: So.", "b Finished", "EndTurn", "Idle"];
    assert_eq!(short(&seen), said);
}

#[test]
fn a_message_of_the_agent_itself_says_that_no_model_wrote_it() {
    let line = json!({"type": "assistant", "message": {"id": "a", "model": "<synthetic>", "content":
        [{"type": "text", "text": "Total cost: $0"}]}});
    let seen = told(&[
        line,
        result(&json!({"num_turns": 0, "local_command": "cost"})),
    ]);
    let Observation::MessageComplete { model, .. } = &seen[1] else {
        panic!("{seen:?}")
    };
    assert_eq!(model.as_deref(), Some("<synthetic>"));
    assert_eq!(short(&seen)[0], "a: Total cost: $0");
}

#[test]
fn every_reason_to_stop_is_told() {
    let error = json!({"subtype": "error_during_execution", "is_error": true});
    let aborted = |how: &str| {
        let mut line = error.clone();
        line["terminal_reason"] = how.into();
        line
    };
    let reasons = [
        (json!({"stop_reason": "end_turn"}), StopReason::EndTurn),
        (json!({"stop_reason": "stop_sequence"}), StopReason::EndTurn),
        (json!({"stop_reason": null}), StopReason::EndTurn),
        (
            json!({"stop_reason": "of_a_later_time"}),
            StopReason::EndTurn,
        ),
        (json!({"stop_reason": "max_tokens"}), StopReason::MaxTokens),
        (json!({"stop_reason": "refusal"}), StopReason::Refusal),
        (aborted("aborted_streaming"), StopReason::Cancelled),
        (aborted("aborted_tools"), StopReason::Cancelled),
        (
            json!({"subtype": "error_max_turns", "is_error": true, "stop_reason": "tool_use"}),
            StopReason::MaxTurns,
        ),
        (
            json!({"subtype": "error_max_budget_usd", "is_error": true}),
            StopReason::MaxBudget,
        ),
        (
            json!({"is_error": true, "terminal_reason": "api_error"}),
            StopReason::Error,
        ),
        (error, StopReason::Error),
        (
            json!({"subtype": "error_of_a_later_time", "is_error": true}),
            StopReason::Error,
        ),
    ];
    for (line, reason) in reasons {
        let seen = told(&[result(&line)]);
        let Some(Observation::Result(turn)) = seen.first() else {
            panic!("{seen:?}")
        };
        assert_eq!(turn.stop_reason, reason, "{line}");
        assert_eq!(turn.error.is_some(), reason == StopReason::Error, "{line}");
    }
}

#[test]
fn titles_are_told_and_what_nobody_knows_is_shown_as_it_is() {
    let title = system("session_title_changed", &json!({"title": "A title"}));
    assert_eq!(told(&[title]), [Observation::Title("A title".to_owned())]);
    for line in [
        system("of_a_later_time", &json!({"content": "x"})),
        json!({"type": "of_a_later_time", "content": "x"}),
        json!({"type": "command_lifecycle", "command_uuid": "c", "state": "of_a_later_time"}),
        json!({"type": "system", "subtype": "session_state_changed", "state": "of_a_later_time"}),
        json!({"type": "system"}),
    ] {
        let raw = line.to_string();
        assert_eq!(told(&[line]), [Observation::Unknown { raw }]);
    }
}

#[test]
fn a_tool_of_the_models_service_has_its_result_in_the_same_message() {
    let content = json!([
        {"type": "server_tool_use", "id": "w", "name": "web_search", "input": {"query": "rust"}},
        {"type": "web_search_tool_result", "tool_use_id": "w", "content":
            [{"type": "text", "text": "found"}, {"type": "web_search_result", "title": "t"}]},
        {"type": "text", "text": "Here."},
    ]);
    let line =
        json!({"type": "assistant", "message": {"id": "a", "model": "m", "content": content}});
    let seen = told(&[line, result(&json!({}))]);
    let Observation::ToolStarted { tool, .. } = &seen[0] else {
        panic!("{seen:?}")
    };
    assert_eq!(tool, "web_search");
    let said = [
        "found\n[web_search_result]",
        "a: Here.",
        "a Finished",
        "EndTurn",
        "Idle",
    ];
    assert_eq!(short(&seen)[1..], said);
}
