//! What is taken out of a text and what stays, case by case, and in what time.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{AUTHORIZATION, NAMES, PEM_BEGIN, PREFIXES, REDACTED, preview, redact, shortened};

/// What goes in and what must come out; `§` stands for the mark.
const CASES: &[(&str, &str)] = &[
    // Tokens that are known by how they begin.
    ("run with sk-ant-api03-AbC_d-9 now", "run with § now"),
    ("OPENAI=sk-proj-abcdefghijkl0123", "OPENAI=§"),
    ("(ghp_16C7e42F292c6912E7710c838347Ae178B4a)", "(§)"),
    ("gho_abcdefgh1234 ghs_abcdefgh1234", "§ §"),
    ("github_pat_11ABCDEFG0_abcdefghijklmnop", "§"),
    (
        "https://oauth2@gitlab/?x=glpat-abcdefghijklmnopqrst",
        "https://oauth2@gitlab/?x=§",
    ),
    ("xoxb-123456789012-abcdef xoxp-1234567890", "§ §"),
    ("aws AKIAIOSFODNN7EXAMPLE.", "aws §."),
    ("key=AIzaSyA-1234567890abcdefghijklmnopqrs", "key=§"),
    (
        "//r/:x npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "//r/:x §",
    ),
    ("hf_abcdefghijklmnopqrstuvwxyz", "§"),
    ("pypi-AgEIcHlwaS5vcmcCJDU3", "§"),
    (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln-_x, next",
        "§, next",
    ),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0", "§"),
    // Right behind a character that is written with letters.
    (r"first\nsk-ant-api03-abcdef", r"first\n§"),
    (r"first\u0022ghp_abcdefgh1234\u0022", r"first\u0022§\u0022"),
    ("q=a%20sk-ant-api03-abcdef&b", "q=a%20§&b"),
    // Ordinary words that begin like tokens.
    (
        "a risk-free task-list-with-12-items",
        "a risk-free task-list-with-12-items",
    ),
    (
        "npm_config_registry=x npm_lifecycle_event_name",
        "npm_config_registry=x npm_lifecycle_event_name",
    ),
    (
        "sk-toggleable__content hf_hub_download()",
        "sk-toggleable__content hf_hub_download()",
    ),
    (
        "keyJoinsTables.somethingLonger eyJ.x",
        "keyJoinsTables.somethingLonger eyJ.x",
    ),
    // Headers.
    (
        "curl -H 'Authorization: Bearer abc.def' https://x",
        "curl -H 'Authorization: Bearer §' https://x",
    ),
    (
        "AUTHORIZATION: basic dXNlcjpwYXNz",
        "AUTHORIZATION: basic §",
    ),
    (
        "-H \"authorization: token 0123abc\"",
        "-H \"authorization: token §\"",
    ),
    (
        r#"{"Proxy-Authorization":"Bearer abc","x":1}"#,
        r#"{"Proxy-Authorization":"Bearer §","x":1}"#,
    ),
    (
        r#"{\"Authorization\": \"Custom abc def\"}"#,
        r#"{\"Authorization\": \"§\"}"#,
    ),
    (
        r#"h.set("Authorization", "abc")"#,
        r#"h.set("Authorization", "§")"#,
    ),
    ("no authorization was given", "no authorization was given"),
    ("X-Api-Key: abc-def\nHost: x", "X-Api-Key: §\nHost: x"),
    // Names.
    ("PASSWORD=hunter2 make", "PASSWORD=§ make"),
    (
        "export MY_DB_PASSWD='hunt er2'; ls",
        "export MY_DB_PASSWD='§'; ls",
    ),
    (
        "export GitHub_Token=\"a b\" && ls",
        "export GitHub_Token=\"§\" && ls",
    ),
    (
        "password = \"abc\"\nuser = \"x\"",
        "password = \"§\"\nuser = \"x\"",
    ),
    (
        "client_secret: s3cr3t\nname: x",
        "client_secret: §\nname: x",
    ),
    (
        "{ \"apiKey\" : \"a,b}c\" , \"b\": 2}",
        "{ \"apiKey\" : \"§\" , \"b\": 2}",
    ),
    (r#"{"ACCESS_KEY":123,"b":2}"#, r#"{"ACCESS_KEY":§,"b":2}"#),
    (
        r#"{"tokens":["a","b]"],"b":["c"]}"#,
        r#"{"tokens":§,"b":["c"]}"#,
    ),
    (
        r#"{"token":null,"secret":true}"#,
        r#"{"token":null,"secret":true}"#,
    ),
    (
        r#"{"credentials":{"user":"a","password":"b"}}"#,
        r#"{"credentials":{"user":"a","password":"§"}}"#,
    ),
    (
        r#"{"password":"a\"b\\","x":"y"}"#,
        r#"{"password":"§","x":"y"}"#,
    ),
    (
        r#"{"a":"{\"password\":\"a\\\"b\",\"x\":1}"}"#,
        r#"{"a":"{\"password\":\"§\",\"x\":1}"}"#,
    ),
    (
        r#"{"a":"PASSWORD=abc\nrm -rf /"}"#,
        r#"{"a":"PASSWORD=§\nrm -rf /"}"#,
    ),
    (
        r#"{"a":"echo \"token=abc\" x"}"#,
        r#"{"a":"echo \"token=§\" x"}"#,
    ),
    (
        r#"{"command":"X_PASSWORD='a'","y":"z"}"#,
        r#"{"command":"X_PASSWORD='§'","y":"z"}"#,
    ),
    ("PASSWORD='a'\"b\"c ls", "PASSWORD=§ ls"),
    ("PASSWORD=a\\ b\"c d\" ls", "PASSWORD=§ ls"),
    (
        "process.env['SECRET'] = 'abc'",
        "process.env['SECRET'] = '§'",
    ),
    ("?access_token=abc&page=2", "?access_token=§&page=2"),
    ("TOKEN=$(gh auth login) ls", "TOKEN=$(gh auth login) ls"),
    ("private_key: \"abc", "private_key: \"§"),
    // Flags.
    (
        "login --password hunter2 --verbose",
        "login --password § --verbose",
    ),
    ("login --PASSWORD='hunter 2' x", "login --PASSWORD='§' x"),
    ("login --api-key \"a b\" -v", "login --api-key \"§\" -v"),
    (r#"["--token","abc","-v"]"#, r#"["--token","§","-v"]"#),
    (r"a \\\n--token abc", r"a \\\n--token §"),
    (
        "docker login --password-stdin | x",
        "docker login --password-stdin | x",
    ),
    (
        "login --no-password --verbose -v",
        "login --no-password --verbose -v",
    ),
    (
        "the token economy, a secret place",
        "the token economy, a secret place",
    ),
    ("token::Kind password", "token::Kind password"),
    // URLs.
    (
        "postgres://user:p#s@:w@host:5432/db",
        "postgres://user:§@host:5432/db",
    ),
    (
        "https://git@host:22/x:y@z http://h:80/",
        "https://git@host:22/x:y@z http://h:80/",
    ),
    (
        r#"{"url":"redis://:abc@h","x":"a@b"}"#,
        r#"{"url":"redis://:§@h","x":"a@b"}"#,
    ),
    // Keys.
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nab+/=\n-----END RSA PRIVATE KEY-----\nrest",
        "§\nrest",
    ),
    (
        r#""-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n""#,
        r#""§\n""#,
    ),
    (
        r#"{"a":"-----BEGIN OPENSSH PRIVATE KEY-----\nMIIEabc","b":1}"#,
        r#"{"a":"§","b":1}"#,
    ),
    (
        "grep '-----BEGIN PRIVATE KEY-----' . && ls",
        "grep '§' . && ls",
    ),
    (
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
    ),
    // What was redacted already.
    (
        "PASSWORD=§ {\"token\":§,\"a\":\"x\"}",
        "PASSWORD=§ {\"token\":§,\"a\":\"x\"}",
    ),
    ("", ""),
    ("päßwörd=ü token=ü€😀 ü", "päßwörd=ü token=§ ü"),
];

#[test]
fn secrets_of_every_kind_go_and_everything_else_stays() {
    let mut wrong = Vec::new();
    for (text, expected) in CASES {
        let text = text.replace('§', REDACTED);
        let expected = expected.replace('§', REDACTED);
        for (input, what) in [(&text, "once"), (&expected, "again")] {
            let redacted = redact(input);
            if redacted != expected {
                wrong.push(format!(
                    "{what}: {input}\n   is {redacted}\n  not {expected}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_preview_is_canonical_and_its_secrets_go_before_it_is_cut() {
    let short = json!({"b": "x", "a": {"password": "hunter2"}});
    assert_eq!(
        preview(&short),
        r#"{"a":{"password":"[redacted]"},"b":"x"}"#
    );
    for filling in 200..260 {
        let secret = "sk-ant-api03-0123456789";
        let long = json!({"a": "é".repeat(filling), "b": secret, "c": "x".repeat(100)});
        let preview = preview(&long);
        assert_eq!(preview.chars().count(), 256);
        assert!(
            preview.ends_with('…') && !preview.contains("sk-"),
            "{preview}"
        );
    }
    let exact = Value::String("x".repeat(254));
    assert_eq!(preview(&exact), exact.to_string());
}

#[test]
fn nested_json_hides_no_secret_at_any_depth() {
    let mut text = json!({"user": "u", "password": "hunter\"2\\", "next": "kept"}).to_string();
    for depth in 0..5 {
        let redacted = redact(&text);
        assert!(!redacted.contains("hunter"), "{depth}: {redacted}");
        assert!(redacted.contains("kept"), "{depth}: {redacted}");
        text = json!({ "content": text }).to_string();
    }
}

#[test]
fn every_way_to_give_a_secret_is_known_at_every_depth_of_json() {
    let ways = [
        "PASSWORD=@",
        "export PASSWORD='@'",
        "export PASSWORD=\"@\"",
        "env DB_PASSWORD=@ make",
        "x;TOKEN=@;y",
        "mysql --password=@ -e 'select 1'",
        "login --password @",
        "login --password '@ @'",
        "login --password \"@ @\"",
        "cmd \\\n  --api-key @ \\\n  -v",
        "cat <<EOF\npassword=@\nsecret: @\nEOF\n",
        "password:\t@\r\nx: y",
        "curl -H 'Authorization: Bearer @' x",
        "curl -H \"Authorization: token @\" x",
        "curl -H \"X-Api-Key: @\" x",
        "curl -d '{\"client_secret\": \"@\", \"a\": 1}' x",
        "curl -d \"{\\\"token\\\":\\\"@\\\"}\" x",
        "git clone https://me:@@host/x.git",
        "psql 'postgres://u:@@h:1/d?x=y'",
        "https://x/?access_token=@&y=z",
        "const password = \"@\";\n",
        "apiKey: '@',\n",
        "\"passwords\": [\"@\", \"@\"]\n",
        "os.environ[\"TOKEN\"] = \"@\"\n",
        "run(['--token', '@', '-v'])",
        "run([\"--token\", \"@\"])",
        "set(TOKEN := \"@\")",
        "token => '@'",
        "x\n--token @\n",
        "-----BEGIN RSA PRIVATE KEY-----\n@\n-----END RSA PRIVATE KEY-----\n",
        "k=\"-----BEGIN PRIVATE KEY-----\n@",
    ];
    for way in ways {
        let mut text = way.replace('@', "qqSecret7");
        if way.contains("@@") {
            text = way.replacen('@', "qqSecret7", 1);
        }
        for depth in 0..4 {
            let redacted = redact(&text);
            assert!(!redacted.contains("qqSecret7"), "{depth}: {redacted}");
            assert!(redacted.contains(REDACTED));
            text = json!({ "a": "before", "command": text, "z": "after" }).to_string();
            assert!(
                redact(&text).ends_with("after\"}"),
                "{depth}: {}",
                redact(&text)
            );
        }
    }
}

#[test]
fn ten_megabytes_of_anything_take_a_moment() {
    let pieces = [
        "x",
        "\\",
        "\"",
        "sk-",
        "sk-a",
        "eyJ",
        "eyJa.",
        "token",
        "token=",
        "token=a' ",
        "token\"",
        "\\\"token\\\":",
        "password: [\"",
        "--token ",
        "://",
        "://a:b",
        "-",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\"",
        "-----END ",
        "authorization:",
        "Authorization: Bearer ",
        " ",
        "\n",
        "token=x\" \\\"",
        "secret[\\",
        "password=`",
    ];
    let bytes = 10 << 20;
    for piece in pieces {
        for head in ["", "token=", "token=\"", "://a:\\", "password=[\"\",\\"] {
            // The slow ways would take hours for much less.
            let size = if head.is_empty() && piece == "token" {
                bytes
            } else {
                bytes / 128
            };
            let text = head.to_owned() + &piece.repeat(size / piece.len());
            assert!(redact(&text).len() <= text.len() * 4, "{head}{piece}");
        }
    }
}

/// Everything a secret begins with.
fn begins_a_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    PREFIXES
        .iter()
        .map(|known| known.text)
        .chain(NAMES.iter().copied())
        .chain([AUTHORIZATION, PEM_BEGIN, "eyJ", "://"])
        .any(|word| text.contains(&word.to_ascii_lowercase()))
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "sk-ant-", "sk-", "ghp_", "eyJ", "token", "Password", "api_key", "://", "@", ":", "=", "\"", "'", "\\",
            "\\n", " ", ",", "[", "]", "{", "}", "--", "-----BEGIN PRIVATE KEY-----", "-----END ", "Authorization",
            "Bearer ", "é", "[redacted]",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9]{1,12}",
        1 => ".{0,3}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn text_in_which_no_secret_begins_is_unchanged(text in prop_oneof![any::<String>(), pieces()]) {
        prop_assume!(!begins_a_secret(&text));
        prop_assert_eq!(redact(&text), text);
    }

    #[test]
    fn any_text_is_taken_and_what_stays_of_it_is_in_its_order(text in pieces()) {
        let redacted = redact(&text);
        let mut rest = text.as_str();
        for kept in redacted.split(REDACTED) {
            let at = rest.find(kept);
            prop_assert!(at.is_some(), "{} is not of {}", redacted, text);
            rest = &rest[at.unwrap() + kept.len()..];
        }
    }

    #[test]
    fn a_named_secret_never_survives_in_json(
        before in "[ -~]{0,20}", secret in "[ -~]{8,30}", after in any::<String>(),
    ) {
        let marked = format!("qqq{secret}");
        let text = json!({"a": before, "password": marked, "z": after}).to_string();
        prop_assume!(!before.contains("qqq") && !after.contains("qqq"));
        prop_assert!(!redact(&text).contains("qqq"), "{}", redact(&text));
    }
}

#[test]
fn a_long_text_is_shortened_after_its_secrets_are_gone() {
    assert_eq!(
        shortened("Bash(echo ghp_abcdefgh1234), allowed"),
        "Bash(echo [redacted]), allowed"
    );
    let long = shortened(&"x ".repeat(1_000));
    assert_eq!(long.chars().count(), 256);
    assert!(long.ends_with('…'), "{long}");
}
