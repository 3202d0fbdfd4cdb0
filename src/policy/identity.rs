//! Who asks: what the key says, and beyond it what other sources that the configuration trusts say.

use crate::config::tables::{Access, Key, ModelPattern, Parts};
use std::rc::Rc;

/// Longest name of a tenant, team, project, user, agent or key, in characters: they stand in every audit line, and in the
/// names of stats, which Envoy keeps for good.
pub const LONGEST_LABEL: usize = 128;

/// What the audit line calls the master key.
pub const MASTER_ID: &str = "master";

/// Who sent a request.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// The client key; `None` where it was no key that let the request in.
    pub key: Option<Rc<Key>>,
    /// Who pays.
    pub tenant: Option<Rc<str>>,
    /// The team within the tenant.
    pub team: Option<Rc<str>>,
    /// The project within the team.
    pub project: Option<Rc<str>>,
    /// The person.
    pub user: Option<Rc<str>>,
    /// What kind of agent it says it is.
    pub agent: Option<Rc<str>>,
    /// Whether it came with the master key: it may do everything.
    pub master: bool,
}

impl Identity {
    /// Who a key is for.
    pub fn of_key(key: Rc<Key>) -> Self {
        Self {
            tenant: key.tenant.clone(),
            team: key.team.clone(),
            project: key.project.clone(),
            key: Some(key),
            ..Self::default()
        }
    }

    /// Whoever has the master key.
    pub fn of_master() -> Self {
        Self { master: true, ..Self::default() }
    }

    /// Fills in what is not known yet; `read` finds what a source says. What cannot be a label is as good as nothing.
    pub fn fill<T, S: AsRef<str>>(&mut self, parts: &Parts<T>, read: impl Fn(&T) -> Option<S>) {
        for (source, field) in [
            (&parts.tenant, &mut self.tenant),
            (&parts.team, &mut self.team),
            (&parts.project, &mut self.project),
            (&parts.user, &mut self.user),
            (&parts.agent, &mut self.agent),
        ] {
            if field.is_none()
                && let Some(source) = source
                && let Some(text) = read(source)
            {
                let text = text.as_ref().trim();
                *field = is_label(text).then(|| text.into());
            }
        }
    }

    /// The key's id.
    pub fn key_id(&self) -> Option<&str> {
        self.key.as_ref().map(|key| &*key.id).or(self.master.then_some(MASTER_ID))
    }

    /// Whose requests those of others are weighed against: the tenant's or, where there are no tenants, the key's.
    pub fn party(&self) -> Option<&Rc<str>> {
        self.tenant.as_ref().or(self.key.as_ref().map(|key| &key.id))
    }

    /// The models it may use; `None`: all.
    pub fn models<'i>(&'i self, access: &'i Access) -> Option<&'i [ModelPattern]> {
        match &self.key {
            _ if self.master => None,
            Some(key) => key.models.as_deref(),
            None => access.models.as_deref(),
        }
    }
}

/// Whether a text can be a label of metrics and audit: it is short, and has nothing in it that ends a label.
pub fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= LONGEST_LABEL
        && !text.chars().any(|char| char.is_control() || char == ';')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_key_says_stays() {
        let parts = Parts { tenant: Some("x-tenant"), agent: Some("x-agent-type"), ..Parts::default() };
        let mut identity = Identity { tenant: Some("acme".into()), ..Identity::default() };
        identity.fill(&parts, |name| match *name {
            "x-tenant" => Some("evil"),
            _ => Some(" coder "),
        });
        assert_eq!(identity.tenant.as_deref(), Some("acme"));
        assert_eq!(identity.agent.as_deref(), Some("coder"));
        assert_eq!((identity.user, identity.team), (None, None));
    }

    #[test]
    fn what_cannot_be_a_label_is_no_identity() {
        assert!(is_label("a b/c=ü") && is_label(&"x".repeat(128)));
        for bad in ["", "a;tenant=b", "a\nb", &"x".repeat(129)] {
            assert!(!is_label(bad), "{bad:?}");
        }
    }
}
