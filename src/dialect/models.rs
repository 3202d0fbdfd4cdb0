//! The list of models, in each dialect's shape.

use super::Dialect;
use super::date::rfc3339;
use crate::wire::json::{Object, array, object, write_string};

/// A public model, and what it can be asked for as far as its providers tell: whether a provider's model embeds or talks
/// is nowhere written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'n> {
    /// Its name.
    pub name: &'n str,
    /// Conversations.
    pub chat: bool,
    /// Vectors.
    pub embed: bool,
    /// Documents in order.
    pub rerank: bool,
}

/// The part of a list that a client wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// At most so many; `None`: all.
    pub limit: Option<usize>,
    /// Those behind this name.
    pub after: Option<String>,
    /// Those before this name, the last of them.
    pub before: Option<String>,
    /// Those that can be asked for this, in Cohere's word.
    pub endpoint: Option<String>,
    /// They are listed as a publisher's on Vertex AI.
    pub of_publisher: bool,
}

impl Page {
    /// What the query of a list says in the client's words; `value` finds the value of a name.
    pub fn of(client: Dialect, of_publisher: bool, value: impl Fn(&str) -> Option<String>) -> Self {
        let (limit, after, before) = match client {
            Dialect::Anthropic => ("limit", "after_id", Some("before_id")),
            Dialect::Gemini => ("pageSize", "pageToken", None),
            Dialect::Cohere => ("page_size", "page_token", None),
            _ => return Self::default(),
        };
        let said = |name| value(name).filter(|said| !said.is_empty());
        Self {
            limit: said(limit).and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0),
            after: said(after),
            before: before.and_then(said),
            endpoint: said("endpoint").filter(|_| client == Dialect::Cohere),
            of_publisher,
        }
    }

    /// The models of the page, and whether there are more beyond it.
    fn cut<'m, 'n>(&self, models: &'m [Listed<'n>]) -> (&'m [Listed<'n>], bool) {
        let place = |wanted: &str| models.iter().position(|model| model.name == wanted);
        if let Some(before) = &self.before {
            let end = place(before).unwrap_or(0);
            let start = self.limit.map_or(0, |limit| end.saturating_sub(limit));
            return (models.get(start..end).unwrap_or_default(), start > 0);
        }
        // Behind a name that is no longer there is nothing, so that whoever turns pages comes to an end.
        let start = self
            .after
            .as_deref()
            .map_or(0, |after| place(after).map_or(models.len(), |at| at.saturating_add(1)));
        let rest = models.get(start..).unwrap_or_default();
        match self.limit.and_then(|limit| rest.get(..limit)) {
            Some(page) => (page, page.len() < rest.len()),
            None => (rest, false),
        }
    }
}

/// The body of `GET /v1/models` (or `/api/tags`). `created` is what the models' date should say, in seconds since 1970: a
/// gateway's names have no date of their own, so the configuration's is used.
pub fn list<'n>(
    client: Dialect,
    models: impl IntoIterator<Item = Listed<'n>>,
    page: &Page,
    created: u64,
) -> Vec<u8> {
    let is_wanted = |model: &Listed<'_>| {
        page.endpoint.as_ref().is_none_or(|wanted| endpoints(model).any(|endpoint| endpoint == wanted))
    };
    let models: Vec<Listed<'n>> = models.into_iter().filter(is_wanted).collect();
    let (models, has_more) = page.cut(&models);
    let ends = models.first().zip(models.last()).map(|(first, last)| (first.name, last.name));
    let mut out = Vec::new();
    object(&mut out, |body| {
        let key = match client {
            Dialect::Gemini if page.of_publisher => "publisherModels",
            Dialect::Cohere | Dialect::Gemini | Dialect::Ollama | Dialect::OllamaGenerate => "models",
            Dialect::Anthropic => "data",
            _ => {
                body.word("object", "list");
                "data"
            }
        };
        array(body.key(key), |list| {
            for model in models {
                list.object(|one| match client {
                    Dialect::Gemini if page.of_publisher => {
                        one.str("name", &format!("publishers/google/models/{}", model.name));
                    }
                    _ => fill(client, model, created, one),
                });
            }
        });
        let next = ends.filter(|_| has_more).map(|(_, last)| last);
        match (client, next) {
            (Dialect::Anthropic, _) => {
                body.bool("has_more", has_more);
                for (key, id) in [("first_id", ends.map(|ends| ends.0)), ("last_id", ends.map(|ends| ends.1))]
                {
                    match id {
                        Some(id) => write_string(body.key(key), id),
                        None => body.null(key),
                    }
                }
            }
            (Dialect::Gemini, Some(next)) => body.str("nextPageToken", next),
            (Dialect::Cohere, Some(next)) => body.str("next_page_token", next),
            _ => {}
        }
    });
    out
}

/// What a model can be asked for, in Cohere's words.
fn endpoints(model: &Listed<'_>) -> impl Iterator<Item = &'static str> {
    let all = [(model.chat, "chat"), (model.embed, "embed"), (model.rerank, "rerank")];
    all.into_iter().filter_map(|(offers, word)| offers.then_some(word))
}

/// The body of `GET /v1/models/{id}`.
pub fn one(client: Dialect, listed: &Listed<'_>, created: u64) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |model| fill(client, listed, created, model));
    out
}

/// The body of Ollama's `POST /api/show`. What runs behind a name is the providers' business; that the gateway carries
/// tools to all of them is what clients look for.
pub fn show(listed: &Listed<'_>, created: u64) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |model| {
        model.str("modified_at", &rfc3339(created));
        model.object("details", details);
        model.object("model_info", |info| info.word("general.architecture", "tollgate"));
        model.array("capabilities", |list| {
            if listed.chat {
                list.str("completion");
                list.str("tools");
            }
            if listed.embed {
                list.str("embedding");
            }
        });
    });
    out
}

