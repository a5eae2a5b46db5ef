//! What an agent keeps about its login, read and never written: whether there is one, until when its token is good, what it
//! may do, and a name for it that is not the token.
//!
//! The token itself is in [`Token`] for the one request that needs it; everything else works with [`TokenInfo`], which can be
//! kept and shown. Nothing here renews a token: the token for that can be used once, and whoever uses it besides the agent
//! logs the person out everywhere.

use std::fmt::{self, Write as _};

use betcode_core::config::Secret;
use betcode_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::provider::json::{self, text};

/// Without this a token may not read the usage.
const USAGE_SCOPE: &str = "user:profile";
/// So many bytes of a hash name a token.
const HASH_BYTES: usize = 16;

/// A name for a token from which the token cannot be found out. It changes with every login and every renewal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// Of a token.
    pub fn of(token: &str) -> Self {
        let mut hash = String::new();
        for byte in Sha256::digest(token.as_bytes()).iter().take(HASH_BYTES) {
            // Writing to a string cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        Self(hash)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is known of a token beside the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its name.
    pub hash: TokenHash,
    /// Until when it is good, if that is written beside it.
    pub expires_at: Option<Timestamp>,
    /// What it may do, if that is written beside it.
    pub scopes: Option<Vec<String>>,
    /// The plan that is written beside it, such as `max`.
    pub plan: Option<String>,
}

impl TokenInfo {
    /// Whether it is no longer good, as far as is known.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Whether it is known that it may not read the usage.
    pub fn lacks_usage_scope(&self) -> bool {
        let scopes = self.scopes.as_ref();
        scopes.is_some_and(|scopes| !scopes.iter().any(|scope| scope == USAGE_SCOPE))
    }
}

/// A token and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What is known of it.
    pub info: TokenInfo,
    /// It; never printed.
    pub secret: Secret,
}

/// What a store of credentials says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// There is a token.
    Token(Token),
    /// There is none: nobody is logged in.
    LoggedOut,
    /// It could not be understood; it may be half written.
    Unreadable,
}

impl Credentials {
    /// What the planner may know of it.
    pub fn login(&self) -> Login {
        match self {
            Self::Token(token) => Login::Token(token.info.clone()),
            Self::LoggedOut => Login::LoggedOut,
            Self::Unreadable => Login::Unknown,
        }
    }
}

/// What is known about a login, without its token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Login {
    /// Nothing: the store cannot be read, or was not looked at.
    #[default]
    Unknown,
    /// Nobody is logged in.
    LoggedOut,
    /// Somebody is.
    Token(TokenInfo),
}

impl Login {
    /// The token's name, if there is a token.
    pub const fn hash(&self) -> Option<&TokenHash> {
        match self {
            Self::Token(token) => Some(&token.hash),
            Self::Unknown | Self::LoggedOut => None,
        }
    }

    /// The token.
    pub const fn token(&self) -> Option<&TokenInfo> {
        match self {
            Self::Token(token) => Some(token),
            Self::Unknown | Self::LoggedOut => None,
        }
    }
}

/// Reads what Claude Code keeps: `.credentials.json`, or the entry of a keychain, which has the same form.
pub fn read_claude(bytes: &[u8]) -> Credentials {
    let Some(file) = object(bytes) else {
        return Credentials::Unreadable;
    };
    let login = file.get("claudeAiOauth").unwrap_or(&Value::Null);
    let Some(secret) = text(login, "accessToken") else {
        // Tokens of tool servers may be there without a login.
        return Credentials::LoggedOut;
    };
    let scopes = login.get("scopes").and_then(Value::as_array);
    Credentials::Token(Token {
        info: TokenInfo {
            hash: TokenHash::of(secret),
            expires_at: login.get("expiresAt").and_then(json::milliseconds),
            scopes: scopes.map(|scopes| {
                let scopes = scopes.iter().filter_map(Value::as_str);
                scopes.map(str::to_owned).collect()
            }),
            plan: text(login, "subscriptionType").map(str::to_owned),
        },
        secret: secret.to_owned().into(),
    })
}

