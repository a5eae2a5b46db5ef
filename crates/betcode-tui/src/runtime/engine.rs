//! The state, and what it asks of the daemon and of other programs, whatever shows it. What only a terminal can do is handed
//! on to whoever has one.

use std::sync::Arc;

use betcode_client::feed::{Feed, FeedBody, FeedUpdate};
use betcode_client::session::{Handle, Update};
use betcode_client::{CallError, UsageAccount};
use betcode_core::command::{Action, Command, StartSession};
use betcode_core::time::Timestamp;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::drafts::Drafts;
use super::plans::Looking;
use super::{Brought, Opening, Owned, PARTING, Setup, Stunts, link, outside, past};
use crate::model::{Beginning, DraftOf, Link, Model};
use crate::msg::{Effect, Elsewhere, Msg};
use crate::notices::News;
use crate::session::Session;
use crate::theme::Theme;
use crate::update::{Circumstances, update};

/// The state and its ways out.
pub(super) struct Engine {
    pub(super) calls: link::Calls,
    pub(super) start: StartSession,
    pub(super) outside: outside::Outside,
    pub(super) clock: fn() -> Timestamp,
    pub(super) model: Model,
    stunts: Option<Arc<dyn Stunts>>,
    pub(super) handle: Option<Handle>,
    /// Commands for a handle that is still to come.
    pub(super) early: Vec<Command>,
    pub(super) errands: FuturesUnordered<Owned<Brought>>,
    /// What happens on this machine.
    feed: Option<Feed>,
    watching: bool,
    /// Whether somebody looks at the use of plans.
    pub(super) looking: Looking,
    /// The directory whose prompts were read last.
    past_of: String,
    /// It begins with a choice among the sessions of its directory.
    chooses: bool,
    drafts: Drafts,
}

/// What comes from the daemon and from errands.
pub(super) enum Come {
    Said(Update),
    Fed(FeedUpdate),
    Looked(Option<Result<Vec<UsageAccount>, CallError>>),
    Brought(Box<Brought>),
}

impl Engine {
    /// The state at the beginning, and the first message.
    pub(super) fn new(setup: Setup, size: (u16, u16)) -> (Self, Option<String>) {
        let chooses = matches!(setup.opening, Opening::Chosen { .. });
        let (session, exists) = match setup.opening {
            Opening::New { id, agent } | Opening::Chosen { id, agent } => {
                (Session::new(id, &agent, &setup.start.cwd), false)
            }
            Opening::Existing(id) => (Session::new(id, "", &setup.start.cwd), true),
        };
        let mut model = Model::new(Beginning {
            me: setup.me,
            session,
            exists,
            keymap: setup.keymap,
            theme: Theme::default(),
            taste: setup.taste,
            size,
            now: (setup.clock)(),
        });
        let drafts = Drafts::new(&setup.directory, &model.me.id.0.to_string());
        let (tour, stunts) = setup.tour.unzip();
        model.tour = tour;
        model.usage.zone = setup.zone;
        let engine = Self {
            stunts,
            calls: link::Calls::new(setup.access),
            start: setup.start,
            outside: outside::Outside {
                editor: setup.editor,
                shell: setup.shell,
                directory: setup.directory,
                images: setup.images,
            },
            clock: setup.clock,
            model,
            handle: None,
            early: Vec::new(),
            errands: FuturesUnordered::new(),
            feed: None,
            watching: false,
            looking: Looking::default(),
            past_of: String::new(),
            chooses,
            drafts,
        };
        (engine, setup.prompt)
    }

    /// Opens the session that there is, or sees whether there is a daemon.
    pub(super) fn open(&mut self) {
        let id = self.model.id();
        self.look_back();
        if self.model.exists {
            self.begin(Effect::Open(id));
        } else {
            self.errands.push(link::reached(&self.calls));
            self.begin(Effect::Recall(self.model.draft_of()));
        }
        if self.chooses {
            // It asks for nothing that a terminal would have to do.
            let _ = self.take(Msg::ChooseSession);
        }
    }

    /// Follows no session any more. What is on its way gets a moment to arrive, and what nobody confirmed is kept.
    pub(super) async fn leave(&mut self) {
        let end = Instant::now() + PARTING;
        while self.is_on_its_way() {
            let Ok(come) = timeout_at(end, self.next()).await else {
                break;
            };
            // Nothing is shown any more.
            let _ = self.come(come);
        }
        if let Some((of, text)) = self.model.unsent() {
            self.keep_draft(&of, &text);
        }
        if let Some(handle) = self.handle.take() {
            handle.leave(PARTING).await;
        }
    }

    /// Whether something was written and not sent.
    pub(super) fn has_unsent(&self) -> bool {
        !self.model.composer.is_empty() || !self.model.pending.is_empty()
    }

