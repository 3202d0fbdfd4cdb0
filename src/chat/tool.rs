//! Tools a model may use.

use super::{CacheControl, Extra, Json, Opaque, Search, Text};

/// A tool on offer.
#[derive(Debug, Clone)]
pub struct Tool<'a> {
    /// What it is.
    pub kind: ToolKind<'a>,
    /// A prompt-cache breakpoint after it.
    pub cache_control: Option<CacheControl<'a>>,
    /// Fields that only the client's dialect knows.
    pub extra: Extra<'a>,
}

/// The kinds of tools.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolKind<'a> {
    /// A function that the client runs.
    Function(Function<'a>),
    /// A tool that the client runs, called with free text (OpenAI).
    Custom(Custom<'a>),
    /// A search of the web that the provider does itself. Decoders leave it among the [`Self::Other`] tools; the lane
    /// makes it one where the provider, of another dialect, has such a tool too.
    Search(Box<Search>),
    /// A tool that the provider runs itself, or one only the client's dialect knows.
    Other(Opaque<'a>),
}

/// A function that the client runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Function<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// What it is for.
    pub description: Option<Text<'a>>,
    /// JSON Schema of its arguments.
    pub parameters: Option<Json<'a>>,
    /// Whether the arguments must follow the schema exactly.
    pub strict: Option<bool>,
}

/// A tool that the client runs, called with free text.
#[derive(Debug, Clone, PartialEq)]
pub struct Custom<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// What it is for.
    pub description: Option<Text<'a>>,
    /// What its input must look like; unsaid, it may be anything.
    pub grammar: Option<Grammar<'a>>,
}

/// A grammar.
#[derive(Debug, Clone, PartialEq)]
pub struct Grammar<'a> {
    /// The language it is written in (`lark`, `regex`).
    pub syntax: Text<'a>,
    /// The grammar itself.
    pub definition: Text<'a>,
}

/// Which tool the model must use.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolChoice<'a> {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(Text<'a>),
    /// Only these; `required`: at least one of them.
    Allowed {
        /// Whether one of them must be used.
        required: bool,
        /// Names of the tools that may be used.
        names: Vec<Text<'a>>,
    },
    /// A choice that only the client's dialect knows.
    Other(Opaque<'a>),
}
