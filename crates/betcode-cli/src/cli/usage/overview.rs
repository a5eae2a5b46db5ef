//! What is known of all accounts as text: a page with bars, JSON, or one line. Pure: it prints nothing and reads no clock.
//!
//! Laws: no line of a page is longer than the page is wide; nothing that an account or a source is called can steer a terminal;
//! every account is shown with its state, but a provider that is merely not used here is left out beside one that is.

use std::collections::BTreeMap;

use betcode_client::UsageAccount;
use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use usage_core::forecast::{Day, Pace};
use usage_core::format::{
    Paint, Room, Shown, day_line_within, flowed, line, name_width, row, state_line, waybar,
};
use usage_core::planner::State;
use usage_core::reading::{Account, Kind, ProviderId, Reading, Window};
use usage_core::readings::binding;

use super::{Choice, Look};
use crate::output::printable;

/// Longer lines than this make a window of a panel too wide.
const TOOLTIP: usize = 72;

/// Everything that a page shows.
pub(super) struct Overview<'a> {
    /// All accounts, in their order.
    pub(super) accounts: &'a [UsageAccount],
    /// Today's share of windows.
    pub(super) days: &'a [(Window, Day)],
    /// Which window is shown where there is place for one.
    pub(super) choice: Option<Choice>,
    /// Now.
    pub(super) now: Timestamp,
    /// Where the person is.
    pub(super) zone: &'a TimeZone,
}

/// What `--json` prints.
pub(super) fn json(accounts: &[UsageAccount]) -> Value {
    let state = state(accounts);
    let mut usage = usage_core::format::json(&state, &readings(accounts));
    let whose = accounts.iter().find(|it| it.state == state);
    if let (Some(whose), true) = (whose, are_several(accounts))
        && let Some(message) = usage.get_mut("message")
    {
        let said = format!("{}: {state}", name(whose, accounts));
        *message = said.into();
    }
    usage
}

/// How it stands with all of them.
fn state(accounts: &[UsageAccount]) -> State {
    State::of_all(accounts.iter().map(|it| &it.state))
}

fn readings(accounts: &[UsageAccount]) -> Vec<Reading> {
    let all = accounts.iter().flat_map(|it| &it.readings);
    all.cloned().collect()
}

/// An account of which nothing is known but these readings.
pub(super) fn account_of(readings: Vec<Reading>) -> UsageAccount {
    let first = readings.first();
    UsageAccount {
        provider: first.map_or(ProviderId::Claude, |it| it.provider),
        account: first.map_or_else(|| Account("default".to_owned()), |it| it.account.clone()),
        state: State::Ok,
        readings,
        paces: BTreeMap::new(),
        next_at: None,
        asked: None,
        asked_at: None,
        login_command: Vec::new(),
    }
}

fn paces(accounts: &[UsageAccount]) -> BTreeMap<Window, Pace> {
    let all = accounts.iter().flat_map(|it| &it.paces);
    all.map(|(window, pace)| (window.clone(), *pace)).collect()
}

impl Overview<'_> {
    /// With the line break at its end.
    pub(super) fn text(&self, look: Look) -> String {
        let mut text = match look {
            Look::Json => json(self.accounts).to_string(),
            Look::Line(paint) => self.line(paint),
            Look::Waybar => self.waybar(),
            Look::Page { width, paint } => return self.page(width, paint),
        };
        text.push('\n');
        text
    }

    /// One short line, of the windows that are chosen.
    pub(super) fn line(&self, paint: Paint) -> String {
        let mut accounts = self.clean();
        if let Some(kind) = self.choice.and_then(kind) {
            let lists = accounts.iter_mut().map(|it| &mut it.readings);
            lists.for_each(|it| it.retain(|it| it.kind == kind));
        }
        let (state, readings) = (state(self.accounts), readings(&accounts));
        line(
            &self.shown(&state, &readings, &paces(&accounts), None),
            paint,
        )
    }

    fn waybar(&self) -> String {
        let accounts = self.clean();
        let (state, readings) = (state(&accounts), readings(&accounts));
        let kind = self.choice.and_then(kind);
        let of_kind = readings.iter().filter(|it| Some(it.kind) == kind);
        let chosen = binding(of_kind, self.now).map(Reading::window);
        let mut panel = waybar(&self.shown(&state, &readings, &paces(&accounts), chosen.as_ref()));
        if let (Some(tooltip), true) = (panel.get_mut("tooltip"), are_several(&accounts)) {
            // Whose state it is, is worth a word.
            let page = self.page(TOOLTIP, Paint::Plain);
            *tooltip = escaped(page.trim_end()).into();
        }
        panel.to_string()
    }

    fn clean(&self) -> Vec<UsageAccount> {
        self.accounts.iter().map(clean).collect()
    }

    /// As usage-core shows it.
    fn shown<'a>(
        &'a self,
        state: &'a State,
        readings: &'a [Reading],
        paces: &'a BTreeMap<Window, Pace>,
        chosen: Option<&'a Window>,
    ) -> Shown<'a> {
        Shown {
            state,
            readings,
            paces,
            chosen,
            waiting: 0,
            now: self.now,
            zone: self.zone,
        }
    }

    fn page(&self, width: usize, paint: Paint) -> String {
        let accounts = self.clean();
        if accounts.is_empty() {
            return flowed("", &["no plan is known on this machine"], width);
        }
        let is_any_used = accounts.iter().any(is_used);
        let shown: Vec<&UsageAccount> = accounts
            .iter()
            .filter(|it| !is_any_used || is_used_here(it.provider, &accounts))
            .collect();
        let room = Room {
            width,
            names: name_width(shown.iter().flat_map(|it| &it.readings)),
        };
        let mut page = String::new();
        for account in &shown {
            let name = name(account, &accounts);
            page.push_str(&heading(&name, width, paint));
            self.account(account, room, paint, &mut page);
        }
        page
    }

    fn account(&self, account: &UsageAccount, room: Room, paint: Paint, page: &mut String) {
        let UsageAccount {
            state,
            readings,
            paces,
            ..
        } = account;
        let shown = self.shown(state, readings, paces, None);
        for reading in readings {
            page.push_str(&row(&shown, reading, paint, room));
            let window = reading.window();
            let day = self.days.iter().find(|(of, _)| *of == window);
            if let Some((_, day)) = day {
                page.push_str(&today(day, room));
            }
        }
        let state = flowed(" ", &[&state_line(&shown)], room.width);
        if account.state.is_ok() {
            page.push_str(&dim(&state, paint));
        } else {
            page.push_str(&state);
        }
        if matches!(account.state, State::LoginNeeded | State::ScopeMissing)
            && !account.login_command.is_empty()
        {
            let command = format!("log in with: {}", command_line(&account.login_command));
            page.push_str(&flowed(" ", &[&command], room.width));
        }
    }
}

