//! Which limits of a process a scenario can repeat, in the words of its format, and what it cannot say.

use super::as_scenario::Caller;
use super::quota;
use crate::record::{Amount, GroupLimit, Inspected, InterfaceVersion, Rlimit};
use crate::scenario::{Limits, NODE_CPUS, NODE_MEMORY, NODE_PIDS, units};

/// Tasks that a node has beyond the limit of the attacker, so that it is the limit that is met: those of the victim, and some to spare.
pub(super) const SPARE_PIDS: u64 = 64;

/// The same for memory, in bytes.
pub(super) const SPARE_MEMORY: u64 = 256 << 20;

/// The least of either that the format takes (a fork bomb and its supervisor; what a process needs to start).
const LEAST_PIDS: u64 = 2;
const LEAST_MEMORY: u64 = 1 << 20;

/// What the format takes for open files.
const NOFILE: std::ops::RangeInclusive<u64> = 16..=1 << 30;

/// The quota's period that the tool writes, in microseconds.
const PERIOD_US: u64 = 100_000;

/// Files of version 2 that are keys of `limits`, and those that stand below `unified`.
const KEYS: [&str; 3] = ["memory.high", "memory.low", "memory.min"];
const UNIFIED: [&str; 2] = ["memory.swap.high", "memory.oom.group"];

/// One limit as a line of the scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The key in `limits`, or the file in `unified`.
    pub key: &'static str,
    /// The value, as YAML.
    pub value: String,
    /// Where it comes from, and what is different.
    pub remark: String,
    /// Whether it belongs below `unified`.
    pub unified: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The limits that the scenario repeats.
    pub limits: Limits,
    /// The same as lines.
    pub lines: Vec<Line>,
    /// `memory.high`, in bytes.
    pub high_bytes: Option<u64>,
    /// The highest CPU of the cpuset.
    pub highest_cpu: Option<u64>,
    /// What it cannot repeat, in words.
    pub left: Vec<String>,
}

/// Sorts the limits of a process.
pub(super) fn kept(process: &Inspected, caller: &Caller) -> Kept {
    let all = process.limits.as_deref().unwrap_or_default();
    let mut sorting = Sorting { all, used: vec![false; all.len()], kept: Kept::default() };
    sorting.pids();
    sorting.memory(caller);
    sorting.cpu();
    sorting.weight();
    sorting.cpuset();
    sorting.rlimits(process, caller);
    sorting.as_named();
    sorting.rest();
    sorting.kept
}

struct Sorting<'a> {
    all: &'a [GroupLimit],
    /// Which of them are told already, as a limit or as something left.
    used: Vec<bool>,
    kept: Kept,
}

