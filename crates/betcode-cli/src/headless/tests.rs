//! The four formats on the same turns, as snapshots, and the laws that hold for any turn.

use betcode_core::event::{
    Attachment, ClientInfo, Decider, Event, EventBody, FileDiff, Hunk, McpServer, MessageEnd,
    PermissionDecision, PermissionDenial, PermissionOutcome, PermissionRequest, PermissionScope,
    Question, QuestionOutcome, SessionInfo, Status, StopReason, TextPiece, TurnComplete, TurnError,
    TurnErrorKind, TurnPolicy, Usage, UserInput,
};
use betcode_core::id::{IdempotencyKey, MessageId, Sequence, SessionId, ToolCallId};
use betcode_core::session::{SNAPSHOT_VERSION, Session};
use betcode_core::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::format::{Format, Printed};
use super::stream_json::StreamJson;
use super::text::Text;
use super::turn::{Lost, Turn};
use super::verdict::judge;

const SESSION: SessionId = SessionId(Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000));
const MESSAGE: MessageId = MessageId(Uuid::from_u128(7));

/// Events of a log that begins at 11, as a session with a past has them.
#[derive(Default)]
struct Story {
    events: Vec<Event>,
    parent: Option<ToolCallId>,
}

impl Story {
    fn tell(mut self, body: EventBody) -> Self {
        let sequence = Sequence(11 + self.events.len() as u64);
        self.events.push(Event {
            sequence,
            first_sequence: None,
            timestamp: Timestamp(1_763_760_000_000_000 + sequence.0.cast_signed()),
            parent: self.parent.clone(),
            previews: Vec::new(),
            body,
        });
        self
    }

    fn sub_agent(mut self, parent: Option<&str>) -> Self {
        self.parent = parent.map(ToolCallId::from);
        self
    }

    fn prompt(self) -> Self {
        self.tell(EventBody::UserInput(input(MESSAGE, "do it")))
    }

    fn text(self, message: &str, text: &str) -> Self {
        self.tell(EventBody::TextDelta(TextPiece {
            message_id: message.into(),
            text: text.into(),
        }))
    }

    fn thinking(self, message: &str, text: &str) -> Self {
        self.tell(EventBody::ThinkingDelta(TextPiece {
            message_id: message.into(),
            text: text.into(),
        }))
    }

    fn end(self, message: &str, end: MessageEnd) -> Self {
        self.tell(EventBody::MessageComplete {
            message_id: message.into(),
            model: Some("demo-1".into()),
            end,
        })
    }

    fn tool(self, id: &str, tool: &str, input: Value) -> Self {
        self.tell(EventBody::ToolCallStart {
            id: id.into(),
            tool: tool.into(),
            input,
            description: "a tool".into(),
        })
    }

    fn tool_result(self, id: &str, output: &str, diff: Vec<FileDiff>) -> Self {
        let is_error = diff.is_empty() && output.contains("denied");
        self.tell(EventBody::ToolCallResult {
            id: id.into(),
            output: output.into(),
            is_error,
            duration_ms: Some(3),
            diff,
            attachments: Vec::new(),
        })
    }

    fn denied(self, id: &str, tool: &str) -> Self {
        let request = PermissionRequest {
            id: id.into(),
            tool: tool.into(),
            tool_call: None,
            input: json!({}),
            description: String::new(),
            suggested_rules: Vec::new(),
            expires_at: None,
            is_replay: false,
            note: String::new(),
        };
        self.tell(EventBody::PermissionRequest(request))
            .tell(EventBody::PermissionResolved(PermissionDecision {
                id: id.into(),
                outcome: PermissionOutcome::Denied,
                by: Decider::Unattended,
                message: "nobody is there".into(),
                scope: PermissionScope::Once,
                rules: Vec::new(),
                input: None,
                interrupt: false,
            }))
    }

    fn status(self, status: Status) -> Self {
        let retry_at = (status == Status::RateLimited).then_some(Timestamp(1_763_760_180_000_000));
        self.tell(EventBody::StatusChange {
            status,
            detail: String::new(),
            retry_at,
        })
    }

    fn complete(self, turn: TurnComplete) -> Self {
        self.tell(EventBody::TurnComplete(turn))
    }

