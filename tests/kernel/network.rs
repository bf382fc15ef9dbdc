//! The node's uplink: who takes it, and what holds them.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::serial::{Program, attacker_of, guardian_of, leftovers, record_of};

const FLOOD: &str = "version: 1\nname: uplink\nnode: {uplink: 10M}\ntrials: {pairs: 2, budget: 1s}\nattacker: {workload: \
                     net-flood}\nconfigs:\n";

/// Looks like `ip` in the sandbox of a process; the tool itself calls no such program.
fn in_sandbox(pid: i32, words: &[&str]) -> std::process::Output {
    let mut command = Command::new("nsenter");
    command.args([format!("--target={pid}"), "--net".to_owned(), "--user".to_owned()]);
    command.args(words).output().expect("nsenter of util-linux")
}

/// Under an open flood datagrams of the neighbour are lost; under one that is held, none; and the link's own counters say that it was.
pub fn limited() {
    let ended =
        record_of(&format!("{FLOOD}  - name: open\n  - name: held\n    limits: {{net: 1M}}\n"));
    let lost = |config: &str| -> u64 {
        let cells = ended.case(config)["cells"].as_array().expect("cells").clone();
        let udp = cells.iter().find(|cell| cell["probe"] == "network/udp").expect("the probe");
        udp["failures"]["ETIME"].as_u64().unwrap_or(0)
    };
    assert!(lost("open") > 10, "{}", lost("open"));
    assert!(lost("held") * 10 < lost("open"), "{} of {}", lost("held"), lost("open"));
    let case = ended.case("held");
    let ceiling = &case["ceiling"];
    assert_eq!((&ceiling["knob"], &ceiling["kept"]), (&"tbf egress".into(), &true.into()));
    let peak = ceiling["peak"].as_u64().expect("a peak");
    assert!((900_000..=1_100_000).contains(&peak), "{ceiling}");
    assert!(ceiling["count"].as_u64() > Some(0), "{ceiling}");
    assert_eq!(ceiling["level"], "sandbox", "{ceiling}");
    assert_eq!(case["outcome"], "throttled", "{}", case["outcome"]);
    assert_eq!(case["residue"].as_array().map(Vec::len), Some(0), "{}", case["residue"]);
}

/// Root of the sandbox's own namespaces finds no limit to remove, and the harness dies without leaving anything.
pub fn out_of_reach_and_gone() {
    let program = Program::start_with(
        &["--quick"],
        &format!("{FLOOD}  - name: held\n    limits: {{net: 1M}}\n"),
        &[],
    );
    let started = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_attack("held");
    let attacker = attacker_of(&started);
    let links = in_sandbox(attacker, &["ip", "-brief", "link"]);
    let text = String::from_utf8_lossy(&links.stdout);
    assert!(text.contains("eth0") && !text.contains("ct-"), "{text}");
    let removed = in_sandbox(attacker, &["tc", "qdisc", "del", "dev", "eth0", "root"]);
    assert!(!removed.status.success(), "there is a queue inside, and it could be removed");
    let guardian = format!("/proc/{}", guardian_of(program.pid()));
    program.signal(Signal::SIGKILL);
    let _ = program.finish();
    let begun = Instant::now();
    while Path::new(&guardian).exists() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(leftovers(), "");
}
