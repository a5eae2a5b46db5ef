//! One form for each JSON value, so that two values that mean the same can be compared by their text or their hash.
//!
//! The form: no whitespace, the keys of every object in the order of their bytes, strings and numbers as `serde_json`
//! writes them. It is meant for comparing and hashing, not for people, and it is not RFC 8785: numbers are not rewritten,
//! so `1` and `1.0` stay different.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The canonical text of a value.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// SHA-256 of the canonical text, in lower-case hexadecimal.
pub fn digest(value: &Value) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(canonical(value)) {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(key, text);
                text.push(':');
                write(item, text);
            }
            text.push('}');
        }
        Value::String(string) => write_string(string, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let _ = write!(text, "{value}");
        }
    }
}

/// A string as JSON. Text of Rust can always be written.
fn write_string(string: &str, text: &mut String) {
    text.push_str(&serde_json::to_string(string).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{canonical, digest};

    #[test]
    fn keys_are_sorted_at_every_level_and_there_is_no_whitespace() {
        let value =
            json!({"b": [1, {"z": null, "a": true}], "a": {"d": 1.5, "c": "x y"}, "B": -0.0});
        assert_eq!(
            canonical(&value),
            r#"{"B":-0.0,"a":{"c":"x y","d":1.5},"b":[1,{"a":true,"z":null}]}"#
        );
    }

    #[test]
    fn strings_and_keys_are_escaped() {
        let value = json!({"a\"\n": "\u{1}\\é😀"});
        assert_eq!(canonical(&value), "{\"a\\\"\\n\":\"\\u0001\\\\é😀\"}");
    }

    #[test]
    fn the_digest_is_the_known_one_and_does_not_depend_on_the_order_of_keys() {
        assert_eq!(
            digest(&json!({})),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        let one: Value = serde_json::from_str(r#"{"a":1,"b":{"c":2,"d":3}}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{ "b":{"d":3,"c":2}, "a":1 }"#).unwrap();
        assert_eq!(digest(&one), digest(&other));
        assert_ne!(digest(&one), digest(&json!({"a": 1})));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|entries| entries.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_back_is_the_same_value_with_the_same_form(value in any_value()) {
            let text = canonical(&value);
            let back: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&back, &value);
            prop_assert_eq!(canonical(&back), text);
        }
    }
}
