//! Envoy's bootstrap, whole or as the root of the split files.

use super::listener::listener;
use super::yaml::{Value, file, list, map, socket};
use super::{Plan, cluster, stats, time_limit};

/// Everything in one file.
pub(super) fn whole(plan: &Plan<'_>) -> Result<String, String> {
    let resources = map! {
        "listeners": list(std::iter::once(listener(plan, None)).chain(time_limit::listener(plan, None))),
        "clusters": list(cluster::clusters(plan, None)),
    };
    let head = head(plan, "An LLM gateway: Envoy with the Tollgate filter.");
    file(&head, &root(plan, "static_resources", resources))
}

/// The bootstrap with either its resources or where to find them.
pub(super) fn root(plan: &Plan<'_>, key: &str, resources: Value) -> Value {
    let root = map! {
        "node": map! { "id": "tollgate", "cluster": "tollgate" },
        "admin": map! { "address": socket(&plan.admin.0, plan.admin.1) },
        "stats_config": stats::config(),
        // Always: a listener within the proxy may come with a later change.
        "bootstrap_extensions": list([super::yaml::extension(
            "envoy.bootstrap.internal_listener",
            "envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
            map! {},
        )]),
        // Without a limit, a flood of connections takes the memory of those that are served.
        "overload_manager": map! {
            "resource_monitors": list([super::yaml::extension(
                "envoy.resource_monitors.global_downstream_max_connections",
                "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                map! { "max_active_downstream_connections": 50_000 },
            )]),
        },
    };
    super::yaml::with(root, key, Some(resources))
}

/// The comments at the head.
pub(super) fn head(plan: &Plan<'_>, what: &str) -> String {
    format!(
        "{what}\n\
         Rendered by `tollgate render` from gateway.yaml; change that and render again.\n\
         Start it with: envoy -c THIS_FILE   (Envoy 1.39 or later)\n\
         It needs the module at {}.{}",
        plan.module,
        plan.said_variables()
    )
}
