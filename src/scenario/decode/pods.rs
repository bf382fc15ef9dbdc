//! `pods`: what sandboxes of one pod have in common.

use super::{limits, missing};
use crate::scenario::diagnostic::Problems;
use crate::scenario::node::{Entry, Kind, Node};
use crate::scenario::written::{Located, PodWritten};
use crate::scenario::{RestartPolicy, units, words};

pub(in crate::scenario) const KEYS: &[&str] =
    &["name", "limits", "shared_pid", "shared_uts", "restart_policy", "restart_backoff"];

/// The wait before a second restart: from what can be noticed in time to the kubelet's longest.
const BACKOFF: std::ops::RangeInclusive<u128> = 10..=300_000;

/// Pods of one config: no more than there are sandboxes.
pub(in crate::scenario) const MOST: usize = 4;

/// Reads a list such as `[{name: app, limits: {memory: 64Mi}, shared_pid: true}]`.
pub(super) fn pods(node: &Node, problems: &mut Problems) -> Option<Vec<PodWritten>> {
    let Kind::Seq(items) = &node.kind else {
        problems
            .add(node.spot, "`pods` must be a list")
            .help("start each entry with `- name: NAME`");
        return None;
    };
    if items.len() > MOST {
        problems.add(node.spot, format!("`pods` has more than {MOST} entries"));
        return None;
    }
    Some(items.iter().filter_map(|item| pod(item, problems)).collect())
}

fn pod(node: &Node, problems: &mut Problems) -> Option<PodWritten> {
    let entries = words::map(node, "a pod", problems)?;
    let mut pod = PodWritten {
        name: None,
        limits: None,
        shared_pid: None,
        shared_uts: None,
        restart_policy: None,
        restart_backoff: None,
    };
    for entry in entries {
        match entry.key.as_str() {
            "name" => pod.name = words::name(&entry.value, "a pod's `name`", "", problems),
            "limits" => pod.limits = limits::limits(&entry.value, problems),
            "shared_pid" => pod.shared_pid = words::flag(&entry.value, "`shared_pid`", problems),
            "shared_uts" => pod.shared_uts = words::flag(&entry.value, "`shared_uts`", problems),
            "restart_policy" => {
                let legal = RestartPolicy::ALL.map(|policy| (policy.name(), policy));
                let key = "`restart_policy`";
                pod.restart_policy =
                    words::word(&entry.value, key, "restart policy", &legal, &[], problems);
            }
            "restart_backoff" => pod.restart_backoff = backoff(entry, problems),
            key => words::unknown(problems, entry.key_spot, "key in a pod", key, KEYS, &[]),
        }
    }
    missing(entries, "name", node.spot, problems);
    Some(pod)
}

/// Milliseconds.
fn backoff(entry: &Entry, problems: &mut Problems) -> Option<Located<u64>> {
    let key = "`restart_backoff`";
    let found = words::quantity(&entry.value, key, units::parse_duration, problems)?;
    if !BACKOFF.contains(&found.value.as_millis()) {
        problems
            .add(found.spot, "`restart_backoff` must be between 10ms and 300s")
            .help("it is the wait before the second restart, and doubles with each more");
        return None;
    }
    Some(found.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
}
