//! The `Responses` API of another vendor, as far as an agent needs it that speaks nothing else: a request is turned into a
//! conversation that a script understands, and a reply is streamed as that API does. Faults within an answer are not
//! played here.

use std::io::{self, Write};
use std::thread;

use serde_json::{Value, json};

use super::http;
use super::reply::fresh;
use super::script::Reply;

/// The request with its messages where a script looks for them. What is no message, such as a call, is left out.
pub(super) fn conversation(request: &Value) -> Value {
    let input = match request.get("input") {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::String(text)) => vec![json!({"role": "user", "content": text})],
        _ => Vec::new(),
    };
    let messages: Vec<Value> = input
        .into_iter()
        .filter(|item| item.get("role").is_some())
        .collect();
    json!({"stream": request.get("stream"), "messages": messages})
}

/// Streams a reply, whatever the request wants: those who ask here always want a stream.
pub(super) fn write(output: &mut impl Write, request: &Value, reply: &Reply) -> io::Result<()> {
    let id = fresh("resp");
    let response = |status: &str, items: &[&Value]| {
        json!({
            "id": id,
            "object": "response",
            "status": status,
            "model": request.get("model"),
            "output": items,
            "usage": usage(),
        })
    };
    http::begin_events(output)?;
    let created = response("in_progress", &[]);
    http::event(
        output,
        &json!({"type": "response.created", "response": created}),
    )?;
    let item = match reply {
        Reply::Text { pieces, pause } => {
            let id = fresh("msg");
            let message = |text: Option<String>| {
                let part = text
                    .map(|text| json!({"type": "output_text", "text": text, "annotations": []}));
                json!({
                    "type": "message",
                    "id": id,
                    "role": "assistant",
                    "content": part.into_iter().collect::<Vec<_>>(),
                })
            };
            added(output, &message(None))?;
            for text in pieces {
                // a pause, because: a slow answer is what was asked for
                thread::sleep(*pause);
                let delta = json!({
                    "type": "response.output_text.delta",
                    "item_id": id,
                    "output_index": 0,
                    "content_index": 0,
                    "delta": text,
                });
                http::event(output, &delta)?;
            }
            message(Some(pieces.concat()))
        }
        Reply::Tool { name, input } => {
            let call = json!({
                "type": "function_call",
                "id": fresh("fc"),
                "call_id": fresh("call"),
                "name": name,
                "arguments": input.to_string(),
            });
            added(output, &call)?;
            call
        }
    };
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
    http::event(output, &done)?;
    let completed = response("completed", &[&item]);
    http::event(
        output,
        &json!({"type": "response.completed", "response": completed}),
    )?;
    http::end_events(output)
}

fn added(output: &mut impl Write, item: &Value) -> io::Result<()> {
    let added = json!({"type": "response.output_item.added", "output_index": 0, "item": item});
    http::event(output, &added)
}

fn usage() -> Value {
    json!({
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 10},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 120,
    })
}
