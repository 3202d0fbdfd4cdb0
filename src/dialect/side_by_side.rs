//! Whose turn it is among the blocks of a stream, in dialects that number them.
//!
//! A provider may fill several blocks side by side and tell them apart by their numbers; the hub's parts come one after
//! the other. The block that began first goes through at once, what is said of another one waits until it is complete.

use crate::chat::Failure;
use std::collections::VecDeque;

/// Bytes that wait, at most: providers limit a whole answer to some hundred thousand tokens.
const MOST_BYTES: usize = 16 << 20;

/// Blocks that wait at a time, at most: real answers have a handful.
const MOST_BLOCKS: usize = 1024;

/// What an event says of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Begins,
    GoesOn,
    Ends,
}

/// The blocks that are not complete.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The block whose turn it is.
    current: Option<u64>,
    waiting: VecDeque<Waiting>,
    /// Bytes that wait, with what it takes to keep each event.
    kept: usize,
}

#[derive(Debug)]
struct Waiting {
    block: u64,
    events: Vec<(Step, Vec<u8>)>,
    is_complete: bool,
}

impl Waiting {
    fn size(&self) -> usize {
        self.events.iter().map(|(_, bytes)| size(bytes)).sum()
    }
}

fn size(bytes: &[u8]) -> usize {
    bytes.len().saturating_add(size_of::<(Step, Vec<u8>)>())
}

impl Turns {
    /// Whether a block began and is not complete.
    pub(super) fn knows(&self, block: u64) -> bool {
        self.is_current(block) || self.waits(block).is_some()
    }

    /// Whether it is a block's turn.
    pub(super) fn is_current(&self, block: u64) -> bool {
        self.current == Some(block)
    }

    /// Whether an event is to be read now; it waits otherwise. What is said of a block that never began is about the one
    /// whose turn it is: some servers count wrong.
    ///
    /// # Errors
    /// More waits than a stream may make us keep.
    pub(super) fn is_on(&mut self, step: Step, block: u64, bytes: &[u8]) -> Result<bool, Failure> {
        let is_others = self.current.is_some_and(|current| current != block);
        if is_others && (step == Step::Begins || self.waits(block).is_some()) {
            return self.keep(step, block, bytes).map(|()| false);
        }
        match step {
            Step::Begins => self.current = Some(block),
            Step::GoesOn => {}
            Step::Ends => self.current = None,
        }
        Ok(true)
    }

    /// What was said of the next block, once its turn has come; at the end of the answer it has.
    pub(super) fn next(&mut self, is_end: bool) -> Option<Vec<(Step, Vec<u8>)>> {
        if self.current.is_some() && !is_end {
            return None;
        }
        let next = self.waiting.pop_front();
        self.current = next.as_ref().filter(|next| !next.is_complete).map(|next| next.block);
        let next = next?;
        self.kept = self.kept.saturating_sub(next.size());
        Some(next.events)
    }

    fn waits(&self, block: u64) -> Option<usize> {
        self.waiting.iter().rposition(|waiting| waiting.block == block && !waiting.is_complete)
    }

    fn keep(&mut self, step: Step, block: u64, bytes: &[u8]) -> Result<(), Failure> {
        self.kept = self.kept.saturating_add(size(bytes));
        let found = self.waits(block).filter(|_| step != Step::Begins);
        if self.kept > MOST_BYTES || (found.is_none() && self.waiting.len() >= MOST_BLOCKS) {
            let failure =
                Failure::new(502, "the provider's stream has too many blocks that are not complete");
            return Err(failure.with_code("malformed_answer"));
        }
        let event = (step, bytes.to_vec());
        match found.and_then(|at| self.waiting.get_mut(at)) {
            Some(waiting) => {
                waiting.events.push(event);
                waiting.is_complete = step == Step::Ends;
            }
            None => self.waiting.push_back(Waiting { block, events: vec![event], is_complete: false }),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Begins, Ends, GoesOn};
    use super::*;

    /// Everything in the order in which it is read.
    fn order(events: &[(Step, u64, &str)]) -> String {
        let (mut turns, mut read) = (Turns::default(), Vec::new());
        let release = |turns: &mut Turns, read: &mut Vec<String>, is_end| {
            while let Some(events) = turns.next(is_end) {
                read.extend(events.into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()));
            }
        };
        for (step, block, text) in events {
            if turns.is_on(*step, *block, text.as_bytes()).unwrap() {
                read.push((*text).to_owned());
            }
            release(&mut turns, &mut read, false);
        }
        release(&mut turns, &mut read, true);
        assert_eq!(turns.kept, 0);
        read.join(" ")
    }

    #[test]
    fn blocks_come_one_after_the_other() {
        for (events, read) in [
            (vec![(Begins, 0, "a"), (GoesOn, 0, "b"), (Ends, 0, "c"), (Begins, 1, "d")], "a b c d"),
            (
                vec![
                    (Begins, 0, "a"),
                    (Begins, 1, "x"),
                    (Begins, 2, "m"),
                    (GoesOn, 1, "y"),
                    (Ends, 2, "n"),
                    (GoesOn, 0, "b"),
                    (Ends, 0, "c"),
                    (GoesOn, 1, "z"),
                    (Ends, 1, "!"),
                ],
                "a b c x y z ! m n",
            ),
            // One that never ends, and one whose number comes again.
            (vec![(Begins, 0, "a"), (Begins, 1, "x"), (GoesOn, 0, "b"), (Begins, 1, "y")], "a b x y"),
            // A wrong number.
            (vec![(Begins, 1, "a"), (GoesOn, 0, "b"), (Ends, 0, "c"), (Begins, 2, "d")], "a b c d"),
        ] {
            assert_eq!(order(&events), read);
        }
    }

    #[test]
    fn what_waits_has_a_bound() {
        let mut turns = Turns::default();
        assert!(turns.is_on(Begins, 0, b"").unwrap());
        let most = u64::try_from(MOST_BLOCKS).unwrap();
        assert!((1..=most).all(|block| !turns.is_on(Begins, block, b"").unwrap()));
        assert!(turns.is_on(Begins, most + 1, b"").is_err());
        assert!(turns.is_on(GoesOn, 1, &vec![0; MOST_BYTES]).is_err());
    }
}
