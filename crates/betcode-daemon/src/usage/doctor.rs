//! What is wrong with the sources of an account, and what to do about it. It shows no token, only how long it is good.

use std::time::Duration;

use betcode_core::config::format_duration;
use betcode_core::id::AgentName;
use betcode_core::time::Timestamp;
use betcode_proto::convert::usage::UsageFinding;
use jiff::tz::TimeZone;
use usage_core::credentials::Login;
use usage_core::failure::{Failure, Unreachable};
use usage_core::format::clock;
use usage_core::planner::{State, View};
use usage_core::provider::provider;
use usage_core::reading::{ProviderId, Source};

use super::driver::Driver;
use super::http::Client;
use super::place::{Means, Place};
use crate::agent::probe::{self, Version};
use crate::agent::resolve::install_hint;
use crate::machine::Machine;

/// How long it may take to connect to an endpoint.
const EXAMINED_WITHIN: Duration = Duration::from_secs(10);

/// How one account stands.
#[derive(Debug)]
pub(super) struct Examined {
    place: Place,
    means: Means,
    login: Login,
    view: View,
    state: State,
}

impl Examined {
    pub(super) fn of(driver: &Driver, now: Timestamp) -> Self {
        let view = driver.planner.view(now);
        Self {
            place: driver.place.clone(),
            means: driver.means.clone().unwrap_or_default(),
            login: driver.login.clone(),
            state: driver.state(view.state.clone()),
            view,
        }
    }
}

/// Everything that was looked at, the worst first.
pub(super) async fn findings(
    machine: &Machine,
    all: Vec<Examined>,
    client: impl Future<Output = Result<&Client, Failure>>,
) -> Vec<UsageFinding> {
    let now = machine.clock().now();
    let zone = TimeZone::system();
    let mut findings = Vec::new();
    for examined in all {
        let version = version(machine, &examined).await;
        findings.extend(of_account(&examined, version, now, &zone));
    }
    findings.extend(settings(machine));
    let usage = machine.settings();
    if usage.usage.enabled && usage.usage_http.enabled {
        findings.extend(connection(client).await);
    }
    findings.sort_by_key(|finding| match finding.level.as_str() {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    });
    findings
}

async fn version(machine: &Machine, examined: &Examined) -> Option<Version> {
    let program = examined.means.program.clone()?;
    let Examined { place, means, .. } = examined;
    let environment = means.environment.clone();
    let (clock, directory) = (machine.clock(), &place.directory);
    Some(probe::version(clock, &[program], directory, environment).await)
}

