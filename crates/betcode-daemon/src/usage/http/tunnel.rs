//! Has a proxy open a way to a host: `CONNECT` over HTTP, or SOCKS 5. What goes through it is not its business.
//!
//! Laws: no answer of a proxy takes more than 16 KiB; nothing that it says is repeated, for it may say anything.

use std::io;
use std::net::IpAddr;

use betcode_core::config::Secret;
use betcode_core::proxy::{Proxy, Scheme, bracketed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use usage_core::failure::{Failure, Unreachable};

use super::exchange::Stream;

/// The beginning of an answer is never as long as this.
const LONGEST: usize = 16 << 10;
const SOCKS: u8 = 5;
const SOCKS_NOTHING: u8 = 0;
const SOCKS_PASSWORD: u8 = 2;
const SOCKS_NO_METHOD: u8 = 0xff;

/// Where a way is to lead.
#[derive(Debug)]
pub(super) struct Goal<'a> {
    /// The name.
    pub(super) host: &'a str,
    /// Its address, when the proxy is not to look it up.
    pub(super) address: Option<IpAddr>,
    /// The port.
    pub(super) port: u16,
}

/// Why there is no way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The proxy wants to know who one is, or knows it already.
    Credentials,
    /// The proxy does not want to.
    Refused,
    /// The proxy cannot find the host.
    Dns,
    /// The proxy does not reach the host, or broke off.
    Unreached,
    /// That is no proxy, or none of this kind.
    Nonsense,
}

impl Trouble {
    /// What is said about it.
    pub(super) fn failure(self, proxy: &Proxy) -> Failure {
        let what = match self {
            Self::Dns => return offline(Unreachable::Dns),
            Self::Unreached => return offline(Unreachable::Connect),
            Self::Credentials if proxy.credentials.is_some() => {
                "does not accept the name and password"
            }
            Self::Credentials => "asks for a name and a password",
            Self::Refused => "refuses to connect to the endpoint",
            Self::Nonsense => "does not answer as a proxy of this kind does",
        };
        Failure::Unavailable {
            why: format!("the proxy {proxy} {what}"),
        }
    }
}

const fn offline(cause: Unreachable) -> Failure {
    Failure::Offline { cause }
}

impl From<io::Error> for Trouble {
    fn from(_: io::Error) -> Self {
        Self::Unreached
    }
}

/// Opens a way. What is read and written afterwards comes from and goes to the goal.
pub(super) async fn open(
    stream: &mut Box<dyn Stream>,
    proxy: &Proxy,
    goal: &Goal<'_>,
) -> Result<(), Trouble> {
    match proxy.scheme {
        Scheme::Http | Scheme::Https => connect(stream, proxy, goal).await,
        Scheme::Socks5 | Scheme::Socks5h => {
            greet(stream, proxy).await?;
            request(stream, goal).await
        }
    }
}

async fn connect(
    stream: &mut Box<dyn Stream>,
    proxy: &Proxy,
    goal: &Goal<'_>,
) -> Result<(), Trouble> {
    let authority = format!("{}:{}", bracketed(goal.host), goal.port);
    let mut question = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(credentials) = &proxy.credentials {
        question.push_str("Proxy-Authorization: ");
        question.push_str(credentials.basic().reveal());
        question.push_str("\r\n");
    }
    question.push_str("\r\n");
    stream.write_all(question.as_bytes()).await?;
    stream.flush().await?;

    let mut answer = Vec::new();
    // Behind the goal nobody speaks before it was spoken to, so whatever is read belongs to the answer.
    while !answer.ends_with(b"\r\n\r\n") {
        let read = (&mut *stream).take(1_024).read_buf(&mut answer).await?;
        if answer.len() > LONGEST {
            return Err(Trouble::Nonsense);
        }
        // A refusal may have a body, which nobody needs.
        if read == 0 || memchr::memmem::find(&answer, b"\r\n\r\n").is_some() {
            break;
        }
    }
    match status(&answer) {
        Some(200..=299) if answer.ends_with(b"\r\n\r\n") => Ok(()),
        Some(407) => Err(Trouble::Credentials),
        Some(400..=499) => Err(Trouble::Refused),
        Some(500..=599) => Err(Trouble::Unreached),
        None if answer.is_empty() => Err(Trouble::Unreached),
        Some(_) | None => Err(Trouble::Nonsense),
    }
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let is_http = words.next()?.starts_with("HTTP/1.");
    words.next()?.parse().ok().filter(|_| is_http)
}

async fn greet(stream: &mut Box<dyn Stream>, proxy: &Proxy) -> Result<(), Trouble> {
    let methods: &[u8] = if proxy.credentials.is_some() {
        &[SOCKS, 2, SOCKS_NOTHING, SOCKS_PASSWORD]
    } else {
        &[SOCKS, 1, SOCKS_NOTHING]
    };
    stream.write_all(methods).await?;
    stream.flush().await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    match (answer, &proxy.credentials) {
        ([SOCKS, SOCKS_NOTHING], _) => Ok(()),
        ([SOCKS, SOCKS_PASSWORD], Some(credentials)) => {
            let mut question = vec![1];
            for secret in [&credentials.user, &credentials.password] {
                short(&mut question, secret).ok_or(Trouble::Credentials)?;
            }
            stream.write_all(&question).await?;
            stream.flush().await?;
            stream.read_exact(&mut answer).await?;
            match answer {
                [1, 0] => Ok(()),
                _ => Err(Trouble::Credentials),
            }
        }
        ([SOCKS, SOCKS_NO_METHOD], _) => Err(Trouble::Credentials),
        _ => Err(Trouble::Nonsense),
    }
}

fn short(question: &mut Vec<u8>, text: &Secret) -> Option<()> {
    let text = text.reveal().as_bytes();
    question.push(u8::try_from(text.len()).ok()?);
    question.extend_from_slice(text);
    Some(())
}

async fn request(stream: &mut Box<dyn Stream>, goal: &Goal<'_>) -> Result<(), Trouble> {
    let mut question = vec![SOCKS, 1, 0];
    match goal.address.or_else(|| goal.host.parse().ok()) {
        Some(IpAddr::V4(address)) => {
            question.push(1);
            question.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            question.push(4);
            question.extend_from_slice(&address.octets());
        }
        None => {
            question.push(3);
            let length = u8::try_from(goal.host.len()).map_err(|_| Trouble::Dns)?;
            question.push(length);
            question.extend_from_slice(goal.host.as_bytes());
        }
    }
    question.extend_from_slice(&goal.port.to_be_bytes());
    stream.write_all(&question).await?;
    stream.flush().await?;

    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    let kind = match answer {
        [SOCKS, 0, _, kind] => kind,
        [SOCKS, 2, ..] => return Err(Trouble::Refused),
        // For a name that cannot be found there is no number of its own: proxies say that the host is not reached.
        [SOCKS, 1 | 3..=6, ..] => return Err(Trouble::Unreached),
        _ => return Err(Trouble::Nonsense),
    };
    // The address from which the proxy connects: not needed, but it stands before what comes from the goal.
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await?),
        _ => return Err(Trouble::Nonsense),
    };
    let mut rest = vec![0; length + size_of::<u16>()];
    stream.read_exact(&mut rest).await?;
    Ok(())
}