impl Sorting<'_> {
    /// The smallest number in the files of this name, and where it stands.
    fn tightest(&mut self, file: &str) -> Option<(u64, String)> {
        let mut found: Option<(u64, String)> = None;
        for (limit, used) in self.all.iter().zip(&mut self.used).filter(|(it, _)| it.file == file) {
            let Ok(number) = limit.value.parse::<u64>() else { continue };
            *used = true;
            if found.as_ref().is_none_or(|(least, _)| number < *least) {
                found = Some((number, format!("{file} of {}", limit.group)));
            }
        }
        found
    }

    fn use_up(&mut self, files: &[&str]) {
        for (limit, used) in self.all.iter().zip(&mut self.used) {
            *used |= files.contains(&limit.file.as_str());
        }
    }

    fn line(&mut self, key: &'static str, value: String, remark: String) {
        self.kept.lines.push(Line { key, value, remark, unified: false });
    }

    fn left(&mut self, text: String) {
        self.kept.left.push(text);
    }

    fn pids(&mut self) {
        let Some((pids, from)) = self.tightest("pids.max") else { return };
        let most = NODE_PIDS.end() - SPARE_PIDS;
        match pids {
            LEAST_PIDS.. if pids <= most => {
                self.kept.limits.pids = Some(pids);
                self.line("pids", pids.to_string(), from);
            }
            LEAST_PIDS.. => {
                self.left(format!("{from} is {pids}, and a node has room for {most} at most"))
            }
            _ => self.left(format!("{from} is {pids}, under which nothing could be started")),
        }
    }

    fn memory(&mut self, caller: &Caller) {
        let limit = self.tightest("memory.max").or_else(|| self.tightest("memory.limit_in_bytes"));
        let with_swap = self.tightest("memory.memsw.limit_in_bytes");
        let swap = self.tightest("memory.swap.max");
        let Some((memory, from)) = limit else {
            for (bytes, from) in swap.into_iter().chain(with_swap) {
                self.left(format!("{from} is {bytes} without a limit of memory"));
            }
            return;
        };
        let most = NODE_MEMORY.end() - SPARE_MEMORY;
        if !(LEAST_MEMORY..=most).contains(&memory) {
            let (least, most) = (units::format_bytes(LEAST_MEMORY), units::format_bytes(most));
            return self
                .left(format!("{from} is {memory}, and a limit can be from {least} to {most}"));
        }
        self.kept.limits.memory_bytes = Some(memory);
        let swap = swap.or_else(|| {
            with_swap.map(|(both, from)| {
                (both.saturating_sub(memory), format!("{from}, less the memory"))
            })
        });
        self.line("memory", units::format_bytes(memory), from);
        match swap {
            // The format's own default.
            Some((0, _)) => {}
            Some((swap, from)) => self.swap(swap, from),
            None if caller.swap_bytes > 0 => {
                let remark = "not limited: all the swap that this machine has".to_owned();
                self.swap(caller.swap_bytes, remark);
            }
            None => self.left("swap is not limited, but this machine has none".to_owned()),
        }
    }

    fn swap(&mut self, bytes: u64, remark: String) {
        self.kept.limits.swap_bytes = Some(bytes);
        self.line("swap", units::format_bytes(bytes), remark);
    }

    fn cpu(&mut self) {
        let Some(quota) = quota::tightest(self.all) else { return };
        self.use_up(&["cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"]);
        let (millis, from) = (quota.millis(), &quota.from);
        let most = NODE_CPUS.end() * 1000;
        if !(1..=most).contains(&millis) {
            let text = format!(
                "{from} is {} µs in every {} µs, which is less or more than the format takes",
                quota.quota_us, quota.period_us
            );
            return self.left(text);
        }
        let mut remark = from.clone();
        if quota.period_us != PERIOD_US {
            remark.push_str(&format!(
                ", there in periods of {} µs, here of {PERIOD_US} µs",
                quota.period_us
            ));
        }
        if !quota.is_exact() {
            remark.push_str(", rounded down");
        }
        self.kept.limits.cpu_millis = Some(millis);
        self.line("cpu", units::format_cpu(millis), remark);
    }

    fn weight(&mut self) {
        let idle = self.tightest("cpu.idle");
        let weight = self.tightest("cpu.weight");
        let shares = self.tightest("cpu.shares");
        if let Some((1, from)) = idle {
            // An idle group has no weight that counts.
            self.kept.limits.idle = true;
            return self.line("idle", "true".to_owned(), from);
        }
        let (weight, remark) = match (weight, shares) {
            (Some((weight @ 1..=10_000, from)), _) => (weight, from),
            (_, Some((shares, from))) => {
                let weight = shares.saturating_mul(100).saturating_add(512) / 1024;
                let weight = weight.clamp(1, 10_000);
                // As the tool turns a weight into shares.
                let back = (weight * 1024).div_ceil(100);
                let near = if back == shares { "" } else { ", the nearest weight" };
                (weight, format!("{from} is {shares}{near}"))
            }
            _ => return,
        };
        self.kept.limits.weight = Some(weight);
        self.line("weight", weight.to_string(), remark);
    }

    fn cpuset(&mut self) {
        let files = ["cpuset.cpus.effective", "cpuset.effective_cpus"];
        let Some(limit) = self.all.iter().find(|it| files.contains(&it.file.as_str())) else {
            return;
        };
        self.use_up(&files);
        let list = &limit.value;
        let numbers: Option<Vec<u64>> =
            list.split([',', '-']).map(|word| word.parse().ok()).collect();
        let highest = numbers.and_then(|numbers| numbers.into_iter().max());
        match highest.filter(|highest| highest < NODE_CPUS.end()) {
            Some(highest) => {
                self.kept.limits.cpuset = Some(list.clone());
                self.kept.highest_cpu = Some(highest);
                let remark = format!("{} of {}", limit.file, limit.group);
                self.line("cpuset", format!("\"{list}\""), remark);
            }
            None => self
                .left(format!("{} of {} is {list}, more than a node has", limit.file, limit.group)),
        }
    }

    /// Resource limits that are not the caller's; those that are, a sandbox inherits. The hard limit counts, since a process may raise its
    /// soft one to that.
    fn rlimits(&mut self, process: &Inspected, caller: &Caller) {
        for (name, limit) in process.rlimits.iter().flatten() {
            let own = caller.rlimits.get(name);
            let Some(own) = own.filter(|own| *own != limit) else { continue };
            let range = match name.as_str() {
                "nofile" => Some(NOFILE),
                "nproc" => Some(LEAST_PIDS..=NODE_PIDS.end() - SPARE_PIDS),
                _ => None,
            };
            let fits = |hard: u64| range.as_ref().is_some_and(|range| range.contains(&hard));
            let text = |why: &str| {
                let both = format!("{}:{}", own.soft, own.hard);
                format!(
                    "rlimit {name} is {}:{} (the caller has {both}){why}",
                    limit.soft, limit.hard
                )
            };
            match limit.hard {
                Amount::Number(hard) if fits(hard) && limit.hard <= own.hard => {
                    self.rlimit(name, hard, limit);
                }
                _ if own.hard < limit.hard => self.left(text(", more than the caller may give")),
                _ => self.left(text("")),
            }
        }
    }

    fn rlimit(&mut self, name: &str, hard: u64, limit: &Rlimit) {
        let soft = match limit.soft == limit.hard {
            true => String::new(),
            false => format!(", the soft one is {}", limit.soft),
        };
        let (key, field) = match name {
            "nofile" => ("nofile", &mut self.kept.limits.nofile),
            _ => ("nproc", &mut self.kept.limits.nproc),
        };
        *field = Some(hard);
        let remark = format!("hard limit of RLIMIT_{}{soft}", name.to_ascii_uppercase());
        self.line(key, hard.to_string(), remark);
    }

    /// Files of version 2 whose names the format uses; of groups above, only hard limits hold for a group.
    fn as_named(&mut self) {
        let most = NODE_MEMORY.end() - SPARE_MEMORY;
        for (limit, used) in self.all.iter().zip(&mut self.used) {
            let here =
                |names: &[&'static str]| names.iter().copied().find(|name| *name == limit.file);
            let key = here(&KEYS);
            let Some(name) = key.or_else(|| here(&UNIFIED)) else { continue };
            let Ok(number) = limit.value.parse::<u64>() else { continue };
            let again = self.kept.limits.unified.contains_key(name);
            if again || !limit.own || limit.version != InterfaceVersion::V2 {
                continue;
            }
            *used = true;
            if name == "memory.high" {
                // The format refuses one that never acts.
                let above = self.kept.limits.memory_bytes.unwrap_or(most + 1);
                if number >= above {
                    let text = format!(
                        "memory.high of {} is {number}, which the hard limit or the node comes before",
                        limit.group
                    );
                    self.kept.left.push(text);
                    continue;
                }
                self.kept.high_bytes = Some(number);
            }
            self.kept.limits.unified.insert(name.to_owned(), number.to_string());
            let value =
                if key.is_some() { units::format_bytes(number) } else { number.to_string() };
            let remark = format!("of {}", limit.group);
            self.kept.lines.push(Line { key: name, value, remark, unified: key.is_none() });
        }
        self.burst();
    }

    /// What may be saved up can be no more than the quota, which is written for another period where the group has one.
    fn burst(&mut self) {
        let Some(millis) = self.kept.limits.cpu_millis else { return };
        let quota_us = millis * PERIOD_US / 1000;
        for (limit, used) in self.all.iter().zip(&mut self.used) {
            let fits = limit.value.parse::<u64>().is_ok_and(|burst| burst <= quota_us);
            let again = self.kept.limits.unified.contains_key(&limit.file);
            if limit.file == "cpu.max.burst" && limit.own && fits && !again {
                *used = true;
                self.kept.limits.unified.insert(limit.file.clone(), limit.value.clone());
                let (key, remark) = ("cpu.max.burst", format!("of {}", limit.group));
                self.kept.lines.push(Line {
                    key,
                    value: limit.value.clone(),
                    remark,
                    unified: true,
                });
            }
        }
    }

    fn rest(&mut self) {
        let rest: Vec<String> = self
            .all
            .iter()
            .zip(&self.used)
            .filter(|(_, used)| !**used)
            .map(|(it, _)| {
                format!("{} of {} is {}", it.file, it.group, it.value.replace('\n', " | "))
            })
            .collect();
        self.kept.left.extend(rest);
    }
}
