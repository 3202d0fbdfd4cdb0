//! Budgets and limits: of deployments, of providers, of the whole proxy. A deployment is a provider here as a rule, since it
//! has a key or an address of its own, so what it may take is a rule `per: provider`.

use super::super::fields::Fields;
use super::super::report::Report;
use super::Import;
use super::deployment::whole;
use super::models::Models;
use super::providers::by_prefix;
use crate::config::MOST_USD;
use crate::config::schema::{Budget, Every, Flow, Limit};
use crate::policy::identity::LONGEST_LABEL;
use crate::policy::scope::Scope;
use std::collections::BTreeMap;

/// What a budget of so much money is for how long.
type Money = (f64, Every);

/// What LiteLLM lets a deployment take.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Allowance {
    /// Requests in a minute.
    pub(super) requests: Option<u64>,
    /// Tokens in a minute.
    pub(super) tokens: Option<u64>,
    concurrent: Option<u64>,
    usd: Option<Money>,
}

/// What is known of budgets and limits while the file is read.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    /// By the model that clients name, and provider and model of the target.
    deployed: Vec<((String, String), Allowance)>,
    budgets: Vec<Budget>,
    limits: Vec<Limit>,
}

impl Import<'_> {
    /// Takes what a deployment may take out of its parameters.
    pub(super) fn allowance(&mut self, params: &mut Fields) -> Allowance {
        let [requests, tokens, concurrent] = ["rpm", "tpm", "max_parallel_requests"].map(|name| {
            let number = self.amount(params, name);
            if number.is_some() {
                let how = "is a limit of the provider: whoever would go over it goes to the next target";
                self.report.changed(params.at(name), how);
            }
            number
        });
        let usd = money(params, ["max_budget", "budget_duration"], &mut self.report);
        Allowance { requests, tokens, concurrent, usd }
    }

    /// A number of things, of which there may be none.
    pub(super) fn count(&mut self, fields: &mut Fields, name: &str) -> Option<u64> {
        let number = fields.number(name, &mut self.report)?;
        let count = whole(number);
        if count.is_none() {
            self.report.left(fields.at(name), "is no whole number");
        }
        count
    }

    /// A number of things that are one at least.
    pub(super) fn amount(&mut self, params: &mut Fields, name: &str) -> Option<u64> {
        let number = params.number(name, &mut self.report)?;
        let amount = whole(number).filter(|amount| *amount > 0);
        if amount.is_none() {
            self.report.left(params.at(name), "is no whole number above zero");
        }
        amount
    }

    /// Enters what a deployment may take.
    pub(super) fn allow(&mut self, name: &str, target: &str, own: Allowance) {
        let place = (name.to_owned(), target.to_owned());
        match self.quotas.deployed.iter_mut().find(|(known, _)| *known == place) {
            Some(_) if own == Allowance::default() => {}
            Some((_, sum)) => {
                let add = |one: Option<u64>, other: Option<u64>| match (one, other) {
                    (Some(one), Some(other)) => Some(one.saturating_add(other)),
                    (one, other) => one.or(other),
                };
                *sum = Allowance {
                    requests: add(sum.requests, own.requests),
                    tokens: add(sum.tokens, own.tokens),
                    concurrent: add(sum.concurrent, own.concurrent),
                    usd: sum.usd.or(own.usd),
                };
                let how =
                    format!("`{name}` has one limit for its deployments of {target}, which are the same");
                self.report.changed("model_list", how);
            }
            None => self.quotas.deployed.push((place, own)),
        }
    }

    /// `provider_budget_config`, and the budget and the limits of the whole proxy.
    pub(super) fn quotas(&mut self, router: &mut Fields, litellm: &mut Fields, general: &mut Fields) {
        let at = router.at("provider_budget_config");
        let configs = router.take("provider_budget_config");
        for (prefix, value) in Fields::of(configs, &at, &mut self.report).into_rest() {
            let at = format!("{at}.{prefix}");
            let mut config = Fields::of(Some(value), &at, &mut self.report);
            let usual = money(&mut config, ["budget_limit", "time_period"], &mut self.report);
            let other = money(&mut config, ["max_budget", "budget_duration"], &mut self.report);
            config.leave(|_| "has no counterpart", &mut self.report);
            let Some((usd, every)) = usual.or(other) else { continue };
            let names = by_prefix(&prefix).map(|known| self.providers.with_preset(known.preset));
            let names = names.unwrap_or_default();
            if names.is_empty() {
                self.report.left(&at, "no deployment of this provider was carried over");
            }
            if names.len() > 1 {
                let how = format!("is divided evenly among {}", names.join(", "));
                self.report.changed(&at, how);
            }
            #[expect(clippy::cast_precision_loss, reason = "a handful of providers")]
            let usd = usd / names.len().max(1) as f64;
            for name in names {
                let only = BTreeMap::from([(Scope::Provider, vec![name.clone()])]);
                let name = Some(format!("{name} budget"));
                self.quotas.budgets.push(budget(name, Some(Scope::Provider), only, (usd, every)));
            }
        }
        if let Some(all) = money(litellm, ["max_budget", "budget_duration"], &mut self.report) {
            self.quotas.budgets.push(budget(Some("proxy budget".to_owned()), None, BTreeMap::new(), all));
        }
        let each = self.amount(general, "max_parallel_requests");
        let usual = self.amount(router, "default_max_parallel_requests");
        let all = self.amount(general, "global_max_parallel_requests");
        for (concurrent, per, name) in [
            (each.or(usual), Some(Scope::Provider), "parallel requests of a provider"),
            (all, None, "parallel requests"),
        ] {
            if concurrent.is_some() {
                let name = Some(name.to_owned());
                self.quotas.limits.push(Limit { name, per, concurrent, ..Limit::default() });
            }
        }
    }
}

