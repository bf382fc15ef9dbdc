//! Sentences of textbooks about namespaces and control groups, each asked of the kernel in two sandboxes of a run.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::sandboxes::stop;
use crate::serial::{Program, host_namespace, namespace_of, run_group};

const LIMIT: Duration = Duration::from_secs(20);

/// A run of a sham, which waits in its blocks, with `rest` in its file, and its first event.
fn started(rest: &str) -> (Program, Value) {
    let text = format!(
        "version: 1\nname: textbook\nnode: {{pids: 200, memory: 256Mi}}\nattacker: {{workload: sleep}}\n{rest}configs: [{{name: open}}]\n"
    );
    let program = Program::start(&text, &[]);
    let run = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_phase("sham", "blocks");
    (program, run)
}

/// The processes of a sandbox, the first one first.
fn processes(run: &Value, sandbox: &str) -> Vec<i32> {
    let procs = run_group(run, sandbox, "pids").join("cgroup.procs");
    let text = fs::read_to_string(&procs).unwrap_or_default();
    text.lines().filter_map(|pid| pid.parse().ok()).collect()
}

fn first(run: &Value, sandbox: &str) -> i32 {
    let all = processes(run, sandbox);
    let is_first = |pid: &&i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1"))
    };
    *all.iter().find(is_first).unwrap_or_else(|| panic!("{sandbox} has no first process: {all:?}"))
}

