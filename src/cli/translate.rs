//! `tollgate translate`: what the other side would see, from standard input to standard output.

use crate::chat::Failure;
use crate::dialect::lane::{self, AnswerPlan, Ask, Edit, Stream};
use crate::dialect::{Call, Dialect};
use crate::provider::Quirks;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use std::io::{Read, Write};
use std::process::ExitCode;

/// Translate a body read from standard input, the way a lane of the gateway does.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
#[expect(clippy::doc_markdown, reason = "the comments are the help text, and that is no Markdown")]
pub struct TranslateArgs {
    /// What is read: a client's request, or a provider's answer, whole or streamed
    #[arg(value_enum)]
    what: What,
    /// The client's dialect; "openai" is short for openai_chat
    #[arg(long)]
    client: Dialect,
    /// The provider's dialect
    #[arg(long)]
    provider: Dialect,
    /// The provider's name of the model; the client's own word when absent
    #[arg(long)]
    model: Option<String>,
    /// Refuse what the provider cannot say instead of dropping it with a warning
    #[arg(long)]
    refuse: bool,
    /// Drop pictures, sound and documents that the provider cannot take instead of refusing them
    #[arg(long)]
    drop_content: bool,
    /// Output limit, in tokens, where the provider must have one and the request gives none
    #[arg(long, default_value_t = 4096)]
    default_max_tokens: u64,
    /// Show the usage of a stream as to a client that asked for it
    #[arg(long)]
    usage: bool,
    /// Translate a whole answer into a stream, as for a client that asked for one
    #[arg(long)]
    as_stream: bool,
    /// The server's defaults are those of OpenAI's many imitators (max_tokens, no developer role)
    #[arg(long)]
    compatible: bool,
}

/// What is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A client's request, for the provider
    Request,
    /// A provider's whole answer, for the client
    Response,
    /// A provider's streamed answer, for the client
    Stream,
}

impl ValueEnum for Dialect {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.as_str());
        Some(if *self == Self::OpenaiChat { value.alias("openai") } else { value })
    }
}

/// Runs the command: the result on standard output, warnings and errors on standard error. Where the lane fails,
/// the result is the error that the client would see and the exit code is 1.
pub fn run(args: &TranslateArgs) -> ExitCode {
    let mut body = Vec::new();
    if let Err(error) = std::io::stdin().lock().read_to_end(&mut body) {
        say("error", &format!("standard input could not be read: {error}"));
        return ExitCode::from(2);
    }
    let translated = translate(args, &body);
    let (out, code) = match translated {
        Ok(Translated { out, warnings, failure }) => {
            for warning in &warnings {
                say("warning", warning);
            }
            if let Some(failure) = &failure {
                say("error", &failure.message);
            }
            (out, u8::from(failure.is_some()))
        }
        Err(failure) => {
            say("error", &failure.message);
            (lane::write_failure(args.client, &failure, &[], ""), 1)
        }
    };
    match std::io::stdout().lock().write_all(&out) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::from(2),
    }
}

fn say(kind: &str, text: &str) {
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(std::io::stderr(), "{kind}: {text}");
}

struct Translated {
    out: Vec<u8>,
    warnings: Vec<String>,
    failure: Option<Failure>,
}

fn translate(args: &TranslateArgs, body: &[u8]) -> Result<Translated, Failure> {
    let plan = AnswerPlan::new(args.client, args.provider, args.what == What::Stream, args.usage);
    match args.what {
        What::Request => request(args, body),
        What::Response => {
            let answer = if args.as_stream {
                lane::answer_as_stream(&plan, body)?
            } else {
                lane::answer(&plan, body)?
            };
            let out = answer.body.unwrap_or_else(|| body.to_vec());
            Ok(Translated { out, warnings: answer.report.warnings, failure: None })
        }
        What::Stream => {
            let mut stream = Stream::new(&plan);
            let mut out = Vec::new();
            if stream.push(body, &mut out) == lane::Pass::AsIs {
                out.extend_from_slice(body);
            }
            stream.end(&mut out);
            let failure = stream.failure().cloned();
            Ok(Translated { out, warnings: stream.report().warnings.clone(), failure })
        }
    }
}

fn request(args: &TranslateArgs, body: &[u8]) -> Result<Translated, Failure> {
    let call = Call::chat(args.client);
    let model = match &args.model {
        Some(model) => model.clone(),
        None => lane::read_envelope(&call, &body.to_vec().into())?.model,
    };
    let quirks = if args.compatible { Quirks::COMPATIBLE } else { Quirks::OPENAI };
    let ask = Ask {
        default_max_tokens: args.default_max_tokens,
        drop_params: !args.refuse,
        drop_content: args.drop_content,
        ..Ask::new(&model, &quirks)
    };
    let outgoing = lane::request(&call, args.provider, body, &ask)?;
    let out = match outgoing.edit {
        Edit::Keep => body.to_vec(),
        Edit::Replace(out) => out,
        Edit::Prefix { drop, mut insert } => {
            insert.extend_from_slice(body.get(drop..).unwrap_or_default());
            insert
        }
    };
    Ok(Translated { out, warnings: outgoing.warnings, failure: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: TranslateArgs,
    }

    fn run_on(line: &str, body: &str) -> Result<Translated, Failure> {
        let words = std::iter::once("translate").chain(line.split_whitespace());
        translate(&Command::try_parse_from(words).unwrap().args, body.as_bytes())
    }

    #[test]
    fn a_request_keeps_the_clients_model_unless_another_is_named() {
        let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":1}"#;
        let out = run_on("request --client openai --provider anthropic", body).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out.out).unwrap();
        assert_eq!((&json["model"], &json["max_tokens"]), (&"m".into(), &4096.into()));
        assert_eq!(out.warnings.len(), 1);
        let out = run_on("request --client openai --provider openai_chat --model other", body).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out.out).unwrap();
        assert_eq!((&json["model"], &json["seed"]), (&"other".into(), &1.into()));
        let failure = run_on("request --client openai --provider anthropic --refuse", body).err().unwrap();
        assert_eq!(failure.param.as_deref(), Some("seed"));
    }

    #[test]
    fn answers_whole_and_streamed() {
        let answer = r#"{"id":"c","model":"m","created":1,"choices":[{"index":0,"finish_reason":"stop",
            "message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
        let out = run_on("response --client anthropic --provider openai", answer).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out.out).unwrap();
        assert_eq!(json["content"][0]["text"], "hi");
        let out = run_on("response --client openai --provider openai --as-stream --usage", answer).unwrap();
        let text = String::from_utf8(out.out).unwrap();
        assert!(text.contains("\"content\":\"hi\"") && text.contains("\"total_tokens\":3"), "{text}");
        assert!(text.ends_with("data: [DONE]\n\n"));

        let stream = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
        let out = run_on("stream --client anthropic --provider openai", stream).unwrap();
        assert!(out.failure.is_some() && String::from_utf8(out.out).unwrap().contains("event: error"));
    }

    #[test]
    fn an_unknown_dialect_is_refused() {
        let line = ["translate", "request", "--client", "latin", "--provider", "openai"];
        assert!(Command::try_parse_from(line).is_err());
    }
}
