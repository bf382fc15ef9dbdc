//! Pods on this kernel: what their sandboxes share, what outlives a container, who reaps, and what each restart policy does.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::sandboxes::stop;
use crate::serial::{
    Program, guardian_of, host_namespace, namespace_of, quick_record_of, record_of, run_group,
    shipped as shipped_scenario,
};

const LIMIT: Duration = Duration::from_secs(20);

/// A run of a sham, which waits in its blocks, and its first event.
fn started(rest: &str) -> (Program, Value) {
    let text = format!(
        "version: 1\nname: pods\nnode: {{pids: 200, memory: 256Mi}}\nattacker: {{workload: sleep, pod: app}}\n\
         victim: {{pod: app}}\n{rest}configs: [{{name: open}}]\n"
    );
    let program = Program::start(&text, &[]);
    let run = program.wait_for(|event| event["event"] == "run-started");
    program.wait_for_phase("sham", "blocks");
    (program, run)
}

/// The processes of a sandbox of the pod `app`.
fn processes(run: &Value, sandbox: &str) -> Vec<i32> {
    let procs = run_group(run, &format!("pod-app/{sandbox}"), "pids").join("cgroup.procs");
    let text = fs::read_to_string(&procs).unwrap_or_default();
    text.lines().filter_map(|pid| pid.parse().ok()).collect()
}

fn first(run: &Value, sandbox: &str) -> i32 {
    let all = processes(run, sandbox);
    *all.first().unwrap_or_else(|| panic!("{sandbox} has no process"))
}

/// Waits until something is true.
fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn uid(pid: i32) -> u32 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(format!("/proc/{pid}")).expect("a process").uid()
}

pub fn share_what_they_should() {
    for shared in [false, true] {
        let options =
            format!("pods: [{{name: app, shared_pid: {shared}, shared_uts: {shared}}}]\n");
        let (program, run) = started(&options);
        let pause = first(&run, "app-pause");
        let (attacker, victim) = (first(&run, "attacker"), first(&run, "victim"));
        for (kind, is_shared) in [
            ("net", true),
            ("ipc", true),
            ("user", true),
            ("pid", shared),
            ("uts", shared),
            ("mnt", false),
            ("cgroup", false),
            ("time", false),
        ] {
            let all = [pause, attacker, victim].map(|pid| namespace_of(pid, kind));
            assert_eq!(all[1] == all[2], is_shared, "{kind} of attacker and victim: {all:?}");
            assert_eq!(all[0] == all[1], is_shared, "{kind} of pause and attacker: {all:?}");
            assert_ne!(all[1], host_namespace(kind), "{kind} is not the host's");
        }
        let users = [pause, attacker, victim].map(uid);
        assert!(users[0] != users[1] && users[1] != users[2] && users[0] != users[2], "{users:?}");
        // It ends as it is asked to, and what it held is held by the others.
        let before = namespace_of(victim, "net");
        let signal = if shared { Signal::SIGINT } else { Signal::SIGTERM };
        if !shared {
            kill(Pid::from_raw(pause), signal).expect("the pause process lives");
            until("the pause process ends", || processes(&run, "app-pause").is_empty());
            assert_eq!(namespace_of(victim, "net"), before);
        }
        stop(program);
    }
}

fn address(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/net/fib_trie")).expect("addresses")
}

