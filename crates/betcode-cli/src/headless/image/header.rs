//! What an image is, by what is in it: names of files and what others call it prove nothing.
//!
//! Not a decoder: the structure is followed as far as to the picture itself, whose size must be there and not nothing. What is
//! cut off, or only begins like an image, is found here and not by the model's service in the middle of a turn.

/// What an image is, or what is wrong with it; none when it is no image of a known kind at all.
pub(super) fn kind(bytes: &[u8]) -> Option<Result<&'static str, &'static str>> {
    let (kind, whole) = match bytes {
        [0x89, b'P', b'N', b'G', ..] => ("image/png", png(bytes)),
        [0xff, 0xd8, 0xff, ..] => ("image/jpeg", jpeg(bytes)),
        [b'G', b'I', b'F', b'8', ..] => ("image/gif", gif(bytes)),
        [b'R', b'I', b'F', b'F', ..] if part(bytes, 8, 4) == Some(b"WEBP") => {
            ("image/webp", webp(bytes))
        }
        _ => return None,
    };
    Some(match whole {
        Some(true) => Ok(kind),
        Some(false) => Err("it only begins like an image"),
        None => Err("it is cut off"),
    })
}

/// Whether there is a picture; none when it ends before that.
fn png(bytes: &[u8]) -> Option<bool> {
    if part(bytes, 0, 8)? != b"\x89PNG\r\n\x1a\n" || part(bytes, 8, 8)? != b"\0\0\0\x0dIHDR" {
        return Some(false);
    }
    let (width, height) = (big(bytes, 16, 4)?, big(bytes, 20, 4)?);
    let (depth, colour) = (big(bytes, 24, 1)?, big(bytes, 25, 1)?);
    let sizes = 1..1 << 31;
    let plausible = sizes.contains(&width)
        && sizes.contains(&height)
        && matches!(depth, 1 | 2 | 4 | 8 | 16)
        && matches!(colour, 0 | 2 | 3 | 4 | 6);
    if !plausible {
        return Some(false);
    }
    // Length, name, data and checksum of each chunk.
    let mut at = 8;
    let mut picture = false;
    loop {
        let length = big(bytes, at, 4)?;
        match part(bytes, at + 4, 4)? {
            b"IEND" => return Some(picture),
            b"IDAT" => picture = true,
            name if name.iter().all(u8::is_ascii_alphabetic) => {}
            _ => return Some(false),
        }
        at = at.checked_add(length)?.checked_add(12)?;
    }
}

fn jpeg(bytes: &[u8]) -> Option<bool> {
    let mut at = 2;
    loop {
        if big(bytes, at, 1)? != 0xff {
            return Some(false);
        }
        let marker = big(bytes, at + 1, 1)?;
        at += 2;
        match marker {
            // Any number of these may stand before a marker.
            0xff => at -= 1,
            0x01 | 0xd0..=0xd7 => {}
            // No marker at all; or the beginning or the end of an image, or its data, before any frame.
            0x00 | 0x02..=0xbf | 0xd8..=0xda => return Some(false),
            // A frame; its height may be told later.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let (width, parts) = (big(bytes, at + 5, 2)?, big(bytes, at + 7, 1)?);
                return Some(width > 0 && (1..=4).contains(&parts));
            }
            _ => {
                let length = big(bytes, at, 2)?;
                if length < 2 {
                    return Some(false);
                }
                at += length;
            }
        }
    }
}

fn gif(bytes: &[u8]) -> Option<bool> {
    if !matches!(part(bytes, 0, 6)?, b"GIF87a" | b"GIF89a") {
        return Some(false);
    }
    let flags = big(bytes, 10, 1)?;
    let colours = if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    };
    let mut at = 13 + colours;
    loop {
        match big(bytes, at, 1)? {
            // A picture.
            0x2c => return Some(little(bytes, at + 5, 2)? > 0 && little(bytes, at + 7, 2)? > 0),
            // Something about it, in blocks up to an empty one.
            0x21 => {
                at += 2;
                loop {
                    let length = big(bytes, at, 1)?;
                    at += length + 1;
                    if length == 0 {
                        break;
                    }
                }
            }
            _ => return Some(false),
        }
    }
}

