//! Sandboxes as files write them: `attacker`, `victim`, the list `sandboxes`, and their namespaces.

use std::collections::BTreeMap;

use super::missing;
use super::{burst, command, limits, memory, service};
use crate::scenario::diagnostic::{Problems, Spot};
use crate::scenario::node::{Entry, Kind, Node};
use crate::scenario::written::{Layer, Located, SandboxWritten};
use crate::scenario::{
    CAPABILITY_NAMES, Capabilities, NamespaceKind, Namespaces, RandomSource, Role, SandboxUser,
    Seccomp, Sharing, Workload, WorkloadKind,
};
use crate::scenario::{units, words};

pub(in crate::scenario) const COMMON_KEYS: [&str; 9] = [
    "name",
    "pod",
    "runtime",
    "limits",
    "namespaces",
    "seccomp",
    "capabilities",
    "no_new_privs",
    "user",
];
pub(in crate::scenario) const ATTACKER_KEYS: [&str; 14] = [
    "workload",
    "kind",
    "intensity",
    "threads",
    "burst",
    "command",
    "resource",
    "processes",
    "source",
    memory::KEYS[0],
    memory::KEYS[1],
    memory::KEYS[2],
    memory::KEYS[3],
    memory::KEYS[4],
];

pub(in crate::scenario) const VICTIM_KEYS: [&str; 1] = ["service"];

/// Workers that a burner of CPU may have.
pub(in crate::scenario) const THREADS: std::ops::RangeInclusive<u64> = 1..=256;

/// Processes that may open files at the same time.
pub(in crate::scenario) const PROCESSES: std::ops::RangeInclusive<u64> = 1..=1024;

/// `attacker:`, over what `limits:` beside it may have said already.
pub(in crate::scenario) fn attacker(
    node: &Node,
    sandbox: &mut SandboxWritten,
    problems: &mut Problems,
) {
    let Some(entries) = words::map(node, "`attacker`", problems) else {
        sandbox.bad_workload = true;
        return;
    };
    let legal = [&ATTACKER_KEYS[..], &COMMON_KEYS[..]].concat();
    for entry in entries {
        if !common_key(entry, sandbox, problems) && !attacker_key(entry, sandbox, problems) {
            let what = "key in `attacker`";
            words::unknown(problems, entry.key_spot, what, &entry.key, &legal, words::LATER_KEYS);
        }
    }
}

/// `victim:`.
pub(in crate::scenario) fn victim(
    node: &Node,
    sandbox: &mut SandboxWritten,
    problems: &mut Problems,
) {
    for entry in words::map(node, "`victim`", problems).unwrap_or_default() {
        if !common_key(entry, sandbox, problems)
            && !victim_key(entry, sandbox, problems)
            && !workload_of_victim(entry, problems)
        {
            let legal = [&VICTIM_KEYS[..], &COMMON_KEYS[..]].concat();
            let what = "key in `victim`";
            words::unknown(problems, entry.key_spot, what, &entry.key, &legal, words::LATER_KEYS);
        }
    }
}

/// `limits:` outside of a sandbox: the attacker's.
pub(in crate::scenario) fn attackers_limits(
    entry: &Entry,
    layer: &mut Layer,
    problems: &mut Problems,
) {
    set_limits(entry, &mut layer.attacker, problems);
}

/// `sandboxes:`, which may leave out the victim but not the attacker.
pub(in crate::scenario) fn list(node: &Node, layer: &mut Layer, problems: &mut Problems) {
    layer.listed = true;
    let Kind::Seq(items) = &node.kind else {
        problems
            .add(node.spot, "`sandboxes` must be a list")
            .help("start each entry with `- role: attacker` or `- role: victim`");
        return;
    };
    let mut seen: Vec<Role> = Vec::new();
    let mut doubtful = false;
    for item in items {
        let Some(entries) = words::map(item, "a sandbox", problems) else {
            doubtful = true;
            continue;
        };
        missing(entries, "role", item.spot, problems);
        let Some(role) = role_of(entries, problems) else {
            doubtful = true;
            continue;
        };
        if seen.contains(&role.value) {
            let word = if role.value == Role::Attacker { "attacker" } else { "victim" };
            problems
                .add(role.spot, format!("there is more than one {word}"))
                .help("this version runs exactly one attacker and one victim");
            continue;
        }
        seen.push(role.value);
        listed(entries, role.value, layer, problems);
    }
    if !doubtful && !seen.contains(&Role::Attacker) {
        problems
            .add(node.spot, "no sandbox has the role attacker")
            .help("add `- {role: attacker, workload: forkbomb}`");
    }
}

