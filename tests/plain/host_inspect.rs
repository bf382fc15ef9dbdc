//! Processes of machines of different shapes: what is found in their files, how it is shown, and the scenario that repeats it.

use std::sync::LazyLock;

use contain_test::host::{InspectError, inspect};
use contain_test::record::{Amount, Inspected, Inspection, InterfaceVersion, Rlimit, Seccomp};
use contain_test::report::{Caller, render_as_scenario, render_inspection};
use contain_test::scenario::{Limits, NamespaceKind, Role, Scenario, Sharing, parse};
use proptest::prelude::*;
use serde_json::json;
use tree::FixtureMachine;

use crate::tree;

fn look(machine: &FixtureMachine, pids: &[u32]) -> Inspection {
    inspect(&machine.roots, pids).unwrap()
}

fn one(name: &str, pid: u32) -> Inspected {
    let machine = FixtureMachine::with_processes(name);
    // Arguments are parted by zero bytes, which a text file does not hold.
    machine.write(&format!("proc/{pid}/cmdline"), "");
    look(&machine, &[pid]).processes.remove(0)
}

fn caller() -> Caller {
    let hard = Amount::Number(524_288);
    let nofile = Rlimit { soft: Amount::Number(1024), hard };
    Caller { rlimits: [("nofile".to_owned(), nofile)].into(), swap_bytes: 2 << 30 }
}

fn scenario(process: &Inspected) -> (Scenario, String) {
    let text = render_as_scenario(process, &caller());
    match parse("p.yaml", &text) {
        Ok(scenario) => (scenario, text),
        Err(errors) => panic!("{errors}\n{text}"),
    }
}

fn limits_of(scenario: &Scenario) -> &Limits {
    &scenario.configs[0].sandbox(Role::Attacker).unwrap().limits
}

#[test]
fn a_process_of_the_host_shares_everything() {
    let process = one("v2", 1);
    assert_eq!(
        (process.name.as_str(), process.state.as_str(), process.parent),
        ("systemd", "sleeping", 0)
    );
    assert!(process.shared_with_caller.values().all(|it| *it == Some(true)));
    assert_eq!(process.namespaces[&NamespaceKind::Mnt], Some(4_026_531_841));
    assert_eq!(process.runtime.seems.as_deref(), Some("none"));
    assert_eq!(process.capabilities.effective.as_ref().map(Vec::len), Some(41));
    assert_eq!(process.capabilities.ambient, Some(Vec::new()));
    assert_eq!((process.seccomp, process.no_new_privs), (Some(Seccomp::Off), Some(false)));
    assert_eq!(process.rlimits.as_ref().unwrap()["nofile"].hard, Amount::Number(524_288));
    assert_eq!(process.limits, Some(Vec::new()));
    assert_eq!(process.masked_paths, Some(Vec::new()));
}

#[test]
fn a_container_of_runc_on_v2_is_seen_as_it_is() {
    let process = one("v2", 41);
    let own: Vec<&str> = NamespaceKind::ALL
        .into_iter()
        .filter(|kind| process.shared_with_caller[kind] == Some(false))
        .map(NamespaceKind::name)
        .collect();
    assert_eq!(own, ["mnt", "pid", "net", "ipc", "uts", "cgroup"]);
    assert_eq!(process.pids_inside, [41, 1]);
    assert_eq!(process.runtime.seems.as_deref(), Some("runc"));
    assert_eq!(process.capabilities.bounding.as_ref().map(Vec::len), Some(14));
    assert_eq!((process.seccomp, process.seccomp_filters), (Some(Seccomp::Filter), Some(1)));
    let masked = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/sys/firmware"];
    assert_eq!(process.masked_paths.as_deref().unwrap(), masked);
    let read_only = ["/", "/sys", "/sys/fs/cgroup", "/proc/bus", "/proc/sys"];
    assert_eq!(process.read_only_paths.as_deref().unwrap(), read_only);
    let limits = process.limits.as_ref().unwrap();
    let value = |file: &str, own: bool| {
        let found = limits.iter().find(|it| it.file == file && it.own == own);
        found.map(|it| (it.value.as_str(), it.group.as_str()))
    };
    assert_eq!(value("memory.max", true), Some(("67108864", "/box/app")));
    assert_eq!(value("memory.max", false), Some(("268435456", "/box")));
    assert_eq!(value("cpu.max", true), Some(("50000 100000", "/box/app")));
    // What limits nothing is left out.
    assert_eq!((value("pids.max", false), value("cpu.idle", true)), (None, None));
    assert_eq!(value("cpuset.cpus.effective", false), None);
    assert!(process.unknown.is_empty(), "{:?}", process.unknown);
}

