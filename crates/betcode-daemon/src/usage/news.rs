//! What is worth a notification, as entries of the feed: alerts about windows, notices about sources, and what is over. Pure.
//!
//! Subjects: `usage/WINDOW/RUN/WHAT` for windows, `usage/ACCOUNT/TOPIC/TIME` for sources. The time makes each episode one of its
//! own: what was told is not told again under the same subject.

use std::collections::BTreeSet;

use betcode_core::notify::Kind;
use betcode_core::time::Timestamp;
use betcode_proto::convert::feed::UsageNews;
use jiff::tz::TimeZone;
use usage_core::alert::{Alert, AlertKind};
use usage_core::planner::Notice;
use usage_core::reading::Reading;

use super::place::{DEFAULT, Place};

/// Something is over.
pub(super) fn over(subject: impl Into<String>) -> UsageNews {
    UsageNews {
        subject: subject.into(),
        kind: String::new(),
        title: String::new(),
        body: String::new(),
    }
}

/// What an alert comes to, and what it makes pointless. `soon` are the minutes at which resets are announced.
pub(super) fn of_alert(alert: &Alert, soon: &[u32]) -> Vec<UsageNews> {
    let subject = format!("usage/{}", alert.key);
    let run = subject.rsplit_once('/').map_or("", |(run, _)| run);
    let mut news: Vec<UsageNews> = match alert.kind {
        AlertKind::Reset => vec![over(run)],
        AlertKind::Critical => vec![over(format!("{run}/warning"))],
        AlertKind::ResetSoon { .. } => {
            let all = soon.iter().map(|minutes| format!("{run}/soon-{minutes}"));
            all.filter(|other| *other != subject).map(over).collect()
        }
        AlertKind::Warning => Vec::new(),
    };
    news.push(UsageNews {
        kind: alert.notice().word().to_owned(),
        title: alert.title(),
        body: with_account(alert.body(), &alert.window.account.0),
        subject,
    });
    news
}

/// What a notice comes to. `standing` are the subjects of the account that are not over; `others_offline` is whether the same was
/// said of another account.
pub(super) fn of_notice(
    place: &Place,
    notice: &Notice,
    (now, zone): (Timestamp, &TimeZone),
    standing: &mut BTreeSet<String>,
    others_offline: bool,
) -> Vec<UsageNews> {
    let topic = match notice {
        Notice::LoginNeeded => Topic::Login,
        Notice::RateLimited { .. } => Topic::RateLimited,
        Notice::Offline | Notice::TlsIntercepted { .. } => Topic::Offline,
        Notice::BackOnline => Topic::Online,
    };
    // Whatever was said of it before is said anew, and who is back is not away.
    let mut news = ended(place, &[topic], standing);
    if topic == Topic::Online {
        news.extend(ended(place, &[Topic::Offline], standing));
    } else if topic == Topic::Offline {
        news.extend(ended(place, &[Topic::Online], standing));
    }
    let subject = format!("{}/{}", topic.subject(place), now.0);
    standing.insert(subject.clone());
    if others_offline && matches!(topic, Topic::Offline | Topic::Online) {
        return news;
    }
    news.push(UsageNews {
        subject,
        kind: notice.kind().word().to_owned(),
        title: notice.title(place.provider),
        body: with_account(notice.body(now, zone), &place.account.0),
    });
    news
}

/// What is said about a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Login,
    RateLimited,
    Offline,
    Online,
}

impl Topic {
    fn subject(self, place: &Place) -> String {
        let name = match self {
            Self::Login => "login",
            Self::RateLimited => "rate_limited",
            Self::Offline => "offline",
            Self::Online => "online",
        };
        format!("usage/{}/{name}", place.key())
    }

    /// Whether it stands.
    pub(super) fn stands(self, place: &Place, standing: &BTreeSet<String>) -> bool {
        let subject = self.subject(place);
        standing.iter().any(|it| is_below(it, &subject))
    }
}

fn is_below(subject: &str, above: &str) -> bool {
    let rest = subject.strip_prefix(above);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

/// These topics of an account are over.
pub(super) fn ended(
    place: &Place,
    topics: &[Topic],
    standing: &mut BTreeSet<String>,
) -> Vec<UsageNews> {
    let mut news = Vec::new();
    for topic in topics {
        let subject = topic.subject(place);
        let all = standing.extract_if(.., |it| is_below(it, &subject));
        news.extend(all.map(over));
    }
    news
}

/// Windows that began anew since `seen`: pauses of notifications that last until then end, even where nothing is said.
pub(super) fn resets<'a>(
    readings: impl Iterator<Item = &'a Reading>,
    seen: Timestamp,
    now: Timestamp,
) -> Vec<UsageNews> {
    let passed = readings.filter_map(|reading| {
        let at = reading.resets_at.filter(|at| *at > seen && *at <= now)?;
        Some(UsageNews {
            subject: format!("usage/{}/{}/began", reading.window().slug(), at.0),
            kind: Kind::QuotaReset.word().to_owned(),
            title: String::new(),
            body: String::new(),
        })
    });
    passed.collect()
}

