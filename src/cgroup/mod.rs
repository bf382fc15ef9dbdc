//! Control groups: creation, limits, counters, killing and removal, on version 1, version 2 and hybrid machines.
//!
//! This room is told where the hierarchies are; it never assumes a path, so fixture trees test it without privilege.
//! See cgroups(7) and the kernel's `admin-guide/cgroup-v1` and `admin-guide/cgroup-v2.rst`.

mod change;
mod counters;
mod error;
mod file;
mod group;
mod hierarchy;
mod io;
mod kill;
mod knob;
mod spelling;
mod step;

pub use counters::{Counters, Peak, Pressure};
pub use error::CgroupError;
pub use group::Group;
pub use hierarchy::{Hierarchies, Hierarchy, Version};
pub use io::{Traffic, rate_key};
pub use knob::{CPU_PERIOD_US, Setting, node_settings, settings};
pub use spelling::parse_list;
pub use step::GroupStep;
