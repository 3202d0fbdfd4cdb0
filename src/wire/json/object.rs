//! Structs for wire objects, read in one pass.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Fields that no struct knows, in the order they came, values untouched.
pub type Extra<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// Makes a struct for a JSON object, with a reader that takes one pass over it.
///
/// Every field is an `Option`; `null` counts as absent, and of a key given twice the last wins. Fields the struct
/// does not know are kept in `extra`. A field with several spellings lists them: `"maxTokens" | "max_tokens"`. With
/// `light` before `struct` there is no `extra` and unknown fields are
/// skipped: for looking at an answer without owning it.
///
/// ```ignore
/// wire_object! {
///     /// A function call.
///     pub struct Function<'a> {
///         /// Which.
///         pub name: Text<'a> = "name",
///         /// Its arguments.
///         pub arguments: Text<'a> = "arguments",
///     }
/// }
/// ```
macro_rules! wire_object {
    ($(#[$meta:meta])* $vis:vis light struct $name:ident<$lt:lifetime> {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $ty:ty = $key:literal $(| $alias:literal)*),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        #[allow(clippy::struct_field_names, reason = "fields are called what the wire calls them")]
        $vis struct $name<$lt> { $($(#[$field_meta])* $field_vis $field: Option<$ty>,)* }
        $crate::wire::json::wire_object!(@reader $name, $lt, [$($field = $key $(| $alias)*),*], object, map, key, {
            let _ = key;
            map.next_value::<serde::de::IgnoredAny>()?;
        });
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident<$lt:lifetime> {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $ty:ty = $key:literal $(| $alias:literal)*),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        #[allow(clippy::struct_field_names, reason = "fields are called what the wire calls them")]
        $vis struct $name<$lt> {
            $($(#[$field_meta])* $field_vis $field: Option<$ty>,)*
            /// Fields unknown to the gateway, as they came.
            $vis extra: $crate::wire::json::Extra<$lt>,
        }
        $crate::wire::json::wire_object!(@reader $name, $lt, [$($field = $key $(| $alias)*),*], object, map, key, {
            object.extra.push((key.0, map.next_value()?));
        });
    };
    (@reader $name:ident, $lt:lifetime, [$($field:ident = $key:literal $(| $alias:literal)*),*],
     $object:ident, $map:ident, $other:ident, $unknown:block) => {
        impl<$lt> serde::Deserialize<$lt> for $name<$lt> {
            fn deserialize<D: serde::Deserializer<$lt>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader<$lt>(std::marker::PhantomData<&$lt ()>);
                impl<$lt> serde::de::Visitor<$lt> for Reader<$lt> {
                    type Value = $name<$lt>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<$lt>>(self, mut $map: A) -> Result<Self::Value, A::Error> {
                        let mut $object = $name::default();
                        while let Some($other) = $map.next_key::<$crate::wire::json::Name<$lt>>()? {
                            match &*$other.0 {
                                $($key $(| $alias)* => $object.$field = $map.next_value()?,)*
                                _ => $unknown
                            }
                        }
                        Ok($object)
                    }
                }
                deserializer.deserialize_map(Reader(std::marker::PhantomData))
            }
        }
    };
}
pub(crate) use wire_object;

/// A key, borrowed where it has no escape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Reader).map(Name)
    }
}

/// A field that is either a string or something richer (message content: text, or an array of parts).
#[derive(Debug, Clone)]
pub enum TextOr<'a, T> {
    /// A string.
    Text(super::Text<'a>),
    /// The other form.
    Other(T),
}

/// The value is found first and read afterwards: the string form, which is the long one, is then never unescaped.
impl<'de: 'a, 'a, T: Deserialize<'a>> Deserialize<'de> for TextOr<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?;
        match super::Text::from_raw(raw) {
            Some(text) => Ok(Self::Text(text)),
            None => super::error::nested(raw).map(Self::Other),
        }
    }
}

/// A list, or a single item in place of a list of one.
#[derive(Debug, Clone)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'a>> Deserialize<'de> for OneOrMany<T>
where
    T: 'a,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('[') {
            return super::error::nested(raw).map(Self);
        }
        super::error::nested(raw).map(|item| Self(vec![item]))
    }
}

/// A count in tokens, as forgiving as answers require: `12`, `12.0`; anything else counts as not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count(pub Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        let whole = || {
            let number = raw.parse::<f64>().ok()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked by the filter"
            )]
            (0.0..9e15).contains(&number).then_some(number as u64)
        };
        Ok(Self(raw.parse().ok().or_else(whole)))
    }
}

impl Count {
    /// The count of an optional field.
    pub fn of(field: Option<Self>) -> Option<u64> {
        field.and_then(|count| count.0)
    }
}

/// The error for a value of the wrong type, with a word for what came.
pub(super) fn wrong_type<E: de::Error>(raw: &RawValue, expected: &str) -> E {
    let found = match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    };
    super::error::wrong(raw, "", &format!("expected {expected}, got {found}"))
}

#[cfg(test)]
mod tests {
    use super::super::Text;
    use super::*;

    wire_object! {
        /// A part.
        struct Part<'a> {
            kind: Text<'a> = "type",
            text: Text<'a> = "text",
        }
    }

    wire_object! {
        /// A message.
        struct Message<'a> {
            role: Text<'a> = "role",
            content: TextOr<'a, Vec<Part<'a>>> = "content",
        }
    }

    wire_object! {
        /// Just the counts.
        light struct Counts<'a> {
            total: Count = "total",
            model: Text<'a> = "model",
        }
    }

    #[test]
    fn known_fields_are_typed_and_the_rest_is_kept() {
        let json = r#"{"role":"user","x":{"y":[1, 2]},"content":[{"type":"text","text":"hi","z":null}],"a\u0062":1}"#;
        let message: Message<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(message.role.unwrap(), "user");
        let extra: Vec<_> = message.extra.iter().map(|(key, raw)| (&**key, raw.get())).collect();
        assert_eq!(extra, [("x", r#"{"y":[1, 2]}"#), ("ab", "1")]);
        let Some(TextOr::Other(parts)) = message.content else { panic!("parts") };
        assert_eq!(parts[0].text.clone().unwrap(), "hi");
        assert_eq!(parts[0].extra[0].1.get(), "null");
    }

    #[test]
    fn null_is_absent_and_the_last_of_two_wins() {
        let message: Message<'_> = serde_json::from_str(r#"{"content":null,"role":"a","role":"b"}"#).unwrap();
        assert!(message.content.is_none());
        assert_eq!(message.role.unwrap(), "b");
    }

    #[test]
    fn a_light_struct_skips_what_it_does_not_know() {
        let counts: Counts<'_> = serde_json::from_str(r#"{"q":[{}],"total":3.0,"model":"m"}"#).unwrap();
        assert_eq!(Count::of(counts.total), Some(3));
        assert_eq!(counts.model.unwrap(), "m");
    }

    #[test]
    fn a_count_that_is_no_count_is_not_said() {
        for json in [r#""12""#, "-1", "{}", "1e30"] {
            assert_eq!(serde_json::from_str::<Count>(json).unwrap().0, None, "{json}");
        }
    }
}
