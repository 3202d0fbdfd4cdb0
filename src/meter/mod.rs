//! What a request used, what it cost, and who is told.

pub mod audit;
pub mod estimate;
pub mod metrics;
pub mod price;
pub mod stat;
