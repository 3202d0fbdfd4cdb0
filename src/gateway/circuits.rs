//! The board of circuits in the data that all workers share.

use super::host::Host;
use crate::policy::circuit::Board;

/// Where the board lies.
const KEY: &str = "tollgate.circuits";

/// How often a change is tried anew because another worker was faster. Each lost round is another's success, so this
/// many in a row mean that something else is wrong; the change is lost then, and the next failure makes it.
const ROUNDS: usize = 64;

/// Creates the board where there is none yet.
pub fn prepare(host: &impl Host) {
    host.share_first(KEY, &Board::default().to_bytes(0));
}

/// The board as it is now.
pub fn read(host: &impl Host) -> Board {
    Board::from_bytes(&host.shared(KEY).0.unwrap_or_default())
}

/// Changes the board, all workers' changes one after the other; what the change says of itself, and the new board.
/// `None`: it could not be made.
pub fn change<T>(
    host: &impl Host,
    now_ms: u64,
    mut change: impl FnMut(&mut Board) -> T,
) -> Option<(T, Board)> {
    for _ in 0..ROUNDS {
        let (bytes, version) = host.shared(KEY);
        let mut board = Board::from_bytes(&bytes.unwrap_or_default());
        let before = board.clone();
        let result = change(&mut board);
        if board == before || host.share(KEY, &board.to_bytes(now_ms), version) {
            return Some((result, board));
        }
    }
    None
}