#[test]
fn a_container_of_docker_on_v1_is_seen_as_it_is() {
    let process = one("v1", 30);
    assert_eq!(process.runtime.seems.as_deref(), Some("docker"));
    assert!(process.runtime.because.iter().any(|it| it.contains("containerd-shim")));
    let limits = process.limits.as_ref().unwrap();
    assert!(limits.iter().all(|it| it.version == InterfaceVersion::V1 && it.own), "{limits:?}");
    let files: Vec<&str> = limits.iter().map(|it| it.file.as_str()).collect();
    let expected = [
        "pids.max",
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "cpu.cfs_quota_us",
        "cpu.cfs_period_us",
        "cpu.shares",
    ];
    assert_eq!(files, expected);
    assert_eq!(process.masked_paths.as_deref().unwrap(), ["/proc/timer_list"]);
    // A kernel without time namespaces says so.
    assert_eq!(process.namespaces[&NamespaceKind::Time], None);
    assert!(process.unknown["namespaces.time"].contains("has no time namespaces"));
}

#[test]
fn bubblewrap_is_known_by_its_root() {
    let process = one("v2", 61);
    assert_eq!(process.runtime.seems.as_deref(), Some("bubblewrap"));
    let map = process.uid_map.unwrap();
    assert_eq!((map.len(), map[0].inside, map[0].count), (1, 1000, 1));
    assert_eq!(process.read_only_paths.unwrap(), ["/usr"]);
}

#[test]
fn zombies_and_threads_of_the_kernel_have_gaps_with_reasons() {
    let zombie = one("v2", 50);
    assert_eq!(zombie.state, "zombie");
    assert_eq!(zombie.namespaces[&NamespaceKind::Mnt], None);
    assert!(zombie.namespaces[&NamespaceKind::User].is_some());
    assert!(zombie.unknown["namespaces.mnt"].contains("zombie"), "{:?}", zombie.unknown);
    assert_eq!(zombie.masked_paths, None);
    assert!(zombie.unknown.contains_key("masked_paths"));
    let thread = one("v2", 2);
    assert!(thread.kernel_thread && thread.command.is_empty());
    assert_eq!(thread.runtime.seems, None);
    let foreign = one("v2", 70);
    assert!(foreign.namespaces.values().all(Option::is_none));
    assert!(foreign.rlimits.is_some());
    for process in [zombie, thread, foreign] {
        scenario(&process);
    }
}

#[test]
fn hostile_names_cannot_steer_a_terminal_or_a_scenario() {
    let machine = FixtureMachine::with_processes("v2");
    let hostile = "a\u{1b}[2J) R\u{202e}: &x #";
    let status = |name: &str| format!("Name:\t{name}\nState:\tS (sleeping)\nUid:\t0\t0\t0\t0\n");
    machine.write(
        "proc/9/stat",
        &format!("9 ({hostile}) S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0\n"),
    );
    machine.write("proc/9/status", &status(hostile));
    machine.write("proc/9/cmdline", "x\0\u{1b}]0;y\u{7}\0two\nlines\0");
    machine.write("proc/9/cgroup", "0::/\u{1b}[31m/docker-\u{9b}1.scope\n");
    machine.write(
        "proc/9/mountinfo",
        "1 0 0:1 / / rw - ext4 /dev/vda rw\n2 1 0:2 / /a\\033[2J\\012version:\\0402 ro - ext4 /dev/vdb rw\n",
    );
    let inspection = look(&machine, &[9, 1]);
    let process = &inspection.processes[0];
    assert_eq!(process.name, hostile);
    assert_eq!(process.command, ["x", "\u{1b}]0;y\u{7}", "two\nlines"]);
    let text = render_inspection(&inspection, Some(80));
    let steering =
        |text: &str| text.chars().any(|it| it.is_control() && it != '\n' || it == '\u{202e}');
    assert!(!steering(&text), "{text:?}");
    assert!(text.contains("\\u{1b}[2J"), "{text}");
    let (scenario, text) = scenario(process);
    assert!(!steering(&text), "{text:?}");
    assert!(
        scenario.name.chars().all(|it| it.is_ascii_alphanumeric() || it == '-'),
        "{}",
        scenario.name
    );
}

