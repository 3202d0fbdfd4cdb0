//! One cell: what one rule counts for one account. A rule counts one thing, so an amount is a number in the rule's unit:
//! 10⁻¹² dollars (exact, and enough for eighteen million dollars), tokens, requests.

use super::peaks::Peaks;
use super::turn::Turn;

/// What was consumed within one stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slice {
    /// When the stretch began, in seconds since the epoch; 0 where the count knows no time.
    pub start: u64,
    /// By requests of this Envoy.
    pub own: u64,
    /// By those of all others, as of the last time that anybody asked.
    pub others: u64,
}

/// What requests under way have reserved, by the time of their admission. A request whose worker was rebuilt never
/// settles: what it held goes when no request of its time can be alive any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// When the requests were admitted, cut to slots, in seconds since the epoch.
    pub slot: u64,
    /// What they hold.
    pub amount: u64,
}

/// The counters of one rule for one account. A fresh one says that nothing was ever used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// What a page that is full may lose last.
    pub worth: Worth,
    /// A token bucket's state: when it will be full again, in nanoseconds since the epoch.
    pub full_at_ns: u64,
    /// When that was fullest of late.
    pub peaks: Peaks,
    /// Consumption, the oldest stretch first.
    pub slices: Vec<Slice>,
    /// Reservations, the oldest first.
    pub held: Vec<Held>,
    /// Whose turn it is among the workers that have requests waiting.
    pub turn: Turn,
    /// When the cell will say no more than a fresh one, in seconds since the epoch.
    pub until: u64,
}

/// How much is lost with a cell that is given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// A limit's state, which would have mended itself.
    #[default]
    Passing,
    /// Tokens that were used.
    Tokens,
    /// Money that was spent.
    Money,
}

/// Most slices and slots of one cell; a cell with more was not written here.
const MOST: u64 = 64;

impl Cell {
    /// Changes the slice that begins at `start`, a new one where there is none. Those before `oldest` are dropped.
    pub fn on_slice<R>(&mut self, start: u64, oldest: u64, change: impl FnOnce(&mut Slice) -> R) -> R {
        self.slices.retain(|slice| slice.start >= oldest);
        let mut slice = match self.slices.iter().position(|slice| slice.start == start) {
            Some(at) => self.slices.remove(at),
            None => Slice { start, ..Slice::default() },
        };
        let changed = change(&mut slice);
        let at = self.slices.iter().filter(|slice| slice.start < start).count();
        self.slices.insert(at, slice);
        changed
    }

    /// What was consumed since `oldest`, here and elsewhere.
    pub fn spent(&self, oldest: u64) -> u64 {
        let within = self.slices.iter().filter(|slice| slice.start >= oldest);
        within.fold(0, |sum, slice| sum.saturating_add(slice.own).saturating_add(slice.others))
    }

    /// What requests under way hold that were admitted at `oldest` or later.
    pub fn reserved(&self, oldest: u64) -> u64 {
        let alive = self.held.iter().filter(|held| held.slot >= oldest);
        alive.fold(0, |sum, held| sum.saturating_add(held.amount))
    }

    /// Reserves for a request admitted in `slot`; slots before `oldest` are dropped.
    pub fn hold(&mut self, slot: u64, amount: u64, oldest: u64) {
        self.held.retain(|held| held.slot >= oldest);
        match self.held.iter_mut().find(|held| held.slot == slot) {
            Some(held) => held.amount = held.amount.saturating_add(amount),
            None if amount > 0 => self.held.push(Held { slot, amount }),
            None => {}
        }
    }

    /// Gives a reservation back; one that was dropped meanwhile is nobody's loss.
    pub fn let_go(&mut self, slot: u64, amount: u64) {
        if let Some(held) = self.held.iter_mut().find(|held| held.slot == slot) {
            held.amount = held.amount.saturating_sub(amount);
        }
        self.held.retain(|held| held.amount > 0);
    }

