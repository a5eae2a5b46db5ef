//! Looks at a paragraph that grows, and finds the places from which on it can be read alone: nothing before them is changed
//! by anything that may follow, and what follows is read as if it stood there alone.
//!
//! It reads each character once, and is careful: where it is not certain, there is no such place. A place is before a word
//! that no block begins with, where no mark is open.
//!
//! States: within plain text, a code span, an address behind `](`, or a tag; *doubtful* (until the end of the paragraph
//! nothing is certain). The paragraph *goes on*, has *ended* (a blank line), or may be *something else* (a line that a
//! block may begin with, or that makes a heading or a table of it).
//! Law: the pieces of a source between these places, parsed one by one, give the text of the whole.

use crate::text::sanitize::stands_alone;

/// What is known of the paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It goes on.
    Goes,
    /// It ended here: behind the line feed of its last line.
    Ended(usize),
    /// It is perhaps none.
    Else,
}

/// Where the scan is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Within a code span that so many marks have begun.
    Code(usize),
    /// Within the address of a link, so many parentheses deep.
    Address(usize),
    /// Behind a `<`.
    Tag,
    Doubtful,
}

/// The characters that text is searched for.
const SPECIAL: [char; 12] = [
    '\n', ' ', '\t', '\\', '`', '<', '[', ']', '*', '_', '~', '&',
];
/// The longest runs of marks that mean something.
const LONGEST_RUN: usize = 3;

/// The scan of a paragraph.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    at: usize,
    before: char,
    state: State,
    /// Runs of marks and brackets that are open.
    open: Vec<(char, usize)>,
    /// The last place from which on the rest can be read alone.
    pub(super) clean: usize,
    known: Known,
}

impl Scan {
    pub(super) const fn new() -> Self {
        Self {
            at: 0,
            before: ' ',
            state: State::Text,
            open: Vec::new(),
            clean: 0,
            known: Known::Goes,
        }
    }

    /// Looks at what has come.
    pub(super) fn go_on(&mut self, source: &str) -> Known {
        while self.known == Known::Goes
            && let Some(rest) = source.get(self.at..).filter(|rest| !rest.is_empty())
            && let Some(step) = self.step(rest)
        {
            let passed = rest.get(..step).unwrap_or(rest);
            self.before = passed.chars().next_back().unwrap_or(self.before);
            self.at += step;
        }
        self.known
    }

    /// One step into the rest; none if more has to be there first.
    fn step(&mut self, rest: &str) -> Option<usize> {
        let first = rest.chars().next()?;
        if first == '\n' {
            return self.line(rest);
        }
        match self.state {
            State::Text => self.text(rest, first),
            State::Code(run) => self.code(rest, first, run),
            State::Address(depth) => Some(self.address(first, depth)),
            State::Tag => Some(self.tag(first)),
            State::Doubtful => Some(rest.find('\n').unwrap_or(rest.len())),
        }
    }

    /// A line ends.
    fn line(&mut self, rest: &str) -> Option<usize> {
        let next = rest.get(1..)?.trim_start_matches(' ');
        let begin = rest.len() - next.len();
        if next.starts_with('\n') {
            self.known = Known::Ended(self.at + 1);
            return None;
        }
        if !begins_text(next)? {
            self.known = Known::Else;
            return None;
        }
        match self.state {
            State::Address(_) | State::Tag => self.state = State::Doubtful,
            // Blanks or a backslash before it would make a break of the line.
            State::Text if !matches!(self.before, ' ' | '\t' | '\\') => self.mark_clean(begin),
            State::Text | State::Code(_) | State::Doubtful => {}
        }
        Some(begin)
    }

    /// The rest behind this step can be read alone, if nothing is open.
    fn mark_clean(&mut self, step: usize) {
        if self.open.is_empty() {
            self.clean = self.at + step;
        }
    }

    fn doubt(&mut self) -> usize {
        self.state = State::Doubtful;
        0
    }

