//! Links in Markdown lead to files that exist.
//!
//! Only links inside the repository are followed; the web and anchors are not.

use super::Finding;

/// Checks one file; `exists` answers for a path relative to the root.
pub(super) fn check(path: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        for target in targets(&without_code(line)) {
            let broken = match resolve(path, &target) {
                Target::Elsewhere => false,
                Target::Inside(file) => !exists(&file),
                Target::Outside => true,
            };
            if broken {
                findings.push(Finding::new(
                    path,
                    number,
                    format!("the link to `{target}` leads nowhere"),
                    "correct it or take it out",
                ));
            }
        }
    }
    findings
}

enum Target {
    /// The web, an address, or an anchor in the same file.
    Elsewhere,
    /// A path relative to the root.
    Inside(String),
    /// A path that leaves the repository.
    Outside,
}

/// Every link's target in a line: `[text](target)`, and `[name]: target`.
fn targets(line: &str) -> Vec<String> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next());
    let definition = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "));
    let definition = definition.and_then(|(_, rest)| rest.split_whitespace().next());
    inline
        .chain(definition)
        .map(|target| target.trim_matches(['<', '>']).to_owned())
        .collect()
}

/// The line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

fn resolve(from: &str, target: &str) -> Target {
    let file = target.split(['#', '?']).next().unwrap_or_default();
    let scheme = file.split_once(':').map_or("", |(scheme, _)| scheme);
    if file.is_empty() || (!scheme.is_empty() && scheme.chars().all(char::is_alphanumeric)) {
        return Target::Elsewhere;
    }
    let start = if file.starts_with('/') {
        ""
    } else {
        from.rsplit_once('/').map_or("", |(directory, _)| directory)
    };
    let mut segments: Vec<&str> = start
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    for segment in file.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                if segments.pop().is_none() {
                    return Target::Outside;
                }
            }
            name => segments.push(name),
        }
    }
    Target::Inside(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> usize {
        let exists = |path: &str| ["README.md", "docs/a.md", "docs/b/c.md"].contains(&path);
        check("docs/a.md", text, &exists).len()
    }

    #[test]
    fn links_resolve_from_their_file_and_from_the_root() {
        assert_eq!(
            broken("[a](a.md) [b](b/c.md#part) [c](../README.md) [d](/README.md)\n[e]: ./b/c.md\n"),
            0
        );
    }

    #[test]
    fn missing_files_and_ways_out_of_the_repository_are_found() {
        assert_eq!(
            broken("[a](gone.md), [b](b/gone.md \"title\"), [c](../../README.md)\n[d]: gone.md\n"),
            4
        );
    }

    #[test]
    fn the_web_anchors_and_code_are_not_followed() {
        assert_eq!(
            broken(
                "[a](https://example.org/x) [b](#part) [c](mailto:a@b) `[d](gone.md)`\n```\n[e](gone.md)\n```\n"
            ),
            0
        );
    }
}
