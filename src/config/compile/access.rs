//! Client keys, and what else is believed about who asks.

use crate::config::Problem;
use crate::config::schema::{self, Gateway};
use crate::config::tables::{IdentityHeaders, Key, Keys, ModelPattern};
use crate::dialect::date::{parse_rfc3339, rfc3339};
use crate::policy::identity::is_label;
use hashbrown::{HashMap, HashSet};
use std::rc::Rc;

/// The header that says what kind of agent asks, where the configuration names no other.
const AGENT_HEADER: &str = "x-agent-type";

/// The client keys.
pub(super) fn keys(gateway: &Gateway, problems: &mut Vec<Problem>) -> Keys {
    table(&gateway.keys, "keys", problems)
}

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
        for (position, model) in written.models.iter().flatten().enumerate() {
            if model.is_empty() || model.matches('*').count() > 1 {
                let message = "is the name of a model, or a pattern with one `*`";
                problems.push(Problem::new(format!("{}[{position}]", at("models")), message));
            }
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
            // The value is not repeated: it may well be the key itself.
            let message = "must be the SHA-256 of the key in 64 hex digits; `tollgate key new` prints it";
            problems.push(Problem::new(at("sha256"), message));
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
            metadata: written.metadata.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        };
        if let Some(known) = keys.insert(Rc::new(key)) {
            let message = format!("is the key of `{}` already", known.id);
            problems.push(Problem::new(at("sha256"), message));
        }
    }
    keys
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

/// The headers that are believed.
pub(super) fn identity_headers(gateway: &Gateway, problems: &mut Vec<Problem>) -> IdentityHeaders {
    let headers = &gateway.identity.headers;
    let mut name = |field: &str, name: Option<&String>| -> Option<Box<str>> {
        let name = name?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let kept = name.to_lowercase();
        if kept.is_empty() || !kept.bytes().all(is_token) {
            problems
                .push(Problem::new(format!("identity.headers.{field}"), "is the name of a request header"));
        } else if kept.starts_with("x-envoy-") || kept.starts_with("x-tollgate-") {
            let message = "is taken from every request: such headers steer the proxy";
            problems.push(Problem::new(format!("identity.headers.{field}"), message));
        }
        Some(kept.into())
    };
    IdentityHeaders {
        tenant: name("tenant", headers.tenant.as_ref()),
        team: name("team", headers.team.as_ref()),
        project: name("project", headers.project.as_ref()),
        user: name("user", headers.user.as_ref()),
        agent: name("agent", headers.agent.as_ref()).or_else(|| Some(AGENT_HEADER.into())),
    }
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
