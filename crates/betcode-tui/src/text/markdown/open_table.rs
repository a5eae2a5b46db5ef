//! A table that is open: each of its rows is parsed once. All that are kept are laid out again when there is a new one, since
//! it may make a column wider; so a frame costs no more than those.
//!
//! Law: the rows are those of the whole table, parsed and laid out at once.

use super::block::{Block, Inline, Table};
use super::layout::{Pen, blank, own_rows};
use super::parse::{TABLE_ROWS, Within, blocks};
use super::scan::Known;
use super::{mend, table};
use crate::text::highlight::NoHighlights;
use crate::text::row::Row;
use crate::text::wrap::Frame;
use crate::theme::Theme;

/// The table.
#[derive(Debug)]
pub(super) struct OpenTable {
    /// The length of its first two lines.
    head: usize,
    /// How much of the source is in the table.
    taken: usize,
    table: Table,
}

impl OpenTable {
    /// The table that a source begins with, if that is certain: its first two lines are there.
    pub(super) fn open(source: &str) -> Option<Self> {
        let (first, rest) = source.split_once('\n')?;
        let (second, _) = rest.split_once('\n')?;
        let delimits = second.contains('-') && second.chars().all(|c| "|:- ".contains(c));
        if !first.starts_with('|') || !second.starts_with('|') || !delimits {
            return None;
        }
        let head = first.len() + second.len() + 2;
        let table = parsed(source.get(..head)?)?;
        Some(Self {
            head,
            taken: head,
            table,
        })
    }

    /// Takes the whole lines that have come. Says where in the source the table has ended.
    pub(super) fn look(&mut self, source: &str) -> Known {
        let mut at = self.taken;
        let mut known = Known::Goes;
        while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
            let end = rest.find('\n');
            let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let Some(feed) = end else {
                if !matches!(
                    line.trim_start_matches(' ').chars().next(),
                    None | Some('|')
                ) {
                    known = Known::Else;
                }
                break;
            };
            // A lone mark is no row.
            if !line.starts_with('|') || line.trim_matches([' ', '|']).is_empty() {
                known = if line.trim_matches(' ').is_empty() {
                    Known::Ended(at)
                } else {
                    Known::Else
                };
                break;
            }
            at += feed + 1;
        }
        let new = source.get(self.taken..at).unwrap_or_default();
        if known != Known::Else && !new.is_empty() && !self.take(source, new) {
            return Known::Else;
        }
        self.taken = at;
        known
    }

    /// Takes lines into the table; false if that is not what they are.
    fn take(&mut self, source: &str, mut new: &str) -> bool {
        let room = TABLE_ROWS - self.table.rows.len().min(TABLE_ROWS);
        let mut ends = new.match_indices('\n').map(|(feed, _)| feed + 1);
        let fits = if room == 0 {
            0
        } else {
            ends.nth(room - 1).unwrap_or(new.len())
        };
        if fits > 0 {
            let Some(mut rows) = self.rows(source, new.get(..fits).unwrap_or_default()) else {
                return false;
            };
            self.table.rows.append(&mut rows);
        }
        new = new.get(fits..).unwrap_or_default();
        self.table.more += new.matches('\n').count();
        true
    }

    /// Lines as rows of this table.
    fn rows(&self, source: &str, lines: &str) -> Option<Vec<Vec<Inline>>> {
        let head = source.get(..self.head)?;
        Some(parsed(&format!("{head}{lines}"))?.rows)
    }

    /// Brings the rows up to date.
    pub(super) fn draw(
        &mut self,
        source: &str,
        gap: bool,
        frame: &Frame,
        theme: &Theme,
        rows: &mut Vec<Row>,
    ) {
        rows.clear();
        rows.extend(gap.then(|| blank(frame)));
        let frame = own_rows(frame, rows);
        let shown = mend::without_riddle(source);
        let rest = mend::closed(shown.get(self.taken..).unwrap_or_default());
        let last = if rest.starts_with('|') {
            self.rows(source, &rest).unwrap_or_default()
        } else {
            Vec::new()
        };
        let (kept, more) = (self.table.rows.len(), self.table.more);
        if kept < TABLE_ROWS {
            self.table.rows.extend(last);
        } else {
            self.table.more += last.len();
        }
        let pen = Pen {
            theme,
            highlights: &mut NoHighlights,
            known: 0,
        };
        table::rows(&pen, &self.table, &frame, rows);
        self.table.rows.truncate(kept);
        self.table.more = more;
    }
}

/// The table that a source is, if it is nothing else.
fn parsed(source: &str) -> Option<Table> {
    let mut blocks = blocks(source, Within::default());
    match (blocks.pop()?.block, blocks.is_empty()) {
        (Block::Table(table), true) => Some(table),
        _ => None,
    }
}
