//! `inspect` against what the kernel and `lsns` say of the same processes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;

use crate::containers::{Running, bubblewrap, runc};
use crate::docker::Docker;
use crate::sandboxes;
use crate::serial::{Program, namespace_of};

const BINARY: &str = env!("CARGO_BIN_EXE_contain-test");
const KINDS: [&str; 8] = ["mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"];

fn own_pid() -> i32 {
    std::process::id().try_into().expect("a process ID")
}

fn inspected(pids: &[i32]) -> Value {
    let answer = Command::new(BINARY)
        .arg("inspect")
        .args(pids.iter().map(ToString::to_string))
        .args(["--format", "json"])
        .output()
        .expect("it runs");
    let errors = String::from_utf8_lossy(&answer.stderr);
    assert_eq!(answer.status.code(), Some(0), "{errors}");
    serde_json::from_slice(&answer.stdout).expect("JSON")
}

/// Kinds and numbers as `lsns` prints them for a process.
fn by_lsns(pid: i32) -> BTreeMap<String, u64> {
    let answer = Command::new("lsns")
        .args(["--noheadings", "--raw", "--output", "TYPE,NS", "--task", &pid.to_string()])
        .output()
        .expect("lsns runs");
    let text = String::from_utf8_lossy(&answer.stdout);
    let pair = |line: &str| {
        let (kind, number) = line.split_once(' ').expect("two columns");
        (kind.to_owned(), number.trim().parse().expect("a number"))
    };
    text.lines().map(pair).collect()
}

/// Children of this process that wait, each with other namespaces of its own.
fn unshared() -> Vec<Running> {
    let kinds: [&[&str]; 11] = [
        &["--mount"],
        &["--net"],
        &["--ipc"],
        &["--uts"],
        &["--cgroup"],
        &["--user", "--map-root-user"],
        &["--pid", "--fork", "--kill-child"],
        &["--time", "--fork", "--kill-child"],
        &["--mount", "--net", "--ipc", "--uts", "--cgroup"],
        &["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"],
        &[
            "--mount",
            "--net",
            "--ipc",
            "--uts",
            "--cgroup",
            "--pid",
            "--time",
            "--fork",
            "--kill-child",
        ],
    ];
    kinds.iter().map(|options| Running::unshare(options)).collect()
}

/// The numbers are those of `/proc/PID/ns` and of `lsns`, and what is said to be shared has the same number.
pub fn agrees() {
    let mut running = unshared();
    running.push(Running::plain());
    running.extend(bubblewrap());
    running.extend(runc("agrees"));
    let docker = Docker::start();
    let contained: Vec<i32> = docker.iter().map(|it| it.sleeping(&[])).collect();
    let (program, attacker) = sandboxes::started("{workload: forkbomb}");
    let mut pids: Vec<i32> = running.iter().map(|it| it.pid).chain(contained.clone()).collect();
    pids.extend([attacker, program.pid(), own_pid()]);
    assert!(pids.len() >= 12, "{pids:?}");
    let document = inspected(&pids);
    let processes = document["processes"].as_array().expect("processes");
    assert_eq!(processes.len(), pids.len());
    for (process, &pid) in processes.iter().zip(&pids) {
        assert_eq!(process["pid"], pid);
        let lsns = by_lsns(pid);
        for kind in KINDS {
            let number = process["namespaces"][kind].as_u64().expect(kind);
            assert_eq!(namespace_of(pid, kind), format!("{kind}:[{number}]"), "{pid}");
            assert_eq!(lsns.get(kind), Some(&number), "{pid} {kind}: {lsns:?}");
            let groups = document["shared"]["namespaces"][kind].as_array().expect("groups");
            let group = groups
                .iter()
                .find(|group| group.as_array().is_some_and(|it| it.contains(&process["pid"])));
            let group = group.expect("each process is in a group").as_array().expect("a group");
            for other in processes {
                let same = other["namespaces"][kind] == number;
                assert_eq!(group.contains(&other["pid"]), same, "{pid} {kind} {}", other["pid"]);
            }
        }
    }
    // Where the tests run in somebody's container, all that they start seems to run under that.
    let own = inspected(&[own_pid()]);
    if own["processes"][0]["runtime"]["seems"] == "none" {
        let seen = running.iter().filter_map(|it| Some((it.pid, it.seems?)));
        for (pid, seems) in seen.chain(contained.iter().map(|&pid| (pid, "docker"))) {
            let process = processes.iter().find(|process| process["pid"] == pid).expect("it");
            assert_eq!(process["runtime"]["seems"].as_str(), Some(seems), "{process}");
        }
    }
    let sandbox =
        processes.iter().find(|process| process["pid"] == attacker).expect("the attacker");
    assert_eq!(sandbox["runtime"]["seems"], "contain-test");
    assert_eq!(sandbox["capabilities"]["effective"], Value::Array(Vec::new()));
    assert_eq!(sandbox["capabilities"]["bounding"].as_array().map(Vec::len), Some(14));
    assert_eq!(sandbox["no_new_privs"], true);
    let masked = sandbox["masked_paths"].as_array().expect("paths");
    assert!(masked.iter().any(|path| path == "/sys/firmware"), "{masked:?}");
    let read_only = sandbox["read_only_paths"].as_array().expect("paths");
    assert!(read_only.iter().any(|path| path == "/proc/sys"), "{read_only:?}");
    sandboxes::stop(program);
}