fn of_account(
    examined: &Examined,
    version: Option<Version>,
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<UsageFinding> {
    let Examined {
        place, means, view, ..
    } = examined;
    let name = place.key().replacen('/', " ", 1);
    let mut findings = vec![
        state(&name, examined, now, zone),
        program(&name, examined, version),
    ];
    let sources: Vec<&str> = means.sources.iter().map(|it| it.name()).collect();
    if !sources.is_empty() {
        let asked = match (view.asked, view.asked_at) {
            (Some(source), Some(at)) => {
                format!("; asked last: {}, {} ago", source.name(), age(now, at))
            }
            _ => String::new(),
        };
        let found = format!("{}{asked}", sources.join(", "));
        findings.push(finding(&name, "sources", "ok", found, ""));
    }
    findings.push(login(&name, examined, now, zone));
    if let Some(until) = view.rests_until {
        let found = format!("rests until {}", clock(until, now, zone));
        let advice = "it was asked too often; asking again only prolongs that";
        findings.push(finding(&name, "cool-down", "warning", found, advice));
    }
    findings
}

fn state(name: &str, examined: &Examined, now: Timestamp, zone: &TimeZone) -> UsageFinding {
    let Examined {
        state, means, view, ..
    } = examined;
    let newest = view.readings.iter().max_by_key(|it| it.observed_at);
    let known = match newest {
        Some(newest) => format!(
            "{} readings, the newest from {}, {} old",
            view.readings.len(),
            newest.source.name(),
            age(now, newest.observed_at)
        ),
        None => "no readings".to_owned(),
    };
    let log_in = format!("run {}", means.login_command.join(" "));
    let (level, advice) = match state {
        State::Ok | State::Loading => ("ok", String::new()),
        State::Stale => ("warning", "betcode usage --refresh asks now".to_owned()),
        State::RateLimited { until } => {
            let until = clock(*until, now, zone);
            ("warning", format!("wait: it is asked again at {until}"))
        }
        State::Offline { cause } => {
            let is_program = view.asked.is_some_and(|source| !source.is_http());
            let advice = if is_program && *cause == Unreachable::Timeout {
                "the program that is asked says nothing: try whether it starts by hand, then the connection and the proxy"
            } else {
                "check the connection, and the proxy if there is one"
            };
            ("error", advice.to_owned())
        }
        State::TlsIntercepted { .. } => {
            let advice = "if that is your own proxy, give its certificate to SSL_CERT_FILE or NODE_EXTRA_CA_CERTS";
            ("error", advice.to_owned())
        }
        State::TokenExpired => ("warning", "nothing: it is being renewed".to_owned()),
        State::LoginNeeded | State::ScopeMissing => ("error", log_in),
        State::NoSubscription => ("info", format!("{log_in}, if there is a plan")),
        State::Error { .. } => {
            let advice = "it is tried again by itself; an update of the agent may help";
            ("error", advice.to_owned())
        }
        State::Unavailable { .. } => ("info", String::new()),
    };
    finding(name, "state", level, format!("{state}; {known}"), &advice)
}

fn program(name: &str, examined: &Examined, version: Option<Version>) -> UsageFinding {
    let Examined { place, means, .. } = examined;
    let agent = AgentName::from(place.provider.name());
    match (&means.program, version) {
        (Some(program), Some(version)) => {
            let doubt = version.warning(&agent).unwrap_or_default();
            let level = if doubt.is_empty() { "ok" } else { "warning" };
            let found = format!("{program} {}", version.text());
            finding(name, "program", level, found.trim_end().to_owned(), &doubt)
        }
        (Some(program), None) => finding(name, "program", "ok", program.clone(), ""),
        (None, _) => {
            let missing = means.missing.clone().unwrap_or_default();
            let advice = if missing.contains("not found") {
                install_hint(place.provider.name())
            } else {
                String::new()
            };
            finding(name, "program", "info", missing, &advice)
        }
    }
}

fn login(name: &str, examined: &Examined, now: Timestamp, zone: &TimeZone) -> UsageFinding {
    let Examined {
        place,
        means,
        login,
        ..
    } = examined;
    let file = place.directory.join(place.login_file());
    let log_in = format!("run {}", means.login_command.join(" "));
    let (level, found, advice) = match login {
        Login::Unknown => {
            let found = format!("{} cannot be read, or is no login", file.display());
            // Where the agent keeps its login elsewhere there is no file, which is as it should be.
            if file.symlink_metadata().is_ok() {
                ("warning", found, format!("if nothing else helps, {log_in}"))
            } else {
                ("info", found, String::new())
            }
        }
        Login::LoggedOut => {
            let found = format!("nobody is logged in, as far as {} says", file.display());
            ("info", found, log_in)
        }
        Login::Token(token) => {
            let plan = token.plan.as_deref().unwrap_or("unknown plan");
            let expiry = match token.expires_at {
                Some(at) if at <= now => {
                    format!("its token expired {} ago", age(now, at))
                }
                Some(at) => format!("its token is good until {}", clock(at, now, zone)),
                None => "it is not written when its token expires".to_owned(),
            };
            let scopes = match &token.scopes {
                Some(scopes) => format!("; it may {}", scopes.join(", ")),
                None => String::new(),
            };
            let found = format!("logged in ({plan}); {expiry}{scopes}");
            if token.is_expired(now) {
                (
                    "warning",
                    found,
                    format!("usually nothing: the agent renews it; else {log_in}"),
                )
            } else if token.lacks_usage_scope() && means.sources.contains(&Source::OauthUsage) {
                ("warning", found, log_in)
            } else {
                ("ok", found, String::new())
            }
        }
    };
    let watched = if means.is_watched || means.sources.is_empty() {
        ""
    } else {
        "; changes of it are not noticed at once"
    };
    finding(name, "login", level, format!("{found}{watched}"), &advice)
}

/// The way to the endpoint: connected to, and asked nothing.
async fn connection(client: impl Future<Output = Result<&Client, Failure>>) -> Vec<UsageFinding> {
    let client = match client.await {
        Ok(client) => client,
        Err(failure) => {
            let advice = "mend it, then betcode daemon restart";
            return vec![about("http", "error", failure.to_string(), advice)];
        }
    };
    let claude = provider(ProviderId::Claude);
    let mut requests = claude.sources().iter().filter_map(|it| claude.request(*it));
    let Some(request) = requests.next() else {
        return Vec::new();
    };
    let findings = client
        .examine(request.url, EXAMINED_WITHIN)
        .await
        .findings();
    let findings = findings.into_iter().map(|it| UsageFinding {
        about: it.about.to_owned(),
        level: it.level.name().to_owned(),
        found: it.found,
        advice: it.advice,
    });
    findings.collect()
}

fn settings(machine: &Machine) -> Vec<UsageFinding> {
    let usage = &machine.settings().usage;
    if !usage.enabled {
        let advice = "betcode config set usage.enabled true, then betcode daemon restart";
        let found = "usage.enabled is false: nothing is asked".to_owned();
        return vec![about("settings", "warning", found, advice)];
    }
    let http = if machine.settings().usage_http.enabled {
        "on"
    } else {
        "off"
    };
    let soon: Vec<String> = usage.reset_soon.iter().map(ToString::to_string).collect();
    let found = format!(
        "http {http}; warning from {} %, critical from {} %; announced before a reset: {} minutes",
        usage.warning,
        usage.critical,
        soon.join(", ")
    );
    vec![about("settings", "ok", found, "")]
}

fn age(now: Timestamp, at: Timestamp) -> String {
    let age = now.since(at);
    let whole = match age.as_secs() {
        seconds @ 0..120 => seconds,
        seconds @ 120..7_200 => seconds / 60 * 60,
        seconds => seconds / 3_600 * 3_600,
    };
    format_duration(Duration::from_secs(whole))
}

fn finding(name: &str, what: &str, level: &str, found: String, advice: &str) -> UsageFinding {
    about(&format!("{name}: {what}"), level, found, advice)
}

fn about(about: &str, level: &str, found: String, advice: &str) -> UsageFinding {
    UsageFinding {
        about: about.to_owned(),
        level: level.to_owned(),
        found,
        advice: advice.to_owned(),
    }
}
