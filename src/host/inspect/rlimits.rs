//! `/proc/PID/limits`: resource limits, getrlimit(2).

use std::collections::BTreeMap;

use crate::record::{Amount, Rlimit};

/// The kernel's labels (`fs/proc/base.c`, `lnames`) and the names that limits have in `RLIMIT_NAME`, lower case.
const LABELS: [(&str, &str); 16] = [
    ("Max cpu time", "cpu"),
    ("Max file size", "fsize"),
    ("Max data size", "data"),
    ("Max stack size", "stack"),
    ("Max core file size", "core"),
    ("Max resident set", "rss"),
    ("Max processes", "nproc"),
    ("Max open files", "nofile"),
    ("Max locked memory", "memlock"),
    ("Max address space", "as"),
    ("Max file locks", "locks"),
    ("Max pending signals", "sigpending"),
    ("Max msgqueue size", "msgqueue"),
    ("Max nice priority", "nice"),
    ("Max realtime priority", "rtprio"),
    ("Max realtime timeout", "rttime"),
];

/// The limits by name; lines that no known limit has are passed over. `None` where not one is known.
#[must_use]
pub fn parse(text: &str) -> Option<BTreeMap<String, Rlimit>> {
    let limits: BTreeMap<String, Rlimit> = text.lines().filter_map(parse_line).collect();
    (!limits.is_empty()).then_some(limits)
}

fn parse_line(line: &str) -> Option<(String, Rlimit)> {
    let (rest, name) = LABELS.iter().find_map(|(label, name)| {
        let rest = line.strip_prefix(label)?;
        rest.starts_with(' ').then_some((rest, *name))
    })?;
    let mut words = rest.split_whitespace();
    let soft = amount(words.next()?)?;
    let hard = amount(words.next()?)?;
    Some((name.to_owned(), Rlimit { soft, hard }))
}

fn amount(word: &str) -> Option<Amount> {
    if word == "unlimited" {
        return Some(Amount::Unlimited);
    }
    word.parse().ok().map(Amount::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_limit_of_this_process_is_known() {
        let text = std::fs::read_to_string("/proc/self/limits").unwrap();
        let limits = parse(&text).unwrap();
        // One line is the heading.
        assert_eq!(limits.len(), text.lines().count() - 1, "{text}");
        assert!(limits["nofile"].soft <= limits["nofile"].hard);
    }

    #[test]
    fn other_lines_are_passed_over() {
        assert_eq!(parse("Limit   Soft Limit   Hard Limit   Units\n"), None);
        let text = "Max open files            1024                 524288               files     \n\
                    Max new things            5                    6                    things    \n\
                    Max processes             unlimited            unlimited            processes \n";
        let limits = parse(text).unwrap();
        assert_eq!(limits.len(), 2);
        assert_eq!(limits["nofile"].hard, Amount::Number(524_288));
        assert_eq!(limits["nproc"].soft, Amount::Unlimited);
    }

    proptest! {
        #[test]
        fn what_the_kernel_prints_reads_back(soft: u64, hard: u64, index in 0_usize..16) {
            let (label, name) = LABELS[index];
            let text = format!("{label:<25} {soft:<20} {hard:<20} {:<10}\n", "units");
            let limits = parse(&text).unwrap();
            let expected = Rlimit { soft: Amount::Number(soft), hard: Amount::Number(hard) };
            prop_assert_eq!(limits[name], expected);
        }

        #[test]
        fn nothing_panics(text in "(Max open files)?\\PC{0,60}") {
            let _ = parse(&text);
        }
    }
}
