//! The input by vim's keys: what the keys pressed so far mean, and the states between them. What a command does to the text
//! is `apply`'s and `write`'s, where motions lead `motion`'s, what text objects are `object`'s.
//!
//! States: insert (keys write, as without vim), normal (keys are commands), visual (a stretch is chosen from an anchor to the
//! cursor), and in the last two the keys of a command that is not whole yet: a count, an operator, a motion that waits for its
//! character.
//! Laws:
//! - the keys of a command mean something together or nothing: what is no command changes nothing and is forgotten;
//! - the cursor is on a border of graphemes, and outside of insert it is on a character wherever its line has one;
//! - undoing takes back what one command did, with everything that was written until insert was left;
//! - nothing but the text under a command is changed, and what is deleted or changed can be put back.

mod apply;
mod motion;
mod object;
mod write;

use super::document::Piece;

/// The most that a count counts.
const MOST: usize = 9_999;
/// `ctrl-r`, among the characters of a command.
pub const CTRL_R: char = '\u{12}';

/// What keys mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They write.
    #[default]
    Insert,
    /// They are commands.
    Normal,
    /// They move the end of what is chosen, or say what is done with it.
    Visual,
}

impl Mode {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Normal => "normal",
            Self::Visual => "visual",
        }
    }
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It did something, or is the beginning of something.
    Taken,
    /// It means nothing.
    Nothing,
    /// The conversation is to be searched.
    Search,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Delete,
    Change,
    Yank,
}

/// How a character of the line is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Find {
    wanted: char,
    forwards: bool,
    /// It stops beside it.
    till: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Motion {
    Left,
    Right,
    Down,
    Up,
    Word {
        big: bool,
    },
    WordEnd {
        big: bool,
    },
    WordBack {
        big: bool,
    },
    LineStart,
    LineText,
    LineEnd,
    /// To a line by its number; without one to the last or the first.
    Line {
        last: bool,
    },
    Find(Find),
    /// What was looked for last, in the same direction or against it.
    FindAgain {
        same: bool,
    },
    Paragraph {
        forwards: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    Word { big: bool },
    Quoted(char),
    Between(char, char),
    Paragraph,
}

/// What an operator is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Motion(Motion),
    Object {
        around: bool,
        object: Object,
    },
    Lines,
    /// What is chosen.
    Selection,
    /// So many characters: what was chosen, when it is done again.
    Characters(usize),
}

/// Where writing begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Before,
    After,
    LineText,
    LineEnd,
    LineBelow,
    LineAbove,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Move(Motion),
    Operate(Operator, Target),
    Insert(Start),
    Put {
        before: bool,
    },
    Replace(char, Target),
    Case(Target),
    Join,
    Undo,
    Redo,
    Repeat,
    Visual,
    /// The other end of what is chosen.
    OtherEnd,
    /// What is chosen becomes a text object.
    Choose {
        around: bool,
        object: Object,
    },
    Search,
}

/// What keys mean together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning<T> {
    /// Something, with more of them.
    More,
    Nothing,
    Whole(T),
}

/// What is commanded, and how often.
type Order = (Command, Option<usize>);

/// A change that can be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    command: Command,
    count: Option<usize>,
    /// What was written after it.
    written: Piece,
}

/// The states.
#[derive(Debug, Clone, Default)]
pub(super) struct Vim {
    mode: Mode,
    /// The keys of a command that is not whole.
    keys: String,
    /// Where what is chosen began.
    anchor: usize,
    /// Where it has been written from without the cursor going elsewhere.
    pub(super) from: usize,
    /// What the next change makes of what is written; none while nothing is to be repeated.
    writing: Option<(Command, Option<usize>)>,
    last: Option<Change>,
    find: Option<Find>,
}

impl Vim {
    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) fn keys(&self) -> &str {
        &self.keys
    }

    /// Everything was sent: the next text is written from its beginning.
    pub(super) fn anew(self) -> Self {
        Self {
            last: self.last,
            find: self.find,
            ..Self::default()
        }
    }

    /// Takes a key of a command: what is meant when it is whole.
    fn hear(&mut self, key: char) -> Meaning<Order> {
        self.keys.push(key);
        let meaning = meaning(&self.keys, self.mode == Mode::Visual);
        if meaning != Meaning::More {
            self.keys.clear();
        }
        meaning
    }
}

/// What keys mean together.
fn meaning(keys: &str, visual: bool) -> Meaning<Order> {
    let (count, rest) = counted(keys);
    let mut characters = rest.chars();
    let Some(first) = characters.next() else {
        return Meaning::More;
    };
    let rest = characters.as_str();
    let whole = |command| Meaning::Whole((command, count));
    if visual {
        match chosen(first, rest) {
            Meaning::Whole(command) => return whole(command),
            Meaning::More => return Meaning::More,
            Meaning::Nothing => {}
        }
    }
    let operator = match first {
        'd' => Some(Operator::Delete),
        'c' => Some(Operator::Change),
        'y' => Some(Operator::Yank),
        _ => None,
    };
    if let Some(operator) = operator {
        return operated(operator, first, count, rest);
    }
    let operate = |operator, motion| Command::Operate(operator, Target::Motion(motion));
    let lines = |operator| Command::Operate(operator, Target::Lines);
    whole(match first {
        'x' => operate(Operator::Delete, Motion::Right),
        'X' => operate(Operator::Delete, Motion::Left),
        'D' => operate(Operator::Delete, Motion::LineEnd),
        'C' => operate(Operator::Change, Motion::LineEnd),
        's' => operate(Operator::Change, Motion::Right),
        'S' => lines(Operator::Change),
        'Y' => lines(Operator::Yank),
        'p' => Command::Put { before: false },
        'P' => Command::Put { before: true },
        '~' => Command::Case(Target::Motion(Motion::Right)),
        'J' => Command::Join,
        'i' => Command::Insert(Start::Before),
        'a' => Command::Insert(Start::After),
        'I' => Command::Insert(Start::LineText),
        'A' => Command::Insert(Start::LineEnd),
        'o' => Command::Insert(Start::LineBelow),
        'O' => Command::Insert(Start::LineAbove),
        'u' => Command::Undo,
        CTRL_R => Command::Redo,
        '.' => Command::Repeat,
        'v' => Command::Visual,
        '/' => Command::Search,
        'r' => match rest.chars().next() {
            Some(with) => Command::Replace(with, Target::Motion(Motion::Right)),
            None => return Meaning::More,
        },
        _ => match motion(first, rest) {
            Meaning::Whole(motion) => Command::Move(motion),
            Meaning::More => return Meaning::More,
            Meaning::Nothing => return Meaning::Nothing,
        },
    })
}

