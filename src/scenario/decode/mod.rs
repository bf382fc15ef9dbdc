//! From the tree of a file to what it says: the top of the file and its configs.

mod burst;
pub(in crate::scenario) mod command;
pub(in crate::scenario) mod expect;
pub(in crate::scenario) mod io;
pub(in crate::scenario) mod limits;
pub(in crate::scenario) mod machine;
pub(in crate::scenario) mod memory;
pub(in crate::scenario) mod net;
pub(in crate::scenario) mod pods;
pub(in crate::scenario) mod sandbox;
pub(in crate::scenario) mod service;
pub(in crate::scenario) mod sidecars;
pub(in crate::scenario) mod sysctls;
pub(in crate::scenario) mod tolerance;
pub(in crate::scenario) mod trials;
pub(in crate::scenario) mod when;

use std::ops::RangeInclusive;

use crate::scenario::diagnostic::{Problems, Spot};
use crate::scenario::node::{Entry, Kind, Node};
use crate::scenario::written::{ConfigWritten, FileWritten, Layer, Located, NodeWritten};
use crate::scenario::{NODE_CPUS, NODE_DISK, NODE_MEMORY, NODE_PIDS, NODE_UPLINK, Placement};
use crate::scenario::{matrix, units, words};

pub(in crate::scenario) const LAYER_KEYS: [&str; 12] = [
    "machine",
    "node",
    "placement",
    "attacker",
    "victim",
    "limits",
    "sandboxes",
    "pods",
    "sidecars",
    "tolerance",
    "trials",
    "sysctls",
];

/// Columns of one report; more would also let a small file grow large in memory, since each inherits the base.
pub(in crate::scenario) const MAX_CONFIGS: usize = 256;

pub(in crate::scenario) const NODE_KEYS: &[&str] = &["cpus", "memory", "pids", "disk", "uplink"];

/// Reads a whole file; `None` when it is not even a map.
pub(in crate::scenario) fn file(root: &Node, problems: &mut Problems) -> Option<FileWritten> {
    if root.kind == Kind::Null {
        problems
            .add(Spot::FILE, "the file is empty")
            .help("a scenario needs `version: 1`, `name`, `attacker` and `configs`");
        return None;
    }
    let entries = words::map(root, "a scenario", problems)?;
    let mut file = FileWritten {
        spot: root.spot,
        name: None,
        summary: None,
        base: Layer::default(),
        configs: Vec::new(),
        matrix: None,
    };
    for entry in entries {
        match entry.key.as_str() {
            "version" => version(&entry.value, problems),
            "name" => file.name = words::name(&entry.value, "`name`", "", problems),
            "summary" => file.summary = summary(&entry.value, problems),
            "configs" => file.configs = configs(&entry.value, problems),
            "matrix" => file.matrix = Some(matrix::matrix(entry, problems)),
            key if LAYER_KEYS.contains(&key) => layer_key(entry, &mut file.base, problems),
            key @ ("expect" | "assert" | "when") => {
                problems
                    .add(entry.key_spot, format!("`{key}` belongs to a config"))
                    .help("move it into the entries of `configs`");
            }
            key => {
                let own = ["version", "name", "summary", "configs", "matrix"];
                let legal = [&own, &LAYER_KEYS[..]].concat();
                let what = "key in a scenario";
                words::unknown(problems, entry.key_spot, what, key, &legal, words::LATER_KEYS);
            }
        }
    }
    sugar(entries, problems);
    for key in ["version", "name"] {
        missing(entries, key, root.spot, problems);
    }
    match &file.matrix {
        // The matrix alone describes its configs, by the names of its values.
        Some(matrix) if entries.iter().all(|entry| entry.key != "configs") => {
            file.configs = vec![ConfigWritten::at(matrix.spot)];
        }
        _ => missing(entries, "configs", root.spot, problems),
    }
    Some(file)
}

/// Says that a required key is not there.
pub(in crate::scenario) fn missing(
    entries: &[Entry],
    key: &str,
    spot: Spot,
    problems: &mut Problems,
) {
    if !entries.iter().any(|entry| entry.key == key) {
        let problem = problems.add(spot, format!("the key `{key}` is missing"));
        match key {
            "version" => problem.help("add `version: 1`, the version of the format"),
            "configs" => {
                problem.help("add `configs`, a list with one entry for each set of limits")
            }
            "name" => problem.help("add `name: NAME`"),
            "role" => problem.help("add `role: attacker` or `role: victim`"),
            "pod" => problem.help("a sidecar belongs to a pod: add `pod: NAME`"),
            "command" => problem.help("add the program: `command: [sh, -c, \"…\"]`"),
            _ => {}
        }
    }
}

fn version(node: &Node, problems: &mut Problems) {
    let Some(found) = words::scalar(node, "`version`", problems) else { return };
    if found.value != "1" {
        problems
            .add(found.spot, "this version of the program reads scenarios of version 1 only")
            .help("write `version: 1`");
    }
}

fn summary(node: &Node, problems: &mut Problems) -> Option<String> {
    let text = words::scalar(node, "`summary`", problems)?;
    // A folded block ends in a line break, which is no part of the sentence.
    let sentence = text.value.split_whitespace().collect::<Vec<_>>().join(" ");
    if sentence.chars().any(char::is_control) || sentence.chars().count() > 300 {
        problems.add(
            text.spot,
            "`summary` must be one sentence: at most 300 characters, and no control characters",
        );
        return None;
    }
    Some(sentence)
}

