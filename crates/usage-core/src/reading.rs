//! One window of a plan at one moment, in one shape for every provider and source.
//!
//! Not what came from where and in which form (see [`provider`](crate::provider)), and not several readings of a window
//! (see [`readings`](crate::readings)).
//!
//! Laws:
//! - a [`Percent`] is finite, never negative, and on the scale 0–100, whatever the source's scale is;
//! - a reset that lies further away than any window is long is no reset, and stays absent;
//! - a reading whose reset has passed says nothing about now ([`Reading::current`]).

use std::fmt::{self, Write as _};
use std::time::Duration;

use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// More than this is not a percentage of a limit but nonsense.
const MOST: f64 = 10_000.0;
/// No window is longer than this.
const LONGEST: Duration = Duration::from_hours(400 * 24);
/// Longer names than this are cut.
const LONGEST_NAME: usize = 64;

/// Who sells the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderId {
    /// Anthropic's plans, as Claude Code uses them.
    Claude,
    /// `OpenAI`'s plans, as Codex uses them.
    Codex,
}

impl ProviderId {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }

    /// Its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Claude => "Claude",
            Self::Codex => "Codex",
        }
    }

    /// The provider of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Claude, Self::Codex]
            .into_iter()
            .find(|provider| provider.name() == name)
    }

    /// Two resets that are no further apart than this are the same one: providers compute them anew with every answer.
    pub const fn reset_tolerance(self) -> Duration {
        match self {
            Self::Claude => Duration::from_mins(1),
            // Its resets drift by minutes.
            Self::Codex => Duration::from_mins(10),
        }
    }
}

/// Which account of a provider: a name that is stable on this machine, such as that of its configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Account(pub String);

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a window limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Hours: the window that begins with the first request.
    Session,
    /// The same of one model only, which the label names.
    SessionScoped,
    /// A week, for everything.
    Weekly,
    /// A week, for one model or one place only, which the label names.
    WeeklyScoped,
    /// A month, for everything.
    Monthly,
    /// What is paid beyond the plan.
    Extra,
    /// A window of another length; its duration says which.
    Other,
}

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const HALF_DAY: u64 = 12 * HOUR;
const SIX_DAYS: u64 = 6 * DAY;
const EIGHT_DAYS: u64 = 8 * DAY;
const SHORT_MONTH: u64 = 27 * DAY;
const LONG_MONTH: u64 = 32 * DAY;

impl Kind {
    /// The kind of a window of so many seconds. A provider's name or place for a window says less than its length.
    pub const fn of_duration(seconds: u64, scoped: bool) -> Self {
        match (seconds, scoped) {
            (HOUR..=HALF_DAY, false) => Self::Session,
            (HOUR..=HALF_DAY, true) => Self::SessionScoped,
            (SIX_DAYS..=EIGHT_DAYS, false) => Self::Weekly,
            (SIX_DAYS..=EIGHT_DAYS, true) => Self::WeeklyScoped,
            (SHORT_MONTH..=LONG_MONTH, false) => Self::Monthly,
            _ => Self::Other,
        }
    }

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::SessionScoped => "session_scoped",
            Self::Weekly => "weekly",
            Self::WeeklyScoped => "weekly_scoped",
            Self::Monthly => "monthly",
            Self::Extra => "extra",
            Self::Other => "other",
        }
    }
}

/// Where a reading comes from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// What an agent says by itself in a session of this machine. Shares from 0 to 1.
    RateLimitEvent,
    /// What Claude Code gives to the command of its status line. 0–100.
    Statusline,
    /// The answer to the control request `get_usage`. 0–100.
    GetUsage,
    /// What Claude Code wrote down when it last asked. 0–100.
    CachedFile,
    /// The endpoint over HTTP. 0–100.
    OauthUsage,
    /// The headers of an answer of the model. Shares from 0 to 1.
    Headers,
    /// The answer to `account/rateLimits/read` of Codex. 0–100.
    CodexRead,
    /// What Codex says by itself when something changed. 0–100, and only what changed.
    CodexUpdate,
}

impl Source {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RateLimitEvent => "rate_limit_event",
            Self::Statusline => "statusline",
            Self::GetUsage => "get_usage",
            Self::CachedFile => "cached_file",
            Self::OauthUsage => "oauth_usage",
            Self::Headers => "headers",
            Self::CodexRead => "codex_read",
            Self::CodexUpdate => "codex_update",
        }
    }
}

impl Source {
    /// Whether it is asked over HTTP, with a token.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::OauthUsage)
    }

    /// Whether it says which window bites first.
    pub const fn tells_binding(self) -> bool {
        !matches!(self, Self::Statusline | Self::CodexRead | Self::CodexUpdate)
    }

    /// How long an answer may take.
    pub const fn timeout(self) -> Duration {
        if self.is_http() {
            Duration::from_secs(30)
        } else {
            Duration::from_secs(25)
        }
    }
}

