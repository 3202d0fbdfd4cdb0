//! The kinds of requests and what must come of each.

use crate::client::{anthropic_head, openai_head};
use crate::exchange::{CLIENT_KEY, Dialect};

/// What must come of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// The whole answer, from this provider, at this attempt.
    Answer { provider: Dialect, attempts: u32 },
    /// The client leaves after so many chunks.
    Leave { after: usize },
    /// A stream that ends with an error event after its first half.
    LateError,
    /// A stream that breaks after its first half, without a finish.
    Cut,
    /// An error with this status, in the client's dialect.
    Error { status: u16 },
    /// A 200 with this in its body.
    Document(&'static str),
}

/// Whether a request has an audit line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audited {
    /// Whatever comes of it.
    Always,
    /// It asks for no model: that is up to the gateway.
    Perhaps,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(crate) enum Sent {
    /// A conversation with the kind's own model.
    Chat { text_bytes: usize, include_usage: bool },
    /// These bytes.
    Raw(Vec<u8>),
}

/// One kind of request.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    /// Also the public name of its model: the audit line tells what became of each kind.
    pub(crate) name: String,
    /// How many of a thousand requests.
    pub(crate) weight: usize,
    pub(crate) client: Dialect,
    pub(crate) stream: bool,
    pub(crate) sent: Sent,
    /// Whether the audit log has a line for it.
    pub(crate) audited: Audited,
    /// `provider/model` in order.
    pub(crate) chain: Vec<String>,
    pub(crate) expect: Expect,
}

impl Kind {
    /// Its entry in the gateway's configuration, where it has one.
    pub(crate) fn model(&self) -> Option<(String, Vec<String>)> {
        (!self.chain.is_empty()).then(|| (self.name.clone(), self.chain.clone()))
    }

    fn chat(
        weight: usize,
        name: &str,
        client: Dialect,
        stream: bool,
        chain: &[String],
        expect: Expect,
    ) -> Self {
        let dialect = if client == Dialect::OpenAi { "openai" } else { "anthropic" };
        let shape = if stream { "stream" } else { "unary" };
        Self {
            name: format!("{name}-{shape}-{dialect}"),
            weight,
            client,
            stream,
            sent: Sent::Chat { text_bytes: 1024, include_usage: false },
            audited: Audited::Always,
            chain: chain.to_vec(),
            expect,
        }
    }

    fn with(mut self, text_bytes: usize, include_usage: bool) -> Self {
        self.sent = Sent::Chat { text_bytes, include_usage };
        self
    }

    fn raw(weight: usize, name: &str, client: Dialect, bytes: String, expect: Expect) -> Self {
        Self {
            name: name.to_owned(),
            weight,
            client,
            stream: false,
            audited: if bytes.starts_with("GET ") { Audited::Perhaps } else { Audited::Always },
            sent: Sent::Raw(bytes.into_bytes()),
            chain: Vec::new(),
            expect,
        }
    }
}

fn target(provider: Dialect, model: &str) -> String {
    format!("{}/{model}", provider.provider())
}

fn other(dialect: Dialect) -> Dialect {
    match dialect {
        Dialect::OpenAi => Dialect::Anthropic,
        Dialect::Anthropic => Dialect::OpenAi,
    }
}

/// All kinds.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for client in [Dialect::OpenAi, Dialect::Anthropic] {
        kinds.extend(answered(client));
        kinds.extend(fallbacks(client));
        kinds.extend(broken(client));
    }
    kinds.extend(refused());
    kinds
}

/// The first provider answers.
fn answered(client: Dialect) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (word, provider) in [("identity", client), ("translated", other(client))] {
        let expect = Expect::Answer { provider, attempts: 1 };
        let chain = |model| [target(provider, model)];
        kinds.extend([
            Kind::chat(110, word, client, false, &chain("sim"), expect),
            Kind::chat(10, &format!("{word}-32k"), client, false, &chain("sim"), expect)
                .with(32 * 1024, false),
            Kind::chat(2, &format!("{word}-1m"), client, false, &chain("sim"), expect)
                .with(1024 * 1024, false),
            Kind::chat(30, word, client, true, &chain("sim-short"), expect),
            Kind::chat(20, &format!("{word}-usage"), client, true, &chain("sim-short"), expect)
                .with(1024, true),
            Kind::chat(5, &format!("{word}-long"), client, true, &chain("sim"), expect),
            Kind::chat(5, &format!("{word}-paced"), client, true, &chain("sim-paced"), expect),
        ]);
    }
    kinds
}

