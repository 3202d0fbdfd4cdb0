//! The bootstrap in several files, all but one of which Envoy watches and takes over live.

use super::listener::{Discovered, listener};
use super::yaml::{Value, any, file, list, map};
use super::{Plan, bootstrap, cluster, route, time_limit, wasm};
use crate::cli::replace::{renew, replace};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long each changed file is left alone with Envoy. Any change makes it look at all files of the directory, in an order
/// of its own: with the next one there already, models would lead to providers that it has not read of yet.
const SETTLING: Duration = Duration::from_millis(250);

/// Where Envoy finds the routes of the listener that keeps time limits: it wants one set of routes in a file.
const TIME_LIMITS: &str = "time_limits.yaml";

/// Writes the files. Each is replaced by a rename, which is what Envoy watches for: it never sees half a file.
pub(super) fn write(plan: &Plan<'_>, directory: &Path) -> Result<(), String> {
    fs::create_dir_all(directory)
        .map_err(|error| format!("cannot create {}: {error}", directory.display()))?;
    // Envoy resolves paths from where it was started, which may be anywhere.
    let absolute = directory
        .canonicalize()
        .map_err(|error| format!("cannot resolve {}: {error}", directory.display()))?
        .into_os_string()
        .into_string()
        .map_err(|_| format!("{} is not UTF-8", directory.display()))?;
    let source = |name: &str| {
        map! {
            "resource_api_version": "V3",
            "path_config_source": map! {
                "path": format!("{absolute}/{name}"),
                "watched_directory": map! { "path": absolute.as_str() },
            },
        }
    };
    let plugin = |filter: Value| match filter {
        Value::Mapping(filter) => any("envoy.config.core.v3.TypedExtensionConfig", Value::Mapping(filter)),
        other => other,
    };
    let edge = plugin(wasm::edge(plan));
    let discovered = Discovered { edge: source("ecds.yaml"), routes: source("rds.yaml") };
    let listeners = std::iter::once(listener(plan, Some(discovered)))
        .chain(time_limit::listener(plan, Some(source(TIME_LIMITS))));
    let listeners = listeners.map(|listener| any("envoy.config.listener.v3.Listener", listener)).collect();
    let [routes, limits] = [route::config(plan, true), time_limit::routes(plan)]
        .map(|routes| resources(vec![any("envoy.config.route.v3.RouteConfiguration", routes)]));
    let clusters = cluster::clusters(plan, Some(source("keys.yaml")))
        .into_iter()
        .map(|cluster| any("envoy.config.cluster.v3.Cluster", cluster))
        .collect();
    let root = bootstrap::root(
        plan,
        "dynamic_resources",
        map! { "lds_config": source("lds.yaml"), "cds_config": source("cds.yaml") },
    );
    let keys = plan.keys.as_deref().map(|keys| plugin(wasm::keys(plan, keys)));
    let keys = keys.map(|keys| ("keys.yaml", "The client keys of a file (ECDS).", resources(vec![keys])));
    // What is chosen comes before what chooses: keys, clusters, the routes to them, the models, the listener.
    for (name, what, value) in keys.into_iter().chain([
        ("cds.yaml", "The providers (CDS).", resources(clusters)),
        ("rds.yaml", "The way to each provider (RDS).", routes),
        (TIME_LIMITS, "The way by each time limit of a provider's own (RDS).", limits),
        ("ecds.yaml", "The gateway's configuration, in its edge phase (ECDS).", resources(vec![edge])),
    ]) {
        if replace(&directory.join(name), &file(&head_of(what), &value)?)? {
            std::thread::sleep(SETTLING);
        }
    }
    // Always: a busy Envoy may have refused this very listener when it had not read yet what it needs.
    renew(&directory.join("lds.yaml"), &file(&head_of("The listeners (LDS)."), &resources(listeners))?)?;
    let head = bootstrap::head(plan, "An LLM gateway: Envoy with the Tollgate filter, reloading live.");
    replace(&directory.join("envoy.yaml"), &file(&head, &root)?).map(drop)
}

fn head_of(what: &str) -> String {
    format!("{what}\nRendered by `tollgate render --split`; Envoy takes changes over live.")
}

/// A discovery response.
fn resources(resources: Vec<Value>) -> Value {
    map! { "resources": list(resources) }
}
