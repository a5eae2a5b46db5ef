//! Everything that the client knows: the session and its conversation, what is being written, what is open, and where one looks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use betcode_client::Summary;
use betcode_core::event::{ClientInfo, PermissionRequest, Question, UserInput};
use betcode_core::id::{ClientId, IdempotencyKey, RequestId, Sequence, SessionId};
use betcode_core::time::Timestamp;
use ratatui::layout::{Position, Rect};

use crate::completion::List;
use crate::composer::{Burst, Composer, Part};
use crate::inline::Inline;
use crate::keymap::Keymap;
use crate::layers::Layer;
use crate::marking::{Marking, Shown};
use crate::notices::Notices;
use crate::plain::Plain;
use crate::prompt::{Prompt, QuestionPrompt};
use crate::seek::Seek;
use crate::session::Session;
use crate::theme::Theme;
use crate::tour::Tour;
use crate::transcript::Transcript;
use crate::update::images::Images;
use crate::update::waiting::Waiting;
use crate::usage::Usage;

mod due;

/// How long a remark at the bottom stays.
pub const REMARK: Duration = Duration::from_secs(5);
/// How many prompts are remembered.
const HISTORY: usize = 500;

/// The state.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and none contradicts another"
)]
pub struct Model {
    /// Who this is.
    pub me: ClientInfo,
    /// Which key does what.
    pub keymap: Keymap,
    /// How things look.
    pub theme: Theme,
    /// What the user prefers.
    pub taste: Taste,
    /// Columns of the screen.
    pub width: u16,
    /// Rows of the screen.
    pub height: u16,
    /// Whether the terminal has the focus.
    pub focused: bool,
    /// The time of the last message.
    pub now: Timestamp,
    /// The session; one that does not exist yet has no number in the log.
    pub session: Session,
    /// Whether the session exists.
    pub exists: bool,
    /// How the session is reached.
    pub link: Link,
    /// The daemon cannot record anything, for this reason.
    pub trouble: Option<String>,
    /// The conversation.
    pub transcript: Transcript,
    /// What the log had when this client came to it.
    pub since: Sequence,
    /// The number of the newest event that is known.
    pub head: Sequence,
    /// Nothing is before the window.
    pub at_beginning: bool,
    /// A part of the log has been asked for.
    pub reading: bool,
    /// Where one looks.
    pub look: Look,
    /// What is looked for in the conversation.
    pub seek: Option<Seek>,
    /// What is being written.
    pub composer: Composer,
    /// Keys that come too fast for a person.
    pub burst: Burst,
    /// Prompts of before, the latest at the end.
    pub history: Vec<Arc<str>>,
    /// Prompts of other sessions in the same directory, the latest at the end.
    pub past: Vec<Arc<str>>,
    /// What is known of messages that wait, beside the session's own queue.
    pub waiting: Waiting,
    /// Messages that are on their way.
    pub pending: Vec<Pending>,
    /// Who gets the keys.
    pub focus: Focus,
    /// What waits for an answer and is open.
    pub prompt: Option<Prompt>,
    /// A question that was put off with some of its answers given.
    pub half_answered: Option<QuestionPrompt>,
    /// What is open over everything, the uppermost at the end.
    pub layers: Vec<Layer>,
    /// A remark at the bottom, and until when.
    pub remark: Option<(String, Timestamp)>,
    /// When the last key was pressed.
    pub last_key: Timestamp,
    /// When everything had been taken in that was typed, the last time that this was of importance.
    pub heard: Timestamp,
    /// The last key was one that asks to be pressed again.
    pub armed: Option<Armed>,
    /// The list of things to do is shown.
    pub todos: bool,
    /// A file list was asked for, and what came.
    pub files: Option<Vec<String>>,
    /// A list for what is being written.
    pub popup: Option<Popup>,
    /// What was read and put off last.
    pub read: Option<RequestId>,
    /// The terminal takes so long to show something and to send a key for it.
    pub lag: Duration,
    /// Who asked for the input lock when that was put off.
    pub put_off_asker: Option<ClientId>,
    /// So many requests waited when a prompt was put off: it opens by itself when another one comes.
    pub put_off: usize,
    /// Answers that are on their way, and to what.
    pub answered: Vec<(IdempotencyKey, RequestId)>,
    /// The images of what is being written.
    pub images: Images,
    /// What of the input is kept.
    pub draft: Draft,
    /// Other sessions that wait for somebody.
    pub elsewhere: BTreeMap<SessionId, Summary>,
    /// It is over.
    pub left: bool,
    /// How far the conversation is printed, when it is left to the terminal's own scrollback.
    pub inline: Option<Inline>,
    /// Line mode, where there is no screen. It has [`Model::inline`] too.
    pub plain: Option<Plain>,
    /// A guided tour.
    pub tour: Option<Tour>,
    /// The use of plans.
    pub usage: Usage,
    /// Notifications.
    pub notices: Notices,
}

