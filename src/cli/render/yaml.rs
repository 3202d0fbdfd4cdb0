//! YAML values that keep the order they are written in, so that a rendered file reads like one written by hand.

use std::borrow::Cow;
use std::time::Duration;
pub(super) use yaml_serde::{Mapping, Value};

/// A mapping, in the order written.
macro_rules! map {
    ($($key:literal : $value:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "an empty mapping is never written to")]
        let mut mapping = $crate::cli::render::yaml::Mapping::new();
        $(mapping.insert($key.into(), $crate::cli::render::yaml::Value::from($value));)*
        $crate::cli::render::yaml::Value::Mapping(mapping)
    }};
}
pub(super) use map;

/// A sequence.
pub(super) fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Sequence(items.into_iter().collect())
}

/// A sequence of texts.
pub(super) fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Value {
    list(items.into_iter().map(|item| Value::from(item.into())))
}

/// The mapping with one entry more, if there is a value for it.
pub(super) fn with(mut value: Value, key: &str, extra: Option<Value>) -> Value {
    if let (Value::Mapping(mapping), Some(extra)) = (&mut value, extra) {
        mapping.insert(key.into(), extra);
    }
    value
}

/// A protobuf message of a type, as `Any`.
pub(super) fn any(kind: &str, fields: Value) -> Value {
    let mut mapping = Mapping::new();
    mapping.insert("@type".into(), format!("type.googleapis.com/{kind}").into());
    if let Value::Mapping(fields) = fields {
        mapping.extend(fields);
    }
    Value::Mapping(mapping)
}

/// An Envoy extension: a name and its configuration.
pub(super) fn extension(name: &str, kind: &str, fields: Value) -> Value {
    map! { "name": name, "typed_config": any(kind, fields) }
}

/// A duration as protobuf's JSON wants it.
pub(super) fn duration(duration: Duration) -> Value {
    let (secs, millis) = (duration.as_secs(), duration.subsec_millis());
    if millis == 0 { format!("{secs}s").into() } else { format!("{secs}.{millis:03}s").into() }
}

/// `address: { socket_address: … }`.
pub(super) fn socket(host: &str, port: u16) -> Value {
    map! { "socket_address": map! { "address": host, "port_value": port } }
}

/// A whole file: what it is, in comments, and the value.
pub(super) fn file(head: &str, value: &Value) -> Result<String, String> {
    let body = yaml_serde::to_string(value).map_err(|error| format!("cannot write YAML: {error}"))?;
    let body = body.lines().fold(String::new(), |text, line| text + &quoted(line) + "\n");
    Ok(head.lines().fold(String::new(), |text, line| text + "# " + line + "\n") + &body)
}

/// A line whose value is a word that Envoy's reader, after the older YAML, takes for a boolean: a host may have such a name.
/// Texts of several lines hold JSON, in which no line ends with a bare word of these.
fn quoted(line: &str) -> Cow<'_, str> {
    let start = line.rfind([' ', '-']).map_or(0, |at| at + 1);
    let (before, value) = line.split_at_checked(start).unwrap_or((line, ""));
    let is_taken = ["y", "n", "yes", "no", "on", "off"].iter().any(|word| value.eq_ignore_ascii_case(word));
    let is_whole = before.ends_with(": ") || before.trim_start() == "- ";
    if is_taken && is_whole { format!("{before}'{value}'").into() } else { line.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_envoy_would_take_for_booleans_are_quoted() {
        let value = map! {
            "address": "y",
            "hosts": texts(["on", "onward", "No", "turn it off"]),
            "no": true,
            "text": "{\n  \"a\": \"no\"\n}",
        };
        let text = file("It.", &value).unwrap();
        let wanted = "# It.\naddress: 'y'\nhosts:\n- 'on'\n- onward\n- 'No'\n- turn it off\nno: true\n\
                      text: |-\n  {\n    \"a\": \"no\"\n  }\n";
        assert_eq!(text, wanted);
    }
}
