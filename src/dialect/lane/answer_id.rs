//! Ids for answers that came without one: clients tell answers apart by them, and file what they know under them.

use super::AnswerPlan;

/// Characters of a made id behind what it begins with: a UUID has 32.
const LONGEST: usize = 64;

/// The id of an answer that has none, as its client's dialect spells them; empty where the request has none either.
pub(super) fn made(plan: &AnswerPlan) -> String {
    let core: String = plan.request_id.chars().filter(char::is_ascii_alphanumeric).take(LONGEST).collect();
    if core.is_empty() { core } else { format!("{}{core}", plan.client.shape().answer_id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect::{Anthropic, Bedrock, Cohere, OpenaiChat, OpenaiResponses};
    use crate::dialect::lane::{Stream, answer};

    fn plan(client: crate::dialect::Dialect, stream: bool) -> AnswerPlan {
        let request_id = "7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned();
        AnswerPlan { request_id, ..AnswerPlan::new(client, Bedrock, stream, false) }
    }

    #[test]
    fn an_answer_without_an_id_is_named_after_its_request() {
        let body = br#"{"output":{"message":{"role":"assistant","content":[{"text":"a"}]}},"stopReason":"end_turn"}"#;
        for (client, id) in [
            (OpenaiChat, "chatcmpl-7c9e6679742540de944be07fc1f90ae7"),
            (Anthropic, "msg_7c9e6679742540de944be07fc1f90ae7"),
            (OpenaiResponses, "resp_7c9e6679742540de944be07fc1f90ae7"),
            (Cohere, "7c9e6679742540de944be07fc1f90ae7"),
        ] {
            let said = format!("\"id\":\"{id}\"");
            let whole = answer(&plan(client, false), body).unwrap().body.unwrap();
            assert!(String::from_utf8(whole).unwrap().contains(&said), "{client:?}");

            let mut frames = Vec::new();
            let headers = [(":event-type", "messageStart"), (":message-type", "event")];
            crate::wire::eventstream::write_frame(&headers, br#"{"role":"assistant"}"#, &mut frames);
            let mut out = Vec::new();
            Stream::new(&plan(client, true)).push(&frames, &mut out);
            assert!(String::from_utf8(out).unwrap().contains(&said), "{client:?}");
        }
    }
}
