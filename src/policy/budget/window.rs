//! The stretch of time that a budget is for.

use jiff::civil::Weekday;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp, Zoned};
use std::cell::Cell;

/// Seconds of an hour.
const HOUR: u64 = 3600;
/// Into how many slices a rolling window is cut.
pub const SLICES: u64 = 12;

/// How long a budget lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first to the first; thirty days where it rolls.
    Month,
    /// So many hours. Where a day can be cut into them they are counted from midnight, else from the first hour of 1970.
    Hours(u32),
}

/// The stretches of time that a budget is for, one after the other.
#[derive(Debug, Clone)]
pub struct Window {
    every: Every,
    rolling: bool,
    zone: TimeZone,
    /// The calendar window asked for last: looking one up takes some microseconds.
    known: Cell<(u64, u64)>,
}

/// Where in its stretches of time a budget is. All in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The slice that is written to now.
    pub slice: u64,
    /// The first slice that still counts.
    pub oldest: u64,
    /// When what is written now will have left the count.
    pub forgotten: u64,
}

impl Window {
    /// A window in a time zone by its IANA name; `None` when there is none of that name.
    pub fn new(every: Every, rolling: bool, zone: &str) -> Option<Self> {
        let zone = match zone {
            "UTC" => TimeZone::UTC,
            name => TimeZoneDatabase::bundled().get(name).ok()?,
        };
        Some(Self { every, rolling, zone, known: Cell::default() })
    }

    /// How long it lasts.
    pub fn every(&self) -> Every {
        self.every
    }

    /// Whether it rolls: it then ends now, and what it counts is at least what came within its length, at most a twelfth
    /// more.
    pub fn is_rolling(&self) -> bool {
        self.rolling
    }

    /// Where it is at a time.
    pub fn at(&self, now: u64) -> Position {
        if self.rolling {
            let length = (self.hours() * HOUR / SLICES).max(1);
            let slice = now / length * length;
            let oldest = slice.saturating_sub(SLICES * length);
            return Position { slice, oldest, forgotten: slice.saturating_add((SLICES + 1) * length) };
        }
        let (mut start, mut end) = self.known.get();
        if !(start..end).contains(&now) {
            (start, end) = self.calendar(now).unwrap_or_else(|| fixed(now, self.hours()));
            self.known.set((start, end));
        }
        Position { slice: start, oldest: start, forgotten: end }
    }

    /// Every slice that counts at a time, the present one last.
    pub fn slices(&self, now: u64) -> Vec<u64> {
        let Position { slice, oldest, .. } = self.at(now);
        let length = usize::try_from(slice.saturating_sub(oldest) / SLICES).unwrap_or(usize::MAX);
        (oldest..=slice).step_by(length.max(1)).collect()
    }

    /// When what was counted in a slice leaves the count.
    pub fn forgets(&self, slice: u64, position: &Position) -> u64 {
        if !self.rolling {
            return position.forgotten;
        }
        slice.saturating_add(position.forgotten.saturating_sub(position.slice))
    }

    fn hours(&self) -> u64 {
        match self.every {
            Every::Day => 24,
            Every::Week => 168,
            Every::Month => 720,
            Every::Hours(hours) => hours.max(1).into(),
        }
    }

    /// The calendar's window around a time. `None` at the ends of the calendar, ten thousand years from here.
    fn calendar(&self, now: u64) -> Option<(u64, u64)> {
        let at = Timestamp::from_second(i64::try_from(now).ok()?).ok()?.to_zoned(self.zone.clone());
        let day = at.start_of_day().ok()?;
        let next = |from: &Zoned, span: Span| from.checked_add(span).ok()?.start_of_day().ok();
        let (start, end) = match self.every {
            Every::Day => (day.clone(), next(&day, Span::new().days(1))?),
            Every::Week => {
                let since = day.date().weekday().since(Weekday::Monday);
                let monday = day.checked_sub(Span::new().days(since)).ok()?.start_of_day().ok()?;
                let end = next(&monday, Span::new().days(7))?;
                (monday, end)
            }
            Every::Month => {
                let first = day.first_of_month().ok()?.start_of_day().ok()?;
                let end = next(&first, Span::new().months(1))?;
                (first, end)
            }
            Every::Hours(hours) if hours > 0 && 24 % hours == 0 => {
                let midnight = u64::try_from(day.timestamp().as_second()).ok()?;
                let tomorrow = next(&day, Span::new().days(1))?.timestamp().as_second();
                let tomorrow = u64::try_from(tomorrow).ok()?;
                let length = u64::from(hours) * HOUR;
                let start = midnight + now.saturating_sub(midnight) / length * length;
                // The day on which a clock is put forward is an hour short, and the one on which it is put back has an
                // hour that belongs to no window: it is one of its own.
                return Some((start, start.saturating_add(length).min(tomorrow)));
            }
            Every::Hours(hours) => return Some(fixed(now, hours.max(1).into())),
        };
        let seconds = |at: &Zoned| u64::try_from(at.timestamp().as_second()).ok();
        Some((seconds(&start)?, seconds(&end)?))
    }
}

