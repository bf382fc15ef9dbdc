//! What `/proc` and `/sys` tell a sandbox: files are classed by what two sandboxes and the host read, and what a neighbour did is found
//! where it can be.

use std::process::Command;

use serde_json::Value;

pub fn are_classed() {
    let output = Command::new("timeout")
        .arg("200")
        .arg(env!("CARGO_BIN_EXE_contain-test"))
        .args(["inspect", "--channels", "--format", "json"])
        .output()
        .expect("timeout");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["schema"], "contain-test/channels");
    for config in found["configs"].as_array().expect("configs") {
        let name = config["config"].as_str().expect("a name");
        let class = |file: &str| config["files"][file].as_str().unwrap_or("nothing").to_owned();
        assert_eq!(class("/proc/version"), "shared-static", "{name}");
        assert_eq!(class("/proc/uptime"), "shared-varying", "{name}");
        assert_eq!(class("/proc/sys/kernel/hostname"), "private", "{name}");
        assert_eq!(class("/proc/interrupts") == "masked", name == "default", "{name}");
        let canaries = config["canaries"].as_array().expect("canaries");
        let told = |file: &str| {
            let canary = canaries.iter().find(|it| it["file"] == file).expect(file);
            (canary["neighbour"].as_bool(), canary["host"].as_bool())
        };
        assert_eq!(told("/proc/sys/fs/file-nr"), (Some(true), Some(true)), "{name}");
        // The host sees every PID namespace; the neighbour sees its own.
        assert_eq!(told("/proc/locks"), (Some(false), Some(true)), "{name}");
        assert_eq!(told("/proc/sys/kernel/hostname"), (Some(false), Some(false)), "{name}");
        assert_eq!(told("/proc/sysvipc/shm"), (Some(false), Some(false)), "{name}");
    }
}
