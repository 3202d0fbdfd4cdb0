//! Schemas with all that a maker wants to see written out in them, though JSON Schema does without, and in the words of
//! its newest draft.

use super::MAX_DEPTH;
use super::refs::{LISTS, MAPS, SINGLES};
use crate::wire::json::{Array, Members, Object, array, members, object};
use serde_json::value::RawValue;

/// Whose rules schemas are to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// OpenAI's: lists say of what (`array schema missing items`), and the root which properties it has
    /// (`object schema missing properties`).
    Openai,
    /// Those of draft 2020-12, which Anthropic and Bedrock hold schemas to.
    Newest,
}

/// The schema as the rules want it; `None` where it is so already.
pub(in crate::dialect) fn spelt_out(schema: &str, rules: Rules) -> Option<String> {
    let root = members(schema.as_bytes()).ok()?;
    let lacks_properties = rules == Rules::Openai && is_bare_object(&root);
    // Lists and limits are rare, and what has neither is not looked at any closer.
    let may_differ = ["\"array\"", "\"items\"", "\"exclusiveM"]
        .iter()
        .any(|word| memchr::memmem::find(schema.as_bytes(), word.as_bytes()).is_some());
    if !lacks_properties && !may_differ {
        return None;
    }
    let mut speller = Speller { rules, differs: lacks_properties, depth: 0 };
    let mut out = Vec::with_capacity(schema.len().saturating_add(64));
    object(&mut out, |o| {
        speller.fields(&root, o);
        if lacks_properties {
            if root.get("type").is_none() {
                o.word("type", "object");
            }
            o.key("properties").extend_from_slice(b"{}");
        }
    });
    let out = String::from_utf8(out).ok()?;
    speller.differs.then_some(out)
}

/// Whether a schema is of an object and does not say what that has.
fn is_bare_object(root: &Members<'_>) -> bool {
    let says = |key: &str| root.get(key).is_some();
    let kind = root.get("type").map_or("\"object\"", |field| field.value.get());
    kind == "\"object\"" && !["properties", "anyOf", "oneOf", "allOf", "$ref"].into_iter().any(says)
}

struct Speller {
    rules: Rules,
    differs: bool,
    depth: usize,
}

impl Speller {
    fn schema(&mut self, schema: &RawValue, out: &mut Vec<u8>) {
        let found = if self.depth < MAX_DEPTH { members(schema.get().as_bytes()).ok() } else { None };
        // `true`, `false`, or what is no schema at all, is as it was.
        let Some(found) = found else { return out.extend_from_slice(schema.get().as_bytes()) };
        self.depth = self.depth.saturating_add(1);
        object(out, |o| self.fields(&found, o));
        self.depth = self.depth.saturating_sub(1);
    }

