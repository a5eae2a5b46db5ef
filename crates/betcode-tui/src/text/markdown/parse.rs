//! Markdown source becomes blocks. Whatever entities stand for is made harmless here once more.

use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{CodeBlockKind, Event, OffsetIter, Options, Parser, Tag, TagEnd};

use super::block::{Block, Child, CodeBlock, Inline, Item, Marks, Table};
use crate::text::highlight::CodeId;
use crate::text::{link, sanitize};

/// How many rows of a table are kept.
pub(super) const TABLE_ROWS: usize = 200;
/// How deep blocks within blocks are followed: deeper ones are shown as text.
const DEEPEST: usize = 24;

/// What is blank to markdown.
pub(super) const BLANKS: [char; 3] = [' ', '\t', '\n'];

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

/// The list that a source goes on with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Within {
    /// It begins within a list.
    pub(super) list: bool,
    /// The number of the item it begins with, if the list has numbers.
    pub(super) number: Option<u64>,
}

/// Where a source may be cut: everything before is finished, whatever follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seam {
    pub(super) at: usize,
    /// What the rest begins within.
    pub(super) within: Within,
    /// There is a blank line before the rest.
    pub(super) gap: bool,
}

/// The last seam of a source of whole lines, if it has any: before a block, or before an item of a list.
pub(super) fn last_seam(source: &str, within: Within) -> Option<Seam> {
    let (mut depth, mut seam, mut end) = (0_usize, None, 0);
    let (mut number, mut first_item, mut first_block) = (None, true, true);
    for (event, range) in Parser::new_ext(source, options()).into_offset_iter() {
        if let Event::End(_) = event {
            depth = depth.saturating_sub(1);
            if depth <= 1 {
                end = end.max(text_end(source, &range));
            }
            continue;
        }
        let at = begin_of(source, end, range.start);
        if depth == 0 && !std::mem::take(&mut first_block) {
            seam = Some(Seam::new(source, at, Within::default()));
        }
        match event {
            Event::Start(Tag::List(first)) if depth == 0 => {
                let goes_on = seam.is_none() && within.list;
                number = if goes_on { within.number } else { first };
                first_item = true;
            }
            Event::Start(Tag::Item) if depth == 1 => {
                if !std::mem::take(&mut first_item) {
                    let within = Within { list: true, number };
                    seam = Some(Seam::new(source, at, within));
                }
                number = number.map(|number| number.saturating_add(1));
            }
            _ => {}
        }
        if let Event::Start(_) = event {
            depth += 1;
        } else if depth == 0 {
            end = end.max(text_end(source, &range));
        }
    }
    seam.filter(|seam| seam.at > 0)
}

impl Seam {
    /// Behind a block that has ended.
    pub(super) fn after(at: usize) -> Self {
        Self {
            at,
            within: Within::default(),
            gap: false,
        }
    }

    fn new(source: &str, at: usize, within: Within) -> Self {
        Self {
            at,
            within,
            gap: is_gap_before(source, at),
        }
    }
}

/// Where a range's text ends: without blank lines.
fn text_end(source: &str, range: &Range<usize>) -> usize {
    source
        .get(..range.end)
        .map_or(range.end, |text| text.trim_end_matches(BLANKS).len())
}

/// Where the lines begin that belong to what starts here: at something between, that is not seen, or at its own line.
fn begin_of(source: &str, end: usize, start: usize) -> usize {
    let own = line_start(source, text_begin(source, end, start));
    let between = source.get(end..own).unwrap_or_default();
    match between.find(|c: char| !BLANKS.contains(&c)) {
        Some(at) => line_start(source, end + at),
        None => own,
    }
}

/// Where a range's text begins, behind an end: with tabs, the parser takes ranges to begin before that.
fn text_begin(source: &str, end: usize, start: usize) -> usize {
    let at = start.max(end);
    let text = source.get(at..).unwrap_or_default();
    at + text.find(|c: char| !BLANKS.contains(&c)).unwrap_or(0)
}

fn line_start(source: &str, at: usize) -> usize {
    source
        .get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |feed| feed + 1)
}

