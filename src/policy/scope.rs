//! What a rule counts by.

use serde::{Deserialize, Serialize};

/// What a budget or a limit is kept for: one count for each value of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All requests together.
    Global,
    /// Who pays.
    Tenant,
    /// A team of a tenant.
    Team,
    /// A project of a team.
    Project,
    /// A client key, by its id.
    Key,
    /// A person.
    User,
    /// A kind of agent.
    Agent,
    /// A public model, by its name in the configuration.
    Model,
    /// A provider, by its name in the configuration.
    Provider,
}

impl Scope {
    /// All of them, in the order in which rules are asked: the narrowest of who asks last, so that the widest refuses
    /// first and nothing is taken back; the provider at the very end, for it is one choice among several.
    pub const ALL: [Self; 9] = [
        Self::Global,
        Self::Tenant,
        Self::Team,
        Self::Project,
        Self::Key,
        Self::User,
        Self::Agent,
        Self::Model,
        Self::Provider,
    ];

    /// The word for it in the configuration, metrics and errors.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Tenant => "tenant",
            Self::Team => "team",
            Self::Project => "project",
            Self::Key => "key",
            Self::User => "user",
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Provider => "provider",
        }
    }
}
