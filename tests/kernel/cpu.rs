//! CPU time: who gets how much, which controls protect, and which only cap.

use std::fs;
use std::path::Path;

use nix::unistd::Pid;
use serde_json::Value;

use crate::serial::{Ended, Program, is_init, record_of, run_group, shipped as shipped_scenario};

/// What the victim lost and what the attacker received must agree within this share of one CPU.
const AGREE: f64 = 0.05;

/// One config beside an open case, together on one CPU. For what a ceiling shows: pairs are few, and speed stays undecided.
fn one(attacker: &str, limits: &str, expect: &str) -> String {
    format!(
        "version: 1\nname: one\ntrials: {{pairs: 2, block: 100ms, budget: 1s}}\nattacker: {attacker}\nconfigs:\n  - name: limited\n    limits: {limits}\n    \
         expect: {expect}\n"
    )
}

/// The share of the quiet rate that the victim lost, at least and at most: on a quiet machine the two are next to each other.
fn lost(case: &Value) -> (f64, f64) {
    let cells = case["cells"].as_array().expect("cells");
    let cpu = cells.iter().find(|cell| cell["probe"] == "cpu/work").expect("a cpu cell");
    let end = |name: &str| {
        1.0 - cpu["isol"][name].as_f64().unwrap_or_else(|| panic!("no capacity: {cpu}"))
    };
    (end("high"), end("low"))
}

/// The share of one CPU that the attacker received, by the kernel's account, while that rate was measured.
fn received(case: &Value) -> f64 {
    let (mut cpu, mut time) = (0.0, 0.0);
    for block in case["blocks"].as_array().expect("blocks") {
        let is_rate = block["mode"] == "capacity" && block["probes"][0]["probe"] == "cpu/work";
        if is_rate && block["state"] == "on" {
            let number = |key: &str| block[key].as_f64().expect(key);
            cpu += number("attacker_cpu_seconds");
            time += (number("end_ms") - number("start_ms")) / 1e3;
        }
    }
    cpu / time
}

fn assert_loss_is_what_was_received(ended: &Ended, config: &str) {
    let case = ended.case(config);
    let ((least, most), received) = (lost(case), received(case));
    let agree = (least - AGREE..=most + AGREE).contains(&received);
    assert!(agree, "{config}: lost {least:.3} to {most:.3}, received {received:.3}");
}

/// As the kernel's selftests compare CPU usage with a quota: the difference is at most 10 % of the sum
/// (`values_close` in tools/testing/selftests/cgroup/test_cpu.c).
fn is_close(one: f64, other: f64) -> bool {
    (one - other).abs() <= (one + other) * 0.10
}

/// Microseconds in each period, on average over the whole attack, from the ceiling's note.
fn average(ceiling: &Value) -> f64 {
    let note = ceiling["note"].as_str().expect("a note");
    let end = note.find(" on average over all stretches").expect("an average");
    let number = note[..end].rsplit(' ').next().expect("a number");
    number.parse().unwrap_or_else(|_| panic!("{note}"))
}

/// A speed that stays undecided on a noisy machine is not asked to be right; a wrong verdict is never excused.
fn assert_is(ended: &Ended, config: &str, verdict: &str) {
    let seen = ended.verdict(config);
    assert!(
        seen == verdict || seen == "inconclusive",
        "{config}: {verdict} expected: {}",
        ended.case(config)["reason"]
    );
}

pub fn shipped() {
    let ended = shipped_scenario("cpu");
    for config in ["open", "open-8-threads", "open-bursts", "quota-500m", "bursts-in-quota"] {
        assert_is(&ended, config, "degraded");
        assert_loss_is_what_was_received(&ended, config);
    }
    for config in ["quota-50m", "weight-1", "idle", "victim-weight"] {
        assert_is(&ended, config, "contained");
        assert_loss_is_what_was_received(&ended, config);
    }
    assert_is(&ended, "cpuset-0", "contained");
    assert!(matches!(ended.code, 0 | 4), "{}", ended.errors);
    assert_eq!(ended.case("victim-weight")["control"], Value::Null);

    let quota = &ended.case("quota-500m")["ceiling"];
    assert_eq!((&quota["kept"], &quota["level"]), (&true.into(), &"sandbox".into()), "{quota}");
    assert!(quota["count"].as_u64() > Some(0), "throttling is counted: {quota}");
    assert!(is_close(average(quota), 50_000.0), "{quota}");
    let bursts = &ended.case("bursts-in-quota")["ceiling"];
    assert_eq!(bursts["kept"], true, "{bursts}");
    let cpuset = &ended.case("cpuset-0")["ceiling"];
    assert_eq!((&cpuset["limit"], &cpuset["kept"]), (&1.into(), &true.into()), "{cpuset}");
    if let Some(used) = cpuset["peak"].as_u64() {
        assert_eq!(used, 1, "{cpuset}");
    }
    let weight = &ended.case("weight-1")["ceiling"];
    assert_eq!((&weight["peak"], &weight["kept"]), (&Value::Null, &true.into()), "{weight}");
}

/// Loads that no shipped scenario has: half the effort, and bursts on several threads.
pub fn loss_is_what_was_received() {
    let text = "version: 1\nname: bursts\ntrials: 6\nattacker: {workload: cpu-burn}\nconfigs:\n  - name: half\n    \
                attacker: {intensity: 50}\n  - name: many\n    attacker: {threads: 4, burst: {busy: 5ms, period: 50ms}}\n";
    let ended = record_of(text);
    for config in ["half", "many"] {
        assert_loss_is_what_was_received(&ended, config);
    }
}

