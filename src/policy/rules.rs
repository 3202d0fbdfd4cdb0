//! Rules: conditions in CEL (<https://cel.dev>) over a request, and the model that takes the place of the one asked for.
//!
//! Conditions are compiled with the configuration. Of a request only those facts are found out that some condition
//! mentions, each once; and what takes reading its body or all of its headers only when a condition comes to it, as in
//! `tenant == "acme" && tokens > 100000`.

mod kind;

use cel::{Context, ExecutionError, Program, Value};
use kind::{Kind, Kinds};
use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// What a condition may speak of: the name, and what it is.
pub const VARIABLES: &[(&str, &str)] = &[
    ("headers", "map of the client's headers, names in lower case"),
    ("key", "map: id, tenant, team, project, metadata"),
    ("tenant", "string"),
    ("team", "string"),
    ("project", "string"),
    ("user", "string"),
    ("agent", "string"),
    ("model", "string: the model asked for"),
    ("dialect", "string: what the client speaks"),
    ("operation", "string: chat, embeddings, rerank, …"),
    ("stream", "bool"),
    ("tools", "bool: tools are on offer"),
    ("images", "bool: pictures are sent"),
    ("documents", "bool: documents are sent"),
    ("thinking", "bool: reasoning is asked for"),
    ("tokens", "int: estimated input"),
    ("max_tokens", "int: the output limit, 0 where none is set"),
];

/// Longest condition. It is compiled to a tree that is followed on the stack.
const MAX_CONDITION: usize = 4_096;

/// Facts that take some reading.
const COSTLY: [&str; 8] =
    ["headers", "key", "tools", "images", "documents", "thinking", "tokens", "max_tokens"];

/// One rule.
pub struct Rule {
    /// How audit and metrics call it.
    pub name: Rc<str>,
    /// The public model that takes the place of the one asked for.
    pub model: Rc<str>,
    condition: Program,
}

/// Why a condition is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong with it.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Mistake {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), suggestion: None }
    }

    fn suggest(mut self, suggestion: Option<impl Into<String>>) -> Self {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}

/// All rules, in their order.
#[derive(Default)]
pub struct Rules {
    ordered: Vec<Rule>,
    /// The facts that some condition mentions.
    mentioned: Vec<&'static str>,
    /// The standard functions, made once.
    root: Context<'static, 'static>,
}

/// What the first rule that matches says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The rule.
    pub rule: Rc<str>,
    /// The model that takes the place of the one asked for.
    pub model: Rc<str>,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ordered.iter().map(|rule| &rule.name)).finish()
    }
}

impl Rule {
    /// Compiles a rule.
    ///
    /// # Errors
    /// What is wrong with the condition: it is no CEL, speaks of what is not there, or comes to neither true nor false.
    pub fn new(name: &str, condition: &str, model: &str) -> Result<Self, Mistake> {
        if condition.len() > MAX_CONDITION {
            return Err(Mistake::new(format!("is longer than {MAX_CONDITION} bytes")));
        }
        let program = Program::compile(condition).map_err(|errors| {
            let first = errors.errors.first();
            Mistake::new(first.map_or_else(
                || "is no condition".to_owned(),
                |error| format!("line {} column {}: {}", error.pos.0, error.pos.1, in_words(&error.msg)),
            ))
        })?;
        match Kinds::new(&Context::default()).of(program.expression())? {
            Kind::Bool | Kind::Any => {}
            kind => {
                let message = format!("has the type {}: neither true nor false", kind.as_str());
                return Err(Mistake::new(message));
            }
        }
        Ok(Self { name: name.into(), model: model.into(), condition: program })
    }
}

/// What CEL's parser says of an operator of other languages, with the one that was meant.
fn in_words(message: &str) -> Cow<'_, str> {
    let operator =
        message.split_once("token recognition error at: '").and_then(|(_, rest)| rest.chars().next());
    match operator {
        Some('=') => "`=` is no operator; `==` compares".into(),
        Some('&') => "`&` is no operator; `&&` is the one for both".into(),
        Some('|') => "`|` is no operator; `||` is the one for either".into(),
        _ => message.into(),
    }
}

impl Rules {
    /// Rules in the order in which they are tried.
    pub fn new(rules: Vec<Rule>) -> Self {
        let is_mentioned =
            |name: &str| rules.iter().any(|rule| rule.condition.references().has_variable(name));
        let mentioned = VARIABLES.iter().map(|(name, _)| *name).filter(|name| is_mentioned(name)).collect();
        Self { ordered: rules, mentioned, root: Context::default() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ordered.is_empty()
    }

    /// The rules.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.ordered.iter()
    }

