//! Who may ask, and where it goes.

pub mod allow;
pub mod budget;
pub mod chance;
pub mod circuit;
pub mod fleet;
pub mod health;
pub mod identity;
pub mod keys;
pub mod ledger;
pub mod limit;
pub mod queue;
pub mod quota;
pub mod reason;
pub mod route;
pub mod rulebook;
pub mod rules;
pub mod scope;
pub mod session;
pub mod sift;
pub mod signals;
pub mod strategy;
