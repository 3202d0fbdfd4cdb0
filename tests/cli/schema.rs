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

#[test]
fn what_is_read_under_two_names_has_both_in_the_schema() {
    let room = Room::new();
    room.write(
        "gateway.yaml",
        "providers:\n  openai:\n  vertex: {location: eu, project: p, auth: gcp}\n  \
         mine: {base_url: 'http://h/v1', dialect: openai}\n\
         models: {a: [openai/gpt-4o, vertex/gemini-2.5-pro, mine/x]}\n",
    );
    room.run(&["check"], &[]).good();
    let schema: serde_json::Value = serde_json::from_str(&room.run(&["schema"], &[]).good()).unwrap();
    let provider = &schema["$defs"]["Provider"];
    assert_eq!(provider["type"], serde_json::json!(["object", "null"]));
    assert_eq!(provider["properties"]["location"]["type"], provider["properties"]["region"]["type"]);
    let dialects = schema["$defs"]["Dialect"]["oneOf"].as_array().unwrap();
    assert!(dialects.iter().any(|word| word["const"] == "openai"), "{dialects:?}");
}
