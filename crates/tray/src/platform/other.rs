//! Systems without a tray: starting it says so. Everything else of this crate is the same there. On Windows there could be
//! nothing to show anyway: the daemon and its socket exist on Unix only.

use std::convert::Infallible;
use std::path::Path;

use tokio::sync::mpsc;

use super::News;
use crate::icon::Picture;
use crate::model::View;
use crate::toast::{Abilities, Toast};

/// Why there is no desktop.
#[derive(Debug, thiserror::Error)]
#[error(
    "the tray runs on Linux desktops and on macOS; on this system use betcode usage --watch and betcode notify list"
)]
pub struct NoDesktop;

/// A desktop that is not there.
#[derive(Debug, Clone)]
pub struct Desktop(Infallible);

impl Desktop {
    /// Refuses.
    pub async fn open(_: mpsc::UnboundedSender<News>, _: View) -> Result<Self, NoDesktop> {
        Err(NoDesktop)
    }

    /// Shows something else.
    pub async fn show(&self, _: View, _: Option<Vec<Picture>>) {
        match self.0 {}
    }

    /// What notifications can be.
    pub async fn abilities(&self) -> Option<Abilities> {
        match self.0 {}
    }

    /// Shows a notification.
    pub async fn notify(&self, _: &Toast, _: Option<u32>) -> Option<u32> {
        match self.0 {}
    }

    /// Takes a notification away.
    pub async fn close(&self, _: u32) {
        match self.0 {}
    }

    /// Takes the icon away.
    pub async fn shutdown(&self) {
        match self.0 {}
    }
}

/// A directory that is looked at.
#[derive(Debug)]
pub struct Watch;

impl Watch {
    /// Looks at nothing.
    pub const fn new(_: &Path) -> Self {
        Self
    }

    /// Never.
    pub async fn changed(&mut self) {
        std::future::pending().await
    }
}
