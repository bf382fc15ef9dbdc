//! Guests on the command line, as far as none is started.

use std::io::Write;

use command::{contain_test, finish, run};
use serde_json::Value;

use crate::command;

#[test]
fn without_the_emulator_everything_is_skipped_with_the_remedy() {
    let mut program = contain_test(&["run", "--vm", "pids", "--format", "json"]);
    let answer = finish(program.env("PATH", "/nonexistent").spawn().unwrap());
    assert_eq!(answer.code, 3, "{answer:?}");
    let record: Value = serde_json::from_str(&answer.stdout).unwrap();
    let cases = record["scenarios"][0]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        assert_eq!(case["verdict"], "skipped");
        assert_eq!(case["machine"], "vm-v2");
        let reason = case["reason"].as_str().unwrap();
        assert!(reason.contains("apt-get install qemu-system-x86"), "{reason}");
    }
    let machine = &record["machines"][0];
    assert_eq!((&machine["id"], &machine["kind"]), (&"vm-v2".into(), &"vm".into()));
    assert_eq!(machine["requirements"][0]["met"], false);
}

#[test]
fn a_kernel_that_is_not_there_is_named() {
    let answer =
        run(&["run", "--vm=v1", "--kernel", "/nonexistent/vmlinuz", "pids", "--format", "json"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    let record: Value = serde_json::from_str(&answer.stdout).unwrap();
    let reason = record["scenarios"][0]["cases"][0]["reason"].as_str().unwrap();
    // Where there is no emulator either, that is what comes first.
    assert!(reason.contains("/nonexistent/vmlinuz") || reason.contains("apt-get"), "{reason}");
}

#[test]
fn the_version_is_given_with_an_equals_sign_and_never_swallows_a_path() {
    let plan = |arguments: &[&str]| -> Value {
        let answer = run(&[&["run", "--dry-run", "--format", "json"], arguments].concat());
        assert_eq!(answer.code, 0, "{answer:?}");
        serde_json::from_str(&answer.stdout).unwrap()
    };
    for (arguments, cgroup) in
        [(&["--vm", "pids"][..], "v2"), (&["--vm=v1", "pids"], "v1"), (&["pids", "--vm"], "v2")]
    {
        let plan = plan(arguments);
        assert_eq!(plan["scenarios"][0]["name"], "pids");
        for case in plan["scenarios"][0]["cases"].as_array().unwrap() {
            assert_eq!(case["guest"]["cgroup"], cgroup, "{arguments:?}");
            let first = case["steps"][0].as_str().unwrap();
            let wanted = format!("machine: boot a throwaway guest: cgroup {cgroup}, 2 CPUs");
            assert!(first.starts_with(&wanted), "{first}");
        }
    }
    let v1 = plan(&["--vm=v1", "pids"]);
    let held = v1["scenarios"][0]["cases"].as_array().unwrap().last().unwrap();
    let limits = held["limits"].as_array().unwrap();
    let path = "/sys/fs/cgroup/pids/contain-test-RUN/attacker/pids.max";
    assert!(limits.iter().any(|limit| limit["path"] == path), "{limits:?}");
    assert_eq!(run(&["run", "--vm=v3", "pids"]).code, 2);
}

#[test]
fn options_for_guests_are_refused_where_there_is_none() {
    for option in ["--kernel", "--modules"] {
        let answer = run(&["run", option, "/nonexistent", "pids"]);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.stderr.contains(option) && answer.stderr.contains("--vm"), "{answer:?}");
    }
}

#[test]
fn what_a_file_says_of_its_machine_stays() {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(
        b"version: 1\nname: m\nattacker: {workload: forkbomb}\nconfigs:\n  - {name: there, machine: {vm: {cgroup: \
          hybrid}}}\n  - {name: any}\n  - {name: here, machine: host}\n",
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let answer = run(&["run", "--dry-run", "--format", "json", "--vm=v1", path]);
    // Where nothing can be planned on this machine, nothing can be compared.
    if answer.code == 3 {
        return;
    }
    let plan: Value = serde_json::from_str(&answer.stdout).unwrap();
    let cases = plan["scenarios"][0]["cases"].as_array().unwrap();
    let guest = |name: &str| {
        let case = cases.iter().find(|case| case["config"] == name).unwrap();
        case["guest"]["cgroup"].as_str().map(str::to_owned)
    };
    assert_eq!(guest("there").as_deref(), Some("hybrid"));
    assert_eq!(guest("any").as_deref(), Some("v1"));
    assert_eq!(guest("here"), None);
}
