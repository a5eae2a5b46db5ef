//! Tables for people: aligned columns, two blanks between them, the last column free.

use crate::output::printable;

/// A table under construction.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    cells: Vec<String>,
    dim: bool,
}

impl Table {
    /// With these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let cells = headings.iter().map(|heading| (*heading).to_owned());
        Self {
            rows: vec![Row {
                cells: cells.collect(),
                dim: false,
            }],
        }
    }

    /// Adds a row. Line breaks and whatever could steer a terminal are replaced.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.add(cells, false);
    }

    /// Adds a row of something that does not count.
    pub(crate) fn dim_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.add(cells, true);
    }

    fn add(&mut self, cells: impl IntoIterator<Item = String>, dim: bool) {
        let clean = |cell: String| printable(&cell.replace(['\n', '\r', '\t'], " ")).into_owned();
        let cells = cells.into_iter().map(clean).collect();
        self.rows.push(Row { cells, dim });
    }

    /// The whole, with the headings in bold and what does not count dim where colours are wanted.
    pub(crate) fn render(&self, colours: bool) -> String {
        let columns = self
            .rows
            .iter()
            .map(|row| row.cells.len())
            .max()
            .unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.cells.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (cell, width) in row.cells.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
            }
            let line = line.trim_end();
            if number == 0 && colours {
                text.extend(["\u{1b}[1m", line, "\u{1b}[0m\n"]);
            } else if row.dim && colours {
                text.extend(["\u{1b}[2m", line, "\u{1b}[0m\n"]);
            } else {
                text.extend([line, "\n"]);
            }
        }
        text
    }
}

/// Cuts a text to so many characters, with an ellipsis.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The first line of a text, cut to so many characters, with how much more there is: what is hidden must not look absent.
pub(crate) fn first_line(text: &str, most: usize) -> String {
    let mut lines = text.lines();
    let first = cut(lines.next().unwrap_or_default(), most);
    match lines.filter(|line| !line.trim().is_empty()).count() {
        0 => first,
        1 => format!("{first} (+1 line)"),
        more => format!("{first} (+{more} lines)"),
    }
}

/// How much of a session's id names it. Some sessions are not in the table: an id begins with the time, so at least all of
/// that is shown.
pub(crate) fn session_prefix<'a>(ids: impl Iterator<Item = &'a str> + Clone) -> usize {
    betcode_core::id::shortest_prefix(ids).max(13)
}

/// The beginning of an id.
pub(crate) fn shortened(id: &str, length: usize) -> String {
    id.chars().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_follows_the_last() {
        let mut table = Table::new(&["ID", "STATUS", "TITLE"]);
        table.row(["a".into(), "idle".into(), "Größe\nund\u{1b}[2J".into()]);
        table.row(["bcd".into(), "thinking".into(), String::new()]);
        assert_eq!(
            table.render(false),
            "ID   STATUS    TITLE\na    idle      Größe und\u{fffd}[2J\nbcd  thinking\n"
        );
        assert!(
            table
                .render(true)
                .starts_with("\u{1b}[1mID   STATUS    TITLE\u{1b}[0m\n")
        );
        table.dim_row(["no".into()]);
        assert!(table.render(true).ends_with("\n\u{1b}[2mno\u{1b}[0m\n"));
        assert!(table.render(false).ends_with("\nno\n"));
    }

    #[test]
    fn a_cut_text_says_so() {
        assert_eq!(first_line("echo\n", 9), "echo");
        assert_eq!(first_line("echo\nrm", 9), "echo (+1 line)");
        assert_eq!(first_line("echo it\n\nrm\nrm", 5), "echo… (+2 lines)");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
    }
}