    fn fields(&mut self, found: &Members<'_>, o: &mut Object<'_>) {
        let value = |key: &str| found.get(key).map(|field| field.value);
        let is_list = |value: &RawValue| value.get().starts_with('[');
        // Up to draft 2019-09 a list of schemas is told by `items`, and the rest by `additionalItems`.
        let is_tuple = value("items").is_some_and(is_list);
        self.differs |= is_tuple;
        for field in &found.fields {
            match &*field.key {
                "items" if is_tuple && value("prefixItems").is_some() => {}
                "items" if is_tuple => self.list("prefixItems", field.value, o),
                "additionalItems" if is_tuple => self.rest(field.value, o),
                "items" if value("prefixItems").is_some() => self.rest(field.value, o),
                key @ ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum") => {
                    self.limit(key, field.value, found, o);
                }
                key if MAPS.contains(&key) => self.map(key, field.value, o),
                key if LISTS.contains(&key) || SINGLES.contains(&key) => {
                    if is_list(field.value) {
                        self.list(key, field.value, o);
                    } else {
                        self.schema(field.value, o.key(key));
                    }
                }
                key => o.raw(key, field.value),
            }
        }
        let lists = value("type").is_some_and(|kind| kind.get().contains("\"array\""));
        let says_rest = value(if is_tuple { "additionalItems" } else { "items" }).is_some();
        if self.rules == Rules::Openai && lists && !says_rest {
            self.differs = true;
            o.key("items").extend_from_slice(b"{}");
        }
    }

    /// What follows the first ones of a list; OpenAI wants to see a schema, also where nothing does.
    fn rest(&mut self, value: &RawValue, o: &mut Object<'_>) {
        if self.rules == Rules::Openai && !value.get().starts_with('{') {
            self.differs = true;
            return o.key("items").extend_from_slice(b"{}");
        }
        self.schema(value, o.key("items"));
    }

    /// A limit. In draft 4 a limit is excluded by a word beside it.
    fn limit(&mut self, key: &str, value: &RawValue, found: &Members<'_>, o: &mut Object<'_>) {
        let (limit, exclusive) = if matches!(key, "minimum" | "exclusiveMinimum") {
            ("minimum", "exclusiveMinimum")
        } else {
            ("maximum", "exclusiveMaximum")
        };
        let word = found.get(exclusive).map_or("", |field| field.value.get());
        if !matches!(word, "true" | "false") {
            return o.raw(key, value);
        }
        self.differs = true;
        match (key == limit, word) {
            (true, "true") => o.raw(exclusive, value),
            (true, _) => o.raw(limit, value),
            (false, _) => {}
        }
    }

    fn map(&mut self, key: &str, value: &RawValue, o: &mut Object<'_>) {
        let Ok(found) = members(value.get().as_bytes()) else { return o.raw(key, value) };
        o.object(key, |map| {
            for field in &found.fields {
                self.schema(field.value, map.key(&field.key));
            }
        });
    }

    fn list(&mut self, key: &str, value: &RawValue, o: &mut Object<'_>) {
        let Ok(schemas) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            return o.raw(key, value);
        };
        array(o.key(key), |list: &mut Array<'_>| {
            for schema in schemas {
                self.schema(schema, list.item());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn spelt(schema: &Value, rules: Rules) -> Option<Value> {
        spelt_out(&schema.to_string(), rules).map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn openai_is_told_of_what_lists_and_objects_are() {
        let text = json!({"type": "string"});
        for (schema, told) in [
            (json!({"type": "object"}), json!({"type": "object", "properties": {}})),
            (json!({}), json!({"type": "object", "properties": {}})),
            (
                json!({"type": "object", "properties": {"a": {"type": "array"}, "b": {"type": ["array", "null"]}}}),
                json!({"type": "object", "properties": {"a": {"type": "array", "items": {}},
                    "b": {"type": ["array", "null"], "items": {}}}}),
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "array", "prefixItems": [text], "items": false}}}),
                json!({"type": "object", "properties": {"a": {"type": "array", "prefixItems": [text], "items": {}}}}),
            ),
            (
                json!({"type": "object", "properties": {"a": {"anyOf": [{"type": "array", "items": {"type": "array"}}]}}}),
                json!({"type": "object", "properties":
                    {"a": {"anyOf": [{"type": "array", "items": {"type": "array", "items": {}}}]}}}),
            ),
        ] {
            assert_eq!(spelt(&schema, Rules::Openai), Some(told), "{schema}");
        }
    }

    #[test]
    fn older_drafts_are_put_in_the_words_of_the_newest() {
        let (text, number) = (json!({"type": "string"}), json!({"type": "number"}));
        for (schema, told) in [
            (
                json!({"properties": {"a": {"type": "array", "items": [text, number], "additionalItems": false}}}),
                json!({"properties": {"a": {"type": "array", "prefixItems": [text, number], "items": false}}}),
            ),
            (
                json!({"properties": {"a": {"minimum": 3, "exclusiveMinimum": true, "maximum": 5, "exclusiveMaximum": false}}}),
                json!({"properties": {"a": {"exclusiveMinimum": 3, "maximum": 5}}}),
            ),
        ] {
            assert_eq!(spelt(&schema, Rules::Newest), Some(told), "{schema}");
        }
    }

    #[test]
    fn what_is_as_it_should_be_stays() {
        let schema = json!({"type": "object", "properties": {"items": {"type": "array", "items": {"type": "string"}},
            "array": {"enum": ["array", [1]]}, "n": {"exclusiveMinimum": 3}}, "required": ["items"]});
        assert_eq!(spelt(&schema, Rules::Openai), None);
        assert_eq!(spelt(&schema, Rules::Newest), None);
        assert_eq!(
            spelt(&json!({"type": "object", "properties": {"a": {"type": "array"}}}), Rules::Newest),
            None
        );
        assert_eq!(spelt(&json!({"type": "object"}), Rules::Newest), None);
        assert_eq!(spelt(&json!(true), Rules::Openai), None);
    }
}
