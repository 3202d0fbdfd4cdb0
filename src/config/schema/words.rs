//! Maps whose names are words of a list.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Reads such a map. A derived enum that is read as a name hides it from the path of an error; so the name is read as a
/// text, and the word together with its value.
pub(super) fn map<'de, D, W, V>(deserializer: D) -> Result<BTreeMap<W, V>, D::Error>
where
    D: Deserializer<'de>,
    W: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(WordsVisitor(PhantomData))
}

struct WordsVisitor<W, V>(PhantomData<(W, V)>);

impl<'de, W: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for WordsVisitor<W, V> {
    type Value = BTreeMap<W, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BTreeMap<W, V>, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let (word, value) = map.next_value_seed(Entry { name: &name, of: PhantomData })?;
            if entries.insert(word, value).is_some() {
                return Err(de::Error::custom(format_args!("`{name}` is defined twice")));
            }
        }
        Ok(entries)
    }
}

/// One entry, whose name is known.
struct Entry<'n, W, V> {
    name: &'n str,
    of: PhantomData<(W, V)>,
}

impl<'de, W: Deserialize<'de>, V: Deserialize<'de>> DeserializeSeed<'de> for Entry<'_, W, V> {
    type Value = (W, V);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(W, V), D::Error> {
        let name: StrDeserializer<'_, D::Error> = self.name.into_deserializer();
        Ok((W::deserialize(name)?, V::deserialize(deserializer)?))
    }
}