/// Reads what Codex keeps: `auth.json`. A key for paid requests is no login with a plan.
pub fn read_codex(bytes: &[u8]) -> Credentials {
    let Some(file) = object(bytes) else {
        return Credentials::Unreadable;
    };
    let tokens = file.get("tokens").unwrap_or(&Value::Null);
    let Some(secret) = text(tokens, "access_token") else {
        return Credentials::LoggedOut;
    };
    Credentials::Token(Token {
        info: TokenInfo {
            hash: TokenHash::of(secret),
            expires_at: None,
            scopes: None,
            plan: None,
        },
        secret: secret.to_owned().into(),
    })
}

fn object(bytes: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    value.is_object().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "sk-ant-oat01-planted-token";

    fn file(login: &str) -> Credentials {
        read_claude(format!(r#"{{"claudeAiOauth":{login},"mcpOAuth":{{}}}}"#).as_bytes())
    }

    fn info(login: &str) -> TokenInfo {
        match file(login) {
            Credentials::Token(token) => token.info,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_login_has_a_name_an_expiry_and_scopes() {
        let login = format!(
            r#"{{"accessToken":"{TOKEN}","refreshToken":"sk-ant-ort01-planted","expiresAt":1795292536123,
            "scopes":["user:inference","user:profile"],"subscriptionType":"max"}}"#
        );
        let info = info(&login);
        assert_eq!(info.expires_at, Some(Timestamp(1_795_292_536_123_000)));
        assert!(!info.is_expired(Timestamp(1_795_292_536_122_999)));
        assert!(info.is_expired(Timestamp(1_795_292_536_123_000)));
        assert_eq!(info.plan.as_deref(), Some("max"));
        assert!(!info.lacks_usage_scope());
    }

    #[test]
    fn the_token_is_printed_nowhere() {
        let all = file(&format!(r#"{{"accessToken":"{TOKEN}"}}"#));
        assert!(!format!("{all:?} {:#?}", all.login()).contains("planted"));
        let Credentials::Token(token) = all else {
            panic!("no token");
        };
        assert_eq!(token.secret.reveal(), TOKEN);
        assert_eq!(token.info.hash.to_string().len(), 32);
        assert_ne!(token.info.hash, TokenHash::of("another"));
    }

    #[test]
    fn a_token_without_the_scope_may_not_and_one_without_scopes_may_try() {
        assert!(info(r#"{"accessToken":"x","scopes":["user:inference"]}"#).lacks_usage_scope());
        assert!(info(r#"{"accessToken":"x","scopes":[]}"#).lacks_usage_scope());
        assert!(!info(r#"{"accessToken":"x","scopes":null}"#).lacks_usage_scope());
    }

    #[test]
    fn tokens_of_tool_servers_alone_are_no_login() {
        for login in [
            "null",
            "{}",
            r#"{"accessToken":""}"#,
            r#"{"accessToken":5}"#,
            "[]",
        ] {
            assert_eq!(file(login), Credentials::LoggedOut, "{login}");
        }
        assert_eq!(read_claude(br#"{"mcpOAuth":{}}"#), Credentials::LoggedOut);
        assert_eq!(
            read_codex(br#"{"OPENAI_API_KEY":"x"}"#),
            Credentials::LoggedOut
        );
    }

    #[test]
    fn half_a_file_says_nothing_about_a_login() {
        for bytes in [&b""[..], b"{\"claudeAi", b"[]", b"\xff\xfe"] {
            assert_eq!(read_claude(bytes).login(), Login::Unknown);
            assert_eq!(read_codex(bytes).login(), Login::Unknown);
        }
    }

    #[test]
    fn an_expiry_that_is_no_moment_is_unknown() {
        for expiry in ["null", "\"soon\"", "-1", "0", "1e300"] {
            let info = info(&format!(r#"{{"accessToken":"x","expiresAt":{expiry}}}"#));
            assert_eq!(info.expires_at, None, "{expiry}");
        }
    }

    #[test]
    fn a_login_of_codex_is_its_access_token() {
        let one = read_codex(br#"{"tokens":{"access_token":"a"},"last_refresh":"x"}"#).login();
        let other = read_codex(br#"{"tokens":{"access_token":"b"}}"#).login();
        assert!(one.hash().is_some());
        assert_ne!(one.hash(), other.hash());
    }
}
