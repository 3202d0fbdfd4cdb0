//! Calls of tools that no result was seen of yet, for dialects whose results say of their call less than its id.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Calls in their order, by whatever a result may say of them.
#[derive(Debug)]
pub(super) struct Unanswered<K, C> {
    /// All calls; `None`: answered.
    calls: Vec<Option<C>>,
    /// Their places. Those of calls that were answered by another key stay until somebody comes by.
    places: HashMap<K, VecDeque<usize>>,
}

impl<K, C> Default for Unanswered<K, C> {
    fn default() -> Self {
        Self { calls: Vec::new(), places: HashMap::new() }
    }
}

impl<K: Hash + Eq, C> Unanswered<K, C> {
    /// Adds a call that is found by each of these.
    pub(super) fn add(&mut self, keys: impl IntoIterator<Item = K>, call: C) {
        for key in keys {
            self.places.entry(key).or_default().push_back(self.calls.len());
        }
        self.calls.push(Some(call));
    }

    /// Takes the first call that is found by this.
    pub(super) fn take(&mut self, key: &K) -> Option<C> {
        let places = self.places.get_mut(key)?;
        while let Some(place) = places.pop_front() {
            let call = self.calls.get_mut(place).and_then(Option::take);
            if call.is_some() {
                return call;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_taken_once_and_the_first_one_first() {
        let mut unanswered = Unanswered::default();
        unanswered.add(["all", "a"], 1);
        unanswered.add(["all", "b"], 2);
        unanswered.add(["all", "a"], 3);
        assert_eq!(unanswered.take(&"b"), Some(2));
        assert_eq!(unanswered.take(&"b"), None);
        assert_eq!([(); 3].map(|()| unanswered.take(&"all")), [Some(1), Some(3), None]);
        assert_eq!(unanswered.take(&"a"), None);
    }
}
