//! What the environment says of the terminal, before it has said anything itself. A function of variables that the caller
//! looks up.

use crate::theme::Depth;

/// Between us and the terminal, and in the way of what is not for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Multiplexer {
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

/// How a terminal takes a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Notices {
    /// It can only ring.
    #[default]
    Bell,
    /// OSC 9: a text.
    Text,
    /// OSC 777: a title and a text.
    Titled,
    /// OSC 99: a title and a text, by the newer protocol.
    Protocol,
}

/// What is known of a terminal by its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Surroundings {
    /// Its colours.
    pub depth: Depth,
    /// What is in between.
    pub multiplexer: Option<Multiplexer>,
    /// How it takes notifications.
    pub notices: Notices,
    /// It cannot move its cursor: lines only, and no sequences.
    pub dumb: bool,
    /// It knows links and marks of prompts, or ignores them as it should.
    pub links: bool,
    /// It shows progress (OSC 9;4), and does not take it for a notification.
    pub progress: bool,
}

/// Terminals with all colours, by what `TERM` or `TERM_PROGRAM` has in it.
const ALL_COLOURS: [&str; 10] = [
    "direct",
    "truecolor",
    "kitty",
    "ghostty",
    "alacritty",
    "foot",
    "wezterm",
    "iterm",
    "vscode",
    "rio",
];

/// From which version on these show progress. Before, iTerm takes it for a notification, and Konsole drops it.
const ITERM: [u32; 3] = [3, 6, 6];
const KONSOLE: [u32; 3] = [260_400, 0, 0];
/// From this version on kitty does not take progress for a notification.
const KITTY: [u32; 3] = [0, 38, 0];