    fn keep_draft(&mut self, of: &DraftOf, text: &str) {
        if let Err(error) = self.drafts.keep(of, text) {
            self.model
                .say(format!("what you write cannot be kept: {error}"));
        }
    }

    /// Whether a message has been sent that may be answered at any moment.
    fn is_on_its_way(&self) -> bool {
        let mut pending = self.model.pending.iter();
        pending.any(|pending| pending.refused.is_none())
            && !matches!(self.model.link, Link::Reconnecting { .. } | Link::Ended(_))
    }

    /// What comes next.
    pub(super) async fn next(&mut self) -> Come {
        tokio::select! {
            update = said(&mut self.handle) => Come::Said(update),
            update = fed(&mut self.feed) => Come::Fed(update),
            said = self.looking.next() => Come::Looked(said),
            Some(brought) = self.errands.next(), if !self.errands.is_empty() => Come::Brought(Box::new(brought)),
        }
    }

    /// Takes in what came.
    pub(super) fn come(&mut self, come: Come) -> Vec<Effect> {
        match come {
            Come::Said(update) => self.take(Msg::Session(update)),
            Come::Fed(update) => self.fed(update),
            Come::Looked(said) => self.looked(said),
            Come::Brought(brought) => self.bring(*brought),
        }
    }

    /// Takes something in and begins what it asks for. What is left is for whoever has the terminal.
    pub(super) fn take(&mut self, msg: Msg) -> Vec<Effect> {
        let now = (self.clock)();
        self.take_at(now, msg)
    }

    /// The same for something that happened at a time: a key counts from when it came, however long it had to wait.
    pub(super) fn take_at(&mut self, now: Timestamp, msg: Msg) -> Vec<Effect> {
        let mut fresh = Uuid::now_v7;
        let circumstances = Circumstances {
            now,
            fresh: &mut fresh,
        };
        let effects = update(&mut self.model, circumstances, msg);
        self.look_back();
        effects
            .into_iter()
            .filter_map(|effect| self.begin(effect))
            .collect()
    }

    /// Keeps what is sent for other sessions in the same directory.
    fn keep(&mut self, text: &str) {
        if self.model.taste.history {
            let (directory, of) = (
                self.outside.directory.clone(),
                self.model.session.cwd.clone(),
            );
            self.errands.push(past::add(directory, of, text.to_owned()));
        }
    }

    /// Reads what was sent before in the directory of the session, when it is another one.
    fn look_back(&mut self) {
        let of = &self.model.session.cwd;
        if self.model.taste.history && !of.is_empty() && *of != self.past_of {
            self.past_of.clone_from(of);
            let directory = &self.outside.directory;
            self.errands.push(past::read(directory, of.clone()));
        }
    }

    fn bring(&mut self, brought: Brought) -> Vec<Effect> {
        match brought {
            Brought::Msg(msg) => {
                if matches!(msg, Msg::Reached(Ok(()))) {
                    self.watch();
                }
                self.take(msg)
            }
            Brought::Watched(Some(watched)) => {
                let (sessions, feed) = *watched;
                self.feed = Some(feed);
                self.take(Msg::Elsewhere(Elsewhere::All(sessions)))
            }
            Brought::Looking(opened) => self.looking(opened),
            Brought::Opened(id, opened) if id == self.model.id() => match opened {
                Ok((details, handle)) => {
                    self.hold(handle);
                    self.watch();
                    self.take(Msg::Opened(Ok(details)))
                }
                Err(problem) => self.take(Msg::Opened(Err(problem))),
            },
            Brought::Made(id, made) if id == self.model.id() => match made {
                Ok(handle) => {
                    self.hold(handle);
                    Vec::new()
                }
                Err(problem) => self.take(Msg::Opened(Err(problem))),
            },
            Brought::Scanned(id, after, events) if id == self.model.id() => {
                self.take(Msg::Scanned { after, events })
            }
            // Somebody has gone on to another session meanwhile; and without other sessions it works as well.
            Brought::Opened(..)
            | Brought::Made(..)
            | Brought::Scanned(..)
            | Brought::Nothing
            | Brought::Watched(None) => Vec::new(),
        }
    }

    /// Other sessions are watched as soon as there is a daemon.
    fn watch(&mut self) {
        if !std::mem::replace(&mut self.watching, true) {
            self.errands.push(link::watched(&self.calls));
        }
    }

    /// Something happened on this machine. What every session says of itself is left aside.
    fn fed(&mut self, update: FeedUpdate) -> Vec<Effect> {
        match update {
            FeedUpdate::Entries(entries) => {
                let effects = entries.into_iter().map(|entry| self.fed_one(entry.body));
                effects.collect::<Vec<_>>().into_iter().flatten().collect()
            }
            FeedUpdate::Reset { .. } => {
                (self.feed, self.watching) = (None, false);
                self.watch();
                self.detached()
            }
            FeedUpdate::End(_) => {
                self.feed = None;
                self.detached()
            }
            FeedUpdate::Attached { .. } => {
                self.attached();
                Vec::new()
            }
            FeedUpdate::Reconnecting { .. } => self.detached(),
        }
    }

