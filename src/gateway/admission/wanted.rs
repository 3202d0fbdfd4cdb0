//! What a request may use at most.

use crate::chat::Usage;
use crate::dialect::Operation;
use crate::gateway::exchange::Exchange;
use crate::gateway::worker::Worker;
use crate::meter::estimate::{self, Tokenizer};
use crate::policy::quota::Amounts;
use crate::policy::route;
use std::rc::Rc;

/// What a request may use at most: its input as estimated, and as much output as it allows, at the dearest target of its
/// chain, for any of them may come to answer. Where a price is not known, no money; of the first target, with a warning.
pub(super) fn wanted(
    worker: &Worker,
    exchange: &mut Exchange,
    now_ns: u64,
    counts_money: bool,
    warnings: &mut Vec<String>,
) -> Amounts {
    let model = Rc::clone(&exchange.model);
    let asked = match exchange.call.operation {
        Operation::Chat => Some(estimate::asked_output(&exchange.body)),
        Operation::Embeddings(_) | Operation::Rerank(_) => None,
        // Nothing is used by a count, and nobody knows what a service uses.
        Operation::CountTokens | Operation::Forward(_) | Operation::ShowModel => return Amounts::default(),
    };
    let mut input = None;
    let mut most = Amounts::default();
    for step in exchange.steps.iter().filter(|step| step.retry == 0) {
        let Some(target) = model.targets.get(step.target) else { continue };
        let upstream = route::upstream_model(target, &exchange.carried);
        let is_first = input.is_none();
        let input =
            *input.get_or_insert_with(|| estimate::from_body(&exchange.body, Tokenizer::of_model(&upstream)));
        let output = asked.map_or(0, |asked| match target.max_tokens {
            Some(limit) => asked.at_most(limit),
            None => asked.or(model.default_max_tokens),
        });
        most.tokens = most.tokens.max(input.saturating_add(output));
        if !counts_money {
            continue;
        }
        let usage = Usage { input: Some(input), output: Some(output), ..Usage::default() };
        match worker.quote(now_ns, &exchange.tables, &target.provider, &upstream, &usage) {
            Some(cost) => most.usd = most.usd.max(u64::try_from(cost.pico_usd()).unwrap_or(u64::MAX)),
            None if is_first => warnings.push(format!(
                "no price is known for {}/{upstream}: budgets in USD do not count this request",
                target.provider.name
            )),
            None => {}
        }
    }
    exchange.answer.input_estimate = input.or(exchange.answer.input_estimate);
    most
}
