//! The scenario format as a JSON Schema, for editors and for other programs. Made of the words and ranges that the decoders read by,
//! so that the two cannot part. What a schema cannot say (a limit above the node's capacity, a name that occurs twice) is left to
//! `check`.

mod capacities;
mod claims;
mod sandboxes;
mod words;

use serde_json::{Map, Value, json};

use super::decode::{self, MAX_CONFIGS};
use super::diagnostic::Problems;
use super::node::{Kind, Node};
use super::{ExpectedWord, Resource, yaml};
use capacities::{io, limits, machine, node, vm};
use claims::{claims, matrix_axes, sysctls, tolerance, trials, when};
use sandboxes::{burst, command, listed, namespaces, pod, sandbox, service, sidecar};
use words::{described, name, object, of_keys, one_or_more, quantity, reference};

/// Where the schema is published.
pub const SCHEMA_ID: &str =
    "https://github.com/contain-test/contain-test/raw/main/reports/schema/scenario-v1.json";

/// The JSON Schema (draft 2020-12) of version 1 of the scenario format.
#[must_use]
pub fn scenario_schema() -> Value {
    let mut top = layer_properties();
    top.insert(
        "version".into(),
        json!({ "const": 1, "description": "The version of this format." }),
    );
    top.insert("name".into(), name("", "Unique in a run."));
    top.insert(
        "summary".into(),
        json!({ "type": "string", "maxLength": 300, "description": "One sentence." }),
    );
    top.insert(
        "configs".into(),
        json!({
            "type": "array", "minItems": 1, "maxItems": MAX_CONFIGS, "items": reference("config"),
            "description": "Each is one column of the report.",
        }),
    );
    top.insert("matrix".into(), reference("matrix"));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "contain-test scenario",
        "type": "object",
        "properties": top,
        "required": ["version", "name"],
        "anyOf": [{ "required": ["configs"] }, { "required": ["matrix"] }],
        "additionalProperties": false,
        "$defs": definitions(),
    })
}

/// The data of a scenario's text, which the schema speaks of; `None` when it is not YAML that the format takes. Words that are
/// numbers or booleans in JSON become such.
#[must_use]
pub fn scenario_data(text: &str) -> Option<Value> {
    let mut problems = Problems::default();
    let root = yaml::parse(text, &mut problems)?;
    problems.is_empty().then(|| data(&root))
}

fn data(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Scalar(text) => match serde_json::from_str(text) {
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
            _ => Value::String(text.clone()),
        },
        Kind::Seq(items) => items.iter().map(data).collect(),
        Kind::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), data(&entry.value))).collect()
        }
    }
}

fn definitions() -> Value {
    let mut config = layer_properties();
    config.insert("name".into(), name("._=", "Unique in the file. Needless beside a matrix."));
    config.insert("expect".into(), reference("expect"));
    config.insert(
        "assert".into(),
        one_or_more(&json!({ "type": "string" }), "Facts that must be true."),
    );
    config.insert("when".into(), reference("when"));
    json!({
        "bytes": quantity(r"^[0-9]+(\.[0-9]+)?([KMGTPE]i|[kMGTPE])?$", "Bytes, such as 64Mi; a plain number counts bytes."),
        "bits": quantity(r"^[0-9]+(\.[0-9]+)?([KMGTPE]i|[kMGTPE])?$", "Bits per second, such as 100M."),
        "cpus": quantity(r"^[0-9]+(\.[0-9]+)?m?$", "CPUs, such as 0.5 or 500m."),
        "percent": quantity("^[0-9]+%?$", "Percent, with or without the sign."),
        "duration": { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(us|ms|s|m|h)$", "description": "A duration with its unit, such as 20ms." },
        "flag": { "enum": [true, false, "true", "false"] },
        "resource": { "enum": Resource::ALL.map(Resource::name) },
        "limits": object(limits(), &[], "What the sandbox may use; what is not given is not limited."),
        "io": object(io(), &[], "Rates at the node's disk: io.max, or blkio.throttle of cgroup v1."),
        "node": { "anyOf": [{ "const": "none" }, object(node(), &[], "")], "description": "The capacity of the miniature machine that attacker and victim share; none for no guard at all, which only a guest allows." },
        "machine": machine(),
        "vm": object(vm(), &[], "A throwaway guest."),
        "attacker": object(sandbox(true), &[], "The sandbox that attacks."),
        "victim": object(sandbox(false), &[], "The sandbox that is measured."),
        "sandboxes": { "type": "array", "minItems": 1, "maxItems": 2, "items": listed(), "description": "The long form of attacker and victim." },
        "pods": { "type": "array", "maxItems": decode::pods::MOST, "items": object(pod(), &["name"], "A pod, which is also made where nobody lists it."), "description": "What the sandboxes of each pod have in common." },
        "sidecars": { "type": "array", "maxItems": decode::sidecars::MOST, "items": object(sidecar(), &["name", "pod", "command"], "A program in a sandbox of its own."), "description": "Programs that run beside attacker and victim." },
        "namespaces": namespaces(),
        "command": command(),
        "service": service(),
        "tolerance": tolerance(),
        "trials": trials(),
        "sysctls": sysctls(),
        "burst": burst(),
        "expected": one_or_more(&json!({ "enum": ExpectedWord::ALL.map(ExpectedWord::name) }), "Verdicts of which any is fine."),
        "expect": { "anyOf": [reference("expected"), reference("claims"), { "type": "array", "minItems": 1, "maxItems": decode::expect::MAX_CLAIMS, "items": reference("claims") }] },
        "claims": claims(),
        "when": when(),
        "matrix": matrix_axes(),
        "config": object(config, &[], "One set of limits and controls."),
    })
}

/// What the top of the file and a config have in common.
fn layer_properties() -> Map<String, Value> {
    let all = [
        ("machine", reference("machine")),
        ("node", reference("node")),
        ("placement", placement()),
        ("attacker", reference("attacker")),
        ("victim", reference("victim")),
        (
            "limits",
            described("limits", "The attacker's limits: short for `attacker: {limits: …}`."),
        ),
        ("sandboxes", reference("sandboxes")),
        ("pods", reference("pods")),
        ("sidecars", reference("sidecars")),
        ("tolerance", reference("tolerance")),
        ("trials", reference("trials")),
        ("sysctls", reference("sysctls")),
    ];
    of_keys(&decode::LAYER_KEYS, &all)
}

fn placement() -> Value {
    json!({
        "enum": ["apart", "together"],
        "description": "Whether attacker and victim have CPUs of their own; `apart` unless the attacker's own resource is the CPU.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_decoders_is_described() {
        let mut lists = vec![
            layer_properties(),
            limits(),
            io(),
            node(),
            vm(),
            pod(),
            sidecar(),
            sandbox(true),
            sandbox(false),
        ];
        for list in [trials()["anyOf"][1].clone(), when(), matrix_axes()] {
            lists.push(list["properties"].as_object().unwrap().clone());
        }
        for (key, value) in lists.iter().flatten() {
            assert_ne!(*value, json!(true), "{key}");
            assert!(!value["items"].is_null() || value.get("items").is_none(), "{key}");
        }
    }
}
