//! Permission rules in files, ours and Claude Code's, with any bytes. Laws:
//! - nothing is allowed that a strict reader of the same file would not find there;
//! - every rule and every problem has a line that exists; a problem is one line of visible text.

use betcode_daemon::rules::{Format, in_bytes};
use serde_json::Value;

use crate::Target;

/// See the file.
pub const TARGET: Target = Target {
    name: "settings",
    about: "rules in settings files: nothing is allowed that is not there, places exist",
    run,
    seeds,
    longest: 4096,
};

fn seeds() -> Vec<Vec<u8>> {
    let json = "{\n  \"model\": \"opus\",\n  \"permissions\": {\n    \"allow\": [\"Bash(git *)\", \"Edit\"],\n    \"ask\": [\"Bash(git push *)\"],\n    \"deny\": [\"Bash(rm *)\", \"Read(~/.ssh/**)\"],\n    \"defaultMode\": \"acceptEdits\",\n    \"additionalDirectories\": [\"../x\"]\n  },\n  \"env\": {\"A\": \"b\"}, \"hooks\": {}\n}\n";
    let toml = "model = \"opus\"\n\n[permissions]\nallow = [\"Bash(git *)\", 'Edit']\nask = [\"Bash(git push *)\"]\ndeny = [\n  \"Bash(rm *)\",\n  'Read(~/.ssh/**)',\n]\n";
    let more = [
        "{\"permissions\":{\"allow\":\"Edit\",\"deny\":\"Bash\"},\"permissions\":{\"allow\":[1,\"\\ud800\"]}}",
        "{\"permissions\":[],/* no */}",
        "{\"permissions\":{\"deny\":[\"Bash(rm",
        "permissions.deny = \"Bash\"\npermissions.allow = 3\n",
        "permissions = { allow = [\"Edit\"], deny = [[\"Bash\"]] }\n",
        "[permissions]\ndeny = [\"\"\"Bash(rm\n*)\"\"\", 'x",
        "\u{feff}[permissions]\nask=[\"Bash(\\u0041)\"]",
    ];
    let texts = [json, toml].into_iter().chain(more);
    texts.map(|text| text.as_bytes().to_vec()).collect()
}

fn run(data: &[u8]) {
    for format in [Format::Json, Format::Toml] {
        check(format, data);
    }
}

fn check(format: Format, bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    let exists =
        |line: Option<u32>| line.is_some_and(|line| (1..=lines).contains(&(line as usize)));
    let (layer, problems) = in_bytes("file", format, bytes.to_vec());
    let there = strict(format, bytes);
    for placed in &layer.allow {
        let rule = placed.rule.as_str();
        assert!(
            there.iter().any(|there| there == rule),
            "{rule} is allowed and not there"
        );
    }
    for placed in layer.allow.iter().chain(&layer.ask).chain(&layer.deny) {
        assert!(exists(placed.line), "{placed:?} stands nowhere");
    }
    for problem in &problems {
        let said = problem.to_string();
        assert!(!said.contains(char::is_control), "{said:?}");
        assert!(said.starts_with("file:"), "{said:?}");
        assert!(problem.line.is_none() || exists(problem.line), "{said:?}");
    }
}

/// The rules that a strict reader finds under `permissions.allow`.
fn strict(format: Format, bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let list: Vec<Value> = match format {
        Format::Json => {
            let root: Value = serde_json::from_str(text).unwrap_or_default();
            root["permissions"]["allow"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        }
        Format::Toml => {
            let root: toml::Table = toml::from_str(text).unwrap_or_default();
            let list = root.get("permissions").and_then(|it| it.get("allow"));
            let list = list
                .and_then(toml::Value::as_array)
                .cloned()
                .unwrap_or_default();
            let text = |rule: &toml::Value| Some(Value::from(rule.as_str()?));
            list.iter().filter_map(text).collect()
        }
    };
    list.iter()
        .filter_map(|rule| Some(rule.as_str()?.to_owned()))
        .collect()
}
