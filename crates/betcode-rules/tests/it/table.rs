//! The table of verdicts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use betcode_rules::Decision;

use crate::world::{call, mode, world};

pub(crate) const TABLE: &str = include_str!("../table.txt");

pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) call: String,
    pub(crate) rules: String,
    pub(crate) mode: String,
    pub(crate) verdict: Decision,
    pub(crate) why: String,
}

pub(crate) fn rows() -> Vec<Row> {
    let mut sets: BTreeMap<&str, &str> = BTreeMap::new();
    let mut rows = Vec::new();
    for (line, text) in TABLE.lines().enumerate() {
        if text.starts_with('$')
            && !text.contains('‖')
            && let Some((name, rules)) = text.split_once(" = ")
        {
            sets.insert(name, rules);
            continue;
        }
        if !text.contains('‖') || text.starts_with("# What") {
            continue;
        }
        let columns: Vec<&str> = text
            .split('‖')
            .map(|column| column.strip_prefix(' ').unwrap_or(column))
            .collect();
        let [call, rules, mode, verdict, why] = columns.as_slice() else {
            panic!("line {}: {} columns", line + 1, columns.len());
        };
        let rules: Vec<&str> = rules
            .trim()
            .split("  ")
            .map(|item| {
                if item.starts_with('$') {
                    sets[item]
                } else {
                    item
                }
            })
            .collect();
        rows.push(Row {
            line: line + 1,
            call: expand(call.strip_suffix(' ').unwrap_or(call)),
            rules: rules.join("  "),
            mode: mode.trim().to_owned(),
            verdict: match verdict.trim() {
                "allow" => Decision::Allow,
                "ask" => Decision::Ask,
                "deny" => Decision::Deny,
                other => panic!("line {}: {other}", line + 1),
            },
            why: why.trim().to_owned(),
        });
    }
    rows
}

/// Puts in the characters that cannot be in a table.
fn expand(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        result.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let named = [("LF}", '\n'), ("CR}", '\r'), ("TAB}", '\t'), ("NUL}", '\0')];
        if let Some((name, character)) = named.iter().find(|(name, _)| rest.starts_with(name)) {
            result.push(*character);
            rest = &rest[name.len()..];
        } else if let Some(code) = rest.strip_prefix("U+") {
            let (code, after) = code.split_once('}').expect("a code ends");
            result.push(
                char::from_u32(u32::from_str_radix(code, 16).expect("a number"))
                    .expect("a character"),
            );
            rest = after;
        } else if let Some((count, after)) = rest
            .split_once('*')
            .filter(|(count, _)| count.parse::<usize>().is_ok())
        {
            // The text that is repeated may be a closing brace itself.
            let end = after[1..].find('}').expect("a repetition ends") + 1;
            result.push_str(&after[..end].repeat(count.parse().expect("a number")));
            rest = &after[end + 1..];
        } else {
            result.push('{');
        }
    }
    result.push_str(rest);
    result
}

#[test]
fn every_call_of_the_table_gets_its_verdict() {
    let rows = rows();
    assert!(rows.len() >= 300, "{} rows", rows.len());
    let mut wrong = String::new();
    for row in &rows {
        let (mode_name, nocase) = match row.mode.strip_suffix("+nocase") {
            Some(name) => (name, true),
            None => (row.mode.as_str(), false),
        };
        let verdict = world(&row.rules).verdict(&call(&row.call, nocase), mode(mode_name));
        if verdict.decision != row.verdict {
            let call: String = row.call.chars().take(80).collect();
            writeln!(
                wrong,
                "line {}: {call:?} with {:?} in {}: {:?}, not {:?} ({}); it says: {}",
                row.line,
                row.rules,
                row.mode,
                verdict.decision,
                row.verdict,
                row.why,
                verdict.reason
            )
            .expect("a string takes all");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_verdict_has_a_reason_and_every_rule_that_decides_its_line() {
    for row in rows() {
        let verdict = world(&row.rules).verdict(
            &call(&row.call, false),
            mode(row.mode.trim_end_matches("+nocase")),
        );
        assert!(
            !verdict.reason.is_empty() && !verdict.reason.contains(char::is_control),
            "line {}: {:?}",
            row.line,
            verdict.reason
        );
        for part in &verdict.parts {
            assert!(
                !part.what.contains(char::is_control),
                "line {}: {:?}",
                row.line,
                part.what
            );
        }
    }
}
