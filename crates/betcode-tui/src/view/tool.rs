//! A call of a tool: one line that says what, how far and how it went; unfolded, everything about it.

use serde_json::Value;

use crate::text::diff::Diff;
use crate::text::highlight::Highlights;
use crate::text::row::Row;
use crate::text::sanitize;
use crate::text::wrap::{Frame, wrap_text};
use crate::transcript::{Body, Tool, ToolState};

use super::entry::Manner;
use super::words;

mod about;

pub(super) use about::about;

/// Rows of output while it runs, of a failure, of a change; and of anything that is unfolded.
const LIVE: usize = 3;
const FAILED: usize = 6;
const CHANGED: usize = 16;
const UNFOLDED: usize = 400;

/// The rows of a call, and in which of them changes of files begin.
pub(super) struct Card {
    pub(super) rows: Vec<Row>,
    pub(super) hunks: Vec<usize>,
}

/// The rows of a call. `unfolded` is what somebody chose for it.
pub(super) fn rows(
    tool: &Tool,
    diffs: &[Diff],
    manner: &Manner<'_>,
    unfolded: Option<bool>,
    highlights: &mut dyn Highlights,
) -> Card {
    let open = unfolded.unwrap_or(manner.unfolded);
    let mut rows = vec![head(tool, manner, open)];
    let inner =
        Frame::verbatim(manner.width).with(Row::styled("  ⎿ ", manner.theme.faint).decorated());
    let inner = Frame {
        rest: Row::styled("    ", manner.theme.faint).decorated(),
        next: Row::styled("    ", manner.theme.faint).decorated(),
        ..inner
    };
    if open {
        input(tool, manner, &mut rows);
    }
    if !diffs.is_empty() && unfolded != Some(false) {
        let most = if open { UNFOLDED } else { CHANGED };
        let indent = Row::styled("    ", manner.theme.faint).decorated();
        let width = manner.width.saturating_sub(4).max(1);
        let (mut changed, mut hunks) = (Vec::new(), Vec::new());
        for diff in diffs {
            // The path stands in the head already.
            let drawn = diff.rows(width, manner.side_by_side, manner.theme, highlights);
            let above = rows.len() + changed.len();
            hunks.extend(
                drawn
                    .hunks
                    .iter()
                    .map(|hunk| above + hunk.saturating_sub(1)),
            );
            changed.extend(drawn.rows.iter().skip(1).map(|row| {
                let mut line = indent.clone();
                line.extend(row);
                line
            }));
        }
        let most_rows = rows.len() + most;
        hunks.retain(|hunk| *hunk < most_rows);
        limited(changed, most, manner, &mut rows);
        let rows = with_children(tool, manner, open, rows);
        return Card { rows, hunks };
    }
    let (most, from_end) = match tool.state {
        _ if open => (UNFOLDED, false),
        ToolState::Running { .. } => (LIVE, true),
        ToolState::Ended { failed: true, .. } => (FAILED, false),
        ToolState::Ended { .. } => (0, false),
    };
    if most > 0 && !tool.output.is_empty() {
        let failed = matches!(tool.state, ToolState::Ended { failed: true, .. });
        let style = if failed {
            manner.theme.failure
        } else {
            manner.theme.faint
        };
        output(
            tool.output.trim_end(),
            style,
            &inner,
            most,
            from_end,
            manner,
            &mut rows,
        );
    }
    Card {
        rows: with_children(tool, manner, open, rows),
        hunks: Vec::new(),
    }
}

/// What it is, how far it is, and how it went.
fn head(tool: &Tool, manner: &Manner<'_>, open: bool) -> Row {
    let theme = manner.theme;
    let (mark, style) = match tool.state {
        ToolState::Running { .. } => ("◌", theme.accent),
        ToolState::Ended { failed: true, .. } => ("✗", theme.failure),
        ToolState::Ended { failed: false, .. } => ("✓", theme.success),
    };
    let mut row = Row::styled(format!("{mark} "), style).decorated();
    let name = if tool.name.is_empty() {
        "a tool"
    } else {
        &tool.name
    };
    row.push(&sanitize::line(name), theme.strong);
    let about = about(tool, manner.cwd);
    let tail = tail(tool, open);
    let room = usize::from(manner.width)
        .saturating_sub(row.width() + Row::styled(tail.as_str(), theme.faint).width());
    let mut line = Row::default();
    if !about.what.is_empty() {
        line.push(" ", theme.text);
        line.push(&about.what, theme.text);
    }
    if !about.aside.is_empty() {
        line.push("  ", theme.text);
        line.push(&about.aside, theme.faint);
    }
    if line.width() > room {
        line = line.cut(room.saturating_sub(1));
        line.push("…", theme.faint);
    }
    row.extend(&line);
    row.push(&tail, theme.faint);
    row
}

