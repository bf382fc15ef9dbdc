//! Limits that do not hold in a guest, each in its own way: swap left open beside a limit of memory, limits ten times as high as they were
//! written, controllers that the kernel does not have. None of them may ever look contained.

use std::time::Duration;

use contain_test::record::{Ceiling, Report, Verdict};
use contain_test::scenario::{CgroupMode, Resource, VmSpec};
use contain_test::vm::{Executed, Extra, Limits, Program, execute};

use crate::guest::{QUICK, case, in_guest, options, run, spec};
use crate::programs::tools;

/// What the guest's shell has besides the tools of the kernel tests.
const MORE_TOOLS: [&str; 4] = ["chroot", "cp", "killall", "mkfifo"];

const SCRIPT: &str = include_str!("sabotage.sh");

/// Before and after a record in what a guest writes.
const RECORD: [&str; 2] = ["@record", "@end"];

/// Runs scenarios in a guest while somebody spoils limits there, or nobody does. Whoever is interested in more puts it first.
const RUNS: &str = "
if [ -n \"$SABOTAGE\" ]; then
    sh /sabotage.sh \"$SABOTAGE\" >/dev/null &
    saboteur=$!
fi
eval \"${FIRST:-}\"
# Where the guest has a disk, a node's own lies on it.
[ ! -d /disk ] || export TMPDIR=/disk
/init run --quick /scenarios --export json=/tmp/record.json >/tmp/table 2>&1
code=$?
[ -z \"$SABOTAGE\" ] || kill $saboteur
echo @record
cat /tmp/record.json || cat /tmp/table
echo
echo @end
exit $code
";

/// A run inside a guest: its exit code, its record, and what else was written.
pub struct Run {
    pub code: i32,
    pub report: Report,
    pub said: String,
}

/// What is to happen in a guest.
#[derive(Default)]
pub struct Plan<'a> {
    /// The kind of sabotage, as `sabotage.sh` names it.
    pub sabotage: Option<&'a str>,
    /// Scenarios, each with the name of its file.
    pub scenarios: &'a [(&'a str, &'a str)],
    /// Shell commands that come before the run, with the files that they need.
    pub first: &'a str,
    pub extras: &'a [Extra],
    /// How long all of it may take.
    pub limit: Duration,
}

/// Runs the program in a guest; a reason where there is no shell for it.
pub fn run_inside(machine: &VmSpec, plan: &Plan<'_>) -> Result<Run, String> {
    let Some(mut extras) = tools() else {
        return Err("set CONTAIN_TEST_BUSYBOX (a static busybox)".to_owned());
    };
    extras.extend(MORE_TOOLS.map(|tool| Extra::Link(format!("bin/{tool}"), "busybox".to_owned())));
    extras.push(Extra::File("sabotage.sh".to_owned(), 0o755, SCRIPT.into()));
    extras.extend(
        plan.scenarios
            .iter()
            .map(|&(name, text)| Extra::File(format!("scenarios/{name}"), 0o644, text.into())),
    );
    extras.extend(plan.extras.iter().cloned());
    let program = Program {
        command: ["/bin/sh", "-c", RUNS].map(str::to_owned).to_vec(),
        environment: [
            ("PATH", "/bin"),
            ("SABOTAGE", plan.sabotage.unwrap_or_default()),
            ("FIRST", plan.first),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        extras,
        resources: vec![Resource::Disk],
        limit: plan.limit,
    };
    let mut said = String::new();
    let executed = execute(machine, &program, &options(Limits::default()), &mut |text| {
        said.push_str(text);
    });
    let Executed::Ended { code, left } = executed.expect("a guest") else {
        panic!("the guest was lost: {said}");
    };
    assert!(left.is_empty(), "{left:?}");
    let [begin, end] = RECORD;
    let (before, rest) = said.split_once(begin).unwrap_or_else(|| panic!("no record: {said}"));
    let (record, _) = rest.split_once(end).unwrap_or_else(|| panic!("half a record: {said}"));
    let report = serde_json::from_str(record)
        .unwrap_or_else(|error| panic!("exit {code}: {error}: {record}"));
    Ok(Run { code, report, said: before.to_owned() })
}

fn ceiling<'a>(report: &'a Report, config: &str, knob: &str) -> &'a Ceiling {
    let ceilings = &case(report, config).ceilings;
    ceilings.iter().find(|it| it.knob == knob).unwrap_or_else(|| panic!("{knob}: {ceilings:?}"))
}

