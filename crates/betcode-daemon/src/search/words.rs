//! What a word is, for the index, for what somebody looks for, and for what is shown of a find. Pure, and the only place that
//! says so: the database under the index sees words that are ready, with blanks between them.
//!
//! - A run of letters and digits is a word; case does not matter, nor do the accents of Latin letters.
//! - Characters of languages that are written without blanks are a word each, and so are emoji. A run of them that is looked
//!   for is a phrase, so any part of a text is found by it.
//! - Everything else separates. Words longer than [`LONGEST`] characters are cut, here and there alike.

use std::ops::Range;

/// No word has more characters: what is longer is a hash or a picture, and is found by its beginning.
pub(crate) const LONGEST: usize = 64;

/// The words of a text and where they are in it.
pub(crate) fn words(text: &str) -> Words<'_> {
    Words { text, at: 0 }
}

/// See [`words`].
#[derive(Debug)]
pub(crate) struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl Iterator for Words<'_> {
    type Item = (Range<usize>, String);

    fn next(&mut self) -> Option<Self::Item> {
        let mut word = String::new();
        let mut length = 0;
        let mut start = None;
        let rest = self.text.get(self.at..)?;
        for (offset, character) in rest.char_indices() {
            let at = self.at + offset;
            let behind = at + character.len_utf8();
            if stands_alone(character) {
                if let Some(start) = start {
                    self.at = at;
                    return Some((start..at, word));
                }
                self.at = behind;
                return Some((at..behind, character.to_string()));
            }
            if character.is_alphanumeric() || (start.is_some() && is_mark(character)) {
                start.get_or_insert(at);
                if length < LONGEST {
                    length += fold(character, &mut word);
                }
            } else if let Some(start) = start {
                self.at = behind;
                return Some((start..at, word));
            }
        }
        self.at = self.text.len();
        start.map(|start| (start..self.text.len(), word))
    }
}

/// The words with blanks between them, as the database gets them.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for (_, word) in words(text) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(&word);
    }
    folded
}

/// Adds a character in the form in which it is compared. Returns how many that are.
fn fold(character: char, word: &mut String) -> usize {
    let mut added = 0;
    for lower in character.to_lowercase() {
        if !is_mark(lower) {
            word.push(plain(lower));
            added += 1;
        }
    }
    added
}

/// An accent that stands behind its letter.
const fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

/// A small Latin letter without its accent.
const fn plain(letter: char) -> char {
    match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ǐ' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ǒ' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ŧ' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ǔ' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

/// A character that is a word by itself: there are no blanks around words where it is used, or it is a picture.
const fn stands_alone(character: char) -> bool {
    matches!(
        character,
        // Thai, Lao, Burmese, Khmer.
        '\u{e01}'..='\u{e2e}' | '\u{e30}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}' | '\u{e81}'..='\u{ebd}'
            | '\u{1000}'..='\u{1049}' | '\u{1780}'..='\u{17d3}'
            // Kana, bopomofo, ideographs, hangul.
            | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
            | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3134f}'
            // Symbols and pictures, without what frames are drawn with.
            | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_a_reader_would_call_so() {
        assert_eq!(
            folded("Fix src/auth/Login.rs: it's 2 KiB!"),
            "fix src auth login rs it s 2 kib"
        );
        assert_eq!(folded("Größe ÉTÉ cafe\u{301} Łódź"), "große ete cafe lodz");
        assert_eq!(folded("\"a\" * NEAR(b -c) col:d"), "a near b c col d");
        assert_eq!(folded(" \u{301}-\n"), "");
    }

    #[test]
    fn writing_without_blanks_is_a_word_for_each_character() {
        assert_eq!(folded("修复登录bug错误"), "修 复 登 录 bug 错 误");
        assert_eq!(folded("テストをする"), "テ ス ト を す る");
        assert_eq!(folded("로그인 오류"), "로 그 인 오 류");
        assert_eq!(folded("done 🎉🎉"), "done 🎉 🎉");
    }

    #[test]
    fn a_word_is_where_it_says_and_is_cut_where_it_is_too_long() {
        let text = "ab → Ünï, c";
        let found: Vec<_> = words(text)
            .map(|(range, word)| (text[range].to_owned(), word))
            .collect();
        let pairs = [("ab", "ab"), ("Ünï", "uni"), ("c", "c")];
        assert_eq!(found, pairs.map(|(one, two)| (one.into(), two.into())));
        let long = "x".repeat(LONGEST + 10);
        assert_eq!(
            words(&long).next().unwrap(),
            (0..long.len(), "x".repeat(LONGEST))
        );
    }
}