/// True if the line above is there and blank (but for the marks of quotes).
fn is_gap_before(source: &str, at: usize) -> bool {
    let start = line_start(source, at);
    let Some(above) = source
        .get(..start)
        .and_then(|above| above.strip_suffix('\n'))
    else {
        return false;
    };
    let line = above.rsplit('\n').next().unwrap_or_default();
    line.chars().all(|c| matches!(c, ' ' | '\t' | '>'))
}

/// All blocks of a source.
pub(super) fn blocks(source: &str, within: Within) -> Vec<Child> {
    let mut reader = Reader {
        events: Parser::new_ext(source, options()).into_offset_iter(),
        source,
        within,
        depth: 0,
        inner: 0,
    };
    reader.blocks()
}

/// The text of a source that is a paragraph and nothing else.
pub(super) fn text(source: &str) -> Option<Inline> {
    let mut blocks = blocks(source, Within::default());
    match (blocks.pop()?.block, blocks.is_empty()) {
        (Block::Text(text), true) => Some(text),
        _ => None,
    }
}

struct Reader<'a> {
    events: OffsetIter<'a>,
    source: &'a str,
    within: Within,
    /// How deep the block is nested, and the element within its text.
    depth: usize,
    inner: usize,
}

impl<'a> Reader<'a> {
    /// Blocks up to the end of what they are in. Text that stands there on its own is a block, too.
    fn blocks(&mut self) -> Vec<Child> {
        let mut children: Vec<Child> = Vec::new();
        let mut loose: Option<(Writer, bool)> = None;
        let mut last = 0;
        while let Some((event, range)) = self.events.next() {
            let gap = is_gap_before(self.source, text_begin(self.source, last, range.start));
            last = last.max(text_end(self.source, &range));
            let block = match event {
                Event::End(_) => break,
                // A box alone in its line belongs to the paragraph below it.
                Event::Start(Tag::Paragraph)
                    if let Some((writer, gap)) = loose.take_if(|(it, _)| is_box(&it.out.text)) =>
                {
                    let block = Block::Text(self.text_behind(writer));
                    let gap = gap && !children.is_empty();
                    children.push(Child { block, gap });
                    continue;
                }
                Event::Start(tag) if is_block(&tag) => {
                    flush(&mut loose, &mut children);
                    self.block(tag)
                }
                Event::Rule => {
                    flush(&mut loose, &mut children);
                    Block::Rule
                }
                event => {
                    let (writer, _) = loose.get_or_insert_with(|| (Writer::default(), gap));
                    self.inline(event, writer);
                    continue;
                }
            };
            let gap = gap && !children.is_empty();
            children.push(Child { block, gap });
        }
        flush(&mut loose, &mut children);
        children
    }

    fn block(&mut self, tag: Tag<'a>) -> Block {
        self.depth += 1;
        let block = match tag {
            Tag::Heading { .. } => Block::Heading(self.text()),
            Tag::CodeBlock(kind) => self.code(&kind),
            Tag::HtmlBlock => Block::Raw(self.raw()),
            Tag::List(first) => self.list(first),
            Tag::Table(alignments) => {
                let mut table = Table {
                    alignments,
                    ..Table::default()
                };
                self.table(&mut table);
                Block::Table(table)
            }
            Tag::BlockQuote(_) if self.depth <= DEEPEST => Block::Quote(self.blocks()),
            _ => Block::Text(self.text()),
        };
        self.depth -= 1;
        block
    }

    /// Everything up to the end of the element as text.
    fn text(&mut self) -> Inline {
        self.text_behind(Writer::default())
    }

