//! Everything that the tray knows, and what follows from what happens. Pure: the time is an argument, and what is to be done
//! comes out as effects.
//!
//! ```text
//!            Attached            Lost
//! Connecting ────────► Online ────────► Absent ──Start──► Starting ──► Online
//!                        │                 ▲
//!                        └────Trouble──────┘
//! ```
//!
//! Laws:
//! - a notification is claimed only where it can be shown, at most once at a time, and by one client;
//! - what is known stays when the daemon goes, but nothing of it can be answered;
//! - a daemon that knows nothing of usage is no error;
//! - a request that has ended, wherever that was, is not offered any more;
//! - what is not seen whole is not allowed from here, and no label has a secret in it;
//! - what the person has chosen is done, or it is said that it was not.

mod desktop;
mod look;

use std::collections::{BTreeMap, VecDeque};

use betcode_client::feed::{FeedBody, PendingRequest};
use betcode_client::{
    ListedNotification, Notification, NotificationList, Pause, RequestRecord, Summary, UsageAccount,
};
use betcode_core::event::Status;
use betcode_core::id::{RequestId, SessionId};
use betcode_core::notify::Choice;
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;

use crate::settings::Settings;
use crate::text;
use crate::toast::{Abilities, Toast};

pub use look::View;

/// Enough of what a tool would do to recognise it, and as much as a notification has of it.
const WHAT: usize = 120;
/// Tools whose one line says all that they would do. Others have more to them, like what is to be written into a file.
const SAYS_ALL: [&str; 6] = ["Bash", "Read", "Glob", "Grep", "WebFetch", "WebSearch"];
/// Enough of a tool's name.
const TOOL: usize = 80;

/// Why something cannot be answered any more.
pub const GONE: &str = "it was answered elsewhere or has ended";

/// How it stands with the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The first attempt is under way.
    Connecting,
    /// It answers.
    Online,
    /// None runs.
    Absent,
    /// One is being started.
    Starting,
    /// One is there, or should be, and cannot be used.
    Trouble(String),
}

/// What is known about the use of plans.
#[derive(Debug, Clone, PartialEq)]
pub enum Usage {
    /// Nothing yet.
    Unknown,
    /// This daemon does not know.
    Missing,
    /// Of every account.
    Known(Vec<UsageAccount>),
}

/// A request that waits for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// In which session.
    pub session: SessionId,
    /// The tool; none for a question.
    pub tool: Option<String>,
    /// What it would do, or what is asked, on one line and without secrets.
    pub what: String,
    /// Whether that is all that it would do.
    pub is_whole: bool,
}

impl Waiting {
    fn new(session: SessionId, tool: &str, what: &str) -> Self {
        let (what, is_all) = text::whole(what, WHAT);
        let is_whole = is_all && SAYS_ALL.contains(&tool);
        let shown = Some(text::line(tool, TOOL)).filter(|tool| !tool.is_empty());
        Self {
            session,
            tool: shown,
            what,
            is_whole,
        }
    }
}

/// Everything that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Settings.
    pub settings: Settings,
    /// How it stands with the daemon.
    pub link: Link,
    /// The use of plans.
    pub usage: Usage,
    /// Sessions.
    pub sessions: BTreeMap<SessionId, Summary>,
    /// What waits, the oldest first.
    pub waiting: Vec<(RequestId, Waiting)>,
    /// Changes whenever something else waits, so that an old menu cannot be taken for the new one.
    pub turn: bool,
    /// What the person is told, by number.
    pub notifications: BTreeMap<u64, Notification>,
    /// What this program shows: the number that the desktop has given it.
    pub shown: BTreeMap<u64, u32>,
    /// What is being claimed and shown, and whether the service that shows it is still the same one.
    claiming: BTreeMap<u64, bool>,
    /// What the desktop has told of numbers that it has not given yet, as far as is known here.
    early: Vec<(u32, Early)>,
    /// The last numbers that were taken away from the desktop: a button may have been pressed just then.
    past: VecDeque<u32>,
    /// What was to be said and could not be shown: it is in the menu until the person clicks on something.
    pub told: Option<Toast>,
    /// The pause of notifications.
    pub pause: Option<Pause>,
    /// What the desktop can show; none: nothing, as far as is known.
    pub abilities: Option<Abilities>,
    /// Whether it has been asked.
    pub asked_desktop: bool,
    /// Whether the icon draws attention right now.
    pub pulsing: bool,
}

