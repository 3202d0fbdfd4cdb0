//! What each translator costs by itself, on the host: `make bench-lanes`.
//!
//! A request is decoded from the client's dialect and encoded in the provider's, an answer the other way round, and a
//! stream is counted by the chunk. The rows of the table are `client → provider`.

#![cfg(not(target_arch = "wasm32"))]
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench says what is wrong by panicking"
)]

mod input;
mod phases;
mod policies;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use input::{ASK, Lane, lanes};
use std::fmt;
use tollgate::config::keys_file;
use tollgate::config::tables::Access;
use tollgate::dialect::lane::{self, AnswerPlan, Stream};
use tollgate::dialect::{Call, Dialect};
use tollgate::meter::estimate::{Tokenizer, from_body, from_text};
use tollgate::policy::keys::{Offered, Ring, digest_hex, judge};
use tollgate::wire;

fn main() {
    divan::main();
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.client.as_str(), self.provider.as_str())
    }
}

/// A client's key among so many: the digest, the look-up and the comparison.
#[divan::bench(args = [10, 1_000, 100_000])]
fn client_key(bencher: Bencher<'_, '_>, number: usize) {
    let keys = {
        let digest = |n: usize| digest_hex(&format!("tg-{n}"));
        let keys = (0..number).map(|n| serde_json::json!({ "id": n.to_string(), "sha256": digest(n) }));
        serde_json::json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
    };
    let filed = keys_file(keys.as_bytes()).expect("the keys are good");
    let access = Access::default();
    let secret = format!("tg-{}", number / 2);
    let offered = Offered { api_key: Some(&secret), ..Offered::default() };
    bencher.bench_local(|| judge(Ring { access: &access, filed: Some(&filed) }, black_box(offered), 0));
}

/// Both phases of a request with a whole answer, and nothing of the proxy's.
#[divan::bench(args = lanes().into_iter().filter(|lane| phases::is_known(*lane)))]
fn phases(bencher: Bencher<'_, '_>, lane: Lane) {
    let rig = phases::Rig::new(lane, 1024, false);
    bencher.bench_local(|| rig.send());
}

/// The same with a policy of each kind, for prompts of 1 and 32 KB.
#[divan::bench(args = [1024, 32 * 1024])]
fn phases_with_policies(bencher: Bencher<'_, '_>, size: usize) {
    let lane = Lane { client: Dialect::OpenaiChat, provider: Dialect::OpenaiChat };
    let rig = phases::Rig::new(lane, size, true);
    bencher.bench_local(|| rig.send());
}

fn request(bencher: Bencher<'_, '_>, lane: Lane, size: usize) {
    let body = input::request(lane.client, size);
    let call = input::call(lane.client);
    bencher.counter(BytesCount::of_slice(&body)).bench(|| {
        lane::request(black_box(&call), lane.provider, black_box(&body), &ASK).expect("the request is good")
    });
}

#[divan::bench(args = lanes())]
fn request_1_kb(bencher: Bencher<'_, '_>, lane: Lane) {
    request(bencher, lane, 1024);
}

#[divan::bench(args = lanes())]
fn request_32_kb(bencher: Bencher<'_, '_>, lane: Lane) {
    request(bencher, lane, 32 * 1024);
}

#[divan::bench(args = lanes())]
fn answer(bencher: Bencher<'_, '_>, lane: Lane) {
    let body = input::answer(lane.provider);
    let plan = AnswerPlan::new(lane.client, lane.provider, false, false);
    bencher
        .counter(BytesCount::of_slice(&body))
        .bench(|| lane::answer(black_box(&plan), black_box(&body)).expect("the answer is good"));
}

/// The time of a whole stream of [`input::CHUNKS`] chunks; the throughput is in chunks.
#[divan::bench(args = lanes())]
fn stream(bencher: Bencher<'_, '_>, lane: Lane) {
    let chunks = input::stream(lane.provider);
    let plan = AnswerPlan::new(lane.client, lane.provider, true, false);
    bencher.counter(ItemsCount::new(chunks.len())).bench(|| {
        let mut stream = Stream::new(&plan);
        let mut out = Vec::with_capacity(512);
        for chunk in &chunks {
            out.clear();
            stream.push(black_box(chunk), &mut out);
        }
        out.clear();
        stream.end(&mut out);
        stream
    });
}

#[divan::bench]
fn estimate_text(bencher: Bencher<'_, '_>) {
    let text = input::WORDS.repeat(32);
    bencher.counter(BytesCount::of_str(&text)).bench(|| from_text(black_box(&text), Tokenizer::O200k));
}

#[divan::bench(args = [1024, 32 * 1024, 1024 * 1024])]
fn estimate_body(bencher: Bencher<'_, '_>, size: usize) {
    let body = input::request(Dialect::OpenaiChat, size);
    // The look at the body included.
    let whole = || wire::json::Body::from(body.clone());
    bencher
        .counter(BytesCount::of_slice(&body))
        .with_inputs(whole)
        .bench_refs(|body| from_body(body, Tokenizer::O200k));
}

#[divan::bench]
fn count_tokens(bencher: Bencher<'_, '_>) {
    let body = input::request(Dialect::Anthropic, 32 * 1024);
    let call = Call::count_tokens(Dialect::Anthropic);
    bencher
        .counter(BytesCount::of_slice(&body))
        .bench(|| lane::count::estimated(&call, black_box(&body), "claude").expect("the request is good"));
}
