//! Interleaved rounds over both Envoys.

use super::drive::{Arm, Driver, Subject};
use super::sample::{Pair, Sample};
use crate::envoy::{Cpu, Envoy, Gateway, Places, Ports, Start, plain, render};
use anyhow::{Context, Result};
use std::time::Duration;

/// The Envoy with the filter and the one without.
#[derive(Debug)]
pub(crate) struct Both {
    pub(crate) gateway: Envoy,
    pub(crate) baseline: Envoy,
    with: Driver,
    without: Driver,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) count: usize,
    /// Of one measurement.
    pub(crate) length: Duration,
}

impl Both {
    /// Starts `gateway` as it is rendered, and the same without the filter.
    pub(crate) async fn start(places: &Places, gateway: &Gateway, cpu: Option<Cpu>) -> Result<Self> {
        let name = if gateway.policies { "plain-policies" } else { "plain" };
        let baseline = Gateway { name, ports: Ports::free()?, ..gateway.clone() };
        let with = render(places, gateway)?;
        let without = plain(&render(places, &baseline)?)?;
        let start = |gateway: &Gateway, bootstrap| Start {
            name: gateway.name,
            bootstrap,
            ports: gateway.ports,
            workers: 1,
            cpu,
        };
        let with = Envoy::start(places, &start(gateway, &with)).await.context("with the filter")?;
        let without =
            Envoy::start(places, &start(&baseline, &without)).await.context("without the filter")?;
        Ok(Self {
            with: Driver::new(with.ports.listen, Arm::Gateway),
            without: Driver::new(without.ports.listen, Arm::Plain),
            gateway: with,
            baseline: without,
        })
    }

    /// Their processes.
    pub(crate) fn pids(&self) -> [u32; 2] {
        [self.gateway.pid(), self.baseline.pid()]
    }

    /// Measures a subject, plain and gateway in turns; the first wrong answer ends it.
    pub(crate) async fn compare<S: Subject>(&mut self, subject: S, rounds: Rounds) -> Pair<S> {
        let mut pair = Pair::new(subject);
        for round in 0..=rounds.count {
            // Round 0 warms up: connections, buffers, the engine's compiler.
            let mut arms = [(&mut self.without, &self.baseline), (&mut self.with, &self.gateway)];
            if round % 2 == 1 {
                arms.reverse();
            }
            for (driver, envoy) in arms {
                let outcome = measure(driver, envoy, &pair.cell, rounds.length).await;
                if round > 0 || outcome.is_err() {
                    pair.add(driver.arm, outcome);
                }
            }
            if pair.failure.is_some() {
                break;
            }
        }
        pair
    }

    /// One more round through the gateway alone.
    pub(crate) async fn load_gateway(&mut self, subject: &impl Subject, length: Duration) -> Result<Sample> {
        measure(&mut self.with, &self.gateway, subject, length).await
    }
}

/// One measurement: the load, and the CPU that Envoy spent on it.
async fn measure(
    driver: &mut Driver,
    envoy: &Envoy,
    subject: &impl Subject,
    length: Duration,
) -> Result<Sample> {
    driver.prepare(subject).await?;
    let before = envoy.cpu_time()?;
    let tally = driver.run(subject, length).await?;
    let spent = envoy.cpu_time()? - before;
    Ok(Sample::new(subject, &tally, spent))
}
