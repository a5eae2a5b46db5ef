//! What is open over everything else: help, pickers, the palette, a search. The uppermost gets the keys first.

use betcode_client::Summary;
use betcode_core::event::ClientInfo;
use betcode_core::time::Timestamp;

use crate::completion::{Item, List};
use crate::composer::Composer;
use crate::keymap::{ACTIONS, Keymap};

/// One of them.
#[derive(Debug)]
pub enum Layer {
    /// All keys; how many rows are above what is shown.
    Help {
        /// Rows above.
        scroll: usize,
    },
    /// A list to choose from.
    Pick(Pick),
    /// A word to look for in the conversation.
    Search(Composer),
    /// Somebody asks for the input lock.
    Lock {
        /// Who.
        asker: ClientInfo,
        /// From when on it takes answers; none before it was seen.
        listens: Option<Timestamp>,
    },
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
        }
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
