//! The list of models, in each dialect's shape.

use super::Dialect;
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

/// A time in UTC, `2026-01-31T12:00:00Z`. The date is found with the usual arithmetic on 400-year cycles that start
/// on 1 March.
fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let since_march = days + 719_468;
    let (era, day_of_era) = (since_march / 146_097, since_march % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second % 3_600 / 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }

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