/// How serious it is: the provider's word, or else what the percentage says.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing to worry about.
    #[default]
    Normal,
    /// Most of it is used.
    Warning,
    /// Nearly all of it is used, or all.
    Critical,
}

impl Severity {
    /// What a percentage says where the provider says nothing.
    pub fn of(percent: Percent) -> Self {
        match percent.get() {
            it if it >= crate::level::CRITICAL => Self::Critical,
            it if it >= crate::level::HIGH => Self::Warning,
            _ => Self::Normal,
        }
    }

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// How much of a limit is used, 0–100; more where a limit may be passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(f64);

impl Percent {
    /// Nothing is used.
    pub const ZERO: Self = Self(0.0);

    /// Of a source whose scale is 0–100. Nothing for what is no percentage: not a number, negative, or far too much.
    pub fn new(percent: f64) -> Option<Self> {
        // Zero may have a sign.
        (0.0..=MOST).contains(&percent).then(|| Self(percent.abs()))
    }

    /// Of a source whose scale is 0–1.
    pub fn of_share(share: f64) -> Option<Self> {
        // 0.07 * 100 is 7.000000000000001.
        Self::new((share * 1e6).round() / 1e4)
    }

    /// On the scale 0–100.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// A number of this crate's own, which is one.
    pub(crate) const fn known(percent: f64) -> Self {
        Self(percent)
    }
}

impl TryFrom<f64> for Percent {
    type Error = &'static str;

    fn try_from(percent: f64) -> Result<Self, Self::Error> {
        Self::new(percent).ok_or("not a percentage")
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

/// Counts or money, where a provider gives them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    /// How much is used.
    pub used: f64,
    /// The limit, if there is one.
    pub limit: Option<f64>,
    /// Of what: `requests`, `USD`.
    pub unit: String,
}

/// Whom a reading is of, where it comes from, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who sells the plan.
    pub provider: ProviderId,
    /// Whose it is.
    pub account: Account,
    /// Where it comes from.
    pub source: Source,
    /// When it was so.
    pub observed_at: Timestamp,
}

/// One window at one moment. Its JSON is what `betcode usage --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Who sells the plan.
    pub provider: ProviderId,
    /// Whose it is.
    pub account: Account,
    /// What it limits.
    pub kind: Kind,
    /// The model or place that it is for, where it is not for everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How long it is, in seconds.
    pub duration_s: Option<u64>,
    /// How much of it is used.
    pub percent: Percent,
    /// When it begins anew; absent while nothing of it is used.
    pub resets_at: Option<Timestamp>,
    /// How serious that is.
    pub severity: Severity,
    /// Whether this is the limit that bites first.
    pub binding: bool,
    /// Counts or money, where the provider gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Where it comes from.
    pub source: Source,
    /// When it was so.
    pub observed_at: Timestamp,
}

/// What makes two readings readings of the same window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Who sells the plan.
    pub provider: ProviderId,
    /// Whose it is.
    pub account: Account,
    /// What it limits.
    pub kind: Kind,
    /// The model or place that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How long it is, where only that tells it from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<u64>,
}

impl Window {
    /// A text that no other window has, for keys.
    pub fn slug(&self) -> String {
        let mut slug = format!(
            "{}/{}/{}",
            self.provider.name(),
            self.account,
            self.kind.name()
        );
        if let Some(label) = &self.label {
            slug.push('/');
            slug.push_str(label);
        }
        if let Some(seconds) = self.duration_s {
            // Writing to a string cannot fail.
            let _ = write!(slug, "/{seconds}s");
        }
        slug
    }
}

impl Reading {
    /// A window that is known by its kind; what else is known is set afterwards.
    pub fn new(origin: &Origin, kind: Kind, duration_s: Option<u64>, percent: Percent) -> Self {
        Self {
            provider: origin.provider,
            account: origin.account.clone(),
            kind,
            label: None,
            duration_s,
            percent,
            resets_at: None,
            severity: Severity::of(percent),
            binding: false,
            amount: None,
            source: origin.source,
            observed_at: origin.observed_at,
        }
    }

    /// With a label, cut to what can be shown.
    pub(crate) fn with_label(mut self, label: Option<&str>) -> Self {
        let label = label.map(|label| {
            let shown = label.trim().chars().filter(|it| !it.is_control());
            shown.take(LONGEST_NAME).collect::<String>()
        });
        self.label = label.filter(|label| !label.is_empty());
        self
    }

    /// With a reset, unless it is none: no window is longer than a year.
    pub(crate) fn with_reset(mut self, resets_at: Option<Timestamp>) -> Self {
        let (first, last) = (
            Timestamp(self.observed_at.0.saturating_sub(micros(LONGEST))),
            self.observed_at.plus(LONGEST),
        );
        self.resets_at = resets_at.filter(|it| (first..=last).contains(it));
        self
    }

    /// Which window it is of.
    pub fn window(&self) -> Window {
        Window {
            provider: self.provider,
            account: self.account.clone(),
            kind: self.kind,
            label: self.label.clone(),
            duration_s: self.duration_s.filter(|_| self.kind == Kind::Other),
        }
    }

