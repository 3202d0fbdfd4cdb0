//! Requests that wait until a limit lets them through: in the order in which they came within a tenant, and the tenants
//! take turns.

use super::ledger::Account;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// What is waited for: one rule's counter. An account has a counter for each rule of its scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Whose counter it is.
    pub account: Account,
    /// The rule, by its tag.
    pub rule: u32,
}

/// How much waits at most, for each worker, and how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Requests.
    pub size: usize,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Longest wait.
    pub timeout: Duration,
}

/// Somebody who waits.
#[derive(Debug)]
pub struct Waiter<T> {
    /// Its number, unique among those that wait.
    pub id: u32,
    /// How many bytes it holds.
    pub bytes: u64,
    /// What it waits for.
    pub place: Place,
    /// When it came, in nanoseconds since the epoch.
    pub since_ns: u64,
    /// When it gives up.
    pub until_ns: u64,
    /// There is no sense in asking before that.
    pub again_ns: u64,
    /// What waits.
    pub item: T,
}

/// What became of a try to let somebody through.
#[derive(Debug)]
pub enum Outcome {
    /// It goes.
    Through,
    /// It is refused for another reason than that it came too early.
    Refused,
    /// It waits on, for this, and asks again then.
    Waits(Place, u64),
}

/// The requests of one worker that wait.
#[derive(Debug)]
pub struct Queue<T> {
    /// One lane a tenant that has somebody waiting; whose turn it is stands first.
    lanes: VecDeque<Lane<T>>,
    length: usize,
    bytes: u64,
}

/// A tenant, and its waiting requests.
type Lane<T> = (Rc<str>, VecDeque<Waiter<T>>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { lanes: VecDeque::new(), length: 0, bytes: 0 }
    }
}

impl<T> Queue<T> {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nobody does.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds somebody at the end of the tenant's lane. The caller has seen that there is room.
    pub fn push(&mut self, tenant: &Rc<str>, waiter: Waiter<T>) {
        self.length += 1;
        self.bytes = self.bytes.saturating_add(waiter.bytes);
        match self.lanes.iter_mut().find(|(of, _)| of == tenant) {
            Some((_, lane)) => lane.push_back(waiter),
            None => self.lanes.push_back((Rc::clone(tenant), VecDeque::from([waiter]))),
        }
    }

    /// Makes room for so many bytes of this tenant's; those that had to go for it come back. `None`: nobody goes, and the
    /// queue is full.
    pub fn make_room(&mut self, tenant: &str, bytes: u64, bounds: &Bounds) -> Option<Vec<Waiter<T>>> {
        let mut gone = Vec::new();
        loop {
            let found = if self.bytes.saturating_add(bytes) > bounds.bytes {
                self.give_way(tenant, bytes, |waiter| waiter.bytes)
            } else if self.length >= bounds.size {
                self.give_way(tenant, 1, |_| 1)
            } else {
                return Some(gone.into_iter().map(|(_, waiter)| waiter).collect());
            };
            match found {
                Some(waiter) => gone.push(waiter),
                None => break,
            }
        }
        // In vain: they were the last of their lanes, and are so again.
        for (of, waiter) in gone.into_iter().rev() {
            self.push(&of, waiter);
        }
        None
    }

    /// Takes out the last one of the tenant that has most in the queue, if that tenant then has no less than this one
    /// with what it adds. So nobody's crowd keeps others out, and with the room shared out evenly the queue is full for
    /// everybody.
    fn give_way(
        &mut self,
        tenant: &str,
        added: u64,
        weight: impl Fn(&Waiter<T>) -> u64,
    ) -> Option<(Rc<str>, Waiter<T>)> {
        let sum = |(_, lane): &Lane<T>| lane.iter().map(&weight).fold(0, u64::saturating_add);
        let own = self.lanes.iter().find(|(of, _)| **of == *tenant).map_or(0, sum);
        let (index, most) =
            self.lanes.iter().enumerate().map(|(index, lane)| (index, sum(lane))).max_by_key(|(_, n)| *n)?;
        let (of, lane) = self.lanes.get(index)?;
        let last = lane.back().map_or(0, &weight);
        if **of == *tenant || most.saturating_sub(last) < own.saturating_add(added) {
            return None;
        }
        let (of, at) = (Rc::clone(of), lane.len().checked_sub(1)?);
        Some((of, self.take(index, at)?))
    }

    /// Takes somebody out who gave up.
    pub fn remove(&mut self, id: u32) -> Option<Waiter<T>> {
        let find = |lane: &VecDeque<Waiter<T>>| lane.iter().position(|waiter| waiter.id == id);
        let (index, at) =
            self.lanes.iter().enumerate().find_map(|(index, (_, lane))| Some((index, find(lane)?)))?;
        self.take(index, at)
    }

