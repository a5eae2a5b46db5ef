//! The loop: the terminal, the session's handle, and time on one side, the state and the screen on the other. The only place
//! that knows them all.
//!
//! 1. Whatever has come is taken in ([`update`]) until nothing more is there, and what it asks for is begun.
//! 2. A frame is drawn when something may have changed: at once after a key, otherwise at most every `FRAME`; never while
//!    the terminal still takes the last one. Nothing is written while nothing changes.
//! 3. It waits for the next thing.
//!
//! Every way out gives the terminal back as it was found.

mod away;
mod link;
mod outside;
mod show;
pub mod signals;

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use betcode_client::session::{Handle, Open, Update};
use betcode_client::{ConnectError, Connection};
use betcode_core::command::{Command, StartSession};
use betcode_core::event::ClientInfo;
use betcode_core::id::SessionId;
use betcode_core::time::Timestamp;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use ratatui::Terminal;
use ratatui::layout::Size;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::inline::Inline;
use crate::keymap::Keymap;
use crate::model::{Beginning, Model, Taste};
use crate::msg::{Effect, Msg};
use crate::session::Session;
use crate::terminal::environment::Surroundings;
use crate::terminal::input::{Event, Input, MouseAct};
use crate::terminal::modes::Mode;
use crate::terminal::notify;
use crate::terminal::probe::{Found, Known, QUESTIONS};
use crate::terminal::reader::{Read, Reader};
use crate::terminal::screen::{Abilities, Place, Screen};
use crate::terminal::tty::Tty;
use crate::terminal::writer::Writer;
use crate::text::highlight::Highlighter;
use crate::theme::{Ground, Theme};
use crate::update::{Circumstances, update};
use crate::view;
use signals::Signals;

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

    /// Follows a session, and comes back after every loss.
    fn open(&self, open: Open) -> Owned<Result<Handle, ConnectError>>;
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
}

/// Everything that the client is given.
pub struct Setup {
    /// How sessions are reached.
    pub access: Arc<dyn Access>,
    /// Who this is.
    pub me: ClientInfo,
    /// The terminal.
    pub device: OwnedFd,
    /// What the environment says of it.
    pub surroundings: Surroundings,
    /// Light or dark, if somebody chose.
    pub ground: Option<Ground>,
    /// Whether the conversation is left to the terminal's own scrollback.
    pub place: Place,
    /// Which key does what.
    pub keymap: Keymap,
    /// What the user prefers.
    pub taste: Taste,
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
    /// The wall clock.
    pub clock: fn() -> Timestamp,
}

/// What remains when it is over.
#[derive(Debug)]
pub struct Ended {
    /// The session, if there was one.
    pub session: Option<SessionId>,
    /// The end of the conversation as text.
    pub tail: Vec<String>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What could not be done and ended it.
    pub problem: Option<String>,
}

/// What comes from the threads of the terminal.
enum Incoming {
    Read(Read),
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
}

/// How to come back to a session, in words.
pub fn way_back(session: SessionId) -> String {
    format!("The session goes on in the daemon. To come back:\nbetcode --resume {session}")
}

/// Runs until somebody leaves.
pub async fn run(setup: Setup) -> io::Result<Ended> {
    let mut client = Client::new(setup)?;
    let ended = client.run().await;
    client.writer.settle(PARTING);
    client.reader = None;
    let mut last = client.farewell();
    last.extend(client.terminal.backend_mut().leave());
    client.tty.leave(&last);
    ended
}

struct Client {
    access: Arc<dyn Access>,
    start: StartSession,
    outside: outside::Outside,
    clock: fn() -> Timestamp,
    surroundings: Surroundings,
    ground: Option<Ground>,
    found: Found,
    tty: Tty,
    writer: Writer,
    reader: Option<Reader>,
    sender: UnboundedSender<Incoming>,
    incoming: UnboundedReceiver<Incoming>,
    terminal: Terminal<Screen>,
    highlighter: Highlighter,
    model: Model,
    handle: Option<Handle>,
    /// Commands for a handle that is still to come.
    early: Vec<Command>,
    errands: FuturesUnordered<Owned<Brought>>,
    /// A text for the user's editor.
    to_edit: Option<String>,
    /// Bytes beside the frames: a title, a copy.
    extra: Vec<u8>,
    title: String,
    /// The session that the last words name.
    named: Option<SessionId>,
    /// Something may have changed since the last frame, and since when.
    dirty: bool,
    /// It is to be drawn without waiting.
    urgent: bool,
    drawn: Instant,
    /// When the terminal was asked what it can do, until it has replied.
    asked: Option<Instant>,
}