fn entered(pid: i32, kinds: &str, command: &[&str]) -> String {
    let output = Command::new("nsenter")
        .args(["-t", &pid.to_string()])
        .args(kinds.split(' '))
        .args(command)
        .output()
        .expect("nsenter");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn outlive_a_container() {
    let (program, run) = started(
        "pods: [{name: app, restart_backoff: 50ms}]\n\
         sidecars: [{name: logger, pod: app, command: [sleep, \"1000\"]}]\n",
    );
    let before = first(&run, "logger");
    let (net, ipc) = (namespace_of(before, "net"), namespace_of(before, "ipc"));
    let addresses = address(before);
    assert_eq!(net, namespace_of(first(&run, "victim"), "net"));
    entered(before, "--ipc", &["ipcmk", "-M", "4096"]);
    let segments = entered(before, "--ipc", &["ipcs", "-m"]);
    assert!(segments.contains("4096"), "{segments}");
    // The victim's /dev/shm is the same, and the next start's will be.
    entered(before, "--user --mount", &["sh", "-c", "printf kept >/dev/shm/left-behind"]);
    kill(Pid::from_raw(before), Signal::SIGKILL).expect("it lives");
    let next = || processes(&run, "logger").into_iter().find(|&pid| pid != before);
    until("it is started again", || {
        next().is_some_and(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "sleep")
        })
    });
    let after = next().expect("it was there");
    assert_eq!((namespace_of(after, "net"), namespace_of(after, "ipc")), (net, ipc));
    assert_eq!(address(after), addresses);
    assert_eq!(entered(after, "--ipc", &["ipcs", "-m"]), segments, "the segment is still there");
    for (who, pid) in [("the restarted", after), ("the victim", first(&run, "victim"))] {
        let path = format!("/proc/{pid}/root/dev/shm/left-behind");
        assert_eq!(fs::read_to_string(path).expect("the file is still there"), "kept", "{who}");
    }
    stop(program);
}

/// Zombies whose parent is this process.
fn zombies(parent: i32) -> usize {
    let is_one = |status: &str| {
        status.contains("\nState:\tZ") && status.contains(&format!("\nPPid:\t{parent}\n"))
    };
    let all = fs::read_dir("/proc").expect("/proc").flatten();
    all.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|it| it.is_ascii_digit()))
        .filter(|entry| fs::read_to_string(entry.path().join("status")).is_ok_and(|it| is_one(&it)))
        .count()
}

pub fn reap_in_a_shared_pid_namespace() {
    // Its three orphans end after a while. `sleep` takes the shell's place and reaps nobody.
    let orphans = "(sleep 0.3 & sleep 0.3 & sleep 0.3 &); exec sleep 1000";
    for shared in [false, true] {
        let rest = format!(
            "pods: [{{name: app, shared_pid: {shared}}}]\n\
             sidecars: [{{name: parent, pod: app, command: [sh, -c, \"{orphans}\"]}}]\n"
        );
        let (program, run) = started(&rest);
        let is_sleep = |pid: &i32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "sleep")
        };
        until("the orphans have ended", || {
            let all = processes(&run, "parent");
            all.len() == 1 && all.iter().all(is_sleep)
        });
        let parent = first(&run, "parent");
        let pause = first(&run, "app-pause");
        if shared {
            until("the pause process has reaped them", || zombies(pause) == 0);
            assert_eq!(zombies(parent), 0);
        } else {
            assert_eq!((zombies(parent), zombies(pause)), (3, 0), "nobody reaps them");
        }
        stop(program);
    }
}

