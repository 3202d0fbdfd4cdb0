//! Tokens and money.

pub mod estimate;
pub mod price;
