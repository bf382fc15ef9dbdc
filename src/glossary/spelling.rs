//! A limit with its value, as the kernel, Docker and Kubernetes write it. Pure.
//!
//! Docker: docs.docker.com/engine/containers/resource_constraints; Kubernetes: kubernetes.io/docs/concepts/configuration/manage-resources-containers.

use serde_json::{Value, json};

use super::{Kind, entry};
use crate::cgroup::{Setting, Version, settings};
use crate::scenario::{Limits, units};

/// One limit of a sandbox in every spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelled {
    /// As a scenario writes it, such as `pids: 64`.
    pub scenario: String,
    /// Kernel files and values on cgroup v2.
    pub v2: String,
    /// Kernel files and values on cgroup v1.
    pub v1: String,
    /// As a Pod or the kubelet has it.
    pub kubernetes: String,
    /// As `docker run` has it.
    pub docker: String,
}

/// Every limit in every spelling, in the order of the record's fields.
#[must_use]
pub fn spelled(limits: &Limits) -> Vec<Spelled> {
    // By the names of the record's fields, so that a limit which is added there shows up here without being asked for.
    let Ok(Value::Object(fields)) = serde_json::to_value(limits) else { return Vec::new() };
    fields.iter().map(|(field, value)| one(limits, field, value)).collect()
}

fn one(limits: &Limits, field: &str, value: &Value) -> Spelled {
    let key = field
        .trim_end_matches("_bytes")
        .trim_end_matches("_millis")
        .trim_end_matches("_bits_per_second");
    let number = value.as_u64().unwrap_or(0);
    let written = match field {
        "io" => limits.io.map(|io| io.to_string()).unwrap_or_default(),
        _ if field.ends_with("_bytes") => bytes(number),
        _ if field.ends_with("_millis") => millis(number),
        _ if field.ends_with("_bits_per_second") => units::format_bits(number),
        _ => plain(value),
    };
    // Docker counts memory and swap together.
    let in_all = limits.memory_bytes.unwrap_or(0).saturating_add(limits.swap_bytes.unwrap_or(0));
    let direction = key.strip_prefix("net_");
    let entry_name = if direction.is_some() { "net" } else { key };
    let known =
        |label| entry(Kind::Limit, entry_name).and_then(|entry| entry.detail(label)).unwrap_or("");
    let (kubernetes, docker) = match key {
        "pids" => (
            format!(
                "none in a Pod; `podPidsLimit: {number}` of the kubelet, for each Pod of a node"
            ),
            format!("--pids-limit {number}"),
        ),
        "memory" => (
            format!("resources.limits.memory: {written}"),
            // With --memory alone, Docker allows as much swap again.
            format!("--memory {} --memory-swap {}", docker_bytes(number), docker_bytes(in_all)),
        ),
        "swap" => {
            (known("Kubernetes").to_owned(), format!("--memory-swap {}", docker_bytes(in_all)))
        }
        "cpu" => {
            (format!("resources.limits.cpu: {written}"), format!("--cpus {}", decimal_cpus(number)))
        }
        "weight" => {
            let shares = shares(number);
            (
                format!("resources.requests.cpu: {}m", (shares * 1000).div_ceil(1024).max(1)),
                format!("--cpu-shares {shares}"),
            )
        }
        "io" => (known("Kubernetes").to_owned(), docker_io(limits)),
        "cpuset" => (known("Kubernetes").to_owned(), format!("--cpuset-cpus {written}")),
        "nofile" | "nproc" => {
            (known("Kubernetes").to_owned(), format!("--ulimit {key}={number}:{number}"))
        }
        "net_egress" | "net_ingress" => (
            format!("kubernetes.io/{}-bandwidth: {written}", direction.unwrap_or_default()),
            known("Docker").to_owned(),
        ),
        "tmpfs" => (
            format!("volumes: emptyDir: {{medium: Memory, sizeLimit: {written}}} at /tmp"),
            format!("--tmpfs /tmp:size={}", docker_bytes(number)),
        ),
        _ => (known("Kubernetes").to_owned(), known("Docker").to_owned()),
    };
    let kernel = |version, label| match kernel(limits, field, value, version) {
        files if files.is_empty() => match key {
            "cpuset" => format!("cpuset.cpus = {written}"),
            "nofile" => format!("RLIMIT_NOFILE = {number}"),
            "nproc" => format!("RLIMIT_NPROC = {number}"),
            "net_egress" | "net_ingress" => format!("tbf rate {written}bit"),
            "tmpfs" => format!("size={number} of the tmpfs at /tmp"),
            _ => known(label).to_owned(),
        },
        files => files,
    };
    Spelled {
        scenario: match direction {
            Some(direction) => format!("net: {{{direction}: {written}}}"),
            None => format!("{key}: {written}"),
        },
        v2: kernel(Version::V2, "cgroup v2"),
        v1: kernel(Version::V1, "cgroup v1"),
        kubernetes,
        docker,
    }
}

