//! Text to [`schema::Gateway`]: the filter's JSON here; the command line brings its own YAML deserializer.

use super::nearest::nearest;
use super::{Problem, schema};
use crate::wire::json::in_words_of_people;
use serde::{Deserialize, Deserializer};
use std::fmt::Display;

/// What is expected where one of a list of words belongs, and the format's error does not know them.
pub(crate) const A_WORD: &str = "a word";

/// How YAML says that.
const YAMLS_WORD: &str = "a YAML tag starting with '!'";

/// Reads a configuration in JSON, as the filter is given it.
pub fn from_json(json: &[u8]) -> Result<schema::Gateway, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let gateway = read(&mut deserializer).map_err(|(problem, _)| problem)?;
    deserializer.end().map_err(|error| Problem::new("", error.to_string()))?;
    Ok(gateway)
}

/// Reads a configuration, or a file of keys, from any self-describing format. The error names the field, suggests what was
/// meant, and comes with the format's own error, which may know line and column.
pub fn read<'de, T, D>(deserializer: D) -> Result<T, (Problem, D::Error)>
where
    T: Deserialize<'de>,
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
    let message = message.rsplit_once(" at line ").map_or(message, |(sentence, _)| sentence);
    let message = ["unknown field `", "unknown variant `"]
        .iter()
        .find_map(|start| message.find(start).and_then(|at| message.get(at..)))
        .unwrap_or_else(|| without_path(&path, message));
    let message = &in_words_of_people(message).replace(YAMLS_WORD, A_WORD);
    let mut quoted = message.split('`').skip(1).step_by(2);
    let suggestion = match quoted.next() {
        Some(name) if message.starts_with("unknown ") => {
            nearest(name, quoted.clone()).or_else(|| quoted.find(|known| begins(known, name)))
        }
        _ => None,
    };
    Problem::new(path, message.as_str()).suggest(suggestion)
}

/// Whether a longer name begins with these words: `api_key_env` with `api_key`, `sha256` with `sha`.
fn begins(known: &str, name: &str) -> bool {
    known
        .strip_prefix(name)
        .is_some_and(|rest| rest.starts_with(|next: char| next == '_' || next.is_ascii_digit()))
}

/// The sentence behind a path that stands in front of it: the whole path, or as much of it as the format knows.
fn without_path<'m>(path: &str, message: &'m str) -> &'m str {
    if let Some(sentence) = message.strip_prefix(path).and_then(|rest| rest.strip_prefix(": ")) {
        return sentence;
    }
    match message.split_once(": ") {
        Some((front, sentence)) if !front.is_empty() && path.starts_with(front) => sentence,
        _ => message,
    }
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
    fn words_as_names_are_in_the_path() {
        for (json, path, message) in [
            (r#"{"limits":[{"only":{"key":5}}]}"#, "limits[0].only.key", "invalid type: integer `5`"),
            (r#"{"limits":[{"only":{"kex":["a"]}}]}"#, "limits[0].only.kex", "unknown variant `kex`"),
            (r#"{"forward":{"files":5}}"#, "forward.files", "invalid type: integer `5`"),
            (
                r#"{"limits":[{"only":{"key":["a"],"key":["b"]}}]}"#,
                "limits[0].only",
                "`key` is defined twice",
            ),
        ] {
            let problem = problem(json);
            assert_eq!(problem.path, path, "{problem}");
            assert!(problem.message.starts_with(message), "{problem}");
        }
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_repeated() {
        let problem = problem(r#"{"providers":{"openai":{"api_key":"sk-secret"}}}"#);
        assert_eq!(problem.suggestion.as_deref(), Some("api_key_env"));
        assert!(!problem.to_string().contains("sk-secret"), "{problem}");
        let problem = self::problem(r#"{"providers":{"openai":"sk-secret"}}"#);
        assert_eq!(problem.to_string(), "providers.openai: invalid type: string, expected an object");
    }

    #[test]
    fn a_path_in_front_of_the_sentence_is_left_out() {
        for (path, message, sentence) in [
            (
                "a.b",
                "a.b: invalid type: integer `5`, expected x at line 3 column 4",
                "invalid type: integer `5`, expected x",
            ),
            ("a.b c", "a.b c: is wrong", "is wrong"),
            (
                "a[0].b",
                "a[0]: invalid length 2, expected 3 at line 1 column 2",
                "invalid length 2, expected 3",
            ),
            ("", "invalid type: map, expected u64", "invalid type: an object, expected a whole number"),
            (
                "",
                "invalid type: sequence, expected struct Gateway",
                "invalid type: a list, expected an object",
            ),
            (
                "a",
                "invalid value: integer `-5`, expected u32 at line 1 column 2",
                "invalid value: integer `-5`, expected a whole number",
            ),
            (
                "a",
                "invalid value: string \"x at line y\", expected z at line 1 column 1",
                "invalid value: string \"x at line y\", expected z",
            ),
        ] {
            assert_eq!(explain(path.to_owned(), message).message, sentence);
        }
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
