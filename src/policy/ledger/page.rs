//! A page: the cells of some accounts in one value of shared data, as compact bytes.
//!
//! A page begins with the number of its format. Each cell is its account's mark (8 bytes), its rule's mark (4), the second
//! from which on it says nothing (4), the length of its body (2) and its body; all numbers little-endian.

use super::cell::{Cell, Worth};

/// The number of the format; a page of another one is taken for empty.
const FORMAT: u8 = 1;
/// Bytes before a cell's body.
const HEAD: usize = 18;
/// Most bytes of a page. Reading and writing one costs about a microsecond then.
pub(super) const MOST_BYTES: usize = 8 * 1024;
/// What is left of a page that grew too large: sorting it takes longer than all else, so it is not done every time.
const SHRUNK_BYTES: usize = MOST_BYTES / 16 * 15;
/// By how many bytes a page grows as a rule, when an account is written: three new cells.
const GROWTH: usize = 192;

/// A cell of another account than the one that is worked on: only its bytes matter.
#[derive(Debug, Clone, Copy)]
struct Entry<'p> {
    account: u64,
    rule: u32,
    until: u32,
    /// Head and body.
    whole: &'p [u8],
    body: &'p [u8],
}

/// The cells of one account, taken out of a page.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) cells: Vec<(u32, Cell)>,
}

/// Reads the cells of an account.
pub(super) fn read(page: &[u8], account: u64) -> Own {
    let own = entries(page).filter(|entry| entry.account == account);
    let cells = own.filter_map(|entry| Some((entry.rule, Cell::read(entry.body, entry.until.into())?)));
    Own { cells: cells.collect() }
}

/// The page with the cells of an account in place of what it had of them, without what says nothing any more, and how
/// many living cells had to go for it to fit.
pub(super) fn write(page: &[u8], account: u64, own: &Own, now: u64) -> (Vec<u8>, usize) {
    let mut bytes = Vec::with_capacity(page.len().saturating_add(GROWTH));
    bytes.push(FORMAT);
    for entry in entries(page).filter(|entry| entry.account != account && u64::from(entry.until) > now) {
        bytes.extend_from_slice(entry.whole);
    }
    let others = bytes.len();
    for (rule, cell) in own.cells.iter().filter(|(_, cell)| cell.until > now) {
        let start = bytes.len();
        let until = u32::try_from(cell.until).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&account.to_le_bytes());
        bytes.extend_from_slice(&rule.to_le_bytes());
        bytes.extend_from_slice(&until.to_le_bytes());
        bytes.extend_from_slice(&[0, 0]);
        cell.write(&mut bytes);
        // At most 64 slices and 64 slots of 30 bytes each: two bytes are enough.
        let length = u16::try_from(bytes.len() - start - HEAD).unwrap_or(u16::MAX);
        if let Some(place) = bytes.get_mut(start + HEAD - 2..start + HEAD) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }
    if bytes.len() <= MOST_BYTES { (bytes, 0) } else { shrink(&bytes, others) }
}

/// A page that is too large, without as many of the cells before `others` as it takes, those first that lose least; and
/// how many those are.
fn shrink(page: &[u8], others: usize) -> (Vec<u8>, usize) {
    let (others, ours) = page.split_at_checked(others).unwrap_or((page, &[]));
    let mut kept: Vec<Entry<'_>> = entries(others).collect();
    // The least worth at the end of the list.
    kept.sort_by_cached_key(|entry| std::cmp::Reverse(worth(entry)));
    let (mut size, mut evicted) = (page.len(), 0);
    while size > SHRUNK_BYTES
        && let Some(entry) = kept.pop()
    {
        size -= entry.whole.len();
        evicted += 1;
    }
    let mut bytes = Vec::with_capacity(size);
    bytes.push(FORMAT);
    for entry in kept {
        bytes.extend_from_slice(entry.whole);
    }
    bytes.extend_from_slice(ours);
    (bytes, evicted)
}

/// What would be lost with a cell: what requests under way hold, then what was used, then time.
fn worth(entry: &Entry<'_>) -> (bool, Worth, u64, u32) {
    let Some(cell) = Cell::read(entry.body, entry.until.into()) else { return Default::default() };
    let used = if cell.worth == Worth::Passing { 0 } else { cell.spent(0) };
    (!cell.held.is_empty(), cell.worth, used, entry.until)
}

fn entries(page: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = page.strip_prefix(&[FORMAT]).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, after) = rest.split_at_checked(HEAD)?;
        let account = u64::from_le_bytes(head.first_chunk().copied()?);
        let rule = u32::from_le_bytes(head.get(8..12)?.try_into().ok()?);
        let until = u32::from_le_bytes(head.get(12..16)?.try_into().ok()?);
        let length = usize::from(u16::from_le_bytes(head.get(16..18)?.try_into().ok()?));
        let (body, next) = after.split_at_checked(length)?;
        let whole = rest.get(..HEAD + length)?;
        rest = next;
        Some(Entry { account, rule, until, whole, body })
    })
}

#[cfg(test)]
mod tests {
    use super::super::cell::Slice;
    use super::*;

    fn spent(usd: u64, until: u64) -> Cell {
        let slice = Slice { start: 1, own: usd, others: 0 };
        Cell { worth: Worth::Money, slices: vec![slice], until, ..Cell::default() }
    }

    #[test]
    fn accounts_do_not_touch_each_other() {
        let (page, _) = write(&[], 1, &Own { cells: vec![(7, spent(5, 100)), (8, spent(6, 100))] }, 0);
        let (page, _) = write(&page, 2, &Own { cells: vec![(7, spent(9, 100))] }, 0);
        let (page, evicted) = write(&page, 1, &Own { cells: vec![(7, spent(50, 100))] }, 0);
        assert_eq!(evicted, 0);
        assert_eq!(read(&page, 1).cells, [(7, spent(50, 100))]);
        assert_eq!(read(&page, 2).cells, [(7, spent(9, 100))]);
        assert!(read(&page, 3).cells.is_empty());
    }

    #[test]
    fn what_says_nothing_any_more_goes_first() {
        let (page, _) = write(&[], 1, &Own { cells: vec![(7, spent(5, 100))] }, 0);
        let (page, evicted) = write(&page, 2, &Own { cells: vec![(7, spent(9, 300))] }, 200);
        assert_eq!((read(&page, 1).cells.len(), read(&page, 2).cells.len(), evicted), (0, 1, 0));
    }

    #[test]
    fn a_full_page_gives_up_the_least_money() {
        let (mut page, mut gone) = (Vec::new(), 0);
        for account in 1..=1000 {
            let own = Own { cells: vec![(7, spent(account * 1_000_000, 100))] };
            let (next, evicted) = write(&page, account, &own, 0);
            assert!(next.len() <= MOST_BYTES);
            gone += evicted;
            page = next;
        }
        let kept: Vec<u64> = (1..=1000).filter(|account| !read(&page, *account).cells.is_empty()).collect();
        assert_eq!(kept.len() + gone, 1000);
        assert!(kept.len() > 200, "{}", kept.len());
        assert_eq!(kept, (1001 - kept.len() as u64..=1000).collect::<Vec<_>>());
    }

    #[test]
    fn other_bytes_are_an_empty_page() {
        for bytes in [&b""[..], b"\x02abc", b"\x01abc", &[1; 40]] {
            let _ = read(bytes, 1);
            let (page, _) = write(bytes, 1, &Own { cells: vec![(7, spent(5, 100))] }, 0);
            assert_eq!(read(&page, 1).cells.len(), 1);
        }
    }
}
