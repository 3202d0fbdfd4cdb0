//! What must hold for any bytes at all: no panic, the same result at any split, JSON that is JSON, and memory and output
//! in proportion to the input. Shared by the fuzz targets and by the test that replays what they found.

pub(crate) mod bodies;
pub(crate) mod config;
pub(crate) mod estimate;
pub(crate) mod framers;
pub(crate) mod seeds;
pub(crate) mod stream;
pub(crate) mod vectors;

use tollgate::dialect::Dialect;

/// A check by the name of its target. Inputs of those that are `per_dialect` begin with a line that names the dialect.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) per_dialect: bool,
    pub(crate) check: fn(&[u8]),
}

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "framers", per_dialect: false, check: framers::check },
    Target { name: "config", per_dialect: false, check: config::check },
    Target { name: "estimate", per_dialect: false, check: estimate::check },
    Target { name: "vectors", per_dialect: false, check: vectors::check },
    Target { name: "request", per_dialect: true, check: bodies::request },
    Target { name: "response", per_dialect: true, check: bodies::response },
    Target { name: "stream", per_dialect: true, check: stream::check },
];

/// The target of a name.
pub(crate) fn target(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}

/// Bytes of heap that a check may hold at once for an input of `size` bytes. A short JSON value (`{},`) becomes a part or
/// a message of a few hundred bytes, of which a growing list may hold twice as many as it has; a check translates into
/// every dialect, one after the other.
pub(crate) fn heap_bound(size: usize) -> usize {
    size * 1024 + (1 << 20)
}

/// Bytes that may come out of a translation of `size` bytes: a stream's event of a few letters becomes one with its
/// envelope, which repeats the answer's id and model.
pub(crate) fn output_bound(size: usize) -> usize {
    size * 128 + (64 << 10)
}

/// The dialect that the first line names, and what follows it.
pub(crate) fn dialect_of(input: &[u8]) -> Option<(Dialect, &[u8])> {
    let at = input.iter().position(|byte| *byte == b'\n')?;
    let (name, rest) = input.split_at(at);
    let dialect = Dialect::ALL.iter().find(|dialect| dialect.as_str().as_bytes() == name)?;
    Some((*dialect, &rest[1..]))
}

/// Places to cut an input at: none, after every byte where it is short, and two ways that follow from its bytes.
pub(crate) fn cuts(input: &[u8]) -> Vec<Vec<usize>> {
    let mut state = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below.max(1)
    };
    let mut all = Vec::new();
    if input.len() <= 2048 {
        all.push((1..input.len()).collect());
    }
    for count in [1, 5] {
        let mut some: Vec<usize> = (0..count).map(|_| random(input.len() + 1)).collect();
        some.sort_unstable();
        all.push(some);
    }
    all
}

/// Calls `each` with the pieces of an input.
pub(crate) fn pieces<'i>(input: &'i [u8], cuts: &[usize], mut each: impl FnMut(&'i [u8])) {
    let mut from = 0;
    for to in cuts.iter().copied().chain([input.len()]) {
        each(&input[from..to]);
        from = to;
    }
}

/// Fails unless it is JSON.
pub(crate) fn assert_json(body: &[u8], what: &str) {
    if let Err(error) = serde_json::from_slice::<&serde_json::value::RawValue>(body) {
        panic!("{what} is no JSON: {error}: {}", String::from_utf8_lossy(body));
    }
}
