//! Whatever the bytes of a file are.

use proptest::prelude::*;

use super::*;

/// The rules a strict reader finds under `permissions.allow`.
fn strict(format: Format, bytes: &[u8]) -> Vec<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Vec::new();
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let texts = |value: Option<&serde_json::Value>| {
        let rules = value.and_then(serde_json::Value::as_array).cloned();
        let texts = rules.unwrap_or_default().into_iter();
        texts
            .filter_map(|rule| Some(rule.as_str()?.to_owned()))
            .collect()
    };
    match format {
        Format::Json => texts(
            serde_json::from_str::<serde_json::Value>(text)
                .unwrap_or_default()
                .pointer("/permissions/allow"),
        ),
        Format::Toml => {
            let document = text.parse::<toml_edit::DocumentMut>().unwrap_or_default();
            let rules = document.get("permissions").and_then(|it| it.get("allow"));
            let rules = rules.and_then(toml_edit::Item::as_array).cloned();
            let rules = rules.unwrap_or_default();
            rules
                .iter()
                .filter_map(|rule| Some(rule.as_str()?.to_owned()))
                .collect()
        }
    }
}

pub(super) fn found(format: Format, bytes: Vec<u8>) -> Found {
    in_content(text::from_bytes(bytes), format).unwrap_or_default()
}

fn check(format: Format, bytes: &[u8]) -> Result<(), TestCaseError> {
    let found = found(format, bytes.to_vec());
    let mut problems = Vec::new();
    let lines = u32::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap() + 1;
    let layer = found.into_layer(origin(OriginKind::User, "file"), true, &mut problems);
    let allowed = strict(format, bytes);
    for placed in &layer.allow {
        prop_assert!(allowed.iter().any(|rule| rule == placed.rule.as_str()));
    }
    for placed in layer.allow.iter().chain(&layer.ask).chain(&layer.deny) {
        prop_assert!(placed.line.is_some_and(|line| (1..=lines).contains(&line)));
    }
    for problem in &problems {
        prop_assert!(!problem.to_string().contains(char::is_control));
        prop_assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)));
    }
    Ok(())
}

/// Pieces that files of both formats are made of.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        ":",
        ",",
        "=",
        "\n",
        " ",
        "#",
        "//",
        "/*",
        "*/",
        "\\",
        "\"\"\"",
        "'''",
        "permissions",
        "\"permissions\"",
        "\"permissions\":{",
        "[permissions]\n",
        "permissions.",
        "allow",
        "\"allow\"",
        "\"allow\":[",
        "allow = [",
        "ask",
        "\"ask\":[",
        "ask = [",
        "deny",
        "\"deny\":[",
        "deny = [",
        "\"Bash(git *)\"",
        "'Edit'",
        "Bash",
        "1",
        "null",
        "\\u0041",
        "\\ud800",
        "\u{feff}",
        "\u{fffd}",
        "\r",
        "é",
    ]);
    let piece = prop_oneof![
        20 => piece.prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A whole file with one place changed.
fn bent(whole: &'static str) -> impl Strategy<Value = Vec<u8>> {
    (
        0..whole.len(),
        0..4_usize,
        prop::collection::vec(any::<u8>(), 0..3),
    )
        .prop_map(move |(at, cut, put)| {
            let mut bytes = whole.as_bytes().to_vec();
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, put);
            bytes
        })
}

const JSON: &str = "{\n  \"model\": \"opus\",\n  \"permissions\": {\n    \"allow\": [\"Bash(git *)\", \"Edit\"],\n    \"ask\": [\"Bash(git push *)\"],\n    \"deny\": [\"Bash(rm *)\", \"Read(~/.ssh/**)\"]\n  },\n  \"env\": {\"A\": \"b\"}\n}\n";
const TOML: &str = "model = \"opus\"\n\n[permissions]\nallow = [\"Bash(git *)\", 'Edit']\nask = [\"Bash(git push *)\"]\ndeny = [\n  \"Bash(rm *)\",\n  'Read(~/.ssh/**)',\n]\n";

#[test]
fn one_byte_taken_out_of_a_file_loses_not_all_that_it_denies() {
    for (format, whole) in [(Format::Json, JSON), (Format::Toml, TOML)] {
        for at in 0..whole.len() {
            let mut bytes = whole.as_bytes().to_vec();
            bytes.remove(at);
            let found = found(format, bytes.clone());
            let without = String::from_utf8_lossy(&bytes);
            // With another name it is about something else.
            let names = match format {
                Format::Json => ["\"permissions\"", "\"deny\""],
                Format::Toml => ["[permissions]", "\ndeny"],
            };
            if names.iter().all(|name| without.contains(name)) {
                assert!(!found.deny.is_empty(), "{without}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_allow_nothing_that_a_strict_reader_would_not_find(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(Format::Json, &bytes)?;
        check(Format::Toml, &bytes)?;
    }

    #[test]
    fn any_pieces_allow_nothing_that_a_strict_reader_would_not_find(bytes in pieces()) {
        check(Format::Json, &bytes)?;
        check(Format::Toml, &bytes)?;
    }

    #[test]
    fn any_small_damage_allows_nothing_that_a_strict_reader_would_not_find(json in bent(JSON), toml in bent(TOML)) {
        check(Format::Json, &json)?;
        check(Format::Toml, &toml)?;
    }
}
