//! The clients' bodies that one worker holds, and a bound to the sum of them. All requests of a worker share one Wasm
//! memory: a body too many would end everybody's streams.

use crate::chat::Failure;
use crate::wire::json::Body;
use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

/// When a refused client may come again: most requests are answered within seconds, and each gives its bytes back.
const AGAIN: Duration = Duration::from_secs(1);

/// What a worker holds of its clients' bodies.
#[derive(Debug, Default)]
pub struct Holdings(Rc<Sum>);

#[derive(Debug, Default)]
struct Sum {
    bytes: Cell<u64>,
    /// The most since somebody last asked, and what they were told.
    peak: Cell<u64>,
    told: Cell<u64>,
    /// Of those that hold something: how much. See [`crate::policy::identity::Identity::party`].
    parties: RefCell<HashMap<Rc<str>, u64>>,
}

/// A body that a worker holds: as long as it is there it counts, whatever becomes of its request. Clones share it.
#[derive(Debug, Default, Clone)]
pub struct Held(Rc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    body: Body,
    /// Gives its bytes back at its end; there is none for a request without a body.
    claim: Option<Claim>,
}

/// Leave to hold so many bytes; its end gives them back.
#[derive(Debug)]
pub struct Claim {
    sum: Rc<Sum>,
    party: Option<Rc<str>>,
    bytes: u64,
}

/// Why there is no room for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The worker holds as much as it may.
    Worker,
    /// The tenant or key has its share.
    Party,
}

impl Holdings {
    /// Whether a body of so many bytes has room within the bound. A tenant may hold no more than it leaves free, but for a
    /// single request: half of the bound by itself, a third where there are two such, and there is always room for one more.
    ///
    /// # Errors
    /// Why not.
    pub fn look(&self, party: Option<&Rc<str>>, bytes: u64, bound: u64) -> Result<(), Full> {
        let Some(free) = bound.checked_sub(self.0.bytes.get().saturating_add(bytes)) else {
            return Err(Full::Worker);
        };
        let own = party.and_then(|party| self.0.parties.borrow().get(party).copied()).unwrap_or(0);
        if own > 0 && own.saturating_add(bytes) > free {
            return Err(Full::Party);
        }
        Ok(())
    }

    /// Takes room for a body.
    ///
    /// # Errors
    /// Why there is none.
    pub fn claim(&self, party: Option<&Rc<str>>, bytes: u64, bound: u64) -> Result<Claim, Full> {
        self.look(party, bytes, bound)?;
        let sum = Rc::clone(&self.0);
        sum.bytes.set(sum.bytes.get().saturating_add(bytes));
        sum.peak.set(sum.peak.get().max(sum.bytes.get()));
        if let Some(party) = party {
            let mut parties = sum.parties.borrow_mut();
            let own = parties.entry(Rc::clone(party)).or_default();
            *own = own.saturating_add(bytes);
        }
        Ok(Claim { sum, party: party.cloned(), bytes })
    }

    /// How much is held.
    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.get()
    }

    /// The most that was held at a time since this was last asked; `None`: the same as then.
    pub fn take_peak(&self) -> Option<u64> {
        let peak = self.0.peak.replace(self.0.bytes.get());
        (self.0.told.replace(peak) != peak).then_some(peak)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.sum.bytes.set(self.sum.bytes.get().saturating_sub(self.bytes));
        let Some(party) = &self.party else { return };
        let mut parties = self.sum.parties.borrow_mut();
        if let Some(own) = parties.get_mut(party) {
            *own = own.saturating_sub(self.bytes);
            if *own == 0 {
                parties.remove(party);
            }
        }
    }
}

impl Held {
    /// A body, and the room that was taken for it.
    pub fn new(claim: Claim, body: Vec<u8>) -> Self {
        Self(Rc::new(Kept { body: body.into(), claim: Some(claim) }))
    }

    /// How much it counts.
    pub fn bytes(&self) -> u64 {
        self.0.claim.as_ref().map_or(0, |claim| claim.bytes)
    }
}

impl Deref for Held {
    type Target = Body;

    fn deref(&self) -> &Body {
        &self.0.body
    }
}

impl Full {
    /// The word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Party => "share",
        }
    }

    /// What the client reads.
    pub fn failure(self) -> Failure {
        let message = match self {
            Self::Worker => {
                "The gateway holds as many request bodies as it has room for. Try again in a moment."
            }
            Self::Party => {
                "The gateway holds as many bytes of your requests as your share of its room allows. Try again in a moment."
            }
        };
        Failure::new(503, message).with_retry_after(AGAIN).with_code("no_room_for_body")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_held_for_as_long_as_a_body_is() {
        let holdings = Holdings::default();
        let (a, b): (Rc<str>, Rc<str>) = ("a".into(), "b".into());
        assert_eq!(holdings.take_peak(), None);
        let first = Held::new(holdings.claim(Some(&a), 60, 100).unwrap(), vec![b'x'; 60]);
        let clone = first.clone();
        assert_eq!((holdings.bytes(), first.bytes(), first.len()), (60, 60, 60));
        assert_eq!(holdings.claim(Some(&b), 41, 100).unwrap_err(), Full::Worker);
        let other = holdings.claim(Some(&b), 40, 100).unwrap();
        drop(first);
        assert_eq!(holdings.bytes(), 100, "somebody still has it");
        drop(clone);
        assert_eq!((holdings.bytes(), holdings.take_peak()), (40, Some(100)));
        drop(other);
        assert_eq!([(); 3].map(|()| holdings.take_peak()), [Some(40), Some(0), None]);
        assert!(holdings.0.parties.borrow().is_empty());
        assert_eq!(Held::default().bytes(), 0);
    }

    #[test]
    fn a_tenant_leaves_as_much_as_it_has() {
        let holdings = Holdings::default();
        let (loud, quiet): (Rc<str>, Rc<str>) = ("loud".into(), "quiet".into());
        let mut held: Vec<_> = (0..5).map(|_| holdings.claim(Some(&loud), 10, 100).unwrap()).collect();
        assert_eq!(holdings.look(Some(&loud), 10, 100), Err(Full::Party));
        held.push(holdings.claim(Some(&quiet), 50, 100).unwrap());
        assert_eq!(holdings.look(None, 1, 100), Err(Full::Worker));
        held.pop();
        // One request is everybody's, also a large one; who has no name has no share.
        let large = holdings.claim(None, 45, 100).unwrap();
        assert!(holdings.look(Some(&quiet), 5, 100).is_ok());
        drop(large);
        held.truncate(1);
        assert_eq!(held.len(), 1);
        assert!(holdings.look(Some(&loud), 40, 100).is_ok());
        assert!(holdings.look(Some(&loud), 41, 100).is_err());
        assert!(holdings.look(None, 90, 100).is_ok());
    }
}