fn webp(bytes: &[u8]) -> Option<bool> {
    let length = little(bytes, 4, 4)?;
    if length < 12 {
        return Some(false);
    }
    part(bytes, 8, length)?;
    Some(match part(bytes, 12, 4)? {
        b"VP8 " => {
            let size = |at| little(bytes, at, 2).map(|size| size & 0x3fff);
            part(bytes, 23, 3)? == b"\x9d\x01\x2a" && size(26)? > 0 && size(28)? > 0
        }
        b"VP8L" => big(bytes, 20, 1)? == 0x2f,
        b"VP8X" => little(bytes, 16, 4)? == 10 && part(bytes, 20, 10).is_some(),
        _ => false,
    })
}

fn part(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

fn big(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = part(bytes, at, length)?.iter();
    Some(bytes.fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

fn little(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = part(bytes, at, length)?.iter().rev();
    Some(bytes.fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The smallest of each kind, with what it is.
    pub(crate) fn smallest() -> [(&'static str, Vec<u8>); 6] {
        let png = [
            &b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0....\0\0\0\x02IDATxy...."[..],
            b"\0\0\0\0IEND....",
        ];
        let jpeg = [
            &b"\xff\xd8\xff\xe0\0\x04JF\xff\xff\xdb\0\x03q"[..],
            b"\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0\xff\xda",
        ];
        let gif = [
            &b"GIF89a\x01\0\x01\0\x80\0\0rgbrgb\x21\xf9\x04....\0"[..],
            b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02L\x01\0;",
        ];
        let lossy = b"RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0...\x9d\x01\x2a\x01\0\x01\0".to_vec();
        let lossless = b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f\0\0\0\0\0".to_vec();
        let extended = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        [
            ("image/png", png.concat()),
            ("image/jpeg", jpeg.concat()),
            ("image/gif", gif.concat()),
            ("image/webp", lossy),
            ("image/webp", lossless),
            ("image/webp", extended),
        ]
    }

    #[test]
    fn the_smallest_images_are_what_they_are() {
        for (what, bytes) in smallest() {
            assert_eq!(kind(&bytes), Some(Ok(what)));
        }
        for other in [
            &b""[..],
            b"<svg>",
            b"RIFF....WAVE",
            b"%PDF-1.7",
            b"\x89PN",
            b"text",
        ] {
            assert_eq!(kind(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_cut_off_anywhere_before_its_picture_is_no_image() {
        for (what, bytes) in smallest() {
            // What a JPEG and a GIF say after the head of the picture is not looked at.
            let needed = match what {
                "image/jpeg" => bytes.len() - 5,
                "image/gif" => bytes.len() - 7,
                // The last checksum is not looked at.
                "image/png" => bytes.len() - 4,
                _ => bytes.len(),
            };
            assert_eq!(kind(&bytes[..needed]), Some(Ok(what)));
            for length in 0..needed {
                let found = kind(&bytes[..length]);
                assert!(!matches!(found, Some(Ok(_))), "{what} of {length} bytes");
            }
        }
    }

    #[test]
    fn what_only_begins_like_an_image_is_none() {
        let long = |begin: &[u8]| [begin, &[7; 200]].concat();
        for bytes in [
            long(b"\x89PNG\r\n\x1a\n"),
            long(b"\xff\xd8\xff"),
            long(b"\xff\xd8\xff\xe0\0\x02"),
            long(b"GIF89a"),
            long(b"GIF80z"),
            long(b"RIFF\x40\0\0\0WEBP"),
            // Nothing wide, without a picture, two beginnings.
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\0\0\0\0\x01\x08\x06\0\0\0....".to_vec(),
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0....\0\0\0\0IEND....".to_vec(),
            b"\xff\xd8\xff\xd8\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0".to_vec(),
            b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(),
        ] {
            let found = kind(&bytes);
            assert_eq!(found, Some(Err("it only begins like an image")), "{bytes:?}");
        }
    }

    #[test]
    fn absurd_lengths_are_no_panic() {
        for (_, bytes) in smallest() {
            for at in 0..bytes.len() {
                for absurd in [0, 0x7f, 0xff] {
                    let mut bytes = bytes.clone();
                    bytes[at] = absurd;
                    let _any = kind(&bytes);
                }
            }
        }
    }
}
