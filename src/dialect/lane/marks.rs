//! Marks on the proofs of other makers' thoughts ([`signature`]), for clients in whose dialect a proof stands where
//! Claude's own does. Claude's makers answer 400 to any other proof, and to none: a conversation that goes on with them
//! has to show which thoughts are not theirs.

use crate::chat::{ChatResponse, Delta, Event, PartKind, PartStart, Text};
use crate::dialect::signature::{self, Kind};
use crate::dialect::{Dialect, gemini};

/// Who marks, and for whom.
#[derive(Debug, Clone, Copy)]
struct Pen {
    client: Dialect,
    maker: Dialect,
}

impl Pen {
    /// `None` where nothing is marked here: the proofs are the client's dialect's own, or its encoder marks them.
    fn new(client: Dialect, maker: Dialect) -> Option<Self> {
        let marks = match client {
            Dialect::Anthropic | Dialect::Bedrock => true,
            // What stands unmarked there is taken for Claude's or Gemini's.
            Dialect::OpenaiChat => maker == Dialect::OpenaiResponses,
            _ => false,
        };
        (marks && !signature::alike(client, maker)).then_some(Self { client, maker })
    }

    fn mark(self, kind: Kind, proof: &Text<'_>) -> Text<'static> {
        match (self.client, kind) {
            // Bedrock's is a field of bytes.
            (Dialect::Bedrock, Kind::Redacted) => {
                Text::from(gemini::signature::wrap(self.maker, kind, proof))
            }
            _ => signature::marked(self.maker, kind, proof),
        }
    }

    /// What a thought without a proof gets: in Anthropic's dialect the field is required.
    fn unproven(self) -> Option<Text<'static>> {
        (self.client == Dialect::Anthropic).then(|| self.mark(Kind::Thinking, &Text::default()))
    }
}

/// Marks the thoughts of a whole answer.
pub(super) fn mark(client: Dialect, response: &mut ChatResponse<'_>) {
    let Some(pen) = Pen::new(client, response.origin) else { return };
    for part in response.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
        match &mut part.kind {
            PartKind::Thinking(thinking) if thinking.text.is_empty() && thinking.signature.is_none() => {}
            PartKind::Thinking(thinking) => {
                let proof = thinking.signature.take().filter(|proof| !proof.is_empty());
                thinking.signature =
                    proof.map_or_else(|| pen.unproven(), |proof| Some(pen.mark(Kind::Thinking, &proof)));
            }
            PartKind::RedactedThinking(data) => *data = pen.mark(Kind::Redacted, data),
            _ => {}
        }
    }
}

/// Marks the thoughts of a stream.
#[derive(Debug)]
pub(super) struct Marks {
    pen: Pen,
    thought: Thought,
}

/// What is known of the thought that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thought {
    /// None is open.
    None,
    /// It has said nothing.
    Unsaid,
    /// It has said something, and nothing proves it yet.
    Unproven,
    /// Its proof has begun.
    Proven,
}

impl Marks {
    /// `None` where nothing is marked here.
    pub(super) fn new(client: Dialect, maker: Dialect) -> Option<Self> {
        Pen::new(client, maker).map(|pen| Self { pen, thought: Thought::None })
    }