    /// How long the window is.
    pub fn duration(&self) -> Option<Duration> {
        self.duration_s.map(Duration::from_secs)
    }

    /// Whether the window has begun anew since: what it says is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.resets_at.is_some_and(|resets_at| resets_at <= now)
    }

    /// How much is used now, as far as this reading can tell: nothing is known once the window has begun anew.
    pub fn current(&self, now: Timestamp) -> Option<Percent> {
        (!self.is_over(now)).then_some(self.percent)
    }

    /// How old it is.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.observed_at)
    }
}

/// Whether two resets of one window are the same one.
pub fn same_reset(provider: ProviderId, one: Timestamp, other: Timestamp) -> bool {
    one.since(other).max(other.since(one)) <= provider.reset_tolerance()
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn origin() -> Origin {
        Origin {
            provider: ProviderId::Claude,
            account: Account("default".into()),
            source: Source::GetUsage,
            observed_at: Timestamp(1_000_000_000_000_000),
        }
    }

    #[test]
    fn what_is_no_percentage_is_none() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1, 1e300] {
            assert_eq!(Percent::new(bad), None, "{bad}");
            assert_eq!(Percent::of_share(bad), None, "{bad}");
        }
        assert_eq!(
            Percent::new(-0.0).map(|it| it.get().is_sign_negative()),
            Some(false)
        );
        assert_eq!(Percent::new(105.0).map(Percent::get), Some(105.0));
    }

    #[test]
    fn the_same_number_means_what_its_scale_says() {
        assert_eq!(Percent::new(1.0).map(Percent::get), Some(1.0));
        assert_eq!(Percent::of_share(1.0).map(Percent::get), Some(100.0));
        assert_eq!(Percent::of_share(0.07).map(Percent::get), Some(7.0));
    }

    #[test]
    fn a_reset_in_another_century_is_none() {
        let reading = |resets_at| {
            Reading::new(&origin(), Kind::Weekly, Some(7 * DAY), Percent::ZERO)
                .with_reset(Some(Timestamp(resets_at)))
                .resets_at
        };
        for bad in [
            0,
            i64::MIN,
            i64::MAX,
            1_000_000_000_000_000 + 500 * 86_400_000_000,
        ] {
            assert_eq!(reading(bad), None, "{bad}");
        }
        assert!(reading(1_000_000_000_000_000 + 7 * 86_400_000_000).is_some());
    }

    #[test]
    fn a_window_is_known_by_its_length() {
        let kinds = [
            (300 * 60, Kind::Session),
            (10_080 * 60, Kind::Weekly),
            (30 * DAY, Kind::Monthly),
            (3 * DAY, Kind::Other),
            (60, Kind::Other),
        ];
        for (seconds, kind) in kinds {
            assert_eq!(Kind::of_duration(seconds, false), kind, "{seconds}");
        }
        assert_eq!(Kind::of_duration(300 * 60, true), Kind::SessionScoped);
    }

    #[test]
    fn a_reading_of_a_window_that_began_anew_says_nothing_about_now() {
        let mut reading = Reading::new(&origin(), Kind::Session, Some(5 * HOUR), Percent(80.0));
        assert_eq!(reading.current(Timestamp(i64::MAX)), Some(Percent(80.0)));
        reading.resets_at = Some(Timestamp(100));
        assert_eq!(reading.current(Timestamp(99)), Some(Percent(80.0)));
        assert_eq!(reading.current(Timestamp(100)), None);
    }

    #[test]
    fn a_minute_apart_is_the_same_reset_and_more_is_not() {
        let second = 1_000_000;
        for (provider, apart, same) in [
            (ProviderId::Claude, 60, true),
            (ProviderId::Claude, 61, false),
            (ProviderId::Codex, 600, true),
            (ProviderId::Codex, 601, false),
        ] {
            let (one, other) = (Timestamp(0), Timestamp(apart * second));
            assert_eq!(same_reset(provider, one, other), same, "{apart}");
            assert_eq!(same_reset(provider, other, one), same, "{apart}");
        }
    }

    #[test]
    fn its_json_has_every_name_that_was_promised() {
        let reading = Reading::new(&origin(), Kind::Session, Some(5 * HOUR), Percent(62.0))
            .with_reset(Some(Timestamp(1_000_000_100_000_000)));
        let json = serde_json::to_string(&reading).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"provider":"claude","account":"default","kind":"session","duration_s":18000,"percent":62.0,"#,
                r#""resets_at":"2001-09-09T01:48:20.000000Z","severity":"normal","binding":false,"#,
                r#""source":"get_usage","observed_at":"2001-09-09T01:46:40.000000Z"}"#
            )
        );
        assert_eq!(serde_json::from_str::<Reading>(&json).unwrap(), reading);
        assert!(serde_json::from_str::<Percent>("-1").is_err());
    }
}