/// Today's share, with its bar below the others where there is room for that.
fn today(day: &Day, room: Room) -> String {
    let line = day_line_within(day, room.width);
    let below = line.split_once(' ').map(|(today, rest)| {
        let names = room.names;
        format!("  {today:<names$}  {rest}")
    });
    let fits = |it: &String| it.chars().count() <= room.width;
    match below.filter(fits) {
        Some(below) => below + "\n",
        None => flowed(" ", &[&line], room.width),
    }
}

/// The kind of a choice, unless it is the one that bites first.
const fn kind(choice: Choice) -> Option<Kind> {
    match choice {
        Choice::Tightest => None,
        Choice::Session => Some(Kind::Session),
        Choice::Weekly => Some(Kind::Weekly),
    }
}

/// Whether the state of one needs the name of whose it is.
fn are_several(accounts: &[UsageAccount]) -> bool {
    let used = accounts.iter().filter(|it| is_used(it));
    used.count() > 1
}

/// What an account is called: by its provider, unless that has several here.
fn name(account: &UsageAccount, accounts: &[UsageAccount]) -> String {
    let title = account.provider.title();
    let mut of_it = accounts.iter().filter(|it| it.provider == account.provider);
    if of_it.nth(1).is_some() {
        format!("{title} ({})", account.account)
    } else {
        title.to_owned()
    }
}

/// Panels read marks in it.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

/// Whether somebody uses it here, however it stands.
fn is_used(account: &UsageAccount) -> bool {
    !account.readings.is_empty() || !matches!(account.state, State::Unavailable { .. })
}

/// Whether somebody uses the provider here. One with several accounts was set up like that.
fn is_used_here(provider: ProviderId, accounts: &[UsageAccount]) -> bool {
    let mut of_it = accounts.iter().filter(|it| it.provider == provider);
    of_it.clone().count() > 1 || of_it.any(is_used)
}

fn heading(name: &str, width: usize, paint: Paint) -> String {
    let line = flowed("", &[name], width);
    match paint {
        Paint::Ansi => format!("\u{1b}[1m{}\u{1b}[0m\n", line.trim_end()),
        Paint::Plain | Paint::Tmux => line,
    }
}

fn dim(lines: &str, paint: Paint) -> String {
    match paint {
        Paint::Ansi => {
            let lines = lines.lines();
            lines
                .flat_map(|line| ["\u{1b}[2m", line, "\u{1b}[0m\n"])
                .collect()
        }
        Paint::Plain | Paint::Tmux => lines.to_owned(),
    }
}

/// Words as a shell reads them; variables before them stay variables.
pub(in crate::cli) fn command_line(words: &[String]) -> String {
    let mut is_variable = true;
    let words = words.iter().map(|word| {
        is_variable &= word.contains('=');
        match word.split_once('=').filter(|_| is_variable) {
            Some((name, value)) => format!("{name}={}", shell_words::quote(value)),
            None => shell_words::quote(word).into_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The account with every text of others such that it cannot steer a terminal.
fn clean(account: &UsageAccount) -> UsageAccount {
    let text = |text: &str| printable(&text.replace(['\n', '\r', '\t'], " ")).into_owned();
    let mut account = account.clone();
    account.account = Account(text(&account.account.0));
    match &mut account.state {
        State::TlsIntercepted { issuer: it }
        | State::Error { what: it }
        | State::Unavailable { why: it } => *it = text(it),
        _ => {}
    }
    for word in &mut account.login_command {
        *word = text(word);
    }
    let paces = std::mem::take(&mut account.paces);
    for reading in &mut account.readings {
        let pace = paces.get(&reading.window()).copied();
        reading.account = account.account.clone();
        reading.label = reading.label.as_deref().map(text);
        if let Some(amount) = &mut reading.amount {
            amount.unit = text(&amount.unit);
        }
        if let Some(pace) = pace {
            account.paces.insert(reading.window(), pace);
        }
    }
    account
}

#[cfg(test)]
pub(super) mod tests;
