//! The access log is the audit log: one line a request, written by the filter.

use super::Plan;
use super::cluster::OTLP_CLUSTER;
use super::yaml::{Value, extension, list, map};
use crate::config::schema::AuditTo;
use crate::gateway::host::key;

/// The audit line, as the filter left it. `PLAIN` alone, or Envoy would quote it as JSON once more.
fn line() -> String {
    format!("%FILTER_STATE({}:PLAIN)%", key::filter_state(key::AUDIT))
}

/// The access log. Health checks, preflights and refused connections leave no audit line, and must leave no empty one. In
/// a file nothing is nothing, as the filter itself ends its line; asking an expression for it would cost each request a
/// tenth of what the whole gateway does.
pub(super) fn access_log(plan: &Plan<'_>) -> Value {
    let format = map! {
        "text_format_source": map! { "inline_string": line() },
        "omit_empty_values": true,
    };
    match plan.gateway.audit.to.as_ref().unwrap_or(&AuditTo::Stdout) {
        AuditTo::Stdout => extension(
            "envoy.access_loggers.stdout",
            "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            map! { "log_format": format },
        ),
        AuditTo::File(path) => extension(
            "envoy.access_loggers.file",
            "envoy.extensions.access_loggers.file.v3.FileAccessLog",
            map! { "path": path.as_str(), "log_format": format },
        ),
        AuditTo::Otlp(_) => filtered(extension(
            "envoy.access_loggers.open_telemetry",
            "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
            map! {
                "grpc_service": map! { "envoy_grpc": map! { "cluster_name": OTLP_CLUSTER }, "timeout": "5s" },
                "log_name": "tollgate_audit",
                "resource_attributes": map! { "values": list([map! {
                    "key": "service.name", "value": map! { "string_value": "tollgate" },
                }]) },
                "body": map! { "string_value": line() },
            },
        )),
    }
}

/// A log of those requests alone that have an audit line.
fn filtered(log: Value) -> Value {
    let filter = extension(
        "envoy.access_loggers.extension_filters.cel",
        "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
        map! { "expression": format!("'{}' in filter_state", key::filter_state(key::AUDIT)) },
    );
    super::yaml::with(log, "filter", Some(map! { "extension_filter": filter }))
}
