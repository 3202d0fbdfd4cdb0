//! JSON Schemas as Anthropic takes them for structured output: keywords it refuses become words in the description,
//! objects are closed.

use crate::dialect::schema::{MAX_DEPTH, is_mergeable};
use crate::wire::json::{Array, Members, Object, array, members, object, write_string};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;

/// Keywords that Anthropic refuses or ignores; what they ask for is told to the model in the description.
const TOLD: [&str; 30] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
    "patternProperties",
    "propertyNames",
    "contains",
    "contentEncoding",
    "not",
    "if",
    "then",
    "else",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "unevaluatedProperties",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
];

/// Formats that Anthropic knows; others are told in the description.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// Rewrites schemas and notes which keywords had to move.
#[derive(Debug, Default)]
pub(crate) struct Rewriter {
    /// Keywords that were moved into descriptions, each once.
    pub(crate) moved: Vec<String>,
    depth: usize,
}

impl Rewriter {
    /// Appends the schema, rewritten.
    pub(crate) fn write(&mut self, schema: &str, out: &mut Vec<u8>) {
        let fields = if self.depth < MAX_DEPTH { members(schema.as_bytes()).ok() } else { None };
        let Some(found) = fields else {
            // `true`, `false`, or what is no schema at all.
            out.extend_from_slice(schema.as_bytes());
            return;
        };
        self.depth += 1;
        let mut told = Vec::new();
        let fields = merged(&found);
        let is_object = fields
            .iter()
            .any(|(key, value)| key == "properties" || (key == "type" && value.get() == "\"object\""));
        object(out, |target| {
            let mut description = None;
            for (key, value) in &fields {
                match &**key {
                    "description" => description = serde_json::from_str::<String>(value.get()).ok(),
                    "properties" | "$defs" | "definitions" => self.map(key, value, target),
                    "anyOf" | "allOf" => self.list(key, value, target),
                    // Anthropic knows no "exactly one"; any is what a generator can honour.
                    "oneOf" => self.list("anyOf", value, target),
                    "items" if value.get().starts_with('{') => self.write(value.get(), target.key(key)),
                    "additionalProperties" if is_object => {
                        if value.get() != "false" {
                            self.tell(key, value, &mut told);
                        }
                    }
                    "minItems" if matches!(value.get(), "0" | "1") => target.raw(key, value),
                    "format" if !is_known_format(value) => self.tell(key, value, &mut told),
                    "$schema" | "$id" => {}
                    _ if TOLD.contains(&&**key) => self.tell(key, value, &mut told),
                    _ => target.raw(key, value),
                }
            }
            if is_object {
                target.bool("additionalProperties", false);
            }
            let told = told.join(", ");
            let text = match (description, told.is_empty()) {
                (Some(text), true) => Some(text),
                (Some(text), false) => Some(format!("{text} ({told})")),
                (None, false) => Some(told),
                (None, true) => None,
            };
            if let Some(text) = text {
                write_string(target.key("description"), &text);
            }
        });
        self.depth -= 1;
    }

    fn map(&mut self, key: &str, value: &RawValue, target: &mut Object<'_>) {
        let Ok(found) = members(value.get().as_bytes()) else { return target.raw(key, value) };
        target.object(key, |map| {
            for field in &found.fields {
                self.write(field.value.get(), map.key(&field.key));
            }
        });
    }

    fn list(&mut self, key: &str, value: &RawValue, target: &mut Object<'_>) {
        let Ok(schemas) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            return target.raw(key, value);
        };
        array(target.key(key), |list: &mut Array<'_>| {
            for schema in schemas {
                self.write(schema.get(), list.item());
            }
        });
    }

    fn tell(&mut self, key: &str, value: &RawValue, told: &mut Vec<String>) {
        told.push(format!("{key}: {}", value.get()));
        if !self.moved.iter().any(|moved| moved == key) {
            self.moved.push(key.to_owned());
        }
    }
}

