//! Dates in model names.

/// The name with each `-YYYYMMDD` that ends a segment written `-YYYY-MM-DD`; `None` when there is none.
///
/// Some gateways write the date of a model without dashes where the price facts have them. A segment ends at the
/// end of the name, at `-` or at `:`. Years other than 20xx and days that no calendar has stay as they are.
pub(super) fn spell_out(name: &str) -> Option<String> {
    let mut spelled: Option<String> = None;
    let mut rest = name;
    while let Some(dash) = rest.find("-20") {
        let (before, from_dash) = rest.split_at(dash);
        let date = from_dash.get(1..9).filter(|date| is_day(date) && ends(from_dash.get(9..)));
        let text = spelled.get_or_insert_with(String::new);
        text.push_str(before);
        if let Some(date) = date {
            let (year, day) = date.split_at(4);
            let (month, day) = day.split_at(2);
            text.extend(["-", year, "-", month, "-", day]);
            rest = from_dash.get(9..).unwrap_or_default();
        } else {
            text.push_str("-20");
            rest = from_dash.get(3..).unwrap_or_default();
        }
    }
    let mut spelled = spelled?;
    spelled.push_str(rest);
    (spelled != name).then_some(spelled)
}

/// Whether what follows ends the segment.
fn ends(after: Option<&str>) -> bool {
    after.is_some_and(|after| after.is_empty() || after.starts_with(['-', ':']))
}

/// Whether eight digits are a day of the calendar.
fn is_day(date: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        let digits = date.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)?.parse::<u32>().ok()
    };
    let (Some(year), Some(month), Some(day)) = (digits(0..4), digits(4..6), digits(6..8)) else {
        return false;
    };
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::spell_out;

    #[test]
    fn dates_get_their_dashes() {
        for (name, spelled) in [
            ("gpt-5.2-20251211", Some("gpt-5.2-2025-12-11")),
            ("model-20251211:free", Some("model-2025-12-11:free")),
            ("a-20251211-20240229", Some("a-2025-12-11-2024-02-29")),
            ("a-2024-20240301-x", Some("a-2024-2024-03-01-x")),
            ("model-20250230", None),
            ("model-20250001", None),
            ("model-202512110", None),
            ("model-19991231", None),
            ("model-2025-12-11", None),
            ("model-20", None),
            ("model-20é", None),
            ("model", None),
            ("", None),
        ] {
            assert_eq!(spell_out(name).as_deref(), spelled, "{name}");
        }
    }
}
