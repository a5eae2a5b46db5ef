//! Desktops of macOS: the icon is a status item in the menu bar, notifications are shown by the system's own script runner,
//! which needs no bundle around this program and is allowed no buttons. The menu has the same choices.
//!
//! The main thread belongs to the desktop there: [`run`] gives it to the desktop and does everything else on another thread.
//! What touches the icon is sent to the main thread.
//!
//! - [`item`]: the icon, on the main thread only; [`watch`]: files that change, told by the kernel.
//!
//! It is compiled for macOS and was not yet tried there. Notifications are not taken away and do not say what became of them:
//! the script runner has no means for it. So no choice is ever made by dismissing one.

mod item;
mod watch;

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use dispatch2::DispatchQueue;
use objc2_app_kit::{
    NSApplication, NSApplicationActivationPolicy, NSEvent, NSEventModifierFlags, NSEventType,
};
use objc2_foundation::{MainThreadMarker, NSPoint};
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};

use super::News;
use crate::icon::Picture;
use crate::model::View;
use crate::toast::{Abilities, Toast};

pub use watch::Watch;

/// The system's script runner.
const OSASCRIPT: &str = "/usr/bin/osascript";
/// Shows a notification with the words behind the first argument. None of them is read as script.
const SHOW: [&str; 3] = [
    "on run words",
    "display notification (item 3 of words) with title (item 2 of words)",
    "end run",
];

/// Why there is no desktop.
#[derive(Debug, thiserror::Error)]
pub enum NoDesktop {
    /// The icon cannot be offered.
    #[error("the icon cannot be put into the menu bar: {0}")]
    NoItem(tray_icon::Error),
    /// The loop of the desktop has ended.
    #[error("the session of the desktop has ended")]
    Over,
}

/// Does the work on a thread of its own, while the main thread, where this must be called, follows the desktop. Gives what came
/// of the work.
pub fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> std::io::Result<T> {
    let main = MainThreadMarker::new()
        .ok_or_else(|| std::io::Error::other("the tray was not started on the main thread"))?;
    let app = NSApplication::sharedApplication(main);
    // No place in the Dock, no menu in the place of another program's.
    app.setActivationPolicy(NSApplicationActivationPolicy::Accessory);
    let worker = thread::Builder::new().spawn(move || {
        let _stop = Stop;
        work()
    })?;
    app.run();
    match worker.join() {
        Ok(done) => Ok(done),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Ends the loop of the desktop when it is dropped, however the work has ended.
struct Stop;

impl Drop for Stop {
    fn drop(&mut self) {
        on_main(|main| {
            let app = NSApplication::sharedApplication(main);
            app.stop(None);
            // The loop looks at that only after its next event.
            let event = NSEvent::otherEventWithType_location_modifierFlags_timestamp_windowNumber_context_subtype_data1_data2(
                NSEventType::ApplicationDefined,
                NSPoint::new(0.0, 0.0),
                NSEventModifierFlags::empty(),
                0.0,
                0,
                None,
                0,
                0,
                0,
            );
            if let Some(event) = event {
                app.postEvent_atStart(&event, true);
            }
        });
    }
}

/// Does something on the main thread, after everything that was sent there before.
fn on_main(work: impl FnOnce(MainThreadMarker) + Send + 'static) {
    DispatchQueue::main().exec_async(move || {
        // That queue has no other thread.
        if let Some(main) = MainThreadMarker::new() {
            work(main);
        }
    });
}

/// The desktop.
#[derive(Debug, Clone)]
pub struct Desktop {
    /// How many notifications were shown.
    shown: Arc<AtomicU32>,
}

impl Desktop {
    /// Puts an icon into the menu bar. Only inside of [`run`] is there somebody to do it.
    pub async fn open(news: mpsc::UnboundedSender<News>, view: View) -> Result<Self, NoDesktop> {
        let (done, opened) = oneshot::channel();
        on_main(move |_| {
            // When nobody listens the program is ending.
            let _ending = done.send(item::open(news, &view));
        });
        let opened = opened.await.map_err(|_| NoDesktop::Over)?;
        opened.map_err(NoDesktop::NoItem)?;
        Ok(Self {
            shown: Arc::default(),
        })
    }

    /// Shows something else; the picture only if it is another one.
    #[expect(
        clippy::unused_async,
        reason = "elsewhere the desktop has to be waited for"
    )]
    pub async fn show(&self, view: View, pictures: Option<Vec<Picture>>) {
        let redraw = pictures.is_some();
        on_main(move |_| item::show(&view, redraw));
    }

    /// What notifications can be; none: there are none.
    #[expect(
        clippy::unused_async,
        reason = "elsewhere the desktop has to be waited for"
    )]
    pub async fn abilities(&self) -> Option<Abilities> {
        Some(Abilities::default())
    }

    /// Shows a notification. One that stands already stays in the list beside it. Gives its number, if it is shown.
    pub async fn notify(&self, toast: &Toast, _: Option<u32>) -> Option<u32> {
        let mut command = Command::new(OSASCRIPT);
        for line in SHOW {
            command.args(["-e", line]);
        }
        // The first word is nobody's text, so that none is taken for an option.
        command.args(["betcode", &toast.title, &toast.body]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let ended = command.stderr(Stdio::null()).kill_on_drop(true).status();
        let is_shown = ended.await.is_ok_and(|status| status.success());
        is_shown.then(|| self.shown.fetch_add(1, Ordering::Relaxed))
    }

    /// Nothing: what is listed there is the person's to clear.
    #[expect(
        clippy::unused_async,
        reason = "elsewhere the desktop has to be waited for"
    )]
    pub async fn close(&self, _: u32) {}

    /// Takes the icon away.
    pub async fn shutdown(&self) {
        let (done, gone) = oneshot::channel();
        on_main(move |_| {
            item::close();
            // When nobody listens the program is ending.
            let _ending = done.send(());
        });
        let _ending = gone.await;
    }
}
