//! A client's request becomes a provider's.

use super::{AnswerPlan, Ask, Edit, Outgoing, count, identity};
use crate::chat::{ChatRequest, Failure, Losses, Text};
use crate::dialect::{Call, Dialect, Operation, codec};

/// Translates a request body. Where both sides speak the same dialect it is only edited in place.
///
/// # Errors
/// 400 that names the field: the body is wrong, or holds what this provider cannot take and `drop_params` is off.
pub fn request(call: &Call, provider: Dialect, body: &[u8], ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    if call.operation == Operation::CountTokens {
        return count::request(call, provider, body, ask);
    }
    if call.dialect == provider {
        return identity::request(call, body, ask);
    }
    let request = decode(call, body)?;
    let mut losses = Losses::new(ask.drop_params);
    let encoded = codec::encode_request(provider, &request, ask, &mut losses)?;
    let plan = AnswerPlan {
        json_tool: encoded.json_tool,
        legacy_functions: request.legacy_functions,
        array: call.array,
        echo: request.echo,
        ..AnswerPlan::new(call.dialect, provider, request.stream, request.include_usage == Some(true))
    };
    Ok(Outgoing { edit: Edit::Replace(encoded.body), warnings: losses.into_warnings(), plan })
}

/// Reads a request, of which the path may say a part.
pub(super) fn decode<'b>(call: &'b Call, body: &'b [u8]) -> Result<ChatRequest<'b>, Failure> {
    let mut request = codec::decode_request(call.dialect, body)?;
    if let Some(model) = &call.model {
        request.model = Text::from(model.as_str());
    }
    if let Some(stream) = call.stream {
        request.stream = stream;
    }
    Ok(request)
}
