//! Names of tools: what a provider would refuse is shortened on the way there and put right on the way back. One name too
//! long, though nobody calls it, would cost the whole request.

use crate::chat::{ChatRequest, PartKind, Text, ToolChoice, ToolKind};
use crate::dialect::digest::digest;
use crate::dialect::{Dialect, ToolNames};
use std::collections::{HashMap, HashSet};

/// A name as it was sent, and as the client says it.
pub(super) type Renamed = (String, String);

impl ToolNames {
    fn allows(self, c: char) -> bool {
        c.is_ascii_alphanumeric() || "_-".contains(c) || self.also.contains(c)
    }

    fn starts_well(self, name: &str) -> bool {
        let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
        !self.starts_with_letter || name.starts_with(is_start)
    }

    /// The name that stands for one that is refused: as much of it as is allowed and room for, and a piece of its hash,
    /// which tells it from others that begin alike. It is the same in every request of a conversation.
    fn fitted(self, name: &str) -> Option<String> {
        if name.is_empty()
            || (name.len() <= self.longest && name.chars().all(|c| self.allows(c)) && self.starts_well(name))
        {
            return None;
        }
        let mut fitted = String::from(if self.starts_well(name) { "" } else { "_" });
        let allowed = name.chars().map(|c| if self.allows(c) { c } else { '_' });
        fitted.extend(allowed.take(self.longest.saturating_sub(10)));
        fitted.push('_');
        fitted.push_str(&digest(name, 4));
        Some(fitted)
    }
}

/// Shortens what this provider would refuse: among the tools, in the choice and in what was called before.
pub(super) fn fit(request: &mut ChatRequest<'_>, provider: Dialect) -> Vec<Renamed> {
    let Some(rule) = provider.shape().tool_names else { return Vec::new() };
    let mut renamed: Vec<Renamed> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    let mut fit = |name: &mut Text<'_>| {
        let said = name.to_str().into_owned();
        let Some(sent) = rule.fitted(&said) else { return };
        *name = Text::from(sent.clone());
        if known.insert(sent.clone()) {
            renamed.push((sent, said));
        }
    };
    for tool in &mut request.tools {
        match &mut tool.kind {
            ToolKind::Function(function) => fit(&mut function.name),
            // A function at some providers, which is what it becomes after this.
            ToolKind::Custom(custom) => fit(&mut custom.name),
            ToolKind::Search(_) | ToolKind::Other(_) => {}
        }
    }
    match &mut request.tool_choice {
        Some(ToolChoice::Named(name)) => fit(name),
        Some(ToolChoice::Allowed { names, .. }) => names.iter_mut().for_each(&mut fit),
        _ => {}
    }
    for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
        match &mut part.kind {
            PartKind::ToolCall(call) => fit(&mut call.name),
            PartKind::ToolResult(result) => result.name.iter_mut().for_each(&mut fit),
            _ => {}
        }
    }
    renamed
}

/// Names as the client says them, by what was sent.
#[derive(Debug, Default)]
pub(super) struct Said(HashMap<String, String>);

impl Said {
    pub(super) fn new(renamed: &[Renamed]) -> Self {
        Self(renamed.iter().cloned().collect())
    }

    /// The name as the client says it.
    pub(super) fn name<'t>(&self, name: Text<'t>) -> Text<'t> {
        if self.0.is_empty() {
            return name;
        }
        match self.0.get(&*name.to_str()) {
            Some(said) => Text::from(said.clone()),
            None => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(provider: Dialect, name: &str) -> Option<String> {
        provider.shape().tool_names.and_then(|rule| rule.fitted(name))
    }

    #[test]
    fn what_is_allowed_stays() {
        let long = "x".repeat(100);
        assert_eq!(fitted(Dialect::OpenaiChat, "mcp__files-2"), None);
        assert_eq!(fitted(Dialect::Anthropic, &long), None);
        assert_eq!(fitted(Dialect::Gemini, "files.read:v1"), None);
        assert_eq!(fitted(Dialect::Ollama, "files.read:v1"), None);
        assert_eq!(fitted(Dialect::Cohere, &format!("mcp__files-2_{long}")), None);
    }

    #[test]
    fn what_is_refused_is_told_apart_by_its_hash() {
        let long = "x".repeat(100);
        let [one, other] = ["a", "b"].map(|end| fitted(Dialect::Bedrock, &format!("{long}{end}")).unwrap());
        assert!(one != other && one.len() <= 64 && other.len() <= 64, "{one} {other}");
        let [one, other] = ["f.r", "f:r"].map(|name| fitted(Dialect::Bedrock, name).unwrap());
        assert!(one != other && one.starts_with("f_r_") && other.starts_with("f_r_"), "{one} {other}");
        assert!(fitted(Dialect::Gemini, "2nd").unwrap().starts_with("_2nd_"));
        assert!(fitted(Dialect::Cohere, "files.read").unwrap().starts_with("files_read_"));
        let longest = fitted(Dialect::Gemini, &format!("2{long}")).unwrap();
        assert!(longest.len() <= 64, "{longest}");
    }
}
