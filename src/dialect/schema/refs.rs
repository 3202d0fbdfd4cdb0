//! The schemas within a schema, and what they refer to.

use super::MAX_DEPTH;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Keywords that hold schemas by name.
pub(super) const MAPS: [&str; 5] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/// Keywords that hold a list of them.
pub(super) const LISTS: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
/// Keywords that hold one, or a list.
pub(super) const SINGLES: [&str; 9] = [
    "items",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
];

/// Shows every schema within a schema, itself among them. What was read is not nested more deeply than the stack bears.
pub(in crate::dialect) fn each_schema<'s>(schema: &'s Value, act: &mut impl FnMut(&'s Map<String, Value>)) {
    let fields = match schema {
        Value::Object(fields) => fields,
        Value::Array(list) => return list.iter().for_each(|inner| each_schema(inner, act)),
        _ => return,
    };
    act(fields);
    for (key, value) in fields {
        match value {
            Value::Object(map) if MAPS.contains(&&**key) => {
                map.values().for_each(|inner| each_schema(inner, act));
            }
            _ if LISTS.contains(&&**key) || SINGLES.contains(&&**key) => each_schema(value, act),
            _ => {}
        }
    }
}

/// What the schemas within a schema refer to.
pub(in crate::dialect) fn references(schema: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    each_schema(schema, &mut |fields| found.extend(fields.get("$ref").and_then(Value::as_str)));
    found
}

/// Whether a schema refers to what it does not hold.
pub(in crate::dialect) fn is_foreign(schema: &Value) -> bool {
    references(schema).into_iter().any(|reference| target(schema, reference).is_none())
}

/// Whether a schema, or one within it, holds itself by way of references.
pub(in crate::dialect) fn is_recursive(schema: &Value) -> bool {
    let mut walk = Walk { root: schema, open: vec!["#"], done: HashSet::new() };
    walk.meets_itself(schema)
}

fn target<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    root.pointer(reference.strip_prefix('#')?)
}

struct Walk<'s> {
    root: &'s Value,
    /// The references that lead here.
    open: Vec<&'s str>,
    /// Those that were followed to their end.
    done: HashSet<&'s str>,
}

impl<'s> Walk<'s> {
    fn meets_itself(&mut self, schema: &'s Value) -> bool {
        for reference in references(schema) {
            if self.open.contains(&reference) || self.open.len() > MAX_DEPTH {
                return true;
            }
            let Some(inner) = target(self.root, reference).filter(|_| self.done.insert(reference)) else {
                continue;
            };
            self.open.push(reference);
            if self.meets_itself(inner) {
                return true;
            }
            self.open.pop();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_leads_back_to_itself_is_found() {
        for (schema, recursive) in [
            (json!({"properties": {"a": {"$ref": "#"}}}), true),
            (
                json!({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}}),
                true,
            ),
            (json!({"properties": {"a": {"items": {"$ref": "#/properties/a"}}}}), true),
            (
                json!({"properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}, "c": {"$ref": "#/$defs/y"}},
                "$defs": {"x": {"type": "string"}, "y": {"items": {"$ref": "#/$defs/x"}}}}),
                false,
            ),
            (json!({"properties": {"$ref": {"type": "string"}}, "enum": [{"$ref": "#"}]}), false),
        ] {
            assert_eq!(is_recursive(&schema), recursive, "{schema}");
            assert!(!is_foreign(&schema));
        }
        assert!(is_foreign(&json!({"items": {"$ref": "https://a.example/b"}})));
        assert!(is_foreign(&json!({"items": {"$ref": "#/$defs/a"}})));
    }
}
