//! Budgets and limits: the rules by which requests are counted, and what each does with its counter.

use super::budget::Budget;
use super::ledger::{Cell, rule_tag};
use super::limit::{Concurrent, Rate};
use super::queue::Bounds;
use super::scope::Scope;
use crate::chat::Usage;
use crate::config::tables::ModelPattern;
use crate::meter::price::Cost;
use hashbrown::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// One budget or limit: it has one counter for each account that it is for.
#[derive(Debug)]
pub struct Quota {
    /// Name, unique in a configuration, and equal on all Envoys that have the same one.
    pub name: Rc<str>,
    /// The mark of its cells.
    pub tag: u32,
    /// What it counts by.
    pub per: Scope,
    /// The values that it is for; a scope that is not named is for all.
    pub only: Vec<(Scope, Vec<ModelPattern>)>,
    /// What it allows.
    pub terms: Terms,
}

/// Rules of one name and one kind of count are the same rule.
impl PartialEq for Quota {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag && self.name == other.name
    }
}

/// What a rule allows.
#[derive(Debug)]
pub enum Terms {
    /// So much in a stretch of time.
    Budget(Budget),
    /// So many in a while, and some at once.
    Rate(Rate),
    /// So many at the same time.
    Concurrent(Concurrent),
}

/// What becomes of a request that is over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It is refused.
    Reject,
    /// It waits.
    Queue,
}

/// What a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Money, in 10⁻¹² dollars.
    Usd,
    /// Tokens, in and out.
    Tokens,
    /// Requests.
    Requests,
    /// Requests under way.
    Concurrent,
}

impl Unit {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usd => "usd",
            Self::Tokens => "tokens",
            Self::Requests => "requests",
            Self::Concurrent => "concurrent",
        }
    }
}

/// What a request wants before it has begun, or has used when it is over. It is one request in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Money, in 10⁻¹² dollars.
    pub usd: u64,
    /// Tokens, in and out.
    pub tokens: u64,
}

impl Amounts {
    /// What answers used; money where it is known what they cost.
    pub fn used(usage: &Usage, cost: Option<Cost>) -> Self {
        let tokens = usage.input.unwrap_or(0).saturating_add(usage.output.unwrap_or(0));
        let usd = cost.map_or(0, |cost| u64::try_from(cost.pico_usd()).unwrap_or(u64::MAX));
        Self { usd, tokens }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { usd: self.usd.saturating_add(other.usd), tokens: self.tokens.saturating_add(other.tokens) }
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { usd: self.usd.max(other.usd), tokens: self.tokens.max(other.tokens) }
    }

    fn of(self, unit: Unit) -> u64 {
        match unit {
            Unit::Usd => self.usd,
            Unit::Tokens => self.tokens,
            Unit::Requests | Unit::Concurrent => 1,
        }
    }
}

/// How long reservations live, in slots of a fifth of it: see [`Cell::held`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    secs: u64,
}

impl Lease {
    /// For requests that take this long at most.
    pub fn of(longest: Duration) -> Self {
        Self { secs: longest.as_secs().saturating_add(1) }
    }

    fn slot(self) -> u64 {
        self.secs.div_ceil(5).max(1)
    }
}

/// A moment, as counters see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Nanoseconds since the epoch.
    pub ns: u64,
    /// The same in seconds.
    pub secs: u64,
    /// The slot of reservations made now.
    pub slot: u64,
    /// The first slot whose requests may be alive.
    pub oldest_slot: u64,
    /// When requests admitted now will be dead, in seconds since the epoch.
    pub lease_ends: u64,
}

impl Clock {
    /// A moment in nanoseconds since the epoch.
    pub fn at(ns: u64, lease: Lease) -> Self {
        let secs = ns / 1_000_000_000;
        let slot = secs / lease.slot() * lease.slot();
        let whole = lease.secs.saturating_add(lease.slot());
        Self {
            ns,
            secs,
            slot,
            oldest_slot: secs.saturating_sub(whole),
            lease_ends: slot.saturating_add(whole),
        }
    }
}

/// A counter as people want to know it, in the rule's unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is allowed.
    pub limit: u64,
    /// What was used.
    pub spent: u64,
    /// What requests under way may still use.
    pub reserved: u64,
    /// What is left.
    pub remaining: u64,
    /// When all of it is there again, in nanoseconds since the epoch; 0 where time has no part in it.
    pub resets_at_ns: u64,
    /// Whether more is used than the rule warns of.
    pub is_soft: bool,
}

