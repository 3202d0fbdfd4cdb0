//! Signatures of thoughts on their way through a client of another dialect.
//!
//! A provider wants the thoughts of its model back as they were, proven by a signature (or encrypted altogether), and
//! answers 400 to those of anybody else. A client of OpenAI's Responses keeps them as `encrypted_content` of reasoning
//! items, one of Anthropic's as `signature` of thinking blocks, whoever answered. So what is not the dialect's own goes
//! there under a mark:
//!
//! ```text
//! tollgate1:DIALECT:thinking:SIGNATURE      the signature of a thought that can be read; nothing: it has none
//! tollgate1:DIALECT:redacted:DATA           a thought that cannot
//! ```
//!
//! When the conversation comes back the mark tells whose it is, and [`settle`] takes out what the next provider could
//! not read.

use super::{Dialect, Takes, Wants, gemini};
use crate::chat::{ChatRequest, Losses, Part, PartKind, Text, Thinking};

/// What every mark begins with. No maker's signature holds a colon: they are base64.
pub(super) const MARK: &str = "tollgate1:";

/// What a marked text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The signature of a thought that can be read.
    Thinking,
    /// A thought that only its maker can read.
    Redacted,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Thinking => "thinking",
            Self::Redacted => "redacted",
        }
    }
}

/// Marks a signature with the dialect of the provider it came from.
pub(super) fn marked(maker: Dialect, kind: Kind, signature: &Text<'_>) -> Text<'static> {
    Text::from(format!("{MARK}{}:{}:{}", maker.as_str(), kind.as_str(), signature.to_str()))
}

/// What stands in the place of the proof that a page was found by Anthropic's search, where another provider found it.
/// Like a foreign signature it is known again by its beginning.
pub(super) fn unindexed(maker: Dialect) -> String {
    format!("{MARK}{}:citation:", maker.as_str())
}

/// Reads a mark; `None` where there is none. A maker that this gateway does not know is `None` too.
pub(super) fn read(text: &Text<'_>) -> Option<(Option<Dialect>, Kind, Text<'static>)> {
    let text = text.to_str();
    let mut fields = text.strip_prefix(MARK)?.splitn(3, ':');
    let (maker, kind, rest) = (fields.next()?, fields.next()?, fields.next()?);
    let maker = Dialect::ALL.iter().copied().find(|dialect| dialect.as_str() == maker);
    let kind = if kind == Kind::Redacted.as_str() { Kind::Redacted } else { Kind::Thinking };
    Some((maker, kind, Text::from(rest.to_owned())))
}

/// Whether two dialects' providers read each other's signatures: Claude signs alike wherever it stands.
pub(super) fn alike(one: Dialect, other: Dialect) -> bool {
    let is_claudes = |dialect| matches!(dialect, Dialect::Anthropic | Dialect::Bedrock);
    one == other || is_claudes(one) && is_claudes(other)
}

/// What is under a mark, also where a field of bytes holds it.
fn unmark(text: &Text<'_>) -> Option<(Option<Dialect>, Text<'static>)> {
    let wrapped = || gemini::signature::unwrap(&text.to_str()).and_then(|(_, marked)| read(&marked));
    read(text).or_else(wrapped).map(|(maker, _, proof)| (maker, proof))
}

/// Leaves the thoughts of a request only those signatures that `provider` can have made, without their marks, and takes
/// out thoughts of others that it would refuse without one. An unmarked signature is taken for one of the client's own
/// dialect where that is one which marks ([`marks`]), and for the provider's otherwise; OpenAI's chat has none of its own,
/// so what a client of it keeps unmarked is anybody's but a Responses provider's.
pub(super) fn settle(request: &mut ChatRequest<'_>, provider: Dialect, losses: &mut Losses) {
    let origin = request.origin;
    // Behind OpenAI's chat dialect may stand a proxy before Claude, whose signatures its encoder knows to keep.
    let may_be_claude = provider == Dialect::OpenaiChat && alike(origin, Dialect::Anthropic);
    let unmarked_is_foreign = match origin {
        Dialect::OpenaiChat => provider == Dialect::OpenaiResponses,
        _ => marks(origin) && !alike(origin, provider) && !may_be_claude,
    };
    let wants_proof = provider.shape().wants(Wants::Proof);
    let mut foreign = false;
    let mut unproven = false;
    let mut keep = |part: &mut Part<'_>| {
        let (text, signature) = match &mut part.kind {
            PartKind::Thinking(Thinking { text, signature: Some(signature) }) => (Some(&*text), signature),
            PartKind::RedactedThinking(data) => (None, data),
            _ => return true,
        };
        let is_lost = match unmark(signature) {
            Some((Some(maker), proof)) if alike(maker, provider) && !proof.is_empty() => {
                *signature = proof;
                return true;
            }
            // A thought that nobody signed has lost nothing.
            Some((_, proof)) => !proof.is_empty(),
            None if !unmarked_is_foreign => return true,
            None => true,
        };
        foreign |= is_lost;
        let says_something = text.is_some_and(|text| !text.is_empty());
        unproven |= wants_proof && says_something && !is_lost;
        if let PartKind::Thinking(thinking) = &mut part.kind {
            thinking.signature = None;
        }
        says_something && !wants_proof
    };
    request.messages.retain_mut(|message| {
        let count = message.parts.len();
        message.parts.retain_mut(&mut keep);
        message.parts.len() == count || !message.parts.is_empty()
    });
    if foreign {
        losses.note("encrypted reasoning of another provider dropped: only its maker can read it");
    }
    if unproven {
        losses.note("reasoning of another provider dropped: this one takes back only what it signed itself");
    }
}

