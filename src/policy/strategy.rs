//! In which order the targets of a model are tried.
//!
//! A strategy orders the whole chain: what comes first is asked, and the rest is what the gateway falls back to.

use super::chance::{scramble, unit};
use serde::{Deserialize, Serialize};

/// How the target that is asked first is chosen; the rest of the chain follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// As they are written.
    #[default]
    Ordered,
    /// By chance, as often as their weights say.
    Weighted,
    /// The one with the fewest requests under way, over all workers.
    LeastBusy,
    /// The one whose first token comes soonest: the peaks of late (peak-EWMA), forgotten with time.
    LowestLatency,
    /// The one that is cheapest for this request, by estimated input and its output limit.
    LowestCost,
    /// The one that has most left of its limits, as its provider's headers said last.
    MostQuota,
}

impl Strategy {
    /// The word used in the configuration, the audit line and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Weighted => "weighted",
            Self::LeastBusy => "least_busy",
            Self::LowestLatency => "lowest_latency",
            Self::LowestCost => "lowest_cost",
            Self::MostQuota => "most_quota",
        }
    }

    /// Whether it goes by what workers see of their targets.
    pub fn learns(self) -> bool {
        matches!(self, Self::LeastBusy | Self::LowestLatency | Self::MostQuota)
    }
}

/// Who is sent to the same target again, for as long as it can be asked: that keeps prompt caches warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Sticky {
    /// Each tenant.
    Tenant,
    /// Each client key.
    Key,
    /// Each user.
    User,
    /// Each session: the header `x-session-id`, else what the body says (`prompt_cache_key`, `session_id`,
    /// `metadata.session_id`, `metadata.user_id`, `user`).
    Session,
}

impl Sticky {
    /// The word used in the audit line and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "sticky_tenant",
            Self::Key => "sticky_key",
            Self::User => "sticky_user",
            Self::Session => "sticky_session",
        }
    }
}

/// A target as it is put in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Position in the model's list.
    pub position: usize,
    /// See [`crate::config::tables::Target::id`].
    pub id: u64,
    /// See [`crate::config::tables::Target::weight`]; 0: only when no other can be asked.
    pub weight: u32,
}

/// Positions in an order drawn by weight: each place by chance among those left, as their weights say. `chance` gives 64
/// random bits at each call.
pub fn drawn(candidates: &[Candidate], mut chance: impl FnMut() -> u64) -> Vec<usize> {
    by_weight(candidates, |_| chance())
}

/// Positions in the order that belongs to `key`: always the same, spread over keys as the weights say, and a target that
/// comes or goes changes nothing for keys that are not its own (weighted rendezvous hashing).
pub fn kept(candidates: &[Candidate], key: u64) -> Vec<usize> {
    by_weight(candidates, |candidate| scramble(candidate.id ^ scramble(key)))
}

/// Positions by how large a value is, the smallest first; equals in an order drawn by weight.
pub fn smallest(
    candidates: &[Candidate],
    chance: impl FnMut() -> u64,
    value: impl Fn(&Candidate) -> f64,
) -> Vec<usize> {
    let mut order: Vec<(usize, f64)> = drawn(candidates, chance)
        .into_iter()
        .filter_map(|position| {
            let candidate = candidates.iter().find(|candidate| candidate.position == position)?;
            Some((position, value(candidate)))
        })
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    order.into_iter().map(|(position, _)| position).collect()
}

