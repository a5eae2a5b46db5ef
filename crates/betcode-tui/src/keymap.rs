//! Which key does what, and where: the table of what can be done, its usual keys, and other keys from the settings.
//!
//! Laws: in one place a key does one thing; a key that is bound in a place is not looked up elsewhere, and no setting makes it
//! mean something there that it means otherwise everywhere; what has lost its keys can still be reached from the palette.

use std::collections::BTreeMap;

use crate::key::Key;

/// Where keys are pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Wherever no other place has the key.
    Everywhere,
    /// The input.
    Input,
    /// The conversation.
    Conversation,
    /// A request for permission.
    Permission,
    /// A question.
    Question,
    /// A list to choose from.
    List,
    /// The session of somebody else's, to be watched.
    Observer,
    /// The use of plans.
    Usage,
    /// Notifications.
    Notices,
}

impl Place {
    /// All, in the order in which help shows them.
    pub const ALL: [Self; 9] = [
        Self::Everywhere,
        Self::Input,
        Self::Conversation,
        Self::Permission,
        Self::Question,
        Self::List,
        Self::Observer,
        Self::Usage,
        Self::Notices,
    ];

    /// Its name in settings and help.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Input => "input",
            Self::Conversation => "conversation",
            Self::Permission => "permission",
            Self::Question => "question",
            Self::List => "list",
            Self::Observer => "observer",
            Self::Usage => "usage",
            Self::Notices => "notifications",
        }
    }
}

macro_rules! actions {
    ($($variant:ident $place:ident $name:literal [$($key:literal)*] $about:literal;)*) => {
        /// Something that a key can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Do {
            $(#[doc = $about] $variant,)*
        }

        /// Everything that can be done: what, where, its name, its usual keys, and what it is for people.
        pub const ACTIONS: &[Entry] = &[
            $(Entry {
                action: Do::$variant,
                place: Place::$place,
                name: $name,
                keys: &[$($key),*],
                about: $about,
            },)*
        ];
    };
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What is done.
    pub action: Do,
    /// Where.
    pub place: Place,
    /// Its name in the settings.
    pub name: &'static str,
    /// Its usual keys.
    pub keys: &'static [&'static str],
    /// What it is for people.
    pub about: &'static str,
}