/// The first provider fails, the second answers.
fn fallbacks(client: Dialect) -> Vec<Kind> {
    let mut kinds = Vec::new();
    // Ways to fail, whom the client's dialect does not matter to; the second provider speaks the other dialect.
    for (index, failure) in [
        "sim-503",
        "sim-529",
        "sim-429",
        "sim-500",
        "sim-reset",
        "sim-empty",
        "sim-malformed",
        "sim-error-event",
    ]
    .into_iter()
    .enumerate()
    {
        let first = if index % 2 == 0 { client } else { other(client) };
        let expect = Expect::Answer { provider: other(first), attempts: 2 };
        let name = failure.replace("sim", "fallback");
        for stream in [false, true] {
            let chain = [target(first, failure), target(other(first), "sim-short")];
            kinds.push(Kind::chat(4, &name, client, stream, &chain, expect));
        }
    }
    for stream in [false, true] {
        let (provider, dead) = (other(client), "dead/sim-short".to_owned());
        let expect = Expect::Answer { provider, attempts: 2 };
        let chain = [dead.clone(), target(provider, "sim-short")];
        kinds.push(Kind::chat(7, "fallback-refused", client, stream, &chain, expect));
        let expect = Expect::Answer { provider: client, attempts: 4 };
        let chain = [
            target(client, "sim-503"),
            dead,
            target(other(client), "sim-error-event"),
            target(client, "sim-short"),
        ];
        kinds.push(Kind::chat(2, "fallback-far", client, stream, &chain, expect));
    }
    kinds
}

/// No answer, or half of one.
fn broken(client: Dialect) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for provider in [client, other(client)] {
        let word = if provider == client { "identity" } else { "translated" };
        kinds.extend([
            Kind::chat(
                3,
                &format!("leave-early-{word}"),
                client,
                true,
                &[target(provider, "sim-paced")],
                Expect::Leave { after: 1 },
            ),
            Kind::chat(
                3,
                &format!("leave-{word}"),
                client,
                true,
                &[target(provider, "sim-paced")],
                Expect::Leave { after: 20 },
            ),
            Kind::chat(
                3,
                &format!("late-error-{word}"),
                client,
                true,
                &[target(provider, "sim-error-late")],
                Expect::LateError,
            ),
            Kind::chat(3, &format!("cut-{word}"), client, true, &[target(provider, "sim-cut")], Expect::Cut),
            Kind::chat(
                3,
                &format!("refused-{word}"),
                client,
                false,
                &[target(provider, "sim-400")],
                Expect::Error { status: 400 },
            ),
        ]);
    }
    let exhausted = [target(client, "sim-503"), target(other(client), "sim-529")];
    for stream in [false, true] {
        kinds.push(Kind::chat(3, "exhausted", client, stream, &exhausted, Expect::Error { status: 529 }));
    }
    kinds
}

/// What the gateway itself refuses, and what it answers without a provider.
fn refused() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (client, word, head) in [
        (Dialect::OpenAi, "openai", openai_head as fn(&str, usize) -> String),
        (Dialect::Anthropic, "anthropic", anthropic_head),
    ] {
        let post = |key: &str, body: &str| head(key, body.len()) + body;
        let unknown =
            r#"{"messages":[{"role":"user","content":"hello"}],"model":"no-such-model","max_tokens":5}"#;
        kinds.extend([
            Kind::raw(
                3,
                &format!("malformed-{word}"),
                client,
                post(CLIENT_KEY, "{\"messages\":[{\"role\""),
                Expect::Error { status: 400 },
            ),
            Kind::raw(
                3,
                &format!("no-body-{word}"),
                client,
                post(CLIENT_KEY, ""),
                Expect::Error { status: 400 },
            ),
            Kind::raw(
                3,
                &format!("unknown-model-{word}"),
                client,
                post(CLIENT_KEY, unknown),
                Expect::Error { status: 404 },
            ),
            Kind::raw(
                3,
                &format!("wrong-key-{word}"),
                client,
                post("sk-not-the-key", unknown),
                Expect::Error { status: 401 },
            ),
        ]);
    }
    let get = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {CLIENT_KEY}\r\n\r\n")
    };
    let client = Dialect::OpenAi;
    kinds.extend([
        Kind::raw(3, "no-such-path", client, get("/v1/no-such-path"), Expect::Error { status: 404 }),
        Kind::raw(3, "wrong-method", client, get("/v1/chat/completions"), Expect::Error { status: 405 }),
        Kind::raw(3, "models", client, get("/v1/models"), Expect::Document("identity-unary-openai")),
        Kind::raw(3, "health", client, get("/health"), Expect::Document("sim_openai")),
    ]);
    kinds
}

/// The order of kinds, to be gone through again and again: each as often as its weight says, well mixed.
pub(crate) fn schedule(kinds: &[Kind]) -> Vec<usize> {
    let mut order: Vec<usize> =
        kinds.iter().enumerate().flat_map(|(index, kind)| std::iter::repeat_n(index, kind.weight)).collect();
    // The same shuffle in each run (Fisher and Yates, with Knuth's MMIX generator).
    let mut state: u64 = 1;
    for last in (1..order.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bound = u64::try_from(last + 1).unwrap_or(u64::MAX);
        order.swap(last, usize::try_from((state >> 33) % bound).unwrap_or(0));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn weights_add_up_and_names_differ() {
        let kinds = kinds();
        assert_eq!(kinds.iter().map(|kind| kind.weight).sum::<usize>(), 1000);
        let names: HashSet<_> = kinds.iter().map(|kind| &kind.name).collect();
        assert_eq!(names.len(), kinds.len());
    }

    #[test]
    fn a_schedule_holds_each_kind_as_often_as_its_weight() {
        let kinds = kinds();
        let schedule = schedule(&kinds);
        for (index, kind) in kinds.iter().enumerate() {
            assert_eq!(schedule.iter().filter(|entry| **entry == index).count(), kind.weight);
        }
    }
}
