//! `session search`: what was said, in any session.

use betcode_client::{FoundEntry, FoundKind, FoundSession, Search, SearchAnswer};
use betcode_core::time::Timestamp;

use super::SearchArgs;
use crate::clock;
use crate::context::Context;
use crate::duration::ago;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::{printable, say};
use crate::table::{cut, session_prefix, shortened};

/// Enough of a title to recognise it.
const TITLE: usize = 60;

/// Looks for words and shows where they are.
pub(super) fn search(args: &SearchArgs, context: &mut Context) -> Result<Exit, Failure> {
    let cwd = match &args.cwd {
        Some(cwd) => Some(Context::utf8(&context.directory(cwd)?)?),
        None => None,
    };
    let what = Search {
        words: args.words.join(" "),
        limit: args.limit,
        cwd,
        session: None,
    };
    let SearchAnswer {
        sessions,
        total,
        behind,
    } = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.search_sessions(what).await?)
    })?;
    if args.json {
        context.output.json(&sessions)?;
    } else if sessions.is_empty() {
        say("nothing was found");
    } else {
        let colours = context.output.colours();
        let text = listing(&sessions, clock::now(), colours);
        context.output.write(text.as_bytes())?;
    }
    context.output.flush()?;
    let shown = sessions.len() as u64;
    if shown > 0 && shown < total {
        let more = total - shown;
        let sessions = if more == 1 { "session" } else { "sessions" };
        say(&format!("note: {more} more {sessions}: --limit shows more"));
    }
    if let Some(note) = not_yet(behind) {
        say(&note);
    }
    Ok(Exit::Success)
}

/// What is said while not everything can be found.
fn not_yet(behind: u64) -> Option<String> {
    match behind {
        0 => None,
        1 => Some("note: not yet searched: 1 session; try again in a moment".to_owned()),
        more => Some(format!(
            "note: not yet searched: {more} sessions; try again in a moment"
        )),
    }
}

/// A line for each session, and below it one for each entry of it.
fn listing(sessions: &[FoundSession], now: Timestamp, colours: bool) -> String {
    let ids: Vec<String> = sessions
        .iter()
        .map(|found| found.session.id.to_string())
        .collect();
    let prefix = session_prefix(ids.iter().map(String::as_str));
    let (bold, end) = if colours {
        ("\u{1b}[1m", "\u{1b}[0m")
    } else {
        ("", "")
    };
    let mut text = String::new();
    for found in sessions {
        let session = &found.session;
        let title = session.title.lines().next().unwrap_or_default();
        let head = format!(
            "{}  {}  {}",
            shortened(&session.id.to_string(), prefix),
            ago(now, session.updated),
            cut(title, TITLE)
        );
        text.extend([bold, printable(&head).trim_end(), end, "\n"]);
        // The title stands there already.
        let title = |entry: &&FoundEntry| entry.kind != FoundKind::Title;
        for entry in found.entries.iter().filter(title) {
            text.push_str(&line(entry, colours));
        }
        let more = match found.count.saturating_sub(found.entries.len() as u64) {
            0 => continue,
            1 => "and 1 more place".to_owned(),
            more => format!("and {more} more places"),
        };
        text.extend(["         ", &more, "\n"]);
    }
    text
}

/// Where it is, what it is, and the line with the hits marked: in colours where those are wanted, else by `[` and `]`.
fn line(entry: &FoundEntry, colours: bool) -> String {
    let kind = match entry.kind {
        FoundKind::Title => "title",
        FoundKind::Message => "you",
        FoundKind::Answer => "agent",
        FoundKind::Tool => "tool",
    };
    let place = match entry.sequence.0 {
        0 => String::new(),
        sequence => sequence.to_string(),
    };
    let (open, close) = if colours {
        ("\u{1b}[1;33m", "\u{1b}[0m")
    } else {
        ("[", "]")
    };
    let mut text = format!("{place:>7}  {kind:<5}  ");
    for piece in &entry.line {
        let words = printable(&piece.text);
        if piece.hit {
            text.extend([open, &words, close]);
        } else {
            text.push_str(&words);
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use betcode_client::{FoundPiece, Summary};
    use betcode_core::event::{Status, Usage};
    use betcode_core::id::{AgentName, Sequence, SessionId};
    use uuid::Uuid;

    use super::*;

    fn found() -> FoundSession {
        let piece = |text: &str, hit| FoundPiece {
            text: text.into(),
            hit,
        };
        let entry = |sequence, kind, line| FoundEntry {
            sequence: Sequence(sequence),
            timestamp: Timestamp(0),
            kind,
            line,
        };
        FoundSession {
            session: Summary {
                id: SessionId(Uuid::from_u128(0x0198_a0b0_0000_7000_8000_0000_0000_0001)),
                agent: AgentName::from("demo"),
                cwd: "/home/user".into(),
                title: "The \u{1b}[2Jlogin\nmore".into(),
                model: String::new(),
                status: Status::Idle,
                created: Timestamp(0),
                updated: Timestamp(0),
                head: Sequence(9),
                turns: 1,
                agent_session: String::new(),
                totals: Usage::default(),
                retry_at: None,
            },
            count: 4,
            entries: vec![
                entry(
                    0,
                    FoundKind::Title,
                    vec![piece("The ", false), piece("login", true)],
                ),
                entry(
                    12,
                    FoundKind::Tool,
                    vec![piece("a\u{7}b ", false), piece("login", true)],
                ),
            ],
        }
    }

    #[test]
    fn a_session_is_followed_by_what_was_found_in_it() {
        let text = listing(&[found()], Timestamp(120_000_000), false);
        assert_eq!(
            text,
            "0198a0b0-0000  2 min ago  The \u{fffd}[2Jlogin\n\
             \u{20}    12  tool   a\u{fffd}b [login]\n\
             \u{20}        and 2 more places\n"
        );
        let coloured = listing(&[found()], Timestamp(0), true);
        assert!(
            coloured.contains("\u{1b}[1;33mlogin\u{1b}[0m"),
            "{coloured}"
        );
    }

    #[test]
    fn sessions_that_are_still_to_come_are_counted() {
        assert_eq!(not_yet(0), None);
        assert!(not_yet(1).unwrap().contains("not yet searched: 1 session;"));
        assert!(
            not_yet(7)
                .unwrap()
                .contains("not yet searched: 7 sessions;")
        );
    }
}
