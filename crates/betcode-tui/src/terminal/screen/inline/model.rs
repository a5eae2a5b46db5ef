//! A small terminal with a scrollback, of either kind: it wraps its rows anew for another width, or it cuts them. It knows
//! what an inline screen writes, and nothing else.

use super::super::Narrowing;

/// A row, and whether it goes on in the next one.
#[derive(Debug, Clone, Default)]
struct Line {
    cells: Vec<char>,
    goes_on: bool,
}

#[derive(Debug)]
pub(super) struct Model {
    narrowing: Narrowing,
    width: usize,
    height: usize,
    /// The scrollback, and behind it the screen.
    lines: Vec<Line>,
    x: usize,
    /// From the first row of the scrollback.
    y: usize,
    wraps: bool,
    kept: (usize, usize),
}

impl Model {
    pub(super) fn new(narrowing: Narrowing, width: u16, height: u16) -> Self {
        Self {
            narrowing,
            width: width.into(),
            height: height.into(),
            lines: vec![Line::default(); height.into()],
            x: 0,
            y: 0,
            wraps: true,
            kept: (0, 0),
        }
    }

    fn top(&self) -> usize {
        self.lines.len() - self.height
    }

    /// Everything that stands in it, with what goes on in the next row in one.
    pub(super) fn text(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut line = String::new();
        for row in &self.lines {
            line.extend(&row.cells);
            if !row.goes_on {
                all.push(std::mem::take(&mut line).trim_end().to_owned());
            }
        }
        all
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("text");
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            match character {
                '\r' => self.x = 0,
                '\n' => self.line_feed(),
                '\u{8}' => self.x = self.x.min(self.width - 1).saturating_sub(1),
                '\u{1b}' => match rest.next() {
                    Some('7') => self.kept = (self.x, self.y - self.top()),
                    Some('8') => (self.x, self.y) = (self.kept.0, self.kept.1 + self.top()),
                    Some('[') => {
                        let mut body = String::new();
                        let last = loop {
                            match rest.next() {
                                Some(digit @ ('0'..='9' | '?' | ';')) => body.push(digit),
                                Some(last) => break last,
                                None => panic!("a sequence without an end"),
                            }
                        };
                        self.sequence(&body, last);
                    }
                    other => panic!("{other:?}"),
                },
                shown => self.write(shown),
            }
        }
    }

    fn write(&mut self, shown: char) {
        if self.x >= self.width {
            if self.wraps {
                self.lines[self.y].goes_on = true;
                self.x = 0;
                self.line_feed();
            } else {
                self.x = self.width - 1;
            }
        }
        let cells = &mut self.lines[self.y].cells;
        if cells.len() <= self.x {
            cells.resize(self.x + 1, ' ');
        }
        cells[self.x] = shown;
        self.x += 1;
    }

    fn line_feed(&mut self) {
        if self.y + 1 == self.lines.len() {
            self.lines.push(Line::default());
        }
        self.y += 1;
    }

    fn sequence(&mut self, body: &str, last: char) {
        let count = body.parse().unwrap_or(1);
        let (bottom, top) = (self.lines.len() - 1, self.top());
        match (body, last) {
            ("?7", _) => self.wraps = last == 'h',
            (_, 'm' | 'h' | 'l') => {}
            (_, 'A') => self.y = self.y.saturating_sub(count).max(top),
            (_, 'B') => self.y = (self.y + count).min(bottom),
            (_, 'C') => self.x = (self.x + count).min(self.width - 1),
            (_, 'D') => self.x = self.x.min(self.width - 1).saturating_sub(count),
            (_, 'G') => self.x = (count - 1).min(self.width - 1),
            (_, 'K') => self.erase_row(),
            (_, 'J') => {
                self.erase_row();
                for line in &mut self.lines[self.y + 1..] {
                    *line = Line::default();
                }
            }
            _ => panic!("{body}{last}"),
        }
    }

    fn erase_row(&mut self) {
        let line = &mut self.lines[self.y];
        line.cells.truncate(self.x);
        line.goes_on = false;
    }

    pub(super) fn resize(&mut self, width: u16, height: u16) {
        self.set_height(height.into());
        self.set_width(width.into());
    }

    /// Rows below the cursor go first, as in xterm and tmux; what comes back comes from the scrollback.
    fn set_height(&mut self, height: usize) {
        while self.height > height {
            if self.lines.len() - 1 > self.y {
                self.lines.pop();
                self.lines[self.y..]
                    .iter_mut()
                    .last()
                    .expect("a row")
                    .goes_on = false;
            }
            self.height -= 1;
        }
        while self.height < height {
            if self.top() == 0 {
                self.lines.push(Line::default());
            }
            self.height += 1;
        }
    }

    fn set_width(&mut self, width: usize) {
        self.width = width;
        if self.narrowing == Narrowing::Cuts {
            let top = self.top();
            for line in &mut self.lines[top..] {
                line.cells.truncate(width);
            }
            self.x = self.x.min(width - 1);
            return;
        }
        let below = self.lines.len() - 1 - self.y;
        let old = std::mem::take(&mut self.lines);
        let (mut whole, mut at) = (Vec::new(), (0, 0));
        let mut text = Vec::new();
        for (y, line) in old.into_iter().enumerate() {
            if y == self.y {
                at = (whole.len(), text.len() + self.x);
            }
            text.extend(line.cells);
            if !line.goes_on {
                whole.push(std::mem::take(&mut text));
            }
        }
        for (index, text) in whole.into_iter().enumerate() {
            let first = self.lines.len();
            for cells in text.chunks(width) {
                self.lines.push(Line {
                    cells: cells.to_vec(),
                    goes_on: true,
                });
            }
            if text.is_empty() {
                self.lines.push(Line::default());
            }
            let last = self.lines.len() - 1;
            self.lines[last].goes_on = false;
            if index == at.0 {
                let piece = (at.1 / width).min(last - first);
                (self.x, self.y) = (at.1 - piece * width, first + piece);
            }
        }
        // Blank rows at the end have no need to stay.
        while self.lines.len() > self.height.max(self.y + 1)
            && below > 0
            && self.lines.last().is_some_and(|line| line.cells.is_empty())
        {
            self.lines.pop();
        }
        while self.lines.len() < self.height {
            self.lines.push(Line::default());
        }
        if self.y < self.top() {
            (self.x, self.y) = (0, self.top());
        }
    }
}
