//! Proofs of reasoning, carried where the other side's dialect has no field for them.

use crate::chat::Text;
use crate::dialect::Dialect;
use crate::dialect::signature::{self as marks, Kind};
use crate::wire::json::members;
use base64::Engine as _;
use base64::alphabet::URL_SAFE as URL_SAFE_ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Stands between a tool call's id and the signature it carries. LiteLLM's word.
pub const MARK: &str = "__thought__";

/// What Google documents for calls that another model made: its check is skipped.
pub(super) const SKIP: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// An id that carries a signature.
pub(super) fn join<'t>(id: &Text<'t>, signature: Option<&Text<'_>>) -> Text<'t> {
    match signature.filter(|signature| !signature.is_empty()) {
        Some(signature) => Text::from(format!("{}{MARK}{}", id.to_str(), signature.to_str())),
        None => id.clone(),
    }
}

/// The id and the signature it carries.
pub(super) fn split<'t>(id: &Text<'t>) -> (Text<'t>, Option<Text<'t>>) {
    let text = id.to_str();
    match text.split_once(MARK) {
        Some((id, signature)) => (
            Text::from(id.to_owned()),
            Some(signature)
                .filter(|signature| !signature.is_empty())
                .map(|signature| Text::from(signature.to_owned())),
        ),
        None => (id.clone(), None),
    }
}

/// The signature in a field that clients of OpenAI's dialect keep beside a call and send back: Google's own word for it
/// (`extra_content.google.thought_signature`), or LiteLLM's (`provider_specific_fields.thought_signature`).
pub(super) fn of_field<'t>((name, value): &(Cow<'t, str>, &'t RawValue)) -> Option<Text<'t>> {
    let fields = match &**name {
        "provider_specific_fields" => *value,
        "extra_content" => members(value.get().as_bytes()).ok()?.get("google")?.value,
        _ => return None,
    };
    let found = members(fields.get().as_bytes()).ok()?.get("thought_signature")?.value;
    Text::from_raw(found).filter(|signature| !signature.is_empty())
}

/// The fields that hold ids of tool calls, in every dialect.
const ID_FIELDS: [&str; 5] = ["id", "tool_call_id", "tool_use_id", "call_id", "toolUseId"];

/// A request without the signatures that its ids carry: other providers have no use for them, and some refuse ids that
/// long. `None` when there is none.
pub fn without_signatures(body: &[u8]) -> Option<Vec<u8>> {
    let finder = memchr::memmem::Finder::new(MARK.as_bytes());
    let mut out: Option<Vec<u8>> = None;
    let (mut copied, mut at) = (0_usize, 0_usize);
    while let Some(found) = body.get(at..).and_then(|rest| finder.find(rest)) {
        let start = at.saturating_add(found);
        at = start.saturating_add(MARK.len());
        let signature = body.get(at..).unwrap_or_default();
        let length = signature.iter().position(|byte| !is_signature_byte(*byte)).unwrap_or(signature.len());
        let end = at.saturating_add(length);
        if body.get(end) != Some(&b'"') || !is_in_id(body.get(..start).unwrap_or_default()) {
            // Another mark within ends in the same place, and belongs to the same string.
            at = end;
            continue;
        }
        let out = out.get_or_insert_with(|| Vec::with_capacity(body.len()));
        out.extend_from_slice(body.get(copied..start).unwrap_or_default());
        copied = end;
        at = end;
    }
    let mut out = out?;
    out.extend_from_slice(body.get(copied..).unwrap_or_default());
    Some(out)
}

/// The bytes of base64 in both alphabets, with the escape that some writers put before a slash.
fn is_signature_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=' | b'\\')
}

