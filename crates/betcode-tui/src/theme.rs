//! How things look: a small palette of roles over the terminal's own foreground and background. Colours are named here and
//! nowhere else, and nothing means something by its colour alone.

use betcode_core::config::ThemeChoice;
use ratatui::style::{Color, Modifier, Style};
use usage_core::level::Level;

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

/// What somebody chose, last of all and for every time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Last of all.
    pub now: ThemeChoice,
    /// By the settings.
    pub setting: ThemeChoice,
}

impl Chosen {
    /// What is to be remembered: the choice, and the setting it was made against.
    pub fn remembered(self) -> String {
        format!("{}\n{}\n", self.now.name(), self.setting.name())
    }

    /// What was chosen the last time, unless the setting is another one since.
    pub fn again(remembered: &str, setting: ThemeChoice) -> Self {
        let mut lines = remembered.lines();
        let last = lines.next().and_then(ThemeChoice::named);
        let against = lines.next().and_then(ThemeChoice::named);
        let now = last.filter(|_| against == Some(setting)).unwrap_or(setting);
        Self { now, setting }
    }
}

/// Whom the colours are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Palette {
    /// Most people.
    #[default]
    Usual,
    /// Who needs much contrast.
    Contrast,
    /// Who cannot tell red from green.
    ColourBlind,
}

/// For whom, how many colours, and which background.
pub type MadeFor = (Palette, Depth, Ground);

