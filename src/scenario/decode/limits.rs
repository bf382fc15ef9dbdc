//! `limits`: what a sandbox may use.

use crate::scenario::diagnostic::{Problems, quoted};
use crate::scenario::node::{Entry, Node};
use crate::scenario::written::{LimitsWritten, Located};
use crate::scenario::{units, words};

/// The keys of `limits`.
pub const KEYS: &[&str] = &[
    "pids",
    "memory",
    "memory.high",
    "memory.low",
    "memory.min",
    "swap",
    "cpu",
    "weight",
    "idle",
    "cpuset",
    "nofile",
    "nproc",
    "tmpfs",
    "io",
    "net",
    "unified",
];

/// Tasks that the kernel can number at all; how many are too few depends on what runs.
pub(in crate::scenario) const PIDS: std::ops::RangeInclusive<u64> = 0..=4_194_304;

/// A process needs its standard streams, its libraries and the tool's own pipe.
pub(in crate::scenario) const NOFILE: std::ops::RangeInclusive<u64> = 16..=1 << 30;

/// Tasks that a user can have at all; how many are too few depends on what runs.
pub(in crate::scenario) const NPROC: std::ops::RangeInclusive<u64> = 1..=4_194_304;

/// The smallest file system: a page of any architecture. For the kernel 0 would mean no limit.
const MIN_TMPFS: u64 = 64 << 10;

/// The kernel's own range of `cpu.weight`.
pub(in crate::scenario) const WEIGHT: std::ops::RangeInclusive<u64> = 1..=10_000;

/// Below this nothing can be loaded; who writes less has forgotten the unit.
const MIN_MEMORY: u64 = 1 << 20;

/// Files in `unified`; a cgroup has about as many that can be written.
pub(in crate::scenario) const MAX_KNOBS: usize = 64;

/// The highest CPU that the kernel can be built for.
const MAX_CPU: u64 = 8191;

/// Reads a map of limits; `{}` is a map without limits.
pub(in crate::scenario) fn limits(node: &Node, problems: &mut Problems) -> Option<LimitsWritten> {
    let limits = keys(node, problems)?;
    agree(&limits, problems);
    Some(limits)
}

/// Reads the keys of a map of limits, each by itself.
pub(in crate::scenario) fn keys(node: &Node, problems: &mut Problems) -> Option<LimitsWritten> {
    let entries = words::map(node, "`limits`", problems)?;
    let mut limits = LimitsWritten::none(node.spot);
    for entry in entries {
        let value = &entry.value;
        match entry.key.as_str() {
            "pids" => limits.pids = words::count(value, "`pids`", PIDS, problems),
            "memory" => {
                limits.has_memory = true;
                limits.memory = memory(value, problems);
            }
            // Only version 2 has these files, so they are what `unified` would say of them.
            "memory.high" | "memory.low" | "memory.min" => knob(entry, &mut limits, problems),
            "swap" => {
                limits.swap = words::quantity(value, "`swap`", units::parse_bytes, problems);
            }
            "cpu" => limits.cpu = words::quantity(value, "`cpu`", units::parse_cpu, problems),
            "weight" => limits.weight = words::count(value, "`weight`", WEIGHT, problems),
            "idle" => limits.idle = words::flag(value, "`idle`", problems),
            "cpuset" => limits.cpuset = cpuset(value, problems),
            "nofile" => limits.nofile = words::count(value, "`nofile`", NOFILE, problems),
            "nproc" => limits.nproc = words::count(value, "`nproc`", NPROC, problems),
            "tmpfs" => limits.tmpfs = tmpfs(value, problems),
            "io" => limits.io = super::io::io(value, problems),
            "net" => super::net::net(value, &mut limits, problems),
            "unified" => {
                let entries = words::map(value, "`unified`", problems).unwrap_or_default();
                if entries.len() > MAX_KNOBS {
                    let message = format!("`unified` sets more than {MAX_KNOBS} files");
                    problems.add(entry.key_spot, message);
                }
                for entry in entries.iter().take(MAX_KNOBS) {
                    knob(entry, &mut limits, problems);
                }
            }
            key => {
                let (what, later) = ("limit", words::LATER_LIMITS);
                words::unknown(problems, entry.key_spot, what, key, KEYS, later);
            }
        }
    }
    Some(limits)
}

/// Checks limits that depend on each other.
pub(in crate::scenario) fn agree(limits: &LimitsWritten, problems: &mut Problems) {
    if let Some(swap) = limits.swap.as_ref().filter(|_| !limits.has_memory) {
        problems
            .add(swap.spot, "`swap` without `memory` limits nothing")
            .help("add `memory`; with it, swap is 0 unless `swap` says otherwise");
    }
    if let (Some(weight), Some(_)) = (&limits.weight, limits.idle.as_ref().filter(|it| it.value)) {
        problems
            .add(weight.spot, "`weight` and `idle` exclude each other")
            .help("an idle group has no weight: it runs when nobody else wants the CPU; keep one of the two");
    }
    never_high(limits, problems);
    said_twice(limits, problems);
}

/// The hard limit comes first.
fn never_high(limits: &LimitsWritten, problems: &mut Problems) {
    let (Some(memory), Some(high)) = (&limits.memory, limits.unified.get("memory.high")) else {
        return;
    };
    if high.value.parse::<u64>().is_ok_and(|bytes| bytes >= memory.value) {
        problems
            .add(high.spot, "`memory.high` is not below `memory`, so it never acts")
            .help("lower it: the kernel slows a group down above it, before `memory` refuses");
    }
}

