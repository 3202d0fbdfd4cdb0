//! Models: names, aliases, wildcards, and the chains behind them.

use super::tries::{Tries, waits};
use super::{circuit, limits};
use crate::config::Problem;
use crate::config::nearest::nearest;
use crate::config::problem::{check_times, entry};
use crate::config::schema::{self, Gateway, Litellm, ModelEntry, TargetEntry};
use crate::config::tables::{Backoff, FirstToken, Model, Provider, Target, Wildcard};
use crate::config::upstream::preset_names;
use crate::provider::preset;
use hashbrown::HashMap;
use serde_json::value::RawValue;
use std::ops::Range;
use std::rc::Rc;

/// What the tables know of models.
#[derive(Default)]
pub(super) struct Models {
    pub(super) by_name: HashMap<Box<str>, Rc<Model>>,
    pub(super) wildcards: Vec<Wildcard>,
    pub(super) listed: Vec<Box<str>>,
}

/// All models of the configuration.
pub(super) fn tables(gateway: &Gateway, providers: &[Rc<Provider>], problems: &mut Vec<Problem>) -> Models {
    let everything = everything_through(gateway, providers);
    let mut models = Models::default();
    Tries::from(&gateway.defaults).check("defaults", problems);
    if let Some(usual) = &gateway.defaults.fallbacks {
        by_reason(usual, "defaults", (gateway, providers), &mut Vec::new(), problems);
    }
    for (name, written) in gateway.models.iter() {
        let path = entry("models", name);
        let settings = match written {
            ModelEntry::Full(settings) => (**settings).clone(),
            ModelEntry::One(_) | ModelEntry::Chain(_) => schema::Model::default(),
        };
        let Some(pattern) = check_name(name, &path, problems) else { continue };
        let mut targets = targets(written, &path, pattern.is_some(), gateway, providers, problems);
        if let Some(proxy) = everything {
            targets.retain(|target| Rc::ptr_eq(&target.provider, proxy));
            if targets.is_empty() {
                targets.push(plain_target(proxy, if pattern.is_some() { "*" } else { name }));
            }
        }
        let model = Rc::new(model(name, &settings, targets, &path, (gateway, providers), problems));
        match pattern {
            Some((prefix, suffix)) => {
                models.wildcards.push(Wildcard {
                    prefix: prefix.into(),
                    suffix: suffix.into(),
                    model: model.clone(),
                });
                if let Some(index) = settings.aliases.first().map(|_| 0) {
                    let at = format!("{path}.aliases[{index}]");
                    problems.push(Problem::new(at, "a pattern has no aliases: add a pattern of their own"));
                }
            }
            None => name_model(name, &settings, &model, &path, gateway, &mut models, problems),
        }
    }
    if let Some(proxy) = everything
        && !models.wildcards.iter().any(|wildcard| wildcard.prefix.is_empty() && wildcard.suffix.is_empty())
    {
        let target = vec![plain_target(proxy, "*")];
        let model =
            Rc::new(model("*", &schema::Model::default(), target, "litellm", (gateway, providers), problems));
        models.wildcards.push(Wildcard { prefix: "".into(), suffix: "".into(), model });
    }
    if models.by_name.is_empty() && models.wildcards.is_empty() && problems.is_empty() {
        problems.push(Problem::new("models", "there is no model: clients could ask for nothing"));
    }
    // Stable: among equally long ones the order of the file stands.
    models.wildcards.sort_by_key(|wildcard| std::cmp::Reverse(wildcard.prefix.len() + wildcard.suffix.len()));
    models
}

/// The proxy that everything goes through, in LiteLLM mode `all`.
pub(super) fn everything_through<'p>(
    gateway: &Gateway,
    providers: &'p [Rc<Provider>],
) -> Option<&'p Rc<Provider>> {
    let litellm = gateway.litellm.as_ref()?;
    litellm.takes_everything().then(|| providers.iter().find(|provider| *provider.name == *"litellm"))?
}

/// Each provider as a model without a name, for requests that name none.
pub(super) fn direct(gateway: &Gateway, providers: &[Rc<Provider>]) -> Vec<Rc<Model>> {
    let settings = schema::Model::default();
    let one = |provider: &Rc<Provider>| {
        let target = vec![plain_target(provider, "")];
        // What could be wrong with the defaults is reported where a model uses them.
        Rc::new(model("", &settings, target, "defaults", (gateway, providers), &mut Vec::new()))
    };
    providers.iter().map(one).collect()
}

