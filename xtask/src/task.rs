//! What a development task is: a name, its help, and a function from arguments to an outcome.
//!
//! Arguments are few and plain, so a task matches on them itself; [`Usage`] is how it says that it did not
//! understand one.

/// One entry of the table in `main.rs`.
pub(crate) struct Task {
    /// The word after `cargo xtask`.
    pub(crate) name: &'static str,
    /// One line for the overview.
    pub(crate) about: &'static str,
    /// What `--help` prints below that line: the usage and every argument.
    pub(crate) help: &'static str,
    /// Does the work. An error is printed with its causes and ends the process with 1, or 64 if it is a [`Usage`].
    pub(crate) run: fn(&[String]) -> anyhow::Result<()>,
}

/// The arguments were not understood.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl Usage {
    /// The error for an argument that the task does not know.
    pub(crate) fn unknown(argument: &str) -> anyhow::Error {
        anyhow::Error::new(Self(format!("argument `{argument}` is not understood")))
    }

    /// The error for an argument that must be there.
    pub(crate) fn missing(argument: &str) -> anyhow::Error {
        anyhow::Error::new(Self(format!("{argument} is missing")))
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
