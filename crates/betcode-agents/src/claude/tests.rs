//! Lines that no recorded session has.

use betcode_core::event::{MessageEnd, StopReason, TurnErrorKind};
use betcode_core::observation::{AgentRequest, Observation, Observations, Observed};
use serde_json::{Value, json};

use super::Claude;
use crate::StateError;

mod lines;

fn tell(claude: &mut Claude, lines: &[Value]) -> Vec<Observed> {
    let mut out = Observations::new();
    for line in lines {
        claude.line(line.to_string().as_bytes(), &mut out);
    }
    out.take()
}

/// What a process that is at work says of these lines.
pub(super) fn told(lines: &[Value]) -> Vec<Observation> {
    let mut claude = Claude::default();
    claude.state.busy = true;
    tell(&mut claude, lines)
        .into_iter()
        .map(|seen| seen.observation)
        .collect()
}

fn start(id: &str) -> Value {
    json!({"type": "stream_event", "event": {"type": "message_start", "message": {"id": id, "model": "m"}}})
}

fn piece(id: &str, index: u64, text: &str) -> Value {
    json!({"type": "stream_event", "api_message_id": id, "event":
        {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}})
}

fn stop(id: &str, abandoned_from: Option<u64>) -> Value {
    let mut line =
        json!({"type": "stream_event", "api_message_id": id, "event": {"type": "message_stop"}});
    if let Some(from) = abandoned_from {
        line["abandoned_blocks"] = json!({"api_message_id": id, "from_block_index": from});
    }
    line
}

fn whole(id: &str, text: &str) -> Value {
    json!({"type": "assistant", "message": {"id": id, "model": "m", "content": [{"type": "text", "text": text}]}})
}

fn tool(parent: Option<&str>, id: &str, name: &str, input: &Value) -> Value {
    json!({"type": "assistant", "parent_tool_use_id": parent, "message": {"id": format!("of {id}"), "model": "m", "content":
        [{"type": "tool_use", "id": id, "name": name, "input": input}]}})
}

fn tool_result(id: &str, content: &Value, result: &Value) -> Value {
    json!({"type": "user", "message": {"role": "user", "content":
        [{"type": "tool_result", "tool_use_id": id, "content": content}]}, "tool_use_result": result})
}

fn result(more: &Value) -> Value {
    let mut line =
        json!({"type": "result", "subtype": "success", "is_error": false, "num_turns": 1});
    line.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    line
}

/// One line for each observation.
fn short(seen: &[Observation]) -> Vec<String> {
    let one = |observation: &Observation| match observation {
        Observation::Text(piece) => format!("{}: {}", piece.message_id, piece.text),
        Observation::MessageComplete {
            message_id, end, ..
        } => format!("{message_id} {end:?}"),
        Observation::Result(turn) => format!("{:?}", turn.stop_reason),
        Observation::ToolFinished {
            output,
            attachments,
            ..
        } => attachments.iter().fold(output.clone(), |text, attached| {
            let (name, size) = (&attached.name, attached.size);
            format!("{text} +{name} {size}")
        }),
        other => format!("{other:?}"),
    };
    seen.iter().map(one).collect()
}

#[test]
fn a_message_whose_stream_broke_is_abandoned_and_its_successor_is_told_whole() {
    let lines = [
        start("a"),
        piece("a", 0, "half"),
        stop("a", Some(0)),
        whole("b", "all of it"),
        result(&json!({})),
    ];
    assert_eq!(
        short(&told(&lines)),
        [
            "a: half",
            "a Abandoned",
            "b: all of it",
            "b Finished",
            "EndTurn",
            "Idle"
        ]
    );
}

#[test]
fn an_abandoned_message_may_come_again_under_its_own_id() {
    let lines = [
        start("a"),
        piece("a", 0, "half"),
        stop("a", Some(0)),
        whole("a", "all"),
        result(&json!({})),
    ];
    assert_eq!(
        short(&told(&lines)),
        [
            "a: half",
            "a Abandoned",
            "a: all",
            "a Finished",
            "EndTurn",
            "Idle"
        ]
    );
}