    /// What a format prints of it, stderr lines behind `2>`, and the verdict.
    fn print(&self, mut format: Format) -> String {
        let mut turn = Turn::new(MESSAGE);
        let mut printed = Printed::default();
        for event in &self.events {
            if turn.see(event) {
                format.event(SESSION, event, &mut printed);
            }
        }
        let failure = judge(turn.report(), None);
        let error = failure.as_ref().and_then(|failure| failure.report.as_ref());
        format.finish(SESSION, turn.report(), error, &mut printed);
        let mut all = String::from_utf8(printed.data).unwrap();
        for note in printed.notes {
            all.extend(["2> ", &note, "\n"]);
        }
        let exit = failure.map_or(0, |failure| failure.exit.code());
        format!("{all}exit {exit}\n")
    }
}

fn input(id: MessageId, text: &str) -> UserInput {
    UserInput {
        message_id: id,
        idempotency_key: IdempotencyKey(id.0),
        text: text.into(),
        attachments: Vec::new(),
        client: ClientInfo {
            name: "betcode -p".into(),
            ..ClientInfo::default()
        },
        policy: TurnPolicy {
            unattended: true,
            ..TurnPolicy::default()
        },
        then_trim: false,
    }
}

fn turn(stop_reason: StopReason) -> TurnComplete {
    TurnComplete {
        stop_reason,
        error: None,
        num_turns: 2,
        duration_ms: 1_200,
        duration_api_ms: 900,
        usage: Usage {
            input_tokens: 10,
            output_tokens: 20,
            cost_usd: 0.25,
            ..Usage::default()
        },
        result: String::new(),
        permission_denials: Vec::new(),
        origin: String::new(),
        raw: None,
    }
}

fn info() -> SessionInfo {
    SessionInfo {
        agent: "demo".into(),
        cwd: "/home/user/project".into(),
        title: String::new(),
        model: "demo-1".into(),
        status: Status::Idle,
        permission_mode: "default".into(),
        capabilities: Vec::new(),
        agent_version: "0.1.0".into(),
        agent_session: String::new(),
        tools: vec!["Bash".into()],
        slash_commands: Vec::new(),
        models: Vec::new(),
        account: "none".into(),
        totals: Usage::default(),
        trimmed_up_to: Sequence(0),
        particulars: None,
        mcp_servers: Vec::new(),
        background_tasks: Vec::new(),
    }
}

fn stream(pieces: bool) -> Format {
    Format::StreamJson(Box::new(StreamJson::new(info(), pieces, false)))
}

fn formats() -> Vec<(&'static str, Format)> {
    vec![
        ("text", Format::Text(Text::new(false))),
        ("json", Format::Json),
        ("stream-json", stream(false)),
        ("stream-json with pieces", stream(true)),
        ("events", Format::Events),
    ]
}

fn all_formats(story: &Story) -> String {
    let parts = formats()
        .into_iter()
        .map(|(name, format)| format!("== {name}\n{}", story.print(format)));
    parts.collect::<Vec<_>>().concat()
}

fn whole_turn() -> Story {
    let hunk = Hunk {
        old_start: 1,
        old_lines: 0,
        new_start: 1,
        new_lines: 1,
        lines: vec!["+x".into()],
    };
    let diff = vec![FileDiff {
        path: "a.txt".into(),
        created: true,
        hunks: vec![hunk],
    }];
    Story::default()
        .prompt()
        .tell(EventBody::SessionInfo(Box::new(info())))
        .thinking("m1", "hm")
        .text("m1", "I look ")
        .text("m1", "first.")
        .tool("t1", "Bash", json!({"command": "ls"}))
        .end("m1", MessageEnd::Finished)
        .tool_result("t1", "a.txt\n", Vec::new())
        .sub_agent(Some("t1"))
        .text("s1", "from below")
        .end("s1", MessageEnd::Finished)
        .sub_agent(None)
        .tool("t2", "Edit", json!({"file": "a.txt"}))
        .tool_result("t2", "edited", diff)
        .text("m2", "Done.\n")
        .end("m2", MessageEnd::Finished)
        .complete(turn(StopReason::EndTurn))
        .text("m3", "of another turn")
}

#[test]
fn a_whole_turn_with_thinking_tools_and_a_sub_agent() {
    insta::assert_snapshot!(all_formats(&whole_turn()));
}

