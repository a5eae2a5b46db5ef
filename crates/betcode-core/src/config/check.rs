//! Checks one value before it is written to a file. Writing is the caller's business.

use std::fmt;

use super::error::{ConfigError, Reason};
use super::key::Key;
use super::value::Value;

/// A value as it stands in a TOML file, in its normal form. It may be a secret: printing it for debugging does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct TomlLiteral(String);

impl TomlLiteral {
    /// The literal, for the file.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TomlLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TomlLiteral([redacted])")
    }
}

/// Reads `text` as a value of `key`, as a flag would hold it, and returns what to write to a file.
pub fn check_value(key: &Key, text: &str) -> Result<TomlLiteral, ConfigError> {
    match Value::from_text(key.info().kind, text) {
        Ok(value) => Ok(TomlLiteral(value.to_toml())),
        Err(problem) => Err(ConfigError {
            place: None,
            reason: Reason::BadValue {
                key: key.to_string(),
                problem,
            },
        }),
    }
}
