//! What kinds of failure a provider can have.

use crate::chat::FailureKind;
use serde::{Deserialize, Serialize};

/// Why a try failed, as far as that says something about the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// No first token in time, or 408 and 504.
    Timeout,
    /// No connection, or one that broke before an answer.
    Connection,
    /// 429.
    RateLimit,
    /// 5xx, and what else says that the provider failed.
    Server,
    /// A 200 that holds no answer, or a status that is none.
    BadAnswer,
    /// A stream that broke off, or reported an error.
    Stream,
    /// 401 and 403 for a key of the gateway's.
    Auth,
}

impl ErrorClass {
    /// The class of a failed try. `status` is the provider's, `None` when there was no answer; `kind` what the failure
    /// within the answer says of itself. `None`: the request was at fault, and the provider did its work.
    pub fn of(
        status: Option<u16>,
        kind: Option<FailureKind>,
        streaming: bool,
        own_key: bool,
    ) -> Option<Self> {
        Some(match status {
            None if kind == Some(FailureKind::Timeout) => Self::Timeout,
            None => Self::Connection,
            Some(429) => Self::RateLimit,
            Some(408 | 504) => Self::Timeout,
            Some(409 | 424 | 500..=599) => Self::Server,
            Some(401 | 403) if own_key => Self::Auth,
            Some(400..=499) => return None,
            Some(_) if kind == Some(FailureKind::RateLimit) => Self::RateLimit,
            Some(_) if streaming => Self::Stream,
            Some(_) => Self::BadAnswer,
        })
    }

    /// Whether such failures open a circuit. A 429 has its own pause, and a bad key is no sickness that passes.
    pub fn opens_circuit(self) -> bool {
        !matches!(self, Self::RateLimit | Self::Auth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_class() {
        let of = |status| ErrorClass::of(status, None, false, true);
        for (status, class) in [
            (None, Some(ErrorClass::Connection)),
            (Some(400), None),
            (Some(404), None),
            (Some(401), Some(ErrorClass::Auth)),
            (Some(408), Some(ErrorClass::Timeout)),
            (Some(429), Some(ErrorClass::RateLimit)),
            (Some(424), Some(ErrorClass::Server)),
            (Some(529), Some(ErrorClass::Server)),
            (Some(302), Some(ErrorClass::BadAnswer)),
            (Some(200), Some(ErrorClass::BadAnswer)),
        ] {
            assert_eq!(of(status), class, "{status:?}");
        }
        assert_eq!(ErrorClass::of(Some(403), None, false, false), None, "the client's own key");
        assert_eq!(ErrorClass::of(Some(200), None, true, true), Some(ErrorClass::Stream));
        let limited = ErrorClass::of(Some(200), Some(FailureKind::RateLimit), true, true);
        assert_eq!(limited, Some(ErrorClass::RateLimit));
        assert_eq!(ErrorClass::of(None, Some(FailureKind::Timeout), false, true), Some(ErrorClass::Timeout));
        assert!(ErrorClass::Server.opens_circuit() && !ErrorClass::RateLimit.opens_circuit());
    }
}
