//! The entry that starts the tray with the desktop: written whole or not at all, again without a change, and taken away
//! again.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The name of the entry.
pub const FILE: &str = "betcode-tray.desktop";

/// Where the entry belongs, below the directory for settings.
pub fn place(config_home: &Path) -> PathBuf {
    config_home.join("autostart").join(FILE)
}

/// The entry for a program.
pub fn entry(program: &Path) -> io::Result<String> {
    let path = program
        .to_str()
        .filter(|path| !path.contains(char::is_control));
    let path = path.ok_or_else(|| {
        let problem = format!(
            "the path of this program cannot be written down: {}",
            program.display()
        );
        io::Error::new(ErrorKind::InvalidInput, problem)
    })?;
    // The backslash is undone twice: once as text of the file, once within the quotes.
    let mut quoted = String::new();
    for c in path.chars() {
        match c {
            '\\' => quoted.push_str(r"\\\\"),
            '"' | '`' | '$' => quoted.extend([r"\\", c.encode_utf8(&mut [0; 4])]),
            '%' => quoted.push_str("%%"),
            c => quoted.push(c),
        }
    }
    Ok(format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name=BetCode\n\
         Comment=How much of your plan is used, and what waits for you\n\
         Exec=\"{quoted}\"\n\
         Terminal=false\n\
         NoDisplay=true\n\
         StartupNotify=false\n\
         X-GNOME-Autostart-enabled=true\n"
    ))
}

/// Writes the entry. False when it is there already, as it should be.
pub fn install(place: &Path, program: &Path) -> io::Result<bool> {
    let text = entry(program)?;
    if fs::read_to_string(place).is_ok_and(|there| there == text) {
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
    match fs::remove_file(place) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_once_renewed_when_the_program_moved_and_taken_away_once() {
        let home = tempfile::tempdir().unwrap();
        let place = place(home.path());
        assert!(install(&place, Path::new("/opt/bin/betcode-tray")).unwrap());
        assert!(!install(&place, Path::new("/opt/bin/betcode-tray")).unwrap());
        assert!(install(&place, Path::new("/usr/bin/betcode-tray")).unwrap());
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
        let text = entry(Path::new("/a b/$x\"%")).unwrap();
        assert!(text.contains(r#"Exec="/a b/\\$x\\"%%""#), "{text}");
        assert!(entry(Path::new("/a\nExec=evil")).is_err());
    }

    #[test]
    fn where_it_cannot_be_written_nothing_is_left() {
        let home = tempfile::tempdir().unwrap();
        let place = place(home.path());
        fs::create_dir_all(&place).unwrap();
        assert!(install(&place, Path::new("/x")).is_err());
        let files: Vec<_> = place.parent().unwrap().read_dir().unwrap().collect();
        assert_eq!(files.len(), 1);
    }
}
