//! Where the fields of an object stand in its bytes.

use super::outline::Outline;
use super::{ParseError, parse};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// One field of the object; `V` is its value's JSON.
#[derive(Debug, Clone)]
pub struct Member<'a, V = &'a RawValue> {
    /// Its key, unescaped.
    pub key: Cow<'a, str>,
    /// Its value as it stands.
    pub value: V,
    /// Bytes of the body from the key's opening quote to the end of the value.
    pub span: Range<usize>,
    /// Bytes of the body that hold the value.
    pub value_span: Range<usize>,
}

/// A value as JSON text.
pub trait Json {
    /// The text.
    fn json(&self) -> &[u8];
}

impl Json for &RawValue {
    fn json(&self) -> &[u8] {
        self.get().as_bytes()
    }
}

impl Json for &[u8] {
    fn json(&self) -> &[u8] {
        self
    }
}

/// The top-level fields of a body, in its order, duplicates included.
#[derive(Debug, Clone)]
pub struct Members<'a, V = &'a RawValue> {
    /// Offset of the first byte after the opening brace.
    pub start: usize,
    /// The fields.
    pub fields: Vec<Member<'a, V>>,
}

impl<'a, V> Members<'a, V> {
    /// The field of that name that counts: the last one.
    pub fn get(&self, key: &str) -> Option<&Member<'a, V>> {
        self.fields.iter().rev().find(|member| member.key == key)
    }
}

/// Reads a body that must be an object, and notes where each of its fields stands.
///
/// # Errors
/// See [`ParseError`].
pub fn members<'a>(body: &'a [u8]) -> Result<Members<'a>, ParseError> {
    let fields = parse::<Fields<'_>>(body)?.0;
    let start = memchr::memchr(b'{', body).map_or(0, |at| at + 1);
    // A raw value borrows from the body, so its address tells where it stands.
    let base = body.as_ptr().addr();
    let span = |raw: &RawValue| {
        let from = raw.get().as_ptr().addr().saturating_sub(base);
        from..from + raw.get().len()
    };
    let member = |(name, value): (&'a RawValue, &'a RawValue)| {
        let (key_span, value_span) = (span(name), span(value));
        Member {
            key: super::Text::from_raw(name).map(|text| text.to_str()).unwrap_or_default(),
            value,
            span: key_span.start..value_span.end,
            value_span,
        }
    };
    Ok(Members { start, fields: fields.into_iter().map(member).collect() })
}

/// The same at the speed of a search for quotes. Nested values are passed over: that their brackets match is all that
/// is known of them, so this is for bodies whose values somebody else will read.
///
/// # Errors
/// See [`ParseError`].
pub fn sketch(body: &[u8]) -> Result<Members<'_, &[u8]>, ParseError> {
    match Outline::of(body) {
        Some(outline) => Ok(outline.members(body)),
        None => members_of_slow(body),
    }
}

/// The slow reading says what is wrong, and where; what it can read is nested too deeply for the quick one.
pub(super) fn members_of_slow(body: &[u8]) -> Result<Members<'_, &[u8]>, ParseError> {
    let slow = members(body)?;
    let fields = slow.fields.into_iter().map(|member| Member {
        key: member.key,
        value: member.value.get().as_bytes(),
        span: member.span,
        value_span: member.value_span,
    });
    Ok(Members { start: slow.start, fields: fields.collect() })
}

struct Fields<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(&'de RawValue, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // Requests have about ten top-level fields.
                let mut fields = Vec::with_capacity(16);
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Reader).map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f32>().prop_map(|number| serde_json::json!(number)),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let field = (any::<String>(), inner.clone());
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Into::into),
                prop::collection::vec(field, 0..4).prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_quick_look_sees_what_the_slow_one_sees(
            fields in prop::collection::vec((any::<String>(), value()), 0..6), pretty: bool, cut in any::<prop::sample::Index>(),
        ) {
            let object: serde_json::Map<_, _> = fields.into_iter().collect();
            let body = if pretty { serde_json::to_vec_pretty(&object) } else { serde_json::to_vec(&object) }.unwrap();
            let of = |members: Members<'_>| -> Vec<_> {
                members.fields.iter().map(|m| (m.key.to_string(), m.span.clone(), m.value_span.clone())).collect()
            };
            let (quick, slow) = (sketch(&body).unwrap(), members(&body).unwrap());
            prop_assert_eq!(quick.start, slow.start);
            let quick: Vec<_> =
                quick.fields.iter().map(|m| (m.key.to_string(), m.span.clone(), m.value_span.clone())).collect();
            prop_assert_eq!(quick, of(slow));
            // What is cut off is malformed to both.
            let cut = cut.index(body.len());
            prop_assert_eq!(sketch(&body[..cut]).is_err(), members(&body[..cut]).is_err());
        }
    }

    #[test]
    fn spans_point_at_the_bytes() {
        let body = br#"  { "a" : [1, {"x":2}] ,"b\u0063":"v", "a":null }"#;
        let found = members(body).unwrap();
        assert_eq!(found.start, 3);
        let seen: Vec<_> = found
            .fields
            .iter()
            .map(|m| (&*m.key, &body[m.span.clone()], &body[m.value_span.clone()]))
            .collect();
        assert_eq!(
            seen,
            [
                ("a", &br#""a" : [1, {"x":2}]"#[..], &br#"[1, {"x":2}]"#[..]),
                ("bc", br#""b\u0063":"v""#, br#""v""#),
                ("a", br#""a":null"#, b"null"),
            ]
        );
        assert_eq!(found.get("a").unwrap().value.get(), "null");
        assert!(found.get("z").is_none());
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for body in [&b"[]"[..], b"1", b"", b"{", b"{}}", b"{\"a\":}", b"\"x\""] {
            assert!(members(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
    }
}
