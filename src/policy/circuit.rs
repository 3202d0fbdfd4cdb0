//! Circuits: which targets are left alone for a while, because they failed (a circuit that opened) or asked for a pause
//! (a cooldown after a 429). Pure: what all workers share is a [`Board`], and who keeps it is the caller's affair.
//!
//! A circuit is *closed* until `failure_threshold` failures came in a row. It is *open* then: nobody is sent there.
//! After `open` has passed, one request of all workers may try (*half-open*); `success_threshold` good answers in a row
//! close the circuit, one failure opens it again. A board holds only what is out of the ordinary, so that of a gateway
//! whose targets are all well is empty.

use crate::config::tables::Breaker;
use std::time::Duration;

/// Most targets on a board. What is beyond is forgotten, the least troubled first: a board is read at every request.
pub const MAX_CELLS: usize = 1024;

/// Bytes of one cell: see [`Board::to_bytes`].
const CELL_BYTES: usize = 41;

/// First byte of a written board: its form. It also keeps a board from being empty, which the host cannot tell from one
/// that is not there.
const FORM: u8 = 1;

/// How long a cell that nobody touched is kept, in milliseconds: a target without traffic, or one that the
/// configuration no longer names.
const KEPT_MS: u64 = 24 * 3600 * 1000;

/// The state of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Requests go through.
    Closed,
    /// Nobody is sent there.
    Open,
    /// Single requests try whether it is well again.
    HalfOpen,
}

impl State {
    /// The word used in metrics and on the health page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What is out of the ordinary about one target. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// See [`crate::config::tables::Target::id`].
    pub id: u64,
    /// The circuit.
    pub state: State,
    /// Failures in a row while closed.
    pub failures: u32,
    /// Good answers in a row while half-open.
    pub successes: u32,
    /// Open: when a request may try. Half-open: until when the one that tries is waited for.
    pub until: u64,
    /// Until when a 429 asked for a pause; 0: it did not.
    pub cooled_until: u64,
    /// When the cell was last written.
    pub touched: u64,
}

/// What a request may do with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Ask it.
    Go,
    /// Ask it, if [`Board::begin_probe`] says so when the time comes.
    Probe,
    /// Leave it: its circuit is open for so long.
    Open(Duration),
    /// Leave it while there is another: it asked for a pause of so long.
    Cooling(Duration),
}

/// All cells, in no order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    cells: Vec<Cell>,
}

impl Cell {
    fn new(id: u64, now: u64) -> Self {
        Self { id, state: State::Closed, failures: 0, successes: 0, until: 0, cooled_until: 0, touched: now }
    }

    /// Whether it says no more than a cell that is not there.
    fn is_ordinary(&self, now: u64) -> bool {
        self.state == State::Closed && self.failures == 0 && self.cooled_until <= now
    }

    fn open(&mut self, breaker: &Breaker, now: u64) {
        self.state = State::Open;
        (self.failures, self.successes) = (0, 0);
        self.until = now.saturating_add(millis(breaker.open));
    }
}

