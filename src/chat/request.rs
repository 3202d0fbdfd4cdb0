//! A request for a conversation's next message.

use super::{
    Document, Extra, Failure, Json, Losses, Message, Part, PartKind, Place, Role, Text, Tool, ToolChoice,
    ToolKind,
};
use crate::dialect::Dialect;
use std::borrow::Cow;
use std::collections::HashSet;

/// A request in neutral words. `None` means that the client did not say it.
#[derive(Debug, Clone)]
pub struct ChatRequest<'a> {
    /// The dialect it came in: the one whose `extra`, opaque parts and opaque tools these are.
    pub origin: Dialect,
    /// The model as the client names it.
    pub model: Text<'a>,
    /// The conversation, instructions included, in the client's order.
    pub messages: Vec<Message<'a>>,
    /// Documents given beside the conversation for the model to rely on (Cohere); [`Self::tell_documents`] puts them
    /// into it for dialects that have no such place.
    pub documents: Vec<Document<'a>>,
    /// Tools on offer.
    pub tools: Vec<Tool<'a>>,
    /// Which tool must be used.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Whether several tools may be called at once.
    pub parallel_tool_calls: Option<bool>,
    /// Output limit, in tokens.
    pub max_tokens: Option<u64>,
    /// Sampling temperature: 0 to 2 in OpenAI's scale, which all dialects but Anthropic's (0 to 1) share.
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    pub top_p: Option<f64>,
    /// Sampling from the likeliest k tokens.
    pub top_k: Option<u64>,
    /// −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// −2 to 2.
    pub presence_penalty: Option<f64>,
    /// Seed of the sampling.
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<Text<'a>>,
    /// The text that follows the answer, which fills what is between (completions of one prompt).
    pub suffix: Option<Text<'a>>,
    /// How many answers are wanted.
    pub n: Option<u64>,
    /// Whether log probabilities are wanted.
    pub logprobs: Option<bool>,
    /// How many alternatives per token.
    pub top_logprobs: Option<u64>,
    /// Bias per token id, an object.
    pub logit_bias: Option<Json<'a>>,
    /// How much to think.
    pub reasoning: Reasoning<'a>,
    /// What shape the answer must have.
    pub response_format: Option<ResponseFormat<'a>>,
    /// The end user, opaque.
    pub user: Option<Text<'a>>,
    /// Labels of the request, an object of strings (OpenAI).
    pub metadata: Option<Json<'a>>,
    /// The service tier, in the words of the client's dialect.
    pub service_tier: Option<Text<'a>>,
    /// How long an answer to aim for (`low`, `medium`, `high`: OpenAI).
    pub verbosity: Option<Text<'a>>,
    /// Whether a stream is wanted.
    pub stream: bool,
    /// Whether the client asked for the usage in an OpenAI stream.
    pub include_usage: Option<bool>,
    /// The client speaks OpenAI's older `functions` instead of `tools`; the answer has to as well.
    pub legacy_functions: bool,
    /// Members of the request that an answer in the client's dialect repeats, as they stand in a JSON object
    /// (`"a":1,"b":[]`), for dialects whose answers do (OpenAI's Responses).
    pub echo: Option<String>,
    /// Why nobody but a provider of the client's own dialect can answer: the request builds on something that only it
    /// keeps. Every other lane refuses with it.
    pub own_only: Option<Failure>,
    /// Fields that only the client's dialect knows.
    pub extra: Extra<'a>,
}

impl ChatRequest<'_> {
    /// An empty request in a dialect.
    pub fn new(origin: Dialect) -> Self {
        Self {
            origin,
            model: Text::default(),
            messages: Vec::new(),
            documents: Vec::new(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            max_tokens: None,
            temperature: None,
            top_p: None,
            top_k: None,
            frequency_penalty: None,
            presence_penalty: None,
            seed: None,
            stop: Vec::new(),
            suffix: None,
            n: None,
            logprobs: None,
            top_logprobs: None,
            logit_bias: None,
            reasoning: Reasoning::default(),
            response_format: None,
            user: None,
            metadata: None,
            service_tier: None,
            verbosity: None,
            stream: false,
            include_usage: None,
            legacy_functions: false,
            echo: None,
            own_only: None,
            extra: Extra::new(),
        }
    }
}

