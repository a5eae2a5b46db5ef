//! x
#[derive(Debug, Default)]
pub struct Drawn;
impl Drawn { pub fn forget(&mut self) {} }
