//! Which tries of a chain are left when targets that are to be left alone are taken out.

use super::circuit::{Board, Verdict};
use super::route::Step;
use crate::config::tables::Model;
use std::time::Duration;

/// What is left of a chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sifted {
    /// The tries, in their order.
    pub steps: Vec<Step>,
    /// Positions of the targets that were taken out, and why.
    pub skipped: Vec<(usize, String)>,
    /// Tries at those that asked for a pause, for when nobody else is left: the one that is back first comes first.
    pub cooling: Vec<Step>,
    /// Positions of those whose circuits are open, and for how long.
    pub open: Vec<(usize, Duration)>,
}

/// Takes out the targets whose circuits are open, and those that asked for a pause for as long as another can be asked:
/// where none can, the provider's own word is the best to be had, and the one that is back first comes first.
pub fn sift(steps: Vec<Step>, model: &Model, board: &Board, now_ms: u64) -> Sifted {
    let verdict =
        |step: &Step| model.targets.get(step.target).map_or(Verdict::Go, |t| board.verdict(t.id, now_ms));
    let (mut kept, mut cooling) = (Vec::with_capacity(steps.len()), Vec::new());
    let mut skipped: Vec<(usize, String)> = Vec::new();
    let mut open: Vec<(usize, Duration)> = Vec::new();
    for mut step in steps {
        let (left, why) = match verdict(&step) {
            Verdict::Go => {
                kept.push(step);
                continue;
            }
            Verdict::Probe => {
                step.probe = true;
                kept.push(step);
                continue;
            }
            Verdict::Open(left) => {
                open.push((step.target, left));
                (left, "the circuit is open")
            }
            Verdict::Cooling(left) => {
                cooling.push((left, step));
                (left, "cooling down after a 429")
            }
        };
        if skipped.iter().all(|(target, _)| *target != step.target) {
            skipped.push((step.target, format!("skipped: {why} for another {}", span(left))));
        }
    }
    // Stable: among equals the order of the chain stands.
    cooling.sort_by_key(|(left, _)| *left);
    let mut cooling: Vec<Step> = cooling.into_iter().map(|(_, step)| step).collect();
    if kept.is_empty() {
        skipped.retain(|(target, _)| cooling.iter().all(|step| step.target != *target));
        kept.append(&mut cooling);
    }
    Sifted { steps: kept, skipped, cooling, open }
}

/// A time for people: seconds with a decimal.
fn span(time: Duration) -> String {
    let tenths = time.as_millis().div_ceil(100);
    format!("{}.{} s", tenths / 10, tenths % 10)
}
