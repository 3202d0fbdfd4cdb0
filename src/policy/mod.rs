//! Who may ask, and where it goes.

pub mod allow;
pub mod circuit;
pub mod health;
pub mod identity;
pub mod keys;
pub mod route;
pub mod sift;
