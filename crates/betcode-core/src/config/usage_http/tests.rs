//! Tests of settings of the connection.

use super::*;
use crate::config::{Layer, WhyIgnored};
use crate::config::{Source, keys, resolve};

const ONE: &str = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const OTHER: &str = "sha256/ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
const OTHER_IN_DIGITS: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn user(text: &str) -> (UsageHttpConfig, Vec<String>) {
    let source = Source::file(Layer::User, "config.toml".to_owned(), text.to_owned());
    let resolution = resolve(&[source], true);
    let errors = resolution.errors.iter().map(ToString::to_string);
    (resolution.config.usage_http, errors.collect())
}

fn error(text: &str) -> String {
    let (config, errors) = user(text);
    assert_eq!(
        config,
        UsageHttpConfig::default(),
        "a bad value does not count"
    );
    assert_eq!(errors.len(), 1, "{text}: {errors:?}");
    assert!(errors[0].starts_with("config.toml:1:"), "{errors:?}");
    errors[0].clone()
}

#[test]
fn nothing_is_asked_over_http_unless_somebody_says_so_and_then_pins_report() {
    let config = UsageHttpConfig::default();
    assert!(!config.enabled);
    assert_eq!(config.pinning, Pinning::Report);
}

#[test]
fn everything_can_be_set_by_the_user() {
    let text = format!(
        r#"[usage]
http = true
proxy = "http://ann:planted@proxy.corp:3128"
no_proxy = ["*.corp", "10.0.0.0/8"]
ca_files = ["/etc/corp ca.pem"]
pins = ["{ONE}", "{OTHER_IN_DIGITS}"]
pins_until = 2027-06-30
pinning = "enforce"
"#
    );
    let (config, errors) = user(&text);
    assert_eq!(errors, Vec::<String>::new());
    assert!(config.enabled);
    let ProxyChoice::Through(proxy) = &config.proxy else {
        panic!("{config:?}");
    };
    assert_eq!(
        proxy.credentials.as_ref().unwrap().password.reveal(),
        "planted"
    );
    assert_eq!(config.no_proxy.len(), 2);
    assert_eq!(config.ca_files, ["/etc/corp ca.pem"]);
    assert_eq!(
        config.pins,
        [Pin::read(ONE).unwrap(), Pin::read(OTHER).unwrap()]
    );
    assert_eq!(config.pins_until, "2027-06-30".parse().ok());
    assert_eq!(config.pinning, Pinning::Enforce);
    assert!(!format!("{config:?}").contains("planted"));
}

#[test]
fn a_project_sets_none_of_it() {
    let text =
        format!("usage.proxy = 'evil'\nusage.pins = ['{ONE}', '{OTHER}']\nusage.http = true");
    let source = Source::file(Layer::Project, "project.toml".to_owned(), text);
    let resolution = resolve(&[source], true);
    assert_eq!(resolution.config.usage_http, UsageHttpConfig::default());
    assert_eq!(resolution.ignored.len(), 3);
    let whys = resolution.ignored.iter().map(|ignored| ignored.why);
    assert!(
        whys.into_iter()
            .all(|why| why == WhyIgnored::NotForProjects)
    );
}

#[test]
fn a_proxys_password_is_printed_nowhere_and_kept_when_it_is_written() {
    let value = Value::from_text(Kind::Proxy, "socks5://ann:planted@proxy").unwrap();
    assert_eq!(value.to_string(), "socks5://[redacted]@proxy:1080");
    assert!(!format!("{value:?}").contains("planted"));
    assert_eq!(value.to_toml(), r#""socks5://ann:planted@proxy:1080""#);
    let error = error("usage.proxy = 'socks4://ann:planted@proxy'");
    assert!(
        !error.contains("planted") && error.contains("socks5h"),
        "{error}"
    );
}

#[test]
fn pins_are_read_in_every_usual_form() {
    let pin = Pin::read(OTHER).unwrap();
    assert_eq!(pin, Pin::of(b"abc"));
    let colons: Vec<_> = OTHER_IN_DIGITS.as_bytes().chunks(2).collect();
    let colons = String::from_utf8(colons.join(&b':'))
        .unwrap()
        .to_uppercase();
    for text in [
        OTHER_IN_DIGITS,
        &colons,
        &OTHER.replacen("sha256/", "sha256//", 1),
        &OTHER.replacen("sha256/", "", 1),
        OTHER.trim_end_matches('='),
    ] {
        assert_eq!(Pin::read(text), Ok(pin), "{text}");
    }
    assert_eq!(pin.to_string(), OTHER);
    for text in [
        "",
        "sha256/",
        "sha1/AAAA",
        &OTHER[..30],
        &OTHER_IN_DIGITS[..62],
    ] {
        assert_eq!(Pin::read(text), Err(BadPin), "{text}");
    }
}

#[test]
fn one_pin_alone_and_a_bad_one_are_refused_where_they_stand() {
    assert!(error(&format!("usage.pins = ['{ONE}']")).contains("one key alone"));
    let twice = error(&format!("usage.pins = ['{OTHER}', '{OTHER_IN_DIGITS}']"));
    assert!(
        twice.contains("one key alone") && twice.contains("at least two"),
        "{twice}"
    );
    let bad = error(&format!("usage.pins = ['{ONE}', 'sha256/short']"));
    assert!(bad.contains("sha256/short"), "{bad}");
    let (config, errors) = user("usage.pins = []");
    assert_eq!((config.pins.len(), errors.len()), (0, 0));
}

#[test]
fn other_values_that_do_not_fit_are_refused_where_they_stand() {
    for (text, part) in [
        ("usage.pinning = 'maybe'", "off, report, enforce"),
        ("usage.pins_until = 'soon'", "2027-06-30"),
        ("usage.pins_until = 2027-06-30T10:00:00Z", "2027-06-30"),
        ("usage.ca_files = ['relative.pem']", "relative.pem"),
        ("usage.no_proxy = ['10.0.0.0/99']", "10.0.0.0/99"),
        ("usage.no_proxy = [1]", "a list"),
        ("usage.http = 'yes'", "true or false"),
    ] {
        let error = error(text);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn lists_can_be_given_in_one_text() {
    for (kind, text) in [
        (Kind::Hosts, "a.example, .b.example 10.0.0.0/8".to_owned()),
        (Kind::Files, "/a.pem,/b.pem /c.pem".to_owned()),
        (Kind::Pins, format!("{ONE} {OTHER},{}", Pin::of(b"x"))),
    ] {
        let Ok(Value::Keys(words)) = Value::from_text(kind, &text) else {
            panic!("{text}");
        };
        assert_eq!(words.len(), 3);
    }
    let list = Value::from_text(Kind::Files, r#"["/with blank.pem"]"#).unwrap();
    assert_eq!(list, Value::Keys(vec!["/with blank.pem".to_owned()]));
}

#[test]
fn the_last_day_counts_to_its_end() {
    let end = end_of("2027-06-30".parse().unwrap()).unwrap();
    assert_eq!(end, Timestamp(1_814_400_000_000_000));
}

#[test]
fn every_key_below_usage_leads_to_itself() {
    let names = keys().iter().map(|info| info.name);
    let ours: Vec<_> = names
        .filter(|name| Key::parse(name).is_ok_and(|key| matches!(key, Key::UsageHttp(_))))
        .collect();
    assert_eq!(ours.len(), 7, "{ours:?}");
    for name in ours {
        assert_eq!(Key::parse(name).unwrap().to_string(), name);
    }
}
