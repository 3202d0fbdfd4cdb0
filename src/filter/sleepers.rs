//! Streams that something happens to after a while: the end of a back-off between two tries, or of the patience with a
//! silent provider. The host has no timers for streams, but it ticks root contexts, and a root context can act for any
//! stream of its worker.

use crate::gateway::Attempt;
use crate::gateway::host::Side;
use std::cell::RefCell;
use std::rc::Rc;

/// Ticks come this often while somebody waits: fine enough for back-off, and cheap.
pub(super) const TICK_MS: u64 = 20;

/// What happens when the time has come.
#[derive(Debug)]
pub(super) enum Then {
    /// The paused side goes on.
    Resume(Side),
    /// The stream is broken off.
    Break,
    /// The try ends, as one that was not answered in time.
    GiveUp(Rc<RefCell<Attempt>>),
}

/// A stream that waits.
#[derive(Debug)]
pub(super) struct Sleeper {
    /// The stream's context.
    pub(super) context: u32,
    /// What it waits for.
    pub(super) then: Then,
    due_ns: u64,
}

thread_local! {
    static SLEEPERS: RefCell<Vec<Sleeper>> = const { RefCell::new(Vec::new()) };
}

/// Sets the one thing that a stream waits for; whether it waited for nothing before.
pub(super) fn set(context: u32, then: Then, due_ns: u64) -> bool {
    SLEEPERS.with_borrow_mut(|all| {
        let new = Sleeper { context, then, due_ns };
        if let Some(sleeper) = all.iter_mut().find(|s| s.context == context) {
            *sleeper = new;
            return false;
        }
        all.push(new);
        true
    })
}

/// Forgets a stream that is gone: acting for it would trap the VM.
pub(super) fn forget(context: u32) {
    SLEEPERS.with_borrow_mut(|all| all.retain(|s| s.context != context));
}

/// Whether a stream's request is held back.
pub(super) fn holds_request(context: u32) -> bool {
    let holds = |sleeper: &Sleeper| matches!(sleeper.then, Then::Resume(Side::Request));
    SLEEPERS.with_borrow(|all| all.iter().any(|s| s.context == context && holds(s)))
}

/// Takes out the streams whose time has come.
pub(super) fn due(now_ns: u64) -> Vec<Sleeper> {
    SLEEPERS.with_borrow_mut(|all| all.extract_if(.., |s| s.due_ns <= now_ns).collect())
}

/// Whether nobody waits.
pub(super) fn is_empty() -> bool {
    SLEEPERS.with_borrow(Vec::is_empty)
}
