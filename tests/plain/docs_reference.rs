//! `docs/scenario-reference.md` is made from the published schema, so that it cannot part from what the reader of scenarios takes.
//!
//! After a change of the schema, `UPDATE_EXPECT=1 cargo test --test plain docs_reference` writes the page anew.

use std::fs;
use std::path::Path;

use contain_test::scenario::scenario_schema;
use serde_json::Value;

const HEAD: &str = "\
# Scenario reference

Every key of a scenario, made from the [schema](../reports/schema/scenario-v1.json) that `contain-test schema` prints. What the keys
do together, and the rules that lie between values, are in [the scenario format](scenario-format.md).
";

/// Definitions that have keys of their own, in the order of the page; what is missing here fails the test.
const SECTIONS: [&str; 19] = [
    "node",
    "machine",
    "vm",
    "attacker",
    "victim",
    "sandboxes",
    "pods",
    "sidecars",
    "limits",
    "io",
    "namespaces",
    "burst",
    "tolerance",
    "service",
    "trials",
    "config",
    "claims",
    "when",
    "matrix",
];

/// Definitions that are told in a word where they are used.
const SIMPLE: [&str; 11] = [
    "bytes", "bits", "cpus", "percent", "duration", "flag", "sysctls", "resource", "expected",
    "expect", "command",
];

fn page() -> String {
    let schema = scenario_schema();
    let definitions = schema["$defs"].as_object().expect("definitions");
    for name in definitions.keys() {
        assert!(
            SECTIONS.contains(&name.as_str()) || SIMPLE.contains(&name.as_str()),
            "{name} is on no page"
        );
    }
    let mut page = HEAD.to_owned();
    page.push_str("\n## The file\n\n");
    page.push_str(&table(&schema));
    page.push_str("\nOne of `configs` and `matrix` must be there.\n");
    for name in SECTIONS {
        page.push_str(&format!("\n## {name}\n\n"));
        let definition = &definitions[name];
        if let Some(about) = definition["description"].as_str() {
            page.push_str(&format!("{about}\n\n"));
        }
        match name {
            "sandboxes" => {
                page.push_str("A list of two: one with the role `attacker`, which has the keys of [attacker](#attacker), and at most one with the role `victim`, which has those of [victim](#victim).\n");
            }
            "pods" | "sidecars" => {
                page.push_str("A list of:\n\n");
                page.push_str(&table(&definition["items"]));
            }
            "trials" => {
                page.push_str("A number, which is the pairs, or:\n\n");
                page.push_str(&table(&definition["anyOf"][1]));
            }
            "node" | "machine" => {
                let others: Vec<String> = alternatives(definition).map(words).collect();
                page.push_str(&format!("{}, or:\n\n", others.join(", ")));
                page.push_str(&table(keyed(definition)));
            }
            _ => page.push_str(&table(definition)),
        }
    }
    page.push_str("\n## Kinds of values\n\n| kind | form |\n|---|---|\n");
    for name in SIMPLE {
        page.push_str(&format!("| {name} | {} |\n", simple(name, &definitions[name])));
    }
    page
}

/// What a definition may be besides a map of keys.
fn alternatives(definition: &Value) -> impl Iterator<Item = &Value> {
    definition["anyOf"].as_array().into_iter().flatten().filter(|it| it["properties"].is_null())
}

/// The one of its alternatives that has keys.
fn keyed(definition: &Value) -> &Value {
    let all = definition["anyOf"].as_array().expect("alternatives");
    all.iter().find(|it| !it["properties"].is_null()).expect("one with keys")
}

/// The keys of an object, required ones first; the rest in the order of the schema.
fn table(object: &Value) -> String {
    let properties = object["properties"].as_object().expect("properties");
    let required: Vec<&str> =
        object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut keys: Vec<&String> = properties.keys().collect();
    keys.sort_by_key(|key| !required.contains(&key.as_str()));
    let mut text = "| key | value | default | meaning |\n|---|---|---|---|\n".to_owned();
    for key in keys {
        let value = &properties[key];
        let must = if required.contains(&key.as_str()) { "required" } else { "" };
        let default = match &value["default"] {
            Value::Null => must.to_owned(),
            Value::String(word) => format!("`{word}`"),
            other => format!("`{other}`"),
        };
        let about = value["description"].as_str().unwrap_or_default();
        text.push_str(&format!("| `{key}` | {} | {default} | {about} |\n", words(value)));
    }
    text
}

/// What a value may be, in words.
fn words(value: &Value) -> String {
    if let Some(name) = value["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return match SECTIONS.contains(&name) {
            true => format!("[{name}](#{name})"),
            false => format!("[{name}](#kinds-of-values)"),
        };
    }
    if !value["const"].is_null() {
        return format!("`{}`", value["const"].to_string().trim_matches('"'));
    }
    if let Some(items) = value["enum"].as_array() {
        let words: Vec<String> =
            items.iter().map(|it| format!("`{}`", it.to_string().trim_matches('"'))).collect();
        return words.join(", ");
    }
    if let Some(kinds) = value["anyOf"].as_array() {
        let mut all: Vec<String> =
            kinds.iter().filter(|it| it["pattern"] != "^[0-9]+$").map(words).collect();
        all.dedup();
        return all.join(", or ");
    }
    match value["type"].as_str() {
        Some("array") => format!("a list of {}", words(&value["items"])),
        Some("integer") => format!("{} to {}", value["minimum"], value["maximum"]),
        Some("object") => "a map".into(),
        _ => "text".into(),
    }
}

/// A kind of value with its own form.
fn simple(name: &str, definition: &Value) -> String {
    let about = definition["description"].as_str().unwrap_or_default();
    match name {
        "flag" => "`true` or `false`".into(),
        "resource" => words(definition),
        "sysctls" => format!("a map of names to values. {about}"),
        "expected" => format!("{}. {about}", words(definition)),
        "expect" => "[expected](#kinds-of-values) of the attacker's own resource, or [claims](#claims), or a list of claims".into(),
        _ => about.to_owned(),
    }
}

#[test]
fn the_page_is_what_the_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenario-reference.md");
    let page = page();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &page).expect("a file");
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap_or_default(),
        page,
        "UPDATE_EXPECT=1 writes it anew"
    );
}

#[test]
fn every_key_says_what_it_means() {
    for line in page().lines().filter(|line| line.starts_with("| `")) {
        let fields: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let told = fields.last().is_some_and(|it| !it.trim().is_empty());
        // Keys whose section tells it, and names of resources, probes, axes and kinds, need no sentence.
        assert!(
            told || line.contains("](#") || line.contains("`new`") || line.contains("a list of"),
            "{line}"
        );
    }
}