impl Board {
    /// The cell of a target.
    pub fn cell(&self, id: u64) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.id == id)
    }

    /// What a request that comes now may do with a target.
    pub fn verdict(&self, id: u64, now: u64) -> Verdict {
        let Some(cell) = self.cell(id) else { return Verdict::Go };
        let left = |until: u64| Duration::from_millis(until.saturating_sub(now));
        match cell.state {
            State::Open | State::HalfOpen if cell.until > now => Verdict::Open(left(cell.until)),
            _ if cell.cooled_until > now => Verdict::Cooling(left(cell.cooled_until)),
            State::Closed => Verdict::Go,
            State::Open | State::HalfOpen => Verdict::Probe,
        }
    }

    /// Takes the one place of the request that tries a target whose circuit was open; `false` when another request has
    /// it. The place is free again when that one ends, and after `lease` whatever became of it.
    pub fn begin_probe(&mut self, id: u64, lease: Duration, now: u64) -> bool {
        let Some(cell) = self.cells.iter_mut().find(|cell| cell.id == id) else { return true };
        match cell.state {
            // It closed since the request looked.
            State::Closed => true,
            State::Open | State::HalfOpen if cell.until > now => false,
            State::Open | State::HalfOpen => {
                cell.state = State::HalfOpen;
                cell.until = now.saturating_add(millis(lease));
                cell.touched = now;
                true
            }
        }
    }

    /// The request that tried a target ended and said nothing about it: another may try.
    pub fn end_probe(&mut self, id: u64, now: u64) {
        if let Some(cell) = self.cells.iter_mut().find(|cell| cell.id == id && cell.state == State::HalfOpen)
        {
            cell.until = now;
            cell.touched = now;
        }
    }

    /// A target failed; `probing`: the request was the one that tries. The new state, where it changed.
    pub fn failed(&mut self, id: u64, breaker: &Breaker, probing: bool, now: u64) -> Option<State> {
        let cell = self.touch(id, now)?;
        match cell.state {
            State::Closed => {
                cell.failures = cell.failures.saturating_add(1);
                if cell.failures < breaker.failure_threshold {
                    return None;
                }
                cell.open(breaker, now);
            }
            State::HalfOpen if probing => cell.open(breaker, now),
            // A request that began before it opened.
            State::HalfOpen | State::Open => return None,
        }
        Some(State::Open)
    }

    /// A target answered as it should; `probing`: to the request that tries. The new state, where it changed.
    pub fn succeeded(&mut self, id: u64, breaker: &Breaker, probing: bool, now: u64) -> Option<State> {
        let cell = self.cells.iter_mut().find(|cell| cell.id == id)?;
        cell.touched = now;
        match cell.state {
            State::Closed => {
                cell.failures = 0;
                None
            }
            State::HalfOpen if probing => {
                cell.successes = cell.successes.saturating_add(1);
                cell.until = now;
                if cell.successes < breaker.success_threshold {
                    return None;
                }
                (cell.state, cell.successes, cell.until) = (State::Closed, 0, 0);
                Some(State::Closed)
            }
            State::HalfOpen | State::Open => None,
        }
    }

    /// A target asked for a pause.
    pub fn cool(&mut self, id: u64, pause: Duration, now: u64) {
        if let Some(cell) = self.touch(id, now) {
            cell.cooled_until = cell.cooled_until.max(now.saturating_add(millis(pause)));
        }
    }

    /// The cell of a target, made where there is none; a full board gives up its least troubled one.
    fn touch(&mut self, id: u64, now: u64) -> Option<&mut Cell> {
        let known = self.cells.iter().position(|cell| cell.id == id);
        let position = if let Some(position) = known {
            position
        } else {
            if self.cells.len() >= MAX_CELLS {
                let weight = |cell: &Cell| {
                    (cell.state != State::Closed, cell.until.max(cell.cooled_until), cell.touched)
                };
                let least =
                    self.cells.iter().enumerate().min_by_key(|(_, cell)| weight(cell)).map(|(at, _)| at);
                self.cells.swap_remove(least?);
            }
            self.cells.push(Cell::new(id, now));
            self.cells.len().checked_sub(1)?
        };
        let cell = self.cells.get_mut(position)?;
        cell.touched = now;
        Some(cell)
    }

    /// The board as all workers share it, without what has become ordinary or old.
    pub fn to_bytes(&self, now: u64) -> Vec<u8> {
        let kept = |cell: &&Cell| !cell.is_ordinary(now) && cell.touched.saturating_add(KEPT_MS) > now;
        let mut bytes = Vec::with_capacity(self.cells.len().saturating_mul(CELL_BYTES).saturating_add(1));
        bytes.push(FORM);
        for cell in self.cells.iter().filter(kept) {
            bytes.extend(cell.id.to_le_bytes());
            bytes.push(cell.state as u8);
            bytes.extend(cell.failures.to_le_bytes());
            bytes.extend(cell.successes.to_le_bytes());
            bytes.extend(cell.until.to_le_bytes());
            bytes.extend(cell.cooled_until.to_le_bytes());
            bytes.extend(cell.touched.to_le_bytes());
        }
        bytes
    }

    /// Reads what [`Board::to_bytes`] wrote; what is no cell ends the board.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let Some((&FORM, bytes)) = bytes.split_first() else { return Self::default() };
        let cells = bytes.chunks_exact(CELL_BYTES).map_while(read_cell).take(MAX_CELLS).collect();
        Self { cells }
    }
}

