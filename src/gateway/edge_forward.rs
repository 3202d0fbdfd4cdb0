//! The edge phase of requests that are passed through: which provider gets them.

use super::edge::Edge;
use super::exchange::{Exchange, Forwarded};
use super::headers::Headers;
use super::held::Held;
use super::host::Host;
use super::lay_out::Incoming;
use super::surface;
use crate::chat::Failure;
use crate::config::tables::{Forwarding, Model};
use crate::dialect::lane::{Form, Subject};
use crate::dialect::{Forward, Service};
use crate::policy::route::Found;
use std::rc::Rc;

/// How a client says which provider is meant.
const HOW_TO_NAME: &str = "name one in the header x-tollgate-provider or the query's `provider`";

impl Edge {
    /// Lays out the tries: along the chain of the model that the request names, else at the provider that the client
    /// names, else at the one that the configuration says, else at the only one that has the service.
    pub(super) fn choose_forward(
        &mut self,
        host: &impl Host,
        headers: Headers,
        request: Forward,
        body: Held,
    ) -> Result<Exchange, Failure> {
        let target = headers.get(":path").unwrap_or_default();
        let named = self.named_provider.take().or_else(|| surface::query_value(target, "provider"));
        let forwarded = Forwarded {
            form: Form::of(headers.get("content-type").filter(|_| !body.is_empty())),
            query: surface::foreign_query(target),
            request,
        };
        let service = forwarded.request.service;
        // A provider may read a model out of a body that cannot be read here.
        if service.names_model() && forwarded.form == Form::Other && !body.is_empty() {
            let message =
                "content-type: application/json or multipart/form-data (with one boundary) was expected";
            return Err(Failure { status: 415, ..Failure::field("content-type", message) });
        }
        let nothing = Forwarding::default();
        let tables = Rc::clone(&self.tables);
        let forwarding = tables.services.get(&service).unwrap_or(&nothing);
        let named = named.map(|name| self.offered(forwarding, service, &name)).transpose()?;
        let subject = if service.names_model() { forwarded.form.subject(&body)? } else { Subject::default() };
        self.record.stream = subject.stream;
        self.record.model_asked = forwarded.request.model.clone().or(subject.model);
        let found = if let Some(asked) = self.record.model_asked.as_deref() {
            self.find_allowed(asked)?
        } else {
            self.may_ask_without_model(service)?;
            let model = self.direct(forwarding, service, named)?;
            Found { model, carried: String::new() }
        };
        let call = forwarded.request.call();
        let incoming = Incoming { headers, call, forwarded: Some(forwarded), stream: subject.stream, body };
        self.lay_out(host, incoming, found, |target| {
            let index = target.provider.index;
            forwarding.offered.contains(&index) && named.is_none_or(|named| named == index)
        })
    }

    /// The position of a provider that a client names.
    fn offered(&self, forwarding: &Forwarding, service: Service, name: &str) -> Result<usize, Failure> {
        let has = |index: &usize| self.tables.providers.get(*index).is_some_and(|p| *p.name == *name);
        forwarding.offered.iter().copied().find(has).ok_or_else(|| {
            let message = format!(
                "The provider `{name}` is not one to ask for {}; there are: {}.",
                service.as_str(),
                self.names(forwarding)
            );
            Failure::field("provider", message)
        })
    }

    /// The provider of a request that names no model, as a model without a name.
    fn direct(
        &self,
        forwarding: &Forwarding,
        service: Service,
        named: Option<usize>,
    ) -> Result<Rc<Model>, Failure> {
        let index = named.or(forwarding.usual);
        if let Some(model) = index.and_then(|index| self.tables.direct.get(index)) {
            return Ok(Rc::clone(model));
        }
        let what = service.as_str();
        if forwarding.offered.is_empty() {
            return Err(Failure::new(404, format!("No provider of this gateway is asked for {what}.")));
        }
        let having = self.names(forwarding);
        let or_model = if service.names_model() { "name a `model`, or " } else { "" };
        let message = format!("Several providers have {what}: {having}; {or_model}{HOW_TO_NAME}.");
        Err(Failure::field("provider", message))
    }

    fn names(&self, forwarding: &Forwarding) -> String {
        let providers = forwarding.offered.iter().filter_map(|index| self.tables.providers.get(*index));
        let names: Vec<&str> = providers.map(|provider| &*provider.name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}