/// What it gave, how long it took, and whether there is more.
fn tail(tool: &Tool, open: bool) -> String {
    let mut parts = Vec::new();
    let (added, removed) = counts(tool);
    if added + removed > 0 {
        parts.push(format!("+{added} −{removed}"));
    }
    match tool.state {
        ToolState::Running { elapsed_ms } if elapsed_ms >= 1000 => {
            parts.push(words::duration_ms(elapsed_ms));
        }
        ToolState::Ended {
            duration_ms: Some(time),
            ..
        } if time >= 500 => parts.push(words::duration_ms(time)),
        ToolState::Running { .. } | ToolState::Ended { .. } => {}
    }
    let lines = tool.output.lines().count();
    if matches!(tool.state, ToolState::Ended { failed: false, .. })
        && tool.diff.is_empty()
        && lines > 0
    {
        parts.push(words::counted(lines, "line"));
    }
    if !tool.children.is_empty() && !open {
        parts.push(words::counted(tool.children.len(), "step"));
    }
    if parts.is_empty() {
        return String::new();
    }
    format!("  {}", parts.join(" · "))
}

pub(super) fn counts(tool: &Tool) -> (usize, usize) {
    let lines = tool
        .diff
        .iter()
        .flat_map(|file| &file.hunks)
        .flat_map(|hunk| &hunk.lines);
    lines.fold((0, 0), |(added, removed), line| match line.chars().next() {
        Some('+') => (added + 1, removed),
        Some('-') => (added, removed + 1),
        _ => (added, removed),
    })
}

/// The whole input, hidden characters written out.
fn input(tool: &Tool, manner: &Manner<'_>, rows: &mut Vec<Row>) {
    let Value::Object(fields) = &tool.input else {
        return;
    };
    // A change is shown as one.
    let left_out: &[&str] = if tool.diff.is_empty() {
        &[]
    } else {
        &["old_string", "new_string", "content"]
    };
    let frame =
        Frame::verbatim(manner.width).with(Row::styled("    ", manner.theme.faint).decorated());
    let text = betcode_core::visible::fields(&Value::Object(fields.clone()), left_out);
    let mut shown = Vec::new();
    wrap_text(
        &sanitize::plain(text.trim_end()),
        manner.theme.faint,
        &frame,
        &mut shown,
    );
    limited(shown, UNFOLDED, manner, rows);
    if tool.cut.iter().any(|field| field == "input") {
        rows.push(note("only the beginning of the input is shown", manner));
    }
}

fn output(
    text: &str,
    style: ratatui::style::Style,
    frame: &Frame,
    most: usize,
    from_end: bool,
    manner: &Manner<'_>,
    rows: &mut Vec<Row>,
) {
    // Of a long output no more is looked at than can be shown.
    let lines = text.lines().count();
    let part: Vec<&str> = if from_end {
        text.lines().skip(lines.saturating_sub(most)).collect()
    } else {
        text.lines().take(most).collect()
    };
    let mut shown = Vec::new();
    wrap_text(&sanitize::plain(&part.join("\n")), style, frame, &mut shown);
    let hidden = lines - part.len();
    if from_end {
        let skip = shown.len().saturating_sub(most);
        rows.extend(shown.into_iter().skip(skip));
        return;
    }
    shown.truncate(most);
    rows.append(&mut shown);
    if hidden > 0 {
        rows.push(note(
            &format!("… {} more", words::counted(hidden, "line")),
            manner,
        ));
    }
}

fn limited(mut shown: Vec<Row>, most: usize, manner: &Manner<'_>, rows: &mut Vec<Row>) {
    let hidden = shown.len().saturating_sub(most);
    shown.truncate(most);
    rows.append(&mut shown);
    if hidden > 0 {
        rows.push(note(
            &format!("… {} more", words::counted(hidden, "row")),
            manner,
        ));
    }
}

fn note(text: &str, manner: &Manner<'_>) -> Row {
    let mut row = Row::styled("    ", manner.theme.faint);
    row.push(text, manner.theme.faint);
    row.uncopied()
}

/// What a sub-agent did: unfolded all of it, otherwise its last step while it works.
fn with_children(tool: &Tool, manner: &Manner<'_>, open: bool, mut rows: Vec<Row>) -> Vec<Row> {
    let works = matches!(tool.state, ToolState::Running { .. });
    let indent = Row::styled("  │ ", manner.theme.faint).decorated();
    let shown: Vec<_> = if open {
        tool.children.iter().collect()
    } else {
        let steps = tool
            .children
            .iter()
            .rev()
            .filter(|entry| matches!(entry.body, Body::Tool(_)));
        steps.take(usize::from(works)).collect()
    };
    let inner = Manner {
        width: manner.width.saturating_sub(4).max(1),
        ..*manner
    };
    for entry in shown {
        let lines = match &entry.body {
            Body::Tool(tool) => vec![head(tool, &inner, false)],
            Body::Answer(message) | Body::Thinking(message) => {
                let mut lines = Vec::new();
                let text = sanitize::plain(message.text());
                wrap_text(
                    text.trim(),
                    manner.theme.text,
                    &Frame::plain(inner.width),
                    &mut lines,
                );
                lines
            }
            Body::User(said) => super::entry::marked("❯", &said.text, manner.theme.faint, &inner),
            Body::Trace(trace) => {
                super::entry::marked("·", &trace.text, manner.theme.faint, &inner)
            }
        };
        for line in lines {
            let mut row = indent.clone();
            row.extend(&line);
            rows.push(row);
        }
    }
    rows
}
