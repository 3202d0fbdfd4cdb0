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
