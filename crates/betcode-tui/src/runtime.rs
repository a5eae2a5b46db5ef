//! The loop: the terminal, the session's handle, and time on one side, the state and the screen on the other. The only place
//! that knows them all.
//!
//! 1. Whatever has come is taken in (`update`) until nothing more is there, and what it asks for is begun.
//! 2. A frame is drawn when something may have changed: at once after a key, otherwise at most every `FRAME`; never while
//!    the terminal still takes the last one. Nothing is written while nothing changes.
//! 3. It waits for the next thing.
//!
//! Every way out gives the terminal back as it was found.

mod away;
mod drafts;
mod engine;
mod known;
mod lines;
mod link;
mod outside;
mod parking;
mod past;
mod plans;
mod progress;
mod show;
pub mod signals;
mod time;

pub use outside::remember;

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use betcode_client::feed::Feed;
use betcode_client::session::{Handle, Open, Position};
use betcode_client::{ConnectError, Connection, Summary};
use betcode_core::command::StartSession;
use betcode_core::event::{Attachment, ClientInfo};
use betcode_core::id::{Sequence, SessionId};
use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::layout::Size;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use crate::inline::Inline;
use crate::keymap::Keymap;
use crate::model::Taste;
use crate::msg::{Effect, Msg};
use crate::terminal::environment::{Multiplexer, Surroundings};
use crate::terminal::input::{Event, Input, Reply};
use crate::terminal::notify;
use crate::terminal::probe::{Found, QUESTIONS, WHERE};
use crate::terminal::reader::{Read, Reader};
use crate::terminal::screen::{Place, Screen};
use crate::terminal::tty::Tty;
use crate::terminal::writer::Writer;
use crate::text::highlight::Highlighter;
use crate::theme::{Chosen, Ground, Theme};
use crate::tour::{Stunt, Tour};
use crate::usage::Lack;
use crate::view;
use engine::Engine;
pub use lines::run_lines;
use parking::Parking;
use progress::Shown;
use signals::Signals;
use time::far;

/// The time between two frames of what streams: more than anybody can read, and less than makes the terminal work.
const FRAME: Duration = Duration::from_millis(50);
/// How long the terminal gets to take the last frame before it is given back.
const PARTING: Duration = Duration::from_millis(200);
/// The longest time that a terminal is taken to need for showing something and sending a key for it.
const LAG: Duration = Duration::from_secs(2);

/// A future that owns what it needs.
pub type Owned<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How sessions are reached. Who made it knows the daemon, and whether it may be started.
pub trait Access: Send + Sync {
    /// A connection for a few calls.
    fn connect(&self) -> Owned<Result<Connection, ConnectError>>;

    /// Follows what happens on this machine, and comes back after every loss.
    fn watch(&self, after: Position) -> Owned<Result<Feed, ConnectError>>;

    /// Follows a session, and comes back after every loss.
    fn open(&self, open: Open) -> Owned<Result<Handle, ConnectError>>;
}

/// Reads images. Who made it knows what an agent takes.
pub trait Images: Send + Sync {
    /// The image in a file, whose path may be from a directory.
    fn file(&self, path: &str, directory: &str) -> Result<Attachment, String>;

    /// The image that these bytes are.
    fn bytes(&self, bytes: &[u8]) -> Result<Attachment, String>;
}

/// What a guided tour needs beside the conversation.
pub trait Stunts: Send + Sync {
    /// Does it in a session, to its end: what there is to say about it.
    fn perform(&self, stunt: Stunt, session: SessionId) -> Owned<Result<String, String>>;
}

/// What to begin with.
pub enum Opening {
    /// A new session; it is made with the first message.
    New {
        /// Its id.
        id: SessionId,
        /// The agent as it is shown until the session says.
        agent: String,
    },
    /// A session that exists.
    Existing(SessionId),
    /// One of the sessions of this directory, which is chosen on the screen; when none is, a new one.
    Chosen {
        /// The id of the new one.
        id: SessionId,
        /// Its agent as it is shown until the session says.
        agent: String,
    },
}

