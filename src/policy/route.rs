//! From the model a client names to the chain of tries.

use crate::config::nearest::distance;
use crate::config::tables::{Auth, Model, Tables, Target};
use crate::dialect::{Call, Operation};
use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

/// Longest name that leads anywhere, in bytes: the longest that a provider gives, an ARN, has 2,048.
const LONGEST: usize = 2_048;

/// Longest name that a client is told of, or is told again, in bytes: that of names in the configuration.
const LONGEST_SHOWN: usize = 256;

/// What Ollama's clients append to a name without a tag. It says nothing.
const DEFAULT_TAG: &str = ":latest";

/// A public model found by name.
#[derive(Debug, Clone)]
pub struct Found {
    /// The model.
    pub model: Rc<Model>,
    /// What a wildcard's `*` stood for; empty for a plain name.
    pub carried: String,
}

/// The name that a client means: without `:latest` where only that is known.
pub fn meant<'a>(tables: &Tables, asked: &'a str) -> &'a str {
    let untagged = asked.strip_suffix(DEFAULT_TAG).filter(|name| tables.models.contains_key(*name));
    untagged.filter(|_| !tables.models.contains_key(asked)).unwrap_or(asked)
}

/// Finds the model that a client names: exact names and aliases first, then wildcards, the most specific first.
pub fn find(tables: &Tables, asked: &str) -> Option<Found> {
    if asked.len() > LONGEST {
        return None;
    }
    if let Some(model) = tables.models.get(asked) {
        return Some(Found { model: Rc::clone(model), carried: String::new() });
    }
    // In a path these would lead elsewhere (RFC 3986 §5.2.4).
    if asked.split('/').any(|part| matches!(part, "." | "..")) {
        return None;
    }
    tables.wildcards.iter().find_map(|w| {
        let carried = asked.strip_prefix(&*w.prefix)?.strip_suffix(&*w.suffix)?;
        (!carried.is_empty()).then(|| Found { model: Rc::clone(&w.model), carried: carried.to_owned() })
    })
}

/// The provider's name of a target's model, with the wildcard's part in its place.
pub fn upstream_model(target: &Target, carried: &str) -> String {
    if carried.is_empty() { target.model.to_string() } else { target.model.replacen('*', carried, 1) }
}

/// One try of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Position in [`Model::targets`].
    pub target: usize,
    /// 0 for the first try at the target.
    pub retry: u32,
    /// Its circuit was open: the try needs leave (see [`super::circuit::Board::begin_probe`]).
    pub probe: bool,
}

/// Why a target cannot be asked at all; `None` when it can.
pub fn unfit(target: &Target, call: &Call) -> Option<String> {
    if let Auth::Missing { variable } = &target.provider.auth {
        return Some(format!("the environment variable {variable} is not set"));
    }
    if target.provider.endpoint_for(call, &target.model).is_none() {
        return Some(format!("the provider has no endpoint for {}", call.operation.as_str()));
    }
    None
}

/// For a request that is only to be counted: the provider's name of the model, when the first target that would answer
/// the conversation cannot count. Another one of the chain may be able to, but its tokens are not those asked for: an
/// estimate is nearer.
pub fn uncounted(found: &Found, call: &Call) -> Option<String> {
    if call.operation != Operation::CountTokens {
        return None;
    }
    let chat = Call { operation: Operation::Chat, ..call.clone() };
    let first = found.model.chain().iter().find(|target| unfit(target, &chat).is_none())?;
    unfit(first, call).is_some().then(|| upstream_model(first, &found.carried))
}

/// The tries of a request in order: each target that can be asked ([`unfit`] says which cannot), then its retries.
pub fn steps(model: &Model, call: &Call) -> Vec<Step> {
    steps_within(model, call, 0..model.chain)
}

/// The tries at the targets of these positions.
pub fn steps_within(model: &Model, call: &Call, positions: Range<usize>) -> Vec<Step> {
    let begin = positions.start;
    model
        .targets
        .get(positions)
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter(|(_, target)| unfit(target, call).is_none())
        .map(|(target, _)| target.saturating_add(begin))
        .flat_map(|target| (0..=model.retries).map(move |retry| Step { target, retry, probe: false }))
        .collect()
}

/// A name that came from a client as errors and the audit line repeat it: not in whole, if it is longer than any name is.
pub fn shown(asked: &str) -> Cow<'_, str> {
    match asked.get(..asked.floor_char_boundary(LONGEST_SHOWN)) {
        Some(head) if head.len() < asked.len() => format!("{head}…").into(),
        _ => asked.into(),
    }
}

/// How much of a name is compared, in characters: names, not prose.
const COMPARED: usize = 64;

/// Of these names those near to an unknown one, the nearest first, at most three.
pub fn nearest<'t>(names: impl IntoIterator<Item = &'t str>, asked: &str) -> Vec<&'t str> {
    if asked.len() > LONGEST_SHOWN {
        return Vec::new();
    }
    let compared = |name: &str| name.to_lowercase().chars().take(COMPARED).collect::<String>();
    let asked = compared(asked);
    let mut scored: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let known = compared(name);
            let distance = distance(&asked, &known);
            (distance.saturating_mul(2) <= known.len().max(asked.len())).then_some((distance, name))
        })
        .collect();
    scored.sort_unstable();
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_SHOWN, nearest, shown};

    #[test]
    fn a_name_that_is_none_is_cut_and_near_to_nothing() {
        let long = "é".repeat(500_000);
        assert_eq!(nearest(["gpt-4o"], &long), Vec::<&str>::new());
        assert_eq!(shown(&long).len(), LONGEST_SHOWN + "…".len());
        assert_eq!(shown("gpt-4o"), "gpt-4o");
        assert_eq!(nearest(["gpt-4o", "claude"], "gpt-4"), ["gpt-4o"]);
    }

    #[test]
    fn names_that_are_near() {
        let names = ["gpt", "claude-sonnet-4-5", "claude-haiku-4-5"];
        assert_eq!(nearest(names, "gtp"), ["gpt"]);
        assert_eq!(nearest(names, "Claude-Sonnet-4.5"), ["claude-sonnet-4-5", "claude-haiku-4-5"]);
        assert_eq!(nearest(names, "mistral"), Vec::<&str>::new());
        assert_eq!(nearest(names, &"x".repeat(200)), Vec::<&str>::new(), "the longer, the less like any");
    }
}
