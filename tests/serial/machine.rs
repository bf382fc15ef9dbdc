//! The machine as the kernel shows it, read without the tool's code.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// The directory of a run's sandbox in the hierarchy that has a controller.
pub fn run_group(run_started: &Value, sandbox: &str, controller: &str) -> PathBuf {
    let name = format!("contain-test-{}", run_started["run_id"].as_str().expect("a run ID"));
    let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
    let root = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .find(|fields| {
            (fields[2] == "cgroup" && fields[3].split(',').any(|option| option == controller))
                || (fields[2] == "cgroup2"
                    && fs::read_to_string(format!("{}/cgroup.controllers", fields[1]))
                        .is_ok_and(|list| list.split_whitespace().any(|name| name == controller)))
        })
        .unwrap_or_else(|| panic!("no hierarchy with {controller}"))[1]
        .to_owned();
    PathBuf::from(root).join(name).join(sandbox)
}

/// Whether whoever starts the tests says that CPUs are emulated: 8 to 18 times as slow at forks.
pub fn is_emulated() -> bool {
    std::env::var_os("CONTAIN_TEST_EMULATED").is_some()
}

/// The first process of the attacker of a run.
pub fn attacker_of(run_started: &Value) -> i32 {
    let all = processes_of_attacker(run_started);
    // With the host's PID namespace none has the number 1, and the one that started first is the first.
    *all.iter().find(|&&pid| is_init(pid)).or(all.first()).expect("a first process")
}

/// The processes of the attacker besides its first one.
pub fn workers_of(run_started: &Value) -> Vec<i32> {
    let all = processes_of_attacker(run_started).into_iter();
    all.filter(|&pid| !is_init(pid)).collect()
}

fn processes_of_attacker(run_started: &Value) -> Vec<i32> {
    let procs = run_group(run_started, "attacker", "pids").join("cgroup.procs");
    let text = fs::read_to_string(&procs).unwrap_or_else(|error| panic!("{procs:?}: {error}"));
    text.lines().filter_map(|pid| pid.parse().ok()).collect()
}

/// The first of its PID namespace. It need not have the smallest number outside: numbers begin anew where they end.
pub fn is_init(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let inside = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    inside.and_then(|list| list.split_whitespace().last()) == Some("1")
}

/// The namespace of a kind that a process is in.
pub fn namespace_of(pid: i32, kind: &str) -> String {
    let link = format!("/proc/{pid}/ns/{kind}");
    fs::read_link(&link).unwrap_or_else(|error| panic!("{link}: {error}")).display().to_string()
}

/// The namespace of a kind that the tests are in.
pub fn host_namespace(kind: &str) -> String {
    namespace_of(i32::try_from(std::process::id()).expect("a process ID"), kind)
}

/// The guardian of a harness.
pub fn guardian_of(harness: i32) -> i32 {
    find_guardian_of(harness).expect("a guardian")
}

/// The guardian of a harness, if there is one yet.
pub fn find_guardian_of(harness: i32) -> Option<i32> {
    let parent = format!("PPid:\t{harness}\n");
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(|pid: &i32| {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        read("cmdline").starts_with(b"contain-test\0__guardian\0")
            && String::from_utf8_lossy(&read("status")).contains(&parent)
    })
}