/// Why a request is not admitted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The counter.
    pub standing: Standing,
    /// What was wanted.
    pub wanted: u64,
    /// When it might be admitted, in nanoseconds from now.
    pub wait_ns: u64,
}

impl Quota {
    /// A rule.
    pub fn new(name: &str, per: Scope, only: Vec<(Scope, Vec<ModelPattern>)>, terms: Terms) -> Self {
        // A counter outlives its configuration: one that counts something else must not take over its cells.
        let tag = rule_tag(&format!("{name}\0{}", terms.signature()));
        Self { name: name.into(), tag, per, only, terms }
    }

    /// What it counts.
    pub fn unit(&self) -> Unit {
        match &self.terms {
            Terms::Budget(budget) => budget.unit,
            Terms::Rate(rate) => rate.unit,
            Terms::Concurrent(_) => Unit::Concurrent,
        }
    }

    /// What becomes of a request that is over it.
    pub fn over(&self) -> Over {
        match &self.terms {
            Terms::Budget(_) => Over::Reject,
            Terms::Rate(rate) => rate.over,
            Terms::Concurrent(limit) => limit.over,
        }
    }

    /// Whether it is for a request with these values.
    pub fn is_for<'v>(&self, value_of: impl Fn(Scope) -> Option<&'v str>) -> bool {
        self.only.iter().all(|(scope, patterns)| {
            value_of(*scope).is_some_and(|value| patterns.iter().any(|pattern| pattern.is_match(value)))
        })
    }

    /// Whether it may be for a request with these values, of which the model and the provider are not known yet.
    pub fn may_be_for<'v>(&self, value_of: impl Fn(Scope) -> Option<&'v str>) -> bool {
        self.only.iter().all(|(scope, patterns)| match value_of(*scope) {
            Some(value) => patterns.iter().any(|pattern| pattern.is_match(value)),
            None => matches!(scope, Scope::Model | Scope::Provider),
        })
    }

    /// Reserves what a request wants. What comes back is what it holds, for [`Quota::settle`].
    ///
    /// # Errors
    /// When there is not enough; the cell is as it was.
    pub fn reserve(&self, cell: &mut Cell, wanted: Amounts, clock: &Clock) -> Result<u64, Refused> {
        let wanted = wanted.of(self.unit());
        match &self.terms {
            Terms::Budget(budget) => budget.reserve(cell, wanted, clock).map(|()| wanted),
            Terms::Rate(rate) => rate.reserve(cell, wanted, clock),
            Terms::Concurrent(limit) => limit.reserve(cell, clock).map(|()| 1),
        }
    }

    /// Reserves without asking whether there is enough.
    pub fn force(&self, cell: &mut Cell, wanted: Amounts, clock: &Clock) -> u64 {
        let wanted = wanted.of(self.unit());
        match &self.terms {
            Terms::Budget(budget) => budget.hold(cell, wanted, clock),
            Terms::Rate(rate) => return rate.hold(cell, wanted, clock),
            Terms::Concurrent(_) => Concurrent::hold(cell, clock),
        }
        wanted
    }

    /// Whether there is not enough for two such requests.
    pub fn is_scarce(&self, cell: &Cell, wanted: Amounts, clock: &Clock) -> bool {
        self.standing(cell, clock).remaining < wanted.of(self.unit()).max(1).saturating_mul(2)
    }

    /// Puts what a request used in the place of what it held since it was admitted; `None`: it was never sent.
    pub fn settle(&self, cell: &mut Cell, admitted: &Clock, held: u64, used: Option<Amounts>, clock: &Clock) {
        let used = used.map(|used| used.of(self.unit()));
        match &self.terms {
            Terms::Budget(budget) => budget.settle(cell, admitted.slot, held, used.unwrap_or(0), clock),
            Terms::Rate(rate) => rate.settle(cell, admitted.ns, held, used, clock),
            Terms::Concurrent(_) => cell.let_go(admitted.slot, held),
        }
    }

    /// The counter as people want to know it.
    pub fn standing(&self, cell: &Cell, clock: &Clock) -> Standing {
        match &self.terms {
            Terms::Budget(budget) => budget.standing(cell, clock),
            Terms::Rate(rate) => rate.standing(cell, clock),
            Terms::Concurrent(limit) => limit.standing(cell, clock),
        }
    }

    /// The window that is consumed from now, as others know it: the second at which it began, or 0.
    pub fn window(&self, clock: &Clock) -> u64 {
        match &self.terms {
            Terms::Budget(budget) => budget.window.at(clock.secs).slice,
            Terms::Rate(rate) => rate.window(clock),
            Terms::Concurrent(_) => 0,
        }
    }

    /// Every window that counts now, the present one last.
    pub fn windows(&self, clock: &Clock) -> Vec<u64> {
        match &self.terms {
            Terms::Budget(budget) => budget.window.slices(clock.secs),
            Terms::Rate(_) | Terms::Concurrent(_) => vec![self.window(clock)],
        }
    }

    /// What this Envoy consumed in a window.
    pub fn own(&self, cell: &Cell, window: u64, clock: &Clock) -> u64 {
        match &self.terms {
            Terms::Concurrent(_) => cell.reserved(clock.oldest_slot),
            _ => cell.slices.iter().find(|slice| slice.start == window).map_or(0, |slice| slice.own),
        }
    }

    /// Says what all others consumed in a window.
    pub fn merge(&self, cell: &mut Cell, window: u64, others: u64, clock: &Clock) {
        match &self.terms {
            Terms::Budget(budget) => budget.merge(cell, window, others, clock),
            Terms::Rate(rate) => rate.merge(cell, window, others, clock),
            Terms::Concurrent(_) => Concurrent::merge(cell, others, clock),
        }
    }

    /// When nobody asks for a window any more, in seconds since the epoch.
    pub fn keep_until(&self, window: u64, clock: &Clock) -> u64 {
        match &self.terms {
            Terms::Budget(budget) => budget.window.forgets(window, &budget.window.at(clock.secs)),
            Terms::Rate(rate) => window.saturating_add(rate.period_secs().saturating_mul(2)),
            Terms::Concurrent(_) => clock.lease_ends,
        }
    }
}