impl ChatRequest<'_> {
    /// What the client's dialect calls the conversation.
    pub fn messages_field(&self) -> &'static str {
        match self.origin {
            Dialect::OllamaGenerate | Dialect::OpenaiCompletions => "prompt",
            Dialect::OpenaiResponses => "input",
            Dialect::Gemini => "contents",
            Dialect::OpenaiChat
            | Dialect::Anthropic
            | Dialect::Cohere
            | Dialect::Bedrock
            | Dialect::Ollama => "messages",
        }
    }

    /// Moves the documents into the last message of the user, before what it says.
    pub fn tell_documents(&mut self) {
        let documents = std::mem::take(&mut self.documents);
        if documents.is_empty() {
            return;
        }
        let parts = documents.into_iter().map(|document| Part::new(PartKind::Document(document)));
        if let Some(message) = self.messages.iter_mut().rfind(|message| message.role == Role::User) {
            message.parts.splice(0..0, parts);
        } else {
            let mut message = Message::new(Role::User, Place::Message(self.messages.len()));
            message.parts.extend(parts);
            self.messages.push(message);
        }
    }

    /// The names of the tools that take free text.
    pub fn custom_names(&self) -> HashSet<Cow<'_, str>> {
        let customs = self.tools.iter().filter_map(|tool| match &tool.kind {
            ToolKind::Custom(custom) => Some(custom.name.to_str()),
            _ => None,
        });
        customs.collect()
    }

    /// Reports what only OpenAI's dialect can ask of the sampling, for encoders of dialects that cannot; values
    /// that ask for nothing (`n: 1`, a penalty of 0) are no loss.
    pub fn lose_openai_sampling(&self, losses: &mut Losses, why: &str) -> Result<(), Failure> {
        let asked = |penalty: Option<f64>| penalty.is_some_and(|penalty| penalty != 0.0);
        for (field, is_said) in [
            ("n", self.n.is_some_and(|n| n != 1)),
            ("logprobs", self.logprobs == Some(true)),
            ("top_logprobs", self.top_logprobs.is_some_and(|top| top > 0)),
            ("logit_bias", self.logit_bias.as_ref().is_some_and(|bias| bias.as_str() != "{}")),
            ("seed", self.seed.is_some()),
            ("frequency_penalty", asked(self.frequency_penalty)),
            ("presence_penalty", asked(self.presence_penalty)),
            ("verbosity", self.verbosity.is_some()),
        ] {
            if is_said {
                losses.lost(field, why)?;
            }
        }
        Ok(())
    }
}

/// How much the model should think before it answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reasoning<'a> {
    /// Whether to think at all, where the client said it apart from the effort.
    pub thought: Option<Thought>,
    /// How hard.
    pub effort: Option<Effort>,
    /// Limit of the thinking, in tokens.
    pub budget: Option<u64>,
    /// What to show of it (`summarized`, `omitted`: Anthropic).
    pub display: Option<Text<'a>>,
}

impl Reasoning<'_> {
    /// Whether the client said nothing at all.
    pub fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }

    /// Whether thinking is asked for: by a switch, a budget or an effort above none.
    pub fn is_on(&self) -> bool {
        match self.thought {
            Some(Thought::Off) => false,
            Some(Thought::On | Thought::Adaptive) => true,
            None => self.budget.is_some() || self.effort.is_some_and(|effort| effort != Effort::None),
        }
    }

    /// Reports, where the client does not want to see the thinking, that the model shows it all the same.
    pub fn lose_display(&self, losses: &mut Losses) {
        if self.display.as_ref().is_some_and(|display| *display == "omitted") {
            losses.note("thinking.display dropped: this model always shows what it thinks");
        }
    }
}

/// A switch for thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thought {
    /// No thinking.
    Off,
    /// Thinking, within a budget.
    On,
    /// The model decides.
    Adaptive,
}

/// How hard to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as possible.
    Minimal,
    /// A little.
    Low,
    /// The usual.
    Medium,
    /// Much.
    High,
    /// More than that.
    XHigh,
    /// All there is.
    Max,
}

impl Effort {
    /// The effort of this name, if it is one.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::XHigh,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// Its name, which all dialects share.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The thinking budget, in tokens, that stands for an effort where only budgets are known. 1024 is the least
    /// that Anthropic takes; the greatest leaves room for an answer within the 32,000 output tokens that are all
    /// some of its models have. [`Self::of_budget`] leads back.
    pub fn budget(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal | Self::Low => 1024,
            Self::Medium => 4096,
            Self::High => 16384,
            Self::XHigh | Self::Max => 24576,
        }
    }

    /// The effort that stands for a thinking budget where only efforts are known: up to 2,048 tokens low, up to
    /// 8,192 medium, above that high.
    pub fn of_budget(tokens: u64) -> Self {
        match tokens {
            0 => Self::None,
            1..=2048 => Self::Low,
            2049..=8192 => Self::Medium,
            _ => Self::High,
        }
    }
}

/// What shape the answer must have.
#[derive(Debug, Clone, PartialEq)]
pub enum ResponseFormat<'a> {
    /// Any text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema(Schema<'a>),
    /// A format that only the client's dialect knows.
    Other(super::Opaque<'a>),
}

impl ResponseFormat<'_> {
    /// What a client's dialect calls it.
    pub fn field(client: Dialect) -> &'static str {
        match client {
            Dialect::OpenaiResponses => "text.format",
            Dialect::Anthropic => "output_config.format",
            Dialect::Gemini => "generationConfig.responseSchema",
            Dialect::Bedrock => "outputConfig.textFormat",
            Dialect::Ollama | Dialect::OllamaGenerate => "format",
            Dialect::OpenaiChat | Dialect::OpenaiCompletions | Dialect::Cohere => "response_format",
        }
    }
}

/// A schema that an answer must follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema<'a> {
    /// Its name; some dialects need one and others have none.
    pub name: Option<Text<'a>>,
    /// What it is for.
    pub description: Option<Text<'a>>,
    /// Whether it must be followed exactly.
    pub strict: Option<bool>,
    /// The JSON Schema.
    pub schema: Json<'a>,
    /// The answer is a string that the schema allows, without its quotes (Gemini's `text/x.enum`).
    pub is_word: bool,
}

/// The sentence that asks for JSON where no schema is given.
pub const JSON_SENTENCE: &str =
    "Answer with one JSON object and nothing else: no text around it, no code fence.";
