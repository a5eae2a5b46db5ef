//! Where motions lead in the text. Not what is done with the way there.

use super::super::document::Document;
use super::{Find, Motion, Operator};

/// How what is between the two ends of a motion is taken by an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// Without the character at the further end.
    Exclusive,
    /// With it.
    Inclusive,
    /// Whole lines.
    Lines,
}

/// What a character is for motions over words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Blank,
    Word,
    Sign,
}

impl Document {
    pub(super) fn class(&self, at: usize, big: bool) -> Class {
        match self.slice(at..self.len()).chars().next() {
            None => Class::Blank,
            Some(first) if first.is_whitespace() => Class::Blank,
            Some(first) if big || first.is_alphanumeric() || "_\u{fffc}".contains(first) => {
                Class::Word
            }
            Some(_) => Class::Sign,
        }
    }

    /// Whether there is an empty line, and it begins here.
    pub(super) fn is_empty_line(&self, at: usize) -> bool {
        self.line_start(at) == self.line_end(at)
    }

    /// The first character of a line that is no blank, or its last one.
    pub(super) fn line_text(&self, at: usize) -> usize {
        let (start, end) = (self.line_start(at), self.line_end(at));
        let line = self.slice(start..end);
        let blank = line.len() - line.trim_start().len();
        self.resting(self.aligned(start + blank).min(end))
    }

    /// The place itself, or the character before it where it is behind the last one of its line.
    pub(super) fn resting(&self, at: usize) -> usize {
        let start = self.line_start(at);
        if at == self.line_end(at) && at > start {
            self.previous(at).max(start)
        } else {
            at
        }
    }

    /// Where the line begins that is so many lines below; the last one if there are not so many.
    pub(super) fn below(&self, at: usize, lines: usize) -> usize {
        let mut start = self.line_start(at);
        for _ in 0..lines {
            match self.line_end(start) {
                end if end == self.len() => break,
                end => start = end + 1,
            }
        }
        start
    }

    fn above(&self, at: usize, lines: usize) -> usize {
        let mut start = self.line_start(at);
        for _ in 0..lines.min(start) {
            start = self.line_start(start.saturating_sub(1));
        }
        start
    }
}

/// Where a motion leads from a place; none: nowhere.
pub(super) fn reached(
    text: &Document,
    from: usize,
    motion: Motion,
    count: Option<usize>,
    operator: Option<Operator>,
    last: Option<Find>,
) -> Option<(usize, Span)> {
    let times = count.unwrap_or(1).max(1);
    let (start, end) = (text.line_start(from), text.line_end(from));
    Some(match motion {
        Motion::Left => {
            let to = (0..times).fold(from, |at, _| text.previous(at).max(start));
            (to.max(start), Span::Exclusive)
        }
        Motion::Right => {
            let to = (0..times).fold(from, |at, _| if at < end { text.next(at) } else { at });
            (to, Span::Exclusive)
        }
        Motion::Down if end == text.len() => return None,
        Motion::Down => (text.below(from, times), Span::Lines),
        Motion::Up if start == 0 => return None,
        Motion::Up => (text.above(from, times), Span::Lines),
        Motion::Word { big } => word(text, from, big, times, operator),
        Motion::WordEnd { big } => (word_end(text, from, big, times, false), Span::Inclusive),
        Motion::WordBack { big } if from > 0 => {
            let back = |at, _| word_back(text, at, big);
            ((0..times).fold(from, back), Span::Exclusive)
        }
        Motion::WordBack { .. } => return None,
        Motion::LineStart => (start, Span::Exclusive),
        Motion::LineText => (text.line_text(from), Span::Exclusive),
        Motion::LineEnd => {
            let line = text.below(from, times - 1);
            (text.resting(text.line_end(line)), Span::Inclusive)
        }
        Motion::Line { last } => {
            let line = match count {
                Some(count) => text.below(0, count.max(1) - 1),
                None if last => text.line_start(text.len()),
                None => 0,
            };
            (text.line_text(line), Span::Lines)
        }
        Motion::Find(find) => found(text, from, find, times, false)?,
        Motion::FindAgain { same } => {
            let find = last?;
            let forwards = find.forwards == same;
            found(text, from, Find { forwards, ..find }, times, true)?
        }
        Motion::Paragraph { forwards } => paragraph(text, from, forwards, times)?,
    })
}