/// Whether answers in a dialect mark the signatures of other makers.
pub(super) fn marks(client: Dialect) -> bool {
    client.shape().takes(Takes::AnyProof)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Message, Place, Role};

    fn thoughts(provider: Dialect, signatures: &[&'static str]) -> (Vec<String>, Vec<String>) {
        let mut request = ChatRequest::new(Dialect::OpenaiResponses);
        let mut message = Message::new(Role::Assistant, Place::Input(0));
        message.parts = signatures
            .iter()
            .map(|signature| {
                let signature = Some(Text::plain(*signature));
                Part::new(PartKind::Thinking(Thinking { text: "hm".into(), signature }))
            })
            .collect();
        message.parts.push(Part::new(PartKind::RedactedThinking("tollgate1:anthropic:redacted:D:1".into())));
        request.messages.push(message);
        let mut losses = Losses::new(true);
        settle(&mut request, provider, &mut losses);
        let shown = request.messages.iter().flat_map(|message| &message.parts).map(|part| match &part.kind {
            PartKind::Thinking(thinking) => {
                thinking.signature.clone().unwrap_or_default().to_str().into_owned()
            }
            PartKind::RedactedThinking(data) => data.to_str().into_owned(),
            _ => String::new(),
        });
        (shown.collect(), losses.into_warnings())
    }

    #[test]
    fn a_signature_goes_to_its_maker_only() {
        let all = ["tollgate1:anthropic:thinking:S=", "gAAA", "tollgate1:unheard:thinking:X"];
        let (shown, warnings) = thoughts(Dialect::Anthropic, &all);
        assert_eq!(shown, ["S=", "D:1"]);
        assert_eq!(warnings.len(), 1);
        assert_eq!(thoughts(Dialect::OpenaiResponses, &all).0, ["gAAA"]);
        assert_eq!(thoughts(Dialect::OpenaiChat, &all).0, ["", "", ""]);
        assert!(thoughts(Dialect::Anthropic, &["tollgate1:anthropic:thinking:S"]).1.is_empty());
        // Claude refuses a thought without a proof, whoever had it.
        let unsigned = ["tollgate1:openai_chat:thinking:"];
        let (shown, warnings) = thoughts(Dialect::Bedrock, &unsigned);
        assert_eq!((shown, warnings.len()), (vec!["D:1".to_owned()], 1));
        assert_eq!(thoughts(Dialect::Gemini, &unsigned).0, [""]);
    }

    #[test]
    fn a_mark_is_read_back() {
        let mark = marked(Dialect::Anthropic, Kind::Redacted, &"a:b".into());
        assert_eq!(read(&mark), Some((Some(Dialect::Anthropic), Kind::Redacted, "a:b".into())));
        assert_eq!(read(&"gAAA".into()), None);
    }
}
