//! A cell speaks of its own resource, also where everybody waits for the same CPU, and on a machine that is busy with other
//! things.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use crate::serial::{record_of, shipped};

const PIDS: &str = include_str!("../../scenarios/pids.yaml");

fn cell<'a>(case: &'a Value, probe: &str) -> &'a Value {
    let cells = case["cells"].as_array().expect("cells");
    cells.iter().find(|cell| cell["probe"] == probe).expect("a cell")
}

/// A burner of CPU on the victim's CPU slows everything, and leaks in the cpu cell only.
pub fn burner() {
    let ended = shipped("cpu");
    let case = ended.case("open");
    assert_eq!(case["verdict"], "degraded");
    let forks = cell(case, "pids/fork");
    assert_eq!((&forks["verdict"], &forks["via"]), (&"contained".into(), &"cpu".into()), "{forks}");
    let slower = forks["isol"]["median"].as_f64().expect("a rate");
    assert!(slower < 0.75, "forks are slower, and that is shown: {slower}");
}

/// A fork bomb held at 64 tasks on the victim's CPU takes no process IDs. What it costs is CPU time.
pub fn held_fork_bomb() {
    let ended = shipped("pids-together");
    assert_eq!(ended.verdict("open"), "denied");
    let case = ended.case("pids-64");
    let verdict = ended.verdict("pids-64");
    assert!(matches!(verdict, "contained" | "inconclusive"), "{}", case["reason"]);
    let forks = cell(case, "pids/fork");
    assert_eq!(forks["failures"], serde_json::json!({}), "{forks}");
    let cpu = cell(case, "cpu/work");
    assert_eq!(cpu["verdict"], "degraded", "{cpu}");
    let placebo = &case["placebo"];
    let share = |key: &str| placebo[key].as_f64().unwrap_or_else(|| panic!("{key}: {placebo}"));
    let (attack, burnt) = (share("attack_cpu"), share("placebo_cpu"));
    assert!(attack > 0.02, "retries cost CPU time: {attack}");
    assert!((attack - burnt).abs() < 0.1, "{attack} against {burnt}");
    assert_eq!(placebo["tasks"], 63);
    assert!(!forks["beside_placebo"].is_null(), "{forks}");
    assert!(!forks["net"].is_null(), "{forks}");
}

/// Both CPUs are loaded from outside: the run may say that the machine is too noisy, or be right, but must not be wrong.
pub fn noisy_machine() {
    let over = Arc::new(AtomicBool::new(false));
    let burners: Vec<_> = (0..4)
        .map(|_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                let mut state = 1_u64;
                while !over.load(Ordering::Relaxed) {
                    for _ in 0..10_000 {
                        state = std::hint::black_box(state.wrapping_mul(6_364_136_223_846_793_005));
                    }
                }
            })
        })
        .collect();
    // As much time as a quiet machine needs; all that a noisy one is given more, it spends on being undecided.
    let hurried = PIDS.replace("\nconfigs:", "\ntrials: {pairs: 12, budget: 10s}\nconfigs:");
    assert_ne!(hurried, PIDS);
    let ended = record_of(&hurried);
    over.store(true, Ordering::Relaxed);
    for burner in burners {
        burner.join().expect("a burner ends");
    }
    assert!(
        matches!(ended.code, 0 | 4),
        "exit {}: {}",
        ended.code,
        ended.case("pids-64")["reason"]
    );
    let verdict = ended.verdict("pids-64");
    assert!(matches!(verdict, "contained" | "inconclusive"), "{}", ended.case("pids-64")["reason"]);
    // A full table of process IDs needs no clock.
    assert_eq!(ended.verdict("open"), "denied");
}
