//! Recordings, snapshots and documents carry no path of the machine they were made on.

use super::Finding;

const FORBIDDEN: &[&str] = &["/root/", "/builds/"];

/// Checks one file of any kind.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let concerned = path.starts_with("fixtures/")
        || path.starts_with("docs/")
        || path.contains("/fixtures/")
        || [".md", ".snap", ".proto"]
            .iter()
            .any(|ending| path.ends_with(ending));
    if !concerned {
        return Vec::new();
    }
    let finding = |number: usize, forbidden: &str| {
        Finding::new(
            path,
            number,
            format!("`{forbidden}` is a path of one machine"),
            "write a neutral one such as `/home/user/project`",
        )
    };
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let found = FORBIDDEN
            .iter()
            .filter(|forbidden| names_directory(line, forbidden));
        findings.extend(found.map(|forbidden| finding(number, forbidden)));
    }
    findings
}

/// Whether an absolute path starts here: `/root/x` does, `https://a.b/root/x` and `target/root/x` do not.
fn names_directory(line: &str, directory: &str) -> bool {
    line.match_indices(directory).any(|(offset, _)| {
        let before = line.get(..offset).and_then(|text| text.chars().next_back());
        !before.is_some_and(|character| character.is_alphanumeric() || "._-~}>".contains(character))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_and_documents_are_searched() {
        for path in [
            "fixtures/agents/a.jsonl",
            "docs/a.txt",
            "README.md",
            "crates/a/src/snapshots/b.snap",
        ] {
            let found = check(path, "{}\n{\"cwd\":\"/root/project\"}\n");
            assert_eq!(
                found.iter().map(|finding| finding.line).collect::<Vec<_>>(),
                [2],
                "{path}"
            );
        }
        assert_eq!(check("docs/a.md", "see /builds/a and /root/b").len(), 2);
    }

    #[test]
    fn code_and_paths_that_only_look_alike_are_fine() {
        assert_eq!(check("crates/a/src/b.rs", "\"/root/project\""), []);
        assert_eq!(
            check(
                "docs/a.md",
                "target/builds/a, https://example.org/root/b, /home/user/builds/c"
            ),
            []
        );
    }
}
