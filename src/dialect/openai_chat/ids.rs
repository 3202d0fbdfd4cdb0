//! Ids as the provider takes them.

use crate::chat::Text;
use crate::dialect::digest::digest;
use crate::provider::Quirks;
use crate::wire::json::write_string;

/// Characters of a tool call's id, at most.
const LONGEST_CALL_ID: usize = 40;

/// Characters of `user`, at most.
const LONGEST_USER: usize = 64;

/// Appends a tool call's id as a JSON string. The same id becomes the same wherever it stands, so that call and
/// result still match.
pub(super) fn write_call_id(out: &mut Vec<u8>, id: &Text<'_>, quirks: &Quirks) {
    write_call_id_within(out, id, quirks, LONGEST_CALL_ID);
}

/// The same where an id may have another number of characters.
pub(crate) fn write_call_id_within(out: &mut Vec<u8>, id: &Text<'_>, quirks: &Quirks, longest: usize) {
    if quirks.mistral_tools {
        return write_mistral_id(out, &id.to_str());
    }
    match short(id, longest, "call_").filter(|_| quirks.short_ids) {
        Some(short) => write_string(out, &short),
        None => id.write_json(out),
    }
}

/// The user in the length that OpenAI takes; `None` when it is not too long. The same user is always the same.
pub(crate) fn short_user(user: &Text<'_>) -> Option<String> {
    short(user, LONGEST_USER, "user_")
}

/// What stands for an id of more characters than `longest`: the prefix and 128 bits of its SHA-256.
fn short(id: &Text<'_>, longest: usize, prefix: &str) -> Option<String> {
    // Escapes only make it longer.
    if id.len() <= longest {
        return None;
    }
    let id = id.to_str();
    if id.chars().count() <= longest {
        return None;
    }
    Some(format!("{prefix}{}", digest(&id, 16)))
}

/// Mistral takes nine letters and digits and nothing else: another id becomes nine that depend on all of it.
fn write_mistral_id(out: &mut Vec<u8>, id: &str) {
    if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return write_string(out, id);
    }
    // FNV-1a, 64 bits: 36^9 ids, so a clash within one conversation is out of the question.
    let mut hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    out.push(b'"');
    for _ in 0..9 {
        let digit = u32::try_from(hash % 36).unwrap_or_default();
        hash /= 36;
        out.extend(char::from_digit(digit, 36).map(|digit| digit as u8));
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call_id(id: &str, quirks: &Quirks) -> String {
        let mut out = Vec::new();
        write_call_id(&mut out, &Text::plain(id), quirks);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn long_ids_are_hashed_and_short_ones_kept() {
        let fits = "x".repeat(40);
        assert_eq!(call_id(&fits, &Quirks::OPENAI), fits);
        let umlauts = "\u{e4}".repeat(40);
        assert_eq!(call_id(&umlauts, &Quirks::OPENAI), umlauts);
        let [one, two] = ["a", "b"].map(|end| call_id(&format!("{fits}{end}"), &Quirks::OPENAI));
        assert!(one.len() <= 40 && two.len() <= 40 && one != two, "{one} {two}");
        assert_eq!(one, call_id(&format!("{fits}a"), &Quirks::OPENAI));
        let open = Quirks { short_ids: false, ..Quirks::OPENAI };
        assert_eq!(call_id(&format!("{fits}a"), &open), format!("{fits}a"));
    }

    #[test]
    fn mistral_gets_nine_letters_and_digits() {
        let mistral = Quirks { mistral_tools: true, ..Quirks::COMPATIBLE };
        assert_eq!(call_id("abcDEF123", &mistral), "abcDEF123");
        let id = call_id("toolu_1", &mistral);
        assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    }

    #[test]
    fn a_user_has_64_characters_at_most() {
        assert_eq!(short_user(&Text::plain("u".repeat(64))), None);
        assert!(short_user(&Text::plain("u".repeat(65))).unwrap().len() <= 64);
    }
}
