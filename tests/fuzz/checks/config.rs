//! gateway.yaml, from its text to the tables.

use tollgate::config;

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(gateway) = config::read(yaml_serde::Deserializer::from_str(text)) {
        let _ = config::compile(&gateway, &|name| Some(format!("value-of-{name}")));
        let _ = config::compile(&gateway, &|_| None);
    }
    if let Ok(gateway) = config::from_json(input) {
        let _ = config::compile(&gateway, &|_| None);
    }
}
