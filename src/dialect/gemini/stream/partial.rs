//! Arguments of a call that arrive piece by piece (`partialArgs`), put together.
//!
//! Each piece names its place by a path of RFC 9535 in its simplest form: `$.user.tags[0]`, `$['a b']`.

use super::super::wire::PartialArg;
use super::super::wire::number;
use serde_json::{Map, Number, Value};

/// Most bytes of one call's arguments: as for one item of a stream.
const MOST_BYTES: usize = crate::wire::json_array::MAX_ITEM;
/// Most items of a list that a path may ask for: a list is made as long as its highest index.
const MOST_ITEMS: usize = 4096;
/// Most steps of a path.
const MOST_STEPS: usize = 64;

/// A call in the making.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) signature: Option<String>,
    args: Value,
    bytes: usize,
}

/// A step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// A path or a value that cannot be followed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPiece;

impl Partial {
    pub(super) fn new(id: String, name: String) -> Self {
        Self { id, name, signature: None, args: Value::Object(Map::new()), bytes: 0 }
    }

    /// Takes one piece. A text is added to what stands at its place; anything else takes the place.
    pub(super) fn take(&mut self, piece: &PartialArg<'_>) -> Result<(), BadPiece> {
        let path = piece.path.as_ref().map(crate::chat::Text::to_str).unwrap_or_default();
        let string = piece.string.as_ref().map(crate::chat::Text::to_str);
        self.bytes = self
            .bytes
            .saturating_add(path.len())
            .saturating_add(string.as_ref().map_or(0, |text| text.len()))
            .saturating_add(8);
        if self.bytes > MOST_BYTES {
            return Err(BadPiece);
        }
        let place = self.place(&path)?;
        if let Some(text) = string {
            match place {
                Value::String(before) => before.push_str(&text),
                _ => *place = Value::String(text.into_owned()),
            }
        } else if let Some(raw) = piece.number {
            let value = number(raw).ok_or(BadPiece)?;
            *place = serde_json::from_str(raw.get().trim_matches('"'))
                .ok()
                .or_else(|| Number::from_f64(value).map(Value::Number))
                .ok_or(BadPiece)?;
        } else if let Some(value) = piece.boolean {
            *place = Value::Bool(value);
        } else {
            *place = Value::Null;
        }
        Ok(())
    }

    /// The arguments as JSON text.
    pub(super) fn arguments(&self) -> String {
        self.args.to_string()
    }

    fn place(&mut self, path: &str) -> Result<&mut Value, BadPiece> {
        let mut place = &mut self.args;
        for step in steps(path)? {
            place = match step {
                Step::Key(key) => {
                    if !place.is_object() {
                        *place = Value::Object(Map::new());
                    }
                    place.as_object_mut().ok_or(BadPiece)?.entry(key).or_insert(Value::Null)
                }
                Step::Index(index) => {
                    if !place.is_array() {
                        *place = Value::Array(Vec::new());
                    }
                    let items = place.as_array_mut().ok_or(BadPiece)?;
                    if items.len() <= index {
                        items.resize(index.saturating_add(1), Value::Null);
                    }
                    items.get_mut(index).ok_or(BadPiece)?
                }
            };
        }
        Ok(place)
    }
}

fn steps(path: &str) -> Result<Vec<Step>, BadPiece> {
    let mut rest = path.strip_prefix('$').ok_or(BadPiece)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == MOST_STEPS {
            return Err(BadPiece);
        }
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (key, tail) = after.split_at_checked(end).ok_or(BadPiece)?;
            if key.is_empty() {
                return Err(BadPiece);
            }
            steps.push(Step::Key(key.to_owned()));
            rest = tail;
        } else {
            let after = rest.strip_prefix('[').ok_or(BadPiece)?;
            if let Some(quote) = after.chars().next().filter(|c| matches!(c, '\'' | '"')) {
                let inside = after.get(1..).ok_or(BadPiece)?;
                let (key, length) = quoted(inside, quote)?;
                rest = inside.get(length..).and_then(|rest| rest.strip_prefix(']')).ok_or(BadPiece)?;
                steps.push(Step::Key(key));
            } else {
                let (index, tail) = after.split_once(']').ok_or(BadPiece)?;
                let index =
                    index.parse::<usize>().ok().filter(|index| *index < MOST_ITEMS).ok_or(BadPiece)?;
                steps.push(Step::Index(index));
                rest = tail;
            }
        }
    }
    if steps.is_empty() { Err(BadPiece) } else { Ok(steps) }
}

/// A quoted name up to its closing quote, and how many bytes it took with that.
fn quoted(text: &str, quote: char) -> Result<(String, usize), BadPiece> {
    let mut key = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                key.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            _ if c == quote => return Ok((key, at.saturating_add(1))),
            _ => key.push(c),
        }
    }
    Err(BadPiece)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn put(pieces: &[Value]) -> Result<Value, BadPiece> {
        let mut partial = Partial::new(String::new(), "f".into());
        for piece in pieces {
            let text = piece.to_string();
            partial.take(&serde_json::from_str(&text).unwrap())?;
        }
        Ok(serde_json::from_str(&partial.arguments()).unwrap())
    }

    #[test]
    fn pieces_find_their_places() {
        let whole = put(&[
            json!({"jsonPath": "$.city", "stringValue": "New", "willContinue": true}),
            json!({"jsonPath": "$.city", "stringValue": " Delhi"}),
            json!({"jsonPath": "$.n", "numberValue": 3}),
            json!({"jsonPath": "$.x[1].y", "boolValue": true}),
            json!({"jsonPath": "$['a b'][\"c.d\"]", "nullValue": "NULL_VALUE"}),
            json!({"jsonPath": "$.x[0]", "numberValue": 1.5}),
        ]);
        assert_eq!(
            whole.unwrap(),
            json!({"city": "New Delhi", "n": 3, "x": [1.5, {"y": true}], "a b": {"c.d": null}})
        );
        assert_eq!(put(&[]).unwrap(), json!({}));
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        for path in ["", "$", "city", "$.", "$..a", "$[", "$[x]", "$[99999999999]", "$['a", "$.a]"] {
            let result = put(&[json!({"jsonPath": path, "stringValue": "x"})]);
            if path != "$.a]" {
                assert_eq!(result, Err(BadPiece), "{path}");
            }
        }
    }
}
