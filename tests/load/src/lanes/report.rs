//! The matrices for people and the file for programs.

use super::{Lane, Speaker};
use crate::bench::{Noise, Pair, Rounds, Subject, arm, circumstances, spread};
use serde_json::{Value, json};
use std::fmt::Write;

/// Two matrices of ratios, clients down and providers across.
pub(super) fn markdown(speakers: &[Speaker], pairs: &[Pair<Lane>], rounds: Rounds, noise: &Noise) -> String {
    let mut out = circumstances(rounds, noise);
    let names: Vec<&str> = speakers.iter().map(|speaker| speaker.client.name).collect();
    for (stream, title) in
        [(false, "Whole answers, 1 KB prompt, c=32"), (true, "Streams of 20 chunks in bursts, c=32")]
    {
        // Writing to a string cannot fail.
        let _ = write!(out, "\n\n{title}: CPU/request over that without the filter, median (min–max).\n\n");
        let _ = write!(out, "| client ↓ provider → | {} |\n|---|", names.join(" | "));
        out.push_str(&"---|".repeat(names.len()));
        for client in &names {
            let _ = write!(out, "\n| {client} |");
            for provider in &names {
                let pair = pairs.iter().find(|pair| {
                    let lane = &pair.cell;
                    lane.stream == stream
                        && lane.client.client.name == *client
                        && lane.provider.client.name == *provider
                });
                let _ = write!(out, " {} |", field(pair));
            }
        }
    }
    out.push('\n');
    for pair in pairs {
        if let Some(failure) = &pair.failure {
            let _ = write!(out, "\n{}: {failure}\n", pair.cell.name());
        }
    }
    out
}

fn field(pair: Option<&Pair<Lane>>) -> String {
    let Some(pair) = pair else { return String::new() };
    if pair.failure.is_some() {
        return "failed".to_owned();
    }
    pair.ratio().map_or_else(String::new, |ratio| {
        format!("**{:.2}×** ({:.2}–{:.2})", ratio.median, ratio.min, ratio.max)
    })
}

/// All figures.
pub(super) fn json(pairs: &[Pair<Lane>], noise: &Noise) -> Value {
    let lanes: Vec<Value> = pairs
        .iter()
        .map(|pair| {
            json!({
                "name": pair.cell.name(), "client": pair.cell.client.client.name,
                "provider": pair.cell.provider.client.name, "stream": pair.cell.stream,
                "concurrency": pair.cell.concurrency(), "prompt_bytes": super::client::TEXT_BYTES,
                "chunks": pair.cell.chunks(), "failure": pair.failure,
                "cpu_ratio": pair.ratio().map(spread), "plain": arm(&pair.plain), "gateway": arm(&pair.gateway),
            })
        })
        .collect();
    json!({"machine": noise, "lanes": lanes})
}
