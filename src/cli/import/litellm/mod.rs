//! A LiteLLM proxy's `config.yaml`. Field names and meanings as in its documentation, "All settings" and "Router".

mod clouds;
mod deployment;
mod models;
mod prices;
mod providers;
mod quotas;
mod settings;
mod upstream;

use super::fields::Fields;
use super::report::Report;
use crate::config::schema::{Defaults, Gateway, Price};
use models::Models;
use providers::Providers;
use quotas::Quotas;
use std::collections::BTreeMap;
use yaml_serde::Value;

/// Looks up environment variables.
type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

/// LiteLLM's way to name an environment variable.
const OS_ENVIRON: &str = "os.environ/";

/// What is built while the file is read.
struct Import<'e> {
    env: Env<'e>,
    report: Report,
    providers: Providers,
    models: Models,
    prices: BTreeMap<String, Price>,
    defaults: Defaults,
    quotas: Quotas,
    /// `credential_list`, by name.
    credentials: BTreeMap<String, Vec<(String, Value)>>,
}

/// Converts a whole file. The report goes on from what reading it has found.
pub(super) fn convert(source: Value, report: Report, env: Env<'_>) -> Result<(Gateway, Report), String> {
    if !source.is_mapping() {
        return Err("this is no LiteLLM configuration: it is not a mapping".to_owned());
    }
    // As in LiteLLM, what the file sets counts where the environment does not.
    let own = own_variables(&source);
    let env = |name: &str| env(name).or_else(|| own.get(name).cloned());
    let mut import = Import {
        env: &env,
        report,
        providers: Providers::default(),
        models: Models::default(),
        prices: BTreeMap::new(),
        defaults: Defaults::default(),
        quotas: Quotas::default(),
        credentials: BTreeMap::new(),
    };
    let mut file = Fields::of(Some(source), "", &mut import.report);
    let credentials = file.take("credential_list");
    import.credential_list(credentials);
    let deployments = file.take("model_list");
    if deployments.is_none() && file.has("include") {
        return Err(
            "there is no `model_list`, and files under `include` are not followed: import them one by one"
                .to_owned(),
        );
    }
    import.model_list(deployments)?;
    let [mut router, mut litellm, mut general] = ["router_settings", "litellm_settings", "general_settings"]
        .map(|name| {
            let value = file.take(name);
            Fields::of(value, name, &mut import.report)
        });
    import.routing(&mut router, &mut litellm);
    import.quotas(&mut router, &mut litellm, &mut general);
    let (master_key, identity) = import.general(general);
    import.leave_settings(router, litellm);
    file.leave(settings::why_section, &mut import.report);

    let mut gateway = Gateway { defaults: import.defaults, master_key, identity, ..Gateway::default() };
    (gateway.budgets, gateway.limits) = import.quotas.finish(&import.models);
    gateway.providers = import.providers.finish();
    gateway.models = import.models.finish();
    gateway.prices.0.extend(import.prices);
    if gateway.models.is_empty() {
        return Err(format!("no model could be carried over\n{}", import.report));
    }
    Ok((gateway, import.report))
}

/// The variable behind `os.environ/NAME`.
fn variable(text: &str) -> Option<&str> {
    text.strip_prefix(OS_ENVIRON)
}

/// `environment_variables`.
fn own_variables(source: &Value) -> BTreeMap<String, String> {
    let all = source.get("environment_variables").and_then(Value::as_mapping);
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    all.into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str()?.to_owned(), text(value)?)))
        .collect()
}
