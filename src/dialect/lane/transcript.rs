//! What a stream generated, kept for the audit line.

use crate::chat::{Delta, Event, PartStart};
use crate::wire::json::object;

/// Bytes of generated text kept of one answer, ids and names of calls included; what comes after is cut off.
const MOST: usize = 1 << 20;

/// What the first choice of an answer says, gathered from its events.
#[derive(Debug)]
pub(super) struct Transcript {
    text: String,
    thinking: String,
    refusal: String,
    calls: Vec<Call>,
    /// The open part is a refusal.
    refuses: bool,
    room: usize,
    is_cut: bool,
}

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    arguments: String,
}

impl Default for Transcript {
    fn default() -> Self {
        Self {
            text: String::new(),
            thinking: String::new(),
            refusal: String::new(),
            calls: Vec::new(),
            refuses: false,
            room: MOST,
            is_cut: false,
        }
    }
}

impl Transcript {
    /// Takes what an event adds.
    pub(super) fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::PartStart { choice: 0, part } => {
                self.refuses = matches!(part, PartStart::Refusal);
                if let PartStart::ToolCall { id, name } | PartStart::CustomCall { id, name } = part {
                    self.call(&id.to_str(), &name.to_str());
                }
            }
            Event::Delta { choice: 0, delta } => {
                let (text, place) = match delta {
                    Delta::Text(text) if self.refuses => (text, &mut self.refusal),
                    Delta::Text(text) => (text, &mut self.text),
                    Delta::Thinking(text) => (text, &mut self.thinking),
                    Delta::Arguments(text) => match self.calls.last_mut() {
                        Some(call) => (text, &mut call.arguments),
                        None => return,
                    },
                    Delta::Signature(_) => return,
                };
                let text = text.to_str();
                let fits = text.floor_char_boundary(self.room);
                place.push_str(text.get(..fits).unwrap_or_default());
                self.spend(text.len());
            }
            _ => {}
        }
    }

    fn call(&mut self, id: &str, name: &str) {
        let length = id.len().saturating_add(name.len());
        if length <= self.room {
            self.calls.push(Call { id: id.to_owned(), name: name.to_owned(), arguments: String::new() });
        }
        self.spend(length);
    }

    /// Once something did not fit nothing does: a transcript has no holes.
    fn spend(&mut self, length: usize) {
        self.is_cut |= length > self.room;
        self.room = if self.is_cut { 0 } else { self.room.saturating_sub(length) };
    }

    /// The transcript as JSON: `{"text","thinking"?,"tool_calls"?:[{"id","name","arguments"}],"refusal"?,"truncated"?}`.
    pub(super) fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(MOST.saturating_sub(self.room).saturating_add(64));
        object(&mut out, |o| {
            o.str("text", &self.text);
            if !self.thinking.is_empty() {
                o.str("thinking", &self.thinking);
            }
            if !self.calls.is_empty() {
                o.array("tool_calls", |list| {
                    for call in &self.calls {
                        list.object(|o| {
                            o.str("id", &call.id);
                            o.str("name", &call.name);
                            o.str("arguments", &call.arguments);
                        });
                    }
                });
            }
            if !self.refusal.is_empty() {
                o.str("refusal", &self.refusal);
            }
            if self.is_cut {
                o.bool("truncated", true);
            }
        });
        // The writer only ever appends whole strings.
        String::from_utf8(out).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Text;
    use serde_json::{Value, json};

    fn delta(delta: Delta<'_>) -> Event<'_> {
        Event::Delta { choice: 0, delta }
    }

    fn of(events: &[Event<'_>]) -> Value {
        let mut transcript = Transcript::default();
        for event in events {
            transcript.take(event);
        }
        serde_json::from_str(&transcript.to_json()).unwrap()
    }

    #[test]
    fn each_kind_has_its_place() {
        let start = |part| Event::PartStart { choice: 0, part };
        let said = of(&[
            start(PartStart::Thinking),
            delta(Delta::Thinking("hm".into())),
            delta(Delta::Signature("sig".into())),
            start(PartStart::Text),
            delta(Delta::Text("a".into())),
            delta(Delta::Text("b".into())),
            Event::Delta { choice: 1, delta: Delta::Text("another choice".into()) },
            start(PartStart::ToolCall { id: "1".into(), name: "f".into() }),
            delta(Delta::Arguments("{\"x\":".into())),
            delta(Delta::Arguments("1}".into())),
            start(PartStart::Refusal),
            delta(Delta::Text("no".into())),
        ]);
        let calls = json!([{"id": "1", "name": "f", "arguments": "{\"x\":1}"}]);
        assert_eq!(said, json!({"text": "ab", "thinking": "hm", "tool_calls": calls, "refusal": "no"}));
        assert_eq!(of(&[]), json!({"text": ""}));
    }

    #[test]
    fn what_does_not_fit_is_cut_and_marked() {
        let most = "x".repeat(MOST - 1);
        let said = of(&[delta(Delta::Text(Text::plain(&*most))), delta(Delta::Text("\u{e9}y".into()))]);
        assert_eq!(said["text"].as_str().map(str::len), Some(MOST - 1));
        assert_eq!(said["truncated"], true);
        let said = of(&[delta(Delta::Text(Text::plain(&*most))), delta(Delta::Text("y".into()))]);
        assert_eq!((said["text"].as_str().map(str::len), &said["truncated"]), (Some(MOST), &Value::Null));
    }
}
