//! Limits on what a sandbox reads from and writes to the node's disk.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units;

/// Limits on the node's disk, all of them at the device; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct IoLimits {
    /// Bytes read in each second.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rbps: Option<u64>,
    /// Bytes written in each second.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wbps: Option<u64>,
    /// Reads in each second.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub riops: Option<u64>,
    /// Writes in each second.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wiops: Option<u64>,
    /// The share beside others that want the disk, 1 to 10000, where the kernel has such.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weight: Option<u64>,
}

impl IoLimits {
    /// The rates that are limited, by their keys.
    pub fn rates(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = [
            ("rbps", self.rbps),
            ("wbps", self.wbps),
            ("riops", self.riops),
            ("wiops", self.wiops),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }
}

impl fmt::Display for IoLimits {
    /// As a scenario writes it: `{wbps: 2Mi, wiops: 100}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |(key, value): (&str, u64)| match key.ends_with("bps") {
            true => format!("{key}: {}", units::format_bytes(value)),
            false => format!("{key}: {value}"),
        };
        let weight = self.weight.map(|weight| format!("weight: {weight}"));
        let all: Vec<String> = self.rates().map(rate).chain(weight).collect();
        write!(f, "{{{}}}", all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_spelled_as_scenarios_write_them() {
        let io = IoLimits { wbps: Some(2 << 20), riops: Some(100), ..IoLimits::default() };
        assert_eq!(io.to_string(), "{wbps: 2Mi, riops: 100}");
        let io = IoLimits { weight: Some(50), ..IoLimits::default() };
        assert_eq!(io.to_string(), "{weight: 50}");
    }
}