    fn text_behind(&mut self, mut writer: Writer) -> Inline {
        let mut depth = 0_usize;
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(tag) if is_block(&tag) => depth += 1,
                Event::End(end) if is_block_end(end) => {
                    if depth == 0 {
                        break;
                    }
                    depth -= 1;
                    writer.out.push(" ", Marks::default(), None);
                }
                event => self.inline(event, &mut writer),
            }
        }
        writer.done()
    }

    fn raw(&mut self) -> String {
        let mut raw = String::new();
        for (event, _) in self.events.by_ref() {
            match event {
                Event::Html(text) | Event::Text(text) => raw.push_str(&text),
                Event::End(_) => break,
                _ => {}
            }
        }
        sanitize::plain(raw.trim_end_matches('\n')).into_owned()
    }

    fn code(&mut self, kind: &CodeBlockKind<'_>) -> Block {
        let language = match kind {
            CodeBlockKind::Fenced(info) => language(info),
            CodeBlockKind::Indented => String::new(),
        };
        let mut text = String::new();
        for (event, _) in self.events.by_ref() {
            match event {
                Event::Text(part) => text.push_str(&part),
                Event::End(_) => break,
                _ => {}
            }
        }
        Block::Code(CodeBlock {
            id: CodeId::fresh(),
            language,
            text: sanitize::plain(&text).into_owned(),
            whole: true,
        })
    }

    fn list(&mut self, first: Option<u64>) -> Block {
        let within = std::mem::take(&mut self.within);
        let mut number = if within.list && self.depth == 1 {
            within.number
        } else {
            first
        };
        let mut items: Vec<Item> = Vec::new();
        let mut last = 0;
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => {
                    let begin = text_begin(self.source, last, range.start);
                    last = text_end(self.source, &range);
                    let gap = !items.is_empty() && is_gap_before(self.source, begin);
                    self.depth += 1;
                    let mut children = if self.depth <= DEEPEST {
                        self.blocks()
                    } else {
                        let text = self.text();
                        vec![Child {
                            block: Block::Text(text),
                            gap: false,
                        }]
                    };
                    self.depth -= 1;
                    let marker = match number {
                        Some(number) => format!("{number}. "),
                        None => "• ".to_owned(),
                    };
                    let marker = match task(&mut children) {
                        Some(task) => {
                            format!("{}{task}", if number.is_some() { &marker } else { "" })
                        }
                        None => marker,
                    };
                    items.push(Item {
                        marker,
                        gap,
                        children,
                    });
                    number = number.map(|number| number.saturating_add(1));
                }
                Event::End(_) => break,
                _ => {}
            }
        }
        Block::List(items)
    }

    fn table(&mut self, table: &mut Table) {
        let mut row = Vec::new();
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(Tag::TableCell) => {
                    let mut writer = Writer {
                        cell: true,
                        ..Writer::default()
                    };
                    while let Some((event, _)) = self.events.next() {
                        if event == Event::End(TagEnd::TableCell) {
                            break;
                        }
                        self.inline(event, &mut writer);
                    }
                    row.push(writer.done());
                }
                Event::End(TagEnd::TableHead) => table.header = std::mem::take(&mut row),
                Event::End(TagEnd::TableRow) => {
                    let row = std::mem::take(&mut row);
                    if table.rows.len() < TABLE_ROWS {
                        table.rows.push(row);
                    } else {
                        table.more += 1;
                    }
                }
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
    }

    /// One inline element, with all that is in it.
    fn inline(&mut self, event: Event<'a>, writer: &mut Writer) {
        match event {
            Event::Text(text) => writer.text(&text, Marks::default()),
            Event::Code(text) => writer.text(&text, Marks::CODE),
            Event::InlineHtml(text) | Event::Html(text) => {
                if is_break(&text) {
                    writer.line_break();
                    writer.broken = true;
                    return;
                }
                writer.text(&text, Marks::default());
            }
            // The end of the line that a tag has broken already, or that has nothing but a box in it.
            Event::SoftBreak if writer.broken || is_box(&writer.out.text) => {}
            // Lines are kept as they were written: who wrote them meant lines.
            Event::SoftBreak | Event::HardBreak => writer.line_break(),
            Event::TaskListMarker(done) => {
                writer.text(if done { DONE } else { TO_DO }, Marks::default());
            }
            Event::Start(Tag::Strong) => self.marked(Marks::STRONG, writer),
            Event::Start(Tag::Emphasis) => self.marked(Marks::EMPHASIS, writer),
            Event::Start(Tag::Strikethrough) => self.marked(Marks::STRIKE, writer),
            Event::Start(Tag::Link { dest_url, .. }) => self.link(&dest_url, writer),
            Event::Start(Tag::Image { .. }) => {
                let from = writer.out.text.len();
                writer.text("[image: ", Marks::default());
                self.marked(Marks::default(), writer);
                if writer.out.text.len() == from + "[image: ".len() {
                    writer.text("no description", Marks::default());
                }
                writer.text("]", Marks::default());
            }
            Event::Start(_) => self.marked(Marks::default(), writer),
            _ => {}
        }
        writer.broken = false;
    }

    /// What is in an inline element, up to its end.
    fn marked(&mut self, marks: Marks, writer: &mut Writer) {
        let before = writer.marks;
        writer.marks = before.with(marks);
        self.inner += 1;
        let mut deeper = 0_usize;
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::End(_) if deeper == 0 => break,
                Event::End(_) => deeper -= 1,
                Event::Start(_) if self.inner > DEEPEST => deeper += 1,
                event => self.inline(event, writer),
            }
        }
        self.inner -= 1;
        writer.marks = before;
    }

    fn link(&mut self, address: &str, writer: &mut Writer) {
        let target = link::safe(address);
        let from = writer.out.text.len();
        let before = writer.link.take();
        writer.link.clone_from(&target);
        self.marked(Marks::default(), writer);
        writer.link = before;
        let text = writer.out.text.get(from..).unwrap_or_default();
        let told = text == address || address.strip_prefix("mailto:") == Some(text);
        if !told && (target.is_none() || link::looks_like_address(text)) {
            let address = format!(" ({})", sanitize::line(address));
            writer.text(&address, Marks::FAINT);
        }
    }
}

