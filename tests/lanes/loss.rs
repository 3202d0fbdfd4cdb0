//! The oracle of law 3: what a body says is in the translation, or a warning speaks of it.

use serde_json::Value;
use std::collections::HashSet;

/// Everything that a body says, without its shape.
pub(crate) struct Said {
    strings: HashSet<String>,
    /// All strings one after the other: texts may have been joined.
    joined: String,
    numbers: HashSet<String>,
    keys: HashSet<String>,
}

impl Said {
    pub(crate) fn of(value: &Value) -> Self {
        let mut said = Self {
            strings: HashSet::new(),
            joined: String::new(),
            numbers: HashSet::new(),
            keys: HashSet::new(),
        };
        said.take(value);
        said
    }

    fn take(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.keys.insert(key.clone());
                    self.take(value);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.take(value)),
            Value::Number(number) => {
                self.numbers.insert(number.as_f64().unwrap_or_default().to_string());
            }
            Value::String(text) => {
                // Arguments are JSON within a string in one dialect and an object in the other.
                if text.starts_with(['{', '[', '"'])
                    && let Ok(inner) = serde_json::from_str::<Value>(text)
                {
                    self.take(&inner);
                }
                if let Some((head, data)) = text.split_once(";base64,") {
                    self.strings.insert(head.trim_start_matches("data:").to_owned());
                    self.strings.insert(data.to_owned());
                }
                self.joined.push_str(text);
                self.strings.insert(text.clone());
            }
            Value::Bool(_) | Value::Null => {}
        }
    }

    fn says(&self, leaf: &Value) -> bool {
        match leaf {
            Value::String(text) => {
                self.strings.contains(text) || text.is_empty() || self.joined.contains(text.as_str())
            }
            Value::Number(number) => self.numbers.contains(&number.as_f64().unwrap_or_default().to_string()),
            _ => true,
        }
    }
}

/// The places of `source` that `target` does not say and no warning speaks of. Fields in `mapped` are said in other
/// words; their own tests hold them.
pub(crate) fn silent_losses(
    source: &Value,
    target: &Value,
    warnings: &[String],
    mapped: &[&str],
) -> Vec<String> {
    let said = Said::of(target);
    let mut lost = Vec::new();
    walk(source, &mut Vec::new(), &mut |path, leaf| {
        // The type of a text document is said by its being text; ids are spelled as the target allows.
        let spelled = || leaf.as_str().is_some_and(|text| said.strings.contains(&spelled(text)));
        // `auto` is what nothing said means too.
        if *leaf == "text/plain" || *leaf == "auto" || spelled() {
            return;
        }
        let key =
            path.iter().rev().find(|segment| segment.parse::<usize>().is_err()).cloned().unwrap_or_default();
        let is_mapped = path.iter().any(|segment| mapped.contains(&segment.as_str()))
            || mapped.iter().any(|field| field.contains('.') && path.join(".").contains(field));
        let is_word = leaf.is_boolean();
        if is_mapped
            || (!is_word && said.says(leaf))
            || (is_word && (*leaf == false || said.keys.contains(&key)))
        {
            return;
        }
        let spoken_of = |warning: &String| {
            path.iter().any(|segment| segment.parse::<usize>().is_err() && warning.contains(segment.as_str()))
                || path_prefix(path).is_some_and(|prefix| warning.contains(&prefix))
                || types_above(source, path).any(|kind| warning.contains(kind))
        };
        if !warnings.iter().any(spoken_of) {
            let shown: String = leaf.to_string().chars().take(60).collect();
            lost.push(format!("{} = {shown}", path.join(".")));
        }
    });
    lost
}

/// `messages[3]`, `tools[1]`: how warnings name what holds the loss.
fn path_prefix(path: &[String]) -> Option<String> {
    match path {
        [list, index, ..] if index.parse::<usize>().is_ok() => Some(format!("{list}[{index}]")),
        _ => None,
    }
}

/// Letters, digits, `_` and `-` are all that Anthropic takes in an id.
fn spelled(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// The `type`s of the blocks that hold a place: a warning that names one speaks of all within.
fn types_above<'v>(source: &'v Value, path: &[String]) -> impl Iterator<Item = &'v str> {
    let mut value = source;
    let mut types = Vec::new();
    for segment in path {
        value = match segment.parse::<usize>() {
            Ok(index) => &value[index],
            Err(_) => &value[segment.as_str()],
        };
        types.extend(value["type"].as_str());
    }
    types.into_iter()
}

fn walk(value: &Value, path: &mut Vec<String>, leaf: &mut impl FnMut(&[String], &Value)) {
    let mut step = |segment: String, value: &Value| {
        path.push(segment);
        walk(value, path, leaf);
        path.pop();
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| step(key.clone(), value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| step(at.to_string(), value)),
        Value::Null => {}
        // JSON within a string, and data URIs, are told apart into what they say.
        Value::String(text) if text.starts_with('{') && serde_json::from_str::<Value>(text).is_ok() => {
            walk(&serde_json::from_str(text).unwrap(), path, leaf);
        }
        Value::String(text) if text.starts_with("data:") && text.contains(";base64,") => {
            let (head, data) = text.split_once(";base64,").unwrap();
            leaf(path, &Value::from(head.trim_start_matches("data:")));
            leaf(path, &Value::from(data));
        }
        other => leaf(path, other),
    }
}

#[test]
fn a_loss_is_found_unless_a_warning_speaks_of_it() {
    let source =
        serde_json::json!({"messages": [{"content": "hi"}], "seed": 7, "n": 1, "deep": {"x": "lost"}});
    let target = serde_json::json!({"messages": [{"content": [{"text": "hi"}]}]});
    assert_eq!(silent_losses(&source, &target, &["seed dropped".into()], &["n"]), ["deep.x = \"lost\""]);
}