#[test]
fn images_that_a_tool_gave_back_and_those_of_a_message_are_blocks_as_claude_has_them() {
    let image = Attachment::new("a.png", "image/png", b"\x89PNG");
    let block = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}});
    let prompt = |text: &str| {
        EventBody::UserInput(UserInput {
            attachments: vec![image.clone()],
            ..input(MESSAGE, text)
        })
    };
    let result = EventBody::ToolCallResult {
        id: "t1".into(),
        output: "[image: image/png]".into(),
        is_error: false,
        duration_ms: None,
        diff: Vec::new(),
        attachments: vec![image.clone()],
    };
    for (text, said) in [
        ("see", json!([{"type": "text", "text": "see"}, block])),
        (" ", json!([block])),
    ] {
        let story = Story::default()
            .tell(prompt(text))
            .tool("t1", "Read", json!({"file_path": "a.png"}))
            .tell(result.clone())
            .complete(turn(StopReason::EndTurn));
        let format = StreamJson::new(info(), false, true);
        let printed = story.print(Format::StreamJson(Box::new(format)));
        let lines: Vec<Value> = printed
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let users: Vec<_> = lines.iter().filter(|line| line["type"] == "user").collect();
        assert_eq!(users[0]["message"]["content"], said);
        assert_eq!(users[1]["message"]["content"][0]["content"], json!([block]));
        assert_eq!(users[1]["message"]["content"][0]["tool_use_id"], "t1");
    }
}

#[test]
fn what_the_user_said_is_said_back_after_an_init_that_names_the_tools() {
    let blank = SessionInfo {
        tools: Vec::new(),
        ..info()
    };
    let kinds = |story: &Story| -> Vec<(String, u64)> {
        let format = StreamJson::new(blank.clone(), false, true);
        let printed = story.print(Format::StreamJson(Box::new(format)));
        let lines = printed.lines().filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            let tools = line["tools"].as_array().map(Vec::len);
            let tools = tools.map(|tools| format!(" {tools} tools"));
            let kind = line["type"].as_str()?;
            let kind = format!("{kind}{}", tools.unwrap_or_default());
            Some((kind, line["sequence"].as_u64()?))
        });
        lines.collect()
    };
    let row = |kind: &str, sequence| (kind.to_owned(), sequence);
    let story = Story::default()
        .prompt()
        .tell(EventBody::SessionInfo(Box::new(info())))
        .text("m1", "hi")
        .end("m1", MessageEnd::Finished)
        .complete(turn(StopReason::EndTurn));
    let told = [
        row("system 1 tools", 11),
        row("user", 11),
        row("assistant", 14),
        row("result", 15),
    ];
    assert_eq!(kinds(&story), told);
    // An agent that never says what it is.
    let story = Story::default()
        .prompt()
        .complete(turn(StopReason::Cancelled));
    let told = [
        row("system 0 tools", 11),
        row("user", 11),
        row("result", 12),
    ];
    assert_eq!(kinds(&story), told);
}

#[test]
fn a_message_by_another_model_does_not_change_whose_the_next_one_is() {
    let end = |message: &str, model: &str| EventBody::MessageComplete {
        message_id: message.into(),
        model: Some(model.into()),
        end: MessageEnd::Finished,
    };
    let story = Story::default()
        .prompt()
        .text("m1", "It cost nothing.")
        .tell(end("m1", "<synthetic>"))
        .sub_agent(Some("t1"))
        .text("s1", "from below")
        .tell(end("s1", "small-1"))
        .sub_agent(None)
        .text("m2", "So ")
        .tool("t2", "Bash", json!({}))
        .tell(end("m2", "demo-2"))
        .text("m3", "Done.")
        .end("m3", MessageEnd::Finished)
        .complete(turn(StopReason::EndTurn));
    let printed = story.print(stream(false));
    let lines = printed.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        Some(line["message"]["model"].as_str()?.to_owned())
    });
    let models: Vec<_> = lines.collect();
    assert_eq!(
        models,
        ["<synthetic>", "small-1", "demo-1", "demo-1", "demo-1"]
    );
}

