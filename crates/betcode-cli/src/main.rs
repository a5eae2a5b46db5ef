//! The betcode command.
fn main() {}
