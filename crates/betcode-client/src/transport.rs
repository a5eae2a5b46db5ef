//! One socket, one HTTP/2 connection. A lost connection stays lost: reconnecting is decided above, where it is known
//! what has to be resumed.
//!
//! No keep-alive and no timer: the kernel says when a local peer is gone.

use std::io;
use std::path::Path;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};
use tonic::transport::{Channel, Endpoint, Uri};

use crate::ConnectError;

/// The largest message on either side.
pub(crate) const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;
/// How much may be under way on one stream before the daemon has to wait for this client.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
const LARGEST_FRAME: u32 = 256 * 1024;
/// How long a daemon may leave its queue of new connections full.
const BUSY_FOR: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Why nothing could be opened: nobody listens there, or something worse.
pub(crate) enum OpenError {
    Nobody,
    Other(ConnectError),
}

/// Connects to a socket whose listener must run as this user.
pub(crate) async fn open(socket: &Path) -> Result<Channel, OpenError> {
    let stream = reach(socket).await?;
    let fault = |message: String| {
        OpenError::Other(ConnectError::Io {
            path: socket.to_owned(),
            message,
        })
    };
    let peer = stream
        .peer_cred()
        .map_err(|error| fault(error.to_string()))?;
    if peer.uid() != rustix::process::geteuid().as_raw() {
        return Err(OpenError::Other(ConnectError::NotOurs {
            socket: socket.to_owned(),
            uid: peer.uid(),
        }));
    }
    let mut stream = Some(stream);
    let once = tower::service_fn(move |_: Uri| {
        let stream = stream.take().map(TokioIo::new);
        std::future::ready(stream.ok_or_else(|| io::Error::other("the connection is closed")))
    });
    // The name is never resolved; HTTP wants one.
    Endpoint::from_static("http://daemon")
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(LARGEST_FRAME)
        .connect_with_connector(once)
        .await
        // It took the connection and was gone before it said a word.
        .map_err(|_| OpenError::Nobody)
}

/// Connects; waits while the listener's queue is full, which a local socket reports instead of waiting itself.
async fn reach(socket: &Path) -> Result<UnixStream, OpenError> {
    let deadline = Instant::now() + BUSY_FOR;
    let mut pause = Duration::from_millis(1);
    loop {
        let error = match UnixStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::ConnectionRefused => return Err(OpenError::Nobody),
            io::ErrorKind::WouldBlock if Instant::now() < deadline => {}
            kind => return Err(OpenError::Other(failed(socket, kind, &error))),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn failed(socket: &Path, kind: io::ErrorKind, error: &io::Error) -> ConnectError {
    let socket = socket.to_owned();
    match kind {
        io::ErrorKind::PermissionDenied => ConnectError::Denied { socket },
        io::ErrorKind::WouldBlock => ConnectError::Silent {
            socket,
            pid: None,
            waited: BUSY_FOR,
        },
        _ => ConnectError::Io {
            path: socket,
            message: error.to_string(),
        },
    }
}
