//! A schema of anything as the one property of an object's: OpenAI, Cohere and the parameters of tools know schemas of plain
//! objects only.

use super::refs::references;
use crate::wire::json::{Members, members, object};
use serde_json::Value;

/// The property.
pub(in crate::dialect) const ANSWER: &str = "answer";

/// Keywords by which a root is no plain object.
const CHOICES: [&str; 8] = ["anyOf", "oneOf", "allOf", "not", "if", "enum", "const", "$ref"];

/// Where schemas are kept that others refer to. They stay at the root, where the references look for them.
const KEPT: [&str; 2] = ["$defs", "definitions"];

/// The schema of an object that has what `schema` describes as its only property. `None`: it describes a plain object as it
/// is.
///
/// # Errors
/// Why it cannot be moved into another one, to complete a sentence.
pub(in crate::dialect) fn object_around(schema: &str) -> Result<Option<String>, &'static str> {
    let Ok(found) = members(schema.as_bytes()) else { return Ok(None) };
    if is_plain_object(&found) {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(schema).map_err(|_| "is too deep")?;
    let stays = |reference: &str| KEPT.iter().any(|kept| reference.starts_with(&format!("#/{kept}/")));
    if !references(&value).into_iter().all(stays) {
        return Err("refers to itself or to what it does not hold");
    }
    let is_kept = |key: &str| KEPT.contains(&key);
    let mut out = Vec::with_capacity(schema.len().saturating_add(128));
    object(&mut out, |o| {
        o.word("type", "object");
        o.object("properties", |properties| {
            properties.object(ANSWER, |inner| {
                let said = found.fields.iter().filter(|field| !is_kept(&field.key));
                // Of the whole document, of which it is a part now.
                for field in said.filter(|field| !matches!(&*field.key, "$schema" | "$id")) {
                    inner.raw(&field.key, field.value);
                }
            });
        });
        o.array("required", |list| list.str(ANSWER));
        o.bool("additionalProperties", false);
        for field in found.fields.iter().filter(|field| is_kept(&field.key)) {
            o.raw(&field.key, field.value);
        }
    });
    Ok(String::from_utf8(out).ok())
}

fn is_plain_object(found: &Members<'_>) -> bool {
    let kind = found.get("type").map_or("null", |field| field.value.get());
    matches!(kind, "null" | "\"object\"") && !found.fields.iter().any(|field| CHOICES.contains(&&*field.key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn around(schema: &Value) -> Result<Option<Value>, &'static str> {
        let around = object_around(&schema.to_string())?;
        Ok(around.map(|text| serde_json::from_str(&text).unwrap()))
    }

    #[test]
    fn plain_objects_stay_as_they_are() {
        for schema in
            [json!({}), json!({"type": "object"}), json!({"properties": {"a": {"enum": [1]}}}), json!(true)]
        {
            assert_eq!(around(&schema), Ok(None), "{schema}");
        }
    }

    #[test]
    fn all_else_is_a_property() {
        let list = json!({"type": "array", "items": {"$ref": "#/$defs/a"}});
        let mut schema = list.clone();
        schema["$defs"] = json!({"a": {"type": "string"}});
        let made = around(&schema).unwrap().unwrap();
        assert_eq!(
            made,
            json!({"type": "object", "properties": {"answer": list}, "required": ["answer"],
                "additionalProperties": false, "$defs": schema["$defs"]})
        );
        for schema in [json!({"enum": ["a"]}), json!({"type": ["object", "null"]}), json!({"anyOf": []})] {
            assert_eq!(around(&schema).unwrap().unwrap()["properties"]["answer"], schema);
        }
    }

    #[test]
    fn what_refers_to_its_own_root_stays_where_it_is() {
        for reference in ["#", "#/items", "https://a.example/b"] {
            assert!(around(&json!({"type": "array", "items": {"$ref": reference}})).is_err(), "{reference}");
        }
    }
}
