//! The texts: nothing but data.

use super::{
    CONTAINED_BY, Detail, Entry, Kind, LEAK, bomb, descriptors, disk, limits, logs, network,
    random, sights,
};

pub(super) const fn entry(kind: Kind, name: &'static str, meaning: &'static str) -> Entry {
    Entry { name, kind, meaning, details: &[] }
}

pub(super) const fn detail(label: &'static str, text: &'static str) -> Detail {
    Detail { label, text }
}

macro_rules! limit {
    ($name:literal, $meaning:literal, $v1:literal, $v2:literal, $kubernetes:literal, $docker:literal) => {
        Entry {
            name: $name,
            kind: Kind::Limit,
            meaning: $meaning,
            details: &[
                detail("cgroup v1", $v1),
                detail("cgroup v2", $v2),
                detail("Kubernetes", $kubernetes),
                detail("Docker", $docker),
            ],
        }
    };
}

macro_rules! resource {
    ($name:literal, $meaning:literal, $leak:literal, $contained_by:literal) => {
        Entry {
            name: $name,
            kind: Kind::Resource,
            meaning: $meaning,
            details: &[detail(LEAK, $leak), detail(CONTAINED_BY, $contained_by)],
        }
    };
}

/// All of them.
pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "command",
        kind: Kind::Workload,
        meaning: "runs any program with the privileges of the sandbox, and sees the host's /usr, /etc and the like, read-only",
        details: &[
            detail("own resource", "none of itself: the scenario names it with `resource`"),
            detail(
                "operation",
                "one start of the program; what it does, the kernel counts in its cgroup",
            ),
            detail(
                "dose",
                "the node and the sandbox alone bound it: nobody can tell somebody else's program how much to take",
            ),
            detail(
                "ends",
                "on order, with all that it started, and by itself after 30 s; started again when it ends before",
            ),
        ],
    },
    Entry {
        name: "cpu-burn",
        kind: Kind::Workload,
        meaning: "computes on registers without a pause, or in bursts, on one thread or many",
        details: &[
            detail("own resource", "cpu"),
            detail("operation", "one stretch of about a millisecond; nothing refuses it"),
            detail(
                "dose",
                "`threads` tasks, 1 by default, 256 at most; intensity is the busy share of each period",
            ),
            detail("ends", "on order, and by itself after 30 s"),
        ],
    },
    descriptors::EXHAUST,
    bomb::FORKBOMB,
    logs::LOG_SPAM,
    sights::LOOK,
    sights::VIEW,
    sights::PROCESSES,
    sights::IPC,
    sights::HOSTNAME,
    sights::MOUNTS,
    sights::DEVICES,
    sights::KERNEL,
    sights::NAMESPACES,
    sights::CGROUPS,
    sights::HIDDEN,
    sights::VISIBLE,
    sights::REACHABLE,
    disk::DRAIN,
    disk::INODES,
    network::FLOOD,
    random::DRAIN,
    Entry {
        name: "memory-eater",
        kind: Kind::Workload,
        meaning: "touches memory page by page, holds what it got, and starts again what is killed",
        details: &[
            detail("own resource", "memory"),
            detail(
                "kinds",
                "`anonymous`, private memory, by default; `tmpfs`: files without a name in the sandbox's /tmp; `page-cache`: what the kernel keeps of files without \
                 blocks on the node's disk that are read again and again, which it takes back instead of killing",
            ),
            detail(
                "operation",
                "one page written to for the first time, of `page-cache` one page read; a refusal is an mmap, write, read or fork that failed, by its error; kills \
                 are counted apart",
            ),
            detail(
                "dose",
                "the node's `memory`, 64 GiB at most; `size` is less, intensity a percentage of it, shared by `workers`, 8 by default",
            ),
            detail(
                "who dies",
                "with `oom: natural` whom the kernel takes, who holds most as a rule; with `attacker-first` workers offer themselves",
            ),
            detail("ends", "on order, and by itself after 30 s; after so many `allocations`"),
        ],
    },
    Entry {
        name: "sleep",
        kind: Kind::Workload,
        meaning: "sleeps in naps of 50 ms: the sham attacker that shows the machine's own noise",
        details: &[
            detail("own resource", "none; judged on pids"),
            detail("operation", "none"),
            detail("dose", "one task, none at intensity 0"),
            detail("ends", "on order, and by itself after 30 s"),
        ],
    },
    Entry {
        name: "pids/fork",
        kind: Kind::Probe,
        meaning: "can a process still be started, and how fast?",
        details: &[
            detail("resource", "pids"),
            detail("operation", "one fork, a child that ends at once, and the wait for it"),
            detail(
                "fails",
                "with the error of fork, such as EAGAIN; ETIME when not done 100 ms after it was due",
            ),
        ],
    },
    Entry {
        name: "cpu/work",
        kind: Kind::Probe,
        meaning: "how much CPU time does the victim get?",
        details: &[
            detail("resource", "cpu"),
            detail(
                "operation",
                "a fixed amount of integer arithmetic, about 1 ms on the quiet node",
            ),
            detail("fails", "with ETIME only, when not done 100 ms after it was due"),
        ],
    },
    Entry {
        name: "cpu/wakeup",
        kind: Kind::Probe,
        meaning: "how late does a sleeping thread of the victim run again?",
        details: &[
            detail("resource", "cpu"),
            detail(
                "operation",
                "a sleep of 0.1 ms (clock_nanosleep), whose own length is no part of the latency",
            ),
            detail(
                "judged",
                "never: of the CPU only throughput is, for a fair scheduler lets whoever mostly sleeps in at once",
            ),
            detail("fails", "with ETIME only, when not done 100 ms after it was due"),
        ],
    },
    network::CONNECT,
    network::UDP,
    random::GETRANDOM,
    disk::FSYNC,
    disk::READ,
    descriptors::OPEN,
    descriptors::SOCKET,
    Entry {
        name: "memory/fault",
        kind: Kind::Probe,
        meaning: "can memory still be had, and how fast?",
        details: &[
            detail("resource", "memory"),
            detail(
                "operation",
                "64 pages mapped, written to, and unmapped: as many as the kernel charges for at a time, so that each operation asks \
                 whether there is more",
            ),
            detail(
                "fails",
                "with ENOMEM of mmap; ETIME when not done 100 ms after it was due; a probe that is killed falls silent",
            ),
        ],
    },
    resource!(
        "cpu",
        "CPU time; judged by the rate of a saturating probe alone, tolerance 10 %",
        "the neighbour gets less CPU time: whatever it computes takes longer",
        "`weight` or `idle` of the attacker, or a `cpu` quota no larger than what the neighbour may lose"
    ),
    resource!(
        "memory",
        "memory; tolerance 25 %",
        "the neighbour's memory is reclaimed or its processes are killed for want of it",
        "`memory`, below what the node has less what the neighbour needs"
    ),
    resource!(
        "disk",
        "file systems and block devices; tolerance 50 %, since flushes vary that much at rest",
        "the neighbour's writes and flushes wait behind those of others, or find no space",
        "a rate for each device (`io.max`), and a file system or quota of its own for space"
    ),
    resource!(
        "network",
        "the network; tolerance 25 %",
        "the neighbour's packets wait behind those of others, or are dropped",
        "a rate on the host's end of the link (`tc`); no cgroup has one"
    ),
    resource!(
        "files",
        "open files; tolerance 25 %",
        "the neighbour cannot open files: the system's table or the kernel's memory is used up",
        "`memory`, because open files are the kernel's memory, and `nofile` with `pids`"
    ),
    resource!(
        "pids",
        "process IDs: every process and every thread takes one; tolerance 25 %",
        "the neighbour cannot start a process or a thread, and nobody can log in to help",
        "`pids`, well below what the node has"
    ),
    resource!(
        "random",
        "random numbers; tolerance 25 %",
        "the neighbour waits for random numbers",
        "nothing; since Linux 5.18 there is nothing left to drain"
    ),
    limit!(
        "pids",
        "the most tasks (processes and threads) at one time",
        "pids.max",
        "pids.max",
        "none in a Pod; `podPidsLimit` of the kubelet, for all Pods of a node",
        "--pids-limit"
    ),
    limit!(
        "memory",
        "the most memory; swap is 0 with it unless `swap` says otherwise",
        "memory.limit_in_bytes",
        "memory.max",
        "resources.limits.memory",
        "--memory"
    ),
    limit!(
        "swap",
        "the most swap, besides `memory`",
        "memory.memsw.limit_in_bytes, which counts memory and swap together",
        "memory.swap.max",
        "none in a Pod; `memorySwap.swapBehavior` of the kubelet",
        "--memory-swap, which counts memory and swap together"
    ),
    limit!(
        "cpu",
        "the most CPU time: `500m` is half a CPU, in periods of 100 ms",
        "cpu.cfs_quota_us, with cpu.cfs_period_us",
        "cpu.max",
        "resources.limits.cpu",
        "--cpus"
    ),
    limit!(
        "weight",
        "the share of CPU time when others want it too, 1 to 10000, default 100; no ceiling",
        "cpu.shares, in which 1024 is the default",
        "cpu.weight",
        "resources.requests.cpu, from which the shares are made",
        "--cpu-shares, in which 1024 is the default"
    ),
    limit!(
        "idle",
        "runs only when nobody else wants the CPU; no ceiling",
        "cpu.idle",
        "cpu.idle",
        "none in a Pod",
        "none"
    ),
    limit!(
        "cpuset",
        "the CPUs that may be used, such as `0-2,5`",
        "cpuset.cpus",
        "cpuset.cpus",
        "none in a Pod; the kubelet's CPU manager policy `static` chooses whole CPUs",
        "--cpuset-cpus"
    ),
    limit!(
        "nofile",
        "the most open files of each process: RLIMIT_NOFILE, soft and hard; no matter of cgroups",
        "none",
        "none",
        "none",
        "--ulimit nofile=SOFT:HARD"
    ),
    limits::NPROC,
    disk::IO,
    limits::TMPFS,
    network::NET,
    limits::MEMORY_HIGH,
    limits::MEMORY_LOW,
    limits::MEMORY_MIN,
    limit!(
        "unified",
        "exact kernel files and their values, such as `memory.high: 48Mi`",
        "none: such a case is skipped",
        "the files named",
        "none",
        "none"
    ),
    entry(
        Kind::Verdict,
        "contained",
        "the limit held, the victim is within tolerance, and the open attack is shown to hurt",
    ),
    entry(
        Kind::Verdict,
        "breached",
        "the limit itself did not hold, or a process left its cgroup, whatever the victim felt",
    ),
    entry(Kind::Verdict, "degraded", "the victim was slower beyond tolerance"),
    entry(Kind::Verdict, "denied", "operations of the victim failed under attack, or it died"),
    entry(Kind::Verdict, "lost", "the node or the machine went down"),
    entry(Kind::Verdict, "harmless", "an attack without limits, or a sham, that did not hurt"),
    entry(
        Kind::Verdict,
        "vacuous",
        "looks contained, but the open attack was harmless too: it proves nothing",
    ),
    entry(
        Kind::Verdict,
        "inconclusive",
        "neither a leak nor containment could be shown; never a pass",
    ),
    entry(Kind::Verdict, "skipped", "the machine cannot run it; the reason is given"),
    entry(Kind::Verdict, "error", "the harness failed"),
    entry(
        Kind::Fact,
        "ceiling.count",
        "what the kernel's counter of the own resource's limit says: refusals, OOM kills, throttled periods",
    ),
    entry(
        Kind::Fact,
        "outside.oom_kills",
        "processes of the sandbox that the OOM killer took, by the kernel's counter",
    ),
    entry(
        Kind::Fact,
        "victim.oom_kills",
        "processes of the victim's sandbox that the OOM killer took, by the kernel's counter",
    ),
    entry(
        Kind::Fact,
        "inside.pid",
        "the process ID of the sandbox's first process as it sees itself",
    ),
    entry(
        Kind::Fact,
        "outside.pid",
        "the process ID of the sandbox's first process as the host sees it",
    ),
    entry(
        Kind::Fact,
        "outside.sees_inside",
        "the host finds the sandbox's first process in its own /proc",
    ),
    entry(
        Kind::Fact,
        "inside.sees_outside",
        "the sandbox finds a process of the host in its /proc",
    ),
    entry(Kind::Fact, "pod.restarts", "how often the sidecars of pods were started again"),
    entry(
        Kind::Fact,
        "pod.kept",
        "each sidecar that was started again found the network and IPC namespace of its start before",
    ),
    entry(
        Kind::Word,
        "pod",
        "sandboxes that share an address, ports, System V objects, a host name and a limit of their sum",
    ),
    entry(
        Kind::Word,
        "sidecar",
        "a program in a sandbox of a pod, beside attacker and victim, started again by the pod's policy",
    ),
    entry(Kind::Word, "leaks", "stands for breached, degraded, denied and lost in `expect`"),
    entry(
        Kind::Word,
        "machine",
        "the kernel that a case runs on: this host, or a throwaway guest (`run --vm`, `machine: vm`)",
    ),
    Entry {
        name: "guest",
        kind: Kind::Word,
        meaning: "a throwaway virtual machine: another kernel, another cgroup version, or one that an attack may cost",
        details: &[
            detail(
                "ask for it",
                "`run --vm PATH`, or `machine: {vm: {cgroup: v1, kernel: FILE}}` in a scenario",
            ),
            detail("needs", "QEMU and a kernel; no root, and no cgroups on the host"),
            detail("made of", "the kernel, and an initramfs with this binary as its only program"),
            detail(
                "when lost",
                "the case that ran is `lost`, and the guest is booted anew for the cases that are left",
            ),
        ],
    },
    entry(
        Kind::Word,
        "accelerator",
        "how the CPUs of a guest are run: kvm, by the host's own, or tcg, by translation, which is several times slower",
    ),
    entry(
        Kind::Word,
        "node",
        "a miniature of a machine: a guard cgroup with a capacity in CPUs, memory and tasks; attacker and victim are its children; \
         `node: none` goes without the guard, in a throwaway guest alone",
    ),
    entry(
        Kind::Word,
        "sandbox",
        "namespaces, a cgroup, resource limits, privileges and a root file system",
    ),
    entry(Kind::Word, "attacker", "the role that runs the workload"),
    entry(Kind::Word, "victim", "the role that runs the probes"),
    entry(
        Kind::Word,
        "workload",
        "a built-in program that drains one resource, its own resource, with a bounded dose",
    ),
    entry(
        Kind::Word,
        "dose",
        "the most that a workload takes, in tasks, bytes and seconds, whatever its limits are",
    ),
    entry(Kind::Word, "intensity", "the effort of a workload, in percent of its dose"),
    entry(Kind::Word, "probe", "one operation on one resource, timed, with its errors counted"),
    entry(Kind::Word, "config", "one set of limits and controls: a column of the table"),
    entry(Kind::Word, "case", "a workload under a config"),
    entry(Kind::Word, "cell", "what a case did to one probe of the victim"),
    entry(Kind::Word, "block", "a stretch of time with the attack off or on; blocks come in pairs"),
    entry(
        Kind::Word,
        "ceiling",
        "whether the attacker stayed within its limit, by the kernel's own counters",
    ),
    entry(
        Kind::Word,
        "control",
        "a case added by itself, without which no answer can be trusted: open or sham",
    ),
    entry(
        Kind::Word,
        "open",
        "the control without limits: the attack must hurt there, or a limit that holds has proved nothing",
    ),
    entry(
        Kind::Word,
        "sham",
        "the control with a sleeping attacker: if it seems to leak, the machine is too noisy",
    ),
    entry(Kind::Word, "placement", "which CPUs attacker and victim run on: apart or together"),
    entry(
        Kind::Word,
        "apart",
        "the placement in which attacker and victim have CPUs of their own, where there are two",
    ),
    entry(Kind::Word, "together", "the placement in which attacker and victim share one CPU"),
    random::SOURCE,
    network::UPLINK,
    descriptors::PROCESSES,
    entry(Kind::Word, "threads", "how many tasks of the workload `cpu-burn` burn, 1 by default"),
    entry(
        Kind::Word,
        "burst",
        "a load of `cpu-burn` that computes for so much CPU time in every period and sleeps for the rest",
    ),
    bomb::KIND,
    limits::USER,
    entry(
        Kind::Word,
        "workers",
        "how many tasks of the workload `memory-eater` share in what it takes, 8 by default: one large one or many small ones",
    ),
    entry(
        Kind::Word,
        "oom",
        "whom the OOM killer is to take beside a `memory-eater`: `natural`, whom it finds worst, or `attacker-first`",
    ),
    entry(
        Kind::Word,
        "trials",
        "how many pairs of blocks a case begins with, and for how long fresh ones are added",
    ),
    entry(
        Kind::Word,
        "pair",
        "two neighbouring blocks, one off and one on; fresh pairs are those added to confirm or decide what the first ones left open",
    ),
    entry(
        Kind::Word,
        "placebo",
        "a load that burns as much CPU as the attack and does nothing else: what the victim feels beyond it is not the CPU's doing",
    ),
    entry(
        Kind::Word,
        "via",
        "the resource through which a slowdown came, when it is not the cell's own",
    ),
    entry(
        Kind::Word,
        "tolerance",
        "how much slower is still no leak, a percentage that depends on the resource",
    ),
    entry(
        Kind::Word,
        "isol",
        "the victim's rate under attack as a part of its quiet rate, at most 1",
    ),
    entry(
        Kind::Word,
        "lat_imp",
        "how much longer the victim's operations took under attack, as a part of the quiet latency, at least 0",
    ),
    entry(
        Kind::Word,
        "sysctls",
        "values of the whole kernel while a case runs; refused on this machine unless `--allow sysctls` is given",
    ),
    entry(
        Kind::Word,
        "guardian",
        "a process that outlives the harness, and kills and removes what it leaves when it dies",
    ),
    entry(
        Kind::Word,
        "ledger",
        "the file in the run's directory that names everything before it is made; `clean` works from it",
    ),
];
