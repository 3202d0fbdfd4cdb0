//! The table for people and the file for programs.

use super::cell::Cell;
use super::drive::Subject;
use super::machine::Noise;
use super::rounds::Rounds;
use super::sample::{Pair, Sample, Spread};
use serde_json::{Value, json};
use std::fmt::Write;

/// The table, with a line on how it came about.
pub(crate) fn markdown(pairs: &[Pair<Cell>], rounds: Rounds, noise: &Noise) -> String {
    let mut out = format!(
        "{}\n\n\
         | what | c | CPU/request, plain → gateway | ratio (min–max) | goal | requests/s | p50 (added) | p99 (added) | CPU/chunk |\n\
         |---|---|---|---|---|---|---|---|---|\n",
        circumstances(rounds, noise),
    );
    for pair in pairs {
        let name = pair.cell.name();
        let name = name.split(" c=").next().unwrap_or(&name);
        let c = pair.cell.concurrency;
        // Writing to a string cannot fail.
        let _ = match row(pair) {
            Some(row) if pair.failure.is_none() => writeln!(out, "| {name} | {c} | {row} |"),
            _ => writeln!(
                out,
                "| {name} | {c} | failed: {} |",
                pair.failure.as_deref().unwrap_or("no samples")
            ),
        };
    }
    out
}

/// What a table has to say of how it came about.
pub(crate) fn circumstances(rounds: Rounds, noise: &Noise) -> String {
    format!(
        "{} interleaved rounds of {} s on {} × {}; other processes used {:.0} % of the machine, {:.0} % was stolen.\n\
         Medians; the ratio's range is that of the rounds.",
        rounds.count,
        rounds.length.as_secs_f64(),
        noise.cores,
        noise.model,
        noise.others_percent,
        noise.stolen_percent,
    )
}

fn row(pair: &Pair<Cell>) -> Option<String> {
    let ratio = pair.ratio()?;
    let (cpu_plain, cpu) = pair.both(|sample| sample.cpu_us)?;
    let (rate_plain, rate) = pair.both(|sample| sample.rate)?;
    let (p50_plain, p50) = pair.both(|sample| sample.p50_ms)?;
    let (p99_plain, p99) = pair.both(|sample| sample.p99_ms)?;
    let goal = pair.cell.target.map_or_else(String::new, |target| {
        format!("≤ {target}{}", if ratio.median <= target { "" } else { " ✗" })
    });
    let per_chunk = pair.cell.chunks().map_or_else(String::new, |chunks| {
        let chunks = chunks as f64;
        format!("{:.1} → {:.1} µs", cpu_plain.median / chunks, cpu.median / chunks)
    });
    Some(format!(
        "{:.0} → {:.0} µs | **{:.2}×** ({:.2}–{:.2}) | {goal} | {:.0} → {:.0} | {:.2} ms ({:+.2}) | {:.2} ms ({:+.2}) | {per_chunk}",
        cpu_plain.median,
        cpu.median,
        ratio.median,
        ratio.min,
        ratio.max,
        rate_plain.median,
        rate.median,
        p50.median,
        p50.median - p50_plain.median,
        p99.median,
        p99.median - p99_plain.median,
    ))
}

/// All figures.
pub(crate) fn json(pairs: &[Pair<Cell>], noise: &Noise) -> Value {
    let cells: Vec<Value> = pairs
        .iter()
        .map(|pair| {
            json!({
                "name": pair.cell.name(), "identity": pair.cell.is_identity(),
                "concurrency": pair.cell.concurrency, "prompt_bytes": pair.cell.text_bytes,
                "chunks": pair.cell.chunks(), "goal": pair.cell.target, "failure": pair.failure,
                "cpu_ratio": pair.ratio().map(spread), "plain": arm(&pair.plain), "gateway": arm(&pair.gateway),
            })
        })
        .collect();
    json!({"machine": noise, "cells": cells})
}

pub(crate) fn arm(samples: &[Sample]) -> Value {
    let figure = |of: fn(&Sample) -> f64| Spread::of(samples.iter().map(of)).map(spread);
    json!({
        "requests": samples.iter().map(|sample| sample.requests).sum::<u64>(),
        "cpu_us_per_request": figure(|sample| sample.cpu_us),
        "requests_per_second": figure(|sample| sample.rate),
        "p50_ms": figure(|sample| sample.p50_ms),
        "p99_ms": figure(|sample| sample.p99_ms),
        "first_content_p50_ms": Spread::of(samples.iter().filter_map(|sample| sample.first_ms)).map(spread),
    })
}

pub(crate) fn spread(spread: Spread) -> Value {
    json!({"median": spread.median, "min": spread.min, "max": spread.max})
}
