//! A search of the web that the provider does itself.

use super::{Extra, Failure, Json, Losses, Text, Tool, ToolKind};
use crate::wire::json::{Object, members};
use serde_json::value::RawValue;
use std::fmt::Write as _;

/// A search of the web on offer to the model, in neutral words. What is not said is up to the provider.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    /// The client's field for it where that is none of its tools (`web_search_options`: OpenAI's chat completions).
    pub field: Option<&'static str>,
    /// How often the model may search.
    pub max_uses: Option<u64>,
    /// The client's field for that where it is none of the tool's (`max_tool_calls`: OpenAI's Responses).
    pub max_uses_field: Option<&'static str>,
    /// How much of what was found the model gets to read (`low`, `medium`, `high`: OpenAI).
    pub size: Option<Text<'static>>,
    /// Nothing but these domains is searched.
    pub allowed: Vec<Text<'static>>,
    /// These domains are not.
    pub blocked: Vec<Text<'static>>,
    /// About where the user is: `city`, `region`, `country`, `timezone`, each with its value.
    pub place: Vec<(Text<'static>, Json<'static>)>,
    /// Fields that the client's dialect alone knows, by name.
    pub rest: Vec<String>,
}

/// How often the model may search, as Anthropic calls it.
const MAX_USES: &str = "max_uses";

impl Search {
    /// The name by which a choice of tools names it.
    pub const NAME: &str = "web_search";

    /// Whether a function on offer has its name.
    pub fn has_namesake(tools: &[Tool<'_>]) -> bool {
        let is_one =
            |kind: &ToolKind<'_>| matches!(kind, ToolKind::Function(function) if function.name == Self::NAME);
        tools.iter().any(|tool| is_one(&tool.kind))
    }

    /// A list of domains as it is kept.
    pub fn domains(said: Option<Vec<Text<'_>>>) -> Vec<Text<'static>> {
        said.unwrap_or_default().into_iter().map(Text::into_owned).collect()
    }

    /// Writes a list of domains, where there are any.
    pub fn write_domains(o: &mut Object<'_>, key: &str, domains: &[Text<'_>]) {
        if !domains.is_empty() {
            o.array(key, |list| domains.iter().for_each(|domain| list.text(domain)));
        }
    }

    /// Reads about where the user is: the same words everywhere, and beside them a type of which there is one. `None`
    /// where that is no object.
    pub fn read_place(place: Option<&RawValue>) -> Option<Vec<(Text<'static>, Json<'static>)>> {
        let Some(place) = place.filter(|place| place.get() != "null") else { return Some(Vec::new()) };
        let found = members(place.get().as_bytes()).ok()?;
        let said = found.fields.iter().filter(|member| member.key != "type" && member.value.get() != "null");
        let owned = |key: &str, value: &str| (Text::from(key.to_owned()), Json::trusted(value.to_owned()));
        Some(said.map(|member| owned(&member.key, member.value.get())).collect())
    }

    /// Writes about where the user is.
    pub fn write_place(&self, o: &mut Object<'_>) {
        o.word("type", "approximate");
        for (key, value) in &self.place {
            o.key(&key.to_str()).extend_from_slice(value.as_str().as_bytes());
        }
    }

    /// Notes fields that only the client's dialect knows.
    pub fn keep_rest(&mut self, base: &str, extra: &Extra<'_>) {
        let said = extra.iter().filter(|(_, value)| !matches!(value.get(), "null" | "[]" | "{}"));
        self.rest.extend(said.map(|(name, _)| format!("{base}{name}")));
    }

    /// The path of the search in the client's body, where it is the tool of this index.
    pub fn path(&self, index: usize) -> String {
        self.field.map_or_else(|| format!("tools[{index}]"), str::to_owned)
    }

    /// Reports what the provider's own search cannot be told: of `fields` those that were said, and all that nobody
    /// but the client's dialect knows.
    ///
    /// # Errors
    /// 400 that names the field, where losses are refused.
    pub fn lose(&self, index: usize, fields: &[&str], why: &str, losses: &mut Losses) -> Result<(), Failure> {
        let said = [
            (MAX_USES, self.max_uses.is_some()),
            ("search_context_size", self.size.is_some()),
            ("allowed_domains", !self.allowed.is_empty()),
            ("blocked_domains", !self.blocked.is_empty()),
            ("user_location", !self.place.is_empty()),
        ];
        let unknown = said.iter().filter(|(name, is_said)| *is_said && fields.contains(name));
        let mut path = self.path(index);
        let length = path.len();
        for name in unknown.map(|(name, _)| *name).chain(self.rest.iter().map(String::as_str)) {
            if let (MAX_USES, Some(field)) = (name, self.max_uses_field) {
                losses.lost(field, why)?;
                continue;
            }
            path.truncate(length);
            // A String takes every write.
            let _ = write!(path, ".{name}");
            losses.lost(&path, why)?;
        }
        Ok(())
    }
}
