//! Who sells plans, and how what their sources say becomes readings.
//!
//! Everything that differs between providers is behind [`Provider`]; the planner knows none of them. What comes without
//! being asked for has its own functions: [`claude::rate_limit_event`], [`claude::statusline`], [`codex::Windows::update`].
//!
//! Laws: no bytes make it fail in any other way than with a [`Failure`]; a list of readings that is given is never empty.

pub mod claude;
pub mod codex;
pub(crate) mod json;

use betcode_core::time::Timestamp;
use serde_json::Value;

use crate::credentials::Credentials;
use crate::failure::{Failure, RetryAfter};
use crate::reading::{Account, Origin, ProviderId, Reading, Source};

/// One answer of a source.
#[derive(Debug, Clone, Copy)]
pub enum Reply<'a> {
    /// What a program wrote to its stdout, all of it.
    Output(&'a [u8]),
    /// An answer over HTTP.
    Http {
        /// Its status.
        status: u16,
        /// Its header `Retry-After`.
        retry_after: Option<&'a str>,
        /// Its body.
        body: &'a [u8],
    },
}

/// How a program is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Its arguments.
    pub arguments: &'static [&'static str],
    /// Variables that it must not see: they would have it speak of another account.
    pub without: &'static [&'static str],
    /// What is written to its stdin, which stays open until the answer is there.
    pub question: &'static str,
}

/// How an endpoint is asked: with GET and without a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Where.
    pub url: &'static str,
    /// With these headers beside the token.
    pub headers: &'static [(&'static str, &'static str)],
}

/// A provider of plans.
pub trait Provider: Sync {
    /// Who it is.
    fn id(&self) -> ProviderId;

    /// The sources that can be asked, best first. Those over HTTP are used only where the user wants it.
    fn sources(&self) -> &'static [Source];

    /// The program that a source is; nothing for sources over HTTP.
    fn program(&self, source: Source) -> Option<Program>;

    /// What is asked for over HTTP, with the token as a bearer; nothing for sources that are programs.
    fn request(&self, source: Source) -> Option<Request>;

    /// Whether a line of a program's stdout is its answer: behind it nothing needs to be read, and the program may end.
    fn is_answer(&self, line: &[u8]) -> bool;

    /// What a source's answer says.
    fn read(
        &self,
        source: Source,
        account: &Account,
        reply: Reply<'_>,
        now: Timestamp,
    ) -> Result<Vec<Reading>, Failure>;

    /// What the agent keeps about its login.
    fn credentials(&self, bytes: &[u8]) -> Credentials;
}

/// The provider of that name.
pub fn provider(id: ProviderId) -> &'static dyn Provider {
    match id {
        ProviderId::Claude => &claude::Claude,
        ProviderId::Codex => &codex::Codex,
    }
}

/// What an HTTP status says, if it is not a success.
fn check_status(
    status: u16,
    retry_after: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Failure> {
    match status {
        200..=299 => Ok(()),
        401 => Err(Failure::TokenRejected),
        // Proxies refuse with the same status, but not in these words.
        403 if is_permission_error(body) => Err(Failure::ScopeMissing),
        429 => Err(Failure::RateLimited {
            retry_after: RetryAfter::read(retry_after, now),
        }),
        status => Err(Failure::Server { status }),
    }
}

fn is_permission_error(body: &[u8]) -> bool {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let kind = body.as_ref().and_then(|body| body.pointer("/error/type"));
    kind.and_then(Value::as_str) == Some("permission_error")
}

fn origin(id: ProviderId, account: &Account, source: Source, observed_at: Timestamp) -> Origin {
    Origin {
        provider: id,
        account: account.clone(),
        source,
        observed_at,
    }
}

/// Readings, or that there are none.
fn some(readings: Vec<Reading>) -> Result<Vec<Reading>, Failure> {
    if readings.is_empty() {
        return Err(Failure::unavailable("this plan gives no numbers"));
    }
    Ok(readings)
}
