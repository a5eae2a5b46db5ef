//! Characters that make a command look like something else than it is. A command that holds one is not taken apart: a
//! person has to look at it.

use super::Trouble;

/// The first character that must not be in a command, as trouble.
pub(super) fn check(text: &str) -> Result<(), Trouble> {
    continued(text)?;
    // Almost all commands are plain ASCII; bytes are faster to look at than characters.
    if text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
    {
        return Ok(());
    }
    for (at, character) in text.char_indices() {
        let what = match character {
            '\n' | '\t' => continue,
            '\r' => "a carriage return",
            '\0' => "a NUL character",
            _ if character.is_control() => "a control character",
            _ if is_bidi(character) => "a character that reverses the direction of writing",
            _ if is_invisible(character) => "an invisible character",
            _ if character != ' ' && character.is_whitespace() => "a blank that is no space",
            _ => continue,
        };
        return Err(Trouble::new(format!("it holds {what}"), at));
    }
    Ok(())
}

/// A line may be continued between words or inside of a plain one. Elsewhere a shell joins what stands before and behind to
/// something that this parser would read as two things.
fn continued(text: &str) -> Result<(), Trouble> {
    for (at, _) in text.match_indices("\\\n") {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let plain = before.is_none_or(|before| {
            before.is_alphanumeric()
                || matches!(
                    before,
                    ' ' | '\t' | '\n' | '_' | '-' | '.' | '/' | ',' | '"' | '\''
                )
        });
        // A number in front of a redirection belongs to it.
        let redirects = text
            .get(at + 2..)
            .map(|behind| behind.trim_start_matches(|digit: char| digit.is_ascii_digit()))
            .is_some_and(|behind| behind.starts_with(['<', '>']));
        if !plain || (redirects && before.is_some_and(char::is_alphanumeric)) {
            return Err(Trouble::new(
                "a line is continued inside of an operator",
                at,
            ));
        }
    }
    Ok(())
}

/// Whether text may stand in a rule: one line, nothing that cannot be seen.
pub(crate) fn fit_for_rule(text: &str) -> Result<(), (usize, char)> {
    let bad =
        |character: char| character.is_control() || is_bidi(character) || is_invisible(character);
    match text.char_indices().find(|(_, character)| bad(*character)) {
        Some(found) => Err(found),
        None => Ok(()),
    }
}

fn is_bidi(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{00ad}'
            | '\u{034f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffc}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}
