//! Amounts: limits of a sandbox, rates at a disk, the node and the guest.

use serde_json::{Map, Value, json};

use super::super::decode;
use super::super::{CgroupMode, NODE_CPUS, NODE_PIDS, NodeSpec, VM_CPUS};
use super::words::{
    bytes_or_max, count, described, entries, object, of_keys, reference, with_default,
};

pub(super) fn limits() -> Map<String, Value> {
    let all = [
        ("pids", count(&decode::limits::PIDS, "Tasks: pids.max.")),
        (
            "memory",
            described("bytes", "memory.max; swap is 0 with it unless `swap` says otherwise."),
        ),
        ("memory.high", bytes_or_max("Above it the kernel reclaims and slows down; cgroup v2.")),
        ("memory.low", bytes_or_max("Memory below it is taken last; cgroup v2.")),
        ("memory.min", bytes_or_max("Memory below it is never taken; cgroup v2.")),
        ("swap", described("bytes", "memory.swap.max, beside `memory`.")),
        ("cpu", described("cpus", "A quota: cpu.max.")),
        ("weight", count(&decode::limits::WEIGHT, "cpu.weight; the kernel's default is 100.")),
        (
            "idle",
            described(
                "flag",
                "cpu.idle: runs only when nobody else wants the CPU; Linux 5.15 or newer.",
            ),
        ),
        (
            "cpuset",
            json!({ "type": ["string", "integer"], "pattern": "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$", "description": "CPUs, such as 0-2,5." }),
        ),
        ("nofile", count(&decode::limits::NOFILE, "RLIMIT_NOFILE, soft and hard.")),
        ("nproc", count(&decode::limits::NPROC, "RLIMIT_NPROC, soft and hard: tasks of the user.")),
        ("tmpfs", described("bytes", "The size of the sandbox's /tmp, 64Ki or more.")),
        ("io", reference("io")),
        (
            "net",
            json!({
                "anyOf": [
                    reference("bits"),
                    {
                        "type": "object", "additionalProperties": false,
                        "properties": { "egress": reference("bits"), "ingress": reference("bits") },
                    },
                ],
                "description": "What it may send and receive, in bits per second.",
            }),
        ),
        (
            "unified",
            json!({
                "type": "object", "maxProperties": decode::limits::MAX_KNOBS,
                "patternProperties": { "^[a-z0-9_]+(\\.[a-z0-9_]+)+$": { "type": ["string", "number"] } },
                "additionalProperties": false,
                "description": "Exact files of cgroup v2 and their values.",
            }),
        ),
    ];
    of_keys(decode::limits::KEYS, &all)
}

pub(super) fn io() -> Map<String, Value> {
    let all = [
        (
            "rbps",
            described("bytes", "Bytes read from the node's disk in each second, 1Mi or more."),
        ),
        ("wbps", described("bytes", "Bytes written in each second, 1Mi or more.")),
        ("riops", count(&decode::io::OPERATIONS, "Reads in each second.")),
        ("wiops", count(&decode::io::OPERATIONS, "Writes in each second.")),
        (
            "weight",
            count(&decode::limits::WEIGHT, "The share beside others, where the kernel has such."),
        ),
    ];
    of_keys(decode::io::KEYS, &all)
}

pub(super) fn node() -> Map<String, Value> {
    let default = NodeSpec::default();
    let all = [
        (
            "cpus",
            with_default(
                count(&NODE_CPUS, "CPUs of the node, or as many as there are."),
                json!(default.cpus),
            ),
        ),
        (
            "memory",
            with_default(
                described("bytes", "Memory of the node."),
                json!(format!("{}Mi", default.memory_bytes >> 20)),
            ),
        ),
        ("pids", with_default(count(&NODE_PIDS, "Tasks of the node."), json!(default.pids))),
        ("disk", described("bytes", "A disk of the node's own, 16Mi to 64Gi; none without it.")),
        (
            "uplink",
            described("bits", "What the node's uplink carries, 64k to 100G; none without it."),
        ),
    ];
    of_keys(decode::NODE_KEYS, &all)
}

pub(super) fn machine() -> Value {
    let long = object(entries(&[("vm", reference("vm"))]), &["vm"], "");
    json!({
        "anyOf": [{ "enum": ["host", "vm"] }, long],
        "description": "The machine that a case runs on: this host, or a throwaway guest.",
    })
}

pub(super) fn vm() -> Map<String, Value> {
    let line = |about: &str| json!({ "type": "string", "minLength": 1, "maxLength": decode::machine::LONGEST, "description": about });
    let all = [
        (
            "kernel",
            line(
                "A vmlinuz or a Debian package of a kernel; a relative path is relative to the file.",
            ),
        ),
        (
            "cgroup",
            json!({ "enum": CgroupMode::ALL.map(CgroupMode::name), "description": "How cgroups are mounted." }),
        ),
        ("cpus", count(&VM_CPUS, "CPUs of the guest.")),
        ("memory", reference("bytes")),
        ("swap", reference("bytes")),
        ("disk", reference("bytes")),
        ("append", line("More parameters for the kernel.")),
    ];
    of_keys(decode::machine::KEYS, &all)
}
