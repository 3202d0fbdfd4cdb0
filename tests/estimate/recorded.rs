//! Whole requests against what their providers counted.

use crate::corpus::exchanges;
use std::collections::BTreeMap;
use tollgate::chat::{ChatRequest, Part, PartKind, ToolKind};
use tollgate::dialect::Dialect::{Anthropic, OpenaiChat};
use tollgate::dialect::codec;
use tollgate::meter::estimate::{Tokenizer, from_body, from_request};

/// Words, tools and calls: what is counted from. Pictures, files and the provider's own tools are not here.
fn is_words(request: &ChatRequest<'_>) -> bool {
    fn all_words(parts: &[Part<'_>]) -> bool {
        parts.iter().all(|part| match &part.kind {
            PartKind::Text(_) | PartKind::ToolCall(_) => true,
            PartKind::ToolResult(result) => all_words(&result.content),
            _ => false,
        })
    }
    request.messages.iter().all(|message| all_words(&message.parts))
        && request.tools.iter().all(|tool| matches!(tool.kind, ToolKind::Function(_)))
}

/// Estimates of one class, each as a part of what was counted.
#[derive(Default)]
struct Class {
    request: Vec<f64>,
    body: Vec<f64>,
}

fn measured() -> Option<BTreeMap<(String, bool), Class>> {
    let mut classes: BTreeMap<(String, bool), Class> = BTreeMap::new();
    for (op, dialect) in [("openai.chat", OpenaiChat), ("anthropic.messages", Anthropic)] {
        for exchange in exchanges(op)?.into_iter().filter(|exchange| exchange.status == 200) {
            let Some(body) = exchange.request else { continue };
            let Ok(request) = codec::decode_request(dialect, body.as_bytes()) else { continue };
            let Ok(answer) = codec::decode_response(dialect, exchange.response.as_bytes()) else { continue };
            let Some(count) = answer.usage.input.filter(|count| *count > 0 && is_words(&request)) else {
                continue;
            };
            let tokenizer = Tokenizer::of_model(&answer.model.to_str());
            #[expect(clippy::cast_precision_loss, reason = "counts of thousands")]
            let part = |estimate: u64| estimate as f64 / count as f64;
            let class = classes.entry((format!("{tokenizer:?}"), !request.tools.is_empty())).or_default();
            class.request.push(part(from_request(&request, tokenizer)));
            class.body.push(part(from_body(&body.clone().into_bytes().into(), tokenizer)));
        }
    }
    Some(classes)
}

/// The value that a part of all do not exceed.
fn quantile(values: &[f64], tenths: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() * tenths / 10).min(sorted.len() - 1)]
}

#[test]
fn requests_are_near_what_was_counted() {
    let Some(classes) = measured() else { return };
    println!(
        "| vocabulary | tools | requests | from_request, 10 / 50 / 90 of 100 | from_body |\n|---|---|---|---|---|"
    );
    for ((tokenizer, tools), class) in &classes {
        let three =
            |values: &[f64]| [1, 5, 9].map(|tenths| format!("{:.2}", quantile(values, tenths))).join(" / ");
        println!(
            "| {tokenizer} | {tools} | {} | {} | {} |",
            class.request.len(),
            three(&class.request),
            three(&class.body)
        );
        // Few requests, or few models, say little.
        if class.request.len() >= 50 {
            let median = quantile(&class.request, 5);
            assert!((0.85..1.15).contains(&median), "{tokenizer} {tools}: {median}");
        }
    }
}