/// One of [`LAYER_KEYS`].
pub(in crate::scenario) fn layer_key(entry: &Entry, layer: &mut Layer, problems: &mut Problems) {
    let value = &entry.value;
    match entry.key.as_str() {
        "machine" => layer.machine = machine::machine(value, problems),
        "node" => layer.node = node(value, problems),
        "placement" => {
            let legal = [("apart", Placement::Apart), ("together", Placement::Together)];
            layer.placement = words::word(value, "`placement`", "placement", &legal, &[], problems);
        }
        "tolerance" => layer.tolerances = tolerance::tolerance(value, problems),
        "trials" => layer.trials = trials::trials(value, problems),
        "sysctls" => layer.sysctls = sysctls::sysctls(value, problems),
        "sandboxes" => sandbox::list(value, layer, problems),
        "pods" => layer.pods = pods::pods(value, problems),
        "sidecars" => layer.sidecars = sidecars::sidecars(value, problems),
        "attacker" => sandbox::attacker(value, &mut layer.attacker, problems),
        "victim" => sandbox::victim(value, &mut layer.victim, problems),
        _ => sandbox::attackers_limits(entry, layer, problems),
    }
}

/// The long form and its sugar say the same thing, so only one of them may be there.
fn sugar(entries: &[Entry], problems: &mut Problems) {
    if !entries.iter().any(|entry| entry.key == "sandboxes") {
        return;
    }
    for entry in entries.iter().filter(|entry| matches!(&*entry.key, "attacker" | "victim")) {
        problems
            .add(entry.key_spot, format!("`{}` cannot stand beside `sandboxes`", entry.key))
            .help("write either the list of sandboxes, or `attacker` and `victim`");
    }
}

/// `none`, or a map of capacities.
fn node(value: &Node, problems: &mut Problems) -> NodeWritten {
    let guard = |guard| Some(Located { value: guard, spot: value.spot });
    if matches!(&value.kind, Kind::Scalar(word) if word == "none") {
        return NodeWritten { guard: guard(false), ..NodeWritten::default() };
    }
    let mut node = NodeWritten { guard: guard(true), ..NodeWritten::default() };
    for entry in words::map(value, "`node`", problems).unwrap_or_default() {
        let value = &entry.value;
        match entry.key.as_str() {
            "cpus" => node.cpus = words::count(value, "`cpus` of the node", NODE_CPUS, problems),
            "pids" => node.pids = words::count(value, "`pids` of the node", NODE_PIDS, problems),
            "memory" => {
                let what = "`memory` of the node";
                let memory = words::quantity(value, what, units::parse_bytes, problems);
                node.memory = within(memory, what, &NODE_MEMORY, units::format_bytes, problems);
            }
            "disk" => {
                let what = "`disk` of the node";
                let disk = words::quantity(value, what, units::parse_bytes, problems);
                node.disk = within(disk, what, &NODE_DISK, units::format_bytes, problems);
            }
            "uplink" => {
                let what = "`uplink` of the node";
                let uplink = words::quantity(value, what, units::parse_bits, problems);
                node.uplink = within(uplink, what, &NODE_UPLINK, units::format_bits, problems);
            }
            key => {
                let what = "key in `node`";
                words::unknown(problems, entry.key_spot, what, key, NODE_KEYS, &[]);
            }
        }
    }
    node
}

/// A quantity, where it lies within its range.
fn within(
    found: Option<Located<u64>>,
    what: &str,
    range: &RangeInclusive<u64>,
    shown: fn(u64) -> String,
    problems: &mut Problems,
) -> Option<Located<u64>> {
    let found = found?;
    if range.contains(&found.value) {
        return Some(found);
    }
    let (low, high) = (shown(*range.start()), shown(*range.end()));
    problems.add(found.spot, format!("{what} must be between {low} and {high}"));
    None
}

fn configs(value: &Node, problems: &mut Problems) -> Vec<ConfigWritten> {
    match &value.kind {
        Kind::Seq(items) if items.len() > MAX_CONFIGS => {
            problems.add(value.spot, format!("there are more than {MAX_CONFIGS} configs"));
            Vec::new()
        }
        Kind::Seq(items) if !items.is_empty() => {
            items.iter().filter_map(|item| config(item, problems)).collect()
        }
        Kind::Seq(_) | Kind::Null => {
            problems
                .add(value.spot, "`configs` is empty")
                .help("add at least one entry, such as `- name: open`");
            Vec::new()
        }
        Kind::Map(_) | Kind::Scalar(_) => {
            problems
                .add(value.spot, "`configs` must be a list")
                .help("start each entry with `- name: NAME`");
            Vec::new()
        }
    }
}

fn config(node: &Node, problems: &mut Problems) -> Option<ConfigWritten> {
    let entries = words::map(node, "a config", problems)?;
    let mut config = ConfigWritten::at(node.spot);
    for entry in entries {
        let value = &entry.value;
        match entry.key.as_str() {
            "name" => config.name = words::name(value, "a config's `name`", ".=_", problems),
            "expect" => config.expect = expect::expect(value, problems),
            "assert" => config.asserts = expect::asserts(value, problems),
            "when" => config.when = when::when(value, problems),
            key if LAYER_KEYS.contains(&key) => layer_key(entry, &mut config.layer, problems),
            "matrix" => {
                problems
                    .add(entry.key_spot, "`matrix` belongs to the top of the file")
                    .help("it makes combinations of every config");
            }
            key => {
                let legal = [&["name", "expect", "assert", "when"], &LAYER_KEYS[..]].concat();
                let what = "key in a config";
                words::unknown(problems, entry.key_spot, what, key, &legal, words::LATER_KEYS);
            }
        }
    }
    sugar(entries, problems);
    missing(entries, "name", node.spot, problems);
    Some(config)
}