    /// The event with its mark, and what has to be said before it.
    pub(super) fn pass<'e>(&mut self, event: Event<'e>) -> (Option<Event<'static>>, Event<'e>) {
        match event {
            Event::PartStart { choice: 0, part } => {
                let before = self.close();
                let part = match part {
                    PartStart::RedactedThinking(data) => {
                        PartStart::RedactedThinking(self.pen.mark(Kind::Redacted, &data))
                    }
                    part => part,
                };
                if part == PartStart::Thinking {
                    self.thought = Thought::Unsaid;
                }
                (before, Event::PartStart { choice: 0, part })
            }
            Event::Delta { choice: 0, delta: Delta::Signature(proof) } if !proof.is_empty() => {
                // A proof in pieces has one mark.
                let proof = match std::mem::replace(&mut self.thought, Thought::Proven) {
                    Thought::Proven => proof,
                    _ => self.pen.mark(Kind::Thinking, &proof),
                };
                (None, Event::Delta { choice: 0, delta: Delta::Signature(proof) })
            }
            Event::Delta { choice: 0, delta: Delta::Thinking(text) } => {
                if self.thought == Thought::Unsaid && !text.is_empty() {
                    self.thought = Thought::Unproven;
                }
                (None, Event::Delta { choice: 0, delta: Delta::Thinking(text) })
            }
            event @ (Event::PartStop { choice: 0 } | Event::Finish { choice: 0, .. } | Event::End) => {
                (self.close(), event)
            }
            event => (None, event),
        }
    }

    /// The mark of a thought that ends without a proof.
    fn close(&mut self) -> Option<Event<'static>> {
        let thought = std::mem::replace(&mut self.thought, Thought::None);
        let proof = (thought == Thought::Unproven).then(|| self.pen.unproven()).flatten()?;
        Some(Event::Delta { choice: 0, delta: Delta::Signature(proof) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::FinishReason;

    fn proofs(client: Dialect, maker: Dialect, events: Vec<Event<'static>>) -> Vec<String> {
        let mut marks = Marks::new(client, maker);
        let mut out = Vec::new();
        for event in events {
            let (before, event) = match &mut marks {
                Some(marks) => marks.pass(event),
                None => (None, event),
            };
            for event in before.into_iter().chain([event]) {
                match event {
                    Event::Delta { delta: Delta::Signature(text), .. }
                    | Event::PartStart { part: PartStart::RedactedThinking(text), .. } => {
                        out.push(text.to_str().into_owned());
                    }
                    _ => {}
                }
            }
        }
        out
    }

    fn thought(proof: &[&'static str]) -> Vec<Event<'static>> {
        let mut events = vec![
            Event::PartStart { choice: 0, part: PartStart::Thinking },
            Event::Delta { choice: 0, delta: Delta::Thinking("hm".into()) },
        ];
        events.extend(
            proof.iter().map(|piece| Event::Delta { choice: 0, delta: Delta::Signature((*piece).into()) }),
        );
        events.push(Event::PartStop { choice: 0 });
        events.push(Event::PartStart { choice: 0, part: PartStart::RedactedThinking("R=".into()) });
        events.push(Event::Finish { choice: 0, finish: FinishReason::Stop.into() });
        events
    }

    #[test]
    fn others_proofs_are_marked_once_and_thoughts_without_one_too() {
        let of =
            |proof: &[&'static str]| proofs(Dialect::Anthropic, Dialect::OpenaiResponses, thought(proof));
        let redacted = "tollgate1:openai_responses:redacted:R=";
        assert_eq!(of(&["a", "b"]), ["tollgate1:openai_responses:thinking:a", "b", redacted]);
        assert_eq!(of(&[]), ["tollgate1:openai_responses:thinking:", redacted]);
        let bedrock = proofs(Dialect::Bedrock, Dialect::Gemini, thought(&[]));
        assert_eq!(bedrock.len(), 1);
        assert!(bedrock[0].starts_with(gemini::signature::WRAPPED));
    }

    #[test]
    fn claudes_makers_read_each_others_proofs() {
        for (client, maker) in
            [(Dialect::Anthropic, Dialect::Bedrock), (Dialect::Bedrock, Dialect::Anthropic)]
        {
            assert_eq!(proofs(client, maker, thought(&["a"])), ["a", "R="]);
        }
        assert_eq!(proofs(Dialect::OpenaiChat, Dialect::Gemini, thought(&["a"])), ["a", "R="]);
        let openais = proofs(Dialect::OpenaiChat, Dialect::OpenaiResponses, thought(&["a"]));
        assert_eq!(openais[0], "tollgate1:openai_responses:thinking:a");
    }
}
