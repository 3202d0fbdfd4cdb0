//! Tollgate: an LLM gateway that lives inside Envoy.
//!
//! One module, two phases. The **edge** phase runs once per client request: it finds out who asks, for which
//! model, and chooses the chain of targets. The **attempt** phase runs once per try at one provider: it
//! translates the request, looks at the first bytes of the answer and either releases it, translated back, or
//! turns it into a status that makes Envoy's router try the next target.
//!
//! - [`chat`] is the hub: one neutral model of a conversation, a superset of what every dialect can say.
//! - [`dialect`] holds one folder a wire format, and [`dialect::lane`] the way from one to another.
//! - [`embedding`] and [`rerank`] are the two operations with a hub of their own.
//! - [`provider`] says who speaks what; [`config`] is what people write and the tables a request reads.
//! - [`wire`] frames and patches bytes; it knows no provider.
//! - [`policy`] decides who may ask and where it goes; [`meter`] counts tokens and money.
//! - [`gateway`] is the two phases as state machines over a host trait; `filter` binds them to Proxy-Wasm and is
//!   the only room that knows the host.

pub mod chat;
pub mod config;
pub mod dialect;
pub mod embedding;
pub mod gateway;
pub mod meter;
pub mod policy;
pub mod provider;
pub mod rerank;
pub mod wire;

#[cfg(not(target_arch = "wasm32"))]
pub mod cli;
#[cfg(target_os = "wasi")]
mod filter;

/// Requests come and go as some two hundred small allocations each; the allocator that comes with the target takes
/// longer over them than the rest of the work.
#[cfg(all(target_arch = "wasm32", target_os = "wasi"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
