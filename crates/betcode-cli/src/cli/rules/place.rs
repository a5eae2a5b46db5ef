//! Where rules stand, for people: short, but such that the file can be opened.

use betcode_client::{MatchedRule, RuleProblem};

use crate::context::Context;
use crate::output::say;
use betcode_core::visible::visible;

/// From where paths are shown.
#[derive(Debug)]
pub(crate) struct Places {
    cwd: String,
    home: Option<String>,
}

impl Places {
    /// As seen from the working directory of whoever reads.
    pub(crate) fn new(context: &Context) -> Self {
        let text = |path: std::path::PathBuf| path.to_str().map(str::to_owned);
        let cwd = context.environment.cwd().map(|cwd| {
            let resolved = context.directory(&cwd);
            resolved.unwrap_or(cwd)
        });
        Self {
            cwd: cwd.and_then(text).unwrap_or_default(),
            home: context.environment.path("HOME").and_then(text),
        }
    }

    /// A path from here, or from the home directory.
    pub(crate) fn short(&self, file: &str) -> String {
        let below = |directory: &str| {
            let rest = file.strip_prefix(directory.trim_end_matches('/'))?;
            rest.strip_prefix('/').filter(|_| !directory.is_empty())
        };
        let text = match (below(&self.cwd), self.home.as_deref().and_then(below)) {
            (Some(rest), _) => rest.to_owned(),
            (None, Some(rest)) => format!("~/{rest}"),
            (None, None) => file.to_owned(),
        };
        line(&text)
    }

    /// File and line; empty for what stands nowhere.
    pub(crate) fn of(&self, rule: &MatchedRule) -> String {
        let file = rule.file.as_deref().map(|file| self.short(file));
        match (file, rule.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file,
            (None, _) => String::new(),
        }
    }

    /// File, line and what kind of place that is.
    pub(super) fn full(&self, rule: &MatchedRule) -> String {
        let place = self.of(rule);
        if place.is_empty() {
            format!("({})", rule.origin.word())
        } else {
            format!("{place} ({})", rule.origin.word())
        }
    }

    /// Says on stderr what is wrong with the files.
    pub(super) fn warn(&self, problems: &[RuleProblem]) {
        for RuleProblem {
            file,
            line,
            message,
        } in problems
        {
            let file = self.short(file);
            let message = visible(message);
            say(&match line {
                Some(line) => format!("warning: {file}:{line}: {message}"),
                None => format!("warning: {file}: {message}"),
            });
        }
    }
}

/// A text on one line, with nothing hidden in it.
pub(super) fn line(text: &str) -> String {
    let text = visible(text);
    text.replace('\n', "⟨U+000A⟩").replace('\t', "⟨U+0009⟩")
}

#[cfg(test)]
mod tests {
    use betcode_client::RuleOrigin;

    use super::*;

    #[test]
    fn a_place_is_told_from_here_or_from_home() {
        let places = Places {
            cwd: "/home/a/project".into(),
            home: Some("/home/a".into()),
        };
        for (file, shown) in [
            (
                "/home/a/project/.claude/settings.json",
                ".claude/settings.json",
            ),
            ("/home/a/.claude/settings.json", "~/.claude/settings.json"),
            ("/home/a/project2/x", "~/project2/x"),
            ("/etc/x\n", "/etc/x⟨U+000A⟩"),
            ("--allowed-tools", "--allowed-tools"),
        ] {
            assert_eq!(places.short(file), shown);
        }
        let mut rule = MatchedRule {
            rule: "Bash".into(),
            origin: RuleOrigin::ProjectLocal,
            file: Some("/home/a/project/x".into()),
            line: Some(3),
        };
        assert_eq!(places.full(&rule), "x:3 (project-local)");
        rule.file = None;
        assert_eq!(places.full(&rule), "(project-local)");
    }
}
