//! Writes a reply as the API does: whole, or as a stream of events.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::http;
use super::script::{Fault, Reply};

/// Ids of messages and tool calls must differ, so this counts for the whole process.
static IDS: AtomicU64 = AtomicU64::new(1);

/// An id that nothing else has.
pub(super) fn fresh(prefix: &str) -> String {
    format!("{prefix}_fake{:06}", IDS.fetch_add(1, Ordering::Relaxed))
}

/// Answers a request, as a stream when it asks for one.
pub(super) fn write(output: &mut impl Write, request: &Value, reply: &Reply) -> io::Result<()> {
    if request.get("stream").and_then(Value::as_bool) == Some(true) {
        stream(output, request, reply)
    } else {
        whole(output, request, reply)
    }
}

/// An error of the API.
pub(super) fn failure(
    output: &mut impl Write,
    status: u16,
    retry_after: Option<u32>,
) -> io::Result<()> {
    let (kind, message) = match status {
        401 => ("authentication_error", "invalid x-api-key"),
        404 => ("not_found_error", "there is no such model"),
        429 => ("rate_limit_error", "this would exceed the rate limit"),
        529 => ("overloaded_error", "overloaded"),
        400 => (
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
        ),
        status if (400..500).contains(&status) => {
            ("invalid_request_error", "the request is not valid")
        }
        _ => ("api_error", "internal server error"),
    };
    let headers: Vec<(&str, String)> = retry_after
        .iter()
        .map(|seconds| ("retry-after", seconds.to_string()))
        .collect();
    let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"});
    http::json(output, status, &headers, &body)
}

fn message(request: &Value, content: &Value, stop_reason: &Value, output_tokens: u64) -> Value {
    json!({
        "id": fresh("msg"),
        "type": "message",
        "role": "assistant",
        "model": request.get("model"),
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": usage(output_tokens),
    })
}

fn usage(output_tokens: u64) -> Value {
    json!({
        "input_tokens": 100,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 1000,
        "output_tokens": output_tokens,
    })
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply {
        Reply::Text { .. } => "end_turn",
        Reply::Tool { .. } => "tool_use",
    }
}

fn whole(output: &mut impl Write, request: &Value, reply: &Reply) -> io::Result<()> {
    let block = match reply {
        Reply::Text { pieces, .. } => json!({"type": "text", "text": pieces.concat()}),
        Reply::Tool { name, input } => {
            json!({"type": "tool_use", "id": fresh("toolu"), "name": name, "input": input})
        }
    };
    let message = message(request, &json!([block]), &json!(stop_reason(reply)), 20);
    http::json(output, 200, &[], &message)
}

/// Begins an answer and breaks off in it.
pub(super) fn broken(
    output: &mut impl Write,
    request: &Value,
    reply: &Reply,
    fault: Fault,
) -> io::Result<()> {
    begin(output, request, reply)?;
    let delta = match reply {
        Reply::Text { pieces, .. } => {
            let half = pieces.get(..pieces.len().div_ceil(2)).unwrap_or_default();
            json!({"type": "text_delta", "text": half.concat()})
        }
        Reply::Tool { .. } => json!({"type": "input_json_delta", "partial_json": "{"}),
    };
    piece(output, &delta)?;
    match fault {
        Fault::Overloaded => {
            let error = json!({"type": "overloaded_error", "message": "overloaded"});
            http::event(output, &json!({"type": "error", "error": error}))?;
            return http::end_events(output);
        }
        Fault::Cut => {}
        // a pause, because: silence is the fault
        Fault::Stalls(time) => thread::sleep(time),
    }
    Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut"))
}

fn begin(output: &mut impl Write, request: &Value, reply: &Reply) -> io::Result<()> {
    http::begin_events(output)?;
    let message = message(request, &json!([]), &Value::Null, 1);
    http::event(
        output,
        &json!({"type": "message_start", "message": message}),
    )?;
    let block = match reply {
        Reply::Text { .. } => json!({"type": "text", "text": ""}),
        Reply::Tool { name, .. } => {
            json!({"type": "tool_use", "id": fresh("toolu"), "name": name, "input": {}})
        }
    };
    http::event(
        output,
        &json!({"type": "content_block_start", "index": 0, "content_block": block}),
    )
}

fn piece(output: &mut impl Write, delta: &Value) -> io::Result<()> {
    http::event(
        output,
        &json!({"type": "content_block_delta", "index": 0, "delta": delta}),
    )
}

fn stream(output: &mut impl Write, request: &Value, reply: &Reply) -> io::Result<()> {
    begin(output, request, reply)?;
    match reply {
        Reply::Text { pieces, pause } => {
            for text in pieces {
                // a pause, because: a slow answer is what was asked for
                thread::sleep(*pause);
                piece(output, &json!({"type": "text_delta", "text": text}))?;
            }
        }
        Reply::Tool { input, .. } => {
            let whole = json!({"type": "input_json_delta", "partial_json": input.to_string()});
            piece(output, &whole)?;
        }
    }
    http::event(output, &json!({"type": "content_block_stop", "index": 0}))?;
    let ended = json!({"stop_reason": stop_reason(reply), "stop_sequence": null});
    http::event(
        output,
        &json!({"type": "message_delta", "delta": ended, "usage": usage(20)}),
    )?;
    http::event(output, &json!({"type": "message_stop"}))?;
    http::end_events(output)
}
