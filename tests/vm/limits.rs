//! Limits of cgroup v2: written, read back, in force after every block, and proved where the kernel counts.

use contain_test::record::{Ceiling, Verdict};
use contain_test::scenario::VmSpec;
use contain_test::vm::Limits;

use crate::guest::{case, options, run};

const TEXT: &str = include_str!("limits.yaml");

pub fn of_version_2() -> Option<String> {
    let mut scenario = contain_test::scenario::parse("limits.yaml", TEXT).expect("a scenario");
    scenario.run_in(&VmSpec::default());
    let (report, code) = run(scenario, &options(Limits::default()), |_| {});
    assert!(matches!(code, 0 | 4), "{code}");
    for config in ["by-name", "by-file", "cpu-100m"] {
        let case = case(&report, config);
        assert!(
            matches!(case.verdict, Verdict::Contained | Verdict::Inconclusive),
            "{}",
            case.reason
        );
        for ceiling in &case.ceilings {
            assert!(ceiling.kept, "{config}: {ceiling:?}");
        }
    }
    let by_file = case(&report, "by-file");
    let of = |knob: &str| -> &Ceiling {
        by_file.ceilings.iter().find(|it| it.knob == knob).unwrap_or_else(|| panic!("no {knob}"))
    };
    for (knob, limit) in [
        ("memory.high", 48 << 20),
        ("memory.low", 1 << 20),
        ("memory.min", 1 << 20),
        ("memory.oom.group", 1),
        ("cpu.max.burst", 5_000),
        ("cpu.weight", 200),
        ("io.weight", 200),
    ] {
        assert_eq!(of(knob).limit, limit, "{:?}", of(knob));
        assert!(!of(knob).is_amount(), "{:?}", of(knob));
    }
    assert_eq!(of("memory.high").counter.as_deref(), Some("memory.events high"));
    assert_eq!(of("memory.high").peak_source, "memory.peak");
    assert!(of("cpu.max").note.contains("cpu.max.burst"), "{}", of("cpu.max").note);
    assert!(of("pids.max").count.is_some_and(|count| count > 0), "{:?}", of("pids.max"));
    // Who waited for what is told for each sandbox, and for the node.
    for group in ["attacker", "victim", "node"] {
        let pressure = by_file.pressure.get(group).unwrap_or_else(|| panic!("no {group}"));
        assert!(pressure.memory.is_some() && pressure.io.is_some(), "{pressure:?}");
    }
    assert!(by_file.pressure["attacker"].cpu.some_ms > 0.0, "{:?}", by_file.pressure);
    None
}

/// The example that flushes every file system of its machine: it has one of its own, in which it may.
pub fn storm_of_syncs() -> Option<String> {
    let text = include_str!("../../docs/examples/sync-in-a-guest.yaml");
    let scenario = contain_test::scenario::parse("sync.yaml", text).expect("a scenario");
    let (report, code) = run(scenario, &options(Limits::default()), |_| {});
    assert!(matches!(code, 0 | 4), "{code}");
    for config in ["open", "wiops-50"] {
        let case = case(&report, config);
        assert!(case.attack.operations > 0, "{config}: {:?}", case.attack);
        assert!(!matches!(case.verdict, Verdict::Error | Verdict::Lost), "{}", case.reason);
    }
    let held = case(&report, "wiops-50").ceiling.as_ref().expect("a ceiling");
    assert!((held.limit, held.peak.is_some()) == (50, true), "{held:?}");
    None
}
