//! What tools really do: run a command, change a file. No line is written here.

pub(crate) mod bash;
pub(crate) mod file;

/// A command that has ended.
pub(crate) struct Ended {
    /// The one that it was started with.
    pub(crate) token: u64,
    pub(crate) output: std::io::Result<std::process::Output>,
}
