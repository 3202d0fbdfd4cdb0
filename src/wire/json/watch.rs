//! Single members of an object that passes by in pieces, of which nothing else is kept.

/// Longest key that is compared, in bytes: none that anybody looks for is longer.
const LONGEST_KEY: usize = 32;

/// Longest value that is kept, in bytes. What is looked for are counts; a longer value is no such thing.
const LONGEST_VALUE: usize = 16 << 10;

/// Looks for one top-level member of a JSON object while the object passes, in pieces of any size. Values of any
/// length go by without being kept; a body that is no object, or no JSON, is no error and holds nothing.
#[derive(Debug)]
pub struct Watch {
    wanted: &'static str,
    place: Place,
    /// Objects and arrays that are open.
    depth: u32,
    in_string: bool,
    escaped: bool,
    key: Vec<u8>,
    value: Vec<u8>,
    /// The value that passes is the one that is wanted.
    keeps: bool,
    found: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the object, or after it.
    Outside,
    /// Where a key may begin.
    BeforeKey,
    /// Within a key.
    Key,
    /// Between a key and its colon.
    AfterKey,
    /// Within a value.
    Value,
}

impl Watch {
    /// Looks for the member of this key.
    pub fn new(wanted: &'static str) -> Self {
        Self {
            wanted,
            place: Place::Outside,
            depth: 0,
            in_string: false,
            escaped: false,
            key: Vec::new(),
            value: Vec::new(),
            keeps: false,
            found: None,
        }
    }

    /// The JSON text of the member, once all of it has passed; of several the last.
    pub fn found(&self) -> Option<&[u8]> {
        self.found.as_deref()
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some((&byte, after)) = rest.split_first() {
            if self.in_string && !self.escaped {
                // Nearly all bytes of an answer stand in strings (pictures in base64): those are skipped, not read.
                let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                if plain > 0 {
                    let (passed, left) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
                    self.keep(passed);
                    rest = left;
                    continue;
                }
            }
            self.byte(byte);
            rest = after;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        match self.place {
            Place::Key if self.key.len() + bytes.len() <= LONGEST_KEY => self.key.extend_from_slice(bytes),
            // A key that is cut is none that is wanted.
            Place::Key => self.key.push(0),
            Place::Value if self.keeps => {
                if self.value.len() + bytes.len() > LONGEST_VALUE {
                    self.keeps = false;
                } else {
                    self.value.extend_from_slice(bytes);
                }
            }
            _ => {}
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.in_string {
            let closes = byte == b'"' && !self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            if closes {
                self.in_string = false;
                if self.place == Place::Key {
                    self.place = Place::AfterKey;
                    return;
                }
            }
            self.keep(&[byte]);
            return;
        }
        match (byte, self.place) {
            (b'{', Place::Outside) if self.depth == 0 => {
                self.depth = 1;
                self.place = Place::BeforeKey;
                return;
            }
            (b'"', Place::BeforeKey) => {
                self.in_string = true;
                self.key.clear();
                self.place = Place::Key;
                return;
            }
            (b':', Place::AfterKey) => {
                self.place = Place::Value;
                self.keeps = self.key == self.wanted.as_bytes();
                self.value.clear();
                return;
            }
            (b',', Place::Value) if self.depth == 1 => {
                self.settle();
                self.place = Place::BeforeKey;
                return;
            }
            (b'}', _) if self.depth == 1 => {
                self.settle();
                self.depth = 0;
                self.place = Place::Outside;
                return;
            }
            (b'"', _) => self.in_string = true,
            (b'{' | b'[', _) => self.depth = self.depth.saturating_add(1),
            (b'}' | b']', _) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.keep(&[byte]);
    }

    /// A value is over.
    fn settle(&mut self) {
        if self.place == Place::Value && std::mem::take(&mut self.keeps) {
            self.found = Some(self.value.trim_ascii().to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn watch(pieces: &[&[u8]]) -> Option<String> {
        let mut watch = Watch::new("usage");
        for piece in pieces {
            watch.push(piece);
        }
        watch.found().map(|found| String::from_utf8(found.to_vec()).unwrap())
    }

    #[test]
    fn finds_its_member_and_no_other() {
        for (body, expected) in [
            (r#"{"usage":{"a":[1,"}"]}}"#, Some(r#"{"a":[1,"}"]}"#)),
            (r#" {"x":{"usage":1},"y":"\"usage\":2","usage" : 3 , "z":[]}"#, Some("3")),
            (r#"{"usage":1,"usage":"\\"}"#, Some(r#""\\""#)),
            (r#"{"data":[{"usage":1}]}"#, None),
            (r#"[{"usage":1}]"#, None),
            (r#"{"usage":1"#, None),
            ("usage", None),
            ("", None),
            ("{}", None),
            ("}}]]{", None),
        ] {
            assert_eq!(watch(&[body.as_bytes()]).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let long = format!(r#"{{"{}":1,"usage":"{}","x":1}}"#, "k".repeat(99), "v".repeat(LONGEST_VALUE));
        assert_eq!(watch(&[long.as_bytes()]), None);
        let picture = format!(r#"{{"data":[{{"b64":"{}"}}],"usage":{{}}}}"#, "v".repeat(1 << 20));
        assert_eq!(watch(&[picture.as_bytes()]).as_deref(), Some("{}"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            "[a-z\"\\\\{}:,\\[\\]]{0,8}".prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let key = prop_oneof![Just("usage".to_owned()), "[a-z\"\\\\]{0,6}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn same_as_parsing_it_at_any_split(
            value in any_json(),
            pretty in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.unwrap();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            at.extend([0, text.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let found = watch(&pieces).map(|found| serde_json::from_str::<Value>(&found).unwrap());
            prop_assert_eq!(found, value.as_object().and_then(|map| map.get("usage")).cloned());
        }
    }
}