/// A target with nothing of its own.
fn plain_target(provider: &Rc<Provider>, model: &str) -> Target {
    let name: Rc<str> =
        if model.is_empty() { (*provider.name).into() } else { format!("{}/{model}", provider.name).into() };
    Target {
        provider: provider.clone(),
        model: model.into(),
        limit: FirstToken::default(),
        max_tokens: None,
        params: Vec::new(),
        id: circuit::id(&name),
        name,
        circuit: circuit::OFF,
        weight: 1,
        context_window: None,
    }
}

/// Checks a public name. `None`: bad; `Some(None)`: a name; `Some(Some(…))`: a pattern, before and after its `*`.
#[expect(clippy::option_option, reason = "three outcomes, told apart at once by the only caller")]
fn check_name<'n>(
    name: &'n str,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Option<Option<(&'n str, &'n str)>> {
    if name.is_empty() || name.len() > 256 || name.trim() != name || name.chars().any(char::is_control) {
        let message = "a model's name is 1 to 256 bytes, without control characters and outer spaces";
        problems.push(Problem::new(path, message));
        return None;
    }
    match name.split_once('*') {
        Some((_, suffix)) if suffix.contains('*') => {
            problems.push(Problem::new(path, "a pattern has one `*`"));
            None
        }
        pattern => Some(pattern),
    }
}

/// Enters a model under its name and aliases.
fn name_model(
    name: &str,
    settings: &schema::Model,
    model: &Rc<Model>,
    path: &str,
    gateway: &Gateway,
    models: &mut Models,
    problems: &mut Vec<Problem>,
) {
    models.listed.push(name.into());
    let aliases = settings.aliases.iter().enumerate().map(|(index, alias)| (Some(index), alias.as_str()));
    for (index, name) in std::iter::once((None, name)).chain(aliases) {
        let at = match index {
            Some(index) => format!("{path}.aliases[{index}]"),
            None => path.to_owned(),
        };
        if index.is_some() {
            match check_name(name, &at, problems) {
                Some(None) => {}
                Some(Some(_)) => {
                    problems
                        .push(Problem::new(at, "an alias is a plain name: patterns are models of their own"));
                    continue;
                }
                None => continue,
            }
            if gateway.models.get(name).is_some() {
                problems.push(Problem::new(at, format!("`{name}` is a model of its own")));
                continue;
            }
        }
        if let Some(other) = models.by_name.insert(name.into(), model.clone()) {
            problems.push(Problem::new(at, format!("`{name}` leads to the model `{}` already", other.name)));
        }
    }
}

/// The chain of a model.
fn targets(
    written: &ModelEntry,
    path: &str,
    is_pattern: bool,
    gateway: &Gateway,
    providers: &[Rc<Provider>],
    problems: &mut Vec<Problem>,
) -> Vec<Target> {
    let chain = written.chain(path);
    if chain.is_empty() {
        problems.push(Problem::new(path, "has no target"));
    }
    if chain.len() > limits::MAX_TARGETS {
        problems.push(Problem::new(path, format!("has more than {} targets", limits::MAX_TARGETS)));
    }
    chain
        .iter()
        .filter_map(|(at, target)| one_target(target, at, is_pattern, gateway, providers, problems))
        .collect()
}

