//! Changes of files as rows.

use betcode_core::event::FileDiff;

use crate::text::highlight::Highlights;
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};

use super::entry::Manner;

/// The rows of changes.
pub(super) fn rows(files: &[FileDiff], manner: &Manner<'_>, _: &mut dyn Highlights, rows: &mut Vec<Row>) {
    for file in files {
        for hunk in &file.hunks {
            for line in &hunk.lines {
                let style = match line.chars().next() {
                    Some('+') => manner.theme.added,
                    Some('-') => manner.theme.removed,
                    _ => manner.theme.faint,
                };
                let frame = Frame::verbatim(manner.width).with(Row::styled("    ", manner.theme.faint).decorated());
                wrap_text(&sanitize::line(line), style, &frame, rows);
            }
        }
    }
}
