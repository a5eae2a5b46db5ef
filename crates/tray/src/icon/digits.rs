//! Digits of three by five cells: the smallest that can be read.

/// The rows of a digit from the top; the highest of three bits is the left cell.
const ROWS: [[u8; 5]; 10] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b001, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
];

/// The height of a number in cells.
pub(super) const HEIGHT: u16 = 5;

/// The width of a number in cells, with a gap between digits.
pub(super) fn width(number: u16) -> u16 {
    let count = number.checked_ilog10().unwrap_or(0) + 1;
    u16::try_from(count * 4 - 1).unwrap_or(u16::MAX)
}

/// The cells of a number that are filled: column and row.
pub(super) fn cells(number: u16) -> Vec<(u16, u16)> {
    let mut cells = Vec::new();
    for (place, digit) in number.to_string().bytes().enumerate() {
        let rows = ROWS.get(usize::from(digit.saturating_sub(b'0')));
        let left = u16::try_from(place * 4).unwrap_or(u16::MAX);
        for (row, bits) in (0..).zip(rows.into_iter().flatten()) {
            let filled = (0..3).filter(|column| bits >> (2 - column) & 1 == 1);
            cells.extend(filled.map(|column| (left + column, row)));
        }
    }
    cells
}
