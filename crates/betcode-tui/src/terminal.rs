//! The terminal itself: the bytes to and from it, and the state it is in. Nothing here knows what is drawn.
//!
//! Pure: [`screen`] (what is drawn to bytes), [`input`] (bytes to events), [`probe`] and [`environment`] (what it can do),
//! [`modes`] and [`notify`] (bytes to tell it something). With I/O: [`tty`] (the device), [`reader`] or [`lines`] and
//! [`writer`] (a thread each).

pub mod colour;
pub mod environment;
pub mod input;
pub mod lines;
pub mod modes;
pub mod notify;
pub mod probe;
pub mod reader;
pub mod screen;
pub mod tty;
pub mod writer;
