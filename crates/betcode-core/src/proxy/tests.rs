//! Tests of ways through proxies.

use super::*;

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn routes(pairs: &[(&str, &str)]) -> Routes {
    Routes::new(&ProxyChoice::Variables, &[], &variables(pairs)).unwrap()
}

fn way(pairs: &[(&str, &str)], host: &str) -> Option<String> {
    routes(pairs).proxy(host, 443).map(ToString::to_string)
}

#[test]
fn a_proxy_has_a_scheme_a_host_and_a_port() {
    for (text, expected) in [
        ("proxy", "http://proxy:80"),
        ("proxy:3128", "http://proxy:3128"),
        ("http://proxy.corp/", "http://proxy.corp:80"),
        ("HTTPS://proxy.corp", "https://proxy.corp:443"),
        ("socks5://10.0.0.1", "socks5://10.0.0.1:1080"),
        ("socks5h://[::1]:9050", "socks5h://[::1]:9050"),
        ("http://::1", "http://[::1]:80"),
    ] {
        assert_eq!(Proxy::read(text).unwrap().to_string(), expected);
    }
}

#[test]
fn what_is_no_proxy_says_why_and_not_what() {
    for (text, why) in [
        ("socks4://host", BadProxy::Scheme),
        ("ftp://planted@host", BadProxy::Scheme),
        ("", BadProxy::Host),
        ("http://", BadProxy::Host),
        ("http://a b", BadProxy::Host),
        ("http://[::g]", BadProxy::Host),
        ("http://[::1]x", BadProxy::Host),
        ("http://host:0", BadProxy::Port),
        ("http://host:65536", BadProxy::Port),
        ("http://host:", BadProxy::Port),
        ("http://host:1/x", BadProxy::Path),
        ("http://host?x", BadProxy::Path),
        ("http://a%zz:b@host", BadProxy::Credentials),
        ("http://a:%0a@host", BadProxy::Credentials),
        ("http://a:%+a@host", BadProxy::Credentials),
        ("http://a:b%4@host", BadProxy::Credentials),
    ] {
        assert_eq!(Proxy::read(text), Err(why), "{text}");
        assert!(!why.to_string().contains("planted"));
    }
}

#[test]
fn name_and_password_are_read_kept_and_never_printed() {
    let proxy = Proxy::read("http://planted%40corp:pl%2Fanted%3A@proxy:8080").unwrap();
    let credentials = proxy.credentials.clone().unwrap();
    assert_eq!(credentials.user.reveal(), "planted@corp");
    assert_eq!(credentials.password.reveal(), "pl/anted:");
    assert_eq!(Proxy::read(&proxy.reveal()), Ok(proxy.clone()));
    let choice = ProxyChoice::Through(proxy.clone());
    assert_eq!(ProxyChoice::read(&choice.reveal()), Ok(choice.clone()));
    let routes = Routes::new(&choice, &[], &BTreeMap::new()).unwrap();
    let printed = format!("{proxy} {proxy:?} {choice} {choice:?} {routes:#?}");
    assert!(!printed.contains("planted") && !printed.contains("pl/"));
    assert_eq!(proxy.to_string(), "http://[redacted]@proxy:8080");
}

#[test]
fn a_password_with_an_at_sign_that_was_not_encoded_is_still_not_taken_for_the_host() {
    let proxy = Proxy::read("http://user:pass@word@proxy:1").unwrap();
    assert_eq!(proxy.host, "proxy");
    assert_eq!(proxy.credentials.unwrap().password.reveal(), "pass@word");
}

#[test]
fn variables_count_in_order_and_in_either_case() {
    let all = [
        ("HTTPS_PROXY", "one"),
        ("https_proxy", "two"),
        ("ALL_PROXY", "three"),
        ("all_proxy", "four"),
        ("HTTP_PROXY", "five"),
        ("http_proxy", "six"),
    ];
    let order = ["two", "one", "four", "three", "six", "five"];
    for gone in 0..=order.len() {
        let left: Vec<_> = all
            .into_iter()
            .filter(|(_, proxy)| !order[..gone].contains(proxy))
            .collect();
        let expected = order.get(gone).map(|name| format!("http://{name}:80"));
        assert_eq!(way(&left, "api.example"), expected);
    }
    assert_eq!(
        way(&[("https_proxy", " "), ("ALL_PROXY", "b")], "api.example").as_deref(),
        Some("http://b:80"),
        "an empty one counts as none"
    );
    let foreign = [("HTTP_PROXY", "x"), ("REQUEST_METHOD", "GET")];
    assert_eq!(way(&foreign, "api.example"), None);
}

