//! What came of the requests.

use super::kind::Kind;
use anyhow::Result;

/// Wrong outcomes that are kept word by word.
const KEPT: usize = 20;

/// Counts by kind.
#[derive(Debug, Clone)]
pub(crate) struct Outcomes {
    /// Requests of each kind that came out as they must.
    pub(crate) right: Vec<u64>,
    /// Requests of each kind that did not.
    pub(crate) wrong: Vec<u64>,
    /// What the first wrong ones looked like.
    pub(crate) first: Vec<String>,
}

impl Outcomes {
    pub(crate) fn new(kinds: usize) -> Self {
        Self { right: vec![0; kinds], wrong: vec![0; kinds], first: Vec::new() }
    }

    pub(crate) fn record(&mut self, index: usize, kind: &Kind, id: u64, outcome: Result<()>) {
        let counts = if outcome.is_ok() { &mut self.right } else { &mut self.wrong };
        if let Some(count) = counts.get_mut(index) {
            *count += 1;
        }
        if let Err(error) = outcome {
            self.keep(format!("request {id}, {}: {error:#}", kind.name));
        }
    }

    pub(crate) fn add(&mut self, part: &Self) {
        for (sum, count) in self.right.iter_mut().zip(&part.right) {
            *sum += count;
        }
        for (sum, count) in self.wrong.iter_mut().zip(&part.wrong) {
            *sum += count;
        }
        for words in &part.first {
            self.keep(words.clone());
        }
    }

    /// Requests of a kind, right or wrong.
    pub(crate) fn sent(&self, index: usize) -> u64 {
        self.right.get(index).copied().unwrap_or(0) + self.wrong.get(index).copied().unwrap_or(0)
    }

    fn keep(&mut self, words: String) {
        if self.first.len() < KEPT {
            self.first.push(words);
        }
    }
}
