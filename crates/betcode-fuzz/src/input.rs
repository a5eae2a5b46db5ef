//! Small decisions out of raw bytes. When the bytes run out, every answer is zero, so that a shorter input is a simpler one.

/// Bytes that are taken from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// A number below `end`, from one byte.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    pub(crate) fn long(&mut self) -> u64 {
        let mut bytes = [0; 8];
        for byte in &mut bytes {
            *byte = self.byte();
        }
        u64::from_le_bytes(bytes)
    }

    /// The next `count` bytes, or as many as there are.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// The parts of an input that are divided by lines of their own.
pub(crate) fn parts(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let whole = rest?;
        let mark: &[u8] = b"\n%%\n";
        let at = whole.windows(mark.len()).position(|window| window == mark);
        let part = at.map_or(whole, |at| &whole[..at]);
        rest = at.map(|at| &whole[at + mark.len()..]);
        Some(part)
    })
}