/// A command inside some namespaces of a process, and what it said.
fn entered(pid: i32, kinds: &str, command: &[&str]) -> (bool, String) {
    let answer = Command::new("nsenter")
        .args(["-t", &pid.to_string()])
        .args(kinds.split(' '))
        .args(command)
        .output()
        .expect("nsenter runs");
    let said = [answer.stdout, answer.stderr].concat();
    (answer.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Listens on a port of the loopback interface in the network namespace of a process.
fn listening(pid: i32, port: u16) -> io::Result<TcpListener> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    // A namespace is entered by one thread alone, which ends with it.
    let thread = std::thread::spawn(move || {
        setns(namespace, CloneFlags::CLONE_NEWNET)?;
        TcpListener::bind(("127.0.0.1", port))
    });
    thread.join().expect("a thread")
}

/// When the first process of a PID namespace ends, so does everything in it; and of the namespace nothing is left, while its group is
/// there until somebody removes it.
pub fn all_ends_with_the_first_process() {
    let (program, run) = started("");
    let (victim, init) = (processes(&run, "victim"), first(&run, "victim"));
    assert!(victim.len() > 3, "{victim:?}");
    let namespace = namespace_of(init, "pid");
    kill(Pid::from_raw(init), Signal::SIGKILL).expect("it lives");
    let begun = Instant::now();
    let lives = |pid: &i32| {
        let link = fs::read_link(format!("/proc/{pid}/ns/pid"));
        link.is_ok_and(|link| link.display().to_string() == namespace)
    };
    // Their group says nothing: it is empty a moment before the last of them is gone, and may be that of the next case already.
    while victim.iter().any(lives) {
        assert!(begun.elapsed() < LIMIT, "of {victim:?} some live on");
        std::thread::sleep(Duration::from_millis(10));
    }
    // A victim that is gone is an error of the run or an answer of it; what counts here is that it ends and leaves nothing.
    program.signal(Signal::SIGTERM);
    program.finish();
}

/// The same port can be had in each network namespace, and in a pod, whose sandboxes share one, once.
pub fn ports_are_a_network_namespaces() {
    const PORT: u16 = 4711;
    let (program, run) = started("");
    let (attacker, victim) = (first(&run, "attacker"), first(&run, "victim"));
    let held = [attacker, victim].map(|pid| listening(pid, PORT));
    assert!(held.iter().all(Result::is_ok), "{held:?}");
    stop(program);

    let pod =
        "victim: {pod: app}\nsidecars: [{name: logger, pod: app, command: [sleep, \"1000\"]}]\n";
    let (program, run) = started(pod);
    let (victim, logger) = (first(&run, "pod-app/victim"), first(&run, "pod-app/logger"));
    let kept = listening(victim, PORT).expect("a free port");
    let refused = listening(logger, PORT).expect_err("the port is the pod's");
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    drop(kept);
    assert!(listening(logger, PORT).is_ok());
    // A pod's localhost is not the host's.
    assert!(listening(first(&run, "attacker"), PORT).is_ok());
    stop(program);
}

/// Routes that are made inside are not seen outside, and not by the neighbour.
pub fn routes_stay_inside() {
    const ROUTE: &str = "198.51.100.0/24";
    let (program, run) = started("");
    let (attacker, victim) = (first(&run, "attacker"), first(&run, "victim"));
    let (made, said) = entered(attacker, "--net", &["ip", "route", "add", "blackhole", ROUTE]);
    assert!(made, "{said}");
    let shown = |pid: i32| entered(pid, "--net", &["ip", "route", "show", "table", "all"]).1;
    assert!(shown(attacker).contains(ROUTE), "{}", shown(attacker));
    let own = i32::try_from(std::process::id()).expect("a process ID");
    for (who, pid) in [("the neighbour", victim), ("the host", own)] {
        assert!(!shown(pid).contains(ROUTE), "{who}: {}", shown(pid));
    }
    stop(program);
}

/// What is mounted inside is not seen outside.
pub fn mounts_stay_inside() {
    const NAME: &str = "textbook-mount";
    let (program, run) = started("");
    let (attacker, victim) = (first(&run, "attacker"), first(&run, "victim"));
    // The sandbox has no program that mounts, so a thread of this one enters.
    let namespace = File::open(format!("/proc/{attacker}/ns/mnt")).expect("a namespace");
    let thread = std::thread::spawn(move || {
        nix::sched::unshare(CloneFlags::CLONE_FS)?;
        setns(namespace, CloneFlags::CLONE_NEWNS)?;
        let none: Option<&str> = None;
        nix::mount::mount(Some(NAME), "/tmp", Some("tmpfs"), nix::mount::MsFlags::empty(), none)
    });
    thread.join().expect("a thread").expect("it mounts");
    let shown = |pid: &str| fs::read_to_string(format!("/proc/{pid}/mountinfo")).expect("mounts");
    assert!(shown(&attacker.to_string()).contains(NAME));
    for pid in [victim.to_string(), "self".to_owned()] {
        assert!(!shown(&pid).contains(NAME), "{pid}");
    }
    stop(program);
}

/// Who uses up the message queues of an IPC namespace has used up its own.
pub fn queues_run_out_inside() {
    const MOST: &str = "/proc/sys/kernel/msgmni";
    let (program, run) = started("");
    let (attacker, victim) = (first(&run, "attacker"), first(&run, "victim"));
    let before = fs::read_to_string(MOST).expect("a number");
    // The file shows the value of the namespace that its reader is in.
    let fill = format!("echo 4 >{MOST}; for i in 1 2 3 4; do ipcmk -Q; done; ! ipcmk -Q");
    let (full, said) = entered(attacker, "--user --ipc", &["sh", "-c", &fill]);
    assert!(full && said.contains("No space left"), "{said}");
    let (made, said) = entered(victim, "--ipc", &["ipcmk", "-Q"]);
    assert!(made, "{said}");
    assert_eq!(fs::read_to_string(MOST).expect("a number"), before, "the host's is untouched");
    stop(program);
}

/// No two sandboxes are in one group, whatever else they share; and each process is in one group of each hierarchy.
pub fn no_group_is_shared() {
    let pod =
        "victim: {pod: app}\nsidecars: [{name: logger, pod: app, command: [sleep, \"1000\"]}]\n";
    let (program, run) = started(pod);
    let all = ["attacker", "pod-app/victim", "pod-app/logger", "pod-app/app-pause"];
    let groups: Vec<Vec<String>> = all
        .iter()
        .map(|sandbox| {
            let pid =
                *processes(&run, sandbox).first().unwrap_or_else(|| panic!("{sandbox} is empty"));
            let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("groups");
            let names = text.lines().map(|line| line.split(':').nth(1).unwrap_or("").to_owned());
            let hierarchies: Vec<String> = names.collect();
            let distinct: BTreeSet<&String> = hierarchies.iter().collect();
            assert_eq!(distinct.len(), hierarchies.len(), "one group of each hierarchy: {text}");
            let ours = text.lines().filter(|line| line.contains("/contain-test-"));
            ours.map(str::to_owned).collect()
        })
        .collect();
    for (index, own) in groups.iter().enumerate() {
        assert!(!own.is_empty(), "{}", all[index]);
        for (other, theirs) in groups.iter().enumerate().filter(|(other, _)| *other != index) {
            let shared: Vec<&String> = own.iter().filter(|group| theirs.contains(group)).collect();
            assert!(shared.is_empty(), "{} and {}: {shared:?}", all[index], all[other]);
        }
    }
    // They share the network all the same, and it is not the host's.
    let of = |sandbox: &str| namespace_of(processes(&run, sandbox)[0], "net");
    assert_eq!(of("pod-app/victim"), of("pod-app/logger"));
    assert_ne!(of("pod-app/victim"), host_namespace("net"));
    stop(program);
}
