//! What counts as a prompt, and what as a line.

use super::*;

fn both(argument: Option<&str>, piped: Option<&[u8]>) -> Result<Prompt, Failure> {
    prompt(argument, |_| {
        Ok(Piped {
            bytes: piped.map(<[u8]>::to_vec),
            note: None,
        })
    })
    .and_then(|prompt| prompt.ok_or_else(no_prompt))
}

#[test]
fn stdin_is_the_prompt_or_is_appended_to_it() {
    assert_eq!(
        both(Some("review"), Some(b"diff\n")).unwrap().text,
        "review\ndiff"
    );
    assert_eq!(both(None, Some(b"  do it\n")).unwrap().text, "  do it");
    assert_eq!(both(Some("-"), Some(b"do it")).unwrap().text, "do it");
    assert_eq!(both(Some("do it"), Some(b"\n")).unwrap().text, "do it");
    assert_eq!(both(Some("do it"), None).unwrap().text, "do it");
}

#[test]
fn without_any_prompt_the_command_line_makes_no_sense() {
    for (argument, piped) in [
        (None, None),
        (Some(" "), None),
        (Some("-"), Some(&b"\n"[..])),
        (None, Some(&b""[..])),
    ] {
        assert_eq!(
            both(argument, piped).unwrap_err().exit.code(),
            64,
            "{argument:?} {piped:?}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_replaced_and_that_is_said() {
    let prompt = both(None, Some(b"a\xffb")).unwrap();
    assert_eq!(prompt.text, "a\u{fffd}b");
    assert!(prompt.note.unwrap().contains("not UTF-8"));
}

#[test]
fn an_argument_makes_stdin_optional() {
    for (argument, optional) in [(Some("x"), true), (Some("-"), false), (None, false)] {
        let result = prompt(argument, |asked| {
            assert_eq!(asked, optional, "{argument:?}");
            Ok(Piped {
                bytes: Some(b"text".to_vec()),
                note: None,
            })
        });
        result.unwrap();
    }
}

#[test]
fn lines_of_claude_code_are_understood() {
    let message = |text: &str| {
        Ok(InputLine::Message(Message {
            text: text.to_owned(),
            images: Vec::new(),
            uuid: None,
        }))
    };
    let request = |ask| {
        Ok(InputLine::Control(Control::Request {
            id: "1".to_owned(),
            ask,
        }))
    };
    for (row, expected) in [
        (
            r#"{"type":"user","message":{"role":"user","content":"hi"}}"#,
            message("hi"),
        ),
        (
            r#"{"type":"user","message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}"#,
            message("a\nb"),
        ),
        (
            r#"{"type":"control_request","request_id":"1","request":{"subtype":"interrupt"}}"#,
            request(Ask::Interrupt),
        ),
        (
            r#"{"type":"control_request","request_id":"1","request":{"subtype":"initialize"}}"#,
            request(Ask::Initialize),
        ),
        (
            r#"{"type":"control_request","request_id":"1","request":{"subtype":"set_model","model":"opus"}}"#,
            request(Ask::SetModel("opus".into())),
        ),
        (
            r#"{"type":"control_request","request_id":"1","request":{"subtype":"set_permission_mode","mode":"plan"}}"#,
            request(Ask::SetPermissionMode("plan".into())),
        ),
        (
            r#"{"type":"control_response","response":{"subtype":"success","request_id":"p","response":{"behavior":"allow"}}}"#,
            Ok(InputLine::Control(Control::Response {
                id: "p".into(),
                answer: Ok(serde_json::json!({"behavior": "allow"})),
            })),
        ),
        (
            r#"{"type":"control_response","response":{"subtype":"error","request_id":"p","error":"x"}}"#,
            Ok(InputLine::Control(Control::Response {
                id: "p".into(),
                answer: Err("x".into()),
            })),
        ),
        ("", Ok(InputLine::Nothing)),
    ] {
        assert_eq!(line(1, row), expected, "{row}");
    }
}

#[test]
fn a_line_of_a_type_that_is_not_known_is_passed_over_with_a_word() {
    for (row, what) in [
        (
            r#"{"type":"hello"}"#,
            "line 7 on stdin is passed over: the type `hello` is not known",
        ),
        ("{}", "line 7 on stdin has no `type` and is passed over"),
        (
            r#"{"type":null}"#,
            "line 7 on stdin has no `type` and is passed over",
        ),
    ] {
        assert_eq!(
            line(7, row).unwrap(),
            InputLine::Unknown(what.to_owned()),
            "{row}"
        );
    }
}

#[test]
fn a_message_may_bring_its_uuid_and_a_mark_of_the_encoding() {
    let row = "\u{feff}{\"type\":\"user\",\"uuid\":\"11111111-1111-4111-8111-111111111111\",\"message\":{\"content\":\"x\"}}";
    let InputLine::Message(message) = line(1, row).unwrap() else {
        panic!("no message");
    };
    assert_eq!(
        message.uuid,
        Some(uuid::uuid!("11111111-1111-4111-8111-111111111111"))
    );
}

#[test]
fn a_bad_line_is_named_by_its_number_and_by_what_is_wrong() {
    for (row, what) in [
        (
            "{",
            "line 7 on stdin: EOF while parsing an object, column 1",
        ),
        ("[]", "line 7 on stdin: this is no JSON object"),
        (
            r#"{"type":"control_request","request_id":7,"request":{"subtype":"interrupt"}}"#,
            "line 7 on stdin: the `request_id` of a control request is a text",
        ),
        (
            r#"{"type":"control_request","request":{"subtype":"interrupt"}}"#,
            "line 7 on stdin: the `request_id` of a control request is a text",
        ),
        (
            r#"{"type":"control_request","request_id":"7"}"#,
            "line 7 on stdin: a control request has no `subtype`",
        ),
        (
            r#"{"type":"control_response","response":{"subtype":"success","request_id":7}}"#,
            "line 7 on stdin: the `request_id` of a control response is a text",
        ),
        (
            r#"{"type":"user"}"#,
            "line 7 on stdin: a user message has no `message`",
        ),
        (
            r#"{"type":"user","message":{"role":"user"}}"#,
            "line 7 on stdin: a user message has no `content`",
        ),
        (
            r#"{"type":"user","message":{"role":"assistant","content":"x"}}"#,
            "line 7 on stdin: the role of a user message is `user`",
        ),
        (
            r#"{"type":"user","message":{"content":" "}}"#,
            "line 7 on stdin: the message is empty",
        ),
        (
            r#"{"type":"user","message":{"content":[{"type":"image"}]}}"#,
            "line 7 on stdin: an image block needs a `source` of type `base64`",
        ),
        (
            r#"{"type":"user","message":{"content":[{"type":"document"}]}}"#,
            "line 7 on stdin: blocks of type `document` are not supported, only `text` and `image`",
        ),
    ] {
        let failure = line(7, row).unwrap_err();
        assert_eq!(
            (
                failure.exit.code(),
                failure.report.unwrap().message.as_str()
            ),
            (1, what),
            "{row}"
        );
    }
}

#[test]
fn an_image_block_is_a_part_of_the_message_with_or_without_a_text() {
    let gif = b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0;";
    let image = Attachment::new("image", "image/gif", gif);
    let data = image.content.text();
    let block = format!(
        r#"{{"type":"image","source":{{"type":"base64","media_type":"image/gif","data":"{data}"}}}}"#
    );
    for (text, said) in [(r#"{"type":"text","text":"look"},"#, "look"), ("", "")] {
        let row = format!(r#"{{"type":"user","message":{{"content":[{text}{block}]}}}}"#);
        let message = Message {
            text: said.to_owned(),
            images: vec![image.clone()],
            uuid: None,
        };
        assert_eq!(line(1, &row), Ok(InputLine::Message(message)));
    }
}