/// What a schema says, an `allOf` of one schema put beside the rest: Anthropic takes no reference in one.
fn merged<'a>(found: &Members<'a>) -> Vec<(Cow<'a, str>, &'a RawValue)> {
    let said: HashSet<&str> = found.fields.iter().map(|field| &*field.key).collect();
    let mut fields = Vec::with_capacity(found.fields.len());
    for field in &found.fields {
        let only = if field.key == "allOf" { only(field.value, &said) } else { None };
        match only {
            Some(inner) => fields.extend(inner),
            None => fields.push((field.key.clone(), field.value)),
        }
    }
    fields
}

/// What the only schema of a list says that is not said around it, where it says nothing there otherwise.
fn only<'a>(list: &'a RawValue, said: &HashSet<&str>) -> Option<Vec<(Cow<'a, str>, &'a RawValue)>> {
    let schemas: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
    let [only] = *schemas else { return None };
    let inner = members(only.get().as_bytes()).ok()?;
    let is_said = |key: &str| said.contains(key);
    if !inner.fields.iter().all(|field| is_mergeable(&field.key, is_said)) {
        return None;
    }
    let new = inner.fields.into_iter().filter(|field| !is_said(&field.key));
    Some(new.map(|field| (field.key, field.value)).collect())
}

fn is_known_format(value: &RawValue) -> bool {
    FORMATS.iter().any(|format| value.get().trim_matches('"') == *format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(schema: &str) -> (String, Vec<String>) {
        let (mut rewriter, mut out) = (Rewriter::default(), Vec::new());
        rewriter.write(schema, &mut out);
        (String::from_utf8(out).unwrap(), rewriter.moved)
    }

    #[test]
    fn refused_keywords_are_told() {
        let (schema, moved) = rewrite(
            r##"{"type":"object","properties":{"age":{"type":"integer","minimum":0,"description":"Years"},
            "pattern":{"type":"string","pattern":"^a"},"when":{"type":"string","format":"date"},
            "list":{"type":"array","minItems":1,"maxItems":3,"items":{"oneOf":[{"$ref":"#/$defs/x"},{"type":"null"}]}}},
            "$defs":{"x":{"type":"object","properties":{}}},"required":["age"],"$schema":"y"}"##,
        );
        assert_eq!(
            schema,
            r##"{"type":"object","properties":{"age":{"type":"integer","description":"Years (minimum: 0)"},"pattern":{"type":"string","description":"pattern: \"^a\""},"when":{"type":"string","format":"date"},"list":{"type":"array","minItems":1,"items":{"anyOf":[{"$ref":"#/$defs/x"},{"type":"null"}]},"description":"maxItems: 3"}},"$defs":{"x":{"type":"object","properties":{},"additionalProperties":false}},"required":["age"],"additionalProperties":false}"##
        );
        assert_eq!(moved, ["minimum", "pattern", "maxItems"]);
    }

    #[test]
    fn one_schema_of_all_is_put_in_its_place() {
        let (schema, _) = rewrite(
            r##"{"properties":{"a":{"allOf":[{"$ref":"#/$defs/a","title":"T"}],"title":"A","description":"d"},
            "b":{"allOf":[{"type":"object"},{"title":"x"}]}}}"##,
        );
        assert_eq!(
            schema,
            r##"{"properties":{"a":{"$ref":"#/$defs/a","title":"A","description":"d"},"b":{"allOf":[{"type":"object","additionalProperties":false},{"title":"x"}]}},"additionalProperties":false}"##
        );
    }

    #[test]
    fn what_is_no_object_passes() {
        assert_eq!(rewrite("true").0, "true");
    }

    #[test]
    fn endless_nesting_ends() {
        let deep = format!("{}{{}}{}", r#"{"items":"#.repeat(100), "}".repeat(100));
        assert!(serde_json::from_str::<serde_json::Value>(&rewrite(&deep).0).is_ok());
    }
}
