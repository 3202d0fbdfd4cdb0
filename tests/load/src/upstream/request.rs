//! What a simulated provider reads of a request, and what it refuses.

use crate::exchange::{Dialect, Marker, Rule};
use crate::wire::RequestHead;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A request that was found good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) id: u64,
    pub(crate) dialect: Dialect,
    pub(crate) rule: Rule,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
}

impl Asked {
    /// Reads a request; the error says what a real provider would mind, or how it differs from what the client sent.
    pub(crate) fn read(head: &RequestHead, body: &[u8]) -> Result<Self, String> {
        let (dialect, key) = if head.path == Dialect::OpenAi.path() {
            (Dialect::OpenAi, &head.bearer)
        } else if head.path == Dialect::Anthropic.path() {
            (Dialect::Anthropic, &head.x_api_key)
        } else {
            return Err(format!("no such path: {}", head.path));
        };
        if key.as_deref() != Some(dialect.provider_key()) {
            return Err(format!("{}: a wrong key", dialect.name()));
        }
        if let Some(name) = &head.leaked {
            return Err(format!("{}: the header {name} reached the provider", dialect.name()));
        }
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| format!("{}: {error} in the body", dialect.name()))?;
        if dialect == Dialect::Anthropic && (!head.has_anthropic_version || body.max_tokens.is_none()) {
            return Err("anthropic: no anthropic-version or no max_tokens".to_owned());
        }
        let rule = Rule::of_model(&body.model).ok_or_else(|| format!("no such model: {}", body.model))?;
        let mut text = body.system.unwrap_or_default();
        for message in body.messages {
            text.bytes += message.content.bytes;
            text.marker = text.marker.or(message.content.marker);
        }
        let marker = text.marker.ok_or("no marker in the prompt")?;
        if marker.text_bytes != text.bytes {
            return Err(format!("{} bytes of text where {} were sent", text.bytes, marker.text_bytes));
        }
        let include_usage = body.stream_options.is_some_and(|options| options.include_usage);
        Ok(Self { id: marker.id, dialect, rule, stream: body.stream, include_usage })
    }
}

/// The fields of either dialect that matter here; the rest is checked for syntax alone.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    messages: Vec<Message>,
    system: Option<Text>,
    #[serde(default)]
    stream: bool,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct Message {
    content: Text,
}

/// Text as a string or as blocks, measured instead of kept.
#[derive(Debug, Default, Clone, Copy)]
struct Text {
    bytes: usize,
    marker: Option<Marker>,
}

impl Text {
    fn of(text: &str) -> Self {
        Self { bytes: text.len(), marker: Marker::read(text) }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or blocks of text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text::of(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut blocks: A) -> Result<Text, A::Error> {
        let mut whole = Text::default();
        while let Some(block) = blocks.next_element::<Text>()? {
            whole.bytes += block.bytes;
            whole.marker = whole.marker.or(block.marker);
        }
        Ok(whole)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut block: A) -> Result<Text, A::Error> {
        let mut text = Text::default();
        while let Some(name) = block.next_key::<Cow<'de, str>>()? {
            if name == "text" {
                text = block.next_value()?;
            } else {
                block.next_value::<IgnoredAny>()?;
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(path: &str) -> RequestHead {
        RequestHead {
            path: path.to_owned(),
            framing: crate::wire::Framing::Length(0),
            bearer: Some(Dialect::OpenAi.provider_key().to_owned()),
            x_api_key: Some(Dialect::Anthropic.provider_key().to_owned()),
            has_anthropic_version: true,
            leaked: None,
        }
    }

    #[test]
    fn both_shapes_of_text_count_the_same() {
        let marker = Marker { id: 5, text_bytes: Marker::LENGTH + 9 }.write();
        let openai = format!(
            r#"{{"messages":[{{"role":"system","content":"a\nb"}},{{"role":"user","content":"{marker}cdefgh"}}],"model":"sim"}}"#
        );
        let anthropic = format!(
            r#"{{"max_tokens":5,"system":[{{"type":"text","text":"a\nb"}}],"messages":[{{"role":"user","content":[{{"type":"text","text":"{marker}cdefgh"}}]}}],"model":"sim"}}"#
        );
        let one = Asked::read(&head("/v1/chat/completions"), openai.as_bytes()).unwrap();
        let two = Asked::read(&head("/v1/messages"), anthropic.as_bytes()).unwrap();
        assert_eq!((one.id, two.id), (5, 5));
        assert_eq!((one.rule, two.dialect), (Rule::Answer, Dialect::Anthropic));
    }

    #[test]
    fn a_lost_byte_is_refused() {
        let marker = Marker { id: 5, text_bytes: Marker::LENGTH + 9 }.write();
        let body = format!(r#"{{"messages":[{{"role":"user","content":"{marker}cdefgh"}}],"model":"sim"}}"#);
        let refusal = Asked::read(&head("/v1/chat/completions"), body.as_bytes()).unwrap_err();
        assert!(refusal.contains("bytes of text where"), "{refusal}");
    }
}
