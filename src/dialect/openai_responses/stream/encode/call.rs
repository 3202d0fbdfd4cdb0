//! A call of a tool towards the client: of a function, or of a custom tool.

use super::events::{ADDED, Events, Place, literal};
use crate::chat::Text;
use crate::wire::json::object;

/// An open call.
#[derive(Debug)]
pub(super) struct Call {
    id: String,
    /// Its item up to what it is called with.
    head: Vec<u8>,
    /// What it is called with, as it stands within quotes.
    arguments: Vec<u8>,
    kind: &'static Kind,
}

/// What a kind of call is called.
#[derive(Debug)]
pub(super) struct Kind {
    name: &'static str,
    /// What ids of its items begin with.
    pub(super) prefix: &'static str,
    /// The field for what it is called with, and the events about it.
    field: &'static str,
    delta: &'static str,
    done: &'static str,
    /// What stands for nothing.
    empty: &'static str,
}

/// A call of a function. Without arguments it has an empty object of them: clients parse what they collected.
pub(super) const FUNCTION: Kind = Kind {
    name: "function_call",
    prefix: "fc",
    field: "arguments",
    delta: "response.function_call_arguments.delta",
    done: "response.function_call_arguments.done",
    empty: "{}",
};

/// A call of a custom tool, which takes text.
pub(super) const CUSTOM: Kind = Kind {
    name: "custom_tool_call",
    prefix: "ctc",
    field: "input",
    delta: "response.custom_tool_call_input.delta",
    done: "response.custom_tool_call_input.done",
    empty: "",
};

impl Call {
    /// Begins a call, and tells the client.
    pub(super) fn begin(
        kind: &'static Kind,
        id: String,
        (call_id, name): (&Text<'_>, &Text<'_>),
        index: u64,
        events: &mut Events,
        out: &mut Vec<u8>,
    ) -> Self {
        let mut head = Vec::new();
        object(&mut head, |o| {
            o.word("type", kind.name);
            o.str("id", &id);
            o.text("call_id", call_id);
            o.text("name", name);
        });
        // It is left open for what differs between its beginning and its end.
        head.pop();
        let call = Self { id, head, arguments: Vec::new(), kind };
        events.item(out, ADDED, index, |out| call.write(out, "in_progress"));
        call
    }

    /// How many bytes are kept of it.
    pub(super) fn kept(&self) -> usize {
        self.arguments.len()
    }

    /// More of what it is called with.
    pub(super) fn arguments(&mut self, text: &Text<'_>, index: u64, events: &mut Events, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        text.write_content(&mut self.arguments);
        events.about_item(out, self.kind.delta, Place { id: &self.id, index }, |o| o.text("delta", text));
    }

    /// Its item.
    pub(super) fn close(
        mut self,
        status: &'static str,
        index: u64,
        events: &mut Events,
        out: &mut Vec<u8>,
    ) -> Vec<u8> {
        let (kind, empty) = (self.kind, self.kind.empty);
        if self.arguments.is_empty() && !empty.is_empty() {
            self.arguments.extend_from_slice(empty.as_bytes());
            events.about_item(out, kind.delta, Place { id: &self.id, index }, |o| o.word("delta", empty));
        }
        events.about_item(out, kind.done, Place { id: &self.id, index }, |o| {
            literal(o, kind.field, &self.arguments);
        });
        let mut item = Vec::new();
        self.write(&mut item, status);
        item
    }

    fn write(&self, out: &mut Vec<u8>, status: &'static str) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(format!(",\"{}\":\"", self.kind.field).as_bytes());
        out.extend_from_slice(&self.arguments);
        out.extend_from_slice(format!("\",\"status\":\"{status}\"}}").as_bytes());
    }
}
