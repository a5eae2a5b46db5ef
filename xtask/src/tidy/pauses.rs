//! Tests wait for conditions, not for time to pass.

use super::Finding;
use super::source::{Source, word_offsets};

const EXCUSE: &str = "a pause, because:";

/// Checks one file: its test code, and all of the crate that tests are built from.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let testkit = source.crate_name() == Some("betcode-testkit");
    let mut findings = Vec::new();
    // The comment that ends on the line above, however many lines it has.
    let mut above = String::new();
    for (number, line) in source.numbered() {
        if (line.test || testkit)
            && sleeps(&line.code)
            && !excused(&line.comment)
            && !excused(&above)
        {
            findings.push(Finding::new(
                &source.path,
                number,
                "a test sleeps",
                format!("wait for the condition with a deadline, or write `// {EXCUSE} …` above"),
            ));
        }
        if line.comment.is_empty() || !line.code.trim().is_empty() {
            above.clear();
        } else {
            above.push_str(&line.comment);
            above.push('\n');
        }
    }
    findings
}

fn sleeps(code: &str) -> bool {
    word_offsets(code, "sleep").into_iter().any(|offset| {
        let before = code.get(..offset).unwrap_or_default();
        let after = code.get(offset + "sleep".len()..).unwrap_or_default();
        after.starts_with('(') && !before.ends_with("fn ")
    })
}

fn excused(comment: &str) -> bool {
    comment
        .split_once(EXCUSE)
        .is_some_and(|(_, reason)| !reason.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Source::parse(path, text))
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn a_sleep_in_a_test_is_found_however_it_is_imported() {
        for line in [
            "std::thread::sleep(a);",
            "thread::sleep(a);",
            "tokio::time::sleep(a).await;",
            "sleep(a).await;",
        ] {
            assert_eq!(
                lines("crates/a/tests/it/b.rs", &format!("//! B.\n{line}\n")),
                [2],
                "{line}"
            );
            assert_eq!(
                lines("crates/betcode-testkit/src/b.rs", &format!("{line}\n")),
                [1],
                "{line}"
            );
        }
    }

    #[test]
    fn a_reason_on_the_line_or_above_excuses_it() {
        assert_eq!(
            lines(
                "crates/a/tests/b.rs",
                "sleep(a); // a pause, because: the poll interval\n"
            ),
            NONE
        );
        assert_eq!(
            lines(
                "crates/a/tests/b.rs",
                "// a pause, because: the poll interval\nsleep(a);\n"
            ),
            NONE
        );
        assert_eq!(
            lines("crates/a/tests/b.rs", "// a pause, because:\nsleep(a);\n"),
            [2]
        );
    }

    #[test]
    fn a_reason_may_take_several_lines_but_covers_one_sleep_only() {
        let reason = "// a pause, because: the poll\n// interval\n";
        assert_eq!(
            lines(
                "crates/a/tests/b.rs",
                &format!("{reason}sleep(a);\nsleep(b);\n")
            ),
            [4]
        );
        assert_eq!(
            lines("crates/a/tests/b.rs", &format!("{reason}\nsleep(a);\n")),
            [4]
        );
    }

    #[test]
    fn a_reason_behind_one_sleep_does_not_cover_the_next() {
        let text = "sleep(a); // a pause, because: the poll interval\nsleep(b);\n";
        assert_eq!(lines("crates/a/tests/b.rs", text), [2]);
    }

    #[test]
    fn code_outside_tests_and_other_words_are_no_concern() {
        assert_eq!(lines("crates/a/src/b.rs", "thread::sleep(a);\n"), NONE);
        assert_eq!(
            lines(
                "crates/a/tests/b.rs",
                "fn sleep(a: u8) {}\nspawn(\"sleep 5\");\n"
            ),
            NONE
        );
    }
}
