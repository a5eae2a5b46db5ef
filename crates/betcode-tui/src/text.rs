//! Text that becomes rows: made harmless, wrapped to a width, styled.

pub mod diff;
pub mod highlight;
pub mod link;
pub mod markdown;
pub mod row;
pub mod sanitize;
pub mod wrap;
