//! What the model looks like: the icon's face, the tooltip and the menu.

use std::time::Duration;

use betcode_client::{Summary, UsageAccount};
use betcode_core::config::WindowChoice;
use betcode_core::event::Status;
use betcode_core::id::{RequestId, SessionId};
use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use usage_core::format::{self, Shown, clock, short_name, state_line};
use usage_core::level::Level;
use usage_core::planner::State;
use usage_core::reading::{Kind, Reading};

use super::{Click, Link, Model, Usage, Waiting, is_lively};
use crate::face::{Face, Gauge, Sign};
use crate::menu::Entry;
use crate::text;

/// So many requests, sessions of each kind, and notifications are in the menu.
const MOST: usize = 8;
const MOST_RESTING: usize = 5;
/// Enough of a title to recognise a session.
const TITLE: usize = 40;
/// A command to type must fit.
const TOLD: usize = 300;
/// The time until a reset is said anew this often, when nothing else happens.
const COARSE: Duration = Duration::from_mins(5);

/// What is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// What the icon shows.
    pub face: Face,
    /// What is said when the pointer rests on it; at most 64 characters.
    pub tooltip: String,
    /// The menu.
    pub menu: Vec<Entry>,
    /// Differs when something else waits than before.
    pub turn: bool,
}

/// Whether somebody must log in before an account can be read again.
pub(super) const fn needs_login(account: &UsageAccount) -> bool {
    matches!(account.state, State::LoginNeeded | State::ScopeMissing)
}

impl Model {
    /// What is seen at a moment.
    pub fn view(&self, now: Timestamp, zone: &TimeZone) -> View {
        View {
            face: self.face(now),
            tooltip: self.tooltip(now, zone),
            menu: self.menu(now, zone),
            turn: self.turn,
        }
    }

