//! The answer: hub, readers and writers.

use super::{Format, Plan, malformed};
use crate::chat::{Extra, Failure, Text, Usage};
use crate::dialect::lane::read_failure;
use crate::wire::json::{Count, object, parse, wire_object};
use serde_json::value::RawValue;

/// Documents in order.
#[derive(Debug, Clone, Default)]
pub struct RerankResponse<'a> {
    /// The provider's id of the answer; empty where it gave none.
    pub id: Text<'a>,
    /// The model that the provider says it used; empty where it did not say.
    pub model: Text<'a>,
    /// The most relevant first.
    pub results: Vec<Ranked<'a>>,
    /// Counts: `input` alone, in tokens.
    pub usage: Usage,
    /// What Cohere bills by.
    pub search_units: Option<u64>,
    /// Fields unknown to the hub, as they came.
    pub extra: Extra<'a>,
}

/// One document's place.
#[derive(Debug, Clone)]
pub struct Ranked<'a> {
    /// Which document of the request it is, from 0.
    pub index: usize,
    /// How relevant it is, a JSON number as it came.
    pub score: &'a RawValue,
}

wire_object! {
    /// The body of an answer of any format.
    struct ResponseWire<'a> {
        id: Text<'a> = "id",
        object: Text<'a> = "object",
        model: Text<'a> = "model",
        results: Vec<ResultWire<'a>> = "results",
        data: Vec<ResultWire<'a>> = "data",
        usage: UsageWire<'a> = "usage",
        meta: MetaWire<'a> = "meta",
        error: &'a RawValue = "error",
        message: &'a RawValue = "message",
    }
}

wire_object! {
    /// One result. The document is not looked at: the request has it.
    light struct ResultWire<'a> {
        index: usize = "index",
        relevance_score: &'a RawValue = "relevance_score",
    }
}

wire_object! {
    /// Counts in tokens.
    light struct UsageWire<'a> {
        total_tokens: Count = "total_tokens",
        prompt_tokens: Count = "prompt_tokens",
        input_tokens: Count = "input_tokens",
        details: &'a RawValue = "prompt_tokens_details",
    }
}

wire_object! {
    /// Cohere's counts.
    light struct MetaWire<'a> {
        billed_units: UnitsWire<'a> = "billed_units",
        tokens: UsageWire<'a> = "tokens",
    }
}

wire_object! {
    /// What is billed.
    light struct UnitsWire<'a> {
        search_units: Count = "search_units",
        input_tokens: Count = "input_tokens",
        total_tokens: Count = "total_tokens",
        other: &'a RawValue = "classifications",
    }
}

/// Reads a provider's answer.
pub(super) fn decode(body: &[u8]) -> Result<RerankResponse<'_>, Failure> {
    let wire: ResponseWire<'_> = parse(body).map_err(|error| malformed(&error.to_string()))?;
    let Some(found) = wire.results.or(wire.data) else {
        let says_why = [wire.error, wire.message].into_iter().flatten().any(|said| said.get() != "null");
        return Err(if says_why { read_failure(200, body) } else { malformed("it holds no results") });
    };
    let mut results = Vec::with_capacity(found.len());
    for one in found {
        let (Some(index), Some(score)) = (one.index, one.relevance_score) else {
            return Err(malformed("a result holds no index or no score"));
        };
        results.push(Ranked { index, score });
    }
    let units = wire.meta.as_ref().and_then(|meta| meta.billed_units.as_ref());
    let input = [
        wire.usage
            .as_ref()
            .and_then(|usage| Count::of(usage.total_tokens).or(Count::of(usage.prompt_tokens))),
        units.and_then(|units| Count::of(units.total_tokens).or(Count::of(units.input_tokens))),
        wire.meta
            .as_ref()
            .and_then(|meta| meta.tokens.as_ref())
            .and_then(|tokens| Count::of(tokens.input_tokens)),
    ]
    .into_iter()
    .flatten()
    .next();
    Ok(RerankResponse {
        id: wire.id.unwrap_or_default(),
        model: wire.model.unwrap_or_default(),
        results,
        usage: Usage { input, ..Usage::default() },
        search_units: units.and_then(|units| Count::of(units.search_units)),
        extra: wire.extra,
    })
}

/// Writes a client's answer. Clients of `/v1/rerank` speak Cohere's first API or Jina's, and each finds its own counts:
/// `meta` for the one, `usage` and `model` for the other.
pub(super) fn encode(response: &RerankResponse<'_>, plan: &Plan) -> Result<Vec<u8>, Failure> {
    let is_first = plan.client == Format::V1;
    let documents: Vec<&RawValue> = match &plan.documents {
        Some(json) => serde_json::from_str(json).unwrap_or_default(),
        None => Vec::new(),
    };
    let mut body = Vec::with_capacity(512);
    object(&mut body, |o| {
        if !response.id.is_empty() {
            o.text("id", &response.id);
        }
        if is_first {
            o.text("model", response.model.or(&Text::from(plan.model.as_str())));
        }
        o.array("results", |list| {
            for ranked in &response.results {
                list.object(|one| {
                    one.u64("index", ranked.index as u64);
                    one.raw("relevance_score", ranked.score);
                    if let Some(document) = documents.get(ranked.index) {
                        one.raw("document", document);
                    }
                });
            }
        });
        o.object("meta", |meta| {
            meta.object("api_version", |version| version.word("version", if is_first { "1" } else { "2" }));
            if let Some(units) = response.search_units {
                meta.object("billed_units", |billed| billed.u64("search_units", units));
            } else if let Some(input) = response.usage.input {
                meta.object("billed_units", |billed| billed.u64("input_tokens", input));
            }
        });
        if is_first && let Some(input) = response.usage.input {
            o.object("usage", |usage| {
                usage.u64("prompt_tokens", input);
                usage.u64("total_tokens", input);
            });
        }
        Ok::<_, Failure>(())
    })?;
    Ok(body)
}
