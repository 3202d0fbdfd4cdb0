//! What tokens cost.
//!
//! The facts (prices, names, dates) are those of [`genai-prices`](https://github.com/pydantic/genai-prices) (MIT,
//! Pydantic), in the version that `Cargo.lock` names. The build script compiles them to a static table, because the
//! crate itself brings 780 kB of JSON, a decoder for it and two regular-expression engines into the module, and
//! decodes anew in each VM. In a release module for `wasm32-wasip1` that does nothing but look prices up, the table
//! and its code are 128 kB, the crate is 2,354 kB; on V8 a lookup takes 0.3 to 2.2 µs, the crate's 13 to 400 µs and
//! 0.4 s the first time. `make size` prints the size of the whole module; `cargo test --release price -- --ignored
//! --nocapture` the size of the table and the time of lookups on the host, next to those of the crate.
//!
//! A [`Price`] is found once by [`Price::lookup`] (or [`resolve`], where the configuration's own prices win) and is a
//! small copyable handle; [`Price::cost`] is arithmetic on integers. What is unknown is `None`, never zero.
//!
//! # Where this differs from the calculation of `genai-prices`
//! - Standard rates only. Its variants for batches, service tiers, routes and search types are left out, and so is
//!   what is not a token or a request: searches, pages, characters, seconds of audio.
//! - Image, video, citation and cached audio tokens have no count of their own in [`Usage`]; they are priced as plain
//!   (or plainly cached) tokens.
//! - A model it lists with no price at all (it calculates 0), and tokens of a kind it lists no price for (it leaves
//!   them out), have an unknown price here.
//! - Counts that contradict each other (more cached tokens than input) are an error there; here the subset is cut to
//!   what is left. Audio and cached input are taken for different tokens.
//! - Rates are rounded to 10⁻¹² dollars per token. Only a few rates of one gateway, with periods such as
//!   0.08333…, are touched by that; the error is at most half a millionth of a dollar per million tokens.
//! - Only ASCII letters are compared without regard to case.

mod cost;
mod dates;
mod name;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod oracle_tests;
#[cfg(test)]
mod pattern;
mod table;

pub use cost::Cost;

use crate::chat::Usage;
use crate::config::tables::PriceOverride;
use cost::ModelRates;
use std::time::{SystemTime, UNIX_EPOCH};

/// The prices of one model, at any time and for any size of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price(Source);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Table(table::Plan),
    Own(ModelRates),
}

/// The price of a provider's model: the configuration's own, or else the table's.
///
/// An own price that is not usable (see [`Price::from_override`]) hides the table's all the same: it is unknown then.
pub fn resolve(own: Option<&PriceOverride>, provider: Option<&str>, model: &str) -> Option<Price> {
    match own {
        Some(own) => Price::from_override(own),
        None => Price::lookup(provider, model),
    }
}

impl Price {
    /// The price of a model in the table.
    ///
    /// `provider` is an identifier of the price facts or one of its aliases (`openai`, `aws`, `bedrock`, `x-ai`…);
    /// `litellm` looks at what stands before the slash of the model. With `None` the provider is guessed from the
    /// model's name (`gpt-…`, `…claude…`), which is wrong for a model served by one's own machines: do not ask then.
    ///
    /// It takes about as long as reading a header: a hash of the name, a binary search, and a few string
    /// comparisons; nothing is allocated but for names with capitals or compact dates.
    pub fn lookup(provider: Option<&str>, model: &str) -> Option<Self> {
        table::find(provider, model).copied().map(|plan| Self(Source::Table(plan)))
    }

    /// A price that someone wrote down. `None` when a number is negative, not finite, or above 4,294 dollars per
    /// million tokens. Rates are rounded to the millionth of a dollar per million tokens.
    pub fn from_override(own: &PriceOverride) -> Option<Self> {
        ModelRates::from_override(own).map(|rates| Self(Source::Own(rates)))
    }

    /// What an answer cost that was asked for at a time.
    ///
    /// `None` when the usage does not say how many tokens went in or came out, or when tokens of that kind have no
    /// known price. Cached, audio and reasoning tokens without a price of their own cost what plain ones do;
    /// one-hour cache writes without one cost what other cache writes do. The rates of large requests hold for the
    /// whole request, as the providers bill.
    pub fn cost(&self, usage: &Usage, at: SystemTime) -> Option<Cost> {
        let rates = match self.0 {
            Source::Own(rates) => rates,
            Source::Table(plan) => {
                let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                ModelRates::from_table(plan.rates(at, usage.input?)?)
            }
        };
        rates.cost(usage)
    }
}
