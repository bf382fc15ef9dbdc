//! Sandboxes and what runs in them: attacker, victim, pods, sidecars, services.

use serde_json::{Map, Value, json};

use super::super::decode;
use super::super::decode::sandbox::{ATTACKER_KEYS, COMMON_KEYS, PROCESSES, THREADS, VICTIM_KEYS};
use super::super::{
    CAPABILITY_NAMES, MemorySpec, NamespaceKind, OomChoice, RandomSource, RestartPolicy,
    SandboxUser, Seccomp, Sharing, Workload, WorkloadKind,
};
use super::words::{count, described, entries, name, object, of_keys, reference, with_default};

pub(super) fn sandbox(is_attacker: bool) -> Map<String, Value> {
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

pub(super) fn sidecar() -> Map<String, Value> {
    let mut all = sandbox(false);
    all.insert("command".to_owned(), reference("command"));
    all.retain(|key, _| decode::sidecars::KEYS.contains(&key.as_str()));
    all
}

pub(super) fn pod() -> Map<String, Value> {
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

pub(super) fn command() -> Value {
    let word = json!({ "type": ["string", "number"], "maxLength": decode::command::LONGEST_WORD });
    json!({ "type": "array", "minItems": 1, "maxItems": decode::command::MOST_WORDS, "items": word, "description": "A program and its arguments." })
}

pub(super) fn service() -> Value {
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

pub(super) fn listed() -> Value {
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

pub(super) fn namespaces() -> Value {
    let words = [Sharing::New, Sharing::Host, Sharing::Pod].map(Sharing::name);
    let sharing = json!({ "enum": words });
    let kinds = NamespaceKind::ALL.map(|kind| (kind.name(), sharing.clone()));
    object(
        entries(&kinds),
        &[],
        "What the sandbox may see; all namespaces are new by default, but for those that its pod shares.",
    )
}

pub(super) fn burst() -> Value {
    let keys = [
        ("busy", described("duration", "CPU time of a burst, 100us or more.")),
        ("period", described("duration", "From one burst to the next, 1ms to 1s.")),
    ];
    object(entries(&keys), &["busy", "period"], "Bursts of CPU time in each period; for cpu-burn.")
}
