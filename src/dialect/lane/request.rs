//! A client's request becomes a provider's.

use super::{AnswerPlan, Ask, Edit, Outgoing, identity};
use crate::chat::{Failure, Losses};
use crate::dialect::{Dialect, codec};

/// Translates a request body. Where both sides speak the same dialect it is only edited in place.
///
/// # Errors
/// 400 that names the field: the body is wrong, or holds what this provider cannot take and `drop_params` is off.
pub fn request(client: Dialect, provider: Dialect, body: &[u8], ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    if client == provider {
        return identity::request(client, body, ask);
    }
    let request = codec::decode_request(client, body)?;
    let mut losses = Losses::new(ask.drop_params);
    let encoded = codec::encode_request(provider, &request, ask, &mut losses)?;
    let plan = AnswerPlan {
        json_tool: encoded.json_tool,
        legacy_functions: request.legacy_functions,
        ..AnswerPlan::new(client, provider, request.stream, request.include_usage == Some(true))
    };
    Ok(Outgoing { edit: Edit::Replace(encoded.body), warnings: losses.into_warnings(), plan })
}
