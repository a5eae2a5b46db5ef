//! Blocks as lines that are read aloud, or shown where nothing but lines can be: marks become words, and nothing is drawn.
//! The lines of a paragraph stay lines: who shows them wraps them.

use super::block::{Block, Child, CodeBlock, Inline, Item, Marks, Table};
use super::layout::lines;
use super::parse::{DONE, TO_DO};
use crate::text::link;

/// The lines of a block.
pub(super) fn block(block: &Block, out: &mut Vec<String>) {
    match block {
        Block::Text(text) => out.extend(inline(text).lines().map(str::to_owned)),
        Block::Heading(text) => {
            out.push(format!("Heading: {}", inline(text).replace('\n', " ")));
        }
        Block::Code(code) => self::code(code, out),
        Block::Quote(blocks) => {
            let mut inside = Vec::new();
            children(blocks, &mut inside);
            if let [line] = inside.as_slice() {
                out.push(format!("Quote: {line}"));
            } else {
                out.push("Quote:".to_owned());
                out.append(&mut inside);
                out.push("End of the quote.".to_owned());
            }
        }
        Block::List(items) => {
            for item in items {
                self::item(item, out);
            }
        }
        Block::Table(table) => self::table(table, out),
        Block::Rule => out.push("Section break.".to_owned()),
        Block::Raw(text) => out.extend(text.lines().map(str::to_owned)),
    }
}

fn children(children: &[Child], out: &mut Vec<String>) {
    for child in children {
        block(&child.block, out);
    }
}

/// An item of a list; what is below its first line is indented.
fn item(item: &Item, out: &mut Vec<String>) {
    let mut inside = Vec::new();
    children(&item.children, &mut inside);
    let marker = item.marker.replace('•', "-");
    let marker = marker.replace(DONE, "done: ").replace(TO_DO, "to do: ");
    let is_box = [DONE, TO_DO]
        .iter()
        .any(|sign| item.marker.starts_with(sign));
    let bullet = if is_box { "- " } else { "" };
    let mut inside = inside.into_iter();
    out.push(format!(
        "{bullet}{marker}{}",
        inside.next().unwrap_or_default()
    ));
    out.extend(inside.map(|line| format!("  {line}")));
}

fn code(code: &CodeBlock, out: &mut Vec<String>) {
    let language = match code.language.as_str() {
        "" => String::new(),
        language => format!(" in {language}"),
    };
    out.push(format!("Code{language}:"));
    out.extend(lines(&code.text).map(str::to_owned));
    out.push("End of the code.".to_owned());
}

/// Each row with the names of its columns.
fn table(table: &Table, out: &mut Vec<String>) {
    let names: Vec<String> = table.header.iter().map(inline).collect();
    out.push(format!("Table: {}", names.join(", ")));
    for (at, row) in table.rows.iter().enumerate() {
        let cells = names.iter().zip(row).map(|(name, cell)| {
            let cell = inline(cell);
            if name.is_empty() {
                cell
            } else {
                format!("{name}: {cell}")
            }
        });
        let cells: Vec<_> = cells.collect();
        out.push(format!("Row {}. {}", at + 1, cells.join("; ")));
    }
    if table.more > 0 {
        out.push(format!("{} more rows are left out.", table.more));
    }
    out.push("End of the table.".to_owned());
}

/// Text without its marks; links say where they lead, and what is struck says so.
fn inline(text: &Inline) -> String {
    let mut out = String::with_capacity(text.text.len());
    let mut parts = text.parts().peekable();
    let mut said = String::new();
    while let Some((part, piece)) = parts.next() {
        if piece.marks.has(Marks::STRIKE) {
            out.extend(["(struck out: ", part, ")"]);
        } else {
            out.push_str(part);
        }
        let Some(link) = &piece.link else {
            continue;
        };
        said.push_str(part);
        let goes_on = parts
            .peek()
            .is_some_and(|(_, next)| next.link.as_ref() == Some(link));
        if !goes_on {
            let told = link::looks_like_address(&said)
                || **link == *said
                || link.strip_prefix("mailto:") == Some(said.as_str());
            if !told {
                out.extend([" (link to ", link, ")"]);
            }
            said.clear();
        }
    }
    out
}
