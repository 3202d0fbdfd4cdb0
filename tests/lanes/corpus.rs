//! The recorded exchanges: one JSON object a line, gzip. They are no part of the repository; the tests that need
//! them say so and pass when they are absent.

use serde_json::Value;
use std::io::Read;
use std::path::PathBuf;
use std::sync::OnceLock;

pub(crate) struct Exchange {
    pub(crate) id: String,
    pub(crate) provider: String,
    pub(crate) path: String,
    pub(crate) request: Option<String>,
    pub(crate) status: u64,
    pub(crate) stream: bool,
    pub(crate) response: String,
    /// The answer's body as it came, text or not.
    pub(crate) bytes: Vec<u8>,
}

fn path() -> PathBuf {
    match std::env::var_os("TOLLGATE_CORPUS") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/exchanges.jsonl.gz"),
    }
}

/// The whole corpus, read once for all tests.
static TEXT: OnceLock<Option<String>> = OnceLock::new();

fn read() -> Option<String> {
    let file = std::fs::File::open(path()).ok()?;
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).expect("the corpus is gzip of UTF-8");
    Some(text)
}

/// The exchanges of one operation; `None`, with a word about it, where the corpus is absent.
pub(crate) fn exchanges(op: &str) -> Option<Vec<Exchange>> {
    let Some(text) = TEXT.get_or_init(read) else {
        eprintln!("SKIPPED: corpus not found");
        return None;
    };
    // Most lines are other operations': they are not worth parsing.
    let name = format!("\"{op}\"");
    let lines = text.lines().filter(|line| line.contains(&name));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
    let wanted: Vec<Exchange> = lines.filter(|line| line["op"] == op).map(|line| exchange(&line)).collect();
    assert!(!wanted.is_empty(), "the corpus holds no {op}");
    Some(wanted)
}

fn exchange(line: &Value) -> Exchange {
    let request = match &line["request_body"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let bytes = match line["response_base64"].as_str() {
        Some(text) => tollgate::wire::base64::decode(text).expect("base64"),
        None => line["response_text"].as_str().unwrap_or_default().into(),
    };
    Exchange {
        bytes,
        provider: line["provider"].as_str().unwrap_or_default().to_owned(),
        path: line["path"].as_str().unwrap_or_default().to_owned(),
        id: line["id"].as_str().unwrap_or_default().to_owned(),
        request,
        status: line["status"].as_u64().unwrap_or(0),
        stream: line["stream"].as_bool().unwrap_or(false),
        response: line["response_text"].as_str().unwrap_or_default().to_owned(),
    }
}
