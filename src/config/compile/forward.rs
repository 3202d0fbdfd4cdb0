//! Services that are passed through, and the provider that each request without a model goes to.

use super::model;
use crate::config::Problem;
use crate::config::nearest::nearest;
use crate::config::schema::{ForwardTo, Gateway};
use crate::config::tables::{Forwarding, Provider};
use crate::dialect::{Operation, Service};
use hashbrown::HashMap;
use std::rc::Rc;

/// What the tables know of services.
pub(super) fn tables(
    gateway: &Gateway,
    providers: &[Rc<Provider>],
    problems: &mut Vec<Problem>,
) -> HashMap<Service, Forwarding> {
    let everything = model::everything_through(gateway, providers);
    let candidates: Vec<&Rc<Provider>> = match everything {
        Some(proxy) => vec![proxy],
        None => providers.iter().collect(),
    };
    let mut services = HashMap::new();
    for service in Service::all() {
        let mut offered: Vec<usize> = candidates
            .iter()
            .filter(|provider| has(provider, service))
            .map(|provider| provider.index)
            .collect();
        let mut usual = match offered.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        let path = format!("forward.{}", service.as_str());
        match gateway.forward.get(&service) {
            None | Some(ForwardTo::Offered(true)) => {}
            Some(ForwardTo::Offered(false)) => {
                offered.clear();
                usual = None;
            }
            Some(ForwardTo::Provider(name)) => match providers.iter().find(|p| *p.name == **name) {
                Some(provider) if offered.contains(&provider.index) => usual = Some(provider.index),
                Some(_) if everything.is_some() => {
                    problems
                        .push(Problem::new(path, "in LiteLLM mode `all` everything goes through the proxy"));
                }
                Some(_) => {
                    let message = format!(
                        "the provider `{name}` has no {}: `providers.{name}.services` says what a server has \
                         beyond its preset",
                        service.as_str()
                    );
                    problems.push(Problem::new(path, message));
                }
                None => {
                    let known = providers.iter().map(|provider| &*provider.name);
                    let near = nearest(name, known).map(ToOwned::to_owned);
                    problems.push(Problem::new(path, format!("there is no provider `{name}`")).suggest(near));
                }
            },
        }
        services.insert(service, Forwarding { offered, usual });
    }
    services
}

fn has(provider: &Provider, service: Service) -> bool {
    provider.endpoints.iter().any(|endpoint| endpoint.operation == Operation::Forward(service))
}
