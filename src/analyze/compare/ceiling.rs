//! Limits that were raised, lowered, set or removed, and ceilings that held before and do not now. The limit is named.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::matched::Pair;
use crate::record::{Case, Ceiling, CeilingChange, CeilingLevel, Change, LimitMove};
use crate::scenario::Limits;

/// One limit of a case, from its settings and its ceiling.
#[derive(Default, Clone)]
struct Limit {
    /// The kernel's file, where a ceiling names it.
    knob: Option<String>,
    /// As a number where it is one.
    amount: Option<u64>,
    written: Option<String>,
    kept: Option<bool>,
    level: Option<CeilingLevel>,
}

/// Every change among the limits of a case that both records have.
pub(super) fn changes(pair: &Pair<'_>) -> Vec<CeilingChange> {
    let (Some(old), Some(new)) = (pair.old, pair.new) else { return Vec::new() };
    let mut found = of_attacker(pair, old, new);
    let (before, after) = (written(&old.victim_limits), written(&new.victim_limits));
    found.extend(between(pair, "victim", &before, &after));
    found
}

/// The attacker's, each with its ceiling.
fn of_attacker(pair: &Pair<'_>, old: &Case, new: &Case) -> Vec<CeilingChange> {
    let both = [old, new].map(|case| {
        let mut limits = written(&case.limits);
        for ceiling in case.ceilings.iter().chain(&case.ceiling) {
            let limit = limits.entry(field_of(ceiling).to_owned()).or_default();
            limit.knob = Some(ceiling.knob.clone());
            (limit.kept, limit.level) = (Some(ceiling.kept), Some(ceiling.level));
            // Of a list of CPUs the ceiling knows only how many they are, and two kernels may have two units for one limit.
            if !ceiling.is_cpuset() && limit.written.is_none() {
                limit.amount = Some(ceiling.limit);
                limit.written = Some(ceiling.limit.to_string());
            }
        }
        limits
    });
    between(pair, "attacker", &both[0], &both[1])
}

/// The field of the record that a ceiling's file is written from, whatever the version of cgroups; the file itself for those that a
/// scenario names.
fn field_of(ceiling: &Ceiling) -> &str {
    match ceiling.knob.as_str() {
        // Both versions of cgroups name a rate at a disk behind their file.
        knob if knob.ends_with(" rbps") => "io.rbps",
        knob if knob.ends_with(" wbps") => "io.wbps",
        knob if knob.ends_with(" riops") => "io.riops",
        knob if knob.ends_with(" wiops") => "io.wiops",
        "pids.max" => "pids",
        "memory.max" | "memory.limit_in_bytes" => "memory_bytes",
        "memory.swap.max" | "memory.memsw.limit_in_bytes" => "swap_bytes",
        "cpu.max" | "cpu.cfs_quota_us" => "cpu_millis",
        "cpu.weight" | "cpu.shares" => "weight",
        "cpu.idle" => "idle",
        "cpuset.cpus" => "cpuset",
        "RLIMIT_NPROC" => "nproc",
        "size of /tmp" => "tmpfs_bytes",
        "tbf egress" => "net_egress_bits_per_second",
        "tbf ingress" => "net_ingress_bits_per_second",
        knob => knob,
    }
}

/// The limits as a record writes them, by its fields; those of the disk each by itself.
fn written(limits: &Limits) -> BTreeMap<String, Limit> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(limits) else {
        return BTreeMap::new();
    };
    if let Some(Value::Object(io)) = fields.remove("io") {
        fields.extend(io.into_iter().map(|(key, value)| (format!("io.{key}"), value)));
    }
    fields
        .into_iter()
        .map(|(field, value)| {
            let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let limit =
                Limit { amount: value.as_u64(), written: Some(written), ..Limit::default() };
            (field, limit)
        })
        .collect()
}

fn between(
    pair: &Pair<'_>,
    whose: &'static str,
    old: &BTreeMap<String, Limit>,
    new: &BTreeMap<String, Limit>,
) -> Vec<CeilingChange> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let (old, new) = (old.get(name), new.get(name));
            let moved = moved(name, old, new);
            let kept = |limit: Option<&Limit>| limit.and_then(|it| it.kept);
            let level = |limit: Option<&Limit>| limit.and_then(|it| it.level);
            let change = match (kept(old), kept(new)) {
                (Some(true), Some(false)) => Change::Worse,
                (Some(false), Some(true)) => Change::Better,
                _ => Change::Undecided,
            };
            let same =
                moved == LimitMove::Same && kept(old) == kept(new) && level(old) == level(new);
            (!same).then(|| CeilingChange {
                record: pair.record,
                place: pair.place.clone(),
                whose,
                limit: new.or(old).and_then(|it| it.knob.as_ref()).unwrap_or(name).clone(),
                moved,
                old: old.and_then(|it| it.written.clone()),
                new: new.and_then(|it| it.written.clone()),
                kept_old: kept(old),
                kept_new: kept(new),
                level_old: level(old),
                level_new: level(new),
                change,
            })
        })
        .collect()
}

/// More of an amount is a limit raised. What is no amount (a list of CPUs, a file) is only set, removed, or another, and another
/// one is told as raised when it is longer or later in the alphabet: the values beside it say what happened.
fn moved(name: &str, old: Option<&Limit>, new: Option<&Limit>) -> LimitMove {
    let (Some(old), Some(new)) = (old, new) else {
        return if new.is_some() { LimitMove::Set } else { LimitMove::Removed };
    };
    if (old.amount, &old.written) == (new.amount, &new.written) {
        return LimitMove::Same;
    }
    let more = match (old.amount, new.amount, name) {
        (Some(old), Some(new), _) if old != new => new > old,
        (_, _, "cpuset") => cpus(new) > cpus(old),
        _ => new.written > old.written,
    };
    if more { LimitMove::Raised } else { LimitMove::Lowered }
}

/// How many CPUs a list such as `0-2,5` names.
fn cpus(limit: &Limit) -> u64 {
    let list = limit.written.as_deref().unwrap_or_default();
    list.split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(last.trim().parse::<u64>().ok()?.saturating_sub(first.trim().parse().ok()?) + 1)
        })
        .sum()
}
