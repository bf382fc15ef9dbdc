//! Who runs on which CPUs. Pure.

use crate::cgroup::parse_list;
use crate::scenario::{Config, Placement, Role};

/// CPUs of everybody, each in the kernel's list format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpus {
    /// The node's cpuset.
    pub node: String,
    /// The attacker's.
    pub attacker: String,
    /// The victim's.
    pub victim: String,
    /// The harness's and the watcher's.
    pub harness: Vec<u32>,
    /// True when attacker and victim share CPUs although `apart` was asked for, because there is only one.
    pub forced_together: bool,
}

impl Cpus {
    /// How many CPUs attacker and victim of a config both may use.
    #[must_use]
    pub fn shared(&self, config: &Config) -> u32 {
        let of = |role, usual: &str| {
            let own = config.sandbox(role).and_then(|it| it.limits.cpuset.as_deref());
            parse_list(own.unwrap_or(usual))
        };
        let victim = of(Role::Victim, &self.victim);
        let attacker = of(Role::Attacker, &self.attacker);
        let both = attacker.iter().filter(|cpu| victim.contains(cpu)).count();
        u32::try_from(both).unwrap_or(u32::MAX)
    }
}

/// Places everybody on `wanted` of the `available` CPUs.
///
/// Apart: the attacker gets the first half, the victim the rest, and the harness, which is quiet during blocks, sits with
/// the attacker. Together: attacker and victim share the last CPU, and the harness sits on the others.
#[must_use]
pub fn place(placement: Placement, wanted: u32, available: &[u32]) -> Cpus {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).max(1);
    let node = &available[..wanted.min(available.len())];
    let Some((&last, others)) = node.split_last() else {
        return Cpus {
            node: String::new(),
            attacker: String::new(),
            victim: String::new(),
            harness: Vec::new(),
            forced_together: false,
        };
    };
    let forced_together = placement == Placement::Apart && others.is_empty();
    let (attacker, victim, harness) = if placement == Placement::Apart && !forced_together {
        let (first, rest) = node.split_at(node.len() / 2);
        (first.to_vec(), rest.to_vec(), first.to_vec())
    } else {
        let elsewhere: Vec<u32> = available.iter().copied().filter(|&cpu| cpu != last).collect();
        let harness = if elsewhere.is_empty() { vec![last] } else { elsewhere };
        (vec![last], vec![last], harness)
    };
    Cpus {
        node: list(node),
        attacker: list(&attacker),
        victim: list(&victim),
        harness,
        forced_together,
    }
}

fn list(cpus: &[u32]) -> String {
    cpus.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_two_cpus_apart_means_one_each() {
        let cpus = place(Placement::Apart, 2, &[0, 1]);
        assert_eq!((cpus.attacker.as_str(), cpus.victim.as_str()), ("0", "1"));
        assert_eq!(cpus.harness, [0]);
        assert!(!cpus.forced_together);
    }

    #[test]
    fn together_leaves_the_harness_elsewhere() {
        let cpus = place(Placement::Together, 2, &[0, 1]);
        assert_eq!((cpus.attacker.as_str(), cpus.victim.as_str()), ("1", "1"));
        assert_eq!(cpus.harness, [0]);
        let cpus = place(Placement::Together, 1, &[2, 3]);
        assert_eq!((cpus.node.as_str(), cpus.victim.as_str()), ("2", "2"));
        assert_eq!(cpus.harness, [3]);
    }

    #[test]
    fn one_cpu_is_shared_and_that_is_said() {
        let cpus = place(Placement::Apart, 2, &[5]);
        assert_eq!((cpus.attacker.as_str(), cpus.victim.as_str()), ("5", "5"));
        assert!(cpus.forced_together);
    }

    #[test]
    fn more_cpus_are_halved() {
        let cpus = place(Placement::Apart, 4, &[0, 1, 2, 3, 4]);
        assert_eq!((cpus.attacker.as_str(), cpus.victim.as_str()), ("0,1", "2,3"));
        assert_eq!(cpus.node, "0,1,2,3");
    }
}
