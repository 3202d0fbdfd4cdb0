//! The schema of a tool's parameters as one plain object: Anthropic, Bedrock and Google refuse a choice at its root.

use super::MAX_DEPTH;
use super::flat::{Flat, Resolver, Unsayable};
use super::named::Named;
use crate::wire::json::{members, object, write_string};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Schemas to choose from that are looked at: references can make many of a few.
const MOST_VARIANTS: usize = 512;

/// Longest choice that is told in the description, in bytes.
const LONGEST_TOLD: usize = 2048;

/// The schema with the choices at its root merged: it has every property that one of them has and requires what all of
/// them do, and its description tells the choice. `None`: its root is a plain object as it is.
pub(crate) fn object_at_root(schema: &str) -> Option<String> {
    let found = members(schema.as_bytes()).ok()?;
    let is_choice = |key: &str| matches!(key, "anyOf" | "oneOf");
    let kind = found.get("type").map_or("\"object\"", |field| field.value.get());
    let is_misspelt = kind != "\"object\"" && kind.to_ascii_lowercase().contains("\"object\"");
    let has_choice = found.fields.iter().any(|field| is_choice(&field.key) || field.key == "allOf");
    if !has_choice && !is_misspelt {
        return None;
    }
    let mut resolver = Resolver::new(schema);
    let mut merging = Merging { resolver: &mut resolver, seen: 0 };
    // What cannot be followed is not merged; the description tells it.
    let (flat, merged) = merging.root(schema).unwrap_or_else(|_| {
        let own = found.fields.iter().filter(|field| !is_choice(&field.key) && field.key != "allOf");
        let flat =
            Flat { fields: own.map(|field| (field.key.clone(), field.value)).collect(), ..Flat::default() };
        (flat, None)
    });
    let mut description = flat
        .fields
        .get("description")
        .and_then(|value| serde_json::from_str::<String>(value.get()).ok())
        .unwrap_or_default();
    for field in found.fields.iter().filter(|field| is_choice(&field.key)) {
        if field.value.get().len() <= LONGEST_TOLD {
            let space = if description.is_empty() { "" } else { " " };
            let _ = write!(description, "{space}({}: {})", field.key, field.value.get());
        }
    }
    let mut out = Vec::with_capacity(schema.len());
    object(&mut out, |o| {
        o.word("type", "object");
        let is_rewritten =
            |key: &str| matches!(key, "type" | "description") || (merged.is_some() && key == "properties");
        for (key, value) in flat.fields.iter().filter(|(key, _)| !is_rewritten(key)) {
            o.raw(key, value);
        }
        if !description.is_empty() {
            write_string(o.key("description"), &description);
        }
        let Some(merged) = &merged else { return };
        o.object("properties", |map| {
            for (name, schemas) in merged.properties.iter() {
                let mut several = schemas.iter().map(|(_, schema)| *schema);
                match (several.next(), several.len()) {
                    (Some(only), 0) => map.raw(name, only),
                    _ => map.object(name, |property| {
                        property.array("anyOf", |list| {
                            schemas.iter().for_each(|(_, schema)| list.raw(schema));
                        });
                    }),
                }
            }
        });
        if !merged.required.is_empty() {
            o.array("required", |list| merged.required.names().for_each(|name| list.str(name)));
        }
    });
    String::from_utf8(out).ok()
}

/// What several schemas of objects say together.
#[derive(Debug, Default)]
struct Merged<'s> {
    /// The schemas that each property may follow, by their own text.
    properties: Named<'s, Named<'s, &'s RawValue>>,
    required: Named<'s, ()>,
}

struct Merging<'s, 'r> {
    resolver: &'r mut Resolver<'s>,
    seen: usize,
}

impl<'s> Merging<'s, '_> {
    fn root(&mut self, schema: &'s str) -> Result<(Flat<'s>, Option<Merged<'s>>), Unsayable> {
        let flat = self.resolver.flatten(schema)?;
        let merged = self.merge(&flat, 0)?;
        Ok((flat, Some(merged)))
    }

    fn merge(&mut self, flat: &Flat<'s>, depth: usize) -> Result<Merged<'s>, Unsayable> {
        let alone = |schema: &&'s RawValue| Named::from_iter([(Cow::Borrowed(schema.get()), *schema)]);
        let own = flat.properties.iter().map(|(name, schema)| (name.clone(), alone(schema)));
        let mut merged = Merged { properties: own.collect(), required: flat.required.clone() };
        let mut common: Option<Named<'s, ()>> = None;
        for variant in &flat.variants {
            self.seen = self.seen.saturating_add(1);
            if depth > MAX_DEPTH || self.seen > MOST_VARIANTS {
                return Err(Unsayable::Deep);
            }
            let references = self.resolver.depth();
            let variant = self.resolver.flatten(variant.get())?;
            let variant = self.merge(&variant, depth.saturating_add(1))?;
            self.resolver.leave(references);
            for (name, schemas) in variant.properties {
                self.resolver.spend(name.len())?;
                // What the object says itself counts for all of its variants.
                if flat.properties.has(&name) {
                    continue;
                }
                match merged.properties.get_mut(&name) {
                    None => merged.properties.add(name, schemas),
                    Some(known) => schemas.into_iter().for_each(|(text, schema)| known.add(text, schema)),
                }
            }
            common = Some(match common {
                None => variant.required,
                Some(common) => common.into_iter().filter(|(name, ())| variant.required.has(name)).collect(),
            });
        }
        for (name, ()) in common.unwrap_or_default() {
            merged.required.add(name, ());
        }
        Ok(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rooted(schema: &Value) -> Option<Value> {
        object_at_root(&schema.to_string()).map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn a_plain_object_stays_as_it_is() {
        for schema in
            [json!({}), json!({"type": "object", "properties": {"a": {"anyOf": []}}}), json!({"type": null})]
        {
            assert_eq!(rooted(&schema), None, "{schema}");
        }
    }

    #[test]
    fn a_choice_of_what_is_required_is_told() {
        let out = rooted(&json!({"type": "object", "description": "D", "properties": {"a": {}, "b": {}},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}));
        assert_eq!(
            out,
            Some(
                json!({"type": "object", "description": "D (anyOf: [{\"required\":[\"a\"]},{\"required\":[\"b\"]}])",
                "properties": {"a": {}, "b": {}}})
            )
        );
    }

    #[test]
    fn variants_become_one_object() {
        let out = rooted(&json!({"oneOf": [{"$ref": "#/$defs/A"}, {"properties": {"k": {"const": "b"}, "y": {}}, "required": ["k", "y"]}],
            "$defs": {"A": {"properties": {"k": {"const": "a"}, "x": {}}, "required": ["k"]}}}))
        .unwrap();
        assert_eq!(
            out["properties"],
            json!({"k": {"anyOf": [{"const": "a"}, {"const": "b"}]}, "x": {}, "y": {}})
        );
        assert_eq!(
            (&out["type"], &out["required"], &out["oneOf"]),
            (&json!("object"), &json!(["k"]), &Value::Null)
        );
    }

    #[test]
    fn what_refers_to_itself_is_not_followed() {
        let out = rooted(&json!({"properties": {"a": {}}, "anyOf": [{"$ref": "#"}]})).unwrap();
        assert_eq!((&out["properties"], &out["anyOf"]), (&json!({"a": {}}), &Value::Null));
    }

    #[test]
    fn the_type_is_spelt_as_json_schema_has_it() {
        for kind in [json!("OBJECT"), json!(["object", "null"])] {
            assert_eq!(rooted(&json!({"type": kind})).unwrap()["type"], "object");
        }
    }
}
