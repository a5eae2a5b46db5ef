//! What a call is about, in one line: what it does is told by its input, not by what the agent says about it.
//!
//! The fields of the input are known by their names, whatever the tool is called. An input that has none of them is told by
//! the description that came with the call.

use serde_json::Value;

use crate::text::sanitize;
use crate::transcript::Tool;
use crate::view::words;

/// What a call is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::view) struct About {
    /// What it does.
    pub(in crate::view) what: String,
    /// More about it, for which there need not be room.
    pub(in crate::view) aside: String,
}

/// What a call is about, without its own name.
pub(in crate::view) fn about(tool: &Tool, cwd: &str) -> About {
    let input = &tool.input;
    let get = |name: &str| {
        let text = input.get(name).and_then(Value::as_str);
        text.filter(|text| !text.trim().is_empty())
    };
    let path = || get("file_path").or_else(|| get("notebook_path"));
    let (what, aside) = if let Some(command) = get("command") {
        let aside = get("description").map(words::first_line);
        (words::first_line(command), aside)
    } else if let Some(pattern) = get("pattern") {
        let places = [get("path").map(|path| within(path, cwd)), get("glob")];
        let places: Vec<&str> = places.into_iter().flatten().collect();
        let aside = (!places.is_empty()).then(|| format!("in {}", places.join(" ")));
        (words::first_line(pattern), aside)
    } else if let Some(path) = path() {
        (within(path, cwd).to_owned(), lines(input))
    } else if let Some(address) = get("url") {
        (words::first_line(address), None)
    } else if let Some(kind) = get("subagent_type") {
        let task = get("description").or_else(|| get("prompt"));
        let task = task.unwrap_or_default();
        (words::first_line(task), Some(words::first_line(kind)))
    } else {
        (told(tool, cwd), None)
    };
    About {
        what: sanitize::line(&what).into_owned(),
        aside: sanitize::line(&aside.unwrap_or_default()).into_owned(),
    }
}

/// The description that came with the call, without the tool's name.
fn told(tool: &Tool, cwd: &str) -> String {
    let description = tool
        .description
        .strip_prefix(tool.name.as_str())
        .unwrap_or(&tool.description);
    within(description.trim_start_matches([':', ' ']), cwd).to_owned()
}

/// A path as it is from where the session works.
fn within<'a>(path: &'a str, cwd: &str) -> &'a str {
    path.strip_prefix(cwd)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|rest| !rest.is_empty() && !cwd.is_empty())
        .unwrap_or(path)
}

/// Which lines of a file, if not all.
fn lines(input: &Value) -> Option<String> {
    let number = |name: &str| input.get(name).and_then(Value::as_u64);
    let first = number("offset").map(|first| first.max(1));
    Some(match (first, number("limit")) {
        (None, None) => return None,
        (Some(first), None) => format!("from line {first}"),
        (first, Some(count)) => {
            let first = first.unwrap_or(1);
            let last = first.saturating_add(count.saturating_sub(1));
            format!("lines {first}–{last}")
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(name: &str, description: &str, input: Value) -> Tool {
        let mut call = Tool::unknown(&"t1".into());
        call.name = name.into();
        call.description = description.into();
        call.input = input;
        call
    }

    #[test]
    fn what_it_does_is_told_by_its_input() {
        for (name, description, input, what, aside) in [
            (
                "Bash",
                "Run the tests",
                json!({"command": "cargo test\ncargo doc", "description": "Run the tests"}),
                "cargo test …",
                "Run the tests",
            ),
            (
                "Read",
                "Read /work/src/a.rs",
                json!({"file_path": "/work/src/a.rs", "offset": 10, "limit": 50}),
                "src/a.rs",
                "lines 10–59",
            ),
            (
                "Read",
                "Read /workshop/a.rs",
                json!({"file_path": "/workshop/a.rs", "offset": 7}),
                "/workshop/a.rs",
                "from line 7",
            ),
            (
                "Edit",
                "Edit /work/a.rs",
                json!({"file_path": "/work/a.rs", "old_string": "a", "new_string": "b"}),
                "a.rs",
                "",
            ),
            (
                "Grep",
                "Search for fn main",
                json!({"pattern": "fn main", "path": "/work/src", "glob": "*.rs"}),
                "fn main",
                "in src *.rs",
            ),
            (
                "WebFetch",
                "Fetch https://example.org",
                json!({"url": "https://example.org", "prompt": "what is it?"}),
                "https://example.org",
                "",
            ),
            (
                "Task",
                "Task look around",
                json!({"description": "look around", "prompt": "Look …", "subagent_type": "Explore"}),
                "look around",
                "Explore",
            ),
            ("Skill", "Skill: tidy", json!({"skill": "tidy"}), "tidy", ""),
            ("Bash", "Bash ls", Value::Null, "ls", ""),
        ] {
            let about = about(&call(name, description, input), "/work");
            let wanted = About {
                what: what.to_owned(),
                aside: aside.to_owned(),
            };
            assert_eq!(about, wanted, "{name}");
        }
    }
}
