//! What text objects are: the stretch around a place that a person means by a word, a string, brackets, a paragraph.

use std::ops::Range;

use super::super::document::Document;
use super::Object;
use super::motion::Class;

/// The stretch, and whether it is of whole lines.
pub(super) fn stretch(
    text: &Document,
    at: usize,
    object: Object,
    around: bool,
    times: usize,
) -> Option<(Range<usize>, bool)> {
    match object {
        Object::Word { big } => word(text, at, big, around, times).map(|range| (range, false)),
        Object::Quoted(mark) => quoted(text, at, mark, around).map(|range| (range, false)),
        Object::Between(open, close) => {
            between(text, at, (open, close), around, times).map(|range| (range, false))
        }
        Object::Paragraph => paragraph(text, at, around, times).map(|range| (range, true)),
    }
}

/// Where the run of characters of one kind ends that begins there, inside of the line.
fn run_end(text: &Document, from: usize, big: bool) -> usize {
    let (end, class) = (text.line_end(from), text.class(from, big));
    let mut at = from;
    while at < end && text.class(at, big) == class {
        at = text.next(at);
    }
    at
}

fn run_start(text: &Document, from: usize, big: bool) -> usize {
    let (start, class) = (text.line_start(from), text.class(from, big));
    let mut at = from;
    while at > start && text.class(text.previous(at), big) == class {
        at = text.previous(at);
    }
    at
}

fn word(text: &Document, at: usize, big: bool, around: bool, times: usize) -> Option<Range<usize>> {
    let line_end = text.line_end(at);
    if at == line_end {
        return if around {
            over_empty(text, at, big)
        } else {
            Some(at..at)
        };
    }
    let mut start = run_start(text, at, big);
    let mut end = start;
    if !around {
        for _ in 0..times {
            if end == line_end {
                return None;
            }
            end = run_end(text, end, big);
        }
        return Some(start..end);
    }
    let begins_blank = text.class(at, big) == Class::Blank;
    let mut blank_behind = false;
    for _ in 0..times {
        if end == line_end {
            // There are not so many.
            return None;
        }
        let first = text.class(end, big);
        end = run_end(text, end, big);
        let second = end < line_end;
        if first == Class::Blank && !second {
            return None;
        }
        let goes_on = second && (first == Class::Blank || text.class(end, big) == Class::Blank);
        blank_behind = first != Class::Blank && goes_on;
        if goes_on {
            end = run_end(text, end, big);
        }
    }
    if !begins_blank && !blank_behind && start > text.line_start(at) {
        // Without blanks behind it takes those before it, unless the line begins with them.
        let before = text.previous(start);
        if text.class(before, big) == Class::Blank {
            let blanks = run_start(text, before, big);
            if blanks > text.line_start(at) {
                start = blanks;
            }
        }
    }
    Some(start..end)
}

/// An empty line and the word behind it.
fn over_empty(text: &Document, at: usize, big: bool) -> Option<Range<usize>> {
    let mut end = at;
    while end < text.len() && text.class(end, big) == Class::Blank {
        end = text.next(end);
    }
    (end < text.len()).then(|| at..run_end(text, end, big))
}

fn quoted(text: &Document, at: usize, mark: char, around: bool) -> Option<Range<usize>> {
    let (line, line_end) = (text.line_start(at), text.line_end(at));
    let mut marks = Vec::new();
    let mut escaped = false;
    for (index, character) in text.slice(line..line_end).char_indices() {
        if character == mark && !escaped {
            marks.push(line + index);
        }
        escaped = character == '\\' && !escaped;
    }
    let (open, close) = if let Ok(place) = marks.binary_search(&at) {
        let first = place - place % 2;
        (*marks.get(first)?, *marks.get(first + 1)?)
    } else {
        let behind = marks.partition_point(|mark| *mark < at);
        let first = behind.saturating_sub(1);
        (*marks.get(first)?, *marks.get(first + 1)?)
    };
    let inner = open + mark.len_utf8()..close;
    if !around {
        return Some(inner);
    }
    let blank = |at: usize| text.class(at, false) == Class::Blank;
    let (mut start, mut end) = (open, close + mark.len_utf8());
    while end < line_end && blank(end) {
        end = text.next(end);
    }
    if end == close + mark.len_utf8() {
        while start > line && blank(text.previous(start)) {
            start = text.previous(start);
        }
    }
    Some(start..end)
}

fn between(
    text: &Document,
    at: usize,
    (open, close): (char, char),
    around: bool,
    times: usize,
) -> Option<Range<usize>> {
    let all = text.slice(0..text.len());
    let mut from = at;
    if all.get(at..).is_some_and(|rest| rest.starts_with(open)) {
        from = at + open.len_utf8();
    }
    let mut start = None;
    for _ in 0..times {
        let mut depth = 0_usize;
        let found = all
            .get(..from)?
            .char_indices()
            .rev()
            .find(|(_, character)| {
                if *character == open && depth == 0 {
                    return true;
                }
                if *character == close {
                    depth += 1;
                } else if *character == open {
                    depth -= 1;
                }
                false
            });
        from = found?.0;
        start = Some(from);
    }
    let start = start?;
    let inside = start + open.len_utf8();
    let mut depth = 0_usize;
    let end = all.get(inside..)?.char_indices().find(|(_, character)| {
        if *character == close && depth == 0 {
            return true;
        }
        if *character == open {
            depth += 1;
        } else if *character == close {
            depth -= 1;
        }
        false
    });
    let end = inside + end?.0;
    if around {
        return Some(start..end + close.len_utf8());
    }
    let mut inner = inside..end;
    if text.slice(inner.clone()).starts_with('\n') {
        // Lines of their own: the brackets' lines stay as they are.
        inner.start += 1;
        let line = text.line_start(end);
        if line > inner.start && text.slice(line..end).trim().is_empty() {
            inner.end = line - 1;
        }
    }
    (inner.start <= inner.end).then_some(inner)
}

/// Lines that are all blank or all not. The end is behind the last line, before its line end.
fn paragraph(text: &Document, at: usize, around: bool, times: usize) -> Option<Range<usize>> {
    let blank = |line: usize| text.slice(line..text.line_end(line)).trim().is_empty();
    let next = |line: usize| Some(text.line_end(line) + 1).filter(|next| *next <= text.len());
    let before = |line: usize| line.checked_sub(1).map(|end| text.line_start(end));
    let alike_behind = |mut line: usize| {
        let kind = blank(line);
        while let Some(behind) = next(line).filter(|behind| blank(*behind) == kind) {
            line = behind;
        }
        line
    };
    let alike_before = |mut line: usize| {
        let kind = blank(line);
        while let Some(earlier) = before(line).filter(|earlier| blank(*earlier) == kind) {
            line = earlier;
        }
        line
    };
    let mut start = alike_before(text.line_start(at));
    let mut last = alike_behind(text.line_start(at));
    let begins_blank = blank(start);
    let mut blank_behind = begins_blank;
    for time in 0..times {
        if time > 0 {
            last = alike_behind(next(last)?);
        }
        if around {
            match next(last) {
                Some(behind) => {
                    last = alike_behind(behind);
                    blank_behind = true;
                }
                None if begins_blank => return None,
                None => blank_behind = false,
            }
        }
    }
    if around
        && !begins_blank
        && !blank_behind
        && let Some(earlier) = before(start)
    {
        start = alike_before(earlier);
    }
    Some(start..text.line_end(last))
}