/// The palette: one style for each role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Theme {
    /// Whom it is for.
    pub palette: Palette,
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
    /// The usual palette for a terminal.
    pub fn new(depth: Depth, ground: Ground) -> Self {
        Self::of(Palette::Usual, depth, ground)
    }

    /// The palette that somebody chose; `found` is what the terminal says of its background.
    pub fn chosen(choice: ThemeChoice, depth: Depth, found: Ground) -> Self {
        let (palette, ground) = match choice {
            ThemeChoice::Auto => (Palette::Usual, found),
            ThemeChoice::Dark => (Palette::Usual, Ground::Dark),
            ThemeChoice::Light => (Palette::Usual, Ground::Light),
            ThemeChoice::HighContrast => (Palette::Contrast, Ground::Dark),
            ThemeChoice::HighContrastLight => (Palette::Contrast, Ground::Light),
            ThemeChoice::ColourBlind => (Palette::ColourBlind, Ground::Dark),
            ThemeChoice::ColourBlindLight => (Palette::ColourBlind, Ground::Light),
        };
        Self::of(palette, depth, ground)
    }

    fn of(palette: Palette, depth: Depth, ground: Ground) -> Self {
        let usual = Self::usual(depth, ground);
        match palette {
            Palette::Usual => usual,
            Palette::Contrast => usual.with_contrast(),
            Palette::ColourBlind => usual.told_apart(),
        }
    }

    fn usual(depth: Depth, ground: Ground) -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let colour = |sixteen: Color| match depth {
            Depth::None => plain,
            _ => plain.fg(sixteen),
        };
        let by_text = matches!(depth, Depth::None | Depth::Sixteen);
        let line = |tint| Self::tint(depth, ground, tint);
        let word = |tint| match Self::tint(depth, ground, tint) {
            style if by_text => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            style => style,
        };
        Self {
            palette: Palette::Usual,
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
            added: line(&ADDED),
            removed: line(&REMOVED),
            added_word: word(&ADDED_WORD),
            removed_word: word(&REMOVED_WORD),
            chosen: plain.add_modifier(Modifier::REVERSED),
            deaf: dim,
        }
    }

    /// Nothing is faint, marks are bold, and changes are in colours of their text that stand out from the ground.
    fn with_contrast(self) -> Self {
        let (depth, ground) = (self.depth, self.ground);
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let colour = |tint: &Tint| {
            let plain = Style::new();
            match depth {
                Depth::None => plain,
                Depth::Sixteen => plain.fg(tint.sixteen(ground)),
                Depth::Indexed => plain.fg(Color::Indexed(tint.indexed(ground))),
                Depth::True => plain.fg(Color::from_u32(tint.rgb(ground))),
            }
        };
        let (added, removed) = (colour(&BRIGHT_GREEN), colour(&BRIGHT_RED));
        let told = Modifier::BOLD | Modifier::UNDERLINED;
        Self {
            palette: Palette::Contrast,
            faint: Style::new(),
            accent: colour(&BRIGHT_BLUE).patch(bold),
            needs_you: colour(&BRIGHT_YELLOW).add_modifier(Modifier::BOLD | Modifier::REVERSED),
            failure: removed.patch(bold),
            success: added.patch(bold),
            code: bold,
            link: colour(&BRIGHT_BLUE).add_modifier(told),
            added,
            removed,
            added_word: added.add_modifier(told),
            removed_word: removed.add_modifier(told),
            chosen: bold.add_modifier(Modifier::REVERSED),
            ..self
        }
    }

    /// What is good and what is bad, what comes and what goes: blue and orange, which nearly everybody can tell apart.
    fn told_apart(self) -> Self {
        let (depth, ground) = (self.depth, self.ground);
        let mark = |tint: &Tint| {
            let bold = Style::new().add_modifier(Modifier::BOLD);
            match depth {
                Depth::None => bold,
                Depth::Sixteen => bold.fg(tint.sixteen(ground)),
                Depth::Indexed => bold.fg(Color::Indexed(tint.indexed(ground))),
                Depth::True => bold.fg(Color::from_u32(tint.rgb(ground))),
            }
        };
        let by_text = matches!(depth, Depth::None | Depth::Sixteen);
        let line = |tint| Self::tint(depth, ground, tint);
        let word = |tint| match Self::tint(depth, ground, tint) {
            style if by_text => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            style => style,
        };
        Self {
            palette: Palette::ColourBlind,
            failure: mark(&ORANGE),
            success: mark(&BLUE),
            added: line(&BLUE_LINE),
            removed: line(&ORANGE_LINE),
            added_word: word(&BLUE_WORD),
            removed_word: word(&ORANGE_WORD),
            ..self
        }
    }

    /// A ground of its own; with few colours, a colour of the text.
    fn tint(depth: Depth, ground: Ground, tint: &Tint) -> Style {
        let plain = Style::new();
        match depth {
            Depth::None => plain,
            Depth::Sixteen => plain.fg(tint.sixteen(ground)),
            Depth::Indexed => plain.bg(Color::Indexed(tint.indexed(ground))),
            Depth::True => plain.bg(Color::from_u32(tint.rgb(ground))),
        }
    }

    /// What it was made for: themes that were made for the same are the same.
    pub const fn made_for(&self) -> MadeFor {
        (self.palette, self.depth, self.ground)
    }

    /// A change is told by the colour of its text, which therefore has no other one.
    pub fn tells_by_text(&self) -> bool {
        self.added.bg.is_none()
    }
}

/// A colour in every depth, for a dark and for a light ground.
struct Tint {
    rgb: (u32, u32),
    indexed: (u8, u8),
    sixteen: (Color, Color),
}

impl Tint {
    const fn new(rgb: (u32, u32), indexed: (u8, u8), sixteen: (Color, Color)) -> Self {
        Self {
            rgb,
            indexed,
            sixteen,
        }
    }

    const fn on<T: Copy>(ground: Ground, both: (T, T)) -> T {
        match ground {
            Ground::Dark => both.0,
            Ground::Light => both.1,
        }
    }

    const fn rgb(&self, ground: Ground) -> u32 {
        Self::on(ground, self.rgb)
    }

    const fn indexed(&self, ground: Ground) -> u8 {
        Self::on(ground, self.indexed)
    }

    const fn sixteen(&self, ground: Ground) -> Color {
        Self::on(ground, self.sixteen)
    }
}