#[test]
fn a_stream_that_ends_without_a_word_is_abandoned_when_another_message_comes() {
    let lines = [
        start("a"),
        piece("a", 0, "half"),
        whole("b", "all"),
        start("c"),
        start("d"),
        result(&json!({})),
    ];
    assert_eq!(
        short(&told(&lines)),
        [
            "a: half",
            "a Abandoned",
            "b: all",
            "b Finished",
            "EndTurn",
            "Idle"
        ]
    );
}

#[test]
fn blocks_before_the_abandoned_ones_stand() {
    let lines = [
        start("a"),
        piece("a", 0, "one"),
        whole("a", "one"),
        piece("a", 1, "tw"),
        stop("a", Some(1)),
    ];
    assert_eq!(short(&told(&lines)), ["a: onetw", "a Aborted"]);
    let lines = [
        start("a"),
        piece("a", 0, "one"),
        whole("a", "one"),
        stop("a", Some(1)),
    ];
    assert_eq!(short(&told(&lines)), ["a: one", "a Finished"]);
}

#[test]
fn of_a_message_that_came_partly_in_pieces_the_rest_is_told_from_its_lines() {
    let lines = [
        start("a"),
        piece("a", 0, "one"),
        whole("a", "one"),
        whole("a", " two"),
        stop("a", None),
    ];
    assert_eq!(short(&told(&lines)), ["a: one two", "a Finished"]);
}

#[test]
fn text_that_came_in_pieces_is_not_told_again_by_a_line_after_its_end() {
    let lines = [
        start("a"),
        piece("a", 0, "one"),
        stop("a", None),
        whole("a", "one"),
        result(&json!({})),
    ];
    assert_eq!(
        short(&told(&lines)),
        ["a: one", "a Finished", "EndTurn", "Idle"]
    );
}

#[test]
fn pieces_of_two_blocks_may_alternate_without_end() {
    let mut claude = Claude::default();
    tell(
        &mut claude,
        &[start("a"), piece("a", 0, "x"), piece("a", 1, "y")],
    );
    let before = claude.state();
    claude.state_changed();
    tell(
        &mut claude,
        &[piece("a", 0, "x"), piece("a", 1, "y"), piece("a", 0, "x")],
    );
    assert_eq!((claude.state_changed(), claude.state()), (false, before));
}

#[test]
fn a_speaker_does_not_end_the_message_of_another() {
    let nested = json!({"type": "assistant", "parent_tool_use_id": "t", "message":
        {"id": "n", "content": [{"type": "text", "text": "nested"}]}});
    let done = json!({"type": "system", "subtype": "task_notification", "task_id": "x", "tool_use_id": "t"});
    let lines = [
        whole("a", "one"),
        nested,
        whole("a", " two"),
        done,
        whole("b", "three"),
    ];
    assert_eq!(
        short(&told(&lines)),
        [
            "a: one",
            "n: nested",
            "a:  two",
            "n Finished",
            "a Finished",
            "b: three"
        ]
    );
}

#[test]
fn what_was_being_said_when_the_process_ended_ends_as_aborted_once() {
    let mut claude = Claude::default();
    claude.state.busy = true;
    let mut nested = start("sub");
    nested["parent_tool_use_id"] = json!("t");
    let mut says = piece("sub", 0, "also");
    says["parent_tool_use_id"] = json!("t");
    let lines = [
        start("a"),
        piece("a", 0, "said"),
        whole("a", "said"),
        nested,
        says,
    ];
    tell(&mut claude, &lines);
    let ended = |claude: &mut Claude| {
        let mut out = Observations::new();
        claude.ended(&mut out);
        let told = |seen: Observed| (seen.parent.is_some(), short(&[seen.observation]).concat());
        out.take().into_iter().map(told).collect::<Vec<_>>()
    };
    let both = [
        (false, "a Aborted".to_owned()),
        (true, "sub Aborted".to_owned()),
    ];
    assert_eq!(ended(&mut claude), both);
    assert_eq!(ended(&mut claude), []);

    let mut claude = Claude::default();
    tell(&mut claude, &[start("silent")]);
    assert_eq!(ended(&mut claude), []);
    let mut claude = Claude::default();
    tell(&mut claude, &[whole("b", "all of it")]);
    assert_eq!(ended(&mut claude), [(false, "b Finished".to_owned())]);
    let mut claude = Claude::default();
    tell(
        &mut claude,
        &[start("c"), piece("c", 0, "x"), stop("c", None)],
    );
    assert_eq!(ended(&mut claude), []);
}

