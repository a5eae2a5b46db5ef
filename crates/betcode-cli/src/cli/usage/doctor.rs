//! `usage doctor`: which source is used, what is wrong with it, and what to do.

use betcode_client::UsageFinding;

use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::printable;

/// The level of a finding that makes the command fail.
const ERROR: &str = "error";

/// Looks at everything, one line each.
pub(super) fn doctor(json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let findings = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.diagnose_usage().await?)
    })?;
    if json {
        context.output.json(&findings)?;
    } else {
        context.output.write(checklist(&findings).as_bytes())?;
    }
    Ok(if findings.iter().any(|it| it.level == ERROR) {
        Exit::Failure
    } else {
        Exit::Success
    })
}

fn checklist(findings: &[UsageFinding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let line = format!("{:<8} {}: {}", finding.level, finding.about, finding.found);
        text.extend([&*one_line(&line), "\n"]);
        if !finding.advice.is_empty() {
            text.extend(["         -> ", &*one_line(&finding.advice), "\n"]);
        }
    }
    text
}

fn one_line(text: &str) -> String {
    printable(&text.replace(['\n', '\r', '\t'], " ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_a_checklist_with_what_to_do() {
        let finding = |level: &str, advice: &str| UsageFinding {
            about: "claude default: source".into(),
            level: level.into(),
            found: "get\u{1b}[2J_usage\nof claude".into(),
            advice: advice.into(),
        };
        assert_eq!(
            checklist(&[finding("ok", ""), finding("warning", "log in")]),
            "\
ok       claude default: source: get\u{fffd}[2J_usage of claude
warning  claude default: source: get\u{fffd}[2J_usage of claude
         -> log in
"
        );
    }
}
