//! The proof of limits that are no files of a cgroup: they still read as asked for, and what was used stayed within.
//!
//! The kernel has no counter for what they refuse: the attacker's own count of errors, beside usage at the limit, is all there is.

use crate::analyze;
use crate::node::Node;
use crate::record::Ceiling;
use crate::sandbox::{Bound, Sandbox};

/// The highest use seen of each bound of a sandbox.
#[derive(Debug, Default)]
pub struct Highest(Vec<(Bound, u64)>);

impl Highest {
    /// Looks at the end of a block. Returns a sentence for each bound that is not in force any more, with its knob.
    pub fn look(&mut self, sandbox: &Sandbox) -> Vec<(String, String)> {
        let mut findings = Vec::new();
        for &bound in &sandbox.bounds {
            let used = match bound.shown(sandbox.pid) {
                Ok(shown) if bound.is(shown.limit) => shown.used,
                Ok(shown) => {
                    let finding =
                        format!("{} reads {} though {}", bound.knob(), shown.limit, asked(bound));
                    findings.push((bound.knob().to_owned(), finding));
                    shown.used
                }
                // Its first process may be gone: the limit with it, and nothing that could pass it.
                Err(_) => None,
            };
            let used = match bound {
                Bound::Nproc(_) => tasks_of(sandbox),
                Bound::Tmpfs(_) => used,
            };
            let used = used.unwrap_or(0);
            match self.0.iter_mut().find(|(other, _)| *other == bound) {
                Some((_, highest)) => *highest = (*highest).max(used),
                None => self.0.push((bound, used)),
            }
        }
        findings
    }

    /// The ceilings, as far as this was looked at.
    #[must_use]
    pub fn ceilings(&self, sandbox: &Sandbox, node: &Node) -> Vec<Ceiling> {
        self.0.iter().map(|&(bound, highest)| ceiling(bound, highest, sandbox, node)).collect()
    }
}

/// Tasks of the sandbox, all of which are its user's.
fn tasks_of(sandbox: &Sandbox) -> Option<u64> {
    sandbox.group.counters().pids()
}

fn asked(bound: Bound) -> String {
    format!("{} was asked for", bound.value())
}

fn ceiling(bound: Bound, highest: u64, sandbox: &Sandbox, node: &Node) -> Ceiling {
    let group_peak = match bound {
        Bound::Nproc(_) => sandbox.group.counters().pids_peak(),
        Bound::Tmpfs(_) => None,
    };
    let (peak, source) = group_peak.map_or((highest, "sampled"), |it| (it.value, it.file));
    let (node_peak, capacity) = match bound {
        Bound::Nproc(_) => (
            node.group.counters().pids_peak().map(|peak| peak.value),
            node.spec.capacity(node.spec.pids),
        ),
        Bound::Tmpfs(_) => (None, None),
    };
    Ceiling {
        resource: bound.resource(),
        knob: bound.knob().to_owned(),
        limit: bound.value(),
        peak: Some(peak),
        peak_source: source.to_owned(),
        counter: None,
        count: None,
        kept: bound.holds(peak),
        // Nothing counts refusals, so at best it can be inferred whose limit it was.
        level: analyze::level(Some(peak), bound.value(), None, node_peak, capacity),
        node_peak,
        note: match bound {
            Bound::Nproc(_) => {
                "for each user: the sandbox's own tasks are shown, its init among them, and the kernel counts those that another \
                 sandbox has with the same user too; it does not count what it refuses"
            }
            Bound::Tmpfs(_) => {
                "the file system's own size; what is in it is memory of the group too; the kernel does not count what it refuses"
            }
        }
        .to_owned(),
    }
}
