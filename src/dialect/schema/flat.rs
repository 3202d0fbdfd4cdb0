//! A JSON Schema with its references followed and its parts put together.

use super::MAX_DEPTH;
use super::named::Named;
use crate::wire::json::members;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

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
    pub(in crate::dialect) fields: Named<'s, &'s RawValue>,
    pub(in crate::dialect) properties: Named<'s, &'s RawValue>,
    pub(in crate::dialect) required: Named<'s, ()>,
    /// The schemas of `anyOf` or `oneOf`, those that mean `null` left out.
    pub(in crate::dialect) variants: Vec<&'s RawValue>,
    pub(in crate::dialect) nullable: bool,
    /// What is said of it around it, where it is one variant of several.
    pub(in crate::dialect) around: Vec<String>,
    /// Bytes of the schemas that it is put together of.
    pub(in crate::dialect) size: usize,
}

impl Flat<'_> {
    /// About how many bytes are copied where something is put [`Self::within`] this.
    pub(in crate::dialect) fn weight(&self, around: &[String]) -> usize {
        const ONE: usize = 32;
        let names = self.fields.iter().len() + self.properties.iter().len() + self.required.iter().len();
        around.iter().map(String::len).fold(names.saturating_mul(ONE), usize::saturating_add)
    }

    /// Adds what is said around a variant; what the variant says itself counts.
    pub(in crate::dialect) fn within(mut self, outer: &Self, around: &[String]) -> Self {
        for (key, value) in outer.fields.iter().filter(|(key, _)| key != "description") {
            self.fields.add(key.clone(), value);
        }
        for (name, schema) in outer.properties.iter() {
            self.properties.add(name.clone(), schema);
        }
        for (name, ()) in outer.required.iter() {
            self.required.add(name.clone(), ());
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
    /// What stands within the places that references lead through, by where these begin.
    places: HashMap<usize, Within<'s>>,
    /// Bytes that may still be read behind references, or written more than once.
    left: usize,
}

/// What stands within a place.
#[derive(Debug)]
enum Within<'s> {
    Object(HashMap<Cow<'s, str>, &'s str>),
    List(Vec<&'s RawValue>),
}

/// Bytes that are read behind the references of any schema, and for each of its bytes. What is nested is read once for
/// each of its levels, and those are few; references can make a few bytes into more than the world holds.
const READ: (usize, usize) = (32 << 10, 16);

impl<'s> Resolver<'s> {
    pub(in crate::dialect) fn new(root: &'s str) -> Self {
        let left = root.len().saturating_mul(READ.1).saturating_add(READ.0);
        Self { root, stack: Vec::new(), places: HashMap::new(), left }
    }

    /// Takes account of so many bytes that are read behind a reference, or written once more.
    ///
    /// # Errors
    /// They are more than a schema of this length may take.
    pub(in crate::dialect) fn spend(&mut self, bytes: usize) -> Result<(), Unsayable> {
        self.left = self.left.checked_sub(bytes).ok_or(Unsayable::Deep)?;
        Ok(())
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
        if !self.stack.is_empty() {
            self.spend(schema.len())?;
        }
        flat.size = flat.size.saturating_add(schema.len());
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
                        flat.properties.add(property.key, property.value);
                    }
                    flat.fields.add(Cow::Borrowed("properties"), value);
                }
                "required" => {
                    let names: Vec<String> = serde_json::from_str(value.get()).unwrap_or_default();
                    for name in names {
                        flat.required.add(Cow::Owned(name), ());
                    }
                }
                _ => flat.fields.add(field.key, value),
            }
        }
        for part in all {
            self.collect(part.get(), flat, depth + 1)?;
        }
        if let Some(reference) = reference {
            if self.stack.contains(&reference) {
                return Err(Unsayable::Recursive);
            }
            let target = self.find(&reference)?;
            self.stack.push(reference);
            self.collect(target, flat, depth + 1)?;
        }
        Ok(())
    }

    /// What stands at `#/…` of the whole schema.
    fn find(&mut self, reference: &str) -> Result<&'s str, Unsayable> {
        let mut place = self.root;
        let path = reference.strip_prefix('#').ok_or(Unsayable::Foreign)?;
        for (depth, step) in path.split('/').skip(1).enumerate() {
            if depth > MAX_DEPTH {
                return Err(Unsayable::Deep);
            }
            let step = percent_encoding::percent_decode_str(step).decode_utf8();
            let step = step.map_err(|_| Unsayable::Foreign)?.replace("~1", "/").replace("~0", "~");
            place = self.step(place, &step)?.ok_or(Unsayable::Foreign)?;
        }
        Ok(place)
    }

    /// What stands in a place under a name or a number. Each place is read once: a schema may hold as many references
    /// as definitions.
    fn step(&mut self, place: &'s str, step: &str) -> Result<Option<&'s str>, Unsayable> {
        let at = place.as_ptr().addr();
        if !self.places.contains_key(&at) {
            self.spend(place.len())?;
            let within = match members(place.as_bytes()) {
                Ok(found) => {
                    let fields = found.fields.into_iter().map(|field| (field.key, field.value.get()));
                    Within::Object(fields.collect())
                }
                Err(_) => Within::List(serde_json::from_str(place).unwrap_or_default()),
            };
            self.places.insert(at, within);
        }
        Ok(match self.places.get(&at) {
            Some(Within::Object(fields)) => fields.get(step).copied(),
            Some(Within::List(items)) => {
                step.parse().ok().and_then(|number: usize| items.get(number)).map(|item| item.get())
            }
            None => None,
        })
    }
}

fn is_null(schema: &RawValue) -> bool {
    let Ok(found) = members(schema.get().as_bytes()) else { return false };
    found.get("type").is_some_and(|field| field.value.get() == "\"null\"")
        || found.get("const").is_some_and(|field| field.value.get() == "null")
}
