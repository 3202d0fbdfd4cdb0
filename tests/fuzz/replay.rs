//! What the fuzz targets found, once more, and a few thousand small changes to what they start from. No nightly
//! compiler is needed for this; `make fuzz` looks for more.

#![cfg(not(target_arch = "wasm32"))]
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

#[allow(dead_code, reason = "a target is found by its name where libFuzzer runs it")]
mod checks;

use peak_alloc::PeakAlloc;
use std::fs;
use std::path::Path;
use tollgate::dialect::Dialect;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Changes of each seed.
const CHANGES: usize = 40;

fn run(target: checks::Target, input: &[u8], what: &str) {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let checked = std::panic::catch_unwind(|| (target.check)(input));
    let held = HEAP.peak_usage().saturating_sub(before);
    assert!(checked.is_ok(), "{} {what}: {}", target.name, String::from_utf8_lossy(input));
    assert!(
        held <= checks::heap_bound(input.len()),
        "{} {what}: {held} bytes of heap for an input of {}",
        target.name,
        input.len()
    );
}

/// The heap is everybody's: one test after the other.
#[test]
fn what_was_found_and_what_is_near() {
    for target in checks::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/regressions").join(target.name);
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            run(*target, &fs::read(&path).unwrap(), path.to_str().unwrap());
        }
        let dialects: Vec<Option<Dialect>> =
            if target.per_dialect { Dialect::ALL.iter().copied().map(Some).collect() } else { vec![None] };
        for dialect in dialects {
            let seeds = checks::seeds::seeds(target.name, dialect);
            assert!(!seeds.is_empty(), "{} {dialect:?} has no seeds", target.name);
            for seed in seeds {
                run(*target, &seed, "seed");
                let mut random = Random(seed.len() as u64 + 1);
                for _ in 0..CHANGES {
                    run(*target, &changed(&seed, &mut random), "near a seed");
                }
            }
        }
    }
}

struct Random(u64);

impl Random {
    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

/// A few cuts, repeats, and bytes and words in the place of others, behind the first line.
fn changed(seed: &[u8], random: &mut Random) -> Vec<u8> {
    const WORDS: &[&[u8]] = &[
        b"null",
        b"{}",
        b"[]",
        b"\"\"",
        b"-1",
        b"1e999",
        b"18446744073709551616",
        b"true",
        b"\\ud800",
        b"\xff",
        b"\n\n",
        b"data: ",
        b"\"type\"",
        b"[[[[[[[[",
        b",",
        b"}",
        b"]",
    ];
    let head = seed.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut input = seed.to_vec();
    for _ in 0..=random.below(3) {
        let length = input.len();
        let from = head + random.below(length.saturating_sub(head));
        let to = (from + random.below(24)).min(length);
        let word = WORDS[random.below(WORDS.len())];
        match random.below(5) {
            0 => drop(input.drain(from..to)),
            1 => input.truncate(from.max(head)),
            2 => drop(input.splice(from..to, word.iter().copied())),
            3 => drop(input.splice(from..from, seed[from.min(seed.len())..to.min(seed.len())].to_vec())),
            _ if from < length => input[from] = u8::try_from(random.below(256)).unwrap(),
            _ => {}
        }
    }
    input
}