    /// One thing that happened on this machine.
    fn fed_one(&mut self, body: FeedBody) -> Vec<Effect> {
        match body {
            FeedBody::SessionChanged { session } => {
                self.take(Msg::Elsewhere(Elsewhere::Changed(session)))
            }
            FeedBody::SessionDeleted { session_id } => {
                self.take(Msg::Elsewhere(Elsewhere::Gone(session_id)))
            }
            FeedBody::UsageChanged(account) => self.usage_changed(account),
            FeedBody::NotificationOffered { .. }
            | FeedBody::NotificationUpdated { .. }
            | FeedBody::NotificationEnded { .. }
            | FeedBody::NotificationPause { .. } => self.take(Msg::Notices(News::Changed)),
            _ => Vec::new(),
        }
    }

    /// A handle has come; what was to be sent before goes first.
    fn hold(&mut self, mut handle: Handle) {
        for command in self.early.drain(..) {
            handle.send(command);
        }
        self.handle = Some(handle);
    }

    /// Begins what is to be done, unless it is the terminal's to do.
    pub(super) fn begin(&mut self, effect: Effect) -> Option<Effect> {
        match self.begin_plans(effect)? {
            Effect::Send(key, action) => {
                if let Action::Message { text, .. } = &*action {
                    self.keep(text);
                }
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
                let mut start = self.start.clone();
                self.model.session.cwd.clone_into(&mut start.cwd);
                if !self.model.session.agent.is_empty() {
                    self.model.session.agent.clone_into(&mut start.agent.0);
                }
                self.early.insert(0, link::start(id, &me, start));
                self.errands.push(link::made(&self.calls, id, me));
            }
            Effect::Open(id) => {
                self.handle = None;
                self.early.clear();
                self.errands
                    .push(link::opened(&self.calls, id, self.model.me.clone()));
            }
            Effect::Close => {
                self.handle = None;
                self.early.clear();
            }
            Effect::Read(towards) => {
                self.errands
                    .push(link::page(&self.calls, self.model.id(), towards));
            }
            Effect::Sessions => self.errands.push(link::sessions(&self.calls)),
            Effect::Find { words, cwd } => self.errands.push(link::find(&self.calls, words, cwd)),
            Effect::Scan(after) => {
                let session = self.model.id();
                self.errands.push(link::scan(&self.calls, session, after));
            }
            Effect::Agents => {
                let cwd = self.model.session.cwd.clone();
                let environment = self.start.environment.clone();
                self.errands
                    .push(link::agents(&self.calls, cwd, environment));
            }
            Effect::Files => {
                let directory = self.model.session.cwd.clone();
                self.errands.push(outside::files(directory));
            }
            Effect::Image(of) => {
                let directory = self.model.session.cwd.clone();
                self.errands.push(self.outside.image(of, directory));
            }
            Effect::Shell(command) => {
                let directory = self.model.session.cwd.clone();
                self.errands.push(self.outside.shell(command, directory));
            }
            Effect::Stunt(stunt) => {
                let done = match &self.stunts {
                    Some(stunts) => stunts.perform(stunt, self.model.id()),
                    None => return None,
                };
                self.errands.push(Box::pin(async {
                    Brought::Msg(Msg::StuntEnded(done.await))
                }));
            }
            Effect::Keep(of, text) => self.keep_draft(&of, &text),
            Effect::Recall(of) => match self.drafts.recall(&of) {
                Ok(text) if text.is_empty() => {}
                Ok(text) => self
                    .errands
                    .push(Box::pin(async { Brought::Msg(Msg::Draft(of, text)) })),
                Err(error) => self
                    .model
                    .say(format!("what you wrote before cannot be read: {error}")),
            },
            // What is about plans has been begun already.
            Effect::Leave
            | Effect::Look
            | Effect::RefreshUsage
            | Effect::UsageHistory
            | Effect::Notices
            | Effect::Notice(_) => {}
            effect @ (Effect::Edit(_)
            | Effect::Copy(_)
            | Effect::CopyMarked
            | Effect::Notify(_)
            | Effect::Redraw
            | Effect::Theme(_)
            | Effect::Suspend) => return Some(effect),
        }
        None
    }
}

/// What the session says next; never, without one.
async fn said(handle: &mut Option<Handle>) -> Update {
    match handle {
        Some(handle) => handle.next().await,
        None => std::future::pending().await,
    }
}

/// What happens on this machine next; never, while nobody watches.
async fn fed(feed: &mut Option<Feed>) -> FeedUpdate {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