    fn text(&mut self, rest: &str, first: char) -> Option<usize> {
        let behind = rest.get(first.len_utf8()..).unwrap_or_default();
        let next = behind.chars().next();
        match first {
            ' ' => {
                let next = next?;
                let alone = !matches!(self.before, ' ' | '\t');
                if alone && !next.is_whitespace() && begins_text(behind)? {
                    self.mark_clean(1);
                }
                Some(1)
            }
            '\t' => Some(1),
            '\\' => {
                let next = next?;
                if !next.is_ascii_punctuation() {
                    return Some(1);
                }
                let after = behind.get(1..).and_then(|rest| rest.chars().next())?;
                Some(if after == next { self.doubt() } else { 2 })
            }
            '`' => {
                let run = run_of(rest, first)?;
                self.state = State::Code(run);
                Some(run)
            }
            '<' => {
                let next = next?;
                if next.is_ascii_alphabetic() || "/!?".contains(next) {
                    self.state = State::Tag;
                }
                Some(1)
            }
            '&' => Some(if next? == '#' { self.doubt() } else { 1 }),
            '[' => {
                if self.open.iter().any(|(mark, _)| *mark == '[') {
                    return Some(self.doubt());
                }
                self.open.push(('[', 1));
                Some(1)
            }
            ']' => self.bracket(next),
            '*' | '_' | '~' => {
                let run = run_of(rest, first)?;
                let after = rest.get(run..)?.chars().next()?;
                self.mark(first, run, after);
                Some(run)
            }
            _ => Some(rest.find(SPECIAL).unwrap_or(rest.len())),
        }
    }

    fn bracket(&mut self, next: Option<char>) -> Option<usize> {
        match self.open.last() {
            None => return Some(1),
            Some(('[', _)) => {}
            Some(_) if self.open.iter().all(|(mark, _)| *mark != '[') => return Some(1),
            Some(_) => return Some(self.doubt()),
        }
        let next = next?;
        self.open.pop();
        if next == '(' {
            self.state = State::Address(0);
            return Some(2);
        }
        Some(1)
    }

    /// A run of marks opens something, closes it, or is text.
    fn mark(&mut self, mark: char, run: usize, after: char) {
        let longest = if mark == '~' { 2 } else { LONGEST_RUN };
        let certain = |c: char| c.is_ascii() || c.is_alphanumeric() || c.is_whitespace();
        if run > longest || !certain(self.before) || !certain(after) {
            self.state = State::Doubtful;
            return;
        }
        let Flanks { opens, closes } = flanks(mark, self.before, after);
        if closes && self.open.last() == Some(&(mark, run)) {
            self.open.pop();
        } else if closes && !self.open.is_empty() {
            self.state = State::Doubtful;
        } else if opens {
            self.open.push((mark, run));
        }
    }

    fn code(&mut self, rest: &str, first: char, run: usize) -> Option<usize> {
        if first != '`' {
            return Some(rest.find(['`', '\n']).unwrap_or(rest.len()));
        }
        let found = run_of(rest, first)?;
        if found == run {
            self.state = State::Text;
        }
        Some(found)
    }

    fn address(&mut self, first: char, depth: usize) -> usize {
        match first {
            '(' if depth < 8 => self.state = State::Address(depth + 1),
            ')' => match depth.checked_sub(1) {
                Some(depth) => self.state = State::Address(depth),
                None => self.state = State::Text,
            },
            c if c.is_whitespace() || "(<>\\`[]&\"'".contains(c) => return self.doubt(),
            _ => {}
        }
        first.len_utf8()
    }

    fn tag(&mut self, first: char) -> usize {
        match first {
            '>' => self.state = State::Text,
            c if c.is_ascii_alphanumeric() || ":/.@-=? #%+,;".contains(c) => {}
            _ => return self.doubt(),
        }
        first.len_utf8()
    }
}

/// How many marks there are, when it is known.
fn run_of(rest: &str, mark: char) -> Option<usize> {
    let behind = rest.trim_start_matches(mark);
    (!behind.is_empty()).then(|| rest.len() - behind.len())
}

/// What a run of marks can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flanks {
    pub(super) opens: bool,
    pub(super) closes: bool,
}

