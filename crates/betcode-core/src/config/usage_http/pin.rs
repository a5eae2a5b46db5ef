//! Pins: keys by their hashes, and what is done when none of them is seen.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};

const LENGTH: usize = 32;
/// People copy them with and without the signs at the end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The SHA-256 of the public key of a certificate, in the form in which it stands there (`SubjectPublicKeyInfo`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin([u8; LENGTH]);

/// Why a text is no pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the SHA-256 of a key: 44 characters of Base64 or 64 hexadecimal digits")]
pub struct BadPin;

impl Pin {
    /// Of a key as it stands in a certificate.
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Reads `sha256/` and Base64, as it is printed; the beginning may be missing, and hexadecimal digits do as well, with or
    /// without colons between them.
    pub fn read(text: &str) -> Result<Self, BadPin> {
        let text = text.trim();
        let text = text.strip_prefix("sha256/").unwrap_or(text);
        // As others write it.
        let text = text.strip_prefix('/').unwrap_or(text);
        let bytes = hexadecimal(text).or_else(|| BASE64.decode(text).ok());
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(BadPin)
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        let is_hexadecimal = pair.iter().all(u8::is_ascii_hexdigit);
        u8::from_str_radix(text, 16).ok().filter(|_| is_hexadecimal)
    };
    if digits.len() != 2 * LENGTH {
        return None;
    }
    digits.chunks(2).map(byte).collect()
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("sha256/{}", BASE64.encode(self.0)))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is done when none of the pinned keys is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pinning {
    /// Nobody looks.
    Off,
    /// It is told.
    #[default]
    Report,
    /// It is told, and nothing is asked.
    Enforce,
}

impl Pinning {
    /// All.
    pub const ALL: [Self; 3] = [Self::Off, Self::Report, Self::Enforce];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Enforce => "enforce",
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}
