//! What serde says of a value, in words that do not belong to a programming language.

/// A sentence of serde's without the names of types that are this program's or its language's. A text in a place that takes
/// none is not repeated: it may be a key, or what somebody wrote to a model.
pub fn in_words_of_people(message: &str) -> String {
    let Some((found, expected)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected "))
    else {
        return wanted(message);
    };
    let found = match found {
        "sequence" => "a list",
        "map" => "an object",
        "unit value" => "nothing",
        _ if found.starts_with("string \"") => "string",
        _ => found,
    };
    format!("invalid type: {found}, expected {}", wanted(expected))
}

/// What would have been right, in the same words.
fn wanted(message: &str) -> String {
    for (of_rust, plain) in [
        ("u64", "a whole number"),
        ("u32", "a whole number"),
        ("u16", "a whole number"),
        ("i64", "a whole number"),
        ("usize", "a whole number"),
        ("f64", "a number"),
        ("a sequence", "a list"),
        ("a map", "an object"),
    ] {
        if let Some(before) =
            message.strip_suffix(of_rust).filter(|before| before.is_empty() || before.ends_with("expected "))
        {
            return format!("{before}{plain}");
        }
    }
    match message.split_once("struct ") {
        Some((before, after)) if before.is_empty() || before.ends_with("expected ") => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
            format!("{before}an object{rest}")
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_rusts_and_no_text_of_anybodys() {
        for (said, told) in [
            (
                "invalid type: string \"my secret, expected u64\", expected f64",
                "invalid type: string, expected a number",
            ),
            ("invalid type: sequence, expected i64", "invalid type: a list, expected a whole number"),
            ("invalid type: map, expected a sequence", "invalid type: an object, expected a list"),
            (
                "invalid value: integer `-5`, expected u64",
                "invalid value: integer `-5`, expected a whole number",
            ),
            (
                "invalid type: integer `5`, expected struct Tool",
                "invalid type: integer `5`, expected an object",
            ),
            ("missing field `name`", "missing field `name`"),
            ("a key of the provider: a map of the world", "a key of the provider: a map of the world"),
        ] {
            assert_eq!(in_words_of_people(said), told);
        }
    }
}
