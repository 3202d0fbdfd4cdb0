//! What has names, each of which counts once, in the order in which they came.

use std::borrow::Cow;
use std::collections::HashMap;

/// So many are found as fast by looking at each of them: most places of a schema have fewer.
const FEW: usize = 16;

/// Names and what they stand for: of a name that comes again the first counts.
#[derive(Debug, Clone)]
pub(in crate::dialect) struct Named<'s, V> {
    list: Vec<(Cow<'s, str>, V)>,
    /// Places in the list, once there are more than a few.
    places: HashMap<Cow<'s, str>, usize>,
}

impl<V> Default for Named<'_, V> {
    fn default() -> Self {
        Self { list: Vec::new(), places: HashMap::new() }
    }
}

impl<'s, V> Named<'s, V> {
    fn place(&self, name: &str) -> Option<usize> {
        if self.list.len() <= FEW {
            return self.list.iter().position(|(known, _)| known == name);
        }
        self.places.get(name).copied()
    }

    /// Adds what the name stands for, unless it stands for something already.
    pub(in crate::dialect) fn add(&mut self, name: Cow<'s, str>, value: V) {
        if self.has(&name) {
            return;
        }
        self.list.push((name, value));
        if self.list.len() > FEW {
            // The first ones too, as soon as they are more than a few.
            for (place, (name, _)) in self.list.iter().enumerate().skip(self.places.len()) {
                self.places.insert(name.clone(), place);
            }
        }
    }

    /// What the name stands for.
    pub(in crate::dialect) fn get(&self, name: &str) -> Option<&V> {
        self.place(name).and_then(|place| self.list.get(place)).map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub(in crate::dialect) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.place(name).and_then(|place| self.list.get_mut(place)).map(|(_, value)| value)
    }

    /// Whether the name stands for something.
    pub(in crate::dialect) fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    pub(in crate::dialect) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them, in their order.
    pub(in crate::dialect) fn iter(&self) -> std::slice::Iter<'_, (Cow<'s, str>, V)> {
        self.list.iter()
    }

    /// The names, in their order.
    pub(in crate::dialect) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(name, _)| &**name)
    }
}

impl<'s, V> FromIterator<(Cow<'s, str>, V)> for Named<'s, V> {
    fn from_iter<I: IntoIterator<Item = (Cow<'s, str>, V)>>(items: I) -> Self {
        let mut named = Self::default();
        items.into_iter().for_each(|(name, value)| named.add(name, value));
        named
    }
}

impl<'s, V> IntoIterator for Named<'s, V> {
    type Item = (Cow<'s, str>, V);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_found_alike() {
        let mut named = Named::default();
        for n in 0..100 {
            for value in [n, n + 1000] {
                named.add(Cow::Owned(format!("n{n}")), value);
            }
            assert!((0..=n).all(|n| named.get(&format!("n{n}")) == Some(&n)), "{n}");
            assert!(!named.has("n100"));
        }
        assert_eq!(named.names().nth(17), Some("n17"));
        *named.get_mut("n50").unwrap() = 7;
        assert_eq!(named.into_iter().map(|(_, value)| value).sum::<i32>(), 99 * 50 - 50 + 7);
    }
}
