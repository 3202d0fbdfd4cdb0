//! The table of lanes: each client's dialect to each provider's, whole and streamed. A request that says all its
//! dialect is used for goes one way, an answer with thoughts, text, two tool calls and usage comes back; what does not
//! arrive is what the README's table names. `BLESS=1` writes the table anew.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tollgate::chat::{ChatResponse, Delta, Event, PartKind, PartStart, Usage};
use tollgate::dialect::codec::{self, StreamDecoder};
use tollgate::dialect::lane::{self, AnswerPlan, Ask, Pass, Progress, Stream};
use tollgate::dialect::{Call, Dialect};
use tollgate::provider::Quirks;

const BEGIN: &str = "<!-- lanes: begin -->\n";
const END: &str = "<!-- lanes: end -->";

/// The dialects of whole conversations: those with a sample.
fn dialects() -> Vec<Dialect> {
    Dialect::ALL.iter().copied().filter(|dialect| sample(*dialect, "request").is_file()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sample(dialect: Dialect, what: &str) -> PathBuf {
    root().join("tests/lanes/samples").join(format!("{}.{what}.json", dialect.as_str()))
}

fn read(dialect: Dialect, what: &str) -> Vec<u8> {
    std::fs::read(sample(dialect, what)).unwrap_or_else(|error| panic!("{dialect:?} {what}: {error}"))
}

fn call(dialect: Dialect, stream: bool) -> Call {
    let shape = dialect.shape();
    Call {
        model: shape.model_in_path.then(|| "sample".to_owned()),
        stream: shape.stream_in_path.then_some(stream),
        ..Call::chat(dialect)
    }
}

/// A model of the provider's that can do what the sample asks for.
fn ask(provider: Dialect, drop_params: bool) -> Ask<'static> {
    static QUIRKS: Quirks = Quirks::OPENAI;
    let model = match provider.as_str() {
        "anthropic" => "claude-sonnet-4-5",
        "bedrock" => "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "gemini" => "gemini-2.5-pro",
        "cohere" => "command-a-reasoning-08-2025",
        "ollama" => "gpt-oss:20b",
        _ => "gpt-5.1",
    };
    Ask { drop_params, drop_content: drop_params, ..Ask::new(model, &QUIRKS) }
}

/// What an answer holds, in the words in which it has to arrive.
#[derive(Debug, Default, Clone, PartialEq)]
struct Holds {
    text: String,
    thinking: String,
    signature: Option<String>,
    /// Name and arguments.
    calls: Vec<(String, Value)>,
    ids: Vec<String>,
    finish: Option<&'static str>,
    usage: Usage,
}

fn holds(response: &ChatResponse<'_>) -> Holds {
    let mut held = Holds { usage: response.usage, ..Holds::default() };
    let choice = response.choices.first().expect("an answer");
    held.finish = choice.finish.as_ref().map(|finish| finish.reason.as_openai());
    for part in &choice.parts {
        match &part.kind {
            PartKind::Text(text) => held.text.push_str(&text.to_str()),
            PartKind::Thinking(thinking) => {
                held.thinking.push_str(&thinking.text.to_str());
                held.signature = thinking.signature.as_ref().map(|proof| proof.to_str().into_owned());
            }
            PartKind::ToolCall(tool) => {
                held.calls.push((tool.name.to_str().into_owned(), json(&tool.arguments.as_plain())));
                held.ids.push(tool.id.to_str().into_owned());
            }
            _ => {}
        }
    }
    held
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a client makes of a stream in its own dialect.
fn holds_of_stream(client: Dialect, bytes: &[u8]) -> Holds {
    let mut held = Holds::default();
    let mut arguments: Vec<String> = Vec::new();
    let mut decoder = StreamDecoder::new(client);
    let mut sink = |event: Event<'_>| match event {
        Event::PartStart { part: PartStart::ToolCall { id, name }, .. } => {
            held.calls.push((name.to_str().into_owned(), Value::Null));
            held.ids.push(id.to_str().into_owned());
            arguments.push(String::new());
        }
        Event::Delta { delta, .. } => match delta {
            Delta::Text(text) => held.text.push_str(&text.to_str()),
            Delta::Thinking(text) => held.thinking.push_str(&text.to_str()),
            Delta::Signature(proof) => held.signature = Some(proof.to_str().into_owned()),
            Delta::Arguments(text) => arguments.last_mut().expect("a call is open").push_str(&text.to_str()),
        },
        Event::Finish { finish, .. } => held.finish = Some(finish.reason.as_openai()),
        Event::Usage { usage, .. } => held.usage.update(&usage),
        Event::Error(failure) => panic!("{client:?}: {failure:?}"),
        _ => {}
    };
    decoder.push(bytes, &mut sink);
    decoder.end(&mut sink);
    for (call, text) in held.calls.iter_mut().zip(&arguments) {
        call.1 = json(if text.is_empty() { "{}" } else { text });
    }
    held
}

/// What of the provider's answer did not arrive, by name. What must arrive in every lane is not named but insisted on.
fn missing(sent: &Holds, came: &Holds, lane: &str) -> BTreeSet<&'static str> {
    assert_eq!(came.text, sent.text, "{lane}: text");
    assert_eq!(came.calls, sent.calls, "{lane}: tool calls");
    assert_eq!(came.finish, sent.finish, "{lane}: finish");
    assert_eq!((came.usage.input, came.usage.output), (sent.usage.input, sent.usage.output), "{lane}: usage");
    let unique: BTreeSet<&String> = came.ids.iter().collect();
    assert_eq!(unique.len(), came.calls.len(), "{lane}: ids {:?}", came.ids);
    let lost = |name, was: bool, is: bool| (was && !is).then_some(name);
    // A count of nothing says nothing.
    let counts = |count: Option<u64>| count.is_some_and(|count| count > 0);
    [
        lost("thinking", !sent.thinking.is_empty(), came.thinking == sent.thinking),
        lost("signature", sent.signature.is_some(), came.signature.is_some()),
        lost(
            "usage: cache reads",
            counts(sent.usage.cache_read),
            came.usage.cache_read == sent.usage.cache_read,
        ),
        lost(
            "usage: cache writes",
            counts(sent.usage.cache_write),
            came.usage.cache_write == sent.usage.cache_write,
        ),
        lost("usage: reasoning", counts(sent.usage.reasoning), came.usage.reasoning == sent.usage.reasoning),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What becomes of one lane.
struct Lane {
    client: Dialect,
    provider: Dialect,
    /// Fields of the request that are dropped with a warning, or refused with 400.
    dropped: Vec<String>,
    /// Things said differently, with a warning.
    adapted: Vec<String>,
    /// What is missing from whole answers.
    answer: BTreeSet<&'static str>,
    /// What is missing from streams.
    stream: BTreeSet<&'static str>,
}

fn measure(client: Dialect, provider: Dialect) -> Lane {
    let name = format!("{} → {}", client.as_str(), provider.as_str());
    let body = read(client, "request");
    let (mut dropped, mut adapted) = (Vec::new(), Vec::new());
    if client != provider {
        let outgoing = lane::request(&call(client, false), provider, &body, &ask(provider, true))
            .unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        for warning in outgoing.warnings {
            match warning.split_once(" dropped") {
                Some((field, _)) => dropped.push(field.to_owned()),
                None => adapted.push(warning),
            }
        }
        let refused = lane::request(&call(client, false), provider, &body, &ask(provider, false)).is_err();
        assert_eq!(
            refused,
            !dropped.is_empty(),
            "{name}: what is dropped is refused when asked for: {dropped:?}"
        );
    }
    let answer = read(provider, "response");
    let sent = holds(&codec::decode_response(provider, &answer).unwrap());
    let whole = AnswerPlan::new(client, provider, false, true);
    let came = lane::answer(&whole, &answer).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
    let came = came.body.unwrap_or_else(|| answer.clone());
    let came = holds(&codec::decode_response(client, &came).unwrap());

    let stream = lane::answer_as_stream(&AnswerPlan::new(provider, provider, true, true), &answer).unwrap();
    let stream = stream.body.unwrap();
    let plan = AnswerPlan::new(client, provider, true, true);
    let (mut lane, mut streamed) = (Stream::new(&plan), Vec::new());
    if lane.push(&stream, &mut streamed) == Pass::AsIs {
        streamed.clone_from(&stream);
    }
    lane.end(&mut streamed);
    assert_eq!(lane.progress(), Progress::Finished, "{name}");
    // What a dialect's streams cannot say is no loss of the lane.
    let in_stream = holds_of_stream(provider, &stream);
    Lane {
        client,
        provider,
        dropped,
        adapted,
        answer: missing(&sent, &came, &name),
        stream: missing(&in_stream, &holds_of_stream(client, &streamed), &format!("{name} stream")),
    }
}

impl Lane {
    fn cell(&self) -> String {
        let half = |missing: &BTreeSet<_>| if missing.is_empty() { "full" } else { "part" };
        if self.client == self.provider {
            return "as it is".to_owned();
        }
        let request = match self.dropped.len() {
            0 => "full".to_owned(),
            n => format!("−{n}"),
        };
        format!("{request} · {} · {}", half(&self.answer), half(&self.stream))
    }

    fn details(&self) -> Option<String> {
        let mut text = String::new();
        if !self.dropped.is_empty() {
            write!(text, " Dropped with a warning, or 400: `{}`.", self.dropped.join("`, `")).unwrap();
        }
        if !self.adapted.is_empty() {
            write!(text, " Said differently: {}.", self.adapted.join("; ")).unwrap();
        }
        for (missing, of) in [(&self.answer, "answers"), (&self.stream, "streams")] {
            if !missing.is_empty() {
                let missing: Vec<_> = missing.iter().copied().collect();
                write!(text, " Not in {of}: {}.", missing.join(", ")).unwrap();
            }
        }
        (!text.is_empty())
            .then(|| format!("- {} → {}:{text}\n", self.client.as_str(), self.provider.as_str()))
    }
}

#[test]
fn the_readme_says_what_every_lane_carries() {
    let dialects = dialects();
    let mut table = String::from("| client ↓ provider → |");
    for provider in &dialects {
        write!(table, " {} |", provider.as_str()).unwrap();
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(dialects.len()));
    table.push('\n');
    let mut details = String::new();
    for client in &dialects {
        write!(table, "| **{}** |", client.as_str()).unwrap();
        for provider in &dialects {
            let lane = measure(*client, *provider);
            write!(table, " {} |", lane.cell()).unwrap();
            details.extend(lane.details());
        }
        table.push('\n');
    }
    let made = format!(
        "{table}\nEach cell: request · whole answer · stream. `−3` counts the fields of the sample request (in \
         `tests/lanes/samples`) that the provider's dialect cannot say.\n\n<details><summary>What each lane loses, and \
         how</summary>\n\n{details}\n</details>\n"
    );
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the table's place in the README");
    let (found, after) = rest.split_once(END).expect("the table's end in the README");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
        return;
    }
    assert!(
        found == made,
        "the README's table of lanes is old: BLESS=1 cargo test --test lanes writes it\n{made}"
    );
}