impl Quotas {
    /// Whether a deployment can share a provider with the others of its model: what they may take is counted by
    /// provider, so only where none is limited, or all are one target.
    pub(super) fn can_share(&self, name: &str, (provider, model): (&str, &str), own: Allowance) -> bool {
        let is_other =
            |target: &str| target.split_once('/').is_some_and(|(of, at)| of == provider && at != model);
        let mut others =
            self.deployed.iter().filter(|((known, target), _)| known == name && is_other(target));
        others.all(|(_, theirs)| [*theirs, own] == [Allowance::default(); 2])
    }

    /// All rules. Which models they are for is known when all of those are.
    pub(super) fn finish(mut self, models: &Models) -> (Vec<Budget>, Vec<Limit>) {
        for ((name, target), own) in self.deployed {
            let provider = target.split_once('/').map_or(&*target, |(provider, _)| provider).to_owned();
            let users = models.users(&name);
            let mut only = BTreeMap::from([(Scope::Provider, vec![provider.clone()])]);
            // Deployments of other models may have the same key and address: they have limits of their own, or none.
            if models.asking(&provider).any(|asks| !users.iter().any(|user| user == asks)) {
                only.insert(Scope::Model, users);
            }
            // A label is no place for every name.
            let what: String = format!("{name}: {target}")
                .chars()
                .map(|char| if char == ';' || char.is_control() { ' ' } else { char })
                .take(LONGEST_LABEL - " budget".len())
                .collect();
            let per_minute = |amount: Option<u64>| amount.map(|amount| Flow { amount, secs: 60 });
            let limit = Limit {
                name: Some(what.clone()),
                per: Some(Scope::Provider),
                only: only.clone(),
                requests: per_minute(own.requests),
                tokens: per_minute(own.tokens),
                concurrent: own.concurrent,
                ..Limit::default()
            };
            if limit.requests.is_some() || limit.tokens.is_some() || limit.concurrent.is_some() {
                self.limits.push(limit);
            }
            if let Some(money) = own.usd {
                let name = Some(format!("{what} budget"));
                self.budgets.push(budget(name, Some(Scope::Provider), only, money));
            }
        }
        (self.budgets, self.limits)
    }
}

fn budget(
    name: Option<String>,
    per: Option<Scope>,
    only: BTreeMap<Scope, Vec<String>>,
    (usd, every): Money,
) -> Budget {
    Budget {
        name,
        per,
        only,
        usd: Some(usd),
        tokens: None,
        every,
        rolling: None,
        time_zone: None,
        soft: None,
    }
}

/// A budget and its time, under these two names.
fn money(fields: &mut Fields, [amount, time]: [&str; 2], report: &mut Report) -> Option<Money> {
    let usd = fields.number(amount, report);
    let written = fields.text(time, report);
    let usd = match (usd, &written) {
        (None, None) => return None,
        (Some(usd), _) if usd > 0.0 && usd <= MOST_USD => usd,
        _ => {
            let why = format!("is no amount of money up to {MOST_USD}: there is no such budget");
            report.left(fields.at(amount), why);
            return None;
        }
    };
    let Some(written) = written else {
        report.left(fields.at(amount), format!("a budget is for a time: give it `{time}` and import again"));
        return None;
    };
    let Some(every) = every(&written) else {
        let why = "a budget is for a day, a week, a month, or whole hours up to a year";
        report.left(fields.at(time), why);
        return None;
    };
    if written == "30d" {
        report.changed(fields.at(time), "is the month of the calendar");
    }
    Some((usd, every))
}

/// LiteLLM's word for a time: `3600s`, `60m`, `12h`, `7d`, `1mo`.
fn every(text: &str) -> Option<Every> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let secs = match unit {
        "s" => number,
        "m" => number.checked_mul(60)?,
        "h" => number.checked_mul(3_600)?,
        "d" => number.checked_mul(86_400)?,
        "w" => number.checked_mul(604_800)?,
        "mo" => number.checked_mul(30 * 86_400)?,
        _ => return None,
    };
    Some(match secs {
        86_400 => Every::Day,
        604_800 => Every::Week,
        2_592_000 => Every::Month,
        secs => {
            let hours = u32::try_from(secs / 3_600).ok().filter(|hours| (1..=8_760).contains(hours))?;
            secs.is_multiple_of(3_600).then_some(Every::Hours(hours))?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, time) in [
            ("1d", Some(Every::Day)),
            ("24h", Some(Every::Day)),
            ("7d", Some(Every::Week)),
            ("30d", Some(Every::Month)),
            ("1mo", Some(Every::Month)),
            ("7200s", Some(Every::Hours(2))),
            ("60m", Some(Every::Hours(1))),
            ("10d", Some(Every::Hours(240))),
            ("2mo", Some(Every::Hours(1_440))),
            ("30s", None),
            ("90m", None),
            ("2y", None),
            ("d", None),
            ("", None),
            ("999999999999999999999d", None),
        ] {
            assert_eq!(every(text), time, "{text}");
        }
    }
}
