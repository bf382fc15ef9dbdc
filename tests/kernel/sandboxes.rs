//! What a sandbox is made of, seen from outside.

use std::fs;

use nix::sys::signal::Signal;

use crate::serial::{Program, attacker_of, host_namespace, namespace_of};

const KINDS: [&str; 8] = ["mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"];

/// A run that has begun to measure, and the first process of its attacker.
pub fn started(attacker: &str) -> (Program, i32) {
    let text = format!(
        "version: 1\nname: posture\ntrials: {{pairs: 1, block: 100ms, budget: 1s}}\nattacker: {attacker}\nconfigs:\n  - name: open\n"
    );
    let program = Program::start(&text, &[]);
    let run = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_phase("sham", "blocks");
    let pid = attacker_of(&run);
    (program, pid)
}

/// Ends it.
pub fn stop(program: Program) {
    program.signal(Signal::SIGTERM);
    assert_eq!(program.finish().code, 143);
}

fn status(pid: i32, key: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn posture() {
    let (program, pid) = started("{workload: forkbomb}");
    for kind in KINDS {
        assert_ne!(namespace_of(pid, kind), host_namespace(kind), "{kind}");
    }
    assert_eq!(status(pid, "NSpid").split(' ').nth(1), Some("1"));
    assert_eq!(status(pid, "CapEff"), "0000000000000000");
    assert_eq!(status(pid, "CapPrm"), "0000000000000000");
    // The fourteen that engines leave in the bounding set.
    assert_eq!(status(pid, "CapBnd"), "00000000a80425fb");
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    assert_eq!(status(pid, "Seccomp"), "2", "a filter");
    assert!(status(pid, "Uid").split(' ').all(|uid| uid.parse::<u32>().unwrap() >= 0x7000_0000));

    let mounts = fs::read_to_string(format!("/proc/{pid}/mounts")).unwrap();
    let options = |at: &str| {
        let line = mounts.lines().find(|line| line.split(' ').nth(1) == Some(at));
        line.unwrap_or_else(|| panic!("{at} is not mounted:\n{mounts}")).split(' ').nth(3).unwrap()
    };
    for at in ["/", "/contain-test", "/sys", "/proc/sys"] {
        assert!(options(at).split(',').any(|option| option == "ro"), "{at}: {}", options(at));
    }
    for at in ["/dev", "/dev/shm", "/dev/pts", "/tmp", "/proc"] {
        assert!(options(at).split(',').any(|option| option == "rw"), "{at}: {}", options(at));
    }
    for at in ["/proc/keys", "/proc/timer_list", "/sys/firmware"] {
        assert!(fs::metadata(at).is_err() || !options(at).is_empty(), "{at}");
    }
    assert!(!mounts.contains("/work") && !mounts.contains("/home"), "{mounts}");
    stop(program);
}

pub fn unconfined() {
    let (program, pid) = started("{workload: forkbomb, seccomp: unconfined}");
    assert_eq!(status(pid, "Seccomp"), "0", "no filter");
    stop(program);
}

pub fn privileges() {
    let (program, pid) =
        started("{workload: forkbomb, capabilities: [net_raw, sys_ptrace], no_new_privs: false}");
    for set in ["CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"] {
        assert_eq!(status(pid, set), "0000000000082000", "{set}");
    }
    assert_eq!((status(pid, "NoNewPrivs"), status(pid, "Seccomp")), ("0".into(), "2".into()));
    stop(program);
}

pub fn shared_namespaces() {
    for shared in KINDS {
        let attacker = format!("{{workload: forkbomb, namespaces: {{{shared}: host}}}}");
        let (program, pid) = started(&attacker);
        for kind in KINDS {
            let same = namespace_of(pid, kind) == host_namespace(kind);
            assert_eq!(same, kind == shared, "{shared} shared: {kind}");
        }
        stop(program);
    }
}
