//! Where in a JSON text something stands, as the path that a person would write: `messages[2].content`.

/// The containers that are open at a place, each with the entry that is being read.
enum Step {
    /// An object, with the text of the key that came last; none before the first and after a comma.
    Key(Option<(usize, usize)>),
    /// An array, with the number of its item.
    Item(usize),
}

/// The path of the value that begins, or has just ended, at byte `at` of a text that is JSON up to there; of the object or
/// array around the place if that is neither. Empty for the text's own value.
pub(super) fn path_at(text: &str, at: usize) -> String {
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    let mut open = Vec::new();
    let mut next = 0;
    while let Some(byte) = bytes.get(next).filter(|_| next < at) {
        let start = next;
        next += 1;
        match byte {
            b'{' => open.push(Step::Key(None)),
            b'[' => open.push(Step::Item(0)),
            b'}' | b']' => drop(open.pop()),
            b',' => match open.last_mut() {
                Some(Step::Key(key)) => *key = None,
                Some(Step::Item(item)) => *item += 1,
                None => {}
            },
            b'"' => {
                next = string_end(bytes, next);
                if let Some(Step::Key(key @ None)) = open.last_mut() {
                    *key = Some((start + 1, next.saturating_sub(1)));
                }
            }
            _ => {}
        }
    }
    written(text, &open)
}

/// Behind the closing quote of the string whose content begins at `from`.
fn string_end(bytes: &[u8], mut from: usize) -> usize {
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        from += found + 1;
        match bytes.get(from - 1) {
            Some(b'"') => return from,
            _ => from += 1,
        }
    }
    bytes.len()
}

fn written(text: &str, open: &[Step]) -> String {
    let mut path = String::new();
    for step in open {
        match step {
            Step::Key(None) => break,
            Step::Key(Some((from, to))) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(text.get(*from..*to).unwrap_or_default());
            }
            Step::Item(item) => {
                path.push('[');
                path.push_str(itoa::Buffer::new().format(*item));
                path.push(']');
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_what_stands_there() {
        let text = r#"{"a\"b" : 1, "list": [ {}, [7, "x,]"], {"k" : true}] }"#;
        for (before, path) in [
            ("", ""),
            ("{", ""),
            (r#"{"a\"b" : "#, r#"a\"b"#),
            (r#"{"a\"b" : 1"#, r#"a\"b"#),
            (r#"{"a\"b" : 1,"#, ""),
            (r#"{"a\"b" : 1, "list": "#, "list"),
            (r#"{"a\"b" : 1, "list": [ "#, "list[0]"),
            (r#"{"a\"b" : 1, "list": [ {}"#, "list[0]"),
            (r#"{"a\"b" : 1, "list": [ {}, [7"#, "list[1][0]"),
            (r#"{"a\"b" : 1, "list": [ {}, [7, "x,]""#, "list[1][1]"),
            (r#"{"a\"b" : 1, "list": [ {}, [7, "x,]"]"#, "list[1]"),
            (r#"{"a\"b" : 1, "list": [ {}, [7, "x,]"], {"k" : true"#, "list[2].k"),
            (r#"{"a\"b" : 1, "list": [ {}, [7, "x,]"], {"k" : true}"#, "list[2]"),
            (text, ""),
        ] {
            assert!(text.starts_with(before));
            assert_eq!(path_at(text, before.len()), path, "{before}");
        }
    }

    #[test]
    fn a_place_behind_the_text_is_its_end() {
        assert_eq!(path_at(r#"{"a":["x"#, 99), "a[0]");
    }
}
