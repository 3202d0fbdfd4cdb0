//! Where to cut a stream: at random, and the same in every run.

/// A generator of cuts (splitmix64), seeded by what is cut.
pub(crate) struct Cuts(u64);

impl Cuts {
    pub(crate) fn of(id: &str) -> Self {
        Self(id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (end as u64 + 1)).unwrap()
    }

    fn cut(&mut self, length: usize, pieces: usize) -> Vec<usize> {
        let mut cuts: Vec<usize> = (0..pieces).map(|_| self.below(length)).collect();
        cuts.sort_unstable();
        cuts
    }

    /// A few cuts: large pieces, as a network makes them.
    pub(crate) fn few(&mut self, length: usize) -> Vec<usize> {
        let pieces = 1 + self.below(7);
        self.cut(length, pieces)
    }

    /// So many that most events are cut.
    pub(crate) fn many(&mut self, length: usize) -> Vec<usize> {
        self.cut(length, length / 24 + 1)
    }
}