/// The terminal that a screen is shown on.
pub struct Given {
    /// The terminal.
    pub device: OwnedFd,
    /// What the environment says of it.
    pub surroundings: Surroundings,
    /// What its colours are for.
    pub theme: Chosen,
    /// Whether the conversation is left to the terminal's own scrollback.
    pub place: Place,
}

/// Everything that the client is given, whatever shows it.
pub struct Setup {
    /// How sessions are reached.
    pub access: Arc<dyn Access>,
    /// Who this is.
    pub me: ClientInfo,
    /// Which key does what.
    pub keymap: Keymap,
    /// What the user prefers.
    pub taste: Taste,
    /// A guided tour, and who does what it needs.
    pub tour: Option<(Tour, Arc<dyn Stunts>)>,
    /// What to begin with.
    pub opening: Opening,
    /// What a new session is made with.
    pub start: StartSession,
    /// The first message.
    pub prompt: Option<String>,
    /// The user's editor, with its arguments.
    pub editor: Vec<String>,
    /// The user's shell.
    pub shell: String,
    /// Where drafts and files for the editor may be.
    pub directory: std::path::PathBuf,
    /// Reads images.
    pub images: Arc<dyn Images>,
    /// The wall clock.
    pub clock: fn() -> Timestamp,
    /// Where the person is.
    pub zone: TimeZone,
}

/// What remains when it is over.
#[derive(Debug)]
pub struct Ended {
    /// The session, if there was one.
    pub session: Option<SessionId>,
    /// The end of the conversation as text.
    pub tail: Vec<String>,
    /// Something is in the input that was not sent, and is there when one comes back.
    pub kept: bool,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What could not be done and ended it.
    pub problem: Option<String>,
}

/// What comes from the threads of the terminal.
enum Incoming {
    /// What was read, and when.
    Read(Read, Timestamp),
    Written,
    Coloured,
    /// Another thread has panicked, and the terminal was given back.
    Panicked,
}

/// What an errand brings back.
enum Brought {
    Msg(Msg),
    Opened(
        SessionId,
        Result<(Box<betcode_client::SessionDetails>, Handle), String>,
    ),
    Made(SessionId, Result<Handle, String>),
    Watched(Option<Box<(Vec<Summary>, Feed)>>),
    Looking(Result<plans::Watch, Lack>),
    Nothing,
    Scanned(
        SessionId,
        Sequence,
        Result<Vec<betcode_core::event::Event>, String>,
    ),
}

/// How to come back to a session, in words.
pub fn way_back(session: SessionId) -> String {
    format!("The session goes on in the daemon. To come back:\nbetcode --resume {session}")
}

/// Runs on a screen until somebody leaves.
pub async fn run(given: Given, setup: Setup) -> io::Result<Ended> {
    let mut client = Client::new(given, setup)?;
    let ended = client.run().await;
    client.writer.settle(PARTING);
    client.reader = None;
    let mut last = client.farewell();
    last.extend(client.terminal.backend_mut().leave());
    client.tty.leave(&last);
    ended
}

struct Client {
    engine: Engine,
    surroundings: Surroundings,
    theme: Chosen,
    found: Found,
    tty: Tty,
    writer: Writer,
    reader: Option<Reader>,
    sender: UnboundedSender<Incoming>,
    incoming: UnboundedReceiver<Incoming>,
    terminal: Terminal<Screen>,
    highlighter: Highlighter,
    /// A text for the user's editor.
    to_edit: Option<String>,
    /// Bytes beside the frames: a title, a copy.
    extra: Vec<u8>,
    title: String,
    /// The session that the last words name.
    named: Option<SessionId>,
    /// What is shown of the turn, where the terminal does that.
    progress: Option<Shown>,
    /// Something may have changed since the last frame, and since when.
    dirty: bool,
    /// It is to be drawn without waiting.
    urgent: bool,
    drawn: Instant,
    /// When the terminal was asked what it can do, until it has replied.
    asked: Option<Instant>,
    /// Where the terminal's cursor is while nothing is drawn.
    parking: Parking,
    /// The row of the terminal in which an inline screen begins, until it is drawn.
    begins: Option<u16>,
}

