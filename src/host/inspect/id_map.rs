//! `/proc/PID/uid_map` and `gid_map`, user_namespaces(7), and the lines `Uid` and `Gid` of `status`.

use crate::record::{IdMapping, Ids};

/// The mappings of a user namespace; empty for one that has none yet, `None` where a line does not have three numbers.
#[must_use]
pub fn parse_map(text: &str) -> Option<Vec<IdMapping>> {
    text.lines().filter(|line| !line.trim().is_empty()).map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<IdMapping> {
    let mut numbers = line.split_whitespace().map(|word| word.parse::<u32>().ok());
    let mut next = || numbers.next().flatten();
    let mapping = IdMapping { inside: next()?, outside: next()?, count: next()? };
    numbers.next().is_none().then_some(mapping)
}

/// The four IDs of a line of `status`: real, effective, saved, of the file system.
#[must_use]
pub fn parse_ids(value: &str) -> Option<Ids> {
    let mut numbers = value.split_whitespace().map(|word| word.parse::<u32>().ok());
    let mut next = || numbers.next().flatten();
    Some(Ids { real: next()?, effective: next()?, saved: next()?, filesystem: next()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn maps_and_ids_are_read() {
        let all = IdMapping { inside: 0, outside: 0, count: u32::MAX };
        assert_eq!(parse_map("         0          0 4294967295\n"), Some(vec![all]));
        assert_eq!(parse_map(""), Some(Vec::new()));
        for wrong in ["0 0", "0 0 1 2", "a 0 1", "0 0 4294967296"] {
            assert_eq!(parse_map(wrong), None, "{wrong}");
        }
        let ids = parse_ids("0\t1000\t0\t1000").unwrap();
        assert_eq!((ids.real, ids.effective, ids.saved, ids.filesystem), (0, 1000, 0, 1000));
        assert_eq!(parse_ids("0 1 2"), None);
    }

    proptest! {
        #[test]
        fn what_the_kernel_prints_reads_back(map in proptest::collection::vec((0_u32.., 0_u32.., 0_u32..), 0..8)) {
            let text: String =
                map.iter().map(|(inside, outside, count)| format!("{inside:10} {outside:10} {count:10}\n")).collect();
            let read = parse_map(&text).unwrap();
            let back: Vec<_> = read.iter().map(|it| (it.inside, it.outside, it.count)).collect();
            prop_assert_eq!(back, map);
        }
    }
}
