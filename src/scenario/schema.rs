//! The scenario format as a JSON Schema, for editors and for other programs. Made of the words and ranges that the decoders read by,
//! so that the two cannot part. What a schema cannot say (a limit above the node's capacity, a name that occurs twice) is left to
//! `check`.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::decode::sandbox::{ATTACKER_KEYS, COMMON_KEYS, PROCESSES, THREADS, VICTIM_KEYS};
use super::decode::{self, MAX_CONFIGS};
use super::diagnostic::Problems;
use super::node::{Kind, Node};
use super::{
    CAPABILITY_NAMES, CgroupMode, ExpectedWord, MemorySpec, NODE_CPUS, NODE_PIDS, NamespaceKind,
    NodeSpec, OomChoice, PROBES, RandomSource, Resource, RestartPolicy, SIGHTS, SandboxUser,
    Seccomp, Sharing, Trials, VM_CPUS, Workload, WorkloadKind, is_judged, matrix, yaml,
};

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

fn limits() -> Map<String, Value> {
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

fn io() -> Map<String, Value> {
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

fn bytes_or_max(about: &str) -> Value {
    json!({ "anyOf": [reference("bytes"), { "const": "max" }], "description": about })
}

fn node() -> Map<String, Value> {
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

fn machine() -> Value {
    let long = object(entries(&[("vm", reference("vm"))]), &["vm"], "");
    json!({
        "anyOf": [{ "enum": ["host", "vm"] }, long],
        "description": "The machine that a case runs on: this host, or a throwaway guest.",
    })
}

fn vm() -> Map<String, Value> {
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

fn sandbox(is_attacker: bool) -> Map<String, Value> {
    let names = CAPABILITY_NAMES.to_vec();
    let common = [
        ("name", name("", "The name of the sandbox.")),
        ("pod", name("", "The pod it belongs to, with which it shares namespaces and a limit.")),
        (
            "runtime",
            json!({ "enum": ["native"], "default": "native", "description": "What starts the sandbox." }),
        ),
        ("limits", reference("limits")),
        ("namespaces", reference("namespaces")),
        (
            "seccomp",
            json!({ "enum": Seccomp::ALL.map(Seccomp::name), "default": "default", "description": "Which system calls it may make." }),
        ),
        (
            "capabilities",
            json!({
                "anyOf": [
                    { "enum": ["default", "none", "all"] },
                    { "type": "array", "items": { "enum": names } },
                ],
                "default": "default",
                "description": "Which capabilities it has; by default none in effect, and those of engines in the bounding set.",
            }),
        ),
        (
            "no_new_privs",
            with_default(
                described("flag", "Whether an exec can give it no more privileges than it has."),
                json!(true),
            ),
        ),
        (
            "user",
            json!({ "enum": SandboxUser::ALL.map(|(word, _)| word), "default": "own", "description": "Whether its processes have a user of their own on the host, or that of the other sandbox." }),
        ),
    ];
    let mut all = of_keys(&COMMON_KEYS, &common);
    if is_attacker {
        let own = [
            (
                "workload",
                json!({ "enum": Workload::ALL.map(Workload::name), "description": "What drains a resource; `contain-test list` says which." }),
            ),
            (
                "kind",
                json!({ "enum": WorkloadKind::ALL.map(WorkloadKind::name), "description": "How it drains it, for workloads that can in several ways; process, thread and churn are a forkbomb's, file, socket, pipe and eventfd those of fd-exhaust, the others those of io-drain." }),
            ),
            ("intensity", with_default(described("percent", "Effort, 0 to 100."), json!(100))),
            ("threads", with_default(count(&THREADS, "Tasks that burn; for cpu-burn."), json!(1))),
            ("burst", reference("burst")),
            ("command", reference("command")),
            ("resource", reference("resource")),
            (
                "processes",
                with_default(count(&PROCESSES, "Processes that open; for fd-exhaust."), json!(1)),
            ),
            (
                "source",
                with_default(
                    json!({ "enum": RandomSource::ALL.map(RandomSource::name), "description": "Where random numbers are taken from; for random-drain." }),
                    json!(RandomSource::default().name()),
                ),
            ),
            (
                "size",
                described(
                    "bytes",
                    "What is to be held, or the size of one allocation; for memory-eater.",
                ),
            ),
            (
                "workers",
                with_default(
                    count(
                        &decode::memory::WORKERS,
                        "Tasks that share in the size; for memory-eater.",
                    ),
                    json!(MemorySpec::default().workers),
                ),
            ),
            (
                "rate",
                described("bytes", "Bytes a second that are touched at most; for memory-eater."),
            ),
            (
                "allocations",
                count(
                    &decode::memory::ALLOCATIONS,
                    "Allocations of the size, one after the other and in all, instead of holding; for memory-eater.",
                ),
            ),
            (
                "oom",
                json!({ "enum": OomChoice::ALL.map(OomChoice::name), "default": OomChoice::Natural.name(), "description": "Whom the OOM killer is to take; for memory-eater." }),
            ),
        ];
        all.extend(of_keys(&ATTACKER_KEYS, &own));
    } else {
        all.extend(of_keys(&VICTIM_KEYS, &[("service", reference("service"))]));
    }
    all
}

fn sidecar() -> Map<String, Value> {
    let mut all = sandbox(false);
    all.insert("command".to_owned(), reference("command"));
    all.retain(|key, _| decode::sidecars::KEYS.contains(&key.as_str()));
    all
}

fn pod() -> Map<String, Value> {
    let all = [
        ("name", name("", "The pod's name, and the host name of its sandboxes.")),
        ("limits", described("limits", "What all of its sandboxes together may use.")),
        (
            "shared_pid",
            with_default(
                described("flag", "Whether its sandboxes share a PID namespace."),
                json!(false),
            ),
        ),
        (
            "shared_uts",
            with_default(
                described("flag", "Whether its sandboxes share a UTS namespace."),
                json!(false),
            ),
        ),
        (
            "restart_policy",
            with_default(
                json!({ "enum": RestartPolicy::ALL.map(RestartPolicy::name), "description": "When its sidecars are started again." }),
                json!(RestartPolicy::default().name()),
            ),
        ),
        (
            "restart_backoff",
            with_default(
                described(
                    "duration",
                    "The wait before the second restart of a sidecar, 10ms to 300s; it doubles up to thirty times as much.",
                ),
                json!("10s"),
            ),
        ),
    ];
    of_keys(decode::pods::KEYS, &all)
}

fn command() -> Value {
    let word = json!({ "type": ["string", "number"], "maxLength": decode::command::LONGEST_WORD });
    json!({ "type": "array", "minItems": 1, "maxItems": decode::command::MOST_WORDS, "items": word, "description": "A program and its arguments." })
}

fn service() -> Value {
    let port = || count(&(1..=65_535), "A port of the sandbox's loopback.");
    let path = json!({ "type": "string", "pattern": "^/", "default": "/" });
    let http = of_keys(
        decode::service::HTTP_KEYS,
        &[
            ("port", port()),
            ("path", path),
            (
                "status",
                with_default(count(&(100..=599), "The status of a good answer."), json!(200)),
            ),
        ],
    );
    let all = of_keys(
        decode::service::KEYS,
        &[
            ("command", reference("command")),
            ("tcp", port()),
            ("http", object(http, &["port"], "A page that is asked for.")),
        ],
    );
    object(all, &["command"], "A program that serves in the victim's sandbox, and how it is asked.")
}

fn listed() -> Value {
    let of = |role: &str, is_attacker| {
        let mut properties = sandbox(is_attacker);
        properties.insert(
            "role".into(),
            json!({ "const": role, "description": "Which of the two it is." }),
        );
        object(properties, &["role"], "")
    };
    json!({ "anyOf": [of("attacker", true), of("victim", false)] })
}

fn namespaces() -> Value {
    let words = [Sharing::New, Sharing::Host, Sharing::Pod].map(Sharing::name);
    let sharing = json!({ "enum": words });
    let kinds = NamespaceKind::ALL.map(|kind| (kind.name(), sharing.clone()));
    object(
        entries(&kinds),
        &[],
        "What the sandbox may see; all namespaces are new by default, but for those that its pod shares.",
    )
}

/// Resources and probes as keys.
fn targets(value: &Value) -> Map<String, Value> {
    let resources = Resource::ALL.map(|resource| (resource.name(), value.clone()));
    let mut all = entries(&resources);
    let judged = PROBES.iter().filter(|probe| is_judged(probe));
    all.extend(judged.map(|&probe| (probe.to_owned(), value.clone())));
    all
}

fn claims() -> Value {
    let mut all = targets(&reference("expected"));
    let seen = Resource::SEEN.iter().map(|it| it.name()).chain(SIGHTS.iter().copied());
    all.extend(seen.map(|name| (name.to_owned(), reference("expected"))));
    all.insert("when".into(), reference("when"));
    let mut claims = object(all, &[], "Verdicts by resource or probe.");
    claims["minProperties"] = json!(1);
    claims
}

fn tolerance() -> Value {
    let most = decode::tolerance::PERCENT.end();
    let about = format!("How much slower is still no leak, in percent, up to {most} %.");
    object(targets(&reference("percent")), &[], &about)
}

fn sysctls() -> Value {
    let subtrees = super::sysctls::SUBTREES.join("|");
    json!({
        "type": "object",
        "maxProperties": decode::sysctls::MOST,
        "propertyNames": { "pattern": format!(r"^({subtrees})(\.[A-Za-z0-9_-]+)+$"), "maxLength": 100 },
        "additionalProperties": { "type": ["string", "number"] },
        "description": "Values of the whole kernel while a case runs; refused on the host unless allowed."
    })
}

fn trials() -> Value {
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

fn when() -> Value {
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
    ];
    let mut when = object(of_keys(decode::when::KEYS, &all), &[], "On which machines.");
    when["minProperties"] = json!(1);
    when
}

fn matrix_axes() -> Value {
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

fn burst() -> Value {
    let keys = [
        ("busy", described("duration", "CPU time of a burst, 100us or more.")),
        ("period", described("duration", "From one burst to the next, 1ms to 1s.")),
    ];
    object(entries(&keys), &["busy", "period"], "Bursts of CPU time in each period; for cpu-burn.")
}

/// A definition with a sentence for this place.
fn described(name: &str, description: &str) -> Value {
    let mut value = reference(name);
    value["description"] = json!(description);
    value
}

fn with_default(mut value: Value, default: Value) -> Value {
    value["default"] = default;
    value
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn count(range: &RangeInclusive<u64>, description: &str) -> Value {
    // A number in quotes is the same to the reader of the format.
    json!({
        "anyOf": [
            { "type": "integer", "minimum": range.start(), "maximum": range.end() },
            { "type": "string", "pattern": "^[0-9]+$" },
        ],
        "description": description,
    })
}

fn quantity(pattern: &str, description: &str) -> Value {
    json!({
        "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": pattern }],
        "description": description,
    })
}

fn name(extra: &str, description: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^[a-z0-9][a-z0-9{extra}-]{{0,39}}$"), "description": description })
}

fn one_or_more(item: &Value, description: &str) -> Value {
    json!({ "anyOf": [item, { "type": "array", "minItems": 1, "items": item }], "description": description })
}

fn entries(list: &[(&str, Value)]) -> Map<String, Value> {
    list.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// The decoder's keys, each with what the schema says of it.
fn of_keys(keys: &[&str], all: &[(&str, Value)]) -> Map<String, Value> {
    let of = |key: &&str| {
        let known = all.iter().find(|(name, _)| name == key);
        // A key that the schema has not heard of may hold anything; a test finds it.
        ((*key).to_owned(), known.map_or(json!(true), |(_, value)| value.clone()))
    };
    keys.iter().map(of).collect()
}

fn object(properties: Map<String, Value>, required: &[&str], description: &str) -> Value {
    let mut object = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    if !description.is_empty() {
        object["description"] = json!(description);
    }
    object
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
