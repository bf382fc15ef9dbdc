//! The seven resources in one run: each attack is what it says, each limit holds, and nothing stays.

use serde_json::Value;

use crate::serial::shipped_quick;

/// What each limited config is proved by: its ceiling held, and the kernel counted or showed something there.
const LIMITED: [(&str, &str); 7] = [
    ("cpu-50m", "cpu"),
    ("memory-64mi", "memory"),
    ("disk-rbps-8mi", "disk"),
    ("network-1m", "network"),
    ("files-nofile-64", "files"),
    ("pids-64", "pids"),
    ("random-200m", "cpu"),
];

/// Attacks that refuse their neighbour something, which needs no statistics.
const DENYING: [&str; 3] = ["network-open", "files-open", "pids-open"];

/// Resources, in the order of a report.
const SEVEN: [&str; 7] = ["cpu", "memory", "disk", "network", "files", "pids", "random"];

pub fn quick() {
    let ended = shipped_quick("seven");
    assert_eq!(ended.record["complete"], true, "{}", ended.errors);
    assert_eq!(ended.record["cleanup"]["complete"], true, "{}", ended.record["cleanup"]);
    for (config, resource) in LIMITED {
        let case = ended.case(config);
        let ceilings = case["ceilings"].as_array().expect("a list");
        let held = ceilings.iter().find(|it| it["resource"] == resource);
        let held =
            held.unwrap_or_else(|| panic!("{config}: no ceiling of {resource}: {ceilings:?}"));
        assert_eq!(held["kept"], true, "{config}: {held}");
        // The kernel lets what it owes the readers through at once, as the attack begins; blocks this short may hold nothing of it.
        let proof = if resource == "disk" { &case["attack"]["operations"] } else { &held["peak"] };
        assert!(proof.as_u64() > Some(0), "{config}: {proof} {held}");
    }
    for config in DENYING {
        assert_eq!(ended.verdict(config), "denied", "{config}: {}", ended.case(config)["reason"]);
    }
    let cases = ended.record["scenarios"][0]["cases"].as_array().expect("cases");
    let named = |control: &str| cases.iter().filter(|case| case["control"] == control).count();
    assert_eq!(
        (named("sham"), named("open"), cases.len()),
        (2, 7, 16),
        "one sham for each placement"
    );
    for case in cases {
        assert_eq!(case["residue"].as_array().map(Vec::len), Some(0), "{}", case["config"]);
        let row = |resource: &&str| {
            let cells = case["cells"].as_array().into_iter().flatten();
            cells.map(|cell: &Value| &cell["resource"]).any(|it| it == *resource)
        };
        assert!(SEVEN.iter().all(row), "{}: a cell for each resource", case["config"]);
    }
    assert!(
        ended.record["warnings"].to_string().contains("--quick"),
        "{}",
        ended.record["warnings"]
    );
}