#[test]
fn a_failed_turn_says_what_kind_of_failure_it_was() {
    let failure = |more: Value| {
        let seen = told(&[result(&more)]);
        let Some(Observation::Result(turn)) = seen.first() else {
            panic!("{seen:?}")
        };
        assert_eq!(turn.stop_reason, StopReason::Error);
        turn.error.clone().unwrap()
    };
    let kinds = [
        (
            json!({"terminal_reason": "prompt_too_long", "api_error_status": 400}),
            TurnErrorKind::PromptTooLong,
        ),
        (
            json!({"api_error_status": 401}),
            TurnErrorKind::Authentication,
        ),
        (json!({"api_error_status": 429}), TurnErrorKind::RateLimit),
        (
            json!({"api_error_status": 404}),
            TurnErrorKind::InvalidRequest,
        ),
        (json!({"api_error_status": 529}), TurnErrorKind::Server),
        (
            json!({"result": "Not logged in · Please run /login"}),
            TurnErrorKind::Authentication,
        ),
        (
            json!({"subtype": "error_during_execution", "errors": ["[ede_diagnostic] x", "boom"]}),
            TurnErrorKind::Other,
        ),
    ];
    for (mut more, kind) in kinds {
        more["is_error"] = true.into();
        assert_eq!(failure(more.clone()).kind, kind, "{more}");
    }
    let other = failure(
        json!({"is_error": true, "subtype": "error_during_execution", "errors": ["[ede_diagnostic] x", "boom"]}),
    );
    assert_eq!(other.message, "boom");
}

#[test]
fn a_limit_reached_is_no_error() {
    for (subtype, reason) in [
        ("error_max_turns", StopReason::MaxTurns),
        ("error_max_budget_usd", StopReason::MaxBudget),
    ] {
        let seen = told(&[result(
            &json!({"subtype": subtype, "is_error": true, "errors": ["that was it"]}),
        )]);
        let Some(Observation::Result(turn)) = seen.first() else {
            panic!("{seen:?}")
        };
        assert_eq!(
            (turn.stop_reason, &turn.error, turn.result.as_str()),
            (reason, &None, "that was it")
        );
    }
}

#[test]
fn a_rate_limit_says_when_to_try_again_and_forgets_it_with_the_turn() {
    let retry = json!({"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 2, "retry_delay_ms": 180_000.4,
        "error_status": 401, "error": "authentication_failed"});
    let limited = result(&json!({"is_error": true, "api_error_status": 429}));
    let seen = told(&[retry, limited.clone(), limited]);
    assert!(matches!(
        seen.first(),
        Some(Observation::Retrying {
            delay_ms: 180_000,
            http_status: Some(401),
            ..
        })
    ));
    let waits: Vec<_> = seen
        .iter()
        .filter_map(|seen| match seen {
            Observation::Result(turn) => Some(turn.error.as_ref().unwrap().retry_after_ms),
            _ => None,
        })
        .collect();
    assert_eq!(waits, [Some(180_000), None]);
}

#[test]
fn a_process_that_says_its_state_is_idle_when_it_says_so() {
    let state =
        |state: &str| json!({"type": "system", "subtype": "session_state_changed", "state": state});
    let seen = told(&[state("running"), result(&json!({})), state("idle")]);
    assert_eq!(short(&seen), ["Working", "EndTurn", "Idle"]);
}

