//! The settings of the tray, out of the user's own file. What is wrong in it is told and does not count; the rest does.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use betcode_core::config::{self, Layer, Source, TrayConfig, USER_FILE};

/// Makes the directory of the settings where there is none.
pub fn directory(config_dir: &Path) -> std::io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(config_dir)
}

/// Reads the settings below a directory. Also gives what is wrong with them, for people.
pub fn read(config_dir: &Path) -> (TrayConfig, Vec<String>) {
    let path = config_dir.join(USER_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return (TrayConfig::default(), Vec::new());
        }
        Err(error) => {
            let complaint = format!("{}: {error}", path.display());
            return (TrayConfig::default(), vec![complaint]);
        }
    };
    let source = Source::file(Layer::User, path.display().to_string(), text);
    let resolution = config::resolve(&[source], false);
    let complaints = resolution.errors.iter().map(ToString::to_string);
    (resolution.config.tray, complaints.collect())
}

#[cfg(test)]
mod tests {
    use betcode_core::config::IconStyle;

    use super::*;

    #[test]
    fn what_is_set_counts_and_what_is_wrong_is_told() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(read(place.path()), (TrayConfig::default(), vec![]));
        let text = "[tray]\nicon = 'both'\npulse = false\nwindow = '7d'\nterminal = ['kitty', '--hold']\nstart = 'yes'\n";
        std::fs::write(place.path().join(USER_FILE), text).unwrap();
        let (settings, complaints) = read(place.path());
        assert_eq!(settings.icon, IconStyle::Both);
        assert_eq!(settings.terminal, ["kitty", "--hold"]);
        assert_eq!((settings.pulse, settings.start), (false, false));
        assert_eq!(settings.window, "7d");
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("tray.start"), "{complaints:?}");
    }
}
