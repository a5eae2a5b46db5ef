//! Drawing: functions of the state into a buffer. Nothing here changes what is shown, only what is kept of it.

pub mod entry;
pub mod words;
