//! A rule says no: in which words.

use super::admission::Denied;
use crate::chat::{Failure, FailureKind};
use crate::dialect::date::rfc3339;
use crate::policy::quota::{Quota, Standing, Terms, Unit};
use crate::policy::scope::Scope;

/// 10⁻¹² dollars in a millionth of a dollar.
const PICO_PER_MICRO: u64 = 1_000_000;

impl Denied {
    /// The failure that the client reads: 429, with the time to wait.
    pub(super) fn failure(&self) -> Failure {
        if let Some(unknown) = &self.unknown {
            return unknown.failure();
        }
        let failure = Failure::new(429, self.message()).with_retry_after(self.wait());
        match self.quota.terms {
            Terms::Budget(_) => Failure { kind: FailureKind::Budget, ..failure.with_code("budget_exceeded") },
            Terms::Rate(_) | Terms::Concurrent(_) => failure,
        }
    }

    /// The same in a few words, as the reason why a target is left out.
    pub(super) fn reason(&self) -> String {
        match &self.quota.terms {
            Terms::Budget(_) if self.refused.standing.remaining > 0 => {
                format!("its budget `{}` has too little left", self.quota.name)
            }
            Terms::Budget(_) => format!("its budget `{}` is spent", self.quota.name),
            Terms::Rate(_) | Terms::Concurrent(_) => format!("its limit `{}` is reached", self.quota.name),
        }
    }

    /// The word for it in metrics.
    pub(super) fn kind(&self) -> &'static str {
        if self.unknown.is_some() {
            return "unknown";
        }
        match &self.quota.terms {
            Terms::Budget(_) => "budget",
            Terms::Rate(_) | Terms::Concurrent(_) => self.quota.unit().as_str(),
        }
    }

    /// Whether the state of a limit explains it.
    pub(super) fn is_of_limit(&self) -> bool {
        self.unknown.is_none() && !matches!(self.quota.terms, Terms::Budget(_))
    }

    fn message(&self) -> String {
        let (quota, standing, unit) = (&self.quota, &self.refused.standing, self.quota.unit());
        let whose = match self.account.scope {
            Scope::Global => "the gateway".to_owned(),
            scope => format!("the {} `{}`", scope.as_str(), self.account.value),
        };
        let resets = rfc3339(standing.resets_at_ns / 1_000_000_000);
        match &quota.terms {
            Terms::Budget(_) => {
                let (limit, left) = (amount(unit, standing.limit), amount(unit, standing.remaining));
                let wanted = amount(unit, self.refused.wanted);
                let under_way = match standing.reserved {
                    0 => String::new(),
                    reserved => format!("; {} are reserved by requests under way", amount(unit, reserved)),
                };
                format!(
                    "budget_exceeded: the budget `{}` of {whose} has {left} of {limit} left, and this request may take {wanted}{under_way}. It resets at {resets}.",
                    quota.name
                )
            }
            Terms::Rate(rate) => {
                let wait = seconds(self.refused.wait_ns);
                let period = match rate.period_secs() {
                    1 => "second",
                    60 => "minute",
                    3_600 => "hour",
                    _ => "day",
                };
                format!(
                    "Rate limit reached: `{}` allows {whose} {} {} per {period}. Try again in {wait}.",
                    quota.name,
                    rate.amount,
                    unit.as_str()
                )
            }
            Terms::Concurrent(limit) => format!(
                "Rate limit reached: `{}` allows {whose} {} requests at the same time.",
                quota.name, limit.most
            ),
        }
    }
}

/// What a budget that is spent beyond its soft limit says of itself.
pub(super) fn warning(quota: &Quota, standing: &Standing) -> String {
    let unit = quota.unit();
    format!(
        "{}: {} of {} used, resets at {}",
        quota.name,
        amount(unit, standing.spent),
        amount(unit, standing.limit),
        rfc3339(standing.resets_at_ns / 1_000_000_000)
    )
}

/// An amount with its unit.
pub(super) fn amount(unit: Unit, amount: u64) -> String {
    match unit {
        Unit::Usd => format!("${}", dollars(amount)),
        Unit::Tokens => format!("{amount} tokens"),
        Unit::Requests | Unit::Concurrent => format!("{amount} requests"),
    }
}

/// 10⁻¹² dollars in dollars, to the millionth, with at least two decimals.
pub(super) fn dollars(pico: u64) -> String {
    let micro = pico / PICO_PER_MICRO;
    let (mut fraction, mut width) = (micro % 1_000_000, 6);
    while width > 2 && fraction.is_multiple_of(10) {
        fraction /= 10;
        width -= 1;
    }
    format!("{}.{fraction:0width$}", micro / 1_000_000)
}

/// A time in seconds, to the tenth, rounded up.
fn seconds(ns: u64) -> String {
    let tenths = ns.div_ceil(100_000_000);
    format!("{}.{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::budget::{Budget, Every, Window};
    use crate::policy::ledger::Ledger;
    use crate::policy::quota::Refused;
    use std::rc::Rc;

    #[test]
    fn money_in_words() {
        for (pico, text) in [
            (0, "0.00"),
            (50_000_000_000_000, "50.00"),
            (1_500_000_000_000, "1.50"),
            (1_234_000_000, "0.001234"),
            (999_999, "0.00"),
        ] {
            assert_eq!(dollars(pico), text);
        }
        assert_eq!((seconds(1), seconds(2_050_000_000)), ("0.1 s".to_owned(), "2.1 s".to_owned()));
    }

    #[test]
    fn a_spent_budget_tells_when_it_starts_anew() {
        let window = Window::new(Every::Day, false, "UTC").unwrap();
        let terms = Terms::Budget(Budget { unit: Unit::Usd, limit: 5_000_000_000_000, soft: None, window });
        let standing = Standing {
            limit: 5_000_000_000_000,
            spent: 4_990_000_000_000,
            remaining: 10_000_000_000,
            resets_at_ns: 1_795_305_600_000_000_000,
            ..Standing::default()
        };
        let denied = Denied {
            quota: Rc::new(Quota::new("daily", Scope::Tenant, Vec::new(), terms)),
            account: Ledger::default().account(Scope::Tenant, "acme"),
            refused: Refused { standing, wanted: 41_000_000_000, wait_ns: 7_000_000_001 },
            unknown: None,
        };
        let failure = denied.failure();
        assert_eq!(
            (failure.status, failure.kind, failure.retry_after_secs()),
            (429, FailureKind::Budget, Some(8))
        );
        assert_eq!(
            failure.message,
            "budget_exceeded: the budget `daily` of the tenant `acme` has $0.01 of $5.00 left, and this request may take $0.041. It resets at 2026-11-22T00:00:00Z."
        );
    }
}