/// What a plan says of sandboxes is what they have when they run.
pub fn plan_is_kept() {
    let text = "version: 1\nname: planned\nattacker: {workload: forkbomb, namespaces: {uts: host}}\nconfigs:\n  - name: open\n";
    let file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
    fs::write(file.path(), text).expect("a file");
    let answer = Command::new(BINARY)
        .arg("inspect")
        .arg(file.path())
        .args(["--format", "json"])
        .output()
        .expect("it runs");
    let plan: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
    let planned = plan["sandboxes"].as_array().expect("sandboxes");
    let planned = planned
        .iter()
        .find(|it| it["role"] == "attacker" && it["config"] == "sham")
        .expect("an attacker");
    let (program, pid) = sandboxes::started("{workload: forkbomb, namespaces: {uts: host}}");
    let document = inspected(&[pid]);
    let found = &document["processes"][0];
    for kind in KINDS {
        let host = planned["namespaces"][kind] == "host";
        assert_eq!(found["shared_with_caller"][kind], host, "{kind}");
    }
    for set in ["effective", "permitted", "bounding", "ambient"] {
        assert_eq!(found["capabilities"][set], planned["capabilities"][set], "{set}");
    }
    assert_eq!(found["no_new_privs"], planned["no_new_privs"]);
    assert_eq!(found["uid_map"][0]["count"], planned["mapped_ids"]);
    // Paths that this kernel does not have are in the plan alone.
    for list in ["masked_paths", "read_only_paths"] {
        for path in found[list].as_array().expect("paths") {
            assert!(
                planned[list].as_array().is_some_and(|all| all.contains(path)),
                "{list}: {path}"
            );
        }
    }
    for (name, value) in planned["rlimits"].as_object().expect("rlimits") {
        assert_eq!(found["rlimits"][name]["hard"], *value, "{name}");
    }
    sandboxes::stop(program);
}

/// Another user's process is shown as far as that is allowed, and the rest has its reason.
pub fn other_user() {
    let folder = crate::unable::copy();
    let answer = Command::new(folder.path().join("contain-test"))
        .args(["inspect", "1", "--format", "json"])
        .uid(65534)
        .gid(65534)
        .output()
        .expect("it runs");
    assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
    let document: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
    let process = &document["processes"][0];
    assert_eq!(process["namespaces"]["mnt"], Value::Null);
    let why = process["unknown"]["namespaces.mnt"].as_str().expect("a reason");
    assert!(why.contains("permission denied") && why.contains("sudo"), "{why}");
    assert!(process["capabilities"]["effective"].is_array() && process["cgroups"].is_array());
}

