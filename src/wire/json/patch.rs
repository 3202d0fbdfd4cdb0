//! Edits of an object's top-level fields that leave every other byte alone.

use super::scan::{Json, Members};
use super::write_string;

/// Edits of one body, given by field name and applied together.
#[derive(Debug, Default)]
pub struct Patch<'p> {
    set: Vec<(&'p str, Vec<u8>)>,
    removed: Vec<&'p str>,
}

impl<'p> Patch<'p> {
    /// Gives the field that value (JSON), in place where it exists (all of them, should a key be doubled: whichever
    /// the reader believes, it says the same) and at the front of the object where it does not. A later call for
    /// the same field replaces an earlier one.
    pub fn set(&mut self, key: &'p str, value: impl Into<Vec<u8>>) {
        self.removed.retain(|name| *name != key);
        self.set.retain(|(name, _)| *name != key);
        self.set.push((key, value.into()));
    }

    /// Removes the field, all of its occurrences, with the comma that came with it.
    pub fn remove(&mut self, key: &'p str) {
        self.set.retain(|(name, _)| *name != key);
        self.removed.push(key);
    }

    /// Whether the field is set by this patch.
    pub fn sets(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// What this patch sets the field to.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        self.set.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_slice())
    }

    /// The edited body; `None` when nothing changes.
    pub fn apply<V: Json>(&self, body: &[u8], members: &Members<'_, V>) -> Option<Vec<u8>> {
        let (drop, mut edited) = self.prefix(body, members)?;
        edited.extend_from_slice(body.get(drop..)?);
        Some(edited)
    }

    /// The edit as a new beginning: how many bytes of the body go, and what stands there instead. What follows the
    /// last change is neither copied nor looked at. `None` when nothing changes.
    pub fn prefix<V: Json>(&self, body: &[u8], members: &Members<'_, V>) -> Option<(usize, Vec<u8>)> {
        let fresh = self.set.iter().filter(|(key, _)| members.get(key).is_none());
        let stays = |key: &str| !self.removed.contains(&key);
        let some_stay = members.fields.iter().any(|member| stays(&member.key));

        let mut out = Vec::new();
        let mut copied = 0;
        let mut front = Vec::new();
        for (key, value) in fresh {
            if !front.is_empty() {
                front.push(b',');
            }
            write_string(&mut front, key);
            front.push(b':');
            front.extend_from_slice(value);
        }
        if !front.is_empty() {
            out.extend_from_slice(body.get(..members.start)?);
            out.extend_from_slice(&front);
            if some_stay {
                out.push(b',');
            }
            copied = members.start;
        }

        let mut kept_before = false;
        for (index, member) in members.fields.iter().enumerate() {
            let (gap, insert): (_, &[u8]) = if stays(&member.key) {
                kept_before = true;
                match self.value(&member.key) {
                    Some(value) if value != member.value.json() => (member.value_span.clone(), value),
                    _ => continue,
                }
            } else if kept_before {
                let before = index.checked_sub(1).and_then(|at| members.fields.get(at));
                (before.map_or(member.span.start, |m| m.span.end)..member.span.end, &[])
            } else {
                let after = members.fields.get(index + 1);
                (member.span.start..after.map_or(member.span.end, |m| m.span.start), &[])
            };
            out.extend_from_slice(body.get(copied..gap.start)?);
            out.extend_from_slice(insert);
            copied = gap.end;
        }
        (copied > 0).then_some((copied, out))
    }
}

#[cfg(test)]
mod tests {
    use super::super::members;
    use super::*;
    use proptest::prelude::*;

    fn apply(body: &str, patch: &Patch<'_>) -> String {
        let found = members(body.as_bytes()).unwrap();
        patch
            .apply(body.as_bytes(), &found)
            .map_or_else(|| body.to_owned(), |new| String::from_utf8(new).unwrap())
    }

    #[test]
    fn values_change_in_place_and_the_tail_is_not_copied() {
        let body = r#"{ "model" : "a" , "messages": [1 , 2] }"#;
        let mut patch = Patch::default();
        patch.set("model", *b"\"bb\"");
        let (drop, insert) = patch.prefix(body.as_bytes(), &members(body.as_bytes()).unwrap()).unwrap();
        assert_eq!((drop, &*insert), (15, &br#"{ "model" : "bb""#[..]));
    }

    #[test]
    fn an_equal_value_is_no_change() {
        let mut patch = Patch::default();
        patch.set("model", *b"\"a\"");
        let body = br#"{"model":"a"}"#;
        assert_eq!(patch.prefix(body, &members(body).unwrap()), None);
    }

    #[test]
    fn both_of_a_doubled_key_change() {
        let mut patch = Patch::default();
        patch.set("model", *b"9");
        assert_eq!(apply(r#"{"model":1,"x":2,"model":3}"#, &patch), r#"{"model":9,"x":2,"model":9}"#);
    }

    #[test]
    fn new_fields_stand_in_front() {
        let mut patch = Patch::default();
        patch.set("n", *b"1");
        patch.set("m", *b"[]");
        assert_eq!(apply(r#"{ "a":1}"#, &patch), r#"{"n":1,"m":[], "a":1}"#);
        assert_eq!(apply("{}", &patch), r#"{"n":1,"m":[]}"#);
    }

    #[test]
    fn a_removed_field_takes_its_comma() {
        let mut patch = Patch::default();
        patch.remove("a");
        for (body, expected) in [
            (r#"{"a":1}"#, "{}"),
            (r#"{"a":1,"b":2}"#, r#"{"b":2}"#),
            (r#"{"b":2,"a":1}"#, r#"{"b":2}"#),
            (r#"{"b":2, "a":1 , "c":3}"#, r#"{"b":2 , "c":3}"#),
            (r#"{"a":0,"a":1,"b":2,"a":3}"#, r#"{"b":2}"#),
        ] {
            assert_eq!(apply(body, &patch), expected);
        }
        patch.set("n", *b"7");
        assert_eq!(apply(r#"{"a":1}"#, &patch), r#"{"n":7}"#);
    }

    proptest! {
        /// Against a naive patch of the parsed tree.
        #[test]
        fn same_as_patching_the_tree(
            keys in prop::collection::vec("[a-f]", 0..7),
            set in prop::collection::btree_set("[a-h]", 0..4),
            removed in prop::collection::btree_set("[a-h]", 0..4),
            pad in "[ \n]{0,2}",
        ) {
            let inner: Vec<_> =
                keys.iter().enumerate().map(|(i, key)| format!("{pad}\"{key}\"{pad}:{pad}{i}{pad}")).collect();
            let body = format!("{pad}{{{}}}{pad}", inner.join(","));
            let mut tree: std::collections::BTreeMap<String, u64> = serde_json::from_str(&body).unwrap();
            let mut patch = Patch::default();
            for key in &set {
                patch.set(key, *b"99");
                tree.insert(key.clone(), 99);
            }
            for key in &removed {
                patch.remove(key);
                tree.remove(key);
            }
            let patched = apply(&body, &patch);
            prop_assert_eq!(serde_json::from_str::<std::collections::BTreeMap<String, u64>>(&patched).unwrap(), tree);
        }
    }
}