/// What the user prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own, switched by its name"
)]
pub struct Taste {
    /// The mouse is taken, for its wheel.
    pub mouse: bool,
    /// Nothing moves only to show that something runs.
    pub reduced_motion: bool,
    /// The terminal notifies of what happens while nobody looks.
    pub notify: bool,
    /// The input takes vim's keys.
    pub vim: bool,
    /// The terminal shows that a turn runs, where it can.
    pub progress: bool,
    /// What is sent is kept for other sessions in the same directory.
    pub history: bool,
}

impl Default for Taste {
    fn default() -> Self {
        Self {
            mouse: true,
            reduced_motion: false,
            notify: true,
            vim: false,
            progress: true,
            history: true,
        }
    }
}

/// A list for what is being written: commands, or files.
#[derive(Debug)]
pub struct Popup {
    /// It is a list of files.
    pub files: bool,
    /// What of the text is replaced by what is chosen.
    pub range: std::ops::Range<usize>,
    /// The list.
    pub list: List,
}

/// How the session is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// For the first time.
    Connecting,
    /// It is.
    Connected,
    /// The connection is lost and being made again.
    Reconnecting {
        /// When the next attempt is made.
        next: Timestamp,
        /// What happened.
        cause: String,
    },
    /// There will be none, for this reason.
    Ended(String),
}

/// Who gets the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The input.
    Input,
    /// The conversation.
    Conversation,
}

/// What the next key of the same kind does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Armed {
    /// Interrupts the turn.
    Interrupt,
    /// Leaves.
    Leave,
}

/// A message that is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The key of its command.
    pub key: IdempotencyKey,
    /// What it is made of.
    pub parts: Vec<Part>,
    /// The text.
    pub text: String,
    /// When it was sent.
    pub at: Timestamp,
    /// Why it was refused; it stays until it has been sent again or let go.
    pub refused: Option<String>,
}

/// Whose the input is that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftOf {
    /// A session.
    Session(SessionId),
    /// The next new session in this directory.
    New(String),
}

/// What of the input is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Whose it is.
    pub of: DraftOf,
    /// The revision of the input that is kept.
    pub kept: u64,
}

/// From one thing to another of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The one below.
    Next,
    /// The one above.
    Previous,
}

/// Where in the conversation one looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The entry at the top and the row of it; none to stay at the end.
    pub top: Option<(Sequence, usize)>,
    /// Rows to be moved at the next drawing.
    pub by: i32,
    /// The entry that is chosen.
    pub chosen: Option<Sequence>,
    /// Everything is unfolded.
    pub unfolded: bool,
    /// Changes are shown side by side.
    pub side_by_side: bool,
    /// The places of the entries that were drawn last.
    pub visible: std::ops::Range<usize>,
    /// How many rows there were for them.
    pub rows: usize,
    /// What came since one looks elsewhere than at the end.
    pub unseen: usize,
    /// The change that is to be gone to at the next drawing.
    pub step: Option<Step>,
    /// The change that was gone to last: the entry, and which of its changes.
    pub change: Option<(Sequence, usize)>,
    /// Where to go as soon as that part of the log is here.
    pub goal: Option<Sequence>,
    /// What is marked with the mouse.
    pub marking: Marking,
    /// Which rows of the screen showed what, at the last drawing.
    pub shown: Vec<Shown>,
    /// Where it says how much is below, at the last drawing.
    pub more: Rect,
}

