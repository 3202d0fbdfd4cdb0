//! Which models somebody may use.

use super::route;
use crate::config::tables::{ModelPattern, Tables};

/// The models that somebody may use; `None`: all.
pub type Allowed<'p> = Option<&'p [ModelPattern]>;

/// Whether a request may go to a model that was asked for by one name and has this public name of its own: one that may
/// use a model may call it by its aliases too, and one that may use an alias has only that.
pub fn may_use(allowed: Allowed<'_>, asked: &str, public: &str) -> bool {
    allowed.is_none_or(|patterns| patterns.iter().any(|p| p.is_match(asked) || p.is_match(public)))
}

/// Whether all models may be used, be their names known or not.
pub fn may_use_all(allowed: Allowed<'_>) -> bool {
    allowed.is_none_or(|patterns| patterns.iter().any(ModelPattern::is_everything))
}

/// The names to list for somebody, in the order of the configuration: of its public names those that may be used, and
/// then the aliases, and the names under patterns, that were allowed one by one.
pub fn listed<'t>(tables: &'t Tables, allowed: Allowed<'t>) -> Vec<&'t str> {
    let public = tables.listed.iter().map(|name| &**name);
    let Some(patterns) = allowed else { return public.collect() };
    let mut names: Vec<&str> = public.filter(|name| may_use(allowed, name, name)).collect();
    for name in patterns.iter().filter_map(ModelPattern::as_name) {
        if !names.contains(&name) && route::find(tables, name).is_some() {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<ModelPattern> {
        texts.iter().map(|text| ModelPattern::new(text)).collect()
    }

    #[test]
    fn a_models_name_allows_its_aliases_and_an_alias_only_itself() {
        let by_name = patterns(&["gpt-4o"]);
        assert!(may_use(Some(&by_name), "fast", "gpt-4o"));
        let by_alias = patterns(&["fast"]);
        assert!(may_use(Some(&by_alias), "fast", "gpt-4o"));
        assert!(!may_use(Some(&by_alias), "gpt-4o", "gpt-4o"));
    }

    #[test]
    fn a_pattern_allows_what_it_matches() {
        let claude = patterns(&["anthropic/claude-*"]);
        assert!(may_use(Some(&claude), "anthropic/claude-opus", "anthropic/*"));
        assert!(!may_use(Some(&claude), "anthropic/other", "anthropic/*"));
        assert!(!may_use(Some(&[]), "a", "a") && may_use(None, "a", "a"));
        assert!(
            !may_use_all(Some(&claude)) && may_use_all(Some(&patterns(&["x", "*"]))) && may_use_all(None)
        );
    }
}
