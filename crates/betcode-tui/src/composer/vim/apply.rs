//! What commands do to the text: who obeys them, and what operators do. What keys mean is the machine's above, where motions
//! lead is `motion`'s, what brings new text is `write`'s.

use std::ops::Range;
use std::sync::Arc;

use super::super::document::Piece;
use super::super::undo::Kind;
use super::super::{Action, Composer};
use super::motion::{Span, reached};
use super::object::stretch;
use super::write::turned;
use super::{Change, Command, Heard, Meaning, Mode, Motion, Object, Operator, Target};

/// What an operator is done with.
struct Taken {
    range: Range<usize>,
    lines: bool,
}

impl Composer {
    /// Keys are vim's from now on, or no longer.
    pub fn set_vim(&mut self, on: bool) {
        self.undo.ungroup();
        self.vim = on.then(Box::default);
        self.begin_message();
    }

    /// By vim's keys, what is written before insert is left for the first time is one step too.
    pub(in super::super) fn begin_message(&mut self) {
        if self.vim.is_some() {
            self.undo.group();
        }
    }

    /// What keys mean, and those of a command that is not whole; none where they are not vim's.
    pub fn vim(&self) -> Option<(Mode, &str)> {
        self.vim.as_ref().map(|vim| (vim.mode(), vim.keys()))
    }

    /// Characters are written, and not commands.
    pub fn writes(&self) -> bool {
        self.mode() == Mode::Insert
    }

    pub(super) fn mode(&self) -> Mode {
        self.vim.as_ref().map_or(Mode::Insert, |vim| vim.mode())
    }

    /// What is chosen.
    pub(in super::super) fn selection(&self) -> Option<Range<usize>> {
        let vim = self.vim.as_ref().filter(|vim| vim.mode == Mode::Visual)?;
        let anchor = self.document.aligned(vim.anchor);
        let (from, to) = (anchor.min(self.cursor), anchor.max(self.cursor));
        Some(from..self.document.next(to))
    }

    /// Escape: out of insert, of what is chosen, of a command that is not whole. False when there is nothing to get out of.
    pub fn escape(&mut self) -> bool {
        let Some(vim) = &mut self.vim else {
            return false;
        };
        let keys = std::mem::take(&mut vim.keys);
        match std::mem::replace(&mut vim.mode, Mode::Normal) {
            Mode::Insert => self.stop_writing(),
            Mode::Visual => {}
            Mode::Normal => return !keys.is_empty(),
        }
        self.rest();
        true
    }

    /// A key outside of insert; `history` are the prompts sent before, the latest at the end.
    pub fn press(&mut self, key: char, history: &[Arc<str>]) -> Heard {
        self.rest();
        let Some(vim) = &mut self.vim else {
            return Heard::Nothing;
        };
        let (command, count) = match vim.hear(key) {
            Meaning::More => return Heard::Taken,
            Meaning::Nothing => return Heard::Nothing,
            Meaning::Whole(order) => order,
        };
        match command {
            Command::Search => return Heard::Search,
            Command::Repeat => self.repeat(count),
            _ => self.command(command, count, history),
        }
        self.rest();
        Heard::Taken
    }

    /// The cursor is on a character where the line has one, unless keys write.
    pub fn rest(&mut self) {
        if self.mode() != Mode::Insert {
            self.cursor = self.document.resting(self.document.aligned(self.cursor));
        }
    }

    pub(super) fn enter(&mut self, mode: Mode) {
        if let Some(vim) = &mut self.vim {
            vim.mode = mode;
        }
    }

    pub(super) fn command(&mut self, command: Command, count: Option<usize>, history: &[Arc<str>]) {
        let vertical = matches!(command, Command::Move(Motion::Up | Motion::Down));
        if !vertical {
            self.touch();
        }
        self.cutting = false;
        if self.mode() == Mode::Insert {
            return;
        }
        self.undo.group();
        let before = self.document.text().len();
        let did = self.obey(command, count, history);
        let is_change = !matches!(
            command,
            Command::Move(_)
                | Command::Operate(Operator::Yank, _)
                | Command::Undo
                | Command::Redo
                | Command::Visual
                | Command::OtherEnd
                | Command::Choose { .. }
                | Command::Search
                | Command::Repeat
        );
        if self.mode() == Mode::Insert {
            let from = self.cursor;
            if let Some(vim) = &mut self.vim {
                vim.from = from;
                vim.writing = Some((did.unwrap_or(command), count));
            }
            return;
        }
        self.undo.ungroup();
        if is_change
            && (did.is_some() || before != self.document.len())
            && let Some(vim) = &mut self.vim
        {
            vim.last = Some(Change {
                command: did.unwrap_or(command),
                count,
                written: Piece::default(),
            });
        }
    }

