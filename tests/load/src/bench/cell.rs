//! What is measured.

use super::answer::Whole;
use super::drive::{Arm, Subject};
use crate::client::Request;
use crate::exchange::{CLIENT_KEY, Dialect, LONG, Template};

/// The shape of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One body of about 600 bytes.
    Unary,
    /// A stream of [`LONG`] chunks, ten events a write.
    Burst,
    /// A stream of [`LONG`] chunks, one every 5 ms.
    Paced,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) client: Dialect,
    pub(crate) provider: Dialect,
    pub(crate) shape: Shape,
    /// Bytes of the prompt's text.
    pub(crate) text_bytes: usize,
    /// Connections, each with one request at a time.
    pub(crate) concurrency: usize,
    /// What the project wants the ratio of CPU time to be at most.
    pub(crate) target: Option<f64>,
}

impl Cell {
    pub(crate) fn is_identity(&self) -> bool {
        self.client == self.provider
    }

    fn provider_model(&self) -> &'static str {
        if self.shape == Shape::Paced { "sim-paced" } else { "sim" }
    }

    fn request<'a>(&self, model: &'a str, key: &'a str) -> Request<'a> {
        Request {
            dialect: self.client,
            model,
            key,
            text_bytes: self.text_bytes,
            stream: self.shape != Shape::Unary,
            include_usage: false,
        }
    }
}

impl Subject for Cell {
    type Check = Whole;

    /// The gateway gets the public model name and the client's key, the plain Envoy the provider's model and its key.
    fn template(&self, arm: Arm) -> Template {
        match arm {
            Arm::Gateway => {
                let model = format!("{}/{}", self.provider.name(), self.provider_model());
                self.request(&model, CLIENT_KEY).template()
            }
            Arm::Plain => self.request(self.provider_model(), self.client.provider_key()).template(),
        }
    }

    fn check(&self, _: Arm) -> Whole {
        Whole { dialect: self.client, chunks: self.chunks() }
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn chunks(&self) -> Option<usize> {
        (self.shape != Shape::Unary).then_some(LONG)
    }

    fn name(&self) -> String {
        let shape = match self.shape {
            Shape::Unary => "unary",
            Shape::Burst => "stream, bursts",
            Shape::Paced => "stream, paced",
        };
        let word = |dialect| if dialect == Dialect::OpenAi { "openai" } else { "anthropic" };
        let (client, provider, kb) = (word(self.client), word(self.provider), self.text_bytes / 1024);
        format!("{shape} {client}→{provider} {kb} KB c={}", self.concurrency)
    }
}

/// All rows, in the order of the table.
pub(crate) fn cells() -> Vec<Cell> {
    use Dialect::{Anthropic, OpenAi};
    let lanes = [(OpenAi, OpenAi), (OpenAi, Anthropic), (Anthropic, OpenAi)];
    let mut cells = Vec::new();
    for (text_bytes, identity, translated) in [(1024, 1.7, 1.9), (32 * 1024, 1.9, 2.4)] {
        for (client, provider) in lanes {
            for concurrency in [1, 32] {
                let target = if client == provider { identity } else { translated };
                let target = (concurrency == 32).then_some(target);
                cells.push(Cell { client, provider, shape: Shape::Unary, text_bytes, concurrency, target });
            }
        }
    }
    for (client, provider) in lanes {
        for (shape, concurrency, target) in
            [(Shape::Burst, 1, None), (Shape::Burst, 32, Some(3.0)), (Shape::Paced, 8, Some(1.5))]
        {
            cells.push(Cell { client, provider, shape, text_bytes: 1024, concurrency, target });
        }
    }
    cells
}