fn role_of(entries: &[Entry], problems: &mut Problems) -> Option<Located<Role>> {
    let node = &entries.iter().find(|entry| entry.key == "role")?.value;
    let legal = [("attacker", Role::Attacker), ("victim", Role::Victim)];
    words::word(node, "`role`", "role", &legal, &[], problems)
}

fn listed(entries: &[Entry], role: Role, layer: &mut Layer, problems: &mut Problems) {
    let is_attacker = role == Role::Attacker;
    let sandbox = if is_attacker { &mut layer.attacker } else { &mut layer.victim };
    let legal = [&["role"], &COMMON_KEYS[..], &ATTACKER_KEYS[..], &VICTIM_KEYS[..]].concat();
    for entry in entries.iter().filter(|entry| entry.key != "role") {
        let known = common_key(entry, sandbox, problems)
            || if is_attacker {
                attacker_key(entry, sandbox, problems)
            } else {
                victim_key(entry, sandbox, problems) || workload_of_victim(entry, problems)
            };
        if !known {
            let what = "key in a sandbox";
            words::unknown(problems, entry.key_spot, what, &entry.key, &legal, words::LATER_KEYS);
        }
    }
}

pub(super) fn common_key(
    entry: &Entry,
    sandbox: &mut SandboxWritten,
    problems: &mut Problems,
) -> bool {
    let value = &entry.value;
    match entry.key.as_str() {
        "name" => sandbox.name = words::name(value, "a sandbox's `name`", "", problems),
        "pod" => sandbox.pod = words::name(value, "`pod`", "", problems),
        "runtime" => {
            let legal = [("native", "native")];
            let later = words::LATER_RUNTIMES;
            let runtime = words::word(value, "`runtime`", "runtime", &legal, later, problems);
            sandbox.runtime = runtime.map(|runtime| runtime.map(str::to_owned));
        }
        "limits" => set_limits(entry, sandbox, problems),
        "namespaces" => sandbox.namespaces = namespaces(value, problems),
        "seccomp" => {
            let legal = Seccomp::ALL.map(|profile| (profile.name(), profile));
            sandbox.seccomp =
                words::word(value, "`seccomp`", "seccomp profile", &legal, &["strict"], problems);
        }
        "capabilities" => sandbox.capabilities = capabilities(value, problems),
        "no_new_privs" => {
            let legal = [("true", true), ("false", false)];
            sandbox.no_new_privs =
                words::word(value, "`no_new_privs`", "value", &legal, &[], problems);
        }
        "user" => {
            sandbox.user = words::word(value, "`user`", "user", &SandboxUser::ALL, &[], problems);
        }
        _ => return false,
    }
    true
}

fn attacker_key(entry: &Entry, sandbox: &mut SandboxWritten, problems: &mut Problems) -> bool {
    match entry.key.as_str() {
        "workload" => {
            let legal = Workload::ALL.map(|workload| (workload.name(), workload));
            let later = words::LATER_WORKLOADS;
            sandbox.workload =
                words::word(&entry.value, "`workload`", "workload", &legal, later, problems);
            sandbox.bad_workload = sandbox.workload.is_none();
        }
        "kind" => {
            let legal = WorkloadKind::ALL.map(|kind| (kind.name(), kind));
            let what = "kind of workload";
            sandbox.kind = words::word(&entry.value, "`kind`", what, &legal, &[], problems);
        }
        "threads" => {
            sandbox.threads = words::count(&entry.value, "`threads`", THREADS, problems);
        }
        "burst" => {
            sandbox.burst = burst::burst(&entry.value, entry.key_spot, problems);
        }
        "command" => sandbox.command = command::command(&entry.value, problems),
        "resource" => sandbox.resource = command::resource(&entry.value, problems),
        "source" => {
            let legal = RandomSource::ALL.map(|source| (source.name(), source));
            let what = "source of random numbers";
            sandbox.source = words::word(&entry.value, "`source`", what, &legal, &[], problems);
        }
        "processes" => {
            sandbox.processes = words::count(&entry.value, "`processes`", PROCESSES, problems);
        }
        "intensity" => {
            let (what, parse) = ("`intensity`", units::parse_percent);
            sandbox.intensity = words::quantity(&entry.value, what, parse, problems);
        }
        _ => return memory::key(entry, &mut sandbox.memory, problems),
    }
    true
}

