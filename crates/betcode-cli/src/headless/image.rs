//! Images for the agent: from files (`--image`), and from blocks of a message on stdin. What they are is told by what is in
//! them, see `header`.

mod header;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use betcode_core::event::{Attachment, Base64, IMAGE_LIMIT, IMAGE_TYPES, IMAGES_LIMIT};
use serde_json::{Value, json};

use self::header::kind;
use crate::error::Failure;

/// The images in these files, in their order.
pub(crate) fn from_files(files: &[PathBuf], cwd: &Path) -> Result<Vec<Attachment>, Failure> {
    let images = files
        .iter()
        .map(|file| from_file(&cwd.join(file)).map_err(|problem| problem.told(file)));
    let images = images.collect::<Result<Vec<_>, _>>()?;
    check(&images).map_err(|problem| Failure::usage(format!("--image: {problem}")))?;
    Ok(images)
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoImage {
    /// It is a directory, or a pipe.
    #[error("this is no file")]
    NoFile,
    /// The file cannot be read.
    #[error("the image cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It is too large.
    #[error("{}", too_large())]
    TooLarge,
    /// It only begins like one.
    #[error("this is no whole image: {0}")]
    Broken(&'static str),
    /// It is something else.
    #[error("this is no PNG, JPEG, GIF or WebP image")]
    Other,
}

impl NoImage {
    fn told(self, file: &Path) -> Failure {
        let told = file.display();
        match self {
            Self::Unreadable(error) => {
                Failure::unusable(&format!("cannot read the image {told}"), &error)
            }
            Self::Other => Failure::usage(format!("--image {told}: {self}"))
                .hint("of another file, give the agent the name and let it read the file"),
            Self::NoFile | Self::TooLarge | Self::Broken(_) => {
                Failure::usage(format!("--image {told}: {self}"))
            }
        }
    }
}

/// The image in a file.
pub(crate) fn from_file(place: &Path) -> Result<Attachment, NoImage> {
    let mut bytes = Vec::new();
    let most = IMAGE_LIMIT as u64 + 1;
    // Opening a pipe would wait for somebody who writes to it.
    if std::fs::metadata(place).is_ok_and(|there| !there.is_file()) {
        return Err(NoImage::NoFile);
    }
    File::open(place)
        .and_then(|open| open.take(most).read_to_end(&mut bytes))
        .map_err(NoImage::Unreadable)?;
    let name = place.file_name().unwrap_or(place.as_os_str());
    from_bytes(&name.to_string_lossy(), &bytes)
}

/// The image that these bytes are.
pub(crate) fn from_bytes(name: &str, bytes: &[u8]) -> Result<Attachment, NoImage> {
    if bytes.len() > IMAGE_LIMIT {
        return Err(NoImage::TooLarge);
    }
    match kind(bytes) {
        Some(Ok(kind)) => Ok(Attachment::new(name, kind, bytes)),
        Some(Err(problem)) => Err(NoImage::Broken(problem)),
        None => Err(NoImage::Other),
    }
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
    match self::kind(&bytes) {
        Some(Ok(found)) if found == kind => Ok(Attachment::new("image", kind, &bytes)),
        Some(Ok(found)) => Err(format!("an image is called {kind} and is {found}")),
        Some(Err(problem)) => Err(format!("an image is not whole: {problem}")),
        None => Err(format!("an image is called {kind} and is none")),
    }
}

/// What is attached as blocks that the agent's protocol has for it, in a text where each has a line that stands for it. What
/// has no content here stays the line that it is.
pub(crate) fn blocks(text: &str, attachments: &[Attachment]) -> Vec<Value> {
    let mut blocks = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut left = attachments.iter().peekable();
    for line in text.split('\n') {
        match left.next_if(|attachment| attachment.mark() == line) {
            Some(attachment) if !attachment.content.is_empty() => {
                blocks.extend(text_block(&std::mem::take(&mut words)));
                blocks.push(block(attachment));
            }
            Some(_) | None => words.push(line),
        }
    }
    blocks.extend(text_block(&words));
    // The line of one may have been lost with a part of the text.
    blocks.extend(left.filter(|one| !one.content.is_empty()).map(block));
    blocks
}

fn text_block(lines: &[&str]) -> Option<Value> {
    let text = lines.join("\n");
    (!text.is_empty()).then(|| json!({"type": "text", "text": text}))
}

fn block(attachment: &Attachment) -> Value {
    let (kind, data) = (&attachment.media_type, attachment.content.text());
    let source = json!({"type": "base64", "media_type": kind, "data": data});
    json!({"type": attachment.kind(), "source": source})
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::header::tests::smallest;
    use super::*;

    #[test]
    fn files_are_read_by_what_they_hold_and_refused_by_name() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(place.path().join(name), bytes);
        let [(_, png), ..] = smallest();
        write("a.jpg", &png).unwrap();
        write("b.png", b"text").unwrap();
        write("cut.png", &png[..20]).unwrap();
        let large = [b"\x89PNG".to_vec(), vec![0; IMAGE_LIMIT]].concat();
        write("c.png", &large).unwrap();
        let read = |names: &[&str]| {
            let files: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
            from_files(&files, place.path())
        };
        let image = Attachment::new("a.jpg", "image/png", &png);
        assert_eq!(read(&["a.jpg"]).unwrap(), [image]);
        let refused = |name: &str| read(&[name]).unwrap_err().report.unwrap().message;
        assert_eq!(
            refused("b.png"),
            "--image b.png: this is no PNG, JPEG, GIF or WebP image"
        );
        assert_eq!(
            refused("cut.png"),
            "--image cut.png: this is no whole image: it is cut off"
        );
        assert_eq!(
            refused("c.png"),
            "--image c.png: an image is larger than 5 MiB"
        );
        assert!(refused("d.png").starts_with("cannot read the image d.png"));
        assert_eq!(refused("."), "--image .: this is no file");
    }

    #[test]
    fn images_stand_between_the_texts_where_their_lines_are() {
        let image = Attachment::new("image-1", "image/png", b"\x89PNG");
        let file = Attachment::new("document-2", "application/pdf", b"%PDF");
        let shown = |image: &Attachment| {
            json!({"type": image.kind(), "source": {
                "type": "base64", "media_type": image.media_type, "data": image.content.text(),
            }})
        };
        let said = |text: &str| json!({"type": "text", "text": text});
        let both = [image.clone(), file.clone()];
        assert_eq!(
            blocks(
                "a\nb\n[image: image/png]\nc\n[document: application/pdf]",
                &both
            ),
            [said("a\nb"), shown(&image), said("c"), shown(&file)]
        );
        assert_eq!(blocks("[image: image/png]", &both[..1]), [shown(&image)]);
        // A line that only looks like it, and a text that ends before it.
        assert_eq!(
            blocks("[image: image/png]\n[image: image/png]", &both),
            [shown(&image), said("[image: image/png]"), shown(&file)]
        );
        let lost = Attachment {
            content: Base64::default(),
            ..image
        };
        assert_eq!(
            blocks("a\n[image: image/png]", &[lost]),
            [said("a\n[image: image/png]")]
        );
        assert!(blocks("", &[]).is_empty());
    }

    #[test]
    fn a_block_is_an_image_or_says_why_not() {
        let block = |kind: &str, media_type: &str, data: &str| {
            from_block(
                &json!({"type": "image", "source": {"type": kind, "media_type": media_type, "data": data}}),
            )
        };
        for (kind, bytes) in smallest() {
            let image = Attachment::new("image", kind, &bytes);
            assert_eq!(block("base64", kind, image.content.text()), Ok(image));
        }
        let [(_, png), ..] = smallest();
        let png = Base64::of(&png);
        let cut = Base64::of(b"\xff\xd8\xff\xe0");
        for (kind, media_type, data, why) in [
            ("url", "image/gif", "R0lG", "`source` of type `base64`"),
            (
                "base64",
                "image/bmp",
                "R0lG",
                "`image/bmp` is not supported",
            ),
            ("base64", "image/gif", "***", "is not base64"),
            (
                "base64",
                "image/gif",
                png.text(),
                "is called image/gif and is image/png",
            ),
            (
                "base64",
                "image/gif",
                "R0lG",
                "is called image/gif and is none",
            ),
            (
                "base64",
                "image/jpeg",
                cut.text(),
                "is not whole: it is cut off",
            ),
        ] {
            let error = block(kind, media_type, data).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