/// Whether what stands before is the beginning of a string value of a field for ids.
fn is_in_id(before: &[u8]) -> bool {
    let is_id_byte = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    let id_length = before.iter().rev().take_while(|byte| is_id_byte(byte)).count();
    let rest = before.get(..before.len().saturating_sub(id_length)).unwrap_or_default();
    let Some(rest) = rest.strip_suffix(b"\"") else { return false };
    let Some(rest) = rest.trim_ascii_end().strip_suffix(b":") else { return false };
    let Some(key) = rest.trim_ascii_end().strip_suffix(b"\"") else { return false };
    ID_FIELDS
        .iter()
        .any(|field| key.strip_suffix(field.as_bytes()).is_some_and(|before| before.ends_with(b"\"")))
}

/// Clients decode the field and may encode it in the other alphabet, with padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE_ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What every proof of another maker begins with once it is wrapped: base64 of all but the last byte of the mark.
/// Google's own signatures are protocol buffers and begin otherwise.
pub const WRAPPED: &str = "dG9sbGdhdGUx";

/// A proof of another maker's reasoning, under its mark ([`marks`]), as a `thoughtSignature`: that has to be base64.
pub(in crate::dialect) fn wrap(maker: Dialect, kind: Kind, proof: &Text<'_>) -> String {
    STANDARD.encode(&*marks::marked(maker, kind, proof).to_str())
}

/// The marked proof that a `thoughtSignature` wraps, and what kind it is; `None` when it is Google's own.
pub(in crate::dialect) fn unwrap(signature: &str) -> Option<(Kind, Text<'static>)> {
    if !signature.starts_with(WRAPPED) {
        return None;
    }
    let url_safe = signature.replace('+', "-").replace('/', "_");
    let marked = Text::from(String::from_utf8(LENIENT.decode(url_safe).ok()?).ok()?);
    marks::read(&marked).map(|(_, kind, _)| (kind, marked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_a_signature_and_gives_it_back() {
        let joined = join(&"call_1".into(), Some(&"AbC+/w==".into()));
        assert_eq!(joined, "call_1__thought__AbC+/w==");
        assert_eq!(split(&joined), ("call_1".into(), Some("AbC+/w==".into())));
        assert_eq!(split(&"call_1".into()), ("call_1".into(), None));
        assert_eq!(join(&"a".into(), Some(&"".into())), "a");
    }

    #[test]
    fn other_providers_get_the_id_alone() {
        let body = br#"{"a":[{"id":"c1__thought__Ab+/\/=","x":1},{"tool_call_id" : "c1__thought__Ab"},
            {"text":"say \"id\":\"c1__thought__no\""},{"name":"c1__thought__Ab"},{"id":"c2__thought__a b"}]}"#;
        let expected = br#"{"a":[{"id":"c1","x":1},{"tool_call_id" : "c1"},
            {"text":"say \"id\":\"c1__thought__no\""},{"name":"c1__thought__Ab"},{"id":"c2__thought__a b"}]}"#;
        let cut = without_signatures(body).unwrap();
        assert_eq!(String::from_utf8(cut).unwrap(), String::from_utf8(expected.to_vec()).unwrap());
        assert_eq!(without_signatures(br#"{"id":"c1"}"#), None);
    }

    #[test]
    fn foreign_proofs_survive_either_alphabet() {
        for (kind, proof) in [(Kind::Thinking, "EqQB+/==\u{ff}"), (Kind::Redacted, "x")] {
            let wrapped = wrap(Dialect::Anthropic, kind, &proof.into());
            assert!(wrapped.starts_with(WRAPPED), "{wrapped}");
            let marked = marks::marked(Dialect::Anthropic, kind, &proof.into());
            for seen in
                [wrapped.clone(), wrapped.replace('+', "-").replace('/', "_"), wrapped.replace('=', "")]
            {
                assert_eq!(unwrap(&seen), Some((kind, marked.clone())));
            }
        }
        for own in ["Et0DCtoDARFNMg/Piu4K", SKIP, "no base64!", "dG9sbGdhdGUxOg"] {
            assert_eq!(unwrap(own), None, "{own}");
        }
    }
}
