//! The tray of BetCode: an icon that shows how much of a plan is used and whether something waits, a menu that answers, and
//! notifications with buttons.
//!
//! - [`model`]: everything that is known, and what follows from what happens; pure.
//! - [`face`], [`icon`], [`menu`], [`toast`]: what it looks like, as pure functions of the model.
//! - [`runtime`]: the only loop; [`link`]: the way to the daemon; [`platform`]: the desktop.
//! - [`arguments`], [`autostart`], [`single`], [`terminal`], [`settings`]: the program around it.
//!
//! It decides nothing that the daemon decides: what is told and when, and what a yes means, is behind the client library.
//!
//! Laws: it starts no daemon unless somebody says so; while nothing changes it does not wake up; a notification is claimed
//! before it is shown; a click means what its label said.

pub mod arguments;
pub mod autostart;
pub mod clock;
pub mod face;
pub mod icon;
pub mod link;
pub mod menu;
pub mod model;
pub mod platform;
pub mod runtime;
pub mod settings;
pub mod single;
pub mod terminal;
pub mod text;
pub mod toast;