fn read_cell(bytes: &[u8]) -> Option<Cell> {
    let (id, rest) = bytes.split_first_chunk()?;
    let ([state], rest) = rest.split_first_chunk()?;
    let (failures, rest) = rest.split_first_chunk()?;
    let (successes, rest) = rest.split_first_chunk()?;
    let (until, rest) = rest.split_first_chunk()?;
    let (cooled_until, rest) = rest.split_first_chunk()?;
    let (touched, _) = rest.split_first_chunk()?;
    Some(Cell {
        id: u64::from_le_bytes(*id),
        state: match state {
            0 => State::Closed,
            1 => State::Open,
            2 => State::HalfOpen,
            _ => return None,
        },
        failures: u32::from_le_bytes(*failures),
        successes: u32::from_le_bytes(*successes),
        until: u64::from_le_bytes(*until),
        cooled_until: u64::from_le_bytes(*cooled_until),
        touched: u64::from_le_bytes(*touched),
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKER: Breaker =
        Breaker { failure_threshold: 3, success_threshold: 2, open: Duration::from_secs(1) };
    const LEASE: Duration = Duration::from_millis(500);

    fn opened(at: u64) -> Board {
        let mut board = Board::default();
        assert_eq!(board.failed(7, &BREAKER, true, at), None);
        assert_eq!(board.failed(7, &BREAKER, true, at), None);
        assert_eq!(board.failed(7, &BREAKER, true, at), Some(State::Open));
        board
    }

    #[test]
    fn failures_in_a_row_open_and_a_success_between_them_starts_afresh() {
        let mut board = Board::default();
        for _ in 0..10 {
            board.failed(7, &BREAKER, true, 1);
            board.failed(7, &BREAKER, true, 2);
            assert_eq!(board.succeeded(7, &BREAKER, true, 3), None);
            assert_eq!(board.verdict(7, 4), Verdict::Go);
        }
        let board = opened(10);
        assert_eq!(board.verdict(7, 10), Verdict::Open(Duration::from_secs(1)));
        assert_eq!(board.verdict(7, 1009), Verdict::Open(Duration::from_millis(1)));
        assert_eq!(board.verdict(7, 1010), Verdict::Probe);
        assert_eq!(board.verdict(8, 10), Verdict::Go, "others are not concerned");
    }

    #[test]
    fn one_at_a_time_may_try_and_enough_good_answers_close() {
        let mut board = opened(0);
        assert!(!board.begin_probe(7, LEASE, 999), "not yet");
        assert!(board.begin_probe(7, LEASE, 1000));
        assert!(!board.begin_probe(7, LEASE, 1000), "one only");
        assert_eq!(board.verdict(7, 1001), Verdict::Open(Duration::from_millis(499)));
        assert_eq!(board.succeeded(7, &BREAKER, true, 1100), None, "two are needed");
        assert_eq!(board.verdict(7, 1100), Verdict::Probe);
        assert!(board.begin_probe(7, LEASE, 1100));
        assert_eq!(board.succeeded(7, &BREAKER, true, 1200), Some(State::Closed));
        assert_eq!(board.verdict(7, 1200), Verdict::Go);
        assert!(Board::from_bytes(&board.to_bytes(1200)).cells.is_empty(), "what is well leaves no trace");
    }

    #[test]
    fn a_failure_of_the_one_that_tries_opens_again() {
        let mut board = opened(0);
        assert!(board.begin_probe(7, LEASE, 1000));
        assert_eq!(board.succeeded(7, &BREAKER, true, 1100), None);
        assert!(board.begin_probe(7, LEASE, 1100));
        assert_eq!(board.failed(7, &BREAKER, true, 1200), Some(State::Open));
        assert_eq!(board.verdict(7, 2199), Verdict::Open(Duration::from_millis(1)));
        assert_eq!(board.verdict(7, 2200), Verdict::Probe);
    }

    #[test]
    fn the_place_is_free_again_after_the_lease_or_when_nothing_was_learnt() {
        let mut board = opened(0);
        assert!(board.begin_probe(7, LEASE, 1000));
        assert!(!board.begin_probe(7, LEASE, 1499));
        assert!(board.begin_probe(7, LEASE, 1500), "its worker may be gone");
        board.end_probe(7, 1501);
        assert!(board.begin_probe(7, LEASE, 1501));
    }

    #[test]
    fn late_ends_of_requests_that_began_before_change_nothing() {
        let mut board = opened(0);
        assert_eq!(board.failed(7, &BREAKER, false, 500), None);
        assert_eq!(board.succeeded(7, &BREAKER, false, 500), None);
        assert_eq!(board.verdict(7, 500), Verdict::Open(Duration::from_millis(500)), "not prolonged");
        assert!(board.begin_probe(7, LEASE, 1000));
        assert_eq!(board.succeeded(7, &BREAKER, false, 1001), None);
        assert_eq!(board.failed(7, &BREAKER, false, 1002), None);
        assert_eq!(board.verdict(7, 1003), Verdict::Open(Duration::from_millis(497)), "the try is still out");
    }

    #[test]
    fn a_pause_is_kept_beside_the_circuit() {
        let mut board = Board::default();
        board.cool(7, Duration::from_secs(2), 0);
        board.cool(7, Duration::from_secs(1), 0);
        assert_eq!(board.verdict(7, 500), Verdict::Cooling(Duration::from_millis(1500)), "the longest holds");
        assert_eq!(board.verdict(7, 2000), Verdict::Go);
        assert!(Board::from_bytes(&board.to_bytes(2000)).cells.is_empty());
        let mut board = opened(0);
        board.cool(7, Duration::from_secs(2), 0);
        assert!(matches!(board.verdict(7, 0), Verdict::Open(_)));
        assert!(matches!(board.verdict(7, 1500), Verdict::Cooling(_)));
        assert_eq!(board.verdict(7, 2000), Verdict::Probe);
    }

    #[test]
    fn a_full_board_gives_up_the_least_troubled() {
        let mut board = opened(0);
        for id in 100..100 + MAX_CELLS as u64 + 50 {
            board.failed(id, &BREAKER, true, id);
        }
        assert_eq!(board.cells.len(), MAX_CELLS);
        assert!(board.cell(7).is_some(), "an open circuit outlives single failures");
        assert!(board.cell(100).is_none());
        assert!(
            Board::from_bytes(&board.to_bytes(KEPT_MS * 2)).cells.is_empty(),
            "what nobody touched for a day is forgotten"
        );
    }

    #[test]
    fn a_board_is_read_as_it_was_written() {
        let mut board = opened(5);
        board.cool(9, Duration::from_secs(3), 6);
        board.begin_probe(7, LEASE, 1005);
        assert_eq!(Board::from_bytes(&board.to_bytes(1006)), board);
        assert_eq!(Board::from_bytes(b"").cells.len(), 0);
        assert_eq!(Board::from_bytes(&[FORM; CELL_BYTES * 3]).cells.len(), 2, "whole cells only");
        assert_eq!(Board::from_bytes(&[9; CELL_BYTES * 3]).cells.len(), 0, "garbage is no board");
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        /// Whatever comes in whatever order: at most one request tries at a time, and an open circuit stays shut for
        /// its time.
        #[test]
        fn never_two_at_once(steps in proptest::collection::vec((0_u8..4, 0_u64..700), 1..200)) {
            let mut board = opened(0);
            let (mut now, mut busy_until) = (0, 0);
            for (what, wait) in steps {
                now += wait;
                let was = board.cell(7).map(|cell| (cell.state, cell.until));
                match what {
                    0 => {
                        let granted = board.begin_probe(7, LEASE, now);
                        let half_open = board.cell(7).is_some_and(|cell| cell.state == State::HalfOpen);
                        if granted && half_open {
                            proptest::prop_assert!(now >= busy_until, "{now} {busy_until} {was:?}");
                            busy_until = now + 500;
                        }
                    }
                    1 => { if board.failed(7, &BREAKER, true, now).is_some() { busy_until = now + 1000; } }
                    2 => { board.succeeded(7, &BREAKER, true, now);
                           if was.is_some_and(|(state, _)| state == State::HalfOpen) { busy_until = now; } }
                    _ => { board.end_probe(7, now);
                           if was.is_some_and(|(state, _)| state == State::HalfOpen) { busy_until = now; } }
                }
                let bytes = board.to_bytes(now);
                board = Board::from_bytes(&bytes);
            }
        }
    }
}
