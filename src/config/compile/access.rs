//! Client keys.

use crate::config::Problem;
use crate::config::schema::Gateway;
use crate::config::tables::Key;

/// The client keys.
pub(super) fn keys(gateway: &Gateway, problems: &mut Vec<Problem>) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::with_capacity(gateway.keys.len());
    for (index, key) in gateway.keys.iter().enumerate() {
        let at = format!("keys[{index}]");
        let tenant = key.tenant.as_deref();
        for (field, label) in [("id", Some(key.id.as_str())), ("tenant", tenant)] {
            if label.is_some_and(|label| !is_label(label)) {
                let message = "is 1 to 128 characters, without control characters and `;`";
                problems.push(Problem::new(format!("{at}.{field}"), message));
            }
        }
        let Some(sha256) = digest(&key.sha256) else {
            // The value is not repeated: it may well be the key itself.
            let message = "must be the SHA-256 of the key in 64 hex digits; `tollgate key new` prints it";
            problems.push(Problem::new(format!("{at}.sha256"), message));
            continue;
        };
        if keys.iter().any(|known| *known.id == *key.id) {
            problems.push(Problem::new(format!("{at}.id"), format!("`{}` is defined twice", key.id)));
        }
        if let Some(known) = keys.iter().find(|known| known.sha256 == sha256) {
            let message = format!("is the key of `{}` already", known.id);
            problems.push(Problem::new(format!("{at}.sha256"), message));
        }
        keys.push(Key { id: key.id.as_str().into(), sha256, tenant: tenant.map(Into::into) });
    }
    keys
}

/// Whether a text can be a label of metrics and audit.
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= 128
        && !text.chars().any(|char| char.is_control() || char == ';')
}

/// 64 hex digits as bytes.
fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let pair =
            std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(digest)
}
