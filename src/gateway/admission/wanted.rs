//! What a request may use at most.

use crate::chat::Usage;
use crate::config::tables::Provider;
use crate::dialect::Operation;
use crate::gateway::exchange::Exchange;
use crate::gateway::worker::Worker;
use crate::meter::estimate::{self, Tokenizer};
use crate::policy::quota::Amounts;
use crate::policy::route;
use std::rc::Rc;

/// What a request may use at most.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Wherever it goes.
    pub(super) most: Amounts,
    /// At each provider that may be asked.
    pub(super) at: Vec<(Rc<Provider>, Amounts)>,
}

impl Wanted {
    fn raise(&mut self, provider: &Rc<Provider>, amounts: Amounts) {
        self.most = self.most.max(amounts);
        match self.at.iter_mut().find(|(known, _)| known.index == provider.index) {
            Some((_, known)) => *known = known.max(amounts),
            None => self.at.push((Rc::clone(provider), amounts)),
        }
    }
}

/// What a request may use at most: its input as estimated, and as much output as it allows, at the dearest target of its
/// chain and of those that may take its place, for any of them may come to answer. Where a price is not known, no money;
/// of the first target, with a warning.
pub(super) fn wanted(
    worker: &Worker,
    exchange: &mut Exchange,
    now_ns: u64,
    counts_money: bool,
    warnings: &mut Vec<String>,
) -> Wanted {
    let model = Rc::clone(&exchange.model);
    let asked = match exchange.call.operation {
        Operation::Chat => Some(estimate::asked_output(&exchange.body)),
        Operation::Embeddings(_) | Operation::Rerank(_) => None,
        // Nothing is used by a count, and nobody knows what a service uses.
        Operation::CountTokens | Operation::Forward(_) | Operation::ShowModel => return Wanted::default(),
    };
    let mut input = None;
    let mut wanted = Wanted::default();
    for position in positions(exchange) {
        let Some(target) = model.targets.get(position) else { continue };
        let upstream = route::upstream_model(target, &exchange.carried);
        let is_first = input.is_none();
        let input =
            *input.get_or_insert_with(|| estimate::from_body(&exchange.body, Tokenizer::of_model(&upstream)));
        let output = asked.map_or(0, |asked| match target.max_tokens {
            Some(limit) => asked.at_most(limit),
            None => asked.or(model.default_max_tokens),
        });
        let mut amounts = Amounts { tokens: input.saturating_add(output), usd: 0 };
        if !counts_money {
            wanted.raise(&target.provider, amounts);
            continue;
        }
        let usage = Usage { input: Some(input), output: Some(output), ..Usage::default() };
        match worker.quote(now_ns, &exchange.tables, &target.provider, &upstream, &usage) {
            Some(cost) => amounts.usd = u64::try_from(cost.pico_usd()).unwrap_or(u64::MAX),
            None if is_first => warnings.push(format!(
                "no price is known for {}/{upstream}: budgets in USD do not count this request",
                target.provider.name
            )),
            None => {}
        }
        wanted.raise(&target.provider, amounts);
    }
    exchange.answer.input_estimate = input.or(exchange.answer.input_estimate);
    wanted
}

/// The targets (their positions) that may come to answer, the first one first: those of the chain, those that are passed
/// over for now, and those of the chains for a reason.
fn positions(exchange: &Exchange) -> Vec<usize> {
    let model = &exchange.model;
    let behind = route::steps_within(model, &exchange.call, model.chain..model.targets.len());
    let mut positions: Vec<usize> = Vec::new();
    for step in exchange.steps.iter().chain(&exchange.resting.cooling).chain(&behind) {
        if !positions.contains(&step.target) {
            positions.push(step.target);
        }
    }
    positions
}
