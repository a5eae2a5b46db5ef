//! Tests against real servers with TLS on this machine. No name is looked up outside of it.

mod kit;
mod pinning;
mod proxies;
mod words;

use betcode_core::time::Timestamp;
use kit::*;
use usage_core::failure::RetryAfter;
use usage_core::provider::provider;
use usage_core::reading::{Account, ProviderId, Source};

use super::*;

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

/// What the provider makes of it.
fn read(reply: &Reply) -> Result<usize, Failure> {
    let claude = provider(ProviderId::Claude);
    let now = Timestamp(784_111_777_000_000);
    let account = Account("default".to_owned());
    let readings = claude.read(Source::OauthUsage, &account, reply.as_provider(), now)?;
    Ok(readings.len())
}

#[tokio::test]
async fn every_status_arrives_with_what_it_says_about_waiting() {
    let limited = |wait| Err(Failure::RateLimited { retry_after: wait });
    let seconds = |seconds| RetryAfter::Wait(Duration::from_secs(seconds));
    let usage = r#"{"five_hour":{"utilization":11,"resets_at":null},"seven_day":null}"#;
    let scope = r#"{"error":{"type":"permission_error","message":"scope"}}"#;
    let root = Authority::root("Root");
    let setup = Setup::trusting(&root);
    for (status, headers, body, expected) in [
        ("200 OK", "", usage, Ok(1)),
        ("401 Unauthorized", "", "{}", Err(Failure::TokenRejected)),
        ("403 Forbidden", "", scope, Err(Failure::ScopeMissing)),
        (
            "403 Forbidden",
            "",
            "a portal",
            Err(Failure::Server { status: 403 }),
        ),
        ("429 Too Many", "", "{}", limited(RetryAfter::Absent)),
        (
            "429 Too Many",
            "Retry-After: 0\r\n",
            "{}",
            limited(RetryAfter::Zero),
        ),
        (
            "429 Too Many",
            "retry-after: 3117\r\n",
            "{}",
            limited(seconds(3_117)),
        ),
        (
            "429 Too Many",
            "Retry-After: Sun, 06 Nov 1994 08:54:37 GMT\r\n",
            "{}",
            limited(seconds(300)),
        ),
        (
            "429 Too Many",
            "Retry-After: \x01\r\n",
            "{}",
            limited(RetryAfter::Absent),
        ),
        ("500 Oops", "", "", Err(Failure::Server { status: 500 })),
        (
            "503 Later",
            "Retry-After: 5\r\n",
            "",
            Err(Failure::Server { status: 503 }),
        ),
    ] {
        let server = https(root.server(HOST, &[]), answer(status, headers, body)).await;
        let reply = outcome(&setup, &server).await;
        let is_bad_header = headers.contains('\x01');
        let read = reply.and_then(|reply| read(&reply));
        if is_bad_header {
            assert!(matches!(read, Err(Failure::Unreadable { .. })), "{read:?}");
        } else {
            assert_eq!(read, expected, "{status} {headers}");
        }
    }
}