/// The boxes of tasks.
pub(super) const DONE: &str = "☑ ";
pub(super) const TO_DO: &str = "☐ ";

/// Nothing, or the box of an item.
fn is_box(text: &str) -> bool {
    let boxes = [DONE.trim_end(), TO_DO.trim_end()];
    text.is_empty() || boxes.contains(&text.trim_end_matches(BLANKS))
}

/// Takes the box from the beginning of an item.
fn task(children: &mut [Child]) -> Option<&'static str> {
    let Some(Child {
        block: Block::Text(inline),
        ..
    }) = children.first_mut()
    else {
        return None;
    };
    let task = [DONE, TO_DO]
        .into_iter()
        .find(|task| inline.text.starts_with(task))?;
    inline.text.drain(..task.len());
    for piece in &mut inline.pieces {
        piece.end = piece.end.saturating_sub(task.len());
    }
    Some(task)
}

fn flush(loose: &mut Option<(Writer, bool)>, children: &mut Vec<Child>) {
    if let Some((writer, gap)) = loose.take() {
        let gap = gap && !children.is_empty();
        children.push(Child {
            block: Block::Text(writer.done()),
            gap,
        });
    }
}

fn is_block(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Paragraph
            | Tag::Heading { .. }
            | Tag::BlockQuote(_)
            | Tag::CodeBlock(_)
            | Tag::HtmlBlock
            | Tag::List(_)
            | Tag::Item
            | Tag::Table(_)
            | Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
    )
}

fn is_block_end(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::BlockQuote(_)
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock
            | TagEnd::List(_)
            | TagEnd::Item
            | TagEnd::Table
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::TableCell
    )
}

/// True for the tag that breaks a line.
fn is_break(tag: &str) -> bool {
    tag.get(..3)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("<br"))
        && tag
            .get(3..)
            .is_some_and(|end| matches!(end.trim(), ">" | "/>"))
}

/// The language's name out of what follows a fence.
pub(super) fn language(info: &str) -> String {
    let info = sanitize::line(info);
    let name = info
        .trim()
        .split([' ', ',', '{', '\t'])
        .find(|part| !part.is_empty());
    name.unwrap_or_default().to_owned()
}

/// Collects inline text.
#[derive(Default)]
struct Writer {
    out: Inline,
    marks: Marks,
    link: Option<Arc<str>>,
    /// Within a table's cell: there lines do not break.
    cell: bool,
    /// A tag has just broken the line.
    broken: bool,
}

impl Writer {
    fn text(&mut self, text: &str, marks: Marks) {
        // In prose a tab is a blank: there are no columns.
        let text = text.replace('\t', " ");
        let text = sanitize::line(&text);
        let marks = self.marks.with(marks);
        self.out.push(&text, marks, self.link.as_ref());
    }

    fn line_break(&mut self) {
        let text = if self.cell { " " } else { "\n" };
        self.out.push(text, self.marks, self.link.as_ref());
    }

    fn done(self) -> Inline {
        self.out.with_bare_links()
    }
}
