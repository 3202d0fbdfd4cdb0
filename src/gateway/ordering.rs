//! In which order a request's targets are tried: the model's strategy, or the target that its sender always gets.

use super::edge::Edge;
use super::host::Host;
use super::lay_out::Incoming;
use crate::chat::Usage;
use crate::config::tables::{Model, Target};
use crate::meter::estimate::{Tokenizer, asked_output, from_body};
use crate::policy::route::{Found, Step, upstream_model};
use crate::policy::session;
use crate::policy::signals;
use crate::policy::strategy::{self, Candidate, Sticky, Strategy};
use sha2::{Digest, Sha256};

/// The output of a request that sets no limit, in tokens, when prices are compared.
const USUAL_OUTPUT: u64 = 500;

/// The header that names a session.
const SESSION: &str = "x-session-id";

impl Edge {
    /// Puts the tries in order. What comes back is the word for what chose it; `None` where nothing did.
    pub(super) fn put_in_order(
        &self,
        host: &impl Host,
        request: &Incoming,
        found: &Found,
        steps: &mut [Step],
    ) -> Option<&'static str> {
        let model = &found.model;
        if (model.strategy == Strategy::Ordered && model.sticky.is_none()) || model.chain < 2 {
            return None;
        }
        let candidates: Vec<Candidate> = steps
            .iter()
            .filter(|step| step.retry == 0)
            .filter_map(|step| {
                let target = model.targets.get(step.target)?;
                Some(Candidate { position: step.target, id: target.id, weight: target.weight })
            })
            .collect();
        let sticky = model.sticky.and_then(|sticky| Some((sticky, self.sticks_to(sticky, request)?)));
        let (order, word) = match sticky {
            Some((sticky, key)) => (strategy::kept(&candidates, key), sticky.as_str()),
            None if model.strategy == Strategy::Ordered => return None,
            None => (self.by_strategy(host, request, found, &candidates), model.strategy.as_str()),
        };
        let is_spare = |step: &Step| model.targets.get(step.target).is_some_and(|target| target.weight == 0);
        let place = |step: &Step| order.iter().position(|position| *position == step.target);
        steps.sort_by_key(|step| (is_spare(step), place(step), step.retry));
        Some(word)
    }

    fn by_strategy(
        &self,
        host: &impl Host,
        request: &Incoming,
        found: &Found,
        candidates: &[Candidate],
    ) -> Vec<usize> {
        let model = &found.model;
        let chance = || self.worker.chance.next(|| host.now_ns());
        let learnt = || {
            let now_ms = host.now_ns() / 1_000_000;
            (self.worker.all_signals(host), now_ms)
        };
        match model.strategy {
            Strategy::Ordered => candidates.iter().map(|candidate| candidate.position).collect(),
            Strategy::Weighted => strategy::drawn(candidates, chance),
            Strategy::LeastBusy => {
                let (lists, now) = learnt();
                #[allow(clippy::cast_precision_loss)] // requests under way
                let busy = |candidate: &Candidate| signals::sum(&lists, candidate.id, now).busy as f64;
                strategy::smallest(candidates, chance, busy)
            }
            Strategy::LowestLatency => {
                let (lists, now) = learnt();
                strategy::smallest(candidates, chance, |candidate| {
                    signals::sum(&lists, candidate.id, now).expected_ms()
                })
            }
            Strategy::MostQuota => {
                let (lists, now) = learnt();
                strategy::smallest(candidates, chance, |candidate| {
                    -f64::from(signals::sum(&lists, candidate.id, now).quota)
                })
            }
            Strategy::LowestCost => {
                let usage = expected(request, model);
                let now_ns = host.now_ns();
                let price = |candidate: &Candidate| {
                    let target = model.targets.get(candidate.position);
                    let cost = target.and_then(|target| self.price(now_ns, target, &found.carried, &usage));
                    // Nobody knows whether an unknown price is a low one.
                    cost.unwrap_or(f64::INFINITY)
                };
                strategy::smallest(candidates, chance, price)
            }
        }
    }

    /// What a request would cost at a target, in 10⁻¹² dollars.
    #[allow(clippy::cast_precision_loss)] // compared, not added up
    fn price(&self, now_ns: u64, target: &Target, carried: &str, usage: &Usage) -> Option<f64> {
        let name = upstream_model(target, carried);
        let cost = self.worker.quote(now_ns, &self.tables, &target.provider, &name, usage)?;
        Some(cost.pico_usd() as f64)
    }

    /// The number of whoever a model's sticky targets are kept for; `None` where the request does not say.
    fn sticks_to(&self, sticky: Sticky, request: &Incoming) -> Option<u64> {
        let who = &self.record.identity;
        let owned = |text: &Option<std::rc::Rc<str>>| text.as_deref().map(ToOwned::to_owned);
        let name = match sticky {
            Sticky::Tenant => owned(&who.tenant),
            Sticky::Key => who.key_id().map(ToOwned::to_owned),
            Sticky::User => owned(&who.user).or_else(|| session::user(&request.body)),
            Sticky::Session => {
                let header = request.headers.get(SESSION).filter(|session| !session.is_empty());
                header.map(ToOwned::to_owned).or_else(|| session::session(&request.body))
            }
        }?;
        let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        digest.first_chunk().map(|head| u64::from_le_bytes(*head))
    }
}

/// What a request will use, as far as it can be guessed before it is sent.
fn expected(request: &Incoming, model: &Model) -> Usage {
    let first = model.targets.first().map_or("", |target| &target.model);
    let input = from_body(&request.body, Tokenizer::of_model(first));
    let output = asked_output(&request.body).or(USUAL_OUTPUT);
    Usage { input: Some(input), output: Some(output), ..Usage::default() }
}
