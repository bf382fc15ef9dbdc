//! How much slower a victim may get, where a file says so.

use std::collections::BTreeMap;

use super::Resource;

/// The tolerances that a file gives, in percent; what is not in it has the judge's own.
///
/// The key is a resource, or one probe of it by its operation (`work` of `cpu/work`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tolerances(pub BTreeMap<(Resource, Option<String>), u16>);

impl Tolerances {
    /// The percent given for a probe, 1 to 1000: its own before its resource's. `operation` is the second part of the probe's name.
    #[must_use]
    pub fn percent_of(&self, resource: Resource, operation: &str) -> Option<u16> {
        let of_probe = self.0.get(&(resource, Some(operation.to_owned())));
        of_probe.or_else(|| self.0.get(&(resource, None))).copied()
    }

    /// These over those of the top of the file. A resource that is named here loses what was said of its probes there, which
    /// would otherwise still win.
    #[must_use]
    pub(super) fn over(&self, below: &Self) -> Self {
        let mut all = below.clone();
        all.0.retain(|(resource, _), _| !self.0.contains_key(&(*resource, None)));
        all.0.extend(self.0.clone());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(list: &[(Resource, Option<&str>, u16)]) -> Tolerances {
        let entry = |&(resource, probe, percent): &(Resource, Option<&str>, u16)| {
            ((resource, probe.map(str::to_owned)), percent)
        };
        Tolerances(list.iter().map(entry).collect())
    }

    #[test]
    fn the_probe_comes_before_its_resource() {
        let all = given(&[(Resource::Cpu, None, 10), (Resource::Cpu, Some("work"), 20)]);
        assert_eq!(all.percent_of(Resource::Cpu, "work"), Some(20));
        assert_eq!(all.percent_of(Resource::Cpu, "other"), Some(10));
        assert_eq!(all.percent_of(Resource::Pids, "work"), None);
    }

    #[test]
    fn a_resource_replaces_the_probes_below_it() {
        let below = given(&[(Resource::Cpu, Some("work"), 20), (Resource::Pids, None, 30)]);
        let top = given(&[(Resource::Cpu, None, 50)]);
        let both = top.over(&below);
        assert_eq!(both, given(&[(Resource::Cpu, None, 50), (Resource::Pids, None, 30)]));
        let probe = given(&[(Resource::Pids, Some("fork"), 40)]).over(&below);
        assert_eq!(probe.percent_of(Resource::Pids, "fork"), Some(40));
        assert_eq!(probe.percent_of(Resource::Pids, "other"), Some(30));
    }
}
