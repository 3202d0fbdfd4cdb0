//! JSON Schemas, as far as several dialects have the same to do with them: references followed, parts put together, the
//! choice at a root made one object.

mod around;
mod flat;
mod named;
mod refs;
mod root;
mod spelt;
mod strict;

pub(in crate::dialect) use around::{ANSWER, object_around};
pub(in crate::dialect) use flat::{Flat, Resolver, Unsayable};
pub(in crate::dialect) use named::Named;
pub(in crate::dialect) use root::object_at_root;
pub use spelt::Rules;
pub(in crate::dialect) use spelt::spelt_out;
pub(in crate::dialect) use strict::{claude_refuses, is_mergeable};

/// Deepest nesting that is followed: no real schema is deeper, and the stack is finite.
pub(in crate::dialect) const MAX_DEPTH: usize = 64;
