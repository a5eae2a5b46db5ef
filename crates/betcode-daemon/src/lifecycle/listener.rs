//! The socket: bound where clients look for it, bound anew when it disappears, and closed to other users. What is said on
//! it is not its business.
//!
//! A socket file that was removed leaves a daemon that nobody can reach. The kernel tells (on Linux) when that happens;
//! nothing looks at the file in between.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::clients::{Clients, Guest};
use super::lock::Refused;
use super::watch::Watch;

/// After an accept that failed for want of something, such as descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// A bound socket.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: UnixListener,
    path: PathBuf,
    identity: (u64, u64),
    watch: Watch,
}

impl Bound {
    /// Binds it, in the place of one that nobody listens on any more.
    pub(crate) fn bind(path: &Path) -> Result<Self, Refused> {
        let failed = |source| Refused::Io {
            path: path.to_owned(),
            source,
        };
        if path
            .symlink_metadata()
            .is_ok_and(|data| !data.file_type().is_socket())
        {
            return Err(Refused::NoSocket(path.to_owned()));
        }
        clear(path).map_err(failed)?;
        let bound = || -> io::Result<Self> {
            let listener = UnixListener::bind(path)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
            let data = path.symlink_metadata()?;
            let watch = Watch::of(path)?;
            Ok(Self {
                listener,
                path: path.to_owned(),
                identity: (data.dev(), data.ino()),
                watch,
            })
        };
        bound().map_err(failed)
    }

    fn is_in_place(&self) -> bool {
        self.path
            .symlink_metadata()
            .is_ok_and(|data| (data.dev(), data.ino()) == self.identity)
    }

    /// Removes the file, unless it is another one by now.
    pub(crate) fn remove(&self) {
        if self.is_in_place()
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "the socket cannot be removed");
        }
    }

    /// Returns once the file is gone or another one stands in its place.
    async fn gone(&self) {
        while self.is_in_place() {
            self.watch.changed().await;
        }
    }

    /// Gives clients to `serve` until `closing`, or until the socket is gone and cannot be bound again. `rebound` is called
    /// after it was bound anew. Gives back the socket as it is then.
    pub(crate) async fn accept(
        mut self,
        clients: &Clients,
        closing: &CancellationToken,
        serve: impl Fn(UnixStream, Guest),
        rebound: impl Fn(),
    ) -> Result<Self, Refused> {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = closing.cancelled() => return Ok(self),
                () = self.gone() => {
                    tracing::warn!(socket = %self.path.display(), "the socket disappeared: binding it anew");
                    self = Self::bind(&self.path)?;
                    rebound();
                    continue;
                }
            };
            match accepted {
                Ok((stream, _)) => {
                    if is_own(&stream) {
                        serve(stream, clients.enter());
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a client cannot be accepted");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

/// Removes a socket that nobody listens on.
fn clear(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::Error::other("another program listens on this socket")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Only the user whose daemon this is may talk to it.
fn is_own(stream: &UnixStream) -> bool {
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == rustix::process::geteuid().as_raw() => true,
        Ok(peer) => {
            tracing::warn!(
                uid = peer.uid(),
                "another user tried to connect and was refused"
            );
            false
        }
        Err(error) => {
            tracing::warn!(%error, "a client that cannot be identified was refused");
            false
        }
    }
}

#[cfg(test)]
mod tests;