#[test]
fn the_init_line_names_the_servers_of_tools_as_claude_does() {
    let server = |name: &str, source: &str| McpServer {
        name: name.into(),
        status: "connected".into(),
        source: source.into(),
    };
    let info = SessionInfo {
        mcp_servers: vec![server("a", "user"), server("b", "")],
        particulars: Some(json!({"skills": ["s"]})),
        ..info()
    };
    let story = Story::default()
        .prompt()
        .tell(EventBody::SessionInfo(Box::new(info)))
        .complete(turn(StopReason::EndTurn));
    let printed = story.print(stream(false));
    let init: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    let servers = json!([
        {"name": "a", "status": "connected", "source": "user"}, {"name": "b", "status": "connected"},
    ]);
    assert_eq!(init["mcp_servers"], servers);
    assert_eq!(init["skills"], json!(["s"]));
}

#[test]
fn a_message_that_the_agent_gives_up_leaves_no_line_but_a_note() {
    let story = Story::default()
        .prompt()
        .text("m1", "half a th")
        .end("m1", MessageEnd::Abandoned)
        .text("m2", "whole")
        .end("m2", MessageEnd::Finished)
        .complete(turn(StopReason::EndTurn));
    insta::assert_snapshot!(all_formats(&story));
}

#[test]
fn what_an_agent_was_saying_when_it_died_is_no_part_of_the_answer() {
    let died = EventBody::StatusChange {
        status: Status::Starting,
        detail: "the agent was ended by signal 9; it is started again".into(),
        retry_at: Some(Timestamp(1_763_760_001_000_000)),
    };
    let story = Story::default()
        .prompt()
        .text("m1", "first\n")
        .end("m1", MessageEnd::Finished)
        .text("m2", "half a th")
        .end("m2", MessageEnd::Aborted)
        .tell(died)
        .text("m3", "whole")
        .end("m3", MessageEnd::Finished)
        .complete(turn(StopReason::EndTurn));
    let printed = story.print(Format::Text(Text::new(false)));
    assert_eq!(printed, "first\nwhole\nexit 0\n");
    let printed = story.print(Format::Text(Text::new(true)));
    assert_eq!(printed, "first\nhalf a th\nwhole\nexit 0\n");

    let stream_json = |story: &Story| {
        let printed = story.print(stream(false));
        printed.contains("half a th") && printed.contains("\"type\":\"assistant\"")
    };
    assert!(!stream_json(&story));
    // What was printed in pieces is taken back.
    let printed = story.print(stream(true));
    let place = |part: &str| printed.find(part).expect(part);
    let void = r#""subtype":"betcode_pieces_void","message_id":"m2","index":0"#;
    assert!(place("half a th") < place(void) && place(void) < place("\"whole\""));
    assert_eq!(printed.matches("betcode_pieces_void").count(), 1);

    let mut interrupted = story.events;
    interrupted.truncate(5);
    let events = interrupted;
    let story = Story {
        events,
        parent: None,
    };
    let story = story.complete(turn(StopReason::Cancelled));
    let printed = story.print(Format::Text(Text::new(false)));
    assert_eq!(printed, "first\nhalf a th\nexit 1\n");
    assert!(stream_json(&story));
    assert!(!story.print(stream(true)).contains("betcode_pieces_void"));
}

#[test]
fn a_denied_tool_is_told_with_what_the_agent_still_said() {
    let denial = PermissionDenial {
        tool: "Bash".into(),
        tool_call: "t1".into(),
        input: json!({"command": "rm"}),
    };
    let story = Story::default()
        .prompt()
        .tool("t1", "Bash", json!({"command": "rm"}))
        .denied("r1", "Bash")
        .tool_result("t1", "denied", Vec::new())
        .text("m2", "I may not.")
        .end("m2", MessageEnd::Finished)
        .complete(TurnComplete {
            permission_denials: vec![denial],
            ..turn(StopReason::EndTurn)
        });
    insta::assert_snapshot!(all_formats(&story));
}

