//! Who asks for what: where budgets and limits look for the values of their scopes.

use super::worker::Worker;
use crate::policy::identity::Identity;
use crate::policy::ledger::Account;
use crate::policy::quota::{Quota, Quotas, Terms};
use crate::policy::scope::Scope;
use std::borrow::Cow;
use std::rc::Rc;

/// Who asks for what: where rules look for their values.
pub(super) struct Applicant<'a> {
    pub(super) identity: &'a Identity,
    pub(super) model: Option<&'a str>,
    pub(super) provider: Option<&'a str>,
    /// Nobody asks for anything yet: what holds for some models or providers alone is meant as well.
    pub(super) looks_around: bool,
}

impl<'a> Applicant<'a> {
    /// The value of a scope; `None` where the request has none.
    fn value(&self, scope: Scope) -> Option<&'a str> {
        match scope {
            Scope::Global => Some(""),
            Scope::Tenant => self.identity.tenant.as_deref(),
            Scope::Team => self.identity.team.as_deref(),
            Scope::Project => self.identity.project.as_deref(),
            Scope::Key => self.identity.key_id(),
            Scope::User => self.identity.user.as_deref(),
            Scope::Agent => self.identity.agent.as_deref(),
            Scope::Model => self.model.filter(|name| !name.is_empty()),
            Scope::Provider => self.provider,
        }
    }

    /// The same so that it is the request's alone: two tenants may have a team of one name. A name with a `/` of its own is
    /// nobody else's: the one between tenant and name is the only one that is not escaped.
    fn account_value(&self, scope: Scope) -> Option<Cow<'a, str>> {
        let value = self.value(scope)?;
        match (scope, self.identity.tenant.as_deref()) {
            (Scope::Team | Scope::Project | Scope::User, Some(tenant)) => {
                Some(Cow::Owned(format!("{}/{}", escaped(tenant), escaped(value))))
            }
            (Scope::Team | Scope::Project | Scope::User, None) => Some(escaped(value)),
            _ => Some(Cow::Borrowed(value)),
        }
    }

    /// The rules of a scope that are for this request, and the account that they count.
    pub(super) fn rules(
        &self,
        worker: &Worker,
        quotas: &Quotas,
        scope: Scope,
    ) -> Option<(Account, Vec<Rc<Quota>>)> {
        let general = quotas.of(scope);
        let own = self.identity.key.as_ref().filter(|_| scope == Scope::Key).map(|key| &key.quotas);
        if general.is_empty() && own.is_none_or(|own| own.budgets.is_none() && own.limits.is_none()) {
            return None;
        }
        let is_budget = |quota: &&Rc<Quota>| matches!(quota.terms, Terms::Budget(_));
        let mut rules: Vec<Rc<Quota>> = Vec::new();
        match own.and_then(|own| own.budgets.as_ref()) {
            Some(budgets) => rules.extend(budgets.iter().cloned()),
            None => rules.extend(general.iter().filter(is_budget).cloned()),
        }
        match own.and_then(|own| own.limits.as_ref()) {
            Some(limits) => rules.extend(limits.iter().cloned()),
            None => rules.extend(general.iter().filter(|quota| !is_budget(quota)).cloned()),
        }
        rules.retain(|quota| {
            let value = |scope| self.value(scope);
            if self.looks_around { quota.may_be_for(value) } else { quota.is_for(value) }
        });
        if rules.is_empty() {
            return None;
        }
        Some((worker.ledger.account(scope, &self.account_value(scope)?), rules))
    }
}

/// A name without `/`, and another one for each name.
fn escaped(name: &str) -> Cow<'_, str> {
    if name.contains(['/', '%']) {
        Cow::Owned(name.replace('%', "%25").replace('/', "%2F"))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_different_people_are_different() {
        let value = |tenant: Option<&str>, user: &str| {
            let identity =
                Identity { tenant: tenant.map(Into::into), user: Some(user.into()), ..Identity::default() };
            let applicant =
                Applicant { identity: &identity, model: None, provider: None, looks_around: false };
            applicant.account_value(Scope::User).unwrap().into_owned()
        };
        assert_eq!((value(Some("acme"), "bob"), value(None, "bob")), ("acme/bob".into(), "bob".into()));
        let all = [
            value(Some("acme/x"), "y"),
            value(Some("acme"), "x/y"),
            value(None, "acme/x/y"),
            value(Some("acme%2Fx"), "y"),
            value(Some("acme"), "x%2Fy"),
            value(None, "acme%2Fx%2Fy"),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other != one), "{all:?}");
        }
    }
}
