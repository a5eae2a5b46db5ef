//! No input or output in the crates of the lowest layer.
//!
//! Those crates are functions of their arguments: bytes, time and randomness come in, decisions go out. Clippy's
//! configuration bans the clocks everywhere; this rule bans the rest, outside tests.

use super::Finding;
use super::layers::PURE_CRATES;
use super::source::{Source, word_offsets};

const BANNED_MODULES: &[&str] = &["env", "fs", "net", "process", "thread"];
const INSTEAD: &str = "take the bytes as an argument and leave the I/O to a crate above";

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    if !source
        .crate_name()
        .is_some_and(|name| PURE_CRATES.contains(&name))
    {
        return Vec::new();
    }
    let finding = |(line, what): (usize, String)| {
        Finding::new(
            &source.path,
            line,
            format!("`{what}` in a crate without I/O"),
            INSTEAD,
        )
    };
    let mut uses: Vec<(usize, String)> = Vec::new();
    for (number, line) in source.numbered().filter(|(_, line)| !line.test) {
        for module in BANNED_MODULES {
            let path = format!("std::{module}");
            if !word_offsets(&line.code, &path).is_empty() {
                uses.push((number, path));
            }
        }
        if !word_offsets(&line.code, "tokio::").is_empty() {
            uses.push((number, "tokio".to_owned()));
        }
    }
    uses.extend(grouped(source));
    uses.into_iter().map(finding).collect()
}

/// Banned modules named inside `std::{…}`.
fn grouped(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    // Only the first segment of an entry directly inside the group names a module of std.
    let mut segment = String::new();
    let mut first = true;
    for (number, line) in source.numbered().filter(|(_, line)| !line.test) {
        let mut rest = line.code.as_str();
        if depth == 0 {
            let Some((_, inside)) = rest.split_once("std::{") else {
                continue;
            };
            (rest, depth, first) = (inside, 1, true);
        }
        for character in rest.chars().chain(['\n']) {
            if character.is_alphanumeric() || character == '_' {
                segment.push(character);
                continue;
            }
            if depth == 1 && first && BANNED_MODULES.contains(&segment.as_str()) {
                found.push((number, format!("std::{segment}")));
            }
            if !segment.is_empty() {
                first = false;
                segment.clear();
            }
            match character {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                ',' if depth == 1 => first = true,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
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
    fn files_sockets_and_processes_are_found() {
        for line in [
            "use std::fs::File;",
            "std::net::TcpStream::connect(a)",
            "std::process::Command::new(a)",
            "tokio::select! {}",
        ] {
            assert_eq!(
                lines("crates/betcode-core/src/a.rs", &format!("//! A.\n{line}\n")),
                [2],
                "{line}"
            );
        }
    }

    #[test]
    fn a_group_hides_nothing() {
        let text = "use std::{\n    collections::BTreeMap,\n    fs,\n    io::{self, net},\n    process::Command,\n};\nuse a::fs;\n";
        assert_eq!(lines("crates/betcode-agents/src/a.rs", text), [3, 5]);
    }

    #[test]
    fn tests_comments_and_crates_above_may() {
        assert_eq!(
            lines(
                "crates/betcode-core/src/a.rs",
                "// std::fs\n#[cfg(test)]\nuse std::fs;\n"
            ),
            NONE
        );
        assert_eq!(
            lines("crates/betcode-core/tests/it/main.rs", "use std::fs;\n"),
            NONE
        );
        assert_eq!(
            lines("crates/betcode-daemon/src/a.rs", "use std::fs;\n"),
            NONE
        );
    }
}
