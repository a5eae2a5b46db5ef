//! Authorities, servers and proxies of the tests, all on this machine, and clients that know no other names than theirs.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use betcode_core::command::Environment;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData as _,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::*;
use crate::tasks::Tasks;

/// The host of the endpoint; the only name that is known.
pub(super) const HOST: &str = "api.test";
pub(super) const TOKEN: &str = "sk-ant-oat01-planted-token";
pub(super) const LONG: Duration = Duration::from_secs(20);
pub(super) const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

pub(super) struct Authority(pub(super) CertifiedIssuer<'static, KeyPair>);

fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
}

impl Authority {
    pub(super) fn root(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(parameters(name), key).unwrap())
    }

    pub(super) fn below(&self, name: &str) -> Self {
        self.vouch_for(name, KeyPair::generate().unwrap())
    }

    /// For the same name and key as another one does.
    pub(super) fn also_for(&self, name: &str, other: &Self) -> Self {
        let key = KeyPair::try_from(other.0.key().serialize_der()).unwrap();
        self.vouch_for(name, key)
    }

    fn vouch_for(&self, name: &str, key: KeyPair) -> Self {
        Self(CertifiedIssuer::signed_by(parameters(name), key, &self.0).unwrap())
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(super) fn pin(&self) -> Pin {
        Pin::of(&self.0.key().subject_public_key_info())
    }

    /// A server's certificate, and the chain that it presents with it.
    pub(super) fn server(&self, host: &str, chain: &[&Self]) -> Identity {
        let parameters = CertificateParams::new(vec![host.to_owned()]).unwrap();
        self.server_with(&parameters, chain)
    }

    pub(super) fn server_with(&self, parameters: &CertificateParams, chain: &[&Self]) -> Identity {
        let key = KeyPair::generate().unwrap();
        let own = parameters.signed_by(&key, &self.0).unwrap().der().clone();
        let rest = chain.iter().map(|authority| authority.certificate());
        Identity {
            pin: Pin::of(&key.subject_public_key_info()),
            chain: std::iter::once(own).chain(rest).collect(),
            key: key.into(),
        }
    }

    /// Itself as a server.
    pub(super) fn as_server(&self) -> Identity {
        let key = KeyPair::try_from(self.0.key().serialize_der()).unwrap();
        Identity {
            pin: self.pin(),
            chain: vec![self.certificate()],
            key: key.into(),
        }
    }

    /// Its certificate in a file, and the path of that.
    pub(super) fn file(&self, directory: &Path, name: &str) -> String {
        let path = directory.join(name);
        let encoded = BASE64_STANDARD.encode(self.certificate());
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        std::fs::write(&path, format!("for tests\n{begin}\n{encoded}\n{end}\n")).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub(super) struct Identity {
    pub(super) pin: Pin,
    pub(super) chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// The same certificates, shown by somebody who has not their key.
    pub(super) fn stolen(mut self) -> Self {
        self.key = KeyPair::generate().unwrap().into();
        self
    }

    fn acceptor(self) -> TlsAcceptor {
        self.acceptor_with(rustls::DEFAULT_VERSIONS)
    }

    fn acceptor_with(self, versions: &[&'static rustls::SupportedProtocolVersion]) -> TlsAcceptor {
        let provider = rustls::crypto::ring::default_provider();
        // Nobody looks whether key and certificate belong together.
        let key = provider.key_provider.load_private_key(self.key).unwrap();
        let own = rustls::sign::CertifiedKey::new(self.chain, key);
        let own = rustls::sign::SingleCertAndKey::from(own);
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(own));
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Everything that somebody was told, one entry for each connection that told something.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn add(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

pub(super) struct Server {
    pub(super) port: u16,
    pub(super) heard: Heard,
    _tasks: Tasks,
}

impl Server {
    pub(super) fn url(&self) -> String {
        format!("https://{HOST}:{}/api/usage", self.port)
    }
}

async fn serve<F>(talk: impl Fn(TcpStream, Heard) -> F + Send + 'static) -> Server
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tasks, heard) = (Tasks::new(), Heard::default());
    let (inner, told) = (tasks.clone(), heard.clone());
    tasks.spawn("server", async move {
        while let Ok((stream, _)) = listener.accept().await {
            let talk = talk(stream, told.clone());
            inner.spawn("connection", async move {
                talk.await;
            });
        }
    });
    Server {
        port,
        heard,
        _tasks: tasks,
    }
}

async fn head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// A server with an answer that is always the same.
pub(super) async fn https(identity: Identity, answer: impl Into<Vec<u8>>) -> Server {
    answers(identity.acceptor(), answer.into()).await
}

/// The same with one version of TLS.
pub(super) async fn https_with(
    version: &'static rustls::SupportedProtocolVersion,
    identity: Identity,
) -> Server {
    answers(identity.acceptor_with(&[version]), GOOD.into()).await
}

async fn answers(acceptor: TlsAcceptor, answer: Vec<u8>) -> Server {
    let answer = Arc::new(answer);
    serve(move |stream, heard| {
        let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
        async move {
            let mut stream = acceptor.accept(stream).await.ok()?;
            heard.add(head(&mut stream).await?);
            stream.write_all(&answer).await.ok()?;
            stream.shutdown().await.ok()
        }
    })
    .await
}

/// A server that takes connections and says nothing, with TLS if it has an identity.
pub(super) async fn silent(identity: Option<Identity>) -> Server {
    let acceptor = identity.map(Identity::acceptor);
    serve(move |stream, heard| {
        let acceptor = acceptor.clone();
        async move {
            if let Some(acceptor) = acceptor {
                let mut stream = acceptor.accept(stream).await.ok()?;
                heard.add(head(&mut stream).await?);
                std::future::pending().await
            } else {
                let _stream = stream;
                std::future::pending().await
            }
        }
    })
    .await
}

/// A server that answers in plain text to whatever comes.
pub(super) async fn plain(answer: &'static str) -> Server {
    serve(move |mut stream, heard| async move {
        let mut first = [0; 5];
        stream.read_exact(&mut first).await.ok()?;
        heard.add(String::from_utf8_lossy(&first).into_owned());
        stream.write_all(answer.as_bytes()).await.ok()
    })
    .await
}

/// A proxy over HTTP that leads everywhere to one port, for those who know its password.
pub(super) async fn http_proxy(
    goal: u16,
    password: Option<&str>,
    identity: Option<Identity>,
) -> Server {
    let acceptor = identity.map(Identity::acceptor);
    let wanted = password.map(|pair| {
        format!(
            "Proxy-Authorization: Basic {}\r\n",
            BASE64_STANDARD.encode(pair)
        )
    });
    serve(move |stream, heard| {
        let (acceptor, wanted) = (acceptor.clone(), wanted.clone());
        async move {
            match acceptor {
                Some(acceptor) => {
                    let stream = acceptor.accept(stream).await.ok()?;
                    lead(stream, goal, wanted, heard).await
                }
                None => lead(stream, goal, wanted, heard).await,
            }
        }
    })
    .await
}

async fn lead(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    goal: u16,
    wanted: Option<String>,
    heard: Heard,
) -> Option<()> {
    let question = head(&mut stream).await?;
    heard.add(question.clone());
    if wanted.is_some_and(|wanted| !question.contains(&wanted)) {
        let refusal = "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nwho?";
        return stream.write_all(refusal.as_bytes()).await.ok();
    }
    let mut goal = TcpStream::connect((Ipv4Addr::LOCALHOST, goal)).await.ok()?;
    stream
        .write_all(b"HTTP/1.1 200 Connected\r\nX-Proxy: yes\r\n\r\n")
        .await
        .ok()?;
    tokio::io::copy_bidirectional(&mut stream, &mut goal)
        .await
        .ok()?;
    Some(())
}

/// A SOCKS proxy that leads everywhere to one port. It writes down which address it was asked for.
pub(super) async fn socks_proxy(
    goal: u16,
    password: Option<(&'static str, &'static str)>,
) -> Server {
    serve(move |mut stream, heard| async move {
        let [version, count] = [stream.read_u8().await.ok()?, stream.read_u8().await.ok()?];
        let mut methods = vec![0; usize::from(count)];
        stream.read_exact(&mut methods).await.ok()?;
        assert_eq!(version, 5);
        if let Some((user, word)) = password {
            if !methods.contains(&2) {
                return stream.write_all(&[5, 0xff]).await.ok();
            }
            stream.write_all(&[5, 2]).await.ok()?;
            assert_eq!(stream.read_u8().await.ok()?, 1);
            let given = [text(&mut stream).await?, text(&mut stream).await?];
            if given != [user, word] {
                return stream.write_all(&[1, 1]).await.ok();
            }
            stream.write_all(&[1, 0]).await.ok()?;
        } else {
            stream.write_all(&[5, 0]).await.ok()?;
        }
        let mut question = [0; 4];
        stream.read_exact(&mut question).await.ok()?;
        let asked = match question[3] {
            1 => IpAddr::from(stream.read_u32().await.ok()?.to_be_bytes()).to_string(),
            3 => text(&mut stream).await?,
            other => panic!("{other}"),
        };
        let port = stream.read_u16().await.ok()?;
        heard.add(format!("{asked}:{port}"));
        let mut goal = TcpStream::connect((Ipv4Addr::LOCALHOST, goal)).await.ok()?;
        stream
            .write_all(&[5, 0, 0, 3, 2, b'm', b'e', 0, 1])
            .await
            .ok()?;
        tokio::io::copy_bidirectional(&mut stream, &mut goal)
            .await
            .ok()?;
        Some(())
    })
    .await
}

async fn text(stream: &mut TcpStream) -> Option<String> {
    let mut text = vec![0; usize::from(stream.read_u8().await.ok()?)];
    stream.read_exact(&mut text).await.ok()?;
    String::from_utf8(text).ok()
}

/// A proxy that answers with bytes, and ends.
pub(super) async fn answering(answer: Vec<u8>) -> Server {
    let answer = Arc::new(answer);
    serve(move |mut stream, heard| {
        let answer = Arc::clone(&answer);
        async move {
            let mut some = [0; 3];
            stream.read_exact(&mut some).await.ok()?;
            heard.add(String::from_utf8_lossy(&some).into_owned());
            stream.write_all(&answer).await.ok()?;
            // Whatever else comes is taken, so that the answer is not lost with the connection.
            let mut rest = Vec::new();
            stream.shutdown().await.ok()?;
            stream.read_to_end(&mut rest).await.ok()?;
            Some(())
        }
    })
    .await
}

/// What a test sets before it makes a client.
pub(super) struct Setup {
    pub(super) config: UsageHttpConfig,
    pub(super) environment: Environment,
    pub(super) roots: SystemRoots,
    pub(super) directory: TempDir,
}

impl Setup {
    /// One in which the system trusts an authority.
    pub(super) fn trusting(authority: &Authority) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = authority.file(directory.path(), "system.pem");
        Self {
            config: UsageHttpConfig::default(),
            environment: Environment::default(),
            roots: SystemRoots::File(file.into()),
            directory,
        }
    }

    pub(super) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.0.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn also_trusting(mut self, authority: &Authority) -> Self {
        let file = authority.file(self.directory.path(), "company.pem");
        self.config.ca_files.push(file);
        self
    }

    pub(super) fn pinned(mut self, pinning: Pinning, pins: &[Pin]) -> Self {
        self.config.pinning = pinning;
        self.config.pins = pins.to_vec();
        self.config.pins_until = "4000-01-01".parse().ok();
        self
    }

    pub(super) fn try_client(&self) -> Result<Client, ConfigProblem> {
        let settings = HttpSettings {
            config: &self.config,
            environment: &self.environment,
            roots: &self.roots,
        };
        let mut client = Client::new(&settings, &Clock::new(None))?;
        let here = vec![IpAddr::from(Ipv4Addr::LOCALHOST)];
        let known = [HOST, "proxy.test"].map(|name| (name.to_owned(), here.clone()));
        client.names = Names::Fixed(known.into());
        Ok(client)
    }

    pub(super) fn client(&self) -> Client {
        self.try_client().unwrap()
    }
}

pub(super) fn request(url: &str) -> Request {
    Request {
        url: url.to_owned().leak(),
        headers: &[("accept", "application/json"), ("anthropic-beta", "x")],
    }
}

pub(super) async fn fetch(client: &Client, url: &str) -> Result<Reply, Failure> {
    let token = Secret::from(TOKEN.to_owned());
    client.fetch(&request(url), &token, LONG).await
}

/// What a setup comes to against a server.
pub(super) async fn outcome(setup: &Setup, server: &Server) -> Result<Reply, Failure> {
    fetch(&setup.client(), &server.url()).await
}

pub(super) const fn offline(cause: Unreachable) -> Failure {
    Failure::Offline { cause }
}

pub(super) fn issuer(result: Result<Reply, Failure>) -> String {
    match result {
        Err(Failure::TlsIntercepted { issuer }) => issuer,
        other => panic!("{other:?}"),
    }
}
