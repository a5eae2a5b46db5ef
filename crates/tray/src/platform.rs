//! The desktop: the icon with its menu, notifications with buttons, and files that change. One module for each kind of desktop,
//! with the same names in each.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{Desktop, NoDesktop, Watch};

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
pub use macos::{Desktop, NoDesktop, Watch, run};

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod other;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub use other::{Desktop, NoDesktop, Watch};

use crate::model::Msg;

/// What the desktop tells the loop.
#[derive(Debug)]
pub enum News {
    /// What happened.
    Msg(Msg),
    /// No panel shows icons; said once each time that it begins.
    NoPanel,
    /// A service that shows notifications came, and may be another one than before.
    ServiceCame,
    /// The session of the desktop has ended.
    Over,
}

/// Does the work of the program, on the main thread: no desktop here wants that for itself.
#[cfg(not(target_os = "macos"))]
pub fn run<T>(work: impl FnOnce() -> T) -> std::io::Result<T> {
    Ok(work())
}
