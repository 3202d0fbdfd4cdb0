//! What a dialect has a place for and what its providers insist on: facts that the lanes ask for before they write.

/// What not every dialect has a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A search of the web that the provider does itself.
    WebSearch,
    /// Tools whose input is text and no object.
    CustomTools,
    /// Documents beside the conversation.
    Documents,
    /// Documents in pieces, and what a search found, as such.
    Pieces,
    /// What comes after the text that is to be filled in.
    Suffix,
    /// The proofs of anybody's thoughts, which clients keep and send back as they came.
    AnyProof,
}

/// What providers insist on, and answer 400 without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Thoughts of earlier turns are proven to be their own.
    Proof,
    /// A conversation in which JSON is asked for says the word.
    WordJson,
}

/// What providers take for the name of a tool: letters, digits, `_` and `-`, and what is said here.
#[derive(Debug, Clone, Copy)]
pub struct ToolNames {
    /// Bytes, at most.
    pub longest: usize,
    /// What else is allowed.
    pub also: &'static str,
    /// The first character is a letter or `_`.
    pub starts_with_letter: bool,
}

impl ToolNames {
    /// As most have it, up to so many bytes.
    pub const fn up_to(longest: usize) -> Self {
        Self { longest, also: "", starts_with_letter: false }
    }
}