fn word(
    text: &Document,
    from: usize,
    big: bool,
    times: usize,
    operator: Option<Operator>,
) -> (usize, Span) {
    let changes = operator == Some(Operator::Change);
    if changes && text.class(from, big) != Class::Blank {
        // The blanks behind a word are not changed with it.
        return (word_end(text, from, big, times, true), Span::Inclusive);
    }
    let mut at = from;
    for _ in 0..times {
        let (start, class) = (at, text.class(at, big));
        while class != Class::Blank && at < text.len() && text.class(at, big) == class {
            at = text.next(at);
        }
        while at < text.len() && text.class(at, big) == Class::Blank {
            if at != start && text.is_empty_line(at) {
                break;
            }
            at = text.next(at);
        }
    }
    if operator.is_some() {
        // The last word of a line is taken without what comes before the first word of the next.
        while at > from && text.line_start(at) > from {
            let line = text.line_start(at);
            if !text.slice(line..at).trim().is_empty() {
                break;
            }
            if line - 1 == from {
                // An empty line is a word of its own.
                at = line;
                break;
            }
            at = line - 1;
            if at > text.line_start(at) && text.class(text.previous(at), big) != Class::Blank {
                break;
            }
        }
    }
    (at.max(from), Span::Exclusive)
}

fn word_end(text: &Document, from: usize, big: bool, times: usize, stays: bool) -> usize {
    let mut at = from;
    for time in 0..times {
        let class = text.class(at, big);
        let mut next = text.next(at);
        if next >= text.len() {
            // Behind the last line end is a line as well, and it is empty.
            return if text.is_empty_line(at) { next } else { at };
        }
        let inside = class != Class::Blank && text.class(next, big) == class;
        let ends_here = stays && time == 0 && class != Class::Blank;
        if !inside && !ends_here {
            while next < text.len() && text.class(next, big) == Class::Blank {
                next = text.next(next);
            }
            if next >= text.len() {
                return text.resting(next);
            }
        } else if !inside {
            continue;
        }
        let class = text.class(next, big);
        while next < text.len() && text.class(next, big) == class {
            next = text.next(next);
        }
        at = text.previous(next);
    }
    at
}

fn word_back(text: &Document, from: usize, big: bool) -> usize {
    let mut at = text.previous(from);
    while text.class(at, big) == Class::Blank {
        if at == 0 || (at != from && text.is_empty_line(at)) {
            return at;
        }
        at = text.previous(at);
    }
    let class = text.class(at, big);
    while at > 0 && text.class(text.previous(at), big) == class {
        at = text.previous(at);
    }
    at
}

/// A character of the line.
fn found(
    text: &Document,
    from: usize,
    find: Find,
    times: usize,
    again: bool,
) -> Option<(usize, Span)> {
    let (start, end) = (text.line_start(from), text.line_end(from));
    let is_there = |at: usize| text.slice(at..end).starts_with(find.wanted);
    let mut at = from;
    // Standing beside it already, it is the next one that is meant.
    let mut skips = again && find.till && times == 1;
    let mut left = times;
    while left > 0 {
        at = if find.forwards {
            text.next(at)
        } else if at > start {
            text.previous(at)
        } else {
            return None;
        };
        if at >= end {
            return None;
        }
        let skipped = std::mem::take(&mut skips);
        if is_there(at) && !skipped {
            left -= 1;
        }
    }
    Some(match (find.forwards, find.till) {
        (true, false) => (at, Span::Inclusive),
        (true, true) => (text.previous(at), Span::Inclusive),
        (false, false) => (at, Span::Exclusive),
        (false, true) => (text.next(at), Span::Exclusive),
    })
}

/// To the empty line behind or before a paragraph.
fn paragraph(text: &Document, from: usize, forwards: bool, times: usize) -> Option<(usize, Span)> {
    let mut line = text.line_start(from);
    for time in 0..times {
        let (mut first, mut inside) = (true, false);
        loop {
            let empty = text.is_empty_line(line);
            inside |= !empty;
            if !first && inside && empty {
                break;
            }
            first = false;
            let next = if forwards {
                Some(text.line_end(line) + 1).filter(|next| *next <= text.len())
            } else {
                line.checked_sub(1).map(|end| text.line_start(end))
            };
            match next {
                Some(next) => line = next,
                None if time + 1 < times => return None,
                None => break,
            }
        }
    }
    let end = text.line_end(line);
    if forwards && end == text.len() && end > line {
        return Some((text.previous(end), Span::Inclusive));
    }
    Some((line, Span::Exclusive))
}