impl Look {
    /// Whether this is where it says how much is below.
    pub(crate) const fn is_on_more(&self, x: u16, y: u16) -> bool {
        self.more.contains(Position { x, y })
    }
}

/// What a client begins with.
#[derive(Debug)]
pub struct Beginning {
    /// Who this is.
    pub me: ClientInfo,
    /// The session to be made with the first message, or the one that is about to be opened.
    pub session: Session,
    /// Whether it is there already.
    pub exists: bool,
    /// Which key does what.
    pub keymap: Keymap,
    /// How things look.
    pub theme: Theme,
    /// What the user prefers.
    pub taste: Taste,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Now.
    pub now: Timestamp,
}

impl Model {
    /// The state at the beginning.
    pub fn new(beginning: Beginning) -> Self {
        let Beginning {
            me,
            session,
            exists,
            keymap,
            theme,
            taste,
            size: (width, height),
            now,
        } = beginning;
        let draft = Draft {
            of: if exists {
                DraftOf::Session(session.id)
            } else {
                DraftOf::New(session.cwd.clone())
            },
            kept: 0,
        };
        let mut composer = Composer::new(width);
        composer.set_vim(taste.vim);
        Self {
            me,
            keymap,
            theme,
            taste,
            width,
            height,
            focused: true,
            now,
            session,
            exists,
            link: Link::Connecting,
            trouble: None,
            transcript: Transcript::default(),
            since: Sequence(0),
            head: Sequence(0),
            at_beginning: !exists,
            reading: false,
            look: Look::default(),
            seek: None,
            composer,
            burst: Burst::default(),
            history: Vec::new(),
            past: Vec::new(),
            waiting: Waiting::default(),
            pending: Vec::new(),
            focus: Focus::Input,
            prompt: None,
            half_answered: None,
            layers: Vec::new(),
            remark: None,
            last_key: Timestamp(0),
            heard: Timestamp(0),
            armed: None,
            todos: true,
            files: None,
            popup: None,
            read: None,
            lag: Duration::ZERO,
            put_off_asker: None,
            put_off: 0,
            answered: Vec::new(),
            images: Images::default(),
            draft,
            elsewhere: BTreeMap::new(),
            left: false,
            inline: None,
            plain: None,
            tour: None,
            usage: Usage::default(),
            notices: Notices::default(),
        }
    }

    /// Says something at the bottom for a while.
    pub fn say(&mut self, text: impl Into<String>) {
        self.remark = Some((text.into(), self.now.plus(REMARK)));
    }

    /// Whether somebody else is to be asked before anything can be done.
    pub fn observes(&self) -> bool {
        self.session.is_observed_by(&self.me)
    }

    /// Whether the window reaches to the newest event.
    pub fn is_at_head(&self) -> bool {
        self.transcript.to() >= self.head
    }

    /// Whether the end of the conversation is in the window, or there is none.
    pub(crate) fn knows_its_end(&self) -> bool {
        let read = self.at_beginning || !self.transcript.list().is_empty();
        !self.exists || (!self.reading && read)
    }

    /// How many entries the window has to keep at its end, so that none is let go that is still to be printed.
    pub(crate) fn to_be_kept(&self, at_least: usize) -> usize {
        let list = self.transcript.list();
        let unprinted = self.inline.as_ref().map_or(0, |inline| {
            let (Ok(place) | Err(place)) = list.place(inline.cursor.printed);
            list.len() - place.min(list.len())
        });
        at_least.max(unprinted)
    }

