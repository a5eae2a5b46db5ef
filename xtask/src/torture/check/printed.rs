//! Compares the log with what clients printed.

use super::{Client, ClientEnd, Evidence, Findings, History, Turn};
use crate::torture::log::beginning;
use crate::torture::plan::Format;

/// The exit code of a client that could not reach the daemon.
const NO_CONNECTION: i32 = 2;

/// What a client says whose session another one uses.
const LOCK_HELD: &str = "holds the input lock";

/// Checks every client of the session.
pub(super) fn check(evidence: &Evidence<'_>, history: &History, findings: &mut Findings) {
    for client in evidence.clients {
        let prompt = &client.prompt;
        let turn = history.turns.iter().find(|turn| turn.prompt == *prompt);
        match (client.end, turn) {
            (ClientEnd::Hung, _) => findings.unaccounted(format!("the client of `{prompt}` hangs")),
            // It may have been killed before it had said anything.
            (ClientEnd::Killed, None) => {}
            (ClientEnd::Killed, Some(turn)) => {
                if !expected(evidence, turn, client.format).starts_with(&client.printed) {
                    differs(client, &expected(evidence, turn, client.format), findings);
                }
            }
            // Nothing was accepted, and it said so.
            (ClientEnd::Exited(Some(NO_CONNECTION)), None) => findings.turned_away += 1,
            // Another one was running its prompt, and nothing was accepted.
            (ClientEnd::Exited(Some(1)), None)
                if client.said.contains(LOCK_HELD) && evidence.clients.len() > 1 =>
            {
                findings.turned_away += 1;
            }
            (ClientEnd::Exited(code), None) => {
                let said = &client.said;
                findings.lost(format!(
                    "`{prompt}` is not in the log; its client ended with {code:?}: {said}"
                ));
            }
            (ClientEnd::Exited(code), Some(turn)) => {
                survived(evidence, client, code, turn, findings);
            }
        }
    }
}

fn survived(
    evidence: &Evidence<'_>,
    client: &Client,
    code: Option<i32>,
    turn: &Turn,
    findings: &mut Findings,
) {
    let right = i32::from(turn.stop_reason != "end_turn");
    if code != Some(right) {
        let (prompt, said) = (&client.prompt, &client.said);
        findings.unaccounted(format!(
            "the client of `{prompt}` ended with {code:?}, not {right}: {said}"
        ));
    }
    let expected = expected(evidence, turn, client.format);
    if client.printed != expected {
        differs(client, &expected, findings);
    }
}

fn expected(evidence: &Evidence<'_>, turn: &Turn, format: Format) -> String {
    match format {
        Format::Text => turn.shown.clone(),
        Format::Events => {
            let events = evidence.log.get(turn.range.clone()).unwrap_or_default();
            let lines = events.iter().flat_map(|entry| [entry.line.as_str(), "\n"]);
            lines.collect()
        }
    }
}

fn differs(client: &Client, expected: &str, findings: &mut Findings) {
    let printed: Vec<&str> = client.printed.lines().collect();
    let wanted: Vec<&str> = expected.lines().collect();
    let at = printed
        .iter()
        .zip(&wanted)
        .position(|(a, b)| a != b)
        .unwrap_or(printed.len().min(wanted.len()));
    let shown = |lines: &[&str]| {
        lines.get(at).map_or("nothing".to_owned(), |line| {
            format!("{:?}", beginning(line))
        })
    };
    let what = format!(
        "the client of `{}` ({:?}) printed {} lines, the log has {}; line {} is {} and should be {}",
        client.prompt,
        client.format,
        printed.len(),
        wanted.len(),
        at + 1,
        shown(&printed),
        shown(&wanted)
    );
    let doubled = printed.len() > wanted.len();
    if doubled {
        findings.doubled(what);
    } else {
        findings.lost(what);
    }
}