actions! {
    Interrupt Everywhere "interrupt" ["ctrl-c"] "clear the input, then interrupt, then leave";
    Leave Everywhere "leave" ["ctrl-q"] "leave; the session goes on";
    Suspend Everywhere "suspend" ["ctrl-z"] "back to the shell until fg";
    Help Everywhere "help" ["f1"] "all keys";
    Palette Everywhere "palette" ["ctrl-p"] "everything that can be done";
    Redraw Everywhere "redraw" ["ctrl-l"] "draw everything again";
    Back Everywhere "back" ["esc"] "close what is open, then interrupt";
    Focus Everywhere "focus" ["tab"] "between input and conversation";
    Answer Everywhere "answer" ["ctrl-y"] "look at what waits for you";
    Sessions Everywhere "sessions" ["ctrl-s"] "another session";
    NewSession Everywhere "new-session" ["ctrl-n"] "a new session";
    Mode Everywhere "mode" ["shift-tab"] "the next permission mode";
    UnfoldAll Everywhere "unfold-all" ["ctrl-o"] "fold or unfold everything";
    Todos Everywhere "todos" ["ctrl-t"] "show or hide the list of things to do";
    Usage Everywhere "usage" ["f6"] "how much of the plan is used";
    Notifications Everywhere "notifications" ["f7"] "notifications, and the pause";
    HideUsage Everywhere "hide-usage" ["f9"] "hide the line about usage";
    RetryUsage Everywhere "retry-usage" ["f8"] "ask how much is used, or copy the command that logs in";
    PageUp Everywhere "page-up" ["pageup"] "a page up";
    PageDown Everywhere "page-down" ["pagedown"] "a page down";
    Top Everywhere "top" ["ctrl-home"] "to the beginning";
    Bottom Everywhere "bottom" ["ctrl-end"] "to the end, and stay there";

    Send Input "send" ["enter" "ctrl-enter"] "send";
    Newline Input "newline" ["shift-enter" "alt-enter" "ctrl-j"] "a new line";
    LeaveEmpty Input "leave-empty" ["ctrl-d"] "leave, when nothing is written";
    Left Input "left" ["left" "ctrl-b"] "left";
    Right Input "right" ["right" "ctrl-f"] "right";
    Up Input "up" ["up"] "up, or the prompt before";
    Down Input "down" ["down"] "down, or the prompt after";
    WordLeft Input "word-left" ["alt-left" "ctrl-left" "alt-b"] "a word to the left";
    WordRight Input "word-right" ["alt-right" "ctrl-right" "alt-f"] "a word to the right";
    LineStart Input "line-start" ["home" "ctrl-a"] "to the beginning of the line";
    LineEnd Input "line-end" ["end" "ctrl-e"] "to the end of the line";
    Backspace Input "backspace" ["backspace" "shift-backspace" "ctrl-h"] "remove what is before";
    Delete Input "delete" ["delete"] "remove what is after";
    CutWord Input "cut-word" ["ctrl-w" "alt-backspace" "ctrl-backspace"] "cut a word";
    CutWordRight Input "cut-word-right" ["alt-d" "ctrl-delete"] "cut the next word";
    CutToStart Input "cut-to-start" ["ctrl-u"] "cut to the beginning of the line";
    CutToEnd Input "cut-to-end" ["ctrl-k"] "cut to the end of the line";
    Yank Input "yank" ["alt-y"] "put in what was cut";
    Undo Input "undo" ["ctrl-minus" "ctrl-_"] "undo";
    Redo Input "redo" ["alt-minus" "alt-_"] "redo";
    Unfold Input "unfold-paste" ["ctrl-x"] "unfold a paste";
    Editor Input "editor" ["ctrl-g"] "write in $EDITOR";
    PasteImage Input "paste-image" ["ctrl-v" "alt-v"] "send the image in the clipboard along";
    History Input "history" ["ctrl-r"] "look for an earlier prompt";

    Next Conversation "next" ["j" "down"] "down";
    Previous Conversation "previous" ["k" "up"] "up";
    HalfDown Conversation "half-down" ["ctrl-d" "d"] "half a page down";
    HalfUp Conversation "half-up" ["ctrl-u" "u"] "half a page up";
    First Conversation "first" ["g" "home"] "to the beginning";
    Last Conversation "last" ["G" "end"] "to the end, and stay there";
    Toggle Conversation "toggle" ["enter" "space"] "fold or unfold";
    Search Conversation "search" ["/"] "look for a word";
    SearchNext Conversation "search-next" ["n"] "the next place";
    SearchPrevious Conversation "search-previous" ["N"] "the place before";
    Copy Conversation "copy" ["y"] "copy this";
    NextChange Conversation "next-change" ["]"] "the next change in a file";
    PreviousChange Conversation "previous-change" ["["] "the change before";
    SideBySide Conversation "side-by-side" ["s"] "changes side by side or one below the other";
    Keys Conversation "keys" ["?"] "all keys";

    AllowOnce Permission "allow-once" ["y" "1"] "yes, this once";
    AllowSession Permission "allow-session" ["a" "2"] "yes, for this session";
    AllowAlways Permission "allow-always" ["A" "3"] "yes, always";
    Deny Permission "deny" ["n" "4"] "no";
    DenyAndStop Permission "deny-and-stop" ["d"] "no, and stop the turn";
    EditInput Permission "edit-input" ["e"] "change what runs";
    DenyWithMessage Permission "deny-with-message" ["tab"] "no, and say why";
    ScrollDown Permission "scroll-down" ["j" "down"] "down";
    ScrollUp Permission "scroll-up" ["k" "up"] "up";
    ViewNextChange Permission "view-next-change" ["]"] "the next change in the file";
    ViewPreviousChange Permission "view-previous-change" ["["] "the change before";
    ViewSideBySide Permission "view-side-by-side" ["s"] "changes side by side or one below the other";

    OptionDown Question "option-down" ["down" "j"] "the next choice";
    OptionUp Question "option-up" ["up" "k"] "the choice before";
    Mark Question "mark" ["space"] "mark this choice";
    Confirm Question "confirm" ["enter"] "take it";
    OwnWords Question "own-words" ["tab" "o"] "answer in your own words";
    Approve Question "approve" ["y"] "approve the plan";
    Decline Question "decline" ["n"] "decline";
    PlanDown Question "plan-down" ["ctrl-d"] "down in the plan";
    PlanUp Question "plan-up" ["ctrl-u"] "up in the plan";

    ListDown List "list-down" ["down" "ctrl-n"] "the next one";
    ListUp List "list-up" ["up" "ctrl-p"] "the one before";
    Choose List "choose" ["enter" "tab"] "take it";
    LetGo List "let-go" ["ctrl-d" "delete"] "let a message go that waits";
    Everywhere List "list-everywhere" ["ctrl-t"] "sessions of this directory or of all";

    AskForLock Observer "ask-for-lock" ["r"] "ask for the input lock";

    UsageDown Usage "usage-down" ["j" "down"] "down";
    UsageUp Usage "usage-up" ["k" "up"] "up";
    UsageRefresh Usage "usage-refresh" ["r"] "ask how much is used now";
    CopyLogin Usage "copy-login" ["y"] "copy the command that logs in";

    NoticeDown Notices "notice-down" ["j" "down"] "the next one";
    NoticeUp Notices "notice-up" ["k" "up"] "the one before";
    OpenNotice Notices "open-notice" ["enter"] "go to its session";
    DismissNotice Notices "dismiss-notice" ["d" "delete"] "take it away";
    AllowNotice Notices "allow-notice" ["Y"] "yes, this once";
    DenyNotice Notices "deny-notice" ["N"] "no";
    Pause5 Notices "pause-5" ["5"] "tell nothing for 5 minutes";
    Pause15 Notices "pause-15" ["f"] "tell nothing for 15 minutes";
    Pause30 Notices "pause-30" ["t"] "tell nothing for 30 minutes";
    PauseUntilReset Notices "pause-until-reset" ["r"] "tell nothing until a quota begins anew";
    EndPause Notices "end-pause" ["e"] "end the pause";
}