/// What happens to a notification on the desktop.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Early {
    Pressed(String),
    Gone { dismissed: bool },
}

/// What is known when a connection was made.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// All sessions.
    pub sessions: Vec<Summary>,
    /// All requests that wait.
    pub requests: Vec<RequestRecord>,
    /// What the person is told.
    pub notifications: NotificationList,
}

/// What happens.
#[derive(Debug)]
pub enum Msg {
    /// The daemon answers, and this is how it stands.
    Attached(Box<Snapshot>),
    /// No daemon runs.
    Absent,
    /// It cannot be used.
    Trouble(String),
    /// It was to be started, and was not.
    NotStarted(String),
    /// What was to be said could not be shown.
    Unsaid(Toast),
    /// The feed goes on.
    Feed(FeedBody),
    /// What is known of all accounts.
    Usage(Vec<UsageAccount>),
    /// This daemon knows nothing of usage.
    UsageMissing,
    /// The person has clicked.
    Clicked(Click),
    /// The desktop can show this, or nothing.
    Desktop(Option<Abilities>),
    /// What showed notifications is gone, with all that it showed; another one may come.
    DesktopGone,
    /// A notification was claimed and shown, or not.
    Shown {
        /// Which.
        id: u64,
        /// The desktop's number for it.
        desktop: Option<u32>,
    },
    /// A button of a notification was pressed.
    Pressed {
        /// The desktop's number for it.
        desktop: u32,
        /// Which.
        choice: String,
    },
    /// A notification is gone from the desktop.
    Gone {
        /// The desktop's number for it.
        desktop: u32,
        /// Whether the person has taken it away.
        dismissed: bool,
    },
    /// Other settings.
    Settings(Settings),
    /// The icon has drawn attention for long enough.
    PulseOver,
    /// Time has passed.
    Tick,
}

/// What can be clicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Click {
    /// Show all that is used.
    Dashboard,
    /// Show a session.
    Session(SessionId),
    /// Answer a request.
    Answer {
        /// In which session.
        session: SessionId,
        /// Which.
        request: RequestId,
        /// Yes or no.
        allow: bool,
    },
    /// Be quiet for so many minutes; 0: until a quota begins anew.
    Snooze(u32),
    /// Be no longer quiet.
    Unsnooze,
    /// Ask the sources.
    Refresh,
    /// Log in, with this command.
    LogIn(Vec<String>),
    /// Change settings.
    Settings,
    /// What this is.
    About,
    /// Start a daemon.
    Start,
    /// End this program.
    Quit,
}

/// What is shown in a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// A session.
    Session(SessionId),
    /// What is used.
    Dashboard,
    /// The settings.
    Settings,
    /// A login: variables, and then the words of a command.
    LogIn(Vec<String>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Claim a notification, show it, and confirm that.
    Claim {
        /// Which.
        id: u64,
        /// In the place of what the desktop has under this number.
        instead: Option<u32>,
    },
    /// Show other words in the place of what the desktop has under this number.
    Update {
        /// Which.
        desktop: u32,
        /// What.
        toast: Toast,
    },
    /// Take away what the desktop has under this number.
    Close(u32),
    /// Tell the daemon that the person has seen enough of it.
    Dismiss(u64),
    /// Tell the daemon what was chosen.
    Act {
        /// In which notification.
        id: u64,
        /// The word for it.
        choice: Choice,
    },
    /// Answer a request.
    Answer {
        /// In which session.
        session: SessionId,
        /// Which.
        request: RequestId,
        /// Yes or no.
        allow: bool,
    },
    /// Pause notifications.
    Snooze(u32),
    /// End the pause.
    Unsnooze,
    /// Ask the sources of usage.
    Refresh,
    /// Open a terminal.
    Open(Show),
    /// Start a daemon.
    Start,
    /// Tell the person something, outside of what the daemon tells.
    Say(Toast),
    /// Draw attention for a moment.
    Pulse,
    /// End this program.
    Quit,
}