/// One target of a chain.
fn one_target(
    written: &TargetEntry,
    at: &str,
    is_pattern: bool,
    gateway: &Gateway,
    providers: &[Rc<Provider>],
    problems: &mut Vec<Problem>,
) -> Option<Target> {
    let (provider_at, model_at, target) = match written {
        TargetEntry::Short(short) => {
            let Some((provider, model)) = short.split_once('/') else {
                let known =
                    providers.iter().any(|provider| *provider.name == **short) || preset(short).is_some();
                let message = "a target is `provider/model`";
                let near = known.then(|| format!("{short}/MODEL"));
                problems.push(Problem::new(at, message).suggest(near));
                return None;
            };
            let target = schema::Target {
                provider: provider.to_owned(),
                model: model.to_owned(),
                ..schema::Target::default()
            };
            (at.to_owned(), at.to_owned(), target)
        }
        TargetEntry::Full(target) => (format!("{at}.provider"), format!("{at}.model"), target.clone()),
    };
    if target.model.is_empty() || target.model.len() > 256 || target.model.chars().any(char::is_control) {
        problems
            .push(Problem::new(&model_at, "a model's name is 1 to 256 bytes, without control characters"));
    }
    match target.model.matches('*').count() {
        0 => {}
        1 if is_pattern => {}
        1 => problems
            .push(Problem::new(&model_at, "`*` has a meaning only under a pattern: this name has none")),
        _ => problems.push(Problem::new(&model_at, "has more than one `*`")),
    }
    if target.max_tokens == Some(0) {
        problems.push(Problem::new(format!("{at}.max_tokens"), "must be more than 0"));
    }
    let params = params(&target, at, problems);
    let Some(provider) = providers.iter().find(|provider| *provider.name == *target.provider) else {
        problems.push(unknown_provider(&target.provider, provider_at, gateway, providers)?);
        return None;
    };
    let plain = plain_target(provider, &target.model);
    if target.context_window == Some(0) {
        problems.push(Problem::new(format!("{at}.context_window"), "must be more than 0"));
    }
    let times = [("timeout", target.timeout), ("stream_timeout", target.stream_timeout)];
    check_times(at, &times, problems);
    Some(Target {
        limit: FirstToken::written(target.timeout, target.stream_timeout),
        max_tokens: target.max_tokens,
        params,
        weight: target.weight.unwrap_or(1),
        context_window: target.context_window,
        ..plain
    })
}

/// The request fields that a target sets.
fn params(target: &schema::Target, at: &str, problems: &mut Vec<Problem>) -> Vec<(Box<str>, Box<RawValue>)> {
    let mut params = Vec::new();
    for (name, value) in target.params.iter() {
        if matches!(name, "model" | "messages" | "stream" | "stream_options") {
            let message = "is not a target's to set: it belongs to the request and the gateway";
            problems.push(Problem::new(entry(&format!("{at}.params"), name), message));
        }
        if let Ok(raw) = serde_json::value::to_raw_value(value) {
            params.push((name.into(), raw));
        }
    }
    params
}

/// Why a target's provider is not there. `None` when the provider itself is the problem and has been reported, or is a
/// preset that was left out because the proxy takes its place.
fn unknown_provider(
    name: &str,
    at: String,
    gateway: &Gateway,
    providers: &[Rc<Provider>],
) -> Option<Problem> {
    if gateway.providers.get(name).is_some() || (name == "litellm" && gateway.litellm.is_some()) {
        return None;
    }
    Some(match preset(name) {
        Some(preset) if preset.base_url.is_none() => {
            let message = format!("the preset {name} needs a `base_url`: list it under `providers`");
            Problem::new(at, message)
        }
        Some(_) if gateway.litellm.as_ref().is_some_and(Litellm::takes_everything) => return None,
        // What is wrong with it has been told as well.
        Some(_) => Problem::new(at, format!("the provider `{name}` could not be resolved")),
        None => {
            let mut known: Vec<&str> = providers.iter().map(|provider| &*provider.name).collect();
            known.extend(preset_names());
            let near = nearest(name, known).map(ToOwned::to_owned);
            Problem::new(at, format!("there is no provider `{name}`")).suggest(near)
        }
    })
}

