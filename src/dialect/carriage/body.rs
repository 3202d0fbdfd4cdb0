//! Bodies of requests, from one carriage to another.

use super::Carriage;
use crate::chat::Failure;
use crate::wire::json::{Members, Patch, Text, array, members, parse_raw, write_string};

const VERSION: &str = "anthropic_version";
const BETA: &str = "anthropic_beta";

/// The body as Anthropic's own API takes it: with model and `stream`, which the path said, and without the version.
///
/// # Errors
/// 400 when it is no JSON object.
pub(crate) fn unpack(body: &[u8], model: Option<&str>, stream: bool) -> Result<Vec<u8>, Failure> {
    let found = members(body)?;
    let mut patch = Patch::default();
    patch.remove(VERSION);
    patch.remove(BETA);
    if let Some(model) = model {
        let mut name = Vec::with_capacity(model.len() + 2);
        write_string(&mut name, model);
        patch.set("model", name);
        if stream {
            patch.set("stream", *b"true");
        } else {
            patch.remove("stream");
        }
    }
    Ok(patched(body, &found, &patch))
}

/// The body as a carriage takes it: without model and `stream`, with the carriage's version, and with the beta features
/// where the carriage has them in the body.
pub(crate) fn pack(body: &[u8], carriage: Carriage, betas: Option<&str>) -> Vec<u8> {
    let Some(version) = carriage.version() else { return body.to_vec() };
    let mut patch = Patch::default();
    patch.remove("model");
    patch.remove("stream");
    let mut quoted = Vec::with_capacity(version.len() + 2);
    write_string(&mut quoted, version);
    patch.set(VERSION, quoted);
    if let (Carriage::BedrockInvoke, Some(betas)) = (carriage, betas) {
        let mut list = Vec::new();
        array(&mut list, |list| {
            for beta in betas.split(',').map(str::trim).filter(|beta| !beta.is_empty()) {
                list.str(beta);
            }
        });
        patch.set(BETA, list);
    }
    match members(body) {
        Ok(found) => patched(body, &found, &patch),
        Err(_) => body.to_vec(),
    }
}

/// The beta features that a body asks for, as the header says them, where a carriage has them in the body.
pub(crate) fn betas_of(carriage: Carriage, body: &[u8]) -> Option<String> {
    if carriage != Carriage::BedrockInvoke {
        return None;
    }
    let found = members(body).ok()?;
    let list: Vec<Text<'_>> = parse_raw(found.get(BETA)?.value).ok()?;
    let names: Vec<_> = list.iter().map(Text::to_str).collect();
    (!names.is_empty()).then(|| names.join(","))
}

fn patched(body: &[u8], found: &Members<'_>, patch: &Patch<'_>) -> Vec<u8> {
    match patch.prefix(body, found) {
        Some((drop, mut prefix)) => {
            prefix.extend_from_slice(body.get(drop..).unwrap_or_default());
            prefix
        }
        None => body.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_and_unpacked() {
        let plain = br#"{"model":"m","max_tokens":1,"stream":true,"messages":[]}"#;
        let packed = pack(plain, Carriage::BedrockInvoke, Some("a-1, b-2"));
        assert_eq!(
            String::from_utf8(packed.clone()).unwrap(),
            r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a-1","b-2"],"max_tokens":1,"messages":[]}"#
        );
        assert_eq!(betas_of(Carriage::BedrockInvoke, &packed).as_deref(), Some("a-1,b-2"));
        let again = unpack(&packed, Some("n"), true).unwrap();
        assert_eq!(
            String::from_utf8(again).unwrap(),
            r#"{"model":"n","stream":true,"max_tokens":1,"messages":[]}"#
        );
        let vertex = pack(plain, Carriage::VertexPredict, Some("a-1"));
        assert_eq!(
            String::from_utf8(vertex).unwrap(),
            r#"{"anthropic_version":"vertex-2023-10-16","max_tokens":1,"messages":[]}"#
        );
        assert_eq!(pack(plain, Carriage::Plain, None), plain);
        assert_eq!(unpack(b"[]", Some("m"), false).unwrap_err().status, 400);
    }
}
