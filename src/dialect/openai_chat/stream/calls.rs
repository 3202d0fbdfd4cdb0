//! Tool calls of a stream, one after the other.
//!
//! OpenAI's chunks may interleave calls by their index; the hub's events may not. The first call streams through at
//! once; one that begins while another is open waits until that one's arguments are a complete JSON value, or the
//! answer ends.

use crate::chat::{Delta, Event, EventSink, PartStart, Text};

/// Bytes of arguments that wait their turn, at most, over all calls of a choice. Providers limit a whole answer to
/// some hundred thousand tokens; more than this is no answer.
const MOST_WAITING: usize = 16 << 20;

/// Calls of one answer, at most: the OpenAI API itself takes 128 tools.
const MOST_CALLS: usize = 4096;

/// The calls cannot be put in order: more waits than a stream may make us keep, or a call went on after it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unordered;

/// The tool calls of one choice.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// The calls in the order they began.
    list: Vec<Call>,
    /// The first call that is not complete: the open one, if it began already.
    current: usize,
    waiting: usize,
}

/// What is added to a call.
#[derive(Debug)]
pub(super) struct Addition<'a> {
    pub(super) index: Option<u32>,
    pub(super) id: Option<&'a Text<'a>>,
    pub(super) name: Option<&'a Text<'a>>,
    /// Of a custom tool: the arguments are free text.
    pub(super) is_custom: bool,
    pub(super) arguments: Text<'a>,
}

#[derive(Debug)]
struct Call {
    /// Its index on the wire; several calls share one with providers that number none of them.
    index: u32,
    id: String,
    name: String,
    /// Its `PartStart` was sent.
    started: bool,
    is_custom: bool,
    value: Value,
    held: String,
}

impl Calls {
    /// Whether there was any.
    pub(super) fn any(&self) -> bool {
        self.list.iter().any(|call| !call.name.is_empty())
    }

    /// Whether one has begun and its arguments are not complete.
    pub(super) fn are_open(&self) -> bool {
        self.list.get(self.current).is_some_and(|call| !call.is_complete())
    }

    /// Takes one addition. The sink's text part, if one was open, is closed already.
    pub(super) fn push<S: EventSink>(
        &mut self,
        choice: u32,
        more: &Addition<'_>,
        sink: &mut S,
    ) -> Result<(), Unordered> {
        let id = more.id.map(Text::to_str).unwrap_or_default();
        let name = more.name.map(Text::to_str).unwrap_or_default();
        let text = more.arguments.to_str();
        let at = self.find(more.index, &id, &name, &text).ok_or(Unordered)?;
        let current = self.current;
        let Some(call) = self.list.get_mut(at) else { return Err(Unordered) };
        // Something else came since and closed it: the order cannot be kept any more, unless it says nothing.
        if at < current {
            return if text.trim().is_empty() { Ok(()) } else { Err(Unordered) };
        }
        if call.id.is_empty() {
            call.id.push_str(&id);
        }
        call.is_custom |= more.is_custom;
        // A name may come in pieces; some say the whole of it again each time.
        if !call.started && call.name != *name {
            call.name.push_str(&name);
        }
        call.value.scan(&text);
        if at == current && call.held.is_empty() && !call.name.is_empty() && !text.is_empty() {
            call.start(choice, sink);
            let delta = Delta::Arguments(more.arguments.clone());
            sink.event(Event::Delta { choice, delta });
        } else {
            self.waiting = self.waiting.saturating_add(text.len());
            if self.waiting > MOST_WAITING {
                return Err(Unordered);
            }
            call.held.push_str(&text);
        }
        self.advance(choice, false, sink);
        Ok(())
    }

    /// Which call an addition belongs to: the last one with its index, unless it brings an id of its own; a new one
    /// where there is none. Without an index, the id decides, and without an id the last call. To a call that is
    /// complete nothing is added: a name and arguments without an id are another.
    fn find(&mut self, index: Option<u32>, id: &str, name: &str, arguments: &str) -> Option<usize> {
        let is_whole = id.is_empty() && !name.is_empty() && !arguments.trim().is_empty();
        let other = |call: &Call| {
            let has_other_id = !id.is_empty() && !call.id.is_empty() && call.id != id;
            has_other_id || (is_whole && call.is_complete())
        };
        let found = match index {
            Some(index) => self.list.iter().rposition(|call| call.index == index),
            None if !id.is_empty() => self.list.iter().rposition(|call| call.id == id),
            // A name again begins another call.
            None if !name.is_empty() => None,
            None => self.list.len().checked_sub(1),
        };
        if let Some(at) = found
            && !self.list.get(at).is_some_and(other)
        {
            return Some(at);
        }
        if self.list.len() >= MOST_CALLS {
            return None;
        }
        let next = || u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(Call {
            index: index.unwrap_or_else(next),
            id: String::new(),
            name: String::new(),
            started: false,
            is_custom: false,
            value: Value::default(),
            held: String::new(),
        });
        self.list.len().checked_sub(1)
    }

    /// Lets waiting calls through: while the open one is complete (or `all`), it is closed and the next begins.
    fn advance<S: EventSink>(&mut self, choice: u32, all: bool, sink: &mut S) {
        loop {
            let is_last = self.current.saturating_add(1) >= self.list.len();
            let Some(call) = self.list.get_mut(self.current) else { return };
            if call.name.is_empty() {
                if !all {
                    return;
                }
                sink.event(Event::Lost("a tool call without a name"));
                self.current = self.current.saturating_add(1);
                continue;
            }
            let goes_on = !all && (is_last || !call.is_complete());
            // Until its arguments begin, its name may go on.
            if goes_on && call.held.is_empty() {
                return;
            }
            call.start(choice, sink);
            if !call.held.is_empty() {
                self.waiting = self.waiting.saturating_sub(call.held.len());
                let held = std::mem::take(&mut call.held);
                sink.event(Event::Delta { choice, delta: Delta::Arguments(Text::from(held)) });
            }
            if goes_on {
                return;
            }
            sink.event(Event::PartStop { choice });
            self.current = self.current.saturating_add(1);
        }
    }

    /// Ends all calls: what waits is sent.
    pub(super) fn close<S: EventSink>(&mut self, choice: u32, sink: &mut S) {
        self.advance(choice, true, sink);
    }
}

impl Call {
    /// Whether nothing can follow. Of free text nobody knows.
    fn is_complete(&self) -> bool {
        !self.is_custom && self.value.is_complete()
    }

    fn start<S: EventSink>(&mut self, choice: u32, sink: &mut S) {
        if !std::mem::replace(&mut self.started, true) {
            let (id, name) = (Text::from(&*self.id), Text::from(&*self.name));
            let part = if self.is_custom {
                PartStart::CustomCall { id, name }
            } else {
                PartStart::ToolCall { id, name }
            };
            sink.event(Event::PartStart { choice, part });
        }
    }
}

/// How far a JSON object that comes in pieces has come.
#[derive(Debug, Clone, Copy, Default)]
struct Value {
    depth: u32,
    in_string: bool,
    escaped: bool,
    complete: bool,
}

impl Value {
    fn scan(&mut self, piece: &str) {
        for byte in piece.bytes() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.complete = self.depth == 0;
                }
                _ => {}
            }
        }
    }

    fn is_complete(self) -> bool {
        self.complete && self.depth == 0 && !self.in_string
    }
}
