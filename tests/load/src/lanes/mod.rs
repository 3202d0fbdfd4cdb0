//! What each lane costs: every chat dialect as a client with every chat dialect as a provider.
//!
//! The dialects are those that the gateway has; the plain Envoy gets the same bytes and answers with what a provider of
//! the client's own dialect says.

mod answer;
mod canned;
mod client;
mod report;
mod upstream;

use crate::bench::{Arm, Both, Machine, Options, Subject, all_right};
use crate::envoy::{Cpu, Gateway, Places, Ports};
use crate::exchange::Template;
use answer::Wanted;
use anyhow::{Result, bail};
use client::Client;
use tollgate::dialect::Dialect;
use upstream::Upstream;

/// Connections of each measurement.
const CONCURRENCY: usize = 32;

/// A dialect that this bench speaks.
#[derive(Debug, Clone, Copy)]
struct Speaker {
    dialect: Dialect,
    client: &'static Client,
}

/// One lane in one shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    client: Speaker,
    provider: Speaker,
    stream: bool,
}

impl Subject for Lane {
    type Check = Wanted;

    fn template(&self, _: Arm) -> Template {
        self.client.client.request(&self.provider.model(), self.stream)
    }

    fn check(&self, arm: Arm) -> Wanted {
        let who = match arm {
            Arm::Gateway => self.provider,
            Arm::Plain => self.client,
        };
        Wanted::new(self.client.client, who.dialect, self.stream)
    }

    fn concurrency(&self) -> usize {
        CONCURRENCY
    }

    fn chunks(&self) -> Option<usize> {
        self.stream.then_some(canned::CHUNKS)
    }

    fn name(&self) -> String {
        let shape = if self.stream { "stream" } else { "unary" };
        format!("{shape} {}→{}", self.client.client.name, self.provider.client.name)
    }
}

impl Speaker {
    /// The public name of the model that its provider serves.
    fn model(self) -> String {
        format!("lane-{}", self.client.name)
    }

    /// The provider's name in the gateway's configuration.
    fn provider(self) -> String {
        match self.dialect {
            Dialect::OpenaiChat => crate::exchange::Dialect::OpenAi.provider().to_owned(),
            Dialect::Anthropic => crate::exchange::Dialect::Anthropic.provider().to_owned(),
            other => format!("sim_{}", other.as_str()),
        }
    }
}

/// Runs the lanes, prints their matrices and writes `target/bench-lanes.json`.
pub(crate) async fn run(options: &Options) -> Result<()> {
    if options.perf {
        bail!("--perf records cells, not lanes");
    }
    let speakers: Vec<Speaker> = speakers().collect();
    let places = Places::find("bench-lanes")?;
    let cpu = Cpu::split();
    if let Some(cpu) = cpu {
        cpu.stay()?;
    }
    let dialects: Vec<Dialect> = speakers.iter().map(|speaker| speaker.dialect).collect();
    let upstream = Upstream::start(&dialects).await?;
    let mut both = Both::start(&places, &gateway(&upstream, &speakers, options)?, cpu).await?;
    let rounds = options.rounds((3, 0.5), (2, 0.2))?;
    let machine = Machine::now(&both.pids())?;
    let mut pairs = Vec::new();
    for lane in lanes(&speakers) {
        if options.only.as_ref().is_some_and(|only| !lane.name().contains(only.as_str())) {
            continue;
        }
        eprint!("{:<44}", lane.name());
        let pair = both.compare(lane, rounds).await;
        eprintln!("{}", pair.summary());
        pairs.push(pair);
    }
    let noise = machine.since()?;
    println!("{}", report::markdown(&speakers, &pairs, rounds, &noise));
    let json = serde_json::to_string_pretty(&report::json(&pairs, &noise))?;
    std::fs::write(places.target.join("bench-lanes.json"), json)?;
    upstream.was_content()?;
    all_right(&pairs)
}

