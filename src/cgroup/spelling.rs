//! Whether the kernel shows what was written: it has spellings of its own.

use super::{Setting, io};
use crate::scenario::Resource;

/// The largest page size that Linux has as its basic one (arm64, powerpc), in bytes.
const LARGEST_PAGE: u64 = 65_536;

/// True when what a kernel file shows is what was written to it.
pub fn shows(setting: &Setting, seen: &str) -> bool {
    if matches!(setting.file.as_str(), "cpuset.cpus" | "cpuset.mems") {
        return same_list(&setting.value, seen);
    }
    if setting.is_io() && !setting.unified {
        return same_words(setting, &setting.value, seen) || io::shows(setting, seen);
    }
    same_words(setting, &setting.value, seen) || (setting.unified && shows_named(setting, seen))
}

/// True when two lists such as `0-2,5` hold the same numbers.
pub fn same_list(one: &str, other: &str) -> bool {
    parse_list(one) == parse_list(other)
}

/// The kernel prints pairs with its own blanks, and rounds memory down to whole pages.
fn same_words(setting: &Setting, written: &str, seen: &str) -> bool {
    if written.split_whitespace().eq(seen.split_whitespace()) {
        return true;
    }
    match (written.parse::<u64>(), seen.trim().parse::<u64>()) {
        (Ok(wanted), Ok(got)) if setting.resource == Resource::Memory => {
            got <= wanted && wanted - got < LARGEST_PAGE
        }
        _ => false,
    }
}

/// For files that a scenario names itself there are more spellings: lists of CPUs, one line for each device or key,
/// defaults filled in behind what was given, and fractions.
fn shows_named(setting: &Setting, seen: &str) -> bool {
    let written = setting.value.as_str();
    let given: Vec<&str> = written.split_whitespace().collect();
    let (key, pairs) = given.split_first().map_or(("", &[][..]), |(first, rest)| (*first, rest));
    let keyed = !pairs.is_empty() && pairs.iter().all(|word| word.contains('='));
    seen.lines().any(|line| {
        let line = line.strip_prefix("default ").unwrap_or(line);
        let shown: Vec<&str> = line.split_whitespace().collect();
        if keyed {
            return shown.first() == Some(&key) && pairs.iter().all(|word| shown.contains(word));
        }
        let same = |(given, shown): (&&str, &&str)| {
            same_words(setting, given, shown) || same_fraction(given, shown)
        };
        given.len() <= shown.len() && given.iter().zip(&shown).all(same)
    })
}

fn same_fraction(given: &str, shown: &str) -> bool {
    match (given.parse::<f64>(), shown.parse::<f64>()) {
        (Ok(given), Ok(shown)) => (given - shown).abs() < 0.005,
        _ => false,
    }
}

/// The numbers of a list such as `0-2,5`; what is no number is left out.
pub fn parse_list(text: &str) -> Vec<u32> {
    text.trim()
        .split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(resource: Resource, file: &str, value: &str, unified: bool) -> Setting {
        Setting {
            controller: String::new(),
            file: file.to_owned(),
            value: value.to_owned(),
            only_with_swap: false,
            unified,
            resource,
            limit: 0,
        }
    }

    #[test]
    fn limits_read_back_in_the_kernels_spelling() {
        let shows =
            |resource, file, value, seen| shows(&setting(resource, file, value, false), seen);
        assert!(shows(Resource::Pids, "pids.max", "64", "64\n"));
        for seen in ["max", "65", "63"] {
            assert!(!shows(Resource::Pids, "pids.max", "64", seen));
        }
        assert!(shows(Resource::Cpu, "cpu.max", "50000 100000", "50000  100000"));
        assert!(shows(Resource::Memory, "memory.max", "67109000", "67108864"));
        assert!(!shows(Resource::Memory, "memory.max", "67109000", "67112960"));
        assert!(!shows(Resource::Memory, "memory.max", "67109000", "66000000"));
    }

    #[test]
    fn files_named_by_a_scenario_read_back_in_the_kernels_spelling() {
        let shows = |file, value, seen| shows(&setting(Resource::Disk, file, value, true), seen);
        let line = "8:16 rbps=5\n8:0 rbps=1000 wbps=max riops=max";
        assert!(shows("io.max", "8:0 rbps=1000", line));
        assert!(!shows("io.max", "8:0 rbps=1000", "8:16 rbps=1000 wbps=max"));
        assert!(!shows("io.max", "8:0 rbps=1000", ""));
        assert!(shows("io.weight", "200", "default 200\n8:0 50"));
        assert!(shows("cpu.max", "50000", "50000 100000"));
        assert!(!shows("cpu.max", "100000", "max 100000"));
        assert!(shows("cpu.uclamp.min", "20", "20.00"));
        assert!(shows("cpuset.mems", "0-0", "0"));
        assert!(!shows("pids.max", "64", "65"));
    }

    #[test]
    fn lists_are_compared_by_what_they_hold() {
        assert!(same_list("0-1\n", "0,1"));
        assert!(!same_list("0", "1"));
        assert!(same_list("", ""));
    }
}
