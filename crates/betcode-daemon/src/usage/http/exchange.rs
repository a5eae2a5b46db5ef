//! One question and its answer over a connection that is there, and how that connection comes about.

use std::sync::Arc;

use betcode_core::config::Secret;
use betcode_core::proxy::{Proxy, Scheme, bracketed};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use usage_core::failure::{Failure, Unreachable};
use usage_core::provider::Request;

use super::verify::{Sight, Verdict, Watch};
use super::{Client, Reply, tunnel};

/// An answer is never as long as this.
const LONGEST: usize = 1 << 20;

/// What bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Bytes that nobody else reads.
pub(super) type Secure = TlsStream<Box<dyn Stream>>;

/// Where a question goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The host, without brackets.
    pub(super) host: String,
    /// Its port.
    pub(super) port: u16,
    /// Path and query.
    path: String,
}

impl Target {
    /// Reads an address; only one of HTTPS will do, for a token goes there.
    pub(super) fn read(url: &str) -> Result<Self, Failure> {
        let unavailable = || Failure::Unavailable {
            why: "the address of the endpoint is none of https".to_owned(),
        };
        let uri: Uri = url.parse().map_err(|_| unavailable())?;
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if uri.scheme_str() != Some("https") || host.is_empty() {
            return Err(unavailable());
        }
        Ok(Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(443),
            path: uri
                .path_and_query()
                .map_or("/", |it| it.as_str())
                .to_owned(),
        })
    }

    /// As it stands in a header.
    fn authority(&self) -> String {
        let host = bracketed(&self.host);
        match self.port {
            443 => host,
            port => format!("{host}:{port}"),
        }
    }
}

/// A question.
pub(super) type Question = http::Request<Empty<Bytes>>;

/// The question with its token. A token that cannot stand in a header is none that anybody accepts.
pub(super) fn question(
    target: &Target,
    request: &Request,
    token: &Secret,
) -> Result<Question, Failure> {
    let bearer = format!("Bearer {}", token.reveal());
    let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| Failure::TokenRejected)?;
    bearer.set_sensitive(true);
    let bad = |_| Failure::Unavailable {
        why: "the question cannot be asked in this way".to_owned(),
    };
    let mut question = http::Request::builder()
        .method(Method::GET)
        .uri(&target.path)
        .header(HOST, target.authority())
        .body(Empty::new())
        .map_err(bad)?;
    let headers = question.headers_mut();
    for (name, value) in request.headers {
        let name = HeaderName::from_static(name);
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(AUTHORIZATION, bearer);
    Ok(question)
}

impl Client {
    /// A connection to the target that was verified, through a proxy where there is one.
    pub(super) async fn connect(
        &self,
        target: &Target,
        watch: &Arc<Watch>,
    ) -> Result<Secure, Failure> {
        let stream = match self.routes.proxy(&target.host, target.port) {
            Some(proxy) => self.through(proxy, target).await?,
            None => self.reach(&target.host, target.port).await?,
        };
        match self.secure(stream, &target.host, watch).await {
            Ok(stream) => Ok(stream),
            Err(cause) => Err(refusal(watch.sight(), cause)),
        }
    }

    async fn reach(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, Failure> {
        match self.names.connect(host, port).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(cause) => Err(Failure::Offline { cause }),
        }
    }

    async fn through(&self, proxy: &Proxy, target: &Target) -> Result<Box<dyn Stream>, Failure> {
        let mut stream = self.reach(&proxy.host, proxy.port).await?;
        if proxy.scheme == Scheme::Https {
            // Pins are about the endpoints.
            let watch = Arc::new(Watch::new(&self.trust, &Arc::default()));
            let secure = self.secure(stream, &proxy.host, &watch).await;
            stream = Box::new(secure.map_err(|cause| match watch.sight() {
                Some(Sight {
                    verdict: Verdict::Foreign,
                    issuer,
                    ..
                }) => Failure::Unavailable {
                    why: format!("the certificate of the proxy {proxy} is from {issuer}, which is not trusted"),
                },
                _ => Failure::Offline { cause },
            })?);
        }
        let address = match proxy.scheme {
            Scheme::Socks5 => {
                let addresses = self.names.find(&target.host, target.port).await;
                let addresses = addresses.map_err(|cause| Failure::Offline { cause })?;
                addresses.first().map(std::net::SocketAddr::ip)
            }
            Scheme::Http | Scheme::Https | Scheme::Socks5h => None,
        };
        let goal = tunnel::Goal {
            host: &target.host,
            address,
            port: target.port,
        };
        match tunnel::open(&mut stream, proxy, &goal).await {
            Ok(()) => Ok(stream),
            Err(trouble) => Err(trouble.failure(proxy)),
        }
    }

    async fn secure(
        &self,
        stream: Box<dyn Stream>,
        host: &str,
        watch: &Arc<Watch>,
    ) -> Result<Secure, Unreachable> {
        let name = host.to_owned().try_into();
        let name = name.map_err(|_| Unreachable::Dns)?;
        let config = self.trust.config(watch, &self.clock);
        let config = config.map_err(|_| Unreachable::Tls)?;
        let connector = TlsConnector::from(Arc::new(config));
        connector
            .connect(name, stream)
            .await
            .map_err(|_| Unreachable::Tls)
    }
}

/// Why there is no secure connection.
fn refusal(sight: Option<Sight>, cause: Unreachable) -> Failure {
    match sight {
        Some(sight) if sight.verdict == Verdict::Foreign => Failure::TlsIntercepted {
            issuer: sight.issuer,
        },
        Some(sight) if sight.verdict == Verdict::NotPinned => {
            let key = sight.authority().map(|key| key.pin.to_string());
            let key = key.unwrap_or_default();
            Failure::TlsIntercepted {
                issuer: format!("{}, whose key {key} is not pinned", sight.issuer),
            }
        }
        _ => Failure::Offline { cause },
    }
}

/// Asks, and reads the whole answer.
pub(super) async fn ask(
    stream: Secure,
    question: Question,
    sight: Sight,
) -> Result<Reply, Failure> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| broken())?;
    let answer = async move {
        let answer = sender.send_request(question).await.map_err(|_| broken())?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, LONGEST).collect().await;
        let body = body.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                unreadable("it is longer than 1 MiB")
            } else {
                broken()
            }
        })?;
        let retry_after = parts.headers.get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        Ok(Reply {
            status: parts.status.as_u16(),
            retry_after: retry_after.map(str::to_owned),
            body: body.to_bytes(),
            sight,
        })
    };
    // The answer cannot come unless the connection is driven; it may end first, with the answer already read.
    let (answer, connection) = (std::pin::pin!(answer), std::pin::pin!(connection));
    match futures_util::future::select(answer, connection).await {
        futures_util::future::Either::Left((answer, _)) => answer,
        futures_util::future::Either::Right((_, answer)) => answer.await,
    }
}

fn unreadable(what: &str) -> Failure {
    Failure::Unreadable {
        what: what.to_owned(),
    }
}

/// The question may have arrived, so it counts like one that was answered.
fn broken() -> Failure {
    unreadable("the connection broke off, or it is not HTTP")
}