/// The dialects of conversations that the gateway has.
fn speakers() -> impl Iterator<Item = Speaker> {
    Dialect::ALL
        .iter()
        .filter_map(|dialect| Some(Speaker { dialect: *dialect, client: Client::of(dialect.as_str())? }))
}

/// All lanes, whole answers first.
fn lanes(speakers: &[Speaker]) -> impl Iterator<Item = Lane> {
    let pairs = |stream| {
        speakers.iter().flat_map(move |client| {
            speakers.iter().map(move |provider| Lane { client: *client, provider: *provider, stream })
        })
    };
    pairs(false).chain(pairs(true))
}

fn gateway(upstream: &Upstream, speakers: &[Speaker], options: &Options) -> Result<Gateway> {
    let more = speakers.iter().filter(|speaker| {
        // Those two are always there.
        !matches!(speaker.dialect, Dialect::OpenaiChat | Dialect::Anthropic)
    });
    Ok(Gateway {
        name: "gateway",
        ports: Ports::free()?,
        upstream: upstream.address,
        dead: None,
        more: more
            .map(|speaker| {
                let base = if speaker.dialect == Dialect::OpenaiResponses { "/v1" } else { "" };
                (speaker.provider(), speaker.client.name, base)
            })
            .collect(),
        models: speakers
            .iter()
            .map(|speaker| (speaker.model(), vec![format!("{}/sim", speaker.provider())]))
            .collect(),
        keys: !options.no_keys,
        policies: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Check;
    use crate::wire::Connection;
    use std::time::Instant;

    /// Sends a request straight to the providers and reads the answer as a client of that lane.
    async fn ask(upstream: &Upstream, bytes: &[u8], wanted: &Wanted) -> Result<()> {
        let mut connection = Connection::open(upstream.address).await?;
        connection.write(bytes).await?;
        wanted.read(&mut connection, 7, &mut Vec::new(), Instant::now()).await.map(|_| ())
    }

    fn on_a_runtime(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    #[test]
    fn an_answer_of_the_wrong_provider_or_shape_fails_its_lane() {
        on_a_runtime(async {
            let upstream = Upstream::start(Dialect::ALL).await.unwrap();
            let speakers: Vec<Speaker> = speakers().collect();
            for (lane, client) in lanes(&speakers).map(|lane| (lane, lane.client)) {
                let mut bytes = Vec::new();
                lane.template(Arm::Plain).stamp(7, &mut bytes);
                ask(&upstream, &bytes, &lane.check(Arm::Plain)).await.unwrap();
                let through_gateway = ask(&upstream, &bytes, &lane.check(Arm::Gateway)).await;
                assert_eq!(
                    through_gateway.is_ok(),
                    lane.provider.dialect == client.dialect,
                    "{}",
                    lane.name()
                );
                let other_shape = Wanted::new(client.client, client.dialect, !lane.stream);
                assert!(ask(&upstream, &bytes, &other_shape).await.is_err(), "{}", lane.name());
            }
            upstream.was_content().unwrap();
        });
    }

    #[test]
    fn a_request_without_its_prompt_is_refused() {
        on_a_runtime(async {
            let upstream = Upstream::start(Dialect::ALL).await.unwrap();
            let client = Client::of("openai_chat").unwrap();
            let bytes = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}";
            let wanted = Wanted::new(client, Dialect::OpenaiChat, false);
            let error = ask(&upstream, bytes, &wanted).await.unwrap_err();
            assert!(error.to_string().starts_with("status 422"), "{error}");
            assert!(upstream.was_content().is_err());
        });
    }

    #[test]
    fn every_dialect_of_conversations_has_its_lanes() {
        let silent: Vec<&str> = Dialect::ALL
            .iter()
            .map(|dialect| dialect.as_str())
            .filter(|name| Client::of(name).is_none())
            .collect();
        // One prompt and no conversation: older surfaces of makers whose newer ones are measured.
        assert_eq!(silent, ["openai_completions", "ollama_generate"]);
    }
}
