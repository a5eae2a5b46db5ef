//! What was said in sessions, for a list that is searched: the daemon is asked a moment after the last key, and what it finds
//! stands below what the list has by itself. Pure.
//!
//! Laws:
//! - an answer to other words than those that stand there now changes nothing;
//! - while somebody types, nothing is asked; what was found before stays until another answer comes.

use std::time::Duration;

use betcode_client::{FoundEntry, FoundKind, SearchAnswer, Summary};
use betcode_core::time::Timestamp;

/// How long nobody types before the daemon is asked.
const QUIET: Duration = Duration::from_millis(200);

/// A place in a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Find {
    /// The session.
    pub session: Summary,
    /// The entry of its conversation.
    pub entry: FoundEntry,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Finds {
    words: String,
    due: Option<Timestamp>,
    asked: bool,
    all: Vec<Find>,
    /// So many sessions have not been searched yet.
    behind: u64,
    problem: Option<String>,
}

impl Finds {
    /// Something else stands there now.
    pub fn look(&mut self, words: &str, now: Timestamp) {
        if words == self.words {
            return;
        }
        words.clone_into(&mut self.words);
        self.asked = false;
        self.problem = None;
        if is_enough(words) {
            self.due = Some(now.plus(QUIET));
        } else {
            self.due = None;
            self.all.clear();
            self.behind = 0;
        }
    }

    /// The same is to be looked for again, elsewhere.
    pub fn again(&mut self, now: Timestamp) {
        let words = std::mem::take(&mut self.words);
        self.all.clear();
        self.look(&words, now);
    }

    /// When the daemon is to be asked.
    pub const fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// What to ask now, if it is time.
    pub fn ask(&mut self, now: Timestamp) -> Option<String> {
        self.due.filter(|due| *due <= now)?;
        self.due = None;
        self.asked = true;
        Some(self.words.clone())
    }

    /// An answer has come.
    pub fn take(&mut self, words: &str, answer: Result<SearchAnswer, String>) {
        if words != self.words || !self.asked {
            return;
        }
        self.asked = false;
        self.all.clear();
        match answer {
            Ok(answer) => {
                self.behind = answer.behind;
                for found in answer.sessions {
                    // Titles stand above.
                    let said = |entry: &FoundEntry| entry.kind != FoundKind::Title;
                    let entries = found.entries.into_iter().filter(said);
                    self.all.extend(entries.map(|entry| Find {
                        session: found.session.clone(),
                        entry,
                    }));
                }
            }
            Err(problem) => self.problem = Some(problem),
        }
    }

    /// What was found.
    pub fn all(&self) -> &[Find] {
        &self.all
    }

    /// What there is to say about it; empty for nothing.
    pub fn remark(&self) -> String {
        match (&self.problem, self.behind) {
            (Some(problem), _) => problem.clone(),
            _ if self.asked || self.due.is_some() => "searching …".to_owned(),
            (None, 0) => String::new(),
            (None, 1) => "not yet searched: 1 session".to_owned(),
            (None, more) => format!("not yet searched: {more} sessions"),
        }
    }
}

/// A single letter is in everything.
fn is_enough(words: &str) -> bool {
    let mut signs = words.chars().filter(|sign| sign.is_alphanumeric());
    let first = signs.next();
    first.is_some_and(|first| !first.is_ascii()) || signs.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp(milliseconds * 1000)
    }

    #[test]
    fn the_daemon_is_asked_once_when_nobody_types_any_more() {
        let mut finds = Finds::default();
        finds.look("l", at(0));
        assert_eq!(finds.due(), None);
        finds.look("lo", at(100));
        assert_eq!(finds.ask(at(250)), None);
        finds.look("log", at(260));
        assert_eq!(finds.ask(at(310)), None);
        assert_eq!(finds.ask(at(460)).as_deref(), Some("log"));
        assert_eq!(finds.ask(at(900)), None);
        assert_eq!(finds.remark(), "searching …");
    }

    #[test]
    fn an_answer_to_other_words_changes_nothing() {
        let mut finds = Finds::default();
        finds.look("log", at(0));
        assert!(finds.ask(at(300)).is_some());
        finds.look("login", at(310));
        let late = SearchAnswer {
            behind: 7,
            ..SearchAnswer::default()
        };
        finds.take("log", Ok(late.clone()));
        assert_eq!(finds.remark(), "searching …");
        assert!(finds.ask(at(600)).is_some());
        finds.take("login", Ok(late));
        assert_eq!(finds.remark(), "not yet searched: 7 sessions");
        finds.look("", at(700));
        assert_eq!((finds.remark().as_str(), finds.due()), ("", None));
        for enough in ["登", "ab"] {
            assert!(is_enough(enough));
        }
        for little in ["", "a", "a ", "?!"] {
            assert!(!is_enough(little));
        }
    }
}
