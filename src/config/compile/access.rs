//! Client keys.

use super::quota;
use crate::config::Problem;
use crate::config::schema::{self, Gateway, KeysFile};
use crate::config::tables::{Access, Key, Keys, ModelPattern};
use crate::dialect::date::{parse_rfc3339, rfc3339};
use crate::policy::identity::is_label;
use crate::policy::quota::KeyQuotas;
use hashbrown::{HashMap, HashSet};
use std::rc::Rc;

/// Who may ask.
pub(super) fn access(gateway: &Gateway, problems: &mut Vec<Problem>) -> Access {
    let mut access = Access {
        keys: table(gateway.keys.as_deref().unwrap_or_default(), "keys", problems),
        has_list: gateway.keys.is_some(),
        has_file: gateway.keys_file.is_some(),
        master: gateway.master_key.as_deref().and_then(|hex| {
            let digest = digest(hex);
            if digest.is_none() {
                problems.push(Problem::new("master_key", NO_DIGEST));
            }
            digest
        }),
        ..Access::default()
    };
    if let Some(key) = access.master.and_then(|master| access.keys.get(&master)) {
        problems.push(Problem::new("master_key", format!("is the key of `{}` too", key.id)));
    }
    super::identity::fill(&mut access, gateway, problems);
    access
}

/// The keys of a file that comes on its own, as JSON.
pub fn keys_file(json: &[u8]) -> Result<Keys, Vec<Problem>> {
    let file: KeysFile = serde_json::from_slice(json).map_err(|e| vec![Problem::new("", e.to_string())])?;
    let mut problems = Vec::new();
    let keys = table(&file.keys, "keys", &mut problems);
    if problems.is_empty() { Ok(keys) } else { Err(problems) }
}

/// What is wrong with a digest. The value is not repeated: it may well be the key itself.
const NO_DIGEST: &str = "must be the SHA-256 of the key in 64 hex digits; `tollgate key new` prints it";

/// The table of a list of keys that stands at a path.
fn table(list: &[schema::Key], path: &str, problems: &mut Vec<Problem>) -> Keys {
    let mut keys = Keys::with_capacity(list.len());
    let mut ids: HashSet<&str> = HashSet::with_capacity(list.len());
    let mut shared = Shared::default();
    for (index, written) in list.iter().enumerate() {
        // Only a mistake needs the path: there may be a hundred thousand keys.
        let at = |field: &str| format!("{path}[{index}].{field}");
        for (field, label) in [
            ("id", Some(&written.id)),
            ("tenant", written.tenant.as_ref()),
            ("team", written.team.as_ref()),
            ("project", written.project.as_ref()),
        ] {
            if label.is_some_and(|label| !is_label(label)) {
                let message = "is 1 to 128 characters, without control characters and `;`";
                problems.push(Problem::new(at(field), message));
            }
        }
        if let Some(models) = &written.models {
            model_names(models, &at("models"), problems);
        }
        let expires = written.expires.as_deref().map(moment);
        if expires == Some(None) {
            let message = "is a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z";
            problems.push(Problem::new(at("expires"), message));
        }
        if !ids.insert(&written.id) {
            problems.push(Problem::new(at("id"), format!("`{}` is defined twice", written.id)));
        }
        let Some(sha256) = digest(&written.sha256) else {
            problems.push(Problem::new(at("sha256"), NO_DIGEST));
            continue;
        };
        let key = Key {
            id: written.id.as_str().into(),
            sha256,
            tenant: shared.text(written.tenant.as_deref()),
            team: shared.text(written.team.as_deref()),
            project: shared.text(written.project.as_deref()),
            models: written.models.as_deref().map(|models| shared.patterns(models)),
            expires: expires.flatten(),
            disabled: written.disabled,
            quotas: quotas_of(written, path, index, problems),
            metadata: written.metadata.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        };
        if let Some(known) = keys.insert(Rc::new(key)) {
            let message = format!("is the key of `{}` already", known.id);
            problems.push(Problem::new(at("sha256"), message));
        }
    }
    keys
}

/// Names of models and patterns, which stand at a path.
pub(super) fn model_names(models: &[String], path: &str, problems: &mut Vec<Problem>) {
    for (position, model) in models.iter().enumerate() {
        if model.is_empty() || model.matches('*').count() > 1 {
            let message = "is the name of a model, or a pattern with one `*`";
            problems.push(Problem::new(format!("{path}[{position}]"), message));
        }
    }
}

/// The key's own budgets and limits, of which most keys have none.
fn quotas_of(written: &schema::Key, path: &str, index: usize, problems: &mut Vec<Problem>) -> KeyQuotas {
    if written.budgets.is_none() && written.limits.is_none() {
        return KeyQuotas::default();
    }
    quota::of_key(written, &format!("{path}[{index}]"), problems)
}

/// Texts and lists that many keys have in common, kept once.
#[derive(Default)]
struct Shared {
    texts: HashSet<Rc<str>>,
    patterns: HashMap<Vec<String>, Rc<[ModelPattern]>>,
}

impl Shared {
    fn text(&mut self, text: Option<&str>) -> Option<Rc<str>> {
        text.map(|text| Rc::clone(self.texts.get_or_insert_with(text, |text| text.into())))
    }

    fn patterns(&mut self, models: &[String]) -> Rc<[ModelPattern]> {
        if let Some(known) = self.patterns.get(models) {
            return Rc::clone(known);
        }
        let patterns: Rc<[ModelPattern]> = models.iter().map(|model| ModelPattern::new(model)).collect();
        self.patterns.insert(models.to_vec(), Rc::clone(&patterns));
        patterns
    }
}

/// Seconds since 1970 of a date or a time.
fn moment(text: &str) -> Option<u64> {
    let day = text.get(..10)?;
    let begin = parse_rfc3339(&format!("{day}T00:00:00Z"))?;
    // A day that its month does not have would be one of the next month.
    if !rfc3339(begin).starts_with(day) {
        return None;
    }
    if text == day { Some(begin) } else { parse_rfc3339(text) }
}

/// 64 hex digits as bytes.
pub(crate) fn digest(hex: &str) -> Option<[u8; 32]> {
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

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_key_ends_with_the_beginning_of_a_day_or_at_a_time() {
        for (text, seconds) in [
            ("1970-01-02", Some(86_400)),
            ("2027-01-31T18:00:00Z", Some(1_801_418_400)),
            ("2027-01-31T20:00:00+02:00", Some(1_801_418_400)),
            ("2027-02-29", None),
            ("2027-02-31T00:00:00Z", None),
            ("31.01.2027", None),
            ("2027-01-31 ", None),
            ("", None),
        ] {
            assert_eq!(moment(text), seconds, "{text}");
        }
    }
}
