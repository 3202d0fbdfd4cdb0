//! What the client and the simulated providers agree upon beforehand, so that each can check the other's bytes after they
//! went through the gateway.

use std::sync::OnceLock;

/// Digits of a request's number wherever it is written.
pub(crate) const ID_DIGITS: usize = 10;

/// The number in bytes that were not stamped yet.
pub(crate) const BLANK_ID: &str = "0000000000";

/// The gateway's client key, and its SHA-256 (`printf %s KEY | sha256sum`).
pub(crate) const CLIENT_KEY: &str = "sk-tollgate-load-client-key-0123456789abcdef";
pub(crate) const CLIENT_KEY_SHA256: &str = "e1408f7093a45bc272d7f5ff5f8b080bde1967ed964e2c06073f2b2898f31876";

/// What the providers want to see, and the environment variables that give it to the gateway.
pub(crate) const OPENAI_KEY: &str = "sk-simulated-openai-provider-key-0123456789ab";
pub(crate) const OPENAI_KEY_ENV: &str = "LOAD_OPENAI_KEY";
pub(crate) const ANTHROPIC_KEY: &str = "sk-ant-simulated-provider-key-0123456789abcd";
pub(crate) const ANTHROPIC_KEY_ENV: &str = "LOAD_ANTHROPIC_KEY";

/// Tokens that every unary answer and full stream reports.
pub(crate) const INPUT_TOKENS: u64 = 321;
pub(crate) const OUTPUT_TOKENS: u64 = 123;

/// Chunks of a long stream and of a short one.
pub(crate) const LONG: usize = 100;
pub(crate) const SHORT: usize = 20;

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenAi,
    Anthropic,
}

impl Dialect {
    /// Path of its requests.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
        }
    }

    /// Name in the gateway's configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai_chat",
            Self::Anthropic => "anthropic",
        }
    }

    /// Name of the simulated provider that speaks it.
    pub(crate) fn provider(self) -> &'static str {
        match self {
            Self::OpenAi => "sim_openai",
            Self::Anthropic => "sim_anthropic",
        }
    }

    /// The key that provider wants.
    pub(crate) fn provider_key(self) -> &'static str {
        match self {
            Self::OpenAi => OPENAI_KEY,
            Self::Anthropic => ANTHROPIC_KEY,
        }
    }
}

/// What a simulated provider does, told by the model's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// `sim`: answers; a stream has [`LONG`] chunks, ten events a write.
    Answer,
    /// `sim-short`: answers; a stream has [`SHORT`] chunks, ten events a write.
    Short,
    /// `sim-paced`: a stream has [`LONG`] chunks, one every 5 ms.
    Paced,
    /// `sim-STATUS`: an error with that status.
    Status(u16),
    /// `sim-error-event`: an error event at the very start of a 200 stream.
    ErrorEvent,
    /// `sim-error-late`: an error event after half of a short stream.
    ErrorLate,
    /// `sim-cut`: a reset after half of a short stream.
    Cut,
    /// `sim-reset`: a reset instead of an answer.
    Reset,
    /// `sim-empty`: a 200 with an empty body.
    Empty,
    /// `sim-malformed`: a 200 whose body is half an answer.
    Malformed,
}

impl Rule {
    /// Reads a model's name.
    pub(crate) fn of_model(model: &str) -> Option<Self> {
        Some(match model.strip_prefix("sim")? {
            "" => Self::Answer,
            "-short" => Self::Short,
            "-paced" => Self::Paced,
            "-error-event" => Self::ErrorEvent,
            "-error-late" => Self::ErrorLate,
            "-cut" => Self::Cut,
            "-reset" => Self::Reset,
            "-empty" => Self::Empty,
            "-malformed" => Self::Malformed,
            other => Self::Status(other.strip_prefix('-')?.parse().ok()?),
        })
    }

    /// Chunks of a whole stream under this rule.
    pub(crate) fn chunks(self) -> usize {
        if matches!(self, Self::Answer | Self::Paced) { LONG } else { SHORT }
    }
}

/// The sentence of every unary answer, after its number.
pub(crate) const ANSWER: &str = ": the gateway weighs each request once,\nroutes it by the model's public name, and \
    \"translates\" what comes back; nothing is lost on the way, and what it cost is written down.";

/// The text of the answer to request `id`.
pub(crate) fn answer_text(id: u64) -> String {
    format!("answer {id:0ID_DIGITS$}{ANSWER}")
}

/// The text of a stream's chunk `index` where it does not carry the request's number.
pub(crate) fn token(index: usize) -> String {
    format!(" token{index:02}")
}

/// The text of a whole stream of `chunks` chunks for request `id`.
pub(crate) fn stream_text(id: u64, chunks: usize) -> String {
    static REST: OnceLock<String> = OnceLock::new();
    let rest = REST.get_or_init(|| (1..LONG).map(token).collect());
    let length = (1..chunks).map(|index| token(index).len()).sum::<usize>();
    format!("answer {id:0ID_DIGITS$}{}", rest.get(..length).unwrap_or(rest))
}

/// What a prompt says of itself at its start: the request's number and the bytes of text in the whole conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) id: u64,
    pub(crate) text_bytes: usize,
}

impl Marker {
    /// Bytes of a written marker.
    pub(crate) const LENGTH: usize = "[load 0000000000 00000000] ".len();

    /// Writes it.
    pub(crate) fn write(self) -> String {
        format!("[load {:0ID_DIGITS$} {:08}] ", self.id, self.text_bytes)
    }

    /// Reads it from the start of a text.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (inside, _) = text.strip_prefix("[load ")?.split_once(']')?;
        let (id, text_bytes) = inside.split_once(' ')?;
        Some(Self { id: id.parse().ok()?, text_bytes: text_bytes.parse().ok()? })
    }
}

/// Bytes with the places where a request's number goes.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    /// Finds each blank number in `bytes`.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let places = memchr::memmem::find_iter(&bytes, BLANK_ID).collect();
        Self { bytes, places }
    }

    /// Appends the bytes with the number `id` to `out`.
    pub(crate) fn stamp(&self, id: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        if self.places.is_empty() {
            return;
        }
        let digits = format!("{id:0ID_DIGITS$}");
        for place in &self.places {
            let from = start + place;
            if let Some(blank) = out.get_mut(from..from + ID_DIGITS) {
                blank.copy_from_slice(digits.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back() {
        let marker = Marker { id: 42, text_bytes: 1024 };
        assert_eq!(marker.write().len(), Marker::LENGTH);
        assert_eq!(Marker::read(&(marker.write() + "more")), Some(marker));
        assert_eq!(Marker::read("hello"), None);
    }

    #[test]
    fn a_template_is_stamped_everywhere() {
        let template = Template::new(format!("a{BLANK_ID}b{BLANK_ID}").into_bytes());
        let mut out = b"x".to_vec();
        template.stamp(7, &mut out);
        assert_eq!(out, b"xa0000000007b0000000007");
    }

    #[test]
    fn rules_are_read_from_model_names() {
        assert_eq!(Rule::of_model("sim"), Some(Rule::Answer));
        assert_eq!(Rule::of_model("sim-529"), Some(Rule::Status(529)));
        assert_eq!(Rule::of_model("gpt-4o"), None);
        assert_eq!(Rule::of_model("sim-what"), None);
    }

    #[test]
    fn a_short_stream_is_the_start_of_a_long_one() {
        assert!(stream_text(1, LONG).starts_with(&stream_text(1, SHORT)));
        assert!(stream_text(1, SHORT).ends_with(" token19"));
    }
}
