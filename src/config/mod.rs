//! What people write ([`schema`]), and the tables a request reads ([`tables`]).
//!
//! The way from one to the other: [`from_json`] or [`read()`] → [`schema::Gateway`] → [`upstreams`] (providers with
//! their presets applied, no secrets yet) → [`compile()`] → [`tables::Tables`]. A mistake anywhere is a [`Problem`] with
//! the path of the field, and compiling goes on so that all of them are found at once.

mod base_url;
mod compile;
pub(crate) mod headers;
pub(crate) mod nearest;
pub(crate) mod problem;
mod read;
pub mod schema;
pub mod tables;
pub(crate) mod upstream;

pub use base_url::BaseUrl;
pub(crate) use base_url::host_port;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use base_url::without_endpoint;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use compile::{MOST_USD, digest};
pub use compile::{compile, keys_file, limits};
pub use problem::Problem;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use read::A_WORD;
pub use read::{from_json, read};
pub use upstream::{AuthPlan, Upstream, upstreams};
