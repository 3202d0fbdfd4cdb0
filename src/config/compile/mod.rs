//! From what people write to the tables a request reads.

mod access;
mod circuit;
mod forward;
mod identity;
pub mod limits;
mod model;
mod provider;
mod quota;
mod rules;
mod server;
mod state;
mod tries;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use access::digest;
pub use access::keys_file;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use quota::MOST_USD;

use super::schema::{AuditTo, Gateway};
use super::tables::{PriceOverride, Route, Tables};
use super::{Problem, upstreams};
use crate::config::problem::entry;
use crate::policy::rules::Rules;
use hashbrown::{HashMap, HashSet};
use std::rc::Rc;

/// Compiles a configuration. `env` looks up environment variables: the values of keys and secret headers.
///
/// A variable that is not set is no problem here, so that one missing key does not keep the others from working: that
/// provider's requests fail with an error that names the variable.
pub fn compile(gateway: &Gateway, env: &dyn Fn(&str) -> Option<String>) -> Result<Tables, Vec<Problem>> {
    let mut problems = Vec::new();
    let upstreams = upstreams(gateway, &mut problems);
    let providers: Vec<Rc<_>> = upstreams
        .iter()
        .enumerate()
        .map(|(index, upstream)| Rc::new(provider::table(index, upstream, env)))
        .collect();
    let models = model::tables(gateway, &providers, &mut problems);
    let direct = model::direct(gateway, &providers);
    let patterns = models.wildcards.iter().map(|w| &*w.model);
    let named = models.by_name.values().map(|m| &**m);
    let route = Route::of(named.chain(patterns).chain(direct.iter().map(|m| &**m)));
    let access = access::access(gateway, &mut problems);
    let of_keys = access.keys.iter().flat_map(|key| key.quotas.all().cloned()).collect();
    let fleet = state::fleet(&gateway.state, env, &mut problems);
    let mut quotas = quota::quotas(gateway, of_keys, route.request_timeout, &mut problems);
    quotas.shared = fleet.is_some();
    let mut tables = Tables {
        learned: HashSet::new(),
        rules: Rules::default(),
        quotas,
        uncounted: gateway.allow_uncounted.clone(),
        route,
        prefix: server::prefix(&gateway.server, &mut problems),
        cors: server::cors(&gateway.server, &mut problems),
        response_headers: gateway.server.response_headers.unwrap_or(true),
        max_body: server::max_body(&gateway.server, &mut problems),
        max_held: server::checked_max_held(&gateway.server, &mut problems),
        services: forward::tables(gateway, &providers, &mut problems),
        direct,
        providers,
        models: models.by_name,
        wildcards: models.wildcards,
        listed: models.listed,
        access,
        audit_content: gateway.audit.content.unwrap_or(false),
        audit_in_lines: !matches!(gateway.audit.to, Some(AuditTo::Otlp(_))),
        prices: prices(gateway, &mut problems),
        fleet,
        rate_limit: state::rate_limit(&gateway.state, &mut problems),
    };
    // With one target there is nothing to choose.
    let learning = tables.all_models().filter(|model| model.strategy.learns() && model.chain > 1);
    tables.learned = learning.flat_map(|model| &model.targets).map(|target| target.id).collect();
    tables.rules = rules::rules(gateway, &tables, &mut problems);
    circuit::check_all(gateway, &mut problems);
    server::addresses(gateway, &mut problems);
    if problems.is_empty() { Ok(tables) } else { Err(problems) }
}

/// The configuration's own prices.
fn prices(gateway: &Gateway, problems: &mut Vec<Problem>) -> HashMap<Box<str>, PriceOverride> {
    let mut table = HashMap::new();
    for (name, price) in gateway.prices.iter() {
        for (field, value) in [
            ("input", Some(price.input)),
            ("output", Some(price.output)),
            ("cache_read", price.cache_read),
            ("cache_write", price.cache_write),
        ] {
            if value.is_some_and(|value| !value.is_finite() || value < 0.0) {
                let at = format!("{}.{field}", entry("prices", name));
                problems.push(Problem::new(at, "a price is zero or more, in USD per million tokens"));
            }
        }
        let price = PriceOverride {
            input: price.input,
            output: price.output,
            cache_read: price.cache_read,
            cache_write: price.cache_write,
        };
        table.insert(name.into(), price);
    }
    table
}

#[cfg(test)]
mod tests;
