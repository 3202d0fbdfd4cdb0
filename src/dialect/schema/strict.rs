//! Schemas that makers hold a model to, word for word. Each takes less than JSON Schema has.

use super::Rules;
use super::refs::{each_schema, is_foreign, is_recursive};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Keywords that OpenAI refuses in a strict schema.
const OPENAI_REFUSES: [&str; 15] = [
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "default",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];

/// By one of which a schema says what it is of.
const KINDS: [&str; 5] = ["type", "anyOf", "enum", "const", "$ref"];

impl Rules {
    /// Why a maker with these rules does not take a tool's schema as strict, as the end of a sentence about it.
    pub(in crate::dialect) fn refuse_strict(self, schema: &str) -> Option<&'static str> {
        match self {
            Self::Openai => openai_refuses(schema),
            Self::Newest => claude_refuses(schema),
        }
    }
}

/// OpenAI wants objects all the properties of which are required and which have no others, throughout.
fn openai_refuses(schema: &str) -> Option<&'static str> {
    let is_strict = serde_json::from_str::<Value>(schema).is_ok_and(|schema| {
        let is_object =
            schema.get("type").is_some_and(|kind| kind == "object") && schema.get("anyOf").is_none();
        let mut is_strict = is_object && !is_foreign(&schema);
        each_schema(&schema, &mut |fields| is_strict &= is_closed(fields) && is_known(fields));
        is_strict
    });
    (!is_strict)
        .then_some("does not require all properties of its objects and forbid others, as OpenAI wants it")
}

fn is_known(fields: &Map<String, Value>) -> bool {
    KINDS.iter().any(|kind| fields.contains_key(*kind))
        && !OPENAI_REFUSES.iter().any(|keyword| fields.contains_key(*keyword))
}

fn is_closed(fields: &Map<String, Value>) -> bool {
    let properties = fields.get("properties").and_then(Value::as_object);
    let is_object = match fields.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => properties.is_some(),
    };
    if !is_object {
        return true;
    }
    let required: HashSet<&str> = match fields.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => HashSet::new(),
    };
    let is_required = |name: &String| required.contains(name.as_str());
    fields.get("additionalProperties") == Some(&Value::Bool(false))
        && properties.is_none_or(|properties| properties.keys().all(is_required))
}

/// Why Anthropic refuses a schema for structured output or a strict tool, whatever its keywords: the end of a sentence about
/// it.
pub(in crate::dialect) fn claude_refuses(schema: &str) -> Option<&'static str> {
    let schema: Value = serde_json::from_str(schema).ok()?;
    if is_foreign(&schema) {
        return Some("refers to what it does not hold");
    }
    if is_recursive(&schema) {
        return Some("refers to itself");
    }
    let mut joins = false;
    each_schema(&schema, &mut |fields| joins |= joins_references(fields));
    joins.then_some("joins references (`allOf`)")
}

/// Whether a schema is several that are not all written out. One alone is put in its place, see [`is_mergeable`].
fn joins_references(fields: &Map<String, Value>) -> bool {
    let Some(Value::Array(parts)) = fields.get("allOf") else { return false };
    let is_single = match parts.as_slice() {
        [Value::Object(only)] => only.keys().all(|key| is_mergeable(key, |key| fields.contains_key(key))),
        _ => false,
    };
    !is_single && parts.iter().any(|part| part.get("$ref").is_some())
}

/// Whether a keyword of the only schema of an `allOf` can be put beside it: it is not said there already, or counts for
/// nothing.
pub(in crate::dialect) fn is_mergeable(key: &str, is_said: impl Fn(&str) -> bool) -> bool {
    matches!(key, "title" | "description") || !is_said(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn openai_wants_all_that_there_is_and_nothing_else() {
        let closed = json!({"type": "object", "properties": {"a": {"type": "string"},
            "b": {"type": ["object", "null"], "properties": {}, "additionalProperties": false}, "c": {"$ref": "#/$defs/c"}},
            "required": ["a", "b", "c"], "additionalProperties": false, "$defs": {"c": {"enum": ["x"]}}});
        assert_eq!(openai_refuses(&closed.to_string()), None);
        let mut cases = vec![json!({"type": "array", "items": {"type": "string"}})];
        for (path, value) in [
            ("/required", json!(["a", "b"])),
            ("/additionalProperties", json!(true)),
            ("/properties/b/additionalProperties", json!({})),
            ("/properties/a", json!({})),
            ("/properties/a", json!({"type": "string", "default": "x"})),
            ("/properties/c", json!({"allOf": [{"$ref": "#/$defs/c"}]})),
            ("/properties/c", json!({"$ref": "#/$defs/d"})),
        ] {
            let mut loose = closed.clone();
            *loose.pointer_mut(path).unwrap() = value;
            cases.push(loose);
        }
        for loose in cases {
            assert!(openai_refuses(&loose.to_string()).is_some(), "{loose}");
        }
    }

    #[test]
    fn anthropic_wants_schemas_written_out() {
        let defs = json!({"a": {"type": "string"}, "b": {"type": "object"}});
        for (properties, is_refused) in [
            (json!({"a": {"$ref": "#/$defs/a"}}), false),
            (json!({"a": {"allOf": [{"$ref": "#/$defs/a"}], "description": "d"}}), false),
            (json!({"a": {"allOf": [{"$ref": "#/$defs/a", "type": "string"}], "type": "string"}}), true),
            (json!({"a": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}}), true),
            (json!({"a": {"items": {"$ref": "#"}}}), true),
            (json!({"a": {"$ref": "other.json"}}), true),
        ] {
            let schema = json!({"type": "object", "properties": properties, "$defs": defs}).to_string();
            assert_eq!(claude_refuses(&schema).is_some(), is_refused, "{schema}");
        }
    }
}