/// The order of exponential random times with the weights as rates: the first is each one with the probability that its
/// weight has among all, and so is each next one among those left (Efraimidis and Spirakis, 2006).
fn by_weight(candidates: &[Candidate], mut bits: impl FnMut(&Candidate) -> u64) -> Vec<usize> {
    let mut times: Vec<(usize, f64)> = candidates
        .iter()
        .map(|candidate| {
            let time = -unit(bits(candidate)).ln();
            let rate = f64::from(candidate.weight);
            (candidate.position, if rate > 0.0 { time / rate } else { f64::INFINITY })
        })
        .collect();
    // Stable: those without weight stay in the order of the file.
    times.sort_by(|a, b| a.1.total_cmp(&b.1));
    times.into_iter().map(|(position, _)| position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::chance::Chance;

    fn candidates(weights: &[u32]) -> Vec<Candidate> {
        let ids = (0..).map(|n| scramble(n + 1));
        let each = weights.iter().zip(ids).enumerate();
        each.map(|(position, (weight, id))| Candidate { position, id, weight: *weight }).collect()
    }

    fn share(firsts: &[usize], position: usize) -> f64 {
        let hits = u32::try_from(firsts.iter().filter(|first| **first == position).count()).unwrap();
        f64::from(hits) / f64::from(u32::try_from(firsts.len()).unwrap())
    }

    #[test]
    fn weights_hold_over_many_draws_and_the_rest_follows() {
        let candidates = candidates(&[7, 2, 1, 0]);
        let chance = Chance::default();
        let orders: Vec<Vec<usize>> =
            (0..20_000).map(|_| drawn(&candidates, || chance.next(|| 42))).collect();
        let firsts: Vec<usize> = orders.iter().map(|order| order[0]).collect();
        for (position, expected) in [(0, 0.7), (1, 0.2), (2, 0.1), (3, 0.0)] {
            let share = share(&firsts, position);
            assert!((share - expected).abs() < 0.015, "{position}: {share}");
        }
        assert!(orders.iter().all(|order| order.len() == 4 && order[3] == 3), "weight 0 is the last resort");
        let seconds: Vec<usize> = orders.iter().filter(|order| order[0] == 0).map(|order| order[1]).collect();
        assert!((share(&seconds, 1) - 2.0 / 3.0).abs() < 0.02, "among those left");
    }

    #[test]
    fn keys_spread_by_weight_and_stay() {
        let candidates = candidates(&[3, 1]);
        let firsts: Vec<usize> = (0..20_000).map(|key| kept(&candidates, key)[0]).collect();
        assert!((share(&firsts, 0) - 0.75).abs() < 0.015, "{}", share(&firsts, 0));
        assert_eq!(kept(&candidates, 77), kept(&candidates, 77));
    }

    #[test]
    fn a_target_that_comes_or_goes_moves_only_its_own_keys() {
        let four = candidates(&[1, 1, 1, 1]);
        let three = &four[..3];
        let mut moved = 0;
        for key in 0..10_000 {
            let (with, without) = (kept(&four, key), kept(three, key));
            if with[0] == 3 {
                moved += 1;
                assert_eq!(with[1], without[0], "who had it goes where it would have gone without it");
            } else {
                assert_eq!(with[0], without[0]);
            }
        }
        assert!((2200..2800).contains(&moved), "{moved} of 10000");
        let mut heavier = four.clone();
        heavier[0].weight = 2;
        for key in 0..5_000 {
            let (before, after) = (kept(&four, key)[0], kept(&heavier, key)[0]);
            assert!(before == after || after == 0, "a weight that grows only draws keys to itself");
        }
    }

    #[test]
    fn the_smallest_comes_first_and_equals_take_turns() {
        let candidates = candidates(&[1, 1, 1]);
        let chance = Chance::default();
        let value = |c: &Candidate| if c.position == 2 { 0.5 } else { 3.0 };
        let orders: Vec<Vec<usize>> =
            (0..500).map(|_| smallest(&candidates, || chance.next(|| 1), value)).collect();
        assert!(orders.iter().all(|order| order[0] == 2 && order.len() == 3));
        let seconds: Vec<usize> = orders.iter().map(|order| order[1]).collect();
        assert!((share(&seconds, 0) - 0.5).abs() < 0.1);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn every_order_holds_every_target_once(weights in proptest::collection::vec(0_u32..1000, 1..32), key: u64) {
            let candidates = candidates(&weights);
            let chance = Chance::default();
            let value = |c: &Candidate| f64::from(c.weight % 3);
            for mut order in [
                drawn(&candidates, || chance.next(|| key)),
                kept(&candidates, key),
                smallest(&candidates, || chance.next(|| key), value),
            ] {
                order.sort_unstable();
                proptest::prop_assert_eq!(order, (0..weights.len()).collect::<Vec<_>>());
            }
        }
    }
}
