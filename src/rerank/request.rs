//! The request: hub, readers and writers.
//!
//! Sources: `docs.cohere.com/reference/rerank` (both versions), Jina's and Voyage's API references, vLLM's score API,
//! and the model parameters of Bedrock's user guide.

use super::Format;
use crate::chat::{Extra, Failure, Losses, Text};
use crate::dialect::lane::{Ask, with_params};
use crate::wire::json::{members, object, parse, wire_object, write_string};
use serde_json::value::RawValue;

/// Documents to be put in order.
#[derive(Debug, Clone)]
pub struct RerankRequest<'a> {
    /// The format it was read from.
    pub origin: Format,
    /// The model as the client names it.
    pub model: Text<'a>,
    /// What they are to be relevant to.
    pub query: Text<'a>,
    /// The documents.
    pub documents: Vec<Document<'a>>,
    /// How many of the best are wanted; `None`: all.
    pub top_n: Option<u64>,
    /// Whether the answer repeats the documents.
    pub return_documents: Option<bool>,
    /// The fields of documents that count, for documents that are objects.
    pub rank_fields: Option<Vec<Text<'a>>>,
    /// Longest document, in tokens: what comes after is not looked at.
    pub max_tokens_per_doc: Option<u64>,
    /// Most pieces that a long document is cut into (Cohere's first API).
    pub max_chunks_per_doc: Option<u64>,
    /// Whether what is too long may be cut (Voyage, Jina).
    pub truncation: Option<bool>,
    /// Fields unknown to the hub, as they came.
    pub extra: Extra<'a>,
}

/// A document.
#[derive(Debug, Clone)]
pub enum Document<'a> {
    /// Text.
    Text(Text<'a>),
    /// An object of named texts; `text` is the one that counts where nothing else is said.
    Object(&'a RawValue),
}

wire_object! {
    /// The body of a request of any format.
    struct RequestWire<'a> {
        model: Text<'a> = "model",
        query: Text<'a> = "query",
        documents: Vec<&'a RawValue> = "documents",
        top_n: u64 = "top_n",
        top_k: u64 = "top_k",
        return_documents: bool = "return_documents",
        rank_fields: Vec<Text<'a>> = "rank_fields",
        max_tokens_per_doc: u64 = "max_tokens_per_doc",
        max_chunks_per_doc: u64 = "max_chunks_per_doc",
        truncation: bool = "truncation",
        api_version: &'a RawValue = "api_version",
    }
}

/// Reads a client's request.
pub(super) fn decode(format: Format, body: &[u8]) -> Result<RerankRequest<'_>, Failure> {
    let wire: RequestWire<'_> = parse(body)?;
    let missing = |field: &str| Failure::field(field, format!("{field}: this field is required"));
    let mut documents = Vec::new();
    for (at, value) in wire.documents.unwrap_or_default().into_iter().enumerate() {
        documents.push(match Text::from_raw(value) {
            Some(text) => Document::Text(text),
            None if value.get().starts_with('{') => Document::Object(value),
            None => {
                let field = format!("documents[{at}]");
                let message = format!("{field}: expected a string or an object");
                return Err(Failure::field(field, message));
            }
        });
    }
    if documents.is_empty() {
        return Err(missing("documents"));
    }
    Ok(RerankRequest {
        origin: format,
        model: wire.model.unwrap_or_default(),
        query: wire.query.ok_or_else(|| missing("query"))?,
        documents,
        top_n: wire.top_n.or(wire.top_k),
        return_documents: wire.return_documents,
        rank_fields: wire.rank_fields,
        max_tokens_per_doc: wire.max_tokens_per_doc,
        max_chunks_per_doc: wire.max_chunks_per_doc,
        truncation: wire.truncation,
        extra: wire.extra,
    })
}

