//! A target's own fields in a body.

use super::Setting;
use crate::dialect::lane::Ask;
use crate::wire::json::{Json, Members, Patch, sketch};

/// Objects that hold settings side by side: a target's own are put among those that are there. Any other object is one
/// setting (`thinking`, `response_format`), and is replaced whole.
const SETTINGS: [&str; 4] = ["generationConfig", "generation_config", "inferenceConfig", "options"];

/// The body with the target's own fields ([`Ask::params`] and [`Ask::settings`]) in place of what was written.
pub(crate) fn with_params(body: Vec<u8>, ask: &Ask<'_>) -> Vec<u8> {
    if ask.params.is_empty() && ask.settings.is_empty() {
        return body;
    }
    let Ok(found) = sketch(&body) else { return body };
    let mut patch = Patch::default();
    set_params(&mut patch, ask, &found);
    patch.apply(&body, &found).unwrap_or(body)
}

/// Sets the target's own fields in a body whose fields were found; `model` is the one that they cannot change.
pub(crate) fn set_params<'p, V: Json>(patch: &mut Patch<'p>, ask: &Ask<'p>, found: &Members<'_, V>) {
    for (name, own) in ask.params.iter().filter(|(name, _)| &**name != "model") {
        let name = spelling(name, found);
        let there = found.get(name).filter(|_| SETTINGS.contains(&name));
        let among = there.and_then(|there| {
            let own = sketch(own.get().as_bytes()).ok()?;
            let own = own.fields.iter().map(|member| (&*member.key, member.value));
            among(own, there.value.json())
        });
        patch.set(name, among.unwrap_or_else(|| own.get().as_bytes().to_vec()));
    }
    for Setting { object, name, value } in ask.settings {
        let object = spelling(object, found);
        let there = patch.value(object).or_else(|| found.get(object).map(|there| there.value.json()));
        let own = (*name, value.get().as_bytes());
        let alone = || format!("{{\"{name}\":{value}}}").into_bytes();
        let among = there.and_then(|there| among(std::iter::once(own), there)).unwrap_or_else(alone);
        patch.set(object, among);
    }
}

/// A field's name as the body has it: Gemini takes its objects in either spelling, but not in both at once.
fn spelling<'p, V>(name: &'p str, found: &Members<'_, V>) -> &'p str {
    let other = match name {
        "generationConfig" => "generation_config",
        "generation_config" => "generationConfig",
        _ => return name,
    };
    if found.get(name).is_none() && found.get(other).is_some() { other } else { name }
}

/// Fields put among those of an object; `None` where it is none.
fn among<'o>(own: impl Iterator<Item = (&'o str, &'o [u8])>, there: &[u8]) -> Option<Vec<u8>> {
    let found = sketch(there).ok()?;
    let mut patch = Patch::default();
    for (name, value) in own {
        let same = found.fields.iter().find(|field| is_same(name, &field.key));
        patch.set(same.map_or(name, |field| &*field.key), value);
    }
    Some(patch.apply(there, &found).unwrap_or_else(|| there.to_vec()))
}

/// Whether two names of fields are one: Gemini's settings have two spellings each.
fn is_same(one: &str, other: &str) -> bool {
    let letters = |name: &'_ str| -> Vec<u8> {
        name.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase()).collect()
    };
    one == other || letters(one) == letters(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Quirks;
    use serde_json::value::RawValue;

    fn with(params: &[(&str, &str)], body: &str) -> String {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let params: Vec<_> = params.iter().map(|(name, value)| ((*name).into(), raw(value))).collect();
        let quirks = Quirks::default();
        let ask = Ask { params: &params, ..Ask::new("m", &quirks) };
        String::from_utf8(with_params(body.as_bytes().to_vec(), &ask)).unwrap()
    }

    #[test]
    fn settings_are_put_among_those_that_are_there() {
        for (params, body, expected) in [
            (
                ("generationConfig", r#"{"temperature":0.2,"topK":1}"#),
                r#"{"generationConfig":{"maxOutputTokens":9, "temperature":1}}"#,
                r#"{"generationConfig":{"topK":1,"maxOutputTokens":9, "temperature":0.2}}"#,
            ),
            (
                ("generationConfig", r#"{"topK":1}"#),
                r#"{"generation_config":{"top_p":1}}"#,
                r#"{"generation_config":{"topK":1,"top_p":1}}"#,
            ),
            (
                ("generationConfig", r#"{"topK":1}"#),
                r#"{"generationConfig":{"top_k":7}}"#,
                r#"{"generationConfig":{"top_k":1}}"#,
            ),
            (("inferenceConfig", r#"{"topP":1}"#), "{}", r#"{"inferenceConfig":{"topP":1}}"#),
            (("options", r#"{"seed":1}"#), r#"{"options":null}"#, r#"{"options":{"seed":1}}"#),
            (("options", "{}"), r#"{"options":{"a":1}}"#, r#"{"options":{"a":1}}"#),
            (
                ("thinking", r#"{"type":"disabled"}"#),
                r#"{"thinking":{"type":"enabled","budget_tokens":2000}}"#,
                r#"{"thinking":{"type":"disabled"}}"#,
            ),
            (("model", "\"x\""), r#"{"model":"m"}"#, r#"{"model":"m"}"#),
        ] {
            assert_eq!(with(&[params], body), expected);
        }
    }
}