#[test]
fn what_a_tool_gave_back_is_text_with_everything_else_named() {
    let content = json!([{"type": "text", "text": "a"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png",
        "data": "AAAA"}}, {"type": "tool_reference", "tool_name": "X"}, {"type": "wonder"}, {"type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "AAA="}}]);
    let seen = told(&[tool_result("t", &content, &json!("Error: x"))]);
    assert_eq!(
        short(&seen),
        [
            "a\n[image: image/png]\n[tool_reference: X]\n[wonder]\n[document: application/pdf] +image-1 3 +document-2 2"
        ]
    );
    let Observation::ToolFinished { attachments, .. } = &seen[0] else {
        panic!("{seen:?}")
    };
    assert_eq!(attachments[0].content.text(), "AAAA");
}

#[test]
fn what_is_no_image_although_it_says_so_is_named_only() {
    for source in [
        json!({"type": "url", "media_type": "image/png", "url": "https://example.com/a.png"}),
        json!({"type": "base64", "media_type": "image/png", "data": "***"}),
        json!({"type": "base64", "media_type": "image/png", "data": ""}),
        json!({"type": "text", "media_type": "text/plain", "data": "AAAA"}),
    ] {
        let kind = source["media_type"].as_str().unwrap().to_owned();
        let content = json!([{"type": "image", "source": source}]);
        let seen = told(&[tool_result("t", &content, &json!("x"))]);
        assert_eq!(short(&seen), [format!("[image: {kind}]")]);
    }
}

#[test]
fn an_empty_or_huge_new_file_is_a_change_without_lines() {
    for content in [String::new(), "x\n".repeat(600_000)] {
        let made = json!({"type": "create", "filePath": "/f", "content": content, "structuredPatch": [], "originalFile": null});
        let seen = told(&[tool_result("t", &json!("ok"), &made)]);
        let [Observation::ToolFinished { diff, .. }] = seen.as_slice() else {
            panic!("no end of a tool")
        };
        assert!(diff[0].created && diff[0].hunks.is_empty() && diff[0].path == "/f");
    }
}

#[test]
fn a_request_of_a_sub_agent_belongs_to_it_and_shows_the_command_itself() {
    let input = json!({"command": "rm -rf x\necho", "description": "Tidy up"});
    let ask = json!({"type": "control_request", "request_id": "r", "request": {"subtype": "can_use_tool", "tool_name": "Bash",
        "input": input, "tool_use_id": "inner"}});
    let seen = tell(
        &mut Claude::default(),
        &[tool(Some("outer"), "inner", "Bash", &input), ask],
    );
    let Some(Observed {
        parent,
        observation: Observation::PermissionAsked(request),
    }) = seen.last()
    else {
        panic!("{seen:?}")
    };
    assert_eq!(parent.as_ref().unwrap().0, "outer");
    assert_eq!(request.description, "rm -rf x…");
}

#[test]
fn an_input_that_says_nothing_is_explained_by_what_the_agent_says_of_its_request() {
    let cases = [
        (
            json!({"n": 3}),
            json!({"decision_reason": "why\nelse"}),
            "x: why…",
        ),
        (
            json!({}),
            json!({"description": "", "blocked_path": "/etc"}),
            "x: /etc",
        ),
        (
            json!({"path": "/a"}),
            json!({"decision_reason": "why"}),
            "x /a",
        ),
        (json!({}), json!({}), "x"),
    ];
    for (input, more, expected) in cases {
        let mut asked = json!({"subtype": "can_use_tool", "tool_name": "x", "input": input});
        asked
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let seen = told(&[json!({"type": "control_request", "request_id": "r", "request": asked})]);
        let [Observation::PermissionAsked(request)] = seen.as_slice() else {
            panic!("{seen:?}")
        };
        assert_eq!(request.description, expected);
    }
}

#[test]
fn a_plan_is_a_question_whose_text_may_be_kept_elsewhere() {
    for (input, text) in [(json!({"plan": "# Do it"}), "# Do it"), (json!({}), "")] {
        let seen = told(&[
            json!({"type": "control_request", "request_id": "r", "request":
            {"subtype": "can_use_tool", "tool_name": "ExitPlanMode", "input": input}}),
        ]);
        let [Observation::QuestionAsked(question)] = seen.as_slice() else {
            panic!("{seen:?}")
        };
        assert_eq!(question.plan.as_deref(), Some(text));
        assert_eq!(question.input, input);
    }
}

#[test]
fn a_call_of_a_sub_agent_belongs_to_it_before_its_own_line_has_come() {
    let started = json!({"type": "system", "subtype": "task_started", "task_id": "agent", "task_type": "local_agent",
        "tool_use_id": "outer"});
    let ended = json!({"type": "system", "subtype": "task_notification", "task_id": "agent", "tool_use_id": "outer"});
    let input = json!({"command": "rm -rf x\necho", "description": "Tidy up"});
    let hook = json!({"type": "control_request", "request_id": "h", "request": {"subtype": "hook_callback", "input": {
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": input, "tool_use_id": "inner", "agent_id": "agent"}}});
    let ask = json!({"type": "control_request", "request_id": "r", "request": {"subtype": "can_use_tool", "tool_name": "Bash",
        "input": input, "tool_use_id": "inner", "agent_id": "agent"}});
    let mut claude = Claude::default();
    let seen = tell(&mut claude, &[started, hook.clone(), ask, ended, hook]);
    let calls: Vec<_> = seen
        .iter()
        .map(|seen| match &seen.observation {
            Observation::ToolAnnounced(call) | Observation::PermissionAsked(call) => {
                assert_eq!(call.description, "rm -rf x…");
                assert_eq!((&call.input, &call.suggested_rules), (&input, &Vec::new()));
                assert_eq!(call.tool_call.as_ref().unwrap().0, "inner");
                seen.parent.as_ref().map(|parent| parent.0.as_str())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(calls, [Some("outer"), Some("outer"), None]);
}

#[test]
fn what_the_agent_proposes_for_always_is_not_proposed_to_anybody() {
    let seen = told(&[
        json!({"type": "control_request", "request_id": "r", "request":
        {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "git push"}, "permission_suggestions": [
            {"type": "setMode", "mode": "acceptEdits"},
            {"type": "addRules", "behavior": "allow", "rules": [{"toolName": "Bash"}]},
        ]}}),
    ]);
    let [Observation::PermissionAsked(request)] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!(request.suggested_rules, Vec::<String>::new());
}

#[test]
fn a_task_can_be_renamed_and_deleted_and_a_new_conversation_has_none() {
    let mut claude = Claude::default();
    claude.state.busy = true;
    let mut list = |lines: &[Value]| {
        let seen = tell(&mut claude, lines);
        let lists = seen.into_iter().filter_map(|seen| match seen.observation {
            Observation::Todo(items) => {
                Some(items.into_iter().map(|item| item.text).collect::<Vec<_>>())
            }
            _ => None,
        });
        lists.collect::<Vec<_>>()
    };
    let made = |id: &str, name: &str| {
        [
            tool(
                None,
                &format!("make{id}"),
                "TaskCreate",
                &json!({"subject": name}),
            ),
            tool_result(
                &format!("make{id}"),
                &json!("ok"),
                &json!({"task": {"id": id, "subject": name}}),
            ),
        ]
    };
    let update = |input: Value, success: bool| {
        [
            tool(None, "u", "TaskUpdate", &input),
            tool_result("u", &json!(""), &json!({"success": success})),
        ]
    };
    assert_eq!(list(&made("1", "one")), [["one"]]);
    assert_eq!(list(&made("2", "two")), [["one", "two"]]);
    assert_eq!(
        list(&update(json!({"taskId": "1", "subject": "uno"}), true)),
        [["uno", "two"]]
    );
    assert_eq!(
        list(&update(json!({"taskId": "1", "subject": "never"}), false)),
        Vec::<Vec<String>>::new()
    );
    assert_eq!(
        list(&update(json!({"taskId": "1", "status": "deleted"}), true)),
        [["two"]]
    );
    let reset = json!({"type": "conversation_reset", "new_conversation_id": "n"});
    assert_eq!(list(&[reset.clone(), reset]), [Vec::<String>::new()]);
}

#[test]
fn a_failed_compaction_is_told_and_work_goes_on() {
    let status = |more: Value| {
        let mut line = json!({"type": "system", "subtype": "status"});
        line.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        line
    };
    let seen = told(&[
        status(json!({"status": "compacting"})),
        status(json!({"status": null, "compact_result": "failed", "compact_error": "too little"})),
    ]);
    let failed = Observation::Failed {
        code: "compact_failed".into(),
        message: "too little".into(),
    };
    assert_eq!(
        seen,
        [Observation::Compacting, failed, Observation::Working]
    );
}

#[test]
fn a_known_line_is_known_even_when_it_has_a_stream_events_keys_with_another_meaning() {
    let line = json!({"type": "system", "subtype": "hook_started", "event": "PreToolUse", "abandoned_blocks": 7});
    assert_eq!(told(&[line]), []);
}

#[test]
fn an_unknown_block_is_shown_and_the_rest_of_its_line_is_told() {
    let seen = told(&[
        json!({"type": "assistant", "message": {"id": "a", "content":
        [{"type": "wonder"}, {"type": "text", "text": "and so on"}]}}),
    ]);
    assert_eq!(
        seen.first(),
        Some(&Observation::Unknown {
            raw: "{\"type\":\"wonder\"}".into()
        })
    );
    assert_eq!(short(&seen[1..]), ["a: and so on"]);
}

#[test]
fn a_message_end_carries_the_model_even_when_its_start_was_missed() {
    let seen = told(&[piece("a", 0, "x"), whole("a", "x"), stop("a", None)]);
    assert_eq!(
        seen.last(),
        Some(&Observation::MessageComplete {
            message_id: "a".into(),
            model: Some("m".into()),
            end: MessageEnd::Finished
        })
    );
}

#[test]
fn a_state_of_another_version_or_none_at_all_is_refused() {
    assert!(matches!(
        Claude::restore("{\"version\":2}"),
        Err(StateError::Version { found: 2, known: 1 })
    ));
    for broken in ["", "{}", "[]", "{\"version\":1,\"busy\":3}"] {
        assert!(
            matches!(Claude::restore(broken), Err(StateError::Malformed(_))),
            "{broken}"
        );
    }
    assert!(Claude::restore("{\"version\":1,\"key_of_a_later_time\":true}").is_ok());
}

#[test]
fn absurd_numbers_of_a_result_are_the_greatest_there_are() {
    let models = json!({"a": {"inputTokens": 1e30, "costUSD": 1e308}, "b": {"inputTokens": 1e30, "costUSD": 1.7e308}});
    let seen = told(&[result(
        &json!({"modelUsage": models, "model_usage_since_last_result": models}),
    )]);
    let used = seen.iter().find_map(|seen| match seen {
        Observation::Result(turn) => Some(&turn.usage),
        _ => None,
    });
    let used = used.unwrap();
    assert_eq!(used.input_tokens, u64::MAX);
    assert!(used.cost_usd.is_finite());
}

#[test]
fn an_agent_that_cannot_say_how_full_its_context_is_says_why() {
    let answers = [
        (
            json!({"subtype": "error", "error": "Unsupported control request subtype", "error_code": "unsupported_request"}),
            "Unsupported control request subtype",
        ),
        (
            json!({"subtype": "success", "response": {"totalTokens": "many"}}),
            "its answer has no numbers",
        ),
        (json!({"subtype": "success"}), "its answer has no numbers"),
    ];
    for (mut answer, why) in answers {
        let mut claude = Claude::default();
        claude.request(&AgentRequest::SayContext);
        answer["request_id"] = "bc-1".into();
        let line = json!({"type": "control_response", "response": answer});
        let seen = tell(&mut claude, &[line]);
        let expected = Observation::ContextUnknown {
            message: why.to_owned(),
        };
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].observation, expected);
    }
}
