//! One message of a conversation.

use super::{Extra, Part, Text};
use std::fmt;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions.
    System,
    /// Instructions, in the newer word of OpenAI.
    Developer,
    /// The person, or what stands for them; may hold tool results where the dialect puts them here.
    User,
    /// The model.
    Assistant,
    /// Results of tools, where the dialect has a role for them.
    Tool,
}

impl Role {
    /// Whether it gives instructions.
    pub fn is_system(self) -> bool {
        matches!(self, Self::System | Self::Developer)
    }
}

/// Where in the client's body a message stood: the base of the paths in warnings and failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The field of its own that some dialects have for instructions.
    System,
    /// `messages[n]`.
    Message(usize),
    /// `prompt`: dialects that go on from one text.
    Prompt,
    /// The field for instructions of OpenAI's Responses.
    Instructions,
    /// `input[n]`, an item of OpenAI's Responses: of several that make one message, the first.
    Input(usize),
}

impl Place {
    /// The path of a part of what stands here, for warnings.
    pub fn part(self, index: usize) -> String {
        match self {
            Self::System => format!("system[{index}]"),
            Self::Instructions | Self::Prompt => self.to_string(),
            Self::Message(_) | Self::Input(_) => format!("{self}.content[{index}]"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Prompt => f.write_str("prompt"),
            Self::Message(index) => write!(f, "messages[{index}]"),
            Self::Instructions => f.write_str("instructions"),
            Self::Input(index) => write!(f, "input[{index}]"),
        }
    }
}

/// One message. The order of messages, and of parts within one, is the client's.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// Who speaks.
    pub role: Role,
    /// Where it stood in the client's body.
    pub place: Place,
    /// What is said.
    pub parts: Vec<Part<'a>>,
    /// Where more stood of what makes this one message, each with the number of its first part.
    pub joined: Vec<(usize, Place)>,
    /// The speaker's name (OpenAI).
    pub name: Option<Text<'a>>,
    /// Fields that only the client's dialect knows.
    pub extra: Extra<'a>,
}

impl Message<'_> {
    /// A message with nothing said yet.
    pub fn new(role: Role, place: Place) -> Self {
        Self { role, place, parts: Vec::new(), joined: Vec::new(), name: None, extra: Extra::new() }
    }

    /// Begins what stood at another place and is part of this message.
    pub fn join(&mut self, place: Place) {
        if !self.parts.is_empty() {
            self.joined.push((self.parts.len(), place));
        }
    }

    /// Where a part stood, and its number there.
    pub fn place_of(&self, index: usize) -> (Place, usize) {
        // They stand in the order of their parts.
        let begun = self.joined.partition_point(|(first, _)| *first <= index);
        match begun.checked_sub(1).and_then(|last| self.joined.get(last)) {
            Some((first, place)) => (*place, index.saturating_sub(*first)),
            None => (self.place, index),
        }
    }
}
