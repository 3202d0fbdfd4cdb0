//! A header list as the proxy gives and takes it.

/// Headers in order; names are in lower case, as the proxy guarantees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Replaces every value of a header by one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// Takes a header out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }

    /// Whether a header is there exactly once, with this value.
    pub fn is_exactly(&self, name: &str, value: &str) -> bool {
        let mut values = self.0.iter().filter(|(n, _)| n == name);
        values.next().is_some_and(|(_, v)| v == value) && values.next().is_none()
    }

    /// The response's status; 0 when there is none.
    pub fn status(&self) -> u16 {
        self.get(":status").and_then(|s| s.parse().ok()).unwrap_or(0)
    }

    /// Whether the body is of this media type, parameters aside.
    pub fn is_type(&self, media_type: &str) -> bool {
        self.get("content-type")
            .and_then(|v| v.split(';').next())
            .is_some_and(|v| v.trim().eq_ignore_ascii_case(media_type))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(iter: I) -> Self {
        Self(iter.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_replaces_every_value() {
        let mut h: Headers = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        h.set("a", "4");
        assert_eq!(h, [("b", "2"), ("a", "4")].into_iter().collect());
    }

    #[test]
    fn media_type_ignores_parameters_and_case() {
        let h: Headers = [("content-type", "Text/Event-Stream; charset=utf-8")].into_iter().collect();
        assert!(h.is_type("text/event-stream"));
        assert!(!h.is_type("application/json"));
    }
}
