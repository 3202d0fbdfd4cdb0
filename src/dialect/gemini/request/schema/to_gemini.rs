//! JSON Schemas as Gemini takes them: references inlined, `null` as a flag, keywords it refuses told in the description.

use crate::dialect::schema::MAX_DEPTH;
use crate::dialect::schema::{Flat, Named, Resolver, Unsayable};
use crate::wire::json::{Object, object, write_string};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Longest schema that is written, in bytes. Inlining can blow a small schema up without bound.
const LONGEST: usize = 256 << 10;

/// Keywords that one warning names, at most: JSON Schema has about as many.
const MOST_MOVED: usize = 32;

/// What is told of a schema in its description, each thing once.
type Told = Named<'static, ()>;

/// Rewrites schemas and notes which keywords had to move.
#[derive(Debug, Default)]
pub(in crate::dialect::gemini) struct Rewriter {
    /// Keywords that were moved into descriptions.
    moved: Named<'static, ()>,
    /// Some place of a schema says no type, which Vertex refuses.
    pub(in crate::dialect::gemini) untyped: bool,
}

/// Keywords without meaning for a generator, or with none beyond what Gemini does anyway.
const SILENT: [&str; 15] = [
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "$defs",
    "definitions",
    "deprecated",
    "readOnly",
    "writeOnly",
    "strict",
    "properties",
    "type",
    "enum",
    "const",
    "propertyOrdering",
];

impl Rewriter {
    /// The keywords that were moved into descriptions, each once; `None`: there are none.
    pub(in crate::dialect::gemini) fn moved(&self) -> Option<String> {
        let first: Vec<&str> = self.moved.names().take(MOST_MOVED).collect();
        let more = self.moved.iter().len().saturating_sub(MOST_MOVED);
        match (first.is_empty(), more) {
            (true, _) => None,
            (false, 0) => Some(first.join(", ")),
            (false, more) => Some(format!("{} and {more} more", first.join(", "))),
        }
    }

    /// Appends the schema, rewritten. `false`, and nothing appended, when it is an object without properties.
    pub(in crate::dialect::gemini) fn write_object(
        &mut self,
        schema: &str,
        out: &mut Vec<u8>,
    ) -> Result<bool, Unsayable> {
        let flat = Resolver::new(schema).flatten(schema)?;
        if flat.properties.is_empty() && flat.variants.is_empty() {
            return Ok(false);
        }
        self.write(schema, out)?;
        Ok(true)
    }

