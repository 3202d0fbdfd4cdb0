//! What policies add: the gateway with keys alone and the gateway with a policy of every kind, each beside its plain Envoy.

use super::cell::{Cell, Shape, cells};
use super::drive::Subject;
use super::machine::Machine;
use super::report::{arm, circumstances, spread};
use super::rounds::{Both, Rounds};
use super::sample::{Pair, Spread};
use super::{Options, all_right, gateway};
use crate::envoy::{Cpu, Gateway, Places, Ports};
use crate::upstream::Upstream;
use anyhow::{Result, bail};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};

/// What the project wants policies to add at most, in CPU times of the plain Envoy.
const GOAL: f64 = 0.15;

/// A cell without policies and with them.
struct Added {
    without: Pair<Cell>,
    with: Pair<Cell>,
}

impl Added {
    /// What policies add to the ratio of CPU times, round by round.
    fn ratio(&self) -> Option<Spread> {
        let ratios = |pair: &Pair<Cell>| -> Vec<f64> {
            let rounds = pair.plain.iter().zip(&pair.gateway);
            rounds.map(|(plain, gateway)| gateway.cpu_us / plain.cpu_us).collect()
        };
        Spread::of(ratios(&self.with).iter().zip(ratios(&self.without)).map(|(with, without)| with - without))
    }

    fn row(&self) -> Option<String> {
        let (without, with, added) = (self.without.ratio()?, self.with.ratio()?, self.ratio()?);
        let missed = if added.median <= GOAL { "" } else { " ✗" };
        Some(format!(
            "| {} | {:.2}× | {:.2}× | **{:+.2}** ({:+.2} to {:+.2}) | ≤ {GOAL}{missed} |",
            self.with.cell.name(),
            without.median,
            with.median,
            added.median,
            added.min,
            added.max,
        ))
    }
}

/// Runs it, prints the table and writes `target/bench-policies.json`.
pub(super) async fn run(options: &Options) -> Result<()> {
    let places = Places::find("policies")?;
    let cpu = Cpu::split();
    if let Some(cpu) = cpu {
        cpu.stay()?;
    }
    let upstream = Upstream::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let bare = gateway(&upstream, options)?;
    let full = Gateway { name: "policies", ports: Ports::free()?, policies: true, ..bare.clone() };
    let mut bare = Both::start(&places, &bare, cpu).await?;
    let mut full = Both::start(&places, &full, cpu).await?;
    let rounds = options.rounds((9, 1.0), (5, 0.4))?;
    let machine = Machine::now(&[bare.pids(), full.pids()].concat())?;
    let mut all = Vec::new();
    for cell in cells().into_iter().filter(|cell| cell.shape == Shape::Unary && cell.concurrency > 1) {
        if options.only.as_ref().is_some_and(|only| !cell.name().contains(only.as_str())) {
            continue;
        }
        let mut added = Added { without: Pair::new(cell), with: Pair::new(cell) };
        // One round of each in turns: what drifts, drifts for both.
        let once = Rounds { count: 1, ..rounds };
        for _ in 0..rounds.count {
            for (both, pair) in [(&mut bare, &mut added.without), (&mut full, &mut added.with)] {
                pair.extend(both.compare(cell, once).await);
            }
        }
        eprintln!("{}", added.row().unwrap_or_else(|| format!("{} failed", cell.name())));
        all.push(added);
    }
    let noise = machine.since()?;
    println!(
        "{}\n\n| what | without | with policies | added | goal |\n|---|---|---|---|---|",
        circumstances(rounds, &noise)
    );
    for row in all.iter().filter_map(Added::row) {
        println!("{row}");
    }
    let cells: Vec<_> = all
        .iter()
        .map(|added| {
            json!({
                "name": added.with.cell.name(), "goal": GOAL, "added": added.ratio().map(spread),
                "without": {"plain": arm(&added.without.plain), "gateway": arm(&added.without.gateway)},
                "with": {"plain": arm(&added.with.plain), "gateway": arm(&added.with.gateway)},
            })
        })
        .collect();
    let figures = serde_json::to_string_pretty(&json!({"machine": noise, "cells": cells}))?;
    std::fs::write(places.target.join("bench-policies.json"), figures)?;
    let refusals = upstream.refusals();
    if refusals.count > 0 {
        bail!("the providers refused {} requests: {:#?}", refusals.count, refusals.first);
    }
    let pairs: Vec<Pair<Cell>> = all.into_iter().flat_map(|added| [added.without, added.with]).collect();
    all_right(&pairs)
}
