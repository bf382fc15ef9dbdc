//! Pressure of each sandbox and of the node while a case ran (the kernel's Documentation/accounting/psi.rst).
//!
//! The files `*.pressure` are in the unified hierarchy, with or without controllers in it; there are none where only version 1 is mounted
//! or PSI is off.

use std::collections::BTreeMap;

use crate::cgroup::{Group, Pressure as Totals};
use crate::record::{Pressure, Stall};

/// The pressure of one group since it was made.
#[must_use]
pub fn of(group: &Group) -> Option<Pressure> {
    let stall = |resource: &str| group.pressure(resource).map(stall);
    Some(Pressure { cpu: stall("cpu")?, memory: stall("memory"), io: stall("io") })
}

/// Those of the groups that have any, by name.
#[must_use]
pub fn of_all(groups: &[(&str, &Group)]) -> BTreeMap<String, Pressure> {
    groups.iter().filter_map(|(name, group)| Some(((*name).to_owned(), of(group)?))).collect()
}

fn stall(totals: Totals) -> Stall {
    let milliseconds = |us: u64| std::time::Duration::from_micros(us).as_secs_f64() * 1e3;
    Stall { some_ms: milliseconds(totals.some_us), full_ms: milliseconds(totals.full_us) }
}
