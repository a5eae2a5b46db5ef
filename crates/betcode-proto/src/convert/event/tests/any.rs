//! Any event: a generator for every kind, with every field free. Only values that the wire cannot tell from an absent
//! one (`Some("")`, HTTP status 0) are left out; nobody makes them.

use betcode_core::command::{AgentFlags, LaunchOptions};
use betcode_core::event::*;
use betcode_core::id::{
    AgentName, ClientId, HostEpoch, IdempotencyKey, MessageId, RequestId, Sequence, ToolCallId,
};
use betcode_core::time::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use serde_json::Value;
use uuid::Uuid;

/// How many kinds of events there are.
pub(super) const KINDS: usize = 43;

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,8}"
}

fn filled() -> impl Strategy<Value = String> {
    "\\PC{1,8}"
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..3)
}

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn message_id() -> impl Strategy<Value = MessageId> {
    id().prop_map(MessageId)
}

fn host() -> impl Strategy<Value = HostEpoch> {
    id().prop_map(HostEpoch)
}

fn call() -> impl Strategy<Value = ToolCallId> {
    filled().prop_map(ToolCallId)
}

fn request_id() -> impl Strategy<Value = RequestId> {
    text().prop_map(RequestId)
}

fn moment() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i16>().prop_map(|number| Value::from(f64::from(number) / 2.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((text(), inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn client() -> impl Strategy<Value = ClientInfo> {
    let kind = select(vec![
        ClientKind::Interactive,
        ClientKind::Run,
        ClientKind::OneShot,
    ]);
    let id = prop_oneof![Just(Uuid::nil()), id()].prop_map(ClientId);
    (text(), text(), id, kind).prop_map(|(name, place, id, kind)| ClientInfo {
        name,
        place,
        id,
        kind,
    })
}

fn decider() -> impl Strategy<Value = Decider> {
    prop_oneof![
        client().prop_map(Decider::Client),
        (text(), text()).prop_map(|(rule, place)| Decider::Rule { rule, place }),
        Just(Decider::Unattended),
        Just(Decider::Agent),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    use Status::*;
    select(vec![
        Starting,
        Thinking,
        RunningTool,
        WaitingForUser,
        Idle,
        Compacting,
        RateLimited,
        Retrying,
        Stalled,
        Crashed,
        Error,
        Closed,
    ])
}

fn capability() -> impl Strategy<Value = Capability> {
    use Capability::*;
    select(vec![
        PartialText,
        Thinking,
        Permissions,
        EditedInput,
        Questions,
        Modes,
        Models,
        Resume,
        Compaction,
        Images,
        SubAgents,
        Usage,
    ])
}

fn usage() -> impl Strategy<Value = Usage> {
    (any::<[u64; 7]>(), prop::num::f64::NORMAL, text()).prop_map(|(numbers, cost_usd, model)| {
        let [
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            duration_ms,
            context_tokens,
            context_window,
        ] = numbers;
        Usage {
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            cost_usd,
            model,
            duration_ms,
            context_tokens,
            context_window,
        }
    })
}

fn info() -> impl Strategy<Value = SessionInfo> {
    let texts_of_info = (
        text(),
        text(),
        text(),
        text(),
        text(),
        text(),
        text(),
        text(),
    );
    (
        texts_of_info,
        status(),
        vec(capability(), 0..4),
        (texts(), texts(), texts()),
        usage(),
        any::<u64>(),
        option::of(texts().prop_map(Value::from)),
        (vec(mcp_server(), 0..3), vec(background_task(), 0..3)),
    )
        .prop_map(
            |(
                (agent, cwd, title, model, permission_mode, agent_version, agent_session, account),
                status,
                capabilities,
                lists,
                totals,
                trimmed,
                particulars,
                (mcp_servers, background_tasks),
            )| SessionInfo {
                agent: AgentName(agent),
                cwd,
                title,
                model,
                status,
                permission_mode,
                capabilities,
                agent_version,
                agent_session,
                tools: lists.0,
                slash_commands: lists.1,
                models: lists.2,
                account,
                totals,
                trimmed_up_to: Sequence(trimmed),
                particulars,
                mcp_servers,
                background_tasks,
            },
        )
}

fn policy() -> impl Strategy<Value = TurnPolicy> {
    let flags = (any::<bool>(), any::<bool>());
    (flags, texts(), texts(), option::of(any::<u64>())).prop_map(
        |((unattended, only_allowed), allowed_tools, disallowed_tools, wait_ms)| TurnPolicy {
            unattended,
            allowed_tools,
            disallowed_tools,
            only_allowed,
            wait_ms,
        },
    )
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let content = vec(any::<u8>(), 0..4);
    (text(), text(), any::<u64>(), content).prop_map(|(name, media_type, size, content)| {
        Attachment {
            name,
            media_type,
            size,
            content: Base64::of(&content),
        }
    })
}

fn input() -> impl Strategy<Value = UserInput> {
    (
        message_id(),
        id(),
        text(),
        vec(attachment(), 0..3),
        client(),
        policy(),
        any::<bool>(),
    )
        .prop_map(
            |(message_id, key, text, attachments, client, policy, then_trim)| UserInput {
                message_id,
                idempotency_key: IdempotencyKey(key),
                text,
                attachments,
                client,
                policy,
                then_trim,
            },
        )
}

fn piece() -> impl Strategy<Value = TextPiece> {
    (text(), text()).prop_map(|(message_id, text)| TextPiece { message_id, text })
}

fn diff() -> impl Strategy<Value = FileDiff> {
    let hunk = (any::<[u32; 4]>(), texts()).prop_map(
        |([old_start, old_lines, new_start, new_lines], lines)| Hunk {
            old_start,
            old_lines,
            new_start,
            new_lines,
            lines,
        },
    );
    (text(), any::<bool>(), vec(hunk, 0..3)).prop_map(|(path, created, hunks)| FileDiff {
        path,
        created,
        hunks,
    })
}

fn permission() -> impl Strategy<Value = PermissionRequest> {
    (
        request_id(),
        text(),
        option::of(call()),
        json(),
        text(),
        texts(),
        option::of(moment()),
        any::<bool>(),
        text(),
    )
        .prop_map(
            |(
                id,
                tool,
                tool_call,
                input,
                description,
                suggested_rules,
                expires_at,
                is_replay,
                note,
            )| PermissionRequest {
                id,
                tool,
                tool_call,
                input,
                description,
                suggested_rules,
                expires_at,
                is_replay,
                note,
            },
        )
}

fn decision() -> impl Strategy<Value = PermissionDecision> {
    let outcome = select(vec![
        PermissionOutcome::Allowed,
        PermissionOutcome::Denied,
        PermissionOutcome::Withdrawn,
        PermissionOutcome::Expired,
    ]);
    let scope = select(vec![
        PermissionScope::Once,
        PermissionScope::Session,
        PermissionScope::Always,
    ]);
    (
        request_id(),
        outcome,
        decider(),
        text(),
        scope,
        texts(),
        option::of(json()),
        any::<bool>(),
    )
        .prop_map(
            |(id, outcome, by, message, scope, rules, input, interrupt)| PermissionDecision {
                id,
                outcome,
                by,
                message,
                scope,
                rules,
                input,
                interrupt,
            },
        )
}

fn question() -> impl Strategy<Value = Question> {
    let choice =
        (text(), text()).prop_map(|(label, description)| QuestionOption { label, description });
    let item = (text(), text(), any::<bool>(), vec(choice, 0..3)).prop_map(
        |(question, header, multi_select, options)| QuestionItem {
            question,
            header,
            multi_select,
            options,
        },
    );
    (
        request_id(),
        option::of(call()),
        vec(item, 0..3),
        option::of(text()),
        json(),
        option::of(moment()),
        any::<bool>(),
        text(),
    )
        .prop_map(
            |(id, tool_call, items, plan, input, expires_at, is_replay, note)| Question {
                id,
                tool_call,
                items,
                plan,
                input,
                expires_at,
                is_replay,
                note,
            },
        )
}

fn answer() -> impl Strategy<Value = Answer> {
    (text(), texts(), text()).prop_map(|(question, selected, text)| Answer {
        question,
        selected,
        text,
    })
}

fn todo_item() -> impl Strategy<Value = TodoItem> {
    (
        text(),
        select(vec![
            TodoState::Pending,
            TodoState::InProgress,
            TodoState::Completed,
        ]),
    )
        .prop_map(|(text, state)| TodoItem { text, state })
}

fn background_task() -> impl Strategy<Value = BackgroundTask> {
    (text(), text(), text()).prop_map(|(id, kind, description)| BackgroundTask {
        id,
        kind,
        description,
    })
}

fn mcp_server() -> impl Strategy<Value = McpServer> {
    (text(), text(), text()).prop_map(|(name, status, source)| McpServer {
        name,
        status,
        source,
    })
}

fn turn_error() -> impl Strategy<Value = TurnError> {
    use TurnErrorKind::*;
    let kind = select(vec![
        RateLimit,
        Authentication,
        Server,
        PromptTooLong,
        InvalidRequest,
        AgentExited,
        Other,
    ]);
    (kind, text(), option::of(1u16..), option::of(any::<u64>())).prop_map(
        |(kind, message, http_status, retry_after_ms)| TurnError {
            kind,
            message,
            http_status,
            retry_after_ms,
        },
    )
}

fn turn() -> impl Strategy<Value = TurnComplete> {
    use StopReason::*;
    let reason = select(vec![
        EndTurn,
        Cancelled,
        MaxTurns,
        MaxBudget,
        Refusal,
        MaxTokens,
        Error,
        AgentExited,
    ]);
    let denial = (text(), call(), json()).prop_map(|(tool, tool_call, input)| PermissionDenial {
        tool,
        tool_call,
        input,
    });
    let numbers = (any::<u32>(), any::<u64>(), any::<u64>());
    (
        reason,
        option::of(turn_error()),
        numbers,
        usage(),
        (text(), text()),
        vec(denial, 0..3),
        option::of(json()),
    )
        .prop_map(
            |(
                stop_reason,
                error,
                (num_turns, duration_ms, duration_api_ms),
                usage,
                (result, origin),
                permission_denials,
                raw,
            )| TurnComplete {
                stop_reason,
                error,
                num_turns,
                duration_ms,
                duration_api_ms,
                usage,
                result,
                permission_denials,
                origin,
                raw,
            },
        )
}

fn launch() -> impl Strategy<Value = LaunchOptions> {
    (
        text(),
        text(),
        text(),
        option::of(any::<u32>()),
        texts(),
        texts(),
        texts(),
        flags(),
    )
        .prop_map(
            |(
                model,
                permission_mode,
                append_system_prompt,
                max_turns,
                allowed_tools,
                disallowed_tools,
                command,
                flags,
            )| LaunchOptions {
                model,
                permission_mode,
                append_system_prompt,
                max_turns,
                allowed_tools,
                disallowed_tools,
                command,
                flags,
            },
        )
}

fn flags() -> impl Strategy<Value = AgentFlags> {
    (
        (text(), text(), text(), option::of(text())),
        (option::of(any::<u64>()), texts(), texts(), any::<bool>()),
        (text(), text(), text()),
    )
        .prop_map(|(first, second, third)| {
            let (fallback_model, effort, system_prompt, tools) = first;
            let (max_budget_microdollars, add_dirs, mcp_configs, strict_mcp_config) = second;
            let (agents, persona, json_schema) = third;
            AgentFlags {
                fallback_model,
                effort,
                system_prompt,
                tools,
                max_budget_microdollars,
                add_dirs,
                mcp_configs,
                strict_mcp_config,
                agents,
                persona,
                json_schema,
            }
        })
}

fn exit() -> impl Strategy<Value = AgentExit> {
    prop_oneof![
        any::<i32>().prop_map(|code| AgentExit::Code { code }),
        any::<i32>().prop_map(|signal| AgentExit::Signal { signal }),
        text().prop_map(|reason| AgentExit::NotStarted { reason }),
        Just(AgentExit::HostLost),
    ]
}

#[expect(clippy::too_many_lines, reason = "one strategy for each kind of event")]
fn body() -> impl Strategy<Value = EventBody> {
    use EventBody as B;
    let end = select(vec![
        MessageEnd::Finished,
        MessageEnd::Aborted,
        MessageEnd::Abandoned,
    ]);
    let lock_outcome = {
        use LockOutcome::*;
        select(vec![Granted, Refused, TimedOut, Withdrawn])
    };
    let answered = {
        use QuestionOutcome::*;
        select(vec![Answered, Declined, Withdrawn, Expired])
    };
    Union::new([
        info()
            .prop_map(|info| B::SessionInfo(Box::new(info)))
            .boxed(),
        input().prop_map(B::UserInput).boxed(),
        input().prop_map(B::MessageQueued).boxed(),
        input().prop_map(B::MessageEdited).boxed(),
        (message_id(), any::<bool>())
            .prop_map(|(message_id, removed)| B::MessageDequeued {
                message_id,
                removed,
            })
            .boxed(),
        message_id()
            .prop_map(|message_id| B::DeliveryUnknown { message_id })
            .boxed(),
        piece().prop_map(B::TextDelta).boxed(),
        piece().prop_map(B::ThinkingDelta).boxed(),
        (text(), option::of(filled()), end)
            .prop_map(|(message_id, model, end)| B::MessageComplete {
                message_id,
                model,
                end,
            })
            .boxed(),
        (call(), text(), json(), text())
            .prop_map(|(id, tool, input, description)| B::ToolCallStart {
                id,
                tool,
                input,
                description,
            })
            .boxed(),
        (call(), any::<u64>(), text())
            .prop_map(|(id, elapsed_ms, output)| B::ToolCallProgress {
                id,
                elapsed_ms,
                output,
            })
            .boxed(),
        (
            call(),
            text(),
            any::<bool>(),
            option::of(any::<u64>()),
            vec(diff(), 0..3),
            vec(attachment(), 0..3),
        )
            .prop_map(
                |(id, output, is_error, duration_ms, diff, attachments)| B::ToolCallResult {
                    id,
                    output,
                    is_error,
                    duration_ms,
                    diff,
                    attachments,
                },
            )
            .boxed(),
        permission().prop_map(B::PermissionRequest).boxed(),
        decision().prop_map(B::PermissionResolved).boxed(),
        (request_id(), moment())
            .prop_map(|(id, expires_at)| B::RequestExtended { id, expires_at })
            .boxed(),
        (request_id(), any::<u32>())
            .prop_map(|(id, hours)| B::RequestReminder { id, hours })
            .boxed(),
        (request_id(), texts(), text(), text(), any::<bool>())
            .prop_map(|(id, rules, file, error, untrusted)| B::RulesWritten {
                id,
                rules,
                file,
                error,
                untrusted,
            })
            .boxed(),
        question().prop_map(B::Question).boxed(),
        (
            request_id(),
            vec(answer(), 0..3),
            answered,
            decider(),
            text(),
        )
            .prop_map(|(id, answers, outcome, by, message)| B::QuestionAnswered {
                id,
                answers,
                outcome,
                by,
                message,
            })
            .boxed(),
        vec(todo_item(), 0..3)
            .prop_map(|items| B::TodoUpdate { items })
            .boxed(),
        vec(background_task(), 0..3)
            .prop_map(|tasks| B::BackgroundTasks { tasks })
            .boxed(),
        text()
            .prop_map(|mode| B::PermissionModeChange { mode })
            .boxed(),
        text().prop_map(|model| B::ModelChange { model }).boxed(),
        launch().prop_map(B::LaunchChange).boxed(),
        (text(), decider())
            .prop_map(|(title, by)| B::TitleChange { title, by })
            .boxed(),
        (status(), text(), option::of(moment()))
            .prop_map(|(status, detail, retry_at)| B::StatusChange {
                status,
                detail,
                retry_at,
            })
            .boxed(),
        option::of(client())
            .prop_map(|holder| B::InputLockChanged { holder })
            .boxed(),
        (client(), moment())
            .prop_map(|(by, expires_at)| B::InputLockRequested { by, expires_at })
            .boxed(),
        (client(), lock_outcome)
            .prop_map(|(by, outcome)| B::InputLockRequestEnded { by, outcome })
            .boxed(),
        client().prop_map(|by| B::SessionReopened { by }).boxed(),
        client().prop_map(|by| B::CancelRequested { by }).boxed(),
        (text(), client())
            .prop_map(|(id, by)| B::TaskStopRequested { id, by })
            .boxed(),
        usage().prop_map(B::UsageReport).boxed(),
        turn().prop_map(B::TurnComplete).boxed(),
        (text(), any::<u64>(), any::<u64>())
            .prop_map(|(trigger, before_tokens, after_tokens)| B::Compacted {
                trigger,
                before_tokens,
                after_tokens,
            })
            .boxed(),
        (any::<u64>(), json())
            .prop_map(|(up_to, state)| B::HistoryTrimmed {
                up_to: Sequence(up_to),
                state,
            })
            .boxed(),
        (host(), any::<bool>())
            .prop_map(|(host, resume)| B::AgentStarting { host, resume })
            .boxed(),
        (host(), any::<u32>())
            .prop_map(|(host, pid)| B::AgentStarted { host, pid })
            .boxed(),
        host().prop_map(|host| B::AgentStopping { host }).boxed(),
        (host(), exit(), text())
            .prop_map(|(host, exit, stderr)| B::AgentExited { host, exit, stderr })
            .boxed(),
        text().prop_map(|text| B::Notice { text }).boxed(),
        (text(), text(), text(), any::<bool>())
            .prop_map(|(code, message, hint, fatal)| B::Error {
                code,
                message,
                hint,
                fatal,
            })
            .boxed(),
        text().prop_map(|raw| B::Unknown { raw }).boxed(),
    ])
}

/// Any event.
pub(super) fn event() -> impl Strategy<Value = Event> {
    let preview = (text(), any::<u64>(), any::<u64>()).prop_map(|(field, size, stored)| Preview {
        field,
        size,
        stored,
    });
    (
        any::<u64>(),
        option::of(1u64..),
        moment(),
        option::of(call()),
        vec(preview, 0..2),
        body(),
    )
        .prop_map(
            |(sequence, first, timestamp, parent, previews, body)| Event {
                sequence: Sequence(sequence),
                first_sequence: first.map(Sequence),
                timestamp,
                parent,
                previews,
                body,
            },
        )
}