    /// Appends the schema, rewritten.
    pub(in crate::dialect::gemini) fn write(
        &mut self,
        schema: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Unsayable> {
        let mut writing = Writing {
            resolver: Resolver::new(schema),
            moved: &mut self.moved,
            untyped: &mut self.untyped,
            depth: 0,
        };
        let start = out.len();
        let written = writing.schema(schema, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}

/// A schema being written.
struct Writing<'s, 'm> {
    resolver: Resolver<'s>,
    moved: &'m mut Named<'static, ()>,
    untyped: &'m mut bool,
    depth: usize,
}

impl<'s> Writing<'s, '_> {
    fn schema(&mut self, schema: &'s str, out: &mut Vec<u8>) -> Result<(), Unsayable> {
        if self.depth >= MAX_DEPTH || out.len() > LONGEST {
            return Err(Unsayable::Deep);
        }
        self.depth += 1;
        let references = self.resolver.depth();
        let flat = self.resolver.flatten(schema)?;
        self.flat(flat, out)?;
        self.resolver.leave(references);
        self.depth -= 1;
        Ok(())
    }

    /// Writes what a place of the schema says. Beside `anyOf` Gemini takes nothing: what is said there goes into each of
    /// the variants.
    fn flat(&mut self, mut flat: Flat<'s>, out: &mut Vec<u8>) -> Result<(), Unsayable> {
        if self.depth >= MAX_DEPTH || out.len() > LONGEST {
            return Err(Unsayable::Deep);
        }
        let types = types(&mut flat);
        let mut told = Told::default();
        let variants = self.sayable(&mut flat, &mut told)?;
        if !variants.is_empty() {
            let around = described(&flat, &told);
            self.depth += 1;
            object(out, |o| {
                o.array("anyOf", |list| {
                    variants.iter().try_for_each(|variant| {
                        self.resolver.spend(flat.weight(&around))?;
                        let references = self.resolver.depth();
                        let variant = self.resolver.flatten(variant.get())?.within(&flat, &around);
                        self.flat(variant, list.item())?;
                        self.resolver.leave(references);
                        Ok(())
                    })
                })
            })?;
            self.depth -= 1;
            return Ok(());
        }
        match types.as_slice() {
            [] => {
                *self.untyped = true;
                object(out, |o| self.whole(None, &flat, told, o))
            }
            [only] => object(out, |o| self.whole(Some(only), &flat, told, o)),
            several => object(out, |o| {
                o.array("anyOf", |list| {
                    several.iter().try_for_each(|kind| {
                        self.resolver.spend(flat.size)?;
                        list.object(|o| self.whole(Some(kind), &flat, told.clone(), o))
                    })
                })
            }),
        }
    }

    /// Takes the variants of which something is left to say; Vertex refuses those without a type, the description tells
    /// them.
    fn sayable(&mut self, flat: &mut Flat<'s>, told: &mut Told) -> Result<Vec<&'s RawValue>, Unsayable> {
        let mut sayable = Vec::new();
        for variant in std::mem::take(&mut flat.variants) {
            self.resolver.spend(flat.weight(&[]))?;
            let references = self.resolver.depth();
            let mut inner = self.resolver.flatten(variant.get())?.within(flat, &[]);
            self.resolver.leave(references);
            if types(&mut inner).is_empty() && inner.variants.is_empty() {
                self.tell("anyOf", variant, told);
            } else {
                sayable.push(variant);
            }
        }
        Ok(sayable)
    }

    /// Writes all that is said of one type, or of none.
    fn whole(
        &mut self,
        kind: Option<&str>,
        flat: &Flat<'s>,
        mut told: Told,
        o: &mut Object<'_>,
    ) -> Result<(), Unsayable> {
        self.typed(kind, flat, &mut told, o)?;
        if flat.nullable {
            o.bool("nullable", true);
        }
        self.annotations(kind, flat, told, o);
        Ok(())
    }

    /// Writes the keywords that belong to a type; to none, all that Gemini knows.
    fn typed(
        &mut self,
        kind: Option<&str>,
        flat: &Flat<'s>,
        told: &mut Told,
        o: &mut Object<'_>,
    ) -> Result<(), Unsayable> {
        if let Some(kind) = kind {
            o.str("type", kind);
        }
        let is = |name: &str| kind.is_none_or(|kind| kind == name);
        let field = |name: &str| flat.fields.get(name).copied();
        if is("string") {
            self.choices(flat, told, o);
            Self::keep(flat, &["minLength", "maxLength", "pattern"], o);
        }
        if is("integer") || is("number") {
            Self::keep(flat, &["minimum", "maximum"], o);
        }
        let formats: &[&str] = match kind {
            Some("string") => &["\"date-time\"", "\"enum\""],
            Some("integer") => &["\"int32\"", "\"int64\""],
            Some("number") => &["\"float\"", "\"double\""],
            _ => &[],
        };
        if let Some(format) = field("format") {
            if formats.contains(&format.get()) {
                o.raw("format", format);
            } else {
                self.tell("format", format, told);
            }
        }
        if kind == Some("array") {
            Self::keep(flat, &["minItems", "maxItems"], o);
            match field("items").filter(|items| items.get().starts_with('{')) {
                Some(items) if items.get().trim_matches(['{', '}', ' ', '\n']).is_empty() => any_item(o),
                Some(items) => self.schema(items.get(), o.key("items"))?,
                None => {
                    // Gemini insists on it; a list of several schemas, one for each place, it does not know.
                    any_item(o);
                    if let Some(items) = field("items") {
                        self.tell("items", items, told);
                    }
                }
            }
        }
        if is("object") && (kind.is_some() || !flat.properties.is_empty()) {
            Self::keep(flat, &["minProperties", "maxProperties"], o);
            if field("properties").is_some() {
                let mut result = Ok(());
                o.object("properties", |map| {
                    for (name, schema) in flat.properties.iter() {
                        if result.is_ok() {
                            result = self.schema(schema.get(), map.key(name));
                        }
                    }
                });
                result?;
            }
            // A name without a property is refused.
            let mut required = flat.required.names().filter(|name| flat.properties.has(name)).peekable();
            if required.peek().is_some() {
                o.array("required", |list| required.for_each(|name| list.str(name)));
            }
        }
        Ok(())
    }

    /// Writes the texts to choose from: Gemini knows no others, and no empty one.
    fn choices(&mut self, flat: &Flat<'s>, told: &mut Told, o: &mut Object<'_>) {
        for (key, raw) in flat.fields.iter().filter(|(key, _)| key == "enum" || key == "const") {
            let values: Vec<&RawValue> = match &**key {
                "const" => vec![raw],
                _ => serde_json::from_str(raw.get()).unwrap_or_default(),
            };
            let texts: Vec<&RawValue> =
                values.iter().copied().filter(|v| v.get().starts_with('"') && v.get() != "\"\"").collect();
            let is_sayable = |v: &&RawValue| v.get().starts_with('"') || v.get() == "null";
            if !texts.is_empty() && values.iter().all(is_sayable) {
                o.array("enum", |list| {
                    for text in texts {
                        list.raw(text);
                    }
                });
                return;
            }
            if !values.iter().all(|v| v.get() == "null") {
                self.tell(key, raw, told);
            }
        }
    }

    fn keep(flat: &Flat<'s>, keys: &[&str], o: &mut Object<'_>) {
        for (key, value) in flat.fields.iter() {
            if keys.contains(&&**key) {
                o.raw(key, value);
            }
        }
    }

    /// Writes title, description and the rest: what Gemini does not know is told in the description.
    fn annotations(&mut self, kind: Option<&str>, flat: &Flat<'s>, mut told: Told, o: &mut Object<'_>) {
        const WRITTEN: [&str; 11] = [
            "minLength",
            "maxLength",
            "pattern",
            "minimum",
            "maximum",
            "format",
            "minItems",
            "maxItems",
            "items",
            "minProperties",
            "maxProperties",
        ];
        let mut description = None;
        let has_text_choices = kind.is_none_or(|kind| kind == "string");
        for (key, value) in flat.fields.iter() {
            match &**key {
                "description" => description = serde_json::from_str::<String>(value.get()).ok(),
                "title" | "default" => o.raw(key, value),
                "enum" | "const" if !has_text_choices => self.tell(key, value, &mut told),
                "additionalProperties" | "unevaluatedProperties"
                    if matches!(value.get(), "true" | "false") || is_anything(value) => {}
                key if SILENT.contains(&key) || WRITTEN.contains(&key) || key.starts_with("x-") => {}
                key => self.tell(key, value, &mut told),
            }
        }
        let told = joined(&told);
        let around = flat.around.iter().cloned();
        let description = around.chain(description).reduce(|around, own| format!("{around} {own}"));
        let text = match (description, told.is_empty()) {
            (Some(text), true) => Some(text),
            (Some(text), false) => Some(format!("{text} ({told})")),
            (None, false) => Some(told),
            (None, true) => None,
        };
        if let Some(text) = text {
            write_string(o.key("description"), &text);
        }
    }

    fn tell(&mut self, key: &str, value: &RawValue, told: &mut Told) {
        told.add(Cow::Owned(format!("{key}: {}", value.get())), ());
        if !self.moved.has(key) {
            self.moved.add(Cow::Owned(key.to_owned()), ());
        }
    }
}

fn joined(told: &Told) -> String {
    told.names().collect::<Vec<_>>().join(", ")
}

fn is_anything(schema: &RawValue) -> bool {
    schema.get().trim_start().starts_with('{')
        && schema.get().trim_matches(['{', '}', ' ', '\n', '\r', '\t']).is_empty()
}

fn any_item(o: &mut Object<'_>) {
    o.object("items", |items| items.word("type", "string"));
}

fn types_of(flat: &Flat<'_>) -> Vec<String> {
    let said = flat.fields.get("type").map(|value| value.get());
    let mut types: Vec<String> = match said {
        Some(text) if text.starts_with('[') => serde_json::from_str(text).unwrap_or_default(),
        Some(text) => serde_json::from_str(text).map(|kind| vec![kind]).unwrap_or_default(),
        None => Vec::new(),
    };
    // Clients of Google's write them in capitals.
    for kind in &mut types {
        kind.make_ascii_lowercase();
    }
    types.retain(|kind| kind != "null");
    types
}

/// What the variants of a schema have to be told of it.
fn described(flat: &Flat<'_>, told: &Told) -> Vec<String> {
    let own = flat.fields.get("description");
    let own = own.and_then(|value| serde_json::from_str::<String>(value.get()).ok());
    let told = (!told.is_empty()).then(|| format!("({})", joined(told)));
    flat.around.iter().cloned().chain(own).chain(told).collect()
}

/// The type of the values that are to choose from.
fn type_of_choices(flat: &Flat<'_>) -> Option<&'static str> {
    let (key, raw) = flat.fields.iter().find(|(key, _)| key == "enum" || key == "const")?;
    let values: Vec<&RawValue> = match &**key {
        "const" => vec![raw],
        _ => serde_json::from_str(raw.get()).unwrap_or_default(),
    };
    let mut values = values.iter().map(|value| value.get()).filter(|value| *value != "null").peekable();
    values.peek()?;
    let values: Vec<&str> = values.collect();
    let all = |is: fn(&str) -> bool| values.iter().all(|value| is(value));
    if values.iter().any(|value| value.starts_with('"')) {
        Some("string")
    } else if all(|value| matches!(value, "true" | "false")) {
        Some("boolean")
    } else if all(|value| value.parse::<i64>().is_ok()) {
        Some("integer")
    } else if all(|value| value.parse::<f64>().is_ok()) {
        Some("number")
    } else {
        None
    }
}

/// The types that a schema allows, `null` apart; what it does not say follows from its other keywords.
fn types(flat: &mut Flat<'_>) -> Vec<String> {
    let has = |flat: &Flat<'_>, key: &str| flat.fields.has(key);
    let says_null = flat.fields.iter().filter(|(key, _)| matches!(&**key, "type" | "enum" | "const")).any(
        |(key, value)| match &**key {
            "type" => value.get().contains("\"null\""),
            "const" => value.get() == "null",
            _ => serde_json::from_str::<Vec<&RawValue>>(value.get())
                .is_ok_and(|values| values.iter().any(|value| value.get() == "null")),
        },
    );
    flat.nullable |= says_null;
    let types = types_of(flat);
    if !types.is_empty() || has(flat, "type") || !flat.variants.is_empty() {
        return types;
    }
    let has_any = |keys: &[&str]| keys.iter().any(|key| has(flat, key));
    let kind = if !flat.properties.is_empty() || has(flat, "properties") {
        Some("object")
    } else if has(flat, "items") {
        Some("array")
    } else if has_any(&["enum", "const"]) {
        type_of_choices(flat)
    } else if has_any(&["minLength", "maxLength", "pattern"]) {
        Some("string")
    } else if has_any(&["minimum", "maximum", "multipleOf"]) {
        Some("number")
    } else {
        None
    };
    kind.map(str::to_owned).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn rewrite(schema: &str) -> (String, Vec<String>) {
        let (mut rewriter, mut out) = (Rewriter::default(), Vec::new());
        rewriter.write(schema, &mut out).unwrap();
        let moved = rewriter.moved.names().map(str::to_owned).collect();
        (String::from_utf8(out).unwrap(), moved)
    }

    #[test]
    fn references_are_inlined_and_their_siblings_kept() {
        let (schema, moved) = rewrite(
            r##"{"type":"object","properties":{"loc":{"$ref":"#/$defs/L","description":"where"},"b":{"$ref":"#/$defs/L"}},
            "$defs":{"L":{"type":"object","properties":{"c":{"type":"string"}},"description":"place"}},"required":["loc","gone"]}"##,
        );
        assert_eq!(
            schema,
            r#"{"type":"object","properties":{"loc":{"type":"object","properties":{"c":{"type":"string"}},"description":"where"},"b":{"type":"object","properties":{"c":{"type":"string"}},"description":"place"}},"required":["loc"]}"#
        );
        assert!(moved.is_empty());
    }

    #[test]
    fn what_leads_nowhere_or_nowhere_else_is_unsayable() {
        let fail = |schema: &str| Rewriter::default().write(schema, &mut Vec::new()).unwrap_err();
        let node = r##"{"$ref":"#/$defs/N","$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N"}}}}}"##;
        assert_eq!(fail(node), Unsayable::Recursive);
        assert_eq!(fail(r##"{"properties":{"x":{"$ref":"#"}}}"##), Unsayable::Recursive);
        assert_eq!(fail(r#"{"$ref":"https://x/y.json"}"#), Unsayable::Foreign);
        assert_eq!(fail(r##"{"$ref":"#/$defs/none"}"##), Unsayable::Foreign);
        let mut laughs = String::from(r##"{"$ref":"#/$defs/a0","$defs":{"z":{"type":"string"}"##);
        for n in 0..40 {
            let next = if n == 39 { "z".to_owned() } else { format!("a{}", n + 1) };
            let _ = write!(
                laughs,
                r##","a{n}":{{"properties":{{"l":{{"$ref":"#/$defs/{next}"}},"r":{{"$ref":"#/$defs/{next}"}}}}}}"##
            );
        }
        laughs.push_str("}}");
        assert_eq!(fail(&laughs), Unsayable::Deep);
        let deep = format!("{}{{}}{}", r#"{"properties":{"p":"#.repeat(100), "}}".repeat(100));
        assert_eq!(fail(&deep), Unsayable::Deep);
    }

    #[test]
    fn what_json_schema_says_otherwise() {
        for (schema, expected) in [
            (r#"{"type":["string","null"]}"#, r#"{"type":"string","nullable":true}"#),
            (
                r#"{"type":["string","integer","null"]}"#,
                r#"{"anyOf":[{"type":"string","nullable":true},{"type":"integer","nullable":true}]}"#,
            ),
            (r#"{"const":"x"}"#, r#"{"type":"string","enum":["x"]}"#),
            (r#"{"const":3,"type":"integer"}"#, r#"{"type":"integer","description":"const: 3"}"#),
            (
                r#"{"type":"string","enum":["a","",null]}"#,
                r#"{"type":"string","enum":["a"],"nullable":true}"#,
            ),
            (
                r#"{"anyOf":[{"type":"string"},{"type":"null"}],"description":"d","default":null}"#,
                r#"{"type":"string","nullable":true,"default":null,"description":"d"}"#,
            ),
            (
                r#"{"oneOf":[{"type":"string"},{"type":"number"}]}"#,
                r#"{"anyOf":[{"type":"string"},{"type":"number"}]}"#,
            ),
            (
                r#"{"allOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{}}}]}"#,
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{}},"required":["a"]}"#,
            ),
            (r#"{"type":"array"}"#, r#"{"type":"array","items":{"type":"string"}}"#),
            (
                r#"{"type":"object","properties":{"o":{"type":"object","properties":{}}},"additionalProperties":false,"$schema":"s"}"#,
                r#"{"type":"object","properties":{"o":{"type":"object","properties":{}}}}"#,
            ),
            (
                r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
                r#"{"type":"object","description":"additionalProperties: {\"type\":\"string\"}"}"#,
            ),
            (
                r#"{"type":"string","format":"email","minLength":2,"description":"D"}"#,
                r#"{"type":"string","minLength":2,"description":"D (format: \"email\")"}"#,
            ),
            (
                r#"{"type":"integer","exclusiveMinimum":0,"maximum":9}"#,
                r#"{"type":"integer","maximum":9,"description":"exclusiveMinimum: 0"}"#,
            ),
            (r#"{"type":"string","format":"date-time"}"#, r#"{"type":"string","format":"date-time"}"#),
            ("true", "{}"),
            (r#"{"const":5}"#, r#"{"type":"integer","description":"const: 5"}"#),
            (
                r#"{"enum":[true,null]}"#,
                r#"{"type":"boolean","nullable":true,"description":"enum: [true,null]"}"#,
            ),
            (
                r#"{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}"#,
                r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
            ),
            (
                r#"{"description":"d","anyOf":[{"type":"string","description":"s"},{"type":"integer"},{"type":"null"}]}"#,
                r#"{"anyOf":[{"type":"string","nullable":true,"description":"d s"},{"type":"integer","nullable":true,"description":"d"}]}"#,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}"#,
                r#"{"anyOf":[{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"]},{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["b"]}]}"#,
            ),
            (
                r#"{"anyOf":[{"type":"string"},{"title":"T"}]}"#,
                r#"{"anyOf":[{"type":"string","description":"(anyOf: {\"title\":\"T\"})"}]}"#,
            ),
        ] {
            assert_eq!(rewrite(schema).0, expected, "{schema}");
        }
    }

    #[test]
    fn an_object_without_properties_is_left_out_at_the_root() {
        let mut out = Vec::new();
        for schema in [r#"{"type":"object","properties":{}}"#, r#"{"type":"object"}"#, "{}"] {
            assert_eq!(Rewriter::default().write_object(schema, &mut out), Ok(false), "{schema}");
        }
        assert_eq!(Rewriter::default().write_object(r#"{"properties":{"a":{}}}"#, &mut out), Ok(true));
    }
}
