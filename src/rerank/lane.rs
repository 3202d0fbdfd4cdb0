//! The way of one rerank from a client's format to a provider's, and of the answer back.

use super::request::{decode, encode};
use super::{Format, response};
use crate::chat::{Failure, Losses, Usage};
use crate::dialect::Operation;
use crate::dialect::lane::{Answer, AnswerPlan, Ask, Edit, Outgoing, Report, set_params};
use crate::wire::json::{Members, Patch, Text, members, write_string};
use serde_json::value::RawValue;

/// What the way back has to know of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The client's format.
    pub client: Format,
    /// The provider's format.
    pub provider: Format,
    /// The provider's name of the model, for answers that do not say it.
    pub model: String,
    /// The number of documents; 0 where that cannot be told.
    pub count: usize,
    /// The documents as a JSON array, where the answer is to repeat them.
    pub documents: Option<String>,
    /// How many of the best are wanted, where the provider may give more.
    pub top_n: Option<u64>,
    /// An estimate of the input in tokens, for answers without a count.
    pub estimate: u64,
    /// The input in tokens where the provider's headers said it (Bedrock).
    pub counted: Option<u64>,
}

/// Translates a request body. Where both sides speak the same format it is only edited in place.
///
/// # Errors
/// 400 that names the field: the body is wrong, or holds what this provider cannot take and `drop_params` is off.
pub fn request(client: Format, provider: Format, body: &[u8], ask: &Ask<'_>) -> Result<Outgoing, Failure> {
    let mut losses = Losses::new(ask.drop_params);
    let mut plan = Plan {
        client,
        provider,
        model: ask.model.to_owned(),
        count: 0,
        documents: None,
        top_n: None,
        estimate: crate::meter::estimate::from_bytes(body.len() as u64),
        counted: None,
    };
    let edit = if client == provider {
        let found = members(body)?;
        let list = found.get("documents").map(|member| member.value.get()).unwrap_or_default();
        plan.count = serde_json::from_str::<Vec<&RawValue>>(list).map_or(0, |documents| documents.len());
        same_format(client, body, &found, ask)
    } else {
        let request = decode(client, body)?;
        plan.count = request.documents.len();
        plan.documents = (request.return_documents == Some(true)).then(|| request.documents_json());
        plan.top_n = request.top_n;
        plan.estimate = request.estimate();
        Edit::Replace(encode(&request, provider, ask, &mut losses)?)
    };
    let plan = AnswerPlan {
        operation: Operation::Rerank(client),
        rerank: Some(Box::new(plan)),
        ..AnswerPlan::new(client.dialect(), provider.dialect(), false, false)
    };
    Ok(Outgoing { edit, warnings: losses.into_warnings(), plan })
}

/// The model and a target's own fields are spliced; every other byte stays.
fn same_format(format: Format, body: &[u8], found: &Members<'_>, ask: &Ask<'_>) -> Edit {
    let mut patch = Patch::default();
    set_params(&mut patch, ask, found);
    let said = found.get("model").and_then(|member| Text::from_raw(member.value));
    // On Bedrock the path names the model.
    if format != Format::Bedrock && said.is_none_or(|model| model != *ask.model) {
        let mut model = Vec::with_capacity(ask.model.len() + 2);
        write_string(&mut model, ask.model);
        patch.set("model", model);
    }
    match patch.prefix(body, found) {
        Some((drop, insert)) => Edit::Prefix { drop, insert },
        None => Edit::Keep,
    }
}

/// Translates an answer. Where both sides speak the same format it is only looked at.
///
/// # Errors
/// The body is empty, is no answer to this request, or is an error in a 200: a reason to try the next target.
pub fn answer(plan: &Plan, body: &[u8]) -> Result<Answer, Failure> {
    let mut found = response::decode(body)?;
    if plan.count > 0 {
        if found.results.is_empty() {
            return Err(super::malformed("it puts no document in order"));
        }
        if found.results.iter().any(|ranked| ranked.index >= plan.count) {
            return Err(super::malformed("a result is about a document that was not sent"));
        }
    }
    found.usage.input = found.usage.input.or(plan.counted);
    let body = if plan.client == plan.provider {
        None
    } else {
        if let Some(most) = plan.top_n.and_then(|most| usize::try_from(most).ok()) {
            found.results.truncate(most);
        }
        Some(response::encode(&found, plan)?)
    };
    let is_counted = found.usage.input.is_some();
    let usage = Usage { input: found.usage.input.or(Some(plan.estimate)), output: Some(0), ..found.usage };
    let model = Some(found.model.to_str().into_owned()).filter(|model| !model.is_empty());
    Ok(Answer {
        body,
        report: Report {
            usage,
            usage_is_final: is_counted,
            search_units: found.search_units,
            model,
            ..Report::default()
        },
    })
}
