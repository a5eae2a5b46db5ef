//! Identifiers made from a counter: unique within this process, and almost surely between
//! processes, without asking the system for randomness on every line.

use crate::clock;

/// The source of every identifier that this process prints.
pub(crate) struct Ids {
    seed: u64,
    next: u64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        let nanos = clock::wall().as_nanos();
        let mixed = u64::try_from(nanos & u128::from(u64::MAX)).unwrap_or_default()
            ^ (u64::from(std::process::id()) << 40);
        Self {
            seed: mix(mixed),
            next: 0,
        }
    }

    /// A well-formed version 4 UUID whose last twelve digits count up.
    pub(crate) fn uuid(&mut self) -> String {
        let count = self.count();
        let seed = self.seed;
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{count:012x}",
            seed >> 32,
            seed >> 16 & 0xffff,
            seed >> 4 & 0xfff,
            (seed >> 2 ^ seed >> 50) & 0xfff
        )
    }

    /// Takes `count` numbers away, for a caller that writes UUIDs by itself from here on.
    pub(crate) fn skip(&mut self, count: u64) {
        self.next += count;
    }

    /// An identifier in the model API's style: `msg_…`, `toolu_…`, `req_…`.
    pub(crate) fn short(&mut self, prefix: &str) -> String {
        let count = self.count();
        format!("{prefix}_{:08x}{count:06}", self.seed >> 32)
    }

    fn count(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// Spreads the bits of a seed (the finaliser of splitmix64).
fn mix(seed: u64) -> u64 {
    let a = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ a >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ b >> 31
}
