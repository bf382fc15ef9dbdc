//! A scenario from a process: its limits and namespaces for the attacker, an attack on each resource, and comments for what the format cannot say.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::kept::{Kept, SPARE_MEMORY, SPARE_PIDS, kept};
use crate::record::{Inspected, Rlimit, Seccomp};
use crate::scenario::{NamespaceKind, NodeSpec, Resource, Workload, units};

/// Characters of a process's name that go into the scenario's name, of which there may be 40.
const NAME: usize = 20;

/// Tasks of a burner that the format takes.
const MOST_THREADS: u64 = 256;

/// What must be known of the one who will run the scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// Its resource limits by the kernel's names: a sandbox inherits them.
    pub rlimits: BTreeMap<String, Rlimit>,
    /// Swap of the machine, in bytes.
    pub swap_bytes: u64,
}

/// The text of a scenario that `check` accepts, whatever the process is.
#[must_use]
pub fn render_as_scenario(process: &Inspected, caller: &Caller) -> String {
    let kept = kept(process, caller);
    let node = node_for(&kept);
    let mut text = String::new();
    heading(&mut text, process);
    let plain = plain_name(&process.name);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "version: 1");
    let _ = writeln!(text, "name: like-{}-{}", plain.to_ascii_lowercase(), process.pid);
    let _ =
        writeln!(text, "summary: The limits and namespaces of process {} ({plain}).", process.pid);
    let _ = writeln!(
        text,
        "node: {{cpus: {}, memory: {}, pids: {}}}",
        node.cpus,
        units::format_bytes(node.memory_bytes),
        node.pids
    );
    attacker(&mut text, process, &kept);
    let left = configs(&mut text, &kept, node);
    remarks(&mut text, process, kept.left.iter().chain(&left));
    text
}

fn heading(text: &mut String, process: &Inspected) {
    comment(
        text,
        "",
        &format!(
            "Process {} ({}), as `inspect {} --as-scenario` of contain-test {} found it.",
            process.pid,
            process.name,
            process.pid,
            env!("CARGO_PKG_VERSION")
        ),
    );
    if let Some(name) = &process.runtime.seems {
        comment(
            text,
            "",
            &format!("It seems to run under {name}: {}.", process.runtime.because.join("; ")),
        );
    }
}

fn attacker(text: &mut String, process: &Inspected, kept: &Kept) {
    text.push_str("attacker:\n");
    if kept.lines.is_empty() {
        text.push_str("  limits: {}\n");
    } else {
        text.push_str("  limits:\n");
    }
    for line in kept.lines.iter().filter(|line| !line.unified) {
        let _ = writeln!(text, "    {}: {}  # {}", line.key, line.value, one_line(&line.remark));
    }
    if kept.lines.iter().any(|line| line.unified) {
        text.push_str("    unified:\n");
    }
    for line in kept.lines.iter().filter(|line| line.unified) {
        let _ = writeln!(text, "      {}: {}  # {}", line.key, line.value, one_line(&line.remark));
    }
    let shared: Vec<String> = NamespaceKind::ALL
        .into_iter()
        .filter(|kind| process.shared_with_caller.get(kind).copied().flatten() == Some(true))
        .map(|kind| format!("{}: host", kind.name()))
        .collect();
    let seccomp = match process.seccomp {
        Some(Seccomp::Off) => "unconfined  # it has no filter",
        Some(Seccomp::Filter) => {
            "default  # it has a filter, which cannot be read: this is the one that engines give"
        }
        Some(Seccomp::Strict) | None => "default",
    };
    let _ = writeln!(text, "  seccomp: {seccomp}");
    if !shared.is_empty() {
        let _ = writeln!(text, "  namespaces: {{{}}}", shared.join(", "));
    }
}

/// A config for each workload that a limit of the process is meant for, and for those that need no limit to be of interest. Returns what
/// could not be had.
fn configs(text: &mut String, kept: &Kept, node: NodeSpec) -> Vec<String> {
    let limits = &kept.limits;
    let mut left = Vec::new();
    text.push_str("configs:\n");
    for resource in Resource::ALL {
        let asked = match resource {
            // These two every process can take from its neighbours, so their missing is a finding, too.
            Resource::Cpu | Resource::Pids => true,
            Resource::Memory => limits.memory_bytes.is_some(),
            Resource::Files => limits.nofile.is_some(),
            _ => false,
        };
        let workload = Workload::ALL.into_iter().find(|it| it.resource() == Some(resource));
        let Some(workload) = workload.filter(|_| asked) else { continue };
        let (name, least) = (workload.name(), workload.min_pids(None));
        if let Some(pids) = limits.pids.filter(|&pids| pids < least) {
            left.push(format!("the workload {name}, which cannot run with {pids} pids"));
            continue;
        }
        let threads = match (workload, limits.cpu_millis) {
            (Workload::CpuBurn, Some(millis)) => threads_for(millis, limits.pids, node),
            _ => 1,
        };
        let threads = if threads > 1 { format!(", threads: {threads}") } else { String::new() };
        let _ = writeln!(text, "  - name: {name}\n    attacker: {{workload: {name}{threads}}}");
        text.push_str("    # expect: contained\n");
    }
    left
}

