//! From texts that should be rules to a layer of rules.

use betcode_rules::{Layer, Origin, Placed, Rule};

use super::Problem;

/// A text that should be a rule, with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) line: Option<u32>,
}

impl Literal {
    pub(super) fn new(text: String, line: Option<u32>) -> Self {
        Self { text, line }
    }
}

/// What was found in one source.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) allow: Vec<Literal>,
    pub(super) ask: Vec<Literal>,
    pub(super) deny: Vec<Literal>,
    /// Something that it forbids or asks cannot be read, so nothing that it allows counts.
    pub(super) forfeited: bool,
    /// What is wrong, by line.
    pub(super) problems: Vec<(Option<u32>, String)>,
    /// Directories to work in, as they are written.
    pub(super) additional: Vec<String>,
    /// What else the file says that counts only from somebody the user trusts, in words.
    pub(super) beside: Vec<String>,
}

/// What is wrong with a whole file.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) line: Option<u32>,
    pub(super) what: String,
}

/// As many problems of one file are told one by one.
const MOST_PROBLEMS: usize = 20;

/// The names of the lists of rules.
pub(super) const LISTS: [&str; 3] = ["allow", "ask", "deny"];

impl Found {
    pub(super) fn list(&mut self, name: &str) -> Option<&mut Vec<Literal>> {
        match name {
            "allow" => Some(&mut self.allow),
            "ask" => Some(&mut self.ask),
            "deny" => Some(&mut self.deny),
            _ => None,
        }
    }

    pub(super) fn problem(&mut self, line: Option<u32>, what: impl Into<String>) {
        self.problems.push((line, what.into()));
    }

    /// A text where a list of rules belongs. It counts as the one rule that was meant, unless it would allow.
    pub(super) fn lone(&mut self, name: &str, text: String, line: Option<u32>) {
        if name == "allow" {
            let what = "`permissions.allow` is not a list, so it does not count";
            self.problem(line, what);
            return;
        }
        self.problem(
            line,
            format!("`permissions.{name}` is not a list; it counts as a list of this one rule"),
        );
        if let Some(list) = self.list(name) {
            list.push(Literal::new(text, line));
        }
    }

    /// Something that is no rule at all in a list of rules, or in the place of one.
    pub(super) fn no_rule(&mut self, name: &str, element: bool, line: Option<u32>) {
        let what = if element {
            format!("only rules in quotes belong in `permissions.{name}`; this is passed over")
        } else {
            if name != "allow" {
                // What it was to forbid is not known.
                self.forfeited = true;
            }
            let and = if name == "allow" {
                ""
            } else {
                ", and no allow rule of this file does"
            };
            format!("`permissions.{name}` is not a list of rules, so it does not count{and}")
        };
        self.problem(line, what);
    }

    pub(super) fn into_layer(
        self,
        origin: Origin,
        trusted: bool,
        problems: &mut Vec<Problem>,
    ) -> Layer {
        let file = origin.file.clone().unwrap_or_default();
        let mut said = self.problems;
        let mut layer = Layer {
            origin,
            trusted,
            allow: Vec::new(),
            ask: Vec::new(),
            deny: Vec::new(),
        };
        for literal in self.allow.into_iter().filter(|_| !self.forfeited) {
            match rule(&literal.text) {
                Ok(rule) => layer.allow.push(placed(rule, &literal)),
                Err(what) => said.push((literal.line, format!("{what}; it allows nothing"))),
            }
        }
        let mut asked_instead = Vec::new();
        for (literals, rules) in [(self.ask, &mut layer.ask), (self.deny, &mut layer.deny)] {
            for literal in literals {
                let what = match rule(&literal.text) {
                    Ok(rule) => {
                        rules.push(placed(rule, &literal));
                        continue;
                    }
                    Err(what) => what,
                };
                let follows = match tool(&literal.text) {
                    Some(tool) => {
                        let follows =
                            format!("until it is mended every use of `{tool}` is asked about");
                        asked_instead.push(placed(tool, &literal));
                        follows
                    }
                    None => "it does not count".to_owned(),
                };
                said.push((literal.line, format!("{what}; {follows}")));
            }
        }
        layer.ask.extend(asked_instead);
        said.sort_by_key(|(line, _)| *line);
        let more = said.len().saturating_sub(MOST_PROBLEMS);
        if more > 0 {
            said.truncate(MOST_PROBLEMS);
            said.push((None, format!("{more} more do not count as they were meant")));
        }
        problems.extend(said.into_iter().map(|(line, message)| Problem {
            file: file.clone(),
            line,
            message,
        }));
        layer
    }
}

fn placed(rule: Rule, literal: &Literal) -> Placed {
    Placed {
        rule,
        line: literal.line,
    }
}

/// The rule about all of the tool that a text begins with.
fn tool(text: &str) -> Option<Rule> {
    let text = text.trim_start_matches(|character: char| !character.is_ascii_graphic());
    let fits = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    let end = text.find(|character| !fits(character));
    let name = text.get(..end.unwrap_or(text.len()))?;
    let is_tool = name.starts_with("mcp__") || name.starts_with(|c: char| c.is_ascii_uppercase());
    is_tool.then(|| Rule::parse(name).ok()).flatten()
}

/// The rule that a text is, or what is wrong with it.
fn rule(text: &str) -> Result<Rule, String> {
    // What bytes or escapes that are no text stood for cannot be known.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(format!("`{}` is damaged, so it is no rule", short(text)));
    }
    Rule::parse(text).map_err(|error| {
        let (text, what, at) = (short(text), error.what, error.at);
        format!("`{text}` is no rule: {what} (at character {at})")
    })
}

/// A text in a message: visible, and not longer than one wants to read.
fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut start: String = text.chars().take(LONGEST).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start.escape_debug().to_string()
}

/// The lines of a text.
pub(super) struct Lines {
    /// Where each line but the first begins.
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes());
        Self {
            starts: ends.map(|end| end + 1).collect(),
        }
    }

    /// The line of a place, from 1.
    pub(super) fn of(&self, place: usize) -> Option<u32> {
        let before = self.starts.partition_point(|start| *start <= place);
        u32::try_from(before).ok()?.checked_add(1)
    }

    /// Where the line of a place begins.
    pub(super) fn start(&self, place: usize) -> usize {
        let before = self.starts.partition_point(|start| *start <= place);
        let last = before.checked_sub(1).and_then(|last| self.starts.get(last));
        last.copied().unwrap_or(0)
    }
}
