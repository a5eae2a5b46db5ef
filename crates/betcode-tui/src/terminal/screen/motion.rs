//! The shortest ways of the terminal's cursor from cell to cell.

use std::io::Write as _;

use super::{At, Place, Rest, Screen};

impl Screen {
    pub(super) fn column(&mut self, x: u16) {
        if x == 0 {
            self.out.push(b'\r');
        } else {
            self.csi(x.saturating_add(1), b'G');
        }
        self.at.x = Some(x);
    }

    pub(super) fn go(&mut self, x: u16, y: u16) {
        if self.at
            == (At {
                x: Some(x),
                y: Some(y),
            })
        {
            return;
        }
        let way = self.way(x, y);
        self.put(&way);
        self.at = At {
            x: Some(x),
            y: Some(y),
        };
    }

    /// The shortest way to a cell.
    pub(super) fn way(&self, x: u16, y: u16) -> Vec<u8> {
        let width = self.wanted.width();
        let mut best = Vec::new();
        if self.place == Place::Whole {
            // Writing to memory cannot fail.
            let _ = match (x, y) {
                (0, 0) => write!(best, "\x1b[H"),
                (0, _) => write!(best, "\x1b[{}H", y + 1),
                _ => write!(best, "\x1b[{};{}H", y + 1, x + 1),
            };
        }
        let mut offer = |way: Vec<u8>| {
            if best.is_empty() || way.len() < best.len() {
                best = way;
            }
        };
        let Some(row) = self.at.y else {
            return best;
        };
        // First across, then up or down: a cursor behind the last column knows no other way.
        let mut across = vec![b'\r'];
        if x > 0 {
            csi(&mut across, x, b'C');
        }
        offer([across, self.vertical(row, y)].concat());
        let mut to_column = Vec::new();
        csi(&mut to_column, x.saturating_add(1), b'G');
        offer([to_column, self.vertical(row, y)].concat());
        if let Some(here) = self.at.x.filter(|here| *here < width) {
            let mut step = Vec::new();
            match x.cmp(&here) {
                std::cmp::Ordering::Less if here - x <= 3 => {
                    step.resize(usize::from(here - x), 8);
                }
                std::cmp::Ordering::Less => csi(&mut step, here - x, b'D'),
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => csi(&mut step, x - here, b'C'),
            }
            offer([step, self.vertical(row, y)].concat());
        }
        best
    }

    fn vertical(&self, from: u16, to: u16) -> Vec<u8> {
        let mut way = Vec::new();
        if to < from {
            csi(&mut way, from - to, b'A');
            return way;
        }
        match to - from {
            0 => {}
            // At the end of the terminal a line feed scrolls, and that may be nearer than is known.
            few @ 1..=2 if self.rest != Rest::Unsure => way.resize(usize::from(few), b'\n'),
            many => csi(&mut way, many, b'B'),
        }
        way
    }
}

pub(super) fn csi(out: &mut Vec<u8>, count: u16, letter: u8) {
    // Writing to memory cannot fail.
    let _ = match count {
        1 => write!(out, "\x1b["),
        _ => write!(out, "\x1b[{count}"),
    };
    out.push(letter);
}
