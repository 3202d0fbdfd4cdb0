//! A JSON Schema with its references followed and its parts put together.

use super::MAX_DEPTH;
use crate::wire::json::members;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Why a schema cannot be said without references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialect) enum Unsayable {
    /// It refers to itself.
    Recursive,
    /// It refers to what it does not hold.
    Foreign,
    /// It is nested too deeply, or too long once its references are inlined.
    Deep,
}

impl Unsayable {
    /// The end of a sentence about the schema.
    pub(in crate::dialect) fn why(self) -> &'static str {
        match self {
            Self::Recursive => "refers to itself",
            Self::Foreign => "refers to a schema that it does not hold",
            Self::Deep => "is too long or too deep",
        }
    }
}

/// What one place of a schema says, wherever it says it: here, behind a `$ref`, in an `allOf`. What is said nearer
/// counts.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Flat<'s> {
    /// Keywords but those below, each once.
    pub(in crate::dialect) fields: Vec<(Cow<'s, str>, &'s RawValue)>,
    pub(in crate::dialect) properties: Vec<(Cow<'s, str>, &'s RawValue)>,
    pub(in crate::dialect) required: Vec<String>,
    /// The schemas of `anyOf` or `oneOf`, those that mean `null` left out.
    pub(in crate::dialect) variants: Vec<&'s RawValue>,
    pub(in crate::dialect) nullable: bool,
    /// What is said of it around it, where it is one variant of several.
    pub(in crate::dialect) around: Vec<String>,
}

impl Flat<'_> {
    /// Adds what is said around a variant; what the variant says itself counts.
    pub(in crate::dialect) fn within(mut self, outer: &Self, around: &[String]) -> Self {
        for (key, value) in outer.fields.iter().filter(|(key, _)| key != "description") {
            if !self.fields.iter().any(|(known, _)| known == key) {
                self.fields.push((key.clone(), value));
            }
        }
        for (name, schema) in &outer.properties {
            if !self.properties.iter().any(|(known, _)| known == name) {
                self.properties.push((name.clone(), schema));
            }
        }
        for name in &outer.required {
            if !self.required.contains(name) {
                self.required.push(name.clone());
            }
        }
        self.nullable |= outer.nullable;
        self.around = around.to_vec();
        self
    }
}

/// Follows references within one schema.
#[derive(Debug)]
pub(in crate::dialect) struct Resolver<'s> {
    root: &'s str,
    /// The references that are being followed.
    stack: Vec<String>,
}

impl<'s> Resolver<'s> {
    pub(in crate::dialect) fn new(root: &'s str) -> Self {
        Self { root, stack: Vec::new() }
    }

    /// How many references are being followed.
    pub(in crate::dialect) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Forgets all references but the first ones.
    pub(in crate::dialect) fn leave(&mut self, depth: usize) {
        self.stack.truncate(depth);
    }

    /// Puts together what a schema says. The references it follows stay remembered until [`Self::leave`]: what stands
    /// within it must not lead back to them.
    pub(in crate::dialect) fn flatten(&mut self, schema: &'s str) -> Result<Flat<'s>, Unsayable> {
        let mut flat = Flat::default();
        self.collect(schema, &mut flat, 0)?;
        // Of a choice that is none, the one is what it says.
        let mut rounds = 0;
        while let [only] = *flat.variants {
            rounds += 1;
            if rounds > MAX_DEPTH {
                return Err(Unsayable::Deep);
            }
            flat.variants.clear();
            self.collect(only.get(), &mut flat, 0)?;
        }
        Ok(flat)
    }

    fn collect(&mut self, schema: &'s str, flat: &mut Flat<'s>, depth: usize) -> Result<(), Unsayable> {
        if depth > MAX_DEPTH || self.stack.len() > MAX_DEPTH {
            return Err(Unsayable::Deep);
        }
        // `true`, `false`: anything goes, or what no generator can honour.
        let Ok(found) = members(schema.as_bytes()) else { return Ok(()) };
        let (mut reference, mut all): (Option<String>, Vec<&'s RawValue>) = (None, Vec::new());
        for field in found.fields {
            let value = field.value;
            match &*field.key {
                "$ref" => reference = serde_json::from_str(value.get()).ok(),
                "allOf" => all = serde_json::from_str(value.get()).unwrap_or_default(),
                "anyOf" | "oneOf" => {
                    let variants: Vec<&'s RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
                    for variant in variants {
                        if is_null(variant) {
                            flat.nullable = true;
                        } else {
                            flat.variants.push(variant);
                        }
                    }
                }
                "nullable" => flat.nullable |= value.get() == "true",
                "properties" => {
                    let Ok(found) = members(value.get().as_bytes()) else { continue };
                    for property in found.fields {
                        if !flat.properties.iter().any(|(name, _)| *name == property.key) {
                            flat.properties.push((property.key, property.value));
                        }
                    }
                    if !flat.fields.iter().any(|(name, _)| name == "properties") {
                        flat.fields.push((Cow::Borrowed("properties"), value));
                    }
                }
                "required" => {
                    let names: Vec<String> = serde_json::from_str(value.get()).unwrap_or_default();
                    for name in names {
                        if !flat.required.contains(&name) {
                            flat.required.push(name);
                        }
                    }
                }
                _ if flat.fields.iter().any(|(name, _)| *name == field.key) => {}
                _ => flat.fields.push((field.key, value)),
            }
        }
        for part in all {
            self.collect(part.get(), flat, depth + 1)?;
        }
        if let Some(reference) = reference {
            if self.stack.contains(&reference) {
                return Err(Unsayable::Recursive);
            }
            let target = self.find(&reference).ok_or(Unsayable::Foreign)?;
            self.stack.push(reference);
            self.collect(target, flat, depth + 1)?;
        }
        Ok(())
    }

    /// What stands at `#/…` of the whole schema.
    fn find(&self, reference: &str) -> Option<&'s str> {
        let mut place = self.root;
        for step in reference.strip_prefix("#")?.split('/').skip(1) {
            let step = percent_encoding::percent_decode_str(step).decode_utf8().ok()?;
            let step = step.replace("~1", "/").replace("~0", "~");
            place = match members(place.as_bytes()) {
                Ok(found) => found.get(&step)?.value.get(),
                Err(_) => serde_json::from_str::<Vec<&'s RawValue>>(place)
                    .ok()?
                    .get(step.parse::<usize>().ok()?)?
                    .get(),
            };
        }
        Some(place)
    }
}

fn is_null(schema: &RawValue) -> bool {
    let Ok(found) = members(schema.get().as_bytes()) else { return false };
    found.get("type").is_some_and(|field| field.value.get() == "\"null\"")
        || found.get("const").is_some_and(|field| field.value.get() == "null")
}
