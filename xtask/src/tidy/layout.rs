//! How files are laid out: length, the opening comment, names.

use super::Finding;
use super::source::Source;

const MOST_LINES: usize = 600;

/// Files that may be longer, each with the reason. The list is meant to stay empty.
const LONG_FILES: &[(&str, &str)] = &[];

/// Checks a file's name.
pub(super) fn check_name(path: &str) -> Option<Finding> {
    path.ends_with("/mod.rs").then(|| {
        Finding::new(
            path,
            1,
            "a module is called mod.rs",
            "name it after the module: `foo.rs` next to `foo/`",
        )
    })
}

/// Checks length and opening.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let opens = source
        .lines
        .first()
        .is_some_and(|line| line.comment.starts_with("//!"));
    if !opens {
        findings.push(Finding::new(
            &source.path,
            1,
            "the file does not open with `//!`",
            "say in its first line what it is for and what it is not",
        ));
    }
    let excused = LONG_FILES.iter().any(|(path, _)| *path == source.path);
    let count = source.lines.iter().filter(|line| !line.test).count();
    if count > MOST_LINES && !excused {
        findings.push(Finding::new(
            &source.path,
            MOST_LINES,
            format!("{count} lines without tests, more than {MOST_LINES}"),
            "give a part of it its own file",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<Finding> {
        check(&Source::parse("crates/a/src/b.rs", text))
    }

    #[test]
    fn a_file_opens_with_what_it_is_for() {
        assert_eq!(findings("//! Counts.\nfn f() {}\n"), []);
        for text in ["fn f() {}\n", "// Counts.\n", "\n//! Counts.\n", ""] {
            assert_eq!(findings(text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn six_hundred_lines_pass_and_one_more_does_not() {
        let fits = format!("//! Long.\n{}", "fn f() {}\n".repeat(MOST_LINES - 1));
        assert_eq!(findings(&fits), []);
        let found = findings(&format!("{fits}fn g() {{}}\n"));
        assert!(found[0].what.starts_with("601 lines"), "{found:?}");
    }

    #[test]
    fn tests_do_not_count_towards_the_length() {
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "fn f() {}\n".repeat(MOST_LINES)
        );
        assert_eq!(findings(&format!("//! Short.\n{tests}")), []);
    }

    #[test]
    fn mod_rs_is_refused() {
        assert!(check_name("crates/a/src/b/mod.rs").is_some());
        assert!(check_name("crates/a/src/b.rs").is_none());
    }
}
