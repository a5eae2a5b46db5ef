//! Reading how a daemon can be reached. Whether it still can be is found out by connecting.

use std::io;
use std::path::Path;

use betcode_core::endpoint::{ENDPOINT_FILE, Endpoint};

use crate::ConnectError;

/// The endpoint that the last daemon left; none when there has been none, or its file is no use.
pub(crate) fn read(state_dir: &Path) -> Result<Option<Endpoint>, ConnectError> {
    let path = state_dir.join(ENDPOINT_FILE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(ConnectError::Io {
            path,
            message: error.to_string(),
        }),
    }
}
