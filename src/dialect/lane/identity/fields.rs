//! Fields of OpenAI's dialects that a provider wants under another name, or not at all.

use super::request::field;
use crate::chat::{Failure, Losses};
use crate::dialect::Dialect;
use crate::dialect::lane::Ask;
use crate::dialect::openai_chat::{NO_EFFORT, OUTPUT_LIMITS, output_limit_name};
use crate::wire::json::{Members, ParseError, Patch, parse, sketch, wire_object};
use serde_json::value::RawValue;

/// The two names of the output limit: a target's own limit is written under the name the provider knows, and a
/// client's is moved there when the provider knows only the older one. Of two, `max_completion_tokens` is believed.
pub(super) fn output_limit(found: &Members<'_, &[u8]>, ask: &Ask<'_>, patch: &mut Patch<'_>) {
    let [old, new] = OUTPUT_LIMITS;
    let takes_new = output_limit_name(ask.quirks, ask.model) == new;
    if let Some(limit) = ask.max_tokens {
        let (name, other) = if takes_new { (new, old) } else { (old, new) };
        patch.set(name, limit.to_string());
        patch.remove(other);
    } else if !takes_new && !patch.sets(new) {
        if let (Some(limit), false) = (field(found, new), patch.sets(old)) {
            patch.set(old, limit);
        }
        patch.remove(new);
    }
}

/// Takes an effort out that the model would refuse.
pub(super) fn effort(
    dialect: Dialect,
    found: &Members<'_, &[u8]>,
    ask: &Ask<'_>,
    patch: &mut Patch<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    if ask.quirks.takes_effort(ask.model) {
        return Ok(());
    }
    let why = format!("{} {NO_EFFORT}", ask.model);
    match dialect {
        Dialect::OpenaiChat if field(found, "reasoning_effort").is_some() => {
            losses.lost("reasoning_effort", &why)?;
            patch.remove("reasoning_effort");
        }
        Dialect::OpenaiResponses => {
            let Some(reasoning) = field(found, "reasoning") else { return Ok(()) };
            let Ok(inner) = sketch(reasoning) else { return Ok(()) };
            if field(&inner, "effort").is_none() {
                return Ok(());
            }
            losses.lost("reasoning.effort", &why)?;
            let mut without = Patch::default();
            without.remove("effort");
            if let Some(edited) = without.apply(reasoning, &inner) {
                patch.set("reasoning", edited);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The seed under the provider's name for it, and one answer where there are never more.
pub(super) fn choices_and_seed(
    found: &Members<'_, &[u8]>,
    ask: &Ask<'_>,
    patch: &mut Patch<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    const SEED: &str = "seed";
    let name = ask.quirks.seed;
    if name != SEED
        && let Some(seed) = field(found, SEED)
    {
        if field(found, name).is_none() && !patch.sets(name) {
            patch.set(name, seed);
        }
        patch.remove(SEED);
    }
    if !ask.quirks.choices && !patch.sets("n") && field(found, "n").is_some_and(|n| n != b"1") {
        losses.lost("n", "is 1 at most at this provider")?;
        patch.remove("n");
    }
    Ok(())
}

wire_object! {
    /// The field of a message that some providers want spelled the older way.
    light struct Spoken<'a> {
        role: &'a RawValue = "role",
    }
}

/// `developer` is `system` where the provider does not know the newer word. Only then are the messages rewritten, and
/// of them only these words.
pub(super) fn developer_role(
    found: &Members<'_, &[u8]>,
    ask: &Ask<'_>,
    patch: &mut Patch<'_>,
    losses: &mut Losses,
) -> Result<(), Failure> {
    const WORD: &str = "\"developer\"";
    if ask.quirks.developer_role {
        return Ok(());
    }
    let Some(messages) = field(found, "messages") else { return Ok(()) };
    let text = messages;
    if memchr::memmem::find(text, WORD.as_bytes()).is_none() {
        return Ok(());
    }
    let spoken: Vec<Spoken<'_>> = parse(messages).map_err(|error| match error {
        ParseError::Field { path, message } => Failure::field(format!("messages{path}"), message),
        other => other.into(),
    })?;
    let mut out = Vec::with_capacity(text.len());
    let mut copied = 0;
    for role in spoken.iter().filter_map(|message| message.role).filter(|role| role.get() == WORD) {
        let at = role.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
        out.extend_from_slice(text.get(copied..at).unwrap_or_default());
        out.extend_from_slice(b"\"system\"");
        copied = at + WORD.len();
    }
    if copied > 0 {
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
        patch.set("messages", out);
        losses.note("messages: role developer sent as system");
    }
    Ok(())
}

/// Asks an OpenAI stream for its usage, whether the client did or not. Returns whether the usage chunk may be shown:
/// the client asked for it, or it was not asked for upstream either (what comes anyway is the provider's own way).
pub(super) fn usage_switch(
    found: &Members<'_, &[u8]>,
    stream: bool,
    ask: &Ask<'_>,
    patch: &mut Patch<'_>,
    losses: &mut Losses,
) -> Result<bool, Failure> {
    const OPTIONS: &str = "stream_options";
    const SWITCH: &str = "include_usage";
    if patch.sets(OPTIONS) {
        return Ok(true);
    }
    let options = field(found, OPTIONS);
    if !ask.quirks.stream_options {
        if options.is_some() {
            losses.lost(OPTIONS, "is not supported by this provider")?;
        }
        patch.remove(OPTIONS);
        return Ok(true);
    }
    if !stream {
        return Ok(true);
    }
    let Some(options) = options else {
        patch.set(OPTIONS, *b"{\"include_usage\":true}");
        return Ok(false);
    };
    let inner =
        sketch(options).map_err(|_| Failure::field(OPTIONS, "stream_options: an object was expected"))?;
    if field(&inner, SWITCH).is_some_and(|value| value == b"true") {
        return Ok(true);
    }
    let mut switch = Patch::default();
    switch.set(SWITCH, *b"true");
    if let Some(edited) = switch.apply(options, &inner) {
        patch.set(OPTIONS, edited);
    }
    Ok(false)
}