    /// Whether somebody waits for a rule's counter: whoever comes later must not overtake.
    pub fn is_waited_for(&self, account: &Account, rule: u32) -> bool {
        let waits = |waiter: &Waiter<T>| waiter.place.rule == rule && waiter.place.account == *account;
        self.lanes.iter().any(|(_, lane)| lane.iter().any(waits))
    }

    /// Takes out those whose time is up.
    pub fn expired(&mut self, now_ns: u64) -> Vec<Waiter<T>> {
        let mut gone = Vec::new();
        while let Some((index, at)) = self.lanes.iter().enumerate().find_map(|(index, (_, lane))| {
            Some((index, lane.iter().position(|waiter| waiter.until_ns <= now_ns)?))
        }) {
            gone.extend(self.take(index, at));
        }
        gone
    }

    /// Lets through whom the limits let: the tenants in turn, one request each, until nobody can go. `is_due` says who may
    /// ask; a counter that refused one is not asked again, so that a request never overtakes one that waits for the same.
    /// Those that do not wait any more come back.
    pub fn serve(
        &mut self,
        is_due: impl Fn(&Waiter<T>) -> bool,
        mut ask: impl FnMut(&mut Waiter<T>) -> Outcome,
    ) -> Vec<Waiter<T>> {
        let mut served = Vec::new();
        let mut refusing: Vec<Place> = Vec::new();
        let mut unlucky = 0;
        while unlucky < self.lanes.len() {
            let mut found = None;
            if let Some((_, lane)) = self.lanes.front_mut() {
                for (at, waiter) in lane.iter_mut().enumerate() {
                    if refusing.contains(&waiter.place) {
                        continue;
                    }
                    if !is_due(waiter) {
                        refusing.push(waiter.place.clone());
                        continue;
                    }
                    match ask(waiter) {
                        Outcome::Waits(place, again_ns) => {
                            refusing.push(waiter.place.clone());
                            (waiter.place, waiter.again_ns) = (place.clone(), again_ns);
                            refusing.push(place);
                        }
                        Outcome::Through | Outcome::Refused => {
                            found = Some(at);
                            break;
                        }
                    }
                }
            }
            unlucky += 1;
            let lanes = self.lanes.len();
            if let Some(at) = found {
                unlucky = 0;
                served.extend(self.take(0, at));
            }
            // A lane that emptied is gone already.
            if self.lanes.len() == lanes && lanes > 0 {
                self.lanes.rotate_left(1);
            }
        }
        served
    }

