//! Circuits and cooldowns of targets.

use super::limits;
use crate::config::Problem;
use crate::config::problem::{check_times, entry};
use crate::config::schema::{self, CircuitBreaker, Gateway};
use crate::config::tables::{Breaker, Circuit};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// A target that is never left alone.
pub(super) const OFF: Circuit =
    Circuit { breaker: None, cooldown: Duration::ZERO, max_cooldown: Duration::ZERO };

/// The number of a name: equal wherever it is computed, unlike a hash table's.
pub(super) fn id(name: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    digest.first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
}

/// What holds, of what was written in several places: the first that says something, field by field.
pub(super) fn resolve(written: [Option<&schema::Circuit>; 3]) -> Circuit {
    fn first<T>(
        written: [Option<&schema::Circuit>; 3],
        field: impl Fn(&schema::Circuit) -> Option<T>,
    ) -> Option<T> {
        written.into_iter().flatten().find_map(field)
    }
    let span = |field: fn(&schema::Circuit) -> Option<schema::Span>, otherwise| {
        first(written, field).map_or(otherwise, |span| span.0)
    };
    let failure_threshold = first(written, |circuit| circuit.failure_threshold).unwrap_or(0);
    let breaker = (failure_threshold > 0).then(|| Breaker {
        failure_threshold,
        success_threshold: first(written, |circuit| circuit.success_threshold).unwrap_or(1),
        open: span(|circuit| circuit.open, limits::CIRCUIT_OPEN),
    });
    Circuit {
        breaker,
        cooldown: span(|circuit| circuit.cooldown, Duration::ZERO),
        max_cooldown: span(|circuit| circuit.max_cooldown, limits::MAX_COOLDOWN),
    }
}

/// What is wrong with settings; `path` is that of the object they are in.
pub(super) fn check(circuit: Option<&schema::Circuit>, path: &str, problems: &mut Vec<Problem>) {
    let Some(circuit) = circuit else { return };
    let at = |field: &str| format!("{path}.circuit_breaker.{field}");
    if circuit.success_threshold == Some(0) {
        problems.push(Problem::new(at("success_threshold"), "must be more than 0"));
    }
    check_times(&format!("{path}.circuit_breaker"), &[("open", circuit.open)], problems);
    for (field, span) in
        [("open", circuit.open), ("cooldown", circuit.cooldown), ("max_cooldown", circuit.max_cooldown)]
    {
        if span.is_some_and(|span| span.0 > limits::CIRCUIT_BOUND) {
            problems.push(Problem::new(at(field), "must be at most 24h"));
        }
    }
}

/// What is wrong with the settings of defaults and providers.
pub(super) fn check_all(gateway: &Gateway, problems: &mut Vec<Problem>) {
    check(gateway.defaults.circuit_breaker.as_ref(), "defaults", problems);
    for (name, provider) in gateway.providers.iter() {
        let path = entry("providers", name);
        let own = provider.circuit_breaker.as_ref().map(CircuitBreaker::circuit);
        check(own.as_ref(), &path, problems);
        let Some(health_check) = &provider.health_check else { continue };
        if !health_check.path.starts_with('/')
            || health_check.path.chars().any(|c| c.is_control() || c == ' ')
        {
            problems
                .push(Problem::new(format!("{path}.health_check.path"), "must be a path such as /health"));
        }
        let times = [("every", health_check.every), ("timeout", health_check.timeout)];
        check_times(&format!("{path}.health_check"), &times, problems);
    }
}
