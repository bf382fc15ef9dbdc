//! Programs of others as attackers: what they take is judged like any attack, and what they try against the tool leads nowhere.

use serde_json::Value;

use crate::serial::{Ended, record_of};

/// A shell line as the attacker, with configs.
fn shell(line: &str, resource: &str, rest: &str) -> Ended {
    record_of(&format!(
        "version: 1\nname: command\ntrials: {{pairs: 4, budget: 3s}}\nattacker:\n  workload: command\n  command: [sh, -c, '{line}']\n  \
         resource: {resource}\n{rest}"
    ))
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A shell that burns CPU hurts its neighbour on the same CPU, and a weight of 1 stops that.
pub fn is_judged() {
    let ended = shell(
        "while :; do :; done",
        "cpu",
        "configs:\n  - name: open\n    expect: degraded\n  - name: weight-1\n    limits: {weight: 1}\n",
    );
    let open = ended.case("open");
    assert_eq!(open["verdict"], "degraded", "{}", open["reason"]);
    assert_eq!((&open["attacker"], &open["resource"]), (&"command".into(), &"cpu".into()));
    assert_eq!(strings(&open["command"]), ["sh", "-c", "while :; do :; done"]);
    assert!(
        open["attack_cpu"].as_f64() > Some(0.3),
        "counted by its cgroup: {}",
        open["attack_cpu"]
    );
    let held = ended.verdict("weight-1");
    assert!(matches!(held, "contained" | "inconclusive"), "{}", ended.case("weight-1")["reason"]);
}

/// It floods its output, mounts, joins cgroups, signals everybody, forks away, and tells the harness nonsense: all of it in vain,
/// and nothing is left of it.
pub fn tries_everything() {
    let line = "echo nonsense; umount /proc; mount -t tmpfs x /tmp; echo $$ > /sys/fs/cgroup/pids/cgroup.procs; echo 1 > \
                /proc/sys/kernel/panic; kill -9 -1; (setsid sh -c \"sleep 1000\" &); echo nonsense >/proc/1/fd/1; yes & while :; \
                do sleep 1; done";
    let ended =
        shell(line, "pids", "configs:\n  - name: limited\n    limits: {pids: 40, cpu: 200m}\n");
    let case = ended.case("limited");
    assert!(
        !matches!(case["verdict"].as_str(), Some("error" | "breached" | "skipped")),
        "{}",
        case["reason"]
    );
    assert_eq!(case["residue"], serde_json::json!([]));
    assert_eq!(ended.record["cleanup"]["complete"], true);
    assert_eq!(case["ceilings"][0]["kept"], true, "{}", case["ceilings"]);
}

/// A fork bomb of three words, which forks away from its supervisor at once.
pub fn bombs() {
    let ended = shell(
        "b() { b | b & }; b; sleep 1000",
        "pids",
        "configs:\n  - name: open\n    expect: leaks\n  - name: held\n    limits: {pids: 64}\n",
    );
    assert!(
        matches!(ended.verdict("open"), "denied" | "degraded"),
        "{}",
        ended.case("open")["reason"]
    );
    let ceiling = &ended.case("held")["ceiling"];
    assert_eq!((&ceiling["limit"], &ceiling["kept"]), (&64.into(), &true.into()), "{ceiling}");
}

/// What cannot be run is told before, or with how it ended.
pub fn cannot_run() {
    let of = |command: &str| {
        record_of(&format!(
            "version: 1\nname: c\ntrials: {{pairs: 1, block: 100ms, budget: 1s}}\nattacker: {{workload: command, command: {command}, resource: cpu}}\nconfigs: [{{name: a, limits: {{cpu: \
             100m}}}}]\n"
        ))
    };
    let ended = of("[no-such-program]");
    // The sham was run, so not everything was skipped.
    assert_eq!((ended.code, ended.verdict("a")), (0, "skipped"));
    assert!(ended.case("a")["reason"].as_str().is_some_and(|it| it.contains("install it")));
    let ended = of("[sh, -c, exit 7]");
    assert_eq!((ended.code, ended.verdict("a")), (5, "error"));
    let reason = ended.case("a")["reason"].as_str().expect("a reason");
    assert!(reason.contains("status 7"), "{reason}");
}
