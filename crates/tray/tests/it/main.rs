//! The real `betcode-tray` on a desktop that is not one: a bus of its own, with a panel and a service for notifications that
//! the test plays; and the real daemon with the demo agent.

#![cfg(target_os = "linux")]

mod bus;
mod desktop;
mod program;
mod tray;
mod trouble;
