//! Writes what to start from: a folder for each target and dialect below the folder of the first argument. Where a
//! corpus of recorded exchanges is named by `TOLLGATE_CORPUS`, its shorter ones are among them.

#[allow(dead_code, reason = "the checks are for another binary")]
#[path = "../checks/mod.rs"]
mod checks;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::{env, fs};
use tollgate::dialect::Dialect;

/// Longest recorded body that is taken: libFuzzer does little with long inputs.
const LONGEST: usize = 4096;
/// Recorded bodies of each target and dialect.
const MOST: usize = 100;

fn main() {
    let root = PathBuf::from(env::args().nth(1).expect("the folder to write to"));
    let recorded = recorded();
    for target in checks::TARGETS {
        if !target.per_dialect {
            write(&root.join(target.name), checks::seeds::seeds(target.name, None));
            continue;
        }
        for dialect in Dialect::ALL {
            let mut inputs = checks::seeds::seeds(target.name, Some(*dialect));
            let found = recorded.iter().filter(|(name, of, _)| *name == target.name && of == dialect);
            inputs.extend(found.take(MOST).map(|(_, of, body)| checks::seeds::named(*of, body.as_bytes())));
            write(&root.join(format!("{}-{}", target.name, dialect.as_str())), inputs);
        }
    }
}

fn write(folder: &Path, inputs: Vec<Vec<u8>>) {
    fs::create_dir_all(folder).expect("the folder can be made");
    for (number, input) in inputs.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), input).expect("the seed can be written");
    }
}

fn dialect(op: &str) -> Option<Dialect> {
    let name = match op {
        "openai.chat" => "openai_chat",
        "anthropic.messages" | "bedrock.invoke" => "anthropic",
        "openai.responses" => "openai_responses",
        "openai.completions" => "openai_completions",
        "gemini.generateContent" | "gemini.streamGenerateContent" => "gemini",
        "cohere.chat.v2" => "cohere",
        "bedrock.converse" => "bedrock",
        "ollama.chat" => "ollama",
        "ollama.generate" => "ollama_generate",
        _ => return None,
    };
    Dialect::ALL.iter().copied().find(|dialect| dialect.as_str() == name)
}

fn recorded() -> Vec<(&'static str, Dialect, String)> {
    let Some(path) = env::var_os("TOLLGATE_CORPUS") else { return Vec::new() };
    let Ok(file) = fs::File::open(path) else { return Vec::new() };
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).expect("the corpus is gzip of UTF-8");
    let mut found = Vec::new();
    for line in text.lines() {
        let exchange: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let Some(dialect) = exchange["op"].as_str().and_then(dialect) else { continue };
        let mut take = |target, body: String| {
            if (2..=LONGEST).contains(&body.len()) {
                found.push((target, dialect, body));
            }
        };
        match &exchange["request_body"] {
            serde_json::Value::Null => {}
            serde_json::Value::String(body) => take("request", body.clone()),
            body => take("request", body.to_string()),
        }
        let answer = exchange["response_text"].as_str().unwrap_or_default().to_owned();
        take(if exchange["stream"] == true { "stream" } else { "response" }, answer);
    }
    found
}
