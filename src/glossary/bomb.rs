//! The fork bomb and its kinds.

use super::entries::detail;
use super::{Entry, Kind};

/// The workload.
pub(super) const FORKBOMB: Entry = Entry {
    name: "forkbomb",
    kind: Kind::Workload,
    meaning: "forks until it is refused, holds what it got, and keeps trying",
    details: &[
        detail("own resource", "pids"),
        detail(
            "kinds",
            "`process` (the usual one), `thread` (one process full of threads), `churn` (forks and ends, holds nothing)",
        ),
        detail(
            "mechanism",
            "every task takes a number, and the numbers of all sandboxes on a kernel come from one stock",
        ),
        detail(
            "operation",
            "one fork that succeeded, one thread that was started, or for churn one child that was forked, ended and was reaped; a \
             refusal is one that failed, by its error",
        ),
        detail("stopped by", "pids.max, and RLIMIT_NPROC for each user; nothing stops churn"),
        detail("Kubernetes", "none in a Pod; `podPidsLimit` of the kubelet"),
        detail("Docker", "--pids-limit, --ulimit nproc"),
        detail(
            "dose",
            "the node's `pids` tasks at one time, 4096 at most; intensity is a percentage of it. For churn a worker on each CPU, 16 \
             at most, and intensity is the share of the time",
        ),
        detail("ends", "on order, and by itself after 30 s"),
        detail(
            "why it means something",
            "who holds the whole stock keeps everybody else from starting anything, the people who come to help included",
        ),
    ],
};

/// The key that chooses one.
pub(super) const KIND: Entry = Entry {
    name: "kind",
    kind: Kind::Word,
    meaning: "how a workload drains its resource, where it can in several ways; `kind: thread` makes a fork bomb of threads",
    details: &[
        detail("forkbomb: process", "processes that start processes; the usual one"),
        detail(
            "forkbomb: thread",
            "one process that starts threads, which are tasks like any other",
        ),
        detail("forkbomb: churn", "starts a child, waits for its end and starts the next"),
        detail(
            "fd-exhaust",
            "what it opens: `file` (the usual one), `socket`, `pipe` or `eventfd`",
        ),
    ],
};
