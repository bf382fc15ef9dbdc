//! What control groups do to the priority of traffic, asked of a guest's kernel: the controller `net_prio` exists on version 1 alone, and not in
//! every kernel.

use std::time::Duration;

use contain_test::scenario::{CgroupMode, Resource};
use contain_test::vm::{Executed, Limits, Program, execute};

use crate::guest::{options, spec};
use crate::programs::tools;

/// Two classes of traffic on the loopback link, made by the tools of iproute2 and not by those that the shell has inside. A packet whose priority is the number of a class goes there, and the group's map gives it
/// that number: 1:10 is 65552. What is sent from outside of the group goes to the other one.
const SCRIPT: &str = "set -e
mkdir /prio
mount -t cgroup -o net_prio none /prio || exit 77
mkdir /prio/group
/bin/ip link set lo up
/bin/tc qdisc add dev lo root handle 1: htb default 20
/bin/tc class add dev lo parent 1: classid 1:10 htb rate 100mbit
/bin/tc class add dev lo parent 1: classid 1:20 htb rate 100mbit
echo 'lo 65552' >/prio/group/net_prio.ifpriomap
grep -x 'lo 65552' /prio/group/net_prio.ifpriomap
sent() { /bin/tc -s class show dev lo classid 1:10 | sed -n 's/^ *Sent [0-9]* bytes \\([0-9]*\\) pkt.*/\\1/p'; }
ping -c 4 127.0.0.1 >/dev/null
echo \"outside $(sent)\"
sh -c 'echo $$ >/prio/group/cgroup.procs; exec ping -c 4 127.0.0.1' >/dev/null
echo \"inside $(sent)\"
";

pub fn of_traffic() -> Option<String> {
    let Some(extras) = tools() else {
        return Some("set CONTAIN_TEST_BUSYBOX (a static busybox)".to_owned());
    };
    let program = Program {
        command: ["/bin/sh", "-c", SCRIPT].map(str::to_owned).to_vec(),
        environment: vec![("PATH".to_owned(), "/bin".to_owned())],
        extras,
        resources: vec![Resource::Network],
        limit: Duration::from_secs(60),
    };
    let mut said = String::new();
    let spec = spec(|spec| spec.cgroup = CgroupMode::V1);
    let executed = execute(&spec, &program, &options(Limits::default()), &mut |text| {
        said.push_str(text);
    });
    match executed.expect("a guest") {
        Executed::Ended { code: 77, .. } => return Some("its kernel has no net_prio".to_owned()),
        Executed::Ended { code: 0, .. } => {}
        other => panic!("{other:?}: {said}"),
    }
    assert!(said.contains("outside 0\n"), "{said}");
    let sent = said.lines().find_map(|line| line.strip_prefix("inside ")?.parse::<u64>().ok());
    assert!(sent.is_some_and(|packets| packets >= 4), "{said}");
    None
}
