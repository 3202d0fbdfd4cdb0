//! Streams that wait for a while: a back-off between two tries. The host has no timers for streams, but it ticks root
//! contexts, and a root context can wake any stream of its worker.

use crate::gateway::host::Side;
use std::cell::RefCell;

/// Ticks come this often while somebody sleeps: fine enough for back-off, and cheap.
pub(super) const TICK_MS: u64 = 20;

/// A stream that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sleeper {
    /// The stream's context.
    pub(super) context: u32,
    /// Which side of it is paused.
    pub(super) side: Side,
    due_ns: u64,
}

thread_local! {
    static SLEEPERS: RefCell<Vec<Sleeper>> = const { RefCell::new(Vec::new()) };
}

/// Puts a stream to sleep.
pub(super) fn add(context: u32, side: Side, due_ns: u64) {
    SLEEPERS.with_borrow_mut(|all| all.push(Sleeper { context, side, due_ns }));
}

/// Forgets a stream that is gone: waking it would trap the VM.
pub(super) fn forget(context: u32) {
    SLEEPERS.with_borrow_mut(|all| all.retain(|s| s.context != context));
}

/// Whether a stream sleeps.
pub(super) fn contains(context: u32) -> bool {
    SLEEPERS.with_borrow(|all| all.iter().any(|s| s.context == context))
}

/// Takes out the streams whose time has come.
pub(super) fn due(now_ns: u64) -> Vec<Sleeper> {
    SLEEPERS.with_borrow_mut(|all| all.extract_if(.., |s| s.due_ns <= now_ns).collect())
}

/// Whether nobody sleeps.
pub(super) fn is_empty() -> bool {
    SLEEPERS.with_borrow(Vec::is_empty)
}
