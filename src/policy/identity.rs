//! Who asks: what the key says, and beyond it what other sources that the configuration trusts say.

use crate::config::tables::{IdentityHeaders, Key};
use std::rc::Rc;

/// Longest name of a tenant, team, project, user, agent or key, in characters: they stand in every audit line, and in the
/// names of stats, which Envoy keeps for good.
pub const LONGEST_LABEL: usize = 128;

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

    /// Fills in what is not known yet from headers; `header` gives a header's value.
    pub fn fill_from<'r>(&mut self, names: &IdentityHeaders, header: impl Fn(&str) -> Option<&'r str>) {
        for (name, field) in [
            (&names.tenant, &mut self.tenant),
            (&names.team, &mut self.team),
            (&names.project, &mut self.project),
            (&names.user, &mut self.user),
            (&names.agent, &mut self.agent),
        ] {
            if field.is_none()
                && let Some(name) = name
            {
                *field = header(name).map(str::trim).filter(|value| is_label(value)).map(Into::into);
            }
        }
    }

    /// The key's id.
    pub fn key_id(&self) -> Option<&str> {
        self.key.as_ref().map(|key| &*key.id)
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
    fn headers_fill_what_the_key_leaves_open() {
        let names = IdentityHeaders {
            tenant: Some("x-tenant".into()),
            agent: Some("x-agent-type".into()),
            ..IdentityHeaders::default()
        };
        let mut identity = Identity { tenant: Some("acme".into()), ..Identity::default() };
        let header = |name: &str| match name {
            "x-tenant" => Some("evil"),
            "x-agent-type" => Some(" coder "),
            _ => Some("never asked for"),
        };
        identity.fill_from(&names, header);
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
