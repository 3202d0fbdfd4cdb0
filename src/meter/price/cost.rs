//! The arithmetic: tokens times rates, in whole 10⁻¹² dollars.

use super::table::{ABSENT, RareRates, Rates};
use crate::chat::Usage;
use crate::config::tables::PriceOverride;
use std::fmt;

/// 10⁻¹² dollars in a millionth of a dollar.
const PER_MICRO: u128 = 1_000_000;
/// 10⁻¹² dollars in a dollar.
const PER_DOLLAR: u128 = 1_000_000_000_000;
/// 10⁻¹² dollars in the unit of [`RareRates::request`].
const PER_REQUEST_UNIT: u128 = 1_000;

/// An amount of money.
///
/// It is a whole number of 10⁻¹² dollars, the unit of the rates, so sums and products are exact: no amount drifts,
/// however many are added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(u128);

impl Cost {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// In 10⁻¹² dollars, exactly. Totals over many requests are best kept in this unit.
    pub fn pico_usd(self) -> u128 {
        self.0
    }

    /// In millionths of a dollar, halves rounded up; `u64::MAX` for more than 18 million million dollars.
    pub fn micro_usd(self) -> u64 {
        let micros = self.0.saturating_add(PER_MICRO / 2) / PER_MICRO;
        u64::try_from(micros).unwrap_or(u64::MAX)
    }

    /// The whole millionths of a dollar in it and in what was left of others, in 10⁻¹² dollars; and what is left now.
    pub fn micro_usd_and_rest(self, left: u64) -> (u64, u64) {
        let sum = self.0.saturating_add(left.into());
        let rest = u64::try_from(sum % PER_MICRO).unwrap_or(0);
        (u64::try_from(sum / PER_MICRO).unwrap_or(u64::MAX), rest)
    }

    /// In dollars as a decimal number: exact, with at least six decimals and no zeros after those (`0.001234`,
    /// `0.00000015`).
    pub fn usd(self) -> impl fmt::Display {
        Dollars(self.0)
    }
}

struct Dollars(u128);

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut fraction, mut width) = (self.0 % PER_DOLLAR, 12);
        while width > 6 && fraction.is_multiple_of(10) {
            fraction /= 10;
            width -= 1;
        }
        write!(f, "{}.{fraction:0width$}", self.0 / PER_DOLLAR)
    }
}

/// Rates of one model with the rare ones in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ModelRates {
    input: Option<u32>,
    output: Option<u32>,
    cache_read: Option<u32>,
    cache_write: Option<u32>,
    cache_write_1h: Option<u32>,
    reasoning: Option<u32>,
    audio_input: Option<u32>,
    audio_output: Option<u32>,
    request: Option<u32>,
}

impl ModelRates {
    pub(super) fn from_table(rates: Rates) -> Self {
        let known = |rate: u32| (rate != ABSENT).then_some(rate);
        let rare = |field: fn(&RareRates) -> u32| rates.rare.map(field).and_then(known);
        Self {
            input: known(rates.input),
            output: known(rates.output),
            cache_read: known(rates.cache_read),
            cache_write: known(rates.cache_write),
            cache_write_1h: rare(|rare| rare.cache_write_1h),
            reasoning: rare(|rare| rare.reasoning),
            audio_input: rare(|rare| rare.audio_input),
            audio_output: rare(|rare| rare.audio_output),
            request: rare(|rare| rare.request),
        }
    }

    pub(super) fn from_override(own: &PriceOverride) -> Option<Self> {
        let optional = |dollars: Option<f64>| match dollars {
            Some(dollars) => rate(dollars).map(Some),
            None => Some(None),
        };
        Some(Self {
            input: Some(rate(own.input)?),
            output: Some(rate(own.output)?),
            cache_read: optional(own.cache_read)?,
            cache_write: optional(own.cache_write)?,
            cache_write_1h: None,
            reasoning: None,
            audio_input: None,
            audio_output: None,
            request: None,
        })
    }

    pub(super) fn cost(&self, usage: &Usage) -> Option<Cost> {
        self.input.or(self.output)?;
        if let (Some(input), Some(output)) = (usage.billed_input, usage.billed_output) {
            let billed = Usage { input: Some(input), output: Some(output), ..Usage::default() };
            return self.cost(&billed);
        }
        let mut input = Remaining(usage.input?);
        let read = input.take(usage.cache_read);
        let mut written = Remaining(input.take(usage.cache_write.max(usage.cache_write_1h)));
        let written_1h = written.take(usage.cache_write_1h);
        let audio_in = input.take(usage.audio_input);
        let mut output = Remaining(usage.output?);
        let reasoning = output.take(usage.reasoning);
        let audio_out = output.take(usage.audio_output);

        let cache_write = self.cache_write.or(self.input);
        let parts = [
            (input.0, self.input),
            (read, self.cache_read.or(self.input)),
            (written.0, cache_write),
            (written_1h, self.cache_write_1h.or(cache_write)),
            (audio_in, self.audio_input.or(self.input)),
            (output.0, self.output),
            (reasoning, self.reasoning.or(self.output)),
            (audio_out, self.audio_output.or(self.output)),
        ];
        let request = u128::from(self.request.unwrap_or(0)).saturating_mul(PER_REQUEST_UNIT);
        parts.into_iter().try_fold(Cost(request), |sum, (tokens, rate)| {
            if tokens == 0 {
                return Some(sum);
            }
            // 2⁶⁴ tokens at 2³² each: eight such products fit 128 bits many times over.
            Some(Cost(sum.0.saturating_add(u128::from(tokens).saturating_mul(u128::from(rate?)))))
        })
    }
}

