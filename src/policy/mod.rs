//! Who may ask, and where it goes.

pub mod health;
pub mod identity;
pub mod keys;
pub mod route;
