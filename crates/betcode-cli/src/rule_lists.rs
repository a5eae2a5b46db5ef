//! Lists of permission rules as the command line takes them: `Bash,Edit`, `Bash(git *) Read(src/**)`. Commas and blanks
//! separate rules, but not in parentheses. What a rule means is not known here.

use betcode_rules::Rule;

use crate::error::Failure;

/// What the tools are called that most agents have. Rules tell large letters from small ones.
const TOOLS: [&str; 14] = [
    "Agent",
    "Bash",
    "Edit",
    "Glob",
    "Grep",
    "LS",
    "MultiEdit",
    "NotebookEdit",
    "Read",
    "Skill",
    "Task",
    "WebFetch",
    "WebSearch",
    "Write",
];

/// The rules of some lists, each once.
pub(crate) fn read(lists: &[String], flag: &str) -> Result<Vec<String>, Failure> {
    let mut rules: Vec<String> = Vec::new();
    for text in lists.iter().flat_map(|list| split(list)) {
        Rule::parse(text).map_err(|error| {
            Failure::usage(format!("{flag}: {error}"))
                .hint("rules look like Bash, 'Bash(git *)', 'Edit(src/**)', 'WebFetch(domain:example.com)'")
        })?;
        if !rules.iter().any(|known| known == text) {
            rules.push(text.to_owned());
        }
    }
    Ok(rules)
}

/// What whoever wrote these rules may not expect of them.
pub(crate) fn remarks(rules: &[String], flag: &str) -> Vec<String> {
    let remark = |text: &String| {
        let rule = Rule::parse(text).ok()?;
        let tool = text.split('(').next().unwrap_or_default();
        let meant = TOOLS
            .iter()
            .find(|name| **name != tool && name.eq_ignore_ascii_case(tool));
        let remark = match (rule.remark(), meant) {
            (Some(remark), _) => remark.to_owned(),
            (None, Some(meant)) => {
                format!("the tool is called {meant}, so this rule is about nothing")
            }
            (None, None) => return None,
        };
        Some(format!("note: {flag} {text}: {remark}"))
    };
    rules.iter().filter_map(remark).collect()
}

/// Whether a word is a list of rules rather than a prompt: the names of tools begin with a capital letter or `mcp__`.
pub(crate) fn looks_like_rules(word: &str) -> bool {
    let is_tool = |rule: &str| {
        rule.starts_with(|c: char| c.is_ascii_uppercase()) || rule.starts_with("mcp__")
    };
    let rules = split(word);
    let Some(first) = rules.first() else {
        return true;
    };
    // With a pattern in front it is meant as a list, even where a slip follows.
    rules.iter().all(|rule| is_tool(rule)) || (is_tool(first) && first.contains('('))
}

/// Splits a list at commas and blanks outside of parentheses.
fn split(list: &str) -> Vec<&str> {
    let mut rules = Vec::new();
    let mut rest = list.trim_start_matches(is_separator);
    while !rest.is_empty() {
        let end = end_of_rule(rest);
        let (rule, more) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rules.push(rule);
        rest = more.trim_start_matches(is_separator);
    }
    rules
}

fn is_separator(c: char) -> bool {
    c == ',' || c.is_whitespace()
}

/// Where the first rule ends. A parenthesis in quotes does not count, unless the quotes are none: `Bash(echo don't)`.
fn end_of_rule(text: &str) -> usize {
    let open = text.find('(');
    let separator = text.find(is_separator).unwrap_or(text.len());
    match open.filter(|open| *open < separator) {
        None => separator,
        Some(open) => closed(text, open, true)
            .or_else(|| closed(text, open, false))
            .unwrap_or(text.len()),
    }
}

/// The end of the parentheses that open here, if a separator or nothing follows.
fn closed(text: &str, open: usize, quotes: bool) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut characters = text.char_indices().skip_while(|(at, _)| *at < open);
    while let Some((at, c)) = characters.next() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => {
                characters.next();
            }
            (None, '\'' | '"') if quotes => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth = depth.saturating_sub(1);
                let end = at + 1;
                let ends = text.get(end..)?.chars().next().is_none_or(is_separator);
                if depth == 0 && ends {
                    return Some(end);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_split_outside_of_parentheses_only() {
        for (list, rules) in [
            ("", &[][..]),
            (" , ", &[]),
            ("Bash,Edit Read", &["Bash", "Edit", "Read"]),
            ("Bash(git *)", &["Bash(git *)"]),
            (
                "Bash(git log --format=a,b),Edit(src/**) mcp__x__*",
                &["Bash(git log --format=a,b)", "Edit(src/**)", "mcp__x__*"],
            ),
            (
                "Bash(echo \"a ) b\" *) Read",
                &["Bash(echo \"a ) b\" *)", "Read"],
            ),
            ("Bash(echo (a) b),Read", &["Bash(echo (a) b)", "Read"]),
            ("Bash(echo \\) *),Read", &["Bash(echo \\) *)", "Read"]),
            ("Bash(echo don't *),Read", &["Bash(echo don't *)", "Read"]),
            ("Bash(a", &["Bash(a"]),
            ("Bash(a)b Read", &["Bash(a)b Read"]),
        ] {
            assert_eq!(split(list), rules, "{list:?}");
        }
    }

    #[test]
    fn what_is_no_rule_is_named_with_what_is_wrong() {
        let read = |list: &str| read(&[list.to_owned()], "--allowed-tools");
        assert_eq!(read("Bash Bash,Edit").unwrap(), ["Bash", "Edit"]);
        for (list, part) in [
            ("Edit,Bash(git *", "`Bash(git *` is no rule: "),
            (
                "WebFetch(example.com)",
                "`WebFetch(example.com)` is no rule: ",
            ),
            ("Ba$h", "`Ba$h` is no rule: "),
        ] {
            let report = read(list).unwrap_err().report.unwrap();
            assert!(
                report.message.starts_with("--allowed-tools: ") && report.message.contains(part),
                "{}",
                report.message
            );
        }
    }

    #[test]
    fn a_rule_that_does_less_than_it_says_is_pointed_out() {
        let remarks = |rule: &str| remarks(&[rule.to_owned()], "--disallowed-tools");
        assert_eq!(remarks("Bash(git *)"), Vec::<String>::new());
        assert_eq!(
            remarks("bash"),
            [
                "note: --disallowed-tools bash: the tool is called Bash, so this rule is about nothing"
            ]
        );
        assert_eq!(remarks("Bash(git status && ls)").len(), 1);
    }

    #[test]
    fn a_prompt_does_not_look_like_rules() {
        for word in [
            "Bash",
            "Bash,Edit Read",
            "Bash(git *)",
            "mcp__x__*",
            "Bash(x),edit",
        ] {
            assert!(looks_like_rules(word), "{word}");
        }
        for word in [
            "do it",
            "Fix the bug",
            "Fix (all) of them",
            "/demo say",
            "why Bash(x)?",
        ] {
            assert!(!looks_like_rules(word), "{word}");
        }
    }
}
