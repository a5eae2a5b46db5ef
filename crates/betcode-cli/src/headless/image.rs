//! Images for the agent: from files (`--image`), and from blocks of a message on stdin.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use betcode_core::event::{Attachment, Base64, IMAGE_LIMIT, IMAGE_TYPES, IMAGES_LIMIT};
use serde_json::Value;

use crate::error::Failure;

/// The images in these files, in their order.
pub(crate) fn from_files(files: &[PathBuf], cwd: &Path) -> Result<Vec<Attachment>, Failure> {
    let images = files.iter().map(|file| from_file(file, cwd));
    let images = images.collect::<Result<Vec<_>, _>>()?;
    check(&images).map_err(|problem| Failure::usage(format!("--image: {problem}")))?;
    Ok(images)
}

fn from_file(file: &Path, cwd: &Path) -> Result<Attachment, Failure> {
    let told = file.display();
    let mut bytes = Vec::new();
    let most = IMAGE_LIMIT as u64 + 1;
    let place = cwd.join(file);
    // Opening a pipe would wait for somebody who writes to it.
    if std::fs::metadata(&place).is_ok_and(|there| !there.is_file()) {
        return Err(Failure::usage(format!("--image {told}: this is no file")));
    }
    File::open(place)
        .and_then(|open| open.take(most).read_to_end(&mut bytes))
        .map_err(|error| Failure::unusable(&format!("cannot read the image {told}"), &error))?;
    if bytes.len() > IMAGE_LIMIT {
        return Err(Failure::usage(format!("--image {told}: {}", too_large())));
    }
    let Some(kind) = kind(&bytes) else {
        return Err(Failure::usage(format!(
            "--image {told}: this is no PNG, JPEG, GIF or WebP image"
        ))
        .hint("of another file, give the agent the name and let it read the file"));
    };
    let name = file.file_name().unwrap_or(file.as_os_str());
    Ok(Attachment::new(name.to_string_lossy(), kind, &bytes))
}

/// The image in a block of a message; says what is wrong with it otherwise.
pub(crate) fn from_block(block: &Value) -> Result<Attachment, String> {
    let field = |name: &str| block.pointer(name).and_then(Value::as_str);
    if field("/source/type") != Some("base64") {
        return Err("an image block needs a `source` of type `base64`".to_owned());
    }
    let kind = field("/source/media_type").unwrap_or_default();
    if !IMAGE_TYPES.contains(&kind) {
        return Err(format!(
            "the media type `{kind}` is not supported, only {}",
            IMAGE_TYPES.join(", ")
        ));
    }
    let content = field("/source/data").and_then(Base64::read);
    let bytes = content.map(|content| content.bytes()).unwrap_or_default();
    if bytes.is_empty() {
        return Err("the `data` of an image block is not base64".to_owned());
    }
    if bytes.len() > IMAGE_LIMIT {
        return Err(too_large());
    }
    Ok(Attachment::new("image", kind, &bytes))
}

/// Whether a message may have all of these.
pub(crate) fn check(images: &[Attachment]) -> Result<(), String> {
    let size: u64 = images.iter().map(|image| image.size).sum();
    if size > IMAGES_LIMIT as u64 {
        return Err(format!(
            "the images of a message are larger than {} MiB together",
            IMAGES_LIMIT >> 20
        ));
    }
    Ok(())
}

fn too_large() -> String {
    format!("an image is larger than {} MiB", IMAGE_LIMIT >> 20)
}

/// What an image is, by how it begins; names of files prove nothing.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_image_is_known_by_how_it_begins() {
        assert_eq!(kind(b"\x89PNG\r\n"), Some("image/png"));
        assert_eq!(kind(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(kind(b"GIF89a"), Some("image/gif"));
        assert_eq!(kind(b"RIFF....WEBPVP8 "), Some("image/webp"));
        assert_eq!(kind(b"RIFF....WAVE"), None);
        assert_eq!(kind(b"<svg>"), None);
        assert_eq!(kind(b""), None);
    }

    #[test]
    fn files_are_read_by_what_they_hold_and_refused_by_name() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(place.path().join(name), bytes);
        write("a.jpg", b"\x89PNG1").unwrap();
        write("b.png", b"text").unwrap();
        let large = [b"\x89PNG".to_vec(), vec![0; IMAGE_LIMIT]].concat();
        write("c.png", &large).unwrap();
        let read = |names: &[&str]| {
            let files: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
            from_files(&files, place.path())
        };
        let image = Attachment::new("a.jpg", "image/png", b"\x89PNG1");
        assert_eq!(read(&["a.jpg"]).unwrap(), [image]);
        let refused = |name: &str| read(&[name]).unwrap_err().report.unwrap().message;
        assert_eq!(
            refused("b.png"),
            "--image b.png: this is no PNG, JPEG, GIF or WebP image"
        );
        assert_eq!(
            refused("c.png"),
            "--image c.png: an image is larger than 5 MiB"
        );
        assert!(refused("d.png").starts_with("cannot read the image d.png"));
        assert_eq!(refused("."), "--image .: this is no file");
    }

    #[test]
    fn a_block_is_an_image_or_says_why_not() {
        let block = |kind: &str, media_type: &str, data: &str| {
            from_block(
                &json!({"type": "image", "source": {"type": kind, "media_type": media_type, "data": data}}),
            )
        };
        assert_eq!(
            block("base64", "image/gif", "R0lG"),
            Ok(Attachment::new("image", "image/gif", b"GIF"))
        );
        for (kind, media_type, data, why) in [
            ("url", "image/gif", "R0lG", "`source` of type `base64`"),
            (
                "base64",
                "image/bmp",
                "R0lG",
                "`image/bmp` is not supported",
            ),
            ("base64", "image/gif", "***", "is not base64"),
        ] {
            let error = block(kind, media_type, data).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