/// Whether something is done in a place of its own.
pub fn is_of(action: Do, place: Place) -> bool {
    ACTIONS
        .iter()
        .any(|entry| entry.action == action && entry.place == place)
}

/// Keys and what they do.
#[derive(Debug, Clone)]
pub struct Keymap {
    bound: BTreeMap<(Place, Key), Do>,
}

/// Why other keys cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// There is no such action.
    #[error(
        "there is nothing called `{0}` that a key could do; `betcode keys` lists what there is"
    )]
    NoAction(String),
    /// That is no key.
    #[error("{action}: {error}")]
    NoKey {
        /// For which action.
        action: String,
        /// What is wrong.
        error: crate::key::NoKey,
    },
    /// Two actions want the same key.
    #[error("{place}: {key} is bound to {one} and to {other}")]
    Twice {
        /// Where.
        place: &'static str,
        /// The key.
        key: Key,
        /// One of them.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
}

impl Conflict {
    /// The names of what it is about.
    pub fn actions(&self) -> Vec<&str> {
        match self {
            Self::NoAction(name) => vec![name],
            Self::NoKey { action, .. } => vec![action],
            Self::Twice { one, other, .. } => vec![one, other],
        }
    }
}

impl Keymap {
    /// The usual keys with others from the settings: an action's name and its keys, none to take them away. All that is wrong
    /// with them is told at once.
    pub fn new(others: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<Conflict>> {
        let mut conflicts = Vec::new();
        for name in others.keys() {
            if !ACTIONS.iter().any(|entry| entry.name == name) {
                conflicts.push(Conflict::NoAction(name.clone()));
            }
        }
        let mut bound: BTreeMap<(Place, Key), &Entry> = BTreeMap::new();
        for entry in ACTIONS {
            let keys: Vec<&str> = match others.get(entry.name) {
                Some(keys) => keys.iter().map(String::as_str).collect(),
                None => entry.keys.to_vec(),
            };
            for text in keys {
                let key = match text.parse::<Key>() {
                    Ok(key) => key,
                    Err(error) => {
                        conflicts.push(Conflict::NoKey {
                            action: entry.name.to_owned(),
                            error,
                        });
                        continue;
                    }
                };
                if let Some(other) = bound.insert((entry.place, key), entry)
                    && other.action != entry.action
                {
                    conflicts.push(Conflict::Twice {
                        place: entry.place.name(),
                        key,
                        one: other.name,
                        other: entry.name,
                    });
                }
            }
        }
        conflicts.extend(shadows(&bound, others));
        if conflicts.is_empty() {
            let bound = bound
                .into_iter()
                .map(|(at, entry)| (at, entry.action))
                .collect();
            Ok(Self { bound })
        } else {
            Err(conflicts)
        }
    }

    /// What a key does in a place.
    pub fn get(&self, place: Place, key: Key) -> Option<Do> {
        let bound = |place| self.bound.get(&(place, key)).copied();
        bound(place).or_else(|| bound(Place::Everywhere))
    }

    /// The first key that does something, for hints.
    pub fn key(&self, action: Do) -> Option<Key> {
        let entry = ACTIONS.iter().find(|entry| entry.action == action)?;
        let usual = entry.keys.iter().filter_map(|key| key.parse().ok());
        let mut usual = usual.filter(|key| self.bound.get(&(entry.place, *key)) == Some(&action));
        usual.next().or_else(|| self.keys(action).next())
    }

    /// All keys that do something.
    pub fn keys(&self, action: Do) -> impl Iterator<Item = Key> {
        let bound = self.bound.iter();
        bound
            .filter(move |(_, bound)| **bound == action)
            .map(|((_, key), _)| *key)
    }
}

/// Keys from the settings that would mean one thing in a place and another everywhere. Where the usual keys have that, it is
/// meant.
fn shadows(
    bound: &BTreeMap<(Place, Key), &Entry>,
    others: &BTreeMap<String, Vec<String>>,
) -> Vec<Conflict> {
    let is_usual = |entry: &Entry, key: Key| {
        let mut usual = entry
            .keys
            .iter()
            .filter_map(|text| text.parse::<Key>().ok());
        usual.any(|usual| usual == key)
    };
    let mut shadows = Vec::new();
    for ((place, key), entry) in bound {
        let everywhere = bound.get(&(Place::Everywhere, *key));
        let Some(other) = everywhere.filter(|other| other.action != entry.action) else {
            continue;
        };
        let is_chosen = others.contains_key(entry.name) || others.contains_key(other.name);
        let is_meant = is_usual(entry, *key) && is_usual(other, *key);
        if is_chosen && !is_meant {
            shadows.push(Conflict::Twice {
                place: place.name(),
                key: *key,
                one: other.name,
                other: entry.name,
            });
        }
    }
    shadows
}

impl Default for Keymap {
    fn default() -> Self {
        // A test holds that the usual keys have no conflicts.
        Self::new(&BTreeMap::new()).unwrap_or(Self {
            bound: BTreeMap::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(lines: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let line = |(name, keys): &(&str, &[&str])| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            ((*name).to_owned(), keys)
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_usual_keys_have_no_conflicts_and_names_are_unique() {
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        for entry in ACTIONS {
            assert_eq!(
                keymap.key(entry.action).map(|key| key.to_string()),
                entry.keys.first().map(|key| (*key).to_owned())
            );
            assert_eq!(
                ACTIONS
                    .iter()
                    .filter(|other| other.name == entry.name)
                    .count(),
                1,
                "{}",
                entry.name
            );
        }
    }

    #[test]
    fn a_place_has_a_key_before_everywhere() {
        let keymap = Keymap::default();
        let tab = "tab".parse().unwrap();
        assert_eq!(keymap.get(Place::Input, tab), Some(Do::Focus));
        assert_eq!(
            keymap.get(Place::Permission, tab),
            Some(Do::DenyWithMessage)
        );
    }

    #[test]
    fn other_keys_take_the_place_of_the_usual_ones() {
        let keymap = Keymap::new(&others(&[
            ("send", &["ctrl-enter"]),
            ("newline", &["enter"]),
            ("help", &[]),
        ]))
        .unwrap();
        assert_eq!(
            keymap.get(Place::Input, "enter".parse().unwrap()),
            Some(Do::Newline)
        );
        assert_eq!(keymap.key(Do::Send).unwrap().to_string(), "ctrl-enter");
        assert_eq!(keymap.key(Do::Help), None);
    }

    #[test]
    fn a_key_that_means_something_everywhere_is_not_taken_in_one_place_unless_it_is_free() {
        for (lines, told) in [
            (
                &[("send", &["ctrl-y"][..])][..],
                "input: ctrl-y is bound to answer and to send",
            ),
            (
                &[("todos", &["ctrl-k"])],
                "input: ctrl-k is bound to todos and to cut-to-end",
            ),
            (&[("send", &["ctrl-y"]), ("answer", &["f2"])], ""),
            // As it is without settings.
            (&[("focus", &["tab"]), ("choose", &["tab"])], ""),
        ] {
            let keymap = Keymap::new(&others(lines));
            let conflicts = keymap.err().unwrap_or_default();
            let conflicts: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
            let wanted: Vec<_> = Some(told)
                .filter(|told| !told.is_empty())
                .into_iter()
                .collect();
            assert_eq!(conflicts, wanted);
        }
    }

    #[test]
    fn everything_wrong_with_other_keys_is_told() {
        let wrong = Keymap::new(&others(&[
            ("sent", &["x"]),
            ("copy", &["n"]),
            ("deny", &["hyper-n"]),
        ]))
        .unwrap_err();
        let told: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("nothing called `sent`"), "{told:?}");
        assert!(
            told.iter()
                .any(|line| line == "conversation: n is bound to search-next and to copy"),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|line| line.starts_with("deny: `hyper-n` is no key")),
            "{told:?}"
        );
    }
}