pub fn restart_by_policy() {
    let text = "version: 1\nname: policies\nnode: {pids: 200, memory: 256Mi}\n\
                trials: {pairs: 4, block: 200ms, budget: 1s}\nattacker: {workload: sleep}\n\
                pods:\n  - {name: a, restart_backoff: 100ms}\n  \
                - {name: f, restart_policy: on-failure, restart_backoff: 100ms}\n  \
                - {name: n, restart_policy: never}\n\
                sidecars:\n  - {name: always, pod: a, command: [sleep, \"0.1\"]}\n  \
                - {name: failing, pod: f, command: [\"false\"]}\n  \
                - {name: finished, pod: f, command: [\"true\"]}\n  \
                - {name: never, pod: n, command: [\"false\"]}\n  \
                - {name: absent, pod: n, command: [no-such-program]}\n\
                configs:\n  - {name: open}\n";
    let ended = record_of(text);
    let case = ended.case("open");
    let of = |name: &str| {
        let all = case["sidecars"].as_array().unwrap_or_else(|| panic!("{}", ended.errors));
        all.iter()
            .find(|it| it["name"] == name)
            .unwrap_or_else(|| panic!("no {name}: {all:#?}"))
            .clone()
    };
    let (always, failing) = (of("always"), of("failing"));
    for (sidecar, how) in [(&always, "exit 0"), (&failing, "exit 1")] {
        let restarts = sidecar["restarts"].as_u64().expect("a number");
        assert!(restarts >= 3, "{sidecar:#}");
        let ends = sidecar["ended"][how].as_u64().expect("a number");
        assert!(ends == restarts || ends == restarts + 1, "{sidecar:#}");
        let waits: Vec<u64> = sidecar["waits_ms"]
            .as_array()
            .expect("waits")
            .iter()
            .filter_map(Value::as_u64)
            .collect();
        // The kubelet's: at once, then the base, doubled up to thirty times.
        let expected = [0, 100, 200, 400, 800, 1600, 3000, 3000, 3000];
        assert_eq!(waits[..], expected[..waits.len()], "{sidecar:#}");
    }
    for (name, how) in [("finished", "exit 0"), ("never", "exit 1"), ("absent", "exit 127")] {
        let sidecar = of(name);
        assert_eq!((&sidecar["restarts"], &sidecar["state"]), (&0.into(), &"ended".into()));
        assert_eq!(sidecar["ended"][how], 1, "{sidecar:#}");
    }
    assert_eq!(case["facts"]["pod.kept"], true);
}

/// Harness and guardian killed: nothing of a pod runs on, and `clean` finds its groups below the node's.
pub fn killed() {
    let (program, run) =
        started("sidecars: [{name: logger, pod: app, command: [sleep, \"1000\"]}]\n");
    let sandboxes = ["app-pause", "logger", "attacker", "victim"];
    assert!(sandboxes.iter().all(|it| !processes(&run, it).is_empty()));
    for pid in [guardian_of(program.pid()), program.pid()] {
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it lives");
    }
    assert_eq!(program.finish().code, -1);
    until("every process ends", || sandboxes.iter().all(|it| processes(&run, it).is_empty()));
    let answer =
        Command::new(env!("CARGO_BIN_EXE_contain-test")).arg("clean").output().expect("clean");
    assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
}

pub fn limit_of_the_sum() {
    let text = "version: 1\nname: sums\nnode: {pids: 200, memory: 256Mi}\n\
                trials: {pairs: 4, block: 100ms, budget: 1s}\nattacker: {workload: forkbomb, pod: app}\n\
                victim: {pod: app}\nconfigs:\n  - name: own\n    pods: [{name: app, limits: {pids: 60}}]\n  \
                - name: other\n    attacker: {pod: noisy}\n    pods: [{name: noisy, limits: {pids: 60}}]\n";
    let ended = quick_record_of(text);
    for config in ["own", "other"] {
        let case = ended.case(config);
        let ceiling = &case["ceiling"];
        assert_eq!((&ceiling["level"], &ceiling["knob"]), (&"pod".into(), &"pids.max".into()));
        assert_eq!((&ceiling["peak"], &ceiling["kept"]), (&60.into(), &true.into()), "{ceiling:#}");
        assert!(ceiling["count"].as_u64() > Some(0), "{ceiling:#}");
        let fork =
            case["cells"].as_array().expect("cells").iter().find(|it| it["probe"] == "pids/fork");
        let failures = &fork.expect("a probe")["failures"]["EAGAIN"];
        assert_eq!(failures.as_u64().unwrap_or(0) > 0, config == "own", "{config}: {failures}");
    }
    assert_eq!(ended.verdict("own"), "denied");
}

pub fn shipped() {
    let ended = shipped_scenario("pod-visibility");
    assert_eq!(ended.code, 0, "{}", ended.errors);
    assert_eq!(ended.case("other-pod")["verdict"], "hidden");
}