/// Tokens that no price has been put on yet.
struct Remaining(u64);

impl Remaining {
    /// Takes a subset out; at most what is left.
    fn take(&mut self, subset: Option<u64>) -> u64 {
        let taken = subset.unwrap_or(0).min(self.0);
        self.0 = self.0.saturating_sub(taken);
        taken
    }
}

/// Dollars per million tokens as 10⁻¹² dollars per token.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn rate(dollars: f64) -> Option<u32> {
    let rate = (dollars * 1e6).round();
    (dollars >= 0.0 && rate < f64::from(ABSENT)).then_some(rate as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::price::Price;
    use std::time::UNIX_EPOCH;

    const OWN: PriceOverride =
        PriceOverride { input: 2.0, output: 8.0, cache_read: Some(0.2), cache_write: Some(2.5) };

    fn cost(own: &PriceOverride, usage: &Usage) -> Option<Cost> {
        Price::from_override(own)?.cost(usage, UNIX_EPOCH)
    }

    #[test]
    fn subsets_are_taken_out_of_the_whole() {
        let usage = Usage {
            input: Some(1_000),
            output: Some(100),
            cache_read: Some(600),
            cache_write: Some(300),
            cache_write_1h: Some(100),
            reasoning: Some(40),
            ..Usage::default()
        };
        // 100 × 2 + 600 × 0.2 + 300 × 2.5 + 100 × 8
        assert_eq!(cost(&OWN, &usage).unwrap().micro_usd(), 1_870);
    }

    #[test]
    fn missing_cache_prices_are_those_of_input() {
        let own = PriceOverride { cache_read: None, cache_write: None, ..OWN };
        let usage = Usage {
            input: Some(1_000),
            output: Some(0),
            cache_read: Some(500),
            cache_write: Some(500),
            ..Usage::default()
        };
        assert_eq!(cost(&own, &usage).unwrap().micro_usd(), 2_000);
    }

    #[test]
    fn subsets_larger_than_the_whole_are_cut() {
        let usage = Usage {
            input: Some(10),
            output: Some(10),
            cache_read: Some(u64::MAX),
            cache_write_1h: Some(u64::MAX),
            reasoning: Some(u64::MAX),
            audio_output: Some(u64::MAX),
            ..Usage::default()
        };
        assert_eq!(cost(&OWN, &usage).unwrap().pico_usd(), 10 * 200_000 + 10 * 8_000_000);
    }

    #[test]
    fn what_is_not_said_has_no_cost() {
        for usage in [
            Usage::default(),
            Usage { input: Some(1), ..Usage::default() },
            Usage { output: Some(1), ..Usage::default() },
        ] {
            assert_eq!(cost(&OWN, &usage), None);
        }
    }

    #[test]
    fn free_is_zero_when_someone_says_so() {
        let own = PriceOverride { input: 0.0, output: 0.0, cache_read: None, cache_write: None };
        let usage = Usage { input: Some(5), output: Some(5), ..Usage::default() };
        assert_eq!(cost(&own, &usage), Some(Cost::default()));
    }

    #[test]
    fn unusable_numbers_are_no_price() {
        for bad in [-1.0, -1e-9, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(Price::from_override(&PriceOverride { input: bad, ..OWN }), None, "{bad}");
            assert_eq!(Price::from_override(&PriceOverride { cache_read: Some(bad), ..OWN }), None, "{bad}");
        }
    }

    #[test]
    fn the_largest_counts_do_not_overflow() {
        let usage = Usage { input: Some(u64::MAX), output: Some(u64::MAX), ..Usage::default() };
        let most = PriceOverride { input: 4_294.0, output: 4_294.0, cache_read: None, cache_write: None };
        let cost = cost(&most, &usage).unwrap();
        assert_eq!(cost.pico_usd(), u128::from(u64::MAX) * 2 * 4_294_000_000);
        assert_eq!(Cost(u128::MAX).micro_usd(), u64::MAX);
    }

    #[test]
    fn amounts_read_well() {
        for (pico, micro, text) in [
            (0, 0, "0.000000"),
            (1, 0, "0.000000000001"),
            (150_000, 0, "0.00000015"),
            (499_999, 0, "0.000000499999"),
            (500_000, 1, "0.0000005"),
            (1_234_000_000, 1_234, "0.001234"),
            (12_000_000_000_000, 12_000_000, "12.000000"),
            (1_000_000_100_000, 1_000_000, "1.0000001"),
        ] {
            assert_eq!(Cost(pico).micro_usd(), micro);
            assert_eq!(Cost(pico).usd().to_string(), text);
        }
    }

    #[test]
    fn what_is_less_than_a_millionth_is_kept_for_the_next() {
        let (mut shown, mut left) = (0, 0);
        for _ in 0..20 {
            let (whole, rest) = Cost(400_000).micro_usd_and_rest(left);
            shown += whole;
            left = rest;
        }
        assert_eq!((shown, left), (8, 0));
    }
}
