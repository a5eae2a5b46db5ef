//! What is attached to a message, or given back by a tool: an image or a file with its content, or only the name of something.
//!
//! The content of what is attached to a message travels with the command and lives in the session's state, because the message
//! may have to be sent (again) later. An event of the log has the name only; the content is a payload of that event, under
//! [`Attachment::field`].

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The largest image, in bytes.
pub const IMAGE_LIMIT: usize = 5 << 20;
/// The most that all images of one message may have, in bytes.
pub const IMAGES_LIMIT: usize = 20 << 20;
/// What an image may be.
pub const IMAGE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// Something that is attached to a message or to the result of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its content; empty where only the name is known, and in events as they are stored.
    #[serde(default, skip_serializing_if = "Base64::is_empty")]
    pub content: Base64,
}

impl Attachment {
    /// An attachment with its content.
    pub fn new(name: impl Into<String>, media_type: impl Into<String>, content: &[u8]) -> Self {
        Self {
            name: name.into(),
            media_type: media_type.into(),
            size: content.len() as u64,
            content: Base64::of(content),
        }
    }

    /// The name of the payload with the content of the attachment at this place.
    pub fn field(place: usize) -> String {
        format!("attachments/{place}")
    }

    /// What kind of thing it is, in a word.
    pub fn kind(&self) -> &'static str {
        if self.media_type.starts_with("image/") {
            "image"
        } else {
            "document"
        }
    }

    /// The line that stands for it in a text.
    pub fn mark(&self) -> String {
        format!("[{}: {}]", self.kind(), self.media_type)
    }
}

/// Bytes as base64 text, the form in which agents are told them. Printing shows the size only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Base64(String);

impl Base64 {
    /// These bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(bytes))
    }

    /// This text, if it is base64.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        Some(Self::of(&bytes))
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.0).unwrap_or_default()
    }

    /// True when there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64({} characters)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_are_not_printed() {
        let image = Attachment::new("a.png", "image/png", b"\x89PNG\0");
        assert_eq!(image.size, 5);
        assert_eq!(image.content.bytes(), b"\x89PNG\0");
        assert_eq!(image.content.text(), "iVBORwA=");
        assert_eq!(Base64::read("iVBORwA="), Some(image.content.clone()));
        assert_eq!(Base64::read("not base64"), None);
        assert!(format!("{image:?}").contains("Base64(8 characters)"));
        let json = serde_json::to_string(&image).unwrap();
        assert_eq!(serde_json::from_str::<Attachment>(&json).unwrap(), image);
    }

    #[test]
    fn an_attachment_of_an_older_log_has_no_content() {
        let json = r#"{"name":"a","media_type":"b","size":7}"#;
        let read: Attachment = serde_json::from_str(json).unwrap();
        assert!(read.content.is_empty());
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}
