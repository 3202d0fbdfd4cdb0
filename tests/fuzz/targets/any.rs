//! One binary for all targets: `TOLLGATE_FUZZ` names the check, and `TOLLGATE_FUZZ_DIALECT` the one dialect to stay with.

#![no_main]

#[allow(dead_code, reason = "the seeds are for another binary")]
#[path = "../checks/mod.rs"]
mod checks;

use libfuzzer_sys::{Corpus, fuzz_target};
use peak_alloc::PeakAlloc;
use std::sync::LazyLock;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

static TARGET: LazyLock<checks::Target> = LazyLock::new(|| {
    let name = std::env::var("TOLLGATE_FUZZ").expect("TOLLGATE_FUZZ names the target");
    checks::target(&name).unwrap_or_else(|| panic!("there is no target {name}"))
});
static DIALECT: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("TOLLGATE_FUZZ_DIALECT").ok());

fuzz_target!(|input: &[u8]| -> Corpus {
    if TARGET.per_dialect {
        let Some((dialect, _)) = checks::dialect_of(input) else { return Corpus::Reject };
        if DIALECT.as_deref().is_some_and(|wanted| wanted != dialect.as_str()) {
            return Corpus::Reject;
        }
    }
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    (TARGET.check)(input);
    let held = HEAP.peak_usage().saturating_sub(before);
    assert!(held <= checks::heap_bound(input.len()), "{held} bytes of heap for an input of {}", input.len());
    Corpus::Keep
});