fn question(id: &str, plan: Option<&str>) -> EventBody {
    EventBody::Question(Question {
        id: id.into(),
        tool_call: Some(format!("call-{id}").as_str().into()),
        items: Vec::new(),
        plan: plan.map(str::to_owned),
        input: json!({"asked": id}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    })
}

fn answered(id: &str, outcome: QuestionOutcome, by: Decider) -> EventBody {
    EventBody::QuestionAnswered {
        id: id.into(),
        answers: Vec::new(),
        outcome,
        by,
        message: String::new(),
    }
}

#[test]
fn questions_without_an_answer_are_among_the_denials_whether_the_agent_lists_them_or_not() {
    let person = Decider::Client(ClientInfo {
        name: "tray".into(),
        ..ClientInfo::default()
    });
    let story = Story::default()
        .prompt()
        .tell(question("q1", None))
        .tell(answered("q1", QuestionOutcome::Answered, person.clone()))
        .tell(question("q2", None))
        .tell(answered(
            "q2",
            QuestionOutcome::Expired,
            Decider::Unattended,
        ))
        .tell(question("q3", Some("a plan")))
        .tell(answered("q3", QuestionOutcome::Declined, person))
        .complete(TurnComplete {
            permission_denials: vec![PermissionDenial {
                tool: "ExitPlanMode".into(),
                tool_call: "call-q3".into(),
                input: json!({"asked": "q3"}),
            }],
            ..turn(StopReason::EndTurn)
        });
    let printed = story.print(Format::Json);
    let (line, exit) = printed.split_once('\n').unwrap();
    assert_eq!(exit, "exit 3\n");
    let result: Value = serde_json::from_str(line).unwrap();
    let denials: Vec<_> = result["permission_denials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["tool_name"].as_str().unwrap(),
                row["tool_use_id"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        denials,
        [("ExitPlanMode", "call-q3"), ("AskUserQuestion", "call-q2")]
    );
    assert_eq!(
        result["error"]["message"],
        "the agent asked a question and tray declined to answer"
    );
}

#[test]
fn a_request_that_a_person_allowed_is_no_denial() {
    let allowed = |id: &str| {
        EventBody::PermissionResolved(PermissionDecision {
            id: id.into(),
            outcome: PermissionOutcome::Allowed,
            by: Decider::Client(ClientInfo::default()),
            message: String::new(),
            scope: PermissionScope::Once,
            rules: Vec::new(),
            input: None,
            interrupt: false,
        })
    };
    let mut story = Story::default().prompt().denied("r1", "Bash");
    story.events.pop();
    let story = story
        .tell(allowed("r1"))
        .complete(turn(StopReason::EndTurn));
    let printed = story.print(Format::Json);
    assert!(printed.contains("\"permission_denials\":[]"), "{printed}");
    assert!(printed.ends_with("exit 0\n"), "{printed}");
}

#[test]
fn a_rate_limit_after_the_agents_own_attempts() {
    let error = TurnError {
        kind: TurnErrorKind::RateLimit,
        message: "API Error: 429".into(),
        http_status: Some(429),
        retry_after_ms: Some(180_000),
    };
    let raw = json!({"type": "result", "subtype": "success", "is_error": true, "result": "API Error: 429", "session_id": "theirs",
        "uuid": "their-uuid", "modelUsage": {}, "num_turns": 1});
    let story = Story::default()
        .prompt()
        .status(Status::RateLimited)
        .complete(TurnComplete {
            error: Some(error),
            raw: Some(raw),
            ..turn(StopReason::Error)
        });
    insta::assert_snapshot!(all_formats(&story));
}

#[test]
fn what_another_turn_does_while_ours_is_queued_is_not_our_output() {
    let story = Story::default()
        .tell(EventBody::MessageQueued(input(MESSAGE, "do it")))
        .text("m1", "theirs")
        .end("m1", MessageEnd::Finished)
        .complete(turn(StopReason::MaxTurns))
        .tell(EventBody::MessageDequeued {
            message_id: MESSAGE,
            removed: false,
        })
        .prompt()
        .text("m2", "ours")
        .complete(turn(StopReason::EndTurn));
    assert_eq!(
        story.print(Format::Text(Text::new(false))),
        "ours\nexit 0\n"
    );
    let events = story.print(Format::Events);
    assert_eq!(events.lines().count(), 4, "{events}");
}

#[test]
fn a_message_that_is_taken_out_of_the_queue_ends_the_wait() {
    let removed = EventBody::MessageDequeued {
        message_id: MESSAGE,
        removed: true,
    };
    let mut turn = Turn::new(MESSAGE);
    for event in Story::default()
        .tell(EventBody::MessageQueued(input(MESSAGE, "x")))
        .tell(removed)
        .events
    {
        assert!(!turn.see(&event));
    }
    assert!(turn.is_over());
    assert_eq!(turn.report().lost, Some(Lost::Removed));
}

#[test]
fn an_answer_that_never_came_in_pieces_is_printed_from_the_result() {
    let story = Story::default().prompt().complete(TurnComplete {
        result: "of a slash command".into(),
        ..turn(StopReason::EndTurn)
    });
    assert_eq!(
        story.print(Format::Text(Text::new(false))),
        "of a slash command\nexit 0\n"
    );
}

#[test]
fn text_on_a_terminal_cannot_steer_it_and_in_a_pipe_is_as_it_came() {
    let story = Story::default()
        .prompt()
        .text("m", "\u{1b}[2Jx")
        .complete(turn(StopReason::EndTurn));
    assert_eq!(
        story.print(Format::Text(Text::new(true))),
        "\u{fffd}[2Jx\nexit 0\n"
    );
    assert_eq!(
        story.print(Format::Text(Text::new(false))),
        "\u{1b}[2Jx\nexit 0\n"
    );
}

#[test]
fn every_line_of_stream_json_is_an_object_with_type_session_and_sequence() {
    for pieces in [false, true] {
        let printed = whole_turn().print(stream(pieces));
        let mut ids = std::collections::HashSet::new();
        for row in printed.lines().filter(|row| !row.starts_with("exit")) {
            let row: Value = serde_json::from_str(row).unwrap();
            assert!(row["type"].is_string() && row["sequence"].is_u64(), "{row}");
            assert_eq!(row["session_id"], SESSION.to_string());
            assert!(ids.insert(row["uuid"].to_string()), "{row}");
        }
    }
}

/// The session's log was cut at this event, while our message was queued or not.
fn cut(queued: bool) -> Event {
    let mut session = Session::new(SESSION);
    let mut story = Story::default().tell(EventBody::SessionInfo(Box::new(info())));
    if queued {
        story = story.tell(EventBody::MessageQueued(input(MESSAGE, "do it")));
    }
    for mut event in story.events {
        event.sequence = session.head().next();
        session.apply(&event);
    }
    let body = EventBody::HistoryTrimmed {
        up_to: Sequence(20),
        state: json!({"version": SNAPSHOT_VERSION, "session": session}),
    };
    let mut events = Story::default().tell(body).events;
    Event {
        sequence: Sequence(21),
        ..events.remove(0)
    }
}

#[test]
fn a_turn_whose_beginning_was_cut_off_unread_is_lost_in_whatever_order_that_is_heard() {
    for accepted_first in [true, false] {
        let mut turn = Turn::new(MESSAGE);
        if accepted_first {
            turn.accepted(Some(Sequence(15)));
        }
        turn.trimmed();
        assert!(!turn.is_over());
        assert!(!turn.see(&cut(false)));
        if !accepted_first {
            assert!(!turn.is_over(), "it may not have been taken yet");
            turn.accepted(Some(Sequence(15)));
        }
        assert!(turn.is_over());
        let failure = judge(turn.report(), None).unwrap();
        assert_eq!(failure.report.unwrap().reason, "HISTORY_REMOVED");
    }
}

#[test]
fn a_message_that_was_queued_when_the_log_was_cut_or_came_later_still_has_its_turn() {
    for (queued, first) in [(true, 15), (false, 22)] {
        let mut turn = Turn::new(MESSAGE);
        turn.accepted(Some(Sequence(first)));
        turn.trimmed();
        turn.see(&cut(queued));
        assert!(!turn.is_over());
        let later = Story::default()
            .prompt()
            .complete(super::tests::turn(StopReason::EndTurn));
        let seen = later.events.iter().filter(|event| turn.see(event));
        assert_eq!(seen.count(), 2);
        assert_eq!(judge(turn.report(), None), None);
    }
}

#[test]
fn a_turn_whose_end_was_cut_off_unread_is_lost() {
    let mut turn = Turn::new(MESSAGE);
    for event in &Story::default().prompt().events {
        turn.see(event);
    }
    turn.trimmed();
    assert!(turn.is_over());
    assert_eq!(turn.report().lost, Some(Lost::HistoryRemoved));
}
