//! Texts and numbers as agents write them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

/// A string that is borrowed from the line unless it has escapes (serde borrows no `Option<Cow>`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(in crate::claude) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Text<'a> {
    pub(in crate::claude) fn into_inner(self) -> Cow<'a, str> {
        self.0
    }
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

/// A number as agents write it: whole or not, null, or missing. Negative is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::claude) struct Number(pub(in crate::claude) f64);

impl Number {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float becomes the nearest whole number that there is"
    )]
    pub(in crate::claude) fn whole(self) -> u64 {
        self.0 as u64
    }

    /// As a smaller number, at most that number's greatest.
    pub(in crate::claude) fn small(self) -> u32 {
        u32::try_from(self.whole()).unwrap_or(u32::MAX)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or null")
            }
            fn visit_unit<E>(self) -> Result<Number, E> {
                Ok(Number(0.0))
            }
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Number, E> {
                Ok(Number(0.0))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number.max(0.0)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
