//! A target's own fields: where a dialect has them, and how they get into a body.

mod fit;
mod place;
mod splice;

pub(super) use fit::Fitted;
pub(crate) use splice::{set_params, with_params};

use serde_json::value::RawValue;

/// A target's own setting that has its place within an object of the body, where the rest of the object is the
/// client's.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'c> {
    /// The top-level field that holds the object.
    pub object: &'static str,
    /// The field in it.
    pub name: &'static str,
    /// What is set.
    pub value: &'c RawValue,
}
