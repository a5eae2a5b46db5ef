//! What happens to the client, and what it wants done. Between the two stands [`crate::update`].

use betcode_client::session::Update;
use betcode_client::{Agent, SearchAnswer, SessionDetails, Summary};
use betcode_core::command::Action;
use betcode_core::config::ThemeChoice;
use betcode_core::event::{Attachment, Event};
use betcode_core::id::{IdempotencyKey, Sequence, SessionId};

use crate::key::Key;
use crate::model::DraftOf;
use crate::terminal::input::Mouse;

/// Something that happened.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// Something was pasted.
    Paste(String),
    /// Something is to be said to the agent, without being typed.
    Say(String),
    /// The mouse did something.
    Mouse(Mouse),
    /// The screen has another size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The terminal got or lost the focus.
    Focus(bool),
    /// The daemon was reached, or could not be.
    Reached(Result<(), String>),
    /// A session was opened, or could not be.
    Opened(Result<Box<SessionDetails>, String>),
    /// What the session's handle says.
    Session(Update),
    /// A part of the log that was asked for: the events, and whether there is nothing beyond.
    Page {
        /// Which part.
        towards: Towards,
        /// The events in their order, or why there are none.
        events: Result<Vec<Event>, String>,
    },
    /// One of the sessions of this directory is to be chosen.
    ChooseSession,
    /// The sessions of this machine.
    Sessions(Result<Vec<Summary>, String>),
    /// Something about other sessions.
    Elsewhere(Elsewhere),
    /// Something about the use of plans.
    Usage(crate::usage::News),
    /// Something about notifications.
    Notices(crate::notices::News),
    /// An image, or why there is none.
    Image(Image, Result<Attachment, String>),
    /// What was kept of an input.
    Draft(DraftOf, String),
    /// What was sent before in a directory, the latest at the end.
    Past {
        /// The directory.
        of: String,
        /// The prompts, or why they cannot be kept or read.
        prompts: Result<Vec<String>, String>,
    },
    /// What was found in sessions.
    Found {
        /// The words that were looked for.
        words: String,
        /// What was found, or why nothing could be.
        answer: Result<SearchAnswer, String>,
    },
    /// A part of the log in which something is looked for.
    Scanned {
        /// Which part: the events after this number.
        after: Sequence,
        /// The events in their order, or why there are none.
        events: Result<Vec<Event>, String>,
    },
    /// The agents that there are.
    Agents(Result<Vec<Agent>, String>),
    /// The files below the session's directory.
    Files(Vec<String>),
    /// The editor was left: the text, or why there is none.
    Edited(Result<String, String>),
    /// A command of the shell has ended: what it printed.
    Shell {
        /// The command.
        command: String,
        /// What it printed, and how it ended.
        output: String,
    },
    /// What came from the terminal in line mode.
    Plain(crate::plain::Said),
    /// Something that the guided tour needed has ended: what there is to say about it.
    StuntEnded(Result<String, String>),
    /// Time has passed until the moment that was asked for.
    Wake,
}

/// What becomes known of other sessions.
#[derive(Debug)]
pub enum Elsewhere {
    /// All that there are.
    All(Vec<Summary>),
    /// One changed.
    Changed(Box<Summary>),
    /// One is gone.
    Gone(SessionId),
}

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// In a file.
    File {
        /// Its path, from the session's directory or from `~`.
        path: String,
        /// What was pasted, if it was nobody's word that this is one.
        pasted: Option<String>,
    },
    /// In the clipboard.
    Clipboard,
}

/// Which part of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    /// The newest events up to this number.
    Start(Sequence),
    /// The events after this number.
    End(Sequence),
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a command to the session.
    Send(IdempotencyKey, Box<Action>),
    /// Make a session and follow it; the first message comes as a command of its own.
    Create(SessionId),
    /// Open a session and follow it instead of the one that is open.
    Open(SessionId),
    /// Follow no session for now.
    Close,
    /// Read a part of the log.
    Read(Towards),
    /// Ask for the sessions of this machine.
    Sessions,
    /// Keep what is written and not sent.
    Keep(DraftOf, String),
    /// Say what was kept.
    Recall(DraftOf),
    /// Bring an image.
    Image(Image),
    /// Look for words in all sessions, or in those of a directory.
    Find {
        /// The words.
        words: String,
        /// The directory.
        cwd: Option<String>,
    },
    /// Read the events after this number, to look for something in them.
    Scan(Sequence),
    /// Ask for the agents that there are.
    Agents,
    /// Look for files below the session's directory.
    Files,
    /// Have a text edited in the user's editor.
    Edit(String),
    /// Run a command in the user's shell, in the session's directory.
    Shell(String),
    /// Put a text into the clipboard.
    Copy(String),
    /// Put into the clipboard what is marked.
    CopyMarked,
    /// Somebody should look here: a notification, if the terminal is out of sight.
    Notify(String),
    /// Something that the guided tour needs.
    Stunt(crate::tour::Stunt),
    /// Other colours, and so the next time.
    Theme(ThemeChoice),
    /// Somebody looks at the use of plans, or nobody does any more.
    Look,
    /// Ask the sources how much is used.
    RefreshUsage,
    /// Ask how the use of windows went.
    UsageHistory,
    /// Ask for the notifications.
    Notices,
    /// Do something about notifications.
    Notice(crate::notices::Wish),
    /// Draw everything again.
    Redraw,
    /// Back to the shell until the job is continued.
    Suspend,
    /// It is over.
    Leave,
}