/// What a run of marks can do between these characters.
pub(super) fn flanks(mark: char, before: char, after: char) -> Flanks {
    let is_mark = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
    let left =
        !after.is_whitespace() && (!is_mark(after) || before.is_whitespace() || is_mark(before));
    let right =
        !before.is_whitespace() && (!is_mark(before) || after.is_whitespace() || is_mark(after));
    if mark == '_' {
        Flanks {
            opens: left && (!right || is_mark(before)),
            closes: right && (!left || is_mark(after)),
        }
    } else {
        Flanks {
            opens: left,
            closes: right,
        }
    }
}

/// True if what begins like this, at the beginning of a line, is text and begins no block; none if more has to be there
/// first. It is careful: much that it says no to is text, too.
pub(super) fn begins_text(rest: &str) -> Option<bool> {
    let first = rest.chars().next()?;
    let behind_run = |mark: char| rest.trim_start_matches(mark);
    Some(match first {
        '0'..='9' => {
            let mut behind = rest
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .chars();
            match behind.next()? {
                '.' | ')' => !behind.next()?.is_whitespace(),
                _ => true,
            }
        }
        '*' | '_' => {
            let behind = behind_run(first);
            let next = behind.chars().next()?;
            match next {
                '`' => begins_text(behind)?,
                next => next.is_alphanumeric() || "\"'(".contains(next),
            }
        }
        '`' => {
            let behind = behind_run('`');
            behind.chars().next()?;
            rest.len() - behind.len() < 3
        }
        c if c.is_ascii() => c.is_ascii_alphanumeric() || "\"'(),.;!?/$%@^{}&".contains(c),
        c => !c.is_whitespace() && stands_alone(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place up to which a source is read, and what is known of it.
    fn scanned(source: &str) -> (usize, Known) {
        let mut scan = Scan::new();
        let known = scan.go_on(source);
        (scan.clean, known)
    }

    #[test]
    fn a_place_is_before_a_word_where_no_mark_is_open() {
        for (source, clean) in [
            ("one two three", "one two "),
            ("one **two three", "one "),
            ("one **two three** four five", "one **two three** four "),
            ("one `two ** three` four five", "one `two ** three` four "),
            ("one `two three", "one "),
            (
                "see [a b](https://x.example/_a_) and on",
                "see [a b](https://x.example/_a_) and ",
            ),
            ("now see [a b", "now "),
            ("2 * 3 is snake_case_6 and", "2 * 3 is snake_case_6 "),
            ("one\ntwo", "one\n"),
            ("one\n   two", "one\n   "),
            ("one  \ntwo", ""),
            ("one\\\ntwo", ""),
            ("one - two", "one - "),
            ("one 2. two", "one 2. "),
            ("one a <b c", "one "),
            ("a <b> c", "a <b> "),
            ("a &#27;[2J b c", "a "),
            ("a **b `c` d", "a "),
            ("a \\* b c", "a \\* b "),
        ] {
            let (at, known) = scanned(source);
            assert_eq!((&source[..at], known), (clean, Known::Goes), "{source:?}");
        }
    }

    #[test]
    fn a_line_that_may_make_something_else_of_it_is_told() {
        for (source, known) in [
            ("one\n\n", Known::Ended(4)),
            ("one\n  \nx", Known::Ended(4)),
            ("one\n", Known::Goes),
            ("one\n===", Known::Else),
            ("one\n---", Known::Else),
            ("one\n- x", Known::Else),
            ("one\n1.", Known::Goes),
            ("one\n1. x", Known::Else),
            ("one\n1.5", Known::Goes),
            ("one\n# x", Known::Else),
            ("one\n> x", Known::Else),
            ("one\n```", Known::Goes),
            ("one\n```x", Known::Else),
            ("one\n|--", Known::Else),
            ("one\n<div>", Known::Else),
            ("one\n**x", Known::Goes),
            ("one\n** x", Known::Else),
        ] {
            assert_eq!(scanned(source).1, known, "{source:?}");
        }
    }

    #[test]
    fn it_makes_no_difference_how_the_source_comes() {
        let source =
            "one **two** `three` [four](five) 2. six\\* <b> and ~~seven~~ ***eight***\nnine *ten";
        let whole = scanned(source);
        let mut scan = Scan::new();
        for end in 0..=source.len() {
            scan.go_on(&source[..end]);
        }
        assert_eq!((scan.clean, scan.known), whole);
    }
}
