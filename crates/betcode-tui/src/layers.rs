//! What is open over everything else: help, pickers, the palette, a search. The uppermost gets the keys first.

use betcode_client::Summary;
use betcode_core::event::ClientInfo;
use betcode_core::time::Timestamp;

use crate::completion::{Item, List};
use crate::composer::Composer;
use crate::finds::{Find, Finds};
use crate::keymap::{ACTIONS, Keymap};
use crate::notices::Pane;

/// One of them.
#[derive(Debug)]
pub enum Layer {
    /// All keys; how many rows are above what is shown.
    Help {
        /// Rows above.
        scroll: usize,
    },
    /// A list to choose from.
    Pick(Box<Pick>),
    /// A word to look for in the conversation.
    Search(Box<Composer>),
    /// Somebody asks for the input lock.
    Lock {
        /// Who.
        asker: ClientInfo,
        /// From when on it takes answers; none before it was seen.
        listens: Option<Timestamp>,
    },
    /// The use of plans; how many rows are above what is shown.
    Usage {
        /// Rows above.
        scroll: usize,
    },
    /// Notifications.
    Notices(Box<Pane>),
}

/// A list to choose from.
#[derive(Debug)]
pub struct Pick {
    /// What is chosen from it.
    pub what: What,
    /// What is being written to find it.
    pub query: Composer,
    /// The list.
    pub list: List,
    /// Nothing has come yet.
    pub waiting: bool,
    /// The sessions behind the items, for a list of sessions.
    pub sessions: Vec<Summary>,
    /// All sessions that have come, also those of other directories.
    pub known: Vec<Summary>,
    /// Only sessions of this directory.
    pub here: Option<String>,
    /// What was said in sessions; it stands below the items.
    pub finds: Finds,
    /// Which of that is chosen, instead of an item.
    pub find: Option<usize>,
}

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Sessions of this machine.
    Sessions,
    /// Everything that can be done.
    Palette,
    /// Earlier prompts.
    History,
    /// Models of the agent.
    Models,
    /// Colours.
    Themes,
    /// Agents, for a new session.
    Agents,
    /// Messages that wait.
    Queue,
}

impl What {
    /// What stands over the list.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Palette => "What can be done",
            Self::History => "Earlier prompts",
            Self::Models => "Model",
            Self::Themes => "Colours",
            Self::Agents => "Agent of a new session here",
            Self::Queue => "Waiting messages",
        }
    }
}

impl Pick {
    /// A list of these.
    pub fn new(what: What, items: Vec<Item>, width: u16) -> Self {
        Self {
            what,
            query: Composer::new(width),
            list: List::new(items),
            waiting: false,
            sessions: Vec::new(),
            known: Vec::new(),
            here: None,
            finds: Finds::default(),
            find: None,
        }
    }

    /// Chooses another one, so many places further, through the items and what was found; beyond an end comes the other one.
    pub fn step(&mut self, places: isize) {
        let (items, finds) = (self.list.len(), self.finds.all().len());
        if finds == 0 {
            self.find = None;
            return self.list.step(places);
        }
        let count = isize::try_from(items + finds).unwrap_or(isize::MAX);
        let now = match self.chosen_find() {
            Some(place) => items + place,
            None => self.list.chosen_place(),
        };
        let next = isize::try_from(now)
            .unwrap_or_default()
            .saturating_add(places);
        let next = usize::try_from(next.rem_euclid(count)).unwrap_or_default();
        self.find = next.checked_sub(items);
        self.list.choose(next);
    }

    /// Which of what was found is chosen; with no item, the first.
    pub fn chosen_find(&self) -> Option<usize> {
        let count = self.finds.all().len();
        let first = (self.list.is_empty() && count > 0).then_some(0);
        self.find.filter(|place| *place < count).or(first)
    }

    /// The place in a session that is chosen.
    pub fn found(&self) -> Option<&Find> {
        self.finds.all().get(self.chosen_find()?)
    }

    /// A list that is still to come.
    pub fn waiting(what: What, width: u16) -> Self {
        Self {
            waiting: true,
            ..Self::new(what, Vec::new(), width)
        }
    }

    /// The palette: everything that has a meaning here, with its keys.
    pub fn palette(keymap: &Keymap, commands: &[String], width: u16) -> Self {
        let ours = ACTIONS
            .iter()
            .filter(|entry| crate::update::commands::is_general(entry.action))
            .map(|entry| Item {
                label: entry.about.into(),
                detail: keymap
                    .key(entry.action)
                    .map(|key| key.to_string())
                    .unwrap_or_default()
                    .into(),
                hint: entry.name.into(),
            });
        let own = crate::update::commands::COMMANDS
            .iter()
            .map(|command| Item {
                label: format!("/{}", command.name).into(),
                detail: command.about.into(),
                hint: command.hint.into(),
            });
        let agents = commands.iter().map(|name| Item {
            label: format!("/{name}").into(),
            detail: "the agent's".into(),
            hint: "".into(),
        });
        Self::new(
            What::Palette,
            ours.chain(own).chain(agents).collect(),
            width,
        )
    }
}
