//! Where clients find the daemon: the socket's path, and the file that tells it. Written only by who holds the lock.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use betcode_core::endpoint::{
    ENDPOINT_FILE, Endpoint, LONGEST_SOCKET_PATH, PROTOCOL_VERSION, SOCKET_FILE,
};
use sha2::{Digest as _, Sha256};

use super::lock::{Refused, private_directory};
use crate::settings::Settings;

/// Version of the file's format.
const FORMAT: u32 = 1;
/// Where sockets are whose own place has a path that is too long.
const SHORT_PLACE: &str = "/tmp";

/// The socket's path: the one that was chosen, else the one in the state directory. The path of a socket has a limit; one
/// that exceeds it gives way to a short one in a private directory, named by a hash of what it stands for.
pub(crate) fn socket_path(settings: &Settings) -> Result<PathBuf, Refused> {
    let wanted = settings
        .socket
        .clone()
        .unwrap_or_else(|| settings.state_dir.join(SOCKET_FILE));
    if wanted.as_os_str().len() <= LONGEST_SOCKET_PATH {
        if let Some(parent) = wanted.parent()
            && parent != settings.state_dir
            && !parent.exists()
        {
            private_directory(parent)?;
        }
        return Ok(wanted);
    }
    let user = rustix::process::geteuid().as_raw();
    let directory = Path::new(SHORT_PLACE).join(format!("betcode-{user}"));
    shared_place(&directory, user)?;
    let hash = Sha256::digest(wanted.as_os_str().as_bytes());
    let mut name = String::new();
    for byte in hash.iter().take(12) {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    Ok(directory.join(name + ".sock"))
}

/// The directory lies where everybody may write, so what is already there may have been put there by somebody else.
fn shared_place(directory: &Path, user: u32) -> Result<(), Refused> {
    use std::os::unix::fs::DirBuilderExt as _;
    let failed = |source| Refused::Io {
        path: directory.to_owned(),
        source,
    };
    match std::fs::DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let data = directory.symlink_metadata().map_err(failed)?;
    if !data.is_dir() || data.uid() != user {
        return Err(Refused::OtherOwner(directory.to_owned()));
    }
    if data.mode() & 0o077 != 0 {
        return Err(Refused::Open(directory.to_owned()));
    }
    Ok(())
}

/// Tells clients where the socket is. They see the old file or the whole new one.
pub(crate) fn publish(settings: &Settings, socket: &Path) -> io::Result<()> {
    let endpoint = Endpoint {
        version: FORMAT,
        socket: socket
            .to_str()
            .ok_or_else(|| io::Error::other("the socket's path is not UTF-8"))?
            .to_owned(),
        pid: std::process::id(),
        daemon_version: settings.version.clone(),
        protocol: PROTOCOL_VERSION,
    };
    let mut text = serde_json::to_string(&endpoint).map_err(io::Error::other)?;
    text.push('\n');
    let new = settings.state_dir.join(format!("{ENDPOINT_FILE}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&new, settings.state_dir.join(ENDPOINT_FILE))
}

/// There is no daemon any more.
pub(crate) fn withdraw(settings: &Settings) {
    let path = settings.state_dir.join(ENDPOINT_FILE);
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the endpoint file cannot be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::options;

    #[test]
    fn the_file_is_replaced_whole_private_and_readable_by_clients() {
        let root = tempfile::tempdir().unwrap();
        let (settings, _) = Settings::load(&options(root.path()));
        std::fs::create_dir(&settings.state_dir).unwrap();
        let path = settings.state_dir.join(ENDPOINT_FILE);
        std::fs::write(&path, "left behind by a daemon that was killed").unwrap();
        let socket = socket_path(&settings).unwrap();
        assert_eq!(socket, settings.state_dir.join("daemon.sock"));
        publish(&settings, &socket).unwrap();
        let endpoint: Endpoint = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(endpoint.socket, socket.display().to_string());
        assert_eq!(
            (endpoint.pid, endpoint.daemon_version.as_str()),
            (std::process::id(), "1.2.3")
        );
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(settings.state_dir.read_dir().unwrap().count(), 1);
        withdraw(&settings);
        assert!(!path.exists());
        withdraw(&settings);
    }

    #[test]
    fn a_path_that_is_too_long_becomes_a_short_one_in_a_private_place() {
        let root = tempfile::tempdir().unwrap();
        let (mut settings, _) = Settings::load(&options(root.path()));
        settings.state_dir = root.path().join("x".repeat(LONGEST_SOCKET_PATH));
        let socket = socket_path(&settings).unwrap();
        assert!(
            socket.as_os_str().len() <= LONGEST_SOCKET_PATH,
            "{}",
            socket.display()
        );
        assert_eq!(socket_path(&settings).unwrap(), socket);
        assert_eq!(
            socket.parent().unwrap().metadata().unwrap().mode() & 0o777,
            0o700
        );
        settings.state_dir.push("y");
        assert_ne!(socket_path(&settings).unwrap(), socket);
    }

    #[test]
    fn a_place_that_somebody_prepared_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let user = rustix::process::geteuid().as_raw();
        let directory = root.path().join("prepared");
        std::os::unix::fs::symlink(root.path(), &directory).unwrap();
        assert!(matches!(
            shared_place(&directory, user),
            Err(Refused::OtherOwner(_))
        ));
        std::fs::remove_file(&directory).unwrap();
        shared_place(&directory, user).unwrap();
        assert!(matches!(
            shared_place(&directory, user + 1),
            Err(Refused::OtherOwner(_))
        ));
    }
}
