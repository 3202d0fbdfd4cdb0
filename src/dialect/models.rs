//! The list of models, in each dialect's shape.

use super::Dialect;
use super::date::rfc3339;
use crate::wire::json::{Object, array, object, write_string};

/// The body of `GET /v1/models`. `created` is what the models' date should say, in seconds since 1970: a gateway's
/// names have no date of their own, so the configuration's is used.
pub fn list<'n>(client: Dialect, names: impl IntoIterator<Item = &'n str>, created: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut ends: Option<(&str, &str)> = None;
    object(&mut out, |body| {
        if client != Dialect::Anthropic {
            body.word("object", "list");
        }
        let data = body.key("data");
        array(data, |data| {
            for name in names {
                ends = Some((ends.map_or(name, |(first, _)| first), name));
                data.object(|model| fill(client, name, created, model));
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

fn fill(client: Dialect, name: &str, created: u64, model: &mut Object<'_>) {
    match client {
        Dialect::Anthropic => {
            model.word("type", "model");
            model.str("id", name);
            model.str("display_name", name);
            model.str("created_at", &rfc3339(created));
        }
        _ => {
            model.str("id", name);
            model.word("object", "model");
            model.u64("created", created);
            model.word("owned_by", "tollgate");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_both_shapes() {
        let text = |bytes| String::from_utf8(bytes).unwrap();
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
            text(one(Dialect::OpenaiChat, "x\"", 1)),
            r#"{"id":"x\"","object":"model","created":1,"owned_by":"tollgate"}"#
        );
    }
}
