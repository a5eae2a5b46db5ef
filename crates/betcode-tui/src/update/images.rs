//! Images that are sent along: a file that is named or dropped on the terminal, or what is in the clipboard. Their content is
//! kept here, and the input has a chip for each.

use std::collections::BTreeMap;

use betcode_core::event::{Attachment, IMAGES_LIMIT};

use crate::composer::{Attachment as Chip, Part};
use crate::model::Model;
use crate::msg::{Effect, Image};

use super::Work;

/// How files of images are called.
const ENDINGS: [&str; 5] = [".png", ".jpg", ".jpeg", ".gif", ".webp"];

/// The images of what is being written, by the numbers of their chips.
#[derive(Debug, Default)]
pub struct Images {
    last: u64,
    contents: BTreeMap<u64, Attachment>,
}

impl Images {
    /// Keeps one: the chip for it.
    fn add(&mut self, image: Attachment) -> Chip {
        self.last += 1;
        let name = image.name.as_str().into();
        self.contents.insert(self.last, image);
        Chip {
            id: self.last,
            image: true,
            name,
        }
    }

    /// How large all of them are.
    fn size(&self) -> u64 {
        self.contents.values().map(|image| image.size).sum()
    }

    /// What is sent: the text, in which each image has its name at its place, and the images.
    pub(crate) fn message(&self, parts: &[Part]) -> (String, Vec<Attachment>) {
        let mut text = String::new();
        let mut images = Vec::new();
        for part in parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Attachment(chip) => {
                    if let Some(image) = self.contents.get(&chip.id) {
                        text.extend(["[image: ", &image.name, "]"]);
                        images.push(image.clone());
                    }
                }
            }
        }
        (text, images)
    }

    /// Lets go of all that are in none of these.
    pub(crate) fn keep<'a>(&mut self, parts: impl Iterator<Item = &'a Part>) {
        let kept: Vec<u64> = parts
            .filter_map(|part| match part {
                Part::Attachment(chip) => Some(chip.id),
                Part::Text(_) => None,
            })
            .collect();
        self.contents.retain(|id, _| kept.contains(id));
    }
}

/// The path of an image, if a paste is nothing but that: what a terminal pastes when a file is dropped on it.
pub(super) fn dropped(paste: &str) -> Option<String> {
    let text = paste.trim();
    if text.lines().nth(1).is_some() {
        return None;
    }
    let unquoted = ['\'', '"'].iter().find_map(|quote| {
        let inner = text.strip_prefix(*quote)?.strip_suffix(*quote)?;
        Some(inner.to_owned())
    });
    let path = match (unquoted, text.strip_prefix("file://")) {
        (Some(path), _) => path,
        (None, Some(url)) => decoded(url.strip_prefix("localhost").unwrap_or(url))?,
        (None, None) => unescaped(text),
    };
    let lower = path.to_lowercase();
    let is_image = ENDINGS.iter().any(|ending| lower.ends_with(ending));
    (is_image && path.starts_with(['/', '~'])).then_some(path)
}

/// A path as a shell would read it.
fn unescaped(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        path.push(if c == '\\' {
            chars.next().unwrap_or('\\')
        } else {
            c
        });
    }
    path
}

