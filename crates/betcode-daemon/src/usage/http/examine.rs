//! What a person should know about the way to an endpoint: connects as for a question, verifies, asks nothing and sends no
//! token. What was found is put into words here, and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use usage_core::failure::{Failure, Unreachable};

use super::Client;
use super::exchange::Target;
use super::trust::Root;
use super::verify::{PinState, Sight, Verdict, Watch, Wrong};

/// What is known about the way to an endpoint. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// The endpoint.
    pub host: String,
    /// The proxy on the way.
    pub proxy: Option<String>,
    /// The version of TLS; none without a secure connection.
    pub version: Option<&'static str>,
    /// What the other side showed of itself; none if it did not come to that.
    pub sight: Option<Sight>,
    /// Why there is no connection.
    pub failure: Option<Failure>,
    /// What is wrong and does not keep it from working.
    pub complaints: Vec<String>,
}

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Good to know.
    Info,
    /// Not as it should be.
    Warning,
    /// It does not work.
    Error,
}

impl Level {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What: `proxy`, `tls`, `pins`, `certificates`.
    pub about: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do; empty for nothing.
    pub advice: String,
}

impl Client {
    /// Looks at the way to an endpoint.
    pub async fn examine(&self, url: &str, timeout: Duration) -> Examination {
        let target = match Target::read(url) {
            Ok(target) => target,
            Err(failure) => return self.examination(String::new(), Some(failure)),
        };
        let watch = Arc::new(Watch::new(&self.trust, &self.pins));
        let connected = tokio::time::timeout(timeout, self.connect(&target, &watch)).await;
        let connected = connected.unwrap_or(Err(Failure::Offline {
            cause: Unreachable::Timeout,
        }));
        let version = connected.as_ref().ok().and_then(|stream| {
            let (_, connection) = stream.get_ref();
            connection.protocol_version()
        });
        let proxy = self.routes.proxy(&target.host, target.port);
        Examination {
            proxy: proxy.map(ToString::to_string),
            version: version.map(|version| match version {
                rustls::ProtocolVersion::TLSv1_3 => "TLS 1.3",
                _ => "TLS 1.2",
            }),
            sight: watch.sight(),
            ..self.examination(target.host, connected.err())
        }
    }

    fn examination(&self, host: String, failure: Option<Failure>) -> Examination {
        Examination {
            host,
            proxy: None,
            version: None,
            sight: None,
            failure,
            complaints: self.complaints.clone(),
        }
    }
}

impl Examination {
    /// In words, the most important first.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.failure.iter().map(|it| self.failed(it)).collect();
        if self.failure.is_none() {
            findings.push(self.connected());
        }
        findings.extend(self.sight.as_ref().and_then(pins));
        findings.push(Finding {
            about: "proxy",
            level: Level::Info,
            found: match &self.proxy {
                Some(proxy) => format!("{} is asked through {proxy}", self.host),
                None => format!("{} is asked without a proxy", self.host),
            },
            advice: String::new(),
        });
        findings.extend(self.complaints.iter().map(|complaint| Finding {
            about: "certificates",
            level: Level::Warning,
            found: complaint.clone(),
            advice: "mend the file or take it out of the variable".to_owned(),
        }));
        findings
    }

    fn connected(&self) -> Finding {
        let version = self.version.unwrap_or("TLS");
        let host = &self.host;
        let sight = self.sight.clone().unwrap_or_default();
        let issuer = &sight.issuer;
        match &sight.root {
            Some(Root::File(file)) => Finding {
                about: "tls",
                level: Level::Info,
                found: format!(
                    "{host} answers over {version}; the connection is inspected by {issuer}, which {file} vouches for"
                ),
                advice: String::new(),
            },
            _ => Finding {
                about: "tls",
                level: Level::Ok,
                found: format!("{host} answers over {version} with a certificate from {issuer}"),
                advice: String::new(),
            },
        }
    }

    fn failed(&self, failure: &Failure) -> Finding {
        let advice = match failure {
            Failure::TlsIntercepted { .. } => match self.sight.as_ref().map(|it| it.verdict) {
                Some(Verdict::NotPinned) => {
                    "if that key may be trusted, put it into usage.pins, or set usage.pinning to \"report\""
                }
                _ => {
                    "if that is your company's proxy, put its certificate into a file and name it in usage.ca_files; in a foreign network, log in there first"
                }
            },
            Failure::Offline { cause } => match cause {
                Unreachable::NoNetwork | Unreachable::Dns => {
                    "is there a network, and does it need a proxy (usage.proxy)?"
                }
                Unreachable::Connect => {
                    "is a firewall in between, or a proxy needed (usage.proxy)?"
                }
                Unreachable::Timeout => "try again later; is a proxy needed (usage.proxy)?",
                Unreachable::Tls => self.unsecured(),
            },
            Failure::Unavailable { .. } => "mend usage.proxy, or the variable that names the proxy",
            _ => "",
        };
        Finding {
            about: match failure {
                Failure::Unavailable { .. } => "proxy",
                _ => "tls",
            },
            level: Level::Error,
            found: match self.wrong() {
                Some(wrong) => format!("{}: {failure}: {wrong}", self.host),
                None => format!("{}: {failure}", self.host),
            },
            advice: advice.to_owned(),
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        self.sight.as_ref().map(|sight| sight.verdict)
    }

    fn wrong(&self) -> Option<&'static str> {
        match self.verdict()? {
            Verdict::Bad(Wrong::Expired) => Some("its certificate has expired"),
            Verdict::Bad(Wrong::NotYet) => Some("its certificate is not valid yet"),
            Verdict::Bad(Wrong::Other) => Some("its certificate cannot be used"),
            Verdict::Good | Verdict::Foreign | Verdict::NotPinned => None,
        }
    }

    fn unsecured(&self) -> &'static str {
        match self.verdict() {
            Some(Verdict::Bad(Wrong::Expired | Wrong::NotYet)) => {
                "is the clock of this machine right?"
            }
            _ => "something in between may not let TLS through; is a proxy needed (usage.proxy)?",
        }
    }
}

/// The keys, for whoever wants to pin some of them, and what the pins came to.
fn pins(sight: &Sight) -> Option<Finding> {
    // The first is replaced every few weeks: it is no good as a pin.
    let authorities = sight.keys.iter().skip(1);
    let keys: Vec<String> = authorities
        .map(|key| format!("{} of {}", key.pin, key.name))
        .collect();
    if keys.is_empty() {
        return None;
    }
    let keys = keys.join(", ");
    let (level, found, advice) = match sight.pins {
        PinState::Off => (Level::Info, format!("nothing is pinned; seen: {keys}"), ""),
        PinState::Met(pin) => (Level::Ok, format!("the pinned key {pin} was seen"), ""),
        PinState::Refused => (
            Level::Error,
            format!("no pinned key was seen, so nothing is asked; seen: {keys}"),
            "",
        ),
        PinState::Reported { expired: false } => (
            Level::Warning,
            format!("no pinned key was seen; seen: {keys}"),
            "if these may be trusted, put them into usage.pins",
        ),
        PinState::Reported { expired: true } => (
            Level::Warning,
            format!(
                "no pinned key was seen, and the pins are past usage.pins_until, so it was not refused; seen: {keys}"
            ),
            "renew usage.pins and usage.pins_until",
        ),
    };
    Some(Finding {
        about: "pins",
        level,
        found,
        advice: advice.to_owned(),
    })
}
