//! Asks a provider's endpoint over HTTPS, with the token that the agent keeps, where the user wants that. When it is asked
//! and what the answer means is not decided here.
//!
//! One connection for one question: nothing is kept between them, neither connections nor cookies nor TLS sessions, so that
//! every connection is verified as a whole. What happens on the way has its own modules: `dial` finds the host,
//! `tunnel` speaks with a proxy, `verify` looks at the certificates, `trust` says which ones count.
//!
//! Laws:
//! - the token goes to the host of the request and nowhere else: no redirect is followed, a proxy never sees it, and nothing
//!   is sent before the other side is verified;
//! - pins only ever refuse what would have been accepted without them;
//! - neither a token nor who one is to a proxy is in an error, a finding, a log or anything that can be printed;
//! - no question takes longer than it may, and no answer is longer than 1 MiB.

mod dial;
mod examine;
mod exchange;
mod name;
mod trust;
mod tunnel;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use betcode_core::config::{Pin, Pinning, Secret, UsageHttpConfig, end_of};
use betcode_core::proxy::{BadVariable, Routes};
use bytes::Bytes;
use usage_core::failure::{Failure, Unreachable};
use usage_core::provider::{self, Request};

use crate::clock::Clock;
use dial::Names;
pub use examine::{Examination, Finding, Level};
use exchange::Target;
pub use trust::Root;
use trust::Trust;
pub use verify::{KeySeen, PinState, Sight};
use verify::{Pins, Watch};

/// A question takes no longer than this.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the certificates of the system are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SystemRoots {
    /// Where they usually are.
    #[default]
    Usual,
    /// In this file and nowhere else.
    File(PathBuf),
    /// Nowhere.
    None,
}

/// What is known beforehand.
#[derive(Debug, Clone, Copy)]
pub struct HttpSettings<'a> {
    /// The user's settings.
    pub config: &'a UsageHttpConfig,
    /// The variables that name proxies and certificates. Printed by name only.
    pub environment: &'a betcode_core::command::Environment,
    /// Where the certificates of the system are.
    pub roots: &'a SystemRoots,
}

/// What is wrong with the settings, what of them, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigProblem {
    /// A variable.
    #[error("{0}; mend it, or set usage.proxy (\"direct\" for none)")]
    Variable(#[from] BadVariable),
    /// A file that was named in the settings.
    #[error("usage.ca_files: {file} {why}")]
    CaFile {
        /// Which.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// There are none.
    #[error(
        "no certificates were found that could be trusted; install the system's (ca-certificates), or name a file in usage.ca_files"
    )]
    NoCertificates,
    /// Pins decide for ever.
    #[error(
        "usage.pins is set and usage.pins_until is not: say up to which day the pins may refuse a connection, for keys are replaced"
    )]
    NoLastDay,
    /// Nothing to decide with.
    #[error(
        "usage.pinning is \"enforce\" and usage.pins is empty: add the keys that `betcode usage doctor` shows"
    )]
    NoPins,
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its header `Retry-After`.
    pub retry_after: Option<String>,
    /// Its body.
    pub body: Bytes,
    /// What the other side showed of itself.
    pub sight: Sight,
}

impl Reply {
    /// For whoever reads it.
    pub fn as_provider(&self) -> provider::Reply<'_> {
        provider::Reply::Http {
            status: self.status,
            retry_after: self.retry_after.as_deref(),
            body: &self.body,
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("retry_after", &self.retry_after)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Who asks.
#[derive(Debug)]
pub struct Client {
    routes: Routes,
    trust: Arc<Trust>,
    pins: Arc<Pins>,
    names: Names,
    clock: Clock,
    /// What is wrong and does not keep it from working.
    complaints: Vec<String>,
    /// The key of which it was last logged that it is not pinned.
    told: Mutex<Option<Pin>>,
}

impl Client {
    /// Reads the certificates that are trusted. A client made anew sees what has changed there.
    pub fn new(settings: &HttpSettings<'_>, clock: &Clock) -> Result<Self, ConfigProblem> {
        let HttpSettings {
            config,
            environment,
            roots,
        } = *settings;
        let variables: &BTreeMap<String, String> = &environment.0;
        let routes = Routes::new(&config.proxy, &config.no_proxy, variables)?;
        let (trust, complaints) = Trust::load(roots, &config.ca_files, variables)?;
        Ok(Self {
            routes,
            trust: Arc::new(trust),
            pins: Arc::new(pins(config)?),
            names: Names::System,
            clock: clock.clone(),
            complaints,
            told: Mutex::default(),
        })
    }

    /// What is wrong and does not keep it from working, such as a file that a variable names and that cannot be read.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Whether the way to this address leads through a proxy on this machine: what the host says about its network then says
    /// little about what can be reached.
    pub fn is_through_this_machine(&self, url: &str) -> bool {
        let target = Target::read(url).ok();
        let proxy = target.and_then(|it| self.routes.proxy(&it.host, it.port).cloned());
        proxy.is_some_and(|proxy| proxy.is_on_this_machine())
    }

    /// Asks once.
    pub async fn fetch(
        &self,
        request: &Request,
        token: &Secret,
        timeout: Duration,
    ) -> Result<Reply, Failure> {
        let reply = tokio::time::timeout(timeout, self.ask(request, token)).await;
        reply.unwrap_or(Err(Failure::Offline {
            cause: Unreachable::Timeout,
        }))
    }

    async fn ask(&self, request: &Request, token: &Secret) -> Result<Reply, Failure> {
        let target = Target::read(request.url)?;
        let question = exchange::question(&target, request, token)?;
        let watch = Arc::new(Watch::new(&self.trust, &self.pins));
        let stream = self.connect(&target, &watch).await;
        let sight = watch.sight();
        self.tell(sight.as_ref());
        let (stream, sight) = (stream?, sight.unwrap_or_default());
        exchange::ask(stream, question, sight).await
    }

    /// Says once of every new key that it is not pinned.
    fn tell(&self, sight: Option<&Sight>) {
        let missed = sight.filter(|sight| sight.pins.is_missed());
        let key = missed.and_then(Sight::authority).map(|key| key.pin);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == key {
            return;
        }
        *told = key;
        drop(told);
        if let (Some(sight), Some(key)) = (missed, key) {
            let issuer = &sight.issuer;
            tracing::warn!(issuer, key = %key, "the endpoint's certificate leads to no pinned key");
        }
    }
}

fn pins(config: &UsageHttpConfig) -> Result<Pins, ConfigProblem> {
    let until = config.pins_until.and_then(end_of);
    if config.pinning != Pinning::Off {
        if config.pinning == Pinning::Enforce && config.pins.is_empty() {
            return Err(ConfigProblem::NoPins);
        }
        if until.is_none() && !config.pins.is_empty() {
            return Err(ConfigProblem::NoLastDay);
        }
    }
    Ok(Pins {
        keys: config.pins.clone(),
        until,
        pinning: config.pinning,
    })
}

#[cfg(test)]
mod tests;
