//! Chance, and bits that look like it: spreads load, decides nothing that must be kept secret.

use std::cell::Cell;

/// What the generator adds each time: the golden ratio, as in SplitMix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of SplitMix64: spreads a value over all bits.
pub fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number above 0 and below 1 from the upper bits of a value.
#[allow(clippy::cast_precision_loss)] // 53 bits fit
pub fn unit(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// A generator of one worker's own (SplitMix64).
#[derive(Debug, Default)]
pub struct Chance(Cell<u64>);

impl Chance {
    /// The next number. `seed` is used once, at the first.
    pub fn next(&self, seed: impl FnOnce() -> u64) -> u64 {
        let state = match self.0.get() {
            0 => scramble(seed()),
            state => state,
        };
        let state = state.wrapping_add(GOLDEN);
        self.0.set(state);
        scramble(state)
    }
}