impl Client {
    fn new(setup: Setup) -> io::Result<Self> {
        let (sender, incoming) = unbounded_channel();
        let tty = Tty::new(setup.device)?;
        let panicked = sender.clone();
        tty.leave_on_panic(move || {
            // Nobody waits for it any more when it is over.
            let _ = panicked.send(Incoming::Panicked);
        });
        let size = tty.size();
        let now = (setup.clock)();
        let (session, exists) = match setup.opening {
            Opening::New { id, agent } => (Session::new(id, &agent, &setup.start.cwd), false),
            Opening::Existing(id) => (Session::new(id, "", &setup.start.cwd), true),
        };
        let depth = setup.surroundings.depth;
        let mut model = Model::new(Beginning {
            me: setup.me,
            session,
            exists,
            keymap: setup.keymap,
            theme: Theme::new(depth, setup.ground.unwrap_or_default()),
            taste: setup.taste,
            size: (size.width, size.height),
            now,
        });
        let abilities = Abilities {
            depth,
            synchronized: false,
            links: setup.surroundings.links,
        };
        let is_inline = setup.place == Place::Inline;
        model.inline = is_inline.then(Inline::default);
        let height = if is_inline { 1 } else { size.height };
        let screen = Screen::new(setup.place, Size { height, ..size }, abilities);
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
            access: setup.access,
            start: setup.start,
            outside: outside::Outside {
                editor: setup.editor,
                shell: setup.shell,
                directory: setup.directory,
            },
            clock: setup.clock,
            surroundings: setup.surroundings,
            ground: setup.ground,
            found: Found::default(),
            tty,
            writer,
            reader: None,
            sender,
            incoming,
            terminal,
            highlighter,
            model,
            handle: None,
            early: Vec::new(),
            errands: FuturesUnordered::new(),
            to_edit: None,
            extra: Vec::new(),
            title: String::new(),
            named: None,
            dirty: true,
            urgent: true,
            drawn: Instant::now(),
            asked: Some(Instant::now()),
        };
        if exists {
            let id = client.model.id();
            client.begin(Effect::Open(id));
        } else {
            client.errands.push(link::reached(&client.access));
        }
        if let Some(prompt) = setup.prompt {
            client.take(Msg::Say(prompt));
        }
        let wanted = show::modes(setup.place, setup.taste.mouse);
        let mut bytes = client.tty.enter(&wanted)?;
        bytes.extend_from_slice(QUESTIONS);
        client.extra = bytes;
        client.read(Input::default())?;
        Ok(client)
    }

    /// Begins to read from the terminal.
    fn read(&mut self, input: Input) -> io::Result<()> {
        let sender = self.sender.clone();
        let sink = move |read| sender.send(Incoming::Read(read)).is_ok();
        self.reader = Some(Reader::new(self.tty.device()?, input, sink)?);
        Ok(())
    }

    async fn run(&mut self) -> io::Result<Ended> {
        let mut resized = signal(SignalKind::window_change())?;
        let mut signals = Signals::listen()?;
        let mut stops = signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?;
        let mut ended_by = None;
        let mut problem = None;
        while !self.model.left {
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
                update = next(&mut self.handle) => self.take(Msg::Session(update)),
                Some(brought) = self.errands.next(), if !self.errands.is_empty() => self.bring(brought),
                Some(()) = resized.recv() => self.resize(),
                Some(()) = stops.recv() => self.suspend(),
                number = signals.next() => {
                    ended_by = Some(number);
                    self.model.left = true;
                }
                () = sleep_until(due.unwrap_or_else(far)), if due.is_some() => {
                    self.take(Msg::Wake);
                }
            }
        }
        if let Some(handle) = self.handle.take() {
            handle.leave(PARTING).await;
        }
        Ok(Ended {
            session: self.model.exists.then(|| self.model.id()),
            tail: match self.model.inline {
                // It is in the scrollback.
                Some(_) => Vec::new(),
                None => view::tail(&mut self.model, &mut self.highlighter),
            },
            signal: ended_by,
            problem,
        })
    }

    /// When there is something to do though nothing comes.
    fn due(&self) -> Option<Instant> {
        let wake = self.model.deadline().map(|moment| {
            let wait = moment.since((self.clock)());
            Instant::now() + wait.max(Duration::from_millis(1))
        });
        let frame = (self.dirty && self.writer.idle()).then(|| self.drawn + FRAME);
        [wake, frame].into_iter().flatten().min()
    }

    fn come(&mut self, incoming: Incoming, problem: &mut Option<String>) {
        match incoming {
            Incoming::Read(Read::Events(events)) => {
                for event in events {
                    self.event(event);
                }
            }
            Incoming::Read(Read::End) => {
                *problem = Some("the terminal is gone".to_owned());
                self.model.left = true;
            }
            Incoming::Written => {
                if self.writer.broken() {
                    *problem = Some("the terminal is gone".to_owned());
                    self.model.left = true;
                }
            }
            Incoming::Coloured => self.dirty = true,
            Incoming::Panicked => {
                *problem = Some("a part of the screen failed: see above".to_owned());
                self.model.left = true;
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Key(key) => {
                self.urgent = true;
                self.take(Msg::Key(key));
            }
            Event::Paste(text) => {
                self.urgent = true;
                self.take(Msg::Paste(text));
            }
            Event::Focus(focused) => self.take(Msg::Focus(focused)),
            Event::Mouse(mouse) => match mouse.act {
                MouseAct::ScrollUp => self.take(Msg::Wheel(-3)),
                MouseAct::ScrollDown => self.take(Msg::Wheel(3)),
                _ => {}
            },
            Event::Ground(ground) => self.know(ground),
            Event::Reply(reply) => {
                if let Some(asked) = self.asked.take() {
                    self.model.lag = asked.elapsed().min(LAG);
                }
                if self.found.take(&reply) {
                    self.learn();
                }
            }
        }
    }

    /// What the terminal turned out to be able to do is used from now on.
    fn learn(&mut self) {
        let mut modes = Vec::new();
        match self.found.keyboard {
            Known::Yes => modes.push(Mode::Keyboard),
            Known::No => modes.push(Mode::OtherKeys),
            Known::NotYet => {}
        }
        if self.found.scheme == Known::Yes {
            modes.push(Mode::Scheme);
        }
        if let Ok(bytes) = self.tty.enter(&modes) {
            self.extra.extend(bytes);
        }
        self.terminal.backend_mut().set_abilities(Abilities {
            depth: self.surroundings.depth,
            synchronized: self.found.synchronized == Known::Yes,
            links: self.surroundings.links,
        });
        if self.found.pastes == Known::Yes {
            self.model.burst.marked();
        }
        if let Some(ground) = self.found.ground {
            self.know(ground);
        }
        self.dirty = true;
    }

    fn know(&mut self, ground: Ground) {
        if self.ground.is_none() && self.model.theme.ground != ground {
            self.model.theme = Theme::new(self.surroundings.depth, ground);
            self.dirty = true;
        }
    }

    fn resize(&mut self) {
        let Size { width, height } = self.tty.size();
        if self.model.inline.is_some() {
            // Its own height is known when it is drawn, and what the terminal made of its rows is not.
            self.terminal.backend_mut().forget();
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
        let mut fresh = Uuid::now_v7;
        let circumstances = Circumstances {
            now: (self.clock)(),
            fresh: &mut fresh,
        };
        for effect in update(&mut self.model, circumstances, msg) {
            self.begin(effect);
        }
        self.dirty = true;
    }

    fn bring(&mut self, brought: Brought) {
        match brought {
            Brought::Msg(msg) => self.take(msg),
            Brought::Opened(id, opened) if id == self.model.id() => match opened {
                Ok((details, handle)) => {
                    self.hold(handle);
                    self.take(Msg::Opened(Ok(details)));
                }
                Err(problem) => self.take(Msg::Opened(Err(problem))),
            },
            Brought::Made(id, made) if id == self.model.id() => match made {
                Ok(handle) => self.hold(handle),
                Err(problem) => self.take(Msg::Opened(Err(problem))),
            },
            // Somebody has gone on to another session meanwhile.
            Brought::Opened(..) | Brought::Made(..) => {}
        }
    }

    /// A handle has come; what was to be sent before goes first.
    fn hold(&mut self, mut handle: Handle) {
        for command in self.early.drain(..) {
            handle.send(command);
        }
        self.handle = Some(handle);
    }

    /// Begins what is to be done.
    fn begin(&mut self, effect: Effect) {
        match effect {
            Effect::Send(key, action) => {
                let command = Command {
                    session: self.model.id(),
                    key,
                    client: self.model.me.clone(),
                    action: *action,
                };
                match &mut self.handle {
                    Some(handle) => handle.send(command),
                    None => self.early.push(command),
                }
            }
            Effect::Create(id) => {
                let me = self.model.me.clone();
                self.early
                    .insert(0, link::start(id, &me, self.start.clone()));
                self.errands.push(link::made(&self.access, id, me));
            }
            Effect::Open(id) => {
                self.handle = None;
                self.early.clear();
                self.errands
                    .push(link::opened(&self.access, id, self.model.me.clone()));
            }
            Effect::Close => {
                self.handle = None;
                self.early.clear();
            }
            Effect::Read(towards) => {
                self.errands
                    .push(link::page(&self.access, self.model.id(), towards));
            }
            Effect::Sessions => self.errands.push(link::sessions(&self.access)),
            Effect::Files => {
                let directory = self.model.session.cwd.clone();
                self.errands.push(outside::files(directory));
            }
            Effect::Shell(command) => {
                let directory = self.model.session.cwd.clone();
                self.errands.push(self.outside.shell(command, directory));
            }
            Effect::Edit(text) => self.to_edit = Some(text),
            Effect::Copy(text) => match notify::copy(&text, self.surroundings.multiplexer) {
                Some(bytes) => self.extra.extend(bytes),
                None => self.model.say("too long to be copied through the terminal"),
            },
            Effect::Notify(text) => {
                let bytes = notify::notify(
                    self.surroundings.notices,
                    "BetCode",
                    &text,
                    self.surroundings.multiplexer,
                );
                self.extra.extend(bytes);
            }
            Effect::Redraw => self.terminal.backend_mut().forget(),
            Effect::Suspend => self.suspend(),
            Effect::Leave => {}
        }
    }
}

/// What the session says next; never, without one.
async fn next(handle: &mut Option<Handle>) -> Update {
    match handle {
        Some(handle) => handle.next().await,
        None => std::future::pending().await,
    }
}

fn far() -> Instant {
    Instant::now() + Duration::from_hours(24)
}