/// As many burners as can reach a quota of more than a CPU, and one more.
fn threads_for(millis: u64, pids: Option<u64>, node: NodeSpec) -> u64 {
    let wanted = if millis > 1000 { millis.div_ceil(1000) + 1 } else { 1 };
    // The first process of the sandbox is a task as well.
    let own = pids.map_or(u64::MAX, |pids| pids.saturating_sub(1));
    wanted.min(own).min(node.room_for_workers()).clamp(1, MOST_THREADS)
}

/// The default, and more where a limit would not fit into it: a limit that the node forestalls proves nothing.
fn node_for(kept: &Kept) -> NodeSpec {
    let default = NodeSpec::default();
    let limits = &kept.limits;
    let pids = limits.pids.max(limits.nproc).map_or(0, |pids| pids + SPARE_PIDS);
    // Whole MiB, to be readable.
    let memory = limits.memory_bytes.max(kept.high_bytes);
    let memory = memory.map_or(0, |it| (it + SPARE_MEMORY) >> 20 << 20);
    let cpus = limits.cpu_millis.map_or(0, |millis| millis.div_ceil(1000));
    let cpus = cpus.max(kept.highest_cpu.map_or(0, |highest| highest + 1));
    NodeSpec {
        cpus: default.cpus.max(u32::try_from(cpus).unwrap_or(u32::MAX)),
        memory_bytes: default.memory_bytes.max(memory),
        pids: default.pids.max(pids),
        ..default
    }
}

fn remarks<'a>(text: &mut String, process: &Inspected, limits: impl Iterator<Item = &'a String>) {
    let mut all: Vec<String> = limits.cloned().collect();
    let sets = &process.capabilities;
    for (name, set) in
        [("effective", &sets.effective), ("permitted", &sets.permitted), ("ambient", &sets.ambient)]
    {
        if let Some(set) = set.as_ref().filter(|set| !set.is_empty()) {
            all.push(format!("{name} capabilities: {} (a workload has none)", set.join(" ")));
        }
    }
    if let Some(set) = &sets.bounding {
        let set = if set.is_empty() { "none".to_owned() } else { set.join(" ") };
        all.push(format!(
            "bounding capabilities: {set} (a sandbox keeps those that engines leave by default)"
        ));
    }
    if process.seccomp == Some(Seccomp::Strict) {
        all.push("seccomp is strict: read, write and exit are all that it may call".to_owned());
    }
    if process.no_new_privs == Some(false) {
        all.push("no_new_privs is off (in a sandbox it is on)".to_owned());
    }
    if let Some(ids) = process.uids {
        all.push(format!("its user is {} (a workload has a user of its own)", ids.effective));
    }
    for (what, paths) in
        [("masked", &process.masked_paths), ("read-only", &process.read_only_paths)]
    {
        if let Some(paths) = paths.as_ref().filter(|paths| !paths.is_empty()) {
            all.push(format!(
                "{what} paths: {} (a sandbox has those that engines have by default)",
                paths.join(" ")
            ));
        }
    }
    for kind in NamespaceKind::ALL {
        if process.shared_with_caller.get(&kind).copied().flatten().is_none() {
            all.push(format!(
                "whether its {} namespace is the host's, so it is taken for one of its own",
                kind.name()
            ));
        }
    }
    all.extend(process.unknown.iter().map(|(field, why)| format!("{field} is not known: {why}")));
    if all.is_empty() {
        return;
    }
    text.push('\n');
    comment(
        text,
        "",
        "Not in this scenario, because its format cannot say it or it could not be read:",
    );
    for remark in all {
        comment(text, "- ", &remark);
    }
}

fn comment(text: &mut String, mark: &str, line: &str) {
    let _ = writeln!(text, "# {mark}{}", one_line(line));
}

/// Plain ASCII in one line: names and paths are the process's own choice, and a line break would end the comment.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' => line.push(character),
            'µ' => line.push('u'),
            _ => line.extend(character.escape_default()),
        }
    }
    line
}

/// A name that needs no quotes in YAML: letters, digits and dashes.
fn plain_name(name: &str) -> String {
    let letters =
        name.chars().take(NAME).map(|it| if it.is_ascii_alphanumeric() { it } else { '-' });
    let plain: String = letters.collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "process".to_owned() } else { plain.to_owned() }
}