impl Model {
    /// A tray that knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            link: Link::Connecting,
            usage: Usage::Unknown,
            sessions: BTreeMap::new(),
            waiting: Vec::new(),
            turn: false,
            notifications: BTreeMap::new(),
            shown: BTreeMap::new(),
            claiming: BTreeMap::new(),
            early: Vec::new(),
            past: VecDeque::new(),
            told: None,
            pause: None,
            abilities: None,
            asked_desktop: false,
            pulsing: false,
        }
    }

    /// Takes in what happens. What follows is to be done in this order.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Attached(snapshot) => return self.attached(*snapshot),
            Msg::Absent => self.lost(Link::Absent),
            Msg::Trouble(what) => self.lost(Link::Trouble(text::line(&what, WHAT))),
            Msg::NotStarted(why) => {
                // How it stands is found out next.
                self.link = Link::Absent;
                return vec![Effect::Say(Toast::own("The daemon was not started", &why))];
            }
            Msg::Unsaid(toast) => self.told = Some(toast),
            Msg::Feed(body) => return self.feed(body),
            Msg::Usage(accounts) => self.usage = Usage::Known(accounts),
            Msg::UsageMissing => self.usage = Usage::Missing,
            Msg::Clicked(click) => return self.clicked(click),
            Msg::Desktop(abilities) => return self.desktop(abilities),
            Msg::DesktopGone => self.desktop_gone(),
            Msg::Shown { id, desktop } => return self.was_shown(id, desktop),
            Msg::Pressed { desktop, choice } => return self.pressed(desktop, &choice),
            Msg::Gone { desktop, dismissed } => return self.gone(desktop, dismissed),
            Msg::Settings(settings) => self.settings = settings,
            Msg::PulseOver => self.pulsing = false,
            Msg::Tick => {}
        }
        Vec::new()
    }

    fn lost(&mut self, link: Link) {
        self.link = link;
        self.claiming.clear();
    }

    fn attached(&mut self, snapshot: Snapshot) -> Vec<Effect> {
        if self.link != Link::Online {
            self.told = None;
        }
        self.link = Link::Online;
        self.sessions = snapshot
            .sessions
            .into_iter()
            .map(|session| (session.id, session))
            .collect();
        let mut records = snapshot.requests;
        records.sort_by_key(|record| record.asked);
        let waiting = records.into_iter().filter(|it| it.state == "pending");
        self.set_waiting(waiting.map(read_record).collect());
        self.pause = snapshot.notifications.snooze;
        self.standing(snapshot.notifications.notifications)
    }

    fn feed(&mut self, body: FeedBody) -> Vec<Effect> {
        match body {
            FeedBody::SessionChanged { session } => {
                self.sessions.insert(session.id, *session);
            }
            FeedBody::SessionDeleted { session_id } => {
                self.sessions.remove(&session_id);
            }
            FeedBody::RequestPending(request) => {
                let mut waiting = self.waiting.clone();
                waiting.retain(|(id, _)| *id != request.request_id);
                waiting.push(read_pending(request));
                self.set_waiting(waiting);
            }
            FeedBody::RequestResolved(request) => {
                let mut waiting = self.waiting.clone();
                waiting.retain(|(id, _)| *id != request.request_id);
                self.set_waiting(waiting);
            }
            FeedBody::NotificationOffered { notification, .. } => {
                return self.offered(notification);
            }
            FeedBody::NotificationUpdated { notification } => return self.renewed(notification),
            FeedBody::NotificationEnded { id } => return self.ended(id),
            FeedBody::NotificationPause { snooze } => self.pause = snooze,
            FeedBody::UsageChanged(account) => self.usage_of(*account),
            FeedBody::RequestReminder(_)
            | FeedBody::UsageReading(_)
            | FeedBody::UsageNews(_)
            | FeedBody::TurnEnded(_)
            | FeedBody::DaemonStarted { .. }
            | FeedBody::Unknown { .. } => {}
        }
        Vec::new()
    }

    fn set_waiting(&mut self, waiting: Vec<(RequestId, Waiting)>) {
        if self.waiting != waiting {
            self.waiting = waiting;
            self.turn = !self.turn;
        }
    }

    fn usage_of(&mut self, account: UsageAccount) {
        let Usage::Known(accounts) = &mut self.usage else {
            self.usage = Usage::Known(vec![account]);
            return;
        };
        let same = |it: &&mut UsageAccount| {
            (it.provider, &it.account) == (account.provider, &account.account)
        };
        match accounts.iter_mut().find(same) {
            Some(known) => *known = account,
            None => accounts.push(account),
        }
    }

    fn clicked(&mut self, click: Click) -> Vec<Effect> {
        self.told = None;
        let effect = match click {
            Click::Dashboard => Effect::Open(Show::Dashboard),
            Click::Session(session) => Effect::Open(Show::Session(session)),
            Click::Answer {
                session,
                request,
                allow,
            } => {
                let mut waiting = self.waiting.iter();
                let Some((_, asked)) = waiting.find(|(id, _)| *id == request) else {
                    // What has ended meanwhile is nobody's to answer.
                    return vec![gone()];
                };
                // What is not seen is not allowed from here, whichever menu it was clicked in.
                if allow && !self.can_allow(asked) {
                    return vec![Effect::Open(Show::Session(session))];
                }
                Effect::Answer {
                    session,
                    request,
                    allow,
                }
            }
            Click::Snooze(minutes) => Effect::Snooze(minutes),
            Click::Unsnooze => Effect::Unsnooze,
            Click::Refresh => Effect::Refresh,
            Click::LogIn(command) => Effect::Open(Show::LogIn(command)),
            Click::Settings => Effect::Open(Show::Settings),
            Click::About => Effect::Say(self.about()),
            Click::Start => {
                if self.link == Link::Online || self.link == Link::Starting {
                    return Vec::new();
                }
                self.link = Link::Starting;
                Effect::Start
            }
            Click::Quit => Effect::Quit,
        };
        vec![effect]
    }

    /// Whether the menu shows all that would be done.
    fn can_allow(&self, waiting: &Waiting) -> bool {
        waiting.is_whole && self.settings.preview
    }

    fn about(&self) -> Toast {
        let daemon = match &self.link {
            Link::Online => "The daemon runs.",
            Link::Absent => "No daemon is running.",
            Link::Connecting | Link::Starting => "The daemon is being looked for.",
            Link::Trouble(what) => what,
        };
        Toast::own(
            concat!("BetCode ", env!("CARGO_PKG_VERSION")),
            &format!("Keeps coding agents running, recorded and reachable.\n{daemon}"),
        )
    }

    /// When what is seen changes although nothing happens; none: never.
    pub fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.look_changes_at(now)
    }
}

fn read_record(record: RequestRecord) -> (RequestId, Waiting) {
    let session = record.session;
    match record.request {
        Pending::Permission(request) => {
            let waiting = Waiting::new(session, &request.tool, &request.description);
            (request.id, waiting)
        }
        Pending::Question(question) => {
            let asked = question.items.first().map(|item| item.question.as_str());
            let asked = asked.unwrap_or("a plan waits to be approved");
            (question.id, Waiting::new(session, "", asked))
        }
    }
}

fn read_pending(request: PendingRequest) -> (RequestId, Waiting) {
    let waiting = Waiting::new(request.session_id, &request.tool, &request.description);
    (request.request_id, waiting)
}

/// What was chosen cannot be done any more.
fn gone() -> Effect {
    let body = format!("Nothing was done: {GONE}.");
    Effect::Say(Toast::own("BetCode", &body))
}

/// Whether a session is doing something, or cannot.
const fn is_lively(status: Status) -> bool {
    !matches!(status, Status::Idle | Status::Closed)
}

/// One that nobody shows and nobody is about to show.
fn is_free(listed: &ListedNotification) -> bool {
    listed.state == "offered"
}

#[cfg(test)]
mod tests;
