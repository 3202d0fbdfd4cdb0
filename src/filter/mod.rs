//! The Proxy-Wasm filter: binds the gateway's phases to the host. The only room that knows `proxy_wasm`.
//!
//! One module serves three kinds of plugin, told apart by their `root_id`: `edge`, a filter of the listener; `attempt`,
//! an upstream filter of each provider's cluster; and `keys`, which brings client keys and stands where no request comes by. All plugins of one `vm_id` share a VM per worker thread,
//! and with it the [`Worker`].

mod envoy;
mod root;
mod sleepers;
mod stream;

use crate::gateway::Worker;
use proxy_wasm::traits::RootContext;
use proxy_wasm::types::LogLevel;
use root::Root;
use std::rc::Rc;

thread_local! {
    /// The state of this VM, that is, of this worker thread.
    static WORKER: Rc<Worker> = Rc::new(Worker::default());
}

fn worker() -> Rc<Worker> {
    WORKER.with(Rc::clone)
}

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|id| -> Box<dyn RootContext> { Box::new(Root::new(id)) });
}}
