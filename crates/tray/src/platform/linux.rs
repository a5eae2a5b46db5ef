//! Desktops of Linux, over D-Bus and without a toolkit: the icon is a `StatusNotifierItem`, notifications go to
//! `org.freedesktop.Notifications`.
//!
//! Both use the same copy of the bus library, on the runtime of everything else: with a second runtime switched on in it, it
//! would look for the wrong one.

mod item;
mod toasts;
mod watch;

use std::sync::Arc;

use ksni::{Handle, TrayMethods as _};
use tokio::sync::mpsc;

use super::News;
use crate::icon::{Cache, Picture};
use crate::model::View;
use crate::toast::{Abilities, Toast};
use item::Item;
use toasts::Toasts;

pub use watch::Watch;

/// Why there is no desktop.
#[derive(Debug, thiserror::Error)]
pub enum NoDesktop {
    /// The session bus is not reached.
    #[error(
        "there is no desktop session here: {0}; start it from your desktop, or see DBUS_SESSION_BUS_ADDRESS"
    )]
    NoBus(zbus::Error),
    /// The icon cannot be offered.
    #[error("the icon cannot be put into the panel: {0}")]
    NoItem(ksni::Error),
}

/// The desktop.
#[derive(Clone)]
pub struct Desktop {
    item: Handle<Item>,
    toasts: Arc<Toasts>,
}

impl Desktop {
    /// Offers an icon to the panel, whether there is one yet or not, and finds out about notifications.
    pub async fn open(news: mpsc::UnboundedSender<News>, view: View) -> Result<Self, NoDesktop> {
        let toasts = Toasts::open(news.clone()).await;
        let toasts = Arc::new(toasts.map_err(NoDesktop::NoBus)?);
        let mut cache = Cache::default();
        cache.show(view.face);
        let item = Item::new(view, cache.pictures(), news);
        // A panel that starts later asks for what is there.
        let item = item.assume_sni_available(true).spawn().await;
        Ok(Self {
            item: item.map_err(NoDesktop::NoItem)?,
            toasts,
        })
    }

    /// Shows something else; the pictures only if they are others.
    pub async fn show(&self, view: View, pictures: Option<Vec<Picture>>) {
        self.item
            .update(move |item| item.become_(view, pictures))
            .await;
    }

    /// What notifications can be; none: there are none.
    pub async fn abilities(&self) -> Option<Abilities> {
        self.toasts.abilities().await
    }

    /// Shows a notification, in the place of another one if there is one. Gives its number, if it is shown.
    pub async fn notify(&self, toast: &Toast, instead: Option<u32>) -> Option<u32> {
        self.toasts.notify(toast, instead).await
    }

    /// Takes a notification away.
    pub async fn close(&self, id: u32) {
        self.toasts.close(id).await;
    }

    /// Takes the icon away.
    pub async fn shutdown(&self) {
        self.item.shutdown().await;
    }
}
