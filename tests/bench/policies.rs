//! What is in force where the cost of policies is measured, here and in the load tests.

use serde_json::{Value, json};

/// One policy of each kind for whoever asks, so wide that no run reaches it; `model` is where the rule would lead.
pub(crate) fn policies(model: &str) -> Value {
    json!({
        "budgets": [
            {"per": "key", "usd": 1_000_000, "every": "day", "soft": "80%"},
            {"per": "tenant", "usd": 1_000_000, "tokens": "1000G", "every": "month"},
        ],
        "limits": [
            {"per": "key", "requests": "100M/m"},
            {"per": "tenant", "tokens": "1000G/m"},
            {"per": "team", "concurrent": 100_000},
        ],
        "rules": [{"when": "tenant == 'other' && tokens > 100000", "model": model}],
        "defaults": {"circuit_breaker": {"failure_threshold": 5, "open": "30s"}},
    })
}