/// Docker has an option for each rate, and takes the device by its path.
fn docker_io(limits: &Limits) -> String {
    let option = |(key, value): (&str, u64)| {
        let name = match key {
            "rbps" => "read-bps",
            "wbps" => "write-bps",
            "riops" => "read-iops",
            _ => "write-iops",
        };
        format!("--device-{name} /dev/DISK:{value}")
    };
    let io = limits.io.unwrap_or_default();
    let weight = io.weight.map(|weight| format!("--blkio-weight {}", weight.clamp(10, 1000)));
    io.rates().map(option).chain(weight).collect::<Vec<_>>().join(" ")
}

/// The files that this limit alone is written to, by the same rules that the harness writes them by.
fn kernel(limits: &Limits, field: &str, value: &Value, version: Version) -> String {
    let mut alone = json!({ field: value });
    let is_swap = field == "swap_bytes";
    if let (true, Some(memory)) = (is_swap, limits.memory_bytes) {
        alone["memory_bytes"] = json!(memory);
    } else if let (true, Some(swap)) = (field == "memory_bytes", limits.swap_bytes) {
        alone["swap_bytes"] = json!(swap);
    }
    let Ok(alone) = serde_json::from_value::<Limits>(alone) else { return String::new() };
    if version == Version::V1 && !alone.unified.is_empty() {
        return String::new();
    }
    let of_swap = |setting: &Setting| setting.file.contains("sw");
    settings(&alone, &|_| version)
        .iter()
        .filter(|setting| !is_swap || of_swap(setting))
        .map(|setting| format!("{} = {}", setting.file, setting.value))
        .collect::<Vec<_>>()
        .join(", ")
}

/// 100 is the kernel's default weight and 1024 its default shares.
const fn shares(weight: u64) -> u64 {
    let shares = weight.saturating_mul(1024).div_ceil(100);
    if shares < 2 { 2 } else { shares }
}

