//! Scenarios that load whoever listens: many numbered deltas, at a given rate or as fast as a
//! pipe takes them. The constant parts of their lines are rendered once; per line only the text
//! and the counting digits of the uuid change.

use std::time::Duration;

use super::Fault;
use crate::clock;
use crate::command::Command;
use crate::output::CHUNK;
use crate::turn::{Stop, Turn};

/// The widest number that a flood writes.
const COLUMNS: usize = 8;
/// With a time in every delta, writes are smaller, so that the times are those of the write.
const STAMPED_CHUNK: usize = 8 * 1024;

/// How a stream goes.
#[derive(Default)]
struct Pace {
    /// Deltas a second; 0 is as fast as a pipe takes them.
    rate: u64,
    /// The time stands before each text.
    stamp: bool,
    /// Every other delta is thinking, so that no two neighbours can be joined.
    mixed: bool,
}

/// `flood`: `n` numbered deltas of `size` bytes.
pub(super) fn flood(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let count = command.number("n", 20_000)?;
    let size = command.number("size", 20)?;
    let pace = Pace {
        rate: command.number("rate", 0)?,
        stamp: command.switch("stamp")?,
        mixed: command.switch("mixed")?,
    };
    let size = usize::try_from(size)
        .ok()
        .filter(|size| (1..=16 * 1024 * 1024).contains(size));
    let size = size.ok_or_else(|| "size must be between 1 and 16777216".to_owned())?;
    let columns = COLUMNS.min(size - 1);
    let mut number = vec![b' '; columns];
    let mut tail = Vec::with_capacity(size);
    if size > COLUMNS + 1 {
        tail.push(b' ');
        tail.resize(size - COLUMNS - 1, b'.');
    }
    tail.push(b'\n');
    stream(turn, count, &pace, |_, text| {
        increment(&mut number);
        text.extend_from_slice(&number);
        text.extend_from_slice(&tail);
    })?;
    Ok(turn.end("end_turn")?)
}

/// `count`: `n` deltas that are the next numbers, `row` of them in a line.
pub(super) fn count(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let count = command.number("n", 100)?;
    let row = command.number("row", 1)?.max(1);
    let pace = Pace {
        rate: command.number("rate", 0)?,
        ..Pace::default()
    };
    let first = turn.session.counted;
    let mut said = first;
    let ended = stream(turn, count, &pace, |index, text| {
        said = first + index + 1;
        text.extend_from_slice(said.to_string().as_bytes());
        text.push(if (index + 1) % row == 0 { b'\n' } else { b' ' });
    });
    turn.session.counted = said;
    ended?;
    Ok(turn.end("end_turn")?)
}

/// Streams `count` deltas in one block; `render` appends the text of the delta with an index.
fn stream(
    turn: &mut Turn<'_>,
    count: u64,
    pace: &Pace,
    mut render: impl FnMut(u64, &mut Vec<u8>),
) -> Result<(), Stop> {
    let Pace { rate, stamp, mixed } = *pace;
    turn.begin()?;
    turn.open_text()?;
    let visible = turn.streams();
    let Some(frame) = turn.delta_frame() else {
        return Ok(());
    };
    let (prefix, thinking) = (frame.prefix, frame.thinking);
    let (mut suffix, digits) = (frame.suffix, frame.digits);
    turn.session.ids.skip(count);
    let chunk = if stamp { STAMPED_CHUNK } else { CHUNK };
    let started = clock::now();
    let mut text = Vec::new();
    let mut said = String::new();
    for index in 0..count {
        let pending = turn.session.out.pending().len();
        if rate > 0 {
            // Absolute deadlines: a late delta does not delay those after it.
            let nanos = u128::from(index) * 1_000_000_000 / u128::from(rate);
            let due = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            turn.spoken(&std::mem::take(&mut said));
            turn.session.sleep_until(started + due)?;
        } else if pending >= chunk {
            turn.spoken(&std::mem::take(&mut said));
            turn.session.out.flush()?;
            turn.poll()?;
        }
        text.clear();
        if stamp {
            text.extend_from_slice(format!("@{:016}@", clock::wall().as_micros()).as_bytes());
        }
        render(index, &mut text);
        if let Some(digits) = suffix.get_mut(digits.clone()) {
            count_up(digits);
        }
        let thinks = mixed && index % 2 == 1;
        if !thinks {
            said.push_str(std::str::from_utf8(&text).unwrap_or_default());
        }
        if visible {
            let pending = turn.session.out.pending();
            pending.extend_from_slice(if thinks { &thinking } else { &prefix });
            escape(&text, pending);
            pending.extend_from_slice(&suffix);
            if rate > 0 {
                turn.session.out.flush()?;
            }
        }
    }
    turn.spoken(&said);
    turn.session.out.flush()?;
    turn.poll()?;
    turn.close_text()
}

/// Appends a text of this module as the inside of a JSON string: only its last byte, a line
/// break, has to be escaped.
fn escape(text: &[u8], into: &mut Vec<u8>) {
    match text.split_last() {
        Some((b'\n', rest)) => {
            into.extend_from_slice(rest);
            into.extend_from_slice(b"\\n");
        }
        Some(_) | None => into.extend_from_slice(text),
    }
}

/// Adds one to a right-aligned decimal number; what does not fit is lost.
fn increment(number: &mut [u8]) {
    for digit in number.iter_mut().rev() {
        match *digit {
            b'9' => *digit = b'0',
            b' ' => {
                *digit = b'1';
                return;
            }
            other => {
                *digit = other + 1;
                return;
            }
        }
    }
}

/// Adds one to a hexadecimal number.
fn count_up(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        match *digit {
            b'f' => *digit = b'0',
            b'9' => {
                *digit = b'a';
                return;
            }
            other => {
                *digit = other + 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_in_place() {
        let mut number = *b"    ";
        for _ in 0..10_000 {
            increment(&mut number);
        }
        assert_eq!(
            &number, b"0000",
            "ten thousand does not fit and starts over"
        );
        let mut number = *b"  99";
        increment(&mut number);
        assert_eq!(&number, b" 100");
        let mut digits = *b"09ff";
        count_up(&mut digits);
        assert_eq!(&digits, b"0a00");
    }
}
