//! `sidecars`: programs that run beside attacker and victim, in a pod.

use super::{missing, sandbox};
use crate::scenario::diagnostic::Problems;
use crate::scenario::node::{Kind, Node};
use crate::scenario::words;
use crate::scenario::written::SandboxWritten;

pub(in crate::scenario) const KEYS: [&str; 8] =
    ["name", "pod", "command", "limits", "namespaces", "seccomp", "capabilities", "no_new_privs"];

/// Sidecars of one config: those for which a run has IDs beside attacker and victim.
pub(in crate::scenario) const MOST: usize = 6;

/// Reads a list such as `[{name: logger, pod: app, command: [sh, -c, "…"]}]`.
pub(super) fn sidecars(node: &Node, problems: &mut Problems) -> Option<Vec<SandboxWritten>> {
    let Kind::Seq(items) = &node.kind else {
        problems
            .add(node.spot, "`sidecars` must be a list")
            .help("start each entry with `- name: NAME`");
        return None;
    };
    if items.len() > MOST {
        problems.add(node.spot, format!("`sidecars` has more than {MOST} entries"));
        return None;
    }
    Some(items.iter().filter_map(|item| sidecar(item, problems)).collect())
}

fn sidecar(node: &Node, problems: &mut Problems) -> Option<SandboxWritten> {
    let entries = words::map(node, "a sidecar", problems)?;
    let mut written = SandboxWritten::default();
    for entry in entries {
        match entry.key.as_str() {
            "command" => written.command = super::command::command(&entry.value, problems),
            key if KEYS.contains(&key) => {
                sandbox::common_key(entry, &mut written, problems);
            }
            key => words::unknown(problems, entry.key_spot, "key in a sidecar", key, &KEYS, &[]),
        }
    }
    for key in ["name", "pod", "command"] {
        missing(entries, key, node.spot, problems);
    }
    Some(written)
}