/// `64Mi`, as scenarios and Kubernetes write bytes; plain where no unit divides it.
fn bytes(number: u64) -> String {
    for (shift, unit) in [(40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")] {
        if number > 0 && number.trailing_zeros() >= shift {
            return format!("{}{unit}", number >> shift);
        }
    }
    number.to_string()
}

/// The same as `docker run` writes them: its units are powers of 1024 too.
fn docker_bytes(number: u64) -> String {
    for (shift, unit) in [(30, "g"), (20, "m"), (10, "k")] {
        if number > 0 && number.trailing_zeros() >= shift {
            return format!("{}{unit}", number >> shift);
        }
    }
    format!("{number}b")
}

/// `500m`, or `2` where it is a whole number of CPUs.
fn millis(number: u64) -> String {
    if number.is_multiple_of(1000) { (number / 1000).to_string() } else { format!("{number}m") }
}

/// `0.5`.
fn decimal_cpus(millis: u64) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(files) => {
            let files: Vec<String> =
                files.iter().map(|(file, value)| format!("{file}: {}", plain(value))).collect();
            format!("{{{}}}", files.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of(limits: &Limits) -> Spelled {
        let all = spelled(limits);
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }

    #[test]
    fn every_limit_has_its_spellings() {
        let base = Limits::default();
        let pids = of(&Limits { pids: Some(64), ..base.clone() });
        assert_eq!((pids.scenario.as_str(), pids.v2.as_str()), ("pids: 64", "pids.max = 64"));
        assert_eq!(pids.docker, "--pids-limit 64");
        assert!(pids.kubernetes.contains("podPidsLimit: 64"));
        let memory = of(&Limits { memory_bytes: Some(64 << 20), ..base.clone() });
        assert_eq!(memory.scenario, "memory: 64Mi");
        assert_eq!(memory.v2, "memory.max = 67108864, memory.swap.max = 0");
        assert_eq!(memory.docker, "--memory 64m --memory-swap 64m");
        let cpu = of(&Limits { cpu_millis: Some(500), ..base.clone() });
        assert_eq!((cpu.scenario.as_str(), cpu.docker.as_str()), ("cpu: 500m", "--cpus 0.5"));
        assert_eq!(cpu.v1, "cpu.cfs_period_us = 100000, cpu.cfs_quota_us = 50000");
        let weight = of(&Limits { weight: Some(1), ..base.clone() });
        assert_eq!((weight.v1.as_str(), weight.v2.as_str()), ("cpu.shares = 11", "cpu.weight = 1"));
        assert_eq!(weight.kubernetes, "resources.requests.cpu: 11m");
        let cpuset = of(&Limits { cpuset: Some("0-1".into()), ..base.clone() });
        assert_eq!(
            (cpuset.v1.as_str(), cpuset.docker.as_str()),
            ("cpuset.cpus = 0-1", "--cpuset-cpus 0-1")
        );
        let nofile = of(&Limits { nofile: Some(64), ..base.clone() });
        assert_eq!(
            (nofile.v2.as_str(), nofile.docker.as_str()),
            ("RLIMIT_NOFILE = 64", "--ulimit nofile=64:64")
        );
        let nproc = of(&Limits { nproc: Some(64), ..base.clone() });
        assert_eq!(
            (nproc.v1.as_str(), nproc.docker.as_str()),
            ("RLIMIT_NPROC = 64", "--ulimit nproc=64:64")
        );
        let tmpfs = of(&Limits { tmpfs_bytes: Some(16 << 20), ..base.clone() });
        assert_eq!(
            (tmpfs.scenario.as_str(), tmpfs.docker.as_str()),
            ("tmpfs: 16Mi", "--tmpfs /tmp:size=16m")
        );
        let unified = BTreeMap::from([("memory.high".to_owned(), "48".to_owned())]);
        let unified = of(&Limits { unified, ..base.clone() });
        assert_eq!(
            (unified.v2.as_str(), unified.scenario.as_str()),
            ("memory.high = 48", "unified: {memory.high: 48}")
        );
        assert!(unified.v1.contains("skipped"));
        assert_eq!(of(&Limits { idle: true, ..base }).v2, "cpu.idle = 1");
    }

    #[test]
    fn swap_is_told_beside_the_memory_that_it_adds_to() {
        let limits = Limits {
            memory_bytes: Some(64 << 20),
            swap_bytes: Some(32 << 20),
            ..Limits::default()
        };
        let all = spelled(&limits);
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].scenario, "swap: 32Mi");
        assert_eq!(all[1].v2, "memory.swap.max = 33554432");
        assert_eq!(all[1].docker, "--memory-swap 96m");
    }

    #[test]
    fn amounts_are_short() {
        assert_eq!(
            (bytes(1 << 30), bytes(1500), bytes(0)),
            ("1Gi".into(), "1500".into(), "0".into())
        );
        assert_eq!((docker_bytes(512 << 20), docker_bytes(7)), ("512m".into(), "7b".into()));
        assert_eq!((millis(2000), millis(50)), ("2".into(), "50m".into()));
        assert_eq!((decimal_cpus(50), decimal_cpus(2000)), ("0.05".into(), "2".into()));
    }
}
