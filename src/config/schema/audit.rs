//! `audit`: one JSON object a request, and where it goes.

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Where the audit lines go, and what they hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// `stdout`, `{ file: PATH }` or `{ otlp: "host:port" }`. Default: `stdout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<AuditTo>,
    /// Whether prompts and answers are part of the line. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<bool>,
}

/// Where audit lines go.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditTo {
    /// Envoy's standard output.
    Stdout,
    /// A file, by path.
    File(String),
    /// An OpenTelemetry collector that takes OTLP over gRPC, as `host:port`.
    Otlp(String),
}

impl<'de> Deserialize<'de> for AuditTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AuditToVisitor)
    }
}

/// The object forms.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    File(String),
    Otlp(String),
}

struct AuditToVisitor;

impl<'de> Visitor<'de> for AuditToVisitor {
    type Value = AuditTo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`stdout`, { file: PATH } or { otlp: \"host:port\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<AuditTo, E> {
        match text {
            "stdout" => Ok(AuditTo::Stdout),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AuditTo, A::Error> {
        Ok(match Named::deserialize(de::value::MapAccessDeserializer::new(map))? {
            Named::File(path) => AuditTo::File(path),
            Named::Otlp(address) => AuditTo::Otlp(address),
        })
    }
}
