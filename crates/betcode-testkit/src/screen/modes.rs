//! Which modes of a terminal a program entered and did not leave, from the bytes that it wrote.

use std::collections::BTreeSet;

/// The modes that are still entered at the end, by their sequences.
pub(super) fn left_entered(raw: &[u8]) -> Vec<String> {
    let mut private = BTreeSet::new();
    // How deep the stacks are, and what replaces what was before.
    let (mut keyboards, mut titles) = (0_i32, 0_i32);
    let (mut other_keys, mut cursor) = (false, false);
    for sequence in sequences(raw) {
        let (body, last) = sequence.split_at(sequence.len().saturating_sub(1));
        match (body, last) {
            (body, "h" | "l") if body.starts_with('?') => {
                for mode in body.trim_start_matches('?').split(';') {
                    // Synchronised output is a bracket around each frame, and the cursor is seen on the screen.
                    // That rows wrap is how a terminal is found.
                    let entered = if mode == "7" { "l" } else { "h" };
                    if last == entered && mode != "25" {
                        private.insert(mode.to_owned());
                    } else {
                        private.remove(mode);
                    }
                }
            }
            (body, "u") if body.starts_with('>') => keyboards += 1,
            (body, "u") if body.starts_with('<') => keyboards -= 1,
            ("22;2", "t") => titles += 1,
            ("23;2", "t") => titles -= 1,
            (">4;2", "m") => other_keys = true,
            (">4" | ">4;0", "m") => other_keys = false,
            (shape, "q") if shape.ends_with(' ') => cursor = shape != "0 ",
            _ => {}
        }
    }
    let mut left: Vec<_> = private.into_iter().map(|mode| format!("?{mode}")).collect();
    let rest = [
        (keyboards != 0, "the keyboard"),
        (titles != 0, "the title"),
        (other_keys, "other keys"),
        (cursor, "the shape of the cursor"),
    ];
    left.extend(
        rest.iter()
            .filter(|(is, _)| *is)
            .map(|(_, what)| (*what).to_owned()),
    );
    left
}

/// The control sequences, without their beginning.
fn sequences(raw: &[u8]) -> impl Iterator<Item = &str> {
    raw.split(|byte| *byte == 0x1b).skip(1).filter_map(|part| {
        let body = part.strip_prefix(b"[")?;
        let end = body.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
        std::str::from_utf8(body.get(..=end)?).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_entered_and_not_left_is_told() {
        let entered =
            b"\x1b[?1049h\x1b[?1002;1006h\x1b[>1u\x1b[22;2t\x1b[6 q\x1b[?25l\x1b[>4;2mtext";
        let left = left_entered(entered);
        assert_eq!(
            left,
            [
                "?1002",
                "?1006",
                "?1049",
                "the keyboard",
                "the title",
                "other keys",
                "the shape of the cursor"
            ]
        );
        let back = b"\x1b[>4m\x1b[0 q\x1b[23;2t\x1b[<1u\x1b[?1002;1006l\x1b[?1049l";
        assert!(left_entered(&[&entered[..], back].concat()).is_empty());
    }
}