fn tmpfs(node: &Node, problems: &mut Problems) -> Option<Located<u64>> {
    let size = words::quantity(node, "`tmpfs`", units::parse_bytes, problems)?;
    if size.value >= MIN_TMPFS {
        return Some(size);
    }
    let least = units::format_bytes(MIN_TMPFS);
    problems
        .add(size.spot, format!("`tmpfs` of {} bytes is less than {least}", size.value))
        .help("a file system has at least a page; leave the key out for the usual 64Mi");
    None
}

fn memory(node: &Node, problems: &mut Problems) -> Option<Located<u64>> {
    let memory = words::quantity(node, "`memory`", units::parse_bytes, problems)?;
    if memory.value >= MIN_MEMORY {
        return Some(memory);
    }
    let problem = problems.add(
        memory.spot,
        format!("`memory` of {} bytes is too little for any process to start", memory.value),
    );
    if (1..65_536).contains(&memory.value) {
        problem.help(format!("a plain number counts bytes; did you mean `{}Mi`?", memory.value));
    } else {
        problem.help(format!("the smallest is {}", units::format_bytes(MIN_MEMORY)));
    }
    None
}

fn cpuset(node: &Node, problems: &mut Problems) -> Option<Located<String>> {
    let text = words::scalar(node, "`cpuset`", problems)?;
    let number = |text: &str| units::parse_count(text).ok().filter(|&cpu| cpu <= MAX_CPU);
    let legal = text.value.split(',').all(|part| match part.split_once('-') {
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
        None => number(part).is_some(),
    });
    if legal {
        return Some(text.map(str::to_owned));
    }
    problems
        .add(text.spot, format!("`cpuset` cannot be {}", quoted(text.value)))
        .help("list CPUs and ranges of CPUs, such as `0`, `0-3` or `0-1,3`");
    None
}

/// One entry of `unified`. Nothing that could leave the sandbox's own cgroup, or move processes, gets through.
fn knob(entry: &Entry, limits: &mut LimitsWritten, problems: &mut Problems) {
    let key = &entry.key;
    let lower = |c: char| c.is_ascii_lowercase();
    let legal = key.len() <= 64
        && key.split_once('.').is_some_and(|(controller, knob)| {
            !controller.is_empty()
                && controller.chars().all(lower)
                && !knob.is_empty()
                && knob.chars().all(|c| lower(c) || c.is_ascii_digit() || "._".contains(c))
        });
    if !legal {
        problems
            .add(entry.key_spot, format!("{} is no file of a cgroup", quoted(key)))
            .help("write `controller.knob`, such as `memory.high`");
        return;
    }
    if key.starts_with("cgroup.") {
        problems
            .add(entry.key_spot, format!("{} is no limit", quoted(key)))
            .help("the files `cgroup.*` move and stop processes; they are the tool's own");
        return;
    }
    let Some(text) = words::scalar(&entry.value, &quoted(key), problems) else { return };
    if text.value.len() > 128 || text.value.contains(char::is_control) {
        problems.add(text.spot, format!("{} takes one line of at most 128 bytes", quoted(key)));
        return;
    }
    if limits.unified.contains_key(key) {
        problems
            .add(text.spot, format!("{} is given twice", quoted(key)))
            .help("keep one of the two, beside `unified` or in it");
        return;
    }
    let value = knob_value(key, text, problems);
    limits.unified.extend(value.map(|value| (key.clone(), value)));
}

/// The kernel reads `48M` but not `48Mi`, so sizes of memory are written out in bytes.
fn knob_value(key: &str, text: Located<&str>, problems: &mut Problems) -> Option<Located<String>> {
    let sized = matches!(
        key,
        "memory.min"
            | "memory.low"
            | "memory.high"
            | "memory.max"
            | "memory.swap.max"
            | "memory.swap.high"
            | "memory.zswap.max"
    );
    if !sized || text.value == "max" {
        return Some(text.map(str::to_owned));
    }
    match units::parse_bytes(text.value) {
        Ok(bytes) => Some(text.map(|_| bytes.to_string())),
        Err(error) => {
            words::refused(problems, text.spot, &quoted(key), error);
            None
        }
    }
}

/// A limit and the kernel file that it is written to cannot both be given.
fn said_twice(limits: &LimitsWritten, problems: &mut Problems) {
    let pairs = [
        ("pids", limits.pids.is_some(), "pids.max"),
        ("memory", limits.has_memory, "memory.max"),
        ("swap", limits.has_memory, "memory.swap.max"),
        ("cpu", limits.cpu.is_some(), "cpu.max"),
        ("weight", limits.weight.is_some(), "cpu.weight"),
        ("idle", limits.idle.is_some(), "cpu.idle"),
        ("cpuset", limits.cpuset.is_some(), "cpuset.cpus"),
        ("io", limits.io.is_some(), "io.max"),
    ];
    for (key, given, file) in pairs {
        if let Some(value) = limits.unified.get(file).filter(|_| given) {
            problems.add(value.spot, format!("`{file}` is set by the limit `{key}` too")).help(
                if file.starts_with("memory.") {
                    "keep one of the two; `memory` sets swap as well"
                } else {
                    "keep one of the two"
                },
            );
        }
    }
}
