//! The terminal itself: the bytes to and from it, and the state it is in. Nothing here knows what is drawn.

pub mod colour;
pub mod input;
pub mod probe;
pub mod screen;