/// The numbers of a version.
fn numbers(text: &str) -> [u32; 3] {
    let mut parts = text.split('.').map(|part| {
        let digits = part.chars().take_while(char::is_ascii_digit);
        digits.collect::<String>().parse().unwrap_or(0)
    });
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// Whether a terminal shows progress, by the name and version that it gives itself: what has none in its environment.
pub fn shows_progress(version: &str) -> bool {
    let kitty = version.strip_prefix("kitty(");
    kitty.is_some_and(|version| numbers(version) >= KITTY)
}

/// What variables say; a variable that is empty says nothing.
pub fn surroundings(variable: impl Fn(&str) -> Option<String>) -> Surroundings {
    let get = |name: &str| variable(name).filter(|value| !value.is_empty());
    let has = |name: &str| get(name).is_some();
    let term = get("TERM").unwrap_or_default().to_lowercase();
    let program = get("TERM_PROGRAM").unwrap_or_default().to_lowercase();
    let dumb = matches!(term.as_str(), "" | "dumb" | "unknown");
    let multiplexer = if has("TMUX") || term.starts_with("tmux") {
        Some(Multiplexer::Tmux)
    } else if has("STY") || term.starts_with("screen") {
        Some(Multiplexer::Screen)
    } else {
        None
    };
    let old = term.starts_with("vt") || term == "linux" || term == "ansi" || term == "cons25";
    let windows = has("WT_SESSION");
    // Inside tmux the name of the program is tmux's own, and the outer one is not known.
    let named = |names: &[&str]| {
        let names = names.iter();
        names
            .clone()
            .any(|name| term.contains(*name) || program.contains(*name))
    };
    let version = |name: &str| numbers(&get(name).unwrap_or_default());
    let notices = if named(&["kitty"]) {
        Notices::Protocol
    } else if named(&["ghostty", "iterm", "wezterm"]) {
        Notices::Text
    } else if named(&["rxvt", "foot", "contour"]) {
        Notices::Titled
    } else {
        Notices::Bell
    };
    let colours = Colours {
        forced: get("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
        all: get("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit")
            || windows
            || named(&ALL_COLOURS),
        many: term.contains("256") || program.contains("apple_terminal") || multiplexer.is_some(),
    };
    Surroundings {
        depth: depth(&term, dumb, has("NO_COLOR"), multiplexer, &colours),
        multiplexer,
        notices,
        dumb,
        links: !dumb && !old && multiplexer != Some(Multiplexer::Screen),
        progress: multiplexer.is_none()
            && (windows
                || has("ConEmuPID")
                || named(&["ghostty", "wezterm"])
                || (named(&["iterm"]) && version("TERM_PROGRAM_VERSION") >= ITERM)
                || version("KONSOLE_VERSION") >= KONSOLE),
    }
}

struct Colours {
    forced: bool,
    all: bool,
    many: bool,
}

fn depth(
    term: &str,
    dumb: bool,
    none_wanted: bool,
    between: Option<Multiplexer>,
    colours: &Colours,
) -> Depth {
    if none_wanted {
        return Depth::None;
    }
    if dumb || (term.starts_with("vt") && term.len() == 5) {
        return if colours.forced {
            Depth::Sixteen
        } else {
            Depth::None
        };
    }
    // GNU screen makes nonsense of more than 256.
    match (colours.all, colours.many) {
        (true, _) if between != Some(Multiplexer::Screen) => Depth::True,
        (true, _) | (_, true) => Depth::Indexed,
        _ => Depth::Sixteen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Surroundings {
        surroundings(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colours_are_as_many_as_the_terminal_says() {
        let table: [(&[(&str, &str)], Depth); 15] = [
            (&[], Depth::None),
            (&[("TERM", "dumb")], Depth::None),
            (&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], Depth::Sixteen),
            (&[("TERM", "vt220")], Depth::None),
            (&[("TERM", "linux")], Depth::Sixteen),
            (&[("TERM", "xterm")], Depth::Sixteen),
            (&[("TERM", "xterm-256color")], Depth::Indexed),
            (
                &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")],
                Depth::True,
            ),
            (
                &[
                    ("TERM", "xterm-256color"),
                    ("NO_COLOR", "1"),
                    ("CLICOLOR_FORCE", "1"),
                ],
                Depth::None,
            ),
            (
                &[("TERM", "xterm-256color"), ("NO_COLOR", "")],
                Depth::Indexed,
            ),
            (&[("TERM", "xterm-kitty")], Depth::True),
            (
                &[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")],
                Depth::True,
            ),
            (
                &[
                    ("TERM", "screen-256color"),
                    ("STY", "1"),
                    ("COLORTERM", "24bit"),
                ],
                Depth::Indexed,
            ),
            (
                &[
                    ("TERM", "tmux-256color"),
                    ("TMUX", "/tmp/x"),
                    ("COLORTERM", "24bit"),
                ],
                Depth::True,
            ),
            (
                &[("TERM", "xterm-256color"), ("WT_SESSION", "1")],
                Depth::True,
            ),
        ];
        for (variables, depth) in table {
            assert_eq!(with(variables).depth, depth, "{variables:?}");
        }
    }

    #[test]
    fn what_a_terminal_would_take_amiss_is_not_sent() {
        assert!(with(&[("TERM", "dumb")]).dumb);
        assert!(!with(&[("TERM", "linux")]).links);
        assert!(!with(&[("TERM", "screen"), ("STY", "1")]).links);
        assert!(with(&[("TERM", "xterm-256color")]).links);
        let iterm = with(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")]);
        assert_eq!((iterm.notices, iterm.progress), (Notices::Text, false));
        let tmux = with(&[
            ("TERM", "screen-256color"),
            ("TMUX", "/tmp/x"),
            ("TERM_PROGRAM", "tmux"),
        ]);
        assert_eq!(
            (tmux.multiplexer, tmux.notices),
            (Some(Multiplexer::Tmux), Notices::Bell)
        );
        assert_eq!(with(&[("TERM", "xterm-kitty")]).notices, Notices::Protocol);
    }

    #[test]
    fn progress_is_for_terminals_that_are_known_to_show_it() {
        let table: [(&[(&str, &str)], bool); 11] = [
            (&[("TERM", "xterm-256color")], false),
            (&[("TERM", "xterm-256color"), ("WT_SESSION", "1")], true),
            (&[("TERM", "xterm-256color"), ("ConEmuPID", "7")], true),
            (&[("TERM", "xterm-ghostty")], true),
            (&[("TERM", "xterm"), ("TERM_PROGRAM", "WezTerm")], true),
            (
                &[
                    ("TERM", "xterm-256color"),
                    ("TERM_PROGRAM", "iTerm.app"),
                    ("TERM_PROGRAM_VERSION", "3.6.6beta1"),
                ],
                true,
            ),
            (
                &[
                    ("TERM", "xterm-256color"),
                    ("TERM_PROGRAM", "iTerm.app"),
                    ("TERM_PROGRAM_VERSION", "3.5.14"),
                ],
                false,
            ),
            (
                &[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "260401")],
                true,
            ),
            (
                &[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "251203")],
                false,
            ),
            (&[("TERM", "tmux-256color"), ("WT_SESSION", "1")], false),
            (&[("TERM", "xterm-kitty")], false),
        ];
        for (variables, shows) in table {
            assert_eq!(with(variables).progress, shows, "{variables:?}");
        }
        let named = ["kitty(0.47.1)", "kitty(0.37.0)", "XTerm(390)", ""];
        assert_eq!(named.map(shows_progress), [true, false, false, false]);
    }
}