    /// Does what a command says. Gives the command by which it is done again, none when nothing was done.
    fn obey(
        &mut self,
        command: Command,
        count: Option<usize>,
        history: &[Arc<str>],
    ) -> Option<Command> {
        let times = count.unwrap_or(1).max(1);
        match command {
            Command::Move(motion) => self.walk(motion, count, history),
            Command::Operate(operator, target) => {
                let again = self.again(target);
                let done = self.operate(operator, target, count);
                self.enter_after(operator, done);
                return done.then_some(Command::Operate(operator, again));
            }
            Command::Insert(start) => self.begin(start),
            Command::Put { before } => self.put(before, times),
            Command::Replace(with, target) => {
                let again = self.again(target);
                let taken = self.taken(target, count, None)?;
                // Fewer than asked for are none.
                let enough = self.document.slice(taken.range.clone());
                let asked = matches!(target, Target::Motion(_));
                if asked && self.graphemes(&taken.range) < times || enough.is_empty() {
                    return None;
                }
                let start = taken.range.start;
                self.each(taken.range, |_| with.to_string());
                if !asked {
                    self.cursor = start;
                }
                self.enter(Mode::Normal);
                return Some(Command::Replace(with, again));
            }
            Command::Case(target) => {
                let again = self.again(target);
                let taken = self.taken(target, count, None)?;
                let end = taken.range.end;
                let start = taken.range.start;
                self.each(taken.range, turned);
                let moves = matches!(target, Target::Motion(_));
                self.cursor = self.document.aligned(if moves { end } else { start });
                self.enter(Mode::Normal);
                return Some(Command::Case(again));
            }
            Command::Join => self.join(times.max(2) - 1),
            Command::Undo => self.undone(times, Action::Undo),
            Command::Redo => self.undone(times, Action::Redo),
            Command::Visual if self.mode() == Mode::Visual => self.enter(Mode::Normal),
            Command::Visual => {
                let anchor = self.cursor;
                if let Some(vim) = &mut self.vim {
                    vim.anchor = anchor;
                }
                self.enter(Mode::Visual);
            }
            Command::OtherEnd => {
                if let Some(vim) = &mut self.vim {
                    let anchor = self.document.aligned(vim.anchor);
                    vim.anchor = std::mem::replace(&mut self.cursor, anchor);
                }
            }
            Command::Choose { around, object } => self.choose(object, around, times),
            Command::Repeat | Command::Search => {}
        }
        Some(command)
    }

    fn undone(&mut self, times: usize, action: Action) {
        self.enter(Mode::Normal);
        for _ in 0..times {
            if !self.act(action, &[]) {
                break;
            }
        }
    }

    /// By which target something is done again.
    fn again(&self, target: Target) -> Target {
        match (target, self.selection()) {
            (Target::Selection, Some(range)) => Target::Characters(self.graphemes(&range)),
            _ => target,
        }
    }

    fn graphemes(&self, range: &Range<usize>) -> usize {
        let (mut at, mut count) = (range.start, 0);
        while at < range.end {
            at = self.document.next(at).max(at + 1);
            count += 1;
        }
        count
    }

    fn walk(&mut self, motion: Motion, count: Option<usize>, history: &[Arc<str>]) {
        let times = count.unwrap_or(1).max(1);
        match motion {
            Motion::Up | Motion::Down => {
                // What is chosen is of this text.
                let history = if self.mode() == Mode::Visual || times > 1 {
                    &[]
                } else {
                    history
                };
                for _ in 0..times {
                    let moved = if motion == Motion::Up {
                        self.up(history)
                    } else {
                        self.down(history)
                    };
                    if !moved {
                        break;
                    }
                }
            }
            _ => {
                let find = self.vim.as_ref().and_then(|vim| vim.find);
                self.keep_find(motion);
                let to = reached(&self.document, self.cursor, motion, count, None, find);
                if let Some((to, _)) = to {
                    self.go(to);
                }
            }
        }
    }

    fn keep_find(&mut self, motion: Motion) {
        if let (Motion::Find(find), Some(vim)) = (motion, &mut self.vim) {
            vim.find = Some(find);
        }
    }