fn fill(client: Dialect, listed: &Listed<'_>, created: u64, model: &mut Object<'_>) {
    let name = listed.name;
    match client {
        Dialect::Anthropic => {
            model.word("type", "model");
            model.str("id", name);
            model.str("display_name", name);
            model.str("created_at", &rfc3339(created));
        }
        Dialect::Cohere => {
            model.str("name", name);
            model.array("endpoints", |list| endpoints(listed).for_each(|word| list.str(word)));
            model.bool("finetuned", false);
        }
        Dialect::Gemini => {
            model.str("name", &format!("models/{name}"));
            model.str("displayName", name);
            model.word("version", "1");
            model.array("supportedGenerationMethods", |methods| {
                if listed.chat {
                    methods.str("generateContent");
                    methods.str("streamGenerateContent");
                    methods.str("countTokens");
                }
                if listed.embed {
                    methods.str("embedContent");
                    methods.str("batchEmbedContents");
                }
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
    use serde_json::{Value, json};

    fn talks(name: &str) -> Listed<'_> {
        Listed { name, chat: true, embed: false, rerank: false }
    }

    fn listed(client: Dialect, names: &[&str], query: &str) -> Value {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        let page = Page::of(client, false, value);
        serde_json::from_slice(&list(client, names.iter().map(|name| talks(name)), &page, 5)).unwrap()
    }

    #[test]
    fn lists_in_all_shapes() {
        assert_eq!(
            listed(Dialect::Gemini, &["a"], ""),
            json!({"models": [{"name": "models/a", "displayName": "a", "version": "1",
                "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"]}]})
        );
        assert_eq!(
            listed(Dialect::OpenaiChat, &["a"], "limit=7"),
            json!({"object": "list", "data": [{"id": "a", "object": "model", "created": 5, "owned_by": "tollgate"}]})
        );
        let date = "1970-01-01T00:00:05Z";
        let model = |id| json!({"type": "model", "id": id, "display_name": id, "created_at": date});
        assert_eq!(
            listed(Dialect::Anthropic, &["a", "b"], ""),
            json!({"data": [model("a"), model("b")], "has_more": false, "first_id": "a", "last_id": "b"})
        );
        assert_eq!(
            listed(Dialect::Anthropic, &[], ""),
            json!({"data": [], "has_more": false, "first_id": null, "last_id": null})
        );
        assert_eq!(
            listed(Dialect::Ollama, &["a"], ""),
            json!({"models": [{"name": "a", "model": "a", "modified_at": date, "size": 0, "digest": "", "details": {
                "parent_model": "", "format": "", "family": "", "parameter_size": "", "quantization_level": "",
                "families": []}}]})
        );
        let one: Value = serde_json::from_slice(&one(Dialect::OpenaiChat, &talks("x\""), 1)).unwrap();
        assert_eq!(one, json!({"id": "x\"", "object": "model", "created": 1, "owned_by": "tollgate"}));
    }

    #[test]
    fn what_a_model_can_be_asked_for_is_said() {
        let embeds = Listed { name: "e", chat: false, embed: true, rerank: true };
        let both = [talks("t"), embeds];
        let said =
            |client, page: &Page| -> Value { serde_json::from_slice(&list(client, both, page, 0)).unwrap() };
        let gemini = said(Dialect::Gemini, &Page::default());
        let methods = &gemini["models"][1]["supportedGenerationMethods"];
        assert_eq!(*methods, json!(["embedContent", "batchEmbedContents"]));
        let cohere = said(Dialect::Cohere, &Page { endpoint: Some("rerank".into()), ..Page::default() });
        assert_eq!(
            cohere["models"],
            json!([{"name": "e", "endpoints": ["embed", "rerank"], "finetuned": false}])
        );
        let shown: Value = serde_json::from_slice(&show(&embeds, 0)).unwrap();
        assert_eq!(shown["capabilities"], json!(["embedding"]));
        let vertex = said(Dialect::Gemini, &Page { of_publisher: true, ..Page::default() });
        assert_eq!(vertex["publisherModels"][0], json!({"name": "publishers/google/models/t"}));
    }

    #[test]
    fn pages_come_to_an_end() {
        const ALL: &[&str] = &["a", "b", "c", "d", "e"];
        let ids = |list: &Value, key: &str, id: &str| -> String {
            list[key].as_array().unwrap().iter().map(|model| model[id].as_str().unwrap()).collect()
        };
        let page = |query: &str| {
            let list = listed(Dialect::Anthropic, ALL, query);
            (ids(&list, "data", "id"), list["has_more"].as_bool().unwrap())
        };
        assert_eq!(page("limit=2"), ("ab".into(), true));
        assert_eq!(page("limit=2&after_id=b"), ("cd".into(), true));
        assert_eq!(page("limit=2&after_id=d"), ("e".into(), false));
        assert_eq!(page("limit=2&before_id=d"), ("bc".into(), true));
        assert_eq!(page("before_id=b"), ("a".into(), false));
        assert_eq!(page("after_id=gone"), (String::new(), false));
        assert_eq!(page("limit=0"), ("abcde".into(), false));
        let (mut seen, mut token) = (String::new(), String::new());
        loop {
            let list = listed(Dialect::Gemini, ALL, &format!("pageSize=2&pageToken={token}"));
            seen += &ids(&list, "models", "displayName");
            let Some(next) = list["nextPageToken"].as_str() else { break };
            next.clone_into(&mut token);
        }
        assert_eq!(seen, "abcde");
        assert_eq!(listed(Dialect::Cohere, ALL, "page_size=5").get("next_page_token"), None);
    }
}
