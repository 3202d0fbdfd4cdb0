//! OpenAI's older text completions, `POST /v1/completions`, as OpenAI's API reference has them, with what vLLM and
//! llama.cpp add. A prompt is one user message of the hub; a prompt of token ids, or several prompts at once, only a
//! provider of the same dialect can take.

mod finish;
mod logprobs;
mod request;
mod response;
mod stream;

pub use super::openai_chat::{write_failure, write_failure_event};
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub use stream::{StreamDecoder, StreamEncoder};

use super::{Dialect, Shape, Takes};
use crate::chat::Text;
use crate::dialect::lane::AnswerPlan;
use crate::wire::json::{parse, wire_object};

/// See [`Shape`].
pub const SHAPE: Shape = Shape { answer_id: "cmpl-", takes: &[Takes::Suffix], ..Shape::OPENAI };

wire_object! {
    /// What an answer repeats of its request.
    light struct Echo<'a> {
        prompt: Text<'a> = "prompt",
    }
}

/// The prompt that every text of the answer begins with, where the client asked for it and the provider has not put it
/// there itself.
fn echo(plan: &AnswerPlan) -> Option<Text<'static>> {
    let members = plan.echo.as_ref().filter(|_| plan.provider != Dialect::OpenaiCompletions)?;
    let body = format!("{{{members}}}");
    parse::<Echo<'_>>(body.as_bytes()).ok()?.prompt.map(Text::into_owned)
}