/// The path of a URL.
fn decoded(url: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'%' {
            let hex = std::str::from_utf8(behind.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = behind.get(2..)?;
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Asks for the image in a file.
pub(super) fn ask_for_file(work: &mut Work<'_, '_>, path: String, pasted: Option<String>) {
    work.ask(Effect::Image(Image::File { path, pasted }));
}

/// An image has come, or what was pasted is none.
pub(super) fn come(model: &mut Model, of: &Image, image: Result<Attachment, String>) {
    match (image, of) {
        (Ok(image), _) if model.images.size() + image.size > IMAGES_LIMIT as u64 => {
            let most = IMAGES_LIMIT >> 20;
            model.say(format!(
                "the images of a message are larger than {most} MiB together"
            ));
        }
        (Ok(image), _) => {
            let chip = model.images.add(image);
            model.composer.attach(chip);
            if let Some(plain) = &mut model.plain {
                plain.adds = true;
            }
        }
        // It only looks like the path of one.
        (
            Err(_),
            Image::File {
                pasted: Some(pasted),
                ..
            },
        ) => model.composer.paste(pasted),
        (Err(problem), _) => model.say(problem),
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::command::Action;

    use super::*;
    use crate::msg::Msg;
    use crate::scene::{Scene, screen};

    fn image(name: &str) -> Attachment {
        Attachment::new(name, "image/png", b"\x89PNG")
    }

    /// The messages that were sent: their texts, and the names of their images.
    fn sent(scene: &Scene) -> Vec<(String, Vec<String>)> {
        let sent = scene.effects.iter().filter_map(|effect| match effect {
            Effect::Send(_, action) => match &**action {
                Action::Message {
                    text, attachments, ..
                } => {
                    let names = attachments.iter().map(|image| image.name.clone());
                    Some((text.clone(), names.collect()))
                }
                _ => None,
            },
            _ => None,
        });
        sent.collect()
    }

    #[test]
    fn what_a_terminal_pastes_for_a_dropped_file_is_read_as_its_path() {
        for (paste, path) in [
            ("/tmp/shot.png", Some("/tmp/shot.png")),
            ("'/tmp/a shot.PNG' ", Some("/tmp/a shot.PNG")),
            ("/tmp/a\\ shot.jpeg\n", Some("/tmp/a shot.jpeg")),
            ("file:///tmp/a%20shot.gif", Some("/tmp/a shot.gif")),
            ("file://localhost/tmp/a.webp", Some("/tmp/a.webp")),
            ("~/a.png", Some("~/a.png")),
            ("see /tmp/shot.png", None),
            ("/tmp/notes.txt", None),
            ("/tmp/a.png\n/tmp/b.png", None),
            ("file:///tmp/%zz.png", None),
            ("file:///tmp/%", None),
            ("", None),
            ("\\", None),
            ("'", None),
        ] {
            assert_eq!(dropped(paste).as_deref(), path, "{paste:?}");
        }
    }

    #[test]
    fn an_image_is_sent_with_its_name_at_its_place() {
        let mut scene = screen(80, 24);
        scene
            .types("look at ")
            .on(Msg::Paste("/tmp/shot.png".into()));
        let asked = scene.effects.iter().find_map(|effect| match effect {
            Effect::Image(of) => Some(of.clone()),
            _ => None,
        });
        scene.on(Msg::Image(asked.unwrap(), Ok(image("shot.png"))));
        scene.types(" please");
        assert!(scene.text().contains("> look at [image: shot.png] please"));
        scene.keys("enter");
        let text = "look at [image: shot.png] please".to_owned();
        assert_eq!(sent(&scene), [(text, vec!["shot.png".to_owned()])]);
    }

    #[test]
    fn an_image_alone_is_a_message_and_one_that_was_removed_is_not_sent() {
        let mut scene = screen(80, 24);
        scene.on(Msg::Image(Image::Clipboard, Ok(image("a.png"))));
        scene.on(Msg::Image(Image::Clipboard, Ok(image("b.png"))));
        scene.keys("backspace enter");
        let text = "[image: a.png]".to_owned();
        assert_eq!(sent(&scene), [(text, vec!["a.png".to_owned()])]);
    }

    #[test]
    fn what_only_looks_like_an_image_is_pasted_and_what_was_asked_for_says_why_not() {
        let mut scene = screen(80, 24);
        let of = Image::File {
            path: "/tmp/no.png".into(),
            pasted: Some("/tmp/no.png".into()),
        };
        scene.on(Msg::Image(of, Err("there is no such file".into())));
        assert_eq!(scene.model.composer.text(), "/tmp/no.png");
        scene.on(Msg::Image(Image::Clipboard, Err("no image in it".into())));
        assert!(scene.text().contains("no image in it"));
    }

    #[test]
    fn a_refused_message_comes_back_with_its_image() {
        let mut scene = screen(80, 24);
        scene.types("see ");
        scene.on(Msg::Image(Image::Clipboard, Ok(image("a.png"))));
        scene.keys("enter");
        scene.refuses_last("not now");
        assert!(
            scene.text().contains("> see [image: a.png]"),
            "{}",
            scene.text()
        );
        scene.keys("enter");
        assert_eq!(sent(&scene).len(), 2);
        assert_eq!(sent(&scene)[0], sent(&scene)[1]);
    }

    #[test]
    fn a_command_leaves_images_for_what_is_said_next() {
        let mut scene = screen(80, 24);
        scene.on(Msg::Image(Image::Clipboard, Ok(image("a.png"))));
        scene.types("/help").keys("enter esc");
        scene.types("see");
        assert!(
            scene.text().contains("> [image: a.png]see"),
            "{}",
            scene.text()
        );
    }

    #[test]
    fn the_editor_leaves_images_where_they_are_told() {
        let mut scene = screen(80, 24);
        scene.types("see ");
        scene.on(Msg::Image(Image::Clipboard, Ok(image("a.png"))));
        scene.on(Msg::Edited(Ok("see this\n".into())));
        assert!(
            scene.text().contains("> see this[image: a.png]"),
            "{}",
            scene.text()
        );
    }
}
