//! The contexts of streams: callbacks in, flow out.

use super::envoy::Envoy;
use super::sleepers::{self, Then};
use crate::gateway::{Attempt, Edge, Flow};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::cell::RefCell;
use std::rc::Rc;

fn action(flow: Flow) -> Action {
    match flow {
        Flow::Continue => Action::Continue,
        Flow::Pause => Action::Pause,
    }
}

/// A client request at the listener.
pub(super) struct EdgeStream {
    pub(super) host: Envoy,
    pub(super) phase: Edge,
}

impl Context for EdgeStream {}

impl HttpContext for EdgeStream {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        action(self.phase.on_request_headers(&self.host, end_of_stream))
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        action(self.phase.on_request_body(&self.host, size, end_of_stream))
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        action(self.phase.on_request_trailers(&self.host))
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        action(self.phase.on_response_headers(&self.host, end_of_stream))
    }

    fn on_http_response_body(&mut self, size: usize, _end_of_stream: bool) -> Action {
        action(self.phase.on_response_body(&self.host, size))
    }

    fn on_log(&mut self) {
        self.phase.on_log(&self.host);
    }
}

impl Drop for EdgeStream {
    fn drop(&mut self) {
        self.phase.leave();
    }
}

/// A try at a provider.
pub(super) struct AttemptStream {
    pub(super) host: Envoy,
    /// Shared with the ticks, which end a try whose time is up.
    pub(super) phase: Rc<RefCell<Attempt>>,
}

impl Context for AttemptStream {}

impl HttpContext for AttemptStream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        action(self.phase.borrow_mut().on_request_headers(&self.host))
    }

    fn on_http_request_body(&mut self, size: usize, _end_of_stream: bool) -> Action {
        let flow = self.phase.borrow_mut().on_request_body(&self.host, size);
        // Between two tries the body waits with its headers.
        if sleepers::holds_request(self.host.context) { Action::Pause } else { action(flow) }
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let mut phase = self.phase.borrow_mut();
        let flow = phase.on_response_headers(&self.host, end_of_stream);
        if let Some(left) = phase.time_left(&self.host) {
            self.host.act_in(Then::GiveUp(Rc::clone(&self.phase)), left);
        }
        action(flow)
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        action(self.phase.borrow_mut().on_response_body(&self.host, size, end_of_stream))
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        action(self.phase.borrow_mut().on_response_trailers(&self.host))
    }
}

impl Drop for AttemptStream {
    fn drop(&mut self) {
        sleepers::forget(self.host.context);
    }
}
