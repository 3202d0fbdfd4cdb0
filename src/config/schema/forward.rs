//! `forward`: where requests go that name no model.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Where the requests of a service go that name no model (files, batches, stored responses): the name of a provider,
/// or `false` to offer it to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ForwardTo {
    /// A name under `providers`, or a preset's.
    Provider(String),
    /// `false`: the service is not offered, whoever has it.
    Offered(bool),
}

impl<'de> Deserialize<'de> for ForwardTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = ForwardTo;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a provider, or `false`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ForwardTo, E> {
                Ok(ForwardTo::Provider(text.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, offered: bool) -> Result<ForwardTo, E> {
                Ok(ForwardTo::Offered(offered))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// An object of services, whose names editors complete.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn services_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let names = generator.subschema_for::<crate::dialect::Service>();
    let places = generator.subschema_for::<ForwardTo>();
    schemars::json_schema!({ "type": "object", "propertyNames": names, "additionalProperties": places })
}
