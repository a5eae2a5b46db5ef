//! Text as rows of a given width: whatever an agent or a file says, made harmless, wrapped and styled.

pub mod row;
