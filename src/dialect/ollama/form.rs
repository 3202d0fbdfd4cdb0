//! The two forms of an answer, which differ in where the words stand.

use crate::chat::Usage;
use crate::dialect::Dialect;
use crate::wire::json::Object;

/// Which endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `/api/chat`: in `message`.
    Chat,
    /// `/api/generate`: at the top.
    Generate,
}

impl Form {
    /// The form that a client of this dialect expects.
    pub(super) fn of(client: Dialect) -> Self {
        if client == Dialect::OllamaGenerate { Self::Generate } else { Self::Chat }
    }
}

/// Writes the counts. Ollama leaves a count of zero out, and so do its clients take an absent one.
pub(super) fn write_usage(usage: &Usage, o: &mut Object<'_>) {
    for (key, count) in [("prompt_eval_count", usage.input), ("eval_count", usage.output)] {
        if let Some(count) = count {
            o.u64(key, count);
        }
    }
}
