//! `daemon logs`: the newest log file, from its end.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_core::endpoint::{LOG_DIRECTORY, STARTUP_LOG};

use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::block_on;

/// How often it is looked for more. Nobody tells us, and a person reads it.
const PAUSE: Duration = Duration::from_millis(250);

/// Prints the last lines, and with `follow` what comes.
pub(super) fn logs(context: &mut Context, lines: usize, follow: bool) -> Result<Exit, Failure> {
    let profile = context.profile()?;
    let directory = profile.state_dir.join(LOG_DIRECTORY);
    let startup = profile.startup_log();
    let Some(mut path) = newest(&directory) else {
        let said = std::fs::read_to_string(&startup).unwrap_or_default();
        if said.is_empty() {
            return Err(Failure::not_found(
                "NO_LOG",
                format!("there is no log file in {}", directory.display()),
            )
            .hint("betcode daemon start makes one"));
        }
        context.output.write(said.as_bytes())?;
        return Ok(Exit::Success);
    };
    let wrong =
        |path: &Path, error| Failure::io(&format!("cannot read {}", path.display()), &error);
    let mut file = File::open(&path).map_err(|error| wrong(&path, error))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)
        .map_err(|error| wrong(&path, error))?;
    context.output.write(tail(&text, lines))?;
    context.output.flush()?;
    if !follow {
        return Ok(Exit::Success);
    }
    block_on(async {
        loop {
            tokio::time::sleep(PAUSE).await;
            let mut more = Vec::new();
            // A file that was cut is read from its beginning.
            if file
                .metadata()
                .is_ok_and(|metadata| metadata.len() < file.stream_position().unwrap_or(0))
            {
                file.seek(SeekFrom::Start(0))
                    .map_err(|error| wrong(&path, error))?;
            }
            file.read_to_end(&mut more)
                .map_err(|error| wrong(&path, error))?;
            if more.is_empty() {
                if let Some(newer) = newest(&directory).filter(|newer| *newer != path) {
                    file = File::open(&newer).map_err(|error| wrong(&newer, error))?;
                    path = newer;
                }
            } else {
                context.output.write(&more)?;
                context.output.flush()?;
            }
        }
    })
}

/// The log file that was written last.
fn newest(directory: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(directory).ok()?.flatten();
    files
        .filter(|file| {
            file.file_name() != STARTUP_LOG && file.file_type().is_ok_and(|kind| kind.is_file())
        })
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())))
        .max()
        .map(|(_, path)| path)
}

/// The last lines of a text.
fn tail(text: &[u8], lines: usize) -> &[u8] {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let newlines = body
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'\n');
    let start = match lines {
        0 => text.len(),
        lines => newlines.map(|(at, _)| at + 1).nth(lines - 1).unwrap_or(0),
    };
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_whole_lines() {
        let text = b"one\ntwo\nthree\n";
        for (lines, expected) in [
            (0, ""),
            (1, "three\n"),
            (2, "two\nthree\n"),
            (3, "one\ntwo\nthree\n"),
            (9, "one\ntwo\nthree\n"),
        ] {
            assert_eq!(tail(text, lines), expected.as_bytes(), "{lines}");
        }
        assert_eq!(tail(b"one\ntwo", 1), b"two");
    }
}