impl Client {
    fn new(given: Given, setup: Setup) -> io::Result<Self> {
        let (sender, incoming) = unbounded_channel();
        let tty = Tty::new(given.device)?;
        let panicked = sender.clone();
        tty.leave_on_panic(move || {
            // Nobody waits for it any more when it is over.
            let _ = panicked.send(Incoming::Panicked);
        });
        let size = tty.size();
        let (mut engine, prompt) = Engine::new(setup, (size.width, size.height));
        let model = &mut engine.model;
        model.theme = Theme::chosen(given.theme.now, given.surroundings.depth, Ground::default());
        let mouse = model.taste.mouse;
        let abilities = known::abilities(given.surroundings, &Found::default());
        let is_inline = given.place == Place::Inline;
        model.inline = is_inline.then(Inline::default);
        let height = if is_inline { 1 } else { size.height };
        let screen = Screen::new(given.place, Size { height, ..size }, abilities);
        let terminal = Terminal::new(screen).map_err(io::Error::other)?;
        let written = sender.clone();
        let writer = Writer::new(tty.device()?, move || {
            // Nobody waits for it any more when it is over.
            let _ = written.send(Incoming::Written);
        })?;
        let coloured = sender.clone();
        let highlighter = Highlighter::new(Arc::new(move || {
            let _ = coloured.send(Incoming::Coloured);
        }));
        let mut client = Self {
            engine,
            surroundings: given.surroundings,
            theme: given.theme,
            found: Found::default(),
            tty,
            writer,
            reader: None,
            sender,
            incoming,
            terminal,
            highlighter,
            to_edit: None,
            extra: Vec::new(),
            title: String::new(),
            named: None,
            progress: None,
            dirty: true,
            urgent: true,
            drawn: Instant::now(),
            asked: Some(Instant::now()),
            parking: Parking::default(),
            begins: None,
        };
        client.engine.open();
        if let Some(prompt) = prompt {
            client.take(Msg::Say(prompt));
        }
        let wanted = show::modes(given.place, mouse);
        let mut bytes = client.tty.enter(&wanted)?;
        bytes.extend(client.begin_progress(given.surroundings.progress));
        bytes.extend_from_slice(QUESTIONS);
        if is_inline && given.surroundings.multiplexer == Some(Multiplexer::Tmux) {
            bytes.extend_from_slice(WHERE);
            client.parking.asked(Instant::now());
        }
        client.extra = bytes;
        client.read(Input::default())?;
        Ok(client)
    }

    /// Begins to read from the terminal.
    fn read(&mut self, input: Input) -> io::Result<()> {
        let sender = self.sender.clone();
        let clock = self.engine.clock;
        let sink = move |read, at| sender.send(Incoming::Read(read, at)).is_ok();
        self.reader = Some(Reader::new(self.tty.device()?, input, clock, sink)?);
        Ok(())
    }

    async fn run(&mut self) -> io::Result<Ended> {
        let mut resized = signal(SignalKind::window_change())?;
        let mut signals = Signals::listen()?;
        let mut stops = signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?;
        let mut ended_by = None;
        let mut problem = None;
        while !self.engine.model.left {
            if let Some(text) = self.to_edit.take() {
                self.edit(text, &mut stops).await;
            }
            self.draw()?;
            let due = self.due();
            tokio::select! {
                Some(incoming) = self.incoming.recv() => {
                    self.come(incoming, &mut problem);
                    while let Ok(incoming) = self.incoming.try_recv() {
                        self.come(incoming, &mut problem);
                    }
                }
                come = self.engine.next() => {
                    let effects = self.engine.come(come);
                    self.begin(effects);
                }
                Some(()) = resized.recv() => self.resize(),
                Some(()) = stops.recv() => self.suspend(),
                number = signals.next() => {
                    ended_by = Some(number);
                    self.engine.model.left = true;
                }
                () = sleep_until(due.unwrap_or_else(far)), if due.is_some() => {
                    self.hear();
                    self.take(Msg::Wake);
                }
            }
        }
        self.engine.leave().await;
        Ok(Ended {
            session: self.engine.model.exists.then(|| self.engine.model.id()),
            tail: match self.engine.model.inline {
                // It is in the scrollback.
                Some(_) => Vec::new(),
                None => view::tail(&mut self.engine.model, &mut self.highlighter),
            },
            signal: ended_by,
            kept: self.engine.has_unsent(),
            problem,
        })
    }