/// Writes a provider's request.
pub(super) fn encode(
    request: &RerankRequest<'_>,
    provider: Format,
    ask: &Ask<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Failure> {
    const UNKNOWN: &str = "has no counterpart at this provider";
    let takes_objects = provider == Format::V1;
    let mut body = Vec::with_capacity(512);
    object(&mut body, |o| {
        if provider != Format::Bedrock {
            o.str("model", ask.model);
        }
        o.text("query", &request.query);
        o.array("documents", |list| {
            for (at, document) in request.documents.iter().enumerate() {
                match document {
                    Document::Text(text) => list.text(text),
                    Document::Object(object) if takes_objects => list.raw(object),
                    Document::Object(object) => {
                        let text = object_text(object, request.rank_fields.as_deref(), at)?;
                        write_string(list.item(), &text);
                    }
                }
            }
            Ok::<_, Failure>(())
        })?;
        if let Some(top_n) = request.top_n {
            o.u64(if provider == Format::Voyage { "top_k" } else { "top_n" }, top_n);
        }
        match provider {
            Format::V1 => {
                // The gateway repeats the documents by itself; some of these servers do so unless told not to.
                o.bool("return_documents", false);
                if let Some(fields) = &request.rank_fields {
                    o.array("rank_fields", |list| fields.iter().for_each(|field| list.text(field)));
                }
            }
            // Bedrock's models of Cohere need to be told which API they speak; Amazon's own takes no such field.
            Format::Bedrock if ask.model.contains("cohere.") => o.u64("api_version", 2),
            _ => {}
        }
        match (request.max_tokens_per_doc, provider) {
            // Nobody whose dialect is the first one knows this name.
            (Some(most), Format::V2) => o.u64("max_tokens_per_doc", most),
            (Some(most), Format::Bedrock) if ask.model.contains("cohere.") => {
                o.u64("max_tokens_per_doc", most);
            }
            (Some(_), _) => losses.lost("max_tokens_per_doc", UNKNOWN)?,
            (None, _) => {}
        }
        match (request.max_chunks_per_doc, provider) {
            (Some(most), Format::V1) => o.u64("max_chunks_per_doc", most),
            (Some(_), _) => losses.lost("max_chunks_per_doc", UNKNOWN)?,
            (None, _) => {}
        }
        match (request.truncation, provider) {
            (Some(cut), Format::Voyage | Format::V1) => o.bool("truncation", cut),
            // To cut is what the others do unasked.
            (Some(true) | None, _) => {}
            (Some(false), _) => losses.lost("truncation", UNKNOWN)?,
        }
        losses.lost_extra("", &request.extra, UNKNOWN)
    })?;
    Ok(with_params(body, ask))
}

/// An object as the text that counts of it: the named fields, one a line as YAML has them (which is what Cohere advises
/// for its second API), or `text`, or all of it.
fn object_text(object: &RawValue, fields: Option<&[Text<'_>]>, at: usize) -> Result<String, Failure> {
    let found = members(object.get().as_bytes())
        .map_err(|error| Failure::field(format!("documents[{at}]"), format!("documents[{at}]: {error}")))?;
    let plain = |value: &RawValue| {
        Text::from_raw(value).map_or_else(|| value.get().to_owned(), |text| text.to_str().into_owned())
    };
    if fields.is_none()
        && let Some(text) = found.get("text")
    {
        return Ok(plain(text.value));
    }
    let mut lines = Vec::new();
    for member in &found.fields {
        if fields.is_none_or(|fields| fields.iter().any(|field| *field == *member.key)) {
            lines.push(format!("{}: {}", member.key, plain(member.value)));
        }
    }
    Ok(lines.join("\n"))
}

impl RerankRequest<'_> {
    /// The documents as a JSON array of objects with a `text`, for answers that repeat them.
    pub fn documents_json(&self) -> String {
        let mut out = Vec::new();
        crate::wire::json::array(&mut out, |list| {
            for document in &self.documents {
                match document {
                    Document::Text(text) => list.object(|o| o.text("text", text)),
                    Document::Object(object) => list.raw(object),
                }
            }
        });
        // Only whole strings were appended.
        String::from_utf8(out).unwrap_or_default()
    }

    /// An estimate of the input in tokens: the query once for each document.
    pub fn estimate(&self) -> u64 {
        use crate::meter::estimate::{Tokenizer, from_bytes, from_text};
        let query = from_text(&self.query.to_str(), Tokenizer::default());
        self.documents.iter().fold(0_u64, |sum, document| {
            let one = match document {
                Document::Text(text) => from_text(&text.to_str(), Tokenizer::default()),
                Document::Object(object) => from_bytes(object.get().len() as u64),
            };
            sum.saturating_add(one).saturating_add(query)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Quirks;
    use serde_json::{Value, json};

    fn send(
        body: &Value,
        to: Format,
        model: &str,
        drop_params: bool,
    ) -> Result<(Value, Vec<String>), Failure> {
        let quirks = Quirks::OPENAI;
        let ask = Ask { drop_params, ..Ask::new(model, &quirks) };
        let text = body.to_string();
        let mut losses = Losses::new(drop_params);
        let sent = encode(&decode(Format::V1, text.as_bytes())?, to, &ask, &mut losses)?;
        Ok((serde_json::from_slice(&sent).unwrap(), losses.into_warnings()))
    }

    #[test]
    fn objects_become_texts_where_only_texts_are_taken() {
        let documents = json!([{"text": "a", "id": 7}, {"a_title": "t", "b_body": "b \"quoted\""}, "plain"]);
        let body = json!({"model": "m", "query": "q", "documents": documents, "top_n": 2});
        let (v2, warnings) = send(&body, Format::V2, "rerank-v3.5", false).unwrap();
        assert_eq!(v2["documents"], json!(["a", "a_title: t\nb_body: b \"quoted\"", "plain"]));
        assert_eq!((v2["top_n"].as_u64(), warnings.len()), (Some(2), 0));
        let body = json!({"query": "q", "documents": documents, "rank_fields": ["b_body", "text"]});
        let (voyage, _) = send(&body, Format::Voyage, "rerank-2.5", false).unwrap();
        assert_eq!(voyage["documents"], json!(["text: a", "b_body: b \"quoted\"", "plain"]));
        let (first, _) = send(&body, Format::V1, "x", false).unwrap();
        assert_eq!((&first["documents"], &first["rank_fields"]), (&documents, &body["rank_fields"]));
    }

    #[test]
    fn what_a_provider_cannot_do_is_said() {
        let body = json!({"query": "q", "documents": ["a"], "max_chunks_per_doc": 3, "truncation": false});
        let (_, warnings) = send(&body, Format::V2, "x", true).unwrap();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        let failure = send(&body, Format::Bedrock, "amazon.rerank-v1:0", false).unwrap_err();
        assert_eq!(failure.param.as_deref(), Some("max_chunks_per_doc"));
        let body = json!({"query": "q", "documents": ["a"], "max_tokens_per_doc": 3, "priority": 1});
        let failure = send(&body, Format::Voyage, "x", false).unwrap_err();
        assert_eq!(failure.param.as_deref(), Some("max_tokens_per_doc"));
        let (bedrock, warnings) = send(&body, Format::Bedrock, "cohere.rerank-v3-5:0", true).unwrap();
        assert_eq!(
            bedrock,
            json!({"query": "q", "documents": ["a"], "api_version": 2, "max_tokens_per_doc": 3})
        );
        assert_eq!(warnings, ["priority dropped: has no counterpart at this provider"]);
    }

    #[test]
    fn wrong_requests_are_told_where() {
        for (body, param) in [
            (json!({"documents": ["a"]}), "query"),
            (json!({"query": "q"}), "documents"),
            (json!({"query": "q", "documents": []}), "documents"),
            (json!({"query": "q", "documents": ["a", 7]}), "documents[1]"),
            (json!({"query": "q", "documents": ["a"], "top_n": "2"}), "top_n"),
        ] {
            let failure = send(&body, Format::V2, "x", true).unwrap_err();
            assert_eq!((failure.status, failure.param.as_deref()), (400, Some(param)), "{body}");
        }
    }
}