/// The limit holds to the page by the kernel's own file, and the sandbox has twice as much.
pub fn swap_open_in_the_scenario() -> Option<String> {
    let text = include_str!("scenarios/swap-open.yaml");
    let (report, code) = run(in_guest(text, "swap: 256Mi"), &options(Limits::default()), |_| {});
    let closed = ceiling(&report, "closed", "memory.max");
    assert!(closed.kept && closed.count > Some(0), "{closed:?}");
    let open = ceiling(&report, "left-open", "memory.max");
    assert!(!open.kept && open.peak > Some(100 << 20), "{open:?}");
    assert!(open.note.contains("swap is left open"), "{}", open.note);
    let case = case(&report, "left-open");
    assert_eq!(case.verdict, Verdict::Breached, "{}", case.reason);
    assert!(case.reason.contains("with swap, which is left open"), "{}", case.reason);
    assert_eq!(code, 1);
    None
}

const MEMORY: &str = "version: 1\nname: memory\nattacker: {workload: memory-eater}\n\
                      trials: {pairs: 2, block: 100ms, budget: 1s}\nconfigs:\n  \
                      - {name: memory-64, limits: {memory: 64Mi}, expect: contained}\n";

/// Somebody else opens swap once it was closed.
pub fn swap_opened_behind_its_back() -> Option<String> {
    let plan = Plan {
        sabotage: Some("swap"),
        scenarios: &[("memory.yaml", MEMORY)],
        limit: Duration::from_secs(120),
        ..Plan::default()
    };
    let run = match run_inside(&spec(|spec| spec.swap_bytes = 256 << 20), &plan) {
        Ok(run) => run,
        Err(reason) => return Some(reason),
    };
    let case = case(&run.report, "memory-64");
    assert_eq!(case.verdict, Verdict::Breached, "{}", case.reason);
    let ceiling = ceiling(&run.report, "memory-64", "memory.max");
    assert!(!ceiling.kept && ceiling.note.contains("memory.swap.max reads max"), "{ceiling:?}");
    assert_eq!(run.code, 1);
    None
}

/// Somebody else raises each limit once it was written.
pub fn ten_times_too_high() -> Option<String> {
    let of = |name: &str, workload: &str, limits: &str| {
        format!(
            "version: 1\nname: {name}\nattacker: {{workload: {workload}}}\ntrials: {{pairs: 2, block: 100ms, budget: \
             1s}}\nconfigs:\n  - {{name: limited-{name}, limits: {limits}, expect: contained}}\n"
        )
    };
    let texts = [
        of("pids", "forkbomb", "{pids: 40}"),
        of("memory", "memory-eater", "{memory: 32Mi}"),
        of("cpu", "cpu-burn", "{cpu: 50m}"),
    ];
    let [pids, memory, cpu] = &texts;
    let plan = Plan {
        sabotage: Some("tenfold"),
        scenarios: &[("pids.yaml", pids), ("memory.yaml", memory), ("cpu.yaml", cpu)],
        limit: Duration::from_secs(180),
        ..Plan::default()
    };
    let run = match run_inside(&VmSpec::default(), &plan) {
        Ok(run) => run,
        Err(reason) => return Some(reason),
    };
    for (config, knob, words) in [
        ("limited-pids", "pids.max", "pids.max reads 400 though 40"),
        ("limited-memory", "memory.max", "memory.max reads 335544320 though 33554432"),
        ("limited-cpu", "cpu.max", "cpu.max reads 50000 100000 though 5000 100000"),
    ] {
        let case = case(&run.report, config);
        assert_eq!(case.verdict, Verdict::Breached, "{config}: {}", case.reason);
        let ceiling = ceiling(&run.report, config, knob);
        assert!(ceiling.note.contains(words), "{ceiling:?}");
        // It was used, too: the kernel's own counter is above what was written.
        assert!(ceiling.peak > Some(ceiling.limit), "{ceiling:?}");
    }
    assert_eq!(run.code, 1);
    None
}

/// Whatever the scenario asks of it, a machine without a controller runs nothing.
pub fn without_a_controller() -> Option<String> {
    for (controller, reason) in [("pids", "cgroup.pids"), ("cpu", "cgroup.cpu")] {
        let scenario = in_guest(QUICK, &format!("append: cgroup_disable={controller}"));
        let modes: Vec<CgroupMode> =
            scenario.configs.iter().filter_map(|it| it.vm().map(|vm| vm.cgroup)).collect();
        assert!(modes.iter().all(|&mode| mode == CgroupMode::V2), "{modes:?}");
        let (report, code) = run(scenario, &options(Limits::default()), |_| {});
        for case in report.scenarios.iter().flat_map(|scenario| &scenario.cases) {
            assert_eq!(case.verdict, Verdict::Skipped, "{controller}: {}", case.reason);
            assert!(case.reason.contains(reason), "{controller}: {}", case.reason);
        }
        assert_eq!(code, 3, "{controller}");
    }
    None
}
