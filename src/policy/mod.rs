//! Who may ask, and where it goes.

pub mod chance;
pub mod circuit;
pub mod health;
pub mod identity;
pub mod keys;
pub mod reason;
pub mod route;
pub mod rules;
pub mod session;
pub mod sift;
pub mod signals;
pub mod strategy;