/// The model behind a name.
fn model(
    name: &str,
    settings: &schema::Model,
    mut targets: Vec<Target>,
    path: &str,
    (gateway, providers): (&Gateway, &[Rc<Provider>]),
    problems: &mut Vec<Problem>,
) -> Model {
    let defaults = &gateway.defaults;
    Tries::from(settings).check(path, problems);
    let [base, max] = waits(settings.backoff.as_ref().or(defaults.backoff.as_ref()));
    let span = |own: Option<schema::Span>, default: Option<schema::Span>, last| {
        own.or(default).map_or(last, |span: schema::Span| span.0)
    };
    let chain = targets.len();
    let [on_context_window, on_content_policy] =
        fallbacks(settings, path, gateway, providers, &mut targets, problems);
    let own = FirstToken::written(settings.timeout, settings.stream_timeout);
    let usual = FirstToken::written(defaults.timeout, defaults.stream_timeout);
    for target in &mut targets {
        target.limit = target.limit.or(own).or(target.provider.timeout).or(usual).filled();
        let written = [
            settings.circuit_breaker.as_ref(),
            Some(&target.provider.circuit),
            defaults.circuit_breaker.as_ref(),
        ];
        target.circuit = circuit::resolve(written);
    }
    let said = targets.iter().map(|target| target.limit.map(|limit| limit.unwrap_or(limits::TIMEOUT)));
    let longest = said.reduce(|longest, limit| longest.zip(limit).map(|(one, other)| one.max(other)));
    let timeout = longest.unwrap_or(FirstToken { whole: limits::TIMEOUT, stream: limits::TIMEOUT });
    // Where nothing was said the longest is as good as any, and keeping another one costs something.
    for target in &mut targets {
        target.limit =
            target.limit.zip(timeout).map(|(limit, longest)| limit.filter(|limit| *limit < longest));
    }
    let request_timeout = span(settings.request_timeout, defaults.request_timeout, limits::REQUEST_TIMEOUT);
    circuit::check(settings.circuit_breaker.as_ref(), path, problems);
    if chain > 0 && targets.iter().take(chain).all(|target| target.weight == 0) {
        problems
            .push(Problem::new(format!("{path}.targets"), "every weight is 0: nobody would be asked first"));
    }
    Model {
        name: name.into(),
        targets,
        retries: settings.retries.or(defaults.retries).unwrap_or(0),
        backoff: Backoff {
            base,
            max,
            max_retry_after: span(
                settings.max_retry_after,
                defaults.max_retry_after,
                limits::MAX_RETRY_AFTER,
            ),
        },
        timeout,
        request_timeout,
        drop_params: settings.drop_params.or(defaults.drop_params).unwrap_or(true),
        drop_content: settings.drop_content.or(defaults.drop_content).unwrap_or(false),
        default_max_tokens: settings.max_tokens.or(defaults.max_tokens).unwrap_or(limits::MAX_TOKENS),
        strategy: settings.strategy.unwrap_or_default(),
        sticky: settings.sticky,
        chain,
        on_context_window,
        on_content_policy,
    }
}

/// The chains for a reason, put behind the chain itself; where they stand.
fn fallbacks(
    settings: &schema::Model,
    path: &str,
    gateway: &Gateway,
    providers: &[Rc<Provider>],
    targets: &mut Vec<Target>,
    problems: &mut Vec<Problem>,
) -> [Range<usize>; 2] {
    match (&settings.fallbacks, &gateway.defaults.fallbacks) {
        (Some(own), _) => by_reason(own, path, (gateway, providers), targets, problems),
        // What is wrong with these is told once, and not of every model.
        (None, Some(usual)) => by_reason(usual, "defaults", (gateway, providers), targets, &mut Vec::new()),
        (None, None) => [targets.len()..targets.len(), targets.len()..targets.len()],
    }
}

/// Puts the chains for a reason behind the others; where they stand. `path` is that of the object they are in.
fn by_reason(
    written: &schema::Fallbacks,
    path: &str,
    (gateway, providers): (&Gateway, &[Rc<Provider>]),
    targets: &mut Vec<Target>,
    problems: &mut Vec<Problem>,
) -> [Range<usize>; 2] {
    let everything = everything_through(gateway, providers);
    [("context_window", &written.context_window), ("content_policy", &written.content_policy)].map(
        |(reason, chain)| {
            let begin = targets.len();
            let at = format!("{path}.fallbacks.{reason}");
            if chain.len() > limits::MAX_TARGETS {
                let message = format!("has more than {} targets", limits::MAX_TARGETS);
                problems.push(Problem::new(&at, message));
            }
            for (index, target) in chain.iter().enumerate() {
                let at = format!("{at}[{index}]");
                if everything.is_some() && target.provider().is_some_and(|name| name != "litellm") {
                    let message = "in LiteLLM mode `all` everything goes through the proxy: `litellm/MODEL`";
                    problems.push(Problem::new(at, message));
                    continue;
                }
                targets.extend(one_target(target, &at, false, gateway, providers, problems));
            }
            begin..targets.len()
        },
    )
}
