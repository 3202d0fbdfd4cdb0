//! Envoy's admin port.

use crate::wire::{Connection, Flow};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The admin port of one Envoy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admin {
    address: SocketAddr,
}

impl Admin {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Status and body of a `GET`.
    pub(crate) async fn get(&self, path: &str) -> Result<(u16, Vec<u8>)> {
        timeout(PATIENCE, self.get_now(path)).await.context("the admin port does not answer")?
    }

    async fn get_now(&self, path: &str) -> Result<(u16, Vec<u8>)> {
        let mut connection = Connection::open(self.address).await?;
        connection.write(format!("GET {path} HTTP/1.1\r\nHost: admin\r\n\r\n").as_bytes()).await?;
        let head = connection.read_response().await?;
        let mut body = Vec::new();
        connection
            .read_body(head.framing, |piece| {
                body.extend_from_slice(piece);
                Ok(Flow::More)
            })
            .await?;
        Ok((head.status, body))
    }

    /// Counters and gauges of the Wasm runtime, by name.
    pub(crate) async fn wasm_stats(&self) -> Result<BTreeMap<String, u64>> {
        let (status, body) = self.get("/stats?filter=wasm").await?;
        if status != 200 {
            bail!("the admin port answered {status}");
        }
        let text = String::from_utf8(body)?;
        Ok(text
            .lines()
            .filter_map(|line| line.rsplit_once(": "))
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
            .collect())
    }
}