const GREEN: (Color, Color) = (Color::Green, Color::Green);
const RED: (Color, Color) = (Color::Red, Color::Red);
const ADDED: Tint = Tint::new((0x0012_301c, 0x00da_f5e0), (22, 194), GREEN);
const ADDED_WORD: Tint = Tint::new((0x001c_5a30, 0x00a0_e6b2), (28, 157), GREEN);
const REMOVED: Tint = Tint::new((0x003a_181a, 0x00fd_e2e2), (52, 224), RED);
const REMOVED_WORD: Tint = Tint::new((0x006e_2428, 0x00fa_b4b4), (88, 217), RED);

const BRIGHT_GREEN: Tint = Tint::new(
    (0x0080_ff80, 0x0000_5000),
    (120, 22),
    (Color::LightGreen, Color::Green),
);
const BRIGHT_RED: Tint = Tint::new(
    (0x00ff_a8a8, 0x0090_0000),
    (217, 88),
    (Color::LightRed, Color::Red),
);
const BRIGHT_BLUE: Tint = Tint::new(
    (0x0080_e8ff, 0x0000_3c96),
    (123, 18),
    (Color::LightCyan, Color::Blue),
);
const BRIGHT_YELLOW: Tint = Tint::new(
    (0x00ff_f080, 0x0060_4400),
    (228, 58),
    (Color::LightYellow, Color::Magenta),
);

/// Neither the sixteen colours nor a light ground have an orange that can be read: yellow and red are as far from blue.
const BLUES: (Color, Color) = (Color::LightBlue, Color::Blue);
const ORANGES: (Color, Color) = (Color::Yellow, Color::Red);
const BLUE: Tint = Tint::new((0x006c_b6ff, 0x0000_4fa8), (75, 25), BLUES);
const ORANGE: Tint = Tint::new((0x00ff_a657, 0x00a0_4800), (215, 130), ORANGES);
const BLUE_LINE: Tint = Tint::new((0x0010_2a54, 0x00d6_e8ff), (17, 189), BLUES);
const BLUE_WORD: Tint = Tint::new((0x001e_50a0, 0x00a0_cdff), (25, 153), BLUES);
const ORANGE_LINE: Tint = Tint::new((0x0054_3008, 0x00ff_e8cd), (58, 223), ORANGES);
const ORANGE_WORD: Tint = Tint::new((0x0096_5400, 0x00ff_c88c), (94, 215), ORANGES);

impl Theme {
    /// How a stretch of code looks.
    pub fn syntax(&self, what: Syntax) -> Style {
        let plain = Style::new();
        if self.palette == Palette::Contrast {
            // Colours would take contrast away.
            return match what {
                Syntax::Keyword | Syntax::Type => self.strong,
                Syntax::Comment => self.emphasis,
                Syntax::Inserted => self.success,
                Syntax::Deleted => self.failure,
                _ => plain,
            };
        }
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

impl Theme {
    /// How a number looks that is so near its limit. It stands beside a sign or a word that says the same.
    pub fn level(&self, level: Level) -> Style {
        let plain = Style::new();
        let told_apart = self.palette != Palette::Usual;
        match (level, self.depth) {
            (Level::Calm, _) => self.success,
            (Level::Busy, _) if told_apart => plain,
            (Level::Busy, Depth::None) => plain,
            (Level::Busy, _) => plain.fg(Color::Yellow),
            (Level::High, _) if told_apart => self.failure,
            (Level::High, Depth::None) => self.strong,
            (Level::High, Depth::Sixteen) => plain.fg(Color::Yellow).patch(self.strong),
            (Level::High, Depth::Indexed) => plain.fg(Color::Indexed(ORANGE.indexed(self.ground))),
            (Level::High, Depth::True) => plain.fg(Color::from_u32(ORANGE.rgb(self.ground))),
            (Level::Critical, _) => self
                .failure
                .add_modifier(Modifier::BOLD | Modifier::REVERSED),
        }
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::new(Depth::default(), Ground::default())
    }
}

#[cfg(test)]
mod tests;
