//! The cluster of webdis, through which the filter reaches Redis.

use super::Plan;
use super::cluster::plain;
use super::yaml::Value;
use crate::config::host_port;
use crate::gateway::REDIS_CLUSTER;

/// The cluster of webdis, where there is one.
pub(super) fn cluster(plan: &Plan<'_>) -> Option<Value> {
    let (host, port) = host_port(&plan.gateway.state.redis.as_ref()?.address).ok()?;
    Some(plain(REDIS_CLUSTER, &host, port))
}
