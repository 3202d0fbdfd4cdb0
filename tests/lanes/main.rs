//! The lanes between dialects, held against the hard cases and against thousands of recorded exchanges.

#![allow(missing_docs)]

mod cases;
mod corpus;
mod loss;
mod openai_roundtrip;
mod recorded;
mod splits;
mod streamed;
