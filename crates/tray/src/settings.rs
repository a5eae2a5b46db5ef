//! The settings of the tray, out of the user's own file. What is wrong in it is told and does not count; the rest does.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use betcode_core::config::{self, Config, Layer, Source, TrayConfig, USER_FILE, WindowChoice};

/// What the tray heeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its own settings.
    pub tray: TrayConfig,
    /// Which window is shown where there is place for one.
    pub window: WindowChoice,
    /// Whether it is told what a tool would do, and not the tool alone.
    pub preview: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self::of(&Config::default())
    }
}

impl Settings {
    fn of(config: &Config) -> Self {
        Self {
            tray: config.tray.clone(),
            window: config.usage.window,
            preview: config.notify.preview,
        }
    }
}

/// Makes the directory of the settings where there is none.
pub fn directory(config_dir: &Path) -> std::io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(config_dir)
}

/// Reads the settings below a directory. Also gives what is wrong with them, for people.
pub fn read(config_dir: &Path) -> (Settings, Vec<String>) {
    let path = config_dir.join(USER_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return (Settings::default(), Vec::new());
        }
        Err(error) => {
            let complaint = format!("{}: {error}", path.display());
            return (Settings::default(), vec![complaint]);
        }
    };
    let source = Source::file(Layer::User, path.display().to_string(), text);
    let resolution = config::resolve(&[source], false);
    let complaints = resolution.errors.iter().map(ToString::to_string);
    let complaints = complaints.collect();
    (Settings::of(&resolution.config), complaints)
}

#[cfg(test)]
mod tests {
    use betcode_core::config::IconStyle;

    use super::*;

    #[test]
    fn what_is_set_counts_and_what_is_wrong_is_told() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(read(place.path()), (Settings::default(), vec![]));
        let text = "[tray]\nicon = 'both'\npulse = false\nterminal = ['kitty', '--hold']\nstart = 'yes'\n[notify]\npreview = false\n[usage]\nwindow = 'weekly'\n";
        std::fs::write(place.path().join(USER_FILE), text).unwrap();
        let (settings, complaints) = read(place.path());
        assert_eq!(settings.tray.icon, IconStyle::Both);
        assert_eq!(settings.tray.terminal, ["kitty", "--hold"]);
        assert_eq!((settings.tray.pulse, settings.tray.start), (false, false));
        assert_eq!(settings.window, WindowChoice::Weekly);
        assert!(Settings::default().preview && !settings.preview);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("tray.start"), "{complaints:?}");
    }
}
