//! Whole bodies: a client's request for every provider, a provider's answer for every client.

use super::{assert_json, dialect_of, output_bound};
use serde_json::Value;
use tollgate::chat::Failure;
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Edit, count};
use tollgate::dialect::{Call, Dialect};
use tollgate::provider::Quirks;
use tollgate::wire::json::sketch;

pub(crate) const ASK: Ask<'_> = Ask::new("upstream-model", &Quirks::OPENAI);

/// What a client's path says where its dialect has the model there.
pub(crate) fn call(client: Dialect) -> Call {
    let shape = client.shape();
    Call {
        model: shape.model_in_path.then(|| "public-model".to_owned()),
        stream: shape.stream_in_path.then_some(false),
        ..Call::chat(client)
    }
}

pub(crate) fn request(input: &[u8]) {
    let Some((client, body)) = dialect_of(input) else { return };
    let call = call(client);
    let is_json = outlined(body);
    let _ = lane::read_envelope(&call, &body.to_vec().into());
    for provider in Dialect::ALL {
        for (drop_params, quirks) in [(true, &Quirks::OPENAI), (false, &Quirks::COMPATIBLE)] {
            let ask = Ask { drop_params, drop_content: drop_params, quirks, ..ASK };
            match lane::request(&call, *provider, body, &ask) {
                Ok(outgoing) => {
                    let bytes = match outgoing.edit {
                        Edit::Keep => body.to_vec(),
                        Edit::Prefix { drop, mut insert } => {
                            insert.extend_from_slice(&body[drop..]);
                            insert
                        }
                        Edit::Replace(bytes) => bytes,
                    };
                    // The same dialect's bytes pass as they are, but for a few fields at the top; what is wrong within
                    // the others is for the provider to say.
                    if is_json || *provider != client {
                        assert_json(&bytes, provider.as_str());
                    }
                    assert!(bytes.len() <= output_bound(body.len()), "{} bytes", bytes.len());
                }
                Err(failure) => refused(client, &failure),
            }
        }
        let counting = Call { operation: tollgate::dialect::Operation::CountTokens, ..call.clone() };
        if let Ok(outgoing) = lane::request(&counting, *provider, body, &ASK)
            && let Edit::Replace(bytes) = outgoing.edit
            && (is_json || *provider != client)
        {
            assert_json(&bytes, "a request for a count");
        }
        let _ = count::estimated(&counting, body, "claude");
    }
}

/// Whether it is a JSON object; the places of its fields are then those that a whole reader of JSON finds.
fn outlined(body: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<serde_json::Map<String, Value>>(body) else { return false };
    let found = sketch(body).expect("it is an object");
    assert_eq!(found.fields.iter().filter(|field| !read.contains_key(&*field.key)).count(), 0);
    for (name, value) in &read {
        let member = found.get(name).unwrap_or_else(|| panic!("{name} is not found"));
        assert_eq!(serde_json::from_slice::<Value>(member.value).ok().as_ref(), Some(value), "{name}");
    }
    true
}

pub(crate) fn response(input: &[u8]) {
    let Some((provider, body)) = dialect_of(input) else { return };
    for client in Dialect::ALL {
        for json_tool in [false, true] {
            let plan = AnswerPlan { json_tool, ..AnswerPlan::new(*client, provider, false, true) };
            match lane::answer(&plan, body) {
                Ok(answer) => {
                    if let Some(bytes) = answer.body {
                        assert_json(&bytes, client.as_str());
                        assert!(bytes.len() <= output_bound(body.len()), "{} bytes", bytes.len());
                    }
                }
                Err(failure) => refused(*client, &failure),
            }
            let plan = AnswerPlan { stream: true, ..plan };
            if let Ok(answer) = lane::answer_as_stream(&plan, body) {
                let length = answer.body.map_or(0, |bytes| bytes.len());
                assert!(length <= output_bound(body.len()), "{length} bytes");
            }
        }
        for status in [200, 400, 429, 529] {
            refused(*client, &lane::read_failure(status, body));
        }
        let _ = lane::is_failure_of(*client, body);
    }
}

/// A failure can be told to any client.
fn refused(client: Dialect, failure: &Failure) {
    assert!((400..=599).contains(&failure.status), "status {}", failure.status);
    assert_json(&lane::write_failure(client, failure, &[], "r"), "a failure");
    let mut event = Vec::new();
    tollgate::dialect::codec::write_failure_event(client, failure, &mut event);
    assert!(!event.is_empty());
}