    fn come(&mut self, incoming: Incoming, problem: &mut Option<String>) {
        match incoming {
            Incoming::Read(Read::Events(events), at) => {
                for event in events {
                    self.event(event, at);
                }
            }
            Incoming::Read(Read::End, _) => {
                *problem = Some("the terminal is gone".to_owned());
                self.engine.model.left = true;
            }
            Incoming::Written => {
                if self.writer.broken() {
                    *problem = Some("the terminal is gone".to_owned());
                    self.engine.model.left = true;
                }
            }
            Incoming::Coloured => self.dirty = true,
            Incoming::Panicked => {
                *problem = Some("a part of the screen failed: see above".to_owned());
                self.engine.model.left = true;
            }
        }
    }

    fn event(&mut self, event: Event, at: Timestamp) {
        match event {
            Event::Key(key) => {
                self.urgent = true;
                self.parking.typed(key.code, Instant::now());
                self.take_at(at, Msg::Key(key));
            }
            Event::Paste(text) => {
                self.urgent = true;
                self.parking.pasted(Instant::now());
                self.take_at(at, Msg::Paste(text));
            }
            Event::Focus(focused) => self.take(Msg::Focus(focused)),
            Event::Mouse(mouse) => {
                self.urgent = true;
                self.take(Msg::Mouse(mouse));
            }
            Event::Ground(ground) => {
                self.found.ground = Some(ground);
                self.colour();
            }
            Event::Reply(Reply::Row(row)) => self.begin_at(row),
            Event::Reply(reply) => {
                if let Some(asked) = self.asked.take() {
                    self.engine.model.lag = asked.elapsed().min(LAG);
                }
                if self.found.take(&reply) {
                    self.learn();
                }
            }
        }
    }

    fn resize(&mut self) {
        let Size { width, height } = self.tty.size();
        if self.engine.model.inline.is_some() {
            // Its own height is known when it is drawn, and what the terminal made of its rows is not.
            self.terminal.backend_mut().forget();
            self.parking.resized(Instant::now());
        } else {
            self.terminal.backend_mut().resize(Size { width, height });
            // What was drawn last is forgotten, or a size that came back would be taken for one that never changed.
            let Ok(()) = self.terminal.clear();
        }
        self.urgent = true;
        self.take(Msg::Resize { width, height });
    }

    /// Takes something in and begins what it asks for.
    fn take(&mut self, msg: Msg) {
        let effects = self.engine.take(msg);
        self.begin(effects);
    }

    fn take_at(&mut self, at: Timestamp, msg: Msg) {
        let effects = self.engine.take_at(at, msg);
        self.begin(effects);
    }

    /// Begins what the terminal is to do. Something has happened, so it may look different now.
    fn begin(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.act(effect);
        }
        self.dirty = true;
    }

    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Edit(text) => self.to_edit = Some(text),
            Effect::Copy(text) => self.copy(&text),
            Effect::CopyMarked => {
                let text = view::marked(&mut self.engine.model, &mut self.highlighter);
                self.copy(&text);
            }
            Effect::Notify(text) => {
                let bytes = notify::notify(
                    self.surroundings.notices,
                    "BetCode",
                    &text,
                    self.surroundings.multiplexer,
                );
                self.extra.extend(bytes);
            }
            Effect::Theme(choice) => {
                self.theme.now = choice;
                self.colour();
                remember(
                    &self.engine.outside.directory,
                    "theme",
                    &self.theme.remembered(),
                );
            }
            Effect::Redraw => self.terminal.backend_mut().forget(),
            Effect::Suspend => self.suspend(),
            _ => {}
        }
    }

    /// Has the terminal keep a text in the clipboard.
    fn copy(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match notify::copy(text, self.surroundings.multiplexer) {
            Some(bytes) => {
                self.extra.extend(bytes);
                self.engine.model.say("copied");
            }
            None => self
                .engine
                .model
                .say("too long to be copied through the terminal"),
        }
    }
}
