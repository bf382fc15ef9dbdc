//! `ablate`: the limit is found to be what stops the bomb, and nothing else is.

use std::process::Command;

use serde_json::Value;

const SCENARIO: &str = "version: 1\nname: ablated\ntrials: {pairs: 4, block: 100ms, budget: 2s}\nattacker: {workload: forkbomb}\nconfigs:\n  \
                        - {name: pids-64, limits: {pids: 64, nofile: 500}}\n";

pub fn a_limit_is_found_to_stop_the_bomb() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ablated.yaml");
    std::fs::write(&file, SCENARIO).expect("a file");
    let output = Command::new("timeout")
        .arg("280")
        .arg(env!("CARGO_BIN_EXE_contain-test"))
        .args(["ablate", "--format", "json"])
        .arg(&file)
        .output()
        .expect("timeout");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{errors}");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["schema"], "contain-test/ablation");
    let config = &found["configs"][0];
    assert_eq!((&config["config"], &config["open"]), (&"pids-64".into(), &"denied".into()));
    let controls = config["controls"].as_array().expect("controls");
    assert_eq!(
        controls.len(),
        15,
        "two limits, eight namespaces, user, masked paths, capabilities, no_new_privs, seccomp: {controls:#?}"
    );
    for control in controls {
        let name = control["control"].as_str().expect("a name");
        let turned = control["turned"].as_array().expect("cells");
        let denied = turned.iter().any(|it| it["without"] == "denied");
        // What is slower may be noise; what the kernel refused is not.
        assert_eq!(denied, name == "limits.pids", "{name}: {control:#}");
        if name == "limits.pids" {
            assert_eq!((&control["effect"], &control["to"]), (&"stops".into(), &"max".into()));
        }
    }
}
