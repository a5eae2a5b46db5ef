//! What is shown of a find: a line around the place where the most of what was looked for is together, with the hits marked.
//! Pure.

use std::ops::Range;

use betcode_proto::convert::search::FoundPiece as Piece;

/// How many characters a line has …
const WIDTH: usize = 120;
/// … and how many of them stand before the first hit.
const BEFORE: usize = 30;

/// The line. `found` is where each part of what was looked for is, from the beginning on; without any, the beginning is shown.
pub(crate) fn snippet(text: &str, found: &[(usize, Range<usize>)]) -> Vec<Piece> {
    let start = best(text, found).map_or(0, |start| back(text, start));
    let end = forward(text, start, WIDTH);
    let mut line = Line::default();
    if start > 0 {
        line.push("…", false);
    }
    let mut at = start;
    for (_, range) in found {
        let range = range.start.max(at)..range.end.min(end);
        if range.start >= range.end {
            continue;
        }
        line.push(text.get(at..range.start).unwrap_or_default(), false);
        line.push(text.get(range.clone()).unwrap_or_default(), true);
        at = range.end;
    }
    line.push(text.get(at..end).unwrap_or_default(), false);
    if end < text.len() {
        line.push("…", false);
    }
    line.pieces
}

/// The hit from which on the most different parts are within a line.
fn best(text: &str, found: &[(usize, Range<usize>)]) -> Option<usize> {
    let mut best = None;
    for (place, (_, first)) in found.iter().enumerate() {
        let end = forward(text, first.start, WIDTH - BEFORE);
        let mut parts: Vec<usize> = found
            .iter()
            .skip(place)
            .take_while(|(_, range)| range.end <= end)
            .take(WIDTH)
            .map(|(part, _)| *part)
            .collect();
        parts.sort_unstable();
        parts.dedup();
        if best.is_none_or(|(most, _)| parts.len() > most) {
            best = Some((parts.len(), first.start));
        }
    }
    best.map(|(_, start)| start)
}

/// Some characters before this place, at the beginning of a word if there is one.
fn back(text: &str, from: usize) -> usize {
    let before = text.get(..from).unwrap_or_default();
    let near = before.char_indices().rev().take(BEFORE);
    let Some((furthest, _)) = near.last() else {
        return from;
    };
    if furthest == 0 {
        return 0;
    }
    let rest = before.get(furthest..).unwrap_or_default();
    let blank = rest.find(char::is_whitespace);
    blank.map_or(furthest, |blank| {
        let behind = rest.get(blank..).unwrap_or_default();
        from - behind.trim_start().len()
    })
}

/// So many characters behind this place.
fn forward(text: &str, from: usize, count: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.char_indices()
        .nth(count)
        .map_or(text.len(), |(offset, _)| from + offset)
}

#[derive(Default)]
struct Line {
    pieces: Vec<Piece>,
    blank: bool,
}

impl Line {
    /// Adds a text, with every run of blanks and line breaks as one blank.
    fn push(&mut self, text: &str, hit: bool) {
        let mut clean = String::new();
        for character in text.chars() {
            if character.is_whitespace() {
                if !self.blank {
                    clean.push(' ');
                }
                self.blank = true;
            } else {
                clean.push(character);
                self.blank = false;
            }
        }
        match self.pieces.last_mut() {
            _ if clean.is_empty() => {}
            Some(last) if last.hit == hit => last.text.push_str(&clean),
            _ => self.pieces.push(Piece { text: clean, hit }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::Query;
    use super::*;

    fn shown(text: &str, words: &str) -> String {
        let found = Query::read(words).unwrap().find(text).unwrap_or_default();
        snippet(text, &found)
            .iter()
            .map(|piece| {
                if piece.hit {
                    format!("[{}]", piece.text)
                } else {
                    piece.text.clone()
                }
            })
            .collect()
    }

    #[test]
    fn a_short_text_is_shown_whole_in_one_line() {
        assert_eq!(
            shown("Fix the login\n\n  and the tests", "login fix"),
            "[Fix] the [login] and the tests"
        );
        assert_eq!(shown("nothing here", "absent"), "nothing here");
    }

    #[test]
    fn the_place_with_the_most_parts_is_shown() {
        let text = format!(
            "login {} the login was fixed there {}",
            "x ".repeat(200),
            "y ".repeat(200)
        );
        let line = shown(&text, "login fixed");
        assert!(line.contains("the [login] was [fixed] there"), "{line}");
        assert!(line.starts_with('…') && line.ends_with('…'), "{line}");
    }

    #[test]
    fn any_text_is_cut_between_characters() {
        let text = "修复🎉e\u{301} ".repeat(100);
        for words in ["复", "🎉", "e", "absent"] {
            let line = shown(&text, words).replace(['[', ']'], "");
            assert!(line.chars().count() <= WIDTH + 2, "{line}");
        }
    }
}