/// What means something else while something is chosen.
fn chosen(first: char, rest: &str) -> Meaning<Command> {
    let operate = |operator| Command::Operate(operator, Target::Selection);
    let next = rest.chars().next();
    Meaning::Whole(match (first, next) {
        ('d' | 'x', _) => operate(Operator::Delete),
        ('c' | 's', _) => operate(Operator::Change),
        ('y', _) => operate(Operator::Yank),
        ('~', _) => Command::Case(Target::Selection),
        ('o', _) => Command::OtherEnd,
        ('r' | 'i' | 'a', None) => return Meaning::More,
        ('r', Some(with)) => Command::Replace(with, Target::Selection),
        ('i' | 'a', Some(name)) => match object(name) {
            Some(object) => Command::Choose {
                around: first == 'a',
                object,
            },
            None => return Meaning::Nothing,
        },
        _ => return Meaning::Nothing,
    })
}

/// What an operator is for.
fn operated(operator: Operator, key: char, count: Option<usize>, rest: &str) -> Meaning<Order> {
    let (more, rest) = counted(rest);
    let count = match (count, more) {
        (Some(one), Some(other)) => Some(one.saturating_mul(other).min(MOST)),
        (one, other) => one.or(other),
    };
    let mut characters = rest.chars();
    let Some(first) = characters.next() else {
        return Meaning::More;
    };
    let target = match (first, characters.next()) {
        (first, _) if first == key => Target::Lines,
        ('i' | 'a', None) => return Meaning::More,
        ('i' | 'a', Some(name)) => match object(name) {
            Some(object) => Target::Object {
                around: first == 'a',
                object,
            },
            None => return Meaning::Nothing,
        },
        _ => match motion(first, rest.get(first.len_utf8()..).unwrap_or_default()) {
            Meaning::Whole(motion) => Target::Motion(motion),
            Meaning::More => return Meaning::More,
            Meaning::Nothing => return Meaning::Nothing,
        },
    };
    Meaning::Whole((Command::Operate(operator, target), count))
}

/// A motion.
fn motion(first: char, rest: &str) -> Meaning<Motion> {
    let next = rest.chars().next();
    if matches!(first, 'g' | 'f' | 'F' | 't' | 'T') && next.is_none() {
        return Meaning::More;
    }
    let find = |forwards, till| {
        Motion::Find(Find {
            wanted: next.unwrap_or_default(),
            forwards,
            till,
        })
    };
    Meaning::Whole(match first {
        'h' => Motion::Left,
        'l' | ' ' => Motion::Right,
        'j' => Motion::Down,
        'k' => Motion::Up,
        'w' | 'W' => Motion::Word { big: first == 'W' },
        'e' | 'E' => Motion::WordEnd { big: first == 'E' },
        'b' | 'B' => Motion::WordBack { big: first == 'B' },
        '0' => Motion::LineStart,
        '^' => Motion::LineText,
        '$' => Motion::LineEnd,
        'G' => Motion::Line { last: true },
        'g' if next == Some('g') => Motion::Line { last: false },
        'f' => find(true, false),
        'F' => find(false, false),
        't' => find(true, true),
        'T' => find(false, true),
        ';' => Motion::FindAgain { same: true },
        ',' => Motion::FindAgain { same: false },
        '{' | '}' => Motion::Paragraph {
            forwards: first == '}',
        },
        _ => return Meaning::Nothing,
    })
}

fn object(name: char) -> Option<Object> {
    Some(match name {
        'w' | 'W' => Object::Word { big: name == 'W' },
        '"' | '\'' | '`' => Object::Quoted(name),
        '(' | ')' | 'b' => Object::Between('(', ')'),
        '[' | ']' => Object::Between('[', ']'),
        '{' | '}' | 'B' => Object::Between('{', '}'),
        '<' | '>' => Object::Between('<', '>'),
        'p' => Object::Paragraph,
        _ => return None,
    })
}

/// A count at the beginning of keys, and the rest. It begins with no zero: that is a motion.
fn counted(keys: &str) -> (Option<usize>, &str) {
    let end = match keys.find(|key: char| !key.is_ascii_digit()) {
        _ if keys.starts_with('0') => 0,
        Some(end) => end,
        None => keys.len(),
    };
    let (digits, rest) = keys.split_at_checked(end).unwrap_or(("", keys));
    let count = digits.bytes().fold(0_usize, |count, digit| {
        let more = count
            .saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'));
        more.min(MOST)
    });
    ((!digits.is_empty()).then_some(count), rest)
}

#[cfg(test)]
mod tests;
