//! A notification of the desktop: its words, its buttons and how long it stays, as pure functions of what the daemon tells.
//!
//! Laws: without the ability to show buttons there are none; a body is escaped where it is read as markup; texts are bounded.

use betcode_client::Notification;
use betcode_core::notify::{Choice, Class, Kind};

use crate::text::{block, line, markup};

/// The name of what is done when the notification itself is clicked.
pub const DEFAULT: &str = "default";

const TITLE: usize = 80;
const BODY: usize = 500;

/// What the service of the desktop can show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Buttons.
    pub actions: bool,
    /// Bodies are read as markup.
    pub markup: bool,
}

impl Abilities {
    /// Read from the words with which a service describes itself.
    pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut abilities = Self::default();
        for word in words {
            abilities.actions |= word == "actions";
            abilities.markup |= word == "body-markup";
        }
        abilities
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It goes by itself.
    Normal,
    /// It goes by itself, and passes modes in which others do not.
    Critical,
}

/// A notification of the desktop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// Its first line.
    pub title: String,
    /// The rest, as the service reads it.
    pub body: String,
    /// The word and the label of each button.
    pub buttons: Vec<(&'static str, &'static str)>,
    /// How much it matters.
    pub urgency: Urgency,
    /// Whether it stays until somebody takes it away.
    pub stays: bool,
}

impl Toast {
    /// What the daemon tells.
    pub fn of(notification: &Notification, abilities: Abilities) -> Self {
        let kind = Kind::of_word(&notification.kind);
        let choices = notification.choices.iter().map(String::as_str);
        let choices: Vec<Choice> = choices.filter_map(Choice::of_word).collect();
        // A click on the notification itself opens what it is about. Desktops that have buttons for everything show one for
        // that, too; a second one would be one too many.
        let button = |it: &Choice| match it {
            Choice::Open => (DEFAULT, it.label()),
            it => (it.word(), it.label()),
        };
        let mut buttons: Vec<_> = choices.iter().map(button).collect();
        if !abilities.actions {
            buttons.clear();
        }
        let body = block(&notification.body, BODY);
        Self {
            title: line(&notification.title, TITLE),
            body: if abilities.markup {
                markup(&body).into_owned()
            } else {
                body
            },
            buttons,
            urgency: match kind {
                Some(Kind::UsageCritical | Kind::TokenExpired | Kind::SessionError) => {
                    Urgency::Critical
                }
                _ => Urgency::Normal,
            },
            stays: kind.is_some_and(|kind| kind.class() == Class::Waiting),
        }
    }

    /// Something that this program says by itself. It has no buttons.
    pub fn own(title: &str, body: &str) -> Self {
        Self {
            title: line(title, TITLE),
            body: block(body, BODY),
            buttons: Vec::new(),
            urgency: Urgency::Normal,
            stays: false,
        }
    }

    /// The same for a service that reads bodies as markup, or does not.
    #[must_use]
    pub fn for_service(mut self, abilities: Abilities) -> Self {
        if abilities.markup {
            self.body = markup(&self.body).into_owned();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission() -> Notification {
        Notification {
            id: Some(1),
            kind: "permission".into(),
            session_id: None,
            request_id: None,
            title: "Permission Required".into(),
            body: "BetCode wants to run: echo <a> & b".into(),
            choices: ["allow", "deny", "open", "of-tomorrow"]
                .map(String::from)
                .into(),
            at: None,
            replaces: None,
        }
    }

    #[test]
    fn buttons_are_shown_only_where_there_can_be_some() {
        let can = Abilities::read(["body", "actions"]);
        let toast = Toast::of(&permission(), can);
        let words: Vec<_> = toast.buttons.iter().map(|it| it.0).collect();
        assert_eq!(words, ["allow", "deny", "default"]);
        assert!(toast.stays);
        let toast = Toast::of(&permission(), Abilities::read(["body"]));
        assert_eq!(toast.buttons, []);
    }

    #[test]
    fn a_body_is_escaped_where_it_is_markup_and_nowhere_else() {
        let plain = Toast::of(&permission(), Abilities::read(["body"]));
        assert!(plain.body.ends_with("echo <a> & b"));
        let rich = Toast::of(&permission(), Abilities::read(["body-markup"]));
        assert!(rich.body.ends_with("echo &lt;a&gt; &amp; b"));
        let own = Toast::own("a", "<b>").for_service(Abilities::read(["body-markup"]));
        assert_eq!(own.body, "&lt;b&gt;");
    }

    #[test]
    fn texts_are_bounded() {
        let mut long = permission();
        long.title = "x".repeat(10_000);
        long.body = "<".repeat(10_000);
        let toast = Toast::of(&long, Abilities::default());
        assert_eq!(
            (toast.title.chars().count(), toast.body.chars().count()),
            (TITLE, BODY)
        );
    }

    #[test]
    fn what_does_not_wait_goes_by_itself() {
        let kind = |word: &str| {
            let toast = Toast::of(
                &Notification {
                    kind: word.into(),
                    ..permission()
                },
                Abilities::default(),
            );
            (toast.stays, toast.urgency)
        };
        assert_eq!(kind("usage_warning"), (false, Urgency::Normal));
        assert_eq!(kind("usage_critical"), (false, Urgency::Critical));
        assert_eq!(kind("question"), (true, Urgency::Normal));
        assert_eq!(kind("of-tomorrow"), (false, Urgency::Normal));
    }
}
