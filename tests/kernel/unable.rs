//! Machines on which it cannot run: made from this one by taking something away, in a mount namespace of their own.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use crate::docker::Docker;
use crate::podman::Podman;

const BINARY: &str = env!("CARGO_BIN_EXE_contain-test");

fn assert_unable(answer: &Output, missing: &str) {
    let text = String::from_utf8_lossy(&answer.stdout);
    assert_eq!(answer.status.code(), Some(3), "{text}{}", String::from_utf8_lossy(&answer.stderr));
    assert!(text.contains(missing), "no word of {missing}:\n{text}");
}

/// A copy that any user may execute.
pub fn copy() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("contain-test");
    std::fs::copy(BINARY, &copy).unwrap();
    for path in [folder.path(), &copy] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn in_a_mount_namespace(change: &str, arguments: &str) -> Output {
    Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c"])
        .arg(format!("{change} && exec {BINARY} {arguments}"))
        .output()
        .expect("unshare(1) runs")
}

pub fn without_root() {
    let folder = copy();
    // With the unified hierarchy alone a user can do without root, and is told what else is missing.
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let has_version_1 = mounts.lines().any(|line| line.contains(" cgroup "));
    let missing = if has_version_1 { "user.root" } else { "cgroup.writable" };
    for arguments in [["doctor", "--color=never"], ["run", "pids"]] {
        let answer = Command::new(folder.path().join("contain-test"))
            .args(arguments)
            .uid(65534)
            .gid(65534)
            .output()
            .unwrap();
        assert_unable(&answer, missing);
        assert!(String::from_utf8_lossy(&answer.stdout).contains("sudo"), "the remedy is missing");
    }
}

pub fn without_pids() {
    let hide = "for root in $(sed -n 's/^[^ ]* \\([^ ]*\\) cgroup [^ ]*\\bpids\\b.*/\\1/p' /proc/self/mounts); do \
                umount $root; done";
    // On a unified machine the controller cannot be taken away without changing the machine.
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    if !mounts.lines().any(|line| line.contains(" cgroup ") && line.contains("pids")) {
        return;
    }
    assert_unable(&in_a_mount_namespace(hide, "doctor"), "cgroup.pids");
    assert_unable(&in_a_mount_namespace(hide, "run pids"), "cgroup.pids");
}

pub fn read_only() {
    let protect = "for root in $(sed -n 's/^[^ ]* \\([^ ]*\\) cgroup2\\{0,1\\} .*/\\1/p' /proc/self/mounts); do mount \
                   -o remount,bind,ro $root; done";
    assert_unable(&in_a_mount_namespace(protect, "doctor"), "cgroup.writable");
    assert_unable(&in_a_mount_namespace(protect, "run pids"), "cgroup.writable");
}

/// What could hurt the machine is refused with the numbers and what would allow it, and allowed where somebody says so.
pub fn dangers() {
    let run = |keys: &str, arguments: &[&str]| {
        let text = format!(
            "version: 1\nname: danger\nattacker: {{workload: sleep}}\n{keys}\nconfigs:\n  - name: open\n"
        );
        let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        Command::new(BINARY).arg("run").arg(file.path()).args(arguments).output().unwrap()
    };
    let huge = "node: {memory: 1024Gi}";
    let answer = run(huge, &["--format", "json"]);
    assert_unable(&answer, "1048576 MiB");
    assert_unable(&answer, "--allow headroom");
    assert_unable(&answer, "--vm");
    let sysctl = "sysctls: {vm.swappiness: 61}";
    assert_unable(&run(sysctl, &["--format", "json"]), "vm.swappiness");
    assert_unable(&run(sysctl, &["--format", "json"]), "--allow sysctls");
    let plan = |keys, arguments: &[&str]| {
        let answer = run(keys, &[&["--dry-run", "--format", "json"], arguments].concat());
        serde_json::from_slice::<serde_json::Value>(&answer.stdout).unwrap()
    };
    for (keys, danger) in [(huge, "headroom"), (sysctl, "sysctls")] {
        let unable = |plan: &serde_json::Value| plan["scenarios"][0]["cases"][0]["unable"].clone();
        assert!(!unable(&plan(keys, &[])).is_null(), "{danger}");
        assert!(unable(&plan(keys, &["--allow", danger])).is_null(), "{danger}");
    }
}

/// An attack without a node is for a machine that may be lost.
pub fn without_a_guard() {
    let text = "version: 1\nname: unguarded\nattacker: {workload: forkbomb}\nnode: none\nconfigs: [{name: open}]\n";
    let ended = crate::serial::record_of(text);
    assert_eq!(ended.code, 3, "{}", ended.errors);
    for config in ["sham", "open"] {
        assert_eq!(ended.verdict(config), "skipped");
        let reason = ended.case(config)["reason"].as_str().expect("a reason");
        assert!(reason.contains("--vm") && reason.contains("machine: vm"), "{reason}");
        assert!(
            ended.case(config)["steps"].as_array().is_some_and(Vec::is_empty),
            "nothing was made"
        );
    }
}

/// What `--privileged` gives, but for the capabilities that the machine of these tests need not have itself, and the host's cgroups.
const PRIVILEGES: [&str; 7] = [
    "--cap-add=SYS_ADMIN",
    "--cap-add=SYS_PTRACE",
    "--cap-add=NET_ADMIN",
    "--cap-add=SYS_NICE",
    "--security-opt=seccomp=unconfined",
    "--cgroupns=host",
    "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
];

/// In a container of Docker without privileges it says what is missing and exits with 3; with them it runs, and its limits hold.
pub fn in_docker() {
    let Some(docker) = Docker::start() else { return };
    let more = ["--security-opt=apparmor=unconfined", "--security-opt=systempaths=unconfined"];
    in_a_container(&more, |options, arguments| docker.ours(options, arguments));
}

/// The same in one of podman.
pub fn in_podman() {
    let Some(podman) = Podman::new() else { return };
    let more = ["--security-opt=unmask=ALL"];
    in_a_container(&more, |options, arguments| podman.ours(options, arguments));
}

fn in_a_container(
    more: &[&str],
    run_in: impl Fn(&[&str], &[&str]) -> (Option<i32>, String, String),
) {
    let run = ["run", "pids", "--quick", "--format", "json"];
    let (code, record, errors) = run_in(&[], &[&run[..], &["--must-run"]].concat());
    assert_eq!(code, Some(3), "{errors}");
    assert!(record.contains("cgroup"), "{record}{errors}");
    let (code, record, errors) = run_in(&[&PRIVILEGES[..], more].concat(), &run);
    assert!(matches!(code, Some(0 | 4)), "{code:?}: {errors}");
    let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
    let cases = record["scenarios"][0]["cases"].as_array().expect("cases");
    let held = cases.iter().find(|case| case["config"] == "pids-64").expect("a case");
    let ceiling = &held["ceiling"];
    assert_eq!((&ceiling["peak"], &ceiling["kept"]), (&64.into(), &true.into()), "{ceiling}");
    assert_eq!(record["cleanup"]["complete"], true);
}
