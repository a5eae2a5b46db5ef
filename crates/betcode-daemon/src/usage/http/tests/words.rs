//! What a person reads: findings, and that no secret is in anything that is printed or logged.

use std::fmt::Write as _;
use std::io;

use tracing_subscriber::fmt::MakeWriter;

use super::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let everything = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(everything)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn about<'a>(findings: &'a [Finding], about: &str) -> &'a Finding {
    let mut findings = findings.iter().filter(|finding| finding.about == about);
    findings
        .next()
        .unwrap_or_else(|| panic!("nothing about {about}"))
}

#[tokio::test]
async fn no_token_and_no_password_is_printed_or_logged_whatever_happens() {
    let log = Log::default();
    let guard = log.start();
    let (root, stranger) = (Authority::root("Root"), Authority::root("Stranger"));
    let pins = [Pin::of(b"x"), Pin::of(b"y")];
    let mut printed = String::new();
    for body in [
        GOOD,
        "HTTP/1.1 401 No\r\nContent-Length: 7\r\n\r\nplanted",
        "",
    ] {
        for identity in [root.server(HOST, &[]), stranger.server(HOST, &[])] {
            let server = https(identity, body).await;
            for password in ["planted-right", "planted-wrong"] {
                let proxy = http_proxy(server.port, Some("planted:planted-right"), None).await;
                let address = format!("http://planted:{password}@proxy.test:{}", proxy.port);
                let setup = Setup::trusting(&root).pinned(Pinning::Report, &pins);
                let setup = setup.variable("https_proxy", address);
                let client = setup.client();
                let result = fetch(&client, &server.url()).await;
                let examination = client.examine(&server.url(), LONG).await;
                write!(printed, "{client:#?} {result:?} {examination:#?}").unwrap();
                let findings = examination.findings();
                write!(printed, "{findings:#?} {:?}", setup.config).unwrap();
                if let Err(failure) = result {
                    printed += &failure.to_string();
                }
            }
        }
    }
    drop(guard);
    let log = log.text();
    assert!(
        log.contains("leads to no pinned key"),
        "the log works: {log}"
    );
    assert!(!log.contains("planted"), "{log}");
    assert!(!printed.contains("planted"), "{printed}");
}

#[tokio::test]
async fn a_key_that_is_not_pinned_is_logged_once() {
    let log = Log::default();
    let guard = log.start();
    let root = Authority::root("Root");
    let server = https(root.server(HOST, &[]), GOOD).await;
    let pins = [Pin::of(b"x"), Pin::of(b"y")];
    let client = Setup::trusting(&root)
        .pinned(Pinning::Report, &pins)
        .client();
    for _ in 0..3 {
        fetch(&client, &server.url()).await.unwrap();
    }
    drop(guard);
    let log = log.text();
    assert_eq!(log.matches(&root.pin().to_string()).count(), 1, "{log}");
}

#[tokio::test]
async fn an_examination_asks_nothing_and_says_what_it_saw() {
    let root = Authority::root("Root");
    let between = root.below("Between");
    let identity = between.server(HOST, &[&between]);
    let own = identity.pin;
    let server = https(identity, GOOD).await;
    let client = Setup::trusting(&root).client();
    let examination = client.examine(&server.url(), LONG).await;
    assert_eq!(examination.version, Some("TLS 1.3"));
    let findings = examination.findings();
    let tls = about(&findings, "tls");
    assert_eq!(tls.level, Level::Ok);
    assert_eq!(
        tls.found,
        "api.test answers over TLS 1.3 with a certificate from Between"
    );
    let pins = about(&findings, "pins");
    assert_eq!(pins.level, Level::Info);
    for authority in [&root, &between] {
        assert!(
            pins.found.contains(&authority.pin().to_string()),
            "{pins:?}"
        );
    }
    assert!(
        !pins.found.contains(&own.to_string()),
        "it is replaced too often"
    );
    assert_eq!(
        about(&findings, "proxy").found,
        "api.test is asked without a proxy"
    );
    assert_eq!(server.heard.all(), Vec::<String>::new());
}

#[tokio::test]
async fn findings_say_what_is_wrong_and_what_to_do() {
    let (root, company) = (Authority::root("Root"), Authority::root("Company"));
    let inspected = https(company.server(HOST, &[]), GOOD).await;
    let pins = [Pin::of(b"x"), root.pin()];
    let trusting = || Setup::trusting(&root).also_trusting(&company);
    let mut over = trusting().pinned(Pinning::Enforce, &pins);
    over.config.pins_until = "2001-01-01".parse().ok();
    let mut expired = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    expired.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let expired = https(root.server_with(&expired, &[]), GOOD).await;
    let nowhere = Setup::trusting(&root).variable("https_proxy", "socks5h://nowhere.invalid");
    for (setup, server, level, subject, found, advice) in [
        (
            Setup::trusting(&root),
            &inspected,
            Level::Error,
            "tls",
            "intercepted: its certificate is from Company",
            "usage.ca_files",
        ),
        (
            trusting(),
            &inspected,
            Level::Info,
            "tls",
            "inspected by Company",
            "",
        ),
        (
            trusting().pinned(Pinning::Report, &pins),
            &inspected,
            Level::Warning,
            "pins",
            "no pinned key was seen; seen",
            "usage.pins",
        ),
        (
            trusting().pinned(Pinning::Enforce, &pins),
            &inspected,
            Level::Error,
            "tls",
            "is not pinned",
            "usage.pins",
        ),
        (
            trusting().pinned(Pinning::Enforce, &pins),
            &inspected,
            Level::Error,
            "pins",
            "so nothing is asked",
            "",
        ),
        (
            over,
            &inspected,
            Level::Warning,
            "pins",
            "past usage.pins_until",
            "renew",
        ),
        (
            Setup::trusting(&root),
            &expired,
            Level::Error,
            "tls",
            "has expired",
            "clock",
        ),
        (
            nowhere,
            &inspected,
            Level::Error,
            "tls",
            "the name was not found",
            "usage.proxy",
        ),
        (
            Setup::trusting(&root).variable("SSL_CERT_FILE", "/absent"),
            &expired,
            Level::Warning,
            "certificates",
            "SSL_CERT_FILE: /absent",
            "variable",
        ),
    ] {
        let examination = setup.client().examine(&server.url(), LONG).await;
        let findings = examination.findings();
        let finding = about(&findings, subject);
        assert_eq!(finding.level, level, "{findings:#?}");
        assert!(finding.found.contains(found), "{found}: {findings:#?}");
        assert!(finding.advice.contains(advice), "{advice}: {findings:#?}");
        assert_eq!(
            finding.advice.is_empty(),
            advice.is_empty(),
            "{findings:#?}"
        );
    }
}
