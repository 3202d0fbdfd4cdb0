//! Rules, compiled.

use crate::config::Problem;
use crate::config::schema::Gateway;
use crate::config::tables::Tables;
use crate::policy::identity::is_label;
use crate::policy::route;
use crate::policy::rules::{Rule, Rules};

/// The rules; each must be a condition, and lead to a model that is there.
pub(super) fn rules(gateway: &Gateway, tables: &Tables, problems: &mut Vec<Problem>) -> Rules {
    let mut rules = Vec::with_capacity(gateway.rules.len());
    for (index, written) in gateway.rules.iter().enumerate() {
        let at = format!("rules[{index}]");
        if written.name.as_deref().is_some_and(|name| !is_label(name)) {
            let message = "is 1 to 128 characters, without control characters and `;`";
            problems.push(Problem::new(format!("{at}.name"), message));
        }
        if written.model.contains('*') {
            let message = "is a pattern: a rule leads to one model, such as `anthropic/claude-sonnet-4-5`";
            problems.push(Problem::new(format!("{at}.model"), message));
        }
        // Mistakes in models have been told already; what they leave is not worth another word.
        if route::find(tables, &written.model).is_none() && problems.is_empty() {
            let near = route::nearest(tables.listed.iter().map(|name| &**name), &written.model)
                .first()
                .map(|near| (*near).to_owned());
            let message = format!("there is no model `{}`", written.model);
            problems.push(Problem::new(format!("{at}.model"), message).suggest(near));
        }
        match Rule::new(written.name.as_deref().unwrap_or(&at), &written.when, &written.model) {
            Ok(rule) => rules.push(rule),
            Err(mistake) => {
                let problem = Problem::new(format!("{at}.when"), mistake.message);
                problems.push(problem.suggest(mistake.suggestion));
            }
        }
    }
    Rules::new(rules)
}
