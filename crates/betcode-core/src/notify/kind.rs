//! What notifications are about, how much it matters, and what can be done at once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Much of a plan's window is used.
    UsageWarning,
    /// Nearly all of it.
    UsageCritical,
    /// A window begins anew soon.
    ResetSoon,
    /// A window has begun anew.
    QuotaReset,
    /// The agent's token is not valid any more.
    TokenExpired,
    /// Nothing can be reached.
    Offline,
    /// It can be again.
    BackOnline,
    /// The source of usage wants to be left alone.
    RateLimited,
    /// A tool waits for a yes or no.
    Permission,
    /// An agent has asked something.
    Question,
    /// Either has waited for long.
    Reminder,
    /// A turn is complete.
    TurnComplete,
    /// A session cannot go on.
    SessionError,
    /// There is a newer version.
    NewVersion,
    /// The user wants to know whether notifications are shown.
    Test,
}

/// All of them.
pub const KINDS: [Kind; 15] = [
    Kind::UsageWarning,
    Kind::UsageCritical,
    Kind::ResetSoon,
    Kind::QuotaReset,
    Kind::TokenExpired,
    Kind::Offline,
    Kind::BackOnline,
    Kind::RateLimited,
    Kind::Permission,
    Kind::Question,
    Kind::Reminder,
    Kind::TurnComplete,
    Kind::SessionError,
    Kind::NewVersion,
    Kind::Test,
];

/// What is treated alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The plan and its sources: at most one notification a minute.
    Usage,
    /// Somebody waits for the user: at once, one for each session and kind.
    Waiting,
    /// All else: at once, one for each session and kind.
    News,
}

impl Kind {
    /// The word for it in settings and output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UsageWarning => "usage_warning",
            Self::UsageCritical => "usage_critical",
            Self::ResetSoon => "reset_soon",
            Self::QuotaReset => "quota_reset",
            Self::TokenExpired => "token_expired",
            Self::Offline => "offline",
            Self::BackOnline => "back_online",
            Self::RateLimited => "rate_limited",
            Self::Permission => "permission",
            Self::Question => "question",
            Self::Reminder => "reminder",
            Self::TurnComplete => "turn_complete",
            Self::SessionError => "session_error",
            Self::NewVersion => "new_version",
            Self::Test => "test",
        }
    }

    /// The kind that a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.word() == word)
    }

    /// The first line of a notification, unless what it is about has one of its own: whose plan it is stands before it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::UsageWarning => "Usage Warning",
            Self::UsageCritical => "Usage Critical",
            Self::ResetSoon => "Reset Soon",
            Self::QuotaReset => "Quota Reset",
            Self::TokenExpired => "Token Expired",
            Self::Offline => "Network Error",
            Self::BackOnline => "Back Online",
            Self::RateLimited => "Rate Limited",
            Self::Permission => "Permission Required",
            Self::Question => "Question from BetCode",
            Self::Reminder => "Reminder",
            Self::TurnComplete => "Task Complete",
            Self::SessionError => "Session Error",
            Self::NewVersion => "New Version",
            Self::Test => "Test Notification",
        }
    }

    /// What it is treated like.
    pub const fn class(self) -> Class {
        match self {
            Self::UsageWarning
            | Self::UsageCritical
            | Self::ResetSoon
            | Self::QuotaReset
            | Self::TokenExpired
            | Self::Offline
            | Self::BackOnline
            | Self::RateLimited => Class::Usage,
            Self::Permission | Self::Question | Self::Reminder | Self::SessionError => {
                Class::Waiting
            }
            Self::TurnComplete | Self::NewVersion | Self::Test => Class::News,
        }
    }

    /// The more, the sooner it is told.
    pub const fn weight(self) -> u8 {
        match self {
            Self::Permission | Self::Question => 9,
            Self::Reminder | Self::SessionError => 8,
            Self::TokenExpired => 7,
            Self::UsageCritical => 6,
            Self::RateLimited => 5,
            Self::Offline => 4,
            Self::UsageWarning => 3,
            Self::ResetSoon => 2,
            Self::QuotaReset | Self::TurnComplete => 1,
            Self::BackOnline | Self::NewVersion | Self::Test => 0,
        }
    }

    /// Several of them in one line.
    pub(super) fn several(self, count: usize) -> String {
        let what = match self {
            Self::Permission => "permissions wait",
            Self::Question => "questions wait",
            Self::Reminder => "requests have waited for long",
            Self::TurnComplete => "turns are complete",
            Self::SessionError => "errors",
            _ => "messages",
        };
        format!("{count} {what}")
    }
}

/// What can be chosen in a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Be quiet for five minutes.
    Snooze5,
    /// For fifteen.
    Snooze15,
    /// For thirty.
    Snooze30,
    /// Run the agent's login.
    LogIn,
    /// Try to reach the source again.
    RetryNow,
    /// Allow the tool, once.
    Allow,
    /// Deny it.
    Deny,
    /// Show the session.
    Open,
}

/// All of them.
pub const CHOICES: [Choice; 8] = [
    Choice::Snooze5,
    Choice::Snooze15,
    Choice::Snooze30,
    Choice::LogIn,
    Choice::RetryNow,
    Choice::Allow,
    Choice::Deny,
    Choice::Open,
];

impl Choice {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Snooze5 => "snooze-5",
            Self::Snooze15 => "snooze-15",
            Self::Snooze30 => "snooze-30",
            Self::LogIn => "log-in",
            Self::RetryNow => "retry-now",
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Open => "open",
        }
    }

    /// The choice that a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        CHOICES.into_iter().find(|choice| choice.word() == word)
    }

    /// What stands on its button.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Snooze5 => "Snooze 5 min",
            Self::Snooze15 => "Snooze 15 min",
            Self::Snooze30 => "Snooze 30 min",
            Self::LogIn => "Log in",
            Self::RetryNow => "Retry now",
            Self::Allow => "Allow",
            Self::Deny => "Deny",
            Self::Open => "Open",
        }
    }

    /// True when it is the answer to a request for permission.
    pub const fn answers(self) -> bool {
        matches!(self, Self::Allow | Self::Deny)
    }

    /// For how many minutes it asks to be quiet.
    pub const fn snoozes(self) -> Option<u64> {
        match self {
            Self::Snooze5 => Some(5),
            Self::Snooze15 => Some(15),
            Self::Snooze30 => Some(30),
            _ => None,
        }
    }
}

impl Kind {
    /// What can be chosen in a notification about one such thing.
    pub fn choices(self) -> BTreeSet<Choice> {
        use Choice::{Allow, Deny, LogIn, Open, RetryNow, Snooze5, Snooze15, Snooze30};
        let choices: &[Choice] = match self {
            Self::UsageWarning | Self::UsageCritical | Self::ResetSoon => {
                &[Snooze5, Snooze15, Snooze30]
            }
            Self::TokenExpired => &[LogIn, Snooze5, Snooze15, Snooze30],
            Self::Offline => &[RetryNow],
            Self::Permission | Self::Reminder => &[Allow, Deny, Open],
            Self::Question | Self::TurnComplete | Self::SessionError => &[Open],
            Self::QuotaReset
            | Self::BackOnline
            | Self::RateLimited
            | Self::NewVersion
            | Self::Test => &[],
        };
        choices.iter().copied().collect()
    }
}