#[test]
fn a_variable_that_is_no_proxy_is_named_without_its_value() {
    let variables = variables(&[("ALL_PROXY", "socks4://user:planted@host")]);
    let error = Routes::new(&ProxyChoice::Variables, &[], &variables).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("ALL_PROXY") && text.contains("socks5h"),
        "{text}"
    );
    assert!(!format!("{text} {error:?}").contains("planted"));
}

#[test]
fn a_setting_replaces_the_variable_of_its_meaning() {
    let variables = variables(&[("https_proxy", "http://other"), ("no_proxy", "a.example")]);
    let through = ProxyChoice::read("http://mine:1").unwrap();
    let routes = Routes::new(&through, &[], &variables).unwrap();
    assert_eq!(routes.proxy("b.example", 443).unwrap().host, "mine");
    assert!(routes.proxy("a.example", 443).is_none());
    let mine = [Exception::read("b.example").unwrap()];
    let routes = Routes::new(&through, &mine, &variables).unwrap();
    assert!(routes.proxy("b.example", 443).is_none());
    assert!(routes.proxy("a.example", 443).is_some());
    let direct = ProxyChoice::read(" direct ").unwrap();
    let routes = Routes::new(&direct, &[], &variables).unwrap();
    assert!(routes.proxy("b.example", 443).is_none());
}

#[test]
fn exceptions_are_hosts_their_subdomains_addresses_and_networks() {
    for (text, host, covered) in [
        ("*", "anything", true),
        ("example.org", "example.org", true),
        ("example.org", "API.Example.ORG.", true),
        ("example.org", "notexample.org", false),
        (".example.org", "api.example.org", true),
        ("*.example.org", "api.example.org", true),
        ("example.org:443", "example.org", true),
        ("example.org:8443", "example.org", false),
        ("10.0.0.0/8", "10.200.1.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "host10", false),
        ("0.0.0.0/0", "203.0.113.1", true),
        ("0.0.0.0/0", "::1", false),
        ("::/0", "2001:db8::1", true),
        ("2001:db8::/32", "2001:db8:1::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("127.0.0.1", "127.0.0.1", true),
        ("[::1]:443", "::1", true),
        ("::1", "::1", true),
    ] {
        let exception = Exception::read(text).unwrap();
        assert_eq!(exception.covers(host, 443), covered, "{text} {host}");
    }
    for text in [
        "",
        ".",
        "*.",
        "10.0.0.0/33",
        "10.0.0/8",
        "a b",
        "host:x",
        "::1/129",
    ] {
        assert_eq!(Exception::read(text), None, "{text}");
    }
}

#[test]
fn the_variable_of_exceptions_is_a_list_in_either_case() {
    let with = |name| {
        [
            ("HTTPS_PROXY", "p"),
            (name, "a.example, .b.example 10.0.0.1"),
        ]
    };
    for name in ["no_proxy", "NO_PROXY"] {
        assert_eq!(way(&with(name), "a.example"), None);
        assert_eq!(way(&with(name), "x.b.example"), None);
        assert_eq!(way(&with(name), "10.0.0.1"), None);
        assert!(way(&with(name), "c.example").is_some());
    }
}

#[test]
fn a_proxy_on_this_machine_is_known_as_one() {
    for (text, here) in [
        ("http://127.0.0.1:1", true),
        ("http://[::1]:1", true),
        ("socks5://LOCALHOST", true),
        ("http://proxy", false),
        ("http://10.0.0.1", false),
    ] {
        assert_eq!(
            Proxy::read(text).unwrap().is_on_this_machine(),
            here,
            "{text}"
        );
    }
}
