//! The shape of the table that the build script writes, and how a name finds its row.

use super::dates;
use super::name::{fingerprint, fold};

/// "The facts do not say" in a field of [`Rates`] or [`RareRates`].
pub(super) const ABSENT: u32 = u32::MAX;

/// What tokens cost, in millionths of a millionth of a dollar (10⁻¹² USD) each; [`ABSENT`] where unknown.
///
/// That is a dollar per million tokens with six decimals, up to about 4,294 dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rates {
    pub(super) input: u32,
    pub(super) output: u32,
    pub(super) cache_read: u32,
    pub(super) cache_write: u32,
    pub(super) rare: Option<&'static RareRates>,
}

/// The prices that few models have apart from the plain ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RareRates {
    pub(super) cache_write_1h: u32,
    pub(super) reasoning: u32,
    pub(super) audio_input: u32,
    pub(super) audio_output: u32,
    /// Per request, in 10⁻⁹ USD.
    pub(super) request: u32,
}

/// Rates by the size of the request: the last row whose `above` is smaller than the number of input tokens holds
/// for the whole request, the first row where there is none.
pub(super) type Tiers = &'static [Tier];

/// One row of [`Tiers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tier {
    /// In input tokens; 0 in the first row.
    pub(super) above: u32,
    pub(super) rates: Rates,
}

/// When rates hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// From midnight UTC of this day on, in days since 1970-01-01.
    From(u32),
    /// Every day between these seconds since midnight UTC; past midnight when the second is the smaller one.
    Daily(u32, u32),
}

/// All prices of a model: the last entry that holds counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// The same at any time.
    Fixed(Tiers),
    /// The first entry always holds, or is what is left when nothing does.
    Dated(&'static [(When, Tiers)]),
}

