//! The flood of output.

use super::entries::detail;
use super::{Entry, Kind};

/// The workload.
pub(super) const LOG_SPAM: Entry = Entry {
    name: "log-spam",
    kind: Kind::Workload,
    meaning: "writes lines to its standard error as fast as somebody reads them",
    details: &[
        detail("own resource", "cpu, that of whoever reads"),
        detail(
            "mechanism",
            "what a container prints is read, framed and stored by a process outside of its cgroup, whose CPU time counts towards no limit of it",
        ),
        detail(
            "operation",
            "one line of 128 bytes that was taken whole; a refusal is a write that failed, with EAGAIN when the pipe is full",
        ),
        detail(
            "stopped by",
            "no kernel knob: whoever reads must read no more than so much at a time, as the harness does",
        ),
        detail(
            "Kubernetes",
            "none; `containerLogMaxSize` of the kubelet bounds what is stored, not what is read",
        ),
        detail(
            "Docker",
            "none; --log-opt max-size bounds what is stored, and --log-driver none reads nothing",
        ),
        detail(
            "dose",
            "200,000 lines a second, of which intensity is a percentage, and 256 MiB for each time it is switched on; the harness reads \
             64 KiB each 20 ms and keeps the last 4 KiB",
        ),
        detail("ends", "on order, and by itself after 30 s"),
        detail(
            "why it means something",
            "`harness_cpu_seconds` beside that of the sham is what reading cost, `log_bytes` is what was read, and the attacker's own limits \
             change neither",
        ),
    ],
};
