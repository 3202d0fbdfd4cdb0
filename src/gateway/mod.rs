//! The two phases of a request as state machines over a [`Host`]. No provider is named here.
//!
//! [`Edge`] runs once per client request, [`Attempt`] once per try; what they share of one request is an
//! [`exchange::Exchange`], and what all requests of a thread share is a [`Worker`].

mod admission;
mod applicant;
mod attempt;
mod backoff;
mod budget_page;
mod choose;
mod circuits;
mod closing;
mod cors;
mod denial;
mod edge;
mod edge_access;
mod edge_admission;
mod edge_answer;
mod edge_forward;
mod edge_response;
pub mod exchange;
mod filed_keys;
mod fleet;
mod headers;
mod health_page;
mod held;
pub mod host;
mod lay_out;
mod ordering;
mod outcome;
mod pages;
mod quota_headers;
mod rate_limit;
mod record;
mod rules;
mod settle;
mod signals;
mod silence;
mod surface;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
mod uncounted;
mod waiting;
mod worker;

pub use attempt::{Attempt, REMOVED_BY_ROUTE, RETRIABLE, time_limit};
pub use edge::Edge;
pub use fleet::{REDIS_CLUSTER, name_envoy};
pub use headers::Headers;
pub use host::{Flow, GCP_TOKEN, Host, TOKEN};
pub use rate_limit::{state_key, total_key};
pub use worker::{Worker, prepare_shared};
