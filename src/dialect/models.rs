//! The list of models, in each dialect's shape.

use super::Dialect;
use super::date::rfc3339;
use crate::wire::json::{Object, array, object, write_string};

/// The body of `GET /v1/models` (or `/api/tags`). `created` is what the models' date should say, in seconds since 1970: a
/// gateway's names have no date of their own, so the configuration's is used.
pub fn list<'n>(client: Dialect, names: impl IntoIterator<Item = &'n str>, created: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut ends: Option<(&str, &str)> = None;
    object(&mut out, |body| {
        let key = match client {
            Dialect::Cohere | Dialect::Gemini | Dialect::Ollama | Dialect::OllamaGenerate => "models",
            Dialect::Anthropic => "data",
            _ => {
                body.word("object", "list");
                "data"
            }
        };
        array(body.key(key), |list| {
            for name in names {
                ends = Some((ends.map_or(name, |(first, _)| first), name));
                list.object(|model| fill(client, name, created, model));
            }
        });
        if client == Dialect::Anthropic {
            body.bool("has_more", false);
            for (key, id) in [("first_id", ends.map(|ends| ends.0)), ("last_id", ends.map(|ends| ends.1))] {
                match id {
                    Some(id) => write_string(body.key(key), id),
                    None => body.null(key),
                }
            }
        }
    });
    out
}

/// The body of `GET /v1/models/{id}`.
pub fn one(client: Dialect, name: &str, created: u64) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |model| fill(client, name, created, model));
    out
}

/// The body of Ollama's `POST /api/show`. What runs behind a name is the providers' business; that the gateway carries
/// tools to all of them is what clients look for.
pub fn show(created: u64) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |model| {
        model.str("modified_at", &rfc3339(created));
        model.object("details", details);
        model.object("model_info", |info| info.word("general.architecture", "tollgate"));
        model.array("capabilities", |list| ["completion", "tools"].iter().for_each(|word| list.str(word)));
    });
    out
}

fn fill(client: Dialect, name: &str, created: u64, model: &mut Object<'_>) {
    match client {
        Dialect::Anthropic => {
            model.word("type", "model");
            model.str("id", name);
            model.str("display_name", name);
            model.str("created_at", &rfc3339(created));
        }
        Dialect::Cohere => {
            model.str("name", name);
            model.array("endpoints", |list| list.str("chat"));
            model.bool("finetuned", false);
        }
        Dialect::Gemini => {
            model.str("name", &format!("models/{name}"));
            model.str("displayName", name);
            model.word("version", "1");
            model.array("supportedGenerationMethods", |methods| {
                methods.str("generateContent");
                methods.str("streamGenerateContent");
            });
        }
        Dialect::Ollama | Dialect::OllamaGenerate => {
            model.str("name", name);
            model.str("model", name);
            model.str("modified_at", &rfc3339(created));
            model.u64("size", 0);
            model.word("digest", "");
            model.object("details", details);
        }
        _ => {
            model.str("id", name);
            model.word("object", "model");
            model.u64("created", created);
            model.word("owned_by", "tollgate");
        }
    }
}

/// Facts about a file of weights, of which a gateway has none: the fields are there because clients read them.
fn details(details: &mut Object<'_>) {
    for key in ["parent_model", "format", "family", "parameter_size", "quantization_level"] {
        details.word(key, "");
    }
    details.array("families", |_| ());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_all_shapes() {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!(
            text(list(Dialect::Gemini, ["a"], 5)),
            r#"{"models":[{"name":"models/a","displayName":"a","version":"1","supportedGenerationMethods":["generateContent","streamGenerateContent"]}]}"#
        );
        assert_eq!(
            text(list(Dialect::OpenaiChat, ["a"], 5)),
            r#"{"object":"list","data":[{"id":"a","object":"model","created":5,"owned_by":"tollgate"}]}"#
        );
        assert_eq!(
            text(list(Dialect::Anthropic, ["a", "b"], 0)),
            r#"{"data":[{"type":"model","id":"a","display_name":"a","created_at":"1970-01-01T00:00:00Z"},{"type":"model","id":"b","display_name":"b","created_at":"1970-01-01T00:00:00Z"}],"has_more":false,"first_id":"a","last_id":"b"}"#
        );
        assert_eq!(
            text(list(Dialect::Anthropic, [], 0)),
            r#"{"data":[],"has_more":false,"first_id":null,"last_id":null}"#
        );
        assert_eq!(
            text(list(Dialect::Ollama, ["a"], 0)),
            r#"{"models":[{"name":"a","model":"a","modified_at":"1970-01-01T00:00:00Z","size":0,"digest":"","details":{"parent_model":"","format":"","family":"","parameter_size":"","quantization_level":"","families":[]}}]}"#
        );
        assert_eq!(
            text(one(Dialect::OpenaiChat, "x\"", 1)),
            r#"{"id":"x\"","object":"model","created":1,"owned_by":"tollgate"}"#
        );
    }
}
