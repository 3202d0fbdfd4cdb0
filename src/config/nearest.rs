//! "Did you mean": the nearest of the names that would have been right.

/// The candidate with the smallest edit distance, if it is near enough to be a slip of the hand: one edit in names of
/// up to five letters, one more for each three letters beyond. Letter case does not count.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let name = name.to_lowercase();
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours count one each.
pub(crate) fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut last_left = None;
    for (row, l) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        let mut last_right = None;
        for (column, &r) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&above, column) + usize::from(l != r))
                .min(at(&above, column + 1) + 1)
                .min(at(&current, column) + 1);
            if column > 0 && last_left == Some(r) && last_right == Some(l) {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
            last_right = Some(r);
        }
        before = std::mem::replace(&mut above, current);
        last_left = Some(l);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        for (left, right, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("opneai", "openai", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn suggests_only_what_is_near() {
        let names = ["openai", "anthropic", "azure"];
        assert_eq!(nearest("opneai", names), Some("openai"));
        assert_eq!(nearest("Antropic", names), Some("anthropic"));
        assert_eq!(nearest("bedrock", names), None);
        assert_eq!(nearest("", names), None);
    }
}
