//! One entry of the conversation in words: who, what, how it went.

use std::ops::Range;

use betcode_core::event::MessageEnd;
use betcode_core::id::Sequence;

use crate::text::diff::Diff;
use crate::text::sanitize;
use crate::transcript::{Body, Entry, Message, Said, Tool, ToolState, Trace, TraceKind};

use super::super::viewer::Viewer;
use super::super::{tool, words};

/// Lines of a change, and of the output of something that failed; and of anything that somebody wants to read whole.
const CHANGED: usize = 40;
const FAILED: usize = 6;
const WHOLE: usize = 400;

/// How entries are said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voice<'a> {
    /// Where the session works: paths in it are said from there.
    pub(super) cwd: &'a str,
    /// Who listens.
    pub(super) viewer: &'a Viewer,
    /// Nothing is left out.
    pub(super) whole: bool,
}

impl Voice<'_> {
    /// Some blocks of an entry. What is no text is one block.
    pub(super) fn entry(&self, entry: &mut Entry, blocks: Range<usize>, out: &mut Vec<String>) {
        let first = blocks.start == 0;
        match &entry.body {
            Body::Answer(message) if message.end() == Some(MessageEnd::Abandoned) => {
                out.push("Assistant: given up, it begins anew.".to_owned());
            }
            Body::Answer(_) => {
                let said = entry.spoken_blocks(blocks);
                let label = if first { "Assistant: " } else { "" };
                labelled(label, said, out);
            }
            Body::User(said) => self.said(said, entry.first, out),
            Body::Thinking(message) => self.thought(message, out),
            Body::Tool(call) => self.call(call, out),
            Body::Trace(trace) => self.remark(trace, entry.first, out),
        }
    }

    fn said(&self, said: &Said, at: Sequence, out: &mut Vec<String>) {
        let who = match self.viewer.other(&said.from, at) {
            None => "You".to_owned(),
            Some(other) => format!("From {other}"),
        };
        let text = sanitize::plain(&said.text);
        labelled(&format!("{who}: "), text.lines().map(str::to_owned), out);
        for name in &said.attached {
            out.push(format!("Attached: {name}"));
        }
    }

    fn thought(&self, message: &Message, out: &mut Vec<String>) {
        let count = message.text().split_whitespace().count();
        out.push(format!("Thought, {}.", words::counted(count, "word")));
        if self.whole {
            limited(sanitize::plain(message.text()).lines(), WHOLE, out);
        }
    }

    fn call(&self, call: &Tool, out: &mut Vec<String>) {
        out.push(head(call, self.cwd));
        if self.whole {
            let left_out: &[&str] = if call.diff.is_empty() {
                &[]
            } else {
                &["old_string", "new_string", "content"]
            };
            limited(
                betcode_core::visible::fields(&call.input, left_out).lines(),
                WHOLE,
                out,
            );
        }
        for file in &call.diff {
            let diff = Diff::of(file);
            let lines = diff.spoken();
            let most = if self.whole { WHOLE } else { CHANGED };
            limited(lines.iter().map(String::as_str), most, out);
        }
        let failed = matches!(call.state, ToolState::Ended { failed: true, .. });
        let most = match (self.whole, failed) {
            (true, _) => WHOLE,
            (false, true) => FAILED,
            (false, false) => 0,
        };
        if most > 0 && call.diff.is_empty() && !call.output.is_empty() {
            let output = sanitize::plain(call.output.trim_end());
            limited(output.lines(), most, out);
        }
        if self.whole {
            for step in call.children.iter() {
                match &step.body {
                    Body::Tool(call) => out.push(format!("Step: {}", head(call, self.cwd))),
                    Body::Answer(message) => {
                        let said = sanitize::plain(message.text());
                        labelled("Step: ", said.lines().map(str::to_owned), out);
                    }
                    _ => {}
                }
            }
        }
    }

    fn remark(&self, trace: &Trace, at: Sequence, out: &mut Vec<String>) {
        let label = match trace.kind {
            TraceKind::Note | TraceKind::Divider => "Note",
            TraceKind::Allowed | TraceKind::Denied => "Decision",
            TraceKind::Failure => "Problem",
        };
        let hint = trace.hint(|by| self.viewer.other(by, at));
        let hint = if hint.is_empty() {
            String::new()
        } else {
            format!(" ({hint})")
        };
        let text = sanitize::plain(&trace.text);
        labelled(&format!("{label}: "), text.lines().map(str::to_owned), out);
        if let Some(last) = out.last_mut() {
            last.push_str(&hint);
        }
    }
}

/// `Tool Read src/a.rs: done, 3 lines`.
fn head(call: &Tool, cwd: &str) -> String {
    let name = if call.name.is_empty() {
        "of which the beginning is not here"
    } else {
        &call.name
    };
    let about = tool::about(call, cwd);
    let told = match (about.what.as_str(), about.aside.as_str()) {
        ("", _) => String::new(),
        (what, "") => format!(" {what}"),
        (what, aside) => format!(" {what}, {aside}"),
    };
    let mut parts = Vec::new();
    let (added, removed) = tool::counts(call);
    parts.push(
        match call.state {
            ToolState::Running { .. } => "still runs",
            ToolState::Ended { failed: true, .. } => "failed",
            ToolState::Ended { failed: false, .. } => "done",
        }
        .to_owned(),
    );
    if added + removed > 0 {
        parts.push(format!(
            "{} added, {removed} removed",
            words::counted(added, "line")
        ));
    }
    if let ToolState::Ended {
        duration_ms: Some(time @ 500..),
        ..
    } = call.state
    {
        parts.push(words::duration_ms(time));
    }
    let lines = call.output.lines().count();
    let done = matches!(call.state, ToolState::Ended { failed: false, .. });
    if done && call.diff.is_empty() && lines > 0 {
        parts.push(words::counted(lines, "line"));
    }
    if !call.children.is_empty() {
        parts.push(words::counted(call.children.len(), "step"));
    }
    format!("Tool {name}{told}: {}", parts.join(", "))
}

/// Lines of which the first has a label before it.
fn labelled(label: &str, lines: impl IntoIterator<Item = String>, out: &mut Vec<String>) {
    let mut label = label;
    for line in lines {
        out.push(format!("{label}{line}"));
        label = "";
    }
}

/// So many lines at most; how many more there are is said.
pub(super) fn limited<'a>(
    lines: impl Iterator<Item = &'a str>,
    most: usize,
    out: &mut Vec<String>,
) {
    let mut hidden = 0;
    for (at, line) in lines.enumerate() {
        if at < most {
            out.push(line.to_owned());
        } else {
            hidden += 1;
        }
    }
    if hidden > 0 {
        let more = if hidden == 1 { "line" } else { "lines" };
        let how = if most < WHOLE {
            "; /show prints them"
        } else {
            ""
        };
        out.push(format!("({hidden} more {more}{how})"));
    }
}
