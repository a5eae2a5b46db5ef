//! Small damage to inputs without an engine: the same number always gives the same damage. It finds what is near the seeds,
//! and nothing that needs guidance.

/// A small generator of numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// One that begins here.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % end.max(1)
    }
}

/// One of the seeds, damaged in a few places, no longer than `longest`.
pub fn damaged(seeds: &[Vec<u8>], longest: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        damage(&mut bytes, seeds, random);
    }
    bytes.truncate(longest);
    bytes
}

fn damage(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + 1 + random.below(12)).min(bytes.len());
    match random.below(7) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 if at < bytes.len() => bytes[at] = random.next().to_le_bytes()[0],
        3 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        4 => {
            // Lines change places.
            let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            let (one, other) = (random.below(lines.len()), random.below(lines.len()));
            lines.swap(one, other);
            *bytes = lines.join(&b'\n');
        }
        5 => {
            // A piece of another seed comes in.
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            let to = (from + random.below(200)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        _ => {
            let strange: [&[u8]; 8] = [
                b"null", b"\"", b"}", b"\n", b"-1", b"1e308", b"\xff", b"\\u0000",
            ];
            bytes.splice(at..at, strange[random.below(strange.len())].iter().copied());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_damage_and_another_seed_another() {
        let seeds = [b"one\ntwo\nthree".to_vec(), b"{\"a\":[1,2,3]}".to_vec()];
        let some = |seed| {
            let mut random = Random::new(seed);
            let of = |_| damaged(&seeds, 100, &mut random);
            (0..50).map(of).collect::<Vec<_>>()
        };
        assert_eq!(some(1), some(1));
        assert_ne!(some(1), some(2));
        assert!(some(3).iter().all(|bytes| bytes.len() <= 100));
    }
}
