//! The texts about random numbers.

use super::entries::{detail, entry};
use super::{Entry, Kind};

/// The workload.
pub(super) const DRAIN: Entry = Entry {
    name: "random-drain",
    kind: Kind::Workload,
    meaning: "takes random numbers as fast as the kernel gives them",
    details: &[
        detail("own resource", "random"),
        detail(
            "operation",
            "one call that gave 256 bytes by getrandom(2), or 4096 of /dev/urandom or /dev/random, as `source` says; a call that \
             gave fewer is a refusal (EAGAIN)",
        ),
        detail(
            "mechanism",
            "before Linux 5.6 reads of /dev/random used up an estimate of entropy and everybody waited for more; since 5.18 each CPU \
             has a generator of its own, and nothing can be used up",
        ),
        detail("kernel knob", "none, and none is needed since 5.18; a `cpu` quota bounds the rate"),
        detail("Kubernetes", "none"),
        detail("Docker", "none"),
        detail(
            "dose",
            "one task; intensity is the busy share of each period of 100 ms, in CPU time",
        ),
        detail("ends", "on order, and by itself after 30 s"),
        detail(
            "why it means something",
            "it is the control that must not hurt: a report that shows a leak here measures the CPU, or a kernel before 5.18",
        ),
    ],
};

/// The probe.
pub(super) const GETRANDOM: Entry = Entry {
    name: "random/getrandom",
    kind: Kind::Probe,
    meaning: "are random numbers still there at once?",
    details: &[
        detail("resource", "random"),
        detail("operation", "one getrandom(2) for 32 bytes, by the system call itself"),
        detail(
            "fails",
            "with the error of getrandom, EIO for fewer than 32 bytes, and ETIME when not done 100 ms after it was due",
        ),
        detail(
            "why it means something",
            "every connection by TLS, every session and every hash table begins with such a call",
        ),
    ],
};

/// The key of scenarios.
pub(super) const SOURCE: Entry = entry(
    Kind::Word,
    "source",
    "where `random-drain` takes random numbers from: getrandom, urandom or random",
);
