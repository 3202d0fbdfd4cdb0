//! An answer that was asked for as the property of an object: on the way back the property is all of it.

use crate::chat::{ChatResponse, Delta, Event, PartKind, PartStart, Text};
use crate::dialect::schema::ANSWER;
use std::collections::HashMap;

/// Bytes of a word that wait for its end, at most: no schema lists longer ones.
const LONGEST_WORD: usize = 64 << 10;

/// What the client gets of the property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapped {
    /// Its value, as JSON.
    Value,
    /// The text that it is.
    Word,
}

impl Wrapped {
    /// Takes the property out of the texts of a whole answer.
    pub(super) fn settle(self, response: &mut ChatResponse<'_>) {
        for part in response.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
            if let PartKind::Text(text) = &mut part.kind {
                let (mut reader, mut out) = (Reader::new(self), String::new());
                reader.push(&text.to_str(), &mut out);
                reader.end(&mut out);
                *text = Text::from(out);
            }
        }
    }
}

/// Takes it out of the texts of a stream.
#[derive(Debug)]
pub(super) struct Unwrapping {
    wrapped: Wrapped,
    /// The text that is open, by choice.
    open: HashMap<u32, Reader>,
}

impl Unwrapping {
    pub(super) fn new(wrapped: Wrapped) -> Self {
        Self { wrapped, open: HashMap::new() }
    }

    /// Sends the event, or what is left of it.
    pub(super) fn pass(&mut self, event: Event<'_>, send: &mut impl FnMut(Event<'_>)) {
        let mut out = String::new();
        match event {
            Event::PartStart { choice, part } => {
                if part == PartStart::Text {
                    self.open.insert(choice, Reader::new(self.wrapped));
                } else {
                    self.open.remove(&choice);
                }
                send(Event::PartStart { choice, part });
            }
            Event::Delta { choice, delta: Delta::Text(text) } => {
                let Some(reader) = self.open.get_mut(&choice) else {
                    return send(Event::Delta { choice, delta: Delta::Text(text) });
                };
                reader.push(&text.to_str(), &mut out);
                if !out.is_empty() {
                    send(Event::Delta { choice, delta: Delta::Text(Text::from(out)) });
                }
            }
            Event::PartStop { choice } => {
                if let Some(mut reader) = self.open.remove(&choice) {
                    reader.end(&mut out);
                }
                if !out.is_empty() {
                    send(Event::Delta { choice, delta: Delta::Text(Text::from(out)) });
                }
                send(Event::PartStop { choice });
            }
            event => send(event),
        }
    }
}

/// Reads one text, however it is cut. What is no such object passes as it is: models talk, too.
#[derive(Debug)]
struct Reader {
    wrapped: Wrapped,
    at: At,
    /// What was read and not yet told.
    held: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the value; so many characters of what leads to it were read.
    Head(usize),
    /// In the value, within so many lists and objects.
    Value(usize),
    /// In a string of the value.
    String(usize),
    /// Behind a backslash in it.
    Escape(usize),
    /// Behind the value.
    Done,
    /// The text is not what was asked for.
    Plain,
}

impl Reader {
    fn new(wrapped: Wrapped) -> Self {
        Self { wrapped, at: At::Head(0), held: String::new() }
    }

    fn push(&mut self, text: &str, out: &mut String) {
        for c in text.chars() {
            match self.at {
                At::Head(read) => self.head(c, read, out),
                At::Plain => out.push(c),
                At::Done => {}
                _ => self.value(c, out),
            }
        }
    }

    fn head(&mut self, c: char, read: usize, out: &mut String) {
        self.held.push(c);
        let key = ANSWER.len();
        let wanted = match read {
            0 => Some('{'),
            1 => Some('"'),
            _ if read == key.saturating_add(2) => Some('"'),
            _ if read == key.saturating_add(3) => Some(':'),
            _ => ANSWER.chars().nth(read.saturating_sub(2)),
        };
        let in_key = (2..=key.saturating_add(2)).contains(&read);
        if wanted == Some(c) {
            self.at = At::Head(read.saturating_add(1));
            if read == key.saturating_add(3) {
                self.at = At::Value(0);
                self.held.clear();
            }
        } else if in_key || !c.is_ascii_whitespace() {
            self.at = At::Plain;
            out.push_str(&std::mem::take(&mut self.held));
        }
    }

    fn value(&mut self, c: char, out: &mut String) {
        let (next, is_told) = match (self.at, c) {
            (At::Escape(depth), _) | (At::Value(depth), '"') => (At::String(depth), true),
            (At::String(depth), '\\') => (At::Escape(depth), true),
            (At::String(0), '"') | (At::Value(1), '}' | ']') => (At::Done, true),
            (At::String(depth), '"') => (At::Value(depth), true),
            (At::Value(depth), '{' | '[') => (At::Value(depth.saturating_add(1)), true),
            // Behind a number or a word.
            (At::Value(0), '}' | ']' | ',') => (At::Done, false),
            (At::Value(depth), '}' | ']') => (At::Value(depth.saturating_sub(1)), true),
            (At::Value(0), space) if space.is_ascii_whitespace() => (At::Value(0), false),
            (at, _) => (at, true),
        };
        self.at = next;
        if is_told {
            self.tell(c, out);
        }
        if next == At::Done {
            self.end(out);
        }
    }

    fn tell(&mut self, c: char, out: &mut String) {
        if self.wrapped == Wrapped::Value || self.held.len() > LONGEST_WORD {
            out.push_str(&std::mem::take(&mut self.held));
            out.push(c);
        } else {
            self.held.push(c);
        }
    }

    /// Tells what is held: a word without its quotes.
    fn end(&mut self, out: &mut String) {
        let held = std::mem::take(&mut self.held);
        let word = serde_json::from_str(&held).ok().filter(|_: &String| self.at == At::Done);
        out.push_str(word.as_deref().unwrap_or(&held));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwrapped(wrapped: Wrapped, text: &str) -> String {
        let (mut reader, mut whole) = (Reader::new(wrapped), String::new());
        reader.push(text, &mut whole);
        reader.end(&mut whole);
        let (mut reader, mut cut) = (Reader::new(wrapped), String::new());
        text.chars().for_each(|c| reader.push(c.encode_utf8(&mut [0; 4]), &mut cut));
        reader.end(&mut cut);
        assert_eq!(whole, cut);
        whole
    }

    #[test]
    fn the_property_is_the_answer() {
        for value in [r#"[{"a":"]}\""},[]]"#, r#""a \"b\" }""#, "7", "null", "{\"a\": {}}", "-1.5e3"] {
            assert_eq!(unwrapped(Wrapped::Value, &format!("{{\"answer\":{value}}}")), value);
            assert_eq!(unwrapped(Wrapped::Value, &format!(" {{\n \"answer\" : {value}\n}}\n")), value);
        }
        assert_eq!(unwrapped(Wrapped::Word, r#"{"answer": "r\u00fcck"}"#), "r\u{fc}ck");
    }

    #[test]
    fn what_is_something_else_passes() {
        for text in ["", "{", "No.", "{\"answers\": 1}", "{\"a\":1}", "{ \"ans wer\":1}", "{\"answer\" 1}"] {
            assert_eq!(unwrapped(Wrapped::Value, text), text);
            assert_eq!(unwrapped(Wrapped::Word, text), text);
        }
        // The answer was cut off.
        assert_eq!(unwrapped(Wrapped::Value, "{\"answer\":[1,"), "[1,");
        assert_eq!(unwrapped(Wrapped::Word, "{\"answer\":\"a"), "\"a");
    }
}
