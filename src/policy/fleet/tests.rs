use super::*;

const EVERY: Duration = Duration::from_secs(1);
const SEC: u64 = 1_000_000_000;

fn id(value: &str, window: u64) -> CellId {
    CellId { rule: "r".into(), value: value.into(), window }
}

fn cell(value: &str, window: u64, own: u64) -> Consumed {
    Consumed { id: id(value, window), own, keep_until: 500 }
}

fn ok(run: &str, others: &[u64]) -> Vec<u8> {
    let mut texts = vec![run.to_owned()];
    texts.extend(others.iter().map(|n| format!("0 {n}")));
    serde_json::json!({ "EVAL": texts }).to_string().into_bytes()
}

#[test]
fn one_call_at_a_time_and_one_an_interval() {
    let mut fleet = Fleet::default();
    assert!(fleet.is_due(100 * SEC, EVERY));
    assert_eq!(fleet.began(100 * SEC, Some(7), vec![cell("a", 10, 5)]), None);
    assert!(!fleet.is_due(102 * SEC, EVERY));
    assert_eq!(fleet.answered(102 * SEC, 6, 200, &ok("x", &[1])), None, "another's answer");
    let outcome = fleet.answered(102 * SEC, 7, 200, &ok("x", &[9])).unwrap();
    assert_eq!(outcome, Outcome { merged: vec![(id("a", 10), 9)], again: vec![], turned: true });
    assert_eq!((fleet.reach(), fleet.heard()), (&Reach::Up, Some(102)));
    assert!(fleet.is_due(102 * SEC, EVERY) && !fleet.is_due(100 * SEC + SEC / 2, EVERY));
    assert_eq!(fleet.answered(103 * SEC, 7, 200, &ok("x", &[9])), None, "answered already");
}

#[test]
fn what_failed_is_told_again() {
    let mut fleet = Fleet::default();
    let cells = vec![cell("a", 10, 5), cell("b", 10, 0)];
    let again = vec![id("a", 10), id("b", 10)];
    assert!(fleet.began(SEC, Some(1), cells.clone()).is_none());
    let outcome = fleet.answered(SEC, 1, 503, b"").unwrap();
    assert_eq!(outcome, Outcome { merged: vec![], again: again.clone(), turned: true });
    let refused = fleet.began(2 * SEC, None, cells.clone()).unwrap();
    assert_eq!(refused, Outcome { merged: vec![], again: again.clone(), turned: false });
    assert!(matches!(fleet.reach(), Reach::Down(why) if why.contains("does not let us call")));
    assert!(fleet.began(3 * SEC, Some(2), cells).is_none());
    assert_eq!(fleet.give_up(3 * SEC + SEC / 2, EVERY), None);
    assert_eq!(fleet.give_up(6 * SEC, EVERY).unwrap().again, again);
    assert!(fleet.is_due(6 * SEC, EVERY));
}

#[test]
fn a_redis_that_was_started_again_is_told_everything() {
    let mut fleet = Fleet::default();
    for (n, cells) in
        [vec![cell("a", 10, 5), cell("unused", 10, 0)], vec![cell("b", 10, 1)]].into_iter().enumerate()
    {
        let (call, others) = (u32::try_from(n).unwrap(), vec![0; cells.len()]);
        fleet.began(SEC, Some(call), cells);
        assert!(fleet.answered(SEC, call, 200, &ok("first", &others)).unwrap().again.is_empty());
    }
    fleet.began(2 * SEC, Some(9), vec![cell("a", 10, 6)]);
    let outcome = fleet.answered(2 * SEC, 9, 200, &ok("second", &[0])).unwrap();
    assert_eq!(
        outcome.again,
        [id("b", 10)],
        "`a` was told just now, and of the other there is nothing to tell"
    );
    fleet.began(3 * SEC, Some(10), vec![cell("b", 10, 1)]);
    assert!(fleet.answered(3 * SEC, 10, 200, &ok("second", &[0])).unwrap().again.is_empty());
}

#[test]
fn what_is_under_way_is_said_again_until_it_is_over() {
    let mut fleet = Fleet::default();
    fleet.began(100 * SEC, Some(1), vec![cell("a", 0, 2)]);
    fleet.answered(100 * SEC, 1, 200, &ok("x", &[0]));
    assert_eq!(fleet.heartbeat(100 * SEC), [id("a", 0)]);
    fleet.began(101 * SEC, Some(2), vec![cell("a", 0, 2)]);
    fleet.answered(101 * SEC, 2, 200, &ok("x", &[0]));
    assert!(fleet.heartbeat(104 * SEC).is_empty(), "not yet");
    fleet.began(104 * SEC, Some(3), vec![cell("a", 0, 0)]);
    fleet.answered(104 * SEC, 3, 200, &ok("x", &[0]));
    assert!(fleet.heartbeat(110 * SEC).is_empty(), "it is over");
}

#[test]
fn a_counter_is_new_until_it_was_read() {
    let mut fleet = Fleet::default();
    let (rule, value) = ("r".into(), "a".into());
    assert!(fleet.is_new(&rule, &value));
    fleet.began(SEC, Some(1), vec![cell("a", 10, 0)]);
    fleet.answered(SEC, 1, 503, b"");
    assert!(fleet.is_new(&rule, &value));
    assert!(!fleet.is_due(SEC, EVERY));
    fleet.hurry();
    assert!(fleet.is_due(SEC, EVERY), "somebody waits");
    fleet.began(SEC, Some(2), vec![cell("a", 10, 0)]);
    assert!(!fleet.is_due(SEC, EVERY));
    fleet.answered(SEC, 2, 200, &ok("x", &[0]));
    assert!(!fleet.is_new(&rule, &value) && !fleet.is_due(SEC, EVERY));
}
