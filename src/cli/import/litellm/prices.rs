//! What a deployment costs: its own price, or that of the model behind it.

use super::super::fields::Fields;
use super::Import;
use crate::chat::Usage;
use crate::config::schema::Price;
use crate::meter::price as meter;
use crate::provider::preset;
use std::time::SystemTime;

impl Import<'_> {
    /// A price of the deployment's own.
    pub(super) fn price(&mut self, params: &mut Fields, info: &mut Fields, preset_name: &str, target: &str) {
        let mut take = |name: &str| {
            let [own, told] = [&mut *params, &mut *info].map(|fields| {
                let price = fields.number(name, &mut self.report);
                if price.is_some_and(|price| price < 0.0) {
                    self.report.left(fields.at(name), "is below zero");
                }
                price.filter(|price| *price >= 0.0)
            });
            // Per token there, per million here; rounded where the binary fraction would show.
            own.or(told).map(|price| (price * 1e12).round() / 1e6)
        };
        let input = take("input_cost_per_token");
        let output = take("output_cost_per_token");
        let cache_read = take("cache_read_input_token_cost");
        let cache_write = take("cache_creation_input_token_cost");
        if input.is_none() && output.is_none() && (cache_read.is_some() || cache_write.is_some()) {
            let why = "a price is that of input and output: what a cache costs says neither";
            self.report.left(params.at("cache_read_input_token_cost"), why);
        }
        if input.is_some() || output.is_some() {
            if input.is_none() || output.is_none() {
                let absent = if input.is_none() { "input_cost_per_token" } else { "output_cost_per_token" };
                self.report.changed(params.at(absent), "is not there and became 0, as in LiteLLM");
            }
            let price =
                Price { input: input.unwrap_or(0.0), output: output.unwrap_or(0.0), cache_read, cache_write };
            let known = self.prices.entry(target.to_owned()).or_insert_with(|| price.clone());
            if *known != price {
                let why = format!("`{target}` has another price already");
                self.report.left(params.at("input_cost_per_token"), why);
            }
        } else if let Some(base) = info.text("base_model", &mut self.report) {
            self.price_of_base(&info.at("base_model"), preset_name, &base, target);
        }
    }

    /// The price of a deployment whose name says nothing, as those at Azure: it is that of the model behind it.
    fn price_of_base(&mut self, at: &str, preset_name: &str, base: &str, target: &str) {
        let facts = preset(preset_name).and_then(|preset| preset.price_provider);
        let model = base.split_once('/').map_or(base, |(_, model)| model);
        let known = |model: &str| facts.and_then(|facts| meter::Price::lookup(Some(facts), model));
        if target.split_once('/').is_some_and(|(_, own)| known(own).is_some()) {
            self.report.left(at, "is what its name says anyway");
        } else if let Some(price) = known(model).as_ref().and_then(flat) {
            self.prices.entry(target.to_owned()).or_insert(price);
            self.report.changed(at, format!("became the price of `{target}`: what `{model}` costs today"));
        } else {
            self.report.left(at, format!("no price is known for `{base}`: `prices` can say it"));
        }
    }
}

/// What a million tokens cost today in a request that is not large.
fn flat(price: &meter::Price) -> Option<Price> {
    const TOKENS: u64 = 1_000;
    let none = Usage { input: Some(0), output: Some(0), ..Usage::default() };
    let million = |usage: &Usage| {
        let cost = price.cost(usage, SystemTime::now())?;
        // 10⁻¹² dollars for so many tokens; a price is far below what a double holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "a price of a thousand tokens is a small number")]
        Some((cost.pico_usd() / u128::from(TOKENS)) as f64 / 1e6)
    };
    let input = Usage { input: Some(TOKENS), ..none };
    Some(Price {
        input: million(&input)?,
        output: million(&Usage { output: Some(TOKENS), ..none })?,
        cache_read: million(&Usage { cache_read: Some(TOKENS), ..input }),
        cache_write: million(&Usage { cache_write: Some(TOKENS), ..input }),
    })
}
