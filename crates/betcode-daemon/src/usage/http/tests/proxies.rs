//! Proxies: which one is used, who one is to it, and what it learns.

use super::*;

const PASSWORD: &str = "planted-word@/:";

struct World {
    root: Authority,
    server: Server,
}

impl World {
    async fn new() -> Self {
        let root = Authority::root("Root");
        let server = https(root.server(HOST, &[]), GOOD).await;
        Self { root, server }
    }

    /// A client that has a proxy from a variable.
    fn client(&self, variable: &str, proxy: impl Into<String>) -> Client {
        Setup::trusting(&self.root)
            .variable(variable, proxy)
            .client()
    }

    async fn fetch(&self, client: &Client) -> Result<Reply, Failure> {
        fetch(client, &self.server.url()).await
    }
}

fn unavailable(result: Result<Reply, Failure>) -> String {
    match result {
        Err(Failure::Unavailable { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_proxy_over_http_gets_the_name_the_password_and_never_the_token() {
    let world = World::new().await;
    let pair = format!("ann@corp:{PASSWORD}");
    let proxy = http_proxy(world.server.port, Some(&pair), None).await;
    let address = format!(
        "http://ann%40corp:planted-word%40%2F%3A@proxy.test:{}",
        proxy.port
    );
    for variable in [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HTTP_PROXY",
        "http_proxy",
    ] {
        let client = world.client(variable, address.clone());
        assert_eq!(
            world.fetch(&client).await.unwrap().status,
            200,
            "{variable}"
        );
    }
    let mut setup = Setup::trusting(&world.root).variable("https_proxy", "http://elsewhere.test");
    setup.config.proxy = betcode_core::proxy::ProxyChoice::read(&address).unwrap();
    assert_eq!(world.fetch(&setup.client()).await.unwrap().status, 200);
    let heard = proxy.heard.all();
    assert_eq!(heard.len(), 7);
    for question in heard {
        assert!(question.starts_with(&format!(
            "CONNECT {HOST}:{} HTTP/1.1\r\n",
            world.server.port
        )));
        assert!(!question.contains("Bearer") && !question.contains(TOKEN));
    }
    assert!(
        world
            .server
            .heard
            .all()
            .iter()
            .all(|it| !it.to_lowercase().contains("proxy"))
    );
}

#[tokio::test]
async fn hosts_that_are_excepted_are_asked_without_the_proxy() {
    let world = World::new().await;
    let proxy = http_proxy(world.server.port, None, None).await;
    let through = format!("proxy.test:{}", proxy.port);
    let setup = || Setup::trusting(&world.root).variable("HTTPS_PROXY", through.clone());
    for variable in ["NO_PROXY", "no_proxy"] {
        for exception in ["*", "api.test", ".test", "x.example, api.test"] {
            let client = setup().variable(variable, exception).client();
            world.fetch(&client).await.unwrap();
        }
    }
    let mut by_setting = setup();
    by_setting.config.no_proxy = vec![betcode_core::proxy::Exception::read("*.test").unwrap()];
    world.fetch(&by_setting.client()).await.unwrap();
    let mut direct = setup();
    direct.config.proxy = betcode_core::proxy::ProxyChoice::Direct;
    world.fetch(&direct.client()).await.unwrap();
    assert_eq!(proxy.heard.all(), Vec::<String>::new());
    let client = setup().variable("NO_PROXY", "other.test").client();
    world.fetch(&client).await.unwrap();
    assert_eq!(proxy.heard.all().len(), 1);
}

#[tokio::test]
async fn socks_proxies_look_names_up_or_do_not_and_know_who_one_is() {
    let world = World::new().await;
    let port = world.server.port;
    for (scheme, password, asked) in [
        ("socks5h", None, HOST),
        ("socks5", None, "127.0.0.1"),
        ("socks5h", Some(("ann", PASSWORD)), HOST),
        ("socks5", Some(("ann", PASSWORD)), "127.0.0.1"),
    ] {
        let proxy = socks_proxy(port, password).await;
        let who = password.map_or("", |_| "ann:planted-word%40%2F%3A@");
        let address = format!("{scheme}://{who}proxy.test:{}", proxy.port);
        let client = world.client("all_proxy", address);
        assert_eq!(world.fetch(&client).await.unwrap().status, 200);
        assert_eq!(proxy.heard.all(), [format!("{asked}:{port}")]);
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_know_who_one_is_is_named_without_the_password() {
    let world = World::new().await;
    let port = world.server.port;
    let over_http = http_proxy(port, Some("ann:right"), None).await;
    let socks = socks_proxy(port, Some(("ann", "right"))).await;
    for (scheme, proxy) in [("http", &over_http), ("socks5h", &socks)] {
        for (who, expected) in [
            ("", "asks for a name"),
            ("planted:planted-word@", "does not accept"),
        ] {
            let address = format!("{scheme}://{who}proxy.test:{}", proxy.port);
            let client = world.client("https_proxy", address);
            let why = unavailable(world.fetch(&client).await);
            assert!(
                why.contains(expected) && why.contains("proxy.test"),
                "{why}"
            );
            assert!(!why.contains("planted"), "{why}");
        }
    }
    assert_eq!(world.server.heard.all(), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_proxy_answers_decides_whether_it_is_worth_while_to_try_again() {
    let world = World::new().await;
    let head = |status: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: 7\r\n\r\nplanted").into_bytes()
    };
    let connect = Ok(Unreachable::Connect);
    for (scheme, answer, expected) in [
        ("http", head("403 No"), Err("refuses")),
        ("http", head("502 Bad"), connect),
        ("http", head("504 Late"), connect),
        ("http", head("302 Found"), Err("does not answer as")),
        ("http", head("200 OK"), Err("does not answer as")),
        (
            "http",
            b"SSH-2.0-x\r\n\r\n".to_vec(),
            Err("does not answer as"),
        ),
        ("http", Vec::new(), connect),
        ("http", vec![b'x'; 40_000], Err("does not answer as")),
        (
            "socks5h",
            b"HTTP/1.1 400 Bad\r\n\r\n".to_vec(),
            Err("does not answer as"),
        ),
        ("socks5h", vec![5, 0, 5, 2, 0, 1], Err("refuses")),
        ("socks5h", vec![5, 0, 5, 4, 0, 1], connect),
        ("socks5h", vec![5, 0, 5, 5, 0, 1], connect),
        ("socks5h", vec![5, 0, 5, 0, 0, 9], Err("does not answer as")),
        ("socks5h", vec![5, 0, 5], connect),
        ("socks5h", Vec::new(), connect),
    ] {
        let proxy = answering(answer.clone()).await;
        let address = format!("{scheme}://proxy.test:{}", proxy.port);
        let result = world.fetch(&world.client("https_proxy", address)).await;
        match expected {
            Ok(cause) => assert_eq!(result, Err(offline(cause)), "{answer:?}"),
            Err(part) => {
                let why = unavailable(result);
                assert!(
                    why.contains(part) && !why.contains("planted"),
                    "{answer:?} {why}"
                );
            }
        }
    }
    assert_eq!(world.server.heard.all(), Vec::<String>::new());
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_no_connection() {
    let world = World::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = world.client("https_proxy", format!("proxy.test:{port}"));
    assert_eq!(
        world.fetch(&client).await,
        Err(offline(Unreachable::Connect))
    );
    let client = world.client("https_proxy", "socks5://nowhere.invalid");
    assert_eq!(world.fetch(&client).await, Err(offline(Unreachable::Dns)));
    let proxy = socks_proxy(port, None).await;
    let client = world.client("https_proxy", format!("socks5://proxy.test:{}", proxy.port));
    let result = fetch(&client, "https://nowhere.invalid/").await;
    assert_eq!(
        result,
        Err(offline(Unreachable::Dns)),
        "found here, not there"
    );
}

#[tokio::test]
async fn a_proxy_inside_tls_is_verified_before_it_learns_anything() {
    let world = World::new().await;
    let identity = world.root.server("proxy.test", &[]);
    let proxy = http_proxy(world.server.port, Some("ann:planted"), Some(identity)).await;
    let address = |port| format!("https://ann:planted@proxy.test:{port}");
    let client = world.client("https_proxy", address(proxy.port));
    assert_eq!(world.fetch(&client).await.unwrap().status, 200);
    let stranger = Authority::root("Stranger").server("proxy.test", &[]);
    let foreign = http_proxy(world.server.port, None, Some(stranger)).await;
    let client = world.client("https_proxy", address(foreign.port));
    let why = unavailable(world.fetch(&client).await);
    assert!(
        why.contains("Stranger") && !why.contains("planted"),
        "{why}"
    );
    assert_eq!(foreign.heard.all(), Vec::<String>::new());
}

#[tokio::test]
async fn pins_hold_through_a_proxy() {
    let world = World::new().await;
    let proxy = http_proxy(world.server.port, None, None).await;
    let setup = |pin| {
        let setup = Setup::trusting(&world.root).pinned(Pinning::Enforce, &[pin, Pin::of(b"x")]);
        setup.variable("https_proxy", format!("proxy.test:{}", proxy.port))
    };
    let reply = world
        .fetch(&setup(world.root.pin()).client())
        .await
        .unwrap();
    assert_eq!(reply.sight.pins, PinState::Met(world.root.pin()));
    issuer(world.fetch(&setup(Pin::of(b"y")).client()).await);
}

#[tokio::test]
async fn a_proxy_on_this_machine_is_known_as_one() {
    let world = World::new().await;
    let url = world.server.url();
    for (proxy, here) in [
        ("socks5://127.0.0.1:9050", true),
        ("http://proxy.test", false),
    ] {
        let client = world.client("https_proxy", proxy);
        assert_eq!(client.is_through_this_machine(&url), here, "{proxy}");
    }
    let setup = Setup::trusting(&world.root).variable("https_proxy", "localhost:1");
    assert!(
        !setup
            .variable("no_proxy", "*")
            .client()
            .is_through_this_machine(&url)
    );
}

#[test]
fn a_variable_that_is_no_proxy_is_an_error_that_does_not_repeat_it() {
    let root = Authority::root("Root");
    let setup = Setup::trusting(&root).variable("https_proxy", "socks4://ann:planted@proxy");
    let problem = setup.try_client().unwrap_err();
    let text = format!("{problem} {problem:?}");
    assert!(
        text.contains("https_proxy") && text.contains("usage.proxy"),
        "{text}"
    );
    assert!(!text.contains("planted"));
}
