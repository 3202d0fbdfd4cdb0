//! Requests that wait until a limit lets them through: in the order in which they came within a tenant, and the tenants
//! take turns.

use super::ledger::Account;
use std::collections::VecDeque;
use std::rc::Rc;

/// What is waited for: one rule's counter. An account has a counter for each rule of its scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Whose counter it is.
    pub account: Account,
    /// The rule, by its tag.
    pub rule: u32,
}

/// Somebody who waits.
#[derive(Debug)]
pub struct Waiter<T> {
    /// Its number, unique among those that wait.
    pub id: u32,
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
    lanes: VecDeque<(Rc<str>, VecDeque<Waiter<T>>)>,
    length: usize,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { lanes: VecDeque::new(), length: 0 }
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
        match self.lanes.iter_mut().find(|(of, _)| of == tenant) {
            Some((_, lane)) => lane.push_back(waiter),
            None => self.lanes.push_back((Rc::clone(tenant), VecDeque::from([waiter]))),
        }
    }

    /// Makes room in a queue that is full for somebody of this tenant: the last one goes of the tenant that has most
    /// waiting, if those are at least two more. So nobody's crowd keeps others out, and with the places shared out evenly
    /// the queue is full for everybody.
    pub fn give_way(&mut self, tenant: &str) -> Option<Waiter<T>> {
        let own = self.lanes.iter().find(|(of, _)| **of == *tenant).map_or(0, |(_, lane)| lane.len());
        let (index, most) = self
            .lanes
            .iter()
            .enumerate()
            .map(|(index, (_, lane))| (index, lane.len()))
            .max_by_key(|(_, n)| *n)?;
        if most < own.saturating_add(2) {
            return None;
        }
        self.take(index, most.checked_sub(1)?)
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
        Waiter { id, place, since_ns: 0, until_ns: 100 + u64::from(id), again_ns: 0, item: id }
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
        assert!(queue.give_way(&loud).is_none(), "not to more of its own");
        assert_eq!(queue.give_way(&quiet).map(|gone| gone.id), Some(3), "who came last goes");
        queue.push(&quiet, waiter(10, "all"));
        assert_eq!(queue.give_way(&quiet).map(|gone| gone.id), Some(2));
        queue.push(&quiet, waiter(11, "all"));
        assert!(queue.give_way(&quiet).is_none(), "they have as many");
        assert!(queue.give_way(&other).is_some(), "and two are more than none");
        queue.push(&other, waiter(20, "all"));
        assert_eq!(queue.len(), 4);
        assert!(Queue::<u32>::default().give_way(&other).is_none());
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