    /// Appends the cell's bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(match self.worth {
            Worth::Passing => 0,
            Worth::Tokens => 1,
            Worth::Money => 2,
        });
        put(self.full_at_ns, out);
        put(self.slices.len() as u64, out);
        for slice in &self.slices {
            put(slice.start, out);
            put(slice.own, out);
            put(slice.others, out);
        }
        self.turn.write(out);
        put(self.held.len() as u64, out);
        for held in &self.held {
            put(held.slot, out);
            put(held.amount, out);
        }
        self.peaks.write(out);
    }

    /// Reads a cell's bytes; `None` when they are none of a cell.
    pub(super) fn read(mut bytes: &[u8], until: u64) -> Option<Self> {
        let from = &mut bytes;
        let worth = match take(from)? {
            0 => Worth::Passing,
            1 => Worth::Tokens,
            2 => Worth::Money,
            _ => return None,
        };
        let full_at_ns = take(from)?;
        let mut cell = Self { worth, full_at_ns, until, ..Self::default() };
        for _ in 0..take(from).filter(|count| *count <= MOST)? {
            cell.slices.push(Slice { start: take(from)?, own: take(from)?, others: take(from)? });
        }
        cell.turn = Turn::read(from)?;
        for _ in 0..take(from).filter(|count| *count <= MOST)? {
            cell.held.push(Held { slot: take(from)?, amount: take(from)? });
        }
        cell.peaks = Peaks::read(from)?;
        from.is_empty().then_some(cell)
    }
}

/// Appends a number, seven bits a byte, the lowest first (LEB128): most numbers here are small.
#[expect(clippy::cast_possible_truncation, reason = "the lowest seven bits are what is wanted")]
pub(super) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads a number and moves on; `None` at the end, and for more than ten bytes.
pub(super) fn take(from: &mut &[u8]) -> Option<u64> {
    // Most are one byte.
    if let [byte @ ..0x80, rest @ ..] = *from {
        *from = rest;
        return Some((*byte).into());
    }
    let mut number = 0_u64;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(numbers: Vec<u64>, full_at_ns: u64, until: u64) {
            let slice = |n: &u64| Slice { start: n >> 3, own: *n, others: n.rotate_left(9) };
            let cell = Cell {
                worth: Worth::Money,
                full_at_ns,
                slices: numbers.iter().take(13).map(slice).collect(),
                held: numbers.iter().rev().take(6).map(|n| Held { slot: n >> 20, amount: *n }).collect(),
                turn: Turn { of: 3, next: 4, is_served: true, since_ms: until },
                until,
                ..Cell::default()
            };
            let mut bytes = Vec::new();
            cell.write(&mut bytes);
            for end in 0..bytes.len() {
                proptest::prop_assert_eq!(Cell::read(&bytes[..end], until), None);
            }
            // Peaks stand at the end, and only where there are any.
            let mut peaked = cell.clone();
            peaked.peaks.note(until, full_at_ns);
            let whole = bytes.len();
            peaked.write(&mut bytes);
            proptest::prop_assert_eq!(Cell::read(&bytes[whole..], until), Some(peaked));
            bytes.truncate(whole);
            proptest::prop_assert_eq!(Cell::read(&bytes, until), Some(cell));
        }

        #[test]
        fn any_bytes_are_a_cell_or_none(bytes: Vec<u8>) {
            let _ = Cell::read(&bytes, 0);
        }
    }

    #[test]
    fn slices_stay_in_order_and_old_ones_go() {
        let mut cell = Cell::default();
        for start in [20, 10, 30, 20] {
            cell.on_slice(start, 0, |slice| slice.own += 1);
        }
        assert_eq!(
            cell.slices.iter().map(|s| (s.start, s.own)).collect::<Vec<_>>(),
            [(10, 1), (20, 2), (30, 1)]
        );
        assert_eq!(cell.spent(20), 3);
        cell.on_slice(40, 30, |_| ());
        assert_eq!(cell.slices.len(), 2);
    }

    #[test]
    fn what_a_lost_worker_held_goes_with_its_slot() {
        let mut cell = Cell::default();
        cell.hold(60, 5, 0);
        cell.hold(120, 7, 0);
        assert_eq!((cell.reserved(0), cell.reserved(100)), (12, 7));
        cell.let_go(120, 7);
        cell.let_go(180, 9);
        assert_eq!(cell.held.len(), 1);
        cell.hold(240, 1, 200);
        assert_eq!(cell.reserved(0), 1);
    }
}
