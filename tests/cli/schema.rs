//! The JSON Schema that editors use.

use crate::tollgate::{Room, golden};

#[test]
fn the_shipped_schema_is_current() {
    golden("envoy/gateway.schema.json", &Room::new().run(&["schema"], &[]).good());
}

#[test]
fn every_field_says_what_it_is() {
    let schema: serde_json::Value = serde_json::from_str(&Room::new().run(&["schema"], &[]).good()).unwrap();
    let mut undocumented = Vec::new();
    let types =
        schema["$defs"].as_object().unwrap().iter().map(|(name, definition)| (name.as_str(), definition));
    for (name, definition) in types.chain([("Gateway", &schema)]) {
        for (field, value) in definition["properties"].as_object().into_iter().flatten() {
            if value["description"].as_str().is_none_or(str::is_empty) {
                undocumented.push(format!("{name}.{field}"));
            }
        }
    }
    assert_eq!(undocumented, Vec::<String>::new());
}