#[test]
fn the_matrix_puts_the_same_letter_under_the_same_namespace() {
    let machine = FixtureMachine::with_processes("v2");
    let inspection = look(&machine, &[1, 40, 41, 61, 50, 41]);
    let pids: Vec<u32> = inspection.processes.iter().map(|it| it.pid).collect();
    assert_eq!(pids, [1, 40, 41, 61, 50], "what is asked for twice is shown once");
    let shared = &inspection.shared.namespaces;
    assert_eq!(shared[&NamespaceKind::Net], [vec![1, 40, 61], vec![41]]);
    assert_eq!(shared[&NamespaceKind::User], [vec![1, 40, 41, 50], vec![61]]);
    assert_eq!(inspection.shared.cgroups, [vec![1, 40, 61, 50], vec![41]]);
    let text = render_inspection(&inspection, None);
    let row = |start: &str| {
        let line =
            text.lines().find(|line| line.starts_with(start) && !line.contains('(')).unwrap();
        line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("1 systemd"), "a a a a a a a a a");
    assert_eq!(row("41 sleep"), "b b b b b a b a b");
    assert_eq!(row("61 sleep"), "c c a a a b a a a");
    assert_eq!(row("50 gone"), "? a ? ? ? a ? ? a");
}

#[test]
fn json_has_a_number_for_each_namespace() {
    let machine = FixtureMachine::with_processes("v2");
    let value = serde_json::to_value(look(&machine, &[41])).unwrap();
    assert_eq!(
        (&value["schema"], &value["schema_version"]),
        (&json!("contain-test/inspection"), &json!(1))
    );
    let process = &value["processes"][0];
    assert_eq!(process["namespaces"]["mnt"], json!(4_026_532_201_u64));
    assert_eq!(process["namespaces"].as_object().unwrap().len(), 8);
    assert_eq!(process["rlimits"]["cpu"], json!({"soft": "unlimited", "hard": "unlimited"}));
    assert_eq!(process["rlimits"]["nofile"], json!({"soft": 1024, "hard": 1024}));
    assert_eq!(process["seccomp"], json!("filter"));
    assert_eq!(
        process["cgroups"][0],
        json!({"version": "v2", "controllers": [], "name": null, "path": "/box/app"})
    );
}

#[test]
fn errors_name_process_file_and_remedy() {
    let machine = FixtureMachine::with_processes("v2");
    let error = inspect(&machine.roots, &[1, 4_000_000]).unwrap_err();
    assert!(matches!(error, InspectError::NoProcess { pid: 4_000_000, .. }), "{error}");
    assert!(
        error.to_string().contains("/4000000/stat") && error.help().contains("sudo"),
        "{error}"
    );
    machine.write("proc/8/stat", "nonsense\n");
    let error = inspect(&machine.roots, &[8]).unwrap_err();
    assert!(matches!(error, InspectError::Unreadable { pid: 8, .. }), "{error}");
    assert!(error.to_string().contains("/8/stat"), "{error}");
    machine.remove("proc/8/stat");
    machine.write("proc/8/stat", "8 (a) S 1 8 8 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0\n");
    let error = inspect(&machine.roots, &[8]).unwrap_err();
    assert!(error.to_string().contains("/8/status"), "{error}");
}

#[test]
fn the_scenario_repeats_the_limits_of_a_container_on_v2() {
    let (scenario, text) = scenario(&one("v2", 41));
    let expected = Limits {
        pids: Some(64),
        memory_bytes: Some(64 << 20),
        cpu_millis: Some(500),
        weight: Some(50),
        cpuset: Some("0-1".to_owned()),
        nofile: Some(1024),
        unified: [("memory.high", "50331648"), ("memory.oom.group", "1")]
            .map(|(file, value)| (file.to_owned(), value.to_owned()))
            .into(),
        ..Limits::default()
    };
    for config in &scenario.configs {
        let attacker = config.sandbox(Role::Attacker).unwrap();
        assert_eq!(attacker.limits, expected, "{text}");
        for kind in NamespaceKind::ALL {
            let host = matches!(kind, NamespaceKind::User | NamespaceKind::Time);
            let sharing = if host { Sharing::Host } else { Sharing::New };
            assert_eq!(attacker.namespaces.sharing(kind), sharing, "{kind:?}");
        }
    }
    let names: Vec<&str> = scenario.configs.iter().map(|it| it.name.as_str()).collect();
    assert!(names.contains(&"forkbomb") && names.contains(&"cpu-burn"), "{names:?}");
    for told in [
        "io.max of /box/app is 8:0 rbps=1048576",
        "seccomp: default  # it has a filter",
        "memory.high: 48Mi",
        "/proc/kcore",
        "seems to run under runc",
        "mknod",
    ] {
        assert!(text.contains(told), "{told}:\n{text}");
    }
}

