//! Every shipped scenario in a guest with cgroup v2 and in one with v1, both at once. An emulated machine proves what is written, read
//! back, refused, killed and removed, and nothing of speed: what is asked here is that, and of every case.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::guest::kernel_options;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
const MODES: [&str; 2] = ["v2", "v1"];

/// Verdicts about speed: on a machine without speed neither they nor their absence are a finding.
const OF_SPEED: [&str; 5] = ["contained", "degraded", "inconclusive", "harmless", "vacuous"];

pub fn in_both_versions() -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let started = MODES.map(|mode| (mode, start(mode, folder.path())));
    for (mode, (guest, record)) in started {
        let answer = guest.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        let code = answer.status.code();
        assert!(matches!(code, Some(0 | 1 | 4)), "{mode}: exit {code:?}: {said}");
        let text = std::fs::read_to_string(record).expect("a record");
        proves_all_but_speed(mode, &serde_json::from_str(&text).expect("JSON"));
    }
    None
}

fn start(mode: &str, folder: &Path) -> (Child, PathBuf) {
    let record = folder.join(format!("{mode}.json"));
    let child = Command::new(env!("CARGO_BIN_EXE_contain-test"))
        .args(["run", "--quick", SCENARIOS])
        .arg(format!("--vm={mode}"))
        .args(kernel_options())
        .arg(format!("--export=json={}", record.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a run");
    (child, record)
}

fn proves_all_but_speed(mode: &str, record: &Value) {
    let machine = &record["machines"][0];
    assert_eq!((&machine["cgroup"], &machine["kind"]), (&mode.into(), &"vm".into()), "{machine}");
    assert_eq!(record["complete"], true);
    assert_eq!(record["cleanup"]["complete"], true, "{}", record["cleanup"]);
    let scenarios = record["scenarios"].as_array().expect("scenarios");
    let files = std::fs::read_dir(SCENARIOS).expect("a folder").count();
    assert_eq!(scenarios.len(), files, "{mode}");
    for scenario in scenarios {
        let cases = scenario["cases"].as_array().expect("cases");
        let mut measured = 0;
        for case in cases {
            let place = format!("{mode}: {} / {}", scenario["name"], case["config"]);
            measured += usize::from(case["verdict"] != "skipped");
            proves(&place, case);
        }
        assert!(measured * 2 > cases.len(), "{mode}: most of {} was skipped", scenario["name"]);
    }
    let (open, held) = (case_of(record, "open"), case_of(record, "pids-64"));
    assert_eq!(open["verdict"], "denied", "{mode}: {open}");
    let ceiling = &held["ceiling"];
    assert_eq!((&ceiling["limit"], &ceiling["peak"]), (&64.into(), &64.into()), "{mode}");
    assert_eq!(ceiling["level"], "sandbox", "{mode}: {ceiling}");
    assert!(ceiling["count"].as_u64().is_some_and(|count| count > 0), "{mode}: {ceiling}");
}

/// Nothing failed, no guest was lost, and what is not a matter of speed came out as the scenario says.
fn proves(place: &str, case: &Value) {
    assert!(
        !["error", "lost"].iter().any(|bad| case["verdict"] == *bad),
        "{place}: {}",
        case["reason"]
    );
    for claim in case["expectations"].as_array().expect("expectations") {
        let about_speed = OF_SPEED.iter().any(|word| claim["seen"] == *word);
        let excused = claim["skipped"].is_string() || about_speed;
        assert!(claim["met"] == true || excused, "{place}: {claim}");
    }
}

/// A case of the scenario `pids`.
fn case_of<'a>(record: &'a Value, config: &str) -> &'a Value {
    let scenarios = record["scenarios"].as_array().expect("scenarios");
    let pids = scenarios.iter().find(|scenario| scenario["name"] == "pids").expect("pids");
    let cases = pids["cases"].as_array().expect("cases");
    cases.iter().find(|case| case["config"] == config).expect("a case")
}