fn victim_key(entry: &Entry, sandbox: &mut SandboxWritten, problems: &mut Problems) -> bool {
    if entry.key != "service" {
        return false;
    }
    sandbox.service = service::service(&entry.value, problems);
    true
}

fn workload_of_victim(entry: &Entry, problems: &mut Problems) -> bool {
    let found = ATTACKER_KEYS.contains(&entry.key.as_str());
    if found {
        problems
            .add(entry.key_spot, format!("a victim has no `{}`", entry.key))
            .help("a victim runs probes; only an attacker runs a workload");
    }
    found
}

fn set_limits(entry: &Entry, sandbox: &mut SandboxWritten, problems: &mut Problems) {
    if let Some(first) = &sandbox.limits {
        let line = first.spot.position.line;
        problems
            .add(entry.key_spot, "the attacker's limits are given twice")
            .help(format!("`limits` outside of a sandbox are the attacker's; see line {line}"));
        return;
    }
    sandbox.limits = limits::limits(&entry.value, problems);
}

/// `default`, `none`, `all`, or a list of names.
fn capabilities(node: &Node, problems: &mut Problems) -> Option<Located<Capabilities>> {
    let Kind::Seq(items) = &node.kind else {
        let legal = [("default", 0_u8), ("none", 1), ("all", 2)];
        let what = "set of capabilities";
        let found = words::word(node, "`capabilities`", what, &legal, &[], problems)?;
        return Some(found.map(|which| match which {
            0 => Capabilities::Default,
            1 => Capabilities::None,
            _ => Capabilities::All,
        }));
    };
    let legal: Vec<(&str, u8)> = CAPABILITY_NAMES.into_iter().zip(0..).collect();
    let mut these = Vec::new();
    for item in items {
        these.push(words::word(item, "a capability", "capability", &legal, &[], problems)?.value);
    }
    these.sort_unstable();
    these.dedup();
    Some(Located { value: Capabilities::These(these), spot: node.spot })
}

fn namespaces(node: &Node, problems: &mut Problems) -> Option<Located<Namespaces>> {
    let entries = words::map(node, "`namespaces`", problems)?;
    let kinds = NamespaceKind::ALL.map(NamespaceKind::name);
    // What is not written is decided later: it depends on the pod.
    let mut namespaces = Namespaces(BTreeMap::new());
    for entry in entries {
        let Some(kind) = NamespaceKind::ALL.into_iter().find(|kind| kind.name() == entry.key)
        else {
            unknown_kind(entry.key_spot, &entry.key, &kinds, problems);
            continue;
        };
        let legal = [Sharing::New, Sharing::Host, Sharing::Pod].map(|it| (it.name(), it));
        let what = "way to get a namespace";
        let sharing = words::word(&entry.value, "a namespace", what, &legal, &["join"], problems);
        if let Some(sharing) = sharing {
            namespaces.0.insert(kind, sharing.value);
        }
    }
    Some(Located { value: namespaces, spot: node.spot })
}

/// Other tools have long names for some kinds.
fn unknown_kind(spot: Spot, key: &str, kinds: &[&str], problems: &mut Problems) {
    let kernel = match key {
        "mount" | "mounts" => "mnt",
        "network" => "net",
        "hostname" => "uts",
        "process" | "hostPID" => "pid",
        _ => return words::unknown(problems, spot, "kind of namespace", key, kinds, &[]),
    };
    problems
        .add(spot, format!("unknown kind of namespace `{key}`"))
        .help(format!("did you mean `{kernel}`?"));
}
