//! The guests that are asked, what is wrong with the limits in each, and what either side is asked about them.

const MEMORY: (&str, &str) = ("memory.yaml", include_str!("../scenarios/memory.yaml"));
const PIDS: (&str, &str) = ("pids.yaml", include_str!("../scenarios/pids.yaml"));
const CPU: (&str, &str) = ("cpu.yaml", include_str!("../scenarios/cpu.yaml"));

/// What cannot be asked with a guard, which has no swap: it has a boot of its own in a guest like the others.
const SWAP: &str = include_str!("../scenarios/swap.yaml");
const SWAP_OPEN: &str = include_str!("../scenarios/swap-open.yaml");

/// The programs, as the kernel's Makefile calls them.
const ALL: [&str; 6] =
    ["test_core", "test_cpu", "test_freezer", "test_kill", "test_kmem", "test_memcontrol"];

/// A guest, what is wrong with its limits, and who is asked.
pub(super) struct SetUp {
    pub(super) name: &'static str,
    pub(super) sabotage: Option<&'static str>,
    pub(super) append: Option<&'static str>,
    pub(super) selftests: &'static [&'static str],
    pub(super) scenarios: &'static [(&'static str, &'static str)],
    /// A scenario without a guard.
    pub(super) unguarded: Option<&'static str>,
    /// The configs whose limits are spoilt.
    pub(super) spoilt: &'static [&'static str],
}

pub(super) const SET_UPS: [SetUp; 7] = [
    SetUp {
        name: "sound",
        sabotage: None,
        append: None,
        selftests: &ALL,
        scenarios: &[MEMORY, PIDS, CPU],
        unguarded: Some(SWAP),
        spoilt: &[],
    },
    SetUp {
        name: "swap left open",
        sabotage: None,
        append: None,
        selftests: &[],
        scenarios: &[],
        unguarded: Some(SWAP_OPEN),
        spoilt: &["left-open"],
    },
    SetUp {
        name: "swap opened",
        sabotage: Some("swap"),
        append: None,
        selftests: &["test_memcontrol"],
        scenarios: &[MEMORY],
        unguarded: None,
        spoilt: &["memory-64", "page-cache-64", "oom-group"],
    },
    SetUp {
        name: "limits ten times as high",
        sabotage: Some("tenfold"),
        append: None,
        selftests: &["test_cpu", "test_memcontrol"],
        scenarios: &[MEMORY, PIDS, CPU],
        unguarded: None,
        spoilt: &["memory-64", "page-cache-64", "high-48", "oom-group", "pids-64", "cpu-50m"],
    },
    SetUp {
        name: "no memory controller",
        sabotage: None,
        append: Some("cgroup_disable=memory"),
        selftests: &["test_core", "test_kmem", "test_memcontrol"],
        scenarios: &[MEMORY],
        unguarded: None,
        spoilt: &["memory-64", "page-cache-64", "high-48", "oom-group"],
    },
    SetUp {
        name: "no pids controller",
        sabotage: None,
        append: Some("cgroup_disable=pids"),
        selftests: &["test_core"],
        scenarios: &[PIDS],
        unguarded: None,
        spoilt: &["pids-64"],
    },
    SetUp {
        name: "no cpu controller",
        sabotage: None,
        append: Some("cgroup_disable=cpu"),
        selftests: &["test_cpu"],
        scenarios: &[CPU],
        unguarded: None,
        spoilt: &["cpu-50m", "weight-1"],
    },
];

/// A limit, the selftests that speak of it, and our config and file that do.
pub(super) struct Row {
    pub(super) limit: &'static str,
    pub(super) program: &'static str,
    /// The names of its tests begin with one of these.
    pub(super) tests: &'static [&'static str],
    /// None where this tool asks nothing.
    pub(super) ours: Option<(&'static str, &'static str)>,
}

pub(super) const ROWS: [Row; 14] = [
    Row {
        limit: "`memory.max`, anonymous",
        program: "test_memcontrol",
        tests: &["test_memcg_max", "test_memcg_oom_events"],
        ours: Some(("memory-64", "memory.max")),
    },
    Row {
        limit: "`memory.max`, page cache",
        program: "test_memcontrol",
        tests: &["test_memcg_max"],
        ours: Some(("page-cache-64", "memory.max")),
    },
    Row {
        limit: "`memory.max` alone",
        program: "",
        tests: &[],
        ours: Some(("left-open", "memory.max")),
    },
    Row {
        limit: "`memory.high`",
        program: "test_memcontrol",
        tests: &["test_memcg_high"],
        ours: Some(("high-48", "memory.high")),
    },
    Row {
        limit: "`memory.swap.max`",
        program: "test_memcontrol",
        tests: &["test_memcg_swap_max"],
        ours: Some(("swap-16", "memory.swap.max")),
    },
    Row {
        limit: "`memory.oom.group`",
        program: "test_memcontrol",
        tests: &["test_memcg_oom_group"],
        ours: Some(("oom-group", "memory.oom.group")),
    },
    Row {
        limit: "`memory.min`, `memory.low`",
        program: "test_memcontrol",
        tests: &["test_memcg_min", "test_memcg_low"],
        ours: None,
    },
    Row {
        limit: "kernel memory",
        program: "test_kmem",
        tests: &["test_kmem", "test_percpu"],
        ours: None,
    },
    Row { limit: "`pids.max`", program: "", tests: &[], ours: Some(("pids-64", "pids.max")) },
    Row {
        limit: "`cpu.max`",
        program: "test_cpu",
        tests: &["test_cpucg_max"],
        ours: Some(("cpu-50m", "cpu.max")),
    },
    Row {
        limit: "`cpu.weight`",
        program: "test_cpu",
        tests: &["test_cpucg_weight", "test_cpucg_nested"],
        ours: Some(("weight-1", "cpu.weight")),
    },
    Row { limit: KILL, program: "test_kill", tests: &["test_cgkill"], ours: None },
    Row {
        limit: "`cgroup.freeze`",
        program: "test_freezer",
        tests: &["test_cgfreezer"],
        ours: None,
    },
    Row { limit: "the hierarchy", program: "test_core", tests: &["test_cgcore"], ours: None },
];

/// No limit: what every sandbox of this tool is ended by.
pub(super) const KILL: &str = "`cgroup.kill`";

impl SetUp {
    /// Whether either side was asked about this.
    pub(super) fn asks(&self, row: &Row) -> bool {
        let mut texts: Vec<&str> = self.scenarios.iter().map(|&(_, text)| text).collect();
        texts.extend(self.unguarded);
        let has =
            |config: &str| texts.iter().any(|text| text.contains(&format!("name: {config}\n")));
        match row.ours {
            Some((config, _)) => {
                has(config) && (self.spoilt.is_empty() || self.spoilt.contains(&config))
            }
            None => self.spoilt.is_empty() && self.selftests.contains(&row.program),
        }
    }
}