    /// The first rule that matches. `fact` finds out one of [`VARIABLES`]; `failed` hears of conditions that could not be
    /// decided, which do not match.
    pub fn first(
        &self,
        mut fact: impl FnMut(&'static str) -> Value,
        mut failed: impl FnMut(&Rule, String),
    ) -> Option<Matched> {
        let mut context = self.root.new_inner_scope();
        for name in self.mentioned.iter().filter(|name| !COSTLY.contains(name)) {
            context.add_variable_from_value(*name, fact(name));
        }
        self.ordered.iter().find_map(|rule| match self.decide(rule, &mut context, &mut fact) {
            Ok(Value::Bool(true)) => {
                Some(Matched { rule: Rc::clone(&rule.name), model: Rc::clone(&rule.model) })
            }
            Ok(Value::Bool(false)) => None,
            Ok(other) => {
                failed(rule, format!("is {other:?}, neither true nor false"));
                None
            }
            Err(error) => {
                failed(rule, error.to_string());
                None
            }
        })
    }
}

impl Rules {
    /// Decides a condition. What it turns out to need and is not known yet is found out, and it is decided again.
    fn decide(
        &self,
        rule: &Rule,
        context: &mut Context<'_, '_>,
        fact: &mut impl FnMut(&'static str) -> Value,
    ) -> Result<Value, ExecutionError> {
        let mut last = None;
        loop {
            let decided = rule.condition.execute(context);
            let Err(ExecutionError::UndeclaredReference(missing)) = &decided else { return decided };
            let name = self.mentioned.iter().find(|name| **name == missing.as_str() && last != Some(**name));
            let Some(name) = name else { return decided };
            context.add_variable_from_value(*name, fact(name));
            last = Some(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn facts(name: &'static str) -> Value {
        match name {
            "headers" => {
                let headers: HashMap<String, Value> =
                    [("x-tier".to_owned(), Value::from("gold"))].into_iter().collect();
                headers.into()
            }
            "key" => {
                let list: Value = vec![Value::from("a"), Value::from("b")].into();
                let metadata: HashMap<String, Value> =
                    [("tier".to_owned(), Value::from("gold")), ("tags".to_owned(), list)]
                        .into_iter()
                        .collect();
                let key: HashMap<String, Value> =
                    [("metadata".to_owned(), metadata.into())].into_iter().collect();
                key.into()
            }
            "agent" => Value::from("coder"),
            "model" => Value::from("claude-opus-4-1"),
            "tokens" => Value::Int(150_000),
            "tools" | "stream" => Value::Bool(true),
            _ => Value::Null,
        }
    }

    fn matches(condition: &str) -> Result<bool, String> {
        let rules = Rules::new(vec![Rule::new("r", condition, "m").map_err(|mistake| mistake.message)?]);
        let mut problem = None;
        let matched = rules.first(facts, |_, why| problem = Some(why));
        problem.map_or(Ok(matched.is_some()), Err)
    }

    #[test]
    fn conditions_over_everything_a_request_has() {
        for (condition, matched) in [
            (r#"agent == "coder" && tokens > 100000"#, true),
            ("tokens > 200000 || tools", true),
            (r#"headers["x-tier"] == "gold""#, true),
            (r#""x-tier" in headers && !("x-none" in headers)"#, true),
            (r#"key.metadata.tier == "silver""#, false),
            ("has(key.metadata.tier)", true),
            (r#""b" in key.metadata.tags"#, true),
            (r#"key.metadata.tags.exists(t, t == "a")"#, true),
            (r#"model.startsWith("claude-") && model.contains("opus")"#, true),
            (r#"model in ["gpt-4o", "gpt-4.1"]"#, false),
            ("true", true),
        ] {
            assert_eq!(matches(condition), Ok(matched), "{condition}");
        }
    }

    #[test]
    fn what_takes_reading_is_found_out_when_a_condition_comes_to_it() {
        let rules = Rules::new(vec![
            Rule::new("one", r#"agent == "other" && tokens > 5"#, "m").unwrap(),
            Rule::new("two", "!stream || (tools && tokens > 200000)", "m").unwrap(),
            Rule::new("three", "tokens < 200000 || documents", "m").unwrap(),
        ]);
        let mut asked = Vec::new();
        let matched = rules.first(
            |name| {
                asked.push(name);
                facts(name)
            },
            |rule, why| panic!("{}: {why}", rule.name),
        );
        assert_eq!(matched.map(|matched| matched.rule.to_string()).as_deref(), Some("three"));
        assert_eq!(asked, ["agent", "stream", "tokens"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let error = |condition: &str| Rule::new("r", condition, "m").err().unwrap().message;
        assert!(error("agent == ").starts_with("line 1 column "), "{}", error("agent == "));
        assert_eq!(error("agent = 'coder'"), "line 1 column 7: `=` is no operator; `==` compares");
        assert!(error("(agent").starts_with("line 1 column "), "{}", error("(agent"));
        assert!(error("tokenz > 5").starts_with("nothing is known of `tokenz`; there are: headers, key"));
    }

    #[test]
    fn what_cannot_be_decided_does_not_match_and_is_told() {
        for condition in [
            "headers.missing == \"x\"",
            "key.metadata.tier > 5",
            "key.metadata.tags",
            "agent.size() / 0 == 1",
        ] {
            let rules = Rules::new(vec![
                Rule::new("bad", condition, "m").unwrap(),
                Rule::new("good", "true", "n").unwrap(),
            ]);
            let mut failed = Vec::new();
            let matched = rules.first(facts, |rule, _| failed.push(rule.name.to_string()));
            assert_eq!(failed, ["bad"], "{condition}");
            assert_eq!(matched.unwrap().rule.as_ref(), "good");
        }
    }

    #[test]
    fn only_what_is_mentioned_is_found_out_and_once() {
        let rules = Rules::new(vec![
            Rule::new("a", "stream && tokens > 5", "m").unwrap(),
            Rule::new("b", "tokens > 5 || agent == \"x\"", "m").unwrap(),
        ]);
        let mut asked = Vec::new();
        rules.first(
            |name| {
                asked.push(name);
                Value::Bool(false)
            },
            |_, _| {},
        );
        asked.sort_unstable();
        assert_eq!(asked, ["agent", "stream", "tokens"]);
    }
}