    pub(super) fn look_changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let resets = self.accounts().iter().flat_map(|it| &it.readings);
        let resets = resets.filter_map(|it| it.resets_at).filter(|at| *at > now);
        let first = resets.min()?;
        Some(first.min(now.plus(COARSE)))
    }

    fn accounts(&self) -> &[UsageAccount] {
        match &self.usage {
            Usage::Known(accounts) => accounts,
            Usage::Unknown | Usage::Missing => &[],
        }
    }

    /// The reading that the icon is about: the one of the chosen kind, or else the one that bites first; of several accounts
    /// the fullest.
    fn main_reading(&self, now: Timestamp) -> Option<&Reading> {
        let kind = match self.settings.window {
            WindowChoice::Tightest => None,
            WindowChoice::Session => Some(Kind::Session),
            WindowChoice::Weekly => Some(Kind::Weekly),
        };
        let all = self.accounts().iter();
        let all = all.filter_map(|it| reading_of(&it.readings, kind, now));
        let chosen = all.max_by(|one, other| one.percent.get().total_cmp(&other.percent.get()));
        chosen.or_else(|| {
            let all = self.accounts().iter().flat_map(|it| &it.readings);
            usage_core::readings::binding(all, now)
        })
    }

    /// The account of that reading; without one, the first that has something to say.
    fn main_account(&self, now: Timestamp) -> Option<&UsageAccount> {
        let accounts = self.accounts();
        if let Some(reading) = self.main_reading(now) {
            let owner = (reading.provider, &reading.account);
            return accounts
                .iter()
                .find(|it| (it.provider, &it.account) == owner);
        }
        let speaks = |it: &&UsageAccount| {
            !matches!(
                it.state,
                State::Loading | State::NoSubscription | State::Unavailable { .. }
            )
        };
        accounts.iter().find(speaks).or_else(|| accounts.first())
    }

    fn face(&self, now: Timestamp) -> Face {
        let online = self.link == Link::Online;
        let state = self.main_account(now).map(|it| &it.state);
        let good = online && state.is_some_and(State::is_ok);
        let percent = self.main_reading(now).and_then(|it| it.current(now));
        let gauge = percent.map(|percent| Gauge {
            percent: whole(percent.get()),
            level: Level::of(percent),
            stale: !good,
        });
        let sign = match (&self.link, state) {
            (Link::Absent, _) => Sign::Absent,
            (Link::Trouble(_), _) => Sign::Offline,
            (Link::Connecting | Link::Starting, _) => Sign::Loading,
            (Link::Online, _) if self.accounts().iter().any(needs_login) => Sign::Key,
            (Link::Online, Some(State::Offline { .. } | State::TlsIntercepted { .. })) => {
                Sign::Offline
            }
            (Link::Online, Some(State::Loading)) if gauge.is_none() => Sign::Loading,
            (Link::Online, None) if self.usage == Usage::Unknown => Sign::Loading,
            (Link::Online, _) => Sign::None,
        };
        Face {
            style: self.settings.tray.icon,
            gauge,
            sign,
            waiting: online && self.attention() > 0,
            pulse: self.pulsing,
        }
    }

    /// How many things wait for the person: requests, and what was to be told and cannot be shown.
    fn attention(&self) -> usize {
        self.waiting.len() + self.untold().count()
    }

    /// What nobody can show, beside the requests themselves.
    fn untold(&self) -> impl Iterator<Item = &betcode_client::Notification> {
        let cannot = self.asked_desktop && self.abilities.is_none();
        let all = self.notifications.values().filter(move |_| cannot);
        all.filter(|it| {
            let asks = it.request_id.as_ref();
            asks.is_none_or(|asks| !self.waiting.iter().any(|(id, _)| id == asks))
        })
    }

    fn tooltip(&self, now: Timestamp, zone: &TimeZone) -> String {
        match &self.link {
            Link::Online => {}
            Link::Absent => return "betcode: the daemon is not running".to_owned(),
            Link::Connecting => return "betcode: connecting".to_owned(),
            Link::Starting => return "betcode: the daemon is being started".to_owned(),
            Link::Trouble(_) => return "betcode: the daemon cannot be reached".to_owned(),
        }
        let waiting = self.attention();
        let Some(account) = self.main_account(now) else {
            return match waiting {
                0 => "betcode".to_owned(),
                _ => format!("betcode: {waiting} waiting"),
            };
        };
        let chosen = self.main_reading(now).map(Reading::window);
        format::tooltip(&Shown {
            chosen: chosen.as_ref(),
            waiting,
            ..shown(account, now, zone)
        })
    }

    fn menu(&self, now: Timestamp, zone: &TimeZone) -> Vec<Entry> {
        let mut parts = vec![self.told_part(), self.daemon_part()];
        if self.link == Link::Online {
            parts.push(self.waiting_part());
            parts.push(self.untold_part());
        }
        parts.push(self.usage_part(now, zone));
        if self.link == Link::Online {
            parts.push(self.session_part());
            parts.push(self.quiet_part(now, zone));
        }
        let mut last = Vec::new();
        if self.link == Link::Online {
            last.push(Entry::item("Refresh", Click::Refresh));
        }
        last.push(Entry::item("Open dashboard", Click::Dashboard));
        last.push(Entry::item("Settings", Click::Settings));
        last.push(Entry::item("About BetCode", Click::About));
        last.push(Entry::item("Quit", Click::Quit));
        parts.push(last);
        parts.retain(|part| !part.is_empty());
        parts.join(&Entry::Separator)
    }

    /// What could not be shown, line by line.
    fn told_part(&self) -> Vec<Entry> {
        let Some(told) = &self.told else {
            return Vec::new();
        };
        let lines = std::iter::once(told.title.as_str()).chain(told.body.lines());
        let lines = lines
            .map(|it| text::line(it, TOLD))
            .filter(|it| !it.is_empty());
        lines.take(MOST).map(Entry::Line).collect()
    }

    fn daemon_part(&self) -> Vec<Entry> {
        let start = || Entry::item("Start the daemon", Click::Start);
        match &self.link {
            Link::Online => Vec::new(),
            Link::Connecting => vec![Entry::line("Connecting to the daemon…")],
            Link::Starting => vec![Entry::line("The daemon is being started…")],
            Link::Absent => vec![Entry::line("The daemon is not running"), start()],
            Link::Trouble(what) => {
                vec![
                    Entry::line("The daemon cannot be reached"),
                    Entry::line(what),
                    start(),
                ]
            }
        }
    }

    fn waiting_part(&self) -> Vec<Entry> {
        let shown = self.waiting.iter().take(MOST);
        let mut part: Vec<Entry> = shown.map(|(id, it)| self.request(id, it)).collect();
        if self.waiting.len() > MOST {
            let more = self.waiting.len() - MOST;
            part.push(Entry::line(format!("and {more} more")));
        }
        part
    }

    fn request(&self, id: &RequestId, waiting: &Waiting) -> Entry {
        let session = waiting.session;
        let open = |label: &str| Entry::item(label, Click::Session(session));
        let Some(tool) = &waiting.tool else {
            return open(&if self.settings.preview && !waiting.what.is_empty() {
                format!("Question: {}", waiting.what)
            } else {
                "An agent has asked something".to_owned()
            });
        };
        let answer = |label, allow| {
            let request = id.clone();
            Entry::item(
                label,
                Click::Answer {
                    session,
                    request,
                    allow,
                },
            )
        };
        let silent = !self.settings.preview || waiting.what.is_empty() || waiting.what == *tool;
        let label = if silent {
            tool.clone()
        } else {
            format!("{tool}: {}", waiting.what)
        };
        let mut choices = Vec::new();
        if self.can_allow(waiting) {
            choices.push(answer("Allow", true));
        }
        choices.push(answer("Deny", false));
        choices.push(Entry::Separator);
        choices.push(open(&format!("Open {}", self.title(session))));
        Entry::Sub(label, choices)
    }

    fn title(&self, session: SessionId) -> String {
        let known = self
            .sessions
            .get(&session)
            .map(|it| text::line(&it.title, TITLE));
        known
            .filter(|title| !title.is_empty())
            .unwrap_or_else(|| session.to_string())
    }

    fn untold_part(&self) -> Vec<Entry> {
        let mut part: Vec<Entry> = Vec::new();
        if self.asked_desktop && self.abilities.is_none() {
            part.push(Entry::line(
                "No service shows notifications on this desktop",
            ));
        }
        for notification in self.untold().take(MOST) {
            let words = format!("{}: {}", notification.title, notification.body);
            let label = text::line(&words, TITLE * 2);
            part.push(match notification.session_id {
                Some(session) => Entry::item(label, Click::Session(session)),
                None => Entry::line(label),
            });
        }
        part
    }

    fn usage_part(&self, now: Timestamp, zone: &TimeZone) -> Vec<Entry> {
        if self.usage == Usage::Missing {
            return vec![Entry::line("Usage is not available")];
        }
        let accounts = self.accounts();
        let mut part = Vec::new();
        for account in accounts {
            let same = accounts.iter().filter(|it| it.provider == account.provider);
            let name = account.provider.title();
            let name = if same.count() > 1 {
                text::line(&format!("{name} ({})", account.account), TITLE)
            } else {
                name.to_owned()
            };
            // An account that has nothing to say yet would only take room.
            let silent = account.readings.is_empty();
            if silent
                && matches!(
                    account.state,
                    State::Unavailable { .. } | State::NoSubscription
                )
                && accounts.len() > 1
            {
                continue;
            }
            let rows = account
                .readings
                .iter()
                .map(|it| window(&name, it, now, zone));
            part.extend(rows.map(Entry::Line));
            if !account.state.is_ok() || silent {
                let line = state_line(&shown(account, now, zone));
                part.push(Entry::line(text::line(
                    &format!("{name}: {line}"),
                    TITLE * 2,
                )));
            }
            if needs_login(account) && !account.login_command.is_empty() {
                let label = format!("Log in to {name}");
                part.push(Entry::item(
                    label,
                    Click::LogIn(account.login_command.clone()),
                ));
            }
        }
        part
    }

    fn session_part(&self) -> Vec<Entry> {
        let mut all: Vec<&Summary> = self.sessions.values().collect();
        all.sort_by_key(|it| std::cmp::Reverse((it.updated, it.id)));
        let lively = || all.iter().filter(|it| is_lively(it.status));
        let mut part: Vec<Entry> = lively().take(MOST).map(|it| self.session(it)).collect();
        if lively().count() > MOST {
            part.push(Entry::line(format!("and {} more", lively().count() - MOST)));
        }
        let resting = all.iter().filter(|it| it.status == Status::Idle);
        let resting: Vec<Entry> = resting
            .take(MOST_RESTING)
            .map(|it| self.session(it))
            .collect();
        if !resting.is_empty() {
            part.push(Entry::Sub("Recent sessions".to_owned(), resting));
        }
        part
    }

    fn session(&self, session: &Summary) -> Entry {
        let label = format!("{} – {}", self.title(session.id), status(session.status));
        Entry::item(label, Click::Session(session.id))
    }

    fn quiet_part(&self, now: Timestamp, zone: &TimeZone) -> Vec<Entry> {
        let mut choices = Vec::new();
        let label = match self.pause {
            None => "Snooze notifications".to_owned(),
            Some(pause) => {
                choices.push(Entry::item("End snooze", Click::Unsnooze));
                choices.push(Entry::Separator);
                match pause.until {
                    Some(until) => format!("Snoozed until {}", clock(until, now, zone)),
                    None => "Snoozed until a quota resets".to_owned(),
                }
            }
        };
        for minutes in [5, 15, 30] {
            choices.push(Entry::item(
                format!("{minutes} minutes"),
                Click::Snooze(minutes),
            ));
        }
        choices.push(Entry::item("Until the reset", Click::Snooze(0)));
        vec![Entry::Sub(label, choices)]
    }
}