#[test]
fn the_scenario_repeats_the_limits_of_a_container_on_v1() {
    let (scenario, text) = scenario(&one("v1", 30));
    let expected = Limits {
        pids: Some(100),
        memory_bytes: Some(128 << 20),
        swap_bytes: Some(128 << 20),
        cpu_millis: Some(1500),
        weight: Some(50),
        ..Limits::default()
    };
    assert_eq!(*limits_of(&scenario), expected, "{text}");
    let burner = scenario.configs.iter().find(|it| it.name == "cpu-burn").unwrap();
    let workload = burner.sandbox(Role::Attacker).unwrap().workload.as_ref().unwrap();
    assert_eq!(workload.threads, 3, "one thread cannot reach a quota of one and a half CPUs");
    // The caller may not give so many.
    assert!(
        text.contains("rlimit nofile is 1048576:1048576 (the caller has 1024:524288), more"),
        "{text}"
    );
}

#[test]
fn a_process_without_limits_makes_open_cases() {
    let (scenario, _) = scenario(&one("v2", 1));
    assert!(limits_of(&scenario).is_empty());
    assert!(scenario.configs.iter().all(|config| config.control.is_some()));
}

/// Files and values that a container may have, and others.
fn limit() -> impl Strategy<Value = (&'static str, String)> {
    let number = prop_oneof![0_u64..5000, (0_u64..1 << 44), any::<u64>()];
    let file = prop::sample::select(vec![
        "pids.max",
        "memory.max",
        "memory.swap.max",
        "memory.high",
        "memory.low",
        "memory.oom.group",
        "cpu.weight",
        "cpu.idle",
        "cpu.max.burst",
        "cpu.max",
        "cpuset.cpus.effective",
        "io.max",
    ]);
    (file, number.clone(), number, "\\PC{0,12}|max").prop_map(|(file, a, b, word)| {
        let value = match file {
            "cpu.max" => format!("{a} {b}"),
            "cpuset.cpus.effective" => format!("{}-{}", a % 3000, a % 3000 + b % 9),
            "io.max" => word,
            _ => a.to_string(),
        };
        (file, value)
    })
}

static CONTAINER: LazyLock<Inspected> = LazyLock::new(|| one("v2", 41));

proptest! {
    #[test]
    fn whatever_a_group_says_the_scenario_is_valid(
        limits in prop::collection::vec((limit(), any::<bool>()), 0..10),
        name in "\\PC{0,15}|[a-z]{1,15}",
        swap in any::<u64>(),
        (nofile, nproc) in (prop_oneof![0_u64..3000, any::<u64>()], prop_oneof![0_u64..6000, any::<u64>()]),
        seccomp in prop::sample::select(vec![None, Some(Seccomp::Off), Some(Seccomp::Strict), Some(Seccomp::Filter)]),
    ) {
        let mut process = CONTAINER.clone();
        process.name = name;
        process.seccomp = seccomp;
        let both = |number| Rlimit { soft: Amount::Number(number), hard: Amount::Number(number) };
        process.rlimits = Some([("nofile".to_owned(), both(nofile)), ("nproc".to_owned(), both(nproc))].into());
        process.limits = Some(limits.into_iter().map(|((file, value), own)| contain_test::record::GroupLimit {
            file: file.to_owned(),
            value,
            group: "/a b\n#".to_owned(),
            own,
            version: InterfaceVersion::V2,
        }).collect());
        let mut caller = Caller { swap_bytes: swap, ..caller() };
        caller.rlimits.insert("nproc".to_owned(), both(100_000));
        let text = render_as_scenario(&process, &caller);
        let parsed = parse("p.yaml", &text);
        prop_assert!(parsed.is_ok(), "{}\n{}", parsed.unwrap_err(), text);
    }
}
