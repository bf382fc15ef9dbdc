//! `inspect` through the binary, on processes of this machine and on plans. Nothing here needs root.

use std::process::Command;

use command::run;
use serde_json::Value;

use crate::command;

fn json(arguments: &[&str]) -> Value {
    let answer = run(&[&["inspect", "--format", "json"], arguments].concat());
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer:?}");
    serde_json::from_str(&answer.stdout).unwrap()
}

#[test]
fn without_arguments_it_is_the_command_itself() {
    let document = json(&[]);
    assert_eq!(document["schema"], "contain-test/inspection");
    let process = &document["processes"][0];
    assert_eq!(process["command"][1], "inspect");
    for (kind, number) in process["namespaces"].as_object().unwrap() {
        let link = std::fs::read_link(format!("/proc/self/ns/{kind}")).ok();
        let number = number.as_u64().map(|number| format!("{kind}:[{number}]"));
        assert_eq!(number, link.map(|link| link.display().to_string()), "{kind}");
    }
    assert!(process["no_new_privs"].is_boolean());
    let table = run(&["inspect"]);
    assert_eq!((table.code, table.stderr.as_str()), (0, ""));
    for label in
        ["runtime", "cgroups", "uid map", "effective caps", "seccomp", "masked paths", "rlimits"]
    {
        assert!(table.stdout.contains(&format!("\n  {label} ")), "{label}:\n{}", table.stdout);
    }
}

#[test]
fn several_processes_have_a_matrix() {
    let own = std::process::id().to_string();
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let other = child.id().to_string();
    let document = json(&[&own, &other]);
    let table = run(&["inspect", &own, &other]);
    child.kill().unwrap();
    child.wait().unwrap();
    let groups = &document["shared"]["namespaces"]["mnt"];
    assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
    let row =
        table.stdout.lines().find(|line| line.starts_with(&format!("{other} sleep "))).unwrap();
    assert!(table.stdout.contains("PROCESS") && !row.is_empty(), "{}", table.stdout);
}

#[test]
fn what_is_no_process_exits_with_2_and_says_what_to_do() {
    // Numbers of processes end far below.
    let answer = run(&["inspect", "4194305"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{answer:?}");
    for part in ["no process 4194305", "/proc/4194305/stat", "help:"] {
        assert!(answer.stderr.contains(part), "{answer:?}");
    }
    for arguments in [
        &["inspect", "0"][..],
        &["inspect", "99999999999"],
        &["inspect", "1", "pids"],
        &["inspect", "no-such-scenario"],
        &["inspect", "pids", "--as-scenario"],
        &["inspect", "1", "2", "--as-scenario"],
        &["inspect", "--as-scenario", "--format", "json"],
        &["inspect", "-1"],
    ] {
        let answer = run(arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{arguments:?}: {answer:?}");
        assert!(!answer.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_scenario_from_a_process_is_accepted_by_check() {
    let own = std::process::id().to_string();
    for arguments in [&["inspect", "--as-scenario"][..], &["inspect", &own, "--as-scenario"]] {
        let answer = run(arguments);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer:?}");
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::fs::write(file.path(), &answer.stdout).unwrap();
        let check = run(&["check", file.path().to_str().unwrap()]);
        assert_eq!(check.code, 0, "{check:?}\n{}", answer.stdout);
    }
}

#[test]
fn the_sandboxes_of_a_scenario_are_shown_as_planned() {
    let document = json(&["pids-by-hand"]);
    let sandboxes = document["sandboxes"].as_array().unwrap();
    let attacker = |config: &str| {
        sandboxes.iter().find(|it| it["config"] == config && it["role"] == "attacker").unwrap()
    };
    let shared = attacker("pids-5-host-pid");
    assert_eq!(
        (&shared["namespaces"]["pid"], &shared["namespaces"]["net"]),
        (&"host".into(), &"new".into())
    );
    assert_eq!(attacker("pids-5")["namespaces"]["pid"], "new");
    for sandbox in sandboxes {
        assert_eq!(sandbox["namespaces"].as_object().unwrap().len(), 8);
        assert_eq!(sandbox["capabilities"]["bounding"].as_array().unwrap().len(), 14);
        assert_eq!(sandbox["no_new_privs"], true);
        assert!(sandbox["masked_paths"].as_array().unwrap().contains(&"/proc/kcore".into()));
        assert!(sandbox["read_only_paths"].as_array().unwrap().contains(&"/".into()));
        assert_eq!(sandbox["rlimits"]["core"], 0);
    }
    let limits = attacker("pids-5")["limits"].as_array().unwrap();
    assert!(limits.iter().any(|it| it["knob"] == "pids.max" && it["value"] == "5"), "{limits:?}");
    let table = run(&["inspect", "pids-by-hand"]);
    assert_eq!((table.code, table.stderr.as_str()), (0, ""));
    for part in [
        "pids-by-hand/pids-5-host-pid/attacker",
        "pids.max=5",
        "nothing was started",
        "/proc/kcore",
    ] {
        assert!(table.stdout.contains(part), "{part}:\n{}", table.stdout);
    }
}
