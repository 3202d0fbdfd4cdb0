//! What stands around the output of an answer: the same in a whole answer and in the events of a stream.

use super::super::{failure, finish, usage};
use super::output::core_of;
use crate::chat::{Failure, Finish, Text, Usage};
use crate::dialect::lane::AnswerPlan;
use crate::wire::json::Object;

/// What an answer says of itself from its first event to its last.
#[derive(Debug, Clone, Default)]
pub(in crate::dialect::openai_responses) struct Frame {
    pub(in crate::dialect::openai_responses) id: String,
    /// What the ids of the items are made of.
    pub(in crate::dialect::openai_responses) core: String,
    pub(in crate::dialect::openai_responses) model: String,
    pub(in crate::dialect::openai_responses) created: u64,
    /// Members of the request that the answer repeats.
    echo: Option<String>,
}

/// Where an answer stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::dialect::openai_responses) enum Status<'s> {
    /// It has begun.
    InProgress,
    /// It has ended, for this reason.
    Ended {
        finish: Option<&'s Finish<'s>>,
        /// It holds a refusal in so many words.
        refused: bool,
    },
    /// It broke off.
    Failed(&'s Failure),
}

impl Status<'_> {
    /// Whether the answer ended before it was complete.
    pub(in crate::dialect::openai_responses) fn is_incomplete(self) -> bool {
        match self {
            Self::Ended { finish, refused } => finish::incomplete(finish, refused).is_some(),
            Self::InProgress | Self::Failed(_) => false,
        }
    }
}

/// What an answer repeats of a request nobody told about.
const UNSAID: &str = r#""instructions":null,"metadata":{},"parallel_tool_calls":true,"store":false,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled""#;

impl Frame {
    pub(in crate::dialect::openai_responses) fn new(
        plan: &AnswerPlan,
        id: &Text<'_>,
        model: &Text<'_>,
        created: Option<u64>,
    ) -> Self {
        let id = id.to_str();
        let core = core_of(&id);
        Self {
            id: if id.starts_with("resp_") { id.into_owned() } else { format!("resp_{core}") },
            core,
            model: model.to_str().into_owned(),
            created: created.unwrap_or(plan.created),
            echo: plan.echo.clone(),
        }
    }

    /// Writes all members of the answer but those of `own`, a provider's answer of this dialect; `output` writes the
    /// items' array.
    pub(in crate::dialect::openai_responses) fn write(
        &self,
        o: &mut Object<'_>,
        status: Status<'_>,
        usage: &Usage,
        tier: Option<&Text<'_>>,
        output: impl FnOnce(&mut Vec<u8>),
    ) {
        o.str("id", &self.id);
        o.word("object", "response");
        o.u64("created_at", self.created);
        match status {
            Status::InProgress => {
                o.word("status", "in_progress");
                o.null("incomplete_details");
                o.null("error");
            }
            Status::Ended { finish, refused } => {
                finish::write(o, finish::incomplete(finish, refused));
                o.null("error");
            }
            Status::Failed(failure) => {
                o.word("status", "failed");
                o.null("incomplete_details");
                o.object("error", |o| failure::write_error(failure, o));
            }
        }
        o.str("model", &self.model);
        output(o.key("output"));
        if usage.is_empty() {
            o.null("usage");
        } else {
            o.object("usage", |o| usage::write(o, usage));
        }
        if let Some(tier) = tier {
            o.text("service_tier", tier);
        }
        o.members(self.echo.as_deref().unwrap_or(UNSAID));
    }
}
