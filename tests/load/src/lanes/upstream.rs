//! Simulated providers of all dialects on one port, told by the path.

use super::canned::Canned;
use super::client::prompt_arrived;
use crate::wire::{BodyEnd, Connection, Flow};
use anyhow::{Result, bail};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tollgate::dialect::Dialect;

/// A running server.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    providers: Arc<Providers>,
}

#[derive(Debug)]
struct Providers {
    canned: Vec<(Dialect, Canned)>,
    /// How many requests were refused, and the first of them.
    refused: Mutex<(u64, String)>,
}

impl Upstream {
    /// Starts to serve at a free port on the current runtime.
    pub(super) async fn start(dialects: &[Dialect]) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let canned = dialects.iter().map(|dialect| Ok((*dialect, Canned::of(*dialect)?)));
        let canned = canned.collect::<Result<_>>()?;
        let providers = Arc::new(Providers { canned, refused: Mutex::default() });
        let upstream = Self { address: listener.local_addr()?, providers: Arc::clone(&providers) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let providers = Arc::clone(&providers);
                tokio::spawn(async move {
                    // A connection that Envoy closes is no fault of either side.
                    if let Ok(connection) = Connection::accepted(stream) {
                        let _ = providers.serve(connection).await;
                    }
                });
            }
        });
        Ok(upstream)
    }

    /// An error when anything was refused.
    pub(super) fn was_content(&self) -> Result<()> {
        let refused = self.providers.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.0 > 0 {
            bail!("the providers refused {} requests, first: {}", refused.0, refused.1);
        }
        Ok(())
    }
}

impl Providers {
    async fn serve(&self, mut connection: Connection) -> Result<()> {
        let mut body = Vec::new();
        while let Some(head) = connection.read_request().await? {
            body.clear();
            let end = connection
                .read_body(head.framing, |piece| {
                    body.extend_from_slice(piece);
                    Ok(Flow::More)
                })
                .await?;
            if end != BodyEnd::Complete {
                bail!("half a request");
            }
            let answer = match (asked(&head.path), prompt_arrived(&body)) {
                (Some(asked), true) => self
                    .canned
                    .iter()
                    .find(|(dialect, _)| *dialect == asked.dialect)
                    .map(|row| (&row.1, asked)),
                _ => None,
            };
            let Some((canned, asked)) = answer else {
                self.refuse(&head.path, &body);
                connection.write(REFUSAL).await?;
                continue;
            };
            if !asked.stream.unwrap_or_else(|| wants_stream(asked.dialect, &body)) {
                connection.write(&canned.whole).await?;
                continue;
            }
            for burst in &canned.stream {
                connection.write(burst).await?;
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    fn refuse(&self, path: &str, body: &[u8]) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.0 == 0 {
            refused.1 = format!("{path}: {}", String::from_utf8_lossy(body));
        }
        refused.0 += 1;
    }
}

const REFUSAL: &[u8] =
    b"HTTP/1.1 422 Unprocessable\r\ncontent-type: application/json\r\ncontent-length: 36\r\n\r\n\
    {\"error\":{\"message\":\"not as asked\"}}";

/// What a path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    dialect: Dialect,
    /// `None`: the body says.
    stream: Option<bool>,
}

fn asked(path: &str) -> Option<Asked> {
    let path = path.split('?').next().unwrap_or(path);
    let (name, stream) = match path {
        "/v1/chat/completions" => ("openai_chat", None),
        "/v1/messages" => ("anthropic", None),
        "/v1/responses" => ("openai_responses", None),
        "/v2/chat" => ("cohere", None),
        "/api/chat" => ("ollama", None),
        _ if path.ends_with(":generateContent") => ("gemini", Some(false)),
        _ if path.ends_with(":streamGenerateContent") => ("gemini", Some(true)),
        _ if path.ends_with("/converse") => ("bedrock", Some(false)),
        _ if path.ends_with("/converse-stream") => ("bedrock", Some(true)),
        _ => return None,
    };
    let dialect = Dialect::ALL.iter().find(|dialect| dialect.as_str() == name)?;
    Some(Asked { dialect: *dialect, stream })
}

/// Nobody here writes blanks into JSON, and no prompt holds the word.
fn wants_stream(dialect: Dialect, body: &[u8]) -> bool {
    let says = |word: &str| memchr::memmem::find(body, word.as_bytes()).is_some();
    says("\"stream\":true") || (dialect.shape().streams_by_default && !says("\"stream\":false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_dialect() {
        let of = |path| asked(path).map(|asked| (asked.dialect.as_str(), asked.stream));
        assert_eq!(of("/v1/chat/completions"), Some(("openai_chat", None)));
        assert_eq!(of("/model/a%3A0/converse-stream"), Some(("bedrock", Some(true))));
        assert_eq!(of("/v1beta/models/m:streamGenerateContent?alt=sse"), Some(("gemini", Some(true))));
        assert_eq!(of("/v1/embeddings"), None);
    }

    #[test]
    fn a_refusal_has_the_length_it_says() {
        let text = std::str::from_utf8(REFUSAL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
    }

    #[test]
    fn ollama_streams_unless_told_otherwise() {
        assert!(wants_stream(Dialect::Ollama, b"{}"));
        assert!(!wants_stream(Dialect::Ollama, br#"{"stream":false}"#));
        assert!(!wants_stream(Dialect::OpenaiChat, b"{}"));
        assert!(wants_stream(Dialect::OpenaiChat, br#"{"stream":true}"#));
    }
}