    fn take(&mut self, index: usize, at: usize) -> Option<Waiter<T>> {
        let (_, lane) = self.lanes.get_mut(index)?;
        let waiter = lane.remove(at)?;
        self.length -= 1;
        self.bytes = self.bytes.saturating_sub(waiter.bytes);
        if lane.is_empty() {
            self.lanes.remove(index);
        }
        Some(waiter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ledger::Ledger;
    use crate::policy::scope::Scope;

    fn waiter(id: u32, account: &str) -> Waiter<u32> {
        let place = Place { account: Ledger::default().account(Scope::Key, account), rule: 1 };
        Waiter { id, bytes: 1, place, since_ns: 0, until_ns: 100 + u64::from(id), again_ns: 0, item: id }
    }

    fn bounds(size: usize, bytes: u64) -> Bounds {
        Bounds { size, bytes, timeout: Duration::ZERO }
    }

    /// Who goes for one more of a tenant.
    fn gone(queue: &mut Queue<u32>, tenant: &str, bytes: u64, bounds: Bounds) -> Option<Vec<u32>> {
        queue.make_room(tenant, bytes, &bounds).map(|gone| ids(&gone))
    }

    fn ids(waiters: &[Waiter<u32>]) -> Vec<u32> {
        waiters.iter().map(|waiter| waiter.id).collect()
    }

    #[test]
    fn tenants_take_turns_and_nobody_overtakes_within_one() {
        let mut queue = Queue::default();
        let (loud, quiet): (Rc<str>, Rc<str>) = ("loud".into(), "quiet".into());
        for id in 0..6 {
            queue.push(&loud, waiter(id, "all"));
        }
        for id in 10..12 {
            queue.push(&quiet, waiter(id, "all"));
        }
        let mut left = 5;
        let served = queue.serve(
            |_| true,
            |waiter| {
                if left == 0 {
                    return Outcome::Waits(waiter.place.clone(), 9);
                }
                left -= 1;
                Outcome::Through
            },
        );
        assert_eq!(ids(&served), [0, 10, 1, 11, 2]);
        assert_eq!(queue.len(), 3);
        let served = queue.serve(|_| true, |_| Outcome::Through);
        assert_eq!(ids(&served), [3, 4, 5]);
        assert!(queue.is_empty() && queue.lanes.is_empty());
    }

    #[test]
    fn who_waits_for_one_limit_does_not_hold_up_who_waits_for_another() {
        let mut queue = Queue::default();
        let tenant: Rc<str> = "t".into();
        for (id, account) in [(0, "slow"), (1, "slow"), (2, "fast"), (3, "slow"), (4, "fast")] {
            queue.push(&tenant, waiter(id, account));
        }
        let asked = std::cell::RefCell::new(Vec::new());
        let served = queue.serve(
            |_| true,
            |waiter| {
                asked.borrow_mut().push(waiter.id);
                if &*waiter.place.account.value == "slow" {
                    Outcome::Waits(waiter.place.clone(), 9)
                } else {
                    Outcome::Through
                }
            },
        );
        assert_eq!((ids(&served), asked.into_inner()), (vec![2, 4], vec![0, 2, 4]));
        let (slow, fast) = (waiter(0, "slow").place.account, waiter(0, "fast").place.account);
        assert!(queue.is_waited_for(&slow, 1) && !queue.is_waited_for(&fast, 1));
        assert!(!queue.is_waited_for(&slow, 2), "nobody waits for the account's other rule");
        assert_eq!(ids(&queue.serve(|waiter| waiter.again_ns <= 9, |_| Outcome::Refused)), [0, 1, 3]);
    }

    #[test]
    fn a_crowd_gives_way_to_those_who_have_fewer() {
        let mut queue = Queue::default();
        let (loud, quiet, other): (Rc<str>, Rc<str>, Rc<str>) =
            ("loud".into(), "quiet".into(), "other".into());
        for id in 0..4 {
            queue.push(&loud, waiter(id, "all"));
        }
        let full = bounds(4, 100);
        assert_eq!(gone(&mut queue, &loud, 1, full), None, "not to more of its own");
        assert_eq!(
            gone(&mut queue, &loud, 1, bounds(5, 100)),
            Some(vec![]),
            "where there is room nobody goes"
        );
        assert_eq!(gone(&mut queue, &quiet, 1, full), Some(vec![3]), "who came last goes");
        queue.push(&quiet, waiter(10, "all"));
        assert_eq!(gone(&mut queue, &quiet, 1, full), Some(vec![2]));
        queue.push(&quiet, waiter(11, "all"));
        assert_eq!(gone(&mut queue, &quiet, 1, full), None, "they have as many");
        assert_eq!(
            gone(&mut queue, &other, 1, full).map(|gone| gone.len()),
            Some(1),
            "two are more than none"
        );
        queue.push(&other, waiter(20, "all"));
        assert_eq!(queue.len(), 4);
        assert_eq!(gone(&mut Queue::default(), &other, 1, bounds(0, 0)), None);
    }

    #[test]
    fn bytes_are_room_as_well_as_places() {
        let mut queue = Queue::default();
        let (loud, quiet): (Rc<str>, Rc<str>) = ("loud".into(), "quiet".into());
        for id in 0..4 {
            queue.push(&loud, Waiter { bytes: 20, ..waiter(id, "all") });
        }
        let full = bounds(100, 100);
        assert_eq!(gone(&mut queue, &loud, 20, full), Some(vec![]));
        assert_eq!(gone(&mut queue, &loud, 21, full), None);
        assert_eq!(gone(&mut queue, &quiet, 40, full), Some(vec![3]), "one is enough");
        queue.push(&quiet, Waiter { bytes: 40, ..waiter(10, "all") });
        assert_eq!(queue.bytes, 100);
        // As many as are left would not be enough: nobody goes, and the order is as it was.
        assert_eq!(gone(&mut queue, "other", 50, full), None);
        assert_eq!(queue.bytes, 100);
        assert_eq!(ids(&queue.expired(u64::MAX)).len(), 4);
        assert_eq!((queue.bytes, queue.len()), (0, 0));
    }

    #[test]
    fn who_leaves_or_is_late_is_gone() {
        let mut queue = Queue::default();
        for (id, tenant) in [(0, "a"), (1, "b"), (2, "a"), (3, "c")] {
            queue.push(&tenant.into(), waiter(id, "x"));
        }
        assert_eq!(queue.remove(2).map(|waiter| waiter.item), Some(2));
        assert!(queue.remove(2).is_none());
        assert_eq!(ids(&queue.expired(101)), [0, 1]);
        assert_eq!((queue.len(), queue.lanes.len()), (1, 1));
    }
}
