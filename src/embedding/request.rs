//! The hub's request.

use super::{Elements, Format, Purpose};
use crate::chat::{Extra, Failure, Losses, Source, Text};
use crate::meter::estimate::Tokenizer;
use crate::wire::json::write_string;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What is to be embedded, and how.
#[derive(Debug, Clone)]
pub struct EmbedRequest<'a> {
    /// The format it was read from.
    pub origin: Format,
    /// The model as the client names it; empty where the path names it.
    pub model: Text<'a>,
    /// What is to be embedded: one vector each.
    pub inputs: Vec<Input<'a>>,
    /// The client gave one input, not a list of one.
    pub is_single: bool,
    /// What the vectors are for.
    pub purpose: Option<Purpose<'a>>,
    /// Length of the vectors.
    pub dimensions: Option<u64>,
    /// What the values of the vectors should be; empty: floats. Each is answered.
    pub elements: Vec<Elements>,
    /// Base64 is wanted: OpenAI's clients then want nothing else, Cohere's want floats so, beside the `elements`.
    pub base64: bool,
    /// What becomes of an input that is too long.
    pub truncate: Option<Truncate>,
    /// Longest input, in tokens (Cohere).
    pub max_tokens: Option<u64>,
    /// Who the end user is.
    pub user: Option<Text<'a>>,
    /// Fields unknown to the hub, as they came.
    pub extra: Extra<'a>,
}

/// One thing to be embedded.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// Its pieces; more than one are embedded together.
    pub pieces: Vec<Piece<'a>>,
    /// Its title (Gemini: of a document to be found).
    pub title: Option<Text<'a>>,
}

/// A piece of an input.
#[derive(Debug, Clone)]
pub enum Piece<'a> {
    /// Text.
    Text(Text<'a>),
    /// A JSON array of token ids of the model's own tokenizer.
    Tokens(&'a RawValue),
    /// A picture, or another medium by its type.
    Media(Source<'a>),
}

/// What becomes of an input that is longer than the model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncate {
    /// It is an error.
    No,
    /// Its beginning goes.
    Start,
    /// Its end goes.
    End,
}

/// The names a format has for the hub's fields: what errors and warnings name.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the field of the request of the same name")]
pub struct Names {
    pub inputs: &'static str,
    pub purpose: &'static str,
    pub dimensions: &'static str,
    pub elements: &'static str,
    pub truncate: &'static str,
    pub max_tokens: &'static str,
    pub title: &'static str,
}

impl Names {
    const OPENAI: Self = Self {
        inputs: "input",
        purpose: "input_type",
        dimensions: "dimensions",
        elements: "encoding_format",
        truncate: "truncation",
        max_tokens: "max_tokens",
        title: "title",
    };
    const COHERE: Self = Self {
        inputs: "texts",
        dimensions: "output_dimension",
        elements: "embedding_types",
        truncate: "truncate",
        ..Self::OPENAI
    };
    const GEMINI: Self = Self {
        inputs: "content",
        purpose: "taskType",
        dimensions: "outputDimensionality",
        truncate: "autoTruncate",
        ..Self::OPENAI
    };
    const OLLAMA: Self = Self { truncate: "truncate", ..Self::OPENAI };
}

impl<'a> Input<'a> {
    /// A text.
    pub fn text(text: Text<'a>) -> Self {
        Self { pieces: vec![Piece::Text(text)], title: None }
    }
}

impl<'a> EmbedRequest<'a> {
    /// A request without anything in it.
    pub fn new(origin: Format) -> Self {
        Self {
            origin,
            model: Text::default(),
            inputs: Vec::new(),
            is_single: false,
            purpose: None,
            dimensions: None,
            elements: Vec::new(),
            base64: false,
            truncate: None,
            max_tokens: None,
            user: None,
            extra: Vec::new(),
        }
    }

    /// The client's names of the fields.
    pub fn names(&self) -> &'static Names {
        match self.origin {
            Format::Openai => &Names::OPENAI,
            Format::GeminiBatch | Format::Gemini | Format::VertexPredict | Format::VertexEmbed => {
                &Names::GEMINI
            }
            Format::CohereV2 | Format::CohereV1 | Format::Bedrock => &Names::COHERE,
            Format::Ollama | Format::OllamaPrompt => &Names::OLLAMA,
        }
    }

    /// The one kind of elements that a provider which knows only one at a time is asked for.
    ///
    /// # Errors
    /// 400 where more than one is wanted, or one that the provider does not know; with `drop_params` floats are
    /// enough where they are wanted at all.
    pub fn only_elements(&self, known: &[Elements], losses: &mut Losses) -> Result<Elements, Failure> {
        let floats = self.elements.is_empty() || (self.base64 && self.origin != Format::Openai);
        let mut wanted = self.elements.clone();
        if floats && !wanted.contains(&Elements::Float) {
            wanted.insert(0, Elements::Float);
        }
        if let [one] = wanted.as_slice()
            && known.contains(one)
        {
            return Ok(*one);
        }
        let field = self.names().elements;
        let Some(kept) = wanted.iter().copied().find(|elements| known.contains(elements)) else {
            // Vectors of another kind are no answer to what was asked: there is nothing to drop it for.
            let word = wanted.first().map_or("float", |elements| elements.word());
            return Err(Failure::unsupported(
                field,
                format!("{field}: `{word}` is not known to this provider"),
            ));
        };
        for lost in wanted.iter().filter(|elements| **elements != kept) {
            losses.lost(field, &format!("`{}` is not known to this provider", lost.word()))?;
        }
        Ok(kept)
    }

    /// Each input as one text, for providers that embed nothing else.
    ///
    /// # Errors
    /// 400 for token ids and for pictures: neither can be made a text.
    pub fn texts(&self, losses: &mut Losses) -> Result<Vec<Text<'a>>, Failure> {
        let field = self.names().inputs;
        let mut texts = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            texts.push(input_text(input, field, losses)?);
            if input.title.is_some() {
                losses.lost(self.names().title, "has no counterpart at this provider")?;
            }
        }
        Ok(texts)
    }

    /// The one text of a request to a provider that takes one at a time.
    ///
    /// # Errors
    /// 400 where there are more.
    pub fn only_text(&self, losses: &mut Losses) -> Result<Text<'a>, Failure> {
        self.only_input()?;
        let mut texts = self.texts(losses)?;
        texts.pop().ok_or_else(|| self.no_input())
    }

    /// The one input of a request to a provider that takes one at a time.
    ///
    /// # Errors
    /// 400 where there are more.
    pub fn only_input(&self) -> Result<&Input<'a>, Failure> {
        let field = self.names().inputs;
        match self.inputs.as_slice() {
            [one] => Ok(one),
            [] => Err(self.no_input()),
            more => {
                let message =
                    format!("{field}: this model embeds one input a request, and {} were given", more.len());
                Err(Failure::field(field, message).with_code("batch_not_supported"))
            }
        }
    }

    /// The error of a request that asks for nothing.
    pub fn no_input(&self) -> Failure {
        let field = self.names().inputs;
        Failure::field(field, format!("{field}: at least one input is required"))
    }

    /// The purpose is lost. Cohere's clients have to say one, so that for them it is no reason to refuse.
    pub fn lose_purpose(&self, why: &str, losses: &mut Losses) -> Result<(), Failure> {
        let field = self.names().purpose;
        match (&self.purpose, self.origin) {
            (None | Some(Purpose::Image), _) => Ok(()),
            (_, Format::CohereV2 | Format::CohereV1) => {
                losses.note(format_args!("{field} dropped: {why}"));
                Ok(())
            }
            _ => losses.lost(field, why),
        }
    }

    /// What only some providers know is lost here.
    pub fn lose(&self, field: &'static str, is_said: bool, losses: &mut Losses) -> Result<(), Failure> {
        if is_said { losses.lost(field, "has no counterpart at this provider") } else { Ok(()) }
    }

    /// Fields unknown to the hub, and the end user, are lost.
    pub fn lose_rest(&self, losses: &mut Losses) -> Result<(), Failure> {
        self.lose("user", self.user.is_some(), losses)?;
        losses.lost_extra("", &self.extra, "has no counterpart at this provider")
    }

    /// The texts as a JSON array, for answers that repeat them; `None` where there is anything else among them.
    pub fn texts_json(&self) -> Option<String> {
        let mut out = vec![b'['];
        for (at, input) in self.inputs.iter().enumerate() {
            let [Piece::Text(text)] = input.pieces.as_slice() else { return None };
            if at > 0 {
                out.push(b',');
            }
            text.write_json(&mut out);
        }
        out.push(b']');
        String::from_utf8(out).ok()
    }

    /// An estimate of the input in tokens, for answers without a count: token ids are counted, text is estimated,
    /// and of other media nothing is known.
    pub fn estimate(&self) -> u64 {
        let pieces = self.inputs.iter().flat_map(|input| &input.pieces);
        pieces.fold(0_u64, |sum, piece| {
            sum.saturating_add(match piece {
                Piece::Text(text) => crate::meter::estimate::from_text(&text.to_str(), Tokenizer::default()),
                Piece::Tokens(ids) => ids.get().split(',').count().try_into().unwrap_or(u64::MAX),
                Piece::Media(_) => 0,
            })
        })
    }
}