impl Terms {
    /// What must stay the same for a counter to go on.
    fn signature(&self) -> String {
        match self {
            Self::Budget(budget) => {
                format!(
                    "budget {} {:?} {}",
                    budget.unit.as_str(),
                    budget.window.every(),
                    budget.window.is_rolling()
                )
            }
            // A bucket's state is a time, which another amount would give another meaning.
            Self::Rate(rate) => {
                let Rate { unit, amount, burst, .. } = rate;
                format!("rate {} {} {amount} {burst}", unit.as_str(), rate.period_secs())
            }
            Self::Concurrent(_) => "concurrent".to_owned(),
        }
    }
}

/// All budgets and limits of a configuration.
#[derive(Debug)]
pub struct Quotas {
    by_scope: Vec<(Scope, Vec<Rc<Quota>>)>,
    by_name: HashMap<Rc<str>, Rc<Quota>>,
    /// How long reservations live.
    pub lease: Lease,
    /// How much waits, and how long.
    pub queue: Bounds,
    /// Whether other Envoys count too, so that changes have to be told.
    pub shared: bool,
}

/// What a key has of its own in place of the rules for all keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeyQuotas {
    /// Its budgets.
    pub budgets: Option<Vec<Rc<Quota>>>,
    /// Its limits.
    pub limits: Option<Vec<Rc<Quota>>>,
}

impl KeyQuotas {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Rc<Quota>> {
        self.budgets.iter().chain(&self.limits).flatten()
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self::new(Vec::new(), std::iter::empty(), Lease { secs: 1 })
    }
}

impl Quotas {
    /// The rules for all, and those of single keys, which are found through their keys.
    pub fn new(rules: Vec<Rc<Quota>>, of_keys: impl Iterator<Item = Rc<Quota>>, lease: Lease) -> Self {
        let mut by_scope: Vec<(Scope, Vec<Rc<Quota>>)> = Vec::new();
        for scope in Scope::ALL {
            let of_scope: Vec<_> = rules.iter().filter(|rule| rule.per == scope).cloned().collect();
            if !of_scope.is_empty() {
                by_scope.push((scope, of_scope));
            }
        }
        let by_name = rules.into_iter().chain(of_keys).map(|rule| (Rc::clone(&rule.name), rule)).collect();
        Self { by_scope, by_name, lease, queue: Bounds::default(), shared: false }
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The rules for all that count by a scope.
    pub fn of(&self, scope: Scope) -> &[Rc<Quota>] {
        self.by_scope.iter().find(|(of, _)| *of == scope).map_or(&[], |(_, rules)| rules)
    }

    /// A rule by its name.
    pub fn named(&self, name: &str) -> Option<&Rc<Quota>> {
        self.by_name.get(name)
    }
}
