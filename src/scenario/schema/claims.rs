//! What is expected, when, within which tolerances, and the axes of a matrix.

use serde_json::{Map, Value, json};

use super::super::{CgroupMode, PROBES, Resource, SIGHTS, Trials, decode, is_judged, matrix};
use super::capacities::{limits, node, vm};
use super::placement;
use super::sandboxes::sandbox;
use super::words::{
    count, described, entries, object, of_keys, one_or_more, reference, with_default,
};

/// Resources and probes as keys.
pub(super) fn targets(value: &Value) -> Map<String, Value> {
    let resources = Resource::ALL.map(|resource| (resource.name(), value.clone()));
    let mut all = entries(&resources);
    let judged = PROBES.iter().filter(|probe| is_judged(probe));
    all.extend(judged.map(|&probe| (probe.to_owned(), value.clone())));
    all
}

pub(super) fn claims() -> Value {
    let mut all = targets(&reference("expected"));
    let seen = Resource::SEEN.iter().map(|it| it.name()).chain(SIGHTS.iter().copied());
    all.extend(seen.map(|name| (name.to_owned(), reference("expected"))));
    all.insert("when".into(), reference("when"));
    let mut claims = object(all, &[], "Verdicts by resource or probe.");
    claims["minProperties"] = json!(1);
    claims
}

pub(super) fn tolerance() -> Value {
    let most = decode::tolerance::PERCENT.end();
    let about = format!("How much slower is still no leak, in percent, up to {most} %.");
    object(targets(&reference("percent")), &[], &about)
}

pub(super) fn sysctls() -> Value {
    let subtrees = super::super::sysctls::SUBTREES.join("|");
    json!({
        "type": "object",
        "maxProperties": decode::sysctls::MOST,
        "propertyNames": { "pattern": format!(r"^({subtrees})(\.[A-Za-z0-9_-]+)+$"), "maxLength": 100 },
        "additionalProperties": { "type": ["string", "number"] },
        "description": "Values of the whole kernel while a case runs; refused on the host unless allowed."
    })
}

pub(super) fn trials() -> Value {
    let pairs = count(&decode::trials::PAIRS, "Pairs of blocks of each kind to begin with.");
    let budget = described(
        "duration",
        "No fresh pairs are begun once the blocks of a case have taken this long.",
    );
    let block = described("duration", "The length of one block, 100ms to 10s.");
    let default = Trials::default();
    let all = [
        ("pairs", pairs.clone()),
        ("block", with_default(block, json!(format!("{}ms", default.block_ms)))),
        ("budget", with_default(budget, json!(format!("{}s", default.budget_ms / 1000)))),
    ];
    let long = object(of_keys(decode::trials::KEYS, &all), &[], "How long a case is measured.");
    json!({ "anyOf": [pairs, long] })
}

pub(super) fn when() -> Value {
    let all = [
        (
            "cgroup",
            one_or_more(
                &json!({ "enum": CgroupMode::ALL.map(CgroupMode::name) }),
                "How cgroups are mounted.",
            ),
        ),
        (
            "kernel",
            json!({ "type": ["string", "number"], "description": "Comparisons, such as \">=5.18,<6.10\"." }),
        ),
        ("arch", one_or_more(&json!({ "enum": decode::when::ARCHES }), "As uname -m prints it.")),
        (
            "emulated",
            json!({ "type": "boolean", "description": "Whether the CPUs are emulated by software." }),
        ),
    ];
    let mut when = object(of_keys(decode::when::KEYS, &all), &[], "On which machines.");
    when["minProperties"] = json!(1);
    when
}

pub(super) fn matrix_axes() -> Value {
    let limits = limits();
    let node = node();
    let vm = vm();
    let value = |axis: &str| match axis.split_once('.') {
        Some(("machine", path)) => vm.get(path.strip_prefix("vm.").unwrap_or(path)).cloned(),
        None if axis == "machine" => Some(json!({ "enum": ["host", "vm"] })),
        Some(("limits", key)) => limits.get(key).cloned(),
        Some(("node", key)) => node.get(key).cloned(),
        _ if axis == "placement" => Some(placement()),
        _ => sandbox(true).get(axis).cloned(),
    };
    let list = |axis: &&str| {
        let items = value(axis).unwrap_or_default();
        ((*axis).to_owned(), json!({ "type": "array", "minItems": 1, "items": items }))
    };
    let mut axes = object(
        matrix::AXES.iter().map(list).collect(),
        &[],
        "Axes of values; every combination makes a config.",
    );
    axes["minProperties"] = json!(1);
    axes
}
