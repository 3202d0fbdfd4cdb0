//! The hub's answer.

use super::vector::{self, Elements};
use crate::chat::{Extra, Failure, Text, Usage};
use serde_json::value::RawValue;

/// The vectors of one request.
#[derive(Debug, Clone, Default)]
pub struct EmbedResponse<'a> {
    /// The provider's id of the answer; empty where it gave none.
    pub id: Text<'a>,
    /// The model that the provider says it used; empty where it did not say.
    pub model: Text<'a>,
    /// The vectors, once for each kind of elements.
    pub sets: Vec<Set<'a>>,
    /// Counts: `input` alone, in tokens.
    pub usage: Usage,
    /// Fields unknown to the hub, as they came.
    pub extra: Extra<'a>,
}

/// All vectors of an answer, in the order of the inputs, with one kind of elements.
#[derive(Debug, Clone)]
pub struct Set<'a> {
    /// What their values are.
    pub elements: Elements,
    /// One for each input.
    pub vectors: Vec<Vector<'a>>,
}

/// One vector, as it came.
#[derive(Debug, Clone)]
pub enum Vector<'a> {
    /// A JSON array of numbers.
    Numbers(&'a RawValue),
    /// Base64 of its bytes.
    Base64(Text<'a>),
}

impl<'a> Vector<'a> {
    /// A JSON value that is one of the two forms.
    ///
    /// # Errors
    /// 502 for any other value.
    pub fn of(value: &'a RawValue) -> Result<Self, Failure> {
        match Text::from_raw(value) {
            Some(text) => Ok(Self::Base64(text)),
            None if value.get().starts_with('[') => Ok(Self::Numbers(value)),
            None => Err(super::malformed("an embedding is neither numbers nor base64")),
        }
    }

    /// Appends it as numbers.
    pub fn write_numbers(&self, elements: Elements, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self {
            Self::Numbers(numbers) => {
                out.extend_from_slice(numbers.get().as_bytes());
                Ok(())
            }
            Self::Base64(text) => vector::write_numbers(&text.to_str(), elements, out),
        }
    }

    /// Appends it as base64.
    pub fn write_base64(&self, elements: Elements, out: &mut Vec<u8>) -> Result<(), Failure> {
        match self {
            Self::Numbers(numbers) => vector::write_base64(numbers, elements, out),
            Self::Base64(text) => {
                text.write_json(out);
                Ok(())
            }
        }
    }
}

impl<'a> EmbedResponse<'a> {
    /// An answer with floats.
    pub fn floats(vectors: Vec<Vector<'a>>) -> Self {
        Self { sets: vec![Set { elements: Elements::Float, vectors }], ..Self::default() }
    }

    /// The vectors with these elements, or the first ones there are.
    ///
    /// # Errors
    /// 502 when there are none at all.
    pub fn set(&self, elements: Elements) -> Result<&Set<'a>, Failure> {
        let found = self.sets.iter().find(|set| set.elements == elements).or_else(|| self.sets.first());
        found.ok_or_else(|| super::malformed("it holds no embeddings"))
    }

    /// The number of vectors.
    pub fn count(&self) -> usize {
        self.sets.first().map_or(0, |set| set.vectors.len())
    }
}