/// The window of so many hours around a time, counted from the beginning of 1970.
fn fixed(now: u64, hours: u64) -> (u64, u64) {
    let length = hours.saturating_mul(HOUR).max(1);
    let start = now / length * length;
    (start, start.saturating_add(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_second().try_into().unwrap()
    }

    #[track_caller]
    fn assert_window(every: Every, zone: &str, now: &str, start: &str, end: &str) {
        let window = Window::new(every, false, zone).unwrap();
        // Twice, for the second time it is remembered.
        for _ in 0..2 {
            let position = window.at(at(now));
            assert_eq!(
                (position.slice, position.oldest, position.forgotten),
                (at(start), at(start), at(end))
            );
        }
    }

    #[test]
    fn calendars_of_time_zones() {
        let berlin = "Europe/Berlin";
        assert_window(
            Every::Day,
            "UTC",
            "2026-11-21T08:00:00Z",
            "2026-11-21T00:00:00Z",
            "2026-11-22T00:00:00Z",
        );
        assert_window(
            Every::Day,
            berlin,
            "2026-11-21T23:30:00Z",
            "2026-11-21T23:00:00Z",
            "2026-11-22T23:00:00Z",
        );
        assert_window(
            Every::Week,
            "UTC",
            "2026-11-22T23:59:59Z",
            "2026-11-16T00:00:00Z",
            "2026-11-23T00:00:00Z",
        );
        assert_window(
            Every::Month,
            berlin,
            "2026-03-05T08:00:00Z",
            "2026-02-28T23:00:00Z",
            "2026-03-31T22:00:00Z",
        );
        assert_window(
            Every::Month,
            "UTC",
            "2028-02-29T08:00:00Z",
            "2028-02-01T00:00:00Z",
            "2028-03-01T00:00:00Z",
        );
        assert_window(
            Every::Day,
            "America/New_York",
            "2026-07-01T03:59:59Z",
            "2026-06-30T04:00:00Z",
            "2026-07-01T04:00:00Z",
        );
    }

    #[test]
    fn days_on_which_the_clock_is_changed() {
        let berlin = "Europe/Berlin";
        assert_window(
            Every::Day,
            berlin,
            "2026-03-29T10:00:00Z",
            "2026-03-28T23:00:00Z",
            "2026-03-29T22:00:00Z",
        );
        assert_window(
            Every::Day,
            berlin,
            "2026-10-25T10:00:00Z",
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
        );
        let half = Every::Hours(12);
        assert_window(half, berlin, "2026-03-29T10:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T11:00:00Z");
        assert_window(half, berlin, "2026-03-29T11:00:00Z", "2026-03-29T11:00:00Z", "2026-03-29T22:00:00Z");
        assert_window(half, berlin, "2026-10-25T22:30:00Z", "2026-10-25T22:00:00Z", "2026-10-25T23:00:00Z");
        // Midnight itself is skipped.
        let cairo = "Africa/Cairo";
        assert_window(
            Every::Day,
            cairo,
            "2026-04-24T10:00:00Z",
            "2026-04-23T22:00:00Z",
            "2026-04-24T21:00:00Z",
        );
    }

    #[test]
    fn hours_that_a_day_cannot_be_cut_into() {
        let window = Window::new(Every::Hours(5), false, "Europe/Berlin").unwrap();
        assert_eq!(window.at(18_000 * 7 + 5).slice, 18_000 * 7);
        assert!(Window::new(Every::Day, false, "Europe/Atlantis").is_none());
    }

    #[test]
    fn a_rolling_window_forgets_slice_by_slice() {
        let window = Window::new(Every::Hours(12), true, "UTC").unwrap();
        let position = window.at(HOUR * 100 + 7);
        assert_eq!(position, Position { slice: HOUR * 100, oldest: HOUR * 88, forgotten: HOUR * 113 });
        assert_eq!(window.forgets(HOUR * 90, &position), HOUR * 103);
        // What is counted never reaches back less than the length.
        for now in (HOUR * 100..HOUR * 101).step_by(60) {
            assert!(window.at(now).oldest <= now - 12 * HOUR);
        }
    }
}