/// Tasks of a real-time class are not counted against a quota, which the fair scheduler alone enforces: the file reads what
/// was written, and the attacker runs free.
pub fn quota_defeated_by_real_time() {
    // Several stretches of attack, for only what is caught at work becomes real-time.
    let text = one("{workload: cpu-burn}", "{cpu: 200m}", "contained")
        .replace("pairs: 2, block: 100ms", "pairs: 6");
    let program = Program::start(&text, &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    let group = run_group(&started, "attacker", "cpu");
    for _ in 0..6 {
        program.wait_for_attack("limited");
        // A kernel with CONFIG_RT_GROUP_SCHED lets no task of a group be real-time that has no share of that time.
        for folder in group.ancestors().take(2).collect::<Vec<_>>().into_iter().rev() {
            let file = folder.join("cpu.rt_runtime_us");
            if file.exists() {
                std::fs::write(&file, "800000").expect("a share of real time");
            }
        }
        for worker in workers(&group) {
            // A worker that is gone by now is followed by another one.
            let _ = std::process::Command::new("chrt")
                .args(["--rr", "--pid", "1", &worker.to_string()])
                .status();
        }
    }
    let ended = program.finish();
    let ceiling = &ended.case("limited")["ceiling"];
    assert_eq!(ceiling["kept"], false, "{ceiling}");
    assert_eq!(ended.verdict("limited"), "breached", "{}", ended.case("limited")["reason"]);
    assert_eq!(ended.code, 1);
}

/// The quota still reads what was written; its period does not, and half a CPU is a whole one.
pub fn quota_defeated_by_its_period() {
    let program = Program::start(&one("{workload: cpu-burn}", "{cpu: 500m}", "contained"), &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    let group = run_group(&started, "attacker", "cpu");
    if group.join("cpu.cfs_period_us").exists() {
        fs::write(group.join("cpu.cfs_period_us"), "50000").unwrap();
    } else {
        fs::write(group.join("cpu.max"), "50000 50000").unwrap();
    }
    let ended = program.finish();
    let ceiling = &ended.case("limited")["ceiling"];
    assert_eq!(ceiling["kept"], false, "{ceiling}");
    assert!(ceiling["note"].as_str().expect("a note").contains("though"), "{ceiling}");
    assert_eq!(ended.verdict("limited"), "breached");
    assert_eq!(ended.code, 1);
}

/// A parent's quota can only be the tighter one: version 1 refuses to write one below a child's, and version 2 lets the parent
/// stop the attacker, which is then no proof of the child's own.
pub fn a_parents_quota_is_told_apart() {
    let program = Program::start(&one("{workload: cpu-burn}", "{cpu: 500m}", "contained"), &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    let attacker = run_group(&started, "attacker", "cpu");
    let node = attacker.parent().expect("the node");
    if node.join("cpu.cfs_quota_us").exists() {
        let refused = fs::write(node.join("cpu.cfs_quota_us"), "20000").unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(nix::libc::EINVAL), "{refused}");
        program.signal(nix::sys::signal::Signal::SIGTERM);
        assert_eq!(program.finish().code, 143);
        return;
    }
    fs::write(node.join("cpu.max"), "20000 100000").unwrap();
    let ended = program.finish();
    assert_eq!(ended.case("limited")["ceiling"]["level"], "node");
}

/// A weight is no amount, so no peak could show that somebody took it back.
pub fn weight_taken_back() {
    let program = Program::start(&one("{workload: cpu-burn}", "{weight: 1}", "contained"), &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    let group = run_group(&started, "attacker", "cpu");
    let (file, value) = match group.join("cpu.shares").exists() {
        true => ("cpu.shares", "1024"),
        false => ("cpu.weight", "100"),
    };
    fs::write(group.join(file), value).unwrap();
    let ended = program.finish();
    assert_eq!(ended.verdict("limited"), "breached", "{}", ended.case("limited")["reason"]);
    assert_eq!(ended.code, 1);
}

/// A burner that may not have as many tasks as it wants burns with those it has, and starts again what is killed.
pub fn refused_and_killed_burners() {
    let text =
        one("{workload: cpu-burn, threads: 6}", "{pids: 4, cpu: 100m}", "[contained, degraded]");
    let program = Program::start(&text, &[]);
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("limited");
    let group = run_group(&started, "attacker", "pids");
    for worker in workers(&group) {
        // It may have ended on order in between.
        let _ = nix::sys::signal::kill(Pid::from_raw(worker), nix::sys::signal::Signal::SIGKILL);
    }
    let ended = program.finish();
    let attack = &ended.case("limited")["attack"];
    assert_eq!(attack["peak"], 3, "four tasks, one of which is the sandbox's init: {attack}");
    assert!(attack["refusals"]["EAGAIN"].as_u64() > Some(0), "{attack}");
    assert!(attack["respawns"].as_u64() > Some(0), "{attack}");
    let pids = ended.case("limited")["ceilings"]
        .as_array()
        .and_then(|all| all.iter().find(|it| it["resource"] == "pids"))
        .expect("a ceiling of pids");
    assert_eq!((&pids["peak"], &pids["kept"]), (&4.into(), &true.into()), "{pids}");
}

/// All processes of a group but the sandbox's init.
fn workers(group: &Path) -> Vec<i32> {
    let procs = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    procs.lines().filter_map(|line| line.parse().ok()).filter(|&pid| !is_init(pid)).collect()
}