fn input_text<'a>(input: &Input<'a>, field: &str, losses: &mut Losses) -> Result<Text<'a>, Failure> {
    if let [Piece::Text(text)] = input.pieces.as_slice() {
        return Ok(text.clone());
    }
    let mut joined = String::new();
    for (at, piece) in input.pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => {
                if at > 0 {
                    joined.push('\n');
                }
                joined.push_str(&text.to_str());
            }
            Piece::Tokens(_) => {
                let message = format!("{field}: token ids belong to one model; this provider takes text");
                return Err(Failure::unsupported(field, message));
            }
            Piece::Media(_) => {
                let message = format!("{field}: this provider embeds nothing but text");
                return Err(Failure::unsupported(field, message));
            }
        }
    }
    losses.note(format_args!("{field}: the texts of one input were joined"));
    Ok(Text::from(joined))
}

/// A medium as a URL: itself, or a `data:` URI.
pub(super) fn url_of<'s>(source: &'s Source<'_>) -> Option<Cow<'s, str>> {
    match source {
        Source::Url(url) => Some(Cow::Owned(url.to_str().into_owned())),
        Source::Base64 { media_type, data } => {
            Some(Cow::Owned(format!("data:{};base64,{}", media_type.to_str(), data.to_str())))
        }
        Source::File(_) | Source::Text(_) | Source::Pieces(_) | Source::Other(_) => None,
    }
}

/// A URL as a medium.
pub(super) fn source_of(url: Text<'_>) -> Source<'_> {
    match url.data_uri() {
        Some((media_type, data)) => Source::Base64 { media_type, data },
        None => Source::Url(url),
    }
}

/// A string as JSON.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    out
}
