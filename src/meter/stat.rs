//! Everything that the gateway counts: the one list, which the code, the rendered bootstrap and the table in
//! `envoy/README.md` go by.

use crate::gateway::host::MetricKind::{self, Counter, Gauge, Histogram};

/// The stats, each with its name in Envoy, its kind and the labels that it may carry.
macro_rules! stats {
    ($($(#[doc = $help:literal])+ $stat:ident $name:literal $kind:ident [$($label:ident)*];)+) => {
        /// A stat. A label whose value is empty is left out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Stat {
            $($(#[doc = $help])+ $stat,)+
        }

        impl Stat {
            /// All of them, as the table of the documentation has them.
            pub const ALL: &'static [Self] = &[$(Self::$stat),+];

            /// Its name in Envoy, without labels. Prometheus writes `_` for `.`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$stat => concat!("tollgate.", $name),)+
                }
            }

            /// What it is.
            pub fn kind(self) -> MetricKind {
                match self {
                    $(Self::$stat => $kind,)+
                }
            }

            /// The labels that it may carry.
            pub fn labels(self) -> &'static [&'static str] {
                match self {
                    $(Self::$stat => &[$(stringify!($label)),*],)+
                }
            }

            /// What it says, for people.
            pub fn help(self) -> &'static str {
                match self {
                    $(Self::$stat => concat!($($help),+).trim_ascii(),)+
                }
            }
        }
    };
}

stats! {
    /// Requests that are over. `status` is what the client got, 0 where it left before there was a status.
    Requests "requests" Counter [model provider tenant status];
    /// Tries at a provider. `status` is the provider's, `none` where no answer came, `skipped` where
    /// nobody was asked: an open circuit or a cooldown, a spent budget or limit, a missing key, content it cannot take.
    Attempts "attempts" Counter [model provider tenant status];
    /// Targets of a chain that were given up for the next one. `provider` is the last that was asked.
    Fallbacks "fallbacks" Counter [model provider tenant];
    /// Requests for which more than the order of the chain chose. `class` is the rule's name, the strategy, or the reason of
    /// a fallback chain (`context_window`, `content_policy`).
    Routed "routed" Counter [model provider tenant class];
    /// Tokens used. `class` is `input` (cached included), `output` (reasoning included), `cache_read`, `cache_write` or
    /// `reasoning`.
    Tokens "tokens" Counter [model provider tenant class];
    /// Cost in millionths of a dollar, of requests whose price is known.
    CostMicrodollars "cost_microdollars" Counter [model provider tenant];
    /// Time from the request's headers to the end, in milliseconds.
    DurationMs "duration_ms" Histogram [model provider tenant];
    /// Time from the request's headers to the first content, in milliseconds.
    TtftMs "ttft_ms" Histogram [model provider tenant];
    /// Time per token of output after the first content, in microseconds.
    TpotUs "tpot_us" Histogram [model provider tenant];
    /// Requests of a project or an agent. Those that name neither are in `tollgate_requests` alone; so with the next two.
    ChargedRequests "charged_requests" Counter [tenant project agent];
    /// Tokens that these used. `class` is `input` or `output`.
    ChargedTokens "charged_tokens" Counter [tenant project agent class];
    /// What these cost, in millionths of a dollar.
    ChargedMicrodollars "charged_microdollars" Counter [tenant project agent];
    /// Requests that a budget or a limit refused. `scope` is what it is per, `reason` is `budget`, `requests`, `tokens`,
    /// `concurrent`, `uncounted` (what can never be counted) or `unknown` (a counter could not be read).
    Limited "limited" Counter [tenant scope reason];
    /// Requests that began to wait for a limit.
    Queued "queued" Counter [tenant];
    /// Requests that wait in the worker, at the time one more begins to.
    QueueDepth "queue_depth" Histogram [];
    /// How long a request waited, in milliseconds.
    QueueWaitMs "queue_wait_ms" Histogram [tenant];
    /// Requests whose time in the queue was up.
    QueueTimeouts "queue_timeouts" Counter [tenant];
    /// Requests that gave up their place in a full queue for a tenant with fewer.
    QueueDisplaced "queue_displaced" Counter [tenant];
    /// Tokens settled in a budget. `rule` is its name.
    BudgetUsedTokens "budget_used_tokens" Counter [rule];
    /// Money settled in a budget, in millionths of a dollar.
    BudgetUsedMicrodollars "budget_used_microdollars" Counter [rule];
    /// Requests that were told of a soft limit.
    BudgetWarnings "budget_warnings" Counter [rule];
    /// Requests that a money budget could not count, for want of a price.
    Unpriced "unpriced" Counter [rule];
    /// Accounts of budgets and limits that were given up for want of room.
    LedgerEvictions "ledger_evictions" Counter [];
    /// Changes of a target's circuit. `model` is the provider's own name of it, `class` the new state: `closed`, `open` or
    /// `half_open`.
    CircuitChanges "circuit_changes" Counter [model provider class];
    /// Conditions of rules that could not be decided. `class` is the rule's name.
    RuleErrors "rule_errors" Counter [class];
    /// Requests refused for want of room for their body. `reason` is `worker`, or `share` where others had theirs.
    HeldRefusals "held_refusals" Counter [tenant reason];
    /// The most bytes of request bodies that a worker held within the last second.
    HeldBytes "held_bytes" Gauge [worker];
    /// Exchanges of counters with Redis. `status` is `ok` or `failed`.
    FleetExchanges "fleet_exchanges" Counter [status];
    /// Whether Redis could be reached at the last exchange: 1 or 0.
    FleetUp "fleet_up" Gauge [];
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/README.md");
    const BEGIN: &str = "<!-- stats: begin -->\n";
    const END: &str = "<!-- stats: end -->";

    #[test]
    fn the_documentation_has_them_all() {
        let mut made = "| stat | kind | labels | |\n|---|---|---|---|\n".to_owned();
        for stat in Stat::ALL {
            let labels: Vec<String> = stat.labels().iter().map(|label| format!("`{label}`")).collect();
            let (name, labels) = (stat.name().replace('.', "_"), labels.join(", "));
            writeln!(made, "| `{name}` | {:?} | {labels} | {} |", stat.kind(), stat.help()).unwrap();
        }
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (known, after) = rest.split_once(END).unwrap();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(PAGE, [before, BEGIN, &made, END, after].concat()).unwrap();
            return;
        }
        assert_eq!(made, known, "envoy/README.md is old: BLESS=1 cargo test --lib stat writes its table");
    }
}
