//! Patterns that take a part out of a name.

/// Longest name that a pattern is tried on, in bytes: the names of certificates come from outside, and those of people
/// and workloads are shorter.
const LONGEST: usize = 1024;

/// Most `*` and `{}` of a pattern: each may be tried at every place of a name.
const MOST_GAPS: usize = 4;

/// A pattern such as `spiffe://acme.example/ns/{}/sa/*`: `{}` is the part that counts, and `*` anything. Each stands for at
/// least one character, and for no slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// What stands before the first gap.
    first: Box<str>,
    /// Each gap, with what follows it up to the next.
    gaps: Vec<(Gap, Box<str>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Any,
    Part,
}

impl Excerpt {
    /// A pattern from its text, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut first: Option<Box<str>> = None;
        let mut gaps: Vec<(Gap, Box<str>)> = Vec::new();
        let mut rest = text;
        let mut gap = None;
        loop {
            let next = [("*", Gap::Any), ("{}", Gap::Part)]
                .into_iter()
                .filter_map(|(mark, gap)| Some((rest.find(mark)?, mark, gap)))
                .min_by_key(|(at, ..)| *at);
            let literal = next.map_or(rest, |(at, ..)| rest.get(..at).unwrap_or_default());
            match gap {
                None => first = Some(literal.into()),
                Some(gap) => gaps.push((gap, literal.into())),
            }
            let Some((at, mark, kind)) = next else { break };
            if gap.is_some() && literal.is_empty() {
                return Err("has two gaps without anything between them");
            }
            gap = Some(kind);
            rest = rest.get(at + mark.len()..).unwrap_or_default();
        }
        if gaps.iter().filter(|(gap, _)| *gap == Gap::Part).count() != 1 {
            return Err("has to have one `{}`: the part that counts");
        }
        if gaps.len() > MOST_GAPS {
            return Err("has more than four gaps");
        }
        Ok(Self { first: first.unwrap_or_default(), gaps })
    }

    /// The part of a name that counts; `None` when the pattern does not fit.
    pub fn of<'n>(&self, name: &'n str) -> Option<&'n str> {
        if name.len() > LONGEST {
            return None;
        }
        let mut part = None;
        fits(name.strip_prefix(&*self.first)?, &self.gaps, &mut part).then_some(part).flatten()
    }
}

/// Whether the rest of a name fits the rest of a pattern; on the way the part is found.
fn fits<'n>(rest: &'n str, gaps: &[(Gap, Box<str>)], part: &mut Option<&'n str>) -> bool {
    let Some(((gap, literal), later)) = gaps.split_first() else { return rest.is_empty() };
    let run = rest.split('/').next().unwrap_or(rest).len();
    let ends = rest.char_indices().map(|(at, char)| at + char.len_utf8()).take_while(|end| *end <= run);
    for end in ends {
        let (taken, after) = rest.split_at(end);
        let fit = after.strip_prefix(&**literal).is_some_and(|after| fits(after, later, part));
        if fit {
            if *gap == Gap::Part {
                *part = Some(taken);
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_taken_out() {
        for (pattern, name, part) in [
            ("{}", "acme", Some("acme")),
            ("spiffe://td/ns/{}/sa/*", "spiffe://td/ns/acme/sa/web", Some("acme")),
            ("spiffe://td/ns/*/sa/{}", "spiffe://td/ns/acme/sa/web", Some("web")),
            ("spiffe://td/ns/{}/sa/*", "spiffe://td/ns/acme/x/sa/web", None),
            ("spiffe://td/ns/{}/sa/*", "spiffe://td/ns//sa/web", None),
            ("spiffe://td/{}", "spiffe://td/a/b", None),
            ("spiffe://td/{}", "spiffe://other/a", None),
            ("{}.clients.example", "a.b.clients.example", Some("a.b")),
            ("{}.clients.example", ".clients.example", None),
            ("{}.clients.example", "a.clients.example.evil", None),
            ("*-{}-x", "a-b-c-x", Some("b-c")),
            ("CN={},*", "CN=zo\u{eb},O=Acme", Some("zo\u{eb}")),
        ] {
            assert_eq!(Excerpt::parse(pattern).unwrap().of(name), part, "{pattern} {name}");
        }
        assert_eq!(Excerpt::parse("{}").unwrap().of(&"x".repeat(1025)), None);
    }

    #[test]
    fn bad_patterns_are_refused() {
        for bad in ["", "acme", "{}{}", "{}-{}", "*{}", "*a*b*c*d{}"] {
            assert!(Excerpt::parse(bad).is_err(), "{bad}");
        }
    }
}
