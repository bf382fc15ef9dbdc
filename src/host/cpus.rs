//! Which CPUs there are and which of them this process may use; the kernel's list format.

use super::{HostError, Roots, status};

/// The CPUs of the machine, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cpus {
    /// Online, ascending.
    pub online: Vec<u32>,
    /// Online and allowed to this process by its affinity and cpuset, ascending.
    pub usable: Vec<u32>,
}

impl Cpus {
    /// Reads `/sys/devices/system/cpu/online` and `Cpus_allowed_list` of `/proc/self/status`.
    ///
    /// # Errors
    /// [`HostError::Unreadable`] or [`HostError::Unexpected`].
    pub fn read(roots: &Roots) -> Result<Self, HostError> {
        let allowed = status::field(&roots.read_proc("self/status")?, "Cpus_allowed_list")
            .map_or(Ok(Vec::new()), |list| {
                parse_list(&list, "/proc/self/status Cpus_allowed_list")
            })?;
        // Containers may hide that part of sysfs; then the allowed CPUs are all that is known.
        let online = match roots.read_sys("devices/system/cpu/online") {
            Ok(list) => parse_list(&list, "/sys/devices/system/cpu/online")?,
            Err(_) => allowed.clone(),
        };
        let usable = online.iter().copied().filter(|cpu| allowed.contains(cpu)).collect();
        Ok(Self { online, usable })
    }
}

/// How QEMU calls a CPU that it emulates itself, unless it was asked for another model.
const EMULATED: &str = "QEMU TCG CPU";

/// True when `/proc/cpuinfo` names a CPU that QEMU emulates (its models `max` and `base` without KVM). What hides behind another name is
/// not known for emulated.
#[must_use]
pub fn emulated(roots: &Roots) -> bool {
    let names_itself = |line: &str| {
        line.split_once(':').is_some_and(|(key, value)| {
            key.trim_end() == "model name" && value.trim_start().starts_with(EMULATED)
        })
    };
    roots.read_proc("cpuinfo").is_ok_and(|text| text.lines().any(names_itself))
}

/// Highest CPU number accepted in a list: a bound on memory, well above the kernel's own `NR_CPUS` (8192).
const HIGHEST_CPU: u32 = 65_535;

/// Reads the kernel's list format, such as `0-3,8`, into ascending numbers; blank is the empty list.
///
/// The format is described in cpuset(7), "List format".
///
/// # Errors
/// [`HostError::Unexpected`] naming `file`, for anything else than numbers and rising ranges up to 65535.
pub fn parse_list(list: &str, file: &str) -> Result<Vec<u32>, HostError> {
    let unexpected = || HostError::Unexpected {
        file: file.to_owned(),
        value: list.trim().to_owned(),
        expected: "a list of CPUs such as `0-3,8`",
    };
    let mut cpus = Vec::new();
    for part in list.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: u32 = first.trim().parse().map_err(|_| unexpected())?;
        let last: u32 = last.trim().parse().map_err(|_| unexpected())?;
        if first > last || last > HIGHEST_CPU {
            return Err(unexpected());
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// Writes ascending numbers in the kernel's list format: `[0, 1, 2, 8]` is `0-2,8`.
#[must_use]
pub fn format_list(cpus: &[u32]) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for &cpu in cpus {
        match parts.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(cpu) => *last = cpu,
            _ => parts.push((cpu, cpu)),
        }
    }
    let text = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    parts.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_hold_numbers_and_ranges() {
        assert_eq!(parse_list("0-3,8\n", "f").unwrap(), [0, 1, 2, 3, 8]);
        assert_eq!(parse_list("\n", "f").unwrap(), [0_u32; 0]);
        for wrong in ["3-1", "a", "1-", "-1", "0-99999999"] {
            assert!(parse_list(wrong, "f").is_err(), "{wrong}");
        }
        assert_eq!(format_list(&[0, 1, 2, 8]), "0-2,8");
        assert_eq!(format_list(&[]), "");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(set in proptest::collection::btree_set(0_u32..300, 0..40)) {
            let cpus: Vec<u32> = set.into_iter().collect();
            prop_assert_eq!(parse_list(&format_list(&cpus), "f").unwrap(), cpus);
        }
    }
}
