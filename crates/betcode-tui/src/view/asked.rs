//! What a permission is asked for: the exact input, with everything hidden written out; changes of files as such.

use betcode_core::event::PermissionRequest;
use serde_json::Value;

use crate::prompt::permission::INDENT;
use crate::text::diff::Diff;
use crate::text::highlight::Highlights;
use crate::text::row::Row;
use crate::text::wrap::{Frame, wrap_text};
use crate::theme::Theme;

/// The rows.
pub(super) fn rows(
    request: &PermissionRequest,
    diff: Option<&Diff>,
    theme: &Theme,
    width: u16,
    side_by_side: bool,
    highlights: &mut dyn Highlights,
) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(diff) = diff {
        let indent = Row::styled("   ", theme.faint).decorated();
        let drawn = diff.rows(
            width.saturating_sub(INDENT).max(1),
            side_by_side,
            theme,
            highlights,
        );
        return drawn
            .rows
            .iter()
            .map(|row| {
                let mut line = indent.clone();
                line.extend(row);
                line
            })
            .collect();
    }
    let frame = Frame::verbatim(width).with(Row::styled("   ", theme.faint).decorated());
    let command = request.input.get("command").and_then(Value::as_str);
    if let Some(command) = command {
        wrap_text(
            &betcode_core::visible::visible(command),
            theme.strong,
            &frame,
            &mut rows,
        );
    }
    let left_out: &[&str] = if command.is_some() { &["command"] } else { &[] };
    let others = betcode_core::visible::fields(&request.input, left_out);
    if !others.trim().is_empty() {
        wrap_text(others.trim_end(), theme.faint, &frame, &mut rows);
    }
    rows
}
