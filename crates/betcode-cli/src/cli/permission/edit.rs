//! `permission allow --edit`: the input that runs instead of the agent's own. Checked before anything is sent.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::error::Failure;
use crate::nearest::nearest;

/// The longest input. A message to the daemon has a limit.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Reads the input.
pub(super) fn read(file: &Path) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    let name = if file == Path::new("-") {
        let read = std::io::stdin()
            .lock()
            .take(LONGEST + 1)
            .read_to_end(&mut bytes);
        read.map_err(|error| Failure::io("cannot read stdin", &error))?;
        "stdin".to_owned()
    } else {
        let name = file.display().to_string();
        bytes = crate::files::read(file, LONGEST)
            .map_err(|error| Failure::unusable(&format!("cannot read {name}"), &error))?;
        name
    };
    if bytes.len() as u64 > LONGEST {
        return Err(wrong(format!(
            "{name} is longer than {} MiB",
            LONGEST >> 20
        )));
    }
    parse(&name, &bytes)
}

fn parse(name: &str, bytes: &[u8]) -> Result<Value, Failure> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(wrong(format!("{name} is empty")));
    }
    match serde_json::from_slice(bytes) {
        Ok(input @ Value::Object(_)) => Ok(input),
        Ok(_) => Err(wrong(format!("{name} holds no JSON object"))),
        Err(error) => Err(wrong(format!("{name} is not JSON: {error}"))),
    }
}

fn wrong(what: String) -> Failure {
    Failure::invalid("EDITED_INPUT", what).hint(
        "it must be the whole input as one JSON object; betcode permission show ID --json has the agent's own as `input`",
    )
}

/// What looks like a slip: fields that the agent's own input does not have.
pub(super) fn notes(own: &Value, edited: &Value) -> Vec<String> {
    let (Value::Object(own), Value::Object(edited)) = (own, edited) else {
        return Vec::new();
    };
    let unknown = edited.keys().filter(|field| !own.contains_key(*field));
    unknown
        .map(
            |field| match nearest(field, own.keys().map(String::as_str)) {
                Some(meant) => format!(
                    "note: the agent's own input has no field `{field}`, but it has `{meant}`"
                ),
                None => format!("note: the agent's own input has no field `{field}`"),
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_json_object_is_an_input() {
        assert_eq!(
            parse("f", b" {\"command\": \"ls\"}\n").unwrap(),
            json!({"command": "ls"})
        );
        for (text, what) in [
            ("", "f is empty"),
            (" \n", "f is empty"),
            ("[]", "f holds no JSON object"),
            ("ls", "f is not JSON: expected value at line 1 column 1"),
            (
                "{\"a\":1",
                "f is not JSON: EOF while parsing an object at line 1 column 6",
            ),
        ] {
            let report = parse("f", text.as_bytes()).unwrap_err().report.unwrap();
            assert_eq!(report.message, what);
            assert_eq!(report.reason, "EDITED_INPUT");
        }
    }

    #[test]
    fn a_field_that_the_agent_did_not_give_is_pointed_out() {
        let own = json!({"command": "ls", "timeout": 5});
        assert_eq!(
            notes(&own, &json!({"command": "pwd"})),
            Vec::<String>::new()
        );
        assert_eq!(
            notes(&own, &json!({"comand": "pwd", "zzzzzz": 1})),
            [
                "note: the agent's own input has no field `comand`, but it has `command`",
                "note: the agent's own input has no field `zzzzzz`"
            ]
        );
    }
}