/// Where there are several accounts, it is said which one.
fn with_account(body: String, account: &str) -> String {
    if account == DEFAULT {
        body
    } else {
        format!("{body} ({account})")
    }
}

#[cfg(test)]
mod tests {
    use usage_core::reading::{Account, Percent, ProviderId, Window};

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_089_600_000_000);

    fn place(provider: ProviderId, account: &str) -> Place {
        Place {
            provider,
            account: Account(account.to_owned()),
            directory: "/home/ann/.claude".into(),
        }
    }

    fn alert(kind: AlertKind, what: &str) -> Alert {
        let window = Window {
            provider: ProviderId::Codex,
            account: Account("~/work".to_owned()),
            kind: usage_core::reading::Kind::Session,
            label: None,
            duration_s: None,
        };
        Alert {
            key: format!("{}/77/{what}", window.slug()),
            kind,
            window,
            duration_s: Some(18_000),
            percent: Percent::new(92.0).unwrap(),
            resets_at: None,
            at: NOW,
        }
    }

    fn subjects(news: &[UsageNews]) -> Vec<(&str, &str)> {
        let news = news.iter();
        news.map(|it| (it.subject.as_str(), it.kind.as_str()))
            .collect()
    }

    #[test]
    fn a_critical_use_takes_the_place_of_a_warning_and_names_provider_and_account() {
        let news = of_alert(&alert(AlertKind::Critical, "critical"), &[]);
        let run = "usage/codex/~/work/session/77";
        let (warning, critical) = (format!("{run}/warning"), format!("{run}/critical"));
        assert_eq!(
            subjects(&news),
            [(&warning[..], ""), (&critical[..], "usage_critical")]
        );
        assert_eq!(news[1].title, "Codex Usage Critical");
        assert_eq!(
            news[1].body,
            "You've used 92% of your 5-hour quota! (~/work)"
        );
    }

    #[test]
    fn a_reset_ends_all_that_was_said_of_the_run_and_a_nearer_announcement_the_farther_ones() {
        let news = of_alert(&alert(AlertKind::Reset, "reset"), &[30, 5]);
        assert_eq!(news[0], over("usage/codex/~/work/session/77"));
        assert_eq!(news[1].kind, "quota_reset");
        let news = of_alert(
            &alert(AlertKind::ResetSoon { minutes: 5 }, "soon-5"),
            &[30, 5],
        );
        assert_eq!(news[0], over("usage/codex/~/work/session/77/soon-30"));
        assert_eq!(news.len(), 2);
    }

    #[test]
    fn each_episode_of_a_source_is_one_of_its_own_and_being_back_ends_being_away() {
        let place = place(ProviderId::Claude, DEFAULT);
        let mut standing = BTreeSet::new();
        let mut say = |notice: Notice, at: i64| {
            let at = Timestamp(NOW.0 + at);
            of_notice(&place, &notice, (at, &TimeZone::UTC), &mut standing, false)
        };
        let login = say(Notice::LoginNeeded, 0);
        assert_eq!(login[0].title, "Claude Token Expired");
        let again = say(Notice::LoginNeeded, 1);
        assert_eq!(again[0], over(login[0].subject.clone()));
        assert_ne!(again[1].subject, login[0].subject);
        let away = say(Notice::Offline, 2);
        let back = say(Notice::BackOnline, 3);
        assert_eq!(back[0], over(away[0].subject.clone()));
        assert_eq!(back[1].kind, "back_online");
        assert_eq!(ended(&place, &[Topic::Login], &mut standing).len(), 1);
        assert!(!Topic::Login.stands(&place, &standing));
    }

    #[test]
    fn of_two_accounts_that_are_offline_one_is_told() {
        let (mut one, mut other) = (BTreeSet::new(), BTreeSet::new());
        let time = (NOW, &TimeZone::UTC);
        let claude = place(ProviderId::Claude, DEFAULT);
        let codex = place(ProviderId::Codex, DEFAULT);
        let first = of_notice(&claude, &Notice::Offline, time, &mut one, false);
        let is_told = Topic::Offline.stands(&claude, &one);
        let second = of_notice(&codex, &Notice::Offline, time, &mut other, is_told);
        assert_eq!((first.len(), second.len()), (1, 0));
        assert!(Topic::Offline.stands(&codex, &other));
    }
}
