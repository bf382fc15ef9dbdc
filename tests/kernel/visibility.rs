//! Looking around: with every namespace new nothing is found, and what each namespace hides is found once it is shared.

use serde_json::Value;

use crate::serial::shipped as shipped_scenario;

/// The verdict of a probe in a config.
fn seen<'a>(case: &'a Value, probe: &str) -> &'a str {
    let cells = case["cells"].as_array().expect("cells");
    let cell = cells.iter().find(|cell| cell["probe"] == probe);
    let cell = cell.unwrap_or_else(|| panic!("no {probe} in {}", case["config"]));
    assert_eq!(cell["kind"], "visibility");
    let (attempts, found) =
        (cell["attempts"].as_u64(), cell["found"].as_array().map_or(0, Vec::len));
    let failed: u64 =
        cell["failures"].as_object().expect("a map").values().filter_map(Value::as_u64).sum();
    assert_eq!(attempts, Some(failed + found as u64), "every attempt is counted once: {cell}");
    let verdict = cell["verdict"].as_str().expect("a verdict");
    assert_eq!(verdict == "hidden", found == 0, "{cell}");
    verdict
}

pub fn shipped() {
    let ended = shipped_scenario("visibility");
    assert_eq!(ended.code, 0, "{}", ended.errors);
    let all_new = ended.case("all-new");
    let cells = all_new["cells"].as_array().expect("cells");
    // Interfaces are nobody's on a machine without any; all other probes have something to look for everywhere.
    assert_eq!(cells.len(), 18, "a cell for each probe: {cells:#?}");
    for cell in cells {
        assert_eq!(seen(all_new, cell["probe"].as_str().expect("a name")), "hidden");
    }
    assert_eq!(all_new["blocks"], serde_json::json!([]), "nothing is measured in time");
    for (config, probe, verdict) in [
        ("pid-host", "processes/neighbour", "visible"),
        ("pid-host", "processes/host", "visible"),
        ("net-host", "network/host", "reachable"),
        ("net-host", "network/neighbour", "hidden"),
        ("ipc-host", "ipc/host", "reachable"),
        ("ipc-host", "ipc/neighbour", "hidden"),
        ("ipc-host-both", "ipc/neighbour", "reachable"),
        ("uts-host", "hostname/host", "visible"),
        ("mnt-host", "files/host", "reachable"),
        ("mnt-host", "mounts/host", "visible"),
        ("mnt-host", "cgroups/neighbour", "visible"),
        ("cgroup-host", "cgroups/host", "visible"),
        ("same-user", "processes/neighbour", "reachable"),
        ("same-user", "namespaces/neighbour", "visible"),
    ] {
        assert_eq!(seen(ended.case(config), probe), verdict, "{config}: {probe}");
    }
    let memory = ended.case("same-user")["cells"].to_string();
    assert!(memory.contains("/proc/PID/mem"), "the neighbour's memory was read: {memory}");
}
