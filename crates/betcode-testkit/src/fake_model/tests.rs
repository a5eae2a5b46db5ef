//! The server over a real connection.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use super::*;

fn ask(model: &FakeModel, path: &str, body: &Value) -> String {
    let mut stream = TcpStream::connect(model.address).unwrap();
    let body = body.to_string();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn user(text: &str, stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]})
}

fn model() -> FakeModel {
    FakeModel::start(Script::new([
        Scene::new("#hello").reply(Reply::text("Hello there")),
        Scene::new("#tool").reply(Reply::tool("Bash", json!({"command": "ls"}))),
        Scene::new("#slow").reply(Reply::slow(
            ["a ".into(), "b".into()],
            Duration::from_millis(1),
        )),
        Scene::new("#busy").fails(429, Some(7), None),
        Scene::new("#cut")
            .breaks(Fault::Cut, Some(1))
            .reply(Reply::text("one two three")),
        Scene::new("#overloaded")
            .breaks(Fault::Overloaded, None)
            .reply(Reply::text("one two three")),
    ]))
    .unwrap()
}

#[test]
fn text_is_streamed_in_pieces_and_sent_whole_when_no_stream_is_wanted() {
    let model = model();
    let streamed = ask(&model, "/v1/messages?beta=true", &user("#hello", true));
    let pieces: Vec<Value> = streamed
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let text: String = pieces
        .iter()
        .filter_map(|piece| piece.pointer("/delta/text")?.as_str())
        .collect();
    assert_eq!(text, "Hello there");
    assert_eq!(pieces.first().unwrap()["type"], "message_start");
    assert_eq!(pieces.last().unwrap()["type"], "message_stop");
    let whole = ask(&model, "/v1/messages", &user("#slow", false));
    assert!(
        whole.ends_with('}') && whole.contains(r#""text":"a b""#),
        "{whole}"
    );
}

#[test]
fn an_answer_breaks_in_its_middle_as_often_as_the_scene_says_and_only_when_it_is_streamed() {
    let model = model();
    let whole = ask(&model, "/v1/messages", &user("#cut", false));
    assert!(whole.contains("one two three"), "{whole}");
    let cut = ask(&model, "/v1/messages", &user("#cut", true));
    assert!(cut.contains("one two "), "{cut}");
    assert!(
        !cut.contains("three") && !cut.contains("message_stop"),
        "{cut}"
    );
    let second = ask(&model, "/v1/messages", &user("#cut", true));
    assert!(second.contains("message_stop"), "{second}");
    let overloaded = ask(&model, "/v1/messages", &user("#overloaded", true));
    assert!(overloaded.contains("event: error"), "{overloaded}");
}

#[test]
fn a_tool_is_called_with_its_input() {
    let answer = ask(&model(), "/v1/messages", &user("#tool", true));
    assert!(
        answer.contains(r#""partial_json":"{\"command\":\"ls\"}""#),
        "{answer}"
    );
    assert!(answer.contains(r#""stop_reason":"tool_use""#), "{answer}");
}

#[test]
fn the_other_vendors_api_answers_from_the_same_script() {
    let model = model();
    let input = |text: &str| {
        let message = json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]});
        json!({"model": "m", "stream": true, "input": [message]})
    };
    let answer = ask(&model, "/v1/responses", &input("#slow"));
    let pieces: Vec<Value> = answer
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let said: Vec<_> = pieces
        .iter()
        .filter_map(|p| p.get("delta")?.as_str())
        .collect();
    assert_eq!(said, ["a ", "b"]);
    let last = pieces.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "a b");
    let answer = ask(&model, "/v1/responses", &input("#tool"));
    assert!(
        answer.contains(r#""arguments":"{\"command\":\"ls\"}""#),
        "{answer}"
    );
    let answer = ask(&model, "/v1/responses", &input("#busy"));
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
}

#[test]
fn a_failure_has_its_status_and_says_when_to_come_back_and_everything_is_kept() {
    let model = model();
    let answer = ask(&model, "/v1/messages", &user("#busy", true));
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert!(answer.contains("retry-after: 7\r\n"), "{answer}");
    ask(&model, "/v1/messages", &user("else", false));
    let asked = |cue: &str, status, text: &Value| Asked {
        cue: cue.into(),
        status,
        messages: 1,
        results: Vec::new(),
        text: text.to_string(),
    };
    assert_eq!(
        model.asked(),
        [
            asked("#busy", 429, &user("#busy", true)),
            asked("", 200, &user("else", false)),
        ]
    );
}

#[test]
fn other_paths_get_an_answer_too() {
    let model = model();
    assert!(ask(&model, "/v1/messages/count_tokens", &json!({})).contains("input_tokens"));
    assert!(ask(&model, "/api/whatever", &json!({})).starts_with("HTTP/1.1 200 "));
    assert_eq!(model.asked(), []);
}
