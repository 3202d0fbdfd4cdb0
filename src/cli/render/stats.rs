//! Metrics: labels out of the filter's stat names, and histogram buckets that fit what they measure.

use super::yaml::{Value, list, map};
use crate::meter::stat::Stat;

/// `stats_config`.
pub(super) fn config() -> Value {
    let tags = labels().into_iter().map(|label| {
        map! {
            "tag_name": label,
            // The first group is cut out of the name, the second is the value. A `;` that ends the name goes too.
            "regex": format!("^(?:wasmcustom\\.)?tollgate\\..*?(;{label}=([^;]*)(?:;$)?)"),
        }
    });
    map! {
        "stats_tags": list(tags),
        "histogram_bucket_settings": list([
            buckets("ttft_ms", &[5, 10, 25, 50, 100, 200, 350, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000,
                                 20_000, 30_000, 60_000, 120_000]),
            buckets("tpot_us", &[100, 250, 500, 1_000, 2_500, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000, 50_000,
                                 75_000, 100_000, 200_000, 500_000, 1_000_000]),
            buckets("duration_ms", &[10, 25, 50, 100, 250, 500, 1_000, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000,
                                     20_000, 30_000, 45_000, 60_000, 120_000, 300_000, 600_000]),
        ]),
    }
}

/// The labels that the filter puts into stat names, as `;label=value;` segments.
fn labels() -> Vec<&'static str> {
    let mut all = Vec::new();
    for label in Stat::ALL.iter().flat_map(|stat| stat.labels()) {
        if !all.contains(label) {
            all.push(*label);
        }
    }
    all
}

/// Buckets of one of the filter's histograms.
fn buckets(histogram: &str, bounds: &[u32]) -> Value {
    map! {
        "match": map! { "contains": format!("tollgate.{histogram}") },
        "buckets": list(bounds.iter().map(|bound| Value::from(f64::from(*bound)))),
    }
}
