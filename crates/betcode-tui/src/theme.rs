//! How things look: a small palette of roles over the terminal's own foreground and background. Colours are named here and
//! nowhere else, and nothing means something by its colour alone.

use ratatui::style::{Color, Modifier, Style};

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Depth {
    /// None, or none are wanted: `NO_COLOR`.
    None,
    /// The sixteen of the terminal's own palette.
    #[default]
    Sixteen,
    /// 256.
    Indexed,
    /// All.
    True,
}

/// What the terminal's background is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ground {
    /// Dark.
    #[default]
    Dark,
    /// Light.
    Light,
}

/// What a stretch of code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Syntax {
    /// Nothing special.
    #[default]
    Plain,
    /// A comment.
    Comment,
    /// A word of the language.
    Keyword,
    /// A string.
    Text,
    /// A number or another constant.
    Constant,
    /// A function's name.
    Function,
    /// A type's name.
    Type,
    /// A name of a key, an attribute, a tag.
    Name,
    /// What a diff adds.
    Inserted,
    /// What a diff removes.
    Deleted,
}

/// The palette: one style for each role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Theme {
    /// What it was made for.
    pub depth: Depth,
    /// What it was made for.
    pub ground: Ground,
    /// Ordinary text: the terminal's own.
    pub text: Style,
    /// What matters less.
    pub faint: Style,
    /// What stands out: the product's one accent.
    pub accent: Style,
    /// What needs the user.
    pub needs_you: Style,
    /// What failed.
    pub failure: Style,
    /// What went well.
    pub success: Style,
    /// A heading.
    pub heading: Style,
    /// Important words.
    pub strong: Style,
    /// Stressed words.
    pub emphasis: Style,
    /// Code inside a line.
    pub code: Style,
    /// A link.
    pub link: Style,
    /// What the user said.
    pub user: Style,
    /// Lines that a change adds.
    pub added: Style,
    /// Lines that a change removes.
    pub removed: Style,
    /// Words that a change adds.
    pub added_word: Style,
    /// Words that a change removes.
    pub removed_word: Style,
    /// What is chosen in a list, and what is found.
    pub chosen: Style,
    /// What takes no key yet.
    pub deaf: Style,
}

impl Theme {
    /// The palette for a terminal.
    pub fn new(depth: Depth, ground: Ground) -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let colour = |sixteen: Color| match depth {
            Depth::None => plain,
            _ => plain.fg(sixteen),
        };
        let tint = |dark: (u8, u8, u8), light: (u8, u8, u8), indexed: (u8, u8), sixteen: Color| {
            match depth {
                Depth::None => plain,
                Depth::Sixteen => plain.fg(sixteen),
                Depth::Indexed => plain.bg(Color::Indexed(match ground {
                    Ground::Dark => indexed.0,
                    Ground::Light => indexed.1,
                })),
                Depth::True => {
                    let (red, green, blue) = match ground {
                        Ground::Dark => dark,
                        Ground::Light => light,
                    };
                    plain.bg(Color::Rgb(red, green, blue))
                }
            }
        };
        let word = |tint: Style| match depth {
            Depth::None | Depth::Sixteen => {
                tint.add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
            }
            Depth::Indexed | Depth::True => tint,
        };
        Self {
            depth,
            ground,
            text: plain,
            faint: match (depth, ground) {
                (Depth::None | Depth::Sixteen, _) => dim,
                (_, Ground::Dark) => plain.fg(Color::Indexed(246)),
                (_, Ground::Light) => plain.fg(Color::Indexed(242)),
            },
            accent: colour(Color::Cyan),
            needs_you: colour(Color::Yellow).add_modifier(Modifier::BOLD),
            failure: colour(Color::Red),
            success: colour(Color::Green),
            heading: bold,
            strong: bold,
            emphasis: plain.add_modifier(Modifier::ITALIC),
            code: colour(Color::Cyan),
            link: colour(Color::Blue).add_modifier(Modifier::UNDERLINED),
            user: bold,
            added: tint((18, 48, 28), (218, 245, 224), (22, 194), Color::Green),
            removed: tint((58, 24, 26), (253, 226, 226), (52, 224), Color::Red),
            added_word: word(tint((28, 90, 48), (160, 230, 178), (28, 157), Color::Green)),
            removed_word: word(tint((110, 36, 40), (250, 180, 180), (88, 217), Color::Red)),
            chosen: plain.add_modifier(Modifier::REVERSED),
            deaf: dim,
        }
    }
}

impl Theme {
    /// How a stretch of code looks.
    pub fn syntax(&self, what: Syntax) -> Style {
        let plain = Style::new();
        let colour = |sixteen: Color, dark: (u8, u32), light: (u8, u32)| {
            let (indexed, rgb) = match self.ground {
                Ground::Dark => dark,
                Ground::Light => light,
            };
            match self.depth {
                Depth::None => plain,
                Depth::Sixteen => plain.fg(sixteen),
                Depth::Indexed => plain.fg(Color::Indexed(indexed)),
                Depth::True => plain.fg(Color::from_u32(rgb)),
            }
        };
        match what {
            Syntax::Plain => plain,
            Syntax::Comment => self.faint,
            Syntax::Keyword => colour(Color::Magenta, (176, 0x00c5_9bd8), (90, 0x007a_3e9d)),
            Syntax::Text => colour(Color::Green, (144, 0x00a3_be8c), (64, 0x004b_7a2b)),
            Syntax::Constant => colour(Color::Yellow, (180, 0x00d8_a872), (130, 0x00a8_5a00)),
            Syntax::Function => colour(Color::Blue, (110, 0x0084_b0de), (25, 0x0023_5fb0)),
            Syntax::Type => colour(Color::Cyan, (109, 0x0083_bfc4), (30, 0x000f_7480)),
            Syntax::Name => colour(Color::Cyan, (110, 0x008f_bcd8), (24, 0x0020_6a90)),
            Syntax::Inserted => self.success,
            Syntax::Deleted => self.failure,
        }
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::new(Depth::default(), Ground::default())
    }
}
