//! The entry that starts the tray with the desktop: written whole or not at all, again without a change, and taken away
//! again. One that somebody else has written is left alone.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The name of the entry.
pub const FILE: &str = "betcode-tray.desktop";

/// Where the entry belongs, below the directory for settings.
pub fn place(config_home: &Path) -> PathBuf {
    config_home.join("autostart").join(FILE)
}

/// In every entry of ours, and in no other one.
const MARK: &str = "X-BetCode=tray";

/// The entry for a program that is to find these variables.
pub fn entry(program: &Path, variables: &[(&str, &Path)]) -> io::Result<String> {
    let mut exec = String::new();
    if !variables.is_empty() {
        exec.push_str("env ");
    }
    for (name, value) in variables {
        let word = quoted(&format!("{name}={}", written(value)?));
        exec.extend([word.as_str(), " "]);
    }
    exec.push_str(&quoted(written(program)?));
    Ok(format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name=BetCode\n\
         Comment=How much of your plan is used, and what waits for you\n\
         Exec={exec}\n\
         Terminal=false\n\
         NoDisplay=true\n\
         StartupNotify=false\n\
         X-GNOME-Autostart-enabled=true\n\
         {MARK}\n"
    ))
}

fn written(path: &Path) -> io::Result<&str> {
    let text = path
        .to_str()
        .filter(|path| !path.contains(char::is_control));
    text.ok_or_else(|| {
        let problem = format!("this path cannot be written down: {}", path.display());
        io::Error::new(ErrorKind::InvalidInput, problem)
    })
}

/// A word of a command.
fn quoted(word: &str) -> String {
    // The backslash is undone twice: once as text of the file, once within the quotes.
    let mut quoted = String::from("\"");
    for c in word.chars() {
        match c {
            '\\' => quoted.push_str(r"\\\\"),
            '"' | '`' | '$' => quoted.extend([r"\\", c.encode_utf8(&mut [0; 4])]),
            '%' => quoted.push_str("%%"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// What stands there, if anything; an error if it is not ours.
fn ours(place: &Path) -> io::Result<Option<String>> {
    let text = match fs::read(place) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if text.lines().any(|line| line.trim() == MARK) {
        return Ok(Some(text));
    }
    let problem = "this file was not written by betcode-tray --install, and is left as it is; move it away first";
    Err(io::Error::new(ErrorKind::AlreadyExists, problem))
}

/// Writes the entry. False when it is there already, as it should be.
pub fn install(place: &Path, program: &Path, variables: &[(&str, &Path)]) -> io::Result<bool> {
    let text = entry(program, variables)?;
    if ours(place)?.is_some_and(|there| there == text) {
        return Ok(false);
    }
    if let Some(directory) = place.parent() {
        fs::create_dir_all(directory)?;
    }
    let new = place.with_extension(format!("{}.new", std::process::id()));
    let written = fs::File::create(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let moved = written.and_then(|()| fs::rename(&new, place));
    if moved.is_err() {
        // What is half there is no use; the error is that of writing.
        let _gone = fs::remove_file(&new);
    }
    moved.map(|()| true)
}

/// Takes the entry away. False when there is none.
pub fn uninstall(place: &Path) -> io::Result<bool> {
    if ours(place)?.is_none() {
        return Ok(false);
    }
    fs::remove_file(place).map(|()| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_once_renewed_when_the_program_moved_and_taken_away_once() {
        let home = tempfile::tempdir().unwrap();
        let place = place(home.path());
        assert!(install(&place, Path::new("/opt/bin/betcode-tray"), &[]).unwrap());
        assert!(!install(&place, Path::new("/opt/bin/betcode-tray"), &[]).unwrap());
        assert!(install(&place, Path::new("/usr/bin/betcode-tray"), &[]).unwrap());
        let text = fs::read_to_string(&place).unwrap();
        assert!(
            text.contains("\nExec=\"/usr/bin/betcode-tray\"\n"),
            "{text}"
        );
        let files: Vec<_> = place.parent().unwrap().read_dir().unwrap().collect();
        assert_eq!(files.len(), 1, "nothing else is left");
        assert!(uninstall(&place).unwrap());
        assert!(!uninstall(&place).unwrap());
    }

    #[test]
    fn a_path_with_special_characters_is_quoted_and_one_that_cannot_be_is_refused() {
        let text = entry(Path::new("/a b/$x\"%"), &[]).unwrap();
        assert!(text.contains(r#"Exec="/a b/\\$x\\"%%""#), "{text}");
        assert!(entry(Path::new("/a\nExec=evil"), &[]).is_err());
        let state = [("BETCODE_STATE_DIR", Path::new("/a $b"))];
        let text = entry(Path::new("/x"), &state).unwrap();
        let line = r#"Exec=env "BETCODE_STATE_DIR=/a \\$b" "/x""#;
        assert!(text.lines().any(|it| it == line), "{text}");
        let state = [("BETCODE_STATE_DIR", Path::new("/a\nExec=evil"))];
        assert!(entry(Path::new("/x"), &state).is_err());
    }

    #[test]
    fn what_somebody_else_has_written_is_neither_replaced_nor_taken_away() {
        let home = tempfile::tempdir().unwrap();
        let place = place(home.path());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let text = "[Desktop Entry]\nExec=mine\n# X-BetCode=tray\n";
        fs::write(&place, text).unwrap();
        for error in [
            install(&place, Path::new("/x"), &[]).unwrap_err(),
            uninstall(&place).unwrap_err(),
        ] {
            assert!(error.to_string().contains("was not written by"), "{error}");
        }
        assert_eq!(fs::read_to_string(&place).unwrap(), text);
    }

    #[test]
    fn where_it_cannot_be_written_nothing_is_left() {
        let home = tempfile::tempdir().unwrap();
        let place = place(home.path());
        fs::create_dir_all(&place).unwrap();
        assert!(install(&place, Path::new("/x"), &[]).is_err());
        let files: Vec<_> = place.parent().unwrap().read_dir().unwrap().collect();
        assert_eq!(files.len(), 1);
    }
}
