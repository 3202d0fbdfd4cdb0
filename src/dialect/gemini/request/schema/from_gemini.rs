//! Gemini's schemas as JSON Schemas.

use crate::chat::Json;
use crate::dialect::schema::MAX_DEPTH;
use crate::wire::json::{members, object};
use serde_json::value::RawValue;

/// The JSON Schema that says the same.
pub(in crate::dialect::gemini::request) fn to_json_schema(schema: &RawValue) -> Json<'static> {
    let mut out = Vec::with_capacity(schema.get().len());
    write(schema.get(), 0, &mut out);
    Json::trusted(String::from_utf8(out).unwrap_or_default())
}

fn write(schema: &str, depth: usize, out: &mut Vec<u8>) {
    let Some(found) = members(schema.as_bytes()).ok().filter(|_| depth < MAX_DEPTH) else {
        out.extend_from_slice(schema.as_bytes());
        return;
    };
    let nullable = found.get("nullable").is_some_and(|field| field.value.get() == "true");
    let has_type = found.get("type").is_some();
    object(out, |o| {
        for field in &found.fields {
            let (key, value) = (&*field.key, field.value);
            match key {
                "nullable" | "propertyOrdering" | "property_ordering" => {}
                "type" => {
                    let kind = type_name(value);
                    if nullable {
                        o.array("type", |list| {
                            list.str(&kind);
                            list.str("null");
                        });
                    } else {
                        o.str("type", &kind);
                    }
                }
                // The wire has whole numbers of 64 bits in quotes.
                "minItems" | "min_items" => bound(value, o.key("minItems")),
                "maxItems" | "max_items" => bound(value, o.key("maxItems")),
                "minLength" | "min_length" => bound(value, o.key("minLength")),
                "maxLength" | "max_length" => bound(value, o.key("maxLength")),
                "minProperties" | "min_properties" => bound(value, o.key("minProperties")),
                "maxProperties" | "max_properties" => bound(value, o.key("maxProperties")),
                "format" if value.get() == "\"enum\"" => {}
                "enum" if nullable => {
                    let out = o.key("enum");
                    let list = value.get().trim_end().strip_suffix(']').unwrap_or("[");
                    out.extend_from_slice(list.as_bytes());
                    out.extend_from_slice(if list.trim_end().ends_with('[') { b"null]" } else { b",null]" });
                }
                "example" => o.array("examples", |list| list.raw(value)),
                "items" => write(value.get(), depth.saturating_add(1), o.key("items")),
                "properties" => {
                    let Ok(map) = members(value.get().as_bytes()) else { continue };
                    o.object("properties", |o| {
                        for property in &map.fields {
                            write(property.value.get(), depth.saturating_add(1), o.key(&property.key));
                        }
                    });
                }
                "anyOf" | "any_of" => {
                    let variants: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
                    o.array("anyOf", |list| {
                        for variant in variants {
                            write(variant.get(), depth.saturating_add(1), list.item());
                        }
                        if nullable && !has_type {
                            list.object(|o| o.word("type", "null"));
                        }
                    });
                }
                _ => o.raw(key, value),
            }
        }
    });
}

fn bound(value: &RawValue, out: &mut Vec<u8>) {
    let digits = value.get().trim_matches('"');
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    out.extend_from_slice(if is_number { digits } else { value.get() }.as_bytes());
}

/// The type in JSON Schema's spelling; some clients give the number of it.
fn type_name(value: &RawValue) -> String {
    match value.get() {
        "1" => "string".into(),
        "2" => "number".into(),
        "3" => "integer".into(),
        "4" => "boolean".into(),
        "5" => "array".into(),
        "6" => "object".into(),
        "7" => "null".into(),
        other => other.trim_matches('"').to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_spelling_becomes_json_schemas() {
        let schema = r#"{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true,"enum":["x"],"format":"enum"},
            "l":{"type":"ARRAY","items":{"type":6},"minItems":"1"},"u":{"any_of":[{"type":"NUMBER"}],"nullable":true}},
            "required":["a"],"propertyOrdering":["a","l"],"example":{}}"#;
        let raw = RawValue::from_string(schema.to_owned()).unwrap();
        assert_eq!(
            to_json_schema(&raw).as_str(),
            r#"{"type":"object","properties":{"a":{"type":["string","null"],"enum":["x",null]},"l":{"type":"array","items":{"type":"object"},"minItems":1},"u":{"anyOf":[{"type":"number"},{"type":"null"}]}},"required":["a"],"examples":[{}]}"#
        );
    }
}