#[tokio::test]
async fn the_question_has_the_token_and_its_headers_and_no_cookie_comes_back() {
    let root = Authority::root("Root");
    let cookie = "Set-Cookie: planted=1; Path=/\r\n";
    let server = https(root.server(HOST, &[]), answer("200 OK", cookie, "{}")).await;
    let client = Setup::trusting(&root).client();
    for _ in 0..2 {
        fetch(&client, &server.url()).await.unwrap();
    }
    let heard = server.heard.all();
    assert_eq!(heard.len(), 2, "one connection for each question");
    for question in heard {
        let question = question.to_lowercase();
        assert!(
            question.starts_with("get /api/usage http/1.1\r\n"),
            "{question}"
        );
        for line in [
            format!("host: {HOST}:{}", server.port),
            format!("authorization: bearer {TOKEN}"),
            "anthropic-beta: x".to_owned(),
        ] {
            assert_eq!(
                question.matches(&format!("\r\n{line}\r\n")).count(),
                1,
                "{line}"
            );
        }
        assert!(!question.contains("cookie"), "{question}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_token() {
    let root = Authority::root("Root");
    let elsewhere = https(root.server(HOST, &[]), GOOD).await;
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let location = format!("Location: {}\r\n", elsewhere.url());
        let server = https(root.server(HOST, &[]), answer(status, &location, "")).await;
        let reply = outcome(&Setup::trusting(&root), &server).await.unwrap();
        let status = status[..3].parse().unwrap();
        assert_eq!(reply.status, status);
        assert_eq!(read(&reply), Err(Failure::Server { status }));
    }
    assert_eq!(elsewhere.heard.all(), Vec::<String>::new());
}

#[tokio::test]
async fn a_refused_connection_is_no_connection() {
    let root = Authority::root("Root");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = Setup::trusting(&root).client();
    let result = fetch(&client, &format!("https://{HOST}:{port}/")).await;
    assert_eq!(result, Err(offline(Unreachable::Connect)));
}

#[tokio::test]
async fn a_name_that_is_not_found_is_named_so() {
    let root = Authority::root("Root");
    let mut client = Setup::trusting(&root).client();
    let result = fetch(&client, "https://nowhere.invalid/").await;
    assert_eq!(result, Err(offline(Unreachable::Dns)));
    // One part of this is too long for any name, so the system knows it without asking anybody.
    client.names = Names::System;
    let url = format!("https://{}.invalid/", "a".repeat(64));
    assert_eq!(fetch(&client, &url).await, Err(offline(Unreachable::Dns)));
}

#[tokio::test]
async fn an_address_that_leads_nowhere_does_not_keep_it_from_the_next() {
    let root = Authority::root("Root");
    let server = https(root.server(HOST, &[]), GOOD).await;
    let mut client = Setup::trusting(&root).client();
    let addresses = ["127.0.0.9", "127.0.0.8", "127.0.0.1"].map(|it| it.parse().unwrap());
    client.names = Names::Fixed([(HOST.to_owned(), addresses.to_vec())].into());
    assert_eq!(fetch(&client, &server.url()).await.unwrap().status, 200);
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_allowed_wherever_it_stops() {
    let root = Authority::root("Root");
    let token = Secret::from(TOKEN.to_owned());
    let (mute, deaf) = (
        silent(Some(root.server(HOST, &[]))).await,
        silent(None).await,
    );
    let proxied =
        Setup::trusting(&root).variable("https_proxy", format!("proxy.test:{}", deaf.port));
    for (client, url) in [
        (Setup::trusting(&root).client(), mute.url()),
        (Setup::trusting(&root).client(), deaf.url()),
        (proxied.client(), mute.url()),
    ] {
        let timeout = Duration::from_millis(300);
        let result = client.fetch(&request(&url), &token, timeout).await;
        assert_eq!(result, Err(offline(Unreachable::Timeout)));
    }
    assert_eq!(mute.heard.all().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let root = Authority::root("Root");
    let body = "x".repeat((1 << 20) + 1);
    let chunks = format!("{:x}\r\n{body}\r\n", body.len()).repeat(2);
    for answer in [
        answer("200 OK", "", &body),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}"),
    ] {
        let server = https(root.server(HOST, &[]), answer).await;
        let Err(Failure::Unreadable { what }) = outcome(&Setup::trusting(&root), &server).await
        else {
            panic!("it was read");
        };
        assert!(what.contains("1 MiB"), "{what}");
    }
    let server = https(root.server(HOST, &[]), answer("200 OK", "", &body[1..])).await;
    let reply = outcome(&Setup::trusting(&root), &server).await.unwrap();
    assert_eq!(reply.body.len(), 1 << 20);
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_none_is_not_understood() {
    let root = Authority::root("Root");
    for answer in [
        "",
        "HTTP/1.1 200",
        "220 mail.test ESMTP\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"five_hour\"",
    ] {
        let server = https(root.server(HOST, &[]), answer).await;
        let result = outcome(&Setup::trusting(&root), &server).await;
        assert!(
            matches!(result, Err(Failure::Unreadable { .. })),
            "{answer:?} {result:?}"
        );
    }
}

#[tokio::test]
async fn whoever_answers_with_a_certificate_of_its_own_is_named_and_gets_nothing() {
    let (genuine, portal) = (Authority::root("Genuine"), Authority::root("Portal"));
    let double = Authority::root("Genuine");
    let between = portal.below("Portal 2");
    for (identity, name) in [
        (portal.server(HOST, &[]), "Portal"),
        (between.server(HOST, &[&between]), "Portal 2"),
        (between.server(HOST, &[&between, &genuine]), "Portal 2"),
        (double.server(HOST, &[]), "Genuine"),
        (portal.as_server(), "Portal"),
        (genuine.server("portal.test", &[]), "Genuine"),
    ] {
        let server = https(identity, GOOD).await;
        let result = outcome(&Setup::trusting(&genuine), &server).await;
        assert_eq!(issuer(result), name);
        assert_eq!(server.heard.all(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_else_is_wrong_with_a_secure_connection_is_no_interception() {
    let root = Authority::root("Root");
    let mut expired = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    expired.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let mut early = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    early.not_before = rcgen::date_time_ymd(4000, 1, 1);
    let mut other = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    other.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    for server in [
        https(root.server_with(&expired, &[]), GOOD).await,
        https(root.server_with(&early, &[]), GOOD).await,
        https(root.server_with(&other, &[]), GOOD).await,
        plain("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await,
    ] {
        let result = outcome(&Setup::trusting(&root), &server).await;
        assert_eq!(result, Err(offline(Unreachable::Tls)));
        assert!(!server.heard.all().concat().contains("planted"));
    }
}

#[tokio::test]
async fn whoever_shows_genuine_certificates_without_their_key_gets_nothing() {
    let root = Authority::root("Root");
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let server = https_with(version, root.server(HOST, &[])).await;
        let setup = Setup::trusting(&root);
        assert_eq!(outcome(&setup, &server).await.unwrap().status, 200);
        let identity = root.server(HOST, &[]);
        let pins = [identity.pin, root.pin()];
        let server = https_with(version, identity.stolen()).await;
        let setup = setup.pinned(Pinning::Enforce, &pins);
        let result = outcome(&setup, &server).await;
        assert_eq!(result, Err(offline(Unreachable::Tls)));
        assert_eq!(server.heard.all(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn certificates_of_a_company_are_trusted_wherever_they_are_named() {
    let (system, company) = (Authority::root("System"), Authority::root("Company"));
    let server = https(company.server(HOST, &[]), GOOD).await;
    let by_setting = Setup::trusting(&system).also_trusting(&company);
    let file = by_setting.config.ca_files[0].clone();
    let by = |name| Setup::trusting(&system).variable(name, file.clone());
    let mut as_bytes = Setup::trusting(&system);
    let bytes = by_setting.directory.path().join("company.der");
    std::fs::write(&bytes, company.certificate()).unwrap();
    as_bytes.config.ca_files = vec![bytes.to_str().unwrap().to_owned()];
    for setup in [
        &by_setting,
        &by("SSL_CERT_FILE"),
        &by("NODE_EXTRA_CA_CERTS"),
        &as_bytes,
    ] {
        let reply = outcome(setup, &server).await.unwrap();
        assert!(
            matches!(reply.sight.root, Some(Root::File(_))),
            "{:?}",
            reply.sight
        );
        // Those of the system count all the same.
        let genuine = https(system.server(HOST, &[]), GOOD).await;
        let reply = outcome(setup, &genuine).await.unwrap();
        assert_eq!(reply.sight.root, Some(Root::System));
    }
}

#[tokio::test]
async fn an_authority_that_the_system_knows_is_the_systems_also_when_a_file_has_it() {
    let root = Authority::root("Root");
    let server = https(root.server(HOST, &[]), GOOD).await;
    let setup = Setup::trusting(&root).also_trusting(&root);
    let reply = outcome(&setup, &server).await.unwrap();
    assert_eq!(reply.sight.root, Some(Root::System));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_in_a_setting_and_a_complaint_in_a_variable() {
    let root = Authority::root("Root");
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (path, why) in [
        (file("empty.pem", ""), "no certificate"),
        (
            file(
                "key.pem",
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            ),
            "no certificate",
        ),
        (file("broken.pem", broken), "cannot be read"),
        (file("cut.pem", &broken[..40]), "cannot be read"),
        (file("cut.der", "0\u{1}"), "cannot be read"),
        (
            place.path().join("absent").to_str().unwrap().to_owned(),
            "not there",
        ),
        (place.path().to_str().unwrap().to_owned(), "directory"),
    ] {
        let mut setup = Setup::trusting(&root);
        setup.config.ca_files = vec![path.clone()];
        let problem = setup.try_client().unwrap_err().to_string();
        assert!(
            problem.contains("usage.ca_files") && problem.contains(why),
            "{path}: {problem}"
        );
        assert!(problem.contains(&path), "{problem}");
        let client = Setup::trusting(&root)
            .variable("NODE_EXTRA_CA_CERTS", path)
            .client();
        let [complaint] = client.complaints() else {
            panic!("{:?}", client.complaints());
        };
        assert!(
            complaint.contains("NODE_EXTRA_CA_CERTS") && complaint.contains(why),
            "{complaint}"
        );
    }
}

#[test]
fn without_any_certificate_it_says_what_to_install() {
    let mut setup = Setup::trusting(&Authority::root("Root"));
    setup.roots = SystemRoots::None;
    let problem = setup.try_client().unwrap_err();
    assert_eq!(problem, ConfigProblem::NoCertificates);
    assert!(problem.to_string().contains("ca-certificates"));
}

#[test]
fn the_systems_certificates_are_found_where_they_usually_are() {
    let mut setup = Setup::trusting(&Authority::root("Root"));
    setup.roots = SystemRoots::Usual;
    let places = ["/etc/ssl", "/etc/pki"].map(std::path::Path::new);
    let is_there = places.iter().any(|place| {
        let files = [
            "certs/ca-certificates.crt",
            "tls/certs/ca-bundle.crt",
            "ca-bundle.pem",
            "cert.pem",
        ];
        files.iter().any(|file| place.join(file).exists())
    });
    let client = setup.try_client();
    if !is_there {
        assert_eq!(client.err(), Some(ConfigProblem::NoCertificates));
        return;
    }
    let client = client.unwrap();
    assert!(
        client.trust.roots.len() > 20,
        "{}",
        client.trust.roots.len()
    );
    assert_eq!(client.complaints(), [""; 0]);
}

#[tokio::test]
async fn only_an_address_of_https_gets_the_token() {
    let client = Setup::trusting(&Authority::root("Root")).client();
    for url in [
        "http://api.test/",
        "ftp://api.test/",
        "api.test",
        "https://",
        "https:///x",
        "x y",
    ] {
        let result = fetch(&client, url).await;
        assert!(matches!(result, Err(Failure::Unavailable { .. })), "{url}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_stand_in_a_header_is_not_sent() {
    let root = Authority::root("Root");
    let server = https(root.server(HOST, &[]), GOOD).await;
    let client = Setup::trusting(&root).client();
    let token = Secret::from("planted\r\nx: y".to_owned());
    let result = client.fetch(&request(&server.url()), &token, LONG).await;
    assert_eq!(result, Err(Failure::TokenRejected));
    assert_eq!(server.heard.all(), Vec::<String>::new());
}
