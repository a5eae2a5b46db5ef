//! Rules in Claude Code's files, which are strict JSON. Of a key that stands there twice the last one allows, as it does for
//! Claude Code; all of them deny and ask.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::layer::{Broken, Found, LISTS, Lines, Literal};

/// Where parts of a valid JSON text stand in their file.
struct Json {
    lines: Lines,
    start: usize,
}

/// The members of an object in their order, however often a name occurs.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl<'a> Members<'a> {
    /// The last member of this name, the one that counts.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut last = self.0.iter().rev();
        last.find(|(known, _)| known == name)
            .map(|(_, value)| *value)
    }
}

/// What is wrong with a text that is no JSON, without its place.
pub(super) fn broken(error: &serde_json::Error) -> Broken {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = message.strip_suffix(&place).unwrap_or(&message);
    Broken {
        line: u32::try_from(error.line()).ok().filter(|line| *line > 0),
        what: format!("is not valid JSON: {what}"),
    }
}

pub(super) fn found(text: &str) -> Result<Found, Broken> {
    // First as any value: an error about its kind would cite what stands there.
    let root: &RawValue = serde_json::from_str(text).map_err(|error| broken(&error))?;
    let Ok(members) = members(root) else {
        return Err(Broken {
            line: None,
            what: "is not a JSON object".to_owned(),
        });
    };
    let json = Json {
        lines: Lines::new(text),
        start: text.as_ptr().addr(),
    };
    let mut found = Found::default();
    let mut sections: Vec<_> = members
        .0
        .iter()
        .filter(|(name, _)| name == "permissions")
        .map(|(_, section)| *section)
        .collect();
    let last = sections.pop();
    for section in sections {
        json.section(&mut found, section, false);
    }
    if let Some(last) = last {
        json.section(&mut found, last, true);
    }
    super::untrusted::beside(&members, &mut found);
    Ok(found)
}

/// The members, of what is an object. An error means that it is none, or holds what no text can be.
pub(super) fn members(json: &RawValue) -> Result<Members<'_>, serde_json::Error> {
    serde_json::from_str(json.get())
}

impl Json {
    fn line(&self, part: &RawValue) -> Option<u32> {
        let start = part.get().as_ptr().addr();
        self.lines.of(start.checked_sub(self.start)?)
    }

    fn section(&self, found: &mut Found, section: &RawValue, counts: bool) {
        let Ok(members) = members(section) else {
            let line = self.line(section);
            found.problem(line, "`permissions` is no object, so it does not count");
            return;
        };
        for name in LISTS {
            let mut lists: Vec<_> = members
                .0
                .iter()
                .filter(|(known, _)| known == name)
                .map(|(_, list)| *list)
                .collect();
            if name == "allow" {
                let last = lists.pop().filter(|_| counts);
                lists.clear();
                lists.extend(last);
            }
            for list in lists {
                self.list(found, name, list);
            }
        }
        if counts && let Some(directories) = members.get("additionalDirectories") {
            let directories: Vec<&RawValue> =
                serde_json::from_str(directories.get()).unwrap_or_default();
            let directories = directories.iter().filter_map(|directory| text(directory));
            found.additional.extend(directories);
        }
        let mode = members.get("defaultMode").and_then(text);
        if counts && mode.is_some_and(|mode| !matches!(mode.as_str(), "default" | "plan")) {
            found.beside.push("a permission mode".to_owned());
        }
    }

    fn list(&self, found: &mut Found, name: &str, list: &RawValue) {
        if let Ok(rules) = serde_json::from_str::<Vec<&RawValue>>(list.get()) {
            for rule in rules {
                let line = self.line(rule);
                match (text(rule), found.list(name)) {
                    (Some(text), Some(list)) => list.push(Literal::new(text, line)),
                    _ => found.no_rule(name, true, line),
                }
            }
            return;
        }
        let line = self.line(list);
        match text(list) {
            Some(text) => found.lone(name, text, line),
            None => found.no_rule(name, false, line),
        }
    }
}

/// The text, of what is one. An escape that stands for no character marks it as damaged.
fn text(json: &RawValue) -> Option<String> {
    let literal = json.get().strip_prefix('"')?.strip_suffix('"')?;
    let text = serde_json::from_str(json.get());
    Some(text.unwrap_or_else(|_| format!("{literal}{}", char::REPLACEMENT_CHARACTER)))
}