/// The reading of this kind that says something about now, or without a kind the one that bites first.
fn reading_of(readings: &[Reading], kind: Option<Kind>, now: Timestamp) -> Option<&Reading> {
    match kind {
        Some(kind) => readings
            .iter()
            .find(|it| it.kind == kind && !it.is_over(now)),
        None => usage_core::readings::binding(readings, now),
    }
}

/// `Claude 5h  62%  resets 16:40`
fn window(name: &str, reading: &Reading, now: Timestamp, zone: &TimeZone) -> String {
    let window = text::line(&short_name(reading), TITLE);
    let Some(percent) = reading.current(now) else {
        let reset = clock(reading.resets_at.unwrap_or(now), now, zone);
        return format!("{name} {window}: began anew at {reset}");
    };
    let mut row = format!("{name} {window}: {:.0}%", percent.get());
    if let Some(at) = reading.resets_at {
        row.push_str(", resets ");
        row.push_str(&clock(at, now, zone));
    }
    row
}

fn shown<'a>(account: &'a UsageAccount, now: Timestamp, zone: &'a TimeZone) -> Shown<'a> {
    Shown {
        state: &account.state,
        readings: &account.readings,
        paces: &account.paces,
        chosen: None,
        waiting: 0,
        now,
        zone,
    }
}

/// What a session is doing, in a word or two.
const fn status(status: Status) -> &'static str {
    match status {
        Status::Starting => "starting",
        Status::Thinking => "working",
        Status::RunningTool => "running a tool",
        Status::WaitingForUser => "waits for you",
        Status::Idle => "idle",
        Status::Compacting => "compacting",
        Status::RateLimited => "rate limited",
        Status::Retrying => "trying again",
        Status::Stalled => "says nothing",
        Status::Crashed => "crashed",
        Status::Error => "failed",
        Status::Closed => "closed",
    }
}

/// The number that is shown.
fn whole(percent: f64) -> u16 {
    let rounded = percent.round().clamp(0.0, 999.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a whole number from 0 to 999"
    )]
    let number = rounded as u16;
    number
}
