//! YAML as `PyYAML` takes it: a key may be written twice, and the last one counts.

use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use std::cell::RefCell;
use std::fmt;
use yaml_serde::value::{Tag, TaggedValue};
use yaml_serde::{Mapping, Value};

/// A text as a value, its merge keys merged; and the paths of the keys that were written more than once.
pub(super) fn read(text: &str) -> Result<(Value, Vec<String>), yaml_serde::Error> {
    let twice = RefCell::new(Vec::new());
    let reader = Reader { path: String::new(), twice: &twice };
    let mut value = reader.deserialize(yaml_serde::Deserializer::from_str(text))?;
    value.apply_merge()?;
    Ok((value, twice.into_inner()))
}

/// Reads the value at a path.
struct Reader<'t> {
    path: String,
    twice: &'t RefCell<Vec<String>>,
}

impl Reader<'_> {
    fn at(&self, path: String) -> Self {
        Self { path, twice: self.twice }
    }

    /// Enters a value under a key. Of merge keys, each counts.
    fn enter(&self, mapping: &mut Mapping, key: Value, value: Value, at: String) {
        let is_merge = key.as_str() == Some("<<");
        match mapping.insert(key.clone(), value.clone()) {
            None => {}
            Some(before) if is_merge => {
                let each = |value| match value {
                    Value::Sequence(items) => items,
                    one => vec![one],
                };
                let all = each(value).into_iter().chain(each(before)).collect();
                mapping.insert(key, Value::Sequence(all));
            }
            Some(_) => self.twice.borrow_mut().push(at),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.at(format!("{}[{}]", self.path, items.len())))? {
            items.push(item);
        }
        Ok(Value::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut mapping = Mapping::new();
        while let Some(key) = map.next_key::<Value>()? {
            let name = key.as_str().unwrap_or("?");
            let at = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
            let value = map.next_value_seed(self.at(at.clone()))?;
            self.enter(&mut mapping, key, value, at);
        }
        Ok(Value::Mapping(mapping))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (tag, contents) = data.variant::<String>()?;
        let value = contents.newtype_variant_seed(self)?;
        Ok(Value::Tagged(Box::new(TaggedValue { tag: Tag::new(tag), value })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_key_that_stands_twice_counts() {
        let (value, twice) = read("a: 1\nb:\n- {c: x, c: [y], 5: 1, 5: 2}\na: {d: null, d: true}\n").unwrap();
        let strict: Value = yaml_serde::from_str("b: [{c: [y], 5: 2}]\na: {d: true}\n").unwrap();
        assert_eq!(value, strict);
        assert_eq!(twice, ["b[0].c", "b[0].?", "a.d", "a"]);
    }

    #[test]
    fn without_one_it_is_what_yaml_says() {
        for text in [
            "",
            "a",
            "[1, -2, 3.5, x, ~, true]",
            "{a: {b: [c]}, 1: 2}",
            "a: !tag {b: c}",
            "- !x y",
            "a: &a {b: 1, c: 2}\nd: {<<: *a, c: 3}",
            "18446744073709551615",
            "a: |\n  text\n",
        ] {
            let mut strict: Value = yaml_serde::from_str(text).unwrap();
            strict.apply_merge().unwrap();
            assert_eq!(read(text).unwrap(), (strict, vec![]), "{text}");
        }
        assert!(read("a: [").is_err() && read("a: *b").is_err());
    }

    #[test]
    fn every_merge_key_is_merged_and_the_last_one_first() {
        let (value, twice) = read("a: &a {x: 1, y: 1}\nb: &b {y: 2}\nc: {<<: *a, <<: *b, z: 3}\n").unwrap();
        assert_eq!(value["c"], yaml_serde::from_str::<Value>("{x: 1, y: 2, z: 3}").unwrap());
        assert!(twice.is_empty());
    }
}