/// A rule over a folded name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    Equals(&'static str),
    Starts(&'static str),
    Ends(&'static str),
    Contains(&'static str),
    /// The whole name, `#` standing for one decimal digit.
    Shape(&'static str),
    /// The beginning of the name, `#` standing for one decimal digit.
    StartShape(&'static str),
    /// `organisation/model`: a slash with something in front of it.
    Qualified,
    Not(&'static Rule),
    Any(&'static [Rule]),
    All(&'static [Rule]),
}

/// One provider of the facts.
#[derive(Debug)]
pub(super) struct Provider {
    /// Identifier, in lower case.
    pub(super) id: &'static str,
    /// Other names it goes by.
    pub(super) alias: Option<Rule>,
    /// Names of models that are taken for its own when no provider is named.
    pub(super) owns: Option<Rule>,
    /// Providers (positions in [`PROVIDERS`]) whose prices count for models it has no row for.
    pub(super) fallbacks: &'static [u16],
    /// Fingerprints of exact names, sorted.
    pub(super) exact: &'static [u64],
    /// The model of each fingerprint.
    pub(super) exact_models: &'static [u16],
    /// The rules that are more than an exact name, in the order of the models.
    pub(super) rules: &'static [(u16, Rule)],
    /// Position in [`PLANS`] of each model's plan; [`NO_PLAN`] for models without token prices.
    pub(super) plans: &'static [u16],
}

/// In [`Provider::plans`]: the facts know the model, but no price of its tokens.
pub(super) const NO_PLAN: u16 = u16::MAX;

#[rustfmt::skip]
#[allow(clippy::unreadable_literal, clippy::enum_glob_use, reason = "written by the build script")]
mod generated {
    use super::{ABSENT, NO_PLAN, Plan, Provider, RareRates, Rates, Rule::*, Tier, When};
    include!(concat!(env!("OUT_DIR"), "/prices.rs"));
}

pub(super) use generated::{PLANS, PROVIDERS};

impl Rule {
    /// Whether a folded name is meant.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Equals(text) => name == *text,
            Self::Starts(text) => name.starts_with(text),
            Self::Ends(text) => name.ends_with(text),
            Self::Contains(text) => name.contains(text),
            Self::Shape(shape) => name.len() == shape.len() && fits(shape, name),
            Self::StartShape(shape) => fits(shape, name),
            Self::Qualified => name.find('/').is_some_and(|slash| slash > 0),
            Self::Not(rule) => !rule.matches(name),
            Self::Any(rules) => rules.iter().any(|rule| rule.matches(name)),
            Self::All(rules) => rules.iter().all(|rule| rule.matches(name)),
        }
    }
}

/// Whether the name begins like the shape.
fn fits(shape: &str, name: &str) -> bool {
    name.len() >= shape.len()
        && shape.bytes().zip(name.bytes()).all(|(shape, byte)| match shape {
            b'#' => byte.is_ascii_digit(),
            shape => shape == byte,
        })
}

/// The plan of a model, by the names of the provider and the model; see [`super::Price::lookup`].
pub(super) fn find(provider: Option<&str>, model: &str) -> Option<&'static Plan> {
    let model = fold(model);
    let mut model: &str = &model;
    let provider = match provider {
        None => PROVIDERS.iter().find(|candidate| owns(candidate, model))?,
        Some(name) if name.eq_ignore_ascii_case("litellm") => match model.split_once('/') {
            Some((real, rest)) if provider_named(real).is_some() => {
                model = rest;
                provider_named(real)?
            }
            _ => PROVIDERS.iter().find(|candidate| owns(candidate, model))?,
        },
        Some(name) => provider_named(name)?,
    };
    let found =
        with_fallbacks(provider, model).or_else(|| with_fallbacks(provider, &dates::spell_out(model)?))?;
    PLANS.get(usize::from(found))
}

fn owns(provider: &Provider, model: &str) -> bool {
    provider.owns.is_some_and(|rule| rule.matches(model))
}

fn provider_named(name: &str) -> Option<&'static Provider> {
    let name = fold(name.trim());
    PROVIDERS.iter().find(|candidate| candidate.id == name).or_else(|| {
        PROVIDERS.iter().find(|candidate| candidate.alias.is_some_and(|rule| rule.matches(&name)))
    })
}

/// The position of the model's plan at the provider or, where it has no row for the model, at its fallbacks.
/// [`NO_PLAN`] is an answer too: the model is known, its price is not.
fn with_fallbacks(provider: &Provider, model: &str) -> Option<u16> {
    provider.plan(model).or_else(|| {
        let mut fallbacks = provider.fallbacks.iter().filter_map(|&index| PROVIDERS.get(usize::from(index)));
        fallbacks.find_map(|fallback| fallback.plan(model))
    })
}

impl Provider {
    /// The plan of the first model, in the order of the facts, that the name fits.
    fn plan(&self, model: &str) -> Option<u16> {
        let exact = self.exact.binary_search(&fingerprint(model)).ok();
        let exact = exact.and_then(|index| self.exact_models.get(index)).copied();
        let mut rules = self.rules.iter().take_while(|(index, _)| exact.is_none_or(|exact| *index < exact));
        let model = rules.find(|(_, rule)| rule.matches(model)).map(|(index, _)| *index).or(exact)?;
        self.plans.get(usize::from(model)).copied()
    }
}

impl Plan {
    /// The rates at a time, in seconds since 1970-01-01 UTC, for a number of input tokens.
    pub(super) fn rates(self, at: u64, input_tokens: u64) -> Option<Rates> {
        let tiers = match self {
            Self::Fixed(tiers) => tiers,
            Self::Dated(periods) => {
                let holding = periods.iter().rev().find(|(when, _)| when.holds(at));
                holding.or_else(|| periods.first())?.1
            }
        };
        let tier = tiers.iter().rev().find(|tier| input_tokens > u64::from(tier.above));
        tier.or_else(|| tiers.first()).map(|tier| tier.rates)
    }
}

impl When {
    fn holds(self, at: u64) -> bool {
        let (days, seconds) = (at / 86_400, at % 86_400);
        match self {
            Self::Always => true,
            Self::From(day) => days >= u64::from(day),
            Self::Daily(start, end) => {
                let (start, end) = (u64::from(start), u64::from(end));
                if end < start {
                    seconds >= start || seconds < end
                } else {
                    seconds >= start && seconds < end
                }
            }
        }
    }
}

/// Bytes of the whole table, texts included.
#[cfg(test)]
pub(super) fn size() -> usize {
    fn of_rule(rule: &Rule) -> usize {
        match rule {
            Rule::Equals(text)
            | Rule::Starts(text)
            | Rule::Ends(text)
            | Rule::Contains(text)
            | Rule::Shape(text)
            | Rule::StartShape(text) => text.len(),
            Rule::Qualified => 0,
            Rule::Not(rule) => size_of_val(*rule) + of_rule(rule),
            Rule::Any(rules) | Rule::All(rules) => {
                size_of_val(*rules) + rules.iter().map(of_rule).sum::<usize>()
            }
        }
    }
    let providers = PROVIDERS.iter().map(|provider| {
        let rules = provider.rules.iter().map(|(_, rule)| rule).chain(&provider.alias).chain(&provider.owns);
        provider.id.len()
            + size_of_val(provider.fallbacks)
            + size_of_val(provider.exact)
            + size_of_val(provider.exact_models)
            + size_of_val(provider.rules)
            + size_of_val(provider.plans)
            + rules.map(of_rule).sum::<usize>()
    });
    let plans = PLANS.iter().map(|plan| match plan {
        Plan::Fixed(tiers) => size_of_val(*tiers),
        Plan::Dated(periods) => {
            size_of_val(*periods) + periods.iter().map(|(_, tiers)| size_of_val(*tiers)).sum::<usize>()
        }
    });
    size_of_val(PROVIDERS) + size_of_val(PLANS) + providers.sum::<usize>() + plans.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::{PLANS, PROVIDERS, Provider, Rule, When};

    #[test]
    fn the_table_stays_small() {
        // With pointers of eight bytes; it is a quarter smaller where they have four.
        assert!(super::size() < 200_000, "{}", super::size());
    }

    #[test]
    fn the_table_is_in_order() {
        for provider in PROVIDERS {
            assert!(provider.exact.is_sorted(), "{}", provider.id);
            assert_eq!(provider.exact.len(), provider.exact_models.len());
            assert!(provider.rules.is_sorted_by_key(|(model, _)| model));
            assert!(
                provider.plans.iter().all(|&plan| plan == super::NO_PLAN || usize::from(plan) < PLANS.len())
            );
        }
    }

    /// Fingerprint of `ab`.
    const AB: u64 = 0x089c_4407_b545_986a;

    #[test]
    fn the_first_model_that_fits_wins() {
        assert_eq!(super::fingerprint("ab"), AB);
        let provider = |rules| Provider {
            id: "p",
            alias: None,
            owns: None,
            fallbacks: &[],
            exact: &[AB],
            exact_models: &[1],
            rules,
            plans: &[10, 11, 12],
        };
        let (before, after) = (provider(&[(0, Rule::Starts("a"))]), provider(&[(2, Rule::Starts("a"))]));
        assert_eq!(before.plan("ab"), Some(10));
        assert_eq!(after.plan("ab"), Some(11));
        assert_eq!(after.plan("ax"), Some(12));
        assert_eq!(after.plan("b"), None);
    }

    #[test]
    fn hours_may_cross_midnight() {
        let night = When::Daily(79_200, 3_600);
        for (second, holds) in [(0, true), (3_599, true), (3_600, false), (79_199, false), (79_200, true)] {
            assert_eq!(night.holds(86_400 * 20_000 + second), holds, "{second}");
        }
    }
}
