//! Text to [`schema::Gateway`]: the filter's JSON here; the command line brings its own YAML deserializer.

use super::nearest::nearest;
use super::{Problem, schema};
use serde::Deserializer;
use std::fmt::Display;

/// Reads a configuration in JSON, as the filter is given it.
pub fn from_json(json: &[u8]) -> Result<schema::Gateway, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let gateway = read(&mut deserializer).map_err(|(problem, _)| problem)?;
    deserializer.end().map_err(|error| Problem::new("", error.to_string()))?;
    Ok(gateway)
}

/// Reads a configuration from any self-describing format. The error names the field, suggests what was meant, and
/// comes with the format's own error, which may know line and column.
pub fn read<'de, D>(deserializer: D) -> Result<schema::Gateway, (Problem, D::Error)>
where
    D: Deserializer<'de>,
    D::Error: Display,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => String::new(),
            path => path,
        };
        let inner = error.into_inner();
        (explain(path, &inner.to_string()), inner)
    })
}

/// Turns serde's sentence into a problem. Serde lists the names that would have been right in back quotes; the nearest
/// of them becomes the suggestion.
fn explain(path: String, message: &str) -> Problem {
    // Formats append their own position, and YAML repeats the path in front; both are told apart from the sentence.
    let message = message.split(" at line ").next().unwrap_or(message);
    let message = ["unknown field `", "unknown variant `"]
        .iter()
        .find_map(|start| message.find(start).and_then(|at| message.get(at..)))
        .unwrap_or(message);
    let mut quoted = message.split('`').skip(1).step_by(2);
    let suggestion = match quoted.next() {
        Some(name) if message.starts_with("unknown ") => nearest(name, quoted),
        _ => None,
    };
    Problem::new(path, message).suggest(suggestion)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(json: &str) -> Problem {
        from_json(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn an_unknown_field_is_named_with_the_nearest_known_one() {
        let problem = problem(r#"{"models":{"a":{"targets":["openai/x"],"retrys":2}}}"#);
        assert_eq!(problem.path, "models.a.retrys");
        assert!(problem.message.starts_with("unknown field `retrys`"), "{}", problem.message);
        assert_eq!(problem.suggestion.as_deref(), Some("retries"));
    }

    #[test]
    fn a_bad_value_is_named_by_its_path() {
        let problem = problem(r#"{"providers":{"openai":{"timeout":"5 minutes"}}}"#);
        assert_eq!(problem.path, "providers.openai.timeout");
        assert!(problem.message.contains("250ms"), "{}", problem.message);
        let problem = self::problem(r#"{"models":{"a":{"targets":[{"provider":"x"}]}}}"#);
        assert_eq!(problem.path, "models.a.targets[0]");
        assert!(problem.message.contains("model"), "{}", problem.message);
    }

    #[test]
    fn a_name_written_twice_is_refused() {
        let problem = problem(r#"{"models":{"a":"openai/x","a":"openai/y"}}"#);
        assert!(problem.message.contains("`a` is defined twice"), "{problem}");
    }

    #[test]
    fn trailing_text_is_refused() {
        assert!(from_json(b"{} {}").is_err());
    }
}
