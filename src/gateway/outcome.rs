//! How a try ended, for everybody who wants to know: the target's health, its circuit, its cooldown.

use super::circuits;
use super::exchange::{Ending, Exchange};
use super::host::Host;
use super::worker::Worker;
use crate::chat::FailureKind;
use crate::config::tables::{Auth, Target};
use crate::meter::metrics::Labels;
use crate::meter::stat::Stat;
use crate::policy::circuit::{Board, State};
use crate::policy::health::{ErrorClass, Observation};
use std::time::Duration;

impl Worker {
    /// Ends the try under way, if it is still open, and tells health and circuit of it. What comes back is the board of
    /// circuits, where the end changed it.
    pub fn end_attempt(
        &self,
        host: &impl Host,
        now_ns: u64,
        exchange: &mut Exchange,
        ending: Ending,
    ) -> Option<Board> {
        let passed_limit = ending.status.is_none() && exchange.passed_limit(now_ns).is_some();
        let kind = if passed_limit { Some(FailureKind::Timeout) } else { ending.kind };
        let (streaming, released) = (exchange.stream, exchange.answer.released);
        let ended = exchange.end_attempt(now_ns, ending.status, ending.reason, ending.retry_after)?;
        let end = ended.end.as_ref()?;
        let own_key = !matches!(ended.provider.auth, Auth::Passthrough);
        let class = match &end.reason {
            Some(_) if released && end.status.is_none() => Some(ErrorClass::Stream),
            Some(_) => ErrorClass::of(end.status, kind, streaming, own_key),
            None => None,
        };
        let failed = class.is_some();
        let error = class.zip(end.reason.as_deref());
        self.observe(&ended.target, Observation { at: now_ns / 1_000_000_000, ms: end.ms, error });
        self.tell_latency(host, exchange, now_ns, failed);
        self.tell_circuit(host, now_ns / 1_000_000, exchange, class, ending.retry_after)
    }

    /// The first content of a stream has come. That is all that a target's circuit wants to know of the request that tries
    /// it: nobody else has to wait for the end of a long answer.
    pub fn prove_target(&self, host: &impl Host, exchange: &mut Exchange) {
        let Some(position) = exchange.current().map(|step| step.target) else { return };
        if exchange.probing.take_if(|probing| *probing == position).is_none() {
            return;
        }
        let Some(target) = exchange.model.targets.get(position) else { return };
        let (id, now_ms) = (target.id, host.now_ns() / 1_000_000);
        let changed = circuits::change(host, now_ms, |board| match &target.circuit.breaker {
            Some(breaker) => board.succeeded(id, breaker, true, now_ms),
            None => None,
        });
        if let Some((Some(state), _)) = changed {
            self.count_change(host, target, state);
        }
    }

    /// The request left its target without having learnt anything about it.
    pub fn leave_attempt(&self, host: &impl Host, exchange: &mut Exchange) {
        self.end_busy(host, exchange);
        let Some(target) = exchange.probing.take().and_then(|position| exchange.model.targets.get(position))
        else {
            return;
        };
        let now_ms = host.now_ns() / 1_000_000;
        circuits::change(host, now_ms, |board| board.end_probe(target.id, now_ms));
    }

    /// Takes the one place of the request that tries a target whose circuit was open, for so long that the try is over;
    /// `false`: another has it.
    pub fn begin_probe(&self, host: &impl Host, target: &Target, lease: Duration) -> bool {
        let now_ms = host.now_ns() / 1_000_000;
        let done = circuits::change(host, now_ms, |board| board.begin_probe(target.id, lease, now_ms));
        let Some((granted, board)) = done else { return false };
        if granted && board.cell(target.id).is_some_and(|cell| cell.state == State::HalfOpen) {
            self.count_change(host, target, State::HalfOpen);
        }
        granted
    }

    fn tell_circuit(
        &self,
        host: &impl Host,
        now_ms: u64,
        exchange: &mut Exchange,
        class: Option<ErrorClass>,
        retry_after: Option<Duration>,
    ) -> Option<Board> {
        let position = exchange.current()?.target;
        let probing = exchange.probing.take_if(|probing| *probing == position).is_some();
        let target = exchange.model.targets.get(position)?;
        let (id, breaker) = (target.id, target.circuit.breaker);
        let (change, board) = match (class, breaker) {
            (Some(class), Some(breaker)) if class.opens_circuit() => {
                circuits::change(host, now_ms, |board| board.failed(id, &breaker, probing, now_ms))
            }
            (Some(ErrorClass::RateLimit), _) => {
                let pause = retry_after.unwrap_or(target.circuit.cooldown).min(target.circuit.max_cooldown);
                if pause.is_zero() && !probing {
                    return None;
                }
                circuits::change(host, now_ms, |board| {
                    if !pause.is_zero() {
                        board.cool(id, pause, now_ms);
                    }
                    if probing {
                        board.end_probe(id, now_ms);
                    }
                    None
                })
            }
            (None | Some(_), Some(breaker)) if probing || exchange.troubled.contains(&id) => {
                circuits::change(host, now_ms, |board| board.succeeded(id, &breaker, probing, now_ms))
            }
            _ => None,
        }?;
        if let Some(state) = change {
            self.count_change(host, target, state);
        }
        Some(board)
    }

    fn count_change(&self, host: &impl Host, target: &Target, state: State) {
        let labels = Labels { model: &target.model, provider: &target.provider.name, tenant: "" };
        let class = [("class", state.as_str())];
        self.metrics.borrow_mut().add(host, Stat::CircuitChanges, labels, &class, 1);
    }
}
