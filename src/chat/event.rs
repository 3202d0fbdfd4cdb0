//! An answer that arrives as a stream.

use super::{Citation, Failure, Finish, Json, Text, Usage};

/// What a stream says, in neutral words and in this order: `Start`, parts, `Finish` per choice, `End`; `Usage` may
/// come at any time and more than once (the last value of each count wins), and so may `Ping` and `Lost`. `Error`
/// ends a stream wherever it stands.
///
/// Within a choice **one part is open at a time**: a `PartStart` comes only after the `PartStop` of the one before.
/// A dialect that interleaves its parts holds them back in its decoder, so that no encoder has to.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// The answer begins. Exactly once, before all other events but `Ping` and `Error`.
    Start {
        /// The provider's id of the answer; may be empty.
        id: Text<'a>,
        /// The model that the provider says it used; may be empty.
        model: Text<'a>,
        /// When it was made, in seconds since 1970.
        created: Option<u64>,
    },
    /// A part begins.
    PartStart {
        /// The choice it belongs to, from 0.
        choice: u32,
        /// What it is.
        part: PartStart<'a>,
    },
    /// The open part goes on.
    Delta {
        /// The choice it belongs to.
        choice: u32,
        /// What is added.
        delta: Delta<'a>,
    },
    /// The open part is complete.
    PartStop {
        /// The choice it belongs to.
        choice: u32,
    },
    /// What the open text relies on.
    Citation {
        /// The choice it belongs to.
        choice: u32,
        /// The page, and where in the part's text.
        citation: Citation<'a>,
    },
    /// Log probabilities of the text just said, as OpenAI shapes them.
    Logprobs {
        /// The choice they belong to.
        choice: u32,
        /// `{"content":[…],"refusal":…}`.
        json: Json<'a>,
    },
    /// The choice is complete.
    Finish {
        /// The choice that is.
        choice: u32,
        /// Why.
        finish: Finish<'a>,
    },
    /// Counts so far; a count that is absent is not said.
    Usage {
        /// The counts.
        usage: Usage,
        /// Whether these are the provider's final counts.
        last: bool,
    },
    /// The provider still works.
    Ping,
    /// The provider said something that only its own dialect can say; the name of the field or block.
    Lost(&'a str),
    /// The provider failed; nothing comes after it.
    Error(Failure),
    /// The provider ended the stream properly; nothing comes after it.
    End,
}

/// How a part of a stream begins.
#[derive(Debug, Clone, PartialEq)]
pub enum PartStart<'a> {
    /// Text follows.
    Text,
    /// Reasoning follows.
    Thinking,
    /// Reasoning that only its maker can read, whole: no deltas follow.
    RedactedThinking(Text<'a>),
    /// A tool call: its arguments follow.
    ToolCall {
        /// Its id; empty where the provider gave none, until the lane makes one.
        id: Text<'a>,
        /// The tool's name.
        name: Text<'a>,
    },
    /// A call of a custom tool: the free text it is called with follows as its arguments.
    CustomCall {
        /// Its id; empty where the provider gave none, until the lane makes one.
        id: Text<'a>,
        /// The tool's name.
        name: Text<'a>,
    },
    /// A refusal follows.
    Refusal,
}

/// What is added to the open part.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta<'a> {
    /// More text, of a text part or a refusal.
    Text(Text<'a>),
    /// More reasoning.
    Thinking(Text<'a>),
    /// The signature of the reasoning, whole.
    Signature(Text<'a>),
    /// More of the arguments' JSON text, or of a custom tool's input.
    Arguments(Text<'a>),
}

/// What a text is added as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adds {
    /// [`Delta::Text`].
    Text,
    /// [`Delta::Thinking`].
    Thinking,
    /// [`Delta::Arguments`].
    Arguments,
}

impl Adds {
    /// The text so added.
    pub fn to_delta(self, text: Text<'_>) -> Delta<'_> {
        match self {
            Self::Text => Delta::Text(text),
            Self::Thinking => Delta::Thinking(text),
            Self::Arguments => Delta::Arguments(text),
        }
    }
}

impl Delta<'_> {
    /// The same for longer than what it was read from.
    pub fn into_owned(self) -> Delta<'static> {
        match self {
            Self::Text(text) => Delta::Text(text.into_owned()),
            Self::Thinking(text) => Delta::Thinking(text.into_owned()),
            Self::Signature(text) => Delta::Signature(text.into_owned()),
            Self::Arguments(text) => Delta::Arguments(text.into_owned()),
        }
    }
}

/// Where a stream decoder's events go.
pub trait EventSink {
    /// Takes one event.
    fn event(&mut self, event: Event<'_>);
}

impl<F: FnMut(Event<'_>)> EventSink for F {
    fn event(&mut self, event: Event<'_>) {
        self(event);
    }
}