    /// Remembers a prompt.
    pub(crate) fn remember(&mut self, input: &UserInput) {
        if self
            .history
            .last()
            .is_some_and(|last| **last == *input.text)
        {
            return;
        }
        self.history.push(input.text.as_str().into());
        if self.history.len() > HISTORY {
            self.history.remove(0);
        }
    }

    /// Another session takes the place of this one.
    pub(crate) fn switch(&mut self, session: Session, exists: bool) {
        if let Some(inline) = &mut self.inline {
            inline.switch(self.session.id, session.id);
        }
        if self.session.cwd != session.cwd {
            self.past.clear();
        }
        self.waiting = Waiting::default();
        self.session = session;
        self.exists = exists;
        self.link = Link::Connecting;
        self.trouble = None;
        self.transcript = Transcript::default();
        self.since = Sequence(0);
        self.head = Sequence(0);
        self.at_beginning = !exists;
        self.reading = false;
        self.look = Look {
            unfolded: self.look.unfolded,
            side_by_side: self.look.side_by_side,
            ..Look::default()
        };
        self.seek = None;
        self.history.clear();
        self.pending.clear();
        self.prompt = None;
        self.popup = None;
        self.put_off = 0;
        self.put_off_asker = None;
        self.answered.clear();
        self.focus = Focus::Input;
        self.armed = None;
        self.files = None;
        self.draft.of = self.draft_of();
    }

    /// Whether the terminal is to notify of what happens now.
    pub(crate) const fn notifies(&self) -> bool {
        self.taste.notify && !self.focused
    }

    /// The requests for permission that wait for an answer: one on its way to the daemon is an answer.
    pub(crate) fn permissions(&self) -> impl Iterator<Item = &PermissionRequest> {
        let all = self.session.permissions.iter();
        all.filter(|request| !self.is_answered(&request.id))
    }

    /// The questions that wait for an answer.
    pub(crate) fn questions(&self) -> impl Iterator<Item = &Question> {
        let all = self.session.questions.iter();
        all.filter(|question| !self.is_answered(&question.id))
    }

    /// How much waits for an answer.
    pub(crate) fn waiting(&self) -> usize {
        self.permissions().count() + self.questions().count()
    }

    /// Whether an answer to this request is on its way.
    pub(crate) fn is_answered(&self, id: &RequestId) -> bool {
        self.answered.iter().any(|(_, answered)| answered == id)
    }

    /// A prompt is waiting until nobody types.
    pub(crate) fn waits_to_open(&self) -> bool {
        self.waiting() > 0 && self.may_be_asked()
    }

    /// Who asks for the input lock, which is this client's.
    pub(crate) fn asker(&self) -> Option<&ClientInfo> {
        let lock = &self.session.lock;
        let holder = lock.holder.as_ref()?;
        let (asker, _) = lock.requests.first()?;
        (holder.id == self.me.id).then_some(asker)
    }

    /// Whether this client has asked for the input lock and nothing has come of it yet.
    pub(crate) fn has_asked(&self) -> bool {
        let mut requests = self.session.lock.requests.iter();
        requests.any(|(by, _)| by.id == self.me.id)
    }

    /// A request for the input lock is waiting until nobody types.
    pub(crate) fn asker_waits(&self) -> bool {
        let asker = self.asker().map(|asker| asker.id);
        let is_written_in = self.prompt.as_ref().is_some_and(Prompt::is_written_in);
        let written = !self.composer.is_empty() && self.plain.is_none();
        let free = self.layers.is_empty() && !written && !is_written_in;
        free && asker.is_some() && asker != self.put_off_asker
    }

    /// Whether a prompt may open as soon as nobody types.
    pub(crate) fn may_be_asked(&self) -> bool {
        let free = self.prompt.is_none() && self.layers.is_empty();
        let free = free && (self.composer.is_empty() || self.plain.is_some());
        free && !self.observes() && self.waiting() > self.put_off
    }

    /// The id of the session that is open.
    pub const fn id(&self) -> SessionId {
        self.session.id
    }
}