    /// What a target is; none: there is nothing like that here.
    fn taken(
        &mut self,
        target: Target,
        count: Option<usize>,
        operator: Option<Operator>,
    ) -> Option<Taken> {
        let (text, here) = (&self.document, self.cursor);
        let times = count.unwrap_or(1).max(1);
        let plain = |range| {
            Some(Taken {
                range,
                lines: false,
            })
        };
        match target {
            Target::Selection => plain(self.selection()?),
            Target::Characters(count) => {
                let end = (0..count).fold(here, |at, _| text.next(at));
                plain(here..end)
            }
            Target::Lines if times > 1 && text.line_end(here) == text.len() => None,
            Target::Lines => {
                let last = text.below(here, times - 1);
                let range = text.line_start(here)..text.line_end(last);
                Some(Taken { range, lines: true })
            }
            Target::Object { around, object } => {
                let (range, lines) = stretch(text, here, object, around, times)?;
                Some(Taken { range, lines })
            }
            Target::Motion(motion) => {
                let find = self.vim.as_ref().and_then(|vim| vim.find);
                self.keep_find(motion);
                let text = &self.document;
                let (to, span) = reached(text, here, motion, count, operator, find)?;
                let (from, to) = (here.min(to), here.max(to));
                Some(match span {
                    Span::Lines => Taken {
                        range: text.line_start(from)..text.line_end(to),
                        lines: true,
                    },
                    Span::Inclusive if text.line_end(to) == to => Taken {
                        range: from..to,
                        lines: false,
                    },
                    Span::Inclusive => Taken {
                        range: from..text.next(to),
                        lines: false,
                    },
                    Span::Exclusive => self.exclusive(from, to),
                })
            }
        }
    }

    /// What ends at the beginning of a line ends with the line before, and is of whole lines where it begins with one.
    fn exclusive(&self, from: usize, to: usize) -> Taken {
        let text = &self.document;
        let across = to > from && to == text.line_start(to) && text.line_start(from) < to;
        if !across {
            return Taken {
                range: from..to,
                lines: false,
            };
        }
        let start = text.line_start(from);
        let lines = text.slice(start..from).trim().is_empty();
        Taken {
            range: if lines { start } else { from }..to - 1,
            lines,
        }
    }

    fn operate(&mut self, operator: Operator, target: Target, count: Option<usize>) -> bool {
        let Some(Taken { range, lines }) = self.taken(target, count, Some(operator)) else {
            return false;
        };
        let lines = lines || (operator == Operator::Delete && self.is_of_lines(&range, target));
        let range = if lines {
            self.document.line_start(range.start)..self.document.line_end(range.end)
        } else {
            range
        };
        if range.is_empty() && !lines {
            // There is nothing to delete, but something may be written here.
            self.cursor = range.start;
            return operator == Operator::Change;
        }
        self.cut = self.document.piece(range.clone());
        self.cut_lines = lines;
        match operator {
            Operator::Yank => {
                let stays = lines && matches!(target, Target::Lines | Target::Motion(_));
                if target == Target::Motion(Motion::Up) {
                    // The column stays as well.
                    self.walk(Motion::Up, Some(count.unwrap_or(1).max(2)), &[]);
                } else if !stays || range.start < self.document.line_start(self.cursor) {
                    self.cursor = range.start;
                }
            }
            Operator::Change => {
                self.cursor = range.start;
                self.replace(range, Piece::default(), Kind::Other);
            }
            Operator::Delete => {
                let range = if lines { self.whole(range) } else { range };
                let start = range.start;
                self.replace(range, Piece::default(), Kind::Other);
                self.cursor = self.document.aligned(start);
                if lines {
                    self.cursor = self.document.line_text(self.cursor);
                }
            }
        }
        true
    }

    /// Deleting from the beginning of a line's text to the end of another line's deletes the lines.
    fn is_of_lines(&self, range: &Range<usize>, target: Target) -> bool {
        let text = &self.document;
        let across = text.line_start(range.start) != text.line_start(range.end);
        let blank = |range: Range<usize>| text.slice(range).trim().is_empty();
        across
            && !matches!(target, Target::Selection | Target::Characters(_))
            && blank(text.line_start(range.start)..range.start)
            && blank(range.end..text.line_end(range.end))
    }

    /// Lines with the line end that goes with them.
    fn whole(&self, range: Range<usize>) -> Range<usize> {
        if range.end < self.document.len() {
            range.start..range.end + 1
        } else {
            range.start.saturating_sub(1)..range.end
        }
    }

    fn enter_after(&mut self, operator: Operator, done: bool) {
        let mode = match (operator, self.mode()) {
            (Operator::Change, _) if done => Mode::Insert,
            (_, Mode::Visual) => Mode::Normal,
            (_, mode) => mode,
        };
        self.enter(mode);
    }

    fn choose(&mut self, object: Object, around: bool, times: usize) {
        let found = stretch(&self.document, self.cursor, object, around, times);
        let Some((range, _)) = found.filter(|(range, _)| !range.is_empty()) else {
            return;
        };
        self.cursor = self.document.previous(range.end).max(range.start);
        if let Some(vim) = &mut self.vim {
            vim.anchor = range.start;
        }
    }
}
