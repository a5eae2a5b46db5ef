//! Words that mark unfinished work, and calls and attributes that are only for the moment.

use super::Finding;
use super::source::{Source, word_offsets};

const MARKERS: &[&str] = &["TODO", "FIXME", "XXX"];

const CALLS: &[(&str, &str)] = &[
    ("todo!", "write it, or leave the function out"),
    (
        "unimplemented!",
        "write it, or return an error that says so",
    ),
    ("dbg!", "use a tracing event, or take it out"),
    ("#[ignore", "make the test run everywhere, or take it out"),
];

/// Checks a Rust file: markers in code and comments, calls in code.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in source.numbered() {
        findings.extend(markers(&source.path, number, &line.comment));
        findings.extend(markers(&source.path, number, &line.code));
        for (call, instead) in CALLS {
            if !word_offsets(&line.code, call).is_empty() {
                findings.push(Finding::new(
                    &source.path,
                    number,
                    format!("`{call}` is left in the code"),
                    *instead,
                ));
            }
        }
    }
    findings
}

/// Checks a file of another language for markers.
pub(super) fn check_text(path: &str, text: &str) -> Vec<Finding> {
    (1..)
        .zip(text.lines())
        .flat_map(|(number, line)| markers(path, number, line))
        .collect()
}

fn markers(path: &str, number: usize, text: &str) -> Vec<Finding> {
    let found = MARKERS
        .iter()
        .filter(|marker| !word_offsets(text, marker).is_empty());
    let finding = |marker: &&str| {
        Finding::new(
            path,
            number,
            format!("`{marker}` marks unfinished work"),
            "finish it, or open an issue and take the mark out",
        )
    };
    found.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<Finding> {
        check(&Source::parse("crates/a/src/b.rs", text))
    }

    #[test]
    fn markers_and_calls_are_found_on_their_line() {
        for line in [
            "// TODO: more",
            "/* FIXME */",
            "let XXX = 1;",
            "todo!()",
            "unimplemented!(\"x\")",
            "dbg!(a)",
            "#[ignore]",
            "#[ignore = \"slow\"]",
        ] {
            let found = findings(&format!("//! A file.\n{line}\n"));
            assert_eq!(
                found.iter().map(|finding| finding.line).collect::<Vec<_>>(),
                [2],
                "{line}"
            );
        }
    }

    #[test]
    fn strings_longer_words_and_an_agents_todo_list_are_fine() {
        for line in [
            "f(\"TODO\");",
            "// the agent's todo list",
            "struct TodoWrite;",
            "let ignore = TODOS;",
            "my_dbg!(a)",
        ] {
            assert_eq!(findings(&format!("{line}\n")), [], "{line}");
        }
    }

    #[test]
    fn protos_are_searched_for_markers() {
        assert_eq!(
            check_text("proto/a.proto", "// fine\n// TODO number\n")[0].line,
            2
        );
    }
}
