//! Amounts and times of budgets and limits as people write them: `100/m`, `100k`, `80%`, `day`.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A number: `250`, `100k`, `1.5M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Many(pub u64);

/// A number in a unit of time: `10/s`, `100k/m`, `5000/h`, `1M/d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// How many.
    pub amount: u64,
    /// In how many seconds.
    pub secs: u64,
}

/// A part of a whole: `80%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(pub u8);

/// A stretch of time: `day`, `week`, `month`, or hours as `12h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    Month,
    /// So many hours.
    Hours(u32),
}

const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];

impl Many {
    /// Reads `250`, `100k`, `1.5M` or `2G`; `None` for anything else, and for parts of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, zeros) = match text.char_indices().next_back()? {
            (at, 'k' | 'K') => (text.get(..at)?, 3),
            (at, 'm' | 'M') => (text.get(..at)?, 6),
            (at, 'g' | 'G') => (text.get(..at)?, 9),
            _ => (text, 0),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > zeros || number.ends_with('.') || !digits(whole) || !digits(part)
        {
            return None;
        }
        let written = format!("{whole}{part}{}", "0".repeat(zeros - part.len()));
        written.parse().ok().map(Self)
    }
}

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            n if n.is_multiple_of(1_000_000) => write!(f, "{}M", n / 1_000_000),
            n if n.is_multiple_of(1_000) => write!(f, "{}k", n / 1_000),
            n => write!(f, "{n}"),
        }
    }
}

impl Flow {
    /// Reads `10/s`, `100k/m` and their like; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (many, unit) = text.split_once('/')?;
        let (_, secs) = UNITS.iter().find(|(name, _)| *name == unit)?;
        Some(Self { amount: Many::parse(many)?.0, secs: *secs })
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, secs)| *secs == self.secs).map_or("s", |(name, _)| name);
        write!(f, "{}/{unit}", Many(self.amount))
    }
}

impl Percent {
    /// Reads `80%`; `None` for anything else, and for more than the whole.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse().ok().filter(|percent| is_plain && *percent <= 100).map(Self)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl Every {
    /// Reads `day`, `week`, `month`, `12h`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            hours => {
                let number =
                    hours.strip_suffix('h').filter(|n| n.bytes().all(|byte| byte.is_ascii_digit()))?;
                Self::Hours(number.parse().ok().filter(|hours| (1..=8760).contains(hours))?)
            }
        })
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day => f.write_str("day"),
            Self::Week => f.write_str("week"),
            Self::Month => f.write_str("month"),
            Self::Hours(hours) => write!(f, "{hours}h"),
        }
    }
}

/// A text with a meaning: read from a string, and from a bare number where that has one too.
macro_rules! written {
    ($type:ident, $visitor:ident, $number:expr, $expecting:literal, $schema:tt) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        struct $visitor;

        impl Visitor<'_> for $visitor {
            type Value = $type;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expecting)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                $type::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<$type, E> {
                let read: fn(u64) -> Option<$type> = $number;
                read(number).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($visitor)
            }
        }

        #[cfg(not(target_arch = "wasm32"))]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

written!(Many, ManyVisitor, |number| Some(Many(number)), "a number such as 250, 100k or 1.5M", {
    "description": "A number; k, M and G stand for thousands, millions and thousands of millions.",
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?[kKmMgG]?$"}],
    "examples": [250, "100k", "1.5M"]
});
written!(Flow, FlowVisitor, |_| None, "a number in a time, such as 10/s, 100k/m, 5000/h or 1M/d", {
    "type": "string",
    "description": "A number in a second, minute, hour or day.",
    "pattern": "^[0-9]+(\\.[0-9]+)?[kKmMgG]?/[smhd]$",
    "examples": ["10/s", "100k/m", "5000/h", "1M/d"]
});
written!(Percent, PercentVisitor, |_| None, "a part in percent, such as 80%", {
    "type": "string",
    "description": "A part of the whole, in percent.",
    "pattern": "^[0-9]{1,3}%$",
    "examples": ["80%"]
});
written!(Every, EveryVisitor, |_| None, "`day`, `week`, `month`, or hours such as `12h`", {
    "type": "string",
    "description": "A day, a week (from Monday on), a month, or hours: from midnight on where a day can be cut into them, else from the first hour of 1970.",
    "pattern": "^(day|week|month|[0-9]+h)$",
    "examples": ["day", "week", "month", "12h"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, number) in [
            ("250", 250),
            ("100k", 100_000),
            ("1.5M", 1_500_000),
            ("0", 0),
            ("2G", 2_000_000_000),
            ("0.25k", 250),
        ] {
            assert_eq!(Many::parse(text), Some(Many(number)), "{text}");
        }
        for text in ["", "k", "1.", ".5k", "1.5", "1.2345k", "-1", "1 k", "99999999999999999999", "٣"] {
            assert_eq!(Many::parse(text), None, "{text}");
        }
        for number in [0, 7, 1000, 1500, 2_000_000] {
            assert_eq!(Many::parse(&Many(number).to_string()), Some(Many(number)));
        }
    }

    #[test]
    fn flows() {
        assert_eq!(Flow::parse("100k/m"), Some(Flow { amount: 100_000, secs: 60 }));
        for text in ["10/s", "5k/h", "1M/d"] {
            assert_eq!(Flow::parse(text).unwrap().to_string(), text);
        }
        for text in ["10", "/s", "10/w", "10/ s", "10 /s"] {
            assert_eq!(Flow::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parts_and_stretches() {
        assert_eq!(Percent::parse("80%"), Some(Percent(80)));
        for text in ["80", "101%", "-1%", "%", "+5%"] {
            assert_eq!(Percent::parse(text), None, "{text}");
        }
        for text in ["day", "week", "month", "12h"] {
            assert_eq!(Every::parse(text).unwrap().to_string(), text);
        }
        for text in ["0h", "8761h", "h", "year", "+2h", "30m"] {
            assert_eq!(Every::parse(text), None, "{text}");
        }
    }
}
