//! `machine`: `host`, `vm`, or a guest in detail.

use crate::scenario::diagnostic::{Problems, Spot, quoted};
use crate::scenario::node::{Kind, Node};
use crate::scenario::units::{format_bytes, parse_bytes};
use crate::scenario::written::{Located, MachineWritten, Where};
use crate::scenario::{CgroupMode, VM_CPUS, VM_DISK, VM_MEMORY, words};

/// The keys of a guest.
pub(in crate::scenario) const KEYS: &[&str] =
    &["kernel", "cgroup", "cpus", "memory", "swap", "disk", "append"];

/// The longest path of a kernel, and the longest line of parameters, in bytes.
pub(in crate::scenario) const LONGEST: usize = 512;

const FORMS: &str = "write `host`, `vm`, or `{vm: {cgroup: v1}}`";

/// Reads `host`, `vm` or `{vm: {…}}`.
pub(in crate::scenario) fn machine(node: &Node, problems: &mut Problems) -> MachineWritten {
    let mut machine = MachineWritten::default();
    if let Kind::Scalar(_) = node.kind {
        let legal = [("host", Where::Host), ("vm", Where::Vm)];
        machine.place = words::word(node, "`machine`", "machine", &legal, &[], problems);
        return machine;
    }
    let Some(entries) = words::map(node, "`machine`", problems) else {
        if let Some(problem) = problems.last() {
            problem.help(FORMS);
        }
        return machine;
    };
    if entries.is_empty() {
        problems.add(node.spot, "`machine` names none").help(FORMS);
    }
    for entry in entries {
        if entry.key == "vm" {
            machine.place = Some(Located { value: Where::Vm, spot: entry.key_spot });
            guest(&entry.value, &mut machine, problems);
        } else {
            words::unknown(problems, entry.key_spot, "key in `machine`", &entry.key, &["vm"], &[]);
            if let Some(problem) = problems.last().filter(|_| entry.key == "host") {
                problem.help("the host has no keys: write `machine: host`");
            }
        }
    }
    machine
}

fn guest(node: &Node, machine: &mut MachineWritten, problems: &mut Problems) {
    for entry in words::map(node, "`vm`", problems).unwrap_or_default() {
        let value = &entry.value;
        match entry.key.as_str() {
            "kernel" => machine.kernel = line(value, "`kernel` of the guest", problems),
            "append" => machine.append = line(value, "`append`", problems),
            "cgroup" => {
                let legal = CgroupMode::ALL.map(|mode| (mode.name(), mode));
                let what = "`cgroup` of the guest";
                machine.cgroup = words::word(value, what, "cgroup mode", &legal, &[], problems);
            }
            "cpus" => {
                machine.cpus = words::count(value, "`cpus` of the guest", VM_CPUS, problems);
            }
            "memory" => machine.memory = size(value, "memory", &VM_MEMORY, problems),
            "swap" => machine.swap = disk(value, "swap", problems),
            "disk" => machine.disk = disk(value, "disk", problems),
            key => words::unknown(problems, entry.key_spot, "key in `vm`", key, KEYS, &[]),
        }
    }
}

/// A size within its range.
fn size(
    node: &Node,
    key: &str,
    range: &std::ops::RangeInclusive<u64>,
    problems: &mut Problems,
) -> Option<Located<u64>> {
    let what = format!("`{key}` of the guest");
    let size = words::quantity(node, &what, parse_bytes, problems)?;
    if range.contains(&size.value) {
        return Some(size);
    }
    let (low, high) = (format_bytes(*range.start()), format_bytes(*range.end()));
    problems.add(size.spot, format!("{what} must be between {low} and {high}"));
    None
}

/// A disk, which may be none.
fn disk(node: &Node, key: &str, problems: &mut Problems) -> Option<Located<u64>> {
    match &node.kind {
        Kind::Scalar(text) if text == "0" => Some(Located { value: 0, spot: node.spot }),
        _ => size(node, key, &VM_DISK, problems),
    }
}

/// One line that goes to QEMU or to the kernel as it is: printable, so that nothing in it ends the line or steers a
/// terminal that shows it.
fn line(node: &Node, what: &str, problems: &mut Problems) -> Option<Located<String>> {
    let text = words::scalar(node, what, problems)?;
    let legal = !text.value.is_empty() && text.value.len() <= LONGEST && is_plain(text.value);
    if legal {
        return Some(text.map(str::to_owned));
    }
    refuse(text.spot, what, text.value, problems);
    None
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn refuse(spot: Spot, what: &str, text: &str, problems: &mut Problems) {
    problems
        .add(spot, format!("{what} cannot be {}", quoted(text)))
        .help(format!("it is one line of 1 to {LONGEST} bytes without control characters"));
}