/// Whatever moment a process ends in, the answer is an inspection or an error that names it.
pub fn ending() {
    for _ in 0..60 {
        let mut child = Command::new("sh").args(["-c", "exit"]).spawn().expect("sh runs");
        let pid = child.id().to_string();
        let waiter = std::thread::spawn(move || child.wait());
        let answer = Command::new(BINARY).args(["inspect", &pid]).output().expect("it runs");
        let errors = String::from_utf8_lossy(&answer.stderr);
        match answer.status.code() {
            Some(0) => assert!(answer.stdout.starts_with(pid.as_bytes())),
            Some(2) => assert!(errors.contains(&pid) && errors.contains("help:"), "{errors}"),
            code => panic!("{code:?}: {errors}"),
        }
        waiter.join().expect("a thread").expect("a child");
    }
}

/// The limits of a container of Docker are in its scenario, which is valid.
pub fn docker_as_scenario() {
    let Some(docker) = Docker::start() else { return };
    let limits = ["--pids-limit=48", "--memory=96m", "--memory-swap=96m", "--cpus=0.25"];
    let pid = docker.sleeping(&limits).to_string();
    let answer =
        Command::new(BINARY).args(["inspect", &pid, "--as-scenario"]).output().expect("it runs");
    let text = String::from_utf8(answer.stdout).expect("text");
    assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
    for limit in ["pids: 48", "memory: 96Mi", "cpu: 250m"] {
        assert!(text.contains(limit), "{limit}: {text}");
    }
    let file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
    fs::write(file.path(), &text).expect("a file");
    let check = Command::new(BINARY).arg("check").arg(file.path()).output().expect("it runs");
    assert_eq!(check.status.code(), Some(0), "{}\n{text}", String::from_utf8_lossy(&check.stderr));
}

/// The scenario of a container of runc is valid, runs, and repeats the container's limits.
pub fn container_as_scenario() {
    let Some(container) = runc("scenario") else { return };
    let pid = container.pid.to_string();
    let answer =
        Command::new(BINARY).args(["inspect", &pid, "--as-scenario"]).output().expect("it runs");
    let text = String::from_utf8(answer.stdout).expect("text");
    assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
    let file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
    fs::write(file.path(), &text).expect("a file");
    let check = Command::new(BINARY).arg("check").arg(file.path()).output().expect("it runs");
    assert_eq!(check.status.code(), Some(0), "{}\n{text}", String::from_utf8_lossy(&check.stderr));
    drop(container);
    let ended = Program::start_with(&["--quick"], &text, &[]).finish();
    // Few blocks may decide nothing about speed (4), and an eater of memory under so small a quota may not come to hold (5).
    assert!(matches!(ended.code, 0 | 4 | 5), "{}: {}\n{text}", ended.code, ended.errors);
    let cases = ended.record["scenarios"][0]["cases"].as_array().into_iter().flatten();
    let failed: Vec<&Value> =
        cases.filter(|case| case["verdict"] == "error").map(|case| &case["config"]).collect();
    assert!(failed.iter().all(|config| **config == "memory-eater"), "{failed:?}: {}", ended.errors);
    for config in ["forkbomb", "cpu-burn"] {
        let limits = &ended.case(config)["limits"];
        assert_eq!(limits["pids"], 48, "{limits}\n{text}");
        assert_eq!(limits["memory_bytes"], 96 << 20, "{limits}\n{text}");
        assert_eq!(limits["cpu_millis"], 250, "{limits}\n{text}");
        assert!(
            !matches!(ended.verdict(config), "error" | "skipped"),
            "{config}: {}",
            ended.case(config)["reason"]
        );
    }
    let ceiling = &ended.case("forkbomb")["ceiling"];
    assert_eq!(
        (&ceiling["limit"], &ceiling["peak"]),
        (&Value::from(48), &Value::from(48)),
        "{ceiling}"
    );
    assert_eq!(ceiling["kept"], true, "{ceiling}");
}
